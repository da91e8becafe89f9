//! The issuers' lists of revoked permits as this folder holds them: one file per issuer in
//! `revocations/`, the newest that anybody handed over. It refuses lists of issuers that the
//! steward does not trust and lists that contradict the held one. An access body's own list is here
//! too, and is signed anew for everybody who asks. Its audit log has every revocation first, so
//! that a list which was put back from a copy is completed from it.

mod fetch;

use std::{fs, io::ErrorKind, path::PathBuf};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{self, Entry, Event},
    permit::PermitId,
    revocation::{Revocation, RevocationList, Revocations, SignedRevocations},
};
use ligate_files::Lock;
use ligate_model::Digest;
use serde_json::Value;

use crate::{folder::Folder, output};

pub use fetch::{LIST_DEADLINE, keep_fresh, push, refresh, refresh_where_due};

/// What this node goes by when it decides on a permit: the newest lists of the issuers that it
/// trusts.
pub fn known(folder: &Folder) -> Result<Revocations> {
    let issuers = folder.config.issuers();
    let lists = issuers
        .iter()
        .filter_map(|issuer| held(folder, issuer).transpose());
    Ok(Revocations {
        lists: lists.collect::<Result<_>>()?,
        stale_after: folder.config.revocation.stale_after(),
    })
}

/// The newest list of `issuer` that this folder can show; its own, which it signs with the time of
/// now.
pub fn newest(folder: &Folder, issuer: &PublicKey) -> Result<Option<SignedRevocations>> {
    if *issuer == folder.identity.public() {
        own(folder).map(Some)
    } else {
        held(folder, issuer)
    }
}

/// Whether the newest list of `issuer` is older than the steward lets it be before it is fetched
/// anew.
pub fn is_due(folder: &Folder, issuer: &PublicKey) -> Result<bool> {
    let newest = newest(folder, issuer)?;
    let age = newest.map(|held| Timestamp::now().duration_since(held.list().issued));
    Ok(age.is_none_or(|age| age > folder.config.revocation.fetch_interval()))
}

/// Keeps a list that somebody handed over, where it is newer than the held one.
pub fn take(folder: &Folder, jws: &str) -> Result<()> {
    let list = SignedRevocations::read(jws, Timestamp::now())?;
    let issuer = list.list().issuer;
    let own = issuer == folder.identity.public();
    ensure!(
        own || folder.config.issuers().contains(&issuer),
        "{} takes no list of revoked permits of {issuer}, which it does not trust as an issuer",
        folder.name()
    );
    let _lock = lock(folder)?;
    let held = held(folder, &issuer)?;
    let replaces = match &held {
        None => true,
        Some(held) => list.replaces(held).with_context(|| {
            format!(
                "the list of permits revoked by {} is refused",
                name(folder, &issuer)
            )
        })?,
    };
    if !replaces {
        return Ok(());
    }
    write(folder, &list)?;
    let (before, now) = (held.map_or(0, |held| held.list().sequence), list.list());
    if now.sequence > before {
        let (sequence, revoked) = (now.sequence, now.entries.len() as u64);
        folder.record(Event::RevocationsKept {
            issuer,
            sequence,
            revoked,
        })?;
    }
    Ok(())
}

/// Adds a permit to this access body's own list, for good. The audit log has it before anybody can
/// see it.
pub fn revoke(body: &Folder, revocation: Revocation) -> Result<SignedRevocations> {
    let _lock = lock(body)?;
    let list = stored_own(body)?
        .with(revocation.clone(), Timestamp::now())?
        .sign(&body.identity)?;
    let Revocation {
        id,
        permit,
        revoked,
        reason,
    } = revocation;
    body.record(Event::PermitRevoked {
        id,
        permit,
        revoked,
        sequence: list.list().sequence,
        reason,
    })?;
    write(body, &list)?;
    Ok(list)
}

/// The permits that this access body revoked.
pub fn own(body: &Folder) -> Result<SignedRevocations> {
    // Under the lock, so that no list is signed after a newer one with fewer permits in it.
    let _lock = lock(body)?;
    let list = stored_own(body)?;
    let issued = Timestamp::now().max(list.issued);
    Ok(RevocationList { issued, ..list }.sign(&body.identity)?)
}

fn stored_own(body: &Folder) -> Result<RevocationList> {
    let issuer = body.identity.public();
    let held = held(body, &issuer)?;
    let list = held.map_or_else(
        || RevocationList::empty(issuer, Timestamp::UNIX_EPOCH),
        |held| held.list().clone(),
    );
    let noted = noted_sequence(body)?;
    if list.sequence >= noted {
        Ok(list)
    } else {
        completed(body, list, noted)
    }
}

