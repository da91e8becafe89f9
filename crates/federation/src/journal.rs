//! What a node must remember of its rounds, even when it is killed between two steps. This module
//! owns the rules over that memory (a round is served once, one survivor list is signed in it, the
//! roster is final once shares were revealed) and refuses every entry that breaks one, so that two
//! participants of one run cannot get around them.

use std::{
    collections::{HashMap, hash_map},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ligate_files::FileError;
use ligate_model::Digest;

use crate::{NodeSet, RunContext};

/// Jobs whose histories are kept in memory; those of others are read again when they are needed.
const KNOWN_MAX: usize = 16;

/// One step that a node takes only after it has recorded it. `roster` is the roster's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The node answers to a round with fresh keys.
    Begun { roster: Digest, round: u64 },
    /// The node signs a survivor list; `statement` is the digest that it signs.
    Signed {
        roster: Digest,
        round: u64,
        statement: Digest,
        survivors: NodeSet,
    },
    /// The node reveals shares: the sum may be opened, so the roster is final.
    Revealed {
        roster: Digest,
        round: u64,
        survivors: NodeSet,
    },
}

/// A rule that an entry would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("round {last} was served already; a new round needs a higher number")]
    RoundServed { last: u64 },
    #[error("the round is not the one this node is in")]
    NotThisRound,
    #[error("this node signed another survivor list in this round")]
    AnotherList,
    #[error(
        "this job was run with another roster or other snapshots; the lost node's steward or a new permit decides"
    )]
    AnotherRoster,
    #[error(
        "the roster is final since the first sum was opened; the round needs exactly its nodes"
    )]
    RosterIsFinal,
}

/// What a node did in the rounds of one permit and job, whatever the roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    roster: Option<Digest>,
    last_round: Option<u64>,
    signed: Option<(Digest, NodeSet)>,
    members: Option<NodeSet>,
}

impl History {
    /// The roster that this permit and job are bound to: that of the first survivor list the node
    /// signed.
    pub fn roster(&self) -> Option<Digest> {
        self.roster
    }

    /// The smallest number of a new round.
    pub fn next_round(&self) -> u64 {
        self.last_round.map_or(0, |last| last.saturating_add(1))
    }

    /// The final roster, once the node has revealed shares.
    pub fn members(&self) -> Option<NodeSet> {
        self.members
    }

    /// Takes an entry in, or says which rule it breaks.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Conflict> {
        match *entry {
            Entry::Begun { roster, round } => self.begin(roster, round),
            Entry::Signed {
                roster,
                round,
                statement,
                survivors,
            } => self.sign(roster, round, (statement, survivors)),
            Entry::Revealed {
                roster,
                round,
                survivors,
            } => self.reveal(roster, round, survivors),
        }
    }

    fn begin(&mut self, roster: Digest, round: u64) -> Result<(), Conflict> {
        self.require_roster(roster)?;
        match self.last_round {
            Some(last) if round <= last => Err(Conflict::RoundServed { last }),
            // The last number could have no successor.
            _ if round == u64::MAX => Err(Conflict::RoundServed { last: round }),
            _ => {
                self.last_round = Some(round);
                self.signed = None;
                Ok(())
            }
        }
    }

    fn sign(
        &mut self,
        roster: Digest,
        round: u64,
        list: (Digest, NodeSet),
    ) -> Result<(), Conflict> {
        self.require_roster(roster)?;
        if self.last_round != Some(round) {
            return Err(Conflict::NotThisRound);
        }
        if self.signed.is_some_and(|signed| signed != list) {
            return Err(Conflict::AnotherList);
        }
        if self.members.is_some_and(|members| members != list.1) {
            return Err(Conflict::RosterIsFinal);
        }
        self.roster = Some(roster);
        self.signed = Some(list);
        Ok(())
    }

    fn reveal(&mut self, roster: Digest, round: u64, survivors: NodeSet) -> Result<(), Conflict> {
        self.require_roster(roster)?;
        if self.last_round != Some(round) || self.signed.is_none() {
            return Err(Conflict::NotThisRound);
        }
        if self.signed.is_some_and(|signed| signed.1 != survivors) {
            return Err(Conflict::AnotherList);
        }
        if self.members.is_some_and(|members| members != survivors) {
            return Err(Conflict::RosterIsFinal);
        }
        self.members = Some(survivors);
        Ok(())
    }

    fn require_roster(&self, roster: Digest) -> Result<(), Conflict> {
        match self.roster {
            Some(bound) if bound != roster => Err(Conflict::AnotherRoster),
            _ => Ok(()),
        }
    }
}

