//! G = L L' without the columns that say nothing new, and rows in the basis where G is the identity.

use super::{
    Gram, Limits, Rows,
    gram::triangle,
    lanes::{LANES, Lane, apart, beside, subtract},
};

/// A column is in the span of the earlier ones where less than this share of its square is left: just above the
/// rounding of 64-bit sums. Sums over genotypes show smaller differences too, which is why each node looks at its own
/// rows for them ([`Factor::unseen`]).
const NOTHING_LEFT: f64 = 1e-13;

/// What differs by more than this share of the values is a difference: a hundred times what is left where a variable was
/// standardised twice, each time rounded to 2^-30.
const ROUNDING: f64 = 1e-7;

/// Of what is left of several columns, what must be left of the square of one of them by the others.
const LEFT_ALONE: f64 = 1e-4;

/// Pivots below this share of a column are not divided by when a matrix is looked at for negative directions: what
/// rounding leaves in them would be blown up.
const PIVOT_MIN: f64 = 1e-7;

/// The Cholesky factor of the columns that are independent, in their order.
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

    /// The factor where a column is independent if more than this share of its square is left of it.
    pub fn above_share(gram: &Gram, share: f64) -> Self {
        Self::eliminate(gram, |column, left| left > share * gram.get(column, column) && left > 0.0)
    }

    /// The factor where a column is independent if more than `least` is left of it.
    pub fn above(gram: &Gram, least: f64) -> Self {
        Self::eliminate(gram, |_, left| left > least)
    }

    /// The squared correlation of the column `last` with the one before it, less what the earlier ones say of them: of
    /// what these leave of `last`, the share that the one before it has. 0 where they leave no more than `least`, or
    /// nothing of the one before.
    pub fn squared_correlation(&self, last: usize, least: f64) -> f64 {
        let before = self.kept.iter().position(|column| column + 1 == last);
        let (Some(before), Some(row)) = (before, self.rows.get(last)) else { return 0.0 };
        // What is left of the squares: a dependent column has no own entry.
        let shared = row[before] * row[before];
        let own = row.get(before + 1).map_or(0.0, |own| own * own);
        let left = shared + own;
        if left > least { shared / left } else { 0.0 }
    }

    /// Cholesky's elimination of the columns in their order. `keeps` is told of each what the earlier ones leave of its
    /// square, and says whether it is independent of them.
    fn eliminate(gram: &Gram, mut keeps: impl FnMut(usize, f64) -> bool) -> Self {
        let mut kept: Vec<usize> = Vec::new();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(gram.size());
        for column in 0..gram.size() {
            let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
            for (place, other) in kept.iter().enumerate() {
                let below: &[f64] = &rows[*other];
                let known = dot(&row, &below[..place]);
                row.push((gram.get(column, *other) - known) / below[place]);
            }
            let left = gram.get(column, column) - dot(&row, &row);
            if keeps(column, left) {
                row.push(left.sqrt());
                kept.push(column);
            }
            rows.push(row);
        }
        Self { kept, rows }
    }

    /// The lowest pivot of a matrix, as a share of the diagonal of `scale`: negative where the matrix has a negative
    /// direction. Columns that `scale` hardly has are measured by its largest one.
    pub fn lowest_pivot(gram: &Gram, scale: &Gram) -> f64 {
        let mut lowest = f64::INFINITY;
        let largest = (0..scale.size()).map(|column| scale.get(column, column)).fold(0.0, f64::max);
        let size = |column: usize| scale.get(column, column).max(1e-6 * largest).max(f64::MIN_POSITIVE);
        Self::eliminate(gram, |column, left| {
            lowest = lowest.min(left / size(column));
            left > PIVOT_MIN * size(column)
        });
        lowest
    }

    /// Places of the independent columns, ascending.
    pub fn independent(&self) -> &[usize] {
        &self.kept
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
                product.iter_mut().zip(of).for_each(|(sum, value)| *sum += part * value);
            }
            lower.extend(self.rows[..=place].iter().map(|other| dot(&product[..other.len()], other)));
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

    /// The same of rows that lie side by side.
    fn forward_lanes(&self, rows: &[Lane], whitened: &mut Vec<Lane>) {
        whitened.clear();
        for (place, column) in self.kept.iter().enumerate() {
            let below = &self.rows[*column];
            let mut left = rows[*column];
            below[..place]
                .iter()
                .zip(&*whitened)
                .for_each(|(factor, known)| subtract(&mut left, *factor, known));
            left.iter_mut().for_each(|value| *value /= below[place]);
            whitened.push(left);
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
        for (row, part) in self.rows.iter().zip(combination) {
            direction.iter_mut().zip(row).for_each(|(sum, value)| *sum += part * value);
        }
        direction
    }

    /// A combination of columns that the matrix holds for nothing at all, where one person, or a small group, in these rows has
    /// more of such combinations than there is `room` for: differences too small to be weighed by the matrix, and large enough
    /// to be read from sums of genotypes. What is left of the weights of a logistic model whose covariates say nearly nothing
    /// is such a difference, too, but everybody has a part of it. (Of all people's squares nobody has more than of his own
    /// node's.)
    pub fn unseen(&self, rows: &Rows, room: Limits) -> Option<Vec<f64>> {
        // A column that these people have twice is nothing new, however ill the matrix is conditioned.
        let again = |column: usize| {
            let same = |other: &usize| {
                (0..rows.people()).all(|person| rows.row(person)[column] == rows.row(person)[*other])
            };
            self.kept.iter().any(same)
        };
        let dependent = |column: &usize| self.kept.binary_search(column).is_err() && !again(*column);
        let (combinations, left): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
            (0..self.rows.len()).filter(dependent).filter_map(|column| self.left_of(column, rows)).unzip();
        // All of them together: each may be everybody's, and two of them one person's.
        let left = Rows::from_columns(&left);
        let own = Self::above_share(&left.gram(1), LEFT_ALONE);
        let whitened = own.whiten(&left, 1);
        let mut shares: Vec<(f64, usize)> =
            whitened.chunks_exact(own.rank().max(1)).map(|row| dot(row, row)).zip(0..).collect();
        shares.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (most, person) = *shares.first()?;
        let of_group: f64 = shares.iter().take(room.group).map(|(share, _)| share).sum();
        if most <= room.leverage && of_group <= room.share {
            return None;
        }
        let of_person =
            |a: &usize, b: &usize| left.row(person)[*a].abs().total_cmp(&left.row(person)[*b].abs());
        (0..combinations.len()).max_by(of_person).map(|worst| combinations[worst].clone())
    }

    /// What the kept columns leave of another one of these people, as a share of all of it, with the combination that it is;
    /// none where it is no more than rounding.
    fn left_of(&self, column: usize, rows: &Rows) -> Option<(Vec<f64>, Vec<f64>)> {
        let mut known = self.rows[column].clone();
        known.resize(self.rank(), 0.0);
        let mut combination = self.combination(&known, self.rows.len());
        combination.iter_mut().for_each(|part| *part = -*part);
        combination[column] = 1.0;
        let (mut differs, mut left) = (false, Vec::with_capacity(rows.people()));
        for person in 0..rows.people() {
            let parts = || rows.row(person).iter().zip(&combination).map(|(value, part)| value * part);
            let (rest, size) = (parts().sum::<f64>(), parts().map(f64::abs).sum::<f64>());
            differs |= rest.abs() > ROUNDING * size.max(1.0);
            left.push(rest);
        }
        let length = dot(&left, &left).sqrt().max(f64::MIN_POSITIVE);
        left.iter_mut().for_each(|rest| *rest /= length);
        differs.then_some((combination, left))
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
                    let (mut lanes, mut own) = (Vec::new(), Vec::with_capacity(rank));
                    for (offset, target) in chunk.chunks_mut(LANES * rank).enumerate() {
                        let first = number * part + LANES * offset;
                        beside(rows.rows_from(first), rows.columns(), &mut lanes);
                        self.forward_lanes(&lanes, &mut own);
                        apart(&own, target);
                    }
                });
            }
        });
        whitened
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums that the processor can add at once.
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::search::tests::made;

    const ROOM: Limits = Limits { leverage: 0.4, share: 0.85, group: 9 };

    #[test]
    fn a_column_that_says_nothing_new_is_left_out() {
        let rows = made(120, 4, 3);
        let mut columns: Vec<Vec<f64>> =
            (0..4).map(|column| (0..120).map(|person| rows.row(person)[column]).collect()).collect();
        let mix: Vec<f64> = (0..120).map(|person| columns[0][person] * 2.0 - columns[2][person]).collect();
        columns.insert(3, mix);
        let gram = Rows::from_columns(&columns).gram(1);
        let factor = Factor::new(&gram);
        assert_eq!((factor.rank(), &factor.kept[..]), (4, &[0, 1, 2, 4][..]));
        let same = factor.recompose(5, &identity(4));
        for (found, expected) in same.lower().iter().zip(gram.lower()) {
            assert!((found - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn a_column_that_is_there_twice_hides_nothing() {
        let rows = made(120, 3, 5);
        let column = |place: usize| (0..120).map(|person| rows.row(person)[place]).collect::<Vec<f64>>();
        let twice = Rows::from_columns(&[column(0), column(1), column(2), column(1)]);
        let mut other = column(1);
        other[7] += 1e-4;
        let nearly = Rows::from_columns(&[column(0), column(1), column(2), other]);
        // As an ill-conditioned sum says it: nothing is left of the last column, by somewhat other parts.
        let exact = twice.gram(1);
        let mut lower = exact.lower().to_vec();
        (lower[6], lower[9]) = (lower[6] + 1e-4, lower[9] - 1e-3);
        let factor = Factor::new(&Gram::from_lower(4, lower).unwrap());
        assert_eq!(factor.rank(), 3);
        assert!(factor.unseen(&twice, ROOM).is_none());
        assert!(factor.unseen(&nearly, ROOM).is_some());
    }

    #[test]
    fn a_small_difference_of_everybody_is_nobodys() {
        // The weights of a logistic model whose covariates say nearly nothing: what is left of them is too little to weigh.
        let rows = made(150, 3, 7);
        let column = |place: usize| (0..150).map(|person| rows.row(person)[place]).collect::<Vec<f64>>();
        let with = |left: &dyn Fn(usize) -> f64| {
            let last = (0..150).map(|person| rows.row(person)[1] + left(person)).collect();
            Rows::from_columns(&[column(0), column(1), column(2), last])
        };
        let smooth = |person: usize| 2e-7 * rows.row(person)[2].powi(3);
        let of_one = |person: usize| if person == 7 { 3e-6 } else { 0.02 * smooth(person) };
        let of_nine = |person: usize| if person < 9 { 1e-6 } else { 0.0 };
        let of_twelve = |person: usize| if person < 12 { 1e-6 } else { 0.0 };
        for (left, found) in [
            (&smooth as &dyn Fn(usize) -> f64, false),
            (&of_one, true),
            (&of_nine, true),
            (&of_twelve, false),
        ] {
            let rows = with(left);
            let factor = Factor::new(&rows.gram(1));
            assert_eq!((factor.rank(), factor.unseen(&rows, ROOM).is_some()), (3, found));
        }
    }

    #[test]
    fn small_differences_of_everybody_may_be_one_persons_together() {
        let rows = made(150, 3, 8);
        let column = |place: usize| (0..150).map(|person| rows.row(person)[place]).collect::<Vec<f64>>();
        let smooth = |person: usize| 2e-7 * rows.row(person)[2].powi(3);
        let of_one = |person: usize| if person == 7 { 6e-7 } else { 0.0 };
        let with = |second: &dyn Fn(usize) -> f64| {
            let added = [&smooth as &dyn Fn(usize) -> f64, second];
            let added = added.map(|left| (0..150).map(|person| rows.row(person)[1] + left(person)).collect());
            Rows::from_columns(&[vec![column(0), column(1), column(2)], added.into()].concat())
        };
        for (rows, found) in [(with(&smooth), false), (with(&|person| smooth(person) + of_one(person)), true)]
        {
            assert_eq!(Factor::new(&rows.gram(1)).unseen(&rows, ROOM).is_some(), found);
        }
    }

    fn identity(size: usize) -> Gram {
        let lower = (0..size).flat_map(|row| (0..=row).map(move |column| f64::from(row == column)));
        Gram::from_lower(size, lower.collect()).unwrap()
    }
}
