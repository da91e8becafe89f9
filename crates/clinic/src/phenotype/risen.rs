//! A disease's frequencies raised to ancestors: F_d(t), the largest f over t and its descendants.
//! They rise here and nowhere else.

use ligate_knowledge::ontology::{Ontology, Term};

use crate::phenotype::annotations::Profile;

/// F_d(t) of one disease where it is above 0.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Risen {
    /// Ascending. Apart from the frequencies: a comparison reads the terms alone, of many diseases.
    terms: Vec<Term>,
    f: Vec<f64>,
}

impl Risen {
    /// By term, ascending.
    pub fn of(terms: impl IntoIterator<Item = (Term, f64)>) -> Self {
        let (terms, f) = terms.into_iter().unzip();
        Self { terms, f }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    pub fn iter(&self) -> impl Iterator<Item = (Term, f64)> + '_ {
        self.terms.iter().copied().zip(self.f.iter().copied())
    }

    /// F of a term, 0 where the disease is not known to have it.
    pub fn frequency(&self, term: Term) -> f64 {
        self.terms.binary_search(&term).map_or(0.0, |at| self.f[at])
    }

    /// Terms whose F differs between two profiles.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Term> + 'a {
        let lost = self.iter().filter(|(term, f)| other.frequency(*term) != *f);
        let gained = other
            .iter()
            .filter(|(term, _)| self.frequency(*term) <= 0.0);
        lost.chain(gained).map(|(term, _)| term)
    }
}

/// Raises profiles one after the other. Keeps one place per term between profiles.
pub(super) struct Riser<'o> {
    ontology: &'o Ontology,
    /// F by term; 0 throughout between profiles.
    f: Vec<f64>,
}

impl<'o> Riser<'o> {
    pub fn new(ontology: &'o Ontology) -> Self {
        Self {
            ontology,
            f: vec![0.0; ontology.len()],
        }
    }

    pub fn rise(&mut self, profile: &Profile) -> Risen {
        let mut touched = Vec::with_capacity(profile.terms.len() * 8);
        for annotated in &profile.terms {
            for ancestor in self.ontology.ancestors(annotated.term) {
                let f = &mut self.f[ancestor.index()];
                if *f <= 0.0 {
                    touched.push(*ancestor);
                }
                *f = f.max(annotated.f);
            }
        }
        touched.sort_unstable();
        Risen::of(
            touched
                .into_iter()
                .map(|term| (term, std::mem::take(&mut self.f[term.index()]))),
        )
    }
}
