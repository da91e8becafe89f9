//! Groups over several nodes: a search for combinations of which fewer people than a cell have
//! nearly everything, although no node has enough of the group to see it among its own rows.
//!
//! A combination is a direction u of unit length in a [`Frame`]: the basis in which G, the sum over
//! all nodes but one, is the identity, turned by a rotation that the nodes alone know. A person's
//! weight in it is v_i = f_i'u, where f_i is the person's row in the frame, and the squares of all
//! weights add up to 1, or to less where rows that are nobody's hide a part. Nodes answer a
//! [`Step`] with words that are summed over them: the histogram of v_i^2, which bounds what any
//! group has ([`super::top_share`]), and sum_i g(v_i) f_i, the next direction:
//!
//! - g(v) = v^3 at first: the fixed point of the fourth power, which makes few weights large
//!   (Hyvarinen, IEEE Trans. Neural Networks 10:626 (1999));
//! - g(v) = v for the people above a threshold that the histogram before gave, and 0 for the
//!   others: the best direction for a group, and again the group with the largest weights in it.
//!
//! The search starts from each new column less what it shares with others ([`Frame::starts`]).
//!
//! Where what nine people over all nodes can add to a share ([`super::Finding::largest`]) is below
//! the limit no group can have it, and nothing is asked. What is left: a local search from bounded
//! starts can miss a group. The random histories play it.

use serde::{Deserialize, Serialize};

use super::{
    Basis, HISTOGRAM_WORDS, Limits, Rotation, Rows, histogram,
    histogram::threshold,
    lanes::dot,
    rotation::Stream,
    starts::{OF_COLUMN, Starts, unit},
    top_share,
};

/// Starts of one search, and rounds that it takes at most. A start is followed in two ways.
pub const STARTS_MAX: usize = 48;
pub const ROUNDS_MAX: usize = 8;

/// Rounds by the cube.
const CUBES: usize = 3;

/// Directions without a reason, of which a search has some too: what half of the columns leave of
/// one, and any others.
const DRAWN: usize = 16;

/// Fraction bits of a sum of rows: entries are at most 1, over all people.
const FRACTION_BITS: i32 = 40;

/// How far the next direction that nodes are told is from the exact one.
const SOFTENING: f64 = 1.0 / 64.0;

/// A chain of steps ends where its share has not grown by more than this.
const GROWTH_MIN: f64 = 2e-3;

/// Two directions closer than this lead to the same group.
const SAME: f64 = 0.9995;

/// The basis of one sum, turned.
pub struct Frame {
    basis: Basis,
    rotation: Rotation,
    seed: [u8; 32],
    /// Weights are told times this, which only the nodes know: the difference of two sums is then
    /// not a node's own part.
    scale: f64,
}

/// What nodes are asked of one combination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub direction: Vec<f64>,
    /// Square of the smallest weight that counts in the next direction; none: all count by the cube
    /// of their weight.
    pub threshold: Option<f64>,
}

impl Frame {
    /// `basis` is that of the sum as the nodes are told it; `seed` is the nodes' own.
    pub fn new(basis: Basis, seed: &[u8; 32]) -> Self {
        let rotation = Rotation::new(basis.rank(), seed);
        let scale = 1.0 + f64::from(u16::from_le_bytes([seed[0], seed[1]])) / 65_536.0;
        Self {
            basis,
            rotation,
            seed: *seed,
            scale,
        }
    }

    /// Numbers of a direction.
    pub fn rank(&self) -> usize {
        self.basis.rank()
    }

    /// Words of an answer to one step.
    pub fn words(rank: usize) -> usize {
        HISTOGRAM_WORDS + rank
    }

    /// The combination of columns that a direction is.
    pub fn combination(&self, direction: &[f64]) -> Vec<f64> {
        let mut turned = direction.to_vec();
        self.rotation.backward(&mut turned);
        self.basis.combination(&turned)
    }

