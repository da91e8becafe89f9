//! `ligate audit verify`: reads every file of an audit folder and says what was changed, removed,
//! reordered or cut.
//!
//! What the folder alone cannot show is a tail that was cut together with an older copy of the
//! signed head. Heads that other nodes keep show it: [`verify_against`].

use std::{collections::BTreeSet, fs, path::Path};

use ligate_model::Digest;

use super::{
    AuditError, BadHead, Entry, HEAD_FILE, Head, LOG_FILE, Tampered, lost::Lost, peers, read_head,
    reader::read_entries,
};
use crate::{PublicKey, merkle::Tree};

/// What was found to hold.
#[derive(Debug)]
pub struct Verified {
    /// The signed head, which the entries fit.
    pub head: Head,
    /// Entries of the log, all covered by the head.
    pub entries: u64,
    /// Heads of other nodes whose signatures hold.
    pub peer_heads: usize,
    tree: Tree,
    lost: Vec<Lost>,
}

impl Verified {
    /// Whether this node signed the head and the log continues it.
    pub fn continues(&self, held: &Head) -> bool {
        held.verify(self.head.node).is_ok() && self.tree.root_at(held.size) == Some(held.root)
    }

    /// Checks the log against heads of this node that others hold. Heads of entries that a recovery
    /// in the log says are lost are no contradiction.
    pub fn against(&self, heads: &[Head]) -> Result<(), AuditError> {
        for held in heads {
            held.verify(self.head.node)?;
            if self.lost.iter().any(|lost| lost.names(held)) {
                continue;
            }
            match self.tree.root_at(held.size) {
                None => {
                    return Err(Tampered::Cut {
                        entries: self.head.size,
                        signed: held.size,
                    }
                    .into());
                }
                Some(root) if root != held.root => {
                    return Err(Tampered::Rewritten { size: held.size }.into());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Checks every file of an audit folder whose log the node `key` keeps.
pub fn verify(audit: &Path, key: PublicKey) -> Result<Verified, AuditError> {
    let log = audit.join(LOG_FILE);
    let at = AuditError::at(&log);
    let file = match fs::File::open(&log) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Tampered::NoLog.into());
        }
        other => other.map_err(&at)?,
    };
    // A writer holds the lock from its line to its head, so that the two are seen together.
    file.lock_shared().map_err(&at)?;
    check_files(audit)?;
    let head = read_head(audit, key)?;
    let (tree, kept, lost) = check_entries(&file, &log, &head)?;
    let peer_heads = check_peer_heads(audit, &kept)?;
    Ok(Verified {
        entries: head.size,
        head,
        peer_heads,
        tree,
        lost,
    })
}

/// [`verify`], and the log against heads of this node that others hold, which alone finds a cut
/// tail.
pub fn verify_against(
    audit: &Path,
    key: PublicKey,
    heads: &[Head],
) -> Result<Verified, AuditError> {
    let verified = verify(audit, key)?;
    verified.against(heads)?;
    Ok(verified)
}

/// Nothing but the log, its head and peers' heads belongs here. A head that a crash left unfinished
/// is harmless.
fn check_files(audit: &Path) -> Result<(), AuditError> {
    let unknown = |path| Err(Tampered::UnknownFile(path).into());
    for path in super::list(audit)? {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let known = match name {
            LOG_FILE | HEAD_FILE => path.is_file(),
            peers::FOLDER => path.is_dir(),
            name => ligate_files::is_unfinished(name) && path.is_file(),
        };
        if !known {
            return unknown(path);
        }
    }
    for path in peers::files(audit)? {
        if peers::peer_of(&path).is_none() || !path.is_file() {
            return unknown(path);
        }
    }
    Ok(())
}

/// A peer's head that the log says was kept: peer, size, root.
type KeptHead = (String, u64, Digest);

fn check_entries(
    file: &fs::File,
    path: &Path,
    head: &Head,
) -> Result<(Tree, Vec<KeptHead>, Vec<Lost>), AuditError> {
    let (mut tree, mut numbers, mut kept) = (Tree::default(), Vec::new(), Vec::new());
    let mut lost = Vec::new();
    read_entries(file, path, 0, &mut |line| {
        let number = numbers.len() as u64;
        let entry = Entry::parse(line.bytes)
            .filter(|_| line.complete)
            .ok_or(Tampered::Changed { line: number })?;
        numbers.push(entry.seq);
        kept.extend(kept_head(&entry));
        lost.extend(Lost::of(&entry));
        tree.push(line.leaf());
        Ok(())
    })?;
    check_sequence(&numbers, head)?;
    if tree.root() != head.root {
        return Err(Tampered::Root {
            entries: head.size,
            found: tree.root(),
            signed: head.root,
        }
        .into());
    }
    Ok((tree, kept, lost))
}

/// The numbers alone show removed, reordered, added and cut entries, so that the message can name
/// them.
fn check_sequence(numbers: &[u64], head: &Head) -> Result<(), Tampered> {
    let count = numbers.len() as u64;
    if let Some((at, _)) = (0..).zip(numbers).find(|(at, seq)| at != *seq) {
        let present: BTreeSet<u64> = numbers.iter().copied().collect();
        return Err(match (0..head.size).find(|seq| !present.contains(seq)) {
            Some(seq) => Tampered::Removed { seq },
            None => Tampered::Reordered { line: at },
        });
    }
    match count.cmp(&head.size) {
        std::cmp::Ordering::Less => Err(Tampered::Cut {
            entries: count,
            signed: head.size,
        }),
        std::cmp::Ordering::Greater => Err(Tampered::Unsigned {
            entries: count,
            signed: head.size,
        }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn kept_head(entry: &Entry) -> Option<KeptHead> {
    if entry.kind != "peer-head" {
        return None;
    }
    let size = entry.fields.get("size")?.as_u64()?;
    Some((
        entry.text("peer")?.to_owned(),
        size,
        entry.text("root")?.parse().ok()?,
    ))
}

/// Every kept head must verify, and every one that the log tells of must be there.
fn check_peer_heads(audit: &Path, kept: &[KeptHead]) -> Result<usize, AuditError> {
    let mut present = BTreeSet::new();
    for path in peers::files(audit)? {
        let Some(peer) = peers::peer_of(&path) else {
            continue;
        };
        let heads = peers::verify_file(&path).map_err(|error| name_peer(error, &peer))?;
        present.extend(
            heads
                .into_iter()
                .map(|head| (peer.to_string(), head.size, head.root)),
        );
    }
    match kept.iter().find(|head| !present.contains(*head)) {
        Some((peer, size, _)) => Err(Tampered::PeerHeadRemoved {
            peer: peer.clone(),
            size: *size,
        }
        .into()),
        None => Ok(present.len()),
    }
}

fn name_peer(error: AuditError, peer: &ligate_model::NodeName) -> AuditError {
    match error {
        AuditError::Head(BadHead::Signature | BadHead::Foreign { .. }) => {
            Tampered::PeerHead(peer.to_string()).into()
        }
        other => other,
    }
}
