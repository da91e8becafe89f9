//! Least squares from sums; the same numbers as pooled plink2 `--glm`.
//!
//! With C = intercept and covariates (p columns), A = [C,y]'[C,y] over the called people: C'C =
//! LL', u = L^-1 C'g, v = L^-1 C'y, gamma = g'g - u'u, beta = (g'y - u'v) / gamma, RSS = y'y -
//! v'v - beta^2 gamma, SE = sqrt(RSS / ((n - p - 1) gamma)), t with n - p - 1 degrees of freedom
//! (Frisch & Waugh, Econometrica 1, 387 (1933)). Everything is in units of the standardised trait.

use ligate_model::{GateRule, VariantCounts};

use super::{collinearity::Predictors, result::Reason};
use crate::{
    linear_algebra::{Cholesky, Symmetric, at, dot, triangle},
    quantise::{self, unfixed},
};

/// A = [C,y]'[C,y] in fixed point, the lower triangle row by row; each element at most N. It is an
/// opened sum: it can neither be printed nor serialised, and lives in memory for the length of a
/// run.
#[derive(Clone)]
pub(crate) struct Moments {
    size: usize,
    lower: Vec<i64>,
}

/// The regression of the trait on C of everybody, to which variants are added. Not printed, as it
/// holds moments.
pub(crate) struct Study {
    moments: Moments,
    model: Model,
}

/// The regression of the trait on C of the people called for a variant.
struct Model {
    people: u64,
    factor: Cholesky,
    explained: Vec<f64>,
    /// y'y - v'v.
    rest: f64,
    predictors: Predictors,
}

/// An estimate in units of the standardised trait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub beta: f64,
    pub standard_error: f64,
    pub degrees: f64,
}

/// Words of one variant in a linear ask: g'z of every covariate, then g'y.
pub(crate) const fn words(columns: usize) -> usize {
    columns
}

/// Words of a downdate: the triangle of [C,y].
pub(crate) const fn downdate_words(columns: usize) -> usize {
    triangle(columns + 1)
}

impl Moments {
    /// `columns` of C; `sums` must hold the triangle of `columns + 1` rows.
    pub fn new(columns: usize, sums: &[i64]) -> Self {
        Self {
            size: columns + 1,
            lower: sums[..downdate_words(columns)].to_vec(),
        }
    }

    /// A - D: the moments without the people whose moments are `downdate`.
    fn without(&self, downdate: &[i64]) -> Self {
        Self {
            size: self.size,
            lower: quantise::without(&self.lower, downdate),
        }
    }

    fn people(&self) -> u64 {
        // The intercept's square is exactly 1 per person.
        (self.lower[0] >> quantise::FRACTION_BITS).unsigned_abs()
    }

    /// The covariates' part, C'C.
    fn covariates(&self) -> Symmetric {
        Symmetric::from_fixed(self.size - 1, &self.lower)
    }
}

impl Study {
    /// Fails with the covariates (counted from 0) that are collinear.
    pub fn new(moments: Moments) -> Result<Self, Vec<usize>> {
        let model = Model::new(&moments)?;
        Ok(Self { moments, model })
    }

    /// The coefficients of C without a variant.
    pub fn coefficients(&self) -> Vec<f64> {
        self.model.factor.backward(&self.model.explained)
    }

    /// The share of the trait's variance that the covariates leave.
    pub fn left(&self) -> f64 {
        let at_all = self.model.rest + dot(&self.model.explained[1..], &self.model.explained[1..]);
        if at_all > 0.0 {
            self.model.rest / at_all
        } else {
            0.0
        }
    }

    /// 1 over the variance of the residuals: what a meta-analysis weighs a node's result with.
    pub fn precision(&self) -> f64 {
        let degrees = self.model.people as f64 - self.model.factor.size() as f64 - 1.0;
        if degrees > 0.0 && self.model.rest > 0.0 {
            degrees / self.model.rest
        } else {
            0.0
        }
    }

    /// Columns of C.
    pub fn columns(&self) -> usize {
        self.model.factor.size()
    }

    /// The association of a variant from its words over the called people and, where calls are
    /// missing, the moments of the others.
    pub fn associate(
        &self,
        counts: &VariantCounts,
        sums: &[i64],
        downdate: Option<&[i64]>,
    ) -> Result<Estimate, Reason> {
        if is_constant(counts) {
            return Err(Reason::Constant);
        }
        match downdate {
            None => self.model.associate(counts, sums),
            Some(uncalled) => Model::new(&self.moments.without(uncalled))
                .map_err(|_| Reason::Collinear)?
                .associate(counts, sums),
        }
    }
}

impl Model {
    fn new(moments: &Moments) -> Result<Self, Vec<usize>> {
        let columns = moments.size - 1;
        let covariates = moments.covariates();
        let predictors = Predictors::new(&covariates)?;
        let factor =
            Cholesky::new(&covariates).map_err(|failed| vec![failed.row.saturating_sub(1)])?;
        let crossed: Vec<f64> = (0..columns)
            .map(|k| unfixed(moments.lower[at(columns, k)]))
            .collect();
        let explained = factor.forward(&crossed);
        let rest = unfixed(moments.lower[at(columns, columns)]) - dot(&explained, &explained);
        Ok(Self {
            people: moments.people(),
            factor,
            explained,
            rest,
            predictors,
        })
    }

    /// `sums` are the words of one variant over the called people, whose moments this model is made
    /// of.
    fn associate(&self, counts: &VariantCounts, sums: &[i64]) -> Result<Estimate, Reason> {
        let columns = self.factor.size();
        if self.people != counts.called {
            return Err(Reason::Constant);
        }
        let degrees = counts.called as f64 - columns as f64 - 1.0;
        if degrees < 1.0 {
            return Err(Reason::Gate(GateRule::Parameters));
        }
        let crossed = crossed(counts, &sums[..columns - 1]);
        let squared = counts.squared_dosages() as f64;
        if self.predictors.refuse(&crossed, squared) {
            return Err(Reason::Collinear);
        }
        let u = self.factor.forward(&crossed);
        let gamma = squared - dot(&u, &u);
        if gamma.is_nan() || gamma <= 0.0 {
            return Err(Reason::Collinear);
        }
        let beta = (unfixed(sums[columns - 1]) - dot(&u, &self.explained)) / gamma;
        let residual = self.rest - beta * beta * gamma;
        if residual.is_nan() || residual <= 0.0 {
            return Err(Reason::Constant);
        }
        Ok(Estimate {
            beta,
            standard_error: (residual / (degrees * gamma)).sqrt(),
            degrees,
        })
    }
}

/// C'g: the allele count for the intercept, then the covariates' sums.
fn crossed(counts: &VariantCounts, sums: &[i64]) -> Vec<f64> {
    let covariates = sums.iter().map(|sum| unfixed(*sum));
    [counts.allele_count as f64]
        .into_iter()
        .chain(covariates)
        .collect()
}

/// Whether all the called have the same genotype: n g'g = (g'1)^2.
pub(crate) fn is_constant(counts: &VariantCounts) -> bool {
    let squares = u128::from(counts.called) * u128::from(counts.squared_dosages());
    squares <= u128::from(counts.allele_count) * u128::from(counts.allele_count)
}
