//! A case as the evaluation sees it: the question it asks and the truths it is asked against, both
//! resolved against one knowledge. What cannot be resolved is counted, never dropped in silence.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use ligate_clinic::phenotype::{Counts, Query};
use ligate_knowledge::{
    DiseaseIndex, GeneIndex, Knowledge,
    ontology::{Resolution, Term},
};
use ligate_model::{Case, DiseaseId, Pmid, TermId};
use serde::Serialize;

use super::metrics::Miss;

/// One case, prepared.
pub struct Subject {
    /// The case's id: the seed of its noise. Never printed.
    pub id: String,
    /// `None` where no observed term is known.
    pub query: Option<Query>,
    /// Disease classes that the case states, each once; `None` for one that the knowledge does not
    /// know.
    pub diseases: Vec<Option<DiseaseIndex>>,
    /// Genes that the case states, each once; `None` for an unknown one.
    pub genes: Vec<Option<GeneIndex>>,
    pub publications: Vec<Pmid>,
    /// Stands for the true disease (the first stated one) in macro figures and in the bootstrap.
    pub group: u32,
    /// The same for the true gene.
    pub gene_group: u32,
    /// Terms as the file lists them, resolved: (term, observed).
    listed: Vec<(Term, bool)>,
}

/// What was found while the cases were prepared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Prepared {
    pub cases: usize,
    /// Cases that name no disease: they are in no disease figure.
    pub without_disease: usize,
    /// Cases that name no gene: they are in no gene figure.
    pub without_gene: usize,
    /// Cases without a publication id: nothing can be removed for them.
    pub without_publication: usize,
    pub several_publications: usize,
    /// Cases with more than one stated disease.
    pub several_diseases: usize,
}

/// Prepares cases in their order.
pub struct Subjects {
    pub all: Vec<Subject>,
    pub prepared: Prepared,
    /// Patients of a publication with a disease, by term: what a row that pools publications owes
    /// to it.
    own: HashMap<(Pmid, DiseaseIndex), OwnCounts>,
}

type OwnCounts = Vec<(Term, Counts)>;

impl Subjects {
    pub fn of(knowledge: &Knowledge, cases: &[Case]) -> Self {
        let mut groups = Groups::default();
        let all = cases
            .iter()
            .map(|case| subject(knowledge, case, &mut groups))
            .collect::<Vec<_>>();
        let count =
            |holds: &dyn Fn(&Subject) -> bool| all.iter().filter(|subject| holds(subject)).count();
        let prepared = Prepared {
            cases: all.len(),
            without_disease: count(&|subject| subject.diseases.is_empty()),
            without_gene: count(&|subject| subject.genes.is_empty()),
            without_publication: count(&|subject| subject.publications.is_empty()),
            several_publications: count(&|subject| subject.publications.len() > 1),
            several_diseases: count(&|subject| subject.diseases.len() > 1),
        };
        let own = own_patients(&all);
        Self { all, prepared, own }
    }

    /// (m, n) by term of some publications' own patients with a disease: m have the term, n are
    /// those of whom the case file says whether they have it.
    pub fn own(&self, publications: &[Pmid], disease: DiseaseIndex) -> Cow<'_, [(Term, Counts)]> {
        if let [publication] = publications {
            let known = self.own.get(&(*publication, disease));
            return Cow::Borrowed(known.map_or(&[][..], Vec::as_slice));
        }
        let described = |subject: &&Subject| {
            subject.diseases.contains(&Some(disease))
                && subject
                    .publications
                    .iter()
                    .any(|publication| publications.contains(publication))
        };
        let mut counts = BTreeMap::new();
        self.all
            .iter()
            .filter(described)
            .for_each(|subject| subject.count(&mut counts));
        Cow::Owned(counts.into_iter().collect())
    }
}

impl Subject {
    /// The same question without its excluded terms.
    pub fn without_excluded(query: &Query) -> Query {
        Query {
            excluded: Vec::new(),
            ..query.clone()
        }
    }

    fn count(&self, patients: &mut BTreeMap<Term, Counts>) {
        for (term, seen) in &self.listed {
            let counts = patients.entry(*term).or_default();
            counts.m += u32::from(*seen);
            counts.n += 1;
        }
    }

    /// Why no rank can be given before any ranking is done.
    pub fn miss(&self) -> Option<Miss> {
        self.query.is_none().then_some(Miss::NoTerm)
    }
}

/// Numbers for true diseases and genes; those that the knowledge does not know get numbers of their
/// own.
#[derive(Default)]
struct Groups {
    unknown: BTreeMap<String, u32>,
}

