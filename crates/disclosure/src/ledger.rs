//! The privacy ledger of a node: everything that was ever shown of its people, and to whom.
//!
//! It keeps, for each run that opened sums, the data user as the issuer names him, the nodes, the
//! people, and the **columns**: what genotypes were weighed with, a number per person. What one
//! reader was shown is his [`Account`]: the columns of all his runs, and all that was exported by
//! anybody. The span rule ([`crate::span`]) judges an account with the columns of a new run; this
//! module keeps the books that it needs, whole and for ever. People who leave a dataset stay in it,
//! as numbers.
//!
//! A run is entered when its first sum can be opened, not before: a run that opened nothing shows
//! nothing. The node calls [`Ledger::check`] before it signs a roster, and again before it signs
//! who survived the first round, with exactly these nodes; [`Ledger::mark_opened`], which checks
//! again under the lock and writes, **before it reveals its first share**; and
//! [`Ledger::enter_columns`] before it answers anything about genotypes. A run that fails later has
//! its columns entered all the same.
//!
//! What it refuses by itself:
//!
//! - a job that opened a sum before, however it ended: a new one must be signed;
//! - nodes other than those of the data user's earlier runs on the dataset, unless the steward
//!   allowed it ([`Ledger::allow`]) or closed the unfinished runs that had them
//!   ([`Ledger::close`]): from ABC + ADE - BCDE follows A's own sum;
//! - a study in another detail than before: two answers to one question say more than one;
//! - another reading of a disease that a dataset shows the value 1 of alone
//!   ([`Ledger::decide_coding`]);
//! - people who were used under another dataset id before, by anybody: they are the same people;
//! - a data user whose account a recovery closed, because it is not known any more what he was
//!   shown;
//! - to be read or changed where it is not the ledger that its witness saw last.

mod account;
mod closed;
mod codings;
mod column;
mod departed;
mod export;
mod names;
pub(crate) mod people;
pub mod rosters;
mod same_trait;
mod selection;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use ligate_files::FileError;
use ligate_model::{DatasetId, Digest, IndividualId, VariableName};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};

pub use account::{Account, AccountColumn, ColumnId, Exact};
pub use closed::ClosedAccount;
pub use codings::Codings;
use column::Packed;
pub use export::{ExportAccount, Exported, ForExport, Left};
pub use people::PeopleSet;
pub use selection::{Chosen, Draft, choose};
use store::{RunBook, Store};

use crate::{
    book_files::Lock,
    witness::{Change, Witness, WitnessError},
};

/// Columns that one account can hold: more than this many cannot pass the span rule over any
/// registry that is likely to ask, and it bounds the memory of a check.
pub const ACCOUNT_COLUMNS_MAX: usize = 512;

/// Plans and broken-off runs that a data user may have on a dataset, beside questions that were
/// answered. Each has the nodes see the sums of the account once more, softened anew, and many of
/// them could be averaged.
pub const PLANS_MAX: usize = 64;

/// Who asks: the party that the permit's issuer names, whichever key it signs with, and whichever
/// name it has by the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataUser {
    pub name: String,
    /// The public key, 64 hexadecimal digits.
    pub key: Digest,
}

impl DataUser {
    pub fn new(name: &str, key: &[u8; 32]) -> Self {
        Self {
            name: name.to_owned(),
            key: Digest::from_bytes(*key),
        }
    }

    /// Whether it is the same party: names that look alike do not make another one.
    pub fn is(&self, other: &Self) -> bool {
        self.key == other.key || names::are_alike(&self.name, &other.name)
    }
}

/// Everybody in the books who is the same party as a data user, by name or key, also over others:
/// who was named anew and then got another key is still the same.
struct Party(Vec<DataUser>);

impl Party {
    fn of(user: &DataUser, runs: &[RunRecord]) -> Self {
        let mut members = vec![user.clone()];
        let mut first = 0;
        while first < members.len() {
            let member = members[first].clone();
            for run in runs.iter().filter(|run| run.data_user.is(&member)) {
                if !members.contains(&run.data_user) {
                    members.push(run.data_user.clone());
                }
            }
            first += 1;
        }
        Self(members)
    }

