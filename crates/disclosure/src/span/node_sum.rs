//! A node as a group: whether the sum over its own people follows from what was released, apart
//! from the sum over all.
//!
//! Let c be a column, 1 for everybody say, and c_A the same column with 0 for the people of all
//! other nodes. The sum of this node alone is c_A'x. The best combination explains the share h =
//! c_A' H c_A / |c_A|^2 of it, and the column itself, which is released in any case, the share b =
//! (c_A'c)^2 / (|c|^2 |c_A|^2). What others explain beyond that is
//!
//! > e = (h - b) / (1 - b),
//!
//! 0 where they say nothing of what sets this node apart, and 1 where its own sum is known exactly:
//! a trait that was released twice, the second time with another zero at this node, has a
//! combination that is 1 at this node and 0 elsewhere.
//!
//! A variable is standardised over all nodes, and where one node moved its unit it is the plain
//! variable of which the own sum follows: neither 1 nor the standardised column, but a combination
//! of the two. So the two are asked about together, too. Let S be W'W of both over the own people,
//! A what is explained of it and B the part that both columns explain over everybody; then e is the
//! largest (a'(A - B)a) / (a'(S - B)a) over their combinations a.

use super::{Basis, Gram, gram::SOFTENING, lanes::dot};

/// The largest e: the share that a small group may have of a combination.
const SHARE: f64 = 0.95;

/// A node that has nearly all of a column is nearly the whole sum, and nothing can be told from a
/// sum that is known to within 1/64 only. The other nodes then see that theirs would follow.
const OTHERS_MIN: f64 = 1.0 / 16.0;

/// What must be left of a column's square by another one, as a share of it, so that the two are not
/// one column.
const SHARE_LEFT: f64 = 1e-9;

/// The combination that says the sum over this node's own people of one of the two `columns`, or of
/// a combination of them, where others than the columns themselves say nearly all of it. `own` is
/// W'W of these people, `basis` that of a sum that holds them.
pub fn own_sum(own: &Gram, basis: &Basis, columns: [usize; 2]) -> Option<Vec<f64>> {
    let [one, other] = columns.map(|column| OwnColumn::new(own, basis, column));
    let [one_alone, other_alone] = [&one, &other].map(|column| explained(own, basis, &[column]));
    one_alone
        .or(other_alone)
        .or_else(|| explained(own, basis, &[&one, &other]))
}

/// A column over this node's own people.
struct OwnColumn {
    place: usize,
    /// Of the own people's values, the part that the basis explains.
    part: Vec<f64>,
    /// The column over everybody.
    whole: Vec<f64>,
}

impl OwnColumn {
    fn new(own: &Gram, basis: &Basis, place: usize) -> Self {
        let products: Vec<f64> = (0..own.size()).map(|other| own.get(place, other)).collect();
        let axis: Vec<f64> = (0..own.size())
            .map(|other| f64::from(u8::from(other == place)))
            .collect();
        Self {
            place,
            part: basis.forward(&products),
            whole: basis.direction(&axis),
        }
    }
}

/// The combination that says nearly all of the own sum of some combination of one or two columns.
fn explained(own: &Gram, basis: &Basis, columns: &[&OwnColumn]) -> Option<Vec<f64>> {
    let mut axes = axes_beyond_whole(own, columns);
    let beyond = |a: &Axis, b: &Axis| dot(&a.apart, &b.apart);
    // By how much more is explained than may be. The sums that nodes are told are off by twice the
    // softening.
    let excess = |axis: &Axis| beyond(axis, axis) - SHARE * axis.others + 2.0 * SOFTENING;
    if let [a, b] = &axes[..] {
        let turned = principal(excess(a), beyond(a, b), excess(b));
        axes = turned.map(|[x, y]| a.combined(b, x, y)).into();
    }
    let found = axes.into_iter().find(|axis| excess(axis) > 0.0)?;
    Some(basis.combination(&found.apart))
}

/// A combination of columns over the own people, of length 1.
struct Axis {
    /// What is explained of it, by others than the whole columns.
    apart: Vec<f64>,
    /// The share that the whole columns leave of it, 1 - b.
    others: f64,
}

impl Axis {
    /// The combination of two axes of which the whole columns leave nothing that they have in
    /// common.
    fn combined(&self, other: &Self, x: f64, y: f64) -> Self {
        let others = x * x * self.others + y * y * other.others;
        Self {
            apart: combined(&self.apart, x, &other.apart, y),
            others,
        }
    }
}

