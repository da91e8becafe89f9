//! Gradient and information of each variant's own logistic model, at its own coefficients.

use ligate_genotypes::Row;

use super::{
    scan::Chunk,
    terms::{add_model_terms, linear_predictor, residual_and_weight},
};
use crate::gwas::{
    cohort::{Block, Cohort},
    logistic,
};

/// The words of a chunk's variants. `rows` are rows [1, z..] of all people, `coefficients` stand one key after another.
pub(crate) fn sums(
    chunk: &Chunk<'_, '_>,
    cohort: &Cohort,
    rows: &[f64],
    columns: usize,
    coefficients: &[f64],
) -> Vec<i64> {
    let size = columns + 1;
    let mut words = Vec::with_capacity(chunk.len() * logistic::model_words(size));
    for (variant, index) in chunk.indices.iter().enumerate() {
        let model = Model { rows, columns, coefficients: &coefficients[index * size..(index + 1) * size] };
        let mut sum = vec![0; logistic::model_words(size)];
        for (genotypes, block) in chunk.blocks.iter().zip(cohort.blocks()) {
            if let Some(row) = &genotypes[variant] {
                model.add_block(block, row, cohort.response(), &mut sum);
            }
        }
        words.extend(sum);
    }
    words
}

struct Model<'a> {
    rows: &'a [f64],
    columns: usize,
    coefficients: &'a [f64],
}

impl Model<'_> {
    /// Adds the called people of one block.
    fn add_block(&self, block: &Block, row: &Row<'_>, response: &[f64], sum: &mut [i64]) {
        let calls = row.decode();
        let mut uncalled = calls.exceptions().iter().map(|(sample, _)| *sample).peekable();
        let mut predictors = vec![0.0; self.columns + 1];
        for (member, person) in block.members.iter().zip(block.people()) {
            while uncalled.next_if(|sample| sample < member).is_some() {}
            if uncalled.peek() == Some(member) {
                continue;
            }
            let dosage = calls.code(*member as usize).count_ones();
            let own = &self.rows[person * self.columns..(person + 1) * self.columns];
            predictors[..self.columns].copy_from_slice(own);
            predictors[self.columns] = f64::from(dosage);
            let log_odds = linear_predictor(&predictors, self.coefficients);
            let (residual, weight) = residual_and_weight(log_odds, response[person]);
            add_model_terms(&predictors, residual, weight, sum);
        }
    }
}
