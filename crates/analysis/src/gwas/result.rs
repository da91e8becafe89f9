//! What an association study finds: one association per reported variant, a reason for every other.

use std::fmt;

use ligate_model::{GateRule, PeopleCounts, VariantCounts, VariantKey};

use crate::distributions::normal_two_sided;

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Gwas {
    pub people: PeopleCounts,
    /// In key order.
    pub associations: Vec<Association>,
    /// The other variants, in key order.
    pub unreported: Vec<Unreported>,
    /// Genomic inflation factor; NaN without associations.
    pub lambda: f64,
}

/// The association of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    pub key: VariantKey,
    pub counts: VariantCounts,
    /// Per alternate allele: in the trait's own units, or log odds.
    pub beta: f64,
    pub standard_error: f64,
    /// t or z.
    pub statistic: f64,
    /// Two-sided; 0 where it underflows.
    pub p_value: f64,
    /// Finite also where the p-value underflows.
    pub neg_log10_p: f64,
    pub test: Test,
    /// The sites' own results, combined; `None` where too few sites contributed.
    pub baseline: Option<Baseline>,
}

/// How an association was tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Least squares, t.
    Linear,
    /// Logistic score test: beta is the corrected score over its variance.
    Score,
    /// Logistic Wald test at the maximum likelihood estimate.
    Wald,
}

/// Inverse-variance meta-analysis (fixed effect) of the sites' own results. It depends on the split
/// by nature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    pub beta: f64,
    pub standard_error: f64,
    pub p_value: f64,
    /// Sites that contributed.
    pub sites: u64,
}

/// Parts of its standard error in which a meta-analysis is told.
const PARTS_OF_ERROR: f64 = 10.0;

impl Baseline {
    /// The effect to a tenth of its standard error, and that to two digits. Less the federated
    /// result it is a sum of the sites' allele counts, each times the site's share of cases: as
    /// finely as results are told, only one set of whole numbers for three sites fits it.
    #[must_use]
    pub fn coarse(self) -> Self {
        let unit = libm::pow(10.0, libm::log10(self.standard_error).floor() - 1.0);
        let standard_error = (self.standard_error / unit).round() * unit;
        let parts = (self.beta / standard_error * PARTS_OF_ERROR).round();
        let p_value = normal_two_sided(parts / PARTS_OF_ERROR).p_value;
        Self {
            beta: parts * standard_error / PARTS_OF_ERROR,
            standard_error,
            p_value,
            ..self
        }
    }
}

impl Gwas {
    /// With each meta-analysis of the sites' own results as it may be told.
    #[must_use]
    pub fn with_coarse_baselines(mut self) -> Self {
        for association in &mut self.associations {
            association.baseline = association.baseline.map(Baseline::coarse);
        }
        self
    }
}

/// A variant without an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreported {
    pub key: VariantKey,
    pub reason: Reason,
}

/// Why a variant has no association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its counts did not pass the disclosure gate.
    Gate(GateRule),
    /// It and the covariates are (nearly) linearly dependent: plink2's correlation and VIF limits.
    Collinear,
    /// It separates (nearly) cases from controls: there is no finite estimate.
    Separation,
    /// The estimate did not settle within the rounds allowed.
    NotConverged,
    /// Genotype or trait has one value only among the called.
    Constant,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate(rule) => write!(f, "gate: {rule}"),
            Self::Collinear => {
                f.write_str("collinear: genotype and covariates are linearly dependent")
            }
            Self::Separation => {
                f.write_str("separation: genotype or covariates separate cases from controls")
            }
            Self::NotConverged => f.write_str("not converged"),
            Self::Constant => f.write_str("constant: one value only among the called individuals"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meta_analysis_is_told_in_tenths_of_its_standard_error() {
        for (beta, standard_error, told) in [
            (0.123_456, 0.034_567, [0.1225, 0.035]),
            (-0.001, 0.012_345, [-0.0012, 0.012]),
            (250.3, 99.7, [250.0, 100.0]),
        ] {
            let coarse = Baseline {
                beta,
                standard_error,
                p_value: 0.5,
                sites: 3,
            }
            .coarse();
            assert!(
                (coarse.beta - told[0]).abs() < 1e-9
                    && (coarse.standard_error - told[1]).abs() < 1e-9
            );
            let z = told[0] / told[1];
            assert!(
                (coarse.p_value - normal_two_sided(z).p_value).abs() < 1e-9,
                "{coarse:?}"
            );
        }
    }
}
