//! Where a search for groups begins: a combination that has become possible by a run has a part in
//! one of its new columns, so what others leave of each new column is looked at. It follows from G
//! alone and says nothing of a person.
//!
//! Columns are taken by their coordinates in the basis where G is the identity. What several of
//! them leave of another is computed from the products of all, which are there once, and not from
//! the coordinates anew for every choice.

use super::{Basis, Gram, Rows, lanes::dot, rotation::Stream, whiten::Factor};

/// Single columns next to a new one, and columns that explain it together, from which a search
/// starts.
const NEAREST: usize = 4;
const TOGETHER: usize = 6;

/// Starts of one column, at most: of [`Starts::of_column`].
pub(super) const OF_COLUMN: usize = 1 + NEAREST + TOGETHER;

/// Where less than this share of a square is left, differences of products are not exact enough to
/// weigh it.
const INEXACT: f64 = 1e-6;

/// The columns that say something that earlier ones do not, in the basis where G is the identity.
pub(super) struct Starts<'a> {
    basis: &'a Basis,
    /// Places of the columns, ascending.
    columns: Vec<usize>,
    coordinates: Vec<Vec<f64>>,
    products: Gram,
}

impl<'a> Starts<'a> {
    pub fn new(basis: &'a Basis) -> Self {
        let columns = basis.independent();
        let coordinates: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| basis.direction(&axis(*column, basis.columns())))
            .collect();
        let products = Rows::from_columns(&coordinates).gram(1);
        Self {
            basis,
            columns,
            coordinates,
            products,
        }
    }

    /// What all others leave of a column, what single ones leave, and what more and more of them
    /// leave.
    pub fn of_column(&self, column: usize) -> Vec<Vec<f64>> {
        let Ok(own) = self.columns.binary_search(&column) else {
            return Vec::new();
        };
        self.alone(column)
            .into_iter()
            .chain(self.nearest(own))
            .chain(self.together(own))
            .collect()
    }

    /// What all others together leave of a column: with G = LL' the coordinates of the columns are
    /// the rows of L, and what is at right angles to all but one of them is that column of L^-1.
    fn alone(&self, column: usize) -> Option<Vec<f64>> {
        unit(self.basis.forward(&axis(column, self.basis.columns())))
    }

    /// What each of the columns that are the most like `own` leaves of it.
    fn nearest(&self, own: usize) -> Vec<Vec<f64>> {
        let left = |other: &usize| {
            let product = self.products.get(own, *other);
            -product * product / self.products.get(*other, *other).max(f64::MIN_POSITIVE)
        };
        let mut others: Vec<usize> = self.others(own).collect();
        others.sort_by(|a, b| left(a).total_cmp(&left(b)));
        let rest = |other: usize| unit(without(&self.coordinates[own], &self.coordinates[other]));
        others.into_iter().take(NEAREST).filter_map(rest).collect()
    }

    /// What is left of a column by the columns that explain the most of what is left, one after
    /// another, each by what the ones before leave of it (orthogonal least squares: Chen, Billings
    /// and Luo, Int. J. Control 50:1873 (1989)).
    fn together(&self, own: usize) -> Vec<Vec<f64>> {
        let mut rest = self.coordinates[own].clone();
        let square = |column: usize| self.products.get(column, column);
        // Of each column what the axes leave of its square, and its product with what they leave of
        // `own`.
        let mut left: Vec<f64> = (0..self.columns.len()).map(square).collect();
        let mut along: Vec<f64> = (0..self.columns.len())
            .map(|other| self.products.get(own, other))
            .collect();
        let mut others: Vec<usize> = self.others(own).collect();
        let (mut axes, mut rests): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
        while axes.len() < TOGETHER {
            for other in &others {
                if left[*other] < INEXACT * square(*other) {
                    let exact = self.left_by_axes(*other, &axes);
                    (left[*other], along[*other]) = (dot(&exact, &exact), dot(&exact, &rest));
                }
            }
            let explained =
                |other: usize| along[other] * along[other] / left[other].max(f64::MIN_POSITIVE);
            let most = (0..others.len())
                .max_by(|a, b| explained(others[*a]).total_cmp(&explained(others[*b])));
            let Some(most) = most.map(|place| others.swap_remove(place)) else {
                break;
            };
            let Some(axis) = unit(self.left_by_axes(most, &axes)) else {
                continue;
            };
            let part = dot(&rest, &axis);
            rest.iter_mut()
                .zip(&axis)
                .for_each(|(value, of)| *value -= part * of);
            for other in &others {
                let product = dot(&self.coordinates[*other], &axis);
                left[*other] -= product * product;
                along[*other] -= product * part;
            }
            axes.push(axis);
            rests.extend(unit(rest.clone()));
        }
        rests
    }

    /// What axes at right angles to each other leave of a column.
    fn left_by_axes(&self, column: usize, axes: &[Vec<f64>]) -> Vec<f64> {
        axes.iter()
            .fold(self.coordinates[column].clone(), |rest, axis| {
                without(&rest, axis)
            })
    }

    /// Directions that are drawn: what half of all columns leave of one of `columns`, and any
    /// others, in turn.
    pub fn drawn(&self, count: usize, columns: &[usize], stream: &mut Stream) -> Vec<Vec<f64>> {
        let draw = |number: usize| {
            if number % 2 == 1 {
                return unit((0..self.basis.rank()).map(|_| stream.normal()).collect());
            }
            let column = columns.get((number / 2) % columns.len().max(1))?;
            let own = self.columns.binary_search(column).ok()?;
            let half: Vec<usize> = self
                .others(own)
                .filter(|_| stream.uniform() < 0.5)
                .collect();
            self.left_by(own, &half)
        };
        (0..count).filter_map(draw).collect()
    }

    /// What others together leave of a column.
    fn left_by(&self, own: usize, others: &[usize]) -> Option<Vec<f64>> {
        let factor = Factor::new(&self.products.of_columns(others));
        let mut rest = self.coordinates[own].clone();
        let mut reduced = Vec::new();
        // Twice, because once leaves rounding.
        for _ in 0..2 {
            let products: Vec<f64> = others
                .iter()
                .map(|other| dot(&self.coordinates[*other], &rest))
                .collect();
            factor.forward(&products, &mut reduced);
            let parts = factor.combination(&reduced, others.len());
            for (other, part) in others.iter().zip(parts) {
                rest.iter_mut()
                    .zip(&self.coordinates[*other])
                    .for_each(|(value, of)| *value -= part * of);
            }
        }
        unit(rest)
    }

    fn others(&self, own: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.columns.len()).filter(move |other| *other != own)
    }
}

