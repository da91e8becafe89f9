//! A job as its data user signed it: the text, what it says, and the question that it asks.

use ligate_model::Digest;

use super::{Job, TYPE};
use crate::{JwsError, PublicKey, denial::Denial, jws};

/// A valid job whose signature by the key that it names holds. Whether that is the data user's key
/// is for [`policy::check`](crate::policy::check).
#[derive(Clone, Debug)]
pub struct SignedJob {
    jws: String,
    job: Job,
    hash: Digest,
    question: Digest,
    signer: PublicKey,
}

impl SignedJob {
    pub(super) fn new(jws: String, job: Job, signer: PublicKey) -> Result<Self, JwsError> {
        let timeless = job.question();
        let bytes =
            serde_json::to_vec(&timeless).map_err(|error| JwsError::Encoding(error.to_string()))?;
        let question = Digest::of("ligate question", &bytes);
        let hash = Digest::of("ligate job", jws.as_bytes());
        Ok(Self {
            jws,
            job,
            hash,
            question,
            signer,
        })
    }

    /// Reads a job and checks its signature against the key that it names itself.
    pub fn read(jws: &str) -> Result<Self, Denial> {
        let jws = jws.trim();
        let verified = jws::verify::<Job>(jws, TYPE).map_err(Denial::JobText)?;
        verified.claims.validate()?;
        Self::new(jws.to_owned(), verified.claims, verified.signer).map_err(Denial::JobText)
    }

    /// The text as signed, for the wire and for files.
    pub fn jws(&self) -> &str {
        &self.jws
    }

    pub fn job(&self) -> &Job {
        &self.job
    }

    /// What messages and the audit log call this very job.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// What is asked under which permit, whenever it was signed. Two jobs with the same question
    /// are the same job to the ledger, and an identical one returns the stored release.
    pub fn question(&self) -> Digest {
        self.question
    }

    pub fn signer(&self) -> PublicKey {
        self.signer
    }
}
