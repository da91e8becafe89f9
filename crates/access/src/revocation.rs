//! The permits that an issuer took back: one list per issuer, signed with its key, that only grows.
//! This module owns the list's form and the rules between two lists of one issuer. It refuses a
//! list that another key signed, one that is out of order or over its bounds, and one that
//! contradicts an earlier list: revocation is for good.
//!
//! A list has a `sequence`, which grows with every revocation, and the time `issued`, at which its
//! issuer said that nothing else was revoked. An issuer signs the same sequence anew whenever it is
//! asked, so that whoever holds the list can tell how old that knowledge is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use ligate_model::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    Identity, JwsError, PublicKey,
    denial::Denial,
    jws,
    permit::{PermitId, SignedPermit},
};

/// The JWS type of a list.
pub const TYPE: &str = "ligate-revocations+jwt";
/// The form of the claims below.
pub const VERSION: u32 = 1;
/// Most permits of one list.
pub const ENTRIES_MAX: usize = 10_000;
/// Longest reason.
pub const REASON_CHARS_MAX: usize = 1000;
/// The longest signed list that is looked at.
pub const LIST_BYTES_MAX: usize = 16 << 20;
/// How far an issuer's clock may be ahead of the reader's. A list from further ahead would never
/// become too old.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(10);

/// One permit that its issuer took back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub id: PermitId,
    /// The hash of the permit as signed.
    pub permit: Digest,
    pub revoked: Timestamp,
    /// Everybody who refuses the permit tells it.
    pub reason: String,
}

impl Revocation {
    /// The reason is shown on terminals and in logs.
    fn is_legible(&self) -> bool {
        let length = self.reason.chars().count();
        (1..=REASON_CHARS_MAX).contains(&length) && !self.reason.chars().any(char::is_control)
    }
}

/// The claims of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationList {
    /// [`VERSION`].
    pub version: u32,
    /// Whose permits; its key signs the list.
    pub issuer: PublicKey,
    /// The number of the content: 0 for the empty list, higher with every revocation.
    pub sequence: u64,
    /// When the issuer signed it: until then nothing else was revoked.
    pub issued: Timestamp,
    /// In the order of their ids, each once.
    pub entries: Vec<Revocation>,
}

/// A rule that a list breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidList {
    #[error("the list of revoked permits is not genuine: {0}")]
    Text(#[from] JwsError),
    #[error("the list of revoked permits has version {0}; this program knows version {VERSION}")]
    Version(u32),
    #[error("the list of revoked permits was signed by another key than its issuer's")]
    Signer,
    #[error("the list of revoked permits is of {0}, which is in the future; check the clocks")]
    Future(Timestamp),
    #[error("there are more than {ENTRIES_MAX} revoked permits")]
    TooMany,
    #[error("the revoked permits are not in the order of their ids, or one is there twice")]
    Order,
    #[error("only the empty list of revoked permits has the sequence 0")]
    Sequence,
    #[error("a reason must be 1 to {REASON_CHARS_MAX} characters without control characters")]
    Reason,
    #[error("the permit {0} was revoked already, on {1}")]
    Twice(PermitId, Timestamp),
}

/// Two lists that one honest issuer does not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("the two lists are of different issuers")]
    OtherIssuer,
    #[error(
        "the issuer signed list {newer} of revoked permits after list {held}: it was rolled back. Ask the issuer"
    )]
    RolledBack { held: u64, newer: u64 },
    #[error(
        "the issuer signed two different lists of revoked permits with the number {0}. Ask the issuer"
    )]
    TwoContents(u64),
    #[error(
        "list {with} of revoked permits has the permit {id} and list {without} does not. Ask the issuer"
    )]
    Missing {
        id: PermitId,
        with: u64,
        without: u64,
    },
}

impl RevocationList {
    /// The list of an issuer that revoked nothing.
    pub fn empty(issuer: PublicKey, issued: Timestamp) -> Self {
        Self {
            version: VERSION,
            issuer,
            sequence: 0,
            issued,
            entries: Vec::new(),
        }
    }

    /// The next list, with one permit more.
    pub fn with(mut self, revocation: Revocation, now: Timestamp) -> Result<Self, InvalidList> {
        match self
            .entries
            .binary_search_by(|entry| entry.id.cmp(&revocation.id))
        {
            Ok(place) => {
                let revoked = self
                    .entries
                    .get(place)
                    .map_or(revocation.revoked, |entry| entry.revoked);
                return Err(InvalidList::Twice(revocation.id, revoked));
            }
            Err(place) => self.entries.insert(place, revocation),
        }
        self.sequence = self.sequence.checked_add(1).ok_or(InvalidList::Sequence)?;
        self.issued = now.max(self.issued);
        self.validate()?;
        Ok(self)
    }

