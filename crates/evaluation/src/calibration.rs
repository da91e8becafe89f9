//! Whether probabilities can be believed: the first candidate's probability against how often it is
//! the truth.
//!
//! Expected calibration error in 15 bins of equal count (Naeini, Cooper and Hauskrecht 2015; Nixon
//! et al. 2019 for equal counts), Brier score (Brier 1950), log score (Good 1952), and how often
//! the 90% candidate set holds the truth. "None of these" is a class of its own: it is right where
//! no true disease is among the candidates that have a probability. Probabilities assume the mix of
//! diseases and of unknown diseases in the cases that the model was calibrated on.

use std::collections::HashMap;

use serde::Serialize;

/// Bins of equal count.
pub const BINS: usize = 15;

/// A probability below this scores as this one in the log score, so that one case cannot decide it.
const SMALLEST: f64 = 1e-6;

/// What a method said of one case, and what was true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Probability of the first candidate.
    pub first: f64,
    /// Whether the first candidate is a truth.
    pub correct: bool,
    /// Probability of "none of these".
    pub none: f64,
    /// Whether no truth is among the candidates that were given a probability: "none of these" is
    /// right.
    pub hidden: bool,
    /// Probability of what was true: the truths together, or "none of these".
    pub truth: f64,
    /// Whether the 90% candidate set holds a truth ("none of these" where that is true and the set
    /// names it).
    pub in_set: bool,
    /// Number of diseases in the set.
    pub set_size: usize,
    /// The true disease's group, as in [`super::metrics`].
    pub group: u32,
}

/// The figures of one set of predictions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    pub n: usize,
    /// Of the first candidate's probability, each case weighing the same.
    pub ece_micro: f64,
    /// Each disease weighing the same.
    pub ece_macro: f64,
    pub brier: f64,
    /// What a constant probability, the share of correct first candidates, would score.
    pub brier_of_constant: f64,
    /// Mean natural logarithm of the probability that the truth was given (higher is better).
    pub log_score: f64,
    /// Share of cases whose 90% candidate set holds the truth, and the sets' median size.
    pub coverage90: f64,
    pub coverage90_macro: f64,
    pub set90_median: usize,
    /// Of the probability of "none of these".
    pub none_ece: f64,
    pub none_brier: f64,
    /// Share of cases in which "none of these" is right.
    pub none_share: f64,
    /// First candidate: one row a bin, for a reliability diagram.
    pub reliability: Vec<Bin>,
}

/// A bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    pub n: usize,
    /// Mean probability said.
    pub said: f64,
    /// Share that was right.
    pub right: f64,
}

impl Calibration {
    /// The figures; `None` without predictions.
    pub fn of(predictions: &[Prediction]) -> Option<Self> {
        if predictions.is_empty() {
            return None;
        }
        let said = |prediction: &Prediction| (prediction.first, prediction.correct);
        let none = |prediction: &Prediction| (prediction.none, prediction.hidden);
        let (flat, by_disease) = (
            vec![1.0; predictions.len()],
            weights_by_disease(predictions),
        );
        let reliability = bins(predictions, said, &flat);
        let correct = mean(predictions, &flat, |prediction| {
            f64::from(u8::from(prediction.correct))
        });
        let covered = |prediction: &Prediction| f64::from(u8::from(prediction.in_set));
        Some(Self {
            n: predictions.len(),
            ece_micro: expected_error(&reliability),
            ece_macro: expected_error(&bins(predictions, said, &by_disease)),
            brier: mean(predictions, &flat, |prediction| brier(said(prediction))),
            brier_of_constant: correct * (1.0 - correct),
            log_score: mean(predictions, &flat, |prediction| {
                libm::log(prediction.truth.max(SMALLEST))
            }),
            coverage90: mean(predictions, &flat, covered),
            coverage90_macro: mean(predictions, &by_disease, covered),
            set90_median: median_size(predictions),
            none_ece: expected_error(&bins(predictions, none, &flat)),
            none_brier: mean(predictions, &flat, |prediction| brier(none(prediction))),
            none_share: mean(predictions, &flat, |prediction| {
                f64::from(u8::from(prediction.hidden))
            }),
            reliability: reliability.into_iter().map(|(_, bin)| bin).collect(),
        })
    }
}

fn brier((said, right): (f64, bool)) -> f64 {
    (said - f64::from(u8::from(right))).powi(2)
}

fn weights_by_disease(predictions: &[Prediction]) -> Vec<f64> {
    let mut cases: HashMap<u32, f64> = HashMap::new();
    for prediction in predictions {
        *cases.entry(prediction.group).or_default() += 1.0;
    }
    predictions
        .iter()
        .map(|prediction| 1.0 / cases[&prediction.group])
        .collect()
}

