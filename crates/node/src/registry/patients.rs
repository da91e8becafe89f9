//! The registry's patients at rest: one JSON file of mode 0600, replaced whole. It holds what is counted of a patient,
//! what matchmaking may show, and which consents are recorded; nothing else of a case is kept.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result, ensure};
use ligate_model::{Case, DiseaseId, IndividualId, Observation, Sex, StatedDiagnosis, TermId};
use serde::{Deserialize, Serialize};

use crate::output;

const VERSION: u32 = 1;

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
        let observed = |term: &TermId| Observation { term: *term, onset: None, modifiers: Vec::new() };
        Case {
            id: id.to_string(),
            individual: id.to_string(),
            sex: self.sex,
            observed: self.terms.iter().map(observed).collect(),
            excluded: self.excluded.clone(),
            diagnoses: vec![StatedDiagnosis { disease: Some(self.disease), genes: self.genes.clone() }],
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

/// No patients where there is no file; a damaged file is an error that shows nothing of it.
pub fn read(path: &Path) -> Result<Patients> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Patients::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let stored: Option<Stored> = serde_json::from_slice(&bytes).ok();
    let damaged = || format!("{} is damaged or of another version; restore it from a backup", path.display());
    let stored = stored.with_context(damaged)?;
    ensure!(stored.version == VERSION, "{}", damaged());
    Ok(stored.patients)
}

pub fn write(path: &Path, patients: &Patients) -> Result<()> {
    let stored = Stored { version: VERSION, patients: patients.clone() };
    let bytes = serde_json::to_vec(&stored).context("the registry cannot be written")?;
    output::write_private(path, |out| out.write_all(&bytes))
}
