//! One run: one method on one set of cases under one regime. Cases of one publication share the
//! annotations without that publication, so they are judged together; publications are spread over
//! threads.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use ligate_clinic::phenotype::{Annotations, Counts, Edit, Profile, Query};
use ligate_knowledge::{DiseaseIndex, Knowledge, Reference, ontology::Term};
use ligate_model::Pmid;
use serde::Serialize;

use super::{
    calibration::Prediction,
    method::{Chosen, Judged, Method},
    metrics::{Miss, Outcome, Outcomes},
    noise::{Noise, NoiseMaker},
    registries::{Patients, Publishing, SALTS, Split},
    subject::{Subject, Subjects},
};

/// What of the annotations a case may be ranked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// All rows, the case's own publication included: inflated.
    Leaky,
    /// Without the rows, or the share of them, that rest on the case's own publications.
    /// Catalogues' own text cannot be cleaned.
    Loo,
    /// Only cases whose publications no row names.
    Unseen,
}

/// Noise seeds.
pub const SEEDS: u64 = 5;

/// How cases are asked.
#[derive(Clone, Copy)]
pub struct Setting<'r> {
    pub regime: Regime,
    pub noise: Option<Noise>,
    /// Whether excluded terms are told.
    pub excluded_terms: bool,
    /// What other registries release of the knowledge cases.
    pub release: Option<Publishing<'r>>,
    pub candidates: Candidates,
    pub threads: usize,
}

/// Whom the truth is ranked among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// Every OMIM disease with a phenotype row: the table that is published.
    Omim,
    /// These and the classes that only Orphanet annotates, for the cases of such a class: the
    /// second table.
    OrphanetToo,
}

/// Cases and knowledge that runs share.
pub struct EvaluationSet<'k> {
    pub knowledge: &'k Knowledge,
    pub annotations: Annotations<'k>,
    pub subjects: &'k Subjects,
    /// Other registries' cases.
    pub patients: Option<&'k Patients<'k>>,
    /// Publications that any annotation row names.
    named: HashSet<Pmid>,
    /// Every class with a phenotype row.
    annotated: Vec<DiseaseIndex>,
}

impl<'k> EvaluationSet<'k> {
    pub fn new(
        annotations: &Annotations<'k>,
        subjects: &'k Subjects,
        patients: Option<&'k Patients<'k>>,
    ) -> Self {
        let knowledge = annotations.knowledge();
        let rows = knowledge
            .diseases()
            .iter()
            .flat_map(|disease| disease.rows.iter().chain(&disease.clinical_rows));
        let named = rows
            .flat_map(|row| &row.references)
            .filter_map(|reference| match reference {
                Reference::Publication(pmid) => Some(*pmid),
                Reference::Catalogue(_) | Reference::Other => None,
            });
        let classes = (0..).map(DiseaseIndex).zip(knowledge.diseases());
        let annotated = classes
            .filter(|(_, disease)| !disease.rows.is_empty())
            .map(|(index, _)| index);
        Self {
            knowledge,
            annotations: annotations.clone(),
            subjects,
            patients,
            named: named.collect(),
            annotated: annotated.collect(),
        }
    }

    fn candidates(&self, candidates: Candidates) -> &[DiseaseIndex] {
        match candidates {
            Candidates::Omim => self.knowledge.candidates(),
            Candidates::OrphanetToo => &self.annotated,
        }
    }

    /// Which of the subjects a setting evaluates.
    pub fn evaluated(&self, regime: Regime, candidates: Candidates) -> Vec<usize> {
        let named = |pmid: &Pmid| self.named.contains(pmid);
        let seen = |subject: &Subject| {
            subject.publications.is_empty() || subject.publications.iter().any(named)
        };
        let takes = |subject: &Subject| match (regime, candidates) {
            (Regime::Unseen, _) if seen(subject) => false,
            (_, Candidates::Omim) => true,
            (_, Candidates::OrphanetToo) => {
                !self.has_candidate(subject, Candidates::Omim)
                    && self.has_candidate(subject, candidates)
            }
        };
        (0..self.subjects.all.len())
            .filter(|place| takes(&self.subjects.all[*place]))
            .collect()
    }

    fn has_candidate(&self, subject: &Subject, candidates: Candidates) -> bool {
        let candidates = self.candidates(candidates);
        subject
            .diseases
            .iter()
            .flatten()
            .any(|disease| candidates.binary_search(disease).is_ok())
    }
}

/// What came of one run. Places are those of the subjects.
#[derive(Clone, Debug, Default)]
pub struct MethodRun {
    pub disease: Truths,
    pub gene: Truths,
    /// All repetitions one after the other.
    pub predictions: Vec<Prediction>,
    /// Rows (disease, term, node) that all nodes release together, by salt.
    pub released_rows: Vec<usize>,
    /// Diseases that they concern, by salt.
    pub released_diseases: Vec<usize>,
}

