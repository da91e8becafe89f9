//! A node's registry of patients with rare diseases, in the folder `registry/` (mode 0700, files
//! 0600):
//!
//! - `patients.json`: the patients; never sent.
//! - `ledger/`: the batches that were counted and who was in them, as hashes ([`DiagnosisLedger`]).
//! - `alleles/`: the ledger of datasets whose allele counts the steward released.
//! - `peers/NAME.counts`, `NAME.alleles`: what peers released, fetched whole and ahead of any
//!   patient.
//! - `registry.lock` beside it: one process changes the registry at a time.
//!
//! What is served is the ledger's table, whole. A case that cannot be counted is a problem with its
//! file and line, and the others go on.

pub mod alleles;
pub mod fetch;
pub mod peers;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_clinic::counts;
use ligate_disclosure::{
    Released,
    diagnosis_counts::{
        Batch, Closed, DiagnosisLedger, Epsilon, Patient, SingleCounts, Standing, Support,
    },
};
use ligate_formats::Problems;
use ligate_knowledge::Knowledge;
use ligate_model::{Case, DiagnosisCount, Digest, IndividualId};
use ligate_records::cases;
use rand_core::OsRng;

use crate::books::patients::{Patients, PatientsFile, StoredPatient};
use crate::{
    books,
    folder::{Claim, Folder},
};

/// Rows of nobody that a private batch may hold on average.
const FALSE_ROWS: f64 = 20.0;

/// What the steward states of the cases that are added.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddOptions {
    /// The cases' own ids name the patients.
    pub by_case_id: bool,
    pub single_counts: bool,
    pub matching: bool,
}

/// What adding did.
#[derive(Clone, Debug, Default)]
pub struct Added {
    pub added: u64,
    /// Patients of whom something else is known now.
    pub changed: u64,
    pub unchanged: u64,
    /// Batches that are no longer served because a patient in them was corrected.
    pub stopped: u64,
    /// Cases that are not counted.
    pub left_out: u64,
    /// Of those: patients who have withdrawn.
    pub withdrawn: u64,
    pub problems: Problems,
}

/// The registry of one node folder.
pub struct Registry<'f> {
    folder: &'f Folder,
    patients: PatientsFile,
    ledger: DiagnosisLedger,
}

impl<'f> Registry<'f> {
    /// Opens the registry, and makes it where there is none.
    pub fn open(folder: &'f Folder) -> Result<Self> {
        Ok(Self::of_books(folder, books::registry(folder)?))
    }

    /// The registry with its ledger and its patients at hand.
    pub fn of_books(
        folder: &'f Folder,
        (ledger, patients): (DiagnosisLedger, PatientsFile),
    ) -> Self {
        Self {
            folder,
            patients,
            ledger,
        }
    }

    /// Takes the cases of files. A patient of whom something else was counted before stops being
    /// served first.
    pub fn add(
        &self,
        files: &[PathBuf],
        terms: AddOptions,
        knowledge: &Knowledge,
    ) -> Result<Added> {
        let _claim = self.claim()?;
        let mut patients = self.patients()?;
        let (mut added, mut incoming) = (Added::default(), Incoming::default());
        for file in files {
            let mut cases = cases::read(file)?;
            for record in cases.by_ref() {
                if let Err(why) = incoming.take(&record.case, terms, knowledge) {
                    added.left_out += 1;
                    added.problems.push(
                        &record.file,
                        record.line,
                        format!("a case is not counted: {why}"),
                    );
                }
            }
            added.left_out += cases.problems().total();
            added.problems.merge(cases.into_problems());
        }
        self.enter(incoming.patients, &mut patients, &mut added)?;
        self.patients.write("added", &patients)?;
        let Added {
            added: new,
            changed,
            left_out,
            ..
        } = added;
        self.folder.record(Event::RegistryAdded {
            added: new,
            changed,
            left_out,
        })?;
        Ok(added)
    }

