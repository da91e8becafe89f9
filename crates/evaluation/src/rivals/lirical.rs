//! LIRICAL's phenotype score (Robinson et al. 2020, AJHG 107:403; the rules of its documentation
//! and released program, version 2): a product over the patient's terms of likelihood ratios, the
//! disease's frequency of the term over its background, the mean over diseases.
//!
//! Observed term q, the first rule that holds: the disease excludes an ancestor of q (or q):
//! 1/1000. Annotated to q itself: f/B(q). Annotated below q: the largest f there/B(q). Annotated to
//! a parent of q: f shared equally among the parent's children, at least a small chance that grows
//! with B(q), /B(q). Else the nearest ancestor of q, breadth first, that lies above an annotation:
//! f/10^distance over that ancestor's background, at least 0.01. Else 0.01. Excluded term x: 1000
//! where the disease excludes x or something below it; 1/(1 - B(x)) where it does not have x; else
//! max(0.01, 1 - f)/(1 - B(x)).
//!
//! A row that states no frequency counts as 1, as there; counted rows are pooled.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use ligate_clinic::phenotype::{Annotated, Profile, Query};
use ligate_knowledge::{
    DiseaseIndex, Frequency,
    ontology::{Ontology, Term},
};

use super::{
    GeneRule, Rival, Scores,
    corpus::{Corpus, Position},
};

/// Smallest background frequency.
const BACKGROUND: f64 = 1.0 / 10_000.0;
/// Observed in the patient, excluded in the disease.
const OBSERVED_EXCLUDED: f64 = 1.0 / 1_000.0;
/// Excluded in both.
const EXCLUDED_BOTH: f64 = 1_000.0;
/// Nothing in common below the root.
const UNRELATED: f64 = 0.01;
/// Chance that a feature of the disease is not noticed.
const NOT_NOTICED: f64 = 0.01;
/// Bounds of the chance of a finding that the disease does not explain.
const LEAST_CHANCE: f64 = 0.002;
const LARGEST_CHANCE: f64 = 0.1;

/// LIRICAL over all candidates.
pub struct Lirical<'k> {
    corpus: Corpus<'k>,
    diseases: Vec<DiseaseRules>,
    lists: Lists,
}

/// One disease, as the rules read it; every list by term.
#[derive(Default)]
struct DiseaseRules {
    empty: bool,
    /// Frequencies as annotated.
    direct: Vec<(Term, f64)>,
    /// Largest frequency at or below each term.
    risen: Vec<(Term, f64)>,
    /// Strict ancestors of annotations: largest of f/10^distance. The root of phenotypes is left
    /// out.
    induced: Vec<(Term, f64)>,
    absent: Vec<Term>,
    /// `absent` and their ancestors.
    above_absent: Vec<Term>,
}

/// All diseases' facts by term.
#[derive(Default)]
struct Lists {
    direct: HashMap<Term, Vec<(Position, f64)>>,
    risen: HashMap<Term, Vec<(Position, f64)>>,
    induced: HashMap<Term, Vec<(Position, f64)>>,
    absent: HashMap<Term, Vec<Position>>,
    above_absent: HashMap<Term, Vec<Position>>,
    /// Sum over diseases of the risen frequency.
    sums: HashMap<Term, f64>,
}

impl<'k> Lirical<'k> {
    pub fn new(corpus: Corpus<'k>) -> Self {
        let facts = |position| corpus.facts(position, corpus.profile(position));
        let diseases = (0..corpus.candidates().len())
            .map(facts)
            .collect::<Vec<_>>();
        let mut lists = Lists::default();
        for (position, facts) in diseases.iter().enumerate() {
            lists.add(position, facts);
        }
        Self {
            corpus,
            diseases,
            lists,
        }
    }
}

