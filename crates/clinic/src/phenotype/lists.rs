//! Which candidates have a term, and how often: for each term the candidates with F above 0, in
//! their order, and for each candidate the terms.

use std::collections::{BTreeMap, HashMap};

use ligate_knowledge::{
    DiseaseIndex, GeneIndex, Knowledge,
    ontology::{Ontology, Term},
};

use crate::phenotype::{
    annotations::Profile,
    risen::{Risen, Riser},
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

impl Lists {
    pub fn build<'p>(ontology: &Ontology, profiles: impl Iterator<Item = &'p Profile>) -> Self {
        let mut riser = Riser::new(ontology);
        let (mut risen, mut empty) = (Vec::new(), Vec::new());
        let mut absent: HashMap<Term, Vec<Position>> = HashMap::new();
        for (position, profile) in (0..).zip(profiles) {
            risen.push(riser.rise(profile));
            empty.push(profile.is_empty());
            for term in &profile.absent {
                absent.entry(*term).or_default().push(position);
            }
        }
        let (starts, entries) = by_term(ontology.len(), &risen);
        Self {
            starts,
            entries,
            risen,
            absent,
            empty,
        }
    }

    /// Candidates with F above 0, in order.
    pub fn of(&self, term: Term) -> &[(Position, f64)] {
        let at = term.index();
        &self.entries[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Candidates that are annotated to be without exactly this term, in order.
    pub fn without(&self, term: Term) -> &[Position] {
        self.absent.get(&term).map_or(&[], Vec::as_slice)
    }
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
