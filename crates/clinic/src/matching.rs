//! Patients who are alike: which of a registry's patients resembles one that a peer asks for.
//!
//! Phenotypes are compared by Tversky's index (Tversky 1977, Psychol. Rev. 84:327, eq. 6) over the
//! terms and all their ancestors, each weighted by the square of its information content:
//!
//! `s(q, p) = w(q ∩ p) / (w(q ∩ p) + ALPHA w(q \ p) + BETA w(p \ q))`
//!
//! With `ALPHA = BETA = 1` and plain information content this is simGIC (Pesquita et al. 2008).
//! What the query has and the other lacks weighs more than the reverse, because a query is often
//! the shorter list. Genes are compared apart and never enter the phenotype's score.

use std::collections::BTreeSet;

use ligate_knowledge::{
    GeneIndex, Knowledge,
    ontology::{Ontology, Term},
};

/// Weight of what only the query has.
const ALPHA: f32 = 1.0;

/// Weight of what only the other patient has.
const BETA: f32 = 0.3;

/// A patient's place in a [`Patients`] index, from 0 in the order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatientIndex(pub u32);

/// How alike two patients are, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alike {
    pub patient: PatientIndex,
    /// By phenotype and genotype together: `1 - (1 - phenotype)(1 - genotype)`.
    pub score: f64,
    pub phenotype: f64,
    /// The share of the query's genes that the other names too; 0 where either names none.
    pub genotype: f64,
}

/// Information content of every term, squared: `ln(N / n)` of N diseases, n with the term or a
/// descendant.
#[derive(Clone, Debug)]
pub struct Weights(Vec<f32>);

impl Weights {
    /// From the diseases' annotations. One disease is added to n and N, so that a term without any
    /// has a weight.
    pub fn of(knowledge: &Knowledge) -> Self {
        let ontology = &knowledge.ontology;
        let mut diseases = vec![0u32; ontology.len()];
        let mut annotated = 0u32;
        for disease in knowledge.diseases() {
            let terms = disease
                .rows
                .iter()
                .filter(|row| !row.absent)
                .map(|row| row.term);
            let closure = closure(ontology, terms);
            annotated += u32::from(!closure.is_empty());
            for term in closure {
                diseases[term.0 as usize] += 1;
            }
        }
        let all = f64::from(annotated + 1);
        let weight = |&with: &u32| {
            let content = libm::log(all / f64::from(with + 1));
            (content * content) as f32
        };
        Self(diseases.iter().map(weight).collect())
    }

    fn sum(&self, terms: &BTreeSet<Term>) -> f32 {
        terms.iter().map(|term| self.0[term.0 as usize]).sum()
    }
}

/// The terms with all their ancestors below the root of phenotypes.
fn closure(ontology: &Ontology, terms: impl IntoIterator<Item = Term>) -> BTreeSet<Term> {
    let root = ontology.phenotype_root();
    let phenotypes = terms.into_iter().filter(|&term| ontology.is_a(term, root));
    let with_ancestors = phenotypes.flat_map(|term| ontology.ancestors(term).iter().copied());
    with_ancestors
        .filter(|&term| ontology.is_a(term, root))
        .collect()
}

/// An index of patients by term. Memory: 4 bytes for each term and ancestor of each patient.
#[derive(Clone, Debug)]
pub struct Patients<'k> {
    ontology: &'k Ontology,
    weights: &'k Weights,
    /// For each term the patients who have it or a descendant, ascending.
    with_term: Vec<Vec<u32>>,
    totals: Vec<f32>,
    genes: Vec<Vec<GeneIndex>>,
}

impl<'k> Patients<'k> {
    pub fn new(ontology: &'k Ontology, weights: &'k Weights) -> Self {
        let with_term = vec![Vec::new(); ontology.len()];
        Self {
            ontology,
            weights,
            with_term,
            totals: Vec::new(),
            genes: Vec::new(),
        }
    }

    /// Adds a patient by observed terms and candidate genes.
    pub fn insert(
        &mut self,
        observed: impl IntoIterator<Item = Term>,
        genes: Vec<GeneIndex>,
    ) -> PatientIndex {
        let place = self.totals.len() as u32;
        let closure = closure(self.ontology, observed);
        for term in &closure {
            self.with_term[term.0 as usize].push(place);
        }
        self.totals.push(self.weights.sum(&closure));
        self.genes.push(genes);
        PatientIndex(place)
    }

    pub fn len(&self) -> usize {
        self.totals.len()
    }

    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// The phenotype's score of every patient, in order of insertion.
    pub fn phenotype_scores(&self, observed: impl IntoIterator<Item = Term>) -> Vec<f32> {
        let query = closure(self.ontology, observed);
        let own = self.weights.sum(&query);
        let mut shared = vec![0f32; self.len()];
        for term in &query {
            let weight = self.weights.0[term.0 as usize];
            for &patient in &self.with_term[term.0 as usize] {
                shared[patient as usize] += weight;
            }
        }
        shared
            .iter()
            .zip(&self.totals)
            .map(|(&shared, &total)| tversky(shared, own, total))
            .collect()
    }

    /// The `limit` patients most alike, best first; equal ones in order of insertion. Patients who
    /// share nothing are left out.
    pub fn most_alike(
        &self,
        observed: impl IntoIterator<Item = Term>,
        genes: &[GeneIndex],
        limit: usize,
    ) -> Vec<Alike> {
        let phenotypes = self.phenotype_scores(observed);
        let scored = phenotypes.iter().enumerate().map(|(place, &phenotype)| {
            let genotype = shared_genes(genes, &self.genes[place]);
            let phenotype = f64::from(phenotype);
            let score = 1.0 - (1.0 - phenotype) * (1.0 - genotype);
            Alike {
                patient: PatientIndex(place as u32),
                score,
                phenotype,
                genotype,
            }
        });
        let mut alike: Vec<_> = scored.filter(|alike| alike.score > 0.0).collect();
        let better =
            |a: &Alike, b: &Alike| b.score.total_cmp(&a.score).then(a.patient.cmp(&b.patient));
        if limit < alike.len() && limit > 0 {
            alike.select_nth_unstable_by(limit - 1, better);
        }
        alike.truncate(limit);
        alike.sort_by(better);
        alike
    }
}

fn tversky(shared: f32, query: f32, other: f32) -> f32 {
    let whole = shared + ALPHA * (query - shared) + BETA * (other - shared);
    // Sums in another order may leave a difference a rounding below zero.
    if shared > 0.0 {
        (shared / whole).min(1.0)
    } else {
        0.0
    }
}

fn shared_genes(query: &[GeneIndex], other: &[GeneIndex]) -> f64 {
    if query.is_empty() {
        return 0.0;
    }
    query.iter().filter(|gene| other.contains(gene)).count() as f64 / query.len() as f64
}

#[cfg(test)]
mod tests;
