//! A registry's own patient, as counted: the disease's class and the most specific observed terms.
//! It refuses a case that states no disease, or more than one: a patient enters one batch of one
//! disease.

use std::collections::BTreeSet;

use ligate_knowledge::Knowledge;
use ligate_model::{Case, DiseaseId, TermId};

use crate::phenotype::Query;

/// What is counted of a patient.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryEntry {
    /// The id that the disease's class is shown by.
    pub disease: DiseaseId,
    /// Most specific observed phenotype terms, in force, each once. There may be none.
    pub terms: Vec<TermId>,
}

/// Why a case is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEntered {
    #[error("it states no diagnosis")]
    NoDisease,
    #[error("it states more than one disease; a patient is counted for one")]
    SeveralDiseases,
    #[error("its disease is not known to this release of the knowledge")]
    UnknownDisease,
}

/// What is counted of `case`. Ids of one class are one disease.
pub fn entry(case: &Case, knowledge: &Knowledge) -> Result<RegistryEntry, NotEntered> {
    if case.diagnoses.is_empty() {
        return Err(NotEntered::NoDisease);
    }
    let stated = case.diagnoses.iter().map(|diagnosis| diagnosis.disease);
    let classes: Option<BTreeSet<_>> = stated
        .map(|id| id.and_then(|id| knowledge.find_disease(id)))
        .collect();
    let classes = classes.ok_or(NotEntered::UnknownDisease)?;
    let (Some(class), None) = (classes.first(), classes.iter().nth(1)) else {
        return Err(NotEntered::SeveralDiseases);
    };
    let ontology = &knowledge.ontology;
    let observed: Vec<_> = case
        .observed_terms()
        .filter_map(|id| ontology.term(id))
        .filter(|term| ontology.is_phenotype(*term))
        .collect();
    let specific = Query::from_terms(ontology, &observed, &[]).observed;
    let terms = specific.into_iter().map(|term| ontology.id(term)).collect();
    Ok(RegistryEntry {
        disease: knowledge.disease(*class).id,
        terms,
    })
}
