//! This node's part in the rounds of one roster: who may be in it, its one signature, and the
//! secure sums themselves. What is summed, and what is written before a sum can be opened, is for
//! whoever takes part.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ligate_access::permit::Permit;
use ligate_federation::{
    Answer, Handled, Journal, Participant, Roster, RunContext, SignedRoster, ToRound,
};
use ligate_model::Digest;
use rand_core::OsRng;

use crate::folder::Folder;

/// A journal of the rounds of one roster.
pub trait RosterJournal: Journal + 'static {
    fn roster(&self) -> &Roster;
}

/// At first without a roster, then with a signed one, then in the rounds.
pub struct Participation<J> {
    folder: Arc<Folder>,
    context: RunContext,
    /// The snapshot of this node's dataset that the roster must name.
    snapshot: Digest,
    journal: Option<Arc<J>>,
    participant: Option<Participant>,
}

impl<J: RosterJournal> Participation<J> {
    pub fn new(folder: Arc<Folder>, context: RunContext, snapshot: Digest) -> Self {
        Self {
            folder,
            context,
            snapshot,
            journal: None,
            participant: None,
        }
    }

    /// The journal, once a roster is signed.
    pub fn journal(&self) -> Option<&J> {
        self.journal.as_deref()
    }

    /// Refuses a roster whose nodes are not the permit's, and another than the one that was signed.
    /// One roster for each participation.
    pub fn check(&self, permit: &Permit, roster: &Roster) -> Result<()> {
        self.check_members(permit, roster)?;
        let other = self
            .journal
            .as_ref()
            .is_some_and(|journal| journal.roster() != roster);
        ensure!(!other, "this node signed another roster of this job");
        Ok(())
    }

    /// Takes the journal of a roster that was checked, and signs the roster.
    pub fn sign(&mut self, journal: Option<J>) -> Result<Answer> {
        let journal = journal
            .map(Arc::new)
            .or_else(|| self.journal.take())
            .context("there is no roster")?;
        let signature = journal.roster().sign(&self.folder.identity)?;
        self.journal = Some(journal);
        Ok(Answer::roster_signature(&signature))
    }

    /// Every member is in the permit with that key, and this node knows it as a holder of data.
    /// Else an issuer who also coordinates could invent members that add nothing, and open this
    /// node's own sums.
    fn check_members(&self, permit: &Permit, roster: &Roster) -> Result<()> {
        ensure!(
            *roster.context() == self.context,
            "the roster is of another job"
        );
        let config = self.folder.config_now()?;
        for member in roster.members() {
            let held = permit.dataset_of(&member.key);
            let held =
                held.filter(|held| held.dataset == member.dataset && held.node == member.node);
            ensure!(
                held.is_some(),
                "{} is not in the permit with that key and dataset",
                member.node
            );
            if member.key == self.folder.identity.public() {
                ensure!(
                    member.snapshot == self.snapshot,
                    "the roster names another snapshot of this node's dataset"
                );
                continue;
            }
            let peer = config.peer_by_key(&member.key);
            ensure!(
                peer.is_some_and(|peer| !peer.issuer && !peer.coordinator),
                "{} does not know {} as a node with data; its steward can add it with `ligate peer add`",
                self.folder.name(),
                member.node
            );
        }
        Ok(())
    }

    /// Joins the rounds under the roster that this node has signed. A second message of the same
    /// kind gets the same answer and changes nothing.
    pub fn join(&mut self, roster: SignedRoster) -> Result<Answer> {
        let journal = self
            .journal
            .as_ref()
            .context("this node has signed no roster of this job")?;
        ensure!(
            journal.roster() == roster.roster(),
            "this node signed another roster of this job"
        );
        let participant = Participant::new(self.folder.identity.clone(), roster, journal.clone())?;
        let ready = participant.ready()?;
        self.participant.get_or_insert(participant);
        Ok(ready)
    }

    /// One message of a round.
    pub fn handle(&mut self, message: ToRound) -> Result<Handled> {
        Ok(self.participant()?.handle(message, &mut OsRng)?)
    }

    /// What the current round asks for.
    pub fn ask(&self) -> Vec<u8> {
        self.participant
            .as_ref()
            .and_then(Participant::ask)
            .unwrap_or_default()
            .to_vec()
    }

    /// Hands over this node's part of the current round's sum.
    pub fn contribute(&mut self, vector: Vec<u64>) -> Result<Answer> {
        Ok(self.participant()?.contribute(vector)?)
    }

    fn participant(&mut self) -> Result<&mut Participant> {
        self.participant
            .as_mut()
            .context("the roster is not agreed on")
    }

    /// The place of this node in the roster, and the number of nodes in it.
    pub fn place(&self) -> Result<[usize; 2]> {
        let members = self
            .journal
            .as_ref()
            .context("the roster is not agreed on")?
            .roster()
            .members();
        let own = members
            .iter()
            .position(|member| member.key == self.folder.identity.public());
        Ok([
            own.context("this node is not in the roster")?,
            members.len(),
        ])
    }

    /// The keys of the nodes in the roster, sorted.
    pub fn roster(&self) -> Result<Vec<Digest>> {
        let members = self
            .journal
            .as_ref()
            .context("the roster is not agreed on")?
            .roster()
            .members();
        let mut keys: Vec<Digest> = members
            .iter()
            .map(|member| Digest::from_bytes(*member.key.as_bytes()))
            .collect();
        keys.sort();
        Ok(keys)
    }

    /// A secret of the current round that its nodes share and nobody else has.
    pub fn common_secret(&self) -> Result<[u8; 32]> {
        let participant = self
            .participant
            .as_ref()
            .context("the roster is not agreed on")?;
        Ok(*participant.common_secret()?)
    }
}
