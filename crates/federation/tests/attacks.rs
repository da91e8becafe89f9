//! A coordinator that does not keep to the protocol, and nodes that send wrong keys or shares. Each
//! test says what is tried and which refusal stops it.

mod cluster;

use std::sync::Arc;

use cluster::{CONTEXT, Nodes, addressed, identities, members, rng, signed};
use ligate_disclosure::masks::MINIMUM_CONTRIBUTORS;
use ligate_federation::{
    Conflict, Coordinator, Entry, History, Journal, JournalError, Member, MemoryJournal, NodeSet,
    Participant, Progress, Refusal, Roster, RosterError, RoundAnswer, RoundMessage, RunContext,
    SignedRoster, StepFailure,
};
use ligate_model::Digest;

fn set(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

/// Four nodes, threshold three, all masked vectors of round 0 sent.
fn four_masked() -> Nodes {
    let mut nodes = Nodes::new(4);
    nodes.up_to_masked(0);
    nodes
}

#[test]
fn a_withheld_vector_and_a_rerun() {
    // The coordinator says that node 3 is lost, opens 0 + 1 + 2, and wants 0 + 1 + 2 + 3 in another
    // round: the difference would be node 3's own sum.
    let mut nodes = four_masked();
    let without = set(&[0, 1, 2]);
    let signatures = nodes.sign(&[0, 1, 2], 0, without);
    for node in 0..3 {
        nodes
            .answer(node, 0, RoundMessage::Unmask(signatures.clone()))
            .ok()
            .unwrap();
    }
    let keys = nodes.advertise(&[0, 1, 2, 3], 1, 2);
    for node in 0..3 {
        let refusal = nodes.refusal(node, 1, RoundMessage::Keys(keys.clone()));
        assert!(
            matches!(refusal, Refusal::Conflict(Conflict::RosterIsFinal)),
            "{refusal}"
        );
        // A restart does not make the node forget.
        nodes.restart(node);
    }
    let keys = nodes.advertise(&[0, 1, 2, 3], 2, 2);
    let refusal = nodes.refusal(0, 2, RoundMessage::Keys(keys.clone()));
    assert!(
        matches!(refusal, Refusal::Conflict(Conflict::RosterIsFinal)),
        "{refusal}"
    );
    // The final roster goes on.
    nodes.share(&[0, 1, 2], 2, &keys[..3]);
}

#[test]
fn a_second_survivor_list_in_one_round() {
    let mut nodes = four_masked();
    nodes.sign(&[0], 0, set(&[0, 1, 2, 3]));
    let refusal = nodes.refusal(0, 0, RoundMessage::Survivors(set(&[0, 1, 2])));
    assert!(matches!(refusal, Refusal::Contradiction), "{refusal}");
    // The same list again gets the same signature.
    nodes.sign(&[0], 0, set(&[0, 1, 2, 3]));
    // After a restart the node has no part in the round any more, and does not begin it anew.
    nodes.restart(0);
    let refusal = nodes.refusal(0, 0, RoundMessage::Survivors(set(&[0, 1, 2])));
    assert!(
        matches!(refusal, Refusal::WrongRound { asked: 0 }),
        "{refusal}"
    );
    let refusal = nodes.refusal(
        0,
        0,
        RoundMessage::Begin {
            ask: b"ask".as_slice().into(),
            words: 2,
        },
    );
    assert!(
        matches!(
            refusal,
            Refusal::Conflict(Conflict::RoundServed { last: 0 })
        ),
        "{refusal}"
    );
}

#[test]
fn contradicting_survivor_lists() {
    // Nodes 0 and 1 are told that everybody survived, 2 and 3 that node 1 or 0 did not: no list
    // gets three signatures, and signatures on different lists do not add up.
    let mut nodes = four_masked();
    let all = set(&[0, 1, 2, 3]);
    let mut signatures = nodes.sign(&[0, 1], 0, all);
    signatures.extend(nodes.sign(&[2], 0, set(&[0, 2, 3])));
    signatures.extend(nodes.sign(&[3], 0, set(&[1, 2, 3])));
    let few = nodes.refusal(0, 0, RoundMessage::Unmask(signatures[..2].to_vec()));
    assert!(
        matches!(
            few,
            Refusal::TooFewSignatures {
                signatures: 2,
                needed: 3
            }
        ),
        "{few}"
    );
    for node in 0..4 {
        let refusal = nodes.refusal(node, 0, RoundMessage::Unmask(signatures.clone()));
        assert!(
            matches!(refusal, Refusal::BadSignature(_) | Refusal::Nodes),
            "{refusal}"
        );
    }
    // One signature three times is one signature.
    let repeated = vec![signatures[0]; 3];
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Unmask(repeated)),
        Refusal::Nodes
    ));
}

