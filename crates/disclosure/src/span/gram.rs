//! G = W'W: of one node's rows, as words of a secure sum, and as what nodes are told of the sum.

use std::ops::Range;

use super::{
    Rotation, Rows,
    lanes::{self, LANES, Lane, Loop, apart, beside},
    rotation::Stream,
    triangle::triangle,
    whiten::Factor,
};

/// Bits of a word that are kept free so that no sum over nodes wraps.
const HEADROOM_BITS: u32 = 2;

/// How far the sum that nodes are told is from the exact one, in every direction: a leverage is off
/// by at most this share of itself.
pub const SOFTENING: f64 = 1.0 / 64.0;

/// What must be left of a column's square, as a share of the largest one, so that it counts as
/// independent of others.
const INDEPENDENT: f64 = 1e-8;

/// What must be left of a column's square, as a share of its own, so that something is left of it
/// to correlate.
const SHARE_LEFT: f64 = 1e-9;

/// Rows whose products are added together: each sum is then read and written once for all of them.
const ROWS_AT_ONCE: usize = 4;

/// A symmetric matrix as its lower triangle, row by row.
#[derive(Clone, PartialEq)]
pub struct Gram {
    size: usize,
    lower: Vec<f64>,
}

/// Only the size: the values are moments of people.
impl std::fmt::Debug for Gram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gram({})", self.size)
    }
}

/// Why a matrix was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GramError {
    #[error("a sum of the account has another length than its columns")]
    Length,
    #[error("a sum of the account has a number that is none")]
    Number,
}

impl Gram {
    pub fn zero(size: usize) -> Self {
        Self {
            size,
            lower: vec![0.0; triangle(size)],
        }
    }

    /// A matrix from its lower triangle, row by row.
    pub fn from_lower(size: usize, lower: Vec<f64>) -> Result<Self, GramError> {
        if lower.len() != triangle(size) {
            return Err(GramError::Length);
        }
        if lower.iter().any(|value| !value.is_finite()) {
            return Err(GramError::Number);
        }
        Ok(Self { size, lower })
    }

    pub(super) fn of(rows: &Rows, threads: usize) -> Self {
        let size = rows.columns();
        let part = rows.people().div_ceil(threads.max(1)).max(256);
        let starts: Vec<usize> = (0..rows.people()).step_by(part).collect();
        let mut sum = Self::zero(size);
        std::thread::scope(|scope| {
            let work = |first: usize| {
                let last = (first + part).min(rows.people());
                scope.spawn(move || {
                    let mut own = Self::zero(size);
                    lanes::run(AddedRows {
                        sum: &mut own,
                        rows,
                        people: first..last,
                    });
                    own
                })
            };
            let running: Vec<_> = starts.into_iter().map(work).collect();
            for handle in running {
                if let Ok(own) = handle.join() {
                    sum.add(&own);
                }
            }
        });
        sum
    }

