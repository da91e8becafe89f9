//! Refuses predictors that are nearly linearly dependent, by plink2's rules for `--glm`.
//!
//! The rules (plink2 `CheckMaxCorrAndVif`): no two predictors correlate by more than 0.999, and no
//! predictor's variance inflation factor, the diagonal of the inverse correlation matrix,
//! exceeds 50. The intercept is no predictor. For a logistic model the moments are weighted by the null
//! model's variances, which are the ones that the run has sums of; plink2 takes them unweighted.

use crate::linear_algebra::{Cholesky, Symmetric, dot};

const MAX_CORRELATION: f64 = 0.999;
const MAX_VARIANCE_INFLATION: f64 = 50.0;
/// Share of a predictor's squared length that must remain around the mean.
const SMALLEST_SPREAD: f64 = 1e-12;

/// The covariates' own correlations, against which a variant is checked.
#[derive(Clone)]
pub(crate) struct Predictors {
    people: f64,
    sums: Vec<f64>,
    deviations: Vec<f64>,
    /// Inverse correlation matrix.
    inverse: Symmetric,
}

impl Predictors {
    /// `moments` is C'C (or C'WC), intercept first. Fails with the covariates (counted from 0, the
    /// intercept left out) that are collinear or constant.
    pub fn new(moments: &Symmetric) -> Result<Self, Vec<usize>> {
        let count = moments.size() - 1;
        let people = moments.get(0, 0);
        let sums: Vec<f64> = (0..count).map(|k| moments.get(k + 1, 0)).collect();
        let spread = |k: usize, l: usize| moments.get(k + 1, l + 1) - sums[k] * sums[l] / people;
        let mut deviations = Vec::with_capacity(count);
        for k in 0..count {
            let squared = spread(k, k);
            if squared.is_nan() || squared <= SMALLEST_SPREAD * moments.get(k + 1, k + 1) {
                return Err(vec![k]);
            }
            deviations.push(squared.sqrt());
        }
        let correlations = Symmetric::from_fn(count, |k, l| {
            if k == l {
                1.0
            } else {
                spread(k, l) / (deviations[k] * deviations[l])
            }
        });
        let inverse = invert(&correlations)?;
        Ok(Self {
            people,
            sums,
            deviations,
            inverse,
        })
    }

    /// Whether a variant, with `crossed` = C'g (intercept first) and `squared` = g'g, is collinear
    /// with the covariates or makes them so.
    pub fn refuse(&self, crossed: &[f64], squared: f64) -> bool {
        if self.sums.is_empty() {
            return false;
        }
        let mean = crossed[0] / self.people;
        let deviation = (squared - crossed[0] * mean).sqrt();
        let correlations: Vec<f64> = (0..self.sums.len())
            .map(|k| (crossed[k + 1] - self.sums[k] * mean) / (self.deviations[k] * deviation))
            .collect();
        if !correlations.iter().all(|r| r.abs() <= MAX_CORRELATION) {
            return true;
        }
        // The inverse of the matrix with one more row, by blocks: 1/rest is the variant's own
        // inflation.
        let effects: Vec<f64> = (0..self.sums.len())
            .map(|k| {
                (0..self.sums.len())
                    .fold(0.0, |sum, l| sum + self.inverse.get(k, l) * correlations[l])
            })
            .collect();
        let rest = 1.0 - dot(&effects, &correlations);
        let inflated = |k: usize| self.inverse.get(k, k) + effects[k] * effects[k] / rest;
        rest * MAX_VARIANCE_INFLATION < 1.0
            || (0..self.sums.len()).any(|k| inflated(k) > MAX_VARIANCE_INFLATION)
    }
}

fn invert(correlations: &Symmetric) -> Result<Symmetric, Vec<usize>> {
    let count = correlations.size();
    for k in 0..count {
        if let Some(l) = (0..k).find(|l| correlations.get(k, *l).abs() > MAX_CORRELATION) {
            return Err(vec![l, k]);
        }
    }
    let inverse = Cholesky::new(correlations)
        .map_err(|failed| dependent_on(correlations, failed.row))?
        .inverse();
    let inflated: Vec<usize> = (0..count)
        .filter(|k| inverse.get(*k, *k) > MAX_VARIANCE_INFLATION)
        .collect();
    if inflated.is_empty() {
        Ok(inverse)
    } else {
        Err(inflated)
    }
}

/// The predictor `row` and those before it that it is a combination of.
fn dependent_on(correlations: &Symmetric, row: usize) -> Vec<usize> {
    let before = Symmetric::from_fn(row, |k, l| correlations.get(k, l));
    let target: Vec<f64> = (0..row).map(|k| correlations.get(row, k)).collect();
    let effects = Cholesky::new(&before)
        .map(|factor| factor.solve(&target))
        .unwrap_or_default();
    let mut names: Vec<usize> = effects
        .iter()
        .enumerate()
        .filter(|(_, effect)| effect.abs() > 1e-6)
        .map(|(k, _)| k)
        .collect();
    names.push(row);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C'C of an intercept and the given columns.
    fn moments(columns: &[&[f64]]) -> Symmetric {
        let ones = vec![1.0; columns[0].len()];
        let all: Vec<&[f64]> = [ones.as_slice()]
            .into_iter()
            .chain(columns.iter().copied())
            .collect();
        Symmetric::from_fn(all.len(), |i, j| dot(all[i], all[j]))
    }

    const A: &[f64] = &[1.0, -2.0, 0.5, 3.0, -1.0, 0.25, 2.0, -0.5];
    const B: &[f64] = &[0.3, 1.0, -2.0, 0.7, 1.4, -1.1, 0.2, 0.9];

    #[test]
    fn dependent_covariates_are_named() {
        let sum: Vec<f64> = A.iter().zip(B).map(|(a, b)| a - 2.0 * b).collect();
        let near: Vec<f64> = A.iter().zip(B).map(|(a, b)| a + 0.01 * b).collect();
        assert!(Predictors::new(&moments(&[A, B])).is_ok());
        assert_eq!(
            Predictors::new(&moments(&[A, B, &sum])).err(),
            Some(vec![0, 1, 2])
        );
        assert_eq!(
            Predictors::new(&moments(&[B, A, &near])).err(),
            Some(vec![1, 2])
        );
        assert_eq!(
            Predictors::new(&moments(&[A, &[4.0; 8]])).err(),
            Some(vec![1])
        );
        let inflated: Vec<f64> = A.iter().zip(B).map(|(a, b)| a + 0.12 * b).collect();
        assert_eq!(
            Predictors::new(&moments(&[A, B, &inflated])).err(),
            Some(vec![0, 1, 2])
        );
    }

    #[test]
    fn a_variant_is_refused_as_if_it_were_a_covariate() {
        let weight =
            |share: f64| -> Vec<f64> { A.iter().zip(B).map(|(a, b)| a + share * b).collect() };
        for share in [0.01, 0.05, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.5, 2.0] {
            let variant = weight(share);
            let crossed = [variant.iter().sum(), dot(&variant, A)];
            let alone = Predictors::new(&moments(&[A])).unwrap();
            let joint = Predictors::new(&moments(&[A, &variant]));
            assert_eq!(
                alone.refuse(&crossed, dot(&variant, &variant)),
                joint.is_err(),
                "share {share}"
            );
        }
    }
}
