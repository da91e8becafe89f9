use super::*;
use crate::testing::{identity, permit};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn revocation(id: &str) -> Revocation {
    Revocation {
        id: PermitId::new(id).unwrap(),
        permit: Digest::of("test", id.as_bytes()),
        revoked: time("2031-05-01T00:00:00Z"),
        reason: "a reason".into(),
    }
}

/// The list of issuer 1 that revoked these one after the other, of the given hour.
fn list(ids: &[&str], hour: i8) -> RevocationList {
    let issued = time("2031-06-01T00:00:00Z") + SignedDuration::from_hours(hour.into());
    let add = |list: RevocationList, id: &&str| list.with(revocation(id), issued).unwrap();
    ids.iter()
        .fold(RevocationList::empty(identity(1).public(), issued), add)
}

fn signed(list: RevocationList) -> SignedRevocations {
    list.sign(&identity(1)).unwrap()
}

#[track_caller]
fn refuses(change: impl FnOnce(&mut RevocationList), expected: InvalidList) {
    let mut changed = list(&["a", "b"], 0);
    change(&mut changed);
    assert_eq!(changed.clone().sign(&identity(1)).unwrap_err(), expected);
    // A list that another program signed all the same is refused on arrival.
    let jws = identity(1)
        .sign_long_jws(TYPE, &changed, LIST_BYTES_MAX)
        .unwrap();
    assert_eq!(
        SignedRevocations::read(&jws, changed.issued).unwrap_err(),
        expected
    );
}

#[test]
fn a_list_survives_signing_and_is_the_same_text_each_time() {
    let first = signed(list(&["b", "a"], 0));
    assert_eq!(first, signed(list(&["b", "a"], 0)));
    let ids: Vec<_> = first
        .list()
        .entries
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!((ids, first.list().sequence), (vec!["a", "b"], 2));
    let read = SignedRevocations::read(&format!("{}\n", first.jws()), first.list().issued).unwrap();
    assert_eq!(read, first);
}

#[test]
fn lists_out_of_form_are_neither_signed_nor_accepted() {
    refuses(|l| l.version = 2, InvalidList::Version(2));
    refuses(|l| l.entries.reverse(), InvalidList::Order);
    refuses(
        |l| l.entries[1].id = l.entries[0].id.clone(),
        InvalidList::Order,
    );
    refuses(|l| l.entries.clear(), InvalidList::Sequence);
    refuses(|l| l.sequence = 0, InvalidList::Sequence);
    for bad in [
        String::new(),
        "a\u{1b}[31m".to_owned(),
        "a\nb".to_owned(),
        "a".repeat(1001),
    ] {
        refuses(|l| l.entries[0].reason = bad, InvalidList::Reason);
    }
    let many = |l: &mut RevocationList| {
        l.entries = (0..=ENTRIES_MAX)
            .map(|number| revocation(&format!("p{number:06}")))
            .collect();
    };
    refuses(many, InvalidList::TooMany);
}

#[test]
fn a_permit_is_revoked_once() {
    let again = list(&["a"], 0).with(revocation("a"), time("2031-06-02T00:00:00Z"));
    assert_eq!(
        again.unwrap_err(),
        InvalidList::Twice(revocation("a").id, revocation("a").revoked)
    );
}

#[test]
fn another_key_cannot_revoke() {
    assert_eq!(
        list(&["a"], 0).sign(&identity(2)).unwrap_err(),
        InvalidList::Signer
    );
    let forged = identity(2)
        .sign_long_jws(TYPE, &list(&["a"], 0), LIST_BYTES_MAX)
        .unwrap();
    assert_eq!(
        SignedRevocations::read(&forged, list(&[], 0).issued).unwrap_err(),
        InvalidList::Signer
    );
    let permit = permit().sign(&identity(1)).unwrap();
    let read = SignedRevocations::read(permit.jws(), list(&[], 0).issued);
    assert!(matches!(
        read,
        Err(InvalidList::Text(JwsError::Type { .. }))
    ));
}

