//! The journal of rounds with the privacy ledger and the audit log before it: a node signs a survivor list only if the
//! ledger allows a run of exactly those nodes, and reveals its shares only after ledger and audit log have it.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_disclosure::{Begun, Ledger, Run};
use ligate_federation::{Entry, History, Journal, JournalError, NodeSet, Roster, RunContext};
use ligate_model::{Digest, IndividualId};

use crate::{folder::Folder, output};

/// The journal of one run.
pub struct GuardedJournal {
    rounds: Arc<dyn Journal>,
    folder: Arc<Folder>,
    ledger: Ledger,
    /// The run without its roster, which the survivors decide.
    run: Run,
    people: Vec<IndividualId>,
    cell: u64,
    roster: Roster,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the ledger wrote when the first sum was opened, and how many nodes are in it.
    opened: Option<(Begun, usize)>,
    /// What the current round asks for.
    ask: &'static str,
}

impl GuardedJournal {
    /// Refuses a roster that the ledger has something against.
    pub fn new(
        rounds: Arc<dyn Journal>,
        folder: Arc<Folder>,
        ledger: Ledger,
        run: Run,
        people: Vec<IndividualId>,
        cell: u64,
        roster: Roster,
    ) -> Result<Self> {
        let guarded = Self { rounds, folder, ledger, run, people, cell, roster, state: Mutex::default() };
        guarded.begin(guarded.roster.everybody())?;
        Ok(guarded)
    }

    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether a sum of this run may have been opened.
    pub fn opened(&self) -> bool {
        self.state().opened.is_some()
    }

    /// How many nodes' vectors are in the first sum; 0 before it.
    pub fn members(&self) -> usize {
        self.state().opened.as_ref().map_or(0, |(_, members)| *members)
    }

    /// Names what the current round asks for.
    pub fn asks(&self, ask: &'static str) {
        self.state().ask = ask;
    }

    /// Writes the released result into the ledger.
    pub fn released(&self, result: Digest) -> Result<()> {
        match &self.state().opened {
            Some((begun, _)) => Ok(self.ledger.mark_released(begun, result)?),
            None => anyhow::bail!("no sum of this run was opened here"),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Each field is replaced in one step, so a panic elsewhere has not torn it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, nodes: NodeSet) -> Result<Begun> {
        let members = nodes.iter().filter_map(|place| self.roster.members().get(place));
        let roster = members.map(|member| *member.key.as_bytes()).collect();
        Ok(self.ledger.check_and_begin(Run { roster, ..self.run.clone() }, &self.people, self.cell)?)
    }

    fn before(&self, entry: &Entry) -> Result<()> {
        match entry {
            Entry::Signed { survivors, .. } if !self.opened() => self.begin(*survivors).map(drop),
            Entry::Revealed { survivors, round, .. } => self.open(*survivors, *round),
            _ => Ok(()),
        }
    }

    fn open(&self, survivors: NodeSet, round: u64) -> Result<()> {
        if !self.opened() {
            let begun = self.begin(survivors)?;
            self.ledger.mark_opened(&begun, Timestamp::now())?;
            self.state().opened = Some((begun, survivors.len()));
        }
        let (ask, sites) = (self.state().ask.to_owned(), survivors.len() as u64);
        self.folder.record(Event::Round { job: self.run.job, round, ask, sites })?;
        Ok(())
    }
}

impl Journal for GuardedJournal {
    fn history(&self, context: &RunContext) -> Result<History, JournalError> {
        self.rounds.history(context)
    }

    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
        self.before(entry).map_err(|error| JournalError::Refused(output::one_line(&error)))?;
        self.rounds.record(context, entry)
    }
}
