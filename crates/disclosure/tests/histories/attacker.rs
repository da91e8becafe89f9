//! A reader who knows what every released sum weighs whom with, and tries to compute something of one person or of a
//! group smaller than a cell. It shares no code with the span rule: an orthonormal basis of the columns themselves
//! instead of the matrix of their products, and another search.
//!
//! Differences smaller than [`READABLE`] are below what the ledger stores of a value (24 bits) and are not looked for.

use super::{
    network::Shown,
    world::{Dice, World},
};

/// The length of what is left of a column, where it still says something; values are in deviations of their variable.
const READABLE: f64 = 1e-5;

const GROUP: usize = 9;

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
    /// Independent combinations.
    pub rank: usize,
    /// Dosages of single people that follow from the released sums with 0 <= dosage <= 2, over all variants tried.
    pub forced: usize,
    /// Of these: that somebody does carry the allele.
    pub carriers: usize,
}

/// All that `shown` released, read from outside and by each node.
pub fn attack(world: &World, shown: &[&Shown], dice: &mut Dice, effort: usize) -> Loot {
    let columns: Vec<Vec<f64>> = shown.iter().flat_map(|run| released(world, run)).collect();
    let mut worst = Loot::default();
    if columns.is_empty() {
        return worst;
    }
    let mut readers: Vec<Option<usize>> = vec![None];
    readers.extend((0..world.nodes).map(Some));
    for reader in readers {
        let unknown: Vec<bool> = world.home.iter().map(|home| Some(*home) != reader).collect();
        let basis = Basis::new(&columns, &unknown);
        let mut loot = basis.loot(dice, effort);
        loot.reader = reader;
        (loot.forced, loot.carriers) = basis.forced(world, &loot.group);
        worst.forced += loot.forced;
        worst.carriers += loot.carriers;
        if loot.leverage.max(loot.share / 1.9) > worst.leverage.max(worst.share / 1.9) {
            let (leverage, share) = (worst.leverage, worst.share);
            let (forced, carriers) = (worst.forced, worst.carriers);
            worst = Loot { forced, carriers, ..loot };
            worst.leverage = worst.leverage.max(leverage);
            worst.share = worst.share.max(share);
        }
        worst.leverage = worst.leverage.max(loot_leverage(&basis));
        worst.rank = worst.rank.max(basis.rank);
    }
    worst
}

fn loot_leverage(basis: &Basis) -> f64 {
    basis.leverages().into_iter().fold(0.0, f64::max)
}

/// What each released sum of a run weighs everybody with.
fn released(world: &World, run: &Shown) -> Vec<Vec<f64>> {
    let plan = &run.job.plan;
    let own: Vec<Vec<Vec<f64>>> = run.values.iter().map(|values| run.model.columns(plan, values)).collect();
    let mut columns = vec![vec![0.0; world.people()]; own[0].len()];
    for (people, own) in run.people.iter().zip(&own) {
        for (place, values) in own.iter().enumerate() {
            people.iter().zip(values).for_each(|(person, value)| columns[place][*person] = *value);
        }
    }
    columns
}

/// An orthonormal basis of the columns over the people that the reader does not know: a row per person.
struct Basis {
    rank: usize,
    rows: Vec<f64>,
    /// Coordinates of each released column.
    columns: Vec<Vec<f64>>,
}

impl Basis {
    fn new(columns: &[Vec<f64>], unknown: &[bool]) -> Self {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for column in columns {
            let mut rest: Vec<f64> = column
                .iter()
                .zip(unknown)
                .map(|(value, unknown)| if *unknown { *value } else { 0.0 })
                .collect();
            for _ in 0..2 {
                for earlier in &basis {
                    let along = dot(earlier, &rest);
                    rest.iter_mut().zip(earlier).for_each(|(value, other)| *value -= along * other);
                }
            }
            let left = dot(&rest, &rest).sqrt();
            if left > READABLE {
                rest.iter_mut().for_each(|value| *value /= left);
                // Once more: little was left, and it must be at right angles to the others.
                for earlier in &basis {
                    let along = dot(earlier, &rest);
                    rest.iter_mut().zip(earlier).for_each(|(value, other)| *value -= along * other);
                }
                basis.push(rest);
            }
        }
        let rank = basis.len();
        let rows = (0..unknown.len()).flat_map(|person| basis.iter().map(move |axis| axis[person])).collect();
        let coordinates = |column: &Vec<f64>| basis.iter().map(|axis| dot(axis, column)).collect();
        let columns = columns.iter().map(coordinates).collect();
        Self { rank, rows, columns }
    }

    fn row(&self, person: usize) -> &[f64] {
        &self.rows[person * self.rank..(person + 1) * self.rank]
    }

    fn people(&self) -> usize {
        self.rows.len() / self.rank.max(1)
    }

    fn leverages(&self) -> Vec<f64> {
        (0..self.people()).map(|person| dot(self.row(person), self.row(person))).collect()
    }

