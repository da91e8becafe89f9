//! The span rule: what can be computed about single people from sums over them, whichever sums were
//! released.
//!
//! For its reader a release is a set of sums over people, sum_i w_i x_i, of something that he does
//! not know (the dosages x of each variant). The weights w are the **columns** of the release: 1
//! for everybody, the trait, each covariate, each weight of a null model. Let W hold all columns
//! that one reader was shown, a row w_i for each person, and G = W'W. Everything that he can
//! compute linearly is a combination v = W a.
//!
//! - The **leverage** h_i = w_i' G^+ w_i is the largest share v_i^2 / |v|^2 that one person can
//!   have in a combination. At h_i = 1 the person's x is known exactly; the best linear guess of it
//!   correlates by sqrt(h_i).
//! - The **share** of a group S is the largest sum_S v_i^2 / |v|^2, the largest eigenvalue of the
//!   block H_SS of H = W G^+ W'. At 1 the group's sum is known exactly.
//!
//! Chin and Ozsoyoglu, "Auditing and inference control in statistical databases", IEEE TSE 8:574
//! (1982). A run is refused after which a leverage is over [`Limits::leverage`], or the share of a
//! group smaller than a cell is over [`Limits::share`].
//!
//! A node is a group, too, of many people: [`own_sum`] says whether the sum over all of them
//! follows. And dosages are whole numbers: [`WholeColumns`] looks for sums of which a remainder is
//! a few people's.
//!
//! G is summed over nodes and each node judges its own rows only, so this module also has what
//! makes that safe: a [`Rotation`] that only the nodes know, under which the coordinator sees no
//! moment of a variable, and [`Gram::softened`], which keeps the exact moments of the other nodes
//! from each node. It refuses nothing itself and does no I/O.

mod basis;
mod climb;
mod gram;
mod histogram;
mod lanes;
mod node_sum;
mod products;
mod remainders;
mod rotation;
mod search;
mod starts;
pub(crate) mod triangle;
mod whiten;

pub use basis::Basis;
pub use climb::{Frame, ROUNDS_MAX, STARTS_MAX, Search, Step};
pub use gram::{Gram, GramError, SOFTENING, fraction_bits};
pub use histogram::{HISTOGRAM_WORDS, histogram, top_share};
pub use node_sum::own_sum;
pub use products::HiddenProducts;
pub use remainders::{WholeColumns, whole_numbers};
pub use rotation::Rotation;
pub use search::{Finding, Limits, judge, judge_by};

/// Rows of columns: one row per person of a node.
#[derive(Clone)]
pub struct Rows {
    columns: usize,
    values: Vec<f64>,
}

/// Only sizes: the values are personal data.
impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({} x {})", self.people(), self.columns)
    }
}

impl Rows {
    /// Rows of `columns` values each, none set yet.
    pub fn zeros(people: usize, columns: usize) -> Self {
        Self {
            columns,
            values: vec![0.0; people * columns],
        }
    }

    /// Rows from whole columns of equal length.
    pub fn from_columns(columns: &[Vec<f64>]) -> Self {
        let people = columns.first().map_or(0, Vec::len);
        let mut rows = Self::zeros(people, columns.len());
        for (place, column) in columns.iter().enumerate() {
            rows.set_column(place, column.iter().copied().enumerate());
        }
        rows
    }

    /// Sets a column for the people that are named, by their row.
    pub fn set_column(&mut self, column: usize, values: impl Iterator<Item = (usize, f64)>) {
        for (person, value) in values {
            self.values[person * self.columns + column] = value;
        }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn people(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// The row of a person.
    pub fn row(&self, person: usize) -> &[f64] {
        &self.values[person * self.columns..(person + 1) * self.columns]
    }

    /// The row of a person and all later ones, one after another.
    fn rows_from(&self, person: usize) -> &[f64] {
        &self.values[person * self.columns..]
    }

    /// W'W of these rows.
    pub fn gram(&self, threads: usize) -> Gram {
        Gram::of(self, threads)
    }
}