    /// Directions from which a search starts: of each column that says something new what others
    /// leave of it, see [`Starts`]. Columns from `first_new` on come first, then the latest others:
    /// where nodes of an exported study are not in this one, also what was shown before is seen
    /// anew. Where there are too many, each column has its first ones. Some are drawn by the nodes'
    /// seed.
    pub fn starts(&self, first_new: usize) -> Vec<Vec<f64>> {
        let columns = self.in_order(first_new);
        let from = Starts::new(&self.basis);
        let of_columns: Vec<Vec<Vec<f64>>> = columns
            .iter()
            .map(|column| from.of_column(*column))
            .collect();
        let turns =
            (0..OF_COLUMN).flat_map(|turn| of_columns.iter().filter_map(move |of| of.get(turn)));
        let mut starts: Vec<Vec<f64>> = turns.take(STARTS_MAX - DRAWN).cloned().collect();
        let mut stream = Stream::of("ligate drawn starts", &self.seed, &[]);
        starts.extend(from.drawn(DRAWN, &columns, &mut stream));
        starts
            .iter_mut()
            .for_each(|start| self.rotation.forward(start));
        starts
    }

    /// The columns that say something new, those that were not judged before first.
    fn in_order(&self, first_new: usize) -> Vec<usize> {
        let (new, old): (Vec<usize>, Vec<usize>) = self
            .basis
            .independent()
            .into_iter()
            .partition(|column| *column >= first_new);
        new.into_iter()
            .chain(old.into_iter().rev())
            .take(STARTS_MAX)
            .collect()
    }

    /// A node's part of the answer to a step.
    pub fn answer(&self, rows: &Rows, step: &Step) -> Vec<u64> {
        let combination: Vec<f64> = self
            .combination(&step.direction)
            .iter()
            .map(|part| self.scale * part)
            .collect();
        let mut sum = vec![0.0; self.basis.columns()];
        for person in 0..rows.people() {
            let row = rows.row(person);
            let weight = dot(row, &combination);
            let counts = match step.threshold {
                None => weight.powi(3),
                Some(least) if weight * weight >= least => weight,
                Some(_) => continue,
            };
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += counts * value);
        }
        let mut next = self.basis.forward(&sum);
        self.rotation.forward(&mut next);
        let unit = libm::ldexp(1.0, FRACTION_BITS);
        let mut words = histogram(rows, &combination);
        words.extend(
            next.iter()
                .map(|value| (value * unit).round_ties_even() as i64 as u64),
        );
        words
    }
}

/// A search in one frame, as the coordinator leads it. It sees directions in a basis that it does
/// not know.
pub struct Search {
    chains: Vec<Chain>,
    rounds: usize,
    group: usize,
    secret: [u8; 32],
    /// The largest share of a group that was seen.
    pub share: f64,
}

struct Chain {
    step: Step,
    /// Rounds by the cube that are left.
    cubes: usize,
    share: f64,
}

impl Search {
    /// `secret` is the coordinator's.
    pub fn new(starts: Vec<Vec<f64>>, limits: Limits, secret: &[u8; 32]) -> Self {
        let mut search = Self {
            chains: Vec::new(),
            rounds: ROUNDS_MAX,
            group: limits.group,
            secret: *secret,
            share: 0.0,
        };
        for direction in starts.into_iter().take(STARTS_MAX) {
            search.add(Chain {
                step: Step {
                    direction,
                    threshold: None,
                },
                cubes: CUBES,
                share: 0.0,
            });
        }
        search
    }

    /// What is to be asked next; nothing where the search is at its end.
    pub fn steps(&self) -> Vec<Step> {
        if self.rounds == 0 {
            Vec::new()
        } else {
            self.chains.iter().map(|chain| chain.step.clone()).collect()
        }
    }

    /// Takes the sums of the answers to [`steps`](Self::steps), one after another.
    pub fn take(&mut self, answers: &[u64]) {
        let chains = std::mem::take(&mut self.chains);
        let length = answers.len().checked_div(chains.len()).unwrap_or(0).max(1);
        self.rounds = self.rounds.saturating_sub(1);
        for (chain, words) in chains.into_iter().zip(answers.chunks_exact(length)) {
            if let Some((histogram, sum)) = words.split_at_checked(HISTOGRAM_WORDS) {
                self.follow(chain, histogram, sum);
            }
        }
    }

    fn follow(&mut self, chain: Chain, histogram: &[u64], sum: &[u64]) {
        let share = top_share(histogram, self.group);
        let threshold = Some(threshold(histogram, self.group));
        self.share = self.share.max(share);
        let direct = chain.step.threshold.is_none() && chain.share == 0.0;
        let grows = chain.cubes > 0 || share > chain.share + GROWTH_MIN;
        if direct {
            let step = Step {
                direction: chain.step.direction.clone(),
                threshold,
            };
            self.chains.push(Chain {
                step,
                cubes: 0,
                share: share - 2.0 * GROWTH_MIN,
            });
        }
        let cubes = chain.cubes.saturating_sub(1);
        let next = self.softened(&chain.step.direction, sum).filter(|_| grows);
        if let Some(direction) = next {
            let step = Step {
                direction,
                threshold: threshold.filter(|_| cubes == 0),
            };
            self.add(Chain { step, cubes, share });
        }
    }

