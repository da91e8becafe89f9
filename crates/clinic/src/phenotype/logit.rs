//! The conditional logit (McFadden, 1974), fitted by Newton's method with halved steps and a ridge:
//! each choice takes one of its alternatives with probability proportional to exp(features .
//! coefficients). Pure arithmetic; it knows nothing of diseases.

/// One choice. Features of its alternatives are row by row, `width` to a row.
pub(super) struct Choice<'a> {
    pub weight: f64,
    pub alternatives: &'a [f32],
    /// Which alternative was right.
    pub truth: usize,
}

/// A step that brings nothing at this share of its length ends the fit.
const SHORTEST: f64 = 1e-3;
/// Newton steps at most; ten are usual.
const STEPS: usize = 30;
/// A step in which no coefficient moves by more ends the fit.
const SETTLED: f64 = 1e-8;

/// Maximises sum of weight * log probability - ridge / 2 * (sum of weights) * |coefficients of
/// standardised features|^2. Coefficients are returned in the features' own units; `None` where the
/// choices leave them undetermined.
pub(super) fn fit(choices: &[Choice], width: usize, ridge: f64) -> Option<Vec<f64>> {
    let scale = Scale::of(choices, width);
    let mut coefficients = vec![0.0; width];
    let mut value = objective(choices, &scale, &coefficients, ridge);
    for _ in 0..STEPS {
        let step = newton_step(choices, &scale, &coefficients, ridge)?;
        let mut length = 1.0;
        let moved = loop {
            let next: Vec<f64> = coefficients
                .iter()
                .zip(&step)
                .map(|(b, part)| b + length * part)
                .collect();
            let reached = objective(choices, &scale, &next, ridge);
            if reached > value {
                (coefficients, value) = (next, reached);
                break true;
            }
            length /= 2.0;
            if length < SHORTEST {
                break false;
            }
        };
        let largest = step
            .iter()
            .fold(0.0_f64, |largest, part| largest.max(part.abs()));
        if !moved || largest < SETTLED {
            break;
        }
    }
    // Means cancel among the alternatives of a choice.
    let raw: Vec<f64> = coefficients
        .iter()
        .zip(&scale.deviation)
        .map(|(value, by)| value / by)
        .collect();
    raw.iter().all(|value| value.is_finite()).then_some(raw)
}

/// Means and standard deviations of the alternatives' features.
struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    fn of(choices: &[Choice], width: usize) -> Self {
        let (mut sum, mut square, mut count) = (vec![0.0; width], vec![0.0; width], 0.0_f64);
        for row in choices
            .iter()
            .flat_map(|choice| choice.alternatives.chunks_exact(width))
        {
            count += 1.0;
            for (at, value) in row.iter().enumerate() {
                sum[at] += f64::from(*value);
                square[at] += f64::from(*value) * f64::from(*value);
            }
        }
        let mean: Vec<f64> = sum.iter().map(|sum| sum / count.max(1.0)).collect();
        let deviation = square.iter().zip(&mean).map(|(square, mean)| {
            let variance = square / count.max(1.0) - mean * mean;
            if variance > 1e-12 {
                variance.sqrt()
            } else {
                1.0
            }
        });
        Self {
            deviation: deviation.collect(),
            mean,
        }
    }

    fn standardise(&self, rows: &[f32], into: &mut Vec<f64>) {
        into.clear();
        for row in rows.chunks_exact(self.mean.len()) {
            let parts = row.iter().zip(self.mean.iter().zip(&self.deviation));
            into.extend(
                parts.map(|(value, (mean, deviation))| (f64::from(*value) - mean) / deviation),
            );
        }
    }
}

/// Gradient and negative Hessian of the log likelihood, lower triangle.
struct Curvature {
    gradient: Vec<f64>,
    hessian: Vec<Vec<f64>>,
}

/// What is maximised.
fn objective(choices: &[Choice], scale: &Scale, coefficients: &[f64], ridge: f64) -> f64 {
    let (mut rows, mut weight, mut value) = (Vec::new(), 0.0, 0.0);
    for choice in choices {
        scale.standardise(choice.alternatives, &mut rows);
        value += choice.weight
            * libm::log(softmax(&rows, coefficients)[choice.truth].max(f64::MIN_POSITIVE));
        weight += choice.weight;
    }
    value - ridge / 2.0 * weight * coefficients.iter().map(|b| b * b).sum::<f64>()
}

