//! Why a disease has its S: what each observed term adds, what it was matched with and what that
//! rests on, and which features of the disease the patient lacks or nobody has looked for.

use std::cmp::Ordering;

use ligate_knowledge::{
    DiseaseIndex, PhenotypeRow, Reference,
    ontology::{Ontology, Term},
};

use crate::phenotype::{
    annotations::{Annotated, Counts, Profile},
    likelihood::Scorer,
    query::Query,
};

/// A feature is frequent, and worth naming when it is missing, from this frequency on.
const FREQUENT: f64 = 0.3;

/// What one observed term does to S.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    pub term: Term,
    /// The term's summand of S; all of them add up to S.
    pub value: f64,
    /// S less S of the case without this term. A stated ancestor that it implied then takes its
    /// place, so that this is `value` less the contributions of those ancestors.
    pub if_removed: f64,
    /// `None` where nothing but the root of all abnormalities connects the term with the disease.
    pub matched: Option<Match>,
    /// The disease is annotated to be without the term.
    pub absent: bool,
}

/// How an annotation of the disease lies to an observed term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The observed term itself is annotated.
    Same,
    /// The annotation is more specific than the observed term.
    MoreSpecific,
    /// The annotation is an ancestor of the observed term.
    MoreGeneral,
    /// Both lie under this term.
    Under(Term),
}

/// An annotation of the disease.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    pub term: Term,
    pub relation: Relation,
    /// Estimated frequency in the disease, 0 to 1.
    pub f: f64,
    /// All counted patients, where any row or registry counts them.
    pub counts: Option<Counts>,
    /// What the rows of this term rest on, each once.
    pub references: Vec<Reference>,
}

/// The reasons of one disease's S.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub s: f64,
    /// In the order of the query's most specific terms.
    pub contributions: Vec<Contribution>,
    /// Frequent features that the case says nothing of, most frequent first.
    pub unknown: Vec<Match>,
    /// Features of the disease that were looked for and not found, most frequent first.
    pub missing: Vec<Match>,
}

/// Explains one candidate. `None` for what is not a candidate or has nothing known of it.
pub fn explain(scorer: &Scorer, query: &Query, disease: DiseaseIndex) -> Option<Explanation> {
    let position = scorer.position(disease)?;
    let profile = scorer
        .profile(disease)
        .filter(|profile| !profile.is_empty())?;
    let knowledge = scorer.knowledge();
    let subject = Subject {
        scorer,
        position,
        profile,
        ontology: &knowledge.ontology,
        rows: &knowledge.disease(disease).rows,
    };
    let contributions: Vec<Contribution> = query
        .observed
        .iter()
        .map(|term| subject.contribution(query, *term))
        .collect();
    let s = contributions
        .iter()
        .map(|contribution| contribution.value)
        .sum();
    let (missing, unknown) = subject.lacking(query);
    Some(Explanation {
        s,
        contributions,
        unknown,
        missing,
    })
}

/// The disease that is explained.
struct Subject<'a, 'k> {
    scorer: &'a Scorer<'k>,
    position: usize,
    profile: &'a Profile,
    ontology: &'k Ontology,
    rows: &'k [PhenotypeRow],
}

impl Subject<'_, '_> {
    fn value(&self, term: Term) -> f64 {
        libm::log(self.scorer.factor(self.position, term))
    }

    fn contribution(&self, query: &Query, term: Term) -> Contribution {
        let value = self.value(term);
        let rest = query.without(self.ontology, term);
        let uncovered = rest
            .observed
            .iter()
            .filter(|other| !query.observed.contains(other));
        let if_removed = value - uncovered.map(|other| self.value(*other)).sum::<f64>();
        let absent = self.scorer.is_absent(self.position, term);
        Contribution {
            term,
            value,
            if_removed,
            matched: self.best(term),
            absent,
        }
    }

    /// The annotation that decided R of a term: the most frequent one under the term, or under the
    /// ancestor whose ratio was passed down.
    fn best(&self, term: Term) -> Option<Match> {
        let under = self.deciding(term);
        if self.ontology.is_a(self.ontology.phenotype_root(), under) {
            return None;
        }
        let below = self
            .profile
            .terms
            .iter()
            .filter(|annotated| self.ontology.is_a(annotated.term, under));
        // Of equal frequencies the annotation nearest to the observed term, then the first.
        let annotated = below.max_by(|left, right| {
            let near = |annotated: &Annotated| annotated.term == under;
            left.f
                .total_cmp(&right.f)
                .then(near(left).cmp(&near(right)))
                .then(right.term.cmp(&left.term))
        })?;
        let relation = match annotated.term {
            same if same == term => Relation::Same,
            _ if under == term => Relation::MoreSpecific,
            general if general == under => Relation::MoreGeneral,
            _ => Relation::Under(under),
        };
        Some(self.describe(annotated, relation))
    }

    /// The nearest ancestor (or the term itself) with F above 0 on the path of the largest ratio.
    fn deciding(&self, term: Term) -> Term {
        let mut at = term;
        while self.scorer.frequency_at(self.position, at) <= 0.0 {
            let ratio = |parent: &Term| self.scorer.ratio(self.position, *parent);
            let parents = self.ontology.parents(at).iter().copied();
            let next = parents.max_by(|left, right| ratio(left).total_cmp(&ratio(right)));
            match next {
                Some(parent) => at = parent,
                None => return at,
            }
        }
        at
    }

    fn describe(&self, annotated: &Annotated, relation: Relation) -> Match {
        let mut references = Vec::new();
        for row in self
            .rows
            .iter()
            .filter(|row| row.term == annotated.term && !row.absent)
        {
            for reference in &row.references {
                if !references.contains(reference) {
                    references.push(*reference);
                }
            }
        }
        Match {
            term: annotated.term,
            relation,
            f: annotated.f,
            counts: annotated.counts,
            references,
        }
    }

    /// The disease's features that were looked for and not found, and the frequent ones of which
    /// nothing is said.
    fn lacking(&self, query: &Query) -> (Vec<Match>, Vec<Match>) {
        let (mut missing, mut unknown) = (Vec::new(), Vec::new());
        for annotated in &self.profile.terms {
            let excluded = |term: &Term| self.ontology.is_a(annotated.term, *term);
            let seen = |term: &Term| self.ontology.is_a(*term, annotated.term);
            if query.excluded.iter().any(excluded) {
                missing.push(self.describe(annotated, Relation::Same));
            } else if annotated.f >= FREQUENT && !query.observed.iter().any(seen) {
                unknown.push(self.describe(annotated, Relation::Same));
            }
        }
        missing.sort_by(more_frequent);
        unknown.sort_by(more_frequent);
        (missing, unknown)
    }
}

fn more_frequent(left: &Match, right: &Match) -> Ordering {
    right.f.total_cmp(&left.f).then(left.term.cmp(&right.term))
}
