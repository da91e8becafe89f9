//! The basis in which G is the identity, as finely as the rows themselves are known.
//!
//! A sum of products has 40 fraction bits. What is left of a column by others, where that is a ten thousandth of it, has
//! a square that is hardly more than what rounding makes of the sum: the weights of a logistic model are such columns,
//! where its covariates say little. So where a sum is not precise enough the nodes turn their rows into its basis, in
//! which small differences are as large as anything, and add up the products once more (the second round of CholeskyQR2:
//! Yamamoto, Nakatsukasa, Yanagisawa and Fukaya, ETNA 44:306 (2015)). [`Basis::is_precise`] says whether that is needed.

use super::{Gram, Limits, Rows, whiten::Factor};

/// Largest error of a leverage, as a share of it, with which a sum is used as it is.
const ERROR_MAX: f64 = 1.0 / 64.0;

/// A direction of the first sum is nothing where the second one finds less than this of it.
const NOTHING: f64 = 1e-8;

/// What must be left of a column's square, as a share of it, in a coarse basis.
const COARSE: f64 = 1e-6;

/// A basis: directions of it are combinations of columns.
pub struct Basis {
    columns: usize,
    first: Factor,
    /// Over the directions of the first one.
    second: Option<Factor>,
}

impl Basis {
    pub fn new(gram: &Gram) -> Self {
        Self { columns: gram.size(), first: Factor::new(gram), second: None }
    }

    /// The basis without what is left of a column by others where that is too little to be known from a sum with few bits.
    pub fn coarse(gram: &Gram) -> Self {
        Self { columns: gram.size(), first: Factor::above_share(gram, COARSE), second: None }
    }

    /// Whether each direction is known well enough from a sum with so many fraction bits.
    pub fn is_precise(&self, fraction_bits: u32) -> bool {
        let unit = libm::ldexp(1.0, -(fraction_bits as i32));
        let mut axis = vec![0.0; self.first.rank()];
        (0..axis.len()).all(|place| {
            axis[place] = 1.0;
            let combination = self.first.combination(&axis, self.columns);
            axis[place] = 0.0;
            combination.iter().map(|part| part * part).sum::<f64>() * unit < ERROR_MAX
        })
    }

    /// The rows in this basis: what a second sum is made of.
    pub fn rows(&self, rows: &Rows, threads: usize) -> Rows {
        let values = self.whiten(rows, threads);
        Rows { columns: self.rank(), values }
    }

    /// This basis, made precise by the sum over [`rows`](Self::rows).
    #[must_use]
    pub fn refined(self, gram: &Gram) -> Self {
        let second = Factor::above(gram, NOTHING);
        Self { second: (gram.size() == self.first.rank()).then_some(second), ..self }
    }

    /// Directions.
    pub fn rank(&self) -> usize {
        self.second.as_ref().map_or(self.first.rank(), Factor::rank)
    }

    /// Columns of the rows.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The combination of columns that a direction is.
    pub fn combination(&self, direction: &[f64]) -> Vec<f64> {
        match &self.second {
            None => self.first.combination(direction, self.columns),
            Some(second) => {
                self.first.combination(&second.combination(direction, self.first.rank()), self.columns)
            }
        }
    }

    /// The direction of a combination of columns.
    pub fn direction(&self, combination: &[f64]) -> Vec<f64> {
        let first = self.first.direction(combination);
        self.second.as_ref().map_or_else(|| first.clone(), |second| second.direction(&first))
    }

    /// A row, or a sum of rows, in this basis.
    pub(super) fn forward(&self, row: &[f64]) -> Vec<f64> {
        let (mut first, mut both) = (Vec::new(), Vec::new());
        self.first.forward(row, &mut first);
        match &self.second {
            None => first,
            Some(second) => {
                second.forward(&first, &mut both);
                both
            }
        }
    }

    pub(super) fn whiten(&self, rows: &Rows, threads: usize) -> Vec<f64> {
        let values = self.first.whiten(rows, threads);
        match &self.second {
            None => values,
            Some(second) => second.whiten(&Rows { columns: self.first.rank(), values }, threads),
        }
    }

    /// See [`Factor::unseen`].
    pub(super) fn unseen(&self, rows: &Rows, room: Limits) -> Option<Vec<f64>> {
        self.first.unseen(rows, room)
    }

    /// Columns that say something that earlier ones do not.
    pub fn independent(&self) -> &[usize] {
        self.first.independent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{fraction_bits, search::tests::made};

    /// Two columns that are nearly others, one of them by the other: one person has nearly all of what is left.
    #[test]
    fn small_differences_are_weighed_by_a_second_sum() {
        let rows = made(400, 4, 1);
        let column = |place: usize| (0..400).map(|person| rows.row(person)[place]).collect::<Vec<f64>>();
        let mut columns: Vec<Vec<f64>> = (0..4).map(column).collect();
        let small = |person: usize, size: f64| size * libm::sin(person as f64 * 1.7);
        columns.push((0..400).map(|person| columns[1][person] + small(person, 1e-4)).collect());
        let mut last: Vec<f64> =
            (0..400).map(|person| columns[2][person] + 3e2 * small(person, 1e-4)).collect();
        last[7] += 1e-3;
        columns.push(last);
        let rows = Rows::from_columns(&columns);
        let bits = fraction_bits(1600, 6);
        let told =
            |rows: &Rows, bits| Gram::from_words(rows.columns(), &rows.gram(1).to_words(bits), bits).unwrap();
        let basis = Basis::new(&told(&rows, bits));
        assert!(!basis.is_precise(bits));
        let turned = basis.rows(&rows, 1);
        let basis = basis.refined(&told(&turned, fraction_bits(1, 6)));
        let leverages: Vec<f64> = (0..400)
            .map(|person| basis.forward(rows.row(person)).iter().map(|value| value * value).sum())
            .collect();
        assert!(leverages[7] > 0.98 && leverages[7] < 1.0 + 1e-3, "{}", leverages[7]);
        assert!((leverages.iter().sum::<f64>() - 6.0).abs() < 1e-3);
        let axis: Vec<f64> = (0..6).map(|place| f64::from(place == 3)).collect();
        let back = basis.direction(&basis.combination(&axis));
        assert!(back.iter().zip(&axis).all(|(a, b)| (a - b).abs() < 1e-6), "{back:?}");
    }

    #[test]
    fn an_ordinary_sum_is_precise() {
        let rows = made(2000, 60, 2);
        assert!(Basis::new(&rows.gram(2)).is_precise(fraction_bits(8000, 60)));
    }
}
