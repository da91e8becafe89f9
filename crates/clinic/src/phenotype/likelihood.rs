//! The likelihood ratio S of a patient's terms under each candidate disease (docs/diagnosis.md):
//!
//! S = sum over the most specific observed terms h of log[lambda + (1 - lambda) R_d(h)], with
//! R_d(h) = F_d(h) / B(h) where F_d(h) > 0, else kappa times the largest R_d over h's parents; an
//! annotated absence multiplies R_d(h) by 0.05.
//!
//! A few diseases can be changed against a shared base; B is then rebuilt for every term whose F
//! changed, and rows are made anew for those terms and their descendants, so that a publication
//! that was taken out is out of B as well.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use ligate_knowledge::{
    DiseaseIndex, Knowledge,
    ontology::{Ontology, Term},
};

use crate::phenotype::{
    annotations::{Annotations, FREQUENT, Profile},
    lists::{Genes, Lists, Position},
    products::Products,
    query::Query,
    risen::{Risen, Riser},
    rows::{Row, Rows},
};

/// Chance that an observed term has nothing to do with the disease.
pub(super) const LAMBDA: f64 = 0.5;
/// What is left of a parent's ratio for a term that the disease is not known to have.
const KAPPA: f64 = 0.05;
/// Factor of R for an observed term that the disease is annotated to be without.
const ABSENT: f64 = 0.05;
/// Rows kept by a base: 1,024 rows of 8,300 candidates are 68 MB.
const BASE_ROWS: usize = 1024;
/// Rows kept by a changed scorer: the ancestors of a few patients' terms.
const CHANGED_ROWS: usize = 512;
/// Factors multiplied before a logarithm is taken: each is between 0.5 and the number of
/// candidates, so that the product of 64 of them is a normal number for up to 60,000 candidates.
const FACTORS: usize = 64;

/// Scores candidates. Cheap to clone, usable by many threads at once.
#[derive(Clone)]
pub struct Scorer<'k> {
    base: Arc<Base<'k>>,
    /// `None`: the base as it is.
    changes: Option<Arc<Changes>>,
}

struct Base<'k> {
    knowledge: &'k Knowledge,
    candidates: Arc<[DiseaseIndex]>,
    genes: Arc<Genes>,
    /// Where each disease is among the candidates.
    positions: Vec<Option<Position>>,
    profiles: Vec<Arc<Profile>>,
    lists: Lists,
    /// B(t) by term.
    background: Vec<f64>,
    /// Information content by term, nats.
    contents: Vec<f64>,
    /// By candidate.
    weights: Vec<Weight>,
    rows: Mutex<Rows>,
}

/// How much there is of a disease to be covered: f times information content, summed over its
/// terms.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    pub all: f64,
    /// Of frequent terms alone.
    pub frequent: f64,
}

/// What a changed scorer knows otherwise than its base.
struct Changes {
    diseases: HashMap<Position, Changed>,
    /// Terms whose F changed for some disease: their lists and B.
    lists: HashMap<Term, (Vec<(Position, f64)>, f64)>,
    rows: Mutex<Rows>,
}

struct Changed {
    profile: Profile,
    risen: Risen,
}

impl<'k> Scorer<'k> {
    /// Over the candidates of the knowledge.
    pub fn new(annotations: &Annotations<'k>) -> Self {
        Self::over(annotations, annotations.knowledge().candidates().to_vec())
    }

    /// Over other candidates; B is the mean over these.
    pub fn over(annotations: &Annotations<'k>, candidates: Vec<DiseaseIndex>) -> Self {
        let knowledge = annotations.knowledge();
        let ontology = &knowledge.ontology;
        let profiles: Vec<Arc<Profile>> = candidates
            .iter()
            .map(|disease| annotations.profile(*disease).clone())
            .collect();
        let mut positions = vec![None; knowledge.diseases().len()];
        for (position, disease) in (0..).zip(&candidates) {
            positions[disease.index()] = Some(position);
        }
        let lists = Lists::build(ontology, profiles.iter().map(AsRef::as_ref));
        let background = ontology
            .terms()
            .map(|term| mean(lists.of(term), candidates.len()))
            .collect();
        let contents: Vec<f64> = ontology
            .terms()
            .map(|term| content(lists.of(term), candidates.len()))
            .collect();
        let weights = profiles
            .iter()
            .map(|profile| weight(profile, |term| contents[term.index()]))
            .collect();
        let rows = Mutex::new(Rows::new(ontology.len(), BASE_ROWS));
        let (genes, candidates) = (
            Arc::new(Genes::of(knowledge, &candidates)),
            candidates.into(),
        );
        let base = Base {
            knowledge,
            candidates,
            genes,
            positions,
            profiles,
            lists,
            background,
            contents,
            weights,
            rows,
        };
        Self {
            base: Arc::new(base),
            changes: None,
        }
    }

