//! Merging the runs of one group until each part has one. Of rows with the same key that of the
//! earlier run is kept; those of a symbolic allele all are, in the order in which they came.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use ligate_model::VariantKey;

use super::{
    run::{RunReader, RunWriter, SortedRun},
    sorter::{Duplicates, GroupContext},
};
use crate::{LakeError, partition::Partition, tables::may_repeat};

/// Runs that are read at once: bounds open files and memory.
const FAN_IN: usize = 32;

/// One run per part. Sources are removed as they are merged.
pub fn merge_runs(
    runs: Vec<SortedRun>,
    context: &GroupContext,
    duplicates: &mut Duplicates,
    stop: &AtomicBool,
) -> Result<BTreeMap<Partition, SortedRun>, LakeError> {
    let mut parts: BTreeMap<Partition, Vec<SortedRun>> = BTreeMap::new();
    runs.into_iter()
        .for_each(|run| parts.entry(run.partition).or_default().push(run));
    let mut merged = BTreeMap::new();
    for (partition, mut runs) in parts {
        let mut round = 0;
        while runs.len() > 1 {
            let mut longer = Vec::with_capacity(runs.len().div_ceil(FAN_IN));
            for (some, index) in runs.chunks(FAN_IN).zip(0..) {
                let folder = context
                    .folder
                    .join(format!("merged-{partition}-{round}-{index}"));
                longer.push(merge_some(some, folder, context, duplicates, stop)?);
            }
            runs = longer;
            round += 1;
        }
        merged.extend(runs.pop().map(|run| (partition, run)));
    }
    Ok(merged)
}

fn merge_some(
    runs: &[SortedRun],
    folder: PathBuf,
    context: &GroupContext,
    duplicates: &mut Duplicates,
    stop: &AtomicBool,
) -> Result<SortedRun, LakeError> {
    let [first, rest @ ..] = runs else {
        return Err(LakeError::NoFiles);
    };
    if rest.is_empty() {
        return Ok(first.clone());
    }
    let open = |run: &SortedRun| RunReader::open(run, &context.geometry);
    let mut readers = runs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut out = RunWriter::create(
        folder,
        first.partition,
        &context.geometry,
        context.individuals,
    )?;
    let mut last: Option<VariantKey> = None;
    while let Some(lowest) = lowest(&readers) {
        if stop.load(Ordering::Relaxed) {
            return Err(LakeError::Stopped);
        }
        last = Some(take(
            &mut readers[lowest],
            &mut out,
            last,
            context,
            duplicates,
        )?);
    }
    drop(readers);
    let out = out.finish()?;
    runs.iter()
        .try_for_each(|run| ligate_files::remove_tree(&run.folder))?;
    Ok(out)
}

/// The reader with the lowest key, the first of those with the same.
pub fn lowest(readers: &[RunReader]) -> Option<usize> {
    let keyed = readers
        .iter()
        .enumerate()
        .filter_map(|(index, reader)| Some((reader.key()?, index)));
    keyed.min().map(|(_, index)| index)
}

/// Moves one row from a run to the merged one, unless its key was there already; returns the key.
fn take(
    reader: &mut RunReader,
    out: &mut RunWriter,
    last: Option<VariantKey>,
    context: &GroupContext,
    duplicates: &mut Duplicates,
) -> Result<VariantKey, LakeError> {
    let origin = reader.origin()?;
    let at_end = || LakeError::corrupt(&context.folder, "a run ended early");
    let site = reader.head().ok_or_else(at_end)?;
    if last.as_ref() == Some(&site.key) && !may_repeat(&site.key) {
        duplicates.drop_row(&context.files, origin, &site.key);
    } else {
        out.push_site(site, origin)?;
        for block in 0..context.geometry.blocks().len() {
            out.push_block(block, reader.block(block)?);
        }
    }
    Ok(reader.advance()?.ok_or_else(at_end)?.key)
}

#[cfg(test)]
mod tests {
    use ligate_formats::vcf::{BlockRows, Variant, VariantBatch};
    use ligate_genotypes::{Calls, encode};
    use ligate_model::{Allele, Contig, Position};

