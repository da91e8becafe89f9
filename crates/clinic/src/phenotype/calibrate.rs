//! From utilities to probabilities. Among the leading candidates and "none of these" (the diagnosis
//! is not among them),
//!
//! p_i = exp(t (u_i - u_1)) / Z,  p_none = exp(z) / Z,
//!
//! where the sharpness t = exp(x . a) and the utility of none z = x . b are linear in what the case
//! as a whole looks like: how many terms, how far the first candidate leads, how much of the
//! patient it explains. The coefficients maximise the log score on utilities from folds that had
//! not seen the case. Probabilities assume the mix of cases they were fitted on.

use serde::{Deserialize, Serialize};

use crate::phenotype::{
    features::{Feature, FeatureValues},
    quasi_newton,
};

/// What a case as a whole looks like; "first" is the candidate with the largest utility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseFeature {
    Constant,
    /// Logarithm of the number of observed terms.
    LogTerms,
    FirstUtility,
    /// Utility of the first less that of the second, and less that of the eleventh candidate.
    Gap,
    TenthGap,
    /// ln sum of exp(u_i - u_1).
    LogSum,
    FirstCoverage,
    FirstUnexplained,
    FirstResnik,
    FirstDirect,
    /// S of the first over the number of observed terms.
    FirstRatioPerTerm,
}

impl CaseFeature {
    pub const ALL: [Self; 11] = [
        Self::Constant,
        Self::LogTerms,
        Self::FirstUtility,
        Self::Gap,
        Self::TenthGap,
        Self::LogSum,
        Self::FirstCoverage,
        Self::FirstUnexplained,
        Self::FirstResnik,
        Self::FirstDirect,
        Self::FirstRatioPerTerm,
    ];
}

/// How many case features there are.
const WIDTH: usize = CaseFeature::ALL.len();
/// Values of all case features, in the order of [`CaseFeature::ALL`].
pub(super) type CaseValues = [f64; WIDTH];

/// Logarithm of the sharpness stays within these, whatever a strange case looks like.
const SHARPNESS: f64 = 2.0;
/// Utility of none stays within these.
const NONE: f64 = 30.0;
/// Ridge of the fit, per unit of weight.
const RIDGE: f64 = 1e-4;

/// Coefficients of the case features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibrator {
    pub sharpness: Vec<(CaseFeature, f64)>,
    pub none: Vec<(CaseFeature, f64)>,
}

/// What a case looks like. `utilities` are ordered from the largest; not empty.
pub(super) fn case_values(terms: usize, utilities: &[f64], first: &FeatureValues) -> CaseValues {
    let terms = terms.max(1) as f64;
    let largest = utilities[0];
    let gap = |place: usize| largest - utilities[place.min(utilities.len() - 1)];
    let sum: f64 = utilities
        .iter()
        .map(|utility| libm::exp(utility - largest))
        .sum();
    let of = |feature: Feature| first[feature.index()];
    [
        1.0,
        libm::log(terms),
        largest,
        gap(1),
        gap(10),
        libm::log(sum),
        of(Feature::Coverage),
        of(Feature::Unexplained),
        of(Feature::Resnik),
        of(Feature::Direct),
        of(Feature::Ratio) / terms,
    ]
}

impl Calibrator {
    /// t.
    pub fn sharpness(&self, case: &CaseValues) -> f64 {
        libm::exp(dot(&self.sharpness, case).clamp(-SHARPNESS, SHARPNESS))
    }

    /// Probabilities of the candidates, whose utilities are ordered from the largest, and of none
    /// of them.
    pub fn probabilities(&self, case: &CaseValues, utilities: &[f64]) -> (Vec<f64>, f64) {
        let Some(largest) = utilities.first() else {
            return (Vec::new(), 1.0);
        };
        let (t, z) = (
            self.sharpness(case),
            dot(&self.none, case).clamp(-NONE, NONE),
        );
        let top = z.max(0.0);
        let mut shares: Vec<f64> = utilities
            .iter()
            .map(|utility| libm::exp(t * (utility - largest) - top))
            .collect();
        let none = libm::exp(z - top);
        let total: f64 = shares.iter().sum::<f64>() + none;
        shares.iter_mut().for_each(|share| *share /= total);
        (shares, none / total)
    }
}

fn dot(coefficients: &[(CaseFeature, f64)], case: &CaseValues) -> f64 {
    coefficients
        .iter()
        .map(|(feature, value)| value * case[*feature as usize])
        .sum()
}

/// A case to fit on: its utilities come from coefficients that have not seen it.
pub(super) struct Known {
    pub weight: f64,
    pub case: CaseValues,
    /// From the largest.
    pub utilities: Vec<f64>,
    /// Place of the true disease among them.
    pub truth: Option<usize>,
}

/// Fits by L-BFGS on standardised case features.
pub(super) fn fit(known: &[&Known]) -> Calibrator {
    let scale = Scale::of(known);
    let standardised: Vec<CaseValues> =
        known.iter().map(|known| scale.apply(&known.case)).collect();
    let solution = quasi_newton::minimise(vec![0.0; 2 * WIDTH], |at| {
        objective(known, &standardised, at)
    });
    Calibrator {
        sharpness: scale.undo(&solution[..WIDTH]),
        none: scale.undo(&solution[WIDTH..]),
    }
}

