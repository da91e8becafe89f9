//! The judgement over one node's rows: leverages, and a search for small groups.

use std::collections::BTreeSet;

use super::{Basis, Rows, lanes::dot};

/// People from whom the search for a group starts, those with the largest leverage first.
const STARTS: usize = 48;

/// Steps of one search; each takes a better group or ends it.
const STEPS: usize = 40;

/// People of whom every pair is looked at where leverages alone leave room for a group, those with
/// the largest leverage first: as many as are needed.
const NEAR: [usize; 3] = [128, 512, 2048];

/// What may be left to compute of one person and of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Largest leverage of one person.
    pub leverage: f64,
    /// Largest share of a group.
    pub share: f64,
    /// People of a group that is too small: one fewer than a cell.
    pub group: usize,
}

impl Limits {
    /// The limits for cells of `cell` people.
    pub fn of_cell(cell: u64) -> Self {
        Self {
            leverage: 0.5,
            share: 0.95,
            group: usize::try_from(cell)
                .unwrap_or(usize::MAX)
                .saturating_sub(1),
        }
    }
}

/// What was found over the rows of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The largest leverage of one person.
    pub leverage: f64,
    /// The largest share of a small group that was found, a lower bound of the largest; or, where
    /// it is so small that nothing was searched, an upper bound of it.
    pub share: f64,
    /// What each further person can add to the share of a group at the most, largest first: the sum
    /// of the first m bounds the share of any m people. As many as a group that is too small can
    /// have.
    pub largest: Vec<f64>,
    /// The combination of columns that isolates a person or group the most, while it is over a
    /// limit.
    pub worst: Option<Vec<f64>>,
}

impl Finding {
    /// Whether the limits hold.
    pub fn passes(&self) -> bool {
        self.worst.is_none()
    }
}

/// Judges the `rows` of everybody.
pub fn judge(rows: &Rows, limits: Limits, threads: usize) -> Finding {
    let basis = Basis::exact(&rows.gram(threads));
    let basis = if basis.is_enough_for(rows) {
        basis.settled()
    } else {
        let again = basis.rows(rows, threads).gram(threads);
        basis.refined(&again)
    };
    judge_by(rows, &basis, limits, threads)
}

/// Judges `rows` in the basis of a sum over these and other rows. Groups over several nodes are
/// left to [`super::Search`].
pub fn judge_by(rows: &Rows, basis: &Basis, limits: Limits, threads: usize) -> Finding {
    Whitened::new(rows, basis, threads).judge(basis, limits, threads)
}

/// The places of the `count` largest values, largest first.
fn largest(values: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    let by_value = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]).then(a.cmp(b));
    let count = count.min(places.len());
    if count > 0 && count < places.len() {
        places.select_nth_unstable_by(count - 1, by_value);
    }
    places.truncate(count);
    places.sort_by(by_value);
    places
}

/// Rows in the basis where G is the identity.
struct Whitened {
    rank: usize,
    values: Vec<f64>,
}

impl Whitened {
    fn new(rows: &Rows, basis: &Basis, threads: usize) -> Self {
        Self {
            rank: basis.rank(),
            values: basis.whiten(rows, threads),
        }
    }

    /// What is found in these rows.
    fn judge(&self, basis: &Basis, limits: Limits, threads: usize) -> Finding {
        let leverages: Vec<f64> = self.rows().map(|row| dot(row, row)).collect();
        let order = largest(&leverages, STARTS.max(limits.group));
        let most: Vec<f64> = order
            .iter()
            .take(limits.group)
            .map(|person| leverages[*person])
            .collect();
        let leverage = most.first().copied().unwrap_or(0.0);
        let over = leverage > limits.leverage;
        let most = if over {
            most
        } else {
            self.bounds(&leverages, most, limits, threads)
        };
        let bound: f64 = most.iter().sum();
        let mut finding = Finding {
            leverage,
            share: bound.min(1.0),
            largest: most,
            worst: None,
        };
        if over {
            finding.worst = order
                .first()
                .map(|person| basis.combination(self.row(*person)));
            return finding;
        }
        if bound < limits.share {
            return finding;
        }
        let found = self.search(&order[..order.len().min(STARTS)], limits.group);
        let best = found.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        finding.share = best.as_ref().map_or(0.0, |best| best.0);
        finding.worst = best
            .filter(|best| best.0 > limits.share)
            .map(|best| basis.combination(&best.1));
        finding
    }

