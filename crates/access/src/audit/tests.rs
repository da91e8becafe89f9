use super::*;
use crate::testing::identity;

/// A log with `size` entries in a folder of its own.
struct Case {
    folder: tempfile::TempDir,
    log: Log,
}

const NODE: u64 = 1;

fn now() -> Timestamp {
    "2031-01-01T00:00:00Z".parse().unwrap()
}

fn key() -> Arc<Identity> {
    Arc::new(identity(NODE))
}

fn peer_added(number: u64) -> Event {
    Event::PeerAdded {
        name: NodeName::new(format!("peer{number}")).unwrap(),
        key: identity(number).public(),
        address: None,
        issuer: false,
        coordinator: false,
    }
}

impl Case {
    fn new(size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut log =
            Log::create(&folder.path().join("audit"), key(), peer_added(0), now()).unwrap();
        for number in 1..size {
            log.append(peer_added(number), now()).unwrap();
        }
        Self { folder, log }
    }

    fn audit(&self) -> PathBuf {
        self.folder.path().join("audit")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.audit().join(name)
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.path(LOG_FILE))
            .unwrap()
            .lines()
            .map(|line| format!("{line}\n"))
            .collect()
    }

    fn write_lines(&self, lines: &[String]) {
        fs::write(self.path(LOG_FILE), lines.concat()).unwrap();
    }

    fn verify(&self) -> Result<Verified, AuditError> {
        verify(&self.audit(), identity(NODE).public())
    }

    fn reopen(&self) -> Result<Log, AuditError> {
        Log::open(&self.audit(), key(), now())
    }

    /// Both the check on demand and the next start find it.
    #[track_caller]
    fn finds(&self, expected: Tampered) {
        match self.verify() {
            Err(AuditError::Tampered(found)) => assert_eq!(found, expected),
            other => panic!("{other:?} instead of {expected:?}"),
        }
    }

    #[track_caller]
    fn refuses_to_open(&self) {
        assert!(matches!(self.reopen().err(), Some(AuditError::Tampered(_))));
    }
}

/// A log of six entries whose lines are changed by `change`.
fn tampered(change: impl FnOnce(&mut Vec<String>)) -> Case {
    let case = Case::new(6);
    let mut lines = case.lines();
    change(&mut lines);
    case.write_lines(&lines);
    case
}

#[test]
fn an_untouched_log_verifies_and_continues() {
    let mut case = Case::new(6);
    let verified = case.verify().unwrap();
    assert_eq!((verified.head.size, verified.peer_heads), (6, 0));
    let mut again = case.reopen().unwrap();
    assert_eq!(again.append(Event::ServeStopped {}, now()).unwrap().size, 7);
    // The first process goes on after what the second wrote.
    assert_eq!(
        case.log.append(Event::ServeStopped {}, now()).unwrap().size,
        8
    );
    assert_eq!(case.verify().unwrap().head, *case.log.head());
    let mut kinds = Vec::new();
    entries(&case.audit(), &mut |entry| {
        kinds.push((entry.seq, entry.kind))
    })
    .unwrap();
    assert_eq!(kinds[0], (0, "peer-added".to_owned()));
    assert_eq!(kinds[7], (7, "serve-stopped".to_owned()));
}

#[test]
fn a_second_log_is_not_made_over_the_first() {
    let case = Case::new(1);
    let second = Log::create(&case.audit(), key(), peer_added(0), now());
    assert!(matches!(second.err(), Some(AuditError::Exists(_))));
}

#[test]
fn every_changed_byte_is_found() {
    let case = Case::new(3);
    let original = fs::read(case.path(LOG_FILE)).unwrap();
    for at in 0..original.len() {
        let mut bytes = original.clone();
        bytes[at] ^= 1;
        fs::write(case.path(LOG_FILE), bytes).unwrap();
        assert!(
            matches!(case.verify(), Err(AuditError::Tampered(_))),
            "byte {at}"
        );
        case.refuses_to_open();
    }
    fs::write(case.path(LOG_FILE), original).unwrap();
    assert!(case.verify().is_ok());
}

