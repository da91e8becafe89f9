//! A reader who knows what every released sum weighs whom with, and tries to compute something of
//! one person or of a group smaller than a cell. It shares no code with the span rule: an
//! orthonormal basis of the columns themselves instead of the matrix of their products, and another
//! search.
//!
//! He reads twice: the sums themselves, where differences of less than [`READABLE`] are not looked
//! for; and the numbers in files, which have six significant digits, where a combination isolates
//! somebody only as far as the rounding of the numbers leaves anything of him.

use super::{
    dice::Dice,
    network::Shown,
    program::{self, Known},
    world::World,
};

/// The length of what is left of a column, where it still says something; values are in deviations
/// of their variable.
const READABLE: f64 = 1e-5;

/// The error of a number of six significant digits, as a share of what it is read of: a little less
/// than it is, in favour of the reader.
const DIGITS: f64 = 1e-7;

/// The least share of a column's length that a number in a file is made of. Little may be left of a
/// model's columns by the covariates, but they are seen only in one number with the trait, or whole
/// in a variance. The error of six digits is some ten times [`DIGITS`], so this is in favour of the
/// reader for all but traits that covariates explain to nine parts in ten.
const SEEN: f64 = 0.3;

/// What is left of a column by the earlier ones where only its values' rounding to 2^-30 is left,
/// over some hundred people.
const NOTHING: f64 = 1e-7;

const GROUP: usize = 9;

/// Directions that are closer than this lead to the same group.
const SAME: f64 = 0.9999;

/// What a reader found.
#[derive(Clone, Debug, Default)]
pub struct Loot {
    /// The largest leverage: the squared correlation of the best linear guess of one person.
    pub leverage: f64,
    /// The largest share of a group smaller than a cell.
    pub share: f64,
    pub group: Vec<usize>,
    /// Who read: none of the nodes, or one.
    pub reader: Option<usize>,
    /// Whether by the numbers in files; otherwise by the sums.
    pub digits: bool,
    /// Independent combinations.
    pub rank: usize,
    /// Dosages that follow for a group whatever those of everybody else are.
    pub forced: Known,
    /// Dosages that follow for people who have combinations to themselves, to a reader who knows
    /// all their values.
    pub solved: Known,
}

/// Somebody who reads.
pub struct Observer {
    pub name: String,
    /// By run, what each number that he sees weighs everybody with.
    pub runs: Vec<Vec<Vec<f64>>>,
    /// Whose people he knows: each time nobody's, or those of one node.
    pub knows: Vec<Option<usize>>,
}

/// All that a reader makes of what he sees.
pub fn attack(world: &World, sees: &Observer, dice: &mut Dice, effort: usize) -> Loot {
    let columns = sees.runs.concat();
    let mut worst = Loot::default();
    if columns.is_empty() {
        return worst;
    }
    let numbers = in_digits(&sees.runs);
    for reader in sees.knows.iter().copied() {
        let known = |place: usize| {
            world
                .home
                .get(place)
                .is_some_and(|home| Some(*home) == reader)
        };
        let without_own = |columns: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let value = |(place, value): (usize, &f64)| if known(place) { 0.0 } else { *value };
            columns
                .iter()
                .map(|column| column.iter().enumerate().map(value).collect())
                .collect()
        };
        let exact = Basis::new(&without_own(&columns), world.people(), READABLE);
        let rounded = Basis::new(&without_own(&numbers), world.people(), NOTHING);
        let starts = exact.starts(dice, effort);
        let mut loot = exact.loot(&starts);
        loot.reader = reader;
        loot.forced = program::forced(&exact, world, &loot.group);
        worst = worst.with(loot);
        // Less than the sums themselves, but for small differences: fewer starts.
        let starts = rounded.starts(dice, effort / 3);
        let mut loot = rounded.loot(&starts);
        (loot.reader, loot.digits) = (reader, true);
        loot.solved = program::solved(&rounded, world, &starts);
        worst = worst.with(loot);
    }
    worst
}

