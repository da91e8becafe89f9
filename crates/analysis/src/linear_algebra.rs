//! Small symmetric matrices: Cholesky factors, triangular solves, inverses.
//!
//! One fixed order of operations, no fused multiply-add, so that equal input gives equal bits
//! everywhere. Meant for at most some tens of rows. Refuses matrices that are not positive
//! definite.

use crate::quantise::unfixed;

/// Numbers in the lower triangle of a symmetric matrix of `size` rows.
pub const fn triangle(size: usize) -> usize {
    size * (size + 1) / 2
}

/// Where element (row, column), column <= row, stands in a lower triangle stored row by row.
pub const fn at(row: usize, column: usize) -> usize {
    triangle(row) + column
}

/// A symmetric matrix, its lower triangle row by row.
#[derive(Clone, PartialEq)]
pub struct Symmetric {
    size: usize,
    lower: Vec<f64>,
}

impl Symmetric {
    /// The leading `size` rows of a triangle of fixed-point sums, which must hold them.
    pub fn from_fixed(size: usize, lower: &[i64]) -> Self {
        Self {
            size,
            lower: lower[..triangle(size)]
                .iter()
                .map(|sum| unfixed(*sum))
                .collect(),
        }
    }

    /// A matrix by its elements; `element(row, column)` is asked for column <= row.
    pub fn from_fn(size: usize, mut element: impl FnMut(usize, usize) -> f64) -> Self {
        let mut lower = Vec::with_capacity(triangle(size));
        for row in 0..size {
            lower.extend((0..=row).map(|column| element(row, column)));
        }
        Self { size, lower }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.lower[if row >= column {
            at(row, column)
        } else {
            at(column, row)
        }]
    }
}

/// The lower triangular L with L L' = A.
#[derive(Clone)]
pub struct Cholesky(Symmetric);

/// The row at which a matrix turned out not to be positive definite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPositive {
    pub row: usize,
}

impl Cholesky {
    /// Factors A. A pivot of less than 1e-12 of its diagonal element is rounding, not rank:
    /// refused.
    pub fn new(matrix: &Symmetric) -> Result<Self, NotPositive> {
        const SMALLEST_PIVOT: f64 = 1e-12;
        let mut factor = Symmetric {
            size: matrix.size,
            lower: Vec::with_capacity(matrix.lower.len()),
        };
        for row in 0..matrix.size {
            for column in 0..=row {
                let mut rest = matrix.lower[at(row, column)];
                for k in 0..column {
                    rest -= factor.lower[at(row, k)] * factor.lower[at(column, k)];
                }
                if column < row {
                    factor.lower.push(rest / factor.lower[at(column, column)]);
                } else if rest > SMALLEST_PIVOT * matrix.lower[at(row, row)] {
                    factor.lower.push(rest.sqrt());
                } else {
                    return Err(NotPositive { row });
                }
            }
        }
        Ok(Self(factor))
    }

    pub fn size(&self) -> usize {
        self.0.size
    }

    /// L(row, row).
    pub fn diagonal(&self, row: usize) -> f64 {
        self.0.get(row, row)
    }

    /// x with L x = b; `b` holds `size` numbers.
    pub fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = Vec::with_capacity(b.len());
        for (row, value) in b.iter().enumerate() {
            let mut rest = *value;
            for (column, known) in x.iter().enumerate() {
                rest -= self.0.lower[at(row, column)] * known;
            }
            x.push(rest / self.0.lower[at(row, row)]);
        }
        x
    }

    /// x with L' x = b.
    pub fn backward(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for row in (0..x.len()).rev() {
            let mut rest = x[row];
            for (column, known) in x.iter().enumerate().skip(row + 1) {
                rest -= self.0.lower[at(column, row)] * known;
            }
            x[row] = rest / self.0.lower[at(row, row)];
        }
        x
    }

    /// x with A x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        self.backward(&self.forward(b))
    }

    /// The inverse of A.
    pub fn inverse(&self) -> Symmetric {
        let size = self.size();
        let columns: Vec<Vec<f64>> = (0..size)
            .map(|column| {
                let unit: Vec<f64> = (0..size)
                    .map(|row| f64::from(u8::from(row == column)))
                    .collect();
                self.solve(&unit)
            })
            .collect();
        Symmetric::from_fn(size, |row, column| columns[column][row])
    }
}

/// The inner product, added from the first element to the last.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Symmetric {
        let full = [[4.0, 2.0, -1.0], [2.0, 5.0, 0.5], [-1.0, 0.5, 3.0]];
        Symmetric::from_fn(3, |row, column| full[row][column])
    }

    #[test]
    fn solve_and_inverse_undo_the_product() {
        let matrix = matrix();
        let factor = Cholesky::new(&matrix).unwrap();
        let x = [1.0, -2.0, 0.25];
        let b: Vec<f64> = (0..3)
            .map(|i| (0..3).map(|j| matrix.get(i, j) * x[j]).sum())
            .collect();
        let solved = factor.solve(&b);
        let inverse = factor.inverse();
        for i in 0..3 {
            assert!((solved[i] - x[i]).abs() < 1e-14);
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| matrix.get(i, k) * inverse.get(k, j)).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn a_dependent_row_is_named() {
        let dependent = Symmetric::from_fn(3, |i, j| {
            [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 2.0]][i][j]
        });
        assert_eq!(
            Cholesky::new(&dependent).err(),
            Some(NotPositive { row: 2 })
        );
        let nothing = Symmetric::from_fn(1, |_, _| f64::NAN);
        assert_eq!(Cholesky::new(&nothing).err(), Some(NotPositive { row: 0 }));
    }
}