    /// Adds the products of [`ROWS_AT_ONCE`] rows from `first` on, as far as `last`.
    #[inline(always)]
    fn add_rows(&mut self, rows: &Rows, first: usize, last: usize) {
        let nobody = vec![0.0; self.size];
        let row = |place: usize| {
            if first + place < last {
                rows.row(first + place)
            } else {
                &nobody
            }
        };
        let [a, b, c, d] = [row(0), row(1), row(2), row(3)];
        for column in 0..self.size {
            let own = [a[column], b[column], c[column], d[column]];
            if own == [0.0; ROWS_AT_ONCE] {
                continue;
            }
            let target = &mut self.lower[triangle(column)..=triangle(column) + column];
            let others = a.iter().zip(b).zip(c.iter().zip(d));
            for (sum, ((a, b), (c, d))) in target.iter_mut().zip(others) {
                *sum += (own[0] * a + own[1] * b) + (own[2] * c + own[3] * d);
            }
        }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// The lower triangle, row by row.
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    pub fn get(&self, row: usize, column: usize) -> f64 {
        let (row, column) = (row.max(column), row.min(column));
        self.lower[triangle(row) + column]
    }

    /// How many of the columns from `first` on, `count` of them, are independent among themselves
    /// by more than rounding.
    pub fn rank_of(&self, first: usize, count: usize) -> usize {
        let entries = (0..count)
            .flat_map(|row| (0..=row).map(move |column| self.get(first + row, first + column)));
        let block = Self {
            size: count,
            lower: entries.collect(),
        };
        let largest = (0..count)
            .map(|column| block.get(column, column))
            .fold(0.0, f64::max);
        Factor::above(&block, |_, _, _| INDEPENDENT * largest).rank()
    }

    /// Of these columns alone.
    #[must_use]
    pub fn of_columns(&self, columns: &[usize]) -> Self {
        let pairs = columns.iter().enumerate();
        let lower = pairs.flat_map(|(row, a)| columns[..=row].iter().map(|b| self.get(*a, *b)));
        Self {
            size: columns.len(),
            lower: lower.collect(),
        }
    }

    /// The squared correlation of the last two columns, less what the others say of them (0 to 1);
    /// 0 where the others leave nothing of one of the two.
    pub fn squared_correlation_of_last_two(&self) -> f64 {
        let Some(last) = self.size.checked_sub(1) else {
            return 0.0;
        };
        Factor::above_share(self, SHARE_LEFT)
            .squared_correlation(last, self.get(last, last) * SHARE_LEFT)
    }

    /// Adds another matrix of the same size.
    pub fn add(&mut self, other: &Self) {
        for (sum, value) in self.lower.iter_mut().zip(&other.lower) {
            *sum += value;
        }
    }

    /// With other rows.
    #[must_use]
    pub fn with(&self, rows: &Rows) -> Self {
        let mut sum = self.clone();
        if rows.people() > 0 {
            sum.add(&rows.gram(1));
        }
        sum
    }

    /// Whether this matrix can be a softened sum that holds `own`: less it, it has no negative
    /// direction.
    pub fn holds(&self, own: &Self) -> bool {
        if self.size != own.size {
            return false;
        }
        let share = 1.0 - 2.0 * SOFTENING;
        let lower = self
            .lower
            .iter()
            .zip(&own.lower)
            .map(|(all, own)| all - share * own);
        let rest = Self {
            size: self.size,
            lower: lower.collect(),
        };
        Factor::lowest_pivot(&rest, self) > -1e-6
    }

    /// This matrix in the rotated basis of the nodes: Q'GQ.
    #[must_use]
    pub fn rotated(&self, rotation: &Rotation) -> Self {
        self.mapped(|vectors| rotation.forward_lanes(vectors))
    }

    /// The inverse of [`rotated`](Self::rotated): QGQ'.
    #[must_use]
    pub fn rotated_back(&self, rotation: &Rotation) -> Self {
        self.mapped(|vectors| rotation.backward_lanes(vectors))
    }

    /// Applies a linear map to rows and then to columns.
    fn mapped(&self, map: impl Fn(&mut [Lane])) -> Self {
        let size = self.size;
        let mut full: Vec<f64> = (0..size * size)
            .map(|place| self.get(place / size, place % size))
            .collect();
        let mut lanes = Vec::new();
        for _ in 0..2 {
            for vectors in full.chunks_mut((size * LANES).max(1)) {
                beside(vectors, size, &mut lanes);
                map(&mut lanes);
                apart(&lanes, vectors);
            }
            full = (0..size * size)
                .map(|place| full[(place % size) * size + place / size])
                .collect();
        }
        let lower = (0..size).flat_map(|row| (0..=row).map(move |column| row * size + column));
        Self {
            size,
            lower: lower.map(|place| full[place]).collect(),
        }
    }

    /// Words of a secure sum over `people` people whose columns have a mean square of about 1:
    /// fixed point with as many fraction bits as [`fraction_bits`] says.
    pub fn to_words(&self, fraction_bits: u32) -> Vec<u64> {
        let scale = libm::ldexp(1.0, fraction_bits as i32);
        self.lower
            .iter()
            .map(|value| (value * scale).round_ties_even() as i64 as u64)
            .collect()
    }

    /// The matrix of opened words.
    pub fn from_words(size: usize, words: &[u64], fraction_bits: u32) -> Result<Self, GramError> {
        let scale = libm::ldexp(1.0, -(fraction_bits as i32));
        Self::from_lower(
            size,
            words
                .iter()
                .map(|word| *word as i64 as f64 * scale)
                .collect(),
        )
    }

    /// The same matrix to within 1/64 in every direction: (1 - 1/64) G <= softened <= (1 + 1/64) G.
    /// What lies in no column stays in none. Nodes judge by it, so that none of them learns the
    /// others' exact moments by taking its own off. The change follows from the matrix in the basis
    /// of the run and from `secret`, the coordinator's. Each run has a basis of its own, so each
    /// softens anew, and the mean of many runs and plans is closer than one of them.
    #[must_use]
    pub fn softened(&self, secret: &[u8; 32]) -> Self {
        let factor = Factor::new(self);
        let noise = Noise::new(self, secret).symmetric(factor.rank(), SOFTENING);
        factor.recompose(self.size, &noise)
    }
}

/// Adds the products of some rows to a sum.
struct AddedRows<'a> {
    sum: &'a mut Gram,
    rows: &'a Rows,
    people: Range<usize>,
}