/// Outcomes of the cases that state a truth of one kind.
#[derive(Clone, Debug, Default)]
pub struct Truths {
    pub places: Vec<usize>,
    pub groups: Vec<u32>,
    pub outcomes: Outcomes,
}

/// Runs a method. `progress` hears (done, all) of publications.
pub fn run(
    bench: &EvaluationSet,
    chosen: Chosen,
    setting: &Setting,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> MethodRun {
    let places = bench.evaluated(setting.regime, setting.candidates);
    let groups = by_publication(bench.subjects, &places);
    let repetitions = if setting.noise.is_some() || setting.release.is_some() {
        SEEDS as usize
    } else {
        1
    };
    let mut judged: Vec<Vec<Judged>> =
        vec![vec![Judged::default(); bench.subjects.all.len()]; repetitions];
    let mut whole = MethodRun::default();
    match (setting.release, bench.patients) {
        (Some(release), Some(patients)) => {
            for (repetition, salt) in SALTS.into_iter().enumerate() {
                let split = patients.split(salt, release);
                let task = Task::new(
                    bench,
                    setting,
                    chosen,
                    Some(&split),
                    repetition..repetition + 1,
                );
                whole.released_rows.push(split.rows());
                whole.released_diseases.push(split.totals().len());
                task.run(&groups, &mut judged, progress);
            }
        }
        _ => Task::new(bench, setting, chosen, None, 0..repetitions).run(
            &groups,
            &mut judged,
            progress,
        ),
    }
    whole.collect(bench, setting.candidates, &places, judged);
    whole
}

/// Cases that lose the same rows, in the order of their first.
fn by_publication(subjects: &Subjects, places: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<(&[Pmid], &str), Vec<usize>> = BTreeMap::new();
    for place in places {
        let subject = &subjects.all[*place];
        let id = if subject.publications.is_empty() {
            subject.id.as_str()
        } else {
            ""
        };
        groups
            .entry((&subject.publications, id))
            .or_default()
            .push(*place);
    }
    groups.into_values().collect()
}

/// One method over one base, for some of the repetitions.
struct Task<'a, 'k> {
    bench: &'a EvaluationSet<'k>,
    setting: &'a Setting<'a>,
    split: Option<&'a Split<'a, 'a>>,
    totals: BTreeMap<DiseaseIndex, Vec<(Term, Counts)>>,
    method: Box<dyn Method + 'a>,
    noise: NoiseMaker<'k>,
    repetitions: std::ops::Range<usize>,
}

impl<'a, 'k: 'a> Task<'a, 'k> {
    fn new(
        bench: &'a EvaluationSet<'k>,
        setting: &'a Setting<'a>,
        chosen: Chosen<'a>,
        split: Option<&'a Split<'a, 'a>>,
        repetitions: std::ops::Range<usize>,
    ) -> Self {
        let totals = split.map(Split::totals).unwrap_or_default();
        let edited = |(disease, added): (&DiseaseIndex, &Vec<_>)| {
            (
                *disease,
                bench.annotations.edited(
                    *disease,
                    &Edit {
                        added,
                        ..Edit::default()
                    },
                ),
            )
        };
        let base = bench.annotations.with(totals.iter().map(edited).collect());
        let (method, noise) = (
            chosen.build(&base, bench.candidates(setting.candidates)),
            NoiseMaker::new(&bench.knowledge.ontology),
        );
        Self {
            bench,
            setting,
            split,
            totals,
            method,
            noise,
            repetitions,
        }
    }

    fn run(
        &self,
        groups: &[Vec<usize>],
        judged: &mut [Vec<Judged>],
        progress: &(dyn Fn(usize, usize) + Sync),
    ) {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.judge_group(group, &mut done);
                progress(next.load(Ordering::Relaxed).min(groups.len()), groups.len());
            }
            done
        };
        let done = std::thread::scope(|scope| {
            let threads = (0..self.setting.threads.max(1))
                .map(|_| scope.spawn(work))
                .collect::<Vec<_>>();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.collect::<Vec<_>>()
        });
        for result in done {
            match result {
                Ok(results) => {
                    for (repetition, place, verdict) in results {
                        judged[repetition][place] = verdict;
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    }

    fn judge_group(&self, group: &[usize], done: &mut Vec<(usize, usize, Judged)>) {
        let subjects = &self.bench.subjects.all;
        let changes = self.changes(&subjects[group[0]]);
        let judge = self.method.adjusted(&changes);
        let emptied = changes
            .iter()
            .filter(|(_, profile)| profile.borrowed || profile.is_empty());
        let emptied = emptied
            .map(|(disease, _)| *disease)
            .collect::<BTreeSet<_>>();
        for place in group {
            let Some(query) = &subjects[*place].query else {
                continue;
            };
            let stated = subjects[*place].diseases.iter().flatten();
            let rows_left = stated.clone().any(|disease| !emptied.contains(disease));
            for repetition in self.repetitions.clone() {
                let query = self.asked(&subjects[*place], query, repetition);
                let judged = judge.judge(&subjects[*place], &query);
                done.push((
                    repetition,
                    *place,
                    Judged {
                        rows_left,
                        ..judged
                    },
                ));
            }
        }
    }

    /// The query as the setting has it asked.
    fn asked(&self, subject: &Subject, query: &Query, repetition: usize) -> Query {
        let mut asked = query.clone();
        if let Some(noise) = self.setting.noise {
            let list = self
                .noise
                .list(noise, &subject.id, repetition as u64, &query.stated);
            asked = Query::from_terms(&self.bench.knowledge.ontology, &list, &query.excluded);
            (asked.sex, asked.onset) = (query.sex, query.onset);
        }
        if self.setting.excluded_terms {
            asked
        } else {
            Subject::without_excluded(&asked)
        }
    }

    /// Diseases that differ from the base for a case: its publications are taken out of rows and of
    /// registries.
    fn changes(&self, subject: &Subject) -> Vec<(DiseaseIndex, Profile)> {
        let publications = subject.publications.as_slice();
        let recounted = self
            .split
            .map(|split| split.without(publications, &subject.id))
            .unwrap_or_default();
        let recounted = recounted.into_iter().collect::<BTreeMap<_, _>>();
        let mut diseases = recounted.keys().copied().collect::<BTreeSet<_>>();
        if self.setting.regime != Regime::Leaky {
            let naming = publications
                .iter()
                .flat_map(|pmid| self.bench.annotations.naming(*pmid));
            diseases.extend(naming);
        }
        let edited = |disease| {
            let added = recounted
                .get(&disease)
                .or_else(|| self.totals.get(&disease))
                .map_or(&[][..], Vec::as_slice);
            (disease, self.edited(publications, disease, added))
        };
        diseases.into_iter().map(edited).collect()
    }

    fn edited(
        &self,
        publications: &[Pmid],
        disease: DiseaseIndex,
        added: &[(Term, Counts)],
    ) -> Profile {
        let without = if self.setting.regime == Regime::Leaky {
            &[]
        } else {
            publications
        };
        let own = self.bench.subjects.own(without, disease);
        let edited = self.bench.annotations.edited(
            disease,
            &Edit {
                without,
                own: &own,
                added,
            },
        );
        if self.method.borrows() && edited.terms.is_empty() {
            return self
                .bench
                .annotations
                .borrowed(disease, without)
                .unwrap_or_default();
        }
        edited
    }
}

impl MethodRun {
    fn collect(
        &mut self,
        bench: &EvaluationSet,
        candidates: Candidates,
        places: &[usize],
        judged: Vec<Vec<Judged>>,
    ) {
        let subjects = &bench.subjects.all;
        self.disease.places = places.to_vec();
        self.disease
            .places
            .retain(|place| !subjects[*place].diseases.is_empty());
        self.gene.places = places.to_vec();
        self.gene
            .places
            .retain(|place| !subjects[*place].genes.is_empty());
        self.disease.groups = self
            .disease
            .places
            .iter()
            .map(|place| subjects[*place].group)
            .collect();
        self.gene.groups = self
            .gene
            .places
            .iter()
            .map(|place| subjects[*place].gene_group)
            .collect();
        for repetition in judged {
            let disease = self.disease.places.iter().map(|place| {
                let (subject, judged) = (&subjects[*place], &repetition[*place]);
                let known = bench.has_candidate(subject, candidates);
                let lacks = if known { Miss::NoRows } else { Miss::Absent };
                outcome(
                    subject,
                    &judged.diseases,
                    (!known || !judged.rows_left).then_some(lacks),
                )
            });
            self.disease.outcomes.repetitions.push(disease.collect());
            let gene = self.gene.places.iter().map(|place| {
                let known = subjects[*place].genes.iter().any(Option::is_some);
                outcome(
                    &subjects[*place],
                    &repetition[*place].genes,
                    (!known).then_some(Miss::Absent),
                )
            });
            self.gene.outcomes.repetitions.push(gene.collect());
            self.predictions.extend(
                places
                    .iter()
                    .filter_map(|place| repetition[*place].prediction),
            );
        }
    }
}

/// The best rank over a case's truths. `lacks`: what a rank would need, if the case has terms.
fn outcome(subject: &Subject, ranks: &[Option<f64>], lacks: Option<Miss>) -> Outcome {
    let rank = ranks.iter().flatten().copied().reduce(f64::min);
    let all = ranks
        .iter()
        .all(|rank| rank.is_some_and(|rank| rank <= 10.0));
    // A gene none of whose diseases is ranked is absent from the ranking, as an unknown one is.
    let unranked = rank.is_none().then_some(Miss::Absent);
    Outcome {
        rank,
        lacks: subject.miss().or(lacks).or(unranked),
        all_in_ten: (ranks.len() > 1).then_some(all),
    }
}
