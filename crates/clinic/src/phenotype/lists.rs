//! Which candidates have a term, and how often: for each term the candidates with F above 0, in their order, and for
//! each candidate the terms.

use std::collections::{BTreeMap, HashMap};

use crate::{
    knowledge::{DiseaseIndex, GeneIndex, Knowledge},
    ontology::{Ontology, Term},
    phenotype::{
        annotations::Profile,
        risen::{Risen, Riser},
    },
};

/// A candidate's place among the candidates, from 0.
pub(super) type Position = u32;

/// Which candidates each gene has; genes with one at least.
pub(super) struct Genes(Vec<(GeneIndex, Vec<Position>)>);

impl Genes {
    pub fn of(knowledge: &Knowledge, candidates: &[DiseaseIndex]) -> Self {
        let mut genes: BTreeMap<GeneIndex, Vec<Position>> = BTreeMap::new();
        for (position, disease) in (0..).zip(candidates) {
            for gene in &knowledge.disease(*disease).genes {
                genes.entry(*gene).or_default().push(position);
            }
        }
        Self(genes.into_iter().collect())
    }

    /// Where a gene is among the genes.
    pub fn place(&self, gene: GeneIndex) -> Option<usize> {
        self.0.binary_search_by_key(&gene, |(gene, _)| *gene).ok()
    }

    /// The genes' candidates, in the genes' order.
    pub fn positions(&self) -> impl Iterator<Item = &[Position]> {
        self.0.iter().map(|(_, positions)| positions.as_slice())
    }
}

/// All candidates' F, by term and by candidate, and their annotated absences.
pub(super) struct Lists {
    /// Entries of term t are `entries[starts[t]..starts[t + 1]]`.
    starts: Vec<u32>,
    entries: Vec<(Position, f64)>,
    pub risen: Vec<Risen>,
    absent: HashMap<Term, Vec<Position>>,
    /// Whether nothing at all is known of a candidate.
    pub empty: Vec<bool>,
}

/// Turns lists by candidate into lists by term.
fn by_term(terms: usize, risen: &[Risen]) -> (Vec<u32>, Vec<(Position, f64)>) {
    let mut starts = vec![0_u32; terms + 1];
    for term in risen.iter().flat_map(Risen::terms) {
        starts[term.index() + 1] += 1;
    }
    for at in 0..terms {
        starts[at + 1] += starts[at];
    }
    let mut next = starts.clone();
    let mut entries = vec![(0, 0.0); starts[terms] as usize];
    for (position, list) in (0..).zip(risen) {
        for (term, f) in list.iter() {
            let slot = &mut next[term.index()];
            entries[*slot as usize] = (position, f);
            *slot += 1;
        }
    }
    (starts, entries)
}