fn mean(predictions: &[Prediction], weights: &[f64], value: impl Fn(&Prediction) -> f64) -> f64 {
    let sum: f64 = predictions
        .iter()
        .zip(weights)
        .map(|(prediction, weight)| value(prediction) * weight)
        .sum();
    sum / weights.iter().sum::<f64>()
}

/// Bins of equal count by the probability said, each with the sum of its weights.
fn bins(
    predictions: &[Prediction],
    said: impl Fn(&Prediction) -> (f64, bool),
    weights: &[f64],
) -> Vec<(f64, Bin)> {
    let mut order = (0..predictions.len()).collect::<Vec<_>>();
    order.sort_by(|a, b| {
        said(&predictions[*a])
            .0
            .total_cmp(&said(&predictions[*b]).0)
    });
    let count = BINS.min(order.len());
    let edge = |bin: usize| bin * order.len() / count;
    let bin = |members: &[usize]| {
        let weight: f64 = members.iter().map(|place| weights[*place]).sum();
        let sum = |value: fn((f64, bool)) -> f64| {
            members
                .iter()
                .map(|place| value(said(&predictions[*place])) * weights[*place])
                .sum::<f64>()
        };
        let (said, right) = (sum(|pair| pair.0), sum(|pair| f64::from(u8::from(pair.1))));
        (
            weight,
            Bin {
                n: members.len(),
                said: said / weight,
                right: right / weight,
            },
        )
    };
    (0..count)
        .map(|place| bin(&order[edge(place)..edge(place + 1)]))
        .collect()
}

fn expected_error(bins: &[(f64, Bin)]) -> f64 {
    let total: f64 = bins.iter().map(|(weight, _)| weight).sum();
    bins.iter()
        .map(|(weight, bin)| weight * (bin.said - bin.right).abs())
        .sum::<f64>()
        / total
}

fn median_size(predictions: &[Prediction]) -> usize {
    let mut sizes = predictions
        .iter()
        .map(|prediction| prediction.set_size)
        .collect::<Vec<_>>();
    sizes.sort_unstable();
    sizes[sizes.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::{super::random::SplitMix, *};

    fn prediction(first: f64, correct: bool, group: u32) -> Prediction {
        let truth = if correct { first } else { 1.0 - first };
        let (none, hidden, in_set, set_size) = (0.1, false, true, 3);
        Prediction {
            first,
            correct,
            none,
            hidden,
            truth,
            in_set,
            set_size,
            group,
        }
    }

    /// Truths drawn with the probability that was said: the error that is left is what bins of
    /// 1,000 draws leave.
    #[test]
    fn honest_probabilities_are_calibrated() {
        let mut random = SplitMix::new(11);
        let honest = (0..15_000u32).map(|case| {
            let said = random.unit();
            prediction(said, random.unit() < said, case)
        });
        let figures = Calibration::of(&honest.collect::<Vec<_>>()).unwrap();
        assert!(figures.ece_micro < 0.02, "{}", figures.ece_micro);
        // E[(p - y)^2] with p uniform is the integral of p(1 - p), 1/6.
        assert!(
            (figures.brier - 1.0 / 6.0).abs() < 0.005,
            "{}",
            figures.brier
        );
        assert_eq!(figures.reliability.len(), BINS);
        assert!(figures.reliability.iter().all(|bin| bin.n == 1_000));
    }

    #[test]
    fn sure_and_wrong_is_the_worst() {
        let wrong = (0..30)
            .map(|case| prediction(1.0, false, case))
            .collect::<Vec<_>>();
        let figures = Calibration::of(&wrong).unwrap();
        assert_eq!(
            (figures.ece_micro, figures.ece_macro, figures.brier),
            (1.0, 1.0, 1.0)
        );
        assert!((figures.log_score - 1e-6f64.ln()).abs() < 1e-9);
    }

    /// 90 cases of one disease said honestly, one case each of 10 diseases said wrongly.
    #[test]
    fn the_macro_error_weighs_diseases() {
        let mut cases = (0..90)
            .map(|_| prediction(1.0, true, 0))
            .collect::<Vec<_>>();
        cases.extend((1..=10).map(|group| prediction(0.0, true, group)));
        let figures = Calibration::of(&cases).unwrap();
        assert!(
            (figures.ece_micro - 0.1).abs() < 1e-9,
            "{}",
            figures.ece_micro
        );
        assert!(
            (figures.ece_macro - 10.0 / 11.0).abs() < 1e-9,
            "{}",
            figures.ece_macro
        );
    }

    #[test]
    fn no_prediction_no_figures() {
        assert_eq!(Calibration::of(&[]), None);
    }
}
