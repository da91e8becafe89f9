//! G = L L' without the columns that say nothing new, and rows in the basis where G is the
//! identity.

use super::{
    Gram, Rows,
    lanes::{self, LANES, Lane, Loop, apart, beside, dot, subtract},
    triangle::triangle,
};

/// A column is in the span of the earlier ones where less than this share of its square is left:
/// just above what adding up leaves of nothing in numbers of 53 bits.
pub(super) const NOTHING_LEFT: f64 = 1e-14;

/// What is left of a column counts as known where it is so many times what rounding makes of it.
const KNOWN: f64 = 64.0;

/// The pivot of a column of which hardly anything is left, in what rounding makes of it: large
/// enough that the rounding of others' products with it does not spread.
const PIVOT_UNITS: f64 = 16.0;

/// Pivots below this share of a column are not divided by when a matrix is looked at for negative
/// directions: what rounding leaves in them would be blown up.
const PIVOT_MIN: f64 = 1e-7;

/// What a matrix hardly has of a column, as a share of its largest one.
const HARDLY: f64 = 1e-4;

/// An independent column of which the earlier ones leave so little that its sums of products do not
/// say how much it is.
#[derive(Clone)]
pub(super) struct Doubtful {
    /// Place among the independent columns.
    pub place: usize,
    /// The square that was taken for what is left.
    pub pivot: f64,
}

/// The Cholesky factor of the columns that are independent, in their order.
#[derive(Clone)]
pub(super) struct Factor {
    /// Places of the independent columns, ascending.
    kept: Vec<usize>,
    /// Rows of L for all columns: for column c its products with the kept columns up to c.
    rows: Vec<Vec<f64>>,
}

impl Factor {
    pub fn new(gram: &Gram) -> Self {
        Self::above_share(gram, NOTHING_LEFT)
    }

    /// The factor where a column is independent if more than this share of its square is left of
    /// it.
    pub fn above_share(gram: &Gram, share: f64) -> Self {
        Self::eliminate(gram, |_, column, _, left| {
            (left > share * gram.get(column, column) && left > 0.0).then_some(left)
        })
    }

    /// The factor in which every column counts as independent, with those of which too little is
    /// left to be known from a matrix whose entries are exact to a `unit`.
    pub fn doubting(gram: &Gram, unit: f64) -> (Self, Vec<Doubtful>) {
        let mut doubtful = Vec::new();
        let factor = Self::eliminate(gram, |earlier, column, row, left| {
            // The square of the combination of columns that leaves it: 1 for itself, and the parts
            // of the others.
            let parts = earlier.combination(row, column);
            let reach = 1.0 + dot(&parts, &parts);
            if left >= KNOWN * unit * reach {
                return Some(left);
            }
            let pivot = left.max(PIVOT_UNITS * unit * reach).max(f64::MIN_POSITIVE);
            doubtful.push(Doubtful {
                place: earlier.rank(),
                pivot,
            });
            Some(pivot)
        });
        (factor, doubtful)
    }

    /// The factor without some of its independent columns, of which nothing is left after all;
    /// places among these, ascending.
    #[must_use]
    pub fn without(&self, places: &[usize]) -> Self {
        let stays = |place: &usize| places.binary_search(place).is_err();
        let kept = (0..self.kept.len())
            .filter(stays)
            .map(|place| self.kept[place])
            .collect();
        let row = |row: &Vec<f64>| {
            (0..row.len())
                .filter(stays)
                .map(|place| row[place])
                .collect()
        };
        Self {
            kept,
            rows: self.rows.iter().map(row).collect(),
        }
    }

    /// The factor where a column is independent if more than `least` is left of it, which is told
    /// the factor of the earlier ones, the column and its products with these.
    pub fn above(gram: &Gram, least: impl Fn(&Self, usize, &[f64]) -> f64) -> Self {
        Self::eliminate(gram, |earlier, column, row, left| {
            (left > least(earlier, column, row)).then_some(left)
        })
    }