    /// A batch with a corrected patient is stopped before anything else changes: a crash in between
    /// serves less.
    fn enter(&self, incoming: Patients, patients: &mut Patients, added: &mut Added) -> Result<()> {
        let standings = self.ledger.standings(incoming.keys())?;
        for ((id, new), standing) in incoming.into_iter().zip(standings) {
            match patients.get(&id) {
                _ if standing == Standing::Withdrawn => {
                    added.left_out += 1;
                    added.withdrawn += 1;
                }
                Some(old) if *old == new => added.unchanged += 1,
                Some(old) if old.counts_as(&new) && (new.single_counts || !old.single_counts) => {
                    added.changed += 1;
                    patients.insert(id, new);
                }
                Some(_) => {
                    added.changed += 1;
                    added.stopped += u64::from(self.ledger.correct(&id, Timestamp::now())?);
                    patients.insert(id, new);
                }
                None => {
                    added.added += 1;
                    patients.insert(id, new);
                }
            }
        }
        if added.stopped > 0 {
            self.record_stopped(added.stopped)?;
        }
        Ok(())
    }

    /// Closes batches by the rule and the steward's minimums.
    pub fn close(&self, single: SingleCounts) -> Result<Closed> {
        let _claim = self.claim()?;
        let patients = self.patients()?;
        let minimums = self.folder.config.diagnosis.minimums;
        let closed = self
            .ledger
            .close(&listed(&patients), minimums, single, Timestamp::now())?;
        self.record_closed(closed)
    }

    /// Closes one batch of all newcomers with noise, over all candidate diseases and phenotype
    /// terms of the knowledge.
    pub fn close_private(&self, epsilon: Epsilon, knowledge: &Knowledge) -> Result<Closed> {
        let _claim = self.claim()?;
        let patients = self.patients()?;
        let ontology = &knowledge.ontology;
        let phenotypes = ontology.terms().filter(|term| ontology.is_phenotype(*term));
        let terms: BTreeSet<_> = phenotypes.map(|term| ontology.id(term)).collect();
        let diseases: BTreeSet<_> = knowledge
            .candidates()
            .iter()
            .map(|disease| knowledge.disease(*disease).id)
            .collect();
        let (terms, diseases) = (Vec::from_iter(terms), Vec::from_iter(diseases));
        let support = Support {
            diseases: &diseases,
            terms: &terms,
        };
        let how = (&support, epsilon, FALSE_ROWS);
        let closed =
            self.ledger
                .close_private(&listed(&patients), how, Timestamp::now(), &mut OsRng)?;
        self.record_closed(closed)
    }

    /// A patient leaves for good. Whether a batch stopped being served.
    pub fn withdraw(&self, patient: &IndividualId) -> Result<bool> {
        let _claim = self.claim()?;
        let mut patients = self.patients()?;
        if !patients.contains_key(patient) {
            bail!(
                "the registry has no patient of that id; ids are those of the cases' subjects, or of the cases"
            );
        }
        let stopped = self.ledger.withdraw(patient, Timestamp::now())?;
        patients.remove(patient);
        self.patients.write("withdrawn", &patients)?;
        self.record_stopped(u64::from(stopped))?;
        Ok(stopped)
    }

    /// Takes the patients as they lie for the newest ones, without those who have withdrawn by the
    /// ledger. Consents count as not given, unless it is known that nobody has taken one back
    /// since.
    pub fn recover_patients(&self, consents_stand: bool) -> Result<()> {
        let _claim = self.claim()?;
        let mut patients = self.patients.read_unwitnessed()?;
        let standings = self.ledger.standings(patients.keys())?;
        let mut standing = standings.into_iter();
        patients.retain(|_, _| standing.next() != Some(Standing::Withdrawn));
        for patient in patients.values_mut().filter(|_| !consents_stand) {
            (patient.single_counts, patient.matching) = (false, false);
        }
        self.patients.write("recovered", &patients)
    }

    /// Those who have withdrawn, as numbers that only this registry's key tells of.
    pub fn withdrawn(&self) -> Result<Vec<u64>> {
        Ok(self.ledger.withdrawn()?)
    }

    /// What is served: the sums over served batches.
    pub fn table(&self) -> Result<Released<Vec<DiagnosisCount>>> {
        Ok(self.ledger.table()?)
    }