/// Combinations of the columns, orthogonal over the own people and beyond the whole columns, of
/// which these leave enough to tell something.
fn axes_beyond_whole(own: &Gram, columns: &[&OwnColumn]) -> Vec<Axis> {
    let parts = own_parts(own, columns);
    let whole = orthonormal(columns);
    let along = |part: &[f64]| {
        whole
            .iter()
            .map(|axis| dot(part, axis))
            .collect::<Vec<f64>>()
    };
    let turned = match &parts[..] {
        [a, b] => {
            let (known, other) = (along(a), along(b));
            principal(
                dot(&known, &known),
                dot(&known, &other),
                dot(&other, &other),
            )
            .map(|[x, y]| combined(a, x, b, y))
            .into()
        }
        _ => parts,
    };
    let axis = |part: Vec<f64>| {
        let known = along(&part);
        let apart = whole.iter().zip(&known).fold(part, |left, (axis, known)| {
            combined(&left, 1.0, axis, -known)
        });
        Axis {
            apart,
            others: 1.0 - dot(&known, &known),
        }
    };
    turned
        .into_iter()
        .map(axis)
        .filter(|axis| axis.others >= OTHERS_MIN)
        .collect()
}

/// The explained parts of combinations that are orthonormal over the own people: one where the
/// columns are one column there.
fn own_parts(own: &Gram, columns: &[&OwnColumn]) -> Vec<Vec<f64>> {
    let square = |column: &OwnColumn| own.get(column.place, column.place);
    let there: Vec<&&OwnColumn> = columns
        .iter()
        .filter(|column| square(column) > 0.0)
        .collect();
    let Some(first) = there.first() else {
        return Vec::new();
    };
    let scale = 1.0 / square(first).sqrt();
    let mut parts = vec![combined(&first.part, scale, &first.part, 0.0)];
    if let Some(second) = there.get(1) {
        let shared = own.get(first.place, second.place) * scale;
        let left = square(second) - shared * shared;
        if left > SHARE_LEFT * square(second) {
            let scale = 1.0 / left.sqrt();
            parts.push(combined(&second.part, scale, &parts[0], -shared * scale));
        }
    }
    parts
}

/// Orthonormal directions of the whole columns.
fn orthonormal(columns: &[&OwnColumn]) -> Vec<Vec<f64>> {
    let mut axes: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let square = dot(&column.whole, &column.whole);
        let left = axes.iter().fold(column.whole.clone(), |left, axis| {
            let along = dot(&left, axis);
            combined(&left, 1.0, axis, -along)
        });
        let length = dot(&left, &left);
        if length > SHARE_LEFT * square {
            axes.push(left.iter().map(|value| value / length.sqrt()).collect());
        }
    }
    axes
}

/// The principal axes of the symmetric matrix (a b; b d), the one of the larger eigenvalue first.
fn principal(a: f64, b: f64, d: f64) -> [[f64; 2]; 2] {
    let angle = 0.5 * libm::atan2(2.0 * b, a - d);
    let (sine, cosine) = libm::sincos(angle);
    [[cosine, sine], [-sine, cosine]]
}

