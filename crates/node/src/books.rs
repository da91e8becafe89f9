//! The books that say what was shown and who agreed to what: privacy ledger, registry's ledger and
//! patients, and audit log, which must fit each other, the peers' copies of the log's heads, and
//! the clock. This module is the only one that opens the ledgers and the patients, so that every
//! change of them is in the audit log, and it refuses to answer with books that were put back from
//! a copy:
//!
//! - a book other than the one that the log noted last ([`ledger`], [`registry`], [`check`]);
//! - a log that ends before a head that a peer holds, or contradicts one ([`check_peers`],
//!   [`check_heads`]);
//! - a folder that `ligate restore` made, or of which one of these was found out before:
//!   `restored.json` says why;
//! - a clock that is behind the last entry of the log.
//!
//! The way out is [`recovery`](crate::recovery).

pub mod backup;
pub mod changed_calls;
pub mod patients;
pub mod peers;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};
use jiff::Timestamp;
use ligate_access::{
    Identity,
    audit::{self, Event, Head, Log},
};
use ligate_disclosure::{Change, Ledger, Witness, WitnessError, diagnosis_counts::DiagnosisLedger};
use ligate_model::Digest;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};

use crate::{folder::Folder, output};
use patients::PatientsFile;

pub use peers::{check_heads, check_peers};

const VERSION: u32 = 1;

/// What the log is a witness of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Book {
    Privacy,
    /// The registry's ledger.
    Registry,
    /// The registry's patients and their consents.
    Patients,
}

impl Book {
    /// The kind of the entries that note its changes.
    fn kind(self) -> &'static str {
        match self {
            Self::Privacy => "ledger-changed",
            Self::Registry => "registry-changed",
            Self::Patients => "patients-changed",
        }
    }

    /// What is there where there is such a book.
    fn file(self, folder: &Folder) -> PathBuf {
        match self {
            Self::Privacy => folder.ledger().join("key"),
            Self::Registry => registry_path(folder).join("key"),
            Self::Patients => folder.registry().join(patients::NAME),
        }
    }
}

/// The audit log as the witness of a ledger.
struct LogWitness {
    audit: PathBuf,
    identity: Arc<Identity>,
    book: Book,
}

impl LogWitness {
    fn of(folder: &Folder, book: Book) -> Arc<Self> {
        Arc::new(Self {
            audit: folder.audit(),
            identity: folder.identity.clone(),
            book,
        })
    }
}

impl Witness for LogWitness {
    fn last(&self) -> Result<Option<Digest>, WitnessError> {
        let entry = audit::last_of(&self.audit, self.identity.public(), self.book.kind())?;
        let digest = |entry: audit::Entry| {
            entry
                .text("ledger")
                .ok_or("the entry has no digest")
                .map(str::parse)
        };
        Ok(entry.map(digest).transpose()?.transpose()?)
    }

    fn note(&self, change: &Change, ledger: Digest) -> Result<(), WitnessError> {
        let what = change.what.to_owned();
        let event = match self.book {
            Book::Privacy => Event::LedgerChanged {
                what,
                job: change.job,
                ledger,
            },
            Book::Registry => Event::RegistryChanged { what, ledger },
            Book::Patients => Event::PatientsChanged { what, ledger },
        };
        let now = Timestamp::now();
        Log::open(&self.audit, self.identity.clone(), now)?.append(event, now)?;
        Ok(())
    }
}

/// The privacy ledger; made where there is none and never was. Not of a node that must be recovered
/// first.
pub fn ledger(folder: &Folder) -> Result<Ledger> {
    check_mark(folder)?;
    open_ledger(folder)
}

/// The ledger of the registry's patients, made where there is none and never was, and the patients.
/// Not of a node that must be recovered first.
pub fn registry(folder: &Folder) -> Result<(DiagnosisLedger, PatientsFile)> {
    check_mark(folder)?;
    Ok((open_registry(folder)?, patients_file(folder)))
}

