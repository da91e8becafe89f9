//! Methods by semantic similarity: Resnik's, and Phenodigm as Exomiser scores human diseases.
//!
//! IC(t) = -log of the share of diseases annotated to t or below it; two terms share their common
//! ancestor of the largest IC (Resnik 1995). Resnik's score of two sets is the mean over the
//! query's terms of the best match, alone (one-sided) or averaged with the mean over the disease's
//! terms (symmetric; Köhler et al. 2009, equations 2 and 3).
//!
//! Phenodigm (Smedley et al. 2013, Database bat025; Exomiser's documentation): two terms match with
//! sqrt(IC x Jaccard of their ancestors), where IC (bits) is above 2.5. A disease's score is the
//! mean of two shares of what the query could reach at best: the best match, and the mean of best
//! matches of the query's terms and of the disease's matching terms. Above 1 it is 1.

use std::collections::HashMap;

use ligate_clinic::phenotype::{Profile, Query};
use ligate_knowledge::{
    DiseaseIndex,
    ontology::{Ontology, Term},
};

use super::{
    GeneRule, Rival, Scores,
    corpus::{Corpus, Position},
};

/// Phenodigm's matches have a common ancestor of at least this many bits.
const PHENODIGM_BITS: f64 = 2.5;

/// Which similarity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Phenodigm,
    ResnikSymmetric,
    ResnikOneSided,
}

/// A similarity over all candidates.
pub struct Similarity<'k> {
    kind: Kind,
    corpus: Corpus<'k>,
    /// Diseases annotated to each term or below it.
    diseases: Vec<u32>,
    /// Terms of each candidate.
    terms: Vec<Vec<Term>>,
}

impl<'k> Similarity<'k> {
    pub fn new(kind: Kind, corpus: Corpus<'k>) -> Self {
        let mut diseases = vec![0; corpus.ontology().len()];
        let profiles = (0..corpus.candidates().len()).map(|position| corpus.profile(position));
        let terms = profiles.clone().map(terms_of).collect();
        for term in profiles.flat_map(|profile| corpus.closure(profile)) {
            diseases[term.0 as usize] += 1;
        }
        Self {
            kind,
            corpus,
            diseases,
            terms,
        }
    }

    fn information(&self, diseases: u32) -> f64 {
        libm::log2(self.terms.len() as f64 / f64::from(diseases.max(1)))
    }
}

fn terms_of(profile: &Profile) -> Vec<Term> {
    profile
        .terms
        .iter()
        .map(|annotated| annotated.term)
        .collect()
}

impl Rival for Similarity<'_> {
    fn gene_rule(&self) -> GeneRule {
        GeneRule::Best
    }

    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Scores + 'a> {
        let changed = self.corpus.changed(changes);
        let mut diseases = self.diseases.clone();
        for (position, profile) in &changed {
            for term in self.corpus.closure(self.corpus.profile(*position)) {
                diseases[term.0 as usize] -= 1;
            }
            for term in self.corpus.closure(profile) {
                diseases[term.0 as usize] += 1;
            }
        }
        let information = diseases
            .into_iter()
            .map(|diseases| self.information(diseases))
            .collect();
        let terms = changed
            .iter()
            .map(|(position, profile)| (*position, terms_of(profile)))
            .collect();
        Box::new(Adjusted {
            base: self,
            information,
            changed,
            terms,
        })
    }
}

struct Adjusted<'a, 'k> {
    base: &'a Similarity<'k>,
    /// IC by term, in bits.
    information: Vec<f64>,
    changed: HashMap<Position, Profile>,
    terms: HashMap<Position, Vec<Term>>,
}

/// Lanes are filled up to a multiple of this, so that a compiler can take several at once.
const TOGETHER: usize = 8;

/// Matches of every term of the ontology (rows) with every term of a query (lanes).
struct Matches {
    lanes: usize,
    values: Vec<f32>,
    /// The largest of each row.
    largest: Vec<f32>,
}

impl Matches {
    fn new(terms: usize, query: usize) -> Self {
        let lanes = query.next_multiple_of(TOGETHER);
        Self {
            lanes,
            values: vec![0.0; terms * lanes],
            largest: vec![0.0; terms],
        }
    }

    fn set(&mut self, term: Term, lane: usize, value: f32) {
        let row = term.0 as usize;
        self.values[row * self.lanes + lane] = value;
        self.largest[row] = self.largest[row].max(value);
    }

    fn of(&self, term: Term) -> &[f32] {
        &self.values[term.0 as usize * self.lanes..][..self.lanes]
    }
}

/// Best matches between a query and one disease.
struct Best {
    /// Sums over the query's terms, and over the disease's.
    forward: f64,
    reverse: f64,
    largest: f64,
    /// The disease's terms that match anything, and all of them.
    matching: usize,
    terms: usize,
}

