//! `ligate recover`: how a node whose books were put back may answer again. It asks its peers which
//! heads of its log they hold, and coordinators which runs of it they know; takes over what log and
//! coordinators can prove; closes what nobody can; and writes both into the log. It refuses a node
//! that is serving, a steward's word about a time after the books end, and a registry of which
//! nobody says who has withdrawn.
//!
//! What was shown in a run whose columns are lost can never be judged again, so the account of its
//! data user stays closed. Where entries of the log may be lost, every account is closed, unless
//! the steward says in so many words that nothing was shown since.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{self, Entry, Event, Head, Log},
};
use ligate_disclosure::{ClosedAccount, Codings, DataUser, LedgerError, RunRecord};
use ligate_model::{BinaryCoding, Digest, IndividualId, NodeName};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::{
    books::{
        Book, Mark, check_book, is_kept, lost_heads, mark, mark_path, marked, open_ledger,
        open_registry, patients_file, peers,
    },
    folder::Folder,
    output,
    registry::Registry,
    revocations,
    session::{Answer, KnownRun, Question},
};

/// Names of peers in one entry of the log.
const NAMES_MAX: usize = 64;

/// What the steward says.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Apart from the runs that log and coordinators prove, nothing was shown since then.
    pub nothing_shown_since: Option<Timestamp>,
    /// A file of those who have withdrawn: ids, or what `ligate registry withdrawals` wrote.
    pub withdrawn: Option<PathBuf>,
    /// Nobody has withdrawn since then.
    pub no_withdrawals_since: Option<Timestamp>,
}

/// What a recovery did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Recovered {
    /// Why it was needed; empty if it was not.
    pub reasons: Vec<String>,
    pub peers_asked: Vec<NodeName>,
    pub peers_silent: Vec<NodeName>,
    /// The largest head that a peer holds and the log does not continue.
    pub lost_size: u64,
    pub runs_taken_over: u64,
    /// Data users whose accounts are closed for good.
    pub accounts_closed: Vec<String>,
    pub all_accounts_closed: bool,
    pub withdrawals: u64,
    /// Whether the consents of all patients of the registry count as not given.
    pub consents_closed: bool,
}

/// What is known of the books before anything is done.
struct Findings {
    marked: Option<Mark>,
    ledger_kept: bool,
    /// Why the ledger cannot be gone on with.
    ledger_fault: Option<anyhow::Error>,
    registry_kept: bool,
    registry_fits: bool,
    patients_kept: bool,
    patients_fit: bool,
    clock: Option<String>,
    /// The end of what is certain: what came later may be lost.
    since: Timestamp,
    asked: Vec<NodeName>,
    silent: Vec<NodeName>,
    lost: Vec<Head>,
    known: Vec<KnownRun>,
}

