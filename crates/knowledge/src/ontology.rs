//! The Human Phenotype Ontology as a graph: terms, names, synonyms, edges. Alternative and obsolete
//! ids resolve to the term in force, with a note. It refuses terms that it does not know, and a
//! graph that has a cycle or no root.

mod build;
mod graph;
mod stored;
mod words;

use ligate_model::TermId;

pub use crate::sources::obo::{SynonymKind, SynonymScope};
pub use build::{OntologyError, OntologyNote};
pub(crate) use stored::{StoredNames, StoredOntology};
pub(crate) use words::{StoredWords, Words};

use graph::Lists;

/// A term's place in an [`Ontology`]: dense, from 0, in the order of term ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u32);

impl Term {
    /// The place as an index of arrays over terms.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What became of an id that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A term in force.
    Current(Term),
    /// An alternative or replaced id of a term in force.
    Replaced {
        by: Term,
    },
    /// Obsolete without a successor; terms to consider instead, if the ontology names any.
    Obsolete {
        consider: Vec<TermId>,
    },
    Unknown,
}

/// An ontology: one root, no cycles, every term below the root. Made from a release or from a
/// knowledge file.
#[derive(Clone, Debug, PartialEq)]
pub struct Ontology {
    version: String,
    /// Ascending; a term's place is its index.
    ids: Vec<TermId>,
    names: Words,
    synonyms: Synonyms,
    parents: Lists,
    children: Lists,
    ancestors: Lists,
    topological: Vec<Term>,
    /// Ids that are not in force, ascending.
    former: Vec<(TermId, Former)>,
    root: Term,
    phenotype_root: Term,
}

/// Synonyms of all terms, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
struct Synonyms {
    /// Where each term's synonyms start; one more than there are terms.
    starts: Vec<u32>,
    texts: Words,
    kinds: Vec<(SynonymScope, SynonymKind)>,
}

/// What became of an id that is no longer in force.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Former {
    Replaced(Term),
    Obsolete(Vec<TermId>),
}

/// A synonym of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synonym<'a> {
    pub text: &'a str,
    pub scope: SynonymScope,
    pub kind: SynonymKind,
}

impl Ontology {
    /// How many terms are in force, the root included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Never: an ontology has a root.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The release, as `2025-01-16`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All terms in force, in the order of their ids.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = Term> + use<> {
        (0..self.ids.len() as u32).map(Term)
    }

    /// What became of this id.
    pub fn resolve(&self, id: TermId) -> Resolution {
        if let Ok(place) = self.ids.binary_search(&id) {
            return Resolution::Current(Term(place as u32));
        }
        let place = self.former.binary_search_by_key(&id, |(former, _)| *former);
        match place.ok().and_then(|place| self.former.get(place)) {
            Some((_, Former::Replaced(by))) => Resolution::Replaced { by: *by },
            Some((_, Former::Obsolete(consider))) => Resolution::Obsolete {
                consider: consider.clone(),
            },
            None => Resolution::Unknown,
        }
    }

    /// The term in force behind a current, alternative or replaced id.
    pub fn term(&self, id: TermId) -> Option<Term> {
        match self.resolve(id) {
            Resolution::Current(term) | Resolution::Replaced { by: term } => Some(term),
            Resolution::Obsolete { .. } | Resolution::Unknown => None,
        }
    }

    /// Panics on a term of another ontology, as do all functions that take a term.
    pub fn id(&self, term: Term) -> TermId {
        self.ids[term.index()]
    }

    pub fn name(&self, term: Term) -> &str {
        self.names.get(term.index())
    }

    /// The term's synonyms, in the release's order.
    pub fn synonyms(&self, term: Term) -> impl Iterator<Item = Synonym<'_>> {
        let starts = &self.synonyms.starts;
        (starts[term.index()] as usize..starts[term.index() + 1] as usize).map(|at| {
            let (scope, kind) = self.synonyms.kinds[at];
            Synonym {
                text: self.synonyms.texts.get(at),
                scope,
                kind,
            }
        })
    }

    /// The terms right above, ascending.
    pub fn parents(&self, term: Term) -> &[Term] {
        self.parents.get(term)
    }

    /// The terms right below, ascending.
    pub fn children(&self, term: Term) -> &[Term] {
        self.children.get(term)
    }

    /// The term itself and all above it up to the root, ascending.
    pub fn ancestors(&self, term: Term) -> &[Term] {
        self.ancestors.get(term)
    }

    /// The term itself and all below it, ascending. Walks the graph at every call.
    pub fn descendants(&self, term: Term) -> Vec<Term> {
        let mut found = vec![term];
        let mut next = 0;
        let mut seen = vec![false; self.len()];
        while let Some(&term) = found.get(next) {
            next += 1;
            for &child in self.children(term) {
                if !std::mem::replace(&mut seen[child.index()], true) {
                    found.push(child);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Whether `ancestor` is the term itself or above it.
    pub fn is_a(&self, term: Term, ancestor: Term) -> bool {
        self.ancestors(term).binary_search(&ancestor).is_ok()
    }

    /// All terms, parents before children.
    pub fn topological(&self) -> &[Term] {
        &self.topological
    }

    /// These terms without those that are ancestors of others, each once, in the order given.
    pub fn most_specific(&self, terms: &[Term]) -> Vec<Term> {
        let above = |term: Term| {
            terms
                .iter()
                .any(|&other| other != term && self.is_a(other, term))
        };
        let mut kept = Vec::with_capacity(terms.len());
        for &term in terms {
            if !kept.contains(&term) && !above(term) {
                kept.push(term);
            }
        }
        kept
    }

    /// HP:0000001, "All".
    pub fn root(&self) -> Term {
        self.root
    }

    /// HP:0000118, "Phenotypic abnormality".
    pub fn phenotype_root(&self) -> Term {
        self.phenotype_root
    }

    /// Whether the term is HP:0000118 or below it: what a patient or a disease can have.
    pub fn is_phenotype(&self, term: Term) -> bool {
        self.is_a(term, self.phenotype_root)
    }
}

#[cfg(test)]
mod tests;
