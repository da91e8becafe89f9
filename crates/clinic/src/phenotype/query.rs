//! The patient's side of a ranking: which terms count, after ids are resolved, contradictions
//! settled and terms implied by others set aside. It refuses a case without one usable phenotype
//! term.

use std::collections::HashSet;

use ligate_knowledge::ontology::{Ontology, Resolution, Term};
use ligate_model::{Case, Onset, Sex, TermId};

/// What is asked: terms of one ontology, each once.
#[derive(Clone, PartialEq)]
pub struct Query {
    /// The most specific observed phenotype terms, in the case's order.
    pub observed: Vec<Term>,
    /// All observed phenotype terms, in the case's order, also those that another one implies.
    pub stated: Vec<Term>,
    /// Terms looked for and not found; none is an observed term or implied by one.
    pub excluded: Vec<Term>,
    pub sex: Option<Sex>,
    /// Onset of the disease as a whole, where stated; else the earliest stated age of a feature.
    pub onset: Option<Onset>,
}

/// What was done with a term that could not be taken as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryNote {
    /// An alternative or obsolete id; its successor is used.
    Replaced { from: TermId, to: TermId },
    /// Obsolete without a successor: left out.
    Obsolete { term: TermId, consider: Vec<TermId> },
    /// Not in this release of the ontology: left out.
    Unknown(TermId),
    /// Excluded, yet observed or implied by an observed term: the observation is kept, the
    /// exclusion left out.
    Contradictory(TermId),
    /// Not an abnormality (a mode of inheritance, an onset, a modifier): left out.
    NotPhenotype(TermId),
}

/// Why a case cannot be ranked by phenotype.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("the case states no observed phenotype term")]
    NoTerms,
    #[error("none of the {stated} observed terms is a phenotype term of this HPO release")]
    NoneKnown { stated: usize },
}

impl Query {
    /// The query that a case asks, and what was changed on the way.
    ///
    /// # Errors
    ///
    /// When no observed phenotype term is left.
    pub fn of(case: &Case, ontology: &Ontology) -> Result<(Self, Vec<QueryNote>), QueryError> {
        let mut notes = Vec::new();
        let observed = resolve_all(case.observed_terms(), ontology, &mut notes);
        if observed.is_empty() {
            let stated = case.observed.len();
            return Err(if stated == 0 {
                QueryError::NoTerms
            } else {
                QueryError::NoneKnown { stated }
            });
        }
        let excluded = resolve_all(case.excluded.iter().copied(), ontology, &mut notes);
        let mut query = Self::from_terms(ontology, &observed, &excluded);
        for term in excluded
            .iter()
            .filter(|term| !query.excluded.contains(term))
        {
            notes.push(QueryNote::Contradictory(ontology.id(*term)));
        }
        query.sex = case.sex;
        query.onset = case.onset.or_else(|| earliest_onset(case));
        Ok((query, notes))
    }

    /// A query of terms already resolved, without sex and onset. It may be empty; repeated terms
    /// count once, and exclusions that an observed term contradicts are left out.
    pub fn from_terms(ontology: &Ontology, observed: &[Term], excluded: &[Term]) -> Self {
        let stated = once(observed);
        let implied: HashSet<Term> = stated
            .iter()
            .flat_map(|term| ontology.ancestors(*term).iter().copied())
            .collect();
        let excluded = once(excluded)
            .into_iter()
            .filter(|term| !implied.contains(term))
            .collect();
        let observed = most_specific(ontology, &stated);
        Self {
            observed,
            stated,
            excluded,
            sex: None,
            onset: None,
        }
    }

    /// The same query without one observed term: a stated ancestor that it implied takes its place.
    pub fn without(&self, ontology: &Ontology, term: Term) -> Self {
        let stated: Vec<Term> = self
            .stated
            .iter()
            .copied()
            .filter(|other| *other != term)
            .collect();
        Self {
            observed: most_specific(ontology, &stated),
            stated,
            ..self.clone()
        }
    }

    /// The same query with one term more that was looked for and not found.
    pub fn with_excluded(&self, ontology: &Ontology, term: Term) -> Self {
        let mut excluded = self.excluded.clone();
        excluded.push(term);
        let fresh = Self::from_terms(ontology, &self.stated, &excluded);
        Self {
            sex: self.sex,
            onset: self.onset,
            ..fresh
        }
    }

    /// Terms whose answer is known: observed ones and their ancestors are present, excluded ones
    /// and their descendants absent.
    pub fn answers(&self, ontology: &Ontology, term: Term) -> bool {
        self.observed.iter().any(|seen| ontology.is_a(*seen, term))
            || self
                .excluded
                .iter()
                .any(|not_seen| ontology.is_a(term, *not_seen))
    }
}

/// In order, each once. 500 terms are usual for nobody, but must not be slow.
fn once(terms: &[Term]) -> Vec<Term> {
    let mut seen = HashSet::with_capacity(terms.len());
    terms
        .iter()
        .copied()
        .filter(|term| seen.insert(*term))
        .collect()
}

/// Drops terms that another one implies; keeps the order.
fn most_specific(ontology: &Ontology, terms: &[Term]) -> Vec<Term> {
    let mut implied: HashSet<Term> = HashSet::new();
    for term in terms {
        implied.extend(
            ontology
                .ancestors(*term)
                .iter()
                .filter(|ancestor| *ancestor != term),
        );
    }
    terms
        .iter()
        .copied()
        .filter(|term| !implied.contains(term))
        .collect()
}

fn resolve_all(
    ids: impl Iterator<Item = TermId>,
    ontology: &Ontology,
    notes: &mut Vec<QueryNote>,
) -> Vec<Term> {
    let terms: Vec<Term> = ids.filter_map(|id| resolve(id, ontology, notes)).collect();
    once(&terms)
}

fn resolve(id: TermId, ontology: &Ontology, notes: &mut Vec<QueryNote>) -> Option<Term> {
    let term = match ontology.resolve(id) {
        Resolution::Current(term) => term,
        Resolution::Replaced { by } => {
            notes.push(QueryNote::Replaced {
                from: id,
                to: ontology.id(by),
            });
            by
        }
        Resolution::Obsolete { consider } => {
            notes.push(QueryNote::Obsolete { term: id, consider });
            return None;
        }
        Resolution::Unknown => {
            notes.push(QueryNote::Unknown(id));
            return None;
        }
    };
    if ontology.is_a(term, ontology.phenotype_root()) {
        return Some(term);
    }
    notes.push(QueryNote::NotPhenotype(id));
    None
}

fn earliest_onset(case: &Case) -> Option<Onset> {
    let ages = case
        .observed
        .iter()
        .filter_map(|observation| match observation.onset {
            Some(Onset::Age(age)) => Some(age),
            _ => None,
        });
    ages.min_by(|left, right| left.0.total_cmp(&right.0))
        .map(Onset::Age)
}