impl Corpus<'_> {
    fn facts(&self, position: Position, profile: &Profile) -> DiseaseRules {
        let ontology = self.ontology();
        let disease = self.candidates()[position];
        let frequency =
            |annotated: &Annotated| (annotated.term, self.stated_frequency(disease, annotated));
        let direct = profile.terms.iter().map(frequency).collect::<Vec<_>>();
        let (mut risen, mut induced) = (BTreeMap::new(), BTreeMap::new());
        for (term, f) in &direct {
            for ancestor in ontology.ancestors(*term) {
                let largest: &mut f64 = risen.entry(*ancestor).or_default();
                *largest = largest.max(*f);
            }
            induce(ontology, *term, *f, &mut induced);
        }
        let holds = |term: &Term| direct.binary_search_by_key(term, |(term, _)| *term).is_ok();
        let absent = profile
            .absent
            .iter()
            .copied()
            .filter(|term| !holds(term))
            .collect::<Vec<_>>();
        let above = absent
            .iter()
            .flat_map(|term| ontology.ancestors(*term).iter().copied());
        DiseaseRules {
            empty: profile.is_empty(),
            risen: risen.into_iter().collect(),
            induced: induced.into_iter().collect(),
            above_absent: above.collect::<BTreeSet<_>>().into_iter().collect(),
            direct,
            absent,
        }
    }

    /// m/n where patients are counted, 1 where no row of the term states a frequency, else what is
    /// stated.
    fn stated_frequency(&self, disease: DiseaseIndex, annotated: &Annotated) -> f64 {
        if let Some(counts) = annotated.counts
            && counts.m > 0
        {
            return f64::from(counts.m) / f64::from(counts.n);
        }
        let mut rows = self
            .knowledge
            .disease(disease)
            .rows
            .iter()
            .filter(|row| row.term == annotated.term);
        let unstated = rows.all(|row| row.frequency == Frequency::Unstated);
        if unstated { 1.0 } else { annotated.f }
    }
}

/// Frequencies of the strict ancestors of an annotation, a tenth a step, along the shortest way.
fn induce(ontology: &Ontology, term: Term, f: f64, induced: &mut BTreeMap<Term, f64>) {
    let mut level = vec![term];
    let mut seen = BTreeSet::new();
    let mut share = f;
    while !level.is_empty() {
        share /= 10.0;
        let above = level
            .iter()
            .flat_map(|term| ontology.parents(*term).iter().copied());
        let above = above
            .filter(|term| *term != ontology.phenotype_root())
            .collect::<BTreeSet<_>>();
        level = above
            .into_iter()
            .filter(|term| seen.insert(*term))
            .collect();
        for ancestor in &level {
            let largest = induced.entry(*ancestor).or_default();
            *largest = largest.max(share);
        }
    }
}

impl Lists {
    fn add(&mut self, position: Position, facts: &DiseaseRules) {
        for (term, f) in &facts.direct {
            self.direct.entry(*term).or_default().push((position, *f));
        }
        for (term, f) in &facts.risen {
            self.risen.entry(*term).or_default().push((position, *f));
            *self.sums.entry(*term).or_default() += f;
        }
        for (term, f) in &facts.induced {
            self.induced.entry(*term).or_default().push((position, *f));
        }
        for term in &facts.absent {
            self.absent.entry(*term).or_default().push(position);
        }
        for term in &facts.above_absent {
            self.above_absent.entry(*term).or_default().push(position);
        }
    }
}

impl Rival for Lirical<'_> {
    fn gene_rule(&self) -> GeneRule {
        GeneRule::Sum
    }

    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Scores + 'a> {
        let changed = self.corpus.changed(changes);
        let (mut removed, mut facts) = (BTreeMap::new(), BTreeMap::new());
        let mut added = Lists::default();
        for (position, profile) in &changed {
            for (term, f) in &self.diseases[*position].risen {
                *removed.entry(*term).or_default() += f;
            }
            let new = self.corpus.facts(*position, profile);
            added.add(*position, &new);
            facts.insert(*position, new);
        }
        Box::new(Adjusted {
            base: self,
            added,
            removed,
            facts,
        })
    }
}

struct Adjusted<'a, 'k> {
    base: &'a Lirical<'k>,
    /// Facts of the changed diseases, which replace those of the base.
    facts: BTreeMap<Position, DiseaseRules>,
    added: Lists,
    /// What the changed diseases gave to the sums of the base.
    removed: BTreeMap<Term, f64>,
}

impl Scores for Adjusted<'_, '_> {
    fn scores(&self, query: &Query) -> Vec<f64> {
        let mut scores = vec![0.0; self.base.diseases.len()];
        for term in &query.stated {
            add_logarithms(&mut scores, &self.observed(*term));
        }
        for term in &query.excluded {
            add_logarithms(&mut scores, &self.excluded(*term));
        }
        for (position, score) in scores.iter_mut().enumerate() {
            if self
                .facts
                .get(&position)
                .unwrap_or(&self.base.diseases[position])
                .empty
            {
                *score = f64::NEG_INFINITY;
            }
        }
        scores
    }
}

fn add_logarithms(scores: &mut [f64], ratios: &[f64]) {
    for (score, ratio) in scores.iter_mut().zip(ratios) {
        *score += libm::log(*ratio);
    }
}

type FrequencyLists = HashMap<Term, Vec<(Position, f64)>>;