/// The columns of each run as numbers of six digits tell of them: each is what the run's earlier
/// columns leave of it, with an error that is a share of that, or of [`SEEN`] of the column. The
/// errors stand behind the people, as weights of somebody who is not looked for, each in a place of
/// its own.
fn in_digits(runs: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    let mut numbers: Vec<(Vec<f64>, f64)> = Vec::new();
    for run in runs {
        let mut axes: Vec<Vec<f64>> = Vec::new();
        for column in run {
            let (rest, left) = rest_of(&axes, column);
            if left > NOTHING {
                axes.push(rest.iter().map(|value| value / left).collect());
                let number = left.max(SEEN * dot(column, column).sqrt());
                numbers.push((rest, number));
            }
        }
    }
    let count = numbers.len();
    let with_error = |(place, (mut column, number)): (usize, (Vec<f64>, f64))| {
        column.extend((0..count).map(|other| if other == place { DIGITS * number } else { 0.0 }));
        column
    };
    numbers.into_iter().enumerate().map(with_error).collect()
}

/// What orthonormal axes leave of a column, and its length.
pub fn rest_of(axes: &[Vec<f64>], column: &[f64]) -> (Vec<f64>, f64) {
    let mut rest = column.to_vec();
    for _ in 0..2 {
        for axis in axes {
            let along = dot(axis, &rest);
            rest.iter_mut()
                .zip(axis)
                .for_each(|(value, other)| *value -= along * other);
        }
    }
    let left = dot(&rest, &rest).sqrt();
    (rest, left)
}

impl Loot {
    /// How far it is, where 0.5 is the limit.
    pub fn badness(&self) -> f64 {
        self.leverage.max(self.share / 1.9)
    }

    /// The worse of two, with the most of both.
    pub fn with(self, other: Self) -> Self {
        let worse = other.badness() > self.badness();
        let (leverage, share) = (
            self.leverage.max(other.leverage),
            self.share.max(other.share),
        );
        let (forced, solved) = (self.forced.and(other.forced), self.solved.and(other.solved));
        let rank = self.rank.max(other.rank);
        Self {
            leverage,
            share,
            forced,
            solved,
            rank,
            ..if worse { other } else { self }
        }
    }
}

/// What each released sum of a run weighs everybody with.
pub fn released(world: &World, run: &Shown) -> Vec<Vec<f64>> {
    let plan = &run.job.plan;
    let own: Vec<Vec<Vec<f64>>> = run
        .values
        .iter()
        .map(|values| run.model.columns(plan, values))
        .collect();
    let mut columns = vec![vec![0.0; world.people()]; own[0].len()];
    for (people, own) in run.people.iter().zip(&own) {
        for (place, values) in own.iter().enumerate() {
            people
                .iter()
                .zip(values)
                .for_each(|(person, value)| columns[place][*person] = *value);
        }
    }
    columns
}

/// An orthonormal basis of the columns over the people that the reader does not know: a row per
/// person.
pub struct Basis {
    rank: usize,
    rows: Vec<f64>,
    /// Coordinates of each released column.
    columns: Vec<Vec<f64>>,
}

impl Basis {
    /// `people` rows; what columns hold behind them counts for lengths only.
    fn new(columns: &[Vec<f64>], people: usize, least: f64) -> Self {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for column in columns {
            let (mut rest, left) = rest_of(&basis, column);
            if left > least {
                rest.iter_mut().for_each(|value| *value /= left);
                // Once more: little was left, and it must be at right angles to the others.
                let (mut rest, left) = rest_of(&basis, &rest);
                rest.iter_mut().for_each(|value| *value /= left);
                basis.push(rest);
            }
        }
        let rank = basis.len();
        let rows = (0..people)
            .flat_map(|person| basis.iter().map(move |axis| axis[person]))
            .collect();
        let coordinates = |column: &Vec<f64>| basis.iter().map(|axis| dot(axis, column)).collect();
        let columns = columns.iter().map(coordinates).collect();
        Self {
            rank,
            rows,
            columns,
        }
    }

    pub fn row(&self, person: usize) -> &[f64] {
        &self.rows[person * self.rank..(person + 1) * self.rank]
    }

    pub fn rank(&self) -> usize {
        self.rank
    }

    fn people(&self) -> usize {
        self.rows.len() / self.rank.max(1)
    }

    pub fn leverages(&self) -> Vec<f64> {
        (0..self.people())
            .map(|person| dot(self.row(person), self.row(person)))
            .collect()
    }

