//! Gradient and information of each variant's own logistic model, at its own coefficients.

mod batch;

use ligate_genotypes::Row;

use self::batch::{Batch, Calling, LANES};
use super::{scan::Chunk, terms::real_rows};
use crate::gwas::{
    cohort::{Block, Cohort, Standardised},
    logistic,
};

/// All people of a node, in batches that are worked on together; per sample block.
pub(crate) struct Models<'a> {
    cohort: &'a Cohort,
    columns: usize,
    batches: Vec<Vec<Batch>>,
}

impl<'a> Models<'a> {
    /// `standardised` are rows [1, z..] of all people.
    /// People of whom it is not known count as cases to the share `fill`.
    pub fn new(cohort: &'a Cohort, standardised: &Standardised, fill: f64) -> Self {
        let (columns, rows) = (standardised.width, real_rows(standardised));
        let responses = cohort.filled_response(fill);
        let of_block = |block: &Block| {
            let rows = &rows[block.first_person * columns..][..block.members.len() * columns];
            let response = &responses[block.people()];
            let people = rows.chunks(columns * LANES).zip(response.chunks(LANES));
            people
                .map(|(rows, response)| Batch::new(columns, rows, response))
                .collect()
        };
        Self {
            cohort,
            columns,
            batches: cohort.blocks().iter().map(of_block).collect(),
        }
    }

    /// The words of a chunk's variants; `coefficients` stand one key of the ask after another.
    pub fn sums(&self, chunk: &Chunk<'_, '_>, coefficients: &[f64]) -> Vec<i64> {
        let size = self.columns + 1;
        let mut words = vec![0; chunk.len() * logistic::model_words(size)];
        for ((variant, index), sum) in chunk
            .indices
            .iter()
            .enumerate()
            .zip(words.chunks_exact_mut(logistic::model_words(size)))
        {
            let coefficients = &coefficients[index * size..(index + 1) * size];
            let blocks = chunk
                .blocks
                .iter()
                .zip(self.cohort.blocks())
                .zip(&self.batches);
            for ((genotypes, block), batches) in blocks {
                if let Some(row) = &genotypes[variant] {
                    add_block(block, batches, row, coefficients, sum);
                }
            }
        }
        words
    }
}

/// Adds the called people of one block.
fn add_block(
    block: &Block,
    batches: &[Batch],
    row: &Row<'_>,
    coefficients: &[f64],
    sum: &mut [i64],
) {
    const DOSAGES: [f64; 4] = [0.0, 1.0, 1.0, 2.0];
    let calls = row.decode();
    let codes = calls.codes();
    let mut uncalled = calls
        .exceptions()
        .iter()
        .map(|(sample, _)| *sample)
        .peekable();
    for (members, batch) in block.members.chunks(LANES).zip(batches) {
        let mut calling = Calling::nobody();
        for (lane, member) in members.iter().enumerate() {
            while uncalled.next_if(|sample| sample < member).is_some() {}
            if uncalled.peek() != Some(member) {
                let code = codes[*member as usize / 32] >> (2 * (member % 32)) & 3;
                calling.call(lane, DOSAGES[code as usize]);
            }
        }
        batch.add(&calling, coefficients, sum);
    }
}