#[test]
fn survivor_lists_that_cannot_be() {
    let mut nodes = Nodes::new(5);
    let keys = nodes.advertise(&[0, 1, 2, 3, 4], 0, 1);
    let shares = nodes.share(&[0, 1, 2, 3, 4], 0, &keys);
    nodes.mask(&[0], 0, &shares[..4], |_| vec![1]);
    let refusal =
        |nodes: &mut Nodes, list: &[usize]| nodes.refusal(0, 0, RoundMessage::Survivors(set(list)));
    let two = refusal(&mut nodes, &[0, 1]);
    assert!(
        matches!(
            two,
            Refusal::TooFewNodes {
                nodes: 2,
                needed: 3
            }
        ),
        "{two}"
    );
    assert!(matches!(
        refusal(&mut nodes, &[1, 2, 3]),
        Refusal::OwnPartChanged
    ));
    // Node 4 advertised keys and shared nothing with node 0.
    assert!(matches!(refusal(&mut nodes, &[0, 1, 2, 4]), Refusal::Nodes));
}

#[test]
fn rosters_of_fewer_than_three() {
    for count in 0..MINIMUM_CONTRIBUTORS {
        let members = members(&identities(count));
        assert_eq!(
            Roster::new(CONTEXT, members).unwrap_err(),
            RosterError::Size(count)
        );
    }
    assert_eq!(
        Roster::new(CONTEXT, members(&identities(3)))
            .unwrap()
            .minimum(),
        3
    );
}

#[test]
fn key_lists_and_deliveries_that_are_too_short() {
    let mut nodes = Nodes::new(4);
    let keys = nodes.advertise(&[0, 1, 2, 3], 0, 1);
    let refusal = nodes.refusal(0, 0, RoundMessage::Keys(keys[..2].to_vec()));
    assert!(
        matches!(
            refusal,
            Refusal::TooFewNodes {
                nodes: 2,
                needed: 3
            }
        ),
        "{refusal}"
    );
    let shares = nodes.share(&[0, 1, 2, 3], 0, &keys);
    let refusal = nodes.refusal(0, 0, RoundMessage::Deliver(addressed(&shares[..2], 0)));
    assert!(
        matches!(
            refusal,
            Refusal::TooFewNodes {
                nodes: 2,
                needed: 3
            }
        ),
        "{refusal}"
    );
}

