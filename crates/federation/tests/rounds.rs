//! The driver over nodes in this process: who is in the sum, who is named as late, dead or
//! refusing, and what a final roster means.

mod cluster;

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cluster::{CONTEXT, identities, members, name, read, rng};
use ligate_federation::{
    Agreement, FromNode, Link, LinkError, LocalLink, MemoryJournal, OpenedRound, Roster,
    RoundError, RoundMessage, RoundOptions, Step, StepFailure, ToNode, WhyAbsent, agree, announce,
    secure_sum,
};
use ligate_model::NodeName;
use rand_chacha::ChaCha20Rng;

const OPTIONS: RoundOptions = RoundOptions {
    deadline: Duration::from_secs(20),
    roster_final: false,
};

/// How a link misbehaves from its `after`-th message of a round on.
#[derive(Clone, Copy)]
enum Fault {
    Silent,
    Dead,
    Refusing,
}

struct FaultyLink {
    inner: LocalLink<ChaCha20Rng>,
    fault: Option<(usize, Fault)>,
    seen: AtomicUsize,
}

impl Link for FaultyLink {
    fn node(&self) -> &NodeName {
        self.inner.node()
    }

    async fn call(&self, message: ToNode, deadline: Duration) -> Result<FromNode, LinkError> {
        let round = matches!(message, ToNode::Round(_));
        let seen = self.seen.fetch_add(usize::from(round), Ordering::Relaxed);
        match self.fault {
            Some((after, fault)) if round && seen >= after => match fault {
                Fault::Silent => future::pending().await,
                Fault::Dead => Err(LinkError::Unreachable("connection refused".to_owned())),
                Fault::Refusing => Ok(FromNode::Refused("the permit has expired".to_owned())),
            },
            _ => self.inner.call(message, deadline).await,
        }
    }
}

/// Nodes in this process; node i adds [i, 10 i] times the ask's first byte.
struct Run {
    links: Vec<FaultyLink>,
    roster: Roster,
    journals: Vec<Arc<MemoryJournal>>,
}

impl Run {
    fn new(count: usize) -> Self {
        let identities = identities(count);
        let roster = Roster::new(CONTEXT, members(&identities)).unwrap();
        let journals: Vec<_> = identities
            .iter()
            .map(|_| Arc::new(MemoryJournal::new()))
            .collect();
        let links = identities.into_iter().enumerate().map(|(node, identity)| {
            let vector = move |ask: &[u8]| {
                vec![node as u64, 10 * node as u64]
                    .into_iter()
                    .map(|w| w * u64::from(ask[0]))
                    .collect()
            };
            let inner = LocalLink::new(
                name(node),
                identity,
                journals[node].clone(),
                rng(node as u64),
                vector,
            );
            FaultyLink {
                inner,
                fault: None,
                seen: AtomicUsize::new(0),
            }
        });
        Self {
            links: links.collect(),
            roster,
            journals,
        }
    }

    fn with(mut self, node: usize, after: usize, fault: Fault) -> Self {
        self.links[node].fault = Some((after, fault));
        self
    }

    async fn agree(&self) -> Agreement {
        agree(&self.links, self.roster.clone(), OPTIONS.deadline)
            .await
            .unwrap()
    }

    async fn sum(&self, round: u64, options: RoundOptions) -> Result<OpenedRound, RoundError> {
        let agreement = self.agree().await;
        secure_sum(&self.links, &agreement.roster, round, vec![2], 2, options).await
    }
}

fn names(nodes: &[usize]) -> Vec<NodeName> {
    nodes.iter().map(|node| name(*node)).collect()
}

