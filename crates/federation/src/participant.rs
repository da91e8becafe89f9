//! A node's side of the rounds of one run, as a state machine without I/O besides its journal. It
//! owns the node's secrets of the current round. It refuses rounds served before, key lists and
//! survivor lists that are too short or not the final roster, a second list to sign, and shares
//! without enough signatures on the list it signed itself.
//!
//! Bonawitz et al. 2017, figure 4 (active adversary). A message that comes again gets the answer it
//! got before; a different one at the same step is refused.

use std::sync::Arc;

use ligate_access::{Identity, Signature};
use ligate_disclosure::masks::{add_mask, add_pair_mask};
use ligate_model::Digest;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    Advertisement, Answer, Conflict, Entry, Journal, NodeSet, Ready, Refusal, Roster, RosterError,
    RoundMessage, SealedShares, SignedRoster, ToRound,
    keys::{Derivation, KeyList, RoundSecrets},
    round::{RoundId, SURVIVORS_DOMAIN, survivors_statement},
    shares::{self, PeerShares},
    wire::{self, List},
};

/// What became of a message.
#[derive(Debug)]
pub enum Handled {
    Answer(Answer),
    /// The shares arrived: the node computes its vector for [`Participant::ask`], of this many
    /// words, and hands it to [`Participant::contribute`].
    WantsVector {
        words: usize,
    },
}

/// One node in the rounds of one run.
pub struct Participant {
    identity: Arc<Identity>,
    roster: SignedRoster,
    own: usize,
    journal: Arc<dyn Journal>,
    round: Option<Round>,
}

/// The current round. `answered` holds the messages answered so far, with their answers.
struct Round {
    id: RoundId,
    secrets: RoundSecrets,
    members: Option<NodeSet>,
    answered: Vec<(RoundMessage, Answer)>,
    state: State,
}

enum State {
    Advertised(Advertisement),
    Shared {
        list: KeyList,
        own_shares: PeerShares,
        channels: Vec<(usize, Zeroizing<[u8; 32]>)>,
    },
    Delivered {
        list: KeyList,
        held: Held,
        message: RoundMessage,
    },
    Masked {
        list: KeyList,
        held: Held,
    },
    Signed {
        statement: Digest,
        survivors: NodeSet,
        held: Held,
    },
    Revealed,
}

/// The shares that a node holds, by the node whose secrets they are of; its own among them.
struct Held(Vec<(usize, PeerShares)>);

impl Held {
    fn nodes(&self) -> NodeSet {
        self.0.iter().map(|(place, _)| *place).collect()
    }
}