#[test]
fn an_earlier_round_replayed() {
    let mut nodes = Nodes::new(3);
    let all = [0, 1, 2];
    let old_keys = nodes.advertise(&all, 5, 2);
    let old_shares = nodes.share(&all, 5, &old_keys);
    nodes.mask(&all, 5, &old_shares, |_| vec![1, 2]);
    let list = set(&all);
    let old_signatures = nodes.sign(&all, 5, list);
    nodes
        .answer(0, 5, RoundMessage::Unmask(old_signatures.clone()))
        .ok()
        .unwrap();
    let keys = nodes.advertise(&all, 6, 2);
    // Its messages under the old number, under the new one, and its beginning.
    for message in [
        RoundMessage::Keys(old_keys.clone()),
        RoundMessage::Unmask(old_signatures.clone()),
    ] {
        let refusal = nodes.refusal(0, 5, message);
        assert!(
            matches!(refusal, Refusal::WrongRound { asked: 5 }),
            "{refusal}"
        );
    }
    let mut mixed = old_keys.clone();
    mixed[0] = keys[0];
    assert!(matches!(
        nodes.refusal(0, 6, RoundMessage::Keys(mixed)),
        Refusal::BadSignature(_)
    ));
    let shares = nodes.share(&all, 6, &keys);
    let refusal = nodes.refusal(0, 6, RoundMessage::Deliver(addressed(&old_shares, 0)));
    assert!(matches!(refusal, Refusal::BadShares(_)), "{refusal}");
    nodes.mask(&all, 6, &shares, |_| vec![1, 2]);
    nodes.sign(&all, 6, list);
    let refusal = nodes.refusal(0, 6, RoundMessage::Unmask(old_signatures));
    assert!(matches!(refusal, Refusal::BadSignature(_)), "{refusal}");
    for number in [0, 5, 6] {
        let begin = RoundMessage::Begin {
            ask: b"other".as_slice().into(),
            words: 2,
        };
        let refusal = nodes.refusal(0, number, begin);
        let served = matches!(
            refusal,
            Refusal::Conflict(Conflict::RoundServed { last: 6 })
        );
        assert!(
            served || number == 6 && matches!(refusal, Refusal::Contradiction),
            "{refusal}"
        );
    }
}

#[test]
fn forged_round_keys() {
    let mut nodes = Nodes::new(3);
    let mut keys = nodes.advertise(&[0, 1, 2], 0, 1);
    let genuine = keys.clone();
    // The coordinator puts itself between nodes 0 and 1.
    keys[1].1.keys.channel = [9; 32];
    let refusal = nodes.refusal(0, 0, RoundMessage::Keys(keys.clone()));
    assert!(
        matches!(&refusal, Refusal::BadSignature(node) if node.as_str() == "node-1"),
        "{refusal}"
    );
    keys[1] = (1, genuine[2].1);
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Keys(keys.clone())),
        Refusal::BadSignature(_)
    ));
    keys = genuine.clone();
    keys[0].1.keys.mask = [9; 32];
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Keys(keys)),
        Refusal::OwnPartChanged
    ));
    let reordered = vec![genuine[1], genuine[0], genuine[2]];
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Keys(reordered)),
        Refusal::Nodes
    ));
    // None of it spoiled the round.
    nodes.share(&[0, 1, 2], 0, &genuine);
}

#[test]
fn swapped_shares_and_different_key_lists() {
    let mut nodes = Nodes::new(4);
    let keys = nodes.advertise(&[0, 1, 2, 3], 0, 1);
    // Node 3 gets another key list than the others, each of it genuine.
    let mut shares = nodes.share(&[0, 1, 2], 0, &keys);
    let partial = vec![keys[0], keys[1], keys[3]];
    shares.extend(nodes.share(&[3], 0, &partial));
    let refusal = nodes.refusal(0, 0, RoundMessage::Deliver(addressed(&shares, 0)));
    assert!(
        matches!(&refusal, Refusal::BadShares(node) if node.as_str() == "node-3"),
        "{refusal}"
    );
    // Shares that node 1 encrypted for node 2, or that node 0 sent itself.
    let mut swapped = addressed(&shares[..3], 0);
    swapped[0].1 = addressed(&shares[..3], 2)[1].1;
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Deliver(swapped)),
        Refusal::BadShares(_)
    ));
    let mirrored = vec![(1, shares[0].1[0].1), (2, shares[0].1[1].1)];
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Deliver(mirrored)),
        Refusal::BadShares(_)
    ));
}