    use super::*;
    use crate::{load::sorter::Sorter, tables::Geometry};

    const SAMPLES: usize = 3;

    /// A row that tells where it came from: the calls spell the line's last base-4 digits.
    fn row(line: u64) -> Vec<u8> {
        let mut calls = Calls::new(SAMPLES);
        (0..SAMPLES).for_each(|sample| calls.set_code(sample, (line >> (2 * sample) & 3) as u8));
        let mut bytes = Vec::new();
        encode(&calls, 0..SAMPLES, &mut bytes);
        bytes
    }

    fn batch(contig: &str, position: u32, line: u64) -> VariantBatch {
        let key = VariantKey {
            contig: Contig::new(contig),
            position: Position::new(position),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new("C").unwrap(),
        };
        let variant = Variant {
            key,
            id: None,
            alternate_index: 1,
            alternates: 1,
            record: None,
            line,
        };
        let bytes = row(line);
        let offsets = vec![0, bytes.len() as u32];
        let block = BlockRows {
            offsets,
            bytes,
            counts: vec![Default::default()],
        };
        VariantBatch {
            variants: vec![variant],
            blocks: vec![block],
        }
    }

    fn context(folder: PathBuf, window_bytes_max: usize) -> GroupContext {
        GroupContext {
            folder,
            geometry: Geometry::new(vec![SAMPLES]),
            individuals: SAMPLES,
            files: vec![PathBuf::from("a.vcf")],
            window_bytes_max,
        }
    }

    /// Sorts 300 rows, in an order far from sorted and 49 of them repeated, in a window of this
    /// size.
    fn check(window_bytes_max: usize, runs_expected: impl Fn(usize) -> bool) {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path().to_owned(), window_bytes_max);
        let mut sorter = Sorter::new(context.clone());
        let mut expected: BTreeMap<VariantKey, u64> = BTreeMap::new();
        for line in 0..300 {
            // Positions jump about; as 251 is a prime, each comes once in 251 lines.
            let position = line * 179 % 251;
            let batch = batch(["1", "X"][position as usize % 2], position as u32, line);
            expected
                .entry(batch.variants[0].key.clone())
                .or_insert(line);
            sorter.push(0, batch).unwrap();
        }
        let (runs, mut duplicates) = sorter.finish().unwrap();
        assert!(runs_expected(runs.len()), "{} runs", runs.len());
        let merged = merge_runs(runs, &context, &mut duplicates, &AtomicBool::new(false)).unwrap();
        let mut found = BTreeMap::new();
        for run in merged.values() {
            let mut reader = RunReader::open(run, &context.geometry).unwrap();
            while reader.head().is_some() {
                let line = reader.origin().unwrap().line;
                assert_eq!(
                    reader.block(0).unwrap(),
                    row(line),
                    "the row of the same line"
                );
                found.insert(reader.advance().unwrap().unwrap().key, line);
            }
        }
        assert_eq!(
            merged.values().map(|run| run.rows).sum::<u64>(),
            expected.len() as u64
        );
        assert!(found == expected, "another row was kept");
        assert_eq!((duplicates.rows, duplicates.problems.total()), (49, 49));
    }

    #[test]
    fn hundreds_of_runs_merge_and_the_first_of_equal_keys_stays() {
        check(0, |runs| runs > FAN_IN * 2);
        check(5000, |runs| runs > 2);
        check(1 << 20, |runs| runs == 2);
    }

    #[test]
    fn a_stopped_merge_ends() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path().to_owned(), 0);
        let mut sorter = Sorter::new(context.clone());
        (0..9)
            .rev()
            .for_each(|line| sorter.push(0, batch("1", line as u32, line)).unwrap());
        let (runs, mut duplicates) = sorter.finish().unwrap();
        let stopped = merge_runs(runs, &context, &mut duplicates, &AtomicBool::new(true));
        assert!(matches!(stopped, Err(LakeError::Stopped)));
    }
}
