//! A run's nodes without a network, for the tests of the protocol. Messages pass through their
//! encoded form.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use ligate_access::Identity;
use ligate_disclosure::{Gate, Opened, Thresholds};
use ligate_federation::{
    Advertisement, Answer, FromNode, Handled, Journal, Member, MemoryJournal, NodeSet, Participant,
    Refusal, Roster, RoundAnswer, RoundMessage, RunContext, SealedShares, SignedRoster, ToNode,
    ToRound,
};
use ligate_model::{Digest, NodeName, PeopleCounts};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

pub const CONTEXT: RunContext = RunContext {
    permit: Digest::from_bytes([1; 32]),
    job: Digest::from_bytes([2; 32]),
};

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn identities(count: usize) -> Vec<Arc<Identity>> {
    (0..count)
        .map(|node| Arc::new(Identity::generate(&mut rng(900 + node as u64))))
        .collect()
}

pub fn name(node: usize) -> NodeName {
    NodeName::new(format!("node-{node}")).unwrap()
}

pub fn members(identities: &[Arc<Identity>]) -> Vec<Member> {
    let member = |(node, identity): (usize, &Arc<Identity>)| Member {
        node: name(node),
        key: identity.public(),
        country: "SE".parse().unwrap(),
        dataset: "cohort".parse().unwrap(),
        snapshot: Digest::of("snapshot", &[node as u8]),
    };
    identities.iter().enumerate().map(member).collect()
}

pub fn signed(roster: Roster, identities: &[Arc<Identity>]) -> SignedRoster {
    let signatures = identities
        .iter()
        .map(|identity| roster.sign(identity).unwrap())
        .collect();
    SignedRoster::new(roster, signatures).unwrap()
}

/// The sum as the coordinator reads it inside the trust boundary: through the gate's decoding, and
/// nowhere else.
pub fn read(opened: Opened<Vec<u64>>) -> Vec<u64> {
    let mut words = Vec::new();
    let gate = Gate::new(Thresholds::default()).unwrap();
    let _ = gate.people(
        opened,
        |sum| {
            words = sum.to_vec();
            PeopleCounts::default()
        },
        1,
    );
    words
}

/// Encodes and decodes, as the network does.
pub fn sent(message: &ToRound) -> ToRound {
    match ToNode::decode(&ToNode::Round(message.clone()).encode().into()).unwrap() {
        ToNode::Round(decoded) => decoded,
        other => panic!("{other:?}"),
    }
}

pub fn received(answer: &Answer) -> RoundAnswer {
    match FromNode::decode(&answer.bytes()).unwrap() {
        FromNode::Round(answer) => answer,
        _ => panic!("no answer of a round"),
    }
}

/// All nodes of a run, played step by step by a coordinator that may cheat.
pub struct Nodes {
    pub identities: Vec<Arc<Identity>>,
    pub roster: SignedRoster,
    pub journals: Vec<Arc<MemoryJournal>>,
    pub participants: Vec<Participant>,
    rng: ChaCha20Rng,
}

impl Nodes {
    pub fn new(count: usize) -> Self {
        let identities = identities(count);
        let roster = signed(
            Roster::new(CONTEXT, members(&identities)).unwrap(),
            &identities,
        );
        let journals: Vec<_> = identities
            .iter()
            .map(|_| Arc::new(MemoryJournal::new()))
            .collect();
        let participants = (0..count)
            .map(|node| join(&identities, &roster, &journals, node))
            .collect();
        Self {
            identities,
            roster,
            journals,
            participants,
            rng: rng(7),
        }
    }

    /// The node is killed and comes back: its journal is all it remembers.
    pub fn restart(&mut self, node: usize) {
        self.participants[node] = join(&self.identities, &self.roster, &self.journals, node);
    }

    pub fn to(&self, round: u64, message: RoundMessage) -> ToRound {
        ToRound {
            roster: self.roster.roster().digest(),
            round,
            message,
        }
    }

    pub fn handle(
        &mut self,
        node: usize,
        round: u64,
        message: RoundMessage,
    ) -> Result<Handled, Refusal> {
        let message = sent(&self.to(round, message));
        self.participants[node].handle(message, &mut self.rng)
    }

