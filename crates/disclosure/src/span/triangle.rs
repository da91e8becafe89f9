//! A symmetric matrix is kept as its lower triangle, row by row.

/// Numbers of the lower triangle of a matrix of this size.
pub(crate) const fn triangle(size: usize) -> usize {
    size * (size + 1) / 2
}
