//! What the nodes of a run are asked for, how many words each answer has, and the checks that a
//! node makes first.
//!
//! An ask is broadcast: everything in it is released (counts that passed the gate, means,
//! deviations, coefficients). The answer is a vector of two's complement words that add modulo
//! 2^64; each variant states the bound of its sums for N < 2^31 people, so that no sum is
//! ambiguous. Refuses anything that a run does not send.

mod counts;
mod validate;

use std::ops::Range;

use ligate_model::{VariantCounts, VariantKey};
use serde::{Deserialize, Serialize};

use super::{linear, logistic};
use crate::{
    linear_algebra::triangle,
    quantise::{LIMBS, Scaling},
};

pub use counts::{count_no_site, decode_counts, decode_people, withhold, withhold_partly_called};
pub(crate) use counts::{pack_case_counts, pack_counts};
pub use validate::InvalidAsk;
pub(crate) use validate::{MAX_INDIVIDUALS, ascending};

/// Most variants of one ask.
pub const MAX_BATCH: usize = 16_384;

/// Most words of one answer: 16 MiB.
pub const MAX_WORDS: usize = 1 << 21;

/// Words of one variable in a scale ask: people, sum, sum of squares.
pub(crate) const SCALE_WORDS: usize = 1 + 2 * LIMBS;

/// Variants of an ask with the counts that were released for them: nodes check these again.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Variants {
    /// Ascending, each once.
    pub keys: Vec<VariantKey>,
    /// One per key.
    pub counts: Vec<VariantCounts>,
}

/// A sum that a run needs. C is an intercept and the covariates (p columns), standardised by
/// `scaling`; g is the alternate-allele dosage; y the trait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// [individuals, 1], or [individuals, cases, unknown, 1] of a trait with two values: at most N,
    /// and the number of nodes.
    People { two_values: bool },
    /// Per key 2 words (3 of a trait with two values) of packed counts, see [`decode_counts`].
    Counts {
        two_values: bool,
        keys: Vec<VariantKey>,
    },
    /// Per variable the people with a value (at most N), the sum of raw values (at most 2^71) and
    /// of their squares (at most 2^111), in 4 limbs each. The exponents are the largest over the
    /// nodes: covariates in plan order, then a quantitative trait.
    Scale { exponents: Vec<i16> },
    /// The triangle of A = [C,y]'[C,y] (linear) or C'C (logistic): at most N, 2^61 in fixed point.
    Moments { scaling: Vec<Scaling> },
    /// Per key g'z of every covariate and g'y: at most 2N, 2^62 in fixed point. Then, for keys with
    /// fewer called than `individuals`, the downdate D, the triangle of [C,y]'[C,y] over the people
    /// who are not called: at most N.
    Linear {
        scaling: Vec<Scaling>,
        individuals: u64,
        variants: Variants,
    },
    /// U = C'(y - mu), at most N, and the triangle of I = C'WC, at most N, at these coefficients.
    /// People of whom it is not known count as cases to the share `fill`, here and below.
    Null {
        scaling: Vec<Scaling>,
        coefficients: Vec<f64>,
        fill: f64,
    },
    /// Per key S = g'(y - mu), at most 2N, g'Wg, at most N, and g'WC, at most N. Then, for keys
    /// with fewer called than `individuals`, U and I over the people who are not called.
    Score {
        scaling: Vec<Scaling>,
        coefficients: Vec<f64>,
        fill: f64,
        individuals: u64,
        variants: Variants,
    },
    /// Per key gradient (at most 2N) and triangle of the information (at most N) of [C,g] over the
    /// called people, at the key's own p + 1 coefficients, which stand one key after another.
    Wald {
        scaling: Vec<Scaling>,
        coefficients: Vec<f64>,
        fill: f64,
        variants: Variants,
    },
    /// Per key 1 of each node whose own result exists: at most the number of nodes.
    BaselinePresence {
        scaling: Vec<Scaling>,
        fill: f64,
        variants: Variants,
    },
    /// Per key the nodes' own w = 1/SE^2 and w beta, each at most 2^24 a node, hence 2^62 in fixed
    /// point for up to 256 nodes.
    Baseline {
        scaling: Vec<Scaling>,
        fill: f64,
        variants: Variants,
    },
}

/// Where the words of each key stand in an answer.
pub(crate) struct Layout {
    offsets: Vec<usize>,
}

impl Layout {
    fn new(words: impl Iterator<Item = usize>) -> Self {
        let mut offsets = vec![0];
        let mut end = 0;
        offsets.extend(words.map(|count| {
            end += count;
            end
        }));
        Self { offsets }
    }

    pub fn words(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    pub fn range(&self, key: usize) -> Range<usize> {
        self.offsets[key]..self.offsets[key + 1]
    }
}

impl Ask {
    /// Words of the answer.
    pub fn words(&self) -> usize {
        match self {
            Self::People { two_values } => {
                if *two_values {
                    4
                } else {
                    2
                }
            }
            Self::Scale { exponents } => SCALE_WORDS * exponents.len(),
            Self::Moments { scaling } => triangle(scaling.len() + 1),
            Self::Null { coefficients, .. } => logistic::model_words(coefficients.len()),
            _ => self.layout().words(),
        }
    }

