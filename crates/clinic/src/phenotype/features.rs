//! What the re-ranker sees of a candidate beside S: how much of the patient the disease leaves
//! unexplained, how specific the shared ancestors are, how much of the disease the patient shows,
//! and whether the patient's sex speaks against it. Nothing here depends on how much, when or by
//! whom a disease was annotated, nor on the patient's excluded terms: held to the sign that is
//! safe, their coefficient is 0. Onset is left out too: an annotated onset after the patient's age
//! got a coefficient of 0.01 and changed no figure, so that it is shown and not counted.

use ligate_knowledge::ontology::{Ontology, Term};
use ligate_model::Sex;
use serde::{Deserialize, Serialize};

use crate::phenotype::{annotations::FREQUENT, likelihood::Scorer, query::Query};

/// A feature of a candidate for one patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// S.
    Ratio,
    /// Share of the information content of the observed terms that has F = 0.
    Unexplained,
    /// One-sided Resnik similarity: mean over observed terms of the largest information content of
    /// an ancestor with F above 0, nats (Resnik, 1995).
    Resnik,
    /// Share of the disease's features, weighted by frequency and information content, that the
    /// patient's terms cover, each by its most informative ancestor that the patient has.
    Coverage,
    /// Share of the observed terms that are annotated as they stand.
    Direct,
    /// Share of the disease's frequent features (f of at least 0.5), weighted by frequency and
    /// information content, that the patient has.
    FrequentCoverage,
    /// 1 for a female patient and a disease known as X-linked recessive only.
    SexLimited,
}

impl Feature {
    pub const ALL: [Self; 7] = [
        Self::Ratio,
        Self::Unexplained,
        Self::Resnik,
        Self::Coverage,
        Self::Direct,
        Self::FrequentCoverage,
        Self::SexLimited,
    ];

    /// Where its value is among [`FeatureValues`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Values of all features, in the order of [`Feature::ALL`].
pub type FeatureValues = [f64; Feature::ALL.len()];

/// X-linked recessive inheritance, HP:0001419.
const X_LINKED_RECESSIVE: u32 = 1419;

/// A patient's terms made ready to be compared with many candidates.
pub(super) struct Comparison<'q, 's, 'k> {
    scorer: &'s Scorer<'k>,
    ontology: &'k Ontology,
    query: &'q Query,
    /// Observed terms and all their ancestors, ascending.
    closure: Vec<Shared>,
    /// Information content of each observed term, and the slots of its ancestors, most informative
    /// first.
    own: Vec<(f64, Vec<u32>)>,
    /// Slot of each observed term.
    own_slots: Vec<u32>,
    /// Whether a candidate has the term of a slot; slot 0 stands for all terms outside the closure.
    present: Vec<bool>,
    /// 1 + place in the closure by term, 0 outside.
    slots: Vec<u32>,
    /// Largest content over a term's ancestors, where it was asked for; below 0 elsewhere.
    largest: Vec<f64>,
}

/// A term that the patient has, stated or implied.
struct Shared {
    term: Term,
    content: f64,
}

impl<'q, 's, 'k> Comparison<'q, 's, 'k> {
    pub fn new(scorer: &'s Scorer<'k>, query: &'q Query) -> Self {
        let ontology = &scorer.knowledge().ontology;
        let closure = closure(scorer, &query.observed);
        let mut slots = vec![0; ontology.len()];
        for (slot, shared) in (1..).zip(&closure) {
            slots[shared.term.index()] = slot;
        }
        let own = query.observed.iter().map(|term| {
            let mut above: Vec<&Shared> = ontology
                .ancestors(*term)
                .iter()
                .map(|ancestor| &closure[slots[ancestor.index()] as usize - 1])
                .collect();
            above.sort_by(|left, right| right.content.total_cmp(&left.content));
            let above = above
                .into_iter()
                .map(|shared| slots[shared.term.index()])
                .collect();
            (scorer.information_content(*term), above)
        });
        let own = own.collect();
        let own_slots = query
            .observed
            .iter()
            .map(|term| slots[term.index()])
            .collect();
        let (present, largest) = (vec![false; closure.len() + 1], vec![-1.0; ontology.len()]);
        Self {
            scorer,
            ontology,
            query,
            closure,
            own,
            own_slots,
            present,
            slots,
            largest,
        }
    }

