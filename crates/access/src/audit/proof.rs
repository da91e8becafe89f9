//! What a node that was recovered shows its peers: the `node-recovered` entries of its log, each
//! with the proof that it is in the log of a signed head, and the proofs that this log continues
//! heads that are held of it. Whoever holds heads takes the node back only where each of them is
//! continued, or named as lost by an entry.

use std::{fs, path::Path};

use ligate_model::Digest;
use serde::{Deserialize, Serialize};

use super::{
    AuditError, BadHead, Contradiction, Entry, Head, LOG_FILE, Log,
    lost::{Lost, RECOVERED},
    reader::read_entries,
};
use crate::{PublicKey, merkle};

/// Newest recoveries that are shown.
const ENTRIES_MAX: usize = 16;

/// Newest held heads that are compared.
pub const HELD_MAX: usize = 64;

/// What a node shows of its recoveries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoveryProof {
    /// The end of its log.
    pub head: Head,
    entries: Vec<ProvenEntry>,
    /// For each asked size the proof that the log continues its first so many entries; none where
    /// it has fewer.
    continued: Vec<Option<Vec<Digest>>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ProvenEntry {
    seq: u64,
    /// The entry's line in the log, without its newline.
    line: String,
    proof: Vec<Digest>,
}

/// Why a node is not taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecovered {
    #[error(transparent)]
    Head(#[from] BadHead),
    #[error(
        "its log has no entry of a recovery: it was not recovered, or is not the node that it seems to be"
    )]
    NoEntry,
    #[error("entry {0} is not in its log as it says")]
    Entry(u64),
    #[error(
        "its recovery does not know of the head of {0} entries that is held here; let its steward run `ligate recover` again \
         while this node serves"
    )]
    NotNamed(u64),
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

impl Log {
    /// Shows the recoveries of this log to a peer that holds heads of these sizes.
    pub fn prove_recoveries(&self, held_sizes: &[u64]) -> Result<RecoveryProof, AuditError> {
        let mut entries = Vec::new();
        for (seq, line) in recoveries(&self.audit, self.head.size)? {
            let proof = self.inclusion_proof(seq).unwrap_or_default();
            entries.push(ProvenEntry { seq, line, proof });
        }
        let continued = held_sizes
            .iter()
            .take(HELD_MAX)
            .map(|size| self.consistency_proof(*size))
            .collect();
        Ok(RecoveryProof {
            head: self.head.clone(),
            entries,
            continued,
        })
    }
}

/// Numbers and lines of the newest recoveries among the first `size` entries.
fn recoveries(audit: &Path, size: u64) -> Result<Vec<(u64, String)>, AuditError> {
    let path = audit.join(LOG_FILE);
    let file = fs::File::open(&path).map_err(AuditError::at(&path))?;
    file.lock_shared().map_err(AuditError::at(&path))?;
    let mut found = Vec::new();
    read_entries(&file, &path, 0, &mut |line| {
        let entry =
            Entry::parse(line.bytes).filter(|entry| entry.kind == RECOVERED && entry.seq < size);
        found.extend(
            entry.map(|entry| (entry.seq, String::from_utf8_lossy(line.bytes).into_owned())),
        );
        Ok(())
    })?;
    Ok(found.split_off(found.len().saturating_sub(ENTRIES_MAX)))
}

impl RecoveryProof {
    /// The entries of the recoveries, oldest first, if the node `key` has proven them and none of
    /// the heads `held`, whose sizes it was asked about, contradicts them.
    pub fn verify(&self, key: PublicKey, held: &[Head]) -> Result<Vec<Entry>, NotRecovered> {
        self.head.verify(key)?;
        let mut entries = Vec::new();
        for proven in &self.entries {
            let leaf = merkle::leaf_hash(proven.line.as_bytes());
            let entry = Entry::parse(proven.line.as_bytes())
                .filter(|entry| entry.kind == RECOVERED && entry.seq == proven.seq);
            let included = self.head.includes(leaf, proven.seq, &proven.proof);
            entries.push(
                entry
                    .filter(|_| included)
                    .ok_or(NotRecovered::Entry(proven.seq))?,
            );
        }
        if entries.is_empty() {
            return Err(NotRecovered::NoEntry);
        }
        let lost: Vec<Lost> = entries.iter().filter_map(Lost::of).collect();
        for (place, held) in held
            .iter()
            .enumerate()
            .filter(|(_, held)| !lost.iter().any(|lost| lost.names(held)))
        {
            match self.continued.get(place) {
                Some(Some(proof)) => held.verify_consistency(&self.head, proof)?,
                _ => return Err(NotRecovered::NotNamed(held.size)),
            }
        }
        Ok(entries)
    }

    /// The newest entry's leaf in the log.
    pub fn leaf(&self) -> Option<Digest> {
        self.entries
            .last()
            .map(|entry| merkle::leaf_hash(entry.line.as_bytes()))
    }
}