    /// The same candidates with some diseases changed against the base (not against earlier
    /// changes). Diseases that are not candidates are passed over.
    pub fn adjusted(&self, changes: Vec<(DiseaseIndex, Profile)>) -> Self {
        let ontology = self.ontology();
        let (mut diseases, mut riser) = (HashMap::new(), Riser::new(ontology));
        for (disease, profile) in changes {
            if let Some(position) = self.position(disease) {
                let risen = riser.rise(&profile);
                diseases.insert(position as Position, Changed { profile, risen });
            }
        }
        if diseases.is_empty() {
            return Self {
                base: self.base.clone(),
                changes: None,
            };
        }
        let lists = self.base.changed_lists(&diseases);
        let rows = Mutex::new(Rows::new(ontology.len(), CHANGED_ROWS));
        Self {
            base: self.base.clone(),
            changes: Some(Arc::new(Changes {
                diseases,
                lists,
                rows,
            })),
        }
    }

    pub fn knowledge(&self) -> &'k Knowledge {
        self.base.knowledge
    }

    pub fn candidates(&self) -> &[DiseaseIndex] {
        &self.base.candidates
    }

    pub(super) fn shared_candidates(&self) -> &Arc<[DiseaseIndex]> {
        &self.base.candidates
    }

    pub(super) fn genes(&self) -> &Arc<Genes> {
        &self.base.genes
    }

    /// Where a disease is among the candidates.
    pub fn position(&self, disease: DiseaseIndex) -> Option<usize> {
        self.base
            .positions
            .get(disease.index())
            .copied()
            .flatten()
            .map(|position| position as usize)
    }

    /// A candidate's profile, with the changes; `None` for what is not a candidate.
    pub fn profile(&self, disease: DiseaseIndex) -> Option<&Profile> {
        self.position(disease)
            .map(|position| self.profile_at(position))
    }

    pub(super) fn profile_at(&self, position: usize) -> &Profile {
        let changed = self.changed(position as Position);
        changed.map_or(&*self.base.profiles[position], |changed| &changed.profile)
    }

    /// F_d(t), 0 where the disease is not known to have the term.
    pub fn frequency(&self, disease: DiseaseIndex, term: Term) -> f64 {
        self.position(disease)
            .map_or(0.0, |position| self.risen(position).frequency(term))
    }

    /// B(t): the mean of F over the candidates.
    pub fn background(&self, term: Term) -> f64 {
        self.changed_list(term)
            .map_or(self.base.background[term.index()], |(_, mean)| *mean)
    }

    /// S of every candidate, in their order; negative infinity where nothing is known of a disease.
    pub fn scores(&self, query: &Query) -> Vec<f64> {
        self.products(&query.observed).scores()
    }

    /// The best candidates and their S, best first; equal ones in the candidates' order.
    pub fn top(&self, query: &Query, count: usize) -> Vec<(DiseaseIndex, f64)> {
        let top = self.products(&query.observed).top(count);
        top.into_iter()
            .map(|(position, s)| (self.base.candidates[position], s))
            .collect()
    }

    /// F of one candidate.
    pub(super) fn frequency_at(&self, position: usize, term: Term) -> f64 {
        self.risen(position).frequency(term)
    }

    /// One observed term's factor lambda + (1 - lambda) R of one candidate.
    pub(super) fn factor(&self, position: usize, term: Term) -> f64 {
        let ratio = self.ratio(position, term);
        let absent = if self.is_absent(position, term) {
            ABSENT
        } else {
            1.0
        };
        LAMBDA + (1.0 - LAMBDA) * ratio * absent
    }

    /// R of one candidate, without the factor of an annotated absence.
    pub(super) fn ratio(&self, position: usize, term: Term) -> f64 {
        let f = self.risen(position).frequency(term);
        if f > 0.0 {
            return f / self.background(term);
        }
        let parents = self.ontology().parents(term).iter();
        KAPPA
            * parents
                .map(|parent| self.ratio(position, *parent))
                .fold(0.0, f64::max)
    }

    /// Minus the logarithm of the share of candidates that have a term; of one candidate where none
    /// has it. Nats.
    pub(super) fn information_content(&self, term: Term) -> f64 {
        match self.changed_list(term) {
            Some((list, _)) => content(list, self.base.candidates.len()),
            None => self.base.contents[term.index()],
        }
    }

    /// How much there is of a candidate to be covered.
    pub(super) fn weight(&self, position: usize) -> Weight {
        match self.changes {
            None => self.base.weights[position],
            Some(_) => weight(self.profile_at(position), |term| {
                self.information_content(term)
            }),
        }
    }

    /// F of one candidate over all its terms and their ancestors.
    pub(super) fn risen(&self, position: usize) -> &Risen {
        let changed = self.changed(position as Position);
        changed.map_or(&self.base.lists.risen[position], |changed| &changed.risen)
    }

    /// Whether a candidate is annotated to be without a term.
    pub(super) fn is_absent(&self, position: usize, term: Term) -> bool {
        self.profile_at(position)
            .absent
            .binary_search(&term)
            .is_ok()
    }

    fn ontology(&self) -> &'k Ontology {
        &self.base.knowledge.ontology
    }

    fn changed(&self, position: Position) -> Option<&Changed> {
        self.changes.as_ref()?.diseases.get(&position)
    }

    fn changed_list(&self, term: Term) -> Option<&(Vec<(Position, f64)>, f64)> {
        self.changes.as_ref()?.lists.get(&term)
    }

    /// exp(S) of all candidates.
    pub(super) fn products(&self, terms: &[Term]) -> Products {
        let mut products = Products::of(self.base.candidates.len());
        for (done, chunk) in terms.chunks(FACTORS).enumerate() {
            if done > 0 {
                products.take_logarithms();
            }
            for term in chunk {
                self.multiply(&mut products.last, *term);
            }
        }
        self.drop_empty(&mut products.last);
        products
    }

    fn multiply(&self, products: &mut [f64], term: Term) {
        let row = self.row(term);
        let absent: Vec<(usize, f64)> = self.absences(term).map(|at| (at, products[at])).collect();
        for (product, ratio) in products.iter_mut().zip(row.iter()) {
            *product *= LAMBDA + (1.0 - LAMBDA) * ratio;
        }
        for (at, before) in absent {
            products[at] = before * (LAMBDA + (1.0 - LAMBDA) * row[at] * ABSENT);
        }
    }

    /// Candidates that are annotated to be without a term.
    fn absences(&self, term: Term) -> impl Iterator<Item = usize> + '_ {
        let base = self.base.lists.without(term).iter().copied();
        let base = base.filter(|position| self.changed(*position).is_none());
        let diseases = self
            .changes
            .as_ref()
            .into_iter()
            .flat_map(|changes| changes.diseases.keys().copied());
        let changed = diseases.filter(move |position| self.is_absent(*position as usize, term));
        base.chain(changed).map(|position| position as usize)
    }

    fn drop_empty(&self, products: &mut [f64]) {
        for (at, empty) in self.base.lists.empty.iter().enumerate() {
            if *empty && self.changed(at as Position).is_none() {
                products[at] = 0.0;
            }
        }
        let Some(changes) = &self.changes else { return };
        for (position, changed) in &changes.diseases {
            if changed.profile.is_empty() {
                products[*position as usize] = 0.0;
            }
        }
    }

    /// R of a term over all candidates.
    fn row(&self, term: Term) -> Row {
        let rows = match &self.changes {
            Some(changes) if self.is_touched(term) => &changes.rows,
            _ => &self.base.rows,
        };
        let cached = rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(term);
        if let Some(row) = cached {
            return row;
        }
        let row = self.make_row(term);
        rows.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(term, row.clone());
        row
    }

    /// Whether a change reaches a term's row: through its own F and B or those of an ancestor.
    fn is_touched(&self, term: Term) -> bool {
        self.ontology()
            .ancestors(term)
            .iter()
            .any(|ancestor| self.changed_list(*ancestor).is_some())
    }

    fn make_row(&self, term: Term) -> Row {
        let mut row = vec![0.0; self.base.candidates.len()];
        for parent in self.ontology().parents(term) {
            let parent = self.row(*parent);
            for (ratio, above) in row.iter_mut().zip(parent.iter()) {
                *ratio = f64::max(*ratio, KAPPA * above);
            }
        }
        let (list, background) = match self.changed_list(term) {
            Some((list, background)) => (list.as_slice(), *background),
            None => (self.base.lists.of(term), self.base.background[term.index()]),
        };
        for (position, f) in list {
            row[*position as usize] = f / background;
        }
        row.into()
    }
}