    pub fn answer(
        &mut self,
        node: usize,
        round: u64,
        message: RoundMessage,
    ) -> Result<RoundAnswer, Refusal> {
        match self.handle(node, round, message)? {
            Handled::Answer(answer) => Ok(received(&answer)),
            Handled::WantsVector { .. } => panic!("the node wants a vector"),
        }
    }

    pub fn refusal(&mut self, node: usize, round: u64, message: RoundMessage) -> Refusal {
        self.handle(node, round, message)
            .expect_err("the node answered")
    }

    /// The nodes begin the round and advertise.
    pub fn advertise(
        &mut self,
        nodes: &[usize],
        round: u64,
        words: usize,
    ) -> Vec<(usize, Advertisement)> {
        let begin = RoundMessage::Begin {
            ask: b"ask".as_slice().into(),
            words,
        };
        let mut keys = Vec::new();
        for node in nodes {
            match self.answer(*node, round, begin.clone()) {
                Ok(RoundAnswer::Advertise(advertised)) => keys.push((*node, advertised)),
                _ => panic!("node {node} did not advertise"),
            }
        }
        keys
    }

    /// The nodes get the keys and share their secrets out; what each encrypted, by node.
    pub fn share(
        &mut self,
        nodes: &[usize],
        round: u64,
        keys: &[(usize, Advertisement)],
    ) -> Vec<(usize, Shares)> {
        let mut all = Vec::new();
        for node in nodes {
            match self.answer(*node, round, RoundMessage::Keys(keys.to_vec())) {
                Ok(RoundAnswer::Shares(shares)) => all.push((*node, shares)),
                Ok(_) => panic!("node {node} did not share"),
                Err(refusal) => panic!("node {node}: {refusal}"),
            }
        }
        all
    }

    /// The nodes get the shares meant for them and send their masked vectors.
    pub fn mask(
        &mut self,
        nodes: &[usize],
        round: u64,
        shares: &[(usize, Shares)],
        vector: impl Fn(usize) -> Vec<u64>,
    ) -> Vec<(usize, Vec<u64>)> {
        let mut all = Vec::new();
        for node in nodes {
            let message = sent(&self.to(round, RoundMessage::Deliver(addressed(shares, *node))));
            let answer = self.participants[*node]
                .deliver(message, vector(*node), &mut self.rng)
                .unwrap();
            match received(&answer) {
                RoundAnswer::Masked(masked) => all.push((*node, masked.words().collect())),
                _ => panic!("node {node} sent no vector"),
            }
        }
        all
    }

    /// All nodes up to their masked vectors.
    pub fn up_to_masked(&mut self, round: u64) -> Vec<(usize, Vec<u64>)> {
        let all: Vec<usize> = (0..self.participants.len()).collect();
        let keys = self.advertise(&all, round, 2);
        let shares = self.share(&all, round, &keys);
        self.mask(&all, round, &shares, |node| vec![node as u64, 1])
    }

    /// The nodes sign a survivor list.
    pub fn sign(
        &mut self,
        nodes: &[usize],
        round: u64,
        survivors: NodeSet,
    ) -> Vec<(usize, ligate_access::Signature)> {
        let mut signatures = Vec::new();
        for node in nodes {
            match self.answer(*node, round, RoundMessage::Survivors(survivors)) {
                Ok(RoundAnswer::Signed(signature)) => signatures.push((*node, signature)),
                Ok(_) => panic!("node {node} did not sign"),
                Err(refusal) => panic!("node {node}: {refusal}"),
            }
        }
        signatures
    }
}

pub type Shares = Vec<(usize, SealedShares)>;

pub fn addressed(shares: &[(usize, Shares)], to: usize) -> Shares {
    let for_to = |(from, all): &(usize, Shares)| {
        all.iter()
            .find(|(place, _)| *place == to)
            .map(|(_, sealed)| (*from, *sealed))
    };
    shares.iter().filter_map(for_to).collect()
}

fn join(
    identities: &[Arc<Identity>],
    roster: &SignedRoster,
    journals: &[Arc<MemoryJournal>],
    node: usize,
) -> Participant {
    let journal: Arc<dyn Journal> = Arc::<MemoryJournal>::clone(&journals[node]);
    Participant::new(Arc::clone(&identities[node]), roster.clone(), journal).unwrap()
}
