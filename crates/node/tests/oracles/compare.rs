//! How far a released table is from an oracle, variant by variant, in the units in which the
//! criteria are stated.

use std::fmt;

use crate::tables::{Expected, Key, Oracle, Row, Table};

/// One variant's distances from the oracle, beyond what six digits of ours can say: half a unit of
/// the sixth. `sixth` and `fifth` count units of that significant digit of the oracle.
pub struct Distance {
    pub key: Key,
    pub beta_in_se: f64,
    pub beta_sixth: f64,
    pub se_sixth: f64,
    pub se_fifth: f64,
    pub se_relative: f64,
    pub p_fifth: f64,
    pub p_relative: f64,
}

/// The distances of all variants that both have and the caller chose.
pub struct Compared {
    pub oracle: String,
    pub rows: Vec<Distance>,
}

/// Compares the variants of `table` that `oracle` has and `chosen` takes. Their n must be equal and
/// they must have a result in both.
#[track_caller]
pub fn compare(table: &Table, oracle: &Oracle, chosen: impl Fn(&Expected) -> bool) -> Compared {
    let common = oracle
        .rows
        .iter()
        .filter_map(|(key, expected)| Some((key, table.get(key)?, expected)));
    let rows = common
        .filter(|(.., expected)| chosen(expected))
        .map(|(key, row, expected)| {
            assert_eq!(expected.error, ".", "{key:?} has a result here alone");
            assert_eq!(row.n, expected.n, "n of {key:?}");
            distance(key, row, expected)
        });
    let compared = Compared {
        oracle: oracle.name.clone(),
        rows: rows.collect(),
    };
    assert!(
        !compared.rows.is_empty(),
        "nothing to compare with {}",
        oracle.name
    );
    eprintln!("{compared}");
    compared
}

fn distance(key: &Key, row: &Row, expected: &Expected) -> Distance {
    let apart = |own: f64, other: f64| ((own - other).abs() - 0.5 * unit(own, 6)).max(0.0);
    let (beta, se, p) = (
        apart(row.beta, expected.beta),
        apart(row.se, expected.se),
        apart(row.p, expected.p),
    );
    Distance {
        key: key.clone(),
        beta_in_se: beta / expected.se,
        beta_sixth: beta / unit(expected.beta, 6),
        se_sixth: se / unit(expected.se, 6),
        se_fifth: se / unit(expected.se, 5),
        se_relative: se / expected.se,
        p_fifth: p / unit(expected.p, 5),
        p_relative: p / expected.p,
    }
}

/// One unit of the significant digit `digit` of `value`.
fn unit(value: f64, digit: i32) -> f64 {
    10_f64.powi(value.abs().log10().floor() as i32 + 1 - digit)
}

impl Compared {
    /// Share of the variants that are as `within` says.
    pub fn share(&self, within: impl Fn(&Distance) -> bool) -> f64 {
        self.rows.iter().filter(|row| within(row)).count() as f64 / self.rows.len() as f64
    }

    pub fn largest(&self, of: impl Fn(&Distance) -> f64) -> f64 {
        self.rows.iter().map(of).fold(0.0, f64::max)
    }
}

/// What was measured, with the variant whose beta is farthest off.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.3}%", 100.0 * share);
        let farthest = self
            .rows
            .iter()
            .max_by(|a, b| a.beta_in_se.total_cmp(&b.beta_in_se));
        write!(
            f,
            "{}: {} variants; beta off by {:.1e} SE at most, {} to 6 digits; SE off by {:.1e}, {} to 6 and \
             {} to 5 digits; p off by {:.1e}, {} to 5 digits; farthest {:?}",
            self.oracle,
            self.rows.len(),
            self.largest(|row| row.beta_in_se),
            percent(self.share(|row| row.beta_sixth <= 1.0)),
            self.largest(|row| row.se_relative),
            percent(self.share(|row| row.se_sixth <= 1.0)),
            percent(self.share(|row| row.se_fifth <= 1.0)),
            self.largest(|row| row.p_relative),
            percent(self.share(|row| row.p_fifth <= 1.0)),
            farthest.map(|row| &row.key),
        )
    }
}
