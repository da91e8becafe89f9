//! What names one round, and the statement about its survivors. Everything derived or signed in a
//! round is bound to permit, job, roster, round number, ask and length through
//! [`RoundId::binding`].

use ligate_model::Digest;

use crate::{NodeSet, Refusal, Roster, transcript::Transcript};

/// The longest vector: 64,000,000 bytes, which a body of 64 MiB holds.
pub const MAX_WORDS: usize = 8_000_000;
/// The longest ask.
pub const MAX_ASK_BYTES: usize = 32 << 20;

pub(crate) const KEYS_DOMAIN: &str = "ligate round keys v1";
pub(crate) const SURVIVORS_DOMAIN: &str = "ligate survivors v1";

#[derive(Clone, Debug)]
pub(crate) struct RoundId {
    pub(crate) number: u64,
    pub(crate) words: usize,
    binding: Digest,
}

impl RoundId {
    /// The ask is bound by its digest: nodes that were asked different things refuse each other's
    /// keys.
    pub(crate) fn new(
        roster: &Roster,
        number: u64,
        ask: &[u8],
        words: usize,
    ) -> Result<Self, Refusal> {
        if words == 0 || words > MAX_WORDS {
            return Err(Refusal::Size {
                what: "words",
                size: words,
                limit: MAX_WORDS,
            });
        }
        if ask.len() > MAX_ASK_BYTES {
            return Err(Refusal::Size {
                what: "bytes of ask",
                size: ask.len(),
                limit: MAX_ASK_BYTES,
            });
        }
        let binding = Transcript::new()
            .digest(&roster.context().permit)
            .digest(&roster.context().job)
            .digest(&roster.digest())
            .number(number)
            .digest(&Digest::of("ligate ask v1", ask))
            .number(words as u64)
            .hash("ligate round v1");
        Ok(Self {
            number,
            words,
            binding,
        })
    }

    pub(crate) fn binding(&self) -> &Digest {
        &self.binding
    }
}

/// What a node signs before anything is unmasked: which keys, whose shares and whose vectors this
/// round is about. The key list and the sharers go beyond Bonawitz et al., who sign the survivors
/// only: nodes that were shown different lists cannot end up under one set of signatures.
pub(crate) fn survivors_statement(
    round: &RoundId,
    key_list: &Digest,
    sharers: NodeSet,
    survivors: NodeSet,
) -> Digest {
    Transcript::new()
        .digest(round.binding())
        .digest(key_list)
        .number(sharers.bits())
        .number(survivors.bits())
        .hash("ligate survivors v1")
}