impl Scores for Adjusted<'_, '_> {
    fn scores(&self, query: &Query) -> Vec<f64> {
        let terms = &query.stated;
        let matches = self.matches(terms);
        let own = |term: &Term| self.value(self.information[term.0 as usize], *term, *term);
        let own = terms.iter().map(own).collect::<Vec<_>>();
        let mut lanes = vec![0.0; matches.lanes];
        let score = |position| {
            if self.profile(position).is_empty() {
                return f64::NEG_INFINITY;
            }
            let best = best(&matches, self.terms(position), &mut lanes);
            self.score(&best, &own)
        };
        (0..self.base.terms.len()).map(score).collect()
    }
}

impl Adjusted<'_, '_> {
    fn profile(&self, position: Position) -> &Profile {
        self.changed
            .get(&position)
            .unwrap_or_else(|| self.base.corpus.profile(position))
    }

    fn terms(&self, position: Position) -> &[Term] {
        self.terms
            .get(&position)
            .map_or(self.base.terms[position].as_slice(), Vec::as_slice)
    }

    /// `own`: each query term's match with itself.
    fn score(&self, best: &Best, own: &[f64]) -> f64 {
        let count = own.len() as f64;
        let mean = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
        match self.base.kind {
            Kind::ResnikOneSided => mean(best.forward, count),
            Kind::ResnikSymmetric => {
                (mean(best.forward, count) + mean(best.reverse, best.terms as f64)) / 2.0
            }
            Kind::Phenodigm => {
                let (largest, average) = (
                    own.iter().copied().fold(0.0, f64::max),
                    own.iter().sum::<f64>() / count,
                );
                if best.largest <= 0.0 || largest <= 0.0 {
                    return 0.0;
                }
                let mean = (best.forward + best.reverse) / (count + best.matching as f64);
                f64::min((best.largest / largest + mean / average) / 2.0, 1.0)
            }
        }
    }

    fn matches(&self, query: &[Term]) -> Matches {
        let ontology = self.base.corpus.ontology();
        let mut matches = Matches::new(ontology.len(), query.len());
        let mut shared = vec![0.0_f64; ontology.len()];
        let mut touched: Vec<Term> = Vec::new();
        for (lane, term) in query.iter().enumerate() {
            for ancestor in ontology.ancestors(*term) {
                let information = self.information[ancestor.0 as usize];
                if information <= self.least() {
                    continue;
                }
                for below in self.base.corpus.below(*ancestor) {
                    let largest = &mut shared[below.0 as usize];
                    if *largest <= 0.0 {
                        touched.push(*below);
                    }
                    *largest = largest.max(information);
                }
            }
            for other in touched.drain(..) {
                let information = std::mem::take(&mut shared[other.0 as usize]);
                matches.set(other, lane, self.value(information, *term, other) as f32);
            }
        }
        matches
    }

    /// Common ancestors of no more bits than this are no match.
    fn least(&self) -> f64 {
        match self.base.kind {
            Kind::Phenodigm => PHENODIGM_BITS,
            Kind::ResnikSymmetric | Kind::ResnikOneSided => 0.0,
        }
    }

    /// The match of two terms whose best common ancestor has this IC.
    fn value(&self, information: f64, term: Term, other: Term) -> f64 {
        match self.base.kind {
            Kind::Phenodigm if information > PHENODIGM_BITS => {
                libm::sqrt(information * jaccard(self.base.corpus.ontology(), term, other))
            }
            Kind::Phenodigm => 0.0,
            Kind::ResnikSymmetric | Kind::ResnikOneSided => information,
        }
    }
}

/// Share of the ancestors of either term, themselves included, that both have.
fn jaccard(ontology: &Ontology, term: Term, other: Term) -> f64 {
    let (ours, theirs) = (ontology.ancestors(term), ontology.ancestors(other));
    let common = ours
        .iter()
        .filter(|ancestor| theirs.binary_search(ancestor).is_ok())
        .count();
    common as f64 / (ours.len() + theirs.len() - common) as f64
}

/// `lanes` is room for one row of matches.
fn best(matches: &Matches, terms: &[Term], lanes: &mut [f32]) -> Best {
    lanes.fill(0.0);
    let (mut reverse, mut matching) = (0.0, 0);
    for term in terms {
        let largest = matches.largest[term.0 as usize];
        if largest <= 0.0 {
            continue;
        }
        for (lanes, values) in lanes
            .chunks_exact_mut(TOGETHER)
            .zip(matches.of(*term).chunks_exact(TOGETHER))
        {
            for (lane, value) in lanes.iter_mut().zip(values) {
                *lane = if *value > *lane { *value } else { *lane };
            }
        }
        reverse += f64::from(largest);
        matching += 1;
    }
    let add =
        |(sum, top): (f64, f64), lane: &f32| (sum + f64::from(*lane), top.max(f64::from(*lane)));
    let (forward, largest) = lanes.iter().fold((0.0, 0.0), add);
    Best {
        forward,
        reverse,
        largest,
        matching,
        terms: terms.len(),
    }
}