    fn loot(&self, starts: &[Vec<f64>]) -> Loot {
        let leverages = self.leverages();
        let order = most(&leverages, GROUP);
        let leverage = order.first().map_or(0.0, |person| leverages[*person]);
        let bound: f64 = order.iter().map(|person| leverages[*person]).sum();
        let mut loot = Loot {
            leverage,
            share: bound.min(1.0),
            rank: self.rank,
            ..Loot::default()
        };
        if bound < 0.8 {
            return loot;
        }
        loot.share = 0.0;
        for direction in self.sharpened(starts) {
            let (share, group) = self.climb(direction, GROUP);
            if share > loot.share {
                (loot.share, loot.group) = (share, group);
            }
        }
        loot
    }

    /// Where to begin: single people, axes, differences of two and three columns, random
    /// directions.
    fn starts(&self, dice: &mut Dice, effort: usize) -> Vec<Vec<f64>> {
        let order = most(&self.leverages(), effort.max(GROUP));
        let mut starts: Vec<Vec<f64>> = order
            .iter()
            .map(|person| self.row(*person).to_vec())
            .collect();
        let axis = |place: usize| {
            (0..self.rank)
                .map(|other| f64::from(other == place))
                .collect()
        };
        starts.extend((0..self.rank.min(effort)).map(|place| axis(self.rank - 1 - place)));
        for number in 0..effort {
            let mut sum = vec![0.0; self.rank];
            for _ in 0..2 + number % 2 {
                let column = &self.columns[dice.below(self.columns.len())];
                let sign = if dice.chance(0.5) { 1.0 } else { -1.0 };
                sum.iter_mut()
                    .zip(column)
                    .for_each(|(sum, value)| *sum += sign * value);
            }
            starts.push(sum);
            starts.push((0..self.rank).map(|_| dice.normal()).collect());
        }
        starts
    }

    /// Sharpens directions (the fixed point of the fourth power, as in independent component
    /// analysis, makes few weights large); those that come to the same are one.
    pub fn sharpened(&self, starts: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut sharpened: Vec<Vec<f64>> = Vec::new();
        for start in starts {
            let mut direction = start.clone();
            unit(&mut direction);
            for _ in 0..8 {
                direction = self.weighted(&direction, |weight| weight.powi(3));
            }
            if !sharpened
                .iter()
                .any(|other| dot(other, &direction).abs() > SAME)
            {
                sharpened.push(direction);
            }
        }
        sharpened
    }

    /// Alternates between the `size` largest weights and the best direction for them.
    pub fn climb(&self, mut direction: Vec<f64>, size: usize) -> (f64, Vec<usize>) {
        let mut best = (0.0, Vec::new());
        for _ in 0..12 {
            let weights: Vec<f64> = self
                .weights(&direction)
                .iter()
                .map(|weight| weight * weight)
                .collect();
            let group = most(&weights, size);
            for _ in 0..30 {
                direction = self.onto(&group, &direction);
                unit(&mut direction);
            }
            let share = group
                .iter()
                .map(|person| dot(self.row(*person), &direction).powi(2))
                .sum();
            if share <= best.0 + 1e-9 {
                break;
            }
            best = (share, group);
        }
        best
    }

    fn weighted(&self, direction: &[f64], power: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut sum = vec![0.0; self.rank];
        for person in 0..self.people() {
            let weight = power(dot(self.row(person), direction));
            sum.iter_mut()
                .zip(self.row(person))
                .for_each(|(sum, value)| *sum += weight * value);
        }
        unit(&mut sum);
        sum
    }

    pub fn weights(&self, direction: &[f64]) -> Vec<f64> {
        (0..self.people())
            .map(|person| dot(self.row(person), direction))
            .collect()
    }

    /// The sum of a group's rows, each by its weight in a direction.
    pub fn onto(&self, group: &[usize], direction: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.rank];
        for person in group {
            let along = dot(self.row(*person), direction);
            sum.iter_mut()
                .zip(self.row(*person))
                .for_each(|(sum, value)| *sum += along * value);
        }
        sum
    }
}

pub fn most(values: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    let count = count.min(places.len());
    if count > 0 && count < places.len() {
        places.select_nth_unstable_by(count - 1, |a, b| values[*b].total_cmp(&values[*a]));
    }
    places.truncate(count);
    places.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    places
}

pub fn unit(vector: &mut [f64]) {
    let length = dot(vector, vector).sqrt().max(f64::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4
        .remainder()
        .iter()
        .zip(b4.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a4.zip(b4) {
        (0..4).for_each(|lane| sums[lane] += x[lane] * y[lane]);
    }
    rest + sums.iter().sum::<f64>()
}
