//! Who takes part in a run: the roster that every member signs. Refuses fewer than three members,
//! more than 64, and members that share a name or a key.

use ligate_access::{Identity, PublicKey, Signature};
use ligate_disclosure::masks::{MAXIMUM_CONTRIBUTORS, MINIMUM_CONTRIBUTORS};
use ligate_model::{CountryCode, DatasetId, Digest, NodeName};

use crate::{NodeSet, ToNode, WireError, transcript::Transcript};

/// The most nodes in a run.
pub const MAX_NODES: usize = MAXIMUM_CONTRIBUTORS;

const SIGNATURE_DOMAIN: &str = "ligate roster v1";

/// What a run is about: the permit and the job that the data user signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunContext {
    pub permit: Digest,
    pub job: Digest,
}

impl RunContext {
    pub(crate) fn digest(&self) -> Digest {
        Transcript::new()
            .digest(&self.permit)
            .digest(&self.job)
            .hash("ligate run context v1")
    }
}

/// A node of a run, with the dataset and the snapshot that it answers from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub node: NodeName,
    pub key: PublicKey,
    pub country: CountryCode,
    pub dataset: DatasetId,
    pub snapshot: Digest,
}

/// Why members are no roster, or signatures do not sign it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    #[error(
        "a run needs {MINIMUM_CONTRIBUTORS} to {MAX_NODES} nodes with data, not {0}: fewer protect nobody"
    )]
    Size(usize),
    #[error("{0} is in the roster twice, by name or by key")]
    Repeated(NodeName),
    #[error("this node's key is not in the roster")]
    NotAMember,
    #[error("the roster has {members} members and {signatures} signatures")]
    Signatures { members: usize, signatures: usize },
    #[error("the signature of {0} does not fit the roster")]
    BadSignature(NodeName),
}

/// The members of a run in the order of their names, with the digest that they sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    context: RunContext,
    members: Vec<Member>,
    digest: Digest,
}

impl Roster {
    /// `members` in any order.
    pub fn new(context: RunContext, mut members: Vec<Member>) -> Result<Self, RosterError> {
        if !(MINIMUM_CONTRIBUTORS..=MAX_NODES).contains(&members.len()) {
            return Err(RosterError::Size(members.len()));
        }
        members.sort_by(|a, b| a.node.cmp(&b.node));
        for (place, member) in members.iter().enumerate() {
            if members[..place]
                .iter()
                .any(|other| other.node == member.node || other.key == member.key)
            {
                return Err(RosterError::Repeated(member.node.clone()));
            }
        }
        let digest = digest(&context, &members);
        Ok(Self {
            context,
            members,
            digest,
        })
    }

    pub fn context(&self) -> &RunContext {
        &self.context
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Shares that give a secret back, and signatures that settle a survivor list: floor(K/2) + 1
    /// of K members. It stays the same when members drop out of the first round, so that any two
    /// settled lists share signers.
    pub fn threshold(&self) -> usize {
        self.members.len() / 2 + 1
    }

    /// The fewest nodes of a round: the threshold, and never fewer than three.
    pub fn minimum(&self) -> usize {
        self.threshold().max(MINIMUM_CONTRIBUTORS)
    }

    pub fn everybody(&self) -> NodeSet {
        NodeSet::first(self.members.len())
    }

    pub fn place_of_key(&self, key: &PublicKey) -> Option<usize> {
        self.members.iter().position(|member| member.key == *key)
    }

    pub fn place_of(&self, node: &NodeName) -> Option<usize> {
        self.members.iter().position(|member| member.node == *node)
    }

    pub fn names(&self, nodes: NodeSet) -> Vec<NodeName> {
        nodes
            .iter()
            .filter_map(|place| self.members.get(place))
            .map(|member| member.node.clone())
            .collect()
    }

    /// Signs the roster as one of its members. The node checks permit, job and its own dataset and
    /// snapshot first.
    pub fn sign(&self, identity: &Identity) -> Result<Signature, RosterError> {
        match self.place_of_key(&identity.public()) {
            Some(_) => Ok(identity.sign(SIGNATURE_DOMAIN, self.digest.as_bytes())),
            None => Err(RosterError::NotAMember),
        }
    }
}

fn digest(context: &RunContext, members: &[Member]) -> Digest {
    let start = Transcript::new()
        .digest(&context.permit)
        .digest(&context.job)
        .number(members.len() as u64);
    let all = members.iter().fold(start, |transcript, member| {
        transcript
            .bytes(member.node.as_str().as_bytes())
            .bytes(member.key.as_bytes())
            .bytes(member.country.as_str().as_bytes())
            .bytes(member.dataset.as_str().as_bytes())
            .digest(&member.snapshot)
    });
    all.hash("ligate roster v1")
}

/// A roster that all its members signed; the signatures are checked when it comes into being.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRoster {
    roster: Roster,
    signatures: Vec<Signature>,
}

impl SignedRoster {
    /// `signatures` in the order of the members.
    pub fn new(roster: Roster, signatures: Vec<Signature>) -> Result<Self, RosterError> {
        let members = roster.members();
        if signatures.len() != members.len() {
            return Err(RosterError::Signatures {
                members: members.len(),
                signatures: signatures.len(),
            });
        }
        for (member, signature) in members.iter().zip(&signatures) {
            let verified = member
                .key
                .verify(SIGNATURE_DOMAIN, roster.digest.as_bytes(), signature);
            verified.map_err(|_| RosterError::BadSignature(member.node.clone()))?;
        }
        Ok(Self { roster, signatures })
    }

    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// For a coordinator that keeps the roster to run the job again.
    pub fn encode(&self) -> Vec<u8> {
        ToNode::SignedRoster(self.clone()).encode()
    }

    /// Reads [`SignedRoster::encode`]'s bytes and checks the signatures. Never panics, whatever the
    /// bytes.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, WireError> {
        match ToNode::decode(&bytes.into())? {
            ToNode::SignedRoster(roster) => Ok(roster),
            _ => Err(WireError::Form),
        }
    }
}
