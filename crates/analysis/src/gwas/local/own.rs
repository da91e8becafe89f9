//! A node's own association results, weighted for a meta-analysis over nodes: the baseline.
//!
//! The node runs the study on its own people with the same formulas; a variant enters where the
//! node's own people pass its own gate and the fit exists. Everywhere else zeros are added. These
//! numbers depend on the split by nature; they are rounded to fixed point like everything else.

use ligate_model::{CaseCounts, VariantCounts};

use super::{
    OwnGate,
    scan::Chunk,
    statistics::Statistics,
    terms::{NullTerms, Products, sum_over},
};
use crate::{
    gwas::{
        cohort::{Cohort, Standardised},
        linear, logistic,
        plan::{Family, Plan},
    },
    quantise::{Scaling, fixed, unfixed},
};

/// 1/SE^2 and beta/SE^2 of one node must be smaller, so that 256 nodes' sums fit a word.
const LARGEST_WEIGHT: f64 = (1_u64 << 24) as f64;

/// The largest precision of a node's own quantitative results, 1 over the variance of its residuals
/// in units of the trait's variance over all nodes. Where a node has the trait in another unit its
/// people hardly differ, and a meta-analysis would be that node's own result to all digits.
const PRECISION_MAX: f64 = 16.0;

/// The study of a node's own people.
pub(crate) struct Own<'a> {
    cohort: &'a Cohort,
    gate: OwnGate,
    statistics: Statistics<'a>,
    study: Study,
}

enum Study {
    Linear(linear::Study),
    Logistic(logistic::Null),
}

impl<'a> Own<'a> {
    /// `None` where the node's own people allow no fit at all.
    pub fn fit(
        cohort: &'a Cohort,
        plan: &Plan,
        scaling: &[Scaling],
        fill: f64,
        gate: OwnGate,
        threads: usize,
    ) -> Option<Self> {
        if cohort.individuals() < gate.individuals.max(1) {
            return None;
        }
        let rows = cohort.standardise(scaling);
        let columns = plan.columns();
        let (statistics, study) = match plan.family {
            Family::Linear => Self::fit_linear(cohort, rows, columns, threads)?,
            Family::Logistic => Self::fit_logistic(cohort, &rows, columns, fill, threads)?,
        };
        Some(Self {
            cohort,
            gate,
            statistics,
            study,
        })
    }

    fn fit_linear(
        cohort: &'a Cohort,
        rows: Standardised,
        columns: usize,
        threads: usize,
    ) -> Option<(Statistics<'a>, Study)> {
        let products = Products(rows);
        let sums = sum_over(&products, 0..cohort.count(), threads);
        let study = linear::Study::new(linear::Moments::new(columns, &sums)).ok()?;
        if study.precision() > PRECISION_MAX {
            return None;
        }
        Some((
            Statistics::linear(cohort, products, threads),
            Study::Linear(study),
        ))
    }

    fn fit_logistic(
        cohort: &'a Cohort,
        rows: &Standardised,
        columns: usize,
        fill: f64,
        threads: usize,
    ) -> Option<(Statistics<'a>, Study)> {
        let cases = cohort.cases()?;
        let controls = cohort.individuals() - cases - cohort.unknown();
        if cases == 0 || controls == 0 {
            return None;
        }
        let mut coefficients = logistic::start(columns, cases, controls);
        for _ in 0..logistic::MAX_ROUNDS {
            let terms = NullTerms::new(cohort, rows, &coefficients, fill);
            let sums = logistic::Sums::new(columns, &sum_over(&terms, 0..cohort.count(), threads));
            match logistic::step(&sums, &coefficients, cohort.individuals()) {
                logistic::Step::Next(next) => coefficients = next,
                logistic::Step::Separated => return None,
                logistic::Step::Settled => {
                    let null = logistic::Null::new(sums, coefficients).ok()?;
                    return Some((
                        Statistics::score(cohort, terms, threads),
                        Study::Logistic(null),
                    ));
                }
            }
        }
        None
    }