impl Base<'_> {
    /// Lists and B of the terms whose F differs for one of the changed diseases.
    fn changed_lists(
        &self,
        diseases: &HashMap<Position, Changed>,
    ) -> HashMap<Term, (Vec<(Position, f64)>, f64)> {
        let mut touched = HashSet::new();
        for (position, changed) in diseases {
            touched.extend(self.lists.risen[*position as usize].differing(&changed.risen));
        }
        let changed = touched.into_iter().map(|term| {
            let kept = self
                .lists
                .of(term)
                .iter()
                .filter(|(position, _)| !diseases.contains_key(position));
            let mut list: Vec<(Position, f64)> = kept.copied().collect();
            for (position, changed) in diseases {
                let f = changed.risen.frequency(term);
                if f > 0.0 {
                    list.push((*position, f));
                }
            }
            list.sort_unstable_by_key(|(position, _)| *position);
            let background = mean(&list, self.candidates.len());
            (term, (list, background))
        });
        changed.collect()
    }
}

fn mean(list: &[(Position, f64)], candidates: usize) -> f64 {
    list.iter().map(|(_, f)| f).sum::<f64>() / candidates as f64
}

fn content(list: &[(Position, f64)], candidates: usize) -> f64 {
    -libm::log(list.len().max(1) as f64 / candidates as f64)
}

fn weight(profile: &Profile, content: impl Fn(Term) -> f64) -> Weight {
    let mut weight = Weight::default();
    for annotated in &profile.terms {
        let part = annotated.f * content(annotated.term);
        weight.all += part;
        weight.frequent += if annotated.f >= FREQUENT { part } else { 0.0 };
    }
    weight
}
