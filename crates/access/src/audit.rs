//! The audit log of a node: an append-only Merkle log (RFC 6962 hashing) of every load, permit,
//! job, refusal and release. This module owns the folder `audit/`:
//!
//! - `log.jsonl`: one entry a line; the line's exact bytes are the leaf.
//! - `head.json`: size and root of the log, signed by the node, replaced by a rename after every
//!   entry.
//! - `heads/<peer>.jsonl`: heads of other nodes; `heads/<peer>.1.jsonl` and so on: those from
//!   before it was restored.
//!
//! It refuses to append to a log that does not fit its signed head. A crash can leave one line,
//! whole or torn, beyond the head. Nobody was told that it was written, so the next start cuts it
//! off and notes that; more than one line is no crash.
//!
//! Opening reads the whole log (10^5 entries: 36 MB, 0.2 s) and holds 32 bytes an entry; an append
//! costs O(log n) hashes and three fsyncs.

mod entry;
mod head;
mod lost;
mod peers;
mod proof;
mod reader;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use ligate_files::{FileError, Next, Readers};
use ligate_model::{Digest, NodeName};
use reader::read_entries;

use crate::{
    Identity, PublicKey,
    merkle::{self, Tree},
};

pub use entry::{CountsKind, Entry, Event};
pub use head::{BadHead, Contradiction, Head};
pub use peers::{Stored, heads_of};
pub use proof::{HELD_MAX, NotRecovered, RecoveryProof};
pub use reader::{entries, last_of};
pub use verify::{Verified, verify, verify_against};

pub(crate) const LOG_FILE: &str = "log.jsonl";
pub(crate) const HEAD_FILE: &str = "head.json";
const HEAD_BYTES_MAX: u64 = 4096;

/// How far a clock may be set back without being called wrong. Entries of that time bear the last
/// entry's time.
const CLOCK_BACK_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How a log differs from what was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tampered {
    #[error("log.jsonl is missing")]
    NoLog,
    #[error("head.json is missing: the log is not signed")]
    NoHead,
    #[error("head.json cannot be read: it was changed")]
    Head,
    #[error("head.json was not signed by this node's key: {0}")]
    HeadSignature(BadHead),
    #[error("line {} of log.jsonl is no entry: it was changed", .line + 1)]
    Changed { line: u64 },
    #[error("an entry was changed: the {entries} entries have the root {}, the signed head says {}", .found.short(), .signed.short())]
    Root {
        entries: u64,
        found: Digest,
        signed: Digest,
    },
    #[error("entry {seq} was removed from log.jsonl")]
    Removed { seq: u64 },
    #[error("entries were reordered at line {} of log.jsonl", .line + 1)]
    Reordered { line: u64 },
    #[error("the log was cut: it has {entries} entries, {signed} were signed")]
    Cut { entries: u64, signed: u64 },
    #[error(
        "log.jsonl has {entries} entries, {signed} are signed: the rest was added by hand, or a crash left one \
         line, which the next start of the node cuts off"
    )]
    Unsigned { entries: u64, signed: u64 },
    #[error(
        "the log was rewritten: its first {size} entries are not those of a head that a peer holds"
    )]
    Rewritten { size: u64 },
    #[error("{} does not belong into the audit folder", .0.display())]
    UnknownFile(PathBuf),
    #[error("a kept tree head of the peer {0} was changed or forged")]
    PeerHead(String),
    #[error("the kept tree head of the peer {peer} at size {size} was removed")]
    PeerHeadRemoved { peer: String, size: u64 },
}

/// What went wrong with an audit folder.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the audit log cannot be read or written at {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the audit log was tampered with: {0}")]
    Tampered(#[from] Tampered),
    #[error("there is an audit log at {} already", .0.display())]
    Exists(PathBuf),
    #[error(
        "the clock says {now}, and the last entry of the audit log is of {last}: the clock is wrong, or it was wrong \
         before; set it right, and if the log is ahead of the right time run `ligate recover`"
    )]
    Clock { last: Timestamp, now: Timestamp },
    #[error("there are no kept tree heads of {0}")]
    NoHeads(NodeName),
    #[error("an entry cannot be written")]
    Encoding(#[source] serde_json::Error),
    #[error("line {line} of {} is no tree head: it was changed", path.display())]
    PeerHeads { path: PathBuf, line: usize },
    #[error(transparent)]
    Head(#[from] BadHead),
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

impl AuditError {
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            path: path.clone(),
            source,
        }
    }
}

impl From<FileError> for AuditError {
    fn from(error: FileError) -> Self {
        Self::Io {
            path: error.path,
            source: error.source,
        }
    }
}

/// An open log. Several processes may hold one; each append takes the file's lock and first reads
/// what others have added.
pub struct Log {
    audit: PathBuf,
    identity: Arc<Identity>,
    tree: Tree,
    /// Bytes of log.jsonl that the head covers.
    length: u64,
    head: Head,
}

