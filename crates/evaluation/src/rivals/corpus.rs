//! What the published methods count over: which candidate is annotated to which terms, with some
//! candidates changed.

use std::collections::HashMap;

use ligate_clinic::phenotype::{Annotations, Profile};
use ligate_knowledge::{
    DiseaseIndex, Knowledge,
    ontology::{Ontology, Term},
};

/// A candidate's place among the candidates.
pub(super) type Position = usize;

/// The annotations of some candidates.
pub struct Corpus<'k> {
    pub(super) knowledge: &'k Knowledge,
    annotations: Annotations<'k>,
    candidates: Vec<DiseaseIndex>,
    positions: HashMap<DiseaseIndex, Position>,
    /// Terms with the terms below them, themselves included.
    below: Vec<Vec<Term>>,
}

impl<'k> Corpus<'k> {
    pub fn new(annotations: &Annotations<'k>, candidates: &[DiseaseIndex]) -> Self {
        let knowledge = annotations.knowledge();
        let ontology = &knowledge.ontology;
        let mut below = vec![Vec::new(); ontology.len()];
        for term in (0..ontology.len() as u32).map(Term) {
            for ancestor in ontology.ancestors(term) {
                below[ancestor.0 as usize].push(term);
            }
        }
        let positions = candidates
            .iter()
            .enumerate()
            .map(|(at, disease)| (*disease, at))
            .collect();
        Self {
            knowledge,
            annotations: annotations.clone(),
            candidates: candidates.to_vec(),
            positions,
            below,
        }
    }

    pub(super) fn ontology(&self) -> &'k Ontology {
        &self.knowledge.ontology
    }

    pub(super) fn candidates(&self) -> &[DiseaseIndex] {
        &self.candidates
    }

    pub(super) fn position(&self, disease: DiseaseIndex) -> Option<Position> {
        self.positions.get(&disease).copied()
    }

    pub(super) fn profile(&self, position: Position) -> &Profile {
        self.annotations.profile(self.candidates()[position])
    }

    /// The term and all below it.
    pub(super) fn below(&self, term: Term) -> &[Term] {
        &self.below[term.0 as usize]
    }

    /// All terms that a profile is annotated to, ancestors included, each once, sorted.
    pub(super) fn closure(&self, profile: &Profile) -> Vec<Term> {
        let ancestors = profile
            .terms
            .iter()
            .flat_map(|annotated| self.ontology().ancestors(annotated.term));
        let mut closure = ancestors.copied().collect::<Vec<_>>();
        closure.sort_unstable();
        closure.dedup();
        closure
    }

    /// The changes that concern candidates, by position.
    pub(super) fn changed(
        &self,
        changes: &[(DiseaseIndex, Profile)],
    ) -> HashMap<Position, Profile> {
        let known = |(disease, profile): &(DiseaseIndex, Profile)| {
            Some((self.position(*disease)?, profile.clone()))
        };
        changes.iter().filter_map(known).collect()
    }
}
