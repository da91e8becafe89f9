//! A node as a group: whether the sum over its own people follows from what was released, apart from the sum over all.
//!
//! Let c be a column, 1 for everybody say, and c_A the same column with 0 for the people of all other nodes. The sum of
//! this node alone is c_A'x. The best combination explains the share h = c_A' H c_A / |c_A|^2 of it, and the column itself,
//! which is released in any case, the share b = (c_A'c)^2 / (|c|^2 |c_A|^2). What others explain beyond that is
//!
//! > e = (h - b) / (1 - b),
//!
//! 0 where they say nothing of what sets this node apart, and 1 where its own sum is known exactly: a trait that was
//! released twice, the second time with another zero at this node, has a combination that is 1 at this node and 0 elsewhere.

use super::{Basis, Gram, gram::SOFTENING, whiten::dot};

/// The largest e: the share that a small group may have of a combination.
const SHARE: f64 = 0.95;

/// A node that has nearly all of a column is nearly the whole sum, and nothing can be told from a sum that is known to
/// within 1/64 only. The other nodes then see that theirs would follow.
const OTHERS_MIN: f64 = 1.0 / 16.0;

/// The combination that says the sum of `column` over this node's own people, where others than the column itself say
/// nearly all of it. `own` is W'W of these people, `basis` that of a sum that holds them.
pub fn own_sum(own: &Gram, basis: &Basis, column: usize) -> Option<Vec<f64>> {
    let squares = own.get(column, column);
    if squares <= 0.0 {
        return None;
    }
    let products: Vec<f64> = (0..own.size()).map(|other| own.get(column, other)).collect();
    let part = basis.forward(&products);
    let axis: Vec<f64> = (0..own.size()).map(|other| f64::from(u8::from(other == column))).collect();
    let whole = basis.direction(&axis);
    let length = dot(&whole, &whole);
    if length <= 0.0 {
        return None;
    }
    let explained = dot(&part, &part) / squares;
    let by_whole = dot(&part, &whole).powi(2) / (length * squares);
    let others = 1.0 - by_whole;
    if others < OTHERS_MIN {
        return None;
    }
    // The sums that nodes are told are off by so much.
    let error = 2.0 * SOFTENING / others;
    if (explained - by_whole) / others <= SHARE - error {
        return None;
    }
    let along = dot(&part, &whole) / length;
    let apart: Vec<f64> = part.iter().zip(&whole).map(|(part, whole)| part - along * whole).collect();
    Some(basis.combination(&apart))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Rows, search::tests::made};

    /// Whether the first of two nodes, with so many people, is read from columns of which the last one is `last`, told by
    /// the node and the person's column 1.
    fn is_read(people: [usize; 2], columns: usize, last: impl Fn(usize, usize, &[f64]) -> f64) -> bool {
        let rows = people.map(|people| made(people, columns, people as u8));
        let with_last = |node: usize| {
            let rows = &rows[node];
            let old = |place: usize| (0..rows.people()).map(|person| rows.row(person)[place]).collect();
            let mut all: Vec<Vec<f64>> = (0..columns).map(old).collect();
            all.push((0..rows.people()).map(|person| last(node, person, rows.row(person))).collect());
            Rows::from_columns(&all)
        };
        let own = with_last(0).gram(1);
        let mut sum = with_last(1).gram(1);
        sum.add(&own);
        [[1; 32], [2; 32], [3; 32]].iter().any(|secret| {
            let told = Basis::new(&sum.softened(secret));
            own_sum(&own, &told, 0).is_some_and(|found| found[columns].abs() > 0.0)
        })
    }

    #[test]
    fn a_column_with_another_zero_at_one_node_gives_its_sum_away() {
        let moved = |node: usize, _, row: &[f64]| row[1] + f64::from(node == 0);
        assert!(is_read([130, 200], 6, moved) && is_read([1300, 400], 40, moved));
        let scaled = |node: usize, _, row: &[f64]| (5.0 + row[1]) * if node == 0 { 2.0 } else { 1.0 };
        assert!(is_read([130, 200], 6, scaled));
    }

    #[test]
    fn honest_columns_and_departures_do_not() {
        assert!(!is_read([130, 200], 6, |_, person, _| libm::sin(person as f64)));
        // Two nodes of 60 people with 40 columns; one node that is 15 times the other.
        assert!(!is_read([60, 60], 40, |_, person, _| libm::sin(person as f64)));
        assert!(!is_read([900, 70], 20, |_, person, _| libm::sin(person as f64)));
        // Without 20 who left one node, and with another mean there.
        assert!(!is_read([130, 200], 6, |node, person, _| f64::from(node == 1 || person >= 20)));
        assert!(!is_read([130, 200], 6, |node, person, _| node as f64 + libm::sin(person as f64)));
    }
}