impl Participant {
    /// Joins a run whose roster all members signed. The node has checked permit, job and its own
    /// entry before it signed; what it did in earlier rounds of this permit and job is in the
    /// journal.
    pub fn new(
        identity: Arc<Identity>,
        roster: SignedRoster,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, Refusal> {
        let own = roster
            .roster()
            .place_of_key(&identity.public())
            .ok_or(RosterError::NotAMember)?;
        let history = journal.history(roster.roster().context())?;
        if history
            .roster()
            .is_some_and(|bound| bound != roster.roster().digest())
        {
            return Err(Conflict::AnotherRoster.into());
        }
        Ok(Self {
            identity,
            roster,
            own,
            journal,
            round: None,
        })
    }

    pub fn roster(&self) -> &Roster {
        self.roster.roster()
    }

    /// The answer to the signed roster.
    pub fn ready(&self) -> Result<Answer, Refusal> {
        let history = self.journal.history(self.roster().context())?;
        let ready = Ready {
            next_round: history.next_round(),
            members: history.members(),
        };
        let members = ready.members.map(NodeSet::bits);
        Ok(Answer::new(&wire::FromNode::Ready {
            next_round: ready.next_round,
            members,
        }))
    }

    /// What the current round asks for.
    pub fn ask(&self) -> Option<&[u8]> {
        match self.round.as_ref()?.answered.first() {
            Some((RoundMessage::Begin { ask, .. }, _)) => Some(ask),
            _ => None,
        }
    }

    /// While the node computes its vector: a secret that the nodes of this round share and the
    /// coordinator does not know, fresh in every round. Where a coordinator gave the nodes
    /// different shares, theirs differ.
    pub fn common_secret(&self) -> Result<Zeroizing<[u8; 32]>, Refusal> {
        let round = self.round.as_ref().ok_or(Refusal::OutOfOrder)?;
        let State::Delivered { list, held, .. } = &round.state else {
            return Err(Refusal::OutOfOrder);
        };
        let parts: Vec<u8> = held
            .0
            .iter()
            .flat_map(|(_, shares)| *shares.common)
            .collect();
        Derivation {
            roster: self.roster.roster(),
            round: &round.id,
            list,
        }
        .common_secret(&Zeroizing::new(parts))
    }

    /// Takes the next message of a round. A refusal changes nothing.
    pub fn handle(
        &mut self,
        message: ToRound,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Handled, Refusal> {
        let ToRound {
            roster,
            round: number,
            message,
        } = message;
        if roster != self.roster().digest() {
            return Err(Refusal::WrongRun);
        }
        let same_round = self
            .round
            .as_ref()
            .filter(|round| round.id.number == number);
        if let Some(handled) = same_round.map_or(Ok(None), |round| round.repeat(&message))? {
            return Ok(handled);
        }
        let begins = matches!(message, RoundMessage::Begin { .. });
        if !begins && same_round.is_none() {
            return Err(Refusal::WrongRound { asked: number });
        }
        if matches!(message, RoundMessage::Deliver(_)) {
            return self.deliver_shares(message);
        }
        let answer = match &message {
            RoundMessage::Begin { ask, words } => self.begin(number, ask, *words, rng)?,
            RoundMessage::Keys(entries) => self.share(entries, rng)?,
            RoundMessage::Survivors(nodes) => self.sign(*nodes)?,
            RoundMessage::Unmask(signatures) => self.reveal(signatures)?,
            RoundMessage::Deliver(_) => return Err(Refusal::OutOfOrder),
        };
        let round = self.current()?;
        round.answered.push((message, answer.clone()));
        Ok(Handled::Answer(answer))
    }

    /// [`Participant::handle`] for the shares and [`Participant::contribute`] in one step.
    pub fn deliver(
        &mut self,
        message: ToRound,
        vector: Vec<u64>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answer, Refusal> {
        match self.handle(message, rng)? {
            Handled::Answer(answer) => Ok(answer),
            Handled::WantsVector { .. } => self.contribute(vector),
        }
    }

    fn current(&mut self) -> Result<&mut Round, Refusal> {
        self.round.as_mut().ok_or(Refusal::OutOfOrder)
    }

    fn begin(
        &mut self,
        number: u64,
        ask: &[u8],
        words: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answer, Refusal> {
        let roster = self.roster();
        let id = RoundId::new(roster, number, ask, words)?;
        let context = roster.context();
        self.journal.record(
            context,
            &Entry::Begun {
                roster: roster.digest(),
                round: number,
            },
        )?;
        let members = self.journal.history(context)?.members();
        let secrets = RoundSecrets::generate(rng);
        let advertised = secrets.advertise(&id, &self.identity);
        let answer = Answer::new(&wire::FromNode::Advertise(wire::advertised(&advertised)));
        let state = State::Advertised(advertised);
        self.round = Some(Round {
            id,
            secrets,
            members,
            answered: Vec::new(),
            state,
        });
        Ok(answer)
    }

    fn share(
        &mut self,
        entries: &[(usize, Advertisement)],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Answer, Refusal> {
        let (roster, own) = (self.roster.roster(), self.own);
        let round = self.round.as_mut().ok_or(Refusal::OutOfOrder)?;
        let State::Advertised(advertised) = &round.state else {
            return Err(Refusal::OutOfOrder);
        };
        if !entries.contains(&(own, *advertised)) {
            return Err(Refusal::OwnPartChanged);
        }
        let list = KeyList::new(roster, &round.id, entries, NodeSet::default().with(own))?;
        round.check_nodes(roster, list.nodes())?;
        let derivation = Derivation {
            roster,
            round: &round.id,
            list: &list,
        };
        let all = shares::share_out(derivation, &round.secrets, rng)?;
        let (mut sealed, mut channels, mut own_shares) = (Vec::new(), Vec::new(), None);
        for (place, shares) in all {
            if place == own {
                own_shares = Some(shares);
            } else {
                let channel = derivation.channel(round.secrets.channel(), place)?;
                sealed.push((
                    place,
                    shares::seal(derivation, &channel, [own, place], &shares)?,
                ));
                channels.push((place, channel));
            }
        }
        let own_shares = own_shares.ok_or(Refusal::OwnPartChanged)?;
        round.state = State::Shared {
            list,
            own_shares,
            channels,
        };
        Ok(Answer::new(&wire::FromNode::Shares(wire::sealed_fields(
            &sealed,
        ))))
    }

    fn deliver_shares(&mut self, message: RoundMessage) -> Result<Handled, Refusal> {
        let (roster, own) = (self.roster.roster(), self.own);
        let round = self.round.as_mut().ok_or(Refusal::OutOfOrder)?;
        let (
            State::Shared {
                list,
                own_shares,
                channels,
            },
            RoundMessage::Deliver(sealed),
        ) = (&round.state, &message)
        else {
            return Err(Refusal::OutOfOrder);
        };
        let mut held = open_all(
            Derivation {
                roster,
                round: &round.id,
                list,
            },
            channels,
            own,
            sealed,
        )?;
        held.0.push((own, own_shares.clone()));
        held.0.sort_by_key(|(place, _)| *place);
        round.check_nodes(roster, held.nodes())?;
        let words = round.id.words;
        round.state = State::Delivered {
            list: list.clone(),
            held,
            message,
        };
        Ok(Handled::WantsVector { words })
    }

    /// Masks the node's vector, in place, and gives the answer to the shares.
    pub fn contribute(&mut self, mut vector: Vec<u64>) -> Result<Answer, Refusal> {
        let (roster, own) = (self.roster.roster(), self.own);
        let round = self.round.as_mut().ok_or(Refusal::OutOfOrder)?;
        let State::Delivered {
            list,
            held,
            message,
        } = &round.state
        else {
            return Err(Refusal::OutOfOrder);
        };
        if vector.len() != round.id.words {
            return Err(Refusal::Size {
                what: "words",
                size: vector.len(),
                limit: round.id.words,
            });
        }
        let derivation = Derivation {
            roster,
            round: &round.id,
            list,
        };
        add_mask(
            &derivation.self_mask(own, round.secrets.seed())?,
            &mut vector,
        );
        for peer in held.nodes().iter().filter(|peer| *peer != own) {
            let seed = derivation.pair_mask(own, round.secrets.mask(), peer)?;
            add_pair_mask(own, peer, &seed, &mut vector);
        }
        let answer = masked_answer(vector);
        round.answered.push((message.clone(), answer.clone()));
        round.state.masked();
        Ok(answer)
    }

    fn sign(&mut self, survivors: NodeSet) -> Result<Answer, Refusal> {
        let (roster, own) = (self.roster.roster(), self.own);
        let round = self.round.as_mut().ok_or(Refusal::OutOfOrder)?;
        let State::Masked { list, held } = &round.state else {
            return Err(Refusal::OutOfOrder);
        };
        if !survivors.contains(own) {
            return Err(Refusal::OwnPartChanged);
        }
        if !survivors.is_subset_of(held.nodes()) {
            return Err(Refusal::Nodes);
        }
        round.check_nodes(roster, survivors)?;
        let statement = survivors_statement(&round.id, list.digest(), held.nodes(), survivors);
        let entry = Entry::Signed {
            roster: roster.digest(),
            round: round.id.number,
            statement,
            survivors,
        };
        self.journal.record(roster.context(), &entry)?;
        let signature = self.identity.sign(SURVIVORS_DOMAIN, statement.as_bytes());
        round.state.signed(statement, survivors);
        Ok(Answer::new(&wire::FromNode::Signed(signature.as_bytes())))
    }

    fn reveal(&mut self, signatures: &[(usize, Signature)]) -> Result<Answer, Refusal> {
        let roster = self.roster.roster();
        let round = self.round.as_mut().ok_or(Refusal::OutOfOrder)?;
        let State::Signed {
            statement,
            survivors,
            held,
        } = &round.state
        else {
            return Err(Refusal::OutOfOrder);
        };
        check_signatures(roster, *survivors, statement, signatures)?;
        let entry = Entry::Revealed {
            roster: roster.digest(),
            round: round.id.number,
            survivors: *survivors,
        };
        self.journal.record(roster.context(), &entry)?;
        let answer = reveal_answer(held, *survivors);
        round.state = State::Revealed;
        Ok(answer)
    }
}

impl Round {
    /// The answer to a message that came before, or a refusal if another came at its step.
    fn repeat(&self, message: &RoundMessage) -> Result<Option<Handled>, Refusal> {
        let same_step =
            |other: &RoundMessage| std::mem::discriminant(other) == std::mem::discriminant(message);
        if let State::Delivered {
            message: waiting, ..
        } = &self.state
            && same_step(waiting)
        {
            let handled = Handled::WantsVector {
                words: self.id.words,
            };
            return if waiting == message {
                Ok(Some(handled))
            } else {
                Err(Refusal::Contradiction)
            };
        }
        match self.answered.iter().find(|(other, _)| same_step(other)) {
            Some((other, answer)) if other == message => Ok(Some(Handled::Answer(answer.clone()))),
            Some(_) => Err(Refusal::Contradiction),
            None => Ok(None),
        }
    }

    /// The rule of three, the threshold, and the final roster once there is one.
    fn check_nodes(&self, roster: &Roster, nodes: NodeSet) -> Result<(), Refusal> {
        if nodes.len() < roster.minimum() {
            return Err(Refusal::TooFewNodes {
                nodes: nodes.len(),
                needed: roster.minimum(),
            });
        }
        if self.members.is_some_and(|members| members != nodes) {
            return Err(Conflict::RosterIsFinal.into());
        }
        Ok(())
    }
}

impl State {
    fn masked(&mut self) {
        *self = match std::mem::replace(self, Self::Revealed) {
            Self::Delivered { list, held, .. } => Self::Masked { list, held },
            other => other,
        };
    }

    fn signed(&mut self, statement: Digest, survivors: NodeSet) {
        *self = match std::mem::replace(self, Self::Revealed) {
            Self::Masked { held, .. } => Self::Signed {
                statement,
                survivors,
                held,
            },
            other => other,
        };
    }
}

fn open_all(
    derivation: Derivation<'_>,
    channels: &[(usize, Zeroizing<[u8; 32]>)],
    own: usize,
    sealed: &[(usize, SealedShares)],
) -> Result<Held, Refusal> {
    if !sealed.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(Refusal::Nodes);
    }
    let opened = sealed.iter().map(|(from, sealed)| {
        let (_, channel) = channels
            .iter()
            .find(|(place, _)| place == from)
            .ok_or(Refusal::Nodes)?;
        Ok((
            *from,
            shares::open(derivation, channel, [*from, own], sealed)?,
        ))
    });
    opened.collect::<Result<_, Refusal>>().map(Held)
}

fn masked_answer(vector: Vec<u64>) -> Answer {
    let mut bytes = vec![0; vector.len() * 8];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(&vector) {
        *bytes = word.to_le_bytes();
    }
    Answer::new(&wire::FromNode::Masked(&bytes))
}

/// At least the threshold of distinct survivors signed what this node signed.
fn check_signatures(
    roster: &Roster,
    survivors: NodeSet,
    statement: &Digest,
    signatures: &[(usize, Signature)],
) -> Result<(), Refusal> {
    let in_list = |place: usize| survivors.contains(place);
    if !signatures.is_sorted_by(|a, b| a.0 < b.0)
        || !signatures.iter().all(|(place, _)| in_list(*place))
    {
        return Err(Refusal::Nodes);
    }
    let needed = roster.threshold();
    let Some(signatures) = signatures.get(..needed) else {
        return Err(Refusal::TooFewSignatures {
            signatures: signatures.len(),
            needed,
        });
    };
    for (place, signature) in signatures {
        let member = &roster.members()[*place];
        let verified = member
            .key
            .verify(SURVIVORS_DOMAIN, statement.as_bytes(), signature);
        verified.map_err(|_| Refusal::BadSignature(member.node.clone()))?;
    }
    Ok(())
}

/// Of each node one share at most: of the seed if its vector is in the sum, else of the mask key.
fn reveal_answer(held: &Held, survivors: NodeSet) -> Answer {
    let (mut mask_keys, mut seeds) = (Vec::new(), Vec::new());
    for (place, shares) in &held.0 {
        if survivors.contains(*place) {
            seeds.push((*place as u8, *shares.seed.value()));
        } else {
            mask_keys.push((*place as u8, *shares.mask_key.value()));
        }
    }
    Answer::new(&wire::FromNode::Revealed {
        mask_keys: List(mask_keys),
        seeds: List(seeds),
    })
}
