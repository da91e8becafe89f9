//! The journal of rounds with the privacy ledger and the audit log before it: a node signs a
//! survivor list only if the ledger allows a run of exactly those nodes, and reveals its shares
//! only after ledger and audit log have it.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_disclosure::{Ledger, Run};
use ligate_federation::{Entry, History, Journal, JournalError, NodeSet, Roster, RunContext};
use ligate_model::Digest;

use super::participation::RosterJournal;
use crate::{folder::Folder, output};

/// The journal of one run.
pub struct GuardedJournal {
    rounds: Arc<dyn Journal>,
    folder: Arc<Folder>,
    ledger: Ledger,
    /// The run without its roster, which the survivors decide.
    run: Run,
    roster: Roster,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Nodes whose vectors are in the first sum, once it could be opened.
    opened: Option<usize>,
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
        roster: Roster,
    ) -> Result<Self> {
        let guarded = Self {
            rounds,
            folder,
            ledger,
            run,
            roster,
            state: Mutex::default(),
        };
        guarded
            .ledger
            .check(&guarded.run_of(guarded.roster.everybody()))?;
        Ok(guarded)
    }

    /// Whether a sum of this run may have been opened.
    pub fn opened(&self) -> bool {
        self.state().opened.is_some()
    }

    /// How many nodes' vectors are in the first sum; 0 before it.
    pub fn members(&self) -> usize {
        self.state().opened.unwrap_or(0)
    }

    /// Names what the current round asks for.
    pub fn asks(&self, ask: &'static str) {
        self.state().ask = ask;
    }

    /// Writes the released result into the ledger.
    pub fn released(&self, result: Digest) -> Result<()> {
        anyhow::ensure!(self.opened(), "no sum of this run was opened here");
        Ok(self.ledger.mark_released(self.run.job, result)?)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Each field is replaced in one step, so a panic elsewhere has not torn it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run with the nodes at these places of the roster.
    fn run_of(&self, nodes: NodeSet) -> Run {
        let members = nodes
            .iter()
            .filter_map(|place| self.roster.members().get(place));
        let roster = members.map(|member| *member.key.as_bytes()).collect();
        Run {
            roster,
            ..self.run.clone()
        }
    }

    fn before(&self, entry: &Entry) -> Result<()> {
        match entry {
            Entry::Signed { survivors, .. } if !self.opened() => {
                Ok(self.ledger.check(&self.run_of(*survivors))?)
            }
            Entry::Revealed {
                survivors, round, ..
            } => self.open(*survivors, *round),
            _ => Ok(()),
        }
    }

    fn open(&self, survivors: NodeSet, round: u64) -> Result<()> {
        if !self.opened() {
            self.ledger
                .mark_opened(&self.run_of(survivors), Timestamp::now())?;
            self.state().opened = Some(survivors.len());
        }
        let (ask, sites) = (self.state().ask.to_owned(), survivors.len() as u64);
        self.folder.record(Event::Round {
            job: self.run.job,
            round,
            ask,
            sites,
        })?;
        Ok(())
    }
}

impl RosterJournal for GuardedJournal {
    fn roster(&self) -> &Roster {
        &self.roster
    }
}

impl Journal for GuardedJournal {
    fn history(&self, context: &RunContext) -> Result<History, JournalError> {
        self.rounds.history(context)
    }

    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
        self.before(entry)
            .map_err(|error| JournalError::Refused(output::one_line(&error)))?;
        self.rounds.record(context, entry)
    }
}

#[cfg(test)]
mod tests {
    use ligate_access::Identity;
    use ligate_disclosure::DataUser;
    use ligate_federation::{Member, MemoryJournal};
    use rand_core::OsRng;

    use super::*;

    fn roster(folder: &Folder, context: RunContext) -> Roster {
        let own = folder.identity.public();
        let others = (0..3).map(|_| Identity::generate(&mut OsRng).public());
        let members = [own]
            .into_iter()
            .chain(others)
            .enumerate()
            .map(|(number, key)| Member {
                node: format!("node{number}").parse().unwrap(),
                key,
                country: "SE".parse().unwrap(),
                dataset: "cohort".parse().unwrap(),
                snapshot: digest(1),
            });
        Roster::new(context, members.collect()).unwrap()
    }

    fn digest(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn ledger(folder: &Folder) -> Ledger {
        crate::books::ledger(folder).unwrap()
    }

    fn guarded(folder: &Arc<Folder>, roster: &Roster, question: u8) -> Result<GuardedJournal> {
        let (permit, job) = (roster.context().permit, roster.context().job);
        let (question, snapshot) = (digest(question), digest(1));
        let (data_user, dataset) = (
            DataUser::new("researcher", &[9; 32]),
            "cohort".parse().unwrap(),
        );
        let (study, detail, roster_later) = (question, question, Vec::new());
        let run = Run {
            permit,
            job,
            question,
            study,
            detail,
            data_user,
            dataset,
            roster: roster_later,
            snapshot,
        };
        let rounds = Arc::new(MemoryJournal::new());
        GuardedJournal::new(rounds, folder.clone(), ledger(folder), run, roster.clone())
    }

    #[test]
    fn the_ledger_has_the_nodes_of_the_opened_sum_before_shares_leave() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(
            dir.path(),
            &"node0".parse().unwrap(),
            &"SE".parse().unwrap(),
        );
        let folder = Arc::new(folder.unwrap());
        let context = RunContext {
            permit: digest(2),
            job: digest(3),
        };
        let roster = roster(&folder, context);
        let journal = guarded(&folder, &roster, 4).unwrap();
        let survivors = NodeSet::first(3);
        let (all, round) = (roster.digest(), 0);
        journal
            .record(&context, &Entry::Begun { roster: all, round })
            .unwrap();
        let statement = digest(5);
        journal
            .record(
                &context,
                &Entry::Signed {
                    roster: all,
                    round,
                    statement,
                    survivors,
                },
            )
            .unwrap();
        assert!(
            !journal.opened() && ledger(&folder).runs().unwrap().is_empty(),
            "signing opens nothing"
        );
        journal.asks("people");
        journal
            .record(
                &context,
                &Entry::Revealed {
                    roster: all,
                    round,
                    survivors,
                },
            )
            .unwrap();
        assert!(journal.opened());
        assert_eq!(journal.members(), 3);
        let runs = ledger(&folder).runs().unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(
            runs[0].roster.len(),
            3,
            "the ledger has who is in the sum, not who signed the roster"
        );
        // The job is used up, and with all four the difference would be the fourth node's own.
        let refused = guarded(&folder, &roster, 6).err().unwrap().to_string();
        assert!(refused.contains("used up"), "{refused}");
        let next = RunContext {
            permit: digest(2),
            job: digest(8),
        };
        let roster = Roster::new(next, roster.members().to_vec()).unwrap();
        let refused = guarded(&folder, &roster, 6).err().unwrap().to_string();
        assert!(refused.contains("one roster"), "{refused}");
    }

    #[test]
    fn only_an_opened_run_is_released() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(
            dir.path(),
            &"node0".parse().unwrap(),
            &"SE".parse().unwrap(),
        );
        let folder = Arc::new(folder.unwrap());
        let roster = roster(
            &folder,
            RunContext {
                permit: digest(2),
                job: digest(3),
            },
        );
        assert!(
            guarded(&folder, &roster, 4)
                .unwrap()
                .released(digest(7))
                .is_err()
        );
    }
}