#[test]
fn a_changed_entry_is_named_as_such() {
    let case = tampered(|lines| lines[2] = lines[2].replace("peer2", "peer7"));
    assert!(matches!(
        case.verify(),
        Err(AuditError::Tampered(Tampered::Root { entries: 6, .. }))
    ));
    case.refuses_to_open();
    let case = tampered(|lines| lines[2] = "{}\n".into());
    case.finds(Tampered::Changed { line: 2 });
}

#[test]
fn a_removed_entry_is_named() {
    for removed in 0..5 {
        let case = tampered(|lines| drop(lines.remove(removed)));
        case.finds(Tampered::Removed {
            seq: removed as u64,
        });
        case.refuses_to_open();
    }
}

#[test]
fn swapped_entries_are_named() {
    let case = tampered(|lines| lines.swap(1, 3));
    case.finds(Tampered::Reordered { line: 1 });
    case.refuses_to_open();
}

#[test]
fn a_cut_tail_is_named() {
    for left in [0, 1, 5] {
        let case = tampered(|lines| lines.truncate(left));
        case.finds(Tampered::Cut {
            entries: left as u64,
            signed: 6,
        });
        case.refuses_to_open();
    }
    let case = Case::new(2);
    fs::remove_file(case.path(LOG_FILE)).unwrap();
    case.finds(Tampered::NoLog);
    case.refuses_to_open();
}

#[test]
fn a_running_node_notices_too() {
    let mut case = Case::new(6);
    let lines = case.lines();
    case.write_lines(&lines[..5]);
    let cut = Tampered::Cut {
        entries: 5,
        signed: 6,
    };
    let found = case.log.append(Event::ServeStopped {}, now()).unwrap_err();
    assert!(matches!(found, AuditError::Tampered(found) if found == cut));
    // Put back, it goes on.
    case.write_lines(&lines);
    let newest = fs::read(case.path(HEAD_FILE)).unwrap();
    fs::write(
        case.path(HEAD_FILE),
        serde_json::to_vec(&Case::new(5).log.head()).unwrap(),
    )
    .unwrap();
    let found = case.log.append(Event::ServeStopped {}, now()).unwrap_err();
    assert!(matches!(found, AuditError::Tampered(found) if found == cut));
    fs::write(case.path(HEAD_FILE), newest).unwrap();
    assert_eq!(
        case.log.append(Event::ServeStopped {}, now()).unwrap().size,
        7
    );
    assert!(case.verify().is_ok());
}

#[test]
fn added_entries_are_not_taken_for_a_crash() {
    let case = tampered(|lines| {
        lines.extend(
            [
                "{\"seq\":6,\"time\":\"2031-01-01T00:00:00Z\",\"kind\":\"x\"}\n",
                "x\n",
            ]
            .map(String::from),
        )
    });
    case.finds(Tampered::Changed { line: 7 });
    case.refuses_to_open();
}

#[test]
fn a_head_must_be_there_whole_and_the_nodes_own() {
    let case = Case::new(3);
    let text = fs::read_to_string(case.path(HEAD_FILE)).unwrap();
    fs::remove_file(case.path(HEAD_FILE)).unwrap();
    case.finds(Tampered::NoHead);
    case.refuses_to_open();
    fs::write(case.path(HEAD_FILE), "{}").unwrap();
    case.finds(Tampered::Head);
    case.refuses_to_open();
    fs::write(
        case.path(HEAD_FILE),
        text.replace("\"size\":3", "\"size\":2"),
    )
    .unwrap();
    case.finds(Tampered::HeadSignature(BadHead::Signature));
    case.refuses_to_open();
    let head = case.log.head();
    let foreign = Head::sign(&identity(2), head.size, head.root, head.time);
    fs::write(
        case.path(HEAD_FILE),
        serde_json::to_string(&foreign).unwrap(),
    )
    .unwrap();
    let keys = BadHead::Foreign {
        found: identity(2).public(),
        expected: identity(NODE).public(),
    };
    case.finds(Tampered::HeadSignature(keys));
    case.refuses_to_open();
}

