//! The bytes between nodes: postcard of the types below, which exist for that only and are
//! converted into the domain's explicitly. Any bytes decode to a message or to an error. Lists are
//! bounded by the largest roster while they are read, not afterwards; what is longer (an ask, a
//! vector) is a part of the body that carries it.

mod list;

use bytes::Bytes;
use ligate_access::{PublicKey, Signature};
use ligate_model::{CountryCode, DatasetId, Digest, NodeName};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

pub(crate) use self::list::List;
use crate::{
    Advertisement, MAX_ASK_BYTES, MAX_NODES, MaskedVector, Member, NodeSet, Ready, Reveal, Roster,
    RosterError, RoundAnswer, RoundKeys, RoundMessage, RunContext, SealedShares, SignedRoster,
    ToRound, message,
};

/// The longest text of a refusal, in bytes.
const REASON_BYTES: usize = 1000;

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Lists of more items than the largest roster has nodes are among these.
    #[error("the message is cut off, too long or of an unknown form")]
    Form,
    #[error("the message holds an invalid {0}")]
    Invalid(&'static str),
    #[error(transparent)]
    Roster(#[from] RosterError),
}

#[derive(Serialize, Deserialize)]
enum ToNode<'a> {
    Roster(#[serde(borrow)] RosterFields<'a>),
    SignedRoster(
        #[serde(borrow)] RosterFields<'a>,
        #[serde(borrow)] List<&'a [u8]>,
    ),
    Round {
        roster: [u8; 32],
        round: u64,
        message: Round<'a>,
    },
}

#[derive(Serialize, Deserialize)]
enum Round<'a> {
    Begin {
        #[serde(serialize_with = "at_once")]
        ask: &'a [u8],
        words: u64,
    },
    Keys(#[serde(borrow)] List<(u8, Advertised<'a>)>),
    Deliver(#[serde(borrow)] List<(u8, &'a [u8])>),
    Survivors(u64),
    Unmask(#[serde(borrow)] List<(u8, &'a [u8])>),
}

#[derive(Serialize, Deserialize)]
struct RosterFields<'a> {
    permit: [u8; 32],
    job: [u8; 32],
    #[serde(borrow)]
    members: List<MemberFields<'a>>,
}

#[derive(Serialize, Deserialize)]
struct MemberFields<'a> {
    node: &'a str,
    key: [u8; 32],
    country: &'a str,
    dataset: &'a str,
    snapshot: [u8; 32],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Advertised<'a> {
    channel: [u8; 32],
    mask: [u8; 32],
    commitment: [u8; 32],
    signature: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(crate) enum FromNode<'a> {
    RosterSignature(&'a [u8]),
    Ready {
        next_round: u64,
        members: Option<u64>,
    },
    Advertise(#[serde(borrow)] Advertised<'a>),
    Shares(#[serde(borrow)] List<(u8, &'a [u8])>),
    Masked(#[serde(serialize_with = "at_once")] &'a [u8]),
    Signed(&'a [u8]),
    Revealed {
        mask_keys: List<(u8, [u8; 32])>,
        seeds: List<(u8, [u8; 32])>,
    },
    Refused(&'a str),
}

/// The same bytes as by default, which writes one after the other: for what may be large.
fn at_once<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Writes what borrows its large parts in one allocation, as long as those parts are known: `hint`
/// bytes.
fn write<T: Serialize>(value: &T, hint: usize) -> Vec<u8> {
    // Writing to a vector fails for types of unknown length only, and there is none above.
    postcard::to_extend(value, Vec::with_capacity(hint + 512)).expect("messages have known lengths")
}

pub(crate) fn encode(answer: &FromNode<'_>) -> Vec<u8> {
    let hint = match answer {
        FromNode::Masked(bytes) => bytes.len(),
        _ => 0,
    };
    write(answer, hint)
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(WireError::Form),
    }
}

/// The start of a text, cut at a character.
pub(crate) fn shorten(text: &str) -> &str {
    &text[..text.floor_char_boundary(REASON_BYTES)]
}

impl message::ToNode {
    pub fn encode(&self) -> Vec<u8> {
        encode_to_node(self)
    }

    /// Never panics, whatever the bytes.
    pub fn decode(body: &Bytes) -> Result<Self, WireError> {
        decode_to_node(body)
    }
}

impl message::FromNode {
    /// Never panics, whatever the bytes.
    pub fn decode(body: &Bytes) -> Result<Self, WireError> {
        decode_from_node(body)
    }
}

fn encode_to_node(message: &message::ToNode) -> Vec<u8> {
    match message {
        message::ToNode::Roster(roster) => write(&ToNode::Roster(roster_fields(roster)), 0),
        message::ToNode::SignedRoster(signed) => {
            let signatures = signed
                .signatures()
                .iter()
                .map(|signature| signature.as_bytes().as_slice());
            write(
                &ToNode::SignedRoster(roster_fields(signed.roster()), signatures.collect()),
                0,
            )
        }
        message::ToNode::Round(to) => {
            let hint = if let RoundMessage::Begin { ask, .. } = &to.message {
                ask.len()
            } else {
                0
            };
            let (roster, message) = (*to.roster.as_bytes(), round(&to.message));
            write(
                &ToNode::Round {
                    roster,
                    round: to.round,
                    message,
                },
                hint,
            )
        }
    }
}

fn roster_fields(roster: &Roster) -> RosterFields<'_> {
    let members = roster.members().iter().map(|member| MemberFields {
        node: member.node.as_str(),
        key: *member.key.as_bytes(),
        country: member.country.as_str(),
        dataset: member.dataset.as_str(),
        snapshot: *member.snapshot.as_bytes(),
    });
    let RunContext { permit, job } = roster.context();
    RosterFields {
        permit: *permit.as_bytes(),
        job: *job.as_bytes(),
        members: members.collect(),
    }
}

fn round(message: &RoundMessage) -> Round<'_> {
    match message {
        RoundMessage::Begin { ask, words } => Round::Begin {
            ask,
            words: *words as u64,
        },
        RoundMessage::Keys(keys) => Round::Keys(
            keys.iter()
                .map(|(place, keys)| (*place as u8, advertised(keys)))
                .collect(),
        ),
        RoundMessage::Deliver(shares) => Round::Deliver(sealed_fields(shares)),
        RoundMessage::Survivors(nodes) => Round::Survivors(nodes.bits()),
        RoundMessage::Unmask(signatures) => {
            let signatures = signatures.iter();
            Round::Unmask(
                signatures
                    .map(|(place, sig)| (*place as u8, sig.as_bytes().as_slice()))
                    .collect(),
            )
        }
    }
}

pub(crate) fn advertised(advertisement: &Advertisement) -> Advertised<'_> {
    let RoundKeys {
        channel,
        mask,
        commitment,
    } = advertisement.keys;
    let signature = advertisement.signature.as_bytes();
    Advertised {
        channel,
        mask,
        commitment: *commitment.as_bytes(),
        signature,
    }
}

pub(crate) fn sealed_fields(shares: &[(usize, SealedShares)]) -> List<(u8, &[u8])> {
    shares
        .iter()
        .map(|(place, sealed)| (*place as u8, sealed.0.as_slice()))
        .collect()
}

fn decode_to_node(body: &Bytes) -> Result<message::ToNode, WireError> {
    Ok(match read::<ToNode<'_>>(body)? {
        ToNode::Roster(fields) => message::ToNode::Roster(roster_from(fields)?),
        ToNode::SignedRoster(fields, signatures) => {
            let roster = roster_from(fields)?;
            let signatures = signatures
                .0
                .into_iter()
                .map(signature_from)
                .collect::<Result<_, _>>()?;
            message::ToNode::SignedRoster(SignedRoster::new(roster, signatures)?)
        }
        ToNode::Round {
            roster,
            round,
            message,
        } => message::ToNode::Round(ToRound {
            roster: Digest::from_bytes(roster),
            round,
            message: round_from(message, body)?,
        }),
    })
}

/// Members must come in the order of their names, so that one roster is one sequence of bytes.
fn roster_from(fields: RosterFields<'_>) -> Result<Roster, WireError> {
    if !fields.members.0.is_sorted_by(|a, b| a.node < b.node) {
        return Err(WireError::Invalid("order of members"));
    }
    let context = RunContext {
        permit: Digest::from_bytes(fields.permit),
        job: Digest::from_bytes(fields.job),
    };
    let members = fields
        .members
        .0
        .into_iter()
        .map(member_from)
        .collect::<Result<_, _>>()?;
    Ok(Roster::new(context, members)?)
}

fn member_from(fields: MemberFields<'_>) -> Result<Member, WireError> {
    Ok(Member {
        node: NodeName::new(fields.node).map_err(|_| WireError::Invalid("node name"))?,
        key: PublicKey::from_bytes(fields.key).map_err(|_| WireError::Invalid("public key"))?,
        country: CountryCode::new(fields.country)
            .map_err(|_| WireError::Invalid("country code"))?,
        dataset: DatasetId::new(fields.dataset).map_err(|_| WireError::Invalid("dataset id"))?,
        snapshot: Digest::from_bytes(fields.snapshot),
    })
}

fn round_from(message: Round<'_>, body: &Bytes) -> Result<RoundMessage, WireError> {
    Ok(match message {
        Round::Begin { ask, .. } if ask.len() > MAX_ASK_BYTES => {
            return Err(WireError::Invalid("length of the ask"));
        }
        Round::Begin { ask, words } => RoundMessage::Begin {
            ask: body.slice_ref(ask),
            words: usize::try_from(words).map_err(|_| WireError::Invalid("number of words"))?,
        },
        Round::Keys(keys) => RoundMessage::Keys(placed(keys, advertisement_from)?),
        Round::Deliver(shares) => RoundMessage::Deliver(placed(shares, sealed_from)?),
        Round::Survivors(bits) => RoundMessage::Survivors(NodeSet::from_bits(bits)),
        Round::Unmask(signatures) => RoundMessage::Unmask(placed(signatures, signature_from)?),
    })
}

fn placed<T, U>(
    items: List<(u8, T)>,
    convert: impl Fn(T) -> Result<U, WireError>,
) -> Result<Vec<(usize, U)>, WireError> {
    let places = items
        .0
        .into_iter()
        .map(|(place, item)| match usize::from(place) {
            place if place < MAX_NODES => Ok((place, convert(item)?)),
            _ => Err(WireError::Invalid("place in the roster")),
        });
    places.collect()
}

fn advertisement_from(fields: Advertised<'_>) -> Result<Advertisement, WireError> {
    let Advertised {
        channel,
        mask,
        commitment,
        signature,
    } = fields;
    let keys = RoundKeys {
        channel,
        mask,
        commitment: Digest::from_bytes(commitment),
    };
    Ok(Advertisement {
        keys,
        signature: signature_from(signature)?,
    })
}

fn sealed_from(bytes: &[u8]) -> Result<SealedShares, WireError> {
    bytes
        .try_into()
        .map(SealedShares)
        .map_err(|_| WireError::Invalid("length of encrypted shares"))
}

fn signature_from(bytes: &[u8]) -> Result<Signature, WireError> {
    bytes
        .try_into()
        .map(Signature::from_bytes)
        .map_err(|_| WireError::Invalid("length of a signature"))
}

fn share_from(bytes: [u8; 32]) -> Result<Zeroizing<[u8; 32]>, WireError> {
    Ok(Zeroizing::new(bytes))
}

fn decode_from_node(body: &Bytes) -> Result<message::FromNode, WireError> {
    use message::FromNode as Domain;
    Ok(match read::<FromNode<'_>>(body)? {
        FromNode::RosterSignature(bytes) => Domain::RosterSignature(signature_from(bytes)?),
        FromNode::Ready {
            next_round,
            members,
        } => Domain::Ready(Ready {
            next_round,
            members: members.map(NodeSet::from_bits),
        }),
        FromNode::Refused(reason) => Domain::Refused(plain_text(reason)),
        FromNode::Advertise(fields) => {
            Domain::Round(RoundAnswer::Advertise(advertisement_from(fields)?))
        }
        FromNode::Shares(shares) => {
            Domain::Round(RoundAnswer::Shares(placed(shares, sealed_from)?))
        }
        FromNode::Masked(bytes) => {
            let vector = MaskedVector::from_bytes(body.slice_ref(bytes));
            Domain::Round(RoundAnswer::Masked(
                vector.ok_or(WireError::Invalid("length of a vector"))?,
            ))
        }
        FromNode::Signed(bytes) => Domain::Round(RoundAnswer::Signed(signature_from(bytes)?)),
        FromNode::Revealed { mask_keys, seeds } => {
            let (mask_keys, seeds) = (placed(mask_keys, share_from)?, placed(seeds, share_from)?);
            Domain::Round(RoundAnswer::Revealed(Reveal { mask_keys, seeds }))
        }
    })
}

/// A reason goes to terminals and logs: no control characters, no more than a paragraph.
fn plain_text(reason: &str) -> String {
    shorten(reason)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated<T: Clone>(item: T, count: usize) -> List<T> {
        std::iter::repeat_n(item, count).collect()
    }

    /// Every list that a node reads, with `count` items of the fewest bytes.
    fn lists_to_node(count: usize) -> [Vec<u8>; 5] {
        let member = || MemberFields {
            node: "",
            key: [0; 32],
            country: "",
            dataset: "",
            snapshot: [0; 32],
        };
        let roster = |count: usize| {
            let members = std::iter::repeat_with(member).take(count).collect();
            RosterFields {
                permit: [0; 32],
                job: [0; 32],
                members,
            }
        };
        let keys = || Advertised {
            channel: [0; 32],
            mask: [0; 32],
            commitment: [0; 32],
            signature: &[],
        };
        let round = |message| {
            write(
                &ToNode::Round {
                    roster: [0; 32],
                    round: 0,
                    message,
                },
                0,
            )
        };
        [
            write(&ToNode::Roster(roster(count)), 0),
            write(&ToNode::SignedRoster(roster(0), repeated(&[], count)), 0),
            round(Round::Keys(
                std::iter::repeat_with(|| (0, keys())).take(count).collect(),
            )),
            round(Round::Deliver(repeated((0, &[]), count))),
            round(Round::Unmask(repeated((0, &[]), count))),
        ]
    }

    /// Every list that a coordinator reads.
    fn lists_from_node(count: usize) -> [Vec<u8>; 3] {
        let revealed = |mask_keys: usize, seeds: usize| {
            let (mask_keys, seeds) = (
                repeated((0, [0; 32]), mask_keys),
                repeated((0, [0; 32]), seeds),
            );
            encode(&FromNode::Revealed { mask_keys, seeds })
        };
        [
            encode(&FromNode::Shares(repeated((0, &[]), count))),
            revealed(count, 0),
            revealed(0, count),
        ]
    }

    #[test]
    fn every_list_is_bounded_while_it_is_read() {
        // One more than the bound is refused for its length, the bound itself at most for what its
        // items are.
        for body in lists_to_node(MAX_NODES + 1) {
            assert!(matches!(read::<ToNode<'_>>(&body), Err(WireError::Form)));
        }
        for body in lists_to_node(MAX_NODES) {
            assert!(read::<ToNode<'_>>(&body).is_ok());
        }
        for body in lists_from_node(MAX_NODES + 1) {
            assert!(matches!(read::<FromNode<'_>>(&body), Err(WireError::Form)));
        }
        for body in lists_from_node(MAX_NODES) {
            assert!(read::<FromNode<'_>>(&body).is_ok());
        }
    }
}