impl Findings {
    fn gather(folder: &Folder, log: &Log, runtime: &Runtime) -> Result<Self> {
        let (mut asked, mut silent, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for word in runtime.block_on(peers::ask(folder, &Question::HeadsHeld, false))? {
            match peers::heads(&word) {
                Ok(heads) => {
                    held.extend_from_slice(heads);
                    asked.push(word.peer);
                }
                Err(reason) => {
                    note!("warning: {} could not be asked: {reason}", word.peer);
                    silent.push(word.peer);
                }
            }
        }
        let (marked, lost) = (marked(folder)?, lost_heads(folder, &held)?);
        Ok(Self {
            ledger_kept: is_kept(folder, Book::Privacy)?,
            ledger_fault: check_book(folder, Book::Privacy).err(),
            registry_kept: is_kept(folder, Book::Registry)?,
            registry_fits: check_book(folder, Book::Registry).is_ok(),
            patients_kept: is_kept(folder, Book::Patients)?,
            patients_fit: check_book(folder, Book::Patients).is_ok(),
            clock: log
                .check_clock(Timestamp::now())
                .err()
                .map(|error| error.to_string()),
            since: certain_until(folder, log, &held, &lost)?.min(end_of_copy(marked.as_ref())),
            known: known_runs(folder, runtime)?,
            marked,
            asked,
            silent,
            lost,
        })
    }

    /// Whether entries of the log may be lost: then nobody knows all that was shown.
    fn rolled_back(&self) -> bool {
        let unproven = self.asked.is_empty() || !self.silent.is_empty();
        self.marked.is_some() || !self.lost.is_empty() || (self.ledger_fault.is_some() && unproven)
    }

    fn reasons(&self) -> Vec<String> {
        let marked = self.marked.iter().map(|mark| &mark.reason);
        let mut reasons: Vec<String> = marked.chain(&self.clock).cloned().collect();
        if let Some(fault) = &self.ledger_fault {
            reasons.push(match fault.downcast_ref() {
                Some(LedgerError::EarlierForm { .. }) => {
                    "the privacy ledger was written by an earlier program".to_owned()
                }
                _ => "the privacy ledger is not the one that the audit log tells of".to_owned(),
            });
        }
        if !self.registry_fits {
            reasons.push(
                "the registry's ledger is not the one that the audit log tells of".to_owned(),
            );
        }
        if !self.patients_fit {
            reasons.push(
                "the registry's patients are not those that the audit log tells of".to_owned(),
            );
        }
        if !self.lost.is_empty() {
            reasons.push("peers hold heads that the audit log does not continue".to_owned());
        }
        reasons
    }

    fn registry_doubtful(&self) -> bool {
        self.registry_kept && (self.rolled_back() || !self.registry_fits)
    }

    /// Whether a patient may have taken a consent back that the patients as they lie still have.
    fn consents_doubtful(&self) -> bool {
        self.patients_kept && (self.registry_doubtful() || !self.patients_fit)
    }
}

/// Runs of this node that coordinators know.
fn known_runs(folder: &Folder, runtime: &Runtime) -> Result<Vec<KnownRun>> {
    let mut known = Vec::new();
    for word in runtime.block_on(peers::ask(folder, &Question::RunsKnown, true))? {
        if let Ok(Answer::RunsKnown { runs }) = word.answer {
            known.extend(runs);
        }
    }
    Ok(known)
}

fn end_of_copy(marked: Option<&Mark>) -> Timestamp {
    marked.and_then(|mark| mark.since).unwrap_or(Timestamp::MAX)
}

/// The time of the last entry that is surely not written over lost ones: where heads are lost, that
/// of the largest head that the log continues.
fn certain_until(folder: &Folder, log: &Log, held: &[Head], lost: &[Head]) -> Result<Timestamp> {
    if lost.is_empty() {
        return Ok(log.head().time);
    }
    let verified = audit::verify(&folder.audit(), folder.identity.public())?;
    let continued = held.iter().filter(|head| verified.continues(head));
    Ok(continued
        .map(|head| head.time)
        .max()
        .unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Recovers the node of `folder`.
pub fn recover(folder: &Folder, words: &Words) -> Result<Recovered> {
    let _claims = [folder.claim("serve")?, folder.claim("coordinate")?];
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let now = Timestamp::now();
    let mut log = Log::open_whenever(&folder.audit(), folder.identity.clone(), now)?;
    let findings = Findings::gather(folder, &log, &runtime)?;
    let closed = closed_before(folder, &findings)?;
    let word = words.nothing_shown_since;
    if findings.reasons().is_empty() && (word.is_none() || closed.is_none()) {
        let Findings { asked, silent, .. } = findings;
        return Ok(Recovered {
            peers_asked: asked,
            peers_silent: silent,
            ..Recovered::default()
        });
    }
    let since = closed.unwrap_or(findings.since).min(findings.since);
    take_own_revocations(folder, &runtime);
    let plan = Plan::make(folder, &findings, words, since)?;
    let done = plan.summary(&findings, word.is_none() && closed.is_some());
    // From here on the node answers nobody until all of it is done.
    mark(
        folder.path(),
        "a recovery has begun and did not end",
        Some(since),
    )?;
    log.append_recovery(entry(&done, &findings, words), now)?;
    plan.carry_out(folder, &findings, word.is_some(), now)?;
    let path = mark_path(folder.path());
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(done)
}

/// An access body takes its own newest list of revoked permits back from its peers: what it revoked
/// since the copy is revoked.
fn take_own_revocations(folder: &Folder, runtime: &Runtime) {
    let issued = fs::read_dir(folder.permits()).is_ok_and(|mut permits| permits.next().is_some());
    if !issued {
        return;
    }
    if let Err(error) = revocations::refresh(folder, folder.identity.public(), runtime.handle()) {
        note!(
            "warning: {}; permits that were revoked since the copy are not known here",
            output::one_line(&error)
        );
    }
}

/// What a recovery will do.
struct Plan {
    taken_over: u64,
    accounts: Vec<ClosedAccount>,
    /// Codings that the log tells of.
    codings: Codings,
    withdrawals: Withdrawals,
    /// Whether the patients' consents count as not given.
    consents_closed: bool,
    /// Since when batches of the registry may be missing.
    forgotten: Option<Timestamp>,
}

impl Plan {
    fn make(folder: &Folder, findings: &Findings, words: &Words, since: Timestamp) -> Result<Self> {
        let word = words.nothing_shown_since;
        check_word(word, since, "--nothing-was-shown-since")?;
        let withdrawals = withdrawals(words, findings, since)?;
        let told = Told::read(folder)?;
        let mut accounts = missing(folder, findings, &told, since)?;
        let taken_over = accounts.len() as u64;
        let holds_data = findings.ledger_kept || !folder.lake()?.datasets()?.is_empty();
        if findings.rolled_back() && word.is_none() && holds_data {
            accounts.push(ClosedAccount {
                data_user: None,
                job: None,
                since,
            });
        }
        let forgotten = forgotten(folder, findings, word, since)?;
        let consents_closed = findings.consents_doubtful() && words.no_withdrawals_since.is_none();
        let codings = told.codings;
        Ok(Self {
            taken_over,
            accounts,
            codings,
            withdrawals,
            consents_closed,
            forgotten,
        })
    }

    /// `stays_closed`: an earlier recovery closed all accounts, and nobody's word opens them.
    fn summary(&self, findings: &Findings, stays_closed: bool) -> Recovered {
        let everybody = self
            .accounts
            .iter()
            .any(|account| account.data_user.is_none());
        Recovered {
            reasons: findings.reasons(),
            lost_size: findings
                .lost
                .iter()
                .map(|head| head.size)
                .max()
                .unwrap_or(0),
            runs_taken_over: self.taken_over,
            accounts_closed: names(&self.accounts),
            all_accounts_closed: everybody || stays_closed,
            withdrawals: self.withdrawals.len() as u64,
            consents_closed: self.consents_closed,
            peers_asked: findings.asked.clone(),
            peers_silent: findings.silent.clone(),
        }
    }

    fn carry_out(
        &self,
        folder: &Folder,
        findings: &Findings,
        word: bool,
        now: Timestamp,
    ) -> Result<()> {
        if findings.ledger_kept || !self.accounts.is_empty() {
            open_ledger(folder)?.recover(&self.accounts, &self.codings, word)?;
        }
        if findings.registry_kept {
            let Withdrawals { people, numbers } = &self.withdrawals;
            open_registry(folder)?.recover((people, numbers), self.forgotten, now)?;
        }
        if findings.registry_kept || findings.patients_kept {
            let registry =
                Registry::of_books(folder, (open_registry(folder)?, patients_file(folder)));
            registry.recover_patients(!self.consents_closed)?;
        }
        Ok(())
    }
}

/// Since when all accounts, or the registry's batches, are closed by an earlier recovery, where
/// they are.
fn closed_before(folder: &Folder, findings: &Findings) -> Result<Option<Timestamp>> {
    let mut since = Vec::new();
    if findings.ledger_fault.is_none() && findings.ledger_kept {
        let closed = open_ledger(folder)?.closed_accounts()?;
        since.extend(
            closed
                .iter()
                .filter(|account| account.data_user.is_none())
                .map(|account| account.since),
        );
    }
    if findings.registry_fits && findings.registry_kept {
        since.extend(open_registry(folder)?.forgotten()?);
    }
    Ok(since.into_iter().min())
}

/// Since when batches of the registry may be missing: by the steward's word there are none.
fn forgotten(
    folder: &Folder,
    findings: &Findings,
    word: Option<Timestamp>,
    since: Timestamp,
) -> Result<Option<Timestamp>> {
    match word {
        Some(_) => Ok(None),
        None if findings.registry_doubtful() => Ok(Some(since)),
        None if findings.registry_kept => Ok(open_registry(folder)?.forgotten()?),
        None => Ok(None),
    }
}

/// A word must reach back to where the books end: what lies between would be nobody's word.
fn check_word(word: Option<Timestamp>, since: Timestamp, option: &str) -> Result<()> {
    ensure!(
        word.is_none_or(|word| word <= since),
        "{option} must name {since} or earlier: that is the last entry of the books, and what came after it is unknown"
    );
    Ok(())
}

fn names(accounts: &[ClosedAccount]) -> Vec<String> {
    let users = accounts
        .iter()
        .filter_map(|account| account.data_user.as_ref());
    users
        .map(|user| user.name.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn entry(done: &Recovered, findings: &Findings, words: &Words) -> Event {
    let some = |names: &[NodeName]| names.iter().take(NAMES_MAX).cloned().collect();
    Event::NodeRecovered {
        lost_size: done.lost_size,
        lost_time: findings.lost.iter().map(|head| head.time).max(),
        peers_asked: some(&done.peers_asked),
        peers_silent: some(&done.peers_silent),
        runs_taken_over: done.runs_taken_over,
        all_accounts_closed: done.all_accounts_closed,
        withdrawals: done.withdrawals,
        consents_closed: done.consents_closed,
        nothing_shown_since: words.nothing_shown_since,
        no_withdrawals_since: words.no_withdrawals_since,
    }
}

/// What the log says of runs: who asked, and how far the ledger had them. And how it says that
/// diseases are coded.
#[derive(Default)]
struct Told {
    users: BTreeMap<Digest, DataUser>,
    steps: BTreeSet<(Digest, &'static str)>,
    /// How many contents of a job left.
    exports: BTreeMap<Digest, usize>,
    /// What had rounds and is no run of the ledger: jobs that this folder coordinated, exports.
    no_runs: BTreeSet<Digest>,
    codings: Codings,
}

impl Told {
    fn read(folder: &Folder) -> Result<Self> {
        let (mut told, own) = (Self::default(), folder.identity.public().to_string());
        audit::entries(&folder.audit(), &mut |entry| {
            told.take_coding(&entry);
            told.take(&entry, &own);
        })?;
        Ok(told)
    }

    fn take(&mut self, entry: &Entry, own: &str) {
        let Some(job) = entry.text("job").and_then(|job| job.parse().ok()) else {
            return;
        };
        match (entry.kind.as_str(), entry.text("what")) {
            ("job", _) => {
                self.users.extend(data_user(entry).map(|user| (job, user)));
                self.no_runs
                    .extend((entry.text("coordinator") == Some(own)).then_some(job));
            }
            ("export-asked", _) => {
                self.no_runs.extend(
                    entry
                        .text("export")
                        .and_then(|export| export.parse::<Digest>().ok()),
                );
            }
            // Logs of earlier programs tell no more of the ledger; in later ones the ledger has the
            // run before this.
            ("round", _) if !self.no_runs.contains(&job) => {
                self.steps.insert((job, "opened"));
            }
            ("ledger-changed", Some(what)) => {
                let known = ["opened", "columns", "exported"]
                    .into_iter()
                    .find(|step| *step == what);
                self.steps.extend(known.map(|step| (job, step)));
                if what == "exported" {
                    *self.exports.entry(job).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    fn take_coding(&mut self, entry: &Entry) {
        let decided = entry.kind == "coding-decided";
        if !decided && entry.kind != "coding-forgotten" {
            return;
        }
        let name = |field| entry.text(field).unwrap_or_default();
        let (Ok(dataset), Ok(variable)) = (name("dataset").parse(), name("variable").parse())
        else {
            return;
        };
        let coding = entry
            .fields
            .get("coding")
            .and_then(|coding| BinaryCoding::deserialize(coding).ok());
        let codings = self.codings.entry(dataset).or_default();
        match coding.filter(|_| decided) {
            Some(coding) => codings.insert(variable, coding),
            None => codings.remove(&variable),
        };
    }
}

/// Who asked, as the entry of a job says.
pub fn data_user(entry: &Entry) -> Option<DataUser> {
    let key: PublicKey = entry.text("data_user")?.parse().ok()?;
    Some(DataUser::new(entry.text("data_user_name")?, key.as_bytes()))
}

/// Accounts of runs that log or coordinators prove, and that the ledger lacks or has without its
/// columns.
fn missing(
    folder: &Folder,
    findings: &Findings,
    told: &Told,
    since: Timestamp,
) -> Result<Vec<ClosedAccount>> {
    if !findings.ledger_kept {
        return Ok(Vec::new());
    }
    let runs = match open_ledger(folder).context(LOST)?.runs_as_they_lie() {
        Err(error @ LedgerError::LaterForm { .. }) => return Err(error.into()),
        runs => runs.context(LOST)?,
    };
    let runs: BTreeMap<Digest, &RunRecord> = runs.iter().map(|run| (run.job, run)).collect();
    let mut accounts: BTreeMap<Digest, Option<DataUser>> = BTreeMap::new();
    for (job, step) in &told.steps {
        let run = runs.get(job);
        let lacks = match *step {
            "columns" => run.is_none_or(|run| run.people.is_none()),
            "exported" => {
                let told = told.exports.get(job).copied().unwrap_or(0);
                run.is_none_or(|run| run.exported.len() < told)
            }
            _ => run.is_none(),
        };
        if lacks {
            // What was exported counts for everybody.
            let user = told.users.get(job).filter(|_| *step != "exported").cloned();
            accounts
                .entry(*job)
                .and_modify(|known| *known = known.take().and(user.clone()))
                .or_insert(user);
        }
    }
    for known in &findings.known {
        let run = runs.get(&known.job);
        if run.is_none() || (known.released && run.is_some_and(|run| run.people.is_none())) {
            accounts
                .entry(known.job)
                .or_insert_with(|| Some(known.data_user.clone()));
        }
        if run.map_or(0, |run| run.exported.len()) < known.exported {
            accounts.insert(known.job, None);
        }
    }
    Ok(accounts
        .into_iter()
        .map(|(job, data_user)| ClosedAccount {
            data_user,
            job: Some(job),
            since,
        })
        .collect())
}

/// Said where there is no ledger to go on from.
const LOST: &str = "the privacy ledger itself is lost or damaged: put it back from the newest backup first, whole, and \
                    recover then; without one this node cannot answer any more (docs/operations.md)";

/// Who has withdrawn.
#[derive(Default)]
struct Withdrawals {
    people: Vec<IndividualId>,
    numbers: Vec<u64>,
}

impl Withdrawals {
    fn len(&self) -> usize {
        self.people.len() + self.numbers.len()
    }

    /// Ids, one a line, or what `ligate registry withdrawals` wrote.
    fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut withdrawals = Self::default();
        let (hashed, lines) = match text.strip_prefix(WITHDRAWALS_HEADER) {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        for (number, line) in lines
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let bad = || {
                format!(
                    "line {} of {} is no patient's id or number",
                    number + 1,
                    path.display()
                )
            };
            if hashed {
                withdrawals.numbers.push(
                    u64::from_str_radix(line.trim(), 16)
                        .ok()
                        .with_context(bad)?,
                );
            } else {
                withdrawals
                    .people
                    .push(IndividualId::new(line.trim()).ok().with_context(bad)?);
            }
        }
        Ok(withdrawals)
    }
}

/// The first line of a file of withdrawals as the registry writes it; numbers under the registry's
/// key follow.
pub const WITHDRAWALS_HEADER: &str = "# ligate withdrawals 1\n";

fn withdrawals(words: &Words, findings: &Findings, since: Timestamp) -> Result<Withdrawals> {
    check_word(words.no_withdrawals_since, since, "--no-withdrawals-since")?;
    match &words.withdrawn {
        Some(path) => Withdrawals::read(path),
        None if !findings.registry_doubtful() || words.no_withdrawals_since.is_some() => {
            Ok(Withdrawals::default())
        }
        None => bail!(
            "this node has a registry, and patients who withdrew after {since} must stay withdrawn: name them with \
             --withdrawn FILE (ids, or what `ligate registry withdrawals` wrote), or say --no-withdrawals-since {since}"
        ),
    }
}