impl Log {
    /// Makes the folder and a log with its first entry.
    pub fn create(
        audit: &Path,
        identity: Arc<Identity>,
        first: Event,
        now: Timestamp,
    ) -> Result<Self, AuditError> {
        fs::create_dir_all(audit).map_err(AuditError::at(audit))?;
        let path = audit.join(LOG_FILE);
        let file = match fs::OpenOptions::new()
            .write(true)
            .read(true)
            .create_new(true)
            .open(&path)
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(AuditError::Exists(path));
            }
            other => other.map_err(AuditError::at(&path))?,
        };
        file.lock().map_err(AuditError::at(&path))?;
        let head = Head::sign(&identity, 0, Tree::default().root(), now);
        let mut log = Self::unread(audit, identity, head);
        log.write(&file, first, now)?;
        Ok(log)
    }

    /// A log of which no entry was read yet.
    fn unread(audit: &Path, identity: Arc<Identity>, head: Head) -> Self {
        Self {
            audit: audit.to_owned(),
            identity,
            tree: Tree::default(),
            length: 0,
            head,
        }
    }

    /// Opens a log, checks all of it against its head, and cuts off what a crash left. Refuses a
    /// clock that is behind the last entry.
    pub fn open(audit: &Path, identity: Arc<Identity>, now: Timestamp) -> Result<Self, AuditError> {
        let log = Self::open_whenever(audit, identity, now)?;
        log.check_clock(now)?;
        Ok(log)
    }

    /// Opens a log to recover its node, whatever the clock says.
    pub fn open_whenever(
        audit: &Path,
        identity: Arc<Identity>,
        now: Timestamp,
    ) -> Result<Self, AuditError> {
        let head = read_head(audit, identity.public())?;
        let mut log = Self::unread(audit, identity, head);
        let file = log.lock()?;
        log.catch_up(&file, now)?;
        Ok(log)
    }

    /// Adds an entry. When this returns, the entry and the head that covers it are on disk.
    pub fn append(&mut self, event: Event, now: Timestamp) -> Result<&Head, AuditError> {
        let file = self.lock()?;
        self.catch_up(&file, now)?;
        self.check_clock(now)?;
        // Times do not go back, so that a head with more entries is never the older one.
        let now = now.max(self.head.time);
        self.write(&file, event, now)?;
        Ok(&self.head)
    }

    /// Adds the entry of a recovery, which may set the log's time back.
    pub fn append_recovery(&mut self, event: Event, now: Timestamp) -> Result<&Head, AuditError> {
        let file = self.lock()?;
        self.catch_up(&file, now)?;
        self.write(&file, event, now)?;
        Ok(&self.head)
    }

    /// Whether the log's last entry is of a later time than `now`, by more than clocks are
    /// corrected.
    pub fn check_clock(&self, now: Timestamp) -> Result<(), AuditError> {
        let last = self.head.time;
        if last.duration_since(now) > CLOCK_BACK_MAX {
            Err(AuditError::Clock { last, now })
        } else {
            Ok(())
        }
    }

    /// The head after the last entry that this process has seen.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The proof that entry `seq` is in the log of [`head`](Self::head); `None` for an entry that
    /// is not there.
    pub fn inclusion_proof(&self, seq: u64) -> Option<Vec<Digest>> {
        self.tree.inclusion_proof(seq)
    }

    /// The proof that the log of [`head`](Self::head) continues the log of `size` entries; `None`
    /// for more entries than there are.
    pub fn consistency_proof(&self, size: u64) -> Option<Vec<Digest>> {
        self.tree.consistency_proof(size)
    }

    /// Keeps a head of a peer whose key is pinned as `key`, and notes a new one in the log, so that
    /// its removal shows. Refuses a forged head and one that contradicts an earlier one.
    pub fn store_head(
        &mut self,
        peer: &NodeName,
        key: PublicKey,
        head: &Head,
        now: Timestamp,
    ) -> Result<Stored, AuditError> {
        let stored = peers::store(&self.audit, peer, key, head)?;
        if stored == Stored::New {
            let note = Event::PeerHead {
                peer: peer.clone(),
                size: head.size,
                root: head.root,
            };
            self.append(note, now)?;
        }
        Ok(stored)
    }

    /// The steward's word that a peer was restored: the heads that are kept of it go into a file of
    /// their own, and the next head of it may contradict them. `recovery` is the leaf of the peer's
    /// entry of it, where that was seen. Gives the largest of the heads.
    pub fn accept_recovery(
        &mut self,
        peer: &NodeName,
        recovery: Option<Digest>,
        now: Timestamp,
    ) -> Result<Head, AuditError> {
        let heads = heads_of(&self.audit, peer)?;
        let largest = heads.into_iter().max_by_key(|head| head.size);
        let Some(largest) = largest else {
            return Err(AuditError::NoHeads(peer.clone()));
        };
        let (size, root) = (largest.size, largest.root);
        self.append(
            Event::RecoveryAccepted {
                peer: peer.clone(),
                size,
                root,
                recovery,
            },
            now,
        )?;
        peers::set_aside(&self.audit, peer)?;
        Ok(largest)
    }

    fn lock(&self) -> Result<fs::File, AuditError> {
        let path = self.audit.join(LOG_FILE);
        let at = AuditError::at(&path);
        match fs::OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Tampered::NoLog.into()),
            other => {
                let file = other.map_err(&at)?;
                file.lock().map_err(&at)?;
                Ok(file)
            }
        }
    }

    /// Reads what others have appended since, up to the signed head, and cuts off what a crash left
    /// beyond it.
    fn catch_up(&mut self, file: &fs::File, now: Timestamp) -> Result<(), AuditError> {
        let head = read_head(&self.audit, self.identity.public())?;
        if head.size < self.head.size {
            return Err(Tampered::Cut {
                entries: head.size,
                signed: self.head.size,
            }
            .into());
        }
        let path = self.audit.join(LOG_FILE);
        if file.metadata().map_err(AuditError::at(&path))?.len() < self.length {
            // Shorter than it was: read it all again, to say what is missing.
            (self.tree, self.length) = (Tree::default(), 0);
        }
        let (mut tree, mut length) = (std::mem::take(&mut self.tree), self.length);
        let (mut beyond, mut lines_beyond) = (Vec::new(), 0);
        let read = read_entries(file, &path, length, &mut |line| {
            if tree.size() < head.size && line.complete {
                tree.push(line.leaf());
                length = line.end;
            } else {
                lines_beyond += 1;
                beyond = line.bytes.to_vec();
            }
            Ok(())
        });
        (self.tree, self.length) = (tree, length);
        read?;
        self.check(&head, lines_beyond)?;
        self.head = head;
        if lines_beyond == 0 {
            Ok(())
        } else {
            self.recover(file, &beyond, now)
        }
    }

    fn check(&self, head: &Head, lines_beyond: u64) -> Result<(), Tampered> {
        let entries = self.tree.size();
        if entries < head.size {
            return Err(Tampered::Cut {
                entries,
                signed: head.size,
            });
        }
        if self.tree.root() != head.root {
            return Err(Tampered::Root {
                entries,
                found: self.tree.root(),
                signed: head.root,
            });
        }
        match lines_beyond {
            0 | 1 => Ok(()),
            more => Err(Tampered::Unsigned {
                entries: entries + more,
                signed: head.size,
            }),
        }
    }

    fn recover(
        &mut self,
        file: &fs::File,
        beyond: &[u8],
        now: Timestamp,
    ) -> Result<(), AuditError> {
        file.set_len(self.length)
            .map_err(AuditError::at(&self.audit.join(LOG_FILE)))?;
        let now = now.max(self.head.time);
        let note = Event::Recovered {
            bytes: beyond.len() as u64,
            digest: merkle::leaf_hash(beyond),
        };
        self.write(file, note, now)
    }

    /// Line, fsync, head: in this order the head never covers what is not on disk. What fails
    /// before the head is in place is taken back.
    fn write(&mut self, file: &fs::File, event: Event, now: Timestamp) -> Result<(), AuditError> {
        let path = self.audit.join(LOG_FILE);
        let line = Entry::line(self.tree.size(), now, event).map_err(AuditError::Encoding)?;
        let leaf = merkle::leaf_hash(&line);
        let head = Head::sign(
            &self.identity,
            self.tree.size() + 1,
            self.tree.root_with(leaf),
            now,
        );
        let written = ligate_files::write_line(file, self.length, &line)
            .map_err(AuditError::at(&path))
            .and_then(|()| write_head(&self.audit, &head));
        if let Err(error) = written {
            // The line is not signed, so the next start would cut it off too: a failure here loses
            // nothing.
            let _ = file.set_len(self.length);
            return Err(error);
        }
        self.tree.push(leaf);
        self.length += line.len() as u64 + 1;
        self.head = head;
        Ok(ligate_files::sync_folder(&self.audit)?)
    }
}

fn write_head(audit: &Path, head: &Head) -> Result<(), AuditError> {
    let mut text = serde_json::to_vec(head).map_err(AuditError::Encoding)?;
    text.push(b'\n');
    let path = audit.join(HEAD_FILE);
    Ok(Next::write(&path, Readers::Owner, &text)?.take_place()?)
}

fn read_head(audit: &Path, key: PublicKey) -> Result<Head, AuditError> {
    let path = audit.join(HEAD_FILE);
    let mut text = Vec::new();
    match fs::File::open(&path).and_then(|file| file.take(HEAD_BYTES_MAX).read_to_end(&mut text)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Tampered::NoHead.into());
        }
        other => other.map_err(AuditError::at(&path))?,
    };
    let head: Head = serde_json::from_slice(&text).map_err(|_| Tampered::Head)?;
    head.verify(key).map_err(Tampered::HeadSignature)?;
    Ok(head)
}

/// The paths in a folder in order of name; none where there is no folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let at = AuditError::at(folder);
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(&at)?,
    };
    let mut paths = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(&at)?;
    paths.sort();
    Ok(paths)
}
