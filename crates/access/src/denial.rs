//! Every reason for which a node refuses a permit or a job, in the words that the data user reads.

use jiff::Timestamp;
use ligate_model::{DatasetId, Purpose, VariableName};

use crate::{
    JwsError, PublicKey,
    job::InvalidJob,
    permit::{InvalidPermit, Method, PermitId},
};

/// Why a node refuses. The text goes to the data user and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("the permit is not genuine: {0}. Ask its issuer for the original file")]
    PermitText(#[source] JwsError),
    #[error("the permit is not valid: {0}. Ask its issuer for a new one")]
    InvalidPermit(#[from] InvalidPermit),
    #[error(
        "the permit's issuer {0} is not trusted here. The steward can add it with `ligate peer add --issuer`"
    )]
    UnknownIssuer(PublicKey),
    #[error("the permit is valid from {0} on. Start the job then")]
    NotYetValid(Timestamp),
    #[error("the permit expired at {0}. Ask its issuer for a new one")]
    Expired(Timestamp),
    #[error("the permit {id} was revoked on {revoked} by {issuer}: {reason}")]
    Revoked {
        id: PermitId,
        revoked: Timestamp,
        issuer: String,
        reason: String,
    },
    #[error(
        "nothing is answered under permits of {issuer}, because no list of the permits that it revoked was received yet. \
         Its node must serve, and ligate.toml must have its address or that of a peer who holds the list"
    )]
    NoRevocations { issuer: String },
    #[error(
        "nothing is answered under permits of {issuer}, because the newest list of the permits that it revoked is of \
         {issued}, older than [revocation] stale_after_seconds allows. Its node must serve, and ligate.toml must have its \
         address or that of a peer who holds a newer list"
    )]
    StaleRevocations { issuer: String, issued: Timestamp },
    #[error(
        "the coordinator {0} is not trusted here. The steward can add it with `ligate peer add --coordinator`"
    )]
    UnknownCoordinator(PublicKey),
    #[error(
        "the permit names another coordinator than {0}. Run the job at the permit's coordinator"
    )]
    OtherCoordinator(PublicKey),
    #[error(
        "the permit covers no dataset of this node. Ask its issuer for a permit that names the node's key"
    )]
    OtherNode,
    #[error(
        "the dataset {0} is not held here. Ask the issuer to correct the permit, or load the dataset"
    )]
    UnknownDataset(DatasetId),
    #[error("the job is not genuine: {0}. Sign it again with the data user's key")]
    JobText(#[source] JwsError),
    #[error("the job is not valid: {0}. Correct and sign it again")]
    InvalidJob(#[from] InvalidJob),
    #[error("the job belongs to another permit. Sign it again for this one")]
    OtherPermit,
    #[error(
        "the job was not signed by the permit's data user. Sign it with the key that the permit names"
    )]
    OtherDataUser,
    #[error("the permit does not allow the method {0}. Ask its issuer for an amended one")]
    Method(Method),
    #[error(
        "the permit does not allow the variable {0}. Leave it out or ask for an amended permit"
    )]
    Variable(VariableName),
    #[error("this node's steward refuses uses of the dataset {0}. Ask the data holder")]
    VetoedDataset(DatasetId),
    #[error("this node's steward refuses jobs of this data user. Ask the data holder")]
    VetoedDataUser,
    #[error("this node's steward refuses the permit {0}. Ask the data holder")]
    VetoedPermit(PermitId),
    #[error("this node's steward refuses the purpose {0}. Ask the data holder")]
    VetoedPurpose(Purpose),
    #[error("this node's steward refuses the method {0}. Ask the data holder")]
    VetoedMethod(Method),
    #[error("this node's steward refuses the variable {0}. Leave it out or ask the data holder")]
    VetoedVariable(VariableName),
}