#[test]
fn only_a_peers_head_finds_a_tail_cut_with_an_older_head() {
    let mut case = Case::new(4);
    let older = fs::read(case.path(HEAD_FILE)).unwrap();
    case.log.append(peer_added(4), now()).unwrap();
    let held = case.log.head().clone();
    case.write_lines(&case.lines()[..4]);
    fs::write(case.path(HEAD_FILE), older).unwrap();
    assert!(case.verify().is_ok());
    let found = verify_against(&case.audit(), identity(NODE).public(), &[held]).unwrap_err();
    assert!(matches!(
        found,
        AuditError::Tampered(Tampered::Cut {
            entries: 4,
            signed: 5
        })
    ));
}

#[test]
fn a_peers_head_finds_a_log_written_anew() {
    let (first, mut second) = (Case::new(4), Case::new(3));
    second.log.append(Event::ServeStopped {}, now()).unwrap();
    second.log.append(Event::ServeStopped {}, now()).unwrap();
    let verified = second.verify().unwrap();
    assert!(verified.against(&[second.log.head().clone()]).is_ok());
    assert!(matches!(
        verified.against(&[first.log.head().clone()]),
        Err(AuditError::Tampered(Tampered::Rewritten { size: 4 }))
    ));
    // A head that this node never signed proves nothing.
    let forged = Head::sign(&identity(2), 9, first.log.head().root, now());
    assert!(matches!(
        verified.against(&[forged]),
        Err(AuditError::Head(BadHead::Foreign { .. }))
    ));
}

#[test]
fn what_a_crash_left_is_cut_off_and_noted() {
    for left in ["{\"seq\":6,\"ti", "{\"seq\":6}\n", "\n"] {
        let case = tampered(|lines| lines.push(left.into()));
        assert!(case.verify().is_err());
        assert_eq!(case.reopen().unwrap().head().size, 7);
        assert!(case.verify().is_ok());
        let mut last = None;
        entries(&case.audit(), &mut |entry| last = Some(entry)).unwrap();
        assert_eq!(last.unwrap().kind, "recovered");
    }
}

#[test]
fn a_line_torn_within_the_signed_part_is_no_crash() {
    let case = tampered(|lines| assert_eq!(lines[5].pop(), Some('\n')));
    assert!(case.verify().is_err());
    case.refuses_to_open();
}

#[test]
fn an_entry_that_cannot_be_signed_is_taken_back() {
    let mut case = Case::new(3);
    // The head is written under this name first.
    fs::create_dir(case.path("head.json.new")).unwrap();
    assert!(case.log.append(peer_added(3), now()).is_err());
    fs::remove_dir(case.path("head.json.new")).unwrap();
    assert_eq!(case.verify().unwrap().head.size, 3);
    assert_eq!(case.log.append(peer_added(3), now()).unwrap().size, 4);
    assert!(case.verify().is_ok());
}

#[test]
fn unknown_files_are_named() {
    for name in ["log.jsonl.bak", "heads/x y.jsonl", "heads/peer1"] {
        let case = Case::new(2);
        fs::create_dir_all(case.path("heads")).unwrap();
        fs::write(case.path(name), "").unwrap();
        case.finds(Tampered::UnknownFile(case.path(name)));
    }
    // What a crash between writing and renaming a head leaves.
    let case = Case::new(2);
    fs::write(case.path("head.json.new"), "{").unwrap();
    assert!(case.verify().is_ok());
}

#[test]
fn processes_take_turns() {
    let case = Case::new(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut log = case.reopen().unwrap();
                for number in 0..5 {
                    log.append(peer_added(number), now()).unwrap();
                }
            });
        }
    });
    assert_eq!(case.verify().unwrap().head.size, 21);
}

