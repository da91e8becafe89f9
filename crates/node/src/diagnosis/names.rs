//! Names for the indices of the knowledge, as a report writes them.

use ligate_knowledge::{Disease, DiseaseIndex, GeneIndex, Knowledge, Reference, ontology::Term};

use crate::report::diagnosis::TermName;

/// Puts names to indices.
#[derive(Clone, Copy)]
pub struct Names<'k>(pub &'k Knowledge);

impl<'k> Names<'k> {
    pub fn term(&self, term: Term) -> TermName {
        let ontology = &self.0.ontology;
        TermName {
            id: ontology.id(term).to_string(),
            name: ontology.name(term).to_owned(),
        }
    }

    pub fn terms(&self, terms: impl IntoIterator<Item = Term>) -> Vec<TermName> {
        terms.into_iter().map(|term| self.term(term)).collect()
    }

    pub fn gene(&self, gene: GeneIndex) -> String {
        self.0.gene(gene).symbol.to_string()
    }

    pub fn disease(&self, disease: DiseaseIndex) -> &'k Disease {
        self.0.disease(disease)
    }

    /// Modes of inheritance in words, without the word "inheritance" that all of them end with.
    pub fn inheritance(&self, disease: DiseaseIndex) -> Vec<String> {
        let modes = self.disease(disease).inheritance.iter();
        let name = |mode: &Term| {
            let name = self.0.ontology.name(*mode);
            name.strip_suffix(" inheritance").unwrap_or(name).to_owned()
        };
        modes.map(name).collect()
    }
}

/// References that a reader can look up.
pub fn references(references: &[Reference]) -> Vec<String> {
    let text = |reference: &Reference| match reference {
        Reference::Publication(publication) => Some(publication.to_string()),
        Reference::Catalogue(id) => Some(id.to_string()),
        Reference::Other => None,
    };
    references.iter().filter_map(text).collect()
}
