//! The privacy ledger of a node: which people took part in which runs of a data user on a dataset, across permits.
//! It refuses runs whose result, less that of an earlier run, would describe a few people or a node or two
//! (differencing).
//!
//! A run is entered when its first sum can be opened, not before: a run that opened nothing shows nothing. The
//! node calls [`Ledger::check_and_begin`] before it signs a roster, and again before it signs who survived the first
//! round, with exactly these nodes; and [`Ledger::mark_opened`], which checks again under the lock and writes,
//! **before it reveals its first share**. What counts then:
//!
//! | an earlier run that | the same question again | rosters 1 or 2 nodes apart | people 1 to cell - 1 apart |
//! |---|---|---|---|
//! | opened sums, released nothing | same roster and snapshot only | refused under any permit | refused |
//! | opened sums, closed by the steward | free | free | refused |
//! | released its result | free | refused under any permit | refused |
//!
//! A node that is lost after the first opening leaves its run in the first row: the coordinator may hold sums with
//! it, and the same sums without it would give its own away. Nor can a node know that what was opened was not
//! released, since the word of it can be lost or withheld. So only the steward's word ([`Ledger::close`]) lets other
//! nodes repeat the run; a new permit frees the question for other snapshots of the same nodes. A released result is
//! in the world: nothing takes it back.
//!
//! Limits: a data user is a key; runs are compared in pairs, so that three runs can be combined to say what no two
//! of them say; people are compared, not their values, so that a corrected value shows between two snapshots.

pub(crate) mod people;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use ligate_model::{DatasetId, Digest, IndividualId};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};

use people::PeopleSet;
use store::Store;

/// Rosters that differ by fewer nodes are refused: the difference of two sums would hold the vectors of fewer than
/// three nodes.
const ROSTER_DIFFERENCE_MIN: usize = 3;

/// A run that a node is asked to take part in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub permit: Digest,
    pub job: Digest,
    /// What is asked under the permit, whenever it was signed: two jobs with one question are the same job.
    pub question: Digest,
    /// Public keys of the nodes that add to the sums, this one included, in any order.
    pub roster: Vec<[u8; 32]>,
    pub snapshot: Digest,
}

/// A run that passed the checks. It is entered into the ledger by [`Ledger::mark_opened`].
pub struct Begun {
    run: Run,
    roster: Vec<Digest>,
    people: PeopleSet,
    cell: u64,
    release: Option<Digest>,
}

/// Shows nothing of the people.
impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Begun({})", self.run.job.short())
    }
}

impl Begun {
    /// The digest of the result, where the very same run has released one already.
    pub fn release(&self) -> Option<Digest> {
        self.release
    }

    /// Whether a record is of the same question to the same nodes about the same people in the same snapshot.
    fn is(&self, record: &RunRecord) -> bool {
        record.question == self.run.question
            && record.snapshot == self.run.snapshot
            && record.people == self.people.digest()
            && record.roster == self.roster
    }

    fn record(&self, now: Timestamp) -> RunRecord {
        RunRecord {
            permit: self.run.permit,
            job: self.run.job,
            question: self.run.question,
            roster: self.roster.clone(),
            snapshot: self.run.snapshot,
            people: self.people.digest(),
            opened: now,
            state: RunState::Opened,
        }
    }
}

/// How far an entered run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunState {
    /// Sums may have been opened; nothing was released.
    Opened,
    /// The same, and the steward has closed the run: it will not be finished.
    Closed,
    /// The result with this digest was released.
    Released(Digest),
}

/// An entered run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    pub permit: Digest,
    pub job: Digest,
    pub question: Digest,
    /// Sorted, 64 hexadecimal digits each.
    pub roster: Vec<Digest>,
    pub snapshot: Digest,
    /// The digest of the set of people, which names its file.
    pub people: Digest,
    pub opened: Timestamp,
    pub state: RunState,
}

/// Why a run would give away too much. The texts name no number of people: that, too, would be a difference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefusal {
    #[error(
        "the people of this job and those of the job {} of {opened} differ by fewer than {cell}: the two results \
         would describe those few. Jobs on traits with different missing values need --people all-variables from \
         the first job on; a dataset that was loaded again with a few people changed needs a larger change. Switching to it later is itself a difference, allowed only where it is {cell} or more",
        .job.short()
    )]
    People { job: Digest, opened: Timestamp, cell: u64 },
    #[error(
        "the nodes of this run and those of the job {} of {opened} differ by one or two: the two results would \
         describe those. Run it with the same nodes",
        .job.short()
    )]
    Roster { job: Digest, opened: Timestamp },
    #[error(
        "an earlier attempt at this job opened sums at {opened} and was not finished: it can only be repeated with \
         the same nodes and the same snapshots. Otherwise the steward of the lost node has to agree, or a new \
         permit is needed"
    )]
    Unfinished { opened: Timestamp },
}

/// Why the ledger gave no answer. A ledger that cannot be read allows nothing.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Refused(#[from] LedgerRefusal),
    #[error("the privacy ledger cannot be read or written at {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("the privacy ledger at {} is damaged; restore it from a backup", .0.display())]
    Damaged(PathBuf),
    #[error("others can read the privacy ledger's key {0}; run: chmod 600 {0}", path.display())]
    Readable { path: PathBuf },
    #[error("the run is not in the privacy ledger")]
    UnknownRun,
}

