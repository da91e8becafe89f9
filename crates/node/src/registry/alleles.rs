//! Allele counts that the steward chose to release: of one dataset's snapshot under the gate,
//! whole. They leave the environment, so they are a column of everybody's account: the span rule
//! refuses people who differ from those of any study or earlier release by a few. Whoever left
//! after something was shown and came back is not counted, because nobody compared the calls from
//! before with those of now. What is served is computed from the snapshot at hand, over the people
//! whom the ledger has; one that was not released, or is gone, is not served.

use std::ops::{ControlFlow, Range};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_disclosure::{
    Account, DataUser, Exact, Exported, Gate, Ledger, NewColumn, Released, Run, RunState,
    span::{Limits, judge},
};
use ligate_formats::gwas_ssf;
use ligate_genotypes::{AlleleCounts, SampleMask};
use ligate_lake::{LakeError, Snapshot};
use ligate_model::{AlleleTally, Assembly, DatasetId, Digest, Rule, VariantKey};

use crate::{
    books::{self, changed_calls},
    folder::Folder,
    session::AllelePage,
};

/// Tallies in one message: some 10 MB.
pub const PAGE_ROWS: usize = 200_000;

/// The one who is served: everybody whom the steward lists is one data user, since tables can be
/// put together.
const EVERYBODY: &str = "everybody whom the steward lists for allele counts";

/// Releases the allele counts of the dataset's current snapshot. Gives the number of tallies that
/// passed.
pub fn release(folder: &Folder, dataset: &DatasetId) -> Result<usize> {
    let snapshot = folder.lake()?.snapshot(dataset)?;
    let ledger = books::ledger(folder)?;
    let counted = Counted::of(&ledger, &snapshot)?;
    let tallies = tallies(folder, &ledger, &snapshot, &counted)?;
    if !is_released(&ledger, &snapshot)? {
        enter(folder, &ledger, &snapshot, (&counted, &tallies))?;
    }
    let left_out = snapshot.individuals().len() - counted.numbers.len();
    if left_out > 0 {
        note!("{left_out} people who had left and came back are not counted");
    }
    let rows = tallies.get().len();
    let (dataset, snapshot) = (dataset.clone(), snapshot.id());
    folder.record(Event::AlleleCountsReleased {
        dataset,
        snapshot,
        rows: rows as u64,
    })?;
    Ok(rows)
}

/// The people of a snapshot who are counted.
struct Counted {
    /// As the ledger knows them.
    numbers: Vec<u64>,
    /// Those of each block; `None` where it is everybody.
    masks: Option<Vec<SampleMask>>,
}

impl Counted {
    /// Those whom the ledger has, where it has the release already; else everybody who never left.
    fn of(ledger: &Ledger, snapshot: &Snapshot) -> Result<Self> {
        let everybody: Vec<u64> = snapshot
            .individuals()
            .iter()
            .map(|person| ledger.number(person))
            .collect();
        let entered = ledger
            .runs()?
            .into_iter()
            .find(|run| run.job == snapshot.id());
        let stays: Vec<bool> = match entered.and_then(|run| run.people) {
            Some(people) => {
                let people = ledger.people(people)?;
                everybody
                    .iter()
                    .map(|number| people.place(*number).is_some())
                    .collect()
            }
            None => {
                ledger.note_departed(snapshot.dataset(), &everybody)?;
                let departed = ledger.departed()?;
                everybody
                    .iter()
                    .map(|number| !departed.contains(number))
                    .collect()
            }
        };
        let masks = stays.contains(&false).then(|| {
            let mask = |block: &Range<usize>| {
                let members = (0..)
                    .zip(&stays[block.clone()])
                    .filter(|(_, stays)| **stays);
                SampleMask::new(block.len(), members.map(|(sample, _)| sample))
            };
            snapshot.blocks().iter().map(mask).collect()
        });
        let numbers = everybody.into_iter().zip(stays).filter(|(_, stays)| *stays);
        Ok(Self {
            numbers: numbers.map(|(number, _)| number).collect(),
            masks,
        })
    }