/// Why an entry was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error("the journal of rounds {} cannot be read or written", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Whoever guards the journal (a ledger, an audit log) does not let the step happen.
    #[error("{0}")]
    Refused(String),
    #[error("line {line} of the journal of rounds {} is damaged", path.display())]
    Damaged { path: PathBuf, line: usize },
}

impl From<FileError> for JournalError {
    fn from(error: FileError) -> Self {
        Self::File {
            path: error.path,
            source: error.source,
        }
    }
}

/// A node's memory of its rounds. All participants of a node share one.
pub trait Journal: Send + Sync {
    fn history(&self, context: &RunContext) -> Result<History, JournalError>;
    /// Checks the entry against the history and records it. When this returns `Ok`, the entry
    /// survives a crash.
    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError>;
}

/// A journal in memory, for simulators: it "survives" for as long as it is held.
#[derive(Default)]
pub struct MemoryJournal(Mutex<HashMap<RunContext, History>>);

impl MemoryJournal {
    pub fn new() -> Self {
        Self::default()
    }
}

impl Journal for MemoryJournal {
    fn history(&self, context: &RunContext) -> Result<History, JournalError> {
        Ok(lock(&self.0).get(context).cloned().unwrap_or_default())
    }

    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
        Ok(lock(&self.0).entry(*context).or_default().apply(entry)?)
    }
}

/// A panic elsewhere leaves the histories as they were: they change by one assignment after all
/// checks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A journal in a folder: one file per permit and job, one line per entry, each with a checksum,
/// written through to the disk before the step is taken. A line that a crash cut off was never
/// acted on and is dropped. The folder belongs to one process (the node holds its lock). No file
/// stays open between two entries.
pub struct FileJournal {
    folder: PathBuf,
    known: Mutex<HashMap<RunContext, Known>>,
}

/// What was read from a file or written into it.
#[derive(Default)]
struct Known {
    history: History,
    /// Bytes of the file, which are whole lines.
    length: u64,
}

impl FileJournal {
    pub fn new(folder: &Path) -> Result<Self, JournalError> {
        ligate_files::make_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            known: Mutex::default(),
        })
    }

    fn path(&self, context: &RunContext) -> PathBuf {
        self.folder.join(format!("{}.rounds", context.digest()))
    }

    /// What is known of a job, read from its file if need be.
    fn known<'a>(
        &self,
        all: &'a mut HashMap<RunContext, Known>,
        context: &RunContext,
    ) -> Result<&'a mut Known, JournalError> {
        if all.len() >= KNOWN_MAX && !all.contains_key(context) {
            all.clear();
        }
        Ok(match all.entry(*context) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(vacant) => vacant.insert(load(&self.path(context))?),
        })
    }
}

impl Journal for FileJournal {
    fn history(&self, context: &RunContext) -> Result<History, JournalError> {
        let mut all = lock(&self.known);
        Ok(self.known(&mut all, context)?.history.clone())
    }

    fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
        let path = self.path(context);
        let mut all = lock(&self.known);
        let known = self.known(&mut all, context)?;
        let mut history = known.history.clone();
        history.apply(entry)?;
        let length = ligate_files::append_line(&path, known.length, line(entry).as_bytes())?;
        *known = Known { history, length };
        Ok(())
    }
}

/// Reads a file, and cuts off a line that a crash left unfinished.
fn load(path: &Path) -> Result<Known, JournalError> {
    let text = ligate_files::read_lines(path)?;
    let history = replay(&text).map_err(|line| JournalError::Damaged {
        path: path.to_owned(),
        line,
    })?;
    Ok(Known {
        history,
        length: text.len() as u64,
    })
}

fn replay(text: &[u8]) -> Result<History, usize> {
    let mut history = History::default();
    for (number, line) in text
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let entry = std::str::from_utf8(line)
            .ok()
            .and_then(parse)
            .ok_or(number + 1)?;
        history.apply(&entry).map_err(|_| number + 1)?;
    }
    Ok(history)
}