    /// Takes up a chain, if no other one is at the same place.
    fn add(&mut self, chain: Chain) {
        let same = |other: &Chain| {
            other.step.threshold.is_some() == chain.step.threshold.is_some()
                && dot(&other.step.direction, &chain.step.direction).abs() > SAME
        };
        if !self.chains.iter().any(same) {
            self.chains.push(chain);
        }
    }

    /// The direction of a sum, off by [`SOFTENING`]: a node that takes its own people off it does
    /// not get what other nodes' people add exactly.
    fn softened(&self, from: &[f64], sum: &[u64]) -> Option<Vec<f64>> {
        let exact = unit(sum.iter().map(|word| *word as i64 as f64).collect())?;
        let mut noise = Stream::of("ligate softened direction", &self.secret, from);
        let noise = unit(exact.iter().map(|_| noise.normal()).collect())?;
        unit(
            exact
                .iter()
                .zip(noise)
                .map(|(value, noise)| value + SOFTENING * noise)
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Gram, judge_by, search::tests::made};

    const LIMITS: Limits = Limits {
        leverage: 0.5,
        share: 0.95,
        group: 9,
    };

    /// Leads a search over nodes to its end; gives its largest share, its rounds and the most steps
    /// of one.
    fn searched(nodes: &[Rows], first_new: usize) -> (f64, usize, usize) {
        let mut sum = Gram::zero(nodes[0].columns());
        nodes.iter().for_each(|rows| sum.add(&rows.gram(1)));
        let frame = Frame::new(Basis::exact(&sum.softened(&[1; 32])), &[2; 32]);
        let mut search = Search::new(frame.starts(first_new), LIMITS, &[3; 32]);
        let (mut rounds, mut most) = (0, 0);
        loop {
            let steps = search.steps();
            if steps.is_empty() {
                return (search.share, rounds, most);
            }
            (rounds, most) = (rounds + 1, most.max(steps.len()));
            let mut answers = vec![0_u64; steps.len() * Frame::words(frame.rank())];
            for rows in nodes {
                let own = steps.iter().flat_map(|step| frame.answer(rows, step));
                answers
                    .iter_mut()
                    .zip(own)
                    .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
            }
            search.take(&answers);
        }
    }

    /// Rows of 200 people with 6 columns and another one.
    fn node(seed: u8, last: impl Fn(&[f64], usize) -> f64) -> Rows {
        let rows = made(200, 6, seed);
        let old = |place: usize| (0..200).map(|person| rows.row(person)[place]).collect();
        let mut columns: Vec<Vec<f64>> = (0..6).map(old).collect();
        columns.push(
            (0..200)
                .map(|person| last(rows.row(person), person))
                .collect(),
        );
        Rows::from_columns(&columns)
    }

    #[test]
    fn people_of_three_nodes_in_whom_two_traits_differ_are_found() {
        for (differ, found) in [(2, true), (3, true), (8, false)] {
            let last = |row: &[f64], person: usize| {
                0.7 * row[3] + 0.1 + if person < differ { 0.2 } else { 0.0 }
            };
            let nodes = [1, 2, 3].map(|seed| node(seed, last));
            let (share, rounds, steps) = searched(&nodes, 6);
            assert_eq!(share > 0.95, found, "{differ} at each node: {share}");
            assert!(rounds <= ROUNDS_MAX && steps <= 2 * STARTS_MAX);
            // No node sees it by itself.
            let mut sum = nodes[0].gram(1);
            nodes[1..].iter().for_each(|rows| sum.add(&rows.gram(1)));
            let basis = Basis::exact(&sum);
            assert!(
                nodes
                    .iter()
                    .all(|rows| judge_by(rows, &basis, LIMITS, 1).passes())
            );
        }
    }

    #[test]
    fn honest_columns_have_no_group() {
        for (people, columns) in [(60, 20), (120, 30)] {
            let nodes = [11, 12, 13].map(|seed| made(people, columns, seed));
            let (share, ..) = searched(&nodes, 1);
            assert!(
                share < 0.9,
                "{people} people and {columns} columns: {share}"
            );
        }
    }
}
