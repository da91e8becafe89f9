//! The ledger of diagnosis counts: which batches a node has counted, their rows, and who was in
//! them. It is the only way to a [`Released`] table. It refuses minimums below the floor, a patient
//! who is listed twice, and whoever has withdrawn; a patient in a served batch is passed over.
//!
//! The files, all with mode 0600 in a folder with mode 0700:
//!
//! - `lock`: held while anything is read or written.
//! - `key`: 32 random bytes that patients' ids are hashed with.
//! - `batches.json`: everything else, replaced by a rename, so that a batch is closed whole or not
//!   at all.
//!
//! A file that is missing or damaged is an error, never an empty ledger.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use ligate_files::{
    Readers,
    form::{self, FormError},
};
use ligate_model::{DiagnosisCount, Digest, DiseaseId, IndividualId, TermId};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Epsilon, Minimums, Patient, Support, batch_counts, private_counts};
use crate::{
    BelowFloor, LedgerError, Released, book_files,
    ledger::people,
    witness::{Change, Witness, WitnessedFile},
};

const VERSION: u32 = 2;

/// Why the ledger did nothing.
#[derive(Debug, thiserror::Error)]
pub enum DiagnosisLedgerError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    BelowFloor(#[from] BelowFloor),
    #[error("a patient is listed twice; each patient counts once")]
    Twice,
    #[error(
        "the registry was restored, and which batches it has closed since {0} is not known any more: a patient in one of \
         them would be counted twice, so no batch is closed; docs/operations.md says what the steward can do"
    )]
    Forgotten(Timestamp),
}

/// Where a patient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In no batch yet.
    Newcomer,
    /// In a batch that is served.
    Served,
    /// In a batch that is no longer served: may return among newcomers.
    Returning,
    /// In a private batch that is no longer served: its privacy loss is spent, and the patient does
    /// not return.
    Spent,
    /// Has withdrawn for good.
    Withdrawn,
}

/// How a batch was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BatchKind {
    /// By the minimums.
    Gated {
        disease: DiseaseId,
        minimums: Minimums,
    },
    /// Few patients, all of whom agreed to single counts.
    Single { disease: DiseaseId },
    /// All diseases, with noise.
    Private { epsilon_thousandths: u32 },
}

/// A closed batch. Its people are hashes under the ledger's key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    pub id: Digest,
    pub closed: Timestamp,
    pub kind: BatchKind,
    people: Vec<u64>,
    rows: Vec<DiagnosisCount>,
    /// When it stopped being served.
    pub stopped: Option<Timestamp>,
}

impl Batch {
    /// Number of patients.
    pub fn patients(&self) -> usize {
        self.people.len()
    }

    /// Number of rows that passed.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }
}

/// Shows nothing of the people.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({})", self.id.short())
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchBook {
    version: u32,
    /// Oldest first.
    batches: Vec<Batch>,
    /// Those who have withdrawn.
    withdrawn: Vec<u64>,
    /// Since when a recovery could not tell which batches there were.
    forgotten: Option<Timestamp>,
}

impl BatchBook {
    fn check_remembered(&self) -> Result<(), DiagnosisLedgerError> {
        self.forgotten
            .map_or(Ok(()), |when| Err(DiagnosisLedgerError::Forgotten(when)))
    }

    fn standings(&self) -> HashMap<u64, Standing> {
        let mut standings = HashMap::new();
        for batch in &self.batches {
            let now = match (batch.stopped, batch.kind) {
                (None, _) => Standing::Served,
                (Some(_), BatchKind::Private { .. }) => Standing::Spent,
                (Some(_), _) => Standing::Returning,
            };
            standings.extend(batch.people.iter().map(|person| (*person, now)));
        }
        standings.extend(
            self.withdrawn
                .iter()
                .map(|person| (*person, Standing::Withdrawn)),
        );
        standings
    }

    /// Stops serving whatever batch the person is in. Whether there was one.
    fn stop(&mut self, person: u64, now: Timestamp) -> bool {
        let holds = |batch: &&mut Batch| {
            batch.stopped.is_none() && batch.people.binary_search(&person).is_ok()
        };
        let mut stopped = false;
        for batch in self.batches.iter_mut().filter(holds) {
            batch.stopped = Some(now);
            stopped = true;
        }
        stopped
    }
}

