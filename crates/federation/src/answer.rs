//! What may leave a node in rounds: an [`Answer`] is built from masked vectors, keys, encrypted or
//! revealed shares, signatures and reasons of refusal, and there is no way to encode anything else.

use std::fmt;

use bytes::Bytes;
use ligate_access::Signature;

use crate::{Refusal, wire};

/// What a node answers, encoded.
#[derive(Clone)]
pub struct Answer(Bytes);

impl Answer {
    pub fn roster_signature(signature: &Signature) -> Self {
        Self::new(&wire::FromNode::RosterSignature(signature.as_bytes()))
    }

    pub fn refused(refusal: &Refusal) -> Self {
        Self::declined(&refusal.to_string())
    }

    /// A refusal by the node's own rules: permit, veto, gate. The text names the rule, never data.
    pub fn declined(reason: &str) -> Self {
        Self::new(&wire::FromNode::Refused(wire::shorten(reason)))
    }

    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    pub(crate) fn new(answer: &wire::FromNode<'_>) -> Self {
        Self(wire::encode(answer).into())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} bytes)", self.0.len())
    }
}