#[test]
fn a_list_from_the_future_would_never_be_too_old() {
    let list = signed(list(&["a"], 1));
    let ahead = |minutes| list.list().issued - SignedDuration::from_mins(minutes);
    assert!(SignedRevocations::read(list.jws(), ahead(10)).is_ok());
    let refused = SignedRevocations::read(list.jws(), ahead(11)).unwrap_err();
    assert_eq!(refused, InvalidList::Future(list.list().issued));
}

#[track_caller]
fn against_held(
    held: RevocationList,
    other: RevocationList,
    expected: Result<bool, Contradiction>,
) {
    assert_eq!(signed(other).replaces(&signed(held)), expected);
}

#[test]
fn lists_only_grow() {
    against_held(list(&["a"], 0), list(&["a", "b"], 1), Ok(true));
    against_held(list(&["a"], 0), list(&["a"], 1), Ok(true));
    against_held(list(&["a"], 0), list(&["a"], 0), Ok(false));
    // An older copy from somebody who has not heard of the newer one yet.
    against_held(list(&["a", "b"], 1), list(&["a"], 0), Ok(false));
    against_held(list(&["a"], 1), list(&[], 0), Ok(false));
}

#[test]
fn a_list_that_was_rolled_back_or_rewritten_is_a_contradiction() {
    let rolled_back = Contradiction::RolledBack { held: 2, newer: 1 };
    against_held(list(&["a", "b"], 0), list(&["a"], 1), Err(rolled_back));
    against_held(
        list(&["a"], 0),
        list(&["b"], 1),
        Err(Contradiction::TwoContents(1)),
    );
    against_held(
        list(&["a"], 1),
        list(&["b"], 0),
        Err(Contradiction::TwoContents(1)),
    );
    let missing = Contradiction::Missing {
        id: revocation("a").id,
        with: 1,
        without: 2,
    };
    against_held(list(&["a"], 0), list(&["b", "c"], 1), Err(missing.clone()));
    against_held(list(&["b", "c"], 1), list(&["a"], 0), Err(missing));
    let mut other_reason = list(&["a", "b"], 1);
    other_reason.entries[0].reason = "another".into();
    let rewritten = Contradiction::Missing {
        id: revocation("a").id,
        with: 1,
        without: 2,
    };
    against_held(list(&["a"], 0), other_reason, Err(rewritten));
    let stranger = RevocationList {
        issuer: identity(2).public(),
        ..list(&[], 1)
    };
    let stranger = stranger.sign(&identity(2)).unwrap();
    assert_eq!(
        stranger.replaces(&signed(list(&[], 0))),
        Err(Contradiction::OtherIssuer)
    );
}

#[test]
fn a_permit_is_found_by_hash_or_by_id() {
    let signed = permit().sign(&identity(1)).unwrap();
    let by_hash = Revocation {
        permit: signed.hash(),
        ..revocation("another-id")
    };
    let by_id = Revocation {
        id: permit().id,
        ..revocation("x")
    };
    for revocation in [by_hash, by_id] {
        let issued = revocation.revoked;
        let list =
            RevocationList::empty(identity(1).public(), issued).with(revocation.clone(), issued);
        assert_eq!(list.unwrap().find(&signed), Some(&revocation));
    }
    assert_eq!(list(&["a"], 0).find(&signed), None);
}

#[test]
fn the_longest_reasons_of_the_most_permits_fit_into_a_list() {
    let entry = |number: usize| Revocation {
        reason: "r".repeat(1000),
        ..revocation(&format!("p{number:040}"))
    };
    let mut full = list(&["a"], 0);
    full.entries = (0..ENTRIES_MAX).map(entry).collect();
    let full = signed(full);
    assert!(full.jws().len() <= LIST_BYTES_MAX);
    assert!(SignedRevocations::read(full.jws(), full.list().issued).is_ok());
}