/// Unknown truths count down from here; known ones count up from 0.
const LAST: u32 = u32::MAX;

impl Groups {
    fn of(&mut self, known: Option<u32>, name: impl FnOnce() -> String) -> u32 {
        known.unwrap_or_else(|| {
            let next = LAST - self.unknown.len() as u32;
            *self.unknown.entry(name()).or_insert(next)
        })
    }
}

fn subject(knowledge: &Knowledge, case: &Case, groups: &mut Groups) -> Subject {
    let query = Query::of(case, &knowledge.ontology)
        .ok()
        .map(|(query, _)| query);
    let stated = case
        .diagnoses
        .iter()
        .filter_map(|diagnosis| diagnosis.disease)
        .collect::<Vec<_>>();
    let diseases = once(
        stated
            .iter()
            .map(|id| (knowledge.find_disease(*id), id.to_string())),
    );
    let genes = case.diagnoses.iter().flat_map(|diagnosis| &diagnosis.genes);
    let genes = once(genes.map(|name| (knowledge.find_gene(name), name.clone())));
    let group = |first: Option<&(Option<u32>, String)>, groups: &mut Groups| match first {
        Some((known, name)) => groups.of(*known, || name.clone()),
        None => LAST,
    };
    let numbered =
        |truth: &(Option<DiseaseIndex>, String)| (truth.0.map(|index| index.0), truth.1.clone());
    let numbered_gene =
        |truth: &(Option<GeneIndex>, String)| (truth.0.map(|index| index.0), truth.1.clone());
    Subject {
        id: case.id.clone(),
        query,
        group: group(diseases.first().map(numbered).as_ref(), groups),
        gene_group: group(genes.first().map(numbered_gene).as_ref(), groups),
        diseases: diseases.into_iter().map(|(index, _)| index).collect(),
        genes: genes.into_iter().map(|(index, _)| index).collect(),
        publications: case.publications.clone(),
        listed: listed(knowledge, case),
    }
}

/// Each known truth once, and each unknown name once.
fn once<I: Copy + Eq>(
    truths: impl Iterator<Item = (Option<I>, String)>,
) -> Vec<(Option<I>, String)> {
    let mut kept: Vec<(Option<I>, String)> = Vec::new();
    for (index, name) in truths {
        let same = |other: &(Option<I>, String)| match (index, other.0) {
            (Some(index), Some(other)) => index == other,
            (None, None) => other.1 == name,
            _ => false,
        };
        if !kept.iter().any(same) {
            kept.push((index, name));
        }
    }
    kept
}

/// The term in force of an id.
pub(super) fn resolved(knowledge: &Knowledge, id: TermId) -> Option<Term> {
    match knowledge.ontology.resolve(id) {
        Resolution::Current(term) | Resolution::Replaced { by: term } => Some(term),
        Resolution::Obsolete { .. } | Resolution::Unknown => None,
    }
}

fn listed(knowledge: &Knowledge, case: &Case) -> Vec<(Term, bool)> {
    let observed = case.observed_terms().map(|id| (id, true));
    let all = observed.chain(case.excluded.iter().map(|id| (*id, false)));
    let mut listed: Vec<(Term, bool)> = Vec::new();
    for (id, seen) in all {
        if let Some(term) = resolved(knowledge, id)
            && !listed.iter().any(|(other, _)| *other == term)
        {
            listed.push((term, seen));
        }
    }
    listed
}

fn own_patients(subjects: &[Subject]) -> HashMap<(Pmid, DiseaseIndex), OwnCounts> {
    let mut own: HashMap<(Pmid, DiseaseIndex), BTreeMap<Term, Counts>> = HashMap::new();
    for subject in subjects {
        let diseases = subject.diseases.iter().flatten();
        for key in
            diseases.flat_map(|disease| subject.publications.iter().map(|pmid| (*pmid, *disease)))
        {
            subject.count(own.entry(key).or_default());
        }
    }
    own.into_iter()
        .map(|(key, counts)| (key, counts.into_iter().collect()))
        .collect()
}

/// The class that a knowledge case's disease belongs to.
pub(super) fn class_of(knowledge: &Knowledge, case: &Case) -> Option<DiseaseIndex> {
    let stated = case
        .diagnoses
        .iter()
        .filter_map(|diagnosis| diagnosis.disease);
    stated
        .filter_map(|id: DiseaseId| knowledge.find_disease(id))
        .next()
}