    fn loot(&self, dice: &mut Dice, effort: usize) -> Loot {
        let leverages = self.leverages();
        let order = most(&leverages, effort.max(GROUP));
        let leverage = order.first().map_or(0.0, |person| leverages[*person]);
        let bound: f64 = order.iter().take(GROUP).map(|person| leverages[*person]).sum();
        let mut loot = Loot { leverage, share: bound.min(1.0), rank: self.rank, ..Loot::default() };
        if bound < 0.8 {
            return loot;
        }
        loot.share = 0.0;
        for start in self.starts(dice, &order, effort) {
            let (share, group) = self.climb(start);
            if share > loot.share {
                (loot.share, loot.group) = (share, group);
            }
        }
        loot
    }

    /// Where to begin: single people, axes, differences of two and three columns, random directions.
    fn starts(&self, dice: &mut Dice, order: &[usize], effort: usize) -> Vec<Vec<f64>> {
        let mut starts: Vec<Vec<f64>> = order.iter().map(|person| self.row(*person).to_vec()).collect();
        let axis = |place: usize| (0..self.rank).map(|other| f64::from(other == place)).collect();
        starts.extend((0..self.rank.min(effort)).map(|place| axis(self.rank - 1 - place)));
        for number in 0..effort {
            let mut sum = vec![0.0; self.rank];
            for _ in 0..2 + number % 2 {
                let column = &self.columns[dice.below(self.columns.len())];
                let sign = if dice.chance(0.5) { 1.0 } else { -1.0 };
                sum.iter_mut().zip(column).for_each(|(sum, value)| *sum += sign * value);
            }
            starts.push(sum);
            starts.push((0..self.rank).map(|_| dice.normal()).collect());
        }
        starts
    }

    /// Sharpens a direction (the fixed point of the fourth power, as in independent component analysis, makes few
    /// weights large), and then alternates between the nine largest weights and the best direction for them.
    fn climb(&self, mut direction: Vec<f64>) -> (f64, Vec<usize>) {
        unit(&mut direction);
        for _ in 0..8 {
            direction = self.weighted(&direction, |weight| weight.powi(3));
        }
        let mut best = (0.0, Vec::new());
        for _ in 0..12 {
            let weights: Vec<f64> =
                (0..self.people()).map(|person| dot(self.row(person), &direction).powi(2)).collect();
            let group = most(&weights, GROUP);
            for _ in 0..30 {
                let mut next = vec![0.0; self.rank];
                for person in &group {
                    let along = dot(self.row(*person), &direction);
                    next.iter_mut().zip(self.row(*person)).for_each(|(sum, value)| *sum += along * value);
                }
                direction = next;
                unit(&mut direction);
            }
            let share = group.iter().map(|person| dot(self.row(*person), &direction).powi(2)).sum();
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
            sum.iter_mut().zip(self.row(person)).for_each(|(sum, value)| *sum += weight * value);
        }
        unit(&mut sum);
        sum
    }

    /// The best combination for a group, and by the bounds of dosages whose dosage is the only one that fits the sum.
    fn forced(&self, world: &World, group: &[usize]) -> (usize, usize) {
        if group.is_empty() {
            return (0, 0);
        }
        let mut direction = self.row(group[0]).to_vec();
        unit(&mut direction);
        for _ in 0..60 {
            let mut next = vec![0.0; self.rank];
            for person in group {
                let along = dot(self.row(*person), &direction);
                next.iter_mut().zip(self.row(*person)).for_each(|(sum, value)| *sum += along * value);
            }
            direction = next;
            unit(&mut direction);
        }
        let weights: Vec<f64> = (0..self.people()).map(|person| dot(self.row(person), &direction)).collect();
        let (mut forced, mut carriers) = (0, 0);
        for dosages in &world.genotypes {
            let sum = dot(&weights, dosages);
            for fits in group.iter().map(|person| fitting(&weights, sum, *person)) {
                forced += usize::from(fits.len() == 1);
                carriers += usize::from(!fits.contains(&0));
            }
        }
        (forced, carriers)
    }
}

/// Dosages of a person with which the others can make up the rest of a sum.
fn fitting(weights: &[f64], sum: f64, person: usize) -> Vec<usize> {
    let others =
        || weights.iter().enumerate().filter(|(other, _)| *other != person).map(|(_, weight)| 2.0 * weight);
    let (low, high): (f64, f64) = (others().map(|w| w.min(0.0)).sum(), others().map(|w| w.max(0.0)).sum());
    let rest = |dosage: &usize| sum - weights[person] * *dosage as f64;
    (0..3).filter(|dosage| rest(dosage) >= low - 1e-7 && rest(dosage) <= high + 1e-7).collect()
}

fn most(values: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    let count = count.min(places.len());
    if count > 0 && count < places.len() {
        places.select_nth_unstable_by(count - 1, |a, b| values[*b].total_cmp(&values[*a]));
    }
    places.truncate(count);
    places.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    places
}

fn unit(vector: &mut [f64]) {
    let length = dot(vector, vector).sqrt().max(f64::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        (0..4).for_each(|lane| sums[lane] += x[lane] * y[lane]);
    }
    rest + sums.iter().sum::<f64>()
}
