//! What other registries know: cases split over nodes, counted at each node, and released by a rule
//! that is handed in.
//!
//! The order is fixed: the evaluated case's publication (and the case itself) leaves first, then
//! nodes count, then the rule acts. A publication that already is named in a disease's annotation
//! is not counted for it again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ligate_clinic::phenotype::{Annotations, Counts, Query};
use ligate_knowledge::{DiseaseIndex, Knowledge, ontology::Term};
use ligate_model::{Case, DiagnosisCount, DiseaseId, Pmid, TermId};
use serde::Serialize;

use super::{
    random::first_eight_bytes,
    subject::{class_of, resolved},
};

/// Nodes that the cases are split over.
pub const NODES: u64 = 8;

/// Salts of the split; figures are means over them, with their range.
pub const SALTS: [u64; 5] = [0, 1, 2, 3, 4];

/// The patients of one disease at one node to (term, m).
pub type BatchRule<'r> = dyn Fn(&[&[TermId]]) -> Vec<(TermId, u32)> + Sync + 'r;

/// All patients of a node and a seed to noised counts.
pub type PrivateRule<'r> =
    dyn Fn(&[(DiseaseId, &[TermId])], u64) -> Vec<DiagnosisCount> + Sync + 'r;

/// How a node's patients become what it publishes.
#[derive(Clone, Copy)]
pub enum Publishing<'r> {
    /// The patients of one disease at one node, each with their most specific observed terms, to
    /// (term, m); n is all of them.
    Batches(&'r BatchRule<'r>),
    /// All patients of a node and a seed to noised counts.
    Private(&'r PrivateRule<'r>),
}

/// A case that some registry holds.
struct Patient {
    id: String,
    publications: Vec<Pmid>,
    disease: DiseaseIndex,
    disease_id: DiseaseId,
    terms: Vec<TermId>,
    /// What the split goes by: the publication's id as text, else the case's own id.
    origin: String,
}

/// What the knowledge cases came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub cases: usize,
    /// Without a disease that the knowledge knows: nothing can be counted.
    pub without_disease: usize,
    /// Their publication is named in the disease's annotation already.
    pub already_annotated: usize,
}

/// Knowledge cases, ready to be split.
pub struct Patients<'k> {
    knowledge: &'k Knowledge,
    patients: Vec<Patient>,
    pub counted: Counted,
}

impl<'k> Patients<'k> {
    pub fn of(annotations: &Annotations<'k>, cases: &[Case]) -> Self {
        let knowledge = annotations.knowledge();
        let diseases = diseases_by_term(annotations);
        let mut counted = Counted {
            cases: cases.len(),
            ..Counted::default()
        };
        let mut patients = Vec::new();
        for case in cases {
            let Some(disease) = class_of(knowledge, case) else {
                counted.without_disease += 1;
                continue;
            };
            let named = |pmid: &Pmid| annotations.naming(*pmid).contains(&disease);
            if case.publications.iter().any(named) {
                counted.already_annotated += 1;
                continue;
            }
            patients.push(patient(knowledge, case, disease, &diseases));
        }
        Self {
            knowledge,
            patients,
            counted,
        }
    }

    /// The split of one salt.
    pub fn split(&self, salt: u64, release: Publishing<'k>) -> Split<'k, '_> {
        let mut split = Split {
            of: self,
            release,
            salt,
            nodes: vec![Vec::new(); NODES as usize],
            by_publication: HashMap::new(),
            tables: Vec::new(),
        };
        for (place, patient) in self.patients.iter().enumerate() {
            let node = node_of(salt, &patient.origin);
            split.nodes[node].push(place);
            for publication in &patient.publications {
                let held = split.by_publication.entry(*publication).or_default();
                held.insert((node, patient.disease));
            }
        }
        split.tables = (0..split.nodes.len())
            .map(|node| split.table(node, &|_| true))
            .collect();
        split
    }
}

/// How many candidates are annotated to each term or below it.
fn diseases_by_term(annotations: &Annotations) -> Vec<u32> {
    let knowledge = annotations.knowledge();
    let mut diseases = vec![0; knowledge.ontology.len()];
    for candidate in knowledge.candidates() {
        let terms = annotations.profile(*candidate).terms.iter();
        let above = terms.flat_map(|annotated| knowledge.ontology.ancestors(annotated.term));
        for term in above.collect::<BTreeSet<_>>() {
            diseases[term.index()] += 1;
        }
    }
    diseases
}