    /// The tallies of `sites`, which are of everybody and ascend, over the counted people.
    fn tallies(
        &self,
        snapshot: &Snapshot,
        sites: Vec<AlleleTally>,
    ) -> Result<Vec<AlleleTally>, LakeError> {
        let Some(masks) = &self.masks else {
            return Ok(sites);
        };
        let keys: Vec<VariantKey> = sites.into_iter().map(|site| site.key).collect();
        let mut counts = Vec::with_capacity(keys.len());
        snapshot.scan(&keys, &mut |batch| {
            for index in 0..batch.len() {
                let mut sum = AlleleCounts::default();
                for (rows, mask) in batch.blocks.iter().zip(masks) {
                    if let Some(row) = &rows[index] {
                        sum += row.counts_among(mask);
                    }
                }
                counts.push(sum);
            }
        })?;
        let tally = |(key, counts): (VariantKey, AlleleCounts)| AlleleTally {
            key,
            copies: counts.allele_count,
            called: counts.allele_number,
        };
        Ok(keys.into_iter().zip(counts).map(tally).collect())
    }
}

/// Enters the table into the ledger, if the span rule has nothing against it.
fn enter(
    folder: &Folder,
    ledger: &Ledger,
    snapshot: &Snapshot,
    (Counted { numbers, .. }, tallies): (&Counted, &Released<Vec<AlleleTally>>),
) -> Result<()> {
    let cell = Gate::new(folder.config.disclosure)?.thresholds()[Rule::Cell];
    let everything = ledger.everything()?;
    let with_others = |run: &ligate_disclosure::RunRecord| {
        run.roster.len() > 1 && run.dataset == *snapshot.dataset()
    };
    ensure!(
        !ledger.runs()?.iter().any(with_others),
        "this dataset is in studies with other nodes (rule: own counts); less these counts, a study would show what the \
         others have, down to one node. Release allele counts before the first study"
    );
    everything.check_dataset(snapshot.dataset(), numbers)?;
    check_people(
        &everything,
        numbers,
        Limits::of_cell(cell),
        folder.config.limits.thread_count(),
    )?;
    let bytes = postcard::to_stdvec(tallies).context("the table cannot be written")?;
    let content = Digest::of("ligate allele counts", &bytes);
    let run = run(folder, snapshot);
    // A release that was stopped goes on where it was.
    let begun = ledger
        .runs()?
        .into_iter()
        .find(|record| record.job == run.job);
    if begun.is_none() {
        ledger.mark_opened(&run, Timestamp::now())?;
    }
    if begun.is_none_or(|record| record.people.is_none()) {
        let (account, people) = (ledger.account(&run.data_user)?, numbers.len() as u64);
        ledger.enter_columns(run.job, &account, numbers, &[NewColumn::people()], people)?;
    }
    ledger.mark_released(run.job, content)?;
    // Judged again with whatever was shown meanwhile: what counts for everybody is exactly what was
    // judged.
    let books = ledger.for_export(run.job, content)?;
    check_people(
        &books.everything,
        &[],
        Limits::of_cell(cell),
        folder.config.limits.thread_count(),
    )?;
    let variants = tallies.get().len() as u64;
    let (strength, keys) = (Exact(0.0), Vec::new());
    let exported = Exported {
        content,
        variants,
        strength,
        keys,
        when: Timestamp::now(),
    };
    ledger.mark_exported(run.job, &books, exported)?;
    Ok(())
}

/// The people of the table, less those of any study, must be nobody or many: judged over this
/// node's own rows, because the counts are this node's alone.
fn check_people(account: &Account, numbers: &[u64], limits: Limits, threads: usize) -> Result<()> {
    let ids = account.distinct(|column| column.record.values.is_none());
    let new = if numbers.is_empty() {
        Vec::new()
    } else {
        vec![vec![1.0; numbers.len()]]
    };
    let rows = account.rows(&ids, numbers, &new);
    let found = judge(&rows, limits, threads);
    ensure!(
        found.passes(),
        "the span rule refuses the allele counts: the people of this snapshot differ by a few from those of an earlier \
         study or release, and the difference would be theirs; release them when more people have changed"
    );
    Ok(())
}