#[test]
fn nodes_that_were_asked_different_things() {
    let mut nodes = Nodes::new(3);
    let mut keys = nodes.advertise(&[0, 1], 0, 1);
    for (ask, words) in [("another ask", 1), ("ask", 2)] {
        let begin = RoundMessage::Begin {
            ask: ask.as_bytes().to_vec().into(),
            words,
        };
        nodes.restart(2);
        let round = nodes.journals[2].history(&CONTEXT).unwrap().next_round();
        let Ok(RoundAnswer::Advertise(advertised)) = nodes.answer(2, round, begin) else {
            panic!()
        };
        keys.truncate(2);
        keys.push((2, advertised));
        let refusal = nodes.refusal(0, 0, RoundMessage::Keys(keys.clone()));
        assert!(
            matches!(&refusal, Refusal::BadSignature(node) if node.as_str() == "node-2"),
            "{refusal}"
        );
    }
}

#[test]
fn another_roster_after_a_list_was_signed() {
    // The coordinator drops node 3 and starts the same job with three nodes.
    let mut nodes = four_masked();
    let smaller = || {
        let identities = &nodes.identities[..3];
        signed(
            Roster::new(CONTEXT, members(identities)).unwrap(),
            identities,
        )
    };
    let join = |nodes: &Nodes, roster: SignedRoster| {
        Participant::new(
            Arc::clone(&nodes.identities[0]),
            roster,
            nodes.journals[0].clone(),
        )
    };
    assert!(join(&nodes, smaller()).is_ok());
    let roster = smaller();
    nodes.sign(&[0], 0, set(&[0, 1, 2, 3]));
    let refusal = join(&nodes, roster).err().unwrap();
    assert!(
        matches!(refusal, Refusal::Conflict(Conflict::AnotherRoster)),
        "{refusal}"
    );
    // Other snapshots are another roster; another job is another matter.
    let mut changed = members(&nodes.identities);
    changed[2].snapshot = Digest::of("snapshot", b"newer");
    let roster = |context, members: Vec<Member>| {
        signed(Roster::new(context, members).unwrap(), &nodes.identities)
    };
    let refusal = join(&nodes, roster(CONTEXT, changed.clone()))
        .err()
        .unwrap();
    assert!(
        matches!(refusal, Refusal::Conflict(Conflict::AnotherRoster)),
        "{refusal}"
    );
    let other_job = RunContext {
        job: Digest::of("job", b"other"),
        ..CONTEXT
    };
    assert!(join(&nodes, roster(other_job, changed)).is_ok());
}

#[test]
fn rosters_that_are_not_signed_by_all() {
    let identities = identities(3);
    let roster = Roster::new(CONTEXT, members(&identities)).unwrap();
    let mut signatures: Vec<_> = identities
        .iter()
        .map(|identity| roster.sign(identity).unwrap())
        .collect();
    signatures[1] = signatures[0];
    let forged = SignedRoster::new(roster.clone(), signatures.clone()).unwrap_err();
    assert!(
        matches!(&forged, RosterError::BadSignature(node) if node.as_str() == "node-1"),
        "{forged}"
    );
    signatures.pop();
    let few = SignedRoster::new(roster.clone(), signatures).unwrap_err();
    assert!(matches!(
        few,
        RosterError::Signatures {
            members: 3,
            signatures: 2
        }
    ));
    let stranger = ligate_access::Identity::generate(&mut rng(1));
    assert_eq!(roster.sign(&stranger), Err(RosterError::NotAMember));
    let mut twice = members(&identities);
    twice[1].key = twice[0].key;
    assert!(matches!(
        Roster::new(CONTEXT, twice),
        Err(RosterError::Repeated(_))
    ));
}

