//! The coordinator's side of one round, as a state machine without I/O. It owns what the nodes
//! answered so far, and at the end the opened sum. It refuses answers that do not fit their step,
//! and goes on with those who answered as long as the roster's minimum is there:
//! [`Coordinator::advance`] closes a step.

use std::sync::Arc;

use bytes::Bytes;
use ligate_access::Signature;
use ligate_disclosure::{
    Opened,
    masks::MaskedSum,
    shamir::{self, Share},
};
use ligate_model::{Digest, NodeName};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::{
    Advertisement, NodeSet, Refusal, Reveal, Roster, RoundAnswer, RoundMessage, SealedShares,
    SignedRoster, ToRound,
    keys::{self, Derivation, KeyList},
    round::{RoundId, SURVIVORS_DOMAIN, survivors_statement},
    shares::shamir_place,
};

/// A step of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Advertise,
    Share,
    Mask,
    Sign,
    Reveal,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Advertise => "advertising keys",
            Self::Share => "sharing secrets",
            Self::Mask => "sending its masked vector",
            Self::Sign => "signing the survivor list",
            Self::Reveal => "revealing shares",
        })
    }
}

/// Why one node's answer does not count.
#[derive(Debug, thiserror::Error)]
pub enum Misbehaviour {
    #[error("the answer belongs to another step, or came twice")]
    OutOfStep,
    #[error("the answer does not cover the nodes of this step")]
    Nodes,
    #[error("the vector has a wrong length")]
    Length,
    #[error(transparent)]
    Keys(Refusal),
    #[error("the signature on the survivor list does not fit")]
    BadSignature,
}

/// Why a round ends without a sum.
#[derive(Debug, thiserror::Error)]
pub enum StepFailure {
    #[error("{answered} nodes answered when {step}, {needed} are needed")]
    TooFew {
        step: Step,
        answered: usize,
        needed: usize,
    },
    #[error("the shares of a secret of {0} do not give it back")]
    WrongShares(NodeName),
    #[error("the round cannot be opened: {0}")]
    Round(Refusal),
}

/// What follows a step.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it, and it is taken apart at once"
)]
pub enum Progress {
    Next(Coordinator),
    Opened {
        sum: Opened<Vec<u64>>,
        survivors: NodeSet,
    },
}

/// One round at the coordinator, in one of its steps.
pub struct Coordinator {
    roster: Arc<SignedRoster>,
    id: RoundId,
    asked: NodeSet,
    answered: NodeSet,
    state: State,
}

enum State {
    Advertise {
        ask: Bytes,
        keys: Vec<(usize, Advertisement)>,
    },
    Share {
        keys: Vec<(usize, Advertisement)>,
        list: KeyList,
        sealed: Vec<(usize, Sealed)>,
    },
    Mask {
        list: KeyList,
        sealed: Vec<(usize, Sealed)>,
        sum: MaskedSum,
    },
    Sign {
        masked: Masked,
        statement: Digest,
        signatures: Vec<(usize, Signature)>,
    },
    Reveal {
        masked: Masked,
        signatures: Vec<(usize, Signature)>,
        reveals: Vec<(usize, Reveal)>,
    },
}

/// What one node encrypted for the others.
type Sealed = Vec<(usize, SealedShares)>;

/// The sum of the survivors' vectors, under their masks.
struct Masked {
    list: KeyList,
    sharers: NodeSet,
    survivors: NodeSet,
    sum: MaskedSum,
}

impl Coordinator {
    /// Begins a round with the `invited` members of the roster.
    pub fn new(
        roster: Arc<SignedRoster>,
        invited: NodeSet,
        round: u64,
        ask: Bytes,
        words: usize,
    ) -> Result<Self, StepFailure> {
        let id = RoundId::new(roster.roster(), round, &ask, words).map_err(StepFailure::Round)?;
        let asked: NodeSet = invited
            .iter()
            .filter(|place| roster.roster().everybody().contains(*place))
            .collect();
        let state = State::Advertise {
            ask,
            keys: Vec::new(),
        };
        let needed = roster.roster().minimum();
        if asked.len() < needed {
            return Err(StepFailure::TooFew {
                step: Step::Advertise,
                answered: asked.len(),
                needed,
            });
        }
        Ok(Self {
            roster,
            id,
            asked,
            answered: NodeSet::default(),
            state,
        })
    }

    pub fn step(&self) -> Step {
        match self.state {
            State::Advertise { .. } => Step::Advertise,
            State::Share { .. } => Step::Share,
            State::Mask { .. } => Step::Mask,
            State::Sign { .. } => Step::Sign,
            State::Reveal { .. } => Step::Reveal,
        }
    }

