//! What is told beside the ranking, on small genomes: 200 genes of 1000 coding bases on chromosome
//! 1, each of the last hundred with one inherited base change.

use ligate_formats::sites::Site;
use ligate_knowledge::{
    DiseaseIndex, GeneFacts, Knowledge, mini, sources::gene_tables::Constraint,
};
use ligate_model::{Contig, Position};

use crate::genome::{
    burden::Tolerance,
    examine::{Examination, sample},
    family::Family,
    frequency::{Sites, SitesBuilder},
    gene_model::{GeneModel, ModelGene, sample::model},
    rank::{
        Catalogue, GeneticDisease, GenomeRanking, KnownModes, PhenotypePrior, RankOptions,
        UnknownGene, rank,
    },
};

const GENES: usize = 200;
/// Genes of the model without a disease: one that tolerates no loss, one that does, and one
/// between.
const INTOLERANT: u32 = 2;
const TOLERANT: u32 = 3;
const BETWEEN: u32 = 4;
const FRAMESHIFT: (&str, &str) = ("CA", "C");

/// A place in a gene's exon.
fn place(gene: u32, offset: u32) -> u32 {
    1_000_000 * (gene + 1) + offset
}

struct Clinic {
    knowledge: Knowledge,
    model: GeneModel,
    catalogue: Catalogue,
}

fn clinic() -> Clinic {
    let constraint = |gene: &str, loeuf| Constraint {
        gene: gene.into(),
        transcript: "".into(),
        gene_id: "".into(),
        coding_length: None,
        pli: Some(0.5),
        loeuf: Some(loeuf),
        missense_z: Some(0.0),
    };
    let facts = GeneFacts {
        constraint: vec![
            constraint("TWIST1", 0.1),
            constraint("FIXX", 1.2),
            constraint("FGFR1", 0.6),
        ],
        ..GeneFacts::default()
    };
    let knowledge = mini::knowledge().with_gene_facts(&facts).unwrap().0;
    let mut genes = vec![None; GENES];
    let mut tolerances = vec![Tolerance::default(); GENES];
    for (gene, symbol) in [
        (INTOLERANT, "TWIST1"),
        (TOLERANT, "FIXX"),
        (BETWEEN, "FGFR1"),
    ] {
        let index = knowledge.find_gene(symbol).unwrap();
        genes[gene as usize] = Some(index);
        assert!(knowledge.gene(index).constraint.is_some());
    }
    let intolerant = ligate_knowledge::Constraint {
        pli: 1.0,
        loeuf: 0.1,
        missense_z: 0.0,
    };
    tolerances[..5].fill(Tolerance::of(intolerant, 1000));
    // Diseases 0, 1 and 2 are of genes 0, 1 and 5; nobody knows the others' genes.
    let mut diseases = vec![GeneticDisease::default(); knowledge.diseases().len()];
    for (disease, gene) in [(0, 0), (1, 1), (2, 5)] {
        diseases[disease] = GeneticDisease {
            genes: vec![ModelGene(gene)],
            genes_without_structure: 0,
            modes: KnownModes {
                dominant: true,
                ..KnownModes::default()
            },
        };
    }
    Clinic {
        knowledge,
        model: model(&[1000; GENES]),
        catalogue: Catalogue {
            diseases,
            tolerances,
            genes,
        },
    }
}

/// A list of alleles without frequencies that covers the first genes.
fn sites() -> Sites {
    let contig = Contig::new("1");
    let mut builder = SitesBuilder::new(0.0002, None);
    for gene in 0..5 {
        builder.add(&Site {
            contig: &contig,
            position: Position::new(place(gene, 400)),
            alleles: Some(("G", "T")),
            gene: None,
            term: None,
            loftee: None,
            frequency: None,
            allele_number: None,
            line: u64::from(gene) + 2,
        });
    }
    builder.finish().0
}

impl Clinic {
    fn examine(&self, family: Family, sites: Option<&Sites>, own: &[String]) -> Examination {
        let genotypes: &[&str] = if family.members().len() == 3 {
            &["0/1", "0/1", "0/0"]
        } else {
            &["0/1"]
        };
        let inherited = (100..GENES as u32)
            .map(|gene| sample::record(place(gene, 500), ("A", "C"), genotypes, true));
        let records: Vec<String> = own.iter().cloned().chain(inherited).collect();
        sample::examine(&self.model, sites, family, &records)
    }

    fn rank(
        &self,
        examination: &Examination,
        contributions: &dyn Fn(DiseaseIndex) -> Vec<f64>,
        options: RankOptions,
    ) -> GenomeRanking {
        let candidates = [0, 1, 2].map(DiseaseIndex);
        let count = self.knowledge.diseases().len();
        let prior = PhenotypePrior::from_scores(count, &candidates, &[3.0, 2.0, 1.0]);
        let Self {
            knowledge,
            model,
            catalogue,
        } = self;
        rank(
            knowledge,
            model,
            catalogue,
            &prior,
            examination,
            contributions,
            options,
        )
    }

    fn unknown(&self, examination: &Examination) -> Vec<UnknownGene> {
        self.rank(examination, &|_| Vec::new(), RankOptions::default())
            .unknown_genes
    }
}