    /// The words of each key; none for an ask without keys.
    pub(crate) fn layout(&self) -> Layout {
        let keys = self.keys().len();
        match self {
            Self::Counts { two_values, .. } => uniform(keys, counts::words(*two_values)),
            Self::Linear {
                scaling,
                individuals,
                variants,
            } => Layout::new(
                variants
                    .counts
                    .iter()
                    .map(|of| linear_words(scaling.len(), *individuals, of)),
            ),
            Self::Score {
                coefficients,
                individuals,
                variants,
                ..
            } => Layout::new(
                variants
                    .counts
                    .iter()
                    .map(|of| score_words(coefficients.len(), *individuals, of)),
            ),
            Self::Wald { scaling, .. } => uniform(keys, wald_words(scaling.len() + 1)),
            Self::BaselinePresence { .. } => uniform(keys, 1),
            Self::Baseline { .. } => uniform(keys, 2),
            Self::People { .. } | Self::Scale { .. } | Self::Moments { .. } | Self::Null { .. } => {
                uniform(0, 0)
            }
        }
    }

    /// The keys that are asked for.
    pub fn keys(&self) -> &[VariantKey] {
        match (self, self.variants()) {
            (Self::Counts { keys, .. }, _) => keys,
            (_, Some(variants)) => &variants.keys,
            _ => &[],
        }
    }

    /// The released counts of the keys of a statistics ask, for the nodes to check again.
    pub fn claimed_counts(&self) -> &[VariantCounts] {
        self.variants().map_or(&[], |variants| &variants.counts)
    }

    /// The individuals of the run as the ask states them, where it does.
    pub fn claimed_individuals(&self) -> Option<u64> {
        match self {
            Self::Linear { individuals, .. } | Self::Score { individuals, .. } => {
                Some(*individuals)
            }
            _ => None,
        }
    }

    /// The share of a case that people count of whom it is not known, where the ask says so.
    pub fn fill(&self) -> Option<f64> {
        match self {
            Self::Null { fill, .. }
            | Self::Score { fill, .. }
            | Self::Wald { fill, .. }
            | Self::BaselinePresence { fill, .. }
            | Self::Baseline { fill, .. } => Some(*fill),
            _ => None,
        }
    }

    /// The coefficients of the model of the covariates that variants are tested against.
    pub fn null_coefficients(&self) -> Option<&[f64]> {
        match self {
            Self::Score { coefficients, .. } => Some(coefficients),
            _ => None,
        }
    }

    /// Whether the ask is of the meta-analysis beside the result.
    pub fn is_baseline(&self) -> bool {
        matches!(self, Self::BaselinePresence { .. } | Self::Baseline { .. })
    }

    /// How the variables are standardised, where the ask says so.
    pub fn scaling(&self) -> Option<&[Scaling]> {
        match self {
            Self::People { .. } | Self::Counts { .. } | Self::Scale { .. } => None,
            Self::Moments { scaling }
            | Self::Null { scaling, .. }
            | Self::Linear { scaling, .. }
            | Self::Score { scaling, .. }
            | Self::Wald { scaling, .. }
            | Self::BaselinePresence { scaling, .. }
            | Self::Baseline { scaling, .. } => Some(scaling),
        }
    }

    /// For logs and progress.
    pub fn name(&self) -> &'static str {
        match self {
            Self::People { .. } => "people",
            Self::Counts { .. } => "counts",
            Self::Scale { .. } => "scale",
            Self::Moments { .. } => "moments",
            Self::Linear { .. } => "linear",
            Self::Null { .. } => "null",
            Self::Score { .. } => "score",
            Self::Wald { .. } => "wald",
            Self::BaselinePresence { .. } => "baseline-presence",
            Self::Baseline { .. } => "baseline",
        }
    }

    fn variants(&self) -> Option<&Variants> {
        match self {
            Self::Linear { variants, .. }
            | Self::Score { variants, .. }
            | Self::Wald { variants, .. }
            | Self::BaselinePresence { variants, .. }
            | Self::Baseline { variants, .. } => Some(variants),
            _ => None,
        }
    }
}

fn uniform(keys: usize, words: usize) -> Layout {
    Layout::new(std::iter::repeat_n(words, keys))
}

/// Words of one key of a linear ask with `columns` of C.
pub(crate) fn linear_words(columns: usize, individuals: u64, counts: &VariantCounts) -> usize {
    let downdate = if counts.called < individuals {
        linear::downdate_words(columns)
    } else {
        0
    };
    linear::words(columns) + downdate
}

/// Words of one key of a score ask with `columns` of C.
pub(crate) fn score_words(columns: usize, individuals: u64, counts: &VariantCounts) -> usize {
    let downdate = if counts.called < individuals {
        logistic::model_words(columns)
    } else {
        0
    };
    logistic::words(columns) + downdate
}

/// Words of one key of a Wald ask with `columns` of C.
pub(crate) fn wald_words(columns: usize) -> usize {
    logistic::model_words(columns + 1)
}