/// What closing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    pub batches: usize,
    /// Patients in them.
    pub patients: usize,
    pub rows: usize,
    /// Patients who wait for others of their disease, or may never return.
    pub waiting: usize,
}

/// Whether fewer than five consenting patients make a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleCounts {
    Never,
    WithConsent,
}

/// The ledger of one node.
pub struct DiagnosisLedger {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    file: WitnessedFile,
}

/// Patients who may enter a batch, by disease, each with their standing.
type Entering<'a, 'p> = BTreeMap<DiseaseId, Vec<(&'a Patient<'p>, Standing)>>;

impl DiagnosisLedger {
    /// Opens the ledger in `folder`, and makes it where there is none. `rng` makes its key;
    /// `witness` is told of every change, and says whether the ledger is the newest one.
    pub fn open(
        folder: &Path,
        rng: &mut (impl RngCore + CryptoRng),
        witness: Arc<dyn Witness>,
    ) -> Result<Self, LedgerError> {
        ligate_files::make_private_folder(folder)?;
        let lock = book_files::lock(folder)?;
        let file = WitnessedFile::new(
            folder.join("batches.json"),
            "ligate diagnosis ledger",
            witness,
        );
        let key_path = folder.join("key");
        if let Some(key) = book_files::read_key(&key_path)? {
            return Ok(Self {
                folder: folder.to_owned(),
                key,
                file,
            });
        }
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *key);
        let ledger = Self {
            folder: folder.to_owned(),
            key,
            file,
        };
        // The key is written last: where it is, the book must be. A book with people and no key is
        // damage.
        ledger
            .file
            .create(&lock, &ledger.bytes(&BatchBook::default())?)?;
        ligate_files::replace_alone(&key_path, Readers::Owner, &*ledger.key)?;
        Ok(ledger)
    }

    /// Where each of `people` stands, in their order.
    pub fn standings<'a>(
        &self,
        people: impl IntoIterator<Item = &'a IndividualId>,
    ) -> Result<Vec<Standing>, LedgerError> {
        let standings = self.book()?.standings();
        Ok(people
            .into_iter()
            .map(|person| self.standing(&standings, person))
            .collect())
    }

    /// Closes a batch for each disease that has enough newcomers among `patients`, which are all
    /// that the registry holds: newcomers and whoever returns are counted together. Where there are
    /// fewer newcomers, those who agreed to single counts make a batch of their own if `single`
    /// says so; all others wait.
    pub fn close(
        &self,
        patients: &[Patient<'_>],
        minimums: Minimums,
        single: SingleCounts,
        now: Timestamp,
    ) -> Result<Closed, DiagnosisLedgerError> {
        minimums.validate()?;
        self.change("closed", |book| {
            book.check_remembered()?;
            let standings = book.standings();
            let mut closed = Closed::default();
            for (disease, of_disease) in self.entering(&standings, patients)? {
                match batch_of(disease, &of_disease, minimums, single) {
                    Some((kind, members)) => {
                        let batch = self.count(kind, disease, &members, now);
                        closed.enter(&batch);
                        closed.waiting += of_disease.len() - members.len();
                        book.batches.push(batch);
                    }
                    None => closed.waiting += of_disease.len(),
                }
            }
            Ok(closed)
        })
    }

    /// Closes one batch of all newcomers with noise, over `support`. Nobody else takes part: over
    /// all releases a patient's privacy loss is one epsilon.
    pub fn close_private(
        &self,
        patients: &[Patient<'_>],
        (support, epsilon, false_rows): (&Support<'_>, Epsilon, f64),
        now: Timestamp,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Closed, DiagnosisLedgerError> {
        self.change("closed", |book| {
            book.check_remembered()?;
            let standings = book.standings();
            let entering = self.entering(&standings, patients)?;
            let (members, rest): (Vec<_>, Vec<_>) = entering
                .into_values()
                .flatten()
                .partition(|(_, standing)| *standing == Standing::Newcomer);
            let members: Vec<&Patient<'_>> =
                members.into_iter().map(|(patient, _)| patient).collect();
            let terms: Vec<_> = members
                .iter()
                .map(|patient| (patient.disease, patient.terms))
                .collect();
            let kind = BatchKind::Private {
                epsilon_thousandths: epsilon.thousandths(),
            };
            let rows = private_counts(&terms, support, epsilon, false_rows, rng).rows;
            let batch = self.batch(kind, &members, rows, now);
            let mut closed = Closed {
                waiting: rest.len(),
                ..Closed::default()
            };
            closed.enter(&batch);
            book.batches.push(batch);
            Ok(closed)
        })
    }

    /// A patient leaves for good: their batch is no longer served, and they are never counted
    /// again. Whether there was a batch.
    pub fn withdraw(&self, person: &IndividualId, now: Timestamp) -> Result<bool, LedgerError> {
        let person = self.number(person);
        self.change("withdrawn", |book| {
            if !book.withdrawn.contains(&person) {
                book.withdrawn.push(person);
            }
            Ok(book.stop(person, now))
        })
    }

    /// What was counted of a patient is not right any more: their batch is no longer served; they
    /// may return like its others. Whether there was a batch.
    pub fn correct(&self, person: &IndividualId, now: Timestamp) -> Result<bool, LedgerError> {
        let person = self.number(person);
        self.change("corrected", |book| Ok(book.stop(person, now)))
    }

    /// The table that is served: for each disease and term, the sums of m and n over the served
    /// batches in which the row passed, in order. A row that is not there may be zero or
    /// suppressed.
    pub fn table(&self) -> Result<Released<Vec<DiagnosisCount>>, LedgerError> {
        let mut sums: BTreeMap<(DiseaseId, TermId), (u32, u32)> = BTreeMap::new();
        let batches = self.batches()?;
        for row in batches
            .iter()
            .filter(|batch| batch.stopped.is_none())
            .flat_map(|batch| &batch.rows)
        {
            let (m, n) = sums.entry((row.disease, row.term)).or_default();
            *m = m.saturating_add(row.m);
            *n = n.saturating_add(row.n);
        }
        let rows = sums
            .into_iter()
            .map(|((disease, term), (m, n))| DiagnosisCount {
                disease,
                term,
                m,
                n,
            });
        Ok(Released::new(rows.collect()))
    }

    /// All batches, oldest first.
    pub fn batches(&self) -> Result<Vec<Batch>, LedgerError> {
        Ok(self.book()?.batches)
    }

    /// Who may enter a batch, by disease. Each with their standing, which is that of a newcomer or
    /// of one who returns.
    fn entering<'a, 'p>(
        &self,
        standings: &HashMap<u64, Standing>,
        patients: &'a [Patient<'p>],
    ) -> Result<Entering<'a, 'p>, DiagnosisLedgerError> {
        let mut seen = HashSet::new();
        let mut entering = Entering::new();
        for patient in patients {
            if !seen.insert(patient.id) {
                return Err(DiagnosisLedgerError::Twice);
            }
            let standing = self.standing(standings, patient.id);
            if matches!(standing, Standing::Newcomer | Standing::Returning) {
                entering
                    .entry(patient.disease)
                    .or_default()
                    .push((patient, standing));
            }
        }
        Ok(entering)
    }

    fn count(
        &self,
        kind: BatchKind,
        disease: DiseaseId,
        members: &[&Patient<'_>],
        now: Timestamp,
    ) -> Batch {
        let minimums = match kind {
            BatchKind::Gated { minimums, .. } => minimums,
            BatchKind::Single { .. } | BatchKind::Private { .. } => Minimums {
                batch_patients: 1,
                count: 1,
            },
        };
        let terms: Vec<&[TermId]> = members.iter().map(|patient| patient.terms).collect();
        let n = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let rows = batch_counts(&terms, minimums)
            .into_iter()
            .map(|(term, m)| DiagnosisCount {
                disease,
                term,
                m,
                n,
            });
        self.batch(kind, members, rows.collect(), now)
    }

    fn batch(
        &self,
        kind: BatchKind,
        members: &[&Patient<'_>],
        rows: Vec<DiagnosisCount>,
        now: Timestamp,
    ) -> Batch {
        let mut people: Vec<u64> = members
            .iter()
            .map(|patient| self.number(patient.id))
            .collect();
        people.sort_unstable();
        let mut bytes = now.to_string().into_bytes();
        bytes.extend(people.iter().flat_map(|person| person.to_le_bytes()));
        Batch {
            id: Digest::of("ligate diagnosis batch", &bytes),
            closed: now,
            kind,
            people,
            rows,
            stopped: None,
        }
    }

    fn standing(&self, standings: &HashMap<u64, Standing>, person: &IndividualId) -> Standing {
        standings
            .get(&self.number(person))
            .copied()
            .unwrap_or(Standing::Newcomer)
    }

    fn number(&self, person: &IndividualId) -> u64 {
        people::number(&self.key, person)
    }

    /// Those who have withdrawn, as numbers under this ledger's key.
    pub fn withdrawn(&self) -> Result<Vec<u64>, LedgerError> {
        Ok(self.book()?.withdrawn)
    }

    /// Since when it is not known which batches were closed, where a recovery could not tell.
    pub fn forgotten(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.book()?.forgotten)
    }

    /// Takes the ledger as it lies for the newest one; these patients and numbers have withdrawn.
    /// `forgotten`: the time since which batches may have been closed that it does not have. Then
    /// no batch is closed any more, because a patient in one of them would be counted twice. None:
    /// the steward's word that there are none.
    pub fn recover(
        &self,
        (people, numbers): (&[IndividualId], &[u64]),
        forgotten: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let lock = book_files::lock(&self.folder)?;
        let mut book = self.parse(&self.file.read_unwitnessed(&lock)?)?;
        for person in people
            .iter()
            .map(|person| self.number(person))
            .chain(numbers.iter().copied())
        {
            if !book.withdrawn.contains(&person) {
                book.withdrawn.push(person);
            }
            book.stop(person, now);
        }
        book.forgotten =
            forgotten.map(|since| book.forgotten.map_or(since, |earlier| earlier.min(since)));
        self.file.write(
            &lock,
            &Change {
                what: "recovered",
                job: None,
            },
            &self.bytes(&book)?,
        )
    }

    fn book(&self) -> Result<BatchBook, LedgerError> {
        self.read(&book_files::lock(&self.folder)?)
    }

    /// Changes the book under the lock; nothing is written where `work` fails.
    fn change<T, E: From<LedgerError>>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut BatchBook) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = book_files::lock(&self.folder)?;
        let mut book = self.parse(&self.file.read(&lock)?)?;
        let done = work(&mut book)?;
        self.file
            .write(&lock, &Change { what, job: None }, &self.bytes(&book)?)?;
        Ok(done)
    }

    fn read(&self, lock: &book_files::Lock) -> Result<BatchBook, LedgerError> {
        self.parse(&self.file.read(lock)?)
    }

    fn parse(&self, text: &[u8]) -> Result<BatchBook, LedgerError> {
        let path = self.folder.join("batches.json");
        form::json(text, VERSION..=VERSION).map_err(|error| match error {
            FormError::AnotherVersion { found } => LedgerError::LaterForm {
                path,
                version: found,
            },
            FormError::Damaged(_) => LedgerError::Damaged(path),
        })
    }

    fn bytes(&self, book: &BatchBook) -> Result<Vec<u8>, LedgerError> {
        let path = self.folder.join("batches.json");
        let book = BatchBook {
            version: VERSION,
            ..book.clone()
        };
        let mut text = serde_json::to_vec(&book)
            .map_err(|error| book_files::at(&path)(io::Error::from(error)))?;
        text.push(b'\n');
        Ok(text)
    }
}

impl Closed {
    fn enter(&mut self, batch: &Batch) {
        self.batches += 1;
        self.patients += batch.patients();
        self.rows += batch.rows();
    }
}

/// The batch that patients of one disease make, if any.
fn batch_of<'a, 'p>(
    disease: DiseaseId,
    entering: &[(&'a Patient<'p>, Standing)],
    minimums: Minimums,
    single: SingleCounts,
) -> Option<(BatchKind, Vec<&'a Patient<'p>>)> {
    let newcomers = entering
        .iter()
        .filter(|(_, standing)| *standing == Standing::Newcomer);
    if newcomers.clone().count() >= minimums.batch_patients as usize {
        let all = entering.iter().map(|(patient, _)| *patient).collect();
        return Some((BatchKind::Gated { disease, minimums }, all));
    }
    let agreed: Vec<_> = newcomers
        .map(|(patient, _)| *patient)
        .filter(|patient| patient.single_counts)
        .collect();
    let wanted = single == SingleCounts::WithConsent && !agreed.is_empty();
    wanted.then_some((BatchKind::Single { disease }, agreed))
}

#[cfg(test)]
pub(super) fn tests_people(batch: &Batch) -> std::collections::BTreeSet<u64> {
    batch.people.iter().copied().collect()
}
