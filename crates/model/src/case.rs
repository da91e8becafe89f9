//! One patient as a clinic describes them: observed and excluded phenotype terms, onset, sex, and,
//! where the case is solved, the diagnosis. Built from a phenopacket, a list of terms or accepted
//! matches of a text.
//!
//! A case is personal data: it has no `Debug` that shows it.

use std::fmt;

use crate::{Assembly, DiseaseId, Pmid, TermId};

/// Karyotypic sex as recorded.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Sex {
    Female,
    Male,
}

/// An age in days since birth (a year has 365.25); below zero before birth.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct AgeDays(pub f64);

/// When something began: an age, or one of HPO's onset terms (descendants of HP:0003674).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Onset {
    Age(AgeDays),
    Term(TermId),
}

/// A phenotype term that was observed, with what is known of it.
#[derive(Clone, PartialEq)]
pub struct Observation {
    pub term: TermId,
    pub onset: Option<Onset>,
    /// HPO clinical modifiers (severity, laterality).
    pub modifiers: Vec<TermId>,
}

/// How many copies of an allele the patient carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Zygosity {
    Heterozygous,
    Homozygous,
    Hemizygous,
}

/// A variant that a solved case names, as written in its VCF record. Position counts from 1.
#[derive(Clone, PartialEq)]
pub struct ReportedVariant {
    pub assembly: Option<Assembly>,
    pub chromosome: String,
    pub position: u32,
    pub reference: String,
    pub alternate: String,
    pub zygosity: Option<Zygosity>,
    /// Gene symbol and id (HGNC, Ensembl or Entrez) as written.
    pub gene_symbol: Option<String>,
    pub gene_id: Option<String>,
}

/// A diagnosis that a case states.
#[derive(Clone, PartialEq)]
pub struct StatedDiagnosis {
    /// `None` where the file names a catalogue that is not known here.
    pub disease: Option<DiseaseId>,
    /// Gene symbols or ids (`HGNC:`, `ENSG…`, `NCBIGene:`) as written; empty where none is named.
    pub genes: Vec<String>,
}

/// A relative as a phenopacket's family or a pedigree file states it.
#[derive(Clone, PartialEq)]
pub struct Relative {
    pub individual: String,
    pub father: Option<String>,
    pub mother: Option<String>,
    pub sex: Option<Sex>,
    pub affected: Option<bool>,
}

/// One patient.
#[derive(Clone, Default, PartialEq)]
pub struct Case {
    /// The case's own id, as in its file. Never in logs or errors.
    pub id: String,
    /// The patient's id, which a VCF or PED file of the family uses.
    pub individual: String,
    pub sex: Option<Sex>,
    /// Age when last seen.
    pub age: Option<AgeDays>,
    /// In the file's order, each term once.
    pub observed: Vec<Observation>,
    /// Terms looked for and not found; none of them is in `observed`.
    pub excluded: Vec<TermId>,
    /// Onset of the disease as a whole, where stated.
    pub onset: Option<Onset>,
    pub diagnoses: Vec<StatedDiagnosis>,
    pub variants: Vec<ReportedVariant>,
    pub publications: Vec<Pmid>,
    pub family: Vec<Relative>,
}

impl Case {
    /// The observed terms, in order.
    pub fn observed_terms(&self) -> impl Iterator<Item = TermId> + '_ {
        self.observed.iter().map(|observation| observation.term)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (observed, excluded) = (self.observed.len(), self.excluded.len());
        write!(out, "Case({observed} observed, {excluded} excluded)")
    }
}
