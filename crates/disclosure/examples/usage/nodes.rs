//! Three nodes with real ledgers, and the span rule over them as the nodes and the coordinator
//! follow it (`serve/account.rs`, `run/federated/account.rs`), without masks and network.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ligate_disclosure::{
    Account, Change, ColumnId, DataUser, Ledger, NewColumn, Run, Witness, WitnessError,
    span::{Basis, Frame, Gram, Limits, Rotation, Rows, Search, fraction_bits, judge_by},
};
use ligate_model::{Digest, IndividualId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::study::Study;

pub type Failure = Box<dyn std::error::Error>;

/// Of one check.
pub const THREADS: usize = 1;

/// Nodes tell the largest leverages rounded up to whole multiples of this (`session.rs`).
const LEVERAGE_STEP: f64 = 0.01;

/// An audit log of one line.
#[derive(Default)]
pub struct Noted(Mutex<Option<Digest>>);

impl Witness for Noted {
    fn last(&self) -> Result<Option<Digest>, WitnessError> {
        Ok(*self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn note(&self, _: &Change, digest: Digest) -> Result<(), WitnessError> {
        *self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(digest);
        Ok(())
    }
}

/// Whose account is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// One data user, who did all studies.
    Inside,
    /// Everybody: all studies of all data users were exported.
    Outside,
}

/// What the nodes find in an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    /// Those that are judged: the distinct ones of the account and, inside, all of the new study.
    pub columns: usize,
    /// The largest one of a person, by the sums without each other node.
    pub leverage: f64,
    /// Sums that were made a second time, and left-out nodes for which groups over nodes were
    /// searched.
    pub second_sums: usize,
    pub searches: usize,
    /// What was refused, if anything.
    pub refused: Option<&'static str>,
}

pub struct Nodes {
    ledgers: Vec<Ledger>,
    numbers: Vec<Vec<u64>>,
    folder: tempfile::TempDir,
}

impl Nodes {
    pub fn new(sizes: &[usize]) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (mut ledgers, mut numbers) = (Vec::new(), Vec::new());
        for (node, size) in sizes.iter().enumerate() {
            let path = folder.path().join(node.to_string());
            std::fs::create_dir(&path)?;
            let ledger = Ledger::open(&path, &mut rng, Arc::new(Noted::default()))?;
            let number =
                |person| IndividualId::new(format!("P{person}")).map(|id| ledger.number(&id));
            numbers.push((0..*size).map(number).collect::<Result<_, _>>()?);
            ledgers.push(ledger);
        }
        Ok(Self {
            ledgers,
            numbers,
            folder,
        })
    }

    /// Enters a study with its columns over the people of all nodes.
    pub fn enter(&self, study: &Study, columns: &[NewColumn]) -> Result<(), Failure> {
        let run = run(study)?;
        let mut first = 0;
        for (ledger, numbers) in self.ledgers.iter().zip(&self.numbers) {
            let own = first..first + numbers.len();
            let part = |column: &NewColumn| NewColumn {
                values: column
                    .values
                    .as_ref()
                    .map(|values| values[own.clone()].to_vec()),
                ..column.clone()
            };
            let columns: Vec<NewColumn> = columns.iter().map(part).collect();
            ledger.mark_opened(&run, Timestamp::UNIX_EPOCH)?;
            let judged = ledger.account(&run.data_user)?;
            ledger.enter_columns(run.job, &judged, numbers, &columns, self.people())?;
            first = own.end;
        }
        Ok(())
    }

    /// With a folder for each node, by its number.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The people of a node as its ledger knows them.
    pub fn numbers(&self, node: usize) -> &[u64] {
        &self.numbers[node]
    }

    /// Everything that a node showed.
    pub fn account(&self, node: usize) -> Result<Account, Failure> {
        Ok(self.ledgers[node].everything()?)
    }

    fn people(&self) -> u64 {
        self.numbers.iter().map(Vec::len).sum::<usize>() as u64
    }

    /// Judges the last of the first studies with all that was shown before, or the export of all of
    /// them.
    pub fn judge(&self, door: Door, studies: u64) -> Result<Verdict, Failure> {
        let account = |ledger: &Ledger| match door {
            Door::Inside => ledger.account(&user(0)),
            Door::Outside => ledger.everything(),
        };
        let accounts = self
            .ledgers
            .iter()
            .map(account)
            .collect::<Result<Vec<_>, _>>()?;
        let (ids, first_new) = columns(&accounts, door, studies);
        let sides = accounts.iter().zip(&self.numbers);
        let rows = sides
            .map(|(account, numbers)| account.rows(&ids, numbers, &[]))
            .collect();
        drop(accounts);
        Check {
            rows,
            first_new,
            bits: fraction_bits(4 * self.people(), ids.len()),
        }
        .verdict()
    }
}