impl Adjusted<'_, '_> {
    /// Likelihood ratios of an observed term, by candidate. Rules are applied from the last to the
    /// first, so that an earlier rule has the last word.
    fn observed(&self, term: Term) -> Vec<f64> {
        let ontology = self.base.corpus.ontology();
        let mut ratios = vec![UNRELATED; self.base.diseases.len()];
        let breadth_first = breadth_first(ontology, term);
        for ancestor in breadth_first.iter().rev() {
            let background = self.background(*ancestor);
            for (position, f) in self.entries(|lists| &lists.induced, *ancestor) {
                ratios[position] = f64::max(UNRELATED, f / background);
            }
        }
        let background = self.background(term);
        for (position, f) in self.by_parents(term) {
            ratios[position] = f64::max(f, self.unexplained(term)) / background;
        }
        for (position, f) in self.entries(|lists| &lists.risen, term) {
            ratios[position] = f / background;
        }
        for (position, f) in self.entries(|lists| &lists.direct, term) {
            ratios[position] = f / background;
        }
        for ancestor in ontology.ancestors(term) {
            for position in self.places(|lists| &lists.absent, *ancestor) {
                ratios[position] = OBSERVED_EXCLUDED;
            }
        }
        ratios
    }

    /// Likelihood ratios of an excluded term, by candidate.
    fn excluded(&self, term: Term) -> Vec<f64> {
        let background = self.background(term);
        if background > 0.99 {
            return vec![1.0; self.base.diseases.len()];
        }
        let mut ratios = vec![1.0 / (1.0 - background); self.base.diseases.len()];
        for (position, f) in self.entries(|lists| &lists.risen, term) {
            ratios[position] = f64::max(NOT_NOTICED, 1.0 - f) / (1.0 - background);
        }
        for position in self.places(|lists| &lists.above_absent, term) {
            ratios[position] = EXCLUDED_BOTH;
        }
        ratios
    }

    /// Diseases annotated to a parent: the parent's frequency, shared among its children; the
    /// largest over parents.
    fn by_parents(&self, term: Term) -> BTreeMap<Position, f64> {
        let ontology = self.base.corpus.ontology();
        let mut shares: BTreeMap<Position, f64> = BTreeMap::new();
        for parent in ontology.parents(term) {
            let children = ontology.children(*parent).len() as f64;
            for (position, f) in self.entries(|lists| &lists.direct, *parent) {
                let share = shares.entry(position).or_default();
                *share = share.max(f / children);
            }
        }
        shares
    }

    /// Chance of a finding that the disease does not explain: 1:500 for the rarest terms, up to
    /// 1:10 for common ones.
    fn unexplained(&self, term: Term) -> f64 {
        let frequency = self.frequency(term);
        let slope = (LARGEST_CHANCE - LEAST_CHANCE) / (LARGEST_CHANCE - UNRELATED);
        (LEAST_CHANCE + (frequency - UNRELATED) * slope) * frequency
    }

    fn background(&self, term: Term) -> f64 {
        self.frequency(term).max(BACKGROUND)
    }

    /// Mean over diseases of the term's frequency.
    fn frequency(&self, term: Term) -> f64 {
        let of = |sums: &HashMap<Term, f64>| sums.get(&term).copied().unwrap_or(0.0);
        let removed = self.removed.get(&term).copied().unwrap_or(0.0);
        let sum = of(&self.base.lists.sums) - removed + of(&self.added.sums);
        f64::max(sum, 0.0) / self.base.diseases.len() as f64
    }

    fn entries<'l>(
        &'l self,
        list: impl Fn(&'l Lists) -> &'l FrequencyLists,
        term: Term,
    ) -> impl Iterator<Item = (Position, f64)> + 'l {
        let base = list(&self.base.lists).get(&term).into_iter().flatten();
        let base = base.filter(|(position, _)| !self.facts.contains_key(position));
        base.chain(list(&self.added).get(&term).into_iter().flatten())
            .copied()
    }

    fn places<'l>(
        &'l self,
        list: impl Fn(&'l Lists) -> &'l HashMap<Term, Vec<Position>>,
        term: Term,
    ) -> impl Iterator<Item = Position> + 'l {
        let base = list(&self.base.lists).get(&term).into_iter().flatten();
        let base = base.filter(|position| !self.facts.contains_key(position));
        base.chain(list(&self.added).get(&term).into_iter().flatten())
            .copied()
    }
}

/// A term's ancestors, itself first, nearest first.
fn breadth_first(ontology: &Ontology, term: Term) -> Vec<Term> {
    let (mut order, mut queue) = (Vec::new(), VecDeque::from([term]));
    while let Some(next) = queue.pop_front() {
        if !order.contains(&next) {
            order.push(next);
            queue.extend(ontology.parents(next));
        }
    }
    order
}