    /// Checks the rules that hold for every list.
    pub fn validate(&self) -> Result<(), InvalidList> {
        if self.version != VERSION {
            return Err(InvalidList::Version(self.version));
        }
        if self.entries.len() > ENTRIES_MAX {
            return Err(InvalidList::TooMany);
        }
        if (self.sequence == 0) != self.entries.is_empty() {
            return Err(InvalidList::Sequence);
        }
        if !self.entries.is_sorted_by(|one, next| one.id < next.id) {
            return Err(InvalidList::Order);
        }
        if self.entries.iter().all(Revocation::is_legible) {
            Ok(())
        } else {
            Err(InvalidList::Reason)
        }
    }

    /// Validates and signs. `issuer` must be the key whose permits they are.
    pub fn sign(self, issuer: &Identity) -> Result<SignedRevocations, InvalidList> {
        self.validate()?;
        if issuer.public() != self.issuer {
            return Err(InvalidList::Signer);
        }
        let jws = issuer.sign_long_jws(TYPE, &self, LIST_BYTES_MAX)?;
        Ok(SignedRevocations { jws, list: self })
    }

    /// The revocation of a permit, found by its hash or its id: an issuer gives an id once.
    pub fn find(&self, permit: &SignedPermit) -> Option<&Revocation> {
        let (id, hash) = (&permit.permit().id, permit.hash());
        self.entries
            .iter()
            .find(|entry| entry.permit == hash || entry.id == *id)
    }
}

/// A valid list whose signature by its issuer's key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRevocations {
    jws: String,
    list: RevocationList,
}

impl SignedRevocations {
    /// Reads a list that was issued by `now`, and checks its signature against the issuer that it
    /// names.
    pub fn read(jws: &str, now: Timestamp) -> Result<Self, InvalidList> {
        let jws = jws.trim();
        let verified = jws::verify_long::<RevocationList>(jws, TYPE, LIST_BYTES_MAX)?;
        let list = verified.claims;
        list.validate()?;
        if verified.signer != list.issuer {
            return Err(InvalidList::Signer);
        }
        if list.issued.duration_since(now) > AHEAD_MAX {
            return Err(InvalidList::Future(list.issued));
        }
        Ok(Self {
            jws: jws.to_owned(),
            list,
        })
    }

    /// The text as signed, for the wire and for files.
    pub fn jws(&self) -> &str {
        &self.jws
    }

    pub fn list(&self) -> &RevocationList {
        &self.list
    }

    /// Whether this list is to take the place of `held`, the newest one known so far. An older copy
    /// is not, and is no fault of who hands it over; two lists that contradict each other are their
    /// issuer's fault.
    pub fn replaces(&self, held: &Self) -> Result<bool, Contradiction> {
        let (own, other) = (&self.list, &held.list);
        if own.issuer != other.issuer {
            return Err(Contradiction::OtherIssuer);
        }
        let later = own.issued > other.issued;
        if own.sequence < other.sequence && later {
            return Err(Contradiction::RolledBack {
                held: other.sequence,
                newer: own.sequence,
            });
        }
        let (less, more) = if own.sequence < other.sequence {
            (own, other)
        } else {
            (other, own)
        };
        check_contained(less, more)?;
        Ok(own.sequence > other.sequence || later)
    }
}

fn check_contained(less: &RevocationList, more: &RevocationList) -> Result<(), Contradiction> {
    if less.sequence == more.sequence {
        let equal = less.entries == more.entries;
        return if equal {
            Ok(())
        } else {
            Err(Contradiction::TwoContents(less.sequence))
        };
    }
    let by_id: BTreeMap<_, _> = more
        .entries
        .iter()
        .map(|entry| (&entry.id, entry))
        .collect();
    match less
        .entries
        .iter()
        .find(|entry| by_id.get(&entry.id) != Some(entry))
    {
        None => Ok(()),
        Some(entry) => Err(Contradiction::Missing {
            id: entry.id.clone(),
            with: less.sequence,
            without: more.sequence,
        }),
    }
}

/// What a node knows of revocations when it decides on a permit: the newest list of each issuer,
/// and the age from which a list says nothing any more.
#[derive(Clone, Debug)]
pub struct Revocations {
    pub lists: Vec<SignedRevocations>,
    pub stale_after: SignedDuration,
}

impl Revocations {
    /// Refuses a permit that its issuer revoked, and every permit of an issuer whose list is
    /// missing or too old.
    pub fn check(&self, permit: &SignedPermit, now: Timestamp) -> Result<(), Denial> {
        let issuer = &permit.permit().issuer;
        let Some(held) = self
            .lists
            .iter()
            .find(|held| held.list.issuer == issuer.key)
        else {
            return Err(Denial::NoRevocations {
                issuer: issuer.name.clone(),
            });
        };
        if let Some(found) = held.list.find(permit) {
            return Err(Denial::Revoked {
                id: permit.permit().id.clone(),
                revoked: found.revoked,
                issuer: issuer.name.clone(),
                reason: found.reason.clone(),
            });
        }
        let issued = held.list.issued;
        if now.duration_since(issued) > self.stale_after {
            return Err(Denial::StaleRevocations {
                issuer: issuer.name.clone(),
                issued,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