/// 1 for one column, 0 for the others.
fn axis(column: usize, columns: usize) -> Vec<f64> {
    (0..columns)
        .map(|other| f64::from(u8::from(other == column)))
        .collect()
}

/// What is at right angles to `axis`.
fn without(vector: &[f64], axis: &[f64]) -> Vec<f64> {
    let share = dot(vector, axis) / dot(axis, axis).max(f64::MIN_POSITIVE);
    vector
        .iter()
        .zip(axis)
        .map(|(value, along)| value - share * along)
        .collect()
}

/// The vector with length 1; none where it has next to none.
pub(super) fn unit(mut vector: Vec<f64>) -> Option<Vec<f64>> {
    let length = dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    (length.is_finite() && length > 1e-9).then_some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::search::tests::made;

    #[test]
    fn what_all_others_leave_of_a_column_is_at_right_angles_to_them() {
        let rows = made(200, 12, 9);
        let basis = Basis::exact(&rows.gram(1));
        let starts = Starts::new(&basis);
        for column in 0..12 {
            let alone = starts.alone(column).unwrap();
            for (other, coordinates) in starts.coordinates.iter().enumerate() {
                let along = dot(&alone, coordinates) / dot(coordinates, coordinates).sqrt();
                assert_eq!(
                    along.abs() > 1e-9,
                    other == column,
                    "{column}, {other}: {along}"
                );
            }
            let others: Vec<usize> = starts.others(column).collect();
            let left = starts.left_by(column, &others).unwrap();
            assert!((dot(&left, &alone).abs() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_explains_a_column_is_taken_off_it_step_by_step() {
        // The last column is two others and little else, most of which is what sets the ninth apart
        // from the third.
        let rows = made(300, 9, 4);
        let column = |place: usize| {
            (0..300)
                .map(|person| rows.row(person)[place])
                .collect::<Vec<f64>>()
        };
        let mut columns: Vec<Vec<f64>> = (0..9).map(column).collect();
        let small = |person: usize, size: f64| size * libm::sin(person as f64 * 1.7);
        columns.push(
            (0..300)
                .map(|person| columns[3][person] + small(person, 1e-4))
                .collect(),
        );
        let last = |person: usize| {
            columns[3][person]
                + 0.5 * columns[5][person]
                + small(person, 1e-3)
                + small(7 * person + 3, 1e-4)
        };
        columns.push((0..300).map(last).collect());
        let basis = Basis::exact(&Rows::from_columns(&columns).gram(1));
        let starts = Starts::new(&basis);
        let rests = starts.together(10);
        let share = |rest: &Vec<f64>, of: &Vec<f64>| dot(rest, of).powi(2) / dot(of, of);
        let apart = without(&starts.coordinates[9], &starts.coordinates[3]);
        for column in [3, 5] {
            assert!(
                rests[1..]
                    .iter()
                    .all(|rest| share(rest, &starts.coordinates[column]) < 1e-9),
                "{column}"
            );
        }
        assert!(share(&rests[1], &apart) > 0.9 && share(&rests[2], &apart) < 1e-3);
    }
}
