//! Vectors of integers, one per person, whose sums over people are moments: over all people of a
//! node, or over those who are not called for a variant (a downdate). Both take the same vectors,
//! so that a difference is exact.

use std::ops::Range;

use crate::{
    gwas::{
        cohort::{Cohort, Standardised},
        logistic,
    },
    linear_algebra::{at, triangle},
    quantise::{fixed, product, unfixed},
};

/// One vector of `width` integers per person.
pub(crate) trait Terms: Sync {
    fn width(&self) -> usize;

    /// Adds a person's vector, modulo 2^64.
    fn add(&self, person: usize, sum: &mut [i64]);
}

/// The triangle of products of a person's row [1, z.., y?], each rounded to fixed point.
pub(crate) struct Products(pub Standardised);

impl Terms for Products {
    fn width(&self) -> usize {
        triangle(self.0.width)
    }

    fn add(&self, person: usize, sum: &mut [i64]) {
        let row = self.0.row(person);
        for (i, a) in row.iter().enumerate() {
            for (sum, b) in sum[triangle(i)..triangle(i + 1)].iter_mut().zip(row) {
                *sum = sum.wrapping_add(product(*a, *b));
            }
        }
    }
}

/// A person's part of U = C'(y - mu) and of the triangle of I = C'WC under a null model.
pub(crate) struct NullTerms {
    pub columns: usize,
    /// Rows [1, z..] of all people, one after another.
    pub rows: Vec<f64>,
    /// y - mu.
    pub residuals: Vec<f64>,
    /// mu (1 - mu).
    pub weights: Vec<f64>,
}

impl NullTerms {
    /// People of whom it is not known count as cases to the share `fill`.
    pub fn new(
        cohort: &Cohort,
        standardised: &Standardised,
        coefficients: &[f64],
        fill: f64,
    ) -> Self {
        let columns = standardised.width;
        let rows = real_rows(standardised);
        let (residuals, weights) = rows
            .chunks_exact(columns)
            .zip(cohort.filled_response(fill))
            .map(|(row, response)| {
                residual_and_weight(linear_predictor(row, coefficients), response)
            })
            .unzip();
        Self {
            columns,
            rows,
            residuals,
            weights,
        }
    }

    pub fn row(&self, person: usize) -> &[f64] {
        &self.rows[person * self.columns..(person + 1) * self.columns]
    }
}

impl Terms for NullTerms {
    fn width(&self) -> usize {
        logistic::model_words(self.columns)
    }

    fn add(&self, person: usize, sum: &mut [i64]) {
        add_model_terms(
            self.row(person),
            self.residuals[person],
            self.weights[person],
            sum,
        );
    }
}

/// The rows of all people as numbers.
pub(crate) fn real_rows(standardised: &Standardised) -> Vec<f64> {
    standardised
        .rows
        .iter()
        .map(|value| unfixed(*value))
        .collect()
}

/// Adds x (y - mu) and the triangle of w x x', rounded to fixed point. The order of the products is
/// part of the result: a score test's columns w x are the same numbers as the triangle's first
/// column.
pub(crate) fn add_model_terms(row: &[f64], residual: f64, weight: f64, sum: &mut [i64]) {
    let (gradient, information) = sum.split_at_mut(row.len());
    for (i, x) in row.iter().enumerate() {
        gradient[i] = gradient[i].wrapping_add(fixed(x * residual));
        let weighted = weight * x;
        for (j, z) in row[..=i].iter().enumerate() {
            information[at(i, j)] = information[at(i, j)].wrapping_add(fixed(weighted * z));
        }
    }
}

/// The log odds of a person, added from the first term to the last.
pub(crate) fn linear_predictor(row: &[f64], coefficients: &[f64]) -> f64 {
    row.iter()
        .zip(coefficients)
        .fold(0.0, |sum, (x, b)| sum + x * b)
}

/// y - mu and mu (1 - mu) at some log odds.
pub(crate) fn residual_and_weight(log_odds: f64, response: f64) -> (f64, f64) {
    let mu = 1.0 / (1.0 + libm::exp(-log_odds));
    (response - mu, mu * (1.0 - mu))
}

/// The sum of the vectors of some people.
pub(crate) fn sum_over(terms: &dyn Terms, people: Range<usize>, threads: usize) -> Vec<i64> {
    const PEOPLE_PER_THREAD: usize = 1024;
    let size = people.len().div_ceil(threads.max(1)).max(PEOPLE_PER_THREAD);
    let starts = people.clone().step_by(size);
    let mut parts: Vec<(Range<usize>, Vec<i64>)> = starts
        .map(|start| (start..people.end.min(start + size), vec![0; terms.width()]))
        .collect();
    let add_all = |(range, sum): &mut (Range<usize>, Vec<i64>)| {
        range.clone().for_each(|person| terms.add(person, sum));
    };
    match parts.as_mut_slice() {
        [only] => add_all(only),
        several => std::thread::scope(|scope| {
            for part in several {
                scope.spawn(|| add_all(part));
            }
        }),
    }
    let mut total = vec![0; terms.width()];
    parts.iter().for_each(|(_, part)| add(&mut total, part));
    total
}

/// Adds one vector to another, modulo 2^64.
pub(crate) fn add(total: &mut [i64], part: &[i64]) {
    for (total, part) in total.iter_mut().zip(part) {
        *total = total.wrapping_add(*part);
    }
}

/// Terms looked up in a table where it fits into memory, else made on the spot.
pub(crate) struct Tabulated<T> {
    terms: T,
    table: Vec<i64>,
}

impl<T: Terms> Tabulated<T> {
    /// At most 128 MiB.
    const MAX_TABLE: usize = 1 << 24;

    pub fn new(terms: T, people: usize) -> Self {
        let width = terms.width();
        let mut table = Vec::new();
        if people.saturating_mul(width) <= Self::MAX_TABLE {
            table.resize(people * width, 0);
            table
                .chunks_exact_mut(width)
                .enumerate()
                .for_each(|(person, sum)| terms.add(person, sum));
        }
        Self { terms, table }
    }
}

impl<T: Terms> Terms for Tabulated<T> {
    fn width(&self) -> usize {
        self.terms.width()
    }

    fn add(&self, person: usize, sum: &mut [i64]) {
        let width = self.width();
        match self.table.get(person * width..(person + 1) * width) {
            Some(terms) => add(sum, terms),
            None => self.terms.add(person, sum),
        }
    }
}