/// The columns that are judged, and the place of the first one of a new study.
fn columns(accounts: &[Account], door: Door, studies: u64) -> (Vec<ColumnId>, usize) {
    let of_first = |studies: u64| (0..studies).map(job).collect::<BTreeSet<Digest>>();
    if door == Door::Outside {
        let ids = distinct(accounts, &of_first(studies));
        let count = ids.len();
        return (ids, count);
    }
    let mut ids = distinct(accounts, &of_first(studies - 1));
    let (first_new, last) = (ids.len(), job(studies - 1));
    ids.extend(
        accounts[0]
            .columns()
            .iter()
            .map(|column| column.id)
            .filter(|id| id.job == last),
    );
    (ids, first_new)
}

/// The columns of these jobs that are distinct over all nodes.
fn distinct(accounts: &[Account], jobs: &BTreeSet<Digest>) -> Vec<ColumnId> {
    let classes = |account: &Account| -> BTreeMap<ColumnId, u32> {
        account
            .columns()
            .iter()
            .map(|column| (column.id, column.class))
            .collect()
    };
    let known: Vec<BTreeMap<ColumnId, u32>> = accounts.iter().map(classes).collect();
    let ids: BTreeSet<ColumnId> = known
        .iter()
        .flat_map(|account| account.keys().copied())
        .collect();
    let mut seen = BTreeSet::new();
    let mut new = |id: &ColumnId| {
        seen.insert(
            known
                .iter()
                .map(|account| account.get(id).copied())
                .collect::<Vec<_>>(),
        )
    };
    ids.into_iter()
        .filter(|id| jobs.contains(&id.job) && new(id))
        .collect()
}

/// The columns of an account over the people of each node.
struct Check {
    rows: Vec<Rows>,
    first_new: usize,
    /// Of the first sums.
    bits: u32,
}

impl Check {
    fn verdict(&self) -> Result<Verdict, Failure> {
        let limits = Limits::of_cell(10);
        let mut verdict = Verdict {
            columns: self.rows[0].columns(),
            ..Verdict::default()
        };
        let own: Vec<Gram> = self.rows.iter().map(|rows| rows.gram(THREADS)).collect();
        let mut possible = Vec::new();
        for without in 0..self.rows.len() {
            let basis = self.basis(&own, without, &mut verdict)?;
            if self.judge_without(without, &basis, limits, &mut verdict) {
                possible.push((without, basis));
            }
        }
        if verdict.refused.is_some() {
            return Ok(verdict);
        }
        verdict.searches = possible.len();
        for (without, basis) in possible {
            if self.climb(without, basis, limits) > limits.share {
                verdict.refused = Some("a group over nodes");
            }
        }
        Ok(verdict)
    }

    /// The basis of the sum without a node, from a second sum where the first one is not precise
    /// enough.
    fn basis(&self, own: &[Gram], without: usize, verdict: &mut Verdict) -> Result<Basis, Failure> {
        let basis = Basis::new(&sum_without(own, without, self.bits)?, self.bits);
        if self.others(without).all(|rows| basis.is_enough_for(rows)) {
            return Ok(basis.settled());
        }
        verdict.second_sums += 1;
        let turned: Vec<Gram> = self
            .rows
            .iter()
            .map(|rows| basis.rows(rows, THREADS).gram(THREADS))
            .collect();
        let again = sum_without(&turned, without, fraction_bits(1, basis.rank()))?;
        Ok(basis.refined(&again))
    }

