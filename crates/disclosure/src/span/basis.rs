//! The basis in which G is the identity, as finely as the rows themselves are known.
//!
//! A sum of products has 40 fraction bits at most. What is left of a column by others, where that
//! is a ten thousandth of it, has a square that is hardly more than what rounding makes of the sum:
//! the weights of a logistic model are such columns, where its covariates say little. Whether such
//! a column counts as independent would be luck. So it always does, with a pivot that rounding
//! cannot spread from, and is **doubtful**. Each node looks at its own rows for what is left of it
//! ([`Basis::is_enough_for`]). Where somebody finds more than the rounding of values, the nodes
//! turn their rows into this basis, in which small differences are as large as anything, and add up
//! the products once more (the second round of CholeskyQR2: Yamamoto, Nakatsukasa, Yanagisawa and
//! Fukaya, ETNA 44:306 (2015)): [`Basis::refined`]. Otherwise nothing is left of it:
//! [`Basis::settled`].
//!
//! A difference may be so small that the rounding of values to 2^-30 is most of it: two columns of
//! one variable that was standardised twice differ by that alone, for everybody. No released number
//! has digits for it. So a direction of which people have hardly more than rounding makes of it is
//! nothing; and in what counts, rows that are nobody's have as much as rounding, and hide what is
//! beside them.

use super::{
    Gram, Rows,
    lanes::dot,
    whiten::{Doubtful, Factor, NOTHING_LEFT},
};

/// A direction of the first sum is nothing where the second one finds less than this of it.
const NOTHING: f64 = 1e-8;

/// What must be left of a column's square, as a share of it, in a coarse basis.
const COARSE: f64 = 1e-6;

/// Fraction bits of sums that were not rounded.
const ALL_BITS: u32 = 1000;

/// The mean square of what rounding to 2^-30 changes a value by, a twelfth of its unit's square.
const ROUNDING_SQUARED: f64 = 7.228_014_483_236_696e-20;

/// The square of what a number of six digits leaves open at least, 2^-25 of it. Of a column with
/// small values, as the weights of a rare disease, that is less than rounding is, and hides less.
const DIGITS_SQUARED: f64 = 8.881_784_197_001_252e-16;

/// How much people must have of a direction beside what rounding makes of it, as a share of that,
/// so that it is not nothing. What rounding makes of sixty people's values is off its mean by a
/// tenth.
const BESIDE_ROUNDING: f64 = 0.5;

/// A basis: directions of it are combinations of columns.
#[derive(Clone)]
pub struct Basis {
    columns: usize,
    first: Factor,
    doubtful: Vec<Doubtful>,
    /// Over the directions of the first one.
    second: Option<Factor>,
    /// Rows in the sum that are nobody's.
    hiding: Rows,
    /// About how many people the sum is over: the largest square of a column.
    people: f64,
    /// Of each column, the square of what rounding makes of it over everybody.
    rounding: Vec<f64>,
}

impl Basis {
    /// The basis of a sum that is rounded to so many fraction bits.
    pub fn new(gram: &Gram, fraction_bits: u32) -> Self {
        Self::hidden_by(gram, fraction_bits, Rows::zeros(0, gram.size()))
    }

    /// The basis of a sum and of rows that are nobody's: see
    /// [`HiddenProducts`](super::HiddenProducts).
    pub fn hidden_by(gram: &Gram, fraction_bits: u32, hiding: Rows) -> Self {
        let squares: Vec<f64> = (0..gram.size())
            .map(|column| gram.get(column, column).max(0.0))
            .collect();
        let people = squares.iter().copied().fold(0.0, f64::max);
        // Products are added up, and turned into the nodes' basis and back, in numbers of 53 bits.
        let unit = libm::ldexp(1.0, -(fraction_bits as i32)) + 2.0 * NOTHING_LEFT * people;
        let (first, doubtful) = Factor::doubting(&gram.with(&hiding), unit);
        let rounding = squares
            .iter()
            .map(|square| (DIGITS_SQUARED * square).min(ROUNDING_SQUARED * people));
        let rounding = rounding.collect();
        Self {
            columns: gram.size(),
            first,
            doubtful,
            second: None,
            hiding,
            people,
            rounding,
        }
    }