    /// What each further person can add to the share of a group. Leverages are such numbers, the
    /// share being at most their sum. Where that leaves room for a group, also of several nodes,
    /// there is a narrower one: the share is the largest eigenvalue of the block of H over the
    /// group, and that is at most the largest leverage in it and |H_ij| from one person to each of
    /// the others (Gershgorin's circles: Golub and Van Loan, Matrix Computations, 7.2). Whoever is
    /// not among the people who are looked at in pairs adds at most his leverage.
    fn bounds(
        &self,
        leverages: &[f64],
        most: Vec<f64>,
        limits: Limits,
        threads: usize,
    ) -> Vec<f64> {
        let mut best = most;
        for count in NEAR {
            // Three nodes like this one leave no room.
            let of_three = best.iter().flat_map(|most| [most; 3]).take(limits.group);
            if of_three.sum::<f64>() < limits.share {
                break;
            }
            let order = largest(leverages, count + 1);
            let beyond = order.get(count).map_or(0.0, |person| leverages[*person]);
            let near = &order[..order.len().min(count)];
            let added = self.largest_products(near, best.len().saturating_sub(1), threads);
            let first = best.iter().take(1).copied();
            let narrower: Vec<f64> = first
                .chain(added.into_iter().map(|most| most.max(beyond)))
                .collect();
            if narrower.iter().sum::<f64>() < best.iter().sum() {
                best = narrower;
            }
            if near.len() < count {
                break;
            }
        }
        best
    }

    /// Of the |H_ij| from one of these people to each of the others: the largest ones, each over
    /// all people from whom they are counted.
    fn largest_products(&self, people: &[usize], count: usize, threads: usize) -> Vec<f64> {
        let of_person = |own: usize| -> Vec<f64> {
            let others = people.iter().filter(|other| **other != own);
            let mut products: Vec<f64> = others
                .map(|other| dot(self.row(own), self.row(*other)).abs())
                .collect();
            if products.len() > count {
                products.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
                products.truncate(count);
            }
            products.sort_by(|a, b| b.total_cmp(a));
            products
        };
        let of_all = |people: &[usize]| {
            let mut most = vec![0.0_f64; count];
            for own in people {
                most.iter_mut()
                    .zip(of_person(*own))
                    .for_each(|(most, value)| *most = most.max(value));
            }
            most
        };
        let part = people.len().div_ceil(threads.max(1)).max(64);
        let mut most = vec![0.0_f64; count];
        std::thread::scope(|scope| {
            let running: Vec<_> = people
                .chunks(part)
                .map(|people| scope.spawn(move || of_all(people)))
                .collect();
            for handle in running {
                // A part that is not known leaves everything possible.
                let own = handle.join().unwrap_or_else(|_| vec![f64::INFINITY; count]);
                most.iter_mut()
                    .zip(own)
                    .for_each(|(most, value)| *most = most.max(value));
            }
        });
        most
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.rank.max(1))
    }

    fn row(&self, person: usize) -> &[f64] {
        &self.values[person * self.rank..(person + 1) * self.rank]
    }

    /// The best groups that were found from each start: their shares and directions of unit length.
    fn search(&self, starts: &[usize], group: usize) -> Vec<(f64, Vec<f64>)> {
        let of_person = starts.iter().map(|person| self.row(*person).to_vec());
        let axis = |place: usize| {
            (0..self.rank)
                .map(|other| f64::from(other == place))
                .collect()
        };
        let axes = (0..self.rank).map(axis);
        let mut seen = BTreeSet::new();
        of_person
            .chain(axes)
            .filter_map(|start| self.climb(start, group, &mut seen))
            .collect()
    }

    /// Alternates between the group with the largest weights in a direction and the best direction
    /// for that group. The share never falls, so it ends. What follows a group follows from it
    /// alone, so it also ends at one that was `seen`.
    fn climb(
        &self,
        mut direction: Vec<f64>,
        group: usize,
        seen: &mut BTreeSet<Vec<usize>>,
    ) -> Option<(f64, Vec<f64>)> {
        let mut best: Option<(f64, Vec<f64>)> = None;
        for _ in 0..STEPS {
            let weights: Vec<f64> = self
                .rows()
                .map(|row| dot(row, &direction).powi(2))
                .collect();
            let mut members = largest(&weights, group);
            members.sort_unstable();
            if seen.contains(&members) {
                break;
            }
            let (share, next) = self.best_direction(&members)?;
            seen.insert(members);
            if best
                .as_ref()
                .is_some_and(|(known, _)| share <= known + 1e-9)
            {
                break;
            }
            direction.clone_from(&next);
            best = Some((share, next));
        }
        best
    }

    /// The largest eigenvalue of H over the members, and the direction that has it.
    fn best_direction(&self, members: &[usize]) -> Option<(f64, Vec<f64>)> {
        let size = members.len();
        let block: Vec<f64> = (0..size * size)
            .map(|place| {
                dot(
                    self.row(members[place / size]),
                    self.row(members[place % size]),
                )
            })
            .collect();
        let (share, vector) = largest_eigenpair(size, block)?;
        let mut direction = vec![0.0; self.rank];
        for (weight, person) in vector.iter().zip(members) {
            direction
                .iter_mut()
                .zip(self.row(*person))
                .for_each(|(sum, value)| *sum += weight * value);
        }
        let length = dot(&direction, &direction).sqrt();
        if length.is_nan() || length <= 0.0 {
            return None;
        }
        direction.iter_mut().for_each(|value| *value /= length);
        Some((share, direction))
    }
}

