//! Sorting one group's rows by key, in bounded memory.
//!
//! Rows come in file order, which is nearly key order: alleles that were trimmed or left-aligned
//! move a little. A window of rows is kept; when it is full it is sorted and its lower half goes to
//! the open run. A row that comes after a higher one was written starts a new run, and the window
//! grows, up to its share of the memory: the more disorder, the fewer runs. Parts are taken in the
//! order in which they first appeared, so contigs may come in any order.

use std::{cmp::Ordering, mem, path::PathBuf};

use ligate_formats::{
    Problems,
    vcf::{BlockRows, Variant, VariantBatch},
};
use ligate_genotypes::AlleleCounts;
use ligate_model::VariantKey;

use super::run::{Origin, RunWriter, SortedRun};
use crate::{
    LakeError,
    partition::Partition,
    tables::{Geometry, SiteRow, may_repeat},
};

/// The window at the start.
const WINDOW_BYTES: usize = 16 << 20;
/// What a variant takes beside its packed rows: key, texts, place in the order.
const VARIANT_BYTES: usize = 200;

/// What a group's rows have in common.
#[derive(Clone)]
pub struct GroupContext {
    /// Where runs are written.
    pub folder: PathBuf,
    pub geometry: Geometry,
    /// Of the whole dataset.
    pub individuals: usize,
    /// The group's files in order, to name one in a problem.
    pub files: Vec<PathBuf>,
    /// Most that the window may take.
    pub window_bytes_max: usize,
}

/// Rows that were dropped because an earlier row has their key.
#[derive(Default)]
pub struct Duplicates {
    pub rows: u64,
    pub problems: Problems,
}

impl Duplicates {
    pub fn drop_row(&mut self, files: &[PathBuf], origin: Origin, key: &VariantKey) {
        self.rows += 1;
        if let Some(file) = files.get(origin.file as usize) {
            let message = format!("{key} was in an earlier record already; the first is kept");
            self.problems.push(file, origin.line, message);
        }
    }
}

struct Held {
    file: u32,
    batch: VariantBatch,
}

/// Sorts the rows of one group into runs.
pub struct Sorter {
    context: GroupContext,
    window_bytes: usize,
    held: Vec<Held>,
    held_bytes: usize,
    seen: Vec<Partition>,
    /// The run being written and the last key in it.
    open: Option<(RunWriter, VariantKey)>,
    runs: Vec<SortedRun>,
    started: usize,
    duplicates: Duplicates,
}

/// The place of a row in the window; `rank` orders its part by first appearance.
#[derive(Clone, Copy)]
struct Place {
    rank: u8,
    held: u32,
    row: u32,
}

impl Sorter {
    pub fn new(context: GroupContext) -> Self {
        Self {
            window_bytes: WINDOW_BYTES.min(context.window_bytes_max),
            context,
            held: Vec::new(),
            held_bytes: 0,
            seen: Vec::new(),
            open: None,
            runs: Vec::new(),
            started: 0,
            duplicates: Duplicates::default(),
        }
    }

    /// Adds rows of the group's file number `file`.
    pub fn push(&mut self, file: u32, batch: VariantBatch) -> Result<(), LakeError> {
        self.held_bytes += bytes(&batch);
        self.held.push(Held { file, batch });
        if self.held_bytes > self.window_bytes {
            self.flush(false)
        } else {
            Ok(())
        }
    }

    /// Writes what is left. Runs are in the order in which they were started.
    pub fn finish(mut self) -> Result<(Vec<SortedRun>, Duplicates), LakeError> {
        self.flush(true)?;
        self.close_run()?;
        Ok((self.runs, self.duplicates))
    }

    /// Writes the lower half of the window, or all of it.
    fn flush(&mut self, all: bool) -> Result<(), LakeError> {
        let order = self.order();
        let cut = if all { order.len() } else { order.len() / 2 };
        let held = mem::take(&mut self.held);
        for place in &order[..cut] {
            let Held { file, batch } = &held[place.held as usize];
            self.emit(
                self.seen[place.rank as usize],
                *file,
                batch,
                place.row as usize,
            )?;
        }
        self.held = rest(held, &order[cut..]);
        self.held_bytes = self.held.iter().map(|held| bytes(&held.batch)).sum();
        Ok(())
    }