    /// The basis of a sum that was not rounded.
    pub fn exact(gram: &Gram) -> Self {
        Self::new(gram, ALL_BITS)
    }

    /// The basis without what is left of a column by others where that is too little to be known
    /// from a sum with few bits.
    pub fn coarse(gram: &Gram) -> Self {
        let first = Factor::above_share(gram, COARSE);
        let (doubtful, hiding) = (Vec::new(), Rows::zeros(0, gram.size()));
        let rounding = vec![0.0; gram.size()];
        Self {
            columns: gram.size(),
            first,
            doubtful,
            second: None,
            hiding,
            people: 0.0,
            rounding,
        }
    }

    /// What earlier columns leave of the square of the last one; 0 where that is no more than
    /// rounding.
    pub(super) fn left_of_last(&self) -> f64 {
        let last = self
            .columns
            .checked_sub(1)
            .filter(|last| self.first.independent().last() == Some(last));
        let is_doubtful = self
            .doubtful
            .last()
            .is_some_and(|last| last.place + 1 == self.first.rank());
        last.filter(|_| !is_doubtful)
            .map_or(0.0, |last| self.first.pivot(last))
    }

    /// Whether these rows have hardly more than rounding in what is doubtful.
    pub fn is_enough_for(&self, rows: &Rows) -> bool {
        // These people's part of all rounding, and as much beside it as would be nothing if they
        // had it alone.
        let own = (rows.people() as f64 / self.people.max(1.0)).min(1.0) + BESIDE_ROUNDING;
        let is_rounding = |doubtful: &Doubtful| {
            let mut axis = vec![0.0; self.first.rank()];
            axis[doubtful.place] = doubtful.pivot.sqrt();
            let combination = self.first.combination(&axis, self.columns);
            let left = (0..rows.people()).map(|person| dot(rows.row(person), &combination).powi(2));
            left.sum::<f64>() <= own * self.rounding(&combination)
        };
        self.doubtful.iter().all(is_rounding)
    }

    /// What the rounding of values makes of the square of a combination of columns of which nothing
    /// is left: its mean.
    fn rounding(&self, combination: &[f64]) -> f64 {
        self.rounding
            .iter()
            .zip(combination)
            .map(|(rounding, part)| rounding * part * part)
            .sum()
    }

    /// Rows that are nobody's and make as much of every combination as rounding does.
    fn rounding_rows(&self) -> Rows {
        let mut rows = Rows::zeros(self.columns, self.columns);
        for (column, rounding) in self.rounding.iter().enumerate() {
            rows.set_column(column, [(column, rounding.sqrt())].into_iter());
        }
        rows
    }

    /// The rows in this basis: what a second sum is made of.
    pub fn rows(&self, rows: &Rows, threads: usize) -> Rows {
        let values = self.whiten(rows, threads);
        Rows {
            columns: self.rank(),
            values,
        }
    }

    /// This basis where nobody has anything of what is doubtful.
    #[must_use]
    pub fn settled(self) -> Self {
        let places: Vec<usize> = self
            .doubtful
            .iter()
            .map(|doubtful| doubtful.place)
            .collect();
        if places.is_empty() {
            return self;
        }
        Self {
            first: self.first.without(&places),
            doubtful: Vec::new(),
            ..self
        }
    }

