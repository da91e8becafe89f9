//! What nodes and coordinator say to each other in rounds, as whoever receives it reads it. What a
//! node sends is an [`Answer`](crate::Answer).

use bytes::Bytes;
use ligate_access::Signature;
use ligate_model::Digest;
use zeroize::Zeroizing;

use crate::{Advertisement, NodeSet, Roster, SealedShares, SignedRoster};

/// From the coordinator to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToNode {
    /// The roster, to be checked and signed.
    Roster(Roster),
    /// The roster with all signatures: the rounds may begin.
    SignedRoster(SignedRoster),
    Round(ToRound),
}

/// A message of a round of the run that has this roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRound {
    pub roster: Digest,
    pub round: u64,
    pub message: RoundMessage,
}

/// The five steps of a round, seen from the coordinator. Nodes are named by their place in the
/// roster; lists ascend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundMessage {
    /// What to add up, and how many words it has.
    Begin { ask: Bytes, words: usize },
    /// The keys of all nodes that advertised.
    Keys(Vec<(usize, Advertisement)>),
    /// The shares that the others encrypted for this node.
    Deliver(Vec<(usize, SealedShares)>),
    /// The nodes whose masked vectors are in the sum.
    Survivors(NodeSet),
    /// Signatures on that list.
    Unmask(Vec<(usize, Signature)>),
}

/// What a node answered, as the coordinator reads it.
#[derive(Clone)]
pub enum FromNode {
    RosterSignature(Signature),
    Ready(Ready),
    Round(RoundAnswer),
    Refused(String),
}

/// A node has the signed roster and waits for rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The smallest round number that it will serve.
    pub next_round: u64,
    /// The final roster, if it revealed shares in an earlier round of this permit and job.
    pub members: Option<NodeSet>,
}

/// A node's part in each of the five steps.
#[derive(Clone)]
pub enum RoundAnswer {
    Advertise(Advertisement),
    Shares(Vec<(usize, SealedShares)>),
    Masked(MaskedVector),
    Signed(Signature),
    Revealed(Reveal),
}

/// A vector under its masks: uniformly random to whoever lacks them.
#[derive(Clone)]
pub struct MaskedVector(Bytes);

impl MaskedVector {
    /// Little-endian words; `None` if bytes are left over.
    pub(crate) fn from_bytes(bytes: Bytes) -> Option<Self> {
        bytes.len().is_multiple_of(8).then_some(Self(bytes))
    }

    pub fn words(&self) -> impl ExactSizeIterator<Item = u64> {
        self.0
            .as_chunks()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
    }
}

/// Shares that a node reveals: of the self-mask seeds of the survivors and of the mask keys of the
/// lost. Never both of one node.
#[derive(Clone)]
pub struct Reveal {
    pub(crate) mask_keys: Vec<(usize, Zeroizing<[u8; 32]>)>,
    pub(crate) seeds: Vec<(usize, Zeroizing<[u8; 32]>)>,
}

impl Reveal {
    /// The nodes whose mask keys this holds shares of.
    pub fn mask_keys_of(&self) -> NodeSet {
        self.mask_keys.iter().map(|(place, _)| *place).collect()
    }

    /// The nodes whose self-mask seeds this holds shares of.
    pub fn seeds_of(&self) -> NodeSet {
        self.seeds.iter().map(|(place, _)| *place).collect()
    }
}