/// The ledger of one dataset and one data user: a folder of its own.
pub struct Ledger {
    store: Store,
}

impl Ledger {
    /// Opens the ledger at `ledger/<dataset>/<data user's key>/`, and makes it where there is none. `rng` makes the
    /// key that people's ids are hashed with.
    pub fn open(
        ledger: &Path,
        dataset: &DatasetId,
        data_user: &[u8; 32],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, LedgerError> {
        let folder = ledger.join(dataset.as_str()).join(hex::encode(data_user));
        Ok(Self { store: Store::open(folder, rng)? })
    }

    /// Checks a run of `people` (before missing calls) against all that were entered. `cell` is the gate's.
    pub fn check_and_begin<'a>(
        &self,
        run: Run,
        people: impl IntoIterator<Item = &'a IndividualId>,
        cell: u64,
    ) -> Result<Begun, LedgerError> {
        let (roster, people) = (sorted(&run.roster), self.store.hash(people));
        let mut begun = Begun { run, roster, people, cell, release: None };
        let records = self.runs()?;
        self.check(&begun, &records)?;
        begun.release = records.iter().find(|record| begun.is(record)).and_then(release_of);
        Ok(begun)
    }

    /// Checks again and enters the run. To be called before this node reveals its first share; an error ends the
    /// run. Calling it again for the same run changes nothing.
    pub fn mark_opened(&self, begun: &Begun, now: Timestamp) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut records = self.store.read(&lock)?;
        self.check(begun, &records)?;
        if records.iter().any(|record| begun.is(record) && record.state != RunState::Closed) {
            return Ok(());
        }
        self.store.write_people(&lock, &begun.people)?;
        records.push(begun.record(now));
        self.store.write(&lock, &records)
    }

    /// Notes that the run's result was released.
    pub fn mark_released(&self, begun: &Begun, result: Digest) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut records = self.store.read(&lock)?;
        let entered = records.iter_mut().rev().find(|record| begun.is(record));
        entered.ok_or(LedgerError::UnknownRun)?.state = RunState::Released(result);
        self.store.write(&lock, &records)
    }

    /// The steward's word that unfinished runs of a question will not be finished, after the steward of the lost
    /// node has agreed. Their people stay in the ledger. Gives the number of runs closed.
    pub fn close(&self, question: Digest) -> Result<usize, LedgerError> {
        let lock = self.store.lock()?;
        let mut records = self.store.read(&lock)?;
        let mut closed = 0;
        for record in records.iter_mut().filter(|r| r.question == question && r.state == RunState::Opened) {
            record.state = RunState::Closed;
            closed += 1;
        }
        self.store.write(&lock, &records)?;
        Ok(closed)
    }

    /// All entered runs, oldest first.
    pub fn runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let lock = self.store.lock()?;
        self.store.read(&lock)
    }

    fn check(&self, begun: &Begun, records: &[RunRecord]) -> Result<(), LedgerError> {
        for record in records {
            check_unfinished(record, begun)?;
            check_roster(record, begun)?;
        }
        records.iter().try_for_each(|record| self.check_people(record, begun))
    }

    fn check_people(&self, record: &RunRecord, begun: &Begun) -> Result<(), LedgerError> {
        if record.people == begun.people.digest() {
            return Ok(());
        }
        let earlier = self.store.read_people(record.people)?;
        if earlier.differs_by_fewer_than(&begun.people, begun.cell) {
            let (job, opened) = (record.job, record.opened);
            return Err(LedgerRefusal::People { job, opened, cell: begun.cell }.into());
        }
        Ok(())
    }
}

fn check_unfinished(record: &RunRecord, begun: &Begun) -> Result<(), LedgerRefusal> {
    let unfinished = record.state == RunState::Opened && record.question == begun.run.question;
    if unfinished && (record.roster != begun.roster || record.snapshot != begun.run.snapshot) {
        return Err(LedgerRefusal::Unfinished { opened: record.opened });
    }
    Ok(())
}

fn check_roster(record: &RunRecord, begun: &Begun) -> Result<(), LedgerRefusal> {
    // What was opened may have been released, and the word of it lost.
    let counts = record.state != RunState::Closed;
    let apart = people::difference_up_to(&record.roster, &begun.roster, ROSTER_DIFFERENCE_MIN);
    if counts && (1..ROSTER_DIFFERENCE_MIN).contains(&apart) {
        return Err(LedgerRefusal::Roster { job: record.job, opened: record.opened });
    }
    Ok(())
}

fn release_of(record: &RunRecord) -> Option<Digest> {
    match record.state {
        RunState::Released(result) => Some(result),
        RunState::Opened | RunState::Closed => None,
    }
}

fn sorted(roster: &[[u8; 32]]) -> Vec<Digest> {
    let mut keys: Vec<Digest> = roster.iter().copied().map(Digest::from_bytes).collect();
    keys.sort();
    keys.dedup();
    keys
}