    pub fn batches(&self) -> Result<Vec<Batch>> {
        Ok(self.ledger.batches()?)
    }

    /// Each patient's standing, without names.
    pub fn standings(&self) -> Result<Vec<Standing>> {
        Ok(self.ledger.standings(self.patients()?.keys())?)
    }

    /// The cases of patients who agreed to matchmaking, under the ids of the registry.
    pub fn shown_in_matching(&self) -> Result<Vec<(IndividualId, Case)>> {
        let patients = self.patients()?;
        let standings = self.ledger.standings(patients.keys())?;
        let here = patients
            .iter()
            .zip(standings)
            .filter(|(_, standing)| *standing != Standing::Withdrawn);
        let agreed = here
            .map(|(patient, _)| patient)
            .filter(|(_, patient)| patient.matching);
        Ok(agreed
            .map(|(id, patient)| (id.clone(), patient.case(id)))
            .collect())
    }

    fn patients(&self) -> Result<Patients> {
        self.patients.read()
    }

    fn claim(&self) -> Result<Claim> {
        self.folder.claim("registry")
    }

    fn record_closed(&self, closed: Closed) -> Result<Closed> {
        let (batches, rows) = (closed.batches as u64, closed.rows as u64);
        self.folder.record(Event::DiagnosisCountsClosed {
            batches,
            rows,
            table: self.digest()?,
        })?;
        Ok(closed)
    }

    fn record_stopped(&self, batches: u64) -> Result<()> {
        self.folder.record(Event::DiagnosisCountsStopped {
            batches,
            table: self.digest()?,
        })?;
        Ok(())
    }

    fn digest(&self) -> Result<Digest> {
        let bytes = postcard::to_stdvec(&self.table()?).context("the table cannot be written")?;
        Ok(Digest::of("ligate diagnosis counts", &bytes))
    }
}

fn listed(patients: &Patients) -> Vec<Patient<'_>> {
    patients.iter().map(listed_one).collect()
}

fn listed_one<'p>((id, stored): (&'p IndividualId, &'p StoredPatient)) -> Patient<'p> {
    Patient {
        id,
        disease: stored.disease,
        terms: &stored.terms,
        single_counts: stored.single_counts,
    }
}

/// The patients of the files that are being read.
#[derive(Default)]
struct Incoming {
    patients: Patients,
}

impl Incoming {
    /// Takes one case. What is refused is said without anything of the patient.
    fn take(
        &mut self,
        case: &Case,
        terms: AddOptions,
        knowledge: &Knowledge,
    ) -> Result<(), String> {
        let entry = counts::entry(case, knowledge).map_err(|error| error.to_string())?;
        let id = if terms.by_case_id {
            &case.id
        } else {
            &case.individual
        };
        let id = IndividualId::new(id.as_str())
            .map_err(|_| "it has no usable id of the patient".to_owned())?;
        let ontology = &knowledge.ontology;
        let stored = StoredPatient {
            disease: entry.disease,
            terms: entry.terms,
            sex: case.sex,
            excluded: case
                .excluded
                .iter()
                .copied()
                .filter(|term| ontology.term(*term).is_some())
                .collect(),
            genes: case
                .diagnoses
                .iter()
                .flat_map(|diagnosis| diagnosis.genes.iter().cloned())
                .collect(),
            single_counts: terms.single_counts,
            matching: terms.matching,
        };
        match self.patients.get(&id) {
            Some(_) => {
                Err("its patient is in these files already; if ids of subjects repeat, use --by-case-id"
                    .to_owned())
            }
            None => {
                self.patients.insert(id, stored);
                Ok(())
            }
        }
    }
}

/// Diseases and patients, for the steward's own eyes.
pub fn patients_by_disease(
    registry: &Registry<'_>,
) -> Result<BTreeMap<ligate_model::DiseaseId, usize>> {
    let mut counts = BTreeMap::new();
    for patient in registry.patients()?.values() {
        *counts.entry(patient.disease).or_insert(0) += 1;
    }
    Ok(counts)
}