/// The number of this body's newest list by its audit log: of one that it made, or took back from a
/// peer.
fn noted_sequence(body: &Folder) -> Result<u64> {
    let own = body.identity.public();
    let last = |kind| audit::last_of(&body.audit(), own, kind);
    let sequence = |entry: &Entry| {
        entry
            .fields
            .get("sequence")
            .and_then(|number| number.as_u64())
            .unwrap_or(0)
    };
    let made = last("permit-revoked")?.as_ref().map_or(0, sequence);
    let taken =
        last("revocations-kept")?.filter(|entry| entry.text("issuer") == Some(&own.to_string()));
    Ok(made.max(taken.as_ref().map_or(0, sequence)))
}

/// A list that lacks what the audit log says was revoked was put back from a copy, or a crash came
/// in between.
fn completed(body: &Folder, list: RevocationList, noted: u64) -> Result<RevocationList> {
    let (mut revoked, before) = (Vec::new(), list.sequence);
    audit::entries(&body.audit(), &mut |entry| {
        if entry.kind == "permit-revoked" {
            revoked.push(Value::from_iter(entry.fields));
        }
    })?;
    let mut list = list;
    for fields in revoked {
        let told: Told =
            serde_json::from_value(fields).context("an entry of a revocation cannot be read")?;
        if told.sequence == list.sequence + 1 {
            let Told {
                id,
                permit,
                revoked,
                reason,
                ..
            } = told;
            let issued = list.issued;
            list = list.with(
                Revocation {
                    id,
                    permit,
                    revoked,
                    reason,
                },
                issued,
            )?;
        }
    }
    ensure!(
        list.sequence >= noted,
        "{} has list {before} of its revoked permits, and list {noted} was the newest: it was put back from a copy; run \
         `ligate recover`, which takes the newest one back from the peers",
        body.name()
    );
    Ok(list)
}

/// What the audit log says of a revocation.
#[derive(serde::Deserialize)]
struct Told {
    id: PermitId,
    permit: Digest,
    revoked: Timestamp,
    sequence: u64,
    reason: String,
}

fn held(folder: &Folder, issuer: &PublicKey) -> Result<Option<SignedRevocations>> {
    let path = path(folder, issuer);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let list = SignedRevocations::read(&text, Timestamp::now()).with_context(|| {
        format!(
            "{} cannot be used; restore it, or remove it to have it fetched anew",
            path.display()
        )
    })?;
    ensure!(
        list.list().issuer == *issuer,
        "{} is another issuer's list",
        path.display()
    );
    Ok(Some(list))
}

fn write(folder: &Folder, list: &SignedRevocations) -> Result<()> {
    let path = path(folder, &list.list().issuer);
    output::write_private(&path, |out| writeln!(out, "{}", list.jws()))
}

fn path(folder: &Folder, issuer: &PublicKey) -> PathBuf {
    folder
        .revocations()
        .join(format!("{}.jws", hex::encode(issuer.as_bytes())))
}

/// Several processes of a folder read, compare and replace lists: `serve`, a run, `permit revoke`.
fn lock(folder: &Folder) -> Result<Lock> {
    ligate_files::make_folder(&folder.revocations())?;
    Ok(Lock::wait(&folder.revocations().join("lock"))?)
}