impl Loop for AddedRows<'_> {
    #[inline(always)]
    fn run(self) {
        for first in self.people.clone().step_by(ROWS_AT_ONCE) {
            self.sum.add_rows(self.rows, first, self.people.end);
        }
    }
}

/// Fraction bits of a sum over `people` people and `columns` columns: no entry reaches 2^62.
pub fn fraction_bits(people: u64, columns: usize) -> u32 {
    let largest = u128::from(people.max(1)) * (columns.max(1) as u128) * 64;
    let bits = 128 - largest.leading_zeros();
    (64 - HEADROOM_BITS).saturating_sub(bits).min(40)
}

/// Random numbers that follow from a matrix and a secret.
struct Noise(Stream);

impl Noise {
    fn new(gram: &Gram, secret: &[u8; 32]) -> Self {
        Self(Stream::of("ligate softened gram", secret, &gram.lower))
    }

    fn uniform(&mut self) -> f64 {
        2.0 * self.0.uniform() - 1.0
    }

    /// I + N with |N| at most `size` in the operator norm: N = size * (diagonal of signs, mixed by
    /// one reflection), whose norm is known without an eigenvalue problem.
    fn symmetric(&mut self, rank: usize, size: f64) -> Gram {
        let axis: Vec<f64> = (0..rank).map(|_| self.uniform()).collect();
        let length = axis
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .max(f64::MIN_POSITIVE);
        let diagonal: Vec<f64> = (0..rank).map(|_| size * self.uniform()).collect();
        // R D R with the reflection R = I - 2 a a' / |a|^2.
        let weighted = axis
            .iter()
            .zip(&diagonal)
            .map(|(a, d)| a * a * d)
            .sum::<f64>()
            / length;
        let mut mixed = Gram::zero(rank);
        for row in 0..rank {
            for column in 0..=row {
                let cross = axis[row] * axis[column] / length;
                let own = if row == column {
                    1.0 + diagonal[row]
                } else {
                    0.0
                };
                mixed.lower[triangle(row) + column] =
                    own - 2.0 * cross * (diagonal[row] + diagonal[column]) + 4.0 * cross * weighted;
            }
        }
        mixed
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::Digest;

    use super::*;
    use crate::span::search::tests::made;

    #[test]
    fn words_of_several_nodes_add_up() {
        let rows = made(90, 5, 1);
        let all = rows.gram(2);
        let bits = fraction_bits(90, 5);
        let rotation = Rotation::new(5, &[3; 32]);
        let mut words = vec![0_u64; triangle(5)];
        for part in 0..3 {
            let mut own = Rows::zeros(30, 5);
            for person in 0..30 {
                let row = rows.row(part * 30 + person).to_vec();
                row.iter().enumerate().for_each(|(column, value)| {
                    own.set_column(column, std::iter::once((person, *value)));
                });
            }
            let add = own.gram(1).rotated(&rotation).to_words(bits);
            words
                .iter_mut()
                .zip(add)
                .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
        }
        let opened = Gram::from_words(5, &words, bits)
            .unwrap()
            .rotated_back(&rotation);
        for (found, expected) in opened.lower().iter().zip(all.lower()) {
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
        // What the coordinator sees is not what the nodes know.
        let seen = Gram::from_words(5, &words, bits).unwrap();
        assert!((seen.get(0, 0) - all.get(0, 0)).abs() > 1.0);
    }

    #[test]
    fn a_softened_matrix_is_close_in_every_direction_and_not_exact() {
        let rows = made(200, 8, 2);
        let exact = rows.gram(1);
        let soft = exact.softened(&[1; 32]);
        assert_eq!(
            soft,
            exact.softened(&[1; 32]),
            "asking again says nothing new"
        );
        let quadratic = |gram: &Gram, a: &[f64]| {
            let pairs = (0..8).flat_map(|i| (0..8).map(move |j| (i, j)));
            pairs
                .map(|(i, j)| a[i] * a[j] * gram.get(i, j))
                .sum::<f64>()
        };
        let mut noise = Noise::new(&exact, &[9; 32]);
        for _ in 0..500 {
            let a: Vec<f64> = (0..8).map(|_| noise.uniform()).collect();
            let ratio = quadratic(&soft, &a) / quadratic(&exact, &a);
            assert!((ratio - 1.0).abs() <= SOFTENING * 1.0001, "{ratio}");
        }
        let off = soft
            .lower()
            .iter()
            .zip(exact.lower())
            .filter(|(a, b)| (*a - *b).abs() > 1e-3)
            .count();
        assert!(off > 20, "{off} of 36 moments differ");
    }

    /// What a node's steward can make of many plans: see [`PLANS_MAX`](crate::PLANS_MAX).
    #[test]
    fn the_mean_of_many_softened_sums_is_closer_than_one() {
        let flags = |every: usize| {
            (0..300)
                .map(move |person| f64::from(u8::from(person % every == 0)))
                .collect()
        };
        let columns: Vec<Vec<f64>> = vec![vec![1.0; 300], flags(2), flags(5)];
        let exact = Rows::from_columns(&columns).gram(1);
        // The number of people with both flags, as the steward of a node would see it after so many
        // plans.
        let seen = |first: usize, plans: usize| {
            let one = |plan: usize| {
                let rotation =
                    Rotation::new(3, Digest::of("basis", &plan.to_le_bytes()).as_bytes());
                exact
                    .rotated(&rotation)
                    .softened(&[7; 32])
                    .rotated_back(&rotation)
                    .get(1, 2)
            };
            (first..first + plans).map(one).sum::<f64>() / plans as f64
        };
        assert_eq!(exact.get(1, 2), 30.0);
        let error = |plans: usize| {
            let squares = (0..20).map(|trial| (seen(trial * plans, plans) - 30.0).powi(2));
            (squares.sum::<f64>() / 20.0).sqrt()
        };
        let (one, most) = (error(1), error(crate::PLANS_MAX));
        println!(
            "off by {one:.3} after one plan, by {most:.3} after {}",
            crate::PLANS_MAX
        );
        assert!(one > 4.0 * most && most > one / 16.0);
    }

    #[test]
    fn a_sum_holds_what_was_added_to_it() {
        // A covariate that is constant at one node: dependent there, and in the sum without the
        // only carriers.
        let plain = |seed| made(110, 4, seed);
        let with_flag = |rows: &Rows, carriers: usize| {
            let old = |place: usize| (0..110).map(|person| rows.row(person)[place]).collect();
            let mut columns: Vec<Vec<f64>> = (0..4).map(old).collect();
            columns.push(
                (0..110)
                    .map(|person| if person < carriers { 5.9 } else { -0.169 })
                    .collect(),
            );
            // What only one node has is nothing in the sum without it.
            columns.push(
                (0..110)
                    .map(|person| f64::from(u8::from(carriers > 9) * (person % 3) as u8))
                    .collect(),
            );
            Rows::from_columns(&columns)
        };
        for carriers in [0, 9, 10] {
            let (own, other) = (with_flag(&plain(1), 0), with_flag(&plain(2), carriers));
            let bits = fraction_bits(1320, 6);
            let rotation = Rotation::new(6, &[3; 32]);
            let words = |rows: &Rows| rows.gram(1).rotated(&rotation).to_words(bits);
            let sum: Vec<u64> = words(&own)
                .into_iter()
                .zip(words(&other))
                .map(|(a, b)| a.wrapping_add(b))
                .collect();
            let told = Gram::from_words(6, &sum, bits)
                .unwrap()
                .softened(&[7; 32])
                .rotated_back(&rotation);
            assert!(told.holds(&own.gram(1)), "{carriers} carriers elsewhere");
            let alone = Gram::from_words(6, &words(&other), bits).unwrap();
            assert!(
                !alone
                    .softened(&[7; 32])
                    .rotated_back(&rotation)
                    .holds(&own.gram(1))
            );
        }
    }

    #[test]
    fn fraction_bits_leave_room() {
        for (people, columns) in [(1, 1), (100, 300), (1 << 31, 512)] {
            let largest = people as f64 * columns as f64 * 64.0;
            assert!(
                largest * libm::ldexp(1.0, fraction_bits(people, columns) as i32)
                    < libm::ldexp(1.0, 63)
            );
        }
    }
}
