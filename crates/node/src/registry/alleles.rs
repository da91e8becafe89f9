//! Allele counts that the steward chose to release: of one dataset's snapshot under the gate, whole. The ledger
//! refuses a later snapshot whose people differ by fewer than a cell from those of a released one. What is served is
//! computed from the snapshot at hand; one that was not released, or is gone, is not served.

use std::ops::ControlFlow;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_disclosure::{Gate, Ledger, Released, Run, RunState};
use ligate_formats::gwas_ssf;
use ligate_lake::Snapshot;
use ligate_model::{AlleleTally, Assembly, DatasetId, Digest};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};

use crate::{folder::Folder, output};

/// Tallies in one message: some 10 MB.
pub const PAGE_ROWS: usize = 200_000;

/// A page of a node's released tallies. `R` is `Released<Vec<AlleleTally>>` where the node builds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllelePage<R> {
    pub assembly: Assembly,
    /// Names the table: pages of two snapshots do not mix.
    pub snapshot: Digest,
    pub rows: R,
    pub more: bool,
}

/// The one who is served: everybody whom the steward lists is one data user, since tables can be put together.
const EVERYBODY: [u8; 32] = [0; 32];

/// Releases the allele counts of the dataset's current snapshot. Gives the number of tallies that passed.
pub fn release(folder: &Folder, dataset: &DatasetId) -> Result<usize> {
    let snapshot = folder.lake()?.snapshot(dataset)?;
    let tallies = tallies(folder, &snapshot)?;
    let ledger = ledger(folder, dataset)?;
    let gate = Gate::new(folder.config.disclosure)?;
    let begun =
        ledger.check_and_begin(run(folder, &snapshot), snapshot.individuals(), gate.thresholds().cell)?;
    if begun.release().is_none() {
        let bytes = postcard::to_stdvec(&tallies).context("the table cannot be written")?;
        ledger.mark_opened(&begun, Timestamp::now())?;
        ledger.mark_released(&begun, Digest::of("ligate allele counts", &bytes))?;
    }
    let rows = tallies.get().len();
    let (dataset, snapshot) = (dataset.clone(), snapshot.id());
    folder.record(Event::AlleleCountsReleased { dataset, snapshot, rows: rows as u64 })?;
    Ok(rows)
}

/// The page of the released table, if the snapshot in force was released. Of several datasets the first that has one.
pub fn page(folder: &Folder, page: u32) -> Result<AllelePage<Released<Vec<AlleleTally>>>> {
    let Some(snapshot) = released_snapshot(folder)? else {
        bail!("this node has released no allele counts");
    };
    let tallies = tallies(folder, &snapshot)?;
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
    for summary in lake.datasets()? {
        if !ledgers(folder).join(summary.dataset.as_str()).exists() {
            continue;
        }
        let snapshot = lake.snapshot(&summary.dataset)?;
        let released = |state: &RunState| matches!(state, RunState::Released(_));
        let runs = ledger(folder, &summary.dataset)?.runs()?;
        if runs.iter().any(|run| run.snapshot == snapshot.id() && released(&run.state)) {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// What of a snapshot passes the gate, in key order.
fn tallies(folder: &Folder, snapshot: &Snapshot) -> Result<Released<Vec<AlleleTally>>> {
    ensure!(
        matches!(snapshot.assembly(), Assembly::Grch37 | Assembly::Grch38),
        "the assembly of the dataset is neither GRCh37 nor GRCh38: nobody could use its allele counts"
    );
    let mut tallies = Vec::new();
    snapshot.sites(&mut |site| {
        // Symbolic alleles are not one variant across sites.
        if gwas_ssf::check_key(&site.key).is_ok() {
            let (copies, called) = (site.counts.allele_count, site.counts.allele_number);
            tallies.push(AlleleTally { key: site.key, copies, called });
        }
        ControlFlow::Continue(())
    })?;
    let gate = Gate::new(folder.config.disclosure)?;
    let individuals = snapshot.individuals().len() as u64;
    let released = gate.own_alleles(individuals, tallies);
    released
        .map_err(|rule| anyhow::anyhow!("the gate refuses to release allele counts of this dataset: {rule}"))
}

fn run(folder: &Folder, snapshot: &Snapshot) -> Run {
    let dataset = snapshot.dataset().as_str().as_bytes();
    Run {
        permit: Digest::from_bytes([0; 32]),
        job: snapshot.id(),
        question: Digest::of("ligate allele counts of", dataset),
        roster: vec![folder.identity.public().as_bytes().to_owned()],
        snapshot: snapshot.id(),
    }
}

fn ledgers(folder: &Folder) -> std::path::PathBuf {
    folder.registry().join("alleles")
}

fn ledger(folder: &Folder, dataset: &DatasetId) -> Result<Ledger> {
    output::private_folder(&ledgers(folder))?;
    Ok(Ledger::open(&ledgers(folder), dataset, &EVERYBODY, &mut OsRng)?)
}