/// Mean negative log score and its gradient.
fn objective(known: &[&Known], cases: &[CaseValues], at: &[f64]) -> (f64, Vec<f64>) {
    let (sharp, none) = at.split_at(WIDTH);
    let (mut value, mut weight, mut gradient) = (0.0, 0.0, vec![0.0; 2 * WIDTH]);
    for (known, case) in known.iter().zip(cases) {
        let along = |part: &[f64]| part.iter().zip(case).map(|(a, x)| a * x).sum::<f64>();
        let (t, z) = (
            libm::exp(along(sharp).clamp(-SHARPNESS, SHARPNESS)),
            along(none).clamp(-NONE, NONE),
        );
        let slopes = slopes(known, t, z);
        value += known.weight * slopes.loss;
        weight += known.weight;
        for (place, x) in case.iter().enumerate() {
            gradient[place] += known.weight * slopes.sharpness * x;
            gradient[WIDTH + place] += known.weight * slopes.none * x;
        }
    }
    gradient.iter_mut().for_each(|part| *part /= weight);
    for (part, coefficient) in gradient.iter_mut().zip(at) {
        *part += 2.0 * RIDGE * coefficient;
    }
    (
        value / weight + RIDGE * at.iter().map(|part| part * part).sum::<f64>(),
        gradient,
    )
}

/// One case's negative log score and its derivatives by ln t and by z.
struct Slopes {
    loss: f64,
    sharpness: f64,
    none: f64,
}

fn slopes(known: &Known, t: f64, z: f64) -> Slopes {
    let (largest, top) = (known.utilities[0], z.max(0.0));
    let (mut sum, mut mean) = (0.0, 0.0);
    for utility in &known.utilities {
        let share = libm::exp(t * (utility - largest) - top);
        sum += share;
        mean += share * (utility - largest);
    }
    let none = libm::exp(z - top);
    let total = sum + none;
    let (right, own) = match known.truth {
        Some(place) => (
            t * (known.utilities[place] - largest),
            known.utilities[place] - largest,
        ),
        None => (z, 0.0),
    };
    let is_none = if known.truth.is_none() { 1.0 } else { 0.0 };
    Slopes {
        loss: top + libm::log(total) - right,
        sharpness: -t * (own - mean / total),
        none: none / total - is_none,
    }
}

/// Means and deviations of the case features; the constant stays.
struct Scale {
    mean: CaseValues,
    deviation: CaseValues,
}

impl Scale {
    fn of(known: &[&Known]) -> Self {
        let count = known.len().max(1) as f64;
        let (mut mean, mut deviation) = ([0.0; WIDTH], [1.0; WIDTH]);
        for place in 1..WIDTH {
            mean[place] = known.iter().map(|known| known.case[place]).sum::<f64>() / count;
            let square = |known: &&Known| (known.case[place] - mean[place]).powi(2);
            let variance = known.iter().map(square).sum::<f64>() / count;
            deviation[place] = if variance > 1e-12 {
                variance.sqrt()
            } else {
                1.0
            };
        }
        Self { mean, deviation }
    }

    fn apply(&self, case: &CaseValues) -> CaseValues {
        std::array::from_fn(|place| (case[place] - self.mean[place]) / self.deviation[place])
    }

    /// Coefficients of the raw features; the constant, which is first, takes up the means.
    fn undo(&self, coefficients: &[f64]) -> Vec<(CaseFeature, f64)> {
        let mut raw: Vec<f64> = coefficients
            .iter()
            .zip(&self.deviation)
            .map(|(value, deviation)| value / deviation)
            .collect();
        raw[0] -= raw
            .iter()
            .zip(&self.mean)
            .skip(1)
            .map(|(value, mean)| value * mean)
            .sum::<f64>();
        CaseFeature::ALL.into_iter().zip(raw).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(case: CaseValues, truth: Option<usize>) -> Known {
        Known {
            weight: 1.0,
            case,
            utilities: vec![2.0, 1.0, -1.0],
            truth,
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let case = case_values(4, &[2.0, 1.0, -1.0], &[3.0, 0.1, 2.0, 0.4, 0.5, 0.2, 0.0]);
        let all = [
            known(case, Some(1)),
            known(case.map(|x| 0.5 * x + 0.1), None),
        ];
        let (refs, cases): (Vec<&Known>, Vec<CaseValues>) =
            (all.iter().collect(), all.iter().map(|k| k.case).collect());
        let at: Vec<f64> = (0..2 * WIDTH)
            .map(|place| 0.01 * place as f64 - 0.1)
            .collect();
        let (_, gradient) = objective(&refs, &cases, &at);
        for place in 0..at.len() {
            let value = |step: f64| {
                let mut moved = at.clone();
                moved[place] += step;
                objective(&refs, &cases, &moved).0
            };
            let slope = (value(1e-6) - value(-1e-6)) / 2e-6;
            assert!(
                (slope - gradient[place]).abs() < 1e-6,
                "{place}: {slope} {}",
                gradient[place]
            );
        }
    }

    #[test]
    fn the_share_of_none_is_reproduced() {
        let case = case_values(4, &[2.0, 1.0, -1.0], &[0.0; 7]);
        let all: Vec<Known> = [Some(0), Some(0), Some(1), None]
            .map(|truth| known(case, truth))
            .into();
        let calibrator = fit(&all.iter().collect::<Vec<_>>());
        let (shares, none) = calibrator.probabilities(&case, &[2.0, 1.0, -1.0]);
        assert!((shares.iter().sum::<f64>() + none - 1.0).abs() < 1e-12);
        assert!((none - 0.25).abs() < 0.01, "{none}");
        assert!((shares[0] - 0.5).abs() < 0.1, "{shares:?}");
    }
}