/// Terms come most informative first (annotated to the fewest diseases): a release that bounds what
/// one patient gives takes the first ones.
fn patient(knowledge: &Knowledge, case: &Case, disease: DiseaseIndex, diseases: &[u32]) -> Patient {
    let ontology = &knowledge.ontology;
    let observed = case
        .observed_terms()
        .filter_map(|id| resolved(knowledge, id))
        .collect::<Vec<_>>();
    let mut specific = Query::from_terms(ontology, &observed, &[]).observed;
    specific.sort_by_key(|term| (diseases[term.index()].max(1), *term));
    Patient {
        id: case.id.clone(),
        publications: case.publications.clone(),
        disease,
        disease_id: knowledge.disease(disease).id,
        terms: specific.into_iter().map(|term| ontology.id(term)).collect(),
        origin: case
            .publications
            .first()
            .map_or_else(|| case.id.clone(), ToString::to_string),
    }
}

/// The node that holds a publication: first 8 bytes, big-endian, of SHA-256(salt ':' publication),
/// modulo [`NODES`].
pub fn node_of(salt: u64, publication: &str) -> usize {
    (first_eight_bytes(&format!("{salt}:{publication}")) % NODES) as usize
}

/// Counts that one node publishes, by disease and term.
type Table = BTreeMap<DiseaseIndex, BTreeMap<Term, Counts>>;

/// Knowledge cases split over nodes by one salt, with what every node publishes.
pub struct Split<'r, 'p> {
    of: &'p Patients<'r>,
    release: Publishing<'r>,
    salt: u64,
    /// Places in the patients, by node.
    nodes: Vec<Vec<usize>>,
    by_publication: HashMap<Pmid, BTreeSet<(usize, DiseaseIndex)>>,
    tables: Vec<Table>,
}

impl Split<'_, '_> {
    /// All that is published: counts by disease, summed over nodes.
    pub fn totals(&self) -> BTreeMap<DiseaseIndex, Vec<(Term, Counts)>> {
        let diseases = self
            .tables
            .iter()
            .flat_map(|table| table.keys().copied())
            .collect::<BTreeSet<_>>();
        let tables = self.tables.iter().collect::<Vec<_>>();
        diseases
            .into_iter()
            .map(|disease| (disease, sum(&tables, disease)))
            .collect()
    }

    /// Published rows (disease, term, node).
    pub fn rows(&self) -> usize {
        self.tables
            .iter()
            .flat_map(Table::values)
            .map(BTreeMap::len)
            .sum()
    }

    /// What would be published had these publications' patients (and the case itself) never been
    /// held: counts of those diseases for which that differs.
    pub fn without(
        &self,
        publications: &[Pmid],
        case_id: &str,
    ) -> Vec<(DiseaseIndex, Vec<(Term, Counts)>)> {
        let held = publications
            .iter()
            .filter_map(|publication| self.by_publication.get(publication))
            .flatten();
        let mut touched = held.copied().collect::<BTreeSet<_>>();
        touched.extend(self.held_by_id(case_id));
        let stays = |patient: &Patient| {
            patient.id != case_id
                && !patient
                    .publications
                    .iter()
                    .any(|pmid| publications.contains(pmid))
        };
        let mut nodes: BTreeMap<usize, Table> = BTreeMap::new();
        for (node, disease) in &touched {
            match self.release {
                Publishing::Batches(rule) => {
                    let batch = self.batch(*node, *disease, &stays);
                    let table = nodes.entry(*node).or_default();
                    table.insert(*disease, self.released(rule, &batch));
                }
                Publishing::Private(_) => {
                    nodes
                        .entry(*node)
                        .or_insert_with(|| self.table(*node, &stays));
                }
            }
        }
        self.changed(&nodes)
    }

    /// A case without a publication can only be found by its id.
    fn held_by_id(&self, case_id: &str) -> Vec<(usize, DiseaseIndex)> {
        let same = self
            .of
            .patients
            .iter()
            .filter(|patient| patient.publications.is_empty() && patient.id == case_id);
        same.map(|patient| (node_of(self.salt, &patient.origin), patient.disease))
            .collect()
    }

