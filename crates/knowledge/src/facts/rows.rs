//! One row of the annotations with its ids looked up.

use ligate_model::TermId;

use super::{Frequency, Note, Notes, PhenotypeRow, Reference};
use crate::{
    ontology::{Ontology, Resolution, Term},
    sources::hpoa::{AnnotationRow, Aspect, RowFrequency, RowReference},
};

/// HP:0003674, "Onset".
const ONSET: u32 = 3_674;
/// HP:0040279, "Frequency".
const FREQUENCY: u32 = 40_279;
/// HP:0012823, "Clinical modifier".
const MODIFIER: u32 = 12_823;

/// Looks rows up in an ontology.
pub(super) struct Rows<'a> {
    pub(super) ontology: &'a Ontology,
}

/// Whether the term is an onset.
pub(super) fn is_onset(ontology: &Ontology, term: Term) -> bool {
    below(ontology, term, ONSET)
}

fn below(ontology: &Ontology, term: Term, number: u32) -> bool {
    let group = TermId::from_number(number).and_then(|id| ontology.term(id));
    group.is_some_and(|group| ontology.is_a(term, group))
}

impl Rows<'_> {
    /// The row; `None` where its term cannot be used.
    pub(super) fn row(&self, row: &AnnotationRow, notes: &mut Notes) -> Option<PhenotypeRow> {
        let term = self.resolve(row.term, row, notes);
        let Some(term) = term else {
            notes.add(Note::UnknownTerm, || {
                format!("{} of {}", row.term, row.disease)
            });
            return None;
        };
        if row.aspect == Aspect::Phenotype && !self.ontology.is_phenotype(term) {
            notes.add(Note::NotPhenotype, || {
                format!("{} of {}", row.term, row.disease)
            });
            return None;
        }
        let modifiers = row
            .modifiers
            .iter()
            .filter_map(|&id| self.detail(id, MODIFIER, row, notes))
            .collect();
        Some(PhenotypeRow {
            term,
            source: row.disease,
            absent: row.absent,
            frequency: self.frequency(row, notes),
            references: references(&row.references),
            onset: row.onset.and_then(|id| self.detail(id, ONSET, row, notes)),
            sex: row.sex,
            modifiers,
        })
    }

    /// The term in force; replaced ids are noted.
    fn resolve(&self, id: TermId, row: &AnnotationRow, notes: &mut Notes) -> Option<Term> {
        match self.ontology.resolve(id) {
            Resolution::Current(term) => Some(term),
            Resolution::Replaced { by } => {
                notes.add(Note::ReplacedTerm, || {
                    format!("{id} of {} is {}", row.disease, self.ontology.id(by))
                });
                Some(by)
            }
            Resolution::Obsolete { .. } | Resolution::Unknown => None,
        }
    }

    /// An onset, modifier or frequency term of its group.
    fn detail(
        &self,
        id: TermId,
        group: u32,
        row: &AnnotationRow,
        notes: &mut Notes,
    ) -> Option<Term> {
        let term = self
            .resolve(id, row, notes)
            .filter(|&term| below(self.ontology, term, group));
        if term.is_none() {
            notes.add(Note::UnknownDetail, || format!("{id} of {}", row.disease));
        }
        term
    }

    fn frequency(&self, row: &AnnotationRow, notes: &mut Notes) -> Frequency {
        match row.frequency {
            RowFrequency::Unstated => Frequency::Unstated,
            RowFrequency::Counts { m, n } => Frequency::Counts { m, n },
            RowFrequency::Share(share) => Frequency::Share(share),
            RowFrequency::Term(id) => self
                .detail(id, FREQUENCY, row, notes)
                .map_or(Frequency::Unstated, Frequency::Term),
        }
    }
}

/// The references, a publication or catalogue each once: a row that names one twice still rests on
/// it alone.
fn references(stated: &[RowReference]) -> Vec<Reference> {
    let mut references: Vec<Reference> = Vec::with_capacity(stated.len());
    for reference in stated.iter().map(reference) {
        if reference == Reference::Other || !references.contains(&reference) {
            references.push(reference);
        }
    }
    references
}

fn reference(reference: &RowReference) -> Reference {
    match *reference {
        RowReference::Publication(pmid) => Reference::Publication(pmid),
        RowReference::Catalogue(entry) => Reference::Catalogue(entry),
        RowReference::Other => Reference::Other,
    }
}
