//! The kernels of [`super::ColumnSums`], for up to four vectors of four columns.

use super::{Rows, VARIANTS_PER_TABLE, Weight};
use crate::{
    Row,
    simd::{Kernel, Lane, Lanes, Processor},
};

/// What the four samples of one payload byte add, for each value of the byte.
type Table<const V: usize> = [[Lane; V]; 256];

/// Byte positions with tables at a time, times vectors: 48 tables of one vector are 384 KiB, within
/// any L2 cache.
const TABLE_VECTORS: usize = 48;

/// Up to `4 V` columns of one block, padded with zero columns and zero samples.
pub(super) struct Columns<const V: usize> {
    /// Per sample; a multiple of four samples.
    values: Vec<[Lane; V]>,
    /// All bits set in the columns whose homozygotes count four times rather than twice.
    squared: [Lane; V],
    /// The place of the first column among all, and how many there are.
    first: usize,
    count: usize,
}

impl<const V: usize> Columns<V> {
    pub fn new(samples: usize, columns: &[(Weight, &[i64])], first: usize) -> Self {
        let mut values = vec![[Lane::ZERO; V]; samples.next_multiple_of(4)];
        let mut squared = [Lane::ZERO; V];
        for (c, (weight, column)) in columns.iter().enumerate() {
            squared[c / 4].0[c % 4] = if *weight == Weight::SquaredDosage {
                -1
            } else {
                0
            };
            for (sample, value) in values.iter_mut().zip(*column) {
                sample[c / 4].0[c % 4] = *value;
            }
        }
        Self {
            values,
            squared,
            first,
            count: columns.len(),
        }
    }

    pub fn add(&self, processor: Processor, rows: &Rows<'_, '_>, sums: &mut [i64], stride: usize) {
        if !rows.dense.is_empty() {
            let mut tables =
                vec![[[Lane::ZERO; V]; 256]; (TABLE_VECTORS / V).min(self.values.len() / 4).max(1)];
            for chunk in rows.dense.chunks(VARIANTS_PER_TABLE) {
                let mut totals = vec![[Lane::ZERO; V]; chunk.len()];
                processor.run(AddDense {
                    columns: self,
                    rows: chunk,
                    tables: &mut tables,
                    totals: &mut totals,
                });
                self.hand_over(chunk.iter().map(|(v, _)| *v), &totals, sums, stride);
            }
        }
        for chunk in rows.by_carriers.chunks(VARIANTS_PER_TABLE) {
            let mut totals = vec![[Lane::ZERO; V]; chunk.len()];
            processor.run(AddCarriers {
                columns: self,
                rows: chunk,
                totals: &mut totals,
            });
            self.hand_over(chunk.iter().map(|(v, _)| *v), &totals, sums, stride);
        }
    }

    /// Adds the totals of `variants` to their places in `sums`.
    fn hand_over(
        &self,
        variants: impl Iterator<Item = usize>,
        totals: &[[Lane; V]],
        sums: &mut [i64],
        stride: usize,
    ) {
        for (v, total) in variants.zip(totals) {
            let at = v * stride + self.first;
            let columns = total.iter().flat_map(|lane| lane.0);
            for (sum, value) in sums[at..at + self.count].iter_mut().zip(columns) {
                *sum = sum.wrapping_add(value);
            }
        }
    }

    /// What a homozygote adds: twice the value, or four times where the dosage is squared.
    #[inline(always)]
    fn homozygous<L: Lanes>(&self, lanes: L, value: L::Vector, vector: usize) -> L::Vector {
        let twice = lanes.add(value, value);
        lanes.add(twice, lanes.and(twice, lanes.load(&self.squared[vector])))
    }

    /// Fills the table of one payload byte from its four samples, each quadrupling what is filled.
    #[inline(always)]
    fn fill<L: Lanes>(&self, lanes: L, samples: &[[Lane; V]], table: &mut Table<V>) {
        table[0] = [Lane::ZERO; V];
        let mut filled = 1;
        for sample in samples {
            for (vector, value) in sample.iter().enumerate() {
                let value = lanes.load(value);
                let homozygous = self.homozygous(lanes, value, vector);
                let (done, rest) = table.split_at_mut(filled);
                for (times, part) in [value, value, homozygous]
                    .into_iter()
                    .zip(rest.chunks_exact_mut(filled))
                {
                    for (from, to) in done.iter().zip(part) {
                        lanes.store(lanes.add(lanes.load(&from[vector]), times), &mut to[vector]);
                    }
                }
            }
            filled *= 4;
        }
    }
}

/// Dense rows through tables.
struct AddDense<'k, 'a, const V: usize> {
    columns: &'k Columns<V>,
    rows: &'k [(usize, &'a [u8])],
    tables: &'k mut [Table<V>],
    totals: &'k mut [[Lane; V]],
}

impl<const V: usize> Kernel for AddDense<'_, '_, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let positions = self.tables.len();
        for (chunk, samples) in self.columns.values.chunks(4 * positions).enumerate() {
            let tables = &mut self.tables[..samples.len() / 4];
            for (table, four) in tables.iter_mut().zip(samples.chunks_exact(4)) {
                self.columns.fill(lanes, four, table);
            }
            let bytes = chunk * positions..chunk * positions + tables.len();
            for ((_, row), total) in self.rows.iter().zip(self.totals.iter_mut()) {
                add_bytes(lanes, tables, &row[bytes.clone()], total);
            }
        }
    }
}

/// Adds the table entries of some bytes of one row to its total.
#[inline(always)]
fn add_bytes<L: Lanes, const V: usize>(
    lanes: L,
    tables: &[Table<V>],
    bytes: &[u8],
    total: &mut [Lane; V],
) {
    let mut sums = load(lanes, total);
    for (table, byte) in tables.iter().zip(bytes) {
        let entry = &table[*byte as usize];
        for (sum, lane) in sums.iter_mut().zip(entry) {
            *sum = lanes.add(*sum, lanes.load(lane));
        }
    }
    for (sum, lane) in sums.into_iter().zip(total) {
        lanes.store(sum, lane);
    }
}

#[inline(always)]
fn load<L: Lanes, const V: usize>(lanes: L, from: &[Lane; V]) -> [L::Vector; V] {
    let mut vectors = [lanes.load(&Lane::ZERO); V];
    for (vector, lane) in vectors.iter_mut().zip(from) {
        *vector = lanes.load(lane);
    }
    vectors
}

/// Rows carrier by carrier.
struct AddCarriers<'k, 'r, 'a, const V: usize> {
    columns: &'k Columns<V>,
    rows: &'k [(usize, &'r Row<'a>)],
    totals: &'k mut [[Lane; V]],
}

impl<const V: usize> Kernel for AddCarriers<'_, '_, '_, V> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        for ((_, row), total) in self.rows.iter().zip(self.totals.iter_mut()) {
            let mut sums = load(lanes, total);
            for (sample, code) in row.carriers() {
                let values = &self.columns.values[sample as usize];
                for vector in 0..V {
                    let value = lanes.load(&values[vector]);
                    let weighted = if code == 3 {
                        self.columns.homozygous(lanes, value, vector)
                    } else {
                        value
                    };
                    sums[vector] = lanes.add(sums[vector], weighted);
                }
            }
            for (sum, lane) in sums.into_iter().zip(total) {
                lanes.store(sum, lane);
            }
        }
    }
}