fn line(entry: &Entry) -> String {
    let mut text = match entry {
        Entry::Begun { roster, round } => format!("begun {round} {roster}"),
        Entry::Signed {
            roster,
            round,
            statement,
            survivors,
        } => {
            format!(
                "signed {round} {roster} {statement} {:016x}",
                survivors.bits()
            )
        }
        Entry::Revealed {
            roster,
            round,
            survivors,
        } => {
            format!("revealed {round} {roster} {:016x}", survivors.bits())
        }
    };
    let check = checksum(&text);
    text.push(' ');
    text.push_str(&check);
    text
}

fn checksum(text: &str) -> String {
    Digest::of("ligate journal line v1", text.as_bytes()).short()
}

fn parse(line: &str) -> Option<Entry> {
    let (text, check) = line.rsplit_once(' ')?;
    if checksum(text) != check {
        return None;
    }
    let mut fields = text.split(' ');
    let kind = fields.next()?;
    let round = fields.next()?.parse().ok()?;
    let roster = fields.next()?.parse().ok()?;
    let entry = match kind {
        "begun" => Entry::Begun { roster, round },
        "signed" => {
            let statement = fields.next()?.parse().ok()?;
            Entry::Signed {
                roster,
                round,
                statement,
                survivors: node_set(fields.next()?)?,
            }
        }
        "revealed" => Entry::Revealed {
            roster,
            round,
            survivors: node_set(fields.next()?)?,
        },
        _ => return None,
    };
    fields.next().is_none().then_some(entry)
}

