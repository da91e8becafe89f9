//! Labels of a list to terms of a case.

use ligate_model::{Case, TermId};
use ligate_records::{
    phenopacket::Note,
    term_list::{self, Label},
};

use super::Matcher;
use crate::ontology::Ontology;

impl Matcher {
    /// Adds the terms that labels name. A label beside an id of the same term adds nothing. What
    /// comes back was not recognised.
    pub fn add_labels(
        &self,
        ontology: &Ontology,
        case: &mut Case,
        labels: Vec<Label>,
        notes: &mut Vec<Note>,
    ) -> Vec<Label> {
        let (mut terms, mut unknown) = (Vec::new(), Vec::new());
        for label in labels {
            let found = self.named(ontology, &label);
            let beside = label
                .beside
                .and_then(|id| ontology.term(id))
                .map(|term| ontology.id(term));
            match &found[..] {
                [] if label.beside.is_none() => unknown.push(label),
                [(id, _)] if Some(*id) == beside => {}
                // The id counts where a text beside it is no label of a term.
                found => terms.extend_from_slice(found),
            }
        }
        term_list::add_terms(case, &terms, notes);
        unknown
    }

    /// The terms of one entry, and whether each is excluded: the whole as written, the whole
    /// without what excludes it, or every part between commas.
    fn named(&self, ontology: &Ontology, label: &Label) -> Vec<(TermId, bool)> {
        let id = |text: &str| self.resolve(text).map(|term| ontology.id(term));
        if let Some(term) = id(&label.written) {
            return vec![(term, false)];
        }
        if let Some(term) = id(&label.text) {
            return vec![(term, label.excluded)];
        }
        let parts: Option<Vec<(TermId, bool)>> = label
            .text
            .split(',')
            .map(|part| Some((id(part)?, label.excluded)))
            .collect();
        parts.unwrap_or_default()
    }
}
