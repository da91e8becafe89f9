//! The registry's patients at rest: one JSON file of mode 0600, replaced whole. It holds what is
//! counted of a patient, what matchmaking may show, and which consents are recorded; nothing else
//! of a case is kept.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, anyhow};
use ligate_disclosure::{Change, Lock, Witness, WitnessedFile, lock};
use ligate_files::form::{self, FormError};
use ligate_model::{Case, DiseaseId, IndividualId, Observation, Sex, StatedDiagnosis, TermId};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// In the registry's folder.
pub const NAME: &str = "patients.json";

/// A patient, as kept.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPatient {
    /// The class of the diagnosis, and the most specific observed terms: what is counted.
    pub disease: DiseaseId,
    pub terms: Vec<TermId>,
    pub sex: Option<Sex>,
    pub excluded: Vec<TermId>,
    /// Genes of the diagnosis, as written in the case.
    pub genes: Vec<String>,
    /// Recorded: counts of fewer than five are allowed.
    pub single_counts: bool,
    /// Recorded: may be shown to others who look for a patient like theirs.
    pub matching: bool,
}

impl StoredPatient {
    /// Whether what is counted is the same.
    pub fn counts_as(&self, other: &Self) -> bool {
        self.disease == other.disease && self.terms == other.terms
    }

    /// The patient as a case, for matchmaking.
    pub fn case(&self, id: &IndividualId) -> Case {
        let observed = |term: &TermId| Observation {
            term: *term,
            onset: None,
            modifiers: Vec::new(),
        };
        Case {
            id: id.to_string(),
            individual: id.to_string(),
            sex: self.sex,
            observed: self.terms.iter().map(observed).collect(),
            excluded: self.excluded.clone(),
            diagnoses: vec![StatedDiagnosis {
                disease: Some(self.disease),
                genes: self.genes.clone(),
            }],
            ..Case::default()
        }
    }
}

/// All patients, by id.
pub type Patients = BTreeMap<IndividualId, StoredPatient>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    patients: Patients,
}

/// The file of the patients. The audit log has its digest, so that no older one is taken for the
/// newest: consents that were taken back would be in it.
pub struct PatientsFile {
    folder: PathBuf,
    file: WitnessedFile,
}

impl PatientsFile {
    /// The file in the registry's folder `folder`.
    pub fn new(folder: PathBuf, witness: Arc<dyn Witness>) -> Self {
        let file = WitnessedFile::new(folder.join(NAME), "ligate patients", witness);
        Self { folder, file }
    }

    /// No patients where there never was a file; a damaged file is an error that shows nothing of
    /// it.
    pub fn read(&self) -> Result<Patients> {
        match self.file.read_if_any(&self.lock()?)? {
            Some(bytes) => self.parse(&bytes),
            None => Ok(Patients::new()),
        }
    }

    /// The patients as they lie, whatever was noted: for a recovery alone.
    pub fn read_unwitnessed(&self) -> Result<Patients> {
        if self.folder.join(NAME).exists() {
            self.parse(&self.file.read_unwitnessed(&self.lock()?)?)
        } else {
            Ok(Patients::new())
        }
    }

    pub fn write(&self, what: &'static str, patients: &Patients) -> Result<()> {
        let stored = Stored {
            version: VERSION,
            patients: patients.clone(),
        };
        let bytes = serde_json::to_vec(&stored).context("the registry cannot be written")?;
        Ok(self
            .file
            .write(&self.lock()?, &Change { what, job: None }, &bytes)?)
    }

    fn lock(&self) -> Result<Lock> {
        ligate_files::make_private_folder(&self.folder)?;
        Ok(lock(&self.folder)?)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Patients> {
        let path = self.folder.join(NAME);
        let stored: Stored = form::json(bytes, VERSION..=VERSION).map_err(|error| match error {
            FormError::AnotherVersion { found } => anyhow!(
                "{} was written by another version of ligate (form {found}); use that one",
                path.display()
            ),
            // What serde says of it may quote a patient.
            FormError::Damaged(_) => {
                anyhow!("{} is damaged; restore it from a backup", path.display())
            }
        })?;
        Ok(stored.patients)
    }
}