#[test]
fn messages_out_of_order_or_changed() {
    let mut nodes = Nodes::new(3);
    let all = set(&[0, 1, 2]);
    let early = nodes.refusal(0, 0, RoundMessage::Survivors(all));
    assert!(matches!(early, Refusal::WrongRound { .. }), "{early}");
    let keys = nodes.advertise(&[0, 1, 2], 0, 1);
    let again = nodes.advertise(&[0, 1, 2], 0, 1);
    assert_eq!(keys, again, "a repeated message gets the same answer");
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Survivors(all)),
        Refusal::OutOfOrder
    ));
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Unmask(Vec::new())),
        Refusal::OutOfOrder
    ));
    let shares = nodes.share(&[0, 1, 2], 0, &keys);
    assert_eq!(shares, nodes.share(&[0, 1, 2], 0, &keys));
    let mut fewer = keys.clone();
    fewer.pop();
    assert!(matches!(
        nodes.refusal(0, 0, RoundMessage::Keys(fewer)),
        Refusal::Contradiction
    ));
    let masked = nodes.mask(&[0], 0, &shares, |_| vec![5]);
    // The vector of a repeated delivery is not looked at: a second vector under the same mask would
    // tell the difference.
    assert_eq!(masked, nodes.mask(&[0], 0, &shares, |_| vec![6]));
}

#[test]
fn a_vector_of_another_length() {
    let mut nodes = Nodes::new(3);
    let keys = nodes.advertise(&[0, 1, 2], 0, 2);
    let shares = nodes.share(&[0, 1, 2], 0, &keys);
    nodes
        .handle(0, 0, RoundMessage::Deliver(addressed(&shares, 0)))
        .unwrap();
    let refusal = nodes.participants[0].contribute(vec![1]).unwrap_err();
    assert!(
        matches!(
            refusal,
            Refusal::Size {
                size: 1,
                limit: 2,
                ..
            }
        ),
        "{refusal}"
    );
    nodes.participants[0].contribute(vec![1, 2]).unwrap();
    let begin = |words| RoundMessage::Begin {
        ask: b"ask".as_slice().into(),
        words,
    };
    for words in [0, ligate_federation::MAX_WORDS + 1] {
        assert!(matches!(
            nodes.refusal(0, 1, begin(words)),
            Refusal::Size { .. }
        ));
    }
}

/// Fails from some entry on, as a full disk does.
struct FullDisk(MemoryJournal, fn(&Entry) -> bool);

impl Journal for FullDisk {
    fn history(&self, context: &RunContext) -> Result<History, JournalError> {
        self.0.history(context)
    }

    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
        if (self.1)(entry) {
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(JournalError::File {
                path: "rounds".into(),
                source,
            });
        }
        self.0.record(context, entry)
    }
}

#[test]
fn a_step_that_cannot_be_recorded_is_not_taken() {
    let mut nodes = Nodes::new(3);
    let all = [0, 1, 2];
    let disk = FullDisk(MemoryJournal::new(), |entry| {
        !matches!(entry, Entry::Begun { .. })
    });
    let (identity, roster) = (Arc::clone(&nodes.identities[0]), nodes.roster.clone());
    nodes.participants[0] = Participant::new(identity, roster, Arc::new(disk)).unwrap();
    nodes.up_to_masked(0);
    let refusal = nodes.refusal(0, 0, RoundMessage::Survivors(set(&all)));
    assert!(
        matches!(refusal, Refusal::Journal(JournalError::File { .. })),
        "{refusal}"
    );
}