    /// This basis, made precise by the sum over [`rows`](Self::rows).
    #[must_use]
    pub fn refined(self, gram: &Gram) -> Self {
        if gram.size() != self.first.rank() {
            return self;
        }
        let gram = &gram
            .with(&self.rows(&self.hiding, 1))
            .with(&self.rows(&self.rounding_rows(), 1));
        let least = |earlier: &Factor, place: usize, row: &[f64]| {
            let mut direction: Vec<f64> = earlier
                .combination(row, gram.size())
                .iter()
                .map(|part| -part)
                .collect();
            direction[place] = 1.0;
            let rounding = self.rounding(&self.first.combination(&direction, self.columns));
            // Rounding is in it twice: people's own, and the rows that are nobody's.
            rounding + ((1.0 + BESIDE_ROUNDING) * rounding).max(NOTHING)
        };
        let second = Factor::above(gram, least);
        Self {
            second: Some(second),
            ..self
        }
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
            Some(second) => self.first.combination(
                &second.combination(direction, self.first.rank()),
                self.columns,
            ),
        }
    }

    /// The direction of a combination of columns.
    pub fn direction(&self, combination: &[f64]) -> Vec<f64> {
        let first = self.first.direction(combination);
        self.second
            .as_ref()
            .map_or_else(|| first.clone(), |second| second.direction(&first))
    }

    /// What each column has of a combination that no earlier column has. A column that is nearly an
    /// earlier one has little, however large its factor is.
    pub fn parts(&self, combination: &[f64]) -> Vec<f64> {
        let mut parts = vec![0.0; self.columns];
        for (column, part) in self
            .independent()
            .into_iter()
            .zip(self.direction(combination))
        {
            parts[column] = part;
        }
        parts
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
            Some(second) => second.whiten(
                &Rows {
                    columns: self.first.rank(),
                    values,
                },
                threads,
            ),
        }
    }

    /// Columns that say something that earlier ones do not.
    pub fn independent(&self) -> Vec<usize> {
        let first = self.first.independent();
        match &self.second {
            None => first.to_vec(),
            Some(second) => second
                .independent()
                .iter()
                .map(|place| first[*place])
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Finding, Limits, fraction_bits, judge_by, search::tests::made};

    fn column(rows: &Rows, place: usize) -> Vec<f64> {
        (0..rows.people())
            .map(|person| rows.row(person)[place])
            .collect()
    }

    fn on_grid(value: f64) -> f64 {
        libm::ldexp(libm::ldexp(value, 30).round_ties_even(), -30)
    }

    /// A sum as words tell it.
    fn told(gram: &Gram, bits: u32) -> Gram {
        Gram::from_words(gram.size(), &gram.to_words(bits), bits).unwrap()
    }

    /// Two columns that are nearly others, one of them by the other: one person has nearly all of
    /// what is left.
    #[test]
    fn small_differences_are_weighed_by_a_second_sum() {
        let rows = made(400, 4, 1);
        let mut columns: Vec<Vec<f64>> = (0..4).map(|place| column(&rows, place)).collect();
        let small = |person: usize, size: f64| size * libm::sin(person as f64 * 1.7);
        columns.push(
            (0..400)
                .map(|person| columns[1][person] + small(person, 1e-4))
                .collect(),
        );
        let mut last: Vec<f64> = (0..400)
            .map(|person| columns[2][person] + 3e2 * small(person, 1e-4))
            .collect();
        last[7] += 1e-3;
        columns.push(last);
        let rows = Rows::from_columns(&columns);
        let bits = fraction_bits(1600, 6);
        let basis = Basis::new(&told(&rows.gram(1), bits), bits);
        assert!(!basis.is_enough_for(&rows));
        let turned = basis.rows(&rows, 1).gram(1);
        let basis = basis.refined(&told(&turned, fraction_bits(1, 6)));
        let leverages: Vec<f64> = (0..400)
            .map(|person| {
                basis
                    .forward(rows.row(person))
                    .iter()
                    .map(|value| value * value)
                    .sum()
            })
            .collect();
        assert!(
            leverages[7] > 0.98 && leverages[7] < 1.0 + 1e-3,
            "{}",
            leverages[7]
        );
        assert!((leverages.iter().sum::<f64>() - 6.0).abs() < 1e-3);
        let axis: Vec<f64> = (0..6).map(|place| f64::from(place == 3)).collect();
        let back = basis.direction(&basis.combination(&axis));
        assert!(
            back.iter().zip(&axis).all(|(a, b)| (a - b).abs() < 1e-6),
            "{back:?}"
        );
        let of_one = judge_by(&rows, &basis, Limits::of_cell(10), 1)
            .worst
            .unwrap();
        let parts = basis.parts(&of_one);
        assert!(parts[5].abs() > 0.9 && parts[4].abs() < 0.1, "{parts:?}");
    }

    #[test]
    fn an_ordinary_sum_is_enough() {
        let rows = made(2000, 60, 2);
        let bits = fraction_bits(8000, 60);
        assert!(Basis::new(&rows.gram(2), bits).is_enough_for(&rows));
    }

    /// What is found over rows whose sums are told in words, as the nodes do it.
    fn judged(rows: &Rows) -> Finding {
        let bits = fraction_bits(4 * rows.people() as u64, rows.columns());
        let basis = Basis::new(&told(&rows.gram(1), bits), bits);
        let basis = if basis.is_enough_for(rows) {
            basis.settled()
        } else {
            let again = basis.rows(rows, 1).gram(1);
            basis.refined(&told(&again, fraction_bits(1, again.size())))
        };
        judge_by(rows, &basis, Limits::of_cell(10), 1)
    }

    #[test]
    fn a_column_that_is_there_twice_hides_nothing() {
        let rows = made(120, 3, 5);
        let [a, b, c] = [0, 1, 2].map(|place| column(&rows, place));
        // The same values by another zero and unit, to 2^-30.
        let again = b.iter().map(|value| on_grid(0.3 + 1.7 * value)).collect();
        let twice = Rows::from_columns(&[a.clone(), b.clone(), c.clone(), again]);
        let mut other = b.clone();
        other[7] += 1e-5;
        let nearly = Rows::from_columns(&[a, b, c, other]);
        assert!(judged(&twice).passes());
        assert!(judged(&nearly).leverage > 0.99);
    }

    /// Where people leave another node, this node's variables are standardised anew each time, and
    /// differ by rounding alone.
    #[test]
    fn variables_that_are_standardised_many_times_use_up_nothing() {
        for seed in 0..4 {
            let rows = made(60, 5, seed);
            let scaled = |time: usize| {
                let unit = 1.0 + 0.013 * time as f64;
                let scaled = move |column: Vec<f64>| {
                    column
                        .iter()
                        .map(|value| on_grid((value - 0.003 * time as f64) / unit))
                        .collect()
                };
                (1..5)
                    .map(|place| scaled(column(&rows, place)))
                    .collect::<Vec<Vec<f64>>>()
            };
            let with_times = |times: usize| {
                let columns = [
                    vec![column(&rows, 0)],
                    (0..times).flat_map(scaled).collect(),
                ]
                .concat();
                judged(&Rows::from_columns(&columns))
            };
            let (once, often) = (with_times(1), with_times(16));
            assert!(
                (often.leverage - once.leverage).abs() < 1e-3,
                "{once:?} {often:?}"
            );
        }
    }

    #[test]
    fn a_small_difference_of_everybody_is_nobodys() {
        // The weights of a logistic model whose covariates say nearly nothing: what is left of them
        // is too little to weigh.
        let rows = made(150, 3, 7);
        let with = |left: &dyn Fn(usize) -> f64| {
            let last = (0..150)
                .map(|person| rows.row(person)[1] + left(person))
                .collect();
            Rows::from_columns(&[column(&rows, 0), column(&rows, 1), column(&rows, 2), last])
        };
        let smooth = |person: usize| 2e-7 * rows.row(person)[2].powi(3);
        let of_one = |person: usize| {
            if person == 7 {
                3e-6
            } else {
                0.02 * smooth(person)
            }
        };
        let of_nine = |person: usize| if person < 9 { 1e-6 } else { 0.0 };
        let of_twelve = |person: usize| if person < 12 { 1e-6 } else { 0.0 };
        for (left, passes) in [
            (&smooth as &dyn Fn(usize) -> f64, true),
            (&of_one, false),
            (&of_nine, false),
            (&of_twelve, true),
        ] {
            let found = judged(&with(left));
            assert_eq!(found.passes(), passes, "{found:?}");
        }
    }

    /// What rounding leaves of a sum must not decide whether a difference counts: here a column
    /// differs from earlier ones by 1e-4 of itself, and the next one from all these by ever less,
    /// each difference being one person's.
    #[test]
    fn a_difference_behind_a_small_one_is_seen_however_small() {
        let leverage = |near: f64, times: f64, size: f64| {
            let rows = made(400, 4, 9);
            let small = |person: usize| near * libm::sin(person as f64 * 1.7);
            let column_with = |place: usize, left: &dyn Fn(usize) -> f64| {
                (0..400)
                    .map(|person| on_grid(rows.row(person)[place] + left(person)))
                    .collect::<Vec<f64>>()
            };
            let of_one = |person: usize| if person == 11 { size } else { 0.0 };
            let mut columns: Vec<Vec<f64>> =
                (0..4).map(|place| column_with(place, &|_| 0.0)).collect();
            columns.push(column_with(1, &small));
            columns.push(column_with(2, &|person| {
                times * small(person) + of_one(person)
            }));
            judged(&Rows::from_columns(&columns)).leverage
        };
        for size in [1e-3, 1e-4, 1e-5, 3e-6, 1e-6] {
            let found = leverage(1e-4, 30.0, size);
            assert!(found > 0.9, "{size}: {found}");
        }
        // The weighted covariate of a logistic model, beside the expected value, where the
        // covariate has no effect: what rounding makes of it is a fifth of what is left.
        let found = leverage(1e-5, 300.0, 5e-6);
        assert!((0.6..0.8).contains(&found), "{found}");
    }

    /// What is rounded of a variable with three values is the same for everybody of a value, of
    /// which a few people may have one.
    #[test]
    fn the_rounding_of_a_rare_value_is_nobodys() {
        for seed in 0..40 {
            let rows = made(90, 2, seed);
            let value = |person: usize| f64::from(u8::from(person < 30) + u8::from(person < 4));
            let standardised = |mean: f64, deviation: f64| {
                (0..90)
                    .map(move |person| on_grid((value(person) - mean) / deviation))
                    .collect::<Vec<f64>>()
            };
            let shift = f64::from(seed) / 100.0;
            let once = standardised(0.37, 0.57 + shift);
            let again = standardised(0.39, 0.58 + shift * shift);
            let found = judged(&Rows::from_columns(&[
                column(&rows, 0),
                column(&rows, 1),
                once,
                again,
            ]));
            assert!(found.passes() && found.leverage < 0.5, "{found:?}");
        }
    }

    #[test]
    fn small_differences_of_everybody_may_be_one_persons_together() {
        let rows = made(150, 3, 8);
        let smooth = |person: usize| 2e-7 * rows.row(person)[2].powi(3);
        let of_one = |person: usize| if person == 7 { 6e-7 } else { 0.0 };
        let with = |second: &dyn Fn(usize) -> f64| {
            let added = [&smooth as &dyn Fn(usize) -> f64, second];
            let added = added.map(|left| {
                (0..150)
                    .map(|person| rows.row(person)[1] + left(person))
                    .collect()
            });
            let first = (0..3).map(|place| column(&rows, place)).collect();
            Rows::from_columns(&[first, added.to_vec()].concat())
        };
        assert!(judged(&with(&smooth)).passes());
        assert!(!judged(&with(&|person| smooth(person) + of_one(person))).passes());
    }
}
