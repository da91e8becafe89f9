//! An export: the data user's signed wish that something of a job's result leaves the secure
//! processing environment. This module owns its fields. Whether it may leave is for the nodes'
//! ledgers; what leaves, for the coordinator.

use jiff::{SignedDuration, Timestamp};
use ligate_model::Digest;
use serde::{Deserialize, Serialize};

use crate::{Identity, JwsError, PublicKey, jws};

/// The JWS type of an export.
pub const TYPE: &str = "ligate-export+jwt";

/// The JWS type of an officer's word that some content may leave.
pub const APPROVAL_TYPE: &str = "ligate-export-approval+jwt";

/// The claims of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The hash of the permit under which the result was made.
    pub permit: Digest,
    /// The job whose result it is.
    pub job: Digest,
    /// The digest of what is to leave; none where it is only asked what could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    pub created: Timestamp,
}

/// How old a wish may be: whoever holds it cannot use it later.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// An export whose signature by the key that it names holds. Whether that is the data user's key is
/// for the node.
#[derive(Clone, Debug)]
pub struct SignedExport {
    jws: String,
    export: Export,
    hash: Digest,
    signer: PublicKey,
}

impl Export {
    pub fn sign(self, data_user: &Identity) -> Result<SignedExport, JwsError> {
        let jws = data_user.sign_jws(TYPE, &self)?;
        Ok(SignedExport::new(jws, self, data_user.public()))
    }
}

impl SignedExport {
    fn new(jws: String, export: Export, signer: PublicKey) -> Self {
        let hash = Digest::of("ligate export", jws.as_bytes());
        Self {
            jws,
            export,
            hash,
            signer,
        }
    }

    /// Reads an export and checks its signature against the key that it names itself.
    pub fn read(text: &str) -> Result<Self, JwsError> {
        let text = text.trim();
        let verified = jws::verify::<Export>(text, TYPE)?;
        Ok(Self::new(text.to_owned(), verified.claims, verified.signer))
    }

    /// The text as signed.
    pub fn jws(&self) -> &str {
        &self.jws
    }

    pub fn export(&self) -> &Export {
        &self.export
    }

    /// What rounds and the audit log call this very export.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    pub fn signer(&self) -> PublicKey {
        self.signer
    }

    /// Whether it was signed within the last day, or the next where clocks differ.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.export.created).abs() < AGE_MAX
    }
}

/// The claims of an officer's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub permit: Digest,
    pub job: Digest,
    /// The digest of what may leave.
    pub content: Digest,
    /// Variants in it.
    pub variants: u64,
    pub created: Timestamp,
}

impl Approval {
    /// The signed text.
    pub fn sign(&self, officer: &Identity) -> Result<String, JwsError> {
        officer.sign_jws(APPROVAL_TYPE, self)
    }

    /// Reads an approval; gives who signed it.
    pub fn read(text: &str) -> Result<(Self, PublicKey), JwsError> {
        let verified = jws::verify::<Self>(text.trim(), APPROVAL_TYPE)?;
        Ok((verified.claims, verified.signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::identity;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    #[test]
    fn an_export_comes_back_with_its_signer() {
        let content = Some(digest(3));
        let export = Export {
            permit: digest(1),
            job: digest(2),
            content,
            created: Timestamp::UNIX_EPOCH,
        };
        let signed = export.clone().sign(&identity(3)).unwrap();
        let read = SignedExport::read(&format!("{}\n", signed.jws())).unwrap();
        assert_eq!(
            (read.export(), read.signer(), read.hash()),
            (&export, identity(3).public(), signed.hash())
        );
        assert!(read.is_fresh("1970-01-01T23:00:00Z".parse().unwrap()));
        assert!(!read.is_fresh("1970-01-02T01:00:00Z".parse().unwrap()));
        let other = export.sign(&identity(4)).unwrap();
        assert_ne!(other.hash(), signed.hash());
        assert!(SignedExport::read(&signed.jws()[1..]).is_err());
    }

    #[test]
    fn an_approval_is_no_export() {
        let (permit, job, content) = (digest(1), digest(2), digest(3));
        let approval = Approval {
            permit,
            job,
            content,
            variants: 7,
            created: Timestamp::UNIX_EPOCH,
        };
        let text = approval.sign(&identity(5)).unwrap();
        assert_eq!(
            Approval::read(&text).unwrap(),
            (approval, identity(5).public())
        );
        assert!(SignedExport::read(&text).is_err());
    }
}