fn newton_step(
    choices: &[Choice],
    scale: &Scale,
    coefficients: &[f64],
    ridge: f64,
) -> Option<Vec<f64>> {
    let width = coefficients.len();
    let mut curvature = Curvature {
        gradient: vec![0.0; width],
        hessian: vec![vec![0.0; width]; width],
    };
    let (mut rows, mut weight) = (Vec::new(), 0.0);
    for choice in choices {
        scale.standardise(choice.alternatives, &mut rows);
        curvature.add(choice, &rows, coefficients);
        weight += choice.weight;
    }
    for (at, coefficient) in coefficients.iter().enumerate() {
        curvature.gradient[at] -= ridge * weight * coefficient;
        curvature.hessian[at][at] += ridge * weight;
    }
    solve(curvature.hessian, curvature.gradient)
}

impl Curvature {
    fn add(&mut self, choice: &Choice, rows: &[f64], coefficients: &[f64]) {
        let width = coefficients.len();
        let probabilities = softmax(rows, coefficients);
        let mut mean = vec![0.0; width];
        for (row, probability) in rows.chunks_exact(width).zip(&probabilities) {
            let share = choice.weight * probability;
            for at in 0..width {
                mean[at] += probability * row[at];
                for other in 0..=at {
                    self.hessian[at][other] += share * row[at] * row[other];
                }
            }
        }
        let right = &rows[choice.truth * width..(choice.truth + 1) * width];
        for at in 0..width {
            self.gradient[at] += choice.weight * (right[at] - mean[at]);
            for other in 0..=at {
                self.hessian[at][other] -= choice.weight * mean[at] * mean[other];
            }
        }
    }
}

fn softmax(rows: &[f64], coefficients: &[f64]) -> Vec<f64> {
    let utility = |row: &[f64]| {
        row.iter()
            .zip(coefficients)
            .map(|(x, b)| x * b)
            .sum::<f64>()
    };
    let utilities: Vec<f64> = rows.chunks_exact(coefficients.len()).map(utility).collect();
    let largest = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = utilities
        .iter()
        .map(|value| libm::exp(value - largest))
        .collect();
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

/// Solves a symmetric positive definite system by Cholesky's decomposition of its lower triangle.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for at in 0..size {
        for other in 0..=at {
            let sum: f64 = (0..other).map(|k| matrix[at][k] * matrix[other][k]).sum();
            let rest = matrix[at][other] - sum;
            if at == other {
                if rest <= 0.0 {
                    return None;
                }
                matrix[at][at] = rest.sqrt();
            } else {
                matrix[at][other] = rest / matrix[other][other];
            }
        }
        let sum: f64 = (0..at).map(|k| matrix[at][k] * right[k]).sum();
        right[at] = (right[at] - sum) / matrix[at][at];
    }
    for at in (0..size).rev() {
        let sum: f64 = (at + 1..size).map(|k| matrix[k][at] * right[k]).sum();
        right[at] = (right[at] - sum) / matrix[at][at];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With one binary feature and two alternatives, the estimate is the log odds of the counts.
    #[test]
    fn log_odds_of_a_two_way_choice() {
        let choices = [0, 0, 0, 1].map(|truth| Choice {
            weight: 1.0,
            alternatives: &[1.0, 0.0],
            truth,
        });
        let fitted = fit(&choices, 1, 0.0).expect("determined");
        assert!((fitted[0] - 3.0_f64.ln()).abs() < 1e-9);
    }

    /// A ridge shrinks towards 0; choices that tell nothing leave the coefficients undetermined
    /// without one.
    #[test]
    fn a_ridge_shrinks() {
        let choices = [0, 0, 0, 1].map(|truth| Choice {
            weight: 1.0,
            alternatives: &[1.0, 0.0],
            truth,
        });
        let fitted = fit(&choices, 1, 0.1).expect("determined");
        assert!(fitted[0] > 0.0 && fitted[0] < 3.0_f64.ln());
        let same = [Choice {
            weight: 1.0,
            alternatives: &[1.0, 1.0],
            truth: 0,
        }];
        assert_eq!(fit(&same, 1, 0.0), None);
    }
}
