//! Drives a round over links to the nodes, all at once and each with a deadline, and reports who
//! did not answer. It owns no protocol rule (those are the state machines') besides the final
//! roster: once a sum is opened, the same nodes or none.

use std::{fmt, future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use ligate_access::Signature;
use ligate_disclosure::Opened;
use ligate_model::NodeName;

use crate::{
    Coordinator, FromNode, Misbehaviour, NodeSet, Progress, Ready, Roster, RosterError,
    SignedRoster, Step, StepFailure, ToNode,
};

/// A way to one node.
pub trait Link: Send + Sync {
    fn node(&self) -> &NodeName;

    /// Sends a message and waits for the answer, at most until the deadline.
    fn call(
        &self,
        message: ToNode,
        deadline: Duration,
    ) -> impl Future<Output = Result<FromNode, LinkError>> + Send;
}

/// Why a node did not answer a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("no answer within {} s", .0.as_secs_f64())]
    Late(Duration),
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("the answer is unreadable: {0}")]
    Unreadable(String),
}

/// Why a node has no part in a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyAbsent {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("refused: {0}")]
    Refused(String),
    #[error("answered wrongly: {0}")]
    Wrong(String),
}

/// A node that was asked and has no part in what followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    pub node: NodeName,
    /// The step of the round; `None` when agreeing on the roster.
    pub step: Option<Step>,
    pub why: WhyAbsent,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "{} (when {step}): {}", self.node, self.why),
            None => write!(f, "{}: {}", self.node, self.why),
        }
    }
}

/// How a round is run.
#[derive(Clone, Copy, Debug)]
pub struct RoundOptions {
    /// For each node and step.
    pub deadline: Duration,
    /// A sum of this run was opened before: a node that is absent ends the run.
    pub roster_final: bool,
}

/// A round that was opened.
pub struct OpenedRound {
    pub sum: Opened<Vec<u64>>,
    /// The nodes whose vectors are in the sum: the final roster from now on.
    pub survivors: Vec<NodeName>,
    /// Who was asked and is not in the sum, or stayed away later.
    pub absent: Vec<Absence>,
}

/// Why there is no sum or no roster.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error("{failure}{}", list(absent))]
    Step {
        failure: StepFailure,
        absent: Vec<Absence>,
    },
    #[error("the roster is final and not everybody is there{}", list(.0))]
    NodeLost(Vec<Absence>),
    #[error("{0} is not in the roster, or there twice")]
    NotInRoster(NodeName),
    #[error("not every node signed the roster{}", list(.0))]
    NotSigned(Vec<Absence>),
    #[error("nodes remember different final rosters of this job")]
    DifferentMembers,
    #[error(transparent)]
    Roster(#[from] RosterError),
}

fn list(absent: &[Absence]) -> String {
    absent
        .iter()
        .map(|absence| format!("; {absence}"))
        .collect()
}

/// Adds up the nodes' vectors for `ask`: one round of the secure sum over `links`, which are
/// members of the roster (all of them, or once the roster is final those).
pub async fn secure_sum<L: Link>(
    links: &[L],
    roster: &SignedRoster,
    round: u64,
    ask: Vec<u8>,
    words: usize,
    options: RoundOptions,
) -> Result<OpenedRound, RoundError> {
    let places = places(links, roster.roster())?;
    let invited = places.iter().copied().collect();
    let mut absent = Vec::new();
    let roster = Arc::new(roster.clone());
    let mut coordinator =
        Coordinator::new(roster, invited, round, ask.into(), words).map_err(|failure| {
            RoundError::Step {
                failure,
                absent: Vec::new(),
            }
        })?;
    loop {
        let before = absent.len();
        run_step(
            links,
            &places,
            &mut coordinator,
            options.deadline,
            &mut absent,
        )
        .await;
        // Once the vectors are in, enough signatures and shares open the sum of the full roster.
        let vectors_in = matches!(coordinator.step(), Step::Sign | Step::Reveal);
        if options.roster_final && !vectors_in && absent.len() > before {
            return Err(RoundError::NodeLost(absent));
        }
        match coordinator.advance() {
            Ok(Progress::Next(next)) => coordinator = next,
            Ok(Progress::Opened { sum, survivors }) => {
                let survivors = links_in(links, &places, survivors);
                return Ok(OpenedRound {
                    sum,
                    survivors,
                    absent,
                });
            }
            Err(failure) => return Err(RoundError::Step { failure, absent }),
        }
    }
}

/// The place in the roster of each link's node.
fn places<L: Link>(links: &[L], roster: &Roster) -> Result<Vec<usize>, RoundError> {
    let mut seen = NodeSet::default();
    let place = |link: &L| {
        let not_there = || RoundError::NotInRoster(link.node().clone());
        let place = roster
            .place_of(link.node())
            .filter(|place| !seen.contains(*place))
            .ok_or_else(not_there)?;
        seen = seen.with(place);
        Ok(place)
    };
    links.iter().map(place).collect()
}

fn links_in<L: Link>(links: &[L], places: &[usize], nodes: NodeSet) -> Vec<NodeName> {
    let mut inside: Vec<(usize, NodeName)> = places
        .iter()
        .zip(links)
        .filter(|(place, _)| nodes.contains(**place))
        .map(|(place, link)| (*place, link.node().clone()))
        .collect();
    inside.sort();
    inside.into_iter().map(|(_, node)| node).collect()
}