pub(crate) fn open_ledger(folder: &Folder) -> Result<Ledger> {
    Ok(Ledger::open(
        &folder.ledger(),
        &mut OsRng,
        LogWitness::of(folder, Book::Privacy),
    )?)
}

pub(crate) fn open_registry(folder: &Folder) -> Result<DiagnosisLedger> {
    let path = registry_path(folder);
    Ok(DiagnosisLedger::open(
        &path,
        &mut OsRng,
        LogWitness::of(folder, Book::Registry),
    )?)
}

pub(crate) fn patients_file(folder: &Folder) -> PatientsFile {
    PatientsFile::new(folder.registry(), LogWitness::of(folder, Book::Patients))
}

fn registry_path(folder: &Folder) -> PathBuf {
    folder.registry().join("ledger")
}

/// Whether there is such a book in the folder, or was one by what the log says.
pub(crate) fn is_kept(folder: &Folder, book: Book) -> Result<bool> {
    Ok(book.file(folder).exists()
        || audit::last_of(&folder.audit(), folder.identity.public(), book.kind())?.is_some())
}

/// Whether this node may answer: nothing was restored without a recovery, all books are those that
/// the log tells of, and the clock is not behind it.
pub fn check(folder: &Folder) -> Result<()> {
    check_mark(folder)?;
    check_book(folder, Book::Privacy)?;
    check_book(folder, Book::Registry)?;
    check_book(folder, Book::Patients)?;
    folder.log()?;
    Ok(())
}

/// Whether a book, where there is one, is the one that the log tells of, and can be read.
pub(crate) fn check_book(folder: &Folder, book: Book) -> Result<()> {
    match book {
        _ if !is_kept(folder, book)? => {}
        Book::Privacy => drop(open_ledger(folder)?.runs()?),
        Book::Registry => drop(open_registry(folder)?.withdrawn()?),
        Book::Patients => drop(patients_file(folder).read()?),
    }
    Ok(())
}

/// What says that a folder was restored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) version: u32,
    pub(crate) reason: String,
    pub(crate) time: Timestamp,
    /// The end of what was put back, where it is known.
    pub(crate) since: Option<Timestamp>,
}

/// The file that says so.
pub(crate) fn mark_path(dir: &Path) -> PathBuf {
    dir.join("restored.json")
}

/// Lets the node of `dir` answer nobody until it is recovered.
pub(crate) fn mark(dir: &Path, reason: &str, since: Option<Timestamp>) -> Result<()> {
    let mark = Mark {
        version: VERSION,
        reason: reason.to_owned(),
        time: Timestamp::now(),
        since,
    };
    let text = serde_json::to_vec_pretty(&mark)?;
    output::write_private(&mark_path(dir), |out| out.write_all(&text))
}

/// Why the node must be recovered, where it is marked so. A mark that cannot be read is one.
pub(crate) fn marked(folder: &Folder) -> Result<Option<Mark>> {
    let Some(text) = ligate_files::read_if_there(&mark_path(folder.path()))? else {
        return Ok(None);
    };
    let mark: Option<Mark> = serde_json::from_slice(&text).ok();
    Ok(Some(mark.unwrap_or_else(|| Mark {
        version: VERSION,
        reason: "restored.json cannot be read".to_owned(),
        time: Timestamp::now(),
        since: None,
    })))
}

fn check_mark(folder: &Folder) -> Result<()> {
    match marked(folder)? {
        Some(Mark { reason, .. }) => bail!(
            "{}: {reason}; this node answers nobody before `ligate recover --dir {}`",
            folder.name(),
            folder.path().display()
        ),
        None => Ok(()),
    }
}

/// The heads among `heads` that this node signed and its log does not continue.
pub(crate) fn lost_heads(folder: &Folder, heads: &[Head]) -> Result<Vec<Head>> {
    let verified = audit::verify(&folder.audit(), folder.identity.public())?;
    let own = heads
        .iter()
        .filter(|head| head.verify(folder.identity.public()).is_ok());
    Ok(own
        .filter(|head| verified.against(std::slice::from_ref(head)).is_err())
        .cloned()
        .collect())
}
