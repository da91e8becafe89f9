//! The ledger's files, all with mode 0600 in a folder with mode 0700:
//!
//! - `lock`: held while anything is read or written.
//! - `key`: 32 random bytes that people's ids are hashed with.
//! - `runs.json`: the entered runs, what the steward allowed, what a recovery closed, who left, how
//!   diseases are coded; replaced by a rename, and the
//!   witness has its digest ([`crate::witness`]).
//! - `people/<digest>`: a set of people, stored once however many runs it took part in.
//! - `columns/<digest>`: a number for each person of a set, stored once however many runs used it
//!   ([`super::column`]).
//!
//! A file that is missing or damaged is an error, never an empty ledger: `key` is made last, so
//! that where it is, the others must be.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use ligate_files::{
    Readers,
    form::{self, FormError},
};
use ligate_model::{Digest, IndividualId};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    AllowedRoster, ClosedAccount, Codings, LedgerError, PeopleSet, RunRecord, column::Packed,
    people,
};
use crate::{
    book_files::{Lock, at, lock, read_key, read_or_damaged},
    witness::{Change, Witness, WitnessedFile},
};

const VERSION: u32 = 6;

/// What `runs.json` holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBook {
    version: u32,
    pub runs: Vec<RunRecord>,
    pub rosters: Vec<AllowedRoster>,
    pub closed: Vec<ClosedAccount>,
    /// Numbers of people who left.
    pub departed: BTreeSet<u64>,
    pub codings: Codings,
}

pub(super) struct Store {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    runs: WitnessedFile,
}

impl Store {
    pub fn open(
        folder: PathBuf,
        rng: &mut (impl RngCore + CryptoRng),
        witness: Arc<dyn Witness>,
    ) -> Result<Self, LedgerError> {
        for inside in ["people", "columns"] {
            ligate_files::make_private_folder(&folder.join(inside))?;
        }
        let lock = lock(&folder)?;
        let runs = WitnessedFile::new(folder.join("runs.json"), "ligate ledger", witness);
        let key_path = folder.join("key");
        if let Some(key) = read_key(&key_path)? {
            return Ok(Self { folder, key, runs });
        }
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *key);
        let store = Self { folder, key, runs };
        store
            .runs
            .create(&lock, &store.bytes(&RunBook::default())?)?;
        ligate_files::replace_alone(&key_path, Readers::Owner, &*store.key)?;
        Ok(store)
    }

    pub fn number(&self, person: &IndividualId) -> u64 {
        people::number(&self.key, person)
    }

    /// A seed of this ledger for `purpose` and what it is about.
    pub fn seed(&self, purpose: &str, about: &[u8]) -> Digest {
        let mut bytes = Zeroizing::new(self.key.to_vec());
        bytes.extend_from_slice(about);
        Digest::of(purpose, &bytes)
    }

    pub fn lock(&self) -> Result<Lock, LedgerError> {
        lock(&self.folder)
    }

    pub fn read(&self, lock: &Lock) -> Result<RunBook, LedgerError> {
        self.parse(&self.runs.read(lock)?)
    }

    /// The book as it lies, whatever the witness noted: for a recovery alone. One of an earlier
    /// form is empty: what is in it cannot be judged, so the recovery closes the accounts of all of
    /// whom the log says that they were shown something.
    pub fn read_unwitnessed(&self, lock: &Lock) -> Result<RunBook, LedgerError> {
        match self.parse(&self.runs.read_unwitnessed(lock)?) {
            Err(LedgerError::EarlierForm { .. }) => Ok(RunBook::default()),
            other => other,
        }
    }

    fn parse(&self, text: &[u8]) -> Result<RunBook, LedgerError> {
        let path = self.folder.join("runs.json");
        form::json(text, VERSION..=VERSION).map_err(|error| match error {
            FormError::AnotherVersion { found } if found < u64::from(VERSION) => {
                LedgerError::EarlierForm {
                    path,
                    version: found,
                }
            }
            FormError::AnotherVersion { found } => LedgerError::LaterForm {
                path,
                version: found,
            },
            FormError::Damaged(_) => LedgerError::Damaged(path),
        })
    }

    pub fn write(&self, lock: &Lock, change: &Change, book: &RunBook) -> Result<(), LedgerError> {
        self.runs.write(lock, change, &self.bytes(book)?)
    }

    fn bytes(&self, book: &RunBook) -> Result<Vec<u8>, LedgerError> {
        let book = RunBook {
            version: VERSION,
            ..book.clone()
        };
        let mut text = serde_json::to_vec(&book)
            .map_err(|error| at(&self.folder.join("runs.json"))(error.into()))?;
        text.push(b'\n');
        Ok(text)
    }

    pub fn read_people(&self, digest: Digest) -> Result<PeopleSet, LedgerError> {
        let path = self.people_path(digest);
        let set = PeopleSet::from_bytes(&read_or_damaged(&path)?);
        set.filter(|set| set.digest() == digest)
            .ok_or(LedgerError::Damaged(path))
    }

    pub fn write_people(&self, _: &Lock, people: &PeopleSet) -> Result<(), LedgerError> {
        let path = self.people_path(people.digest());
        if !path.exists() {
            ligate_files::replace_alone(&path, Readers::Owner, &people.to_bytes())?;
        }
        Ok(())
    }

    /// A column of a set of `people` people.
    pub fn read_column(&self, digest: Digest, people: usize) -> Result<Packed, LedgerError> {
        let path = self.column_path(digest);
        let bytes = read_or_damaged(&path)?;
        if column_digest(&bytes) != digest {
            return Err(LedgerError::Damaged(path));
        }
        Packed::from_bytes(bytes, people).ok_or(LedgerError::Damaged(path))
    }

    /// Writes a column where it is not there yet, and gives its digest.
    pub fn write_column(&self, _: &Lock, values: &Packed) -> Result<Digest, LedgerError> {
        let digest = column_digest(values.bytes());
        let path = self.column_path(digest);
        if !path.exists() {
            ligate_files::replace_alone(&path, Readers::Owner, values.bytes())?;
        }
        Ok(digest)
    }

    /// The digest of `runs.json`: it names everything that is stored by its digest.
    pub fn digest(&self, lock: &Lock) -> Result<Digest, LedgerError> {
        Ok(self.runs.digest(&self.runs.read(lock)?))
    }

    fn column_path(&self, digest: Digest) -> PathBuf {
        self.folder.join("columns").join(digest.to_string())
    }

    fn people_path(&self, digest: Digest) -> PathBuf {
        self.folder.join("people").join(digest.to_string())
    }
}

fn column_digest(bytes: &[u8]) -> Digest {
    Digest::of("ligate column", bytes)
}
