//! Signed tree heads: a node's word on how long its log is and what is in it. Whoever keeps one can
//! prove later that the log was cut or rewritten.

use jiff::Timestamp;
use ligate_model::Digest;
use serde::{Deserialize, Serialize};

use crate::{Identity, PublicKey, Signature, merkle};

const DOMAIN: &str = "ligate audit head";

/// The size and root of a node's log at a moment, signed by the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub node: PublicKey,
    /// Entries in the log.
    pub size: u64,
    /// Root of their Merkle tree.
    pub root: Digest,
    pub time: Timestamp,
    signature: Signature,
}

/// Why a head says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    #[error("the tree head is signed by {found}, not by {expected}")]
    Foreign {
        found: PublicKey,
        expected: PublicKey,
    },
    #[error("the tree head's signature does not hold")]
    Signature,
}

/// Two heads of one node that cannot both be true of a log that only grows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tree heads of {node} at size {} ({}) and size {} ({}) contradict each other: its log was cut or rewritten",
    .sizes[0], .roots[0].short(), .sizes[1], .roots[1].short()
)]
pub struct Contradiction {
    pub node: PublicKey,
    pub sizes: [u64; 2],
    pub roots: [Digest; 2],
}

impl Head {
    pub(super) fn sign(identity: &Identity, size: u64, root: Digest, time: Timestamp) -> Self {
        let signature = identity.sign(DOMAIN, &message(size, root, time));
        Self {
            node: identity.public(),
            size,
            root,
            time,
            signature,
        }
    }

    /// Checks that `node` signed this head.
    pub fn verify(&self, node: PublicKey) -> Result<(), BadHead> {
        if self.node != node {
            return Err(BadHead::Foreign {
                found: self.node,
                expected: node,
            });
        }
        let message = message(self.size, self.root, self.time);
        self.node
            .verify(DOMAIN, &message, &self.signature)
            .map_err(|_| BadHead::Signature)
    }

    /// What two heads alone can show: equal sizes have equal roots, and a log does not shrink as
    /// time goes on.
    pub fn compare(&self, other: &Self) -> Result<(), Contradiction> {
        let same = self.size == other.size && self.root == other.root;
        let grows = (self.size < other.size && self.time <= other.time)
            || (self.size > other.size && self.time >= other.time);
        if same || grows {
            Ok(())
        } else {
            Err(self.contradicts(other))
        }
    }

    /// Checks a consistency proof from this head to a `newer` one of the same node.
    pub fn verify_consistency(&self, newer: &Self, proof: &[Digest]) -> Result<(), Contradiction> {
        let holds = self.node == newer.node
            && merkle::verify_consistency((self.size, self.root), (newer.size, newer.root), proof);
        if holds {
            Ok(())
        } else {
            Err(self.contradicts(newer))
        }
    }

    /// Checks that an entry with this leaf hash is number `seq` of the log.
    pub fn includes(&self, leaf: Digest, seq: u64, proof: &[Digest]) -> bool {
        merkle::verify_inclusion(leaf, seq, self.size, proof, self.root)
    }

    fn contradicts(&self, other: &Self) -> Contradiction {
        Contradiction {
            node: self.node,
            sizes: [self.size, other.size],
            roots: [self.root, other.root],
        }
    }
}

fn message(size: u64, root: Digest, time: Timestamp) -> Vec<u8> {
    [
        &size.to_le_bytes(),
        root.as_bytes().as_slice(),
        &time.as_nanosecond().to_le_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::identity;

    fn head(size: u64, root: u8, second: i64) -> Head {
        let time = Timestamp::from_second(second).unwrap();
        Head::sign(&identity(1), size, Digest::from_bytes([root; 32]), time)
    }

    #[test]
    fn a_head_holds_for_its_node_and_its_content() {
        let node = identity(1).public();
        let good = head(3, 1, 10);
        assert_eq!(good.verify(node), Ok(()));
        let other = identity(2).public();
        assert_eq!(
            good.verify(other),
            Err(BadHead::Foreign {
                found: node,
                expected: other
            })
        );
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Head>(&text).unwrap(), good);
        for changed in [
            Head {
                size: 4,
                ..good.clone()
            },
            Head {
                root: Digest::from_bytes([2; 32]),
                ..good.clone()
            },
            Head {
                time: Timestamp::from_second(11).unwrap(),
                ..good.clone()
            },
        ] {
            assert_eq!(changed.verify(node), Err(BadHead::Signature));
        }
        assert_eq!(
            Head {
                node: other,
                ..good
            }
            .verify(other),
            Err(BadHead::Signature)
        );
    }

    #[test]
    fn heads_that_contradict_each_other_are_found() {
        assert!(head(3, 1, 10).compare(&head(3, 1, 20)).is_ok());
        assert!(head(3, 1, 10).compare(&head(4, 2, 20)).is_ok());
        assert!(head(4, 2, 20).compare(&head(3, 1, 10)).is_ok());
        assert!(
            head(3, 1, 10).compare(&head(3, 2, 10)).is_err(),
            "rewritten"
        );
        assert!(head(4, 2, 10).compare(&head(3, 1, 20)).is_err(), "cut");
        assert!(head(3, 1, 20).compare(&head(4, 2, 10)).is_err(), "cut");
    }
}
