//! Sums of columns weighted by dosage, for many variants at once: g'C, g'y and the like.
//!
//! Dense rows go through tables: for each payload byte (4 samples) a table holds, for all 256
//! values of the byte, what these samples add to every column, so that a byte costs one vector
//! addition per four columns. Tables of some byte positions stay in the L2 cache while up to 4,096
//! variants pass through them. Sparse rows, and dense ones too few to pay for tables, add the
//! columns of their carriers. All sums are integers that wrap: the order of additions, the
//! processor and the path taken cannot change a bit.

mod tables;

use crate::{MAX_SAMPLES, Row, simd::Processor};
use tables::Columns;

/// Variants that share one building of the tables.
const VARIANTS_PER_TABLE: usize = 4096;

/// Fewer dense rows than this are added carrier by carrier: a table of 256 entries would not pay.
const DENSE_ROWS_FOR_TABLES: usize = 64;

/// What a sample's column value is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The number of alternate alleles: 0, 1, 2.
    Dosage,
    /// Its square: 0, 1, 4.
    SquaredDosage,
}

/// Columns of one sample block, ready to be summed over.
pub struct ColumnSums {
    samples: usize,
    columns: usize,
    groups: Vec<Group>,
}

/// Columns that are summed together, by the number of vectors of four.
enum Group {
    One(Columns<1>),
    Two(Columns<2>),
    Three(Columns<3>),
    Four(Columns<4>),
}

/// Rows by the way they are added, with their place in the sums.
struct Rows<'r, 'a> {
    dense: Vec<(usize, &'a [u8])>,
    by_carriers: Vec<(usize, &'r Row<'a>)>,
}

impl ColumnSums {
    /// Columns of a block of `samples`, each as long; people who are not in the run carry 0.
    ///
    /// # Panics
    /// If a column has another length or there are more than [`MAX_SAMPLES`] samples.
    pub fn new(samples: usize, columns: &[(Weight, &[i64])]) -> Self {
        assert!(samples <= MAX_SAMPLES, "more than {MAX_SAMPLES} samples");
        assert!(
            columns.iter().all(|(_, column)| column.len() == samples),
            "a column of another length"
        );
        let vectors = columns.len().div_ceil(4);
        let per_group = vectors.div_ceil(vectors.div_ceil(4).max(1)).max(1);
        let chunks = columns.chunks(4 * per_group).enumerate();
        let groups = chunks
            .map(|(i, chunk)| Group::new(samples, chunk, i * 4 * per_group))
            .collect();
        Self {
            samples,
            columns: columns.len(),
            groups,
        }
    }

    /// Columns per variant.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Adds to `sums[v * columns + c]` the sum over samples of weight(dosage in `rows[v]`) times
    /// column c, modulo 2^64. Exceptions and `None` rows add nothing.
    ///
    /// # Panics
    /// If a row is of another number of samples, or `sums` is not of length rows times columns.
    pub fn add(&self, rows: &[Option<Row<'_>>], sums: &mut [i64]) {
        self.add_on(Processor::detect(), rows, sums);
    }

    fn add_on(&self, processor: Processor, rows: &[Option<Row<'_>>], sums: &mut [i64]) {
        assert_eq!(
            sums.len(),
            rows.len() * self.columns,
            "sums must be rows times columns"
        );
        let rows = self.by_path(rows);
        for group in &self.groups {
            match group {
                Group::One(columns) => columns.add(processor, &rows, sums, self.columns),
                Group::Two(columns) => columns.add(processor, &rows, sums, self.columns),
                Group::Three(columns) => columns.add(processor, &rows, sums, self.columns),
                Group::Four(columns) => columns.add(processor, &rows, sums, self.columns),
            }
        }
    }

    fn by_path<'r, 'a>(&self, rows: &'r [Option<Row<'a>>]) -> Rows<'r, 'a> {
        let present = || {
            rows.iter()
                .enumerate()
                .filter_map(|(v, row)| Some((v, row.as_ref()?)))
        };
        assert!(
            present().all(|(_, row)| row.samples() == self.samples),
            "a row of another block"
        );
        let tables = present().filter(|(_, row)| row.is_dense()).count() >= DENSE_ROWS_FOR_TABLES;
        let mut split = Rows {
            dense: Vec::new(),
            by_carriers: Vec::new(),
        };
        for (v, row) in present() {
            match row.dense_payload() {
                Some(payload) if tables => split.dense.push((v, payload)),
                _ => split.by_carriers.push((v, row)),
            }
        }
        split
    }
}

impl Group {
    /// `first` is the place of the first of these columns among all.
    fn new(samples: usize, columns: &[(Weight, &[i64])], first: usize) -> Self {
        match columns.len() {
            ..=4 => Self::One(Columns::new(samples, columns, first)),
            5..=8 => Self::Two(Columns::new(samples, columns, first)),
            9..=12 => Self::Three(Columns::new(samples, columns, first)),
            _ => Self::Four(Columns::new(samples, columns, first)),
        }
    }
}

#[cfg(test)]
mod tests;
