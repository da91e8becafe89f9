//! Bytes from the network: any of them decode to a message or an error, and a node takes whatever
//! decodes without a panic.

mod cluster;

use bytes::Bytes;
use cluster::{Nodes, addressed};
use ligate_federation::{
    FromNode, MAX_ASK_BYTES, NodeSet, RoundMessage, SignedRoster, ToNode, ToRound, WireError,
};
use proptest::prelude::*;

/// One message of each kind to node 0, genuine.
fn messages() -> (Nodes, Vec<ToNode>) {
    let mut nodes = Nodes::new(3);
    let all = [0, 1, 2];
    let keys = nodes.advertise(&all, 0, 2);
    let shares = nodes.share(&all, 0, &keys);
    nodes.mask(&all, 0, &shares, |_| vec![1, 2]);
    let survivors: NodeSet = all.into_iter().collect();
    let signatures = nodes.sign(&all, 0, survivors);
    let steps = [
        RoundMessage::Begin {
            ask: b"ask".as_slice().into(),
            words: 2,
        },
        RoundMessage::Keys(keys),
        RoundMessage::Deliver(addressed(&shares, 0)),
        RoundMessage::Survivors(survivors),
        RoundMessage::Unmask(signatures),
    ];
    let mut messages = vec![
        ToNode::Roster(nodes.roster.roster().clone()),
        ToNode::SignedRoster(nodes.roster.clone()),
    ];
    messages.extend(steps.map(|message| ToNode::Round(nodes.to(0, message))));
    (nodes, messages)
}

#[test]
fn every_message_survives_its_bytes() {
    let (nodes, messages) = messages();
    for message in messages {
        let body = Bytes::from(message.encode());
        assert_eq!(ToNode::decode(&body), Ok(message));
        for cut in 0..body.len() {
            assert!(ToNode::decode(&body.slice(..cut)).is_err());
        }
        let longer = Bytes::from([&body, [0].as_slice()].concat());
        assert_eq!(ToNode::decode(&longer), Err(WireError::Form));
    }
    assert_eq!(
        SignedRoster::decode(nodes.roster.encode()),
        Ok(nodes.roster.clone())
    );
}

#[test]
fn lists_longer_than_the_largest_roster_are_refused() {
    let (nodes, _) = messages();
    let signature = nodes.roster.signatures()[0];
    let unmask = |count: usize| {
        let signatures = (0..count).map(|place| (place % 64, signature)).collect();
        ToNode::Round(nodes.to(0, RoundMessage::Unmask(signatures))).encode()
    };
    assert!(ToNode::decode(&unmask(64).into()).is_ok());
    assert_eq!(ToNode::decode(&unmask(65).into()), Err(WireError::Form));
}

#[test]
fn an_ask_over_its_limit_is_refused() {
    let (nodes, _) = messages();
    let begin = |bytes: usize| {
        let message = RoundMessage::Begin {
            ask: vec![0; bytes].into(),
            words: 1,
        };
        ToNode::decode(&ToNode::Round(nodes.to(0, message)).encode().into())
    };
    assert!(begin(MAX_ASK_BYTES).is_ok());
    assert_eq!(
        begin(MAX_ASK_BYTES + 1),
        Err(WireError::Invalid("length of the ask"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), variant in 0_u8..9) {
        let _ = ToNode::decode(&bytes.clone().into());
        let _ = FromNode::decode(&bytes.clone().into());
        // The same behind a byte that names a variant.
        let body: Bytes = [&[variant], bytes.as_slice()].concat().into();
        let _ = ToNode::decode(&body);
        let _ = FromNode::decode(&body);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn changed_bytes_do_not_bring_a_node_down(
        kind in 2_usize..7, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        fresh: bool,
    ) {
        let (mut nodes, messages) = messages();
        let mut body = messages[kind].encode();
        for (index, byte) in changes {
            let index = index.index(body.len());
            body[index] = byte;
        }
        let roster = nodes.roster.roster().digest();
        if let Ok(ToNode::Round(ToRound { round, message, .. })) = ToNode::decode(&body.into()) {
            if fresh {
                nodes.restart(0);
            }
            let _ = nodes.participants[0].handle(ToRound { roster, round, message }, &mut cluster::rng(1));
        }
    }
}
