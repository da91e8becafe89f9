//! Logistic regression from sums: the null model by Newton's method (iteratively reweighted least
//! squares), the score test of a variant against it, and the variant's own maximum likelihood
//! estimate for a Wald test.
//!
//! McCullagh & Nelder, Generalized Linear Models (1989), 4.4; Rao, Proc. Camb. Phil. Soc. 44, 50
//! (1948). With mu the null model's probabilities, w = mu (1 - mu), I = C'WC and U = C'(y - mu)
//! over the called people: V = g'Wg - g'WC I^-1 C'Wg, S* = g'(y - mu) - g'WC I^-1 U, z =
//! S*/sqrt(V). U vanishes where nobody is missing; where calls are missing it corrects for the null
//! model not having been fitted again.

use ligate_model::VariantCounts;

use super::{collinearity::Predictors, linear::is_constant, result::Reason};
use crate::{
    linear_algebra::{Cholesky, Symmetric, dot, triangle},
    quantise::{self, ONE, unfixed},
};

/// Rounds of Newton's method, of the null model and of a variant's own model.
pub const MAX_ROUNDS: usize = 25;
/// Squared step in units of standard errors below which an estimate has settled.
const SETTLED: f64 = 1e-14;
/// Log odds per allele, or per standard deviation of a covariate, that no data with an estimate
/// reach.
const SEPARATED: f64 = 16.0;
/// A variant's effect still growing at this pace after the last round is on its way to infinity.
const STILL_GROWING: f64 = 0.25;

/// U and I of a model with `size` coefficients in fixed point: U first, then I's lower triangle row
/// by row. Elements of U are at most N (2N of a dosage), those of I at most N. An opened sum:
/// neither printed nor serialised.
#[derive(Clone)]
pub(crate) struct Sums {
    size: usize,
    words: Vec<i64>,
}

/// What follows from the sums at some coefficients.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// The coefficients have settled.
    Settled,
    /// Coefficients of the next round.
    Next(Vec<f64>),
    /// There is no finite estimate.
    Separated,
}

/// The null model of everybody at its estimate, against which variants are tested. Not printed, as
/// it holds sums.
pub(crate) struct Null {
    coefficients: Vec<f64>,
    sums: Sums,
    model: Model,
}

/// U and I at the null model's estimate over the people called for a variant.
struct Model {
    factor: Cholesky,
    gradient: Vec<f64>,
    /// L^-1 U.
    reduced: Vec<f64>,
    predictors: Predictors,
}

/// The score test of one variant, and the coefficients from which its own estimate starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Score {
    pub beta: f64,
    pub standard_error: f64,
    pub start: Vec<f64>,
}

/// What follows from the sums of one variant's own model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WaldStep {
    Settled { beta: f64, standard_error: f64 },
    Next(Vec<f64>),
    Failed(Reason),
}

/// Words of U and I of a model with `size` coefficients.
pub(crate) const fn model_words(size: usize) -> usize {
    size + triangle(size)
}

/// Words of one variant in a score ask: S, g'Wg, g'WC.
pub(crate) const fn words(columns: usize) -> usize {
    columns + 2
}

impl Sums {
    /// `words` must hold U and I of `size` coefficients.
    pub fn new(size: usize, words: &[i64]) -> Self {
        Self {
            size,
            words: words[..model_words(size)].to_vec(),
        }
    }

    /// The sums without the people whose sums are `downdate`.
    fn without(&self, downdate: &[i64]) -> Self {
        Self {
            size: self.size,
            words: quantise::without(&self.words, downdate),
        }
    }

    fn gradient(&self) -> Vec<f64> {
        self.words[..self.size]
            .iter()
            .map(|sum| unfixed(*sum))
            .collect()
    }

    fn information(&self) -> Symmetric {
        Symmetric::from_fixed(self.size, &self.words[self.size..])
    }

    /// Whether the step with L^-1 U = `reduced` is nothing, or no more than rounding: each person's
    /// part of U is off by up to 2^-31, all in one direction where people are alike. Four times
    /// that is allowed.
    fn is_settled(&self, reduced: &[f64], people: u64) -> bool {
        let rounding = people as f64 / ONE as f64;
        let weight = unfixed(self.words[self.size]);
        dot(reduced, reduced) < SETTLED.max(self.size as f64 * rounding * rounding / weight)
    }
}

/// The coefficients from which the null model starts: the log odds of being a case.
pub(crate) fn start(columns: usize, cases: u64, controls: u64) -> Vec<f64> {
    let mut coefficients = vec![0.0; columns];
    coefficients[0] = libm::log(cases as f64 / controls as f64);
    coefficients
}

/// One round of the null model of `people` people.
pub(crate) fn step(sums: &Sums, coefficients: &[f64], people: u64) -> Step {
    let Ok(factor) = Cholesky::new(&sums.information()) else {
        return Step::Separated;
    };
    let reduced = factor.forward(&sums.gradient());
    if sums.is_settled(&reduced, people) {
        return Step::Settled;
    }
    let next = damped(coefficients, &factor.backward(&reduced));
    if is_finite_estimate(&next) {
        Step::Next(next)
    } else {
        Step::Separated
    }
}

