//! What to examine next: the term whose presence or absence is expected to separate the leading
//! candidates best.
//!
//! With p_d the probabilities of the leading candidates, scaled to 1, and q_d(t) the chance that a
//! patient of d has t, the expected information gain in bits is
//!
//! I(t) = h(sum over d of p_d q_d(t)) - sum over d of p_d h(q_d(t)), h(q) = -q log2 q - (1 - q)
//! log2(1 - q),
//!
//! the mutual information of disease and answer (Lindley, 1956). q_d(t) is F_d(t) where it is above
//! 0, else R_d(t) B(t), what the likelihood ratio leaves for a term that d is not known to have; a
//! tenth of a percent at least, 99% at most, since neither presence nor absence is ever certain.
//! Terms whose answer is known are left out.

use std::collections::BTreeSet;

use ligate_knowledge::{DiseaseIndex, ontology::Term};

use crate::phenotype::{likelihood::Scorer, query::Query};

/// Candidates that are to be told apart.
const LEADING: usize = 20;
/// Bounds of q.
const RAREST: f64 = 0.001;
const SUREST: f64 = 0.99;

/// A term worth examining.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Examination {
    pub term: Term,
    /// Expected information gain in bits, 0 to 1.
    pub bits: f64,
}

/// The terms that separate the leading candidates best, best first. `posterior` holds candidates
/// and their probabilities, best first; the leading 20 count, scaled to 1. Only terms that one of
/// them is annotated with are asked for: an ancestor of all of them says less and is harder to
/// examine.
pub fn examine_next(
    scorer: &Scorer,
    query: &Query,
    posterior: &[(DiseaseIndex, f64)],
    count: usize,
) -> Vec<Examination> {
    let leading = scaled(scorer, posterior);
    let ontology = &scorer.knowledge().ontology;
    let open = annotated(scorer, &leading)
        .into_iter()
        .filter(|term| !query.answers(ontology, *term));
    let mut examinations: Vec<Examination> = open
        .map(|term| Examination {
            term,
            bits: gain(scorer, &leading, term),
        })
        .collect();
    examinations.sort_by(|left, right| {
        right
            .bits
            .total_cmp(&left.bits)
            .then(left.term.cmp(&right.term))
    });
    examinations.truncate(count);
    examinations
}

/// Positions and probabilities of the leading candidates, which sum to 1.
fn scaled(scorer: &Scorer, posterior: &[(DiseaseIndex, f64)]) -> Vec<(usize, f64)> {
    let leading = posterior.iter().take(LEADING);
    let leading: Vec<(usize, f64)> = leading
        .filter_map(|(disease, probability)| Some((scorer.position(*disease)?, *probability)))
        .filter(|(_, probability)| *probability > 0.0)
        .collect();
    let total: f64 = leading.iter().map(|(_, probability)| probability).sum();
    leading
        .into_iter()
        .map(|(position, probability)| (position, probability / total))
        .collect()
}

fn annotated(scorer: &Scorer, leading: &[(usize, f64)]) -> BTreeSet<Term> {
    let ontology = &scorer.knowledge().ontology;
    let profiles = leading
        .iter()
        .filter_map(|(position, _)| scorer.profile(scorer.candidates()[*position]));
    let terms = profiles.flat_map(|profile| profile.terms.iter().map(|annotated| annotated.term));
    terms
        .filter(|term| ontology.is_a(*term, ontology.phenotype_root()))
        .collect()
}

/// I(t) in bits; not below 0, which rounding could make it.
fn gain(scorer: &Scorer, leading: &[(usize, f64)], term: Term) -> f64 {
    let (mut present, mut left) = (0.0, 0.0);
    for (position, probability) in leading {
        let q = chance(scorer, *position, term);
        present += probability * q;
        left += probability * entropy(q);
    }
    (entropy(present) - left).max(0.0)
}

/// q_d(t).
fn chance(scorer: &Scorer, position: usize, term: Term) -> f64 {
    let f = scorer.frequency_at(position, term);
    let chance = if f > 0.0 {
        f
    } else {
        scorer.ratio(position, term) * scorer.background(term)
    };
    chance.clamp(RAREST, SUREST)
}

/// Entropy of a yes-or-no answer in bits.
fn entropy(q: f64) -> f64 {
    let part = |q: f64| if q > 0.0 { -q * libm::log2(q) } else { 0.0 };
    part(q) + part(1.0 - q)
}