    /// The window's rows in the order of writing; of equal keys the one that came first is first.
    fn order(&mut self) -> Vec<Place> {
        let mut order = Vec::new();
        for (held, index) in self.held.iter().zip(0..) {
            for (variant, row) in held.batch.variants.iter().zip(0..) {
                let partition = Partition::of(&variant.key.contig);
                let rank = self
                    .seen
                    .iter()
                    .position(|seen| *seen == partition)
                    .unwrap_or_else(|| {
                        self.seen.push(partition);
                        self.seen.len() - 1
                    });
                order.push(Place {
                    rank: rank as u8,
                    held: index,
                    row,
                });
            }
        }
        let key =
            |place: &Place| &self.held[place.held as usize].batch.variants[place.row as usize].key;
        order.sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| key(a).cmp(key(b))));
        order
    }

    fn emit(
        &mut self,
        partition: Partition,
        file: u32,
        batch: &VariantBatch,
        row: usize,
    ) -> Result<(), LakeError> {
        let variant = &batch.variants[row];
        let origin = Origin {
            file,
            line: variant.line,
        };
        let place = match &self.open {
            Some((run, last)) if run.partition() == partition => Some(variant.key.cmp(last)),
            _ => None,
        };
        match place {
            Some(Ordering::Equal) if !may_repeat(&variant.key) => {
                self.duplicates
                    .drop_row(&self.context.files, origin, &variant.key);
                return Ok(());
            }
            Some(Ordering::Equal | Ordering::Greater) => {}
            Some(Ordering::Less) => {
                self.window_bytes = self
                    .window_bytes
                    .saturating_mul(2)
                    .min(self.context.window_bytes_max);
                self.start_run(partition, &variant.key)?;
            }
            None => self.start_run(partition, &variant.key)?,
        }
        let Some((run, last)) = &mut self.open else {
            return Ok(());
        };
        last.clone_from(&variant.key);
        run.push_site(&site(variant, &batch.blocks, row), origin)?;
        for (index, block) in batch.blocks.iter().enumerate() {
            run.push_block(index, bytes_of(block, row));
        }
        Ok(())
    }

    fn start_run(&mut self, partition: Partition, first: &VariantKey) -> Result<(), LakeError> {
        self.close_run()?;
        let folder = self.context.folder.join(format!("run-{}", self.started));
        self.started += 1;
        let run = RunWriter::create(
            folder,
            partition,
            &self.context.geometry,
            self.context.individuals,
        )?;
        self.open = Some((run, first.clone()));
        Ok(())
    }

    fn close_run(&mut self) -> Result<(), LakeError> {
        if let Some((run, _)) = self.open.take() {
            self.runs.push(run.finish()?);
        }
        Ok(())
    }
}

fn site(variant: &Variant, blocks: &[BlockRows], row: usize) -> SiteRow {
    let mut counts = AlleleCounts::default();
    blocks.iter().for_each(|block| counts += block.counts[row]);
    SiteRow {
        key: variant.key.clone(),
        id: variant.id.clone(),
        alternate_index: variant.alternate_index,
        alternates: variant.alternates,
        record: variant.record.clone(),
        counts,
    }
}

fn bytes_of(block: &BlockRows, row: usize) -> &[u8] {
    block
        .row(row)
        .expect("a batch has a row for every variant and block")
}

fn bytes(batch: &VariantBatch) -> usize {
    batch.variants.len() * VARIANT_BYTES
        + batch
            .blocks
            .iter()
            .map(|block| block.bytes.len())
            .sum::<usize>()
}

/// What is left of the window when only the rows at `places` stay, in the order in which they came.
fn rest(held: Vec<Held>, places: &[Place]) -> Vec<Held> {
    let mut stays: Vec<Vec<bool>> = held
        .iter()
        .map(|held| vec![false; held.batch.variants.len()])
        .collect();
    places
        .iter()
        .for_each(|place| stays[place.held as usize][place.row as usize] = true);
    let some_left = held
        .into_iter()
        .zip(stays)
        .filter(|(_, stays)| stays.contains(&true));
    some_left
        .map(|(held, stays)| {
            let all = stays.iter().all(|stays| *stays);
            let batch = if all {
                held.batch
            } else {
                shrink(held.batch, &stays)
            };
            Held {
                file: held.file,
                batch,
            }
        })
        .collect()
}

/// Copies the rows that stay, so that the memory of the others is free.
fn shrink(batch: VariantBatch, stays: &[bool]) -> VariantBatch {
    let blocks = batch.blocks.iter().map(|block| {
        let mut left = BlockRows::default();
        for row in (0..stays.len()).filter(|row| stays[*row]) {
            left.bytes.extend_from_slice(bytes_of(block, row));
            left.offsets.push(left.bytes.len() as u32);
            left.counts.push(block.counts[row]);
        }
        left
    });
    let blocks = blocks.collect();
    let kept = batch
        .variants
        .into_iter()
        .zip(stays)
        .filter(|(_, stays)| **stays);
    VariantBatch {
        variants: kept.map(|(variant, _)| variant).collect(),
        blocks,
    }
}