fn combined(a: &[f64], x: f64, b: &[f64], y: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| x * a + y * b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Rows, search::tests::made};

    /// Whether the first of two nodes, with so many people, is read from columns of which the last
    /// one is `last`, told by the node and the person's row. It is standardised over both nodes, as
    /// variables are; the others have the mean 0.
    fn is_read(
        people: [usize; 2],
        columns: usize,
        last: impl Fn(usize, usize, &[f64]) -> f64,
    ) -> bool {
        let rows = people.map(|people| made(people, columns, people as u8));
        let raw = [0, 1].map(|node: usize| {
            let rows = &rows[node];
            (0..rows.people())
                .map(|person| last(node, person, rows.row(person)))
                .collect::<Vec<f64>>()
        });
        let count = (people[0] + people[1]) as f64;
        let mean = raw.iter().flatten().sum::<f64>() / count;
        let square = raw
            .iter()
            .flatten()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / count;
        let with_last = |node: usize| {
            let rows = &rows[node];
            let old = |place: usize| {
                (0..rows.people())
                    .map(|person| rows.row(person)[place])
                    .collect()
            };
            let mut all: Vec<Vec<f64>> = (0..columns).map(old).collect();
            all.push(
                raw[node]
                    .iter()
                    .map(|value| (value - mean) / square.sqrt())
                    .collect(),
            );
            Rows::from_columns(&all)
        };
        let own = with_last(0).gram(1);
        let mut sum = with_last(1).gram(1);
        sum.add(&own);
        [[1; 32], [2; 32], [3; 32]].iter().any(|secret| {
            let told = Basis::exact(&sum.softened(secret));
            let found = |column| own_sum(&own, &told, [0, column]);
            (1..=columns)
                .filter_map(found)
                .any(|found| found[columns].abs() > 0.0)
        })
    }

    #[test]
    fn a_column_with_another_zero_or_unit_at_one_node_gives_its_sum_away() {
        for (people, columns) in [([130, 200], 6), ([1300, 400], 40), ([120, 240], 3)] {
            let zero = |node: usize, _, row: &[f64]| row[1] + f64::from(node == 0);
            assert!(is_read(people, columns, zero), "zero: {people:?}");
            let unit =
                |node: usize, _, row: &[f64]| (5.0 + row[1]) * if node == 0 { 2.0 } else { 1.0 };
            assert!(is_read(people, columns, unit), "unit: {people:?}");
            // Of a disease, say, half of the people with the value 0; and as 32 + 1.8 x.
            let unit_of_deviation =
                |node: usize, _, row: &[f64]| row[1] * if node == 0 { 2.0 } else { 1.0 };
            assert!(
                is_read(people, columns, unit_of_deviation),
                "unit of the deviation: {people:?}"
            );
            let both = |node: usize, _, row: &[f64]| {
                if node == 0 {
                    32.0 + 1.8 * row[1]
                } else {
                    row[1]
                }
            };
            assert!(is_read(people, columns, both), "zero and unit: {people:?}");
        }
    }

    /// Neither 1 nor the standardised column has its own sum explained, the plain disease has.
    #[test]
    fn a_disease_in_another_unit_at_one_node_gives_its_cases_away() {
        // 1, the disease, and the disease in a unit that is half of it at the first node; four in
        // ten are ill.
        let [own, other] = [(130, 2.0), (200, 1.0)].map(|(people, unit)| {
            let rows = made(people, 2, people as u8);
            let ill = |person: usize| f64::from(u8::from(rows.row(person)[1] > 0.35));
            let column =
                |value: &dyn Fn(f64) -> f64| (0..people).map(|person| value(ill(person))).collect();
            Rows::from_columns(&[
                column(&|_| 1.0),
                column(&|ill| (ill - 0.4) / 0.5),
                column(&|ill| (unit * ill - 0.56) / 0.8),
            ])
            .gram(1)
        });
        let mut sum = other;
        sum.add(&own);
        let basis = Basis::exact(&sum.softened(&[4; 32]));
        assert!(
            [0, 2]
                .iter()
                .all(|column| own_sum(&own, &basis, [*column; 2]).is_none())
        );
        let found = own_sum(&own, &basis, [0, 2]).unwrap();
        assert!(found[1] * found[2] < 0.0, "{found:?}");
    }

    #[test]
    fn honest_columns_and_departures_do_not() {
        let honest = |_, person, _: &[f64]| libm::sin(person as f64);
        assert!(!is_read([130, 200], 6, honest));
        // Two nodes of 60 people with 40 columns; one node that is 15 times the other.
        assert!(!is_read([60, 60], 40, honest));
        assert!(!is_read([900, 70], 20, honest) && !is_read([70, 900], 20, honest));
        // Without 20 who left one node, and with another mean or spread there.
        assert!(!is_read([130, 200], 6, |node, person, _| f64::from(
            node == 1 || person >= 20
        )));
        assert!(!is_read([130, 200], 6, |node, person, _| node as f64
            + libm::sin(person as f64)));
        assert!(!is_read([60, 60], 40, |node, person, _| (1 + node) as f64
            * libm::sin(person as f64)));
        // A disease that is four times as frequent at one node, and one that nearly everybody there
        // has.
        let disease = |every: [usize; 2]| {
            move |node: usize, person: usize, _: &[f64]| {
                f64::from(person.is_multiple_of(every[node]))
            }
        };
        assert!(
            !is_read([130, 200], 6, disease([3, 12])) && !is_read([60, 60], 40, disease([12, 3]))
        );
        assert!(
            !is_read([900, 70], 20, disease([20, 2])) && !is_read([70, 900], 20, disease([2, 20]))
        );
    }
}