    /// The squared correlation of the column `last` with the one before it, less what the earlier
    /// ones say of them: of what these leave of `last`, the share that the one before it has. 0
    /// where they leave no more than `least`, or nothing of the one before.
    pub fn squared_correlation(&self, last: usize, least: f64) -> f64 {
        let before = self.kept.iter().position(|column| column + 1 == last);
        let (Some(before), Some(row)) = (before, self.rows.get(last)) else {
            return 0.0;
        };
        // What is left of the squares: a dependent column has no own entry.
        let shared = row[before] * row[before];
        let own = row.get(before + 1).map_or(0.0, |own| own * own);
        let left = shared + own;
        if left > least { shared / left } else { 0.0 }
    }

    /// Cholesky's elimination of the columns in their order. `pivot` is told the factor of the
    /// earlier ones, the column, its products with these, and what they leave of its square; it
    /// says what counts as left, or that nothing is.
    fn eliminate(
        gram: &Gram,
        mut pivot: impl FnMut(&Self, usize, &[f64], f64) -> Option<f64>,
    ) -> Self {
        let mut factor = Self {
            kept: Vec::new(),
            rows: Vec::with_capacity(gram.size()),
        };
        for column in 0..gram.size() {
            let mut row: Vec<f64> = Vec::with_capacity(factor.rank() + 1);
            for (place, other) in factor.kept.iter().enumerate() {
                let below: &[f64] = &factor.rows[*other];
                let known = dot(&row, &below[..place]);
                row.push((gram.get(column, *other) - known) / below[place]);
            }
            let left = gram.get(column, column) - dot(&row, &row);
            if let Some(pivot) = pivot(&factor, column, &row, left) {
                row.push(pivot.sqrt());
                factor.kept.push(column);
            }
            factor.rows.push(row);
        }
        factor
    }

    /// The lowest pivot of a matrix, as a share of the diagonal of `scale`: negative where the
    /// matrix has a negative direction. Columns that `scale` hardly has are measured by its largest
    /// one: where nothing is left of a column, a second sum holds little more than the rounding of
    /// its words.
    pub fn lowest_pivot(gram: &Gram, scale: &Gram) -> f64 {
        let mut lowest = f64::INFINITY;
        let largest = (0..scale.size())
            .map(|column| scale.get(column, column))
            .fold(0.0, f64::max);
        let size = |column: usize| {
            scale
                .get(column, column)
                .max(HARDLY * largest)
                .max(f64::MIN_POSITIVE)
        };
        Self::eliminate(gram, |_, column, _, left| {
            lowest = lowest.min(left / size(column));
            (left > PIVOT_MIN * size(column)).then_some(left)
        });
        lowest
    }

    /// Places of the independent columns, ascending.
    pub fn independent(&self) -> &[usize] {
        &self.kept
    }

    /// What earlier columns leave of the square of an independent one.
    pub fn pivot(&self, column: usize) -> f64 {
        self.rows
            .get(column)
            .and_then(|row| row.last())
            .map_or(0.0, |own| own * own)
    }

    /// Independent columns.
    pub fn rank(&self) -> usize {
        self.kept.len()
    }

    /// L M L' for a matrix M over the independent columns.
    pub fn recompose(&self, size: usize, inner: &Gram) -> Gram {
        let rank = self.rank();
        let row = |row: usize| (0..rank).map(move |column| inner.get(row, column));
        let inner: Vec<Vec<f64>> = (0..rank).map(|place| row(place).collect()).collect();
        let mut lower = Vec::with_capacity(triangle(size));
        for (place, own) in self.rows.iter().enumerate().take(size) {
            let mut product = vec![0.0; rank];
            for (part, of) in own.iter().zip(&inner) {
                product
                    .iter_mut()
                    .zip(of)
                    .for_each(|(sum, value)| *sum += part * value);
            }
            lower.extend(
                self.rows[..=place]
                    .iter()
                    .map(|other| dot(&product[..other.len()], other)),
            );
        }
        Gram::from_lower(size, lower).unwrap_or_else(|_| Gram::zero(size))
    }