/// The largest eigenvalue of a small symmetric matrix and its vector, by Jacobi's rotations (Golub
/// and Van Loan, Matrix Computations, 8.5).
fn largest_eigenpair(size: usize, mut matrix: Vec<f64>) -> Option<(f64, Vec<f64>)> {
    let mut vectors: Vec<f64> = (0..size * size)
        .map(|place| f64::from(place / size == place % size))
        .collect();
    for _ in 0..30 {
        let mut off = 0.0;
        for p in 0..size {
            for q in p + 1..size {
                off += matrix[p * size + q].powi(2);
                rotate(size, &mut matrix, &mut vectors, p, q);
            }
        }
        if off < 1e-24 {
            break;
        }
    }
    let best = (0..size).max_by(|a, b| matrix[a * size + a].total_cmp(&matrix[b * size + b]))?;
    Some((
        matrix[best * size + best],
        (0..size).map(|row| vectors[row * size + best]).collect(),
    ))
}

/// Makes the element (p, q) zero.
fn rotate(size: usize, matrix: &mut [f64], vectors: &mut [f64], p: usize, q: usize) {
    let apq = matrix[p * size + q];
    if apq == 0.0 {
        return;
    }
    let theta = (matrix[q * size + q] - matrix[p * size + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..size {
        let (a, b) = (matrix[k * size + p], matrix[k * size + q]);
        (matrix[k * size + p], matrix[k * size + q]) = (c * a - s * b, s * a + c * b);
    }
    for k in 0..size {
        let (a, b) = (matrix[p * size + k], matrix[q * size + k]);
        (matrix[p * size + k], matrix[q * size + k]) = (c * a - s * b, s * a + c * b);
        let (a, b) = (vectors[k * size + p], vectors[k * size + q]);
        (vectors[k * size + p], vectors[k * size + q]) = (c * a - s * b, s * a + c * b);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::span::rotation::Stream;

    const LIMITS: Limits = Limits {
        leverage: 0.5,
        share: 0.95,
        group: 9,
    };

    /// A column of ones and `columns - 1` of uniform numbers.
    pub fn made(people: usize, columns: usize, seed: u8) -> Rows {
        let mut stream = Stream::new(&[seed; 32]);
        let column = |place: usize, stream: &mut Stream| {
            (0..people)
                .map(|_| {
                    if place == 0 {
                        1.0
                    } else {
                        3.46 * (stream.uniform() - 0.5)
                    }
                })
                .collect()
        };
        Rows::from_columns(
            &(0..columns)
                .map(|place| column(place, &mut stream))
                .collect::<Vec<_>>(),
        )
    }

    fn with(rows: &Rows, column: impl Fn(usize) -> f64) -> Rows {
        let old = |place: usize| {
            (0..rows.people())
                .map(|person| rows.row(person)[place])
                .collect()
        };
        let mut columns: Vec<Vec<f64>> = (0..rows.columns()).map(old).collect();
        columns.push((0..rows.people()).map(column).collect());
        Rows::from_columns(&columns)
    }

    fn judged(rows: &Rows) -> Finding {
        judge(rows, LIMITS, 2)
    }

    #[test]
    fn leverages_add_up_to_the_rank() {
        let rows = made(300, 6, 1);
        let whitened = Whitened::new(&rows, &Basis::exact(&rows.gram(1)), 2);
        let trace: f64 = whitened.rows().map(|row| dot(row, row)).sum();
        assert!((trace - 6.0).abs() < 1e-9);
        assert!(judged(&rows).passes());
    }

    #[test]
    fn carriers_of_a_covariate_are_a_group_up_to_nine() {
        let rows = made(2000, 5, 2);
        for (carriers, passes) in [(1, false), (2, false), (9, false), (10, true), (400, true)] {
            let found = judged(&with(&rows, |person| {
                f64::from((100..100 + carriers).contains(&person))
            }));
            assert_eq!(found.passes(), passes, "{carriers} carriers: {found:?}");
        }
    }

    #[test]
    fn no_group_has_more_than_its_members_can_add() {
        for (people, columns, carriers) in [
            (300, 60, 0),
            (300, 60, 9),
            (700, 20, 12),
            (40, 12, 3),
            (6, 3, 0),
        ] {
            let rows = made(people, columns, 6);
            let rows = with(&rows, |person| f64::from(u8::from(person < carriers)));
            let whitened = Whitened::new(&rows, &Basis::exact(&rows.gram(1)), 2);
            let leverages: Vec<f64> = whitened.rows().map(|row| dot(row, row)).collect();
            let most = |group: usize| -> Vec<f64> {
                largest(&leverages, group)
                    .iter()
                    .map(|person| leverages[*person])
                    .collect()
            };
            for group in [1, 2, 5, 9] {
                let bounds =
                    whitened.bounds(&leverages, most(group), Limits { group, ..LIMITS }, 2);
                assert!(bounds.is_sorted_by(|a, b| a >= b), "{bounds:?}");
                let bound: f64 = bounds.iter().sum();
                assert!(bound <= most(group).iter().sum::<f64>());
                let starts = largest(&leverages, STARTS);
                let found = whitened
                    .search(&starts, group)
                    .iter()
                    .map(|found| found.0)
                    .fold(0.0, f64::max);
                assert!(
                    found <= bound + 1e-9,
                    "{people} people, {columns} columns, {group}: {found} {bound}"
                );
            }
        }
    }

    #[test]
    fn pairs_leave_less_room_than_leverages() {
        let rows = made(2000, 303, 7);
        let found = judged(&rows);
        assert!(found.leverage > 0.12 && found.passes(), "{found:?}");
        assert!(
            found.share < 0.8 && found.largest.iter().sum::<f64>() < 0.8,
            "{found:?}"
        );
    }

    #[test]
    fn a_trait_that_differs_in_few_people_isolates_them() {
        let rows = made(1000, 4, 3);
        let twice = |differing: usize| {
            with(&rows, |person| {
                rows.row(person)[3] + if person < differing { 0.25 } else { 0.0 }
            })
        };
        for differing in [1, 5, 9] {
            let found = judged(&twice(differing));
            let worst = found.worst.expect("refused");
            // What isolates them is the difference of the two traits.
            assert!((worst[3] / worst[4] + 1.0).abs() < 1e-3, "{worst:?}");
        }
        assert!(judged(&twice(60)).passes());
    }

    #[test]
    fn four_sets_of_people_that_differ_widely_in_pairs() {
        // Everybody; those with c1; those with c2; those with both. One person lacks both.
        let (no_c1, no_c2) = (
            |person: usize| person < 30,
            |person: usize| (29..60).contains(&person),
        );
        let sets: [&dyn Fn(usize) -> bool; 4] = [&|_| true, &|p| !no_c1(p), &|p| !no_c2(p), &|p| {
            !no_c1(p) && !no_c2(p)
        }];
        let columns: Vec<Vec<f64>> = sets
            .iter()
            .map(|set| (0..400).map(|person| f64::from(set(person))).collect())
            .collect();
        let three = judged(&Rows::from_columns(&columns[..3]));
        assert!(three.passes(), "{three:?}");
        let found = judged(&Rows::from_columns(&columns));
        assert!(found.leverage > 0.99, "{found:?}");
    }

    #[test]
    fn what_other_nodes_hold_protects_and_what_they_subtract_does_not() {
        let own = made(60, 24, 4);
        let other = made(60, 24, 5);
        let mut both = own.gram(1);
        both.add(&other.gram(1));
        let alone = judge(&own, LIMITS, 1);
        let together = judge_by(&own, &Basis::exact(&both), LIMITS, 1);
        assert!(together.leverage < alone.leverage);
        assert!(
            together.passes() && !alone.passes(),
            "{together:?} {alone:?}"
        );
    }

    /// shared/design/disclosure.md has the figures for normal numbers; uniform ones have shorter
    /// tails.
    #[test]
    fn honest_studies_pass() {
        for (people, columns) in [(180, 23), (2000, 103), (2000, 303)] {
            let found = judged(&made(people, columns, 8));
            assert!(
                found.passes(),
                "{people} people, {columns} columns: {found:?}"
            );
        }
    }

    #[test]
    fn eigenpairs_are_those_of_the_matrix() {
        let (value, vector) = largest_eigenpair(2, vec![2.0, 1.0, 1.0, 2.0]).unwrap();
        assert!((value - 3.0).abs() < 1e-12 && (vector[0] - vector[1]).abs() < 1e-9);
    }
}