/// Runs round 0 at a coordinator, with answers changed on the way.
fn coordinate(
    nodes: &mut Nodes,
    change: impl Fn(usize, RoundAnswer) -> Option<RoundAnswer>,
) -> Result<NodeSet, StepFailure> {
    let (everybody, roster) = (
        nodes.roster.roster().everybody(),
        Arc::new(nodes.roster.clone()),
    );
    let mut coordinator = Coordinator::new(roster, everybody, 0, b"ask".as_slice().into(), 2)?;
    loop {
        for (node, message) in coordinator.messages() {
            let answer = match &message.message {
                RoundMessage::Deliver(_) => nodes.participants[node]
                    .deliver(message, vec![1, 2], &mut rng(3))
                    .unwrap(),
                _ => match nodes.participants[node]
                    .handle(message, &mut rng(node as u64))
                    .unwrap()
                {
                    ligate_federation::Handled::Answer(answer) => answer,
                    _ => panic!("no vector is wanted"),
                },
            };
            if let Some(answer) = change(node, cluster::received(&answer)) {
                let _ = coordinator.receive(node, answer);
            }
        }
        match coordinator.advance()? {
            Progress::Next(next) => coordinator = next,
            Progress::Opened { sum, survivors } => {
                let expected = survivors.len() as u64;
                assert_eq!(cluster::read(sum), [expected, 2 * expected]);
                return Ok(survivors);
            }
        }
    }
}

#[test]
fn nodes_may_drop_before_and_after_masking() {
    let lost_before =
        |node, answer| (node != 4 || !matches!(answer, RoundAnswer::Shares(_))).then_some(answer);
    assert_eq!(
        coordinate(&mut Nodes::new(5), lost_before).unwrap(),
        set(&[0, 1, 2, 3])
    );
    let lost_after =
        |node, answer| (node != 2 || !matches!(answer, RoundAnswer::Masked(_))).then_some(answer);
    assert_eq!(
        coordinate(&mut Nodes::new(5), lost_after).unwrap(),
        set(&[0, 1, 3, 4])
    );
    let lost_last =
        |node, answer| (node > 1 || !matches!(answer, RoundAnswer::Revealed(_))).then_some(answer);
    assert_eq!(
        coordinate(&mut Nodes::new(5), lost_last).unwrap(),
        set(&[0, 1, 2, 3, 4])
    );
    let two_left =
        |node, answer| (node < 2 || !matches!(answer, RoundAnswer::Masked(_))).then_some(answer);
    let failure = coordinate(&mut Nodes::new(5), two_left).unwrap_err();
    assert!(
        matches!(
            failure,
            StepFailure::TooFew {
                answered: 2,
                needed: 3,
                ..
            }
        ),
        "{failure}"
    );
    let one_share =
        |node, answer| (node < 1 || !matches!(answer, RoundAnswer::Revealed(_))).then_some(answer);
    let failure = coordinate(&mut Nodes::new(3), one_share).unwrap_err();
    assert!(
        matches!(
            failure,
            StepFailure::TooFew {
                answered: 1,
                needed: 2,
                ..
            }
        ),
        "{failure}"
    );
}

#[test]
fn wrong_shares_are_noticed_and_open_nothing() {
    // A share of round 0's reveal is bent on the wire, by its node or on the way.
    let bend = |node: usize, answer| match (node, answer) {
        (0, answer @ RoundAnswer::Revealed(_)) => Some(bent(&answer)),
        (_, answer) => Some(answer),
    };
    let failure = coordinate(&mut Nodes::new(3), bend).unwrap_err();
    assert!(matches!(failure, StepFailure::WrongShares(_)), "{failure}");
}

/// The same reveal with other share values, built on the wire's bytes.
fn bent(answer: &RoundAnswer) -> RoundAnswer {
    let RoundAnswer::Revealed(reveal) = answer else {
        panic!("a reveal")
    };
    let seeds: Vec<(u8, [u8; 32])> = reveal
        .seeds_of()
        .iter()
        .map(|place| (place as u8, [7; 32]))
        .collect();
    // Variant 6 of the answers: no mask keys, then the seeds.
    let mut body = vec![6, 0, seeds.len() as u8];
    for (place, value) in seeds {
        body.push(place);
        body.extend(value);
    }
    match ligate_federation::FromNode::decode(&body.into()).unwrap() {
        ligate_federation::FromNode::Round(answer) => answer,
        _ => panic!("a reveal"),
    }
}