/// What the steward calls an issuer.
fn name(folder: &Folder, issuer: &PublicKey) -> String {
    match folder.config.peer_by_key(issuer) {
        Some(peer) => peer.name.to_string(),
        None => folder.name().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Peer;

    /// A node that trusts `body` as an issuer.
    fn node_and_body(dir: &std::path::Path) -> (Folder, Folder) {
        let country = "SE".parse().unwrap();
        let body = Folder::create(&dir.join("body"), &"body".parse().unwrap(), &country).unwrap();
        let node = Folder::create(&dir.join("node"), &"node".parse().unwrap(), &country).unwrap();
        let peer = Peer {
            name: "body".parse().unwrap(),
            key: body.identity.public(),
            address: None,
            country: None,
            issuer: true,
            coordinator: false,
        };
        crate::commands::peer::save(&node, &peer).unwrap();
        (Folder::open(node.path()).unwrap(), body)
    }

    fn revocation(id: &str) -> Revocation {
        Revocation {
            id: id.parse().unwrap(),
            permit: ligate_model::Digest::of("test", id.as_bytes()),
            revoked: Timestamp::now(),
            reason: "misuse".into(),
        }
    }

    #[test]
    fn a_node_keeps_the_newest_list_and_refuses_one_that_was_rolled_back() {
        let dir = tempfile::tempdir().unwrap();
        let (node, body) = node_and_body(dir.path());
        let key = body.identity.public();
        assert!(is_due(&node, &key).unwrap(), "no list at all");
        let empty = own(&body).unwrap();
        take(&node, empty.jws()).unwrap();
        assert!(!is_due(&node, &key).unwrap());
        revoke(&body, revocation("a")).unwrap();
        let newer = own(&body).unwrap();
        take(&node, newer.jws()).unwrap();
        // An older copy is no attack and changes nothing.
        take(&node, empty.jws()).unwrap();
        assert_eq!(held(&node, &key).unwrap(), Some(newer.clone()));
        assert_eq!(known(&node).unwrap().lists, std::slice::from_ref(&newer));
        // A body that forgot what it revoked, its audit log included.
        let forgetful = RevocationList::empty(key, Timestamp::now())
            .sign(&body.identity)
            .unwrap();
        let refused = take(&node, forgetful.jws()).unwrap_err();
        let said = output::one_line(&refused);
        assert!(
            said.contains("body is refused") && said.contains("rolled back"),
            "{said}"
        );
        assert_eq!(held(&node, &key).unwrap(), Some(newer));
    }

    #[test]
    fn a_list_that_was_put_back_is_completed_from_the_audit_log() {
        let dir = tempfile::tempdir().unwrap();
        let (node, body) = node_and_body(dir.path());
        let path = path(&body, &body.identity.public());
        revoke(&body, revocation("a")).unwrap();
        let older = fs::read(&path).unwrap();
        revoke(&body, revocation("b")).unwrap();
        take(&node, revoke(&body, revocation("c")).unwrap().jws()).unwrap();
        let newest = own(&body).unwrap().list().entries.clone();
        fs::write(&path, older).unwrap();
        assert_eq!(own(&body).unwrap().list().entries, newest);
        fs::remove_file(&path).unwrap();
        let list = own(&body).unwrap();
        assert_eq!((&list.list().entries, list.list().sequence), (&newest, 3));
        take(&node, list.jws()).unwrap();
        assert!(
            revoke(&body, revocation("b")).is_err(),
            "a permit is revoked once"
        );
        assert_eq!(revoke(&body, revocation("d")).unwrap().list().sequence, 4);
    }

    #[test]
    fn a_list_that_was_taken_back_from_a_peer_is_not_forgotten_again() {
        let dir = tempfile::tempdir().unwrap();
        let (node, body) = node_and_body(dir.path());
        // Another folder with the body's key: the body before it was restored.
        let before = dir.path().join("before");
        assert!(
            std::process::Command::new("cp")
                .arg("-a")
                .args([body.path(), &before])
                .status()
                .unwrap()
                .success()
        );
        let before = Folder::open(&before).unwrap();
        take(&node, revoke(&before, revocation("a")).unwrap().jws()).unwrap();
        take(
            &body,
            newest(&node, &body.identity.public())
                .unwrap()
                .unwrap()
                .jws(),
        )
        .unwrap();
        assert_eq!(own(&body).unwrap().list().sequence, 1);
        fs::remove_file(path(&body, &body.identity.public())).unwrap();
        let said = own(&body).unwrap_err().to_string();
        assert!(said.contains("ligate recover"), "{said}");
    }

    #[test]
    fn lists_of_strangers_are_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (node, body) = node_and_body(dir.path());
        let stranger = own(&node).unwrap();
        let said = take(&body, stranger.jws()).unwrap_err().to_string();
        assert!(said.contains("does not trust"), "{said}");
    }

    #[test]
    fn a_damaged_list_is_no_list_that_revokes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (node, body) = node_and_body(dir.path());
        take(&node, own(&body).unwrap().jws()).unwrap();
        fs::write(path(&node, &body.identity.public()), "damaged").unwrap();
        assert!(known(&node).is_err());
    }

    #[test]
    fn an_own_list_is_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (_, body) = node_and_body(dir.path());
        revoke(&body, revocation("a")).unwrap();
        let mode = fs::metadata(path(&body, &body.identity.public()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            revoke(&body, revocation("a")).is_err(),
            "a permit is revoked once"
        );
    }
}