    fn has(&self, user: &DataUser) -> bool {
        self.0.contains(user)
    }
}

/// Whether a run is in a data user's account: it is his, under whichever name and key, or was
/// exported by anybody.
fn counts_for(user: &DataUser, runs: &[RunRecord]) -> impl Fn(&RunRecord) -> bool + use<> {
    let party = Party::of(user, runs);
    move |run| run.is_exported() || party.has(&run.data_user)
}

/// A run that a node is asked to take part in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub permit: Digest,
    pub job: Digest,
    /// What is asked under the permit, whenever it was signed: two jobs with one question are the
    /// same study.
    pub question: Digest,
    /// What is studied, under whichever permit, and in which detail.
    pub study: Digest,
    pub detail: Digest,
    pub data_user: DataUser,
    pub dataset: DatasetId,
    /// Public keys of the nodes that add to the sums, this one included, in any order.
    pub roster: Vec<[u8; 32]>,
    pub snapshot: Digest,
}

/// How far an entered run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunState {
    /// Sums may have been opened; nothing was released.
    Opened,
    /// The same, and the steward has closed the run: it will not be finished.
    Closed,
    /// The result with this digest was released inside the environment.
    Released(Digest),
}

/// An entered run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    pub permit: Digest,
    pub job: Digest,
    pub question: Digest,
    pub study: Digest,
    pub detail: Digest,
    pub data_user: DataUser,
    pub dataset: DatasetId,
    /// Sorted, 64 hexadecimal digits each.
    pub roster: Vec<Digest>,
    pub snapshot: Digest,
    pub opened: Timestamp,
    pub state: RunState,
    /// People of the run over all nodes, as the coordinator told them; 0 before the columns were
    /// entered.
    pub individuals: u64,
    /// What of it left the environment; then it counts for everybody.
    pub exported: Vec<Exported>,
    /// The digest of the set of people, which names its file; none before the columns were entered.
    pub people: Option<Digest>,
    pub columns: Vec<ColumnRecord>,
}

/// What genotypes were weighed with in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRecord {
    /// What it is, as the method names it.
    pub role: String,
    /// The variable that one leaves out so that there is no such column.
    pub variable: Option<VariableName>,
    /// The file of the values; none for 1 for everybody.
    pub values: Option<Digest>,
    /// The variable's own value is `centre + unit * value`; for columns that are a variable's
    /// values.
    pub centre: Exact,
    pub unit: Exact,
    /// What a missing value counted as, in the variable's own units.
    pub fill: Option<Exact>,
}

impl ColumnRecord {
    /// Whether it is 1 for everybody, or a variable's values as they are.
    pub fn is_plain(&self) -> bool {
        self.values.is_none() || self.fill.is_some()
    }
}

/// A column to be entered: a number per person, in the order of the people that it is entered with.
#[derive(Clone)]
pub struct NewColumn {
    pub role: String,
    pub variable: Option<VariableName>,
    /// None: 1 for everybody.
    pub values: Option<Vec<f64>>,
    pub centre: f64,
    pub unit: f64,
    pub fill: Option<f64>,
}

impl NewColumn {
    /// 1 for everybody: what counts are made with.
    pub fn people() -> Self {
        let role = "people".to_owned();
        Self {
            role,
            variable: None,
            values: None,
            centre: 0.0,
            unit: 1.0,
            fill: None,
        }
    }
}

/// Nodes that a steward allows for a data user, beside those that he began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedRoster {
    pub dataset: DatasetId,
    pub data_user: String,
    /// Sorted.
    pub roster: Vec<Digest>,
    pub allowed: Timestamp,
}