/// Asks all nodes of the step at once; answers are taken in as they arrive.
async fn run_step<L: Link>(
    links: &[L],
    places: &[usize],
    coordinator: &mut Coordinator,
    deadline: Duration,
    absent: &mut Vec<Absence>,
) {
    let step = coordinator.step();
    let calls = coordinator
        .messages()
        .into_iter()
        .filter_map(|(place, message)| {
            let link = places
                .iter()
                .position(|other| *other == place)
                .and_then(|index| links.get(index))?;
            Some(async move {
                (
                    place,
                    link,
                    call(link, ToNode::Round(message), deadline).await,
                )
            })
        });
    for_each_concurrent(calls.collect(), |(place, link, answer)| {
        let outcome = match answer {
            Ok(FromNode::Round(answer)) => coordinator.receive(place, answer).map_err(wrong),
            Ok(FromNode::Refused(reason)) => Err(WhyAbsent::Refused(reason)),
            Ok(_) => Err(wrong(Misbehaviour::OutOfStep)),
            Err(error) => Err(error.into()),
        };
        if let Err(why) = outcome {
            absent.push(Absence {
                node: link.node().clone(),
                step: Some(step),
                why,
            });
        }
    })
    .await;
}

fn wrong(misbehaviour: Misbehaviour) -> WhyAbsent {
    WhyAbsent::Wrong(misbehaviour.to_string())
}

/// A link that forgets its deadline does not hold up the round.
async fn call<L: Link>(
    link: &L,
    message: ToNode,
    deadline: Duration,
) -> Result<FromNode, LinkError> {
    let answer = tokio::time::timeout(deadline, link.call(message, deadline)).await;
    answer.unwrap_or(Err(LinkError::Late(deadline)))
}

/// Runs the futures at once in this task and hands each result over when it is there.
async fn for_each_concurrent<F: Future>(futures: Vec<F>, mut each: impl FnMut(F::Output)) {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| Some(Box::pin(future)))
        .collect();
    let all = std::future::poll_fn(|context| {
        for slot in &mut running {
            if let Some(future) = slot
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = None;
                each(output);
            }
        }
        if running.iter().all(Option::is_none) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    pin!(all).await;
}

/// A roster that all nodes signed, and where its rounds may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    pub roster: SignedRoster,
    /// The first round number that every node will serve.
    pub next_round: u64,
    /// The final roster, if an earlier attempt at this job opened a sum: only these nodes may be
    /// asked.
    pub members: Option<Vec<NodeName>>,
}

/// Has the roster signed by all its members, over links to all of them, and announces it to them.
pub async fn agree<L: Link>(
    links: &[L],
    roster: Roster,
    deadline: Duration,
) -> Result<Agreement, RoundError> {
    let places = places(links, &roster)?;
    let message = ToNode::Roster(roster.clone());
    let signatures = gather(links, &message, deadline, |answer| match answer {
        FromNode::RosterSignature(signature) => Some(signature),
        _ => None,
    });
    let signatures: Vec<Signature> = in_roster_order(&places, signatures.await?);
    announce(links, SignedRoster::new(roster, signatures)?, deadline).await
}

/// Sends a signed roster to the nodes of `links`, which are some or all of its members: those of a
/// final roster, when a run goes on or is run again without the nodes that it lost before its first
/// sum.
pub async fn announce<L: Link>(
    links: &[L],
    roster: SignedRoster,
    deadline: Duration,
) -> Result<Agreement, RoundError> {
    places(links, roster.roster())?;
    let message = ToNode::SignedRoster(roster.clone());
    let ready = gather(links, &message, deadline, |answer| match answer {
        FromNode::Ready(ready) => Some(ready),
        _ => None,
    });
    let ready: Vec<Ready> = ready.await?;
    let next_round = ready
        .iter()
        .map(|ready| ready.next_round)
        .max()
        .unwrap_or(0);
    let mut members = ready.iter().filter_map(|ready| ready.members);
    let first = members.next();
    if members.any(|other| Some(other) != first) {
        return Err(RoundError::DifferentMembers);
    }
    let members = first.map(|nodes| roster.roster().names(nodes));
    Ok(Agreement {
        roster,
        next_round,
        members,
    })
}

fn in_roster_order<T>(places: &[usize], items: Vec<T>) -> Vec<T> {
    let mut placed: Vec<(usize, T)> = places.iter().copied().zip(items).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, item)| item).collect()
}

/// The same message to all nodes; their answers in the order of the links, or who did not give one.
async fn gather<L: Link, T>(
    links: &[L],
    message: &ToNode,
    deadline: Duration,
    pick: impl Fn(FromNode) -> Option<T>,
) -> Result<Vec<T>, RoundError> {
    let mut answers: Vec<Option<T>> = links.iter().map(|_| None).collect();
    let mut absent = Vec::new();
    let calls = links
        .iter()
        .enumerate()
        .map(|(index, link)| async move { (index, call(link, message.clone(), deadline).await) });
    for_each_concurrent(calls.collect(), |(index, answer)| {
        let why = match answer {
            Ok(FromNode::Refused(reason)) => WhyAbsent::Refused(reason),
            Ok(answer) => match pick(answer) {
                Some(answer) => return answers[index] = Some(answer),
                None => wrong(Misbehaviour::OutOfStep),
            },
            Err(error) => error.into(),
        };
        absent.push(Absence {
            node: links[index].node().clone(),
            step: None,
            why,
        });
    })
    .await;
    if absent.is_empty() {
        Ok(answers.into_iter().flatten().collect())
    } else {
        Err(RoundError::NotSigned(absent))
    }
}
