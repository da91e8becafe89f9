//! What an association study finds: one association per reported variant, a reason for every other.

use std::fmt;

use ligate_model::{GateRule, PeopleCounts, VariantCounts, VariantKey};
use serde::{Deserialize, Serialize};

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Least squares, t.
    Linear,
    /// Logistic score test: beta is the corrected score over its variance.
    Score,
    /// Logistic Wald test at the maximum likelihood estimate.
    Wald,
}

/// Inverse-variance meta-analysis (fixed effect) of the sites' own results. It depends on the split by nature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    pub beta: f64,
    pub standard_error: f64,
    pub p_value: f64,
    /// Sites that contributed.
    pub sites: u64,
}

/// A variant without an association.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreported {
    pub key: VariantKey,
    pub reason: Reason,
}

/// Why a variant has no association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
            Self::Collinear => f.write_str("collinear: genotype and covariates are linearly dependent"),
            Self::Separation => {
                f.write_str("separation: genotype or covariates separate cases from controls")
            }
            Self::NotConverged => f.write_str("not converged"),
            Self::Constant => f.write_str("constant: one value only among the called individuals"),
        }
    }
}
