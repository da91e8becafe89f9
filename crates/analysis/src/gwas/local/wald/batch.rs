//! Some people at once: the same operations for each as in `terms`, one column after another
//! instead of one person after another, so that the compiler can use the processor's vectors. Sums
//! of integers do not depend on the order.

use crate::{
    exponential::exp,
    gwas::local::terms::{add_model_terms, linear_predictor, residual_and_weight},
    linear_algebra::at,
    quantise::ONE,
};

/// People of a batch.
pub(super) const LANES: usize = 64;

type Lanes = [f64; LANES];

/// 1.5 * 2^52: adding it leaves a rounded integer in the low bits of the mantissa, as in
/// `quantise::fixed`.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// Predictors of this size have products below 2^21: in fixed point below 2^51, within reach of
/// that trick.
const LARGEST_PREDICTOR: f64 = 1024.0;

/// Predictors and responses of up to `LANES` people, by column; zeros where there are fewer.
pub(super) struct Batch {
    predictors: Vec<Lanes>,
    response: Lanes,
    usual: bool,
}

/// Who is called for a variant, and with which dosage.
pub(super) struct Calling {
    dosage: Lanes,
    /// 1 or 0.
    called: Lanes,
}

impl Calling {
    pub fn nobody() -> Self {
        Self {
            dosage: [0.0; LANES],
            called: [0.0; LANES],
        }
    }

    pub fn call(&mut self, lane: usize, dosage: f64) {
        self.dosage[lane] = dosage;
        self.called[lane] = 1.0;
    }
}

impl Batch {
    /// `rows` are the people's rows [1, z..] of `columns` numbers, one after another.
    pub fn new(columns: usize, rows: &[f64], responses: &[f64]) -> Self {
        let mut predictors = vec![[0.0; LANES]; columns];
        for (lane, row) in rows.chunks_exact(columns).enumerate() {
            predictors
                .iter_mut()
                .zip(row)
                .for_each(|(column, value)| column[lane] = *value);
        }
        let mut response = [0.0; LANES];
        response[..responses.len()].copy_from_slice(responses);
        let usual = rows.iter().all(|value| value.abs() <= LARGEST_PREDICTOR);
        Self {
            predictors,
            response,
            usual,
        }
    }

    /// Adds gradient and triangle of information of the called people.
    pub fn add(&self, calling: &Calling, coefficients: &[f64], sum: &mut [i64]) {
        if self.usual {
            self.add_together(calling, coefficients, sum);
        } else {
            self.add_one_by_one(calling, coefficients, sum);
        }
    }

    fn add_together(&self, calling: &Calling, coefficients: &[f64], sum: &mut [i64]) {
        let (residual, weight) = self.residuals_and_weights(calling, coefficients);
        let size = self.predictors.len() + 1;
        let column = |k: usize| self.predictors.get(k).unwrap_or(&calling.dosage);
        let (gradient, information) = sum.split_at_mut(size);
        for i in 0..size {
            gradient[i] = gradient[i].wrapping_add(sum_of_fixed(&residual, column(i)));
            let weighted = times(&weight, column(i));
            for j in 0..=i {
                let word = &mut information[at(i, j)];
                *word = word.wrapping_add(sum_of_fixed(&weighted, column(j)));
            }
        }
    }

    /// y - mu and mu (1 - mu) in units of fixed point, 0 for people who are not called. A factor
    /// that is a power of two changes no rounding, whether it comes before a product or after it.
    fn residuals_and_weights(&self, calling: &Calling, coefficients: &[f64]) -> (Lanes, Lanes) {
        let mut exponentials = [0.0; LANES];
        for (column, coefficient) in self
            .predictors
            .iter()
            .chain([&calling.dosage])
            .zip(coefficients)
        {
            exponentials
                .iter_mut()
                .zip(column)
                .for_each(|(sum, x)| *sum += x * coefficient);
        }
        exponentials
            .iter_mut()
            .for_each(|log_odds| *log_odds = -*log_odds);
        exp(&mut exponentials);
        let (mut residual, mut weight) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            let mu = 1.0 / (1.0 + exponentials[lane]);
            let unit = calling.called[lane] * ONE as f64;
            residual[lane] = (self.response[lane] - mu) * unit;
            weight[lane] = mu * (1.0 - mu) * unit;
        }
        (residual, weight)
    }

    fn add_one_by_one(&self, calling: &Calling, coefficients: &[f64], sum: &mut [i64]) {
        for lane in (0..LANES).filter(|lane| calling.called[*lane] == 1.0) {
            let columns = self.predictors.iter().chain([&calling.dosage]);
            let row: Vec<f64> = columns.map(|column| column[lane]).collect();
            let log_odds = linear_predictor(&row, coefficients);
            let (residual, weight) = residual_and_weight(log_odds, self.response[lane]);
            add_model_terms(&row, residual, weight, sum);
        }
    }
}

#[inline]
fn times(a: &Lanes, b: &Lanes) -> Lanes {
    let mut products = *a;
    products
        .iter_mut()
        .zip(b)
        .for_each(|(product, b)| *product *= b);
    products
}

/// The sum of the products, each rounded to an integer; they are below 2^51 in size.
#[inline]
fn sum_of_fixed(a: &Lanes, b: &Lanes) -> i64 {
    let shifted = a.iter().zip(b).map(|(a, b)| (a * b + SHIFT).to_bits());
    let sum = shifted.fold(0_u64, u64::wrapping_add);
    sum.wrapping_sub((LANES as u64).wrapping_mul(SHIFT.to_bits())) as i64
}

#[cfg(test)]
mod tests {
    use rand_chacha::{
        ChaCha8Rng,
        rand_core::{RngCore, SeedableRng},
    };

    use super::*;
    use crate::gwas::logistic::model_words;

    /// Random people, some of them not called, and random coefficients of the given sizes.
    fn check(people: usize, spread: f64, slope: f64, expect_usual: bool) {
        const COLUMNS: usize = 4;
        let mut random = ChaCha8Rng::seed_from_u64(people as u64);
        let mut number =
            |size: f64| ((random.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0) * size;
        let rows: Vec<f64> = (0..people * COLUMNS)
            .map(|place| {
                if place % COLUMNS == 0 {
                    1.0
                } else {
                    number(spread)
                }
            })
            .collect();
        let response: Vec<f64> = (0..people).map(|_| f64::from(number(1.0) > 0.0)).collect();
        let coefficients: Vec<f64> = (0..=COLUMNS).map(|_| number(slope)).collect();
        let mut calling = Calling::nobody();
        (0..people)
            .filter(|lane| lane % 5 != 3)
            .for_each(|lane| calling.call(lane, (lane % 3) as f64));
        let batch = Batch::new(COLUMNS, &rows, &response);
        assert_eq!(batch.usual, expect_usual);
        let (mut together, mut single) = (
            vec![7; model_words(COLUMNS + 1)],
            vec![7; model_words(COLUMNS + 1)],
        );
        batch.add(&calling, &coefficients, &mut together);
        batch.add_one_by_one(&calling, &coefficients, &mut single);
        assert_eq!(together, single);
        assert_ne!(single, vec![7; model_words(COLUMNS + 1)]);
    }

    #[test]
    fn people_together_add_what_they_add_one_by_one() {
        for people in 1..=LANES {
            check(people, 3.0, 0.7, true);
            check(people, 3.0, 1e-9, true);
        }
        check(LANES, 1000.0, 0.01, true);
        check(LANES, 1000.0, 30.0, true);
        check(LANES, 1e-6, 800.0, true);
        check(LANES, 3e6, 1e-4, false);
    }
}
