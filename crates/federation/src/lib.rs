//! How nodes talk: rosters, rounds of secure sums, peers and deadlines.
//!
//! The protocol (`participant` at a node, `coordinator` in the secure environment) is a pair of
//! state machines without I/O; `rounds` drives them over any [`Link`], `transport` is the one over
//! mutual TLS. A node's answers carry masked vectors, keys, shares, signatures and reasons of
//! refusal: nothing else can be encoded.

#![forbid(unsafe_code)]

mod answer;
mod coordinator;
mod journal;
mod keys;
mod local;
mod message;
mod node_set;
mod participant;
mod refusal;
mod roster;
mod round;
mod rounds;
mod shares;
mod transcript;
pub mod transport;
mod wire;

pub use answer::Answer;
pub use coordinator::{Coordinator, Misbehaviour, Progress, Step, StepFailure};
pub use journal::{Conflict, Entry, FileJournal, History, Journal, JournalError, MemoryJournal};
pub use keys::{Advertisement, RoundKeys};
pub use local::LocalLink;
pub use message::{
    FromNode, MaskedVector, Ready, Reveal, RoundAnswer, RoundMessage, ToNode, ToRound,
};
pub use node_set::NodeSet;
pub use participant::{Handled, Participant};
pub use refusal::Refusal;
pub use roster::{MAX_NODES, Member, Roster, RosterError, RunContext, SignedRoster};
pub use round::{MAX_ASK_BYTES, MAX_WORDS};
pub use rounds::{
    Absence, Agreement, Link, LinkError, OpenedRound, RoundError, RoundOptions, WhyAbsent, agree,
    announce, secure_sum,
};
pub use shares::SealedShares;
pub use wire::WireError;