    /// The nodes that were asked in this step and have not answered.
    pub fn waiting(&self) -> NodeSet {
        self.asked.without(self.answered)
    }

    /// The messages of this step, by the place of the node they go to.
    pub fn messages(&self) -> Vec<(usize, ToRound)> {
        let (roster, round) = (self.roster.roster().digest(), self.id.number);
        let to = |place| {
            (
                place,
                ToRound {
                    roster,
                    round,
                    message: self.message(place),
                },
            )
        };
        self.asked.iter().map(to).collect()
    }

    fn message(&self, to: usize) -> RoundMessage {
        match &self.state {
            State::Advertise { ask, .. } => RoundMessage::Begin {
                ask: ask.clone(),
                words: self.id.words,
            },
            State::Share { keys, .. } => RoundMessage::Keys(keys.clone()),
            State::Mask { sealed, .. } => RoundMessage::Deliver(addressed(sealed, to)),
            State::Sign { masked, .. } => RoundMessage::Survivors(masked.survivors),
            State::Reveal { signatures, .. } => RoundMessage::Unmask(signatures.clone()),
        }
    }

    /// Takes one node's answer in. An answer that does not count leaves the node among those waited
    /// for.
    pub fn receive(&mut self, place: usize, answer: RoundAnswer) -> Result<(), Misbehaviour> {
        if !self.waiting().contains(place) {
            return Err(Misbehaviour::OutOfStep);
        }
        let roster = self.roster.roster();
        match (&mut self.state, answer) {
            (State::Advertise { keys, .. }, RoundAnswer::Advertise(advertised)) => {
                keys::verify(roster, &self.id, place, &advertised).map_err(Misbehaviour::Keys)?;
                keys.push((place, advertised));
            }
            (State::Share { list, sealed, .. }, RoundAnswer::Shares(shares)) => {
                let others = list.nodes().without(NodeSet::default().with(place));
                check_places(&shares, others)?;
                sealed.push((place, shares));
            }
            (State::Mask { sum, .. }, RoundAnswer::Masked(vector)) => {
                sum.add(place, vector.words())
                    .map_err(|_| Misbehaviour::Length)?;
            }
            (
                State::Sign {
                    statement,
                    signatures,
                    ..
                },
                RoundAnswer::Signed(signature),
            ) => {
                let member = roster.members().get(place).ok_or(Misbehaviour::Nodes)?;
                let verified =
                    member
                        .key
                        .verify(SURVIVORS_DOMAIN, statement.as_bytes(), &signature);
                verified.map_err(|_| Misbehaviour::BadSignature)?;
                signatures.push((place, signature));
            }
            (
                State::Reveal {
                    masked, reveals, ..
                },
                RoundAnswer::Revealed(reveal),
            ) => {
                check_places(&reveal.seeds, masked.survivors)?;
                check_places(&reveal.mask_keys, masked.sharers.without(masked.survivors))?;
                reveals.push((place, reveal));
            }
            _ => return Err(Misbehaviour::OutOfStep),
        }
        self.answered = self.answered.with(place);
        Ok(())
    }

    /// Closes the step: goes on with those who answered, if they are enough.
    pub fn advance(self) -> Result<Progress, StepFailure> {
        let (step, roster) = (self.step(), Arc::clone(&self.roster));
        let needed = match step {
            Step::Sign | Step::Reveal => roster.roster().threshold(),
            _ => roster.roster().minimum(),
        };
        if self.answered.len() < needed {
            return Err(StepFailure::TooFew {
                step,
                answered: self.answered.len(),
                needed,
            });
        }
        let Self {
            roster,
            id,
            answered,
            state,
            ..
        } = self;
        let state = match state {
            State::Reveal {
                masked, reveals, ..
            } => return open(roster.roster(), &id, masked, reveals),
            state => next(roster.roster(), &id, answered, state)?,
        };
        Ok(Progress::Next(Self {
            roster,
            id,
            asked: answered,
            answered: NodeSet::default(),
            state,
        }))
    }
}

