//! The phenopacket-store's patients as matchmaking sees them, and the figure that is published of
//! it: the rank of the best patient of the same gene in another publication, where no gene enters
//! the score.

#![allow(dead_code, reason = "each user takes what it needs")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use ligate_knowledge::{GeneIndex, Knowledge, KnowledgeFile, ontology::Term};
use ligate_model::{Case, Pmid};
use ligate_records::cases;

/// A patient of the store: the observed terms that this release knows, the genes of the diagnosis,
/// the publications.
pub struct Published {
    pub terms: Vec<Term>,
    pub genes: Vec<GeneIndex>,
    pub publications: BTreeSet<Pmid>,
}

/// Shares from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Patients with one of the same gene in another publication.
    pub queries: usize,
    /// Patients without one.
    pub alone: usize,
    /// How often the best of them is among the first ten.
    pub top10: f64,
    /// The mean over genes of the gene's mean.
    pub macro_top10: f64,
}

/// The knowledge that comes with the program.
pub fn knowledge() -> Knowledge {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/knowledge/hpo-2025-01-16.ligk");
    let bytes = std::fs::read(path).expect("the built-in knowledge");
    KnowledgeFile::open(&bytes)
        .and_then(|file| file.knowledge())
        .expect("the built-in knowledge is sound")
}

/// The store's patients, in its order; `None`, with a notice, where the data are absent.
pub fn store(knowledge: &Knowledge) -> Option<Vec<Published>> {
    let shared = std::env::var_os("LIGATE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data/phenopacket-store");
    if !path.exists() {
        eprintln!("skipped: data/phenopacket-store is not there (set LIGATE_SHARED)");
        return None;
    }
    let cases = cases::read(&path).expect("the store is readable");
    Some(
        cases
            .map(|record| published(knowledge, &record.case))
            .collect(),
    )
}

fn published(knowledge: &Knowledge, case: &Case) -> Published {
    let terms = case
        .observed_terms()
        .filter_map(|id| knowledge.ontology.term(id))
        .collect();
    let named = case.diagnoses.iter().flat_map(|diagnosis| &diagnosis.genes);
    let mut genes: Vec<_> = named.filter_map(|name| knowledge.find_gene(name)).collect();
    genes.sort_unstable();
    genes.dedup();
    Published {
        terms,
        genes,
        publications: case.publications.iter().copied().collect(),
    }
}

/// Ranks, for every patient, all patients of other publications by `scores`, which gives one score
/// for each.
pub fn figures<S: PartialOrd + Copy>(
    patients: &[Published],
    scores: impl Fn(&Published) -> Vec<S>,
) -> Figures {
    let mut by_gene: BTreeMap<GeneIndex, Vec<bool>> = BTreeMap::new();
    let mut alone = 0;
    for query in patients.iter().filter(|patient| !patient.genes.is_empty()) {
        let elsewhere =
            |other: &&(usize, &Published)| query.publications.is_disjoint(&other.1.publications);
        let others: Vec<_> = patients
            .iter()
            .enumerate()
            .filter(|other| elsewhere(&other))
            .collect();
        let same = |other: &Published| other.genes.iter().any(|gene| query.genes.contains(gene));
        if !others.iter().any(|(_, other)| same(other)) {
            alone += 1;
            continue;
        }
        let scores = scores(query);
        let scored = others
            .iter()
            .map(|&(place, other)| (scores[place], same(other)));
        by_gene
            .entry(query.genes[0])
            .or_default()
            .push(rank_of_best(scored) <= 10.0);
    }
    let share = |hits: &[bool]| hits.iter().filter(|&&hit| hit).count() as f64 / hits.len() as f64;
    let all: Vec<_> = by_gene.values().flatten().copied().collect();
    let macro_top10 = by_gene.values().map(|hits| share(hits)).sum::<f64>() / by_gene.len() as f64;
    Figures {
        queries: all.len(),
        alone,
        top10: share(&all),
        macro_top10,
    }
}

/// The rank, from 1, of the best of those that are marked: equal ones share the middle of their
/// places.
fn rank_of_best<S: PartialOrd + Copy>(scored: impl Iterator<Item = (S, bool)> + Clone) -> f64 {
    let marked = scored
        .clone()
        .filter(|(_, marked)| *marked)
        .map(|(score, _)| score);
    let best = marked
        .reduce(|best, score| if score > best { score } else { best })
        .expect("one is marked");
    let better = scored.clone().filter(|(score, _)| *score > best).count();
    let equal = scored.filter(|(score, _)| *score == best).count();
    1.0 + better as f64 + (equal - 1) as f64 / 2.0
}