/// Adds a Newton step, shortened where it would overshoot. A coefficient that changes by d changes
/// a log odds by about 2d, and log(1 + r)/r of a step of r log odds always improves the likelihood
/// (Bach, Electron. J. Stat. 4, 384 (2010)); steps of up to 1.5, which a diverging estimate takes,
/// are left whole.
fn damped(coefficients: &[f64], step: &[f64]) -> Vec<f64> {
    const WHOLE: f64 = 1.5;
    let largest = step
        .iter()
        .fold(0.0_f64, |largest, change| largest.max(change.abs()));
    let share = if largest > WHOLE {
        libm::log1p(2.0 * largest) / (2.0 * largest)
    } else {
        1.0
    };
    coefficients
        .iter()
        .zip(step)
        .map(|(old, change)| old + share * change)
        .collect()
}

/// The intercept may be large (a rare disease), the others not.
fn is_finite_estimate(coefficients: &[f64]) -> bool {
    let bounded =
        |(k, value): (usize, &f64)| value.abs() < if k == 0 { 4.0 * SEPARATED } else { SEPARATED };
    coefficients.iter().enumerate().all(bounded)
}

impl Null {
    /// `sums` are those at the coefficients. Fails with the covariates (counted from 0) that are
    /// collinear.
    pub fn new(sums: Sums, coefficients: Vec<f64>) -> Result<Self, Vec<usize>> {
        let model = Model::new(&sums)?;
        Ok(Self {
            coefficients,
            sums,
            model,
        })
    }

    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The score test of a variant from its words over the called people and, where calls are
    /// missing, the sums of the others.
    pub fn score(
        &self,
        counts: &VariantCounts,
        sums: &[i64],
        downdate: Option<&[i64]>,
    ) -> Result<Score, Reason> {
        if is_constant(counts)
            || counts
                .cases
                .is_some_and(|of| of.called == 0 || of.called == counts.called)
        {
            return Err(Reason::Constant);
        }
        match downdate {
            None => self.model.score(sums, &self.coefficients),
            Some(uncalled) => Model::new(&self.sums.without(uncalled))
                .map_err(|_| Reason::Collinear)?
                .score(sums, &self.coefficients),
        }
    }
}

impl Model {
    fn new(sums: &Sums) -> Result<Self, Vec<usize>> {
        let information = sums.information();
        let predictors = Predictors::new(&information)?;
        let factor =
            Cholesky::new(&information).map_err(|failed| vec![failed.row.saturating_sub(1)])?;
        let gradient = sums.gradient();
        let reduced = factor.forward(&gradient);
        Ok(Self {
            factor,
            gradient,
            reduced,
            predictors,
        })
    }

    /// `sums` are the words of one variant over the called people, of whom this model's sums are.
    fn score(&self, sums: &[i64], coefficients: &[f64]) -> Result<Score, Reason> {
        let numbers: Vec<f64> = sums.iter().map(|sum| unfixed(*sum)).collect();
        let (score, squared, crossed) = (numbers[0], numbers[1], &numbers[2..]);
        if self.predictors.refuse(crossed, squared) {
            return Err(Reason::Collinear);
        }
        let u = self.factor.forward(crossed);
        let variance = squared - dot(&u, &u);
        if variance.is_nan() || variance <= 0.0 {
            return Err(Reason::Collinear);
        }
        let beta = (score - dot(&u, &self.reduced)) / variance;
        let start = damped(&with_variant(coefficients), &self.first_step(crossed, beta));
        Ok(Score {
            beta,
            standard_error: 1.0 / variance.sqrt(),
            start,
        })
    }

    /// The Newton step of all coefficients when the variant enters: I^-1 (U - C'Wg beta), then beta
    /// itself.
    fn first_step(&self, crossed: &[f64], beta: f64) -> Vec<f64> {
        let rest: Vec<f64> = self
            .gradient
            .iter()
            .zip(crossed)
            .map(|(u, a)| u - a * beta)
            .collect();
        let mut step = self.factor.solve(&rest);
        step.push(beta);
        step
    }
}

fn with_variant(coefficients: &[f64]) -> Vec<f64> {
    coefficients.iter().copied().chain([0.0]).collect()
}

/// One round (counted from 1) of a variant's own model of `people` called people; its coefficient
/// is the last.
pub(crate) fn wald_step(sums: &Sums, coefficients: &[f64], people: u64, round: usize) -> WaldStep {
    let Ok(factor) = Cholesky::new(&sums.information()) else {
        return WaldStep::Failed(Reason::Separation);
    };
    let variant = coefficients.len() - 1;
    let reduced = factor.forward(&sums.gradient());
    let step = factor.backward(&reduced);
    let next = damped(coefficients, &step);
    if !is_finite_estimate(&next) {
        WaldStep::Failed(Reason::Separation)
    } else if sums.is_settled(&reduced, people) {
        WaldStep::Settled {
            beta: next[variant],
            standard_error: 1.0 / factor.diagonal(variant),
        }
    } else if round < MAX_ROUNDS {
        WaldStep::Next(next)
    } else if step[variant].abs() > STILL_GROWING {
        WaldStep::Failed(Reason::Separation)
    } else {
        WaldStep::Failed(Reason::NotConverged)
    }
}