    /// Totals of the diseases in which recounted nodes differ. A node recounted by batches holds
    /// the touched diseases only; one recounted with noise holds all.
    fn changed(&self, nodes: &BTreeMap<usize, Table>) -> Vec<(DiseaseIndex, Vec<(Term, Counts)>)> {
        let whole = matches!(self.release, Publishing::Private(_));
        let mut diseases = BTreeSet::new();
        for (node, table) in nodes {
            diseases.extend(table.keys().copied());
            if whole {
                diseases.extend(self.tables[*node].keys().copied());
            }
        }
        let mut changed = Vec::new();
        for disease in diseases {
            let recounted = |node: usize| {
                nodes
                    .get(&node)
                    .filter(|table| whole || table.contains_key(&disease))
            };
            let tables =
                (0..self.tables.len()).map(|node| recounted(node).unwrap_or(&self.tables[node]));
            let tables = tables.collect::<Vec<_>>();
            let (new, old) = (
                sum(&tables, disease),
                sum(&self.tables.iter().collect::<Vec<_>>(), disease),
            );
            if new != old {
                changed.push((disease, new));
            }
        }
        changed
    }

    fn table(&self, node: usize, stays: &dyn Fn(&Patient) -> bool) -> Table {
        match self.release {
            Publishing::Batches(rule) => {
                let held = self.nodes[node]
                    .iter()
                    .map(|place| self.of.patients[*place].disease);
                let diseases = held.collect::<BTreeSet<_>>().into_iter();
                let released = |disease| {
                    (
                        disease,
                        self.released(rule, &self.batch(node, disease, stays)),
                    )
                };
                diseases
                    .map(released)
                    .filter(|(_, counts)| !counts.is_empty())
                    .collect()
            }
            Publishing::Private(rule) => self.noised(node, stays, rule),
        }
    }

    fn batch(
        &self,
        node: usize,
        disease: DiseaseIndex,
        stays: &dyn Fn(&Patient) -> bool,
    ) -> Vec<&[TermId]> {
        let held = self.nodes[node]
            .iter()
            .map(|place| &self.of.patients[*place]);
        let batch = held.filter(|patient| patient.disease == disease && stays(patient));
        batch.map(|patient| patient.terms.as_slice()).collect()
    }

    fn released(&self, rule: &BatchRule<'_>, batch: &[&[TermId]]) -> BTreeMap<Term, Counts> {
        let n = batch.len() as u32;
        let counts = rule(batch).into_iter().filter_map(|(id, m)| {
            resolved(self.of.knowledge, id).map(|term| (term, Counts { m: m.min(n), n }))
        });
        counts.collect()
    }

    fn noised(
        &self,
        node: usize,
        stays: &dyn Fn(&Patient) -> bool,
        rule: &PrivateRule<'_>,
    ) -> Table {
        let held = self.nodes[node]
            .iter()
            .map(|place| &self.of.patients[*place])
            .filter(|held| stays(held));
        let held = held
            .map(|patient| (patient.disease_id, patient.terms.as_slice()))
            .collect::<Vec<_>>();
        let seed = first_eight_bytes(&format!("noise:{}:{node}", self.salt));
        let mut table = Table::new();
        for row in rule(&held, seed) {
            let disease = self.of.knowledge.find_disease(row.disease);
            if let (Some(disease), Some(term)) = (disease, resolved(self.of.knowledge, row.term)) {
                let counts = Counts {
                    m: row.m.min(row.n),
                    n: row.n,
                };
                table.entry(disease).or_default().insert(term, counts);
            }
        }
        table
    }
}

fn sum(tables: &[&Table], disease: DiseaseIndex) -> Vec<(Term, Counts)> {
    let mut total: BTreeMap<Term, Counts> = BTreeMap::new();
    for (term, counts) in tables
        .iter()
        .filter_map(|table| table.get(&disease))
        .flatten()
    {
        let sum = total.entry(*term).or_default();
        sum.m += counts.m;
        sum.n += counts.n;
    }
    total.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: int.from_bytes(hashlib.sha256(b'0:PMID:15266616').digest()[:8], 'big') % 8, for
    /// salts 0 to 4.
    #[test]
    fn nodes_are_those_of_sha256() {
        let nodes = SALTS.map(|salt| node_of(salt, "PMID:15266616"));
        assert_eq!(nodes, EXPECTED);
    }

    const EXPECTED: [usize; 5] = [0, 0, 1, 7, 1];
}