fn node_set(text: &str) -> Option<NodeSet> {
    u64::from_str_radix(text, 16).ok().map(NodeSet::from_bits)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CONTEXT: RunContext = RunContext {
        permit: Digest::from_bytes([1; 32]),
        job: Digest::from_bytes([2; 32]),
    };
    const ROSTER: Digest = Digest::from_bytes([3; 32]);
    const OTHER: Digest = Digest::from_bytes([4; 32]);
    const ALL: NodeSet = NodeSet::from_bits(0b111);

    fn begun(round: u64) -> Entry {
        Entry::Begun {
            roster: ROSTER,
            round,
        }
    }

    fn signed(round: u64, statement: Digest) -> Entry {
        Entry::Signed {
            roster: ROSTER,
            round,
            statement,
            survivors: ALL,
        }
    }

    fn revealed(round: u64) -> Entry {
        Entry::Revealed {
            roster: ROSTER,
            round,
            survivors: ALL,
        }
    }

    fn refused(journal: &dyn Journal, entry: Entry) -> Conflict {
        match journal.record(&CONTEXT, &entry) {
            Err(JournalError::Conflict(conflict)) => conflict,
            other => panic!("expected a conflict, got {other:?}"),
        }
    }

    /// The rules hold for a journal that `reopen` gives anew before every entry.
    fn check_rules<J: Journal>(reopen: impl Fn() -> J) {
        let record = |entry| reopen().record(&CONTEXT, &entry).unwrap();
        assert_eq!(refused(&reopen(), signed(0, OTHER)), Conflict::NotThisRound);
        record(begun(0));
        assert_eq!(
            refused(&reopen(), begun(0)),
            Conflict::RoundServed { last: 0 }
        );
        assert_eq!(refused(&reopen(), revealed(0)), Conflict::NotThisRound);
        record(Entry::Begun {
            roster: OTHER,
            round: 1,
        });
        record(begun(2));
        record(signed(2, OTHER));
        record(signed(2, OTHER));
        assert_eq!(refused(&reopen(), signed(2, ROSTER)), Conflict::AnotherList);
        assert_eq!(
            refused(
                &reopen(),
                Entry::Begun {
                    roster: OTHER,
                    round: 3
                }
            ),
            Conflict::AnotherRoster
        );
        record(revealed(2));
        record(begun(4));
        assert_eq!(
            refused(&reopen(), begun(3)),
            Conflict::RoundServed { last: 4 }
        );
        let fewer = NodeSet::from_bits(0b11);
        let entry = Entry::Signed {
            roster: ROSTER,
            round: 4,
            statement: OTHER,
            survivors: fewer,
        };
        assert_eq!(refused(&reopen(), entry), Conflict::RosterIsFinal);
        assert_eq!(reopen().history(&CONTEXT).unwrap().next_round(), 5);
        assert_eq!(reopen().history(&CONTEXT).unwrap().members(), Some(ALL));
        let elsewhere = RunContext {
            permit: CONTEXT.job,
            job: CONTEXT.permit,
        };
        assert_eq!(reopen().history(&elsewhere).unwrap(), History::default());
    }

    struct Shared<'a>(&'a MemoryJournal);

    impl Journal for Shared<'_> {
        fn history(&self, context: &RunContext) -> Result<History, JournalError> {
            self.0.history(context)
        }
        fn record(&self, context: &RunContext, entry: &Entry) -> Result<(), JournalError> {
            self.0.record(context, entry)
        }
    }

    #[test]
    fn rules_hold_in_memory_and_across_restarts() {
        let memory = MemoryJournal::new();
        check_rules(|| Shared(&memory));
        let folder = tempfile::tempdir().unwrap();
        check_rules(|| FileJournal::new(folder.path()).unwrap());
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_dropped_and_a_changed_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path()).unwrap();
        journal.record(&CONTEXT, &begun(0)).unwrap();
        journal.record(&CONTEXT, &signed(0, OTHER)).unwrap();
        let path = journal.path(&CONTEXT);
        let text = fs::read(&path).unwrap();
        let first = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in first..text.len() {
            fs::write(&path, &text[..cut]).unwrap();
            let journal = FileJournal::new(folder.path()).unwrap();
            assert_eq!(journal.history(&CONTEXT).unwrap().next_round(), 1);
            journal.record(&CONTEXT, &signed(0, ROSTER)).unwrap();
        }
        let mut changed = text.clone();
        changed[6] = b'7';
        fs::write(&path, &changed).unwrap();
        let journal = FileJournal::new(folder.path()).unwrap();
        assert!(matches!(
            journal.history(&CONTEXT),
            Err(JournalError::Damaged { line: 1, .. })
        ));
        assert!(matches!(
            journal.record(&CONTEXT, &begun(9)),
            Err(JournalError::Damaged { .. })
        ));
    }

    #[test]
    fn however_many_jobs_there_were_little_is_kept_and_no_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path()).unwrap();
        let contexts: Vec<_> = (0..=KNOWN_MAX as u8)
            .map(|job| RunContext {
                job: Digest::from_bytes([job; 32]),
                ..CONTEXT
            })
            .collect();
        for (round, context) in contexts.iter().enumerate() {
            journal.record(context, &begun(round as u64)).unwrap();
            assert!(lock(&journal.known).len() <= KNOWN_MAX);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let files = open
                .flatten()
                .filter_map(|file| fs::read_link(file.path()).ok());
            assert_eq!(
                files.filter(|file| file.starts_with(folder.path())).count(),
                0
            );
        }
        for (round, context) in contexts.iter().enumerate() {
            assert_eq!(
                journal.history(context).unwrap().next_round(),
                round as u64 + 1
            );
        }
    }

    #[test]
    fn a_file_that_somebody_else_changed_takes_no_entries() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(folder.path()).unwrap();
        journal.record(&CONTEXT, &begun(0)).unwrap();
        let path = journal.path(&CONTEXT);
        let text = fs::read(&path).unwrap();
        let refused = || {
            // As often as it is tried: the history of before is not forgotten.
            for _ in 0..2 {
                assert!(matches!(
                    journal.record(&CONTEXT, &begun(1)),
                    Err(JournalError::File { .. })
                ));
                assert!(matches!(
                    journal.record(&CONTEXT, &begun(0)),
                    Err(JournalError::Conflict(Conflict::RoundServed { last: 0 }))
                ));
            }
        };
        fs::remove_file(&path).unwrap();
        refused();
        fs::write(&path, [text.as_slice(), &text].concat()).unwrap();
        refused();
        fs::write(&path, &text).unwrap();
        journal.record(&CONTEXT, &begun(1)).unwrap();
    }

    #[test]
    fn a_journal_that_cannot_be_written_lets_nothing_pass() {
        let folder = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(&folder.path().join("rounds")).unwrap();
        fs::remove_dir(folder.path().join("rounds")).unwrap();
        assert!(matches!(
            journal.record(&CONTEXT, &begun(0)),
            Err(JournalError::File { .. })
        ));
    }
}
