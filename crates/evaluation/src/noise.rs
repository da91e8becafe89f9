//! A clinic's lists: what becomes of a published case's terms when a busy clinic writes them. Four
//! kinds of noise, each a function of the case's id and a seed alone, so that every method meets
//! the same lists.

use ligate_knowledge::ontology::{Ontology, Term};
use serde::Serialize;

use super::random::SplitMix;

/// How observed terms are made worse. Excluded terms stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Noise {
    /// Each term, with chance 1/2, becomes a uniformly chosen parent (never a root of the ontology
    /// or of its phenotypes; a term with no other parent stays).
    #[serde(rename = "a")]
    Vague,
    /// ceil(n/2) of the n terms are kept.
    #[serde(rename = "b")]
    Short,
    /// n terms are added, uniform over the descendants of HP:0000118.
    #[serde(rename = "c")]
    Strange,
    /// Vague, then short, then strange (as many strange terms as were kept).
    All,
}

impl Noise {
    /// Every kind, in the order of the tables.
    pub const EVERY: [Self; 4] = [Self::Vague, Self::Short, Self::Strange, Self::All];
}

/// Draws noisy lists over one ontology.
pub struct NoiseMaker<'o> {
    ontology: &'o Ontology,
    /// Descendants of HP:0000118 without itself.
    phenotypes: Vec<Term>,
}

impl<'o> NoiseMaker<'o> {
    pub fn new(ontology: &'o Ontology) -> Self {
        let root = ontology.phenotype_root();
        let below = |term: &Term| *term != root && ontology.is_a(*term, root);
        let phenotypes = ontology
            .topological()
            .iter()
            .copied()
            .filter(below)
            .collect::<Vec<_>>();
        let mut phenotypes = phenotypes;
        phenotypes.sort_unstable();
        Self {
            ontology,
            phenotypes,
        }
    }

    /// The noisy list of `observed`, each term once. `case_id` and `seed` decide every draw.
    pub fn list(&self, noise: Noise, case_id: &str, seed: u64, observed: &[Term]) -> Vec<Term> {
        let mut random = SplitMix::of_text(&format!("{seed}:{case_id}"));
        let mut terms = observed.to_vec();
        if matches!(noise, Noise::Vague | Noise::All) {
            self.blur(&mut terms, &mut random);
        }
        if matches!(noise, Noise::Short | Noise::All) {
            shorten(&mut terms, &mut random);
        }
        if matches!(noise, Noise::Strange | Noise::All) {
            self.add_strange(&mut terms, &mut random);
        }
        let mut seen = std::collections::HashSet::new();
        terms.retain(|term| seen.insert(*term));
        terms
    }

    fn blur(&self, terms: &mut [Term], random: &mut SplitMix) {
        let roots = [self.ontology.root(), self.ontology.phenotype_root()];
        for term in terms {
            let replaced = random.next() >> 63 == 1;
            let parents = self
                .ontology
                .parents(*term)
                .iter()
                .copied()
                .filter(|parent| !roots.contains(parent));
            let parents = parents.collect::<Vec<_>>();
            if replaced && !parents.is_empty() {
                *term = parents[random.below(parents.len())];
            }
        }
    }

    fn add_strange(&self, terms: &mut Vec<Term>, random: &mut SplitMix) {
        if self.phenotypes.is_empty() {
            return;
        }
        for _ in 0..terms.len() {
            terms.push(self.phenotypes[random.below(self.phenotypes.len())]);
        }
    }
}

fn shorten(terms: &mut Vec<Term>, random: &mut SplitMix) {
    let kept = terms.len().div_ceil(2);
    random.shuffle_front(terms, kept);
    terms.truncate(kept);
}
