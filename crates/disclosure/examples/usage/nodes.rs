//! Three nodes with real ledgers, and the span rule over them as the nodes and the coordinator play it
//! (`serve/account.rs`, `run/federated/account.rs`), without masks and network.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ligate_disclosure::{
    Account, Change, ColumnId, DataUser, Ledger, NewColumn, Run, Witness, WitnessError,
    span::{Gram, Limits, Rotation, Rows, fraction_bits, histogram, judge, top_share},
};
use ligate_model::{Digest, IndividualId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::study::Study;

pub type Failure = Box<dyn std::error::Error>;

/// Combinations that one node asks all others about, at most.
const SUSPECTS_MAX: usize = 16;

/// An audit log of one line.
#[derive(Default)]
pub struct Noted(Mutex<Option<Digest>>);

impl Witness for Noted {
    fn last(&self) -> Result<Option<Digest>, WitnessError> {
        Ok(*self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn note(&self, _: &Change, digest: Digest) -> Result<(), WitnessError> {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(digest);
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
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Distinct ones in the account.
    pub columns: usize,
    /// The largest one of a person, by the sums without each other node.
    pub leverage: f64,
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
            let number = |person| IndividualId::new(format!("P{person}")).map(|id| ledger.number(&id));
            numbers.push((0..*size).map(number).collect::<Result<_, _>>()?);
            ledgers.push(ledger);
        }
        Ok(Self { ledgers, numbers, folder })
    }

    /// Enters a study with its columns over the people of all nodes.
    pub fn enter(&self, study: &Study, columns: &[NewColumn]) -> Result<(), Failure> {
        let run = run(study)?;
        let mut first = 0;
        for (ledger, numbers) in self.ledgers.iter().zip(&self.numbers) {
            let own = first..first + numbers.len();
            let part = |column: &NewColumn| NewColumn {
                values: column.values.as_ref().map(|values| values[own.clone()].to_vec()),
                ..column.clone()
            };
            let columns: Vec<NewColumn> = columns.iter().map(part).collect();
            ledger.mark_opened(&run, Timestamp::UNIX_EPOCH)?;
            let judged = ledger.account(&run.data_user)?;
            ledger.enter_columns(run.job, &judged, numbers, &columns)?;
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

    /// Judges the account after its first studies.
    pub fn judge(&self, door: Door, studies: u64, threads: usize) -> Result<Verdict, Failure> {
        let account = |ledger: &Ledger| match door {
            Door::Inside => ledger.account(&user(0)),
            Door::Outside => ledger.everything(),
        };
        let accounts = self.ledgers.iter().map(account).collect::<Result<Vec<_>, _>>()?;
        let ids = distinct(&accounts, studies);
        let sides = accounts.iter().zip(&self.numbers);
        let rows: Vec<Rows> = sides.map(|(account, numbers)| account.rows(&ids, numbers, &[])).collect();
        drop(accounts);
        verdict(&rows, Limits::of_cell(10), threads)
    }
}

/// The distinct columns of the first studies: the same at every node, because everybody is in every study.
fn distinct(accounts: &[Account], studies: u64) -> Vec<ColumnId> {
    let jobs: BTreeSet<Digest> = (0..studies).map(job).collect();
    let mut ids = accounts.iter().map(|account| account.distinct(|column| jobs.contains(&column.id.job)));
    let first = ids.next().unwrap_or_default();
    assert!(ids.all(|other| other == first), "columns are distinct at one node and equal at another");
    first
}

fn verdict(rows: &[Rows], limits: Limits, threads: usize) -> Result<Verdict, Failure> {
    let columns = rows[0].columns();
    let own: Vec<Gram> = rows.iter().map(|rows| rows.gram(threads)).collect();
    let bits = fraction_bits(4 * rows.iter().map(Rows::people).sum::<usize>() as u64, columns);
    let rotation = Rotation::new(columns, &[7; 32]);
    let words: Vec<Vec<u64>> = own.iter().map(|gram| gram.rotated(&rotation).to_words(bits)).collect();
    let mut found = Verdict { columns, leverage: 0.0, refused: None };
    let mut suspects = Vec::new();
    for without in 0..rows.len() {
        let sum = Gram::from_words(columns, &sum_without(&words, without), bits)?;
        let sum = sum.softened(&[9; 32]).rotated_back(&rotation);
        for node in (0..rows.len()).filter(|node| *node != without) {
            assert!(sum.holds(&own[node]), "a sum does not hold a node's own part");
            let suspect_from = 0.9 / (rows.len() - 1) as f64;
            let of_node = judge(&rows[node], &sum, limits, suspect_from, threads);
            found.leverage = found.leverage.max(of_node.leverage);
            if of_node.leverage > limits.leverage {
                found.refused = Some("one person");
            } else if !of_node.passes() {
                found.refused = found.refused.or(Some("a group at one node"));
            }
            suspects.extend(of_node.suspects.into_iter().take(SUSPECTS_MAX));
        }
    }
    if found.refused.is_none() && suspects.iter().any(|(_, suspect)| isolates(rows, suspect, limits)) {
        found.refused = Some("a group over nodes");
    }
    Ok(found)
}

/// Whether a combination isolates a group over the nodes without some one.
fn isolates(rows: &[Rows], combination: &[f64], limits: Limits) -> bool {
    let words: Vec<Vec<u64>> = rows.iter().map(|rows| histogram(rows, combination)).collect();
    (0..rows.len()).any(|without| {
        let sum = sum_without(&words, without);
        top_share(&sum, limits.group) > limits.share
    })
}

fn sum_without(words: &[Vec<u64>], without: usize) -> Vec<u64> {
    let mut sum = vec![0_u64; words[0].len()];
    for (_, own) in words.iter().enumerate().filter(|(node, _)| *node != without) {
        sum.iter_mut().zip(own).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
    sum
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