/// Why the books refuse a run. The texts name no person and no number of people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefusal {
    #[error(
        "this job opened sums at {opened} and is used up (rule: one job, one run); sign a new one, which `ligate gwas` \
         does by itself"
    )]
    JobUsed { opened: Timestamp },
    #[error(
        "{data_user} began on this dataset with other nodes at {opened} (rule: one roster for a data user and dataset), \
         and results of two rosters can be taken apart into the sums of one node; run with the same nodes, or ask this \
         node's steward for `ligate ledger allow`"
    )]
    Roster {
        data_user: String,
        opened: Timestamp,
    },
    #[error(
        "this data user had this study at {opened} with another --wald-below (rule: one answer to a study); use that \
         one, or 1 from the first run on to fit a Wald test to every variant"
    )]
    OtherDetail { opened: Timestamp },
    #[error(
        "this data user had another study with the meta-analysis of the nodes' own results on this dataset (rule: one \
         meta-analysis for a data user and dataset), and two of them can be taken apart into each node's own counts; run \
         this study without --baseline"
    )]
    OtherBaseline,
    #[error(
        "this data user has planned or broken off {PLANS_MAX} studies on this dataset that it never ran (rule: plans); \
         each shows the nodes the same sums once more. Ask this node's steward for `ligate ledger close`"
    )]
    Plans,
    #[error(
        "another study or export came in between while this one was being checked, and the two would have been judged \
         without each other (rule: span); nothing was shown of this one: run it again"
    )]
    Meanwhile,
    #[error(
        "with what was exported or shown before of other nodes, the results would give the sums of a single node away \
         (rule: one node among others); a study can be run with the same nodes as the exported ones, an export stays inside"
    )]
    NodeIsolated,
    #[error(
        "the coordinator's result is not the one that was released here, so nothing of it can leave; ask the coordinator's \
         steward what happened to its folder"
    )]
    OtherResult,
    #[error(
        "the run has no released result here, so nothing of it can leave; run the study to its end first"
    )]
    NotReleased,
    #[error(
        "people of this dataset were used as the dataset {dataset} before (rule: people are the same under every \
         dataset id); run the study on {dataset}, loaded again with the newer data"
    )]
    OtherDataset { dataset: DatasetId },
    #[error("the disease {variable} was told without a coding")]
    NoCoding { variable: VariableName },
    #[error("the disease {variable} was read with the other coding before; it stays as it was")]
    OtherCoding { variable: VariableName },
    #[error(
        "this node was restored, and what {whom} was shown since {since} is not known any more (rule: nothing is \
         forgotten); the account stays closed, and docs/operations.md says what this node's steward can do"
    )]
    Recovered { whom: String, since: Timestamp },
}

/// Why the ledger gave no answer. A ledger that cannot be read allows nothing.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Refused(#[from] LedgerRefusal),
    #[error("{} cannot be read or written", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is damaged; docs/operations.md says how to go on from a backup", .0.display())]
    Damaged(PathBuf),
    #[error(
        "{} is not the one that the audit log tells of: it was put back from a copy or changed, so this node answers \
         nobody; stop it and run `ligate recover`",
        .0.display()
    )]
    PutBack(PathBuf),
    #[error("{} cannot be compared with the audit log", path.display())]
    Witness { path: PathBuf, source: WitnessError },
    #[error(
        "{} was written by an earlier program (form {version}), and this one cannot judge what is in it; stop the node and \
         run `ligate recover`, which closes the accounts of all who were shown something",
        path.display()
    )]
    EarlierForm { path: PathBuf, version: u64 },
    #[error("{} was written by a later program (form {version}); use that one", path.display())]
    LaterForm { path: PathBuf, version: u64 },
    #[error("others can read the privacy ledger's key {0}; run: chmod 600 {0}", path.display())]
    Readable { path: PathBuf },
    #[error("the run is not in the privacy ledger")]
    UnknownRun,
    #[error("a column has not one number for each person")]
    Column,
}

impl From<FileError> for LedgerError {
    fn from(error: FileError) -> Self {
        Self::Io {
            path: error.path,
            source: error.source,
        }
    }
}

/// The ledger of a node: a folder of its own.
pub struct Ledger {
    store: Store,
}