    /// Judges everybody by the sum without a node, and says whether there is room for a group over
    /// nodes.
    fn judge_without(
        &self,
        without: usize,
        basis: &Basis,
        limits: Limits,
        verdict: &mut Verdict,
    ) -> bool {
        let mut largest: Vec<f64> = Vec::new();
        for rows in self.others(without) {
            let found = judge_by(rows, basis, limits, THREADS);
            let leverage = found.largest.first().copied().unwrap_or(0.0);
            verdict.leverage = verdict.leverage.max(leverage);
            if leverage > limits.leverage {
                verdict.refused = Some("one person");
            } else if !found.passes() {
                verdict.refused = verdict.refused.or(Some("a group at one node"));
            }
            largest.extend(
                found
                    .largest
                    .iter()
                    .map(|h| (h / LEVERAGE_STEP).ceil() * LEVERAGE_STEP),
            );
        }
        largest.sort_by(|a, b| b.total_cmp(a));
        largest.iter().take(limits.group).sum::<f64>() >= limits.share
    }

    /// The largest share of a small group that a search over the nodes without one finds.
    fn climb(&self, without: usize, basis: Basis, limits: Limits) -> f64 {
        let frame = Frame::new(basis, &[without as u8; 32]);
        let mut search = Search::new(frame.starts(self.first_new), limits, &[9; 32]);
        loop {
            let steps = search.steps();
            if steps.is_empty() || search.share > limits.share {
                return search.share;
            }
            let mut answers = vec![0_u64; steps.len() * Frame::words(frame.rank())];
            for rows in self.others(without) {
                let own = steps.iter().flat_map(|step| frame.answer(rows, step));
                answers
                    .iter_mut()
                    .zip(own)
                    .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
            }
            search.take(&answers);
        }
    }

    fn others(&self, without: usize) -> impl Iterator<Item = &Rows> {
        self.rows
            .iter()
            .enumerate()
            .filter(move |(node, _)| *node != without)
            .map(|(_, rows)| rows)
    }
}

/// A softened sum without a node, as the nodes are told it.
fn sum_without(own: &[Gram], without: usize, bits: u32) -> Result<Gram, Failure> {
    let size = own[0].size();
    let rotation = Rotation::new(size, &[7 + without as u8; 32]);
    let others = || {
        own.iter()
            .enumerate()
            .filter(|(node, _)| *node != without)
            .map(|(_, own)| own)
    };
    let mut sum = vec![0_u64; own[0].lower().len()];
    for own in others() {
        let words = own.rotated(&rotation).to_words(bits);
        sum.iter_mut()
            .zip(words)
            .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
    }
    let sum = Gram::from_words(size, &sum, bits)?
        .softened(&[9; 32])
        .rotated_back(&rotation);
    assert!(
        others().all(|own| sum.holds(own)),
        "a sum does not hold a node's own part"
    );
    Ok(sum)
}

fn job(number: u64) -> Digest {
    Digest::of("job", &number.to_le_bytes())
}

fn user(number: u64) -> DataUser {
    DataUser::new(&format!("User {number}"), &[number as u8; 32])
}

fn run(study: &Study) -> Result<Run, Failure> {
    let job = job(study.number);
    Ok(Run {
        permit: Digest::of("permit", &study.user.to_le_bytes()),
        job,
        question: job,
        study: job,
        detail: Digest::of("detail", &[]),
        data_user: user(study.user),
        dataset: "cohort".parse()?,
        roster: vec![[1; 32], [2; 32], [3; 32]],
        snapshot: Digest::of("snapshot", &[]),
    })
}
