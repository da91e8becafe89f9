//! Reads the rows of the wanted keys and has chunks of variants worked on by several threads.

use std::ops::Range;

use ligate_genotypes::{AlleleCounts, Batch, Row, SampleMask};
use ligate_model::VariantKey;

use super::{GenotypeSource, LocalError};
use crate::gwas::{
    ask::Layout,
    cohort::{Block, Cohort},
};

/// Some variants of a batch, worked on by one thread.
pub(crate) struct Chunk<'c, 'a> {
    /// Places in the ask's keys.
    pub indices: &'c [usize],
    /// Per sample block the variants' rows.
    pub blocks: Vec<&'c [Option<Row<'a>>]>,
}

impl Chunk<'_, '_> {
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Counts of one variant over the blocks, among the people of `mask`.
    pub fn counts<'m>(
        &self,
        variant: usize,
        cohort: &'m Cohort,
        mask: impl Fn(&'m Block) -> Option<&'m SampleMask>,
    ) -> AlleleCounts {
        let mut counts = AlleleCounts::default();
        for (rows, block) in self.blocks.iter().zip(cohort.blocks()) {
            if let (Some(row), Some(mask)) = (&rows[variant], mask(block)) {
                counts += row.counts_among(mask);
            }
        }
        counts
    }
}

/// What is done with a chunk: the words of its variants, one variant after another.
pub(crate) type Work<'w> = dyn Fn(&Chunk<'_, '_>, &Layout) -> Vec<i64> + Sync + 'w;

/// The words of all keys, laid out by `layout`.
pub(crate) fn scan<G: GenotypeSource>(
    source: &mut G,
    keys: &[VariantKey],
    cohort: &Cohort,
    layout: &Layout,
    threads: usize,
    work: &Work<'_>,
) -> Result<Vec<u64>, LocalError<G::Error>> {
    let mut words = vec![0_u64; layout.words()];
    let mut next = 0;
    let mut malformed = false;
    let read = source.scan(keys, &mut |batch| {
        malformed |= !fits(batch, cohort, next, keys.len());
        if !malformed {
            next += batch.len();
            for (range, sums) in work_on(batch, layout, threads, work) {
                write(&batch.indices[range], &sums, layout, &mut words);
            }
        }
    });
    read.map_err(LocalError::Source)?;
    if malformed || next != keys.len() {
        Err(LocalError::Batch)
    } else {
        Ok(words)
    }
}

/// Whether a batch continues at key `next` and its rows are of the cohort's blocks.
fn fits(batch: &Batch<'_>, cohort: &Cohort, next: usize, keys: usize) -> bool {
    let places = next..next + batch.len();
    let rows_fit = |(rows, block): (&Vec<Option<Row<'_>>>, &Block)| {
        rows.len() == batch.len()
            && rows
                .iter()
                .flatten()
                .all(|row| row.samples() == block.samples())
    };
    places.end <= keys
        && batch.indices.iter().copied().eq(places)
        && batch.blocks.len() == cohort.blocks().len()
        && batch.blocks.iter().zip(cohort.blocks()).all(rows_fit)
}

/// The words of each chunk of a batch, with the variants of the batch that they are of.
fn work_on(
    batch: &Batch<'_>,
    layout: &Layout,
    threads: usize,
    work: &Work<'_>,
) -> Vec<(Range<usize>, Vec<i64>)> {
    let of_range = |range: Range<usize>| {
        let blocks = batch
            .blocks
            .iter()
            .map(|rows| &rows[range.clone()])
            .collect();
        let chunk = Chunk {
            indices: &batch.indices[range],
            blocks,
        };
        work(&chunk, layout)
    };
    let size = batch.len().div_ceil(threads.max(1)).max(1);
    let starts = (0..batch.len()).step_by(size);
    let mut parts: Vec<(Range<usize>, Vec<i64>)> = starts
        .map(|start| (start..batch.len().min(start + size), Vec::new()))
        .collect();
    match parts.as_mut_slice() {
        [(range, sums)] => *sums = of_range(range.clone()),
        several => std::thread::scope(|scope| {
            for (range, sums) in several {
                let of_range = &of_range;
                scope.spawn(move || *sums = of_range(range.clone()));
            }
        }),
    }
    parts
}

fn write(indices: &[usize], sums: &[i64], layout: &Layout, words: &mut [u64]) {
    let mut rest = sums;
    for index in indices {
        let range = layout.range(*index);
        let (own, others) = rest.split_at(range.len());
        for (word, sum) in words[range].iter_mut().zip(own) {
            *word = *sum as u64;
        }
        rest = others;
    }
}