    /// What each person of the cohort weighs in a node's own results: the trait less what the
    /// covariates explain, times the precision that the meta-analysis weighs the node with.
    pub fn residuals(&self, rows: &Standardised, fill: f64) -> Vec<f64> {
        match &self.study {
            Study::Linear(study) => {
                let (coefficients, precision) = (study.coefficients(), study.precision());
                let of_row = |row: &[i64]| {
                    let predicted = row.iter().zip(&coefficients).map(|(x, b)| unfixed(*x) * b);
                    precision * (unfixed(row[coefficients.len()]) - predicted.sum::<f64>())
                };
                rows.rows.chunks_exact(rows.width).map(of_row).collect()
            }
            Study::Logistic(null) => {
                NullTerms::new(self.cohort, rows, null.coefficients(), fill).residuals
            }
        }
    }

    /// 1 for each variant with an own result.
    pub fn presence(&self, chunk: &Chunk<'_, '_>) -> Vec<i64> {
        self.results(chunk)
            .iter()
            .map(|result| i64::from(result.is_some()))
            .collect()
    }

    /// w = 1/SE^2 and w beta of each variant, 0 without an own result.
    pub fn weights(&self, chunk: &Chunk<'_, '_>) -> Vec<i64> {
        self.results(chunk)
            .iter()
            .flat_map(|result| result.unwrap_or([0.0; 2]).map(fixed))
            .collect()
    }

    fn results(&self, chunk: &Chunk<'_, '_>) -> Vec<Option<[f64; 2]>> {
        let width = self.statistics.width();
        let sums = self.statistics.weighted_sums(chunk);
        (0..chunk.len())
            .map(|variant| {
                self.result(
                    chunk,
                    variant,
                    &sums[variant * width..(variant + 1) * width],
                )
            })
            .collect()
    }

    fn result(&self, chunk: &Chunk<'_, '_>, variant: usize, sums: &[i64]) -> Option<[f64; 2]> {
        let counts = self.counts(chunk, variant);
        if !passes(&counts, &self.gate) {
            return None;
        }
        let missing = counts.called < self.cohort.individuals();
        let downdate = missing.then(|| self.statistics.downdate(chunk, variant));
        let (beta, standard_error) = self.study.estimate(&counts, sums, downdate.as_deref())?;
        let weight = 1.0 / (standard_error * standard_error);
        let bounded = weight < LARGEST_WEIGHT && (weight * beta).abs() < LARGEST_WEIGHT;
        bounded.then_some([weight, weight * beta])
    }

    fn counts(&self, chunk: &Chunk<'_, '_>, variant: usize) -> VariantCounts {
        let all = chunk.counts(variant, self.cohort, |block| Some(&block.mask));
        let cases = self.cohort.cases().map(|_| {
            let of = chunk.counts(variant, self.cohort, |block| block.cases.as_ref());
            CaseCounts {
                called: of.called.into(),
                allele_count: of.diploid_allele_count.into(),
            }
        });
        VariantCounts {
            called: all.called.into(),
            allele_count: all.diploid_allele_count.into(),
            homozygotes: all.homozygous.into(),
            sites: 1,
            withheld: 0,
            lacking: 0,
            cases,
        }
    }
}

impl Study {
    /// Beta and standard error from the words of a variant, as in a run of several nodes.
    fn estimate(
        &self,
        counts: &VariantCounts,
        sums: &[i64],
        downdate: Option<&[i64]>,
    ) -> Option<(f64, f64)> {
        match self {
            Self::Linear(study) => {
                let estimate = study.associate(counts, sums, downdate).ok()?;
                Some((estimate.beta, estimate.standard_error))
            }
            Self::Logistic(null) => {
                let score = null.score(counts, sums, downdate).ok()?;
                Some((score.beta, score.standard_error))
            }
        }
    }
}

fn passes(counts: &VariantCounts, gate: &OwnGate) -> bool {
    let in_cases = counts.minor_allele_count_in_cases();
    counts.called >= gate.individuals
        && counts.minor_allele_count() >= gate.minor_allele_count
        && counts
            .cases
            .is_none_or(|of| of.called.min(counts.called - of.called) >= gate.cell)
        && in_cases.is_none_or(|count| count >= gate.minor_allele_count_in_cases)
}