impl Ledger {
    /// Opens the ledger, and makes it where there is none. `rng` makes the key that people's ids
    /// are hashed with. `witness` is told of every change, and says whether the ledger is the
    /// newest one.
    pub fn open(
        folder: &Path,
        rng: &mut (impl RngCore + CryptoRng),
        witness: Arc<dyn Witness>,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            store: Store::open(folder.to_owned(), rng, witness)?,
        })
    }

    /// The number by which the ledger knows a person, under every dataset id.
    pub fn number(&self, person: &IndividualId) -> u64 {
        self.store.number(person)
    }

    /// A secret of this ledger for `purpose` and what it is about: always the same one.
    pub fn seed(&self, purpose: &str, about: &[u8]) -> [u8; 32] {
        *self.store.seed(purpose, about).as_bytes()
    }

    /// Checks a run against the books.
    pub fn check(&self, run: &Run) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        Ok(check(run, &self.store.read(&lock)?)?)
    }

    /// Checks again and enters the run. To be called before this node reveals its first share; an
    /// error ends the run.
    pub fn mark_opened(&self, run: &Run, now: Timestamp) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        check(run, &book)?;
        book.runs.push(RunRecord {
            permit: run.permit,
            job: run.job,
            question: run.question,
            study: run.study,
            detail: run.detail,
            data_user: run.data_user.clone(),
            dataset: run.dataset.clone(),
            roster: sorted(&run.roster),
            snapshot: run.snapshot,
            opened: now,
            state: RunState::Opened,
            individuals: 0,
            exported: Vec::new(),
            people: None,
            columns: Vec::new(),
        });
        self.store
            .write(&lock, &Change::of("opened", run.job), &book)
    }

    /// Enters what a run weighs genotypes with, before anything about genotypes is answered.
    /// `numbers` are the people in the order of the columns' values; `judged` is the account that
    /// was judged with them. Refuses where something was added to that account meanwhile: two runs
    /// at once would each be judged without the other; and where somebody was shown these people
    /// under another dataset id. `individuals` are the people of the run over all nodes.
    pub fn enter_columns(
        &self,
        job: Digest,
        judged: &Account,
        numbers: &[u64],
        columns: &[NewColumn],
        individuals: u64,
    ) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        let run = last_of(&mut book, job)?;
        let (user, dataset) = (run.data_user.clone(), run.dataset.clone());
        let counts = counts_for(&user, &book.runs);
        let entered = book
            .runs
            .iter()
            .filter(|run| run.people.is_some() && counts(run));
        if !entered.map(|run| run.job).eq(judged.jobs().iter().copied()) {
            return Err(LedgerRefusal::Meanwhile.into());
        }
        self.check_dataset(&book, &dataset, numbers)?;
        let (people, records) = self.write_columns(&lock, numbers, columns)?;
        let record = last_of(&mut book, job)?;
        (record.people, record.columns, record.individuals) = (Some(people), records, individuals);
        self.store.write(&lock, &Change::of("columns", job), &book)
    }

    /// Refuses people who were used under another dataset id, by anybody.
    fn check_dataset(
        &self,
        book: &RunBook,
        dataset: &DatasetId,
        numbers: &[u64],
    ) -> Result<(), LedgerError> {
        let others = book.runs.iter().filter(|run| run.dataset != *dataset);
        let sets: BTreeSet<_> = others
            .filter_map(|run| Some((&run.dataset, run.people?)))
            .collect();
        for (other, set) in sets {
            let people = self.store.read_people(set)?;
            if numbers.iter().any(|number| people.place(*number).is_some()) {
                return Err(LedgerRefusal::OtherDataset {
                    dataset: other.clone(),
                }
                .into());
            }
        }
        Ok(())
    }

    fn write_columns(
        &self,
        lock: &Lock,
        numbers: &[u64],
        columns: &[NewColumn],
    ) -> Result<(Digest, Vec<ColumnRecord>), LedgerError> {
        let people = PeopleSet::new(numbers.to_vec());
        self.store.write_people(lock, &people)?;
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_by_key(|person| numbers[*person]);
        let mut records = Vec::with_capacity(columns.len());
        for column in columns {
            let values = match &column.values {
                None => None,
                Some(values) if values.len() != numbers.len() => return Err(LedgerError::Column),
                Some(values) => {
                    let sorted = Packed::new(order.iter().map(|person| values[*person]));
                    Some(self.store.write_column(lock, &sorted)?)
                }
            };
            records.push(ColumnRecord {
                role: column.role.clone(),
                variable: column.variable.clone(),
                values,
                centre: Exact(column.centre),
                unit: Exact(column.unit),
                fill: column.fill.map(Exact),
            });
        }
        Ok((people.digest(), records))
    }

    /// Notes that the run's result was released inside the environment.
    pub fn mark_released(&self, job: Digest, result: Digest) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        last_of(&mut book, job)?.state = RunState::Released(result);
        self.store.write(&lock, &Change::of("released", job), &book)
    }

    /// The steward's word that unfinished runs of a question will not be finished, after the
    /// steward of the lost node has agreed. The nodes of one whose columns were not entered no
    /// longer bind the data user; where they were, something may have been released, and the word
    /// of it lost: other nodes then take [`Ledger::allow`]. Gives the number of runs closed.
    pub fn close(&self, question: Digest) -> Result<usize, LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        let mut closed = 0;
        let released =
            |r: &RunRecord| r.question == question && matches!(r.state, RunState::Released(_));
        if book.runs.iter().any(released) {
            return Ok(0);
        }
        for record in book
            .runs
            .iter_mut()
            .filter(|r| r.question == question && r.state == RunState::Opened)
        {
            record.state = RunState::Closed;
            closed += 1;
        }
        self.store.write(
            &lock,
            &Change {
                what: "closed",
                job: None,
            },
            &book,
        )?;
        Ok(closed)
    }

    /// The steward's word that a data user may run on a dataset with these nodes too.
    pub fn allow(
        &self,
        dataset: &DatasetId,
        data_user: &str,
        roster: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        book.rosters.push(AllowedRoster {
            dataset: dataset.clone(),
            data_user: data_user.to_owned(),
            roster: sorted(roster),
            allowed: now,
        });
        self.store.write(
            &lock,
            &Change {
                what: "allowed",
                job: None,
            },
            &book,
        )
    }

    /// All entered runs, oldest first.
    pub fn runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let lock = self.store.lock()?;
        Ok(self.store.read(&lock)?.runs)
    }

    /// What a data user was shown of this node's people, with all that was exported by anybody.
    pub fn account(&self, data_user: &DataUser) -> Result<Account, LedgerError> {
        self.account_of(|runs| counts_for(data_user, runs))
    }

    /// The jobs of a data user on a dataset.
    pub fn jobs_of(
        &self,
        data_user: &DataUser,
        dataset: &DatasetId,
    ) -> Result<BTreeSet<Digest>, LedgerError> {
        let runs = self.runs()?;
        let party = Party::of(data_user, &runs);
        let own = runs
            .iter()
            .filter(|run| run.dataset == *dataset && party.has(&run.data_user));
        Ok(own.map(|run| run.job).collect())
    }

    /// Everything that was shown to anybody.
    pub fn everything(&self) -> Result<Account, LedgerError> {
        self.account_of(|_| |_: &RunRecord| true)
    }

    /// What was exported by anybody.
    pub fn exported(&self) -> Result<Account, LedgerError> {
        self.account_of(|_| RunRecord::is_exported)
    }

    /// What was shown to anybody of these variables, and who was counted: a run's people are chosen
    /// by it, so that the people of all data users differ by nobody or by many. What is exported
    /// one day is read by all of them.
    pub fn shown_of(&self, variables: &[&VariableName]) -> Result<Account, LedgerError> {
        let lock = self.store.lock()?;
        let wanted = |column: &ColumnRecord| {
            column
                .variable
                .as_ref()
                .is_none_or(|name| variables.contains(&name))
        };
        let runs = self.store.read(&lock)?.runs.into_iter().map(|mut run| {
            run.columns.retain(wanted);
            run
        });
        Account::read(&self.store, runs)
    }

    /// The account of those runs that a rule, made from all of them, counts.
    fn account_of<C: Fn(&RunRecord) -> bool>(
        &self,
        rule: impl FnOnce(&[RunRecord]) -> C,
    ) -> Result<Account, LedgerError> {
        let lock = self.store.lock()?;
        let runs = self.store.read(&lock)?.runs;
        let counts = rule(&runs);
        Account::read(&self.store, runs.into_iter().filter(counts))
    }

    /// The digest of the whole ledger, which the witness saw last.
    pub fn digest(&self) -> Result<Digest, LedgerError> {
        self.store.digest(&self.store.lock()?)
    }
}