    /// All features of one candidate, whose S is known. Zero throughout for a query without terms.
    pub fn features(&mut self, position: usize, s: f64) -> FeatureValues {
        if self.query.observed.is_empty() {
            return FeatureValues::default();
        }
        let (resnik, unexplained) = self.resnik(position);
        let (coverage, frequent) = self.coverage(position);
        [
            s,
            unexplained,
            resnik,
            coverage,
            self.direct(position),
            frequent,
            self.sex_limited(position),
        ]
    }

    /// Mean of the best shared content, and the share of content with F = 0.
    fn resnik(&mut self, position: usize) -> (f64, f64) {
        let scorer = self.scorer;
        self.present.fill(false);
        for term in scorer.risen(position).terms() {
            self.present[self.slots[term.index()] as usize] = true;
        }
        let (mut best, mut unexplained, mut all) = (0.0, 0.0, 0.0);
        for (content, above) in &self.own {
            let shared = above.iter().find(|slot| self.present[**slot as usize]);
            best += shared.map_or(0.0, |slot| self.closure[*slot as usize - 1].content);
            all += content;
        }
        for ((content, _), slot) in self.own.iter().zip(&self.own_slots) {
            unexplained += if self.present[*slot as usize] {
                0.0
            } else {
                *content
            };
        }
        (
            best / self.own.len() as f64,
            if all > 0.0 { unexplained / all } else { 0.0 },
        )
    }

    /// Coverage of the disease's features, and of its frequent ones.
    fn coverage(&mut self, position: usize) -> (f64, f64) {
        let (mut covered, mut frequent) = (0.0, 0.0);
        let scorer = self.scorer;
        for annotated in &scorer.profile_at(position).terms {
            covered += annotated.f * self.shared_content(annotated.term);
            if annotated.f >= FREQUENT {
                frequent += self
                    .shared(annotated.term)
                    .map_or(0.0, |shared| annotated.f * shared.content);
            }
        }
        let weight = scorer.weight(position);
        (
            covered / (weight.all + 1e-12),
            frequent / (weight.frequent + 1.0),
        )
    }

    /// Share of the observed terms that are annotated as they stand.
    fn direct(&self, position: usize) -> f64 {
        let (observed, terms) = (
            &self.query.observed,
            &self.scorer.profile_at(position).terms,
        );
        let annotated = |term: &&Term| {
            terms
                .binary_search_by_key(*term, |annotated| annotated.term)
                .is_ok()
        };
        observed.iter().filter(annotated).count() as f64 / observed.len() as f64
    }

    fn sex_limited(&self, position: usize) -> f64 {
        if self.query.sex != Some(Sex::Female) {
            return 0.0;
        }
        let disease = self
            .scorer
            .knowledge()
            .disease(self.scorer.candidates()[position]);
        let [only] = disease.inheritance.as_slice() else {
            return 0.0;
        };
        if self.ontology.id(*only).number() == X_LINKED_RECESSIVE {
            1.0
        } else {
            0.0
        }
    }

    /// The term as the patient has it.
    fn shared(&self, term: Term) -> Option<&Shared> {
        self.closure
            .get((self.slots[term.index()] as usize).wrapping_sub(1))
    }

    /// Information content of the most informative ancestor that the patient has.
    fn shared_content(&mut self, term: Term) -> f64 {
        let known = self.largest[term.index()];
        if known >= 0.0 {
            return known;
        }
        let mut content = self.shared(term).map_or(0.0, |shared| shared.content);
        for parent in self.ontology.parents(term) {
            content = f64::max(content, self.shared_content(*parent));
        }
        self.largest[term.index()] = content;
        content
    }
}

/// Observed terms and their ancestors, ascending.
fn closure(scorer: &Scorer, observed: &[Term]) -> Vec<Shared> {
    let ontology = &scorer.knowledge().ontology;
    let mut terms: Vec<Term> = observed
        .iter()
        .flat_map(|term| ontology.ancestors(*term).iter().copied())
        .collect();
    terms.sort_unstable();
    terms.dedup();
    terms
        .into_iter()
        .map(|term| Shared {
            term,
            content: scorer.information_content(term),
        })
        .collect()
}
