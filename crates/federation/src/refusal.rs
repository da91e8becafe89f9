//! Why a node does not answer a message of a round.

use ligate_model::NodeName;

use crate::{Conflict, JournalError, RosterError};

/// A node's refusal. Its text goes to the coordinator; it names nodes and steps, never data.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the message is about another roster than the one this node signed")]
    WrongRun,
    #[error("this node is not in round {asked}")]
    WrongRound { asked: u64 },
    #[error("the message comes out of order")]
    OutOfOrder,
    #[error("a different message was answered at this step before")]
    Contradiction,
    #[error("{size} {what} are out of bounds, the limit is {limit}")]
    Size {
        what: &'static str,
        size: usize,
        limit: usize,
    },
    #[error("{nodes} nodes are too few for a round of this roster, {needed} are needed")]
    TooFewNodes { nodes: usize, needed: usize },
    #[error("the message does not carry what this node sent")]
    OwnPartChanged,
    #[error("the message names nodes that cannot be in it, or out of order")]
    Nodes,
    #[error("the signature of {0} does not fit")]
    BadSignature(NodeName),
    #[error("the round keys of {0} are unusable or repeat another node's")]
    BadKeys(NodeName),
    #[error("the shares from {0} cannot be read")]
    BadShares(NodeName),
    #[error("the signatures on the survivor list are {signatures}, {needed} are needed")]
    TooFewSignatures { signatures: usize, needed: usize },
    #[error(transparent)]
    Roster(#[from] RosterError),
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// Whoever guards the journal does not let the step happen.
    #[error("{0}")]
    NotAllowed(String),
    #[error("the node could not record the step and so does not take it")]
    Journal(#[source] JournalError),
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Conflict(conflict) => Self::Conflict(conflict),
            JournalError::Refused(reason) => Self::NotAllowed(reason),
            error => Self::Journal(error),
        }
    }
}
