//! How large one node's ledger is on disk, and what one check over it takes.

use std::{fs, io, path::Path, time::Instant};

use ligate_disclosure::span::{Limits, judge};

use crate::{
    nodes::{Failure, Nodes, THREADS},
    peak_megabytes,
    people::People,
    study::{Study, Trait},
};

/// Covariates of each study.
const COVARIATES: usize = 4;

/// Fills a ledger with linear studies until it has this many distinct columns, and checks it once.
pub fn report(count: usize, columns: usize) -> Result<(), Failure> {
    let people = People::new(count, 1);
    let nodes = Nodes::new(&[count])?;
    let mut entering = 0.0;
    for number in 0..columns.saturating_sub(1 + COVARIATES) {
        let study = Study {
            number: number as u64,
            user: 0,
            covariates: (0..COVARIATES).collect(),
            of: Trait::Normal,
        };
        let columns = study.columns(&people);
        entering = seconds(|| nodes.enter(&study, &columns))?.0;
    }
    let megabytes =
        |name: &str| Ok::<_, io::Error>(bytes(&nodes.folder().join("0").join(name))? as f64 / 1e6);
    println!("{count} people, {columns} columns at one node");
    println!(
        "columns/ {:.1} MB, people/ {:.1} MB",
        megabytes("columns")?,
        megabytes("people")?
    );
    println!(
        "runs.json {:.1} MB, in all {:.1} MB",
        megabytes("runs.json")?,
        megabytes("")?
    );
    println!("entering the last study: {entering:.2} s");
    let before = peak_megabytes();
    let (reading, account) = seconds(|| nodes.account(0))?;
    let ids = account.distinct(|_| true);
    assert_eq!(
        ids.len(),
        columns,
        "the account has other columns than were entered"
    );
    let (laying, rows) = seconds(|| Ok(account.rows(&ids, nodes.numbers(0), &[])))?;
    let (summing, _) = seconds(|| Ok(rows.gram(THREADS)))?;
    let (judging, found) = seconds(|| Ok(judge(&rows, Limits::of_cell(10), THREADS)))?;
    println!(
        "reading the account {reading:.2} s, laying out the rows {laying:.2} s, W'W {summing:.2} s"
    );
    println!(
        "W'W and judging {judging:.2} s (twice in a run of three nodes), largest leverage {:.4}",
        found.leverage
    );
    println!(
        "peak memory {} MB, {before} MB before the check",
        peak_megabytes()
    );
    Ok(())
}

fn seconds<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<(f64, T), Failure> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed().as_secs_f64(), done))
}

fn bytes(path: &Path) -> io::Result<u64> {
    if !path.is_dir() {
        return Ok(fs::metadata(path)?.len());
    }
    fs::read_dir(path)?.map(|entry| bytes(&entry?.path())).sum()
}
