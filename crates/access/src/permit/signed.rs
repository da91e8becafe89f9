//! A permit as its issuer signed it: the text, and what it says.

use jiff::Timestamp;
use ligate_model::Digest;

use super::{InvalidPermit, Permit, TYPE};
use crate::{PublicKey, denial::Denial, jws};

/// A valid permit whose signature by its issuer's key holds. Whether that issuer is trusted, and
/// the dates, are for [`SignedPermit::verify`] and [`policy::check`](crate::policy::check).
#[derive(Clone, Debug)]
pub struct SignedPermit {
    jws: String,
    permit: Permit,
    hash: Digest,
}

impl SignedPermit {
    pub(super) fn new(jws: String, permit: Permit) -> Self {
        let hash = Digest::of("ligate permit", jws.as_bytes());
        Self { jws, permit, hash }
    }

    /// Reads a permit and checks its signature against the issuer that it names itself.
    pub fn read(jws: &str) -> Result<Self, Denial> {
        let jws = jws.trim();
        let verified = jws::verify::<Permit>(jws, TYPE).map_err(Denial::PermitText)?;
        verified.claims.validate()?;
        if verified.signer != verified.claims.issuer.key {
            return Err(InvalidPermit::Signer.into());
        }
        Ok(Self::new(jws.to_owned(), verified.claims))
    }

    /// Reads a permit of one of the given issuers.
    pub fn verify(jws: &str, issuers: &[PublicKey]) -> Result<Self, Denial> {
        let permit = Self::read(jws)?;
        permit.check_issuer(issuers)?;
        Ok(permit)
    }

    /// Whether one of the given issuers signed it.
    pub fn check_issuer(&self, issuers: &[PublicKey]) -> Result<(), Denial> {
        let issuer = self.permit.issuer.key;
        if issuers.contains(&issuer) {
            Ok(())
        } else {
            Err(Denial::UnknownIssuer(issuer))
        }
    }

    /// Whether the permit is in force at this moment.
    pub fn check_dates(&self, now: Timestamp) -> Result<(), Denial> {
        if now < self.permit.valid_from {
            Err(Denial::NotYetValid(self.permit.valid_from))
        } else if now >= self.permit.valid_until {
            Err(Denial::Expired(self.permit.valid_until))
        } else {
            Ok(())
        }
    }

    /// The text as signed, for the wire and for files.
    pub fn jws(&self) -> &str {
        &self.jws
    }

    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// What jobs, releases and the ledger call this permit.
    pub fn hash(&self) -> Digest {
        self.hash
    }
}
