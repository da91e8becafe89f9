//! What is known of diseases and genes: one compact, versioned file of facts (ids, names, edges,
//! frequencies, references), merged over catalogues. Built from the official releases, read whole
//! or section by section. It refuses files that are cut, changed or of another version, and holds
//! nothing of any patient.

mod build;
mod chains;
mod classes;
mod error;
mod file;
mod gene_facts;
mod gene_names;
mod genes;
mod notes;
mod references;
mod rows;
mod stored_diseases;
mod stored_genes;
mod version;

use std::collections::HashMap;

use ligate_model::{DiseaseId, Pmid, Sex};

use crate::ontology::{Ontology, Term};

pub use build::Sources;
pub use chains::Direction;
pub use error::KnowledgeError;
pub use file::{Builder, KnowledgeFile, SectionName};
pub use gene_facts::GeneFacts;
pub use notes::{Note, Notes};
pub use version::{KnowledgeVersion, SourceVersions};

use gene_names::GeneNames;

/// A disease class's place in the knowledge: dense, from 0. OMIM and Orphanet entries that MONDO
/// calls exact matches of one class are one disease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiseaseIndex(pub u32);

impl DiseaseIndex {
    /// The place as an index of arrays over diseases.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A gene's place in the knowledge: dense, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GeneIndex(pub u32);

impl GeneIndex {
    /// The place as an index of arrays over genes.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A disease class.
#[derive(Clone, Debug, PartialEq)]
pub struct Disease {
    /// The id it is shown by: OMIM's where there is one (the smallest), else Orphanet's, else
    /// DECIPHER's.
    pub id: DiseaseId,
    /// All ids of the class in OMIM, Orphanet and DECIPHER, and its MONDO id; ascending.
    pub ids: Vec<DiseaseId>,
    pub name: String,
    /// Phenotype rows (aspect P) of all ids of the class, in the release's order.
    pub rows: Vec<PhenotypeRow>,
    /// All other rows with their references: inheritance, onset and course, modifiers, history.
    /// What rests on a publication that must not be known can be left out with them.
    pub clinical_rows: Vec<PhenotypeRow>,
    /// Modes of inheritance (descendants of HP:0000005), aspect I, and of CGD for its genes where
    /// rows lack them; ascending, each once.
    pub inheritance: Vec<Term>,
    /// Onsets (descendants of HP:0003674), aspect C and the rows' own onset column when every row
    /// agrees.
    pub onset: Vec<Term>,
    pub genes: Vec<GeneIndex>,
    /// Whether it is ranked: it has an OMIM id with at least one phenotype row in the release
    /// (whatever is left of them after publications are removed).
    pub candidate: bool,
}

/// One row of phenotype.hpoa: a term and how often patients have it.
#[derive(Clone, Debug, PartialEq)]
pub struct PhenotypeRow {
    pub term: Term,
    /// Which catalogue entry the row belongs to.
    pub source: DiseaseId,
    /// `NOT` rows: the disease is without this term.
    pub absent: bool,
    pub frequency: Frequency,
    pub references: Vec<Reference>,
    pub onset: Option<Term>,
    pub sex: Option<Sex>,
    pub modifiers: Vec<Term>,
}

/// How often a disease's patients have a term, as the row states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Frequency {
    Unstated,
    /// m of n patients, 0 <= m <= n, n > 0.
    Counts {
        m: u32,
        n: u32,
    },
    /// A share from 0 to 1.
    Share(f64),
    /// One of HPO's frequency terms (descendants of HP:0040279).
    Term(Term),
}

/// What a row rests on (the reference column is split at ';').
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    Publication(Pmid),
    /// A catalogue's own text, as OMIM's and Orphanet's.
    Catalogue(DiseaseId),
    /// Anything else (web pages, books).
    Other,
}

/// A gene, by HGNC.
#[derive(Clone, Debug, PartialEq)]
pub struct Gene {
    pub symbol: String,
    /// HGNC's locus group is "protein-coding gene".
    pub protein_coding: bool,
    pub hgnc: Option<u32>,
    pub entrez: Option<u32>,
    /// The number behind ENSG.
    pub ensembl: Option<u64>,
    pub diseases: Vec<DiseaseIndex>,
    /// Probability of loss-of-function intolerance, upper bound of the observed/expected ratio,
    /// missense z (gnomAD).
    pub constraint: Option<Constraint>,
}

/// gnomAD's constraint of a gene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constraint {
    pub pli: f32,
    pub loeuf: f32,
    pub missense_z: f32,
}

/// What is known of diseases and genes.
#[derive(Clone, Debug)]
pub struct Knowledge {
    pub version: KnowledgeVersion,
    pub ontology: Ontology,
    diseases: Vec<Disease>,
    genes: Vec<Gene>,
    gene_names: GeneNames,
    candidates: Vec<DiseaseIndex>,
    by_id: HashMap<DiseaseId, DiseaseIndex>,
}

/// Ascending, each once.
fn distinct<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

impl Knowledge {
    /// All disease classes, ordered by their ids.
    pub fn diseases(&self) -> &[Disease] {
        &self.diseases
    }

    /// Panics on an index of other knowledge.
    pub fn disease(&self, disease: DiseaseIndex) -> &Disease {
        &self.diseases[disease.index()]
    }

    /// The class that this id belongs to.
    pub fn find_disease(&self, id: DiseaseId) -> Option<DiseaseIndex> {
        self.by_id.get(&id).copied()
    }

    /// All genes, ordered by symbol: HGNC's without pseudogenes, and every gene that has a disease.
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    /// Panics on an index of other knowledge.
    pub fn gene(&self, gene: GeneIndex) -> &Gene {
        &self.genes[gene.index()]
    }

    /// A gene by its symbol, a previous symbol or an alias that no other gene has, whatever its
    /// case; by `HGNC:` and a number, an Ensembl id with or without version, `NCBIGene:`, `ENTREZ:`
    /// or a bare number.
    pub fn find_gene(&self, text: &str) -> Option<GeneIndex> {
        self.gene_names.find(text)
    }

    /// The diseases that are ranked, ascending.
    pub fn candidates(&self) -> &[DiseaseIndex] {
        &self.candidates
    }

    /// Puts the parts together; every index in them exists.
    fn assemble(
        version: KnowledgeVersion,
        ontology: Ontology,
        diseases: Vec<Disease>,
        genes: Vec<Gene>,
        gene_names: GeneNames,
    ) -> Self {
        let indices = (0..diseases.len() as u32).map(DiseaseIndex);
        let candidates = indices
            .clone()
            .filter(|disease| diseases[disease.index()].candidate)
            .collect();
        let ids = indices
            .zip(&diseases)
            .flat_map(|(index, disease)| disease.ids.iter().map(move |&id| (id, index)));
        let by_id = ids.collect();
        Self {
            version,
            ontology,
            diseases,
            genes,
            gene_names,
            candidates,
            by_id,
        }
    }
}

#[cfg(test)]
mod tests;