impl Change {
    const fn of(what: &'static str, job: Digest) -> Self {
        Self {
            what,
            job: Some(job),
        }
    }
}

fn check(run: &Run, book: &RunBook) -> Result<(), LedgerRefusal> {
    closed::check(run, book)?;
    if let Some(used) = book.runs.iter().find(|record| record.job == run.job) {
        return Err(LedgerRefusal::JobUsed {
            opened: used.opened,
        });
    }
    let party = Party::of(&run.data_user, &book.runs);
    let answered = |record: &&RunRecord| {
        record.dataset == run.dataset
            && party.has(&record.data_user)
            && record.study == run.study
            && record.detail != run.detail
            && record.people.is_some()
    };
    if let Some(answered) = book.runs.iter().find(answered) {
        return Err(LedgerRefusal::OtherDetail {
            opened: answered.opened,
        });
    }
    check_plans(run, &party, book)?;
    let roster = sorted(&run.roster);
    let allowed = book.rosters.iter().any(|allowed| {
        allowed.dataset == run.dataset
            && names::are_alike(&allowed.data_user, &run.data_user.name)
            && allowed.roster == roster
    });
    let binds = |record: &&RunRecord| {
        record.dataset == run.dataset
            && party.has(&record.data_user)
            && (record.state != RunState::Closed || record.people.is_some())
            && record.roster != roster
    };
    if allowed {
        return Ok(());
    }
    if let Some(bound) = book.runs.iter().find(binds) {
        return Err(LedgerRefusal::Roster {
            data_user: run.data_user.name.clone(),
            opened: bound.opened,
        });
    }
    let exported = book.runs.iter().filter(|record| record.is_exported());
    let mut rosters: Vec<_> = exported.map(|record| record.roster.clone()).collect();
    rosters.push(roster.clone());
    rosters::check(&rosters, rosters::Observer::Nodes(&roster))
}

/// Refuses one more study where a data user only planned so many, or broke them off before anything
/// about genotypes.
fn check_plans(run: &Run, party: &Party, book: &RunBook) -> Result<(), LedgerRefusal> {
    let own = || {
        book.runs
            .iter()
            .filter(|record| record.dataset == run.dataset && party.has(&record.data_user))
    };
    let run_later: BTreeSet<Digest> = own()
        .filter(|record| record.people.is_some())
        .map(|record| record.question)
        .collect();
    let planned = |record: &&RunRecord| {
        record.state == RunState::Opened
            && record.people.is_none()
            && !run_later.contains(&record.question)
    };
    if own().filter(planned).count() < PLANS_MAX {
        Ok(())
    } else {
        Err(LedgerRefusal::Plans)
    }
}

fn last_of(book: &mut RunBook, job: Digest) -> Result<&mut RunRecord, LedgerError> {
    book.runs
        .iter_mut()
        .rev()
        .find(|record| record.job == job)
        .ok_or(LedgerError::UnknownRun)
}

fn sorted(roster: &[[u8; 32]]) -> Vec<Digest> {
    let mut keys: Vec<Digest> = roster.iter().copied().map(Digest::from_bytes).collect();
    keys.sort();
    keys.dedup();
    keys
}