fn next(
    roster: &Roster,
    id: &RoundId,
    answered: NodeSet,
    state: State,
) -> Result<State, StepFailure> {
    Ok(match state {
        State::Advertise { mut keys, .. } => {
            keys.sort_by_key(|(place, _)| *place);
            let list = KeyList::new(roster, id, &keys, answered).map_err(StepFailure::Round)?;
            State::Share {
                keys,
                list,
                sealed: Vec::new(),
            }
        }
        State::Share {
            list, mut sealed, ..
        } => {
            sealed.sort_by_key(|(place, _)| *place);
            State::Mask {
                list,
                sealed,
                sum: MaskedSum::new(id.words),
            }
        }
        State::Mask { list, sealed, sum } => {
            let sharers = sealed.iter().map(|(place, _)| *place).collect();
            let statement = survivors_statement(id, list.digest(), sharers, answered);
            let masked = Masked {
                list,
                sharers,
                survivors: answered,
                sum,
            };
            State::Sign {
                masked,
                statement,
                signatures: Vec::new(),
            }
        }
        State::Sign {
            masked,
            mut signatures,
            ..
        } => {
            signatures.sort_by_key(|(place, _)| *place);
            State::Reveal {
                masked,
                signatures,
                reveals: Vec::new(),
            }
        }
        State::Reveal { .. } => state,
    })
}

/// What the sharers encrypted for `to`.
fn addressed(sealed: &[(usize, Sealed)], to: usize) -> Sealed {
    let for_to = |(from, all): &(usize, Sealed)| {
        all.iter()
            .find(|(place, _)| *place == to)
            .map(|(_, shares)| (*from, *shares))
    };
    sealed.iter().filter_map(for_to).collect()
}

/// The items are of exactly these nodes, each once, ascending.
fn check_places<T>(items: &[(usize, T)], nodes: NodeSet) -> Result<(), Misbehaviour> {
    if items.iter().map(|(place, _)| *place).eq(nodes.iter()) {
        Ok(())
    } else {
        Err(Misbehaviour::Nodes)
    }
}

/// Removes the survivors' self-masks and the masks that they share with the lost, and opens the
/// sum.
fn open(
    roster: &Roster,
    id: &RoundId,
    masked: Masked,
    reveals: Vec<(usize, Reveal)>,
) -> Result<Progress, StepFailure> {
    let Masked {
        list,
        sharers,
        survivors,
        mut sum,
    } = masked;
    let derivation = Derivation {
        roster,
        round: id,
        list: &list,
    };
    for place in survivors.iter() {
        let seed = join(derivation, &reveals, place, |reveal| &reveal.seeds)?;
        if keys::commitment(id, &seed) != committed(derivation, place)?.commitment {
            return Err(wrong_shares(roster, place));
        }
        let mask = derivation
            .self_mask(place, &seed)
            .map_err(StepFailure::Round)?;
        sum.remove_self_mask(place, &mask)
            .map_err(|_| wrong_shares(roster, place))?;
    }
    for lost in sharers.without(survivors).iter() {
        let secret = StaticSecret::from(*join(derivation, &reveals, lost, |reveal| {
            &reveal.mask_keys
        })?);
        if PublicKey::from(&secret).to_bytes() != committed(derivation, lost)?.mask {
            return Err(wrong_shares(roster, lost));
        }
        for place in survivors.iter() {
            let mask = derivation
                .pair_mask(lost, &secret, place)
                .map_err(StepFailure::Round)?;
            sum.remove_pair_mask(place, lost, &mask)
                .map_err(|_| wrong_shares(roster, lost))?;
        }
    }
    let (answered, needed) = (sum.contributors(), roster.minimum());
    let too_few = |_| StepFailure::TooFew {
        step: Step::Mask,
        answered,
        needed,
    };
    Ok(Progress::Opened {
        sum: sum.open().map_err(too_few)?,
        survivors,
    })
}

fn committed(derivation: Derivation<'_>, place: usize) -> Result<crate::RoundKeys, StepFailure> {
    derivation
        .list
        .get(place)
        .copied()
        .ok_or(StepFailure::Round(Refusal::Nodes))
}

fn wrong_shares(roster: &Roster, place: usize) -> StepFailure {
    match roster.members().get(place) {
        Some(member) => StepFailure::WrongShares(member.node.clone()),
        None => StepFailure::Round(Refusal::Nodes),
    }
}

/// Joins the revealed shares of one secret of `of`.
fn join(
    derivation: Derivation<'_>,
    reveals: &[(usize, Reveal)],
    of: usize,
    kind: impl Fn(&Reveal) -> &[(usize, Zeroizing<[u8; 32]>)],
) -> Result<Zeroizing<[u8; 32]>, StepFailure> {
    let share = |(holder, reveal): &(usize, Reveal)| {
        let value = kind(reveal)
            .iter()
            .find(|(place, _)| *place == of)
            .map(|(_, value)| **value)?;
        shamir_place(*holder)
            .ok()
            .map(|place| Share::new(place, value))
    };
    let shares: Vec<Share> = reveals.iter().filter_map(share).collect();
    shamir::join(&shares, derivation.roster.threshold())
        .map_err(|_| wrong_shares(derivation.roster, of))
}
