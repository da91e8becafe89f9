//! The sums of a statistics ask: dosage-weighted columns, and downdates for people who are not
//! called.

use ligate_genotypes::{ColumnSums, Weight};

use super::{
    scan::Chunk,
    terms::{NullTerms, Products, Tabulated, Terms, add, sum_over},
};
use crate::{
    gwas::{
        ask::Layout,
        cohort::{Block, Cohort},
    },
    quantise::fixed,
};

/// A column of a block's samples and what it is weighted by.
type Column = (Weight, Vec<i64>);

/// Sums of columns over dosages, and vectors of the people for whom calls are missing.
pub(crate) struct Statistics<'a> {
    cohort: &'a Cohort,
    /// Per sample block.
    sums: Vec<ColumnSums>,
    /// Words of one variant without its downdate.
    width: usize,
    terms: Box<dyn Terms + 'a>,
    /// Per sample block the sum over all its people: the downdate of a variant that the block does
    /// not hold.
    whole: Vec<Vec<i64>>,
}

impl<'a> Statistics<'a> {
    /// g'z of every covariate and g'y; downdates are triangles of [1, z.., y].
    pub fn linear(cohort: &'a Cohort, products: Products, threads: usize) -> Self {
        let rows = &products.0;
        let width = rows.width - 1;
        let column = |block: &Block, k: usize| by_sample(block, |person| rows.row(person)[k + 1]);
        let columns_of = |block: &Block| -> Vec<Column> {
            (0..width)
                .map(|k| (Weight::Dosage, column(block, k)))
                .collect()
        };
        let sums = column_sums(cohort, &columns_of);
        Self::new(
            cohort,
            width,
            sums,
            Tabulated::new(products, cohort.count()),
            threads,
        )
    }

    /// S, g'Wg and g'WC; downdates are U and the triangle of I.
    pub fn score(cohort: &'a Cohort, terms: NullTerms, threads: usize) -> Self {
        let columns_of = |block: &Block| -> Vec<Column> {
            let score = by_sample(block, |person| fixed(terms.residuals[person]));
            let squared = by_sample(block, |person| fixed(terms.weights[person]));
            let weighted = |k: usize| {
                by_sample(block, |person| {
                    fixed(terms.weights[person] * terms.row(person)[k])
                })
            };
            let first = [(Weight::Dosage, score), (Weight::SquaredDosage, squared)];
            first
                .into_iter()
                .chain((0..terms.columns).map(|k| (Weight::Dosage, weighted(k))))
                .collect()
        };
        let width = terms.columns + 2;
        let sums = column_sums(cohort, &columns_of);
        Self::new(
            cohort,
            width,
            sums,
            Tabulated::new(terms, cohort.count()),
            threads,
        )
    }

    fn new(
        cohort: &'a Cohort,
        width: usize,
        sums: Vec<ColumnSums>,
        terms: impl Terms + 'a,
        threads: usize,
    ) -> Self {
        let blocks = cohort.blocks().iter();
        let whole = blocks
            .map(|block| sum_over(&terms, block.people(), threads))
            .collect();
        Self {
            cohort,
            sums,
            width,
            terms: Box::new(terms),
            whole,
        }
    }

    /// The words of a chunk's variants: weighted sums, and a downdate where the layout has room for
    /// one.
    pub fn of_chunk(&self, chunk: &Chunk<'_, '_>, layout: &Layout) -> Vec<i64> {
        let sums = self.weighted_sums(chunk);
        let mut words = Vec::new();
        for (variant, index) in chunk.indices.iter().enumerate() {
            words.extend(&sums[variant * self.width..(variant + 1) * self.width]);
            if layout.range(*index).len() > self.width {
                words.extend(self.downdate(chunk, variant));
            }
        }
        words
    }

    /// `width` sums of each variant.
    pub fn weighted_sums(&self, chunk: &Chunk<'_, '_>) -> Vec<i64> {
        let mut sums = vec![0; chunk.len() * self.width];
        for (columns, rows) in self.sums.iter().zip(&chunk.blocks) {
            columns.add(rows, &mut sums);
        }
        sums
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// The sum over the people who are not called.
    pub fn downdate(&self, chunk: &Chunk<'_, '_>, variant: usize) -> Vec<i64> {
        let mut sum = vec![0; self.terms.width()];
        for (place, (rows, block)) in chunk.blocks.iter().zip(self.cohort.blocks()).enumerate() {
            match &rows[variant] {
                None => add(&mut sum, &self.whole[place]),
                Some(row) => {
                    let uncalled = row
                        .exceptions()
                        .filter_map(|(sample, _)| block.person(sample));
                    uncalled.for_each(|person| self.terms.add(person, &mut sum));
                }
            }
        }
        sum
    }
}

/// A column of a block's samples; 0 for those who are not in the run.
fn by_sample(block: &Block, value: impl Fn(usize) -> i64) -> Vec<i64> {
    let mut column = vec![0; block.samples()];
    for (member, person) in block.members.iter().zip(block.people()) {
        column[*member as usize] = value(person);
    }
    column
}

fn column_sums(cohort: &Cohort, columns_of: &dyn Fn(&Block) -> Vec<Column>) -> Vec<ColumnSums> {
    let of_block = |block: &Block| {
        let columns = columns_of(block);
        let views: Vec<(Weight, &[i64])> = columns
            .iter()
            .map(|(weight, column)| (*weight, column.as_slice()))
            .collect();
        ColumnSums::new(block.samples(), &views)
    };
    cohort.blocks().iter().map(of_block).collect()
}