    /// L^-1 w of the independent columns: |result|^2 is the leverage of a row w.
    pub fn forward(&self, row: &[f64], whitened: &mut Vec<f64>) {
        whitened.clear();
        for (place, column) in self.kept.iter().enumerate() {
            let below = &self.rows[*column];
            let known = dot(whitened, &below[..place]);
            whitened.push((row[*column] - known) / below[place]);
        }
    }

    /// The combination a of all columns with W a = U u: L'^-1 u, 0 for the dependent columns.
    pub fn combination(&self, direction: &[f64], columns: usize) -> Vec<f64> {
        let mut solved = direction.to_vec();
        for place in (0..self.rank()).rev() {
            let row = &self.rows[self.kept[place]];
            solved[place] /= row[place];
            let value = solved[place];
            for (earlier, factor) in row[..place].iter().enumerate() {
                solved[earlier] -= factor * value;
            }
        }
        let mut combination = vec![0.0; columns];
        for (place, column) in self.kept.iter().enumerate() {
            combination[*column] = solved[place];
        }
        combination
    }

    /// L'a over all columns: the direction in the whitened basis of a combination of columns.
    pub fn direction(&self, combination: &[f64]) -> Vec<f64> {
        let mut direction = vec![0.0; self.rank()];
        for (row, part) in self
            .rows
            .iter()
            .zip(combination)
            .filter(|(_, part)| **part != 0.0)
        {
            direction
                .iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += part * value);
        }
        direction
    }

    /// All rows in the whitened basis, one after another, `rank` numbers each.
    pub fn whiten(&self, rows: &Rows, threads: usize) -> Vec<f64> {
        let rank = self.rank();
        let mut whitened = vec![0.0; rows.people() * rank];
        if rank == 0 {
            return whitened;
        }
        let part = rows.people().div_ceil(threads.max(1)).max(256);
        std::thread::scope(|scope| {
            for (number, chunk) in whitened.chunks_mut(part * rank).enumerate() {
                scope.spawn(move || {
                    let (mut beside_each_other, mut own) = (Vec::new(), Vec::with_capacity(rank));
                    for (offset, target) in chunk.chunks_mut(LANES * rank).enumerate() {
                        let first = number * part + LANES * offset;
                        beside(
                            rows.rows_from(first),
                            rows.columns(),
                            &mut beside_each_other,
                        );
                        lanes::run(Forward {
                            factor: self,
                            rows: &beside_each_other,
                            whitened: &mut own,
                        });
                        apart(&own, target);
                    }
                });
            }
        });
        whitened
    }
}

/// [`Factor::forward`] of rows that lie side by side.
struct Forward<'a> {
    factor: &'a Factor,
    rows: &'a [Lane],
    whitened: &'a mut Vec<Lane>,
}

impl Loop for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self {
            factor,
            rows,
            whitened,
        } = self;
        whitened.clear();
        for (place, column) in factor.kept.iter().enumerate() {
            let below = &factor.rows[*column];
            let mut left = rows[*column];
            for (part, known) in below[..place].iter().zip(whitened.iter()) {
                subtract(&mut left, *part, known);
            }
            left.iter_mut().for_each(|value| *value /= below[place]);
            whitened.push(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::search::tests::made;

    #[test]
    fn a_column_that_says_nothing_new_is_left_out() {
        let rows = made(120, 4, 3);
        let mut columns: Vec<Vec<f64>> = (0..4)
            .map(|column| (0..120).map(|person| rows.row(person)[column]).collect())
            .collect();
        let mix: Vec<f64> = (0..120)
            .map(|person| columns[0][person] * 2.0 - columns[2][person])
            .collect();
        columns.insert(3, mix);
        let gram = Rows::from_columns(&columns).gram(1);
        let factor = Factor::new(&gram);
        assert_eq!((factor.rank(), &factor.kept[..]), (4, &[0, 1, 2, 4][..]));
        let same = factor.recompose(5, &identity(4));
        for (found, expected) in same.lower().iter().zip(gram.lower()) {
            assert!((found - expected).abs() < 1e-9);
        }
    }

    fn identity(size: usize) -> Gram {
        let lower = (0..size).flat_map(|row| (0..=row).map(move |column| f64::from(row == column)));
        Gram::from_lower(size, lower.collect()).unwrap()
    }
}
