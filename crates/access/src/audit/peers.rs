//! Tree heads of other nodes, as they came with each run: `heads/<peer>.jsonl`, one head a line.
//! This module keeps them and refuses heads that are forged or that contradict one kept earlier.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ligate_files::Lock;
use ligate_model::NodeName;

use super::{AuditError, Contradiction, Head};
use crate::PublicKey;

/// The folder below `audit/`.
pub(super) const FOLDER: &str = "heads";
const SUFFIX: &str = ".jsonl";
/// A file of heads that is longer is not read: 10^5 heads have 30 MB.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Whether a head was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    New,
    Known,
}

/// Keeps a head of a peer whose key is pinned as `key`.
pub(super) fn store(
    audit: &Path,
    peer: &NodeName,
    key: PublicKey,
    head: &Head,
) -> Result<Stored, AuditError> {
    head.verify(key)?;
    let folder = audit.join(FOLDER);
    ligate_files::make_folder(&folder)?;
    let path = folder.join(format!("{peer}{SUFFIX}"));
    let _lock = Lock::wait(&path)?;
    check_length(&path)?;
    let text = ligate_files::read_lines(&path)?;
    let kept = parse(&path, &text)?;
    for earlier in &kept {
        earlier.compare(head)?;
    }
    if kept.iter().any(|earlier| earlier.size == head.size) {
        return Ok(Stored::Known);
    }
    let line = serde_json::to_vec(head).map_err(AuditError::Encoding)?;
    ligate_files::append_line(&path, text.len() as u64, &line)?;
    Ok(Stored::New)
}

/// The heads of a file that is only read.
fn load(path: &Path) -> Result<Vec<Head>, AuditError> {
    check_length(path)?;
    parse(path, &fs::read(path).map_err(AuditError::at(path))?)
}

fn check_length(path: &Path) -> Result<(), AuditError> {
    if fs::metadata(path).map_err(AuditError::at(path))?.len() > FILE_BYTES_MAX {
        return Err(AuditError::PeerHeads {
            path: path.to_owned(),
            line: 0,
        });
    }
    Ok(())
}

/// The heads of all complete lines. A last line without its newline is left out: it was never
/// answered for.
fn parse(path: &Path, text: &[u8]) -> Result<Vec<Head>, AuditError> {
    let complete = text
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    let parse = |(number, line): (usize, &[u8])| {
        let damaged = |_| AuditError::PeerHeads {
            path: path.to_owned(),
            line: number + 1,
        };
        serde_json::from_slice(line).map_err(damaged)
    };
    complete.enumerate().map(parse).collect()
}

/// The heads kept of one peer, oldest first.
pub fn heads_of(audit: &Path, peer: &NodeName) -> Result<Vec<Head>, AuditError> {
    let path = audit.join(FOLDER).join(format!("{peer}{SUFFIX}"));
    if !path.exists() {
        return Ok(Vec::new());
    }
    load(&path)
}

/// The peer that a file of heads belongs to: `PEER.jsonl`, or `PEER.1.jsonl` for those from before
/// a recovery.
pub(super) fn peer_of(path: &Path) -> Option<NodeName> {
    let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    let name = match name.split_once('.') {
        Some((name, number)) => number.parse::<u32>().ok().map(|_| name)?,
        None => name,
    };
    NodeName::new(name).ok()
}

/// Puts the kept heads of a peer into a file that no new head is compared with.
pub(super) fn set_aside(audit: &Path, peer: &NodeName) -> Result<(), AuditError> {
    let folder = audit.join(FOLDER);
    let path = folder.join(format!("{peer}{SUFFIX}"));
    let aside = (1_u32..)
        .map(|number| folder.join(format!("{peer}.{number}{SUFFIX}")))
        .find(|path| !path.exists());
    ligate_files::rename(&path, &aside.unwrap_or_default())?;
    Ok(ligate_files::sync_folder(&folder)?)
}

/// Checks the signature of every kept head of a file, that one node made them all, and that none
/// contradicts another. Gives their number.
pub(super) fn verify_file(path: &Path) -> Result<Vec<Head>, AuditError> {
    let heads = load(path)?;
    let Some(first) = heads.first() else {
        return Ok(heads);
    };
    for head in &heads {
        head.verify(first.node)?;
    }
    check_growth(&heads)?;
    Ok(heads)
}

/// In the order of size, neighbours must agree; then all do.
fn check_growth(heads: &[Head]) -> Result<(), Contradiction> {
    let mut by_size: Vec<&Head> = heads.iter().collect();
    by_size.sort_by_key(|head| (head.size, head.time));
    by_size.windows(2).try_for_each(|pair| match pair {
        [a, b] => a.compare(b),
        _ => Ok(()),
    })
}

/// The files below `heads/`, in order of name.
pub(super) fn files(audit: &Path) -> Result<Vec<PathBuf>, AuditError> {
    super::list(&audit.join(FOLDER))
}