fn is_released(ledger: &Ledger, snapshot: &Snapshot) -> Result<bool> {
    let of_snapshot = |run: &ligate_disclosure::RunRecord| {
        run.job == snapshot.id() && run.is_exported() && matches!(run.state, RunState::Released(_))
    };
    Ok(ledger.runs()?.iter().any(of_snapshot))
}

/// The page of the released table, if the snapshot in force was released. Of several datasets the
/// first that has one.
pub fn page(folder: &Folder, page: u32) -> Result<AllelePage<Released<Vec<AlleleTally>>>> {
    let Some(snapshot) = released_snapshot(folder)? else {
        bail!("this node has released no allele counts");
    };
    let ledger = books::ledger(folder)?;
    let tallies = tallies(
        folder,
        &ledger,
        &snapshot,
        &Counted::of(&ledger, &snapshot)?,
    )?;
    let first = (page as usize).saturating_mul(PAGE_ROWS);
    Ok(AllelePage {
        assembly: snapshot.assembly(),
        snapshot: snapshot.id(),
        rows: tallies.page(first, PAGE_ROWS),
        more: tallies.get().len() > first.saturating_add(PAGE_ROWS),
    })
}

/// A snapshot in force whose allele counts were released.
pub fn released_snapshot(folder: &Folder) -> Result<Option<Snapshot>> {
    let lake = folder.lake()?;
    let ledger = books::ledger(folder)?;
    for summary in lake.datasets()? {
        let snapshot = lake.snapshot(&summary.dataset)?;
        if is_released(&ledger, &snapshot)? {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// What of a snapshot passes the gate, in key order. Variants whose calls have changed for a few
/// people since something of them was shown to anybody are left out: the difference would be
/// theirs.
fn tallies(
    folder: &Folder,
    ledger: &Ledger,
    snapshot: &Snapshot,
    counted: &Counted,
) -> Result<Released<Vec<AlleleTally>>> {
    ensure!(
        matches!(snapshot.assembly(), Assembly::Grch37 | Assembly::Grch38),
        "the assembly of the dataset is neither GRCh37 nor GRCh38: nobody could use its allele counts"
    );
    let gate = Gate::new(folder.config.disclosure)?;
    let changed = changed_calls::since_shown(snapshot, &ledger.everything()?, &gate)?;
    let mut tallies = Vec::new();
    snapshot.sites(&mut |site| {
        // Symbolic alleles are not one variant across sites.
        if gwas_ssf::check_key(&site.key).is_ok() && !changed.contains(&site.key) {
            let (copies, called) = (site.counts.allele_count, site.counts.allele_number);
            tallies.push(AlleleTally {
                key: site.key,
                copies,
                called,
            });
        }
        ControlFlow::Continue(())
    })?;
    let tallies = counted.tallies(snapshot, tallies)?;
    let individuals = counted.numbers.len() as u64;
    let released = gate.own_alleles(individuals, tallies);
    released.map_err(|rule| {
        anyhow::anyhow!("the gate refuses to release allele counts of this dataset: {rule}")
    })
}

/// Whether this node has released its own allele counts of a dataset: then it protects nobody
/// else's, because everybody can subtract it.
pub fn published(folder: &Folder, dataset: &DatasetId) -> Result<bool> {
    let runs = books::ledger(folder)?.runs()?;
    Ok(runs
        .iter()
        .any(|run| run.is_exported() && run.dataset == *dataset && run.roster.len() == 1))
}

fn run(folder: &Folder, snapshot: &Snapshot) -> Run {
    let dataset = snapshot.dataset().as_str().as_bytes();
    Run {
        permit: Digest::from_bytes([0; 32]),
        job: snapshot.id(),
        question: Digest::of("ligate allele counts of", dataset),
        study: Digest::of("ligate allele counts of", dataset),
        detail: Digest::from_bytes([0; 32]),
        data_user: DataUser::new(EVERYBODY, &[0; 32]),
        dataset: snapshot.dataset().clone(),
        roster: vec![folder.identity.public().as_bytes().to_owned()],
        snapshot: snapshot.id(),
    }
}