/// Frameshifts of one person in these genes.
fn lost(genes: &[u32]) -> Vec<String> {
    genes
        .iter()
        .map(|gene| sample::record(place(*gene, 500), FRAMESHIFT, &["0/1"], true))
        .collect()
}

#[test]
fn two_diagnoses_need_terms_that_the_first_leaves() {
    let clinic = clinic();
    let sites = sites();
    let found = clinic.examine(sample::single(), Some(&sites), &lost(&[0, 1]));
    let of = |second: [f64; 4]| {
        let contributions = move |disease: DiseaseIndex| match disease.0 {
            0 => vec![1.0, 1.0, -1.0, -1.0],
            1 => second.to_vec(),
            _ => vec![0.0; 4],
        };
        clinic
            .rank(&found, &contributions, RankOptions::default())
            .two
    };
    let two = of([-1.0, -1.0, 1.0, 1.0]).unwrap();
    assert_eq!((two.first, two.second), (DiseaseIndex(0), DiseaseIndex(1)));
    assert_eq!(two.explained_by_second, [2, 3]);
    assert_eq!(of([1.0, 1.0, -1.0, 1.0]), None);
    // Without a variant in its gene the second is none, whatever it explains.
    let one = clinic.examine(sample::single(), Some(&sites), &lost(&[0]));
    let contributions = |disease: DiseaseIndex| match disease.0 {
        0 => vec![1.0, 1.0, -1.0, -1.0],
        _ => vec![1.0; 4],
    };
    assert_eq!(
        clinic
            .rank(&one, &contributions, RankOptions::default())
            .two,
        None
    );
}

#[test]
fn genes_without_any_variant_are_listed() {
    let clinic = clinic();
    let found = clinic.examine(sample::single(), None, &lost(&[0]));
    let ranking = clinic.rank(&found, &|_| Vec::new(), RankOptions::default());
    let genes: Vec<u32> = ranking.not_covered.iter().map(|gap| gap.gene.0).collect();
    assert_eq!(genes, [1, 5]);
    // 101 coding variants over 200 genes of one length.
    assert!(
        ranking
            .not_covered
            .iter()
            .all(|gap| (gap.expected - 101.0 / 200.0).abs() < 1e-9 && !gap.probably)
    );
}

#[test]
fn incidental_findings_are_hidden_unless_asked_for() {
    let clinic = clinic();
    let sites = sites();
    let found = clinic.examine(sample::single(), Some(&sites), &lost(&[0, 1]));
    let of = |incidental| {
        clinic.rank(
            &found,
            &|_| Vec::new(),
            RankOptions {
                leading: 1,
                incidental,
            },
        )
    };
    let hidden = of(false);
    assert_eq!(hidden.leading[0].disease, DiseaseIndex(0));
    assert_eq!((hidden.hidden, hidden.incidental.len()), (1, 0));
    let shown = of(true);
    assert_eq!((shown.hidden, shown.incidental.len()), (0, 1));
    assert_eq!(shown.incidental[0].best.gene, ModelGene(1));
}

#[test]
fn a_new_loss_in_an_intolerant_gene_of_no_disease_is_shown() {
    let clinic = clinic();
    let of = |gene, genotypes: &[&str], measured| {
        let own = sample::record(place(gene, 500), FRAMESHIFT, genotypes, measured);
        let found = clinic.unknown(&clinic.examine(sample::trio(), None, &[own]));
        found
            .iter()
            .map(|unknown| (unknown.gene.0, unknown.is_new))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(INTOLERANT, &["0/1", "0/0", "0/0"], true),
        [(INTOLERANT, true)]
    );
    // Inherited, new by calls that nothing measures, or in a gene that tolerates the loss.
    assert_eq!(of(INTOLERANT, &["0/1", "0/1", "0/0"], true), []);
    assert_eq!(of(INTOLERANT, &["0/1", "0/0", "0/0"], false), []);
    assert_eq!(of(TOLERANT, &["0/1", "0/0", "0/0"], true), []);
}

#[test]
fn without_parents_little_is_shown() {
    let clinic = clinic();
    let sites = sites();
    let of = |sites: Option<&Sites>, own: &[String]| {
        let found = clinic.unknown(&clinic.examine(sample::single(), sites, own));
        found
            .iter()
            .map(|unknown| (unknown.gene.0, unknown.is_new))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(Some(&sites), &lost(&[INTOLERANT, TOLERANT])),
        [(INTOLERANT, false)]
    );
    // No source covers the place: nobody knows whether it is rare.
    assert_eq!(of(None, &lost(&[INTOLERANT])), []);
    // Of both copies the loss is shown where the gene is not known to tolerate it.
    let far = |gene| sample::record(place(gene, 700), FRAMESHIFT, &["0/1"], true);
    let both = |gene| [lost(&[gene]), vec![far(gene)]].concat();
    assert_eq!(of(Some(&sites), &lost(&[BETWEEN])), []);
    assert_eq!(of(Some(&sites), &both(BETWEEN)), [(BETWEEN, false)]);
    assert_eq!(of(Some(&sites), &both(TOLERANT)), []);
    // Two indels that together keep the frame are one event without a loss.
    let near = sample::record(place(INTOLERANT, 508), ("C", "CA"), &["0/1"], true);
    assert_eq!(
        of(Some(&sites), &[lost(&[INTOLERANT]), vec![near]].concat()),
        []
    );
}