#[tokio::test]
async fn everybody_answers() {
    let run = Run::new(4);
    let opened = run.sum(0, OPTIONS).await.unwrap();
    assert_eq!(opened.survivors, names(&[0, 1, 2, 3]));
    assert!(opened.absent.is_empty());
    assert_eq!(read(opened.sum), [12, 120]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_late_and_named() {
    let run = Run::new(4).with(1, 2, Fault::Silent);
    let opened = run.sum(0, OPTIONS).await.unwrap();
    assert_eq!(opened.survivors, names(&[0, 2, 3]));
    assert_eq!(read(opened.sum), [10, 100]);
    let absence = &opened.absent[0];
    assert_eq!(
        (absence.node.as_str(), absence.step),
        ("node-1", Some(Step::Mask))
    );
    assert_eq!(
        absence.why,
        WhyAbsent::Link(LinkError::Late(OPTIONS.deadline))
    );
    assert_eq!(
        absence.to_string(),
        "node-1 (when sending its masked vector): no answer within 20 s"
    );
}

#[tokio::test]
async fn nodes_that_die_or_refuse_before_the_sum_leave_the_others() {
    for (after, step) in [(0, Step::Advertise), (1, Step::Share), (2, Step::Mask)] {
        for fault in [Fault::Dead, Fault::Refusing] {
            let run = Run::new(5).with(4, after, fault);
            let opened = run.sum(0, OPTIONS).await.unwrap();
            assert_eq!(opened.survivors, names(&[0, 1, 2, 3]));
            assert_eq!(opened.absent[0].step, Some(step));
            assert_eq!(read(opened.sum), [12, 120]);
        }
    }
}

#[tokio::test]
async fn a_node_that_dies_after_its_vector_is_in_the_sum() {
    let run = Run::new(3).with(2, 3, Fault::Dead);
    let options = RoundOptions {
        roster_final: true,
        ..OPTIONS
    };
    let opened = run.sum(0, options).await.unwrap();
    assert_eq!(opened.survivors, names(&[0, 1, 2]));
    assert_eq!(opened.absent[0].step, Some(Step::Sign));
    assert_eq!(read(opened.sum), [6, 60]);
}

#[tokio::test]
async fn two_nodes_are_no_sum() {
    let failure = Run::new(3)
        .with(0, 0, Fault::Refusing)
        .sum(0, OPTIONS)
        .await
        .err()
        .unwrap();
    let RoundError::Step {
        failure:
            StepFailure::TooFew {
                answered: 2,
                needed: 3,
                ..
            },
        ..
    } = &failure
    else {
        panic!("{failure}")
    };
    assert_eq!(
        failure.to_string(),
        "2 nodes answered when advertising keys, 3 are needed; node-0 (when advertising keys): refused: the permit \
         has expired"
    );
    let run = Run::new(4);
    let agreement = run.agree().await;
    let failure = secure_sum(&run.links[..2], &agreement.roster, 0, vec![1], 2, OPTIONS)
        .await
        .err()
        .unwrap();
    assert!(matches!(
        failure,
        RoundError::Step {
            failure: StepFailure::TooFew { answered: 2, .. },
            ..
        }
    ));
}

#[tokio::test]
async fn a_node_lost_after_the_first_sum_ends_the_run() {
    let run = Run::new(4).with(3, 5, Fault::Dead);
    assert_eq!(read(run.sum(0, OPTIONS).await.unwrap().sum), [12, 120]);
    let options = RoundOptions {
        roster_final: true,
        ..OPTIONS
    };
    let failure = run.sum(1, options).await.err().unwrap();
    assert!(
        matches!(&failure, RoundError::NodeLost(absent) if absent[0].node == name(3)),
        "{failure}"
    );
    // A coordinator that goes on all the same is refused by the nodes.
    let failure = run.sum(2, OPTIONS).await.err().unwrap();
    assert!(
        failure.to_string().contains("the roster is final"),
        "{failure}"
    );
}

#[tokio::test]
async fn six_of_seven_go_on_without_the_lost_one() {
    let run = Run::new(7).with(3, 0, Fault::Dead);
    let opened = run.sum(0, OPTIONS).await.unwrap();
    assert_eq!(opened.survivors, names(&[0, 1, 2, 4, 5, 6]));
    assert_eq!(read(opened.sum), [36, 360]);
    // The same job again: the nodes say where it stands, and only the six may be asked.
    let Run {
        mut links, roster, ..
    } = run;
    let agreement = agree(&links, roster, OPTIONS.deadline).await.unwrap();
    assert_eq!(
        (agreement.next_round, agreement.members.as_ref()),
        (1, Some(&opened.survivors))
    );
    links.remove(3);
    let agreement = announce(&links, agreement.roster, OPTIONS.deadline)
        .await
        .unwrap();
    let options = RoundOptions {
        roster_final: true,
        ..OPTIONS
    };
    let again = secure_sum(
        &links,
        &agreement.roster,
        agreement.next_round,
        vec![1],
        2,
        options,
    )
    .await
    .unwrap();
    assert_eq!(read(again.sum), [18, 180]);
}

#[tokio::test]
async fn a_round_is_served_once() {
    let run = Run::new(3);
    assert!(run.sum(4, OPTIONS).await.is_ok());
    for round in [0, 4] {
        let failure = run.sum(round, OPTIONS).await.err().unwrap();
        assert!(
            failure.to_string().contains("round 4 was served already"),
            "{failure}"
        );
    }
    assert_eq!(run.agree().await.next_round, 5);
    assert_eq!(run.journals.len(), 3);
}

#[tokio::test]
async fn links_that_are_not_the_roster() {
    let run = Run::new(3);
    let agreement = run.agree().await;
    let strangers = Run::new(4);
    let failure = secure_sum(&strangers.links, &agreement.roster, 0, vec![1], 2, OPTIONS)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&failure, RoundError::NotInRoster(node) if *node == name(3)),
        "{failure}"
    );
    let failure = agree(&run.links[..2], run.roster.clone(), OPTIONS.deadline)
        .await
        .unwrap_err();
    assert!(matches!(failure, RoundError::Roster(_)), "{failure}");
}

#[tokio::test]
async fn messages_before_the_roster_are_refused() {
    let run = Run::new(3);
    let begin = RoundMessage::Begin {
        ask: b"x".as_slice().into(),
        words: 1,
    };
    let message = ligate_federation::ToRound {
        roster: run.roster.digest(),
        round: 0,
        message: begin,
    };
    let answer = run.links[0]
        .call(ToNode::Round(message), OPTIONS.deadline)
        .await
        .unwrap();
    assert!(matches!(answer, FromNode::Refused(_)));
}
