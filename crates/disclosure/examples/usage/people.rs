//! Made people with covariates, traits and diseases. Everything follows from a seed.

use crate::dice::Dice;

/// Covariates that studies choose from: age, sex, body mass index, smoking and ten principal
/// components.
pub const COVARIATES: usize = 14;

/// The people of all nodes, one node after another.
pub struct People {
    /// People of each node.
    pub sizes: [usize; 3],
    /// Standardised over all nodes; none is missing.
    pub covariates: Vec<Vec<f64>>,
    seed: u64,
}

impl People {
    /// Half of the people are at the first node, 30% at the second, 20% at the third.
    pub fn new(count: usize, seed: u64) -> Self {
        let sizes = [
            count - count * 3 / 10 - count / 5,
            count * 3 / 10,
            count / 5,
        ];
        let mut dice = Dice::new(seed);
        let covariates = (0..COVARIATES).map(|number| {
            let value = |dice: &mut Dice| match number {
                0 => (20.0 + 60.0 * dice.uniform()).floor(),
                1 => f64::from(dice.uniform() < 0.5),
                2 => (10.0 * (3.25 + 0.17 * dice.normal()).exp()).round() / 10.0,
                3 => f64::from(dice.uniform() < 0.25),
                _ => dice.normal(),
            };
            standard((0..count).map(|_| Some(value(&mut dice))).collect())
        });
        let covariates = covariates.collect();
        Self {
            sizes,
            covariates,
            seed,
        }
    }

    pub fn count(&self) -> usize {
        self.sizes.iter().sum()
    }

    fn dice(&self, number: u64) -> Dice {
        Dice::new(self.seed.wrapping_mul(1 << 20).wrapping_add(1 + number))
    }

    /// A quantitative trait, standardised, 0.2 to 3% missing and filled with the mean. Normal, or
    /// log-normal as many laboratory values are.
    pub fn quantitative(&self, number: u64, skewed: bool) -> Vec<f64> {
        let mut dice = self.dice(number);
        let missing = 0.002 + 0.028 * dice.uniform();
        let effects = self.effects(&mut dice);
        let value = |person: usize| {
            let normal = self.linear(&effects, person) + dice.normal();
            let value = if skewed { (0.5 * normal).exp() } else { normal };
            let known = dice.uniform() >= missing;
            known.then_some((1000.0 * value).round() / 1000.0)
        };
        standard((0..self.count()).map(value).collect())
    }

    /// A disease that 10 to 40% have, as 0 and 1; 0.2 to 3% unknown and filled with the share of
    /// cases.
    pub fn disease(&self, number: u64) -> Vec<f64> {
        let mut dice = self.dice(number);
        let missing = 0.002 + 0.028 * dice.uniform();
        let share = 0.1 + 0.3 * dice.uniform();
        let effects = self.effects(&mut dice);
        let intercept = (share / (1.0 - share)).ln();
        let case = |person: usize| {
            let risk = 1.0 / (1.0 + (-intercept - self.linear(&effects, person)).exp());
            let case = f64::from(dice.uniform() < risk);
            (dice.uniform() >= missing).then_some(case)
        };
        let cases: Vec<Option<f64>> = (0..self.count()).map(case).collect();
        let known = cases.iter().flatten().count() as f64;
        let share = cases.iter().flatten().sum::<f64>() / known;
        cases
            .into_iter()
            .map(|case| case.unwrap_or(share))
            .collect()
    }

    /// What each covariate does to a trait.
    fn effects(&self, dice: &mut Dice) -> Vec<f64> {
        (0..COVARIATES).map(|_| 0.2 * dice.normal()).collect()
    }

    fn linear(&self, effects: &[f64], person: usize) -> f64 {
        self.covariates
            .iter()
            .zip(effects)
            .map(|(column, effect)| effect * column[person])
            .sum()
    }
}

/// Values with mean 0 and deviation 1, missing ones 0, rounded as in the sums.
fn standard(values: Vec<Option<f64>>) -> Vec<f64> {
    let known = || values.iter().flatten();
    let count = known().count() as f64;
    let mean = known().sum::<f64>() / count;
    let deviation = (known().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    values
        .iter()
        .map(|value| value.map_or(0.0, |value| rounded((value - mean) / deviation)))
        .collect()
}

/// To 30 fraction bits, as the sums have them.
pub fn rounded(value: f64) -> f64 {
    (value * f64::from(1 << 30)).round_ties_even() / f64::from(1 << 30)
}