#[test]
fn proofs_hold_against_heads() {
    let mut case = Case::new(5);
    let older = case.log.head().clone();
    case.log.append(Event::ServeStopped {}, now()).unwrap();
    let head = case.log.head();
    let proof = case.log.consistency_proof(older.size).unwrap();
    assert!(older.verify_consistency(head, &proof).is_ok());
    assert!(older.verify_consistency(head, &proof[1..]).is_err());
    let line = case.lines()[3].trim_end().to_owned();
    let proof = case.log.inclusion_proof(3).unwrap();
    assert!(head.includes(merkle::leaf_hash(line.as_bytes()), 3, &proof));
    assert!(!head.includes(merkle::leaf_hash(line.as_bytes()), 2, &proof));
    assert_eq!(case.log.consistency_proof(7), None);
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn peer_head(size: u64, root: u8, time: i64) -> Head {
    Head::sign(
        &identity(2),
        size,
        Digest::from_bytes([root; 32]),
        second(time),
    )
}

#[test]
fn peers_heads_are_kept_once_and_noted() {
    let mut case = Case::new(1);
    let (peer, key) = (NodeName::new("hospital").unwrap(), identity(2).public());
    let mut store = |head: &Head| case.log.store_head(&peer, key, head, now());
    assert_eq!(store(&peer_head(3, 3, 30)).unwrap(), Stored::New);
    assert_eq!(store(&peer_head(3, 3, 30)).unwrap(), Stored::Known);
    assert_eq!(store(&peer_head(5, 5, 50)).unwrap(), Stored::New);
    // One that comes late is kept all the same.
    assert_eq!(store(&peer_head(4, 4, 40)).unwrap(), Stored::New);
    assert!(matches!(
        store(&peer_head(4, 9, 40)),
        Err(AuditError::Contradiction(_))
    ));
    assert!(matches!(
        store(&peer_head(2, 2, 60)),
        Err(AuditError::Contradiction(_))
    ));
    let foreign = Head::sign(&identity(3), 6, Digest::from_bytes([6; 32]), second(60));
    assert!(matches!(
        store(&foreign),
        Err(AuditError::Head(BadHead::Foreign { .. }))
    ));
    let kept = heads_of(&case.audit(), &peer).unwrap();
    assert_eq!(
        kept,
        [
            peer_head(3, 3, 30),
            peer_head(5, 5, 50),
            peer_head(4, 4, 40)
        ]
    );
    let verified = case.verify().unwrap();
    assert_eq!((verified.head.size, verified.peer_heads), (4, 3));
}

#[test]
fn tampering_with_peers_heads_is_found() {
    let peer = NodeName::new("hospital").unwrap();
    let keep = |case: &mut Case| {
        for head in [peer_head(3, 3, 30), peer_head(5, 5, 50)] {
            case.log
                .store_head(&peer, identity(2).public(), &head, now())
                .unwrap();
        }
        (
            case.path("heads/hospital.jsonl"),
            fs::read_to_string(case.path("heads/hospital.jsonl")).unwrap(),
        )
    };
    let mut case = Case::new(1);
    let (path, text) = keep(&mut case);
    fs::write(&path, text.replace("\"size\":3", "\"size\":4")).unwrap();
    case.finds(Tampered::PeerHead("hospital".into()));
    fs::write(&path, text.lines().last().unwrap().to_owned() + "\n").unwrap();
    case.finds(Tampered::PeerHeadRemoved {
        peer: "hospital".into(),
        size: 3,
    });
    fs::remove_file(&path).unwrap();
    case.finds(Tampered::PeerHeadRemoved {
        peer: "hospital".into(),
        size: 3,
    });
    fs::write(&path, text.clone() + "nonsense\n").unwrap();
    assert!(matches!(
        case.verify(),
        Err(AuditError::PeerHeads { line: 3, .. })
    ));
    fs::write(
        &path,
        text.clone() + &serde_json::to_string(&peer_head(5, 6, 50)).unwrap() + "\n",
    )
    .unwrap();
    assert!(matches!(case.verify(), Err(AuditError::Contradiction(_))));
    // A line torn by a crash is cut off by the next head.
    fs::write(&path, text + "{\"node\":").unwrap();
    case.log
        .store_head(&peer, identity(2).public(), &peer_head(6, 6, 60), now())
        .unwrap();
    assert_eq!(case.verify().unwrap().peer_heads, 3);
}

#[test]
fn a_clock_that_goes_back_is_refused_until_the_node_is_recovered() {
    let mut case = Case::new(2);
    let early = now() - SignedDuration::from_mins(10);
    assert!(matches!(
        case.log.append(peer_added(2), early),
        Err(AuditError::Clock { .. })
    ));
    assert!(matches!(
        Log::open(&case.audit(), key(), early),
        Err(AuditError::Clock { .. })
    ));
    // What a clock is corrected by is no matter, and the log's time stands still.
    let head = case
        .log
        .append(peer_added(2), now() - SignedDuration::from_mins(1))
        .unwrap()
        .clone();
    assert_eq!((head.size, head.time), (3, now()));
    let mut log = Log::open_whenever(&case.audit(), key(), early).unwrap();
    let head = log
        .append_recovery(Event::ServeStopped {}, early)
        .unwrap()
        .clone();
    assert_eq!(head.time, early);
    log.append(peer_added(3), early).unwrap();
    Log::open(&case.audit(), key(), early).unwrap();
}

#[test]
fn the_last_entry_of_a_kind_is_a_signed_one() {
    let mut case = Case::new(3);
    let key = identity(NODE).public();
    let last = |case: &Case, kind| {
        last_of(&case.audit(), key, kind)
            .unwrap()
            .map(|entry| entry.seq)
    };
    assert_eq!(
        (last(&case, "peer-added"), last(&case, "ledger-changed")),
        (Some(2), None)
    );
    let changed = |what: &str| Event::LedgerChanged {
        what: what.into(),
        job: None,
        ledger: Digest::of("ledger", b""),
    };
    case.log.append(changed("opened"), now()).unwrap();
    for number in 0..1000 {
        case.log.append(peer_added(number), now()).unwrap();
    }
    assert_eq!(last(&case, "ledger-changed"), Some(3), "far before the end");
    case.log.append(changed("closed"), now()).unwrap();
    assert_eq!(last(&case, "ledger-changed"), Some(1004));
    // A crash left a line that is not signed.
    let mut lines = case.lines();
    lines.push(
        lines[1004]
            .replace("\"seq\":1004", "\"seq\":1005")
            .replace("closed", "opened"),
    );
    case.write_lines(&lines);
    assert_eq!(last(&case, "ledger-changed"), Some(1004));
}

#[test]
fn a_restored_peer_is_taken_back_by_the_stewards_word_and_its_old_heads_stay() {
    let mut case = Case::new(1);
    let (peer, key) = (NodeName::new("hospital").unwrap(), identity(2).public());
    assert!(matches!(
        case.log.accept_recovery(&peer, None, now()),
        Err(AuditError::NoHeads(_))
    ));
    case.log
        .store_head(&peer, key, &peer_head(9, 9, 90), now())
        .unwrap();
    assert!(matches!(
        case.log.store_head(&peer, key, &peer_head(5, 6, 95), now()),
        Err(AuditError::Contradiction(_))
    ));
    assert_eq!(
        case.log.accept_recovery(&peer, None, now()).unwrap().size,
        9
    );
    assert_eq!(heads_of(&case.audit(), &peer).unwrap(), []);
    case.log
        .store_head(&peer, key, &peer_head(5, 6, 95), now())
        .unwrap();
    assert_eq!(case.verify().unwrap().peer_heads, 2);
    fs::remove_file(case.path("heads/hospital.1.jsonl")).unwrap();
    case.finds(Tampered::PeerHeadRemoved {
        peer: "hospital".into(),
        size: 9,
    });
}

/// The entry of a recovery that names heads of up to `lost_size` entries.
fn recovered(lost_size: u64) -> Event {
    Event::NodeRecovered {
        lost_size,
        lost_time: Some(now()),
        peers_asked: Vec::new(),
        peers_silent: Vec::new(),
        runs_taken_over: 0,
        all_accounts_closed: true,
        withdrawals: 0,
        consents_closed: false,
        nothing_shown_since: None,
        no_withdrawals_since: None,
    }
}

#[test]
fn heads_that_a_recovery_names_are_no_contradiction() {
    let mut case = Case::new(4);
    let older =
        ["head.json", LOG_FILE].map(|name| (case.path(name), fs::read(case.path(name)).unwrap()));
    let mut lost = Vec::new();
    for number in 4..6 {
        lost.push(case.log.append(peer_added(number), now()).unwrap().clone());
    }
    older
        .iter()
        .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    assert!(matches!(
        case.verify().unwrap().against(&lost),
        Err(AuditError::Tampered(Tampered::Cut { .. }))
    ));
    let mut log = case.reopen().unwrap();
    log.append_recovery(recovered(6), now()).unwrap();
    case.verify().unwrap().against(&lost).unwrap();
    // One that was signed later must be continued.
    let later = Head::sign(
        &identity(NODE),
        6,
        lost[1].root,
        now() + SignedDuration::from_mins(1),
    );
    assert!(case.verify().unwrap().against(&[later]).is_err());
}

#[test]
fn a_peer_is_taken_back_for_a_proven_recovery_that_names_what_is_lost() {
    let mut case = Case::new(4);
    let node = identity(NODE).public();
    let continued = case.log.head().clone();
    let older =
        ["head.json", LOG_FILE].map(|name| (case.path(name), fs::read(case.path(name)).unwrap()));
    let mut held = vec![continued];
    for number in 4..7 {
        held.push(case.log.append(peer_added(number), now()).unwrap().clone());
    }
    let sizes: Vec<u64> = held.iter().map(|head| head.size).collect();
    older
        .iter()
        .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let mut log = case.reopen().unwrap();
    let prove = |log: &Log| log.prove_recoveries(&sizes).unwrap();
    assert_eq!(
        prove(&log).verify(node, &held).unwrap_err(),
        NotRecovered::NoEntry
    );
    // A recovery that does not know of all that is lost: the largest head is of seven entries.
    log.append_recovery(recovered(held[2].size), now()).unwrap();
    assert_eq!(
        prove(&log).verify(node, &held).unwrap_err(),
        NotRecovered::NotNamed(held[3].size)
    );
    // The log grows beyond it: another log than the one of that head.
    log.append(peer_added(9), now()).unwrap();
    log.append(peer_added(10), now()).unwrap();
    assert!(matches!(
        prove(&log).verify(node, &held),
        Err(NotRecovered::Contradiction(_))
    ));
    log.append_recovery(recovered(held[3].size), now()).unwrap();
    let proof = prove(&log);
    let entries = proof.verify(node, &held).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].fields["lost_size"], held[3].size);
    // Nothing of it can be made up.
    assert!(matches!(
        proof.verify(identity(2).public(), &held),
        Err(NotRecovered::Head(_))
    ));
    let bytes = serde_json::to_string(&proof).unwrap();
    let forged = bytes.replace("\\\"lost_size\\\":7", "\\\"lost_size\\\":9");
    assert_ne!(forged, bytes);
    let forged: RecoveryProof = serde_json::from_str(&forged).unwrap();
    assert!(matches!(
        forged.verify(node, &held),
        Err(NotRecovered::Entry(_))
    ));
}
