//! What a node checks of an ask before it adds anything: a run sends nothing else.

use ligate_model::{VariantCounts, VariantKey};

use super::{Ask, MAX_BATCH, MAX_WORDS};
use crate::{
    gwas::{columns::Model, plan::Plan},
    quantise::{MAX_EXPONENT, Scaling},
};

/// Individuals of a run are fewer than this.
pub(crate) const MAX_INDIVIDUALS: u64 = 1 << 31;
/// Coefficients of a run are smaller than this.
const LARGEST_COEFFICIENT: f64 = 1e3;

/// Why a node refuses an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAsk {
    #[error("the ask is of another family than the plan")]
    Family,
    #[error(
        "the ask does not count cases and controls where the trait has two values, or counts them where it has more"
    )]
    TwoValues,
    #[error("the ask has no variants, or more than {MAX_BATCH}")]
    Batch,
    #[error("the variants of the ask do not ascend")]
    Order,
    #[error("the ask has vectors of a length that does not follow from the plan")]
    Length,
    #[error("the ask has an exponent, mean, deviation or coefficient out of range")]
    Number,
    #[error("the ask claims counts that contradict each other")]
    Counts,
    #[error("the answer would have more than {MAX_WORDS} words")]
    Words,
}

impl Ask {
    /// Checks that this is an ask that a run of this plan can send.
    pub fn validate(&self, plan: &Plan) -> Result<(), InvalidAsk> {
        let columns = plan.columns();
        match self {
            Self::People { two_values } | Self::Counts { two_values, .. } => {
                check(*two_values == plan.two_values, InvalidAsk::TwoValues)?
            }
            Self::Scale { exponents } => {
                check(exponents.len() == plan.scaled(), InvalidAsk::Length)?;
                let bounded = |e: &i16| e.unsigned_abs() <= MAX_EXPONENT.unsigned_abs();
                check(exponents.iter().all(bounded), InvalidAsk::Number)?;
            }
            Self::Moments { scaling } => check_scaling(plan, scaling)?,
            Self::Null {
                scaling,
                coefficients,
                ..
            } => {
                check(plan.is_logistic(), InvalidAsk::Family)?;
                check_scaling(plan, scaling)?;
                check_coefficients(coefficients, columns)?;
            }
            Self::Linear { scaling, .. } => {
                check(!plan.is_logistic(), InvalidAsk::Family)?;
                check_scaling(plan, scaling)?;
            }
            Self::Score {
                scaling,
                coefficients,
                ..
            } => {
                check(plan.is_logistic(), InvalidAsk::Family)?;
                check_scaling(plan, scaling)?;
                check_coefficients(coefficients, columns)?;
            }
            Self::Wald {
                scaling,
                coefficients,
                variants,
                ..
            } => {
                check(plan.is_logistic(), InvalidAsk::Family)?;
                check_scaling(plan, scaling)?;
                check_coefficients(coefficients, (columns + 1) * variants.keys.len())?;
            }
            Self::BaselinePresence { scaling, .. } | Self::Baseline { scaling, .. } => {
                check_scaling(plan, scaling)?
            }
        }
        check(
            self.fill().is_none_or(|fill| (0.0..=1.0).contains(&fill)),
            InvalidAsk::Number,
        )?;
        self.check_variants(plan)
    }

    fn check_variants(&self, plan: &Plan) -> Result<(), InvalidAsk> {
        let by_key = matches!(self, Self::Counts { .. }) || self.variants().is_some();
        if by_key {
            check(
                (1..=MAX_BATCH).contains(&self.keys().len()),
                InvalidAsk::Batch,
            )?;
            check(ascending(self.keys()), InvalidAsk::Order)?;
        }
        if let Some(variants) = self.variants() {
            check(
                variants.counts.len() == variants.keys.len(),
                InvalidAsk::Length,
            )?;
            let individuals = self.claimed_individuals().unwrap_or(MAX_INDIVIDUALS - 1);
            check(individuals < MAX_INDIVIDUALS, InvalidAsk::Counts)?;
            let consistent =
                |counts: &VariantCounts| is_consistent(counts, individuals, plan.two_values);
            check(variants.counts.iter().all(consistent), InvalidAsk::Counts)?;
        }
        check(self.words() <= MAX_WORDS, InvalidAsk::Words)
    }
}

impl Model {
    /// Checks that this is a model that a run of this plan can have.
    pub fn validate(&self, plan: &Plan) -> Result<(), InvalidAsk> {
        check_scaling(plan, &self.scaling)?;
        check_coefficients(
            &self.coefficients,
            if plan.is_logistic() {
                plan.columns()
            } else {
                0
            },
        )?;
        check((0.0..=1.0).contains(&self.fill), InvalidAsk::Number)
    }
}

fn check(holds: bool, otherwise: InvalidAsk) -> Result<(), InvalidAsk> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn check_scaling(plan: &Plan, scaling: &[Scaling]) -> Result<(), InvalidAsk> {
    check(scaling.len() == plan.scaled(), InvalidAsk::Length)?;
    check(scaling.iter().all(Scaling::is_valid), InvalidAsk::Number)
}

fn check_coefficients(coefficients: &[f64], expected: usize) -> Result<(), InvalidAsk> {
    check(coefficients.len() == expected, InvalidAsk::Length)?;
    check(
        coefficients
            .iter()
            .all(|value| value.abs() <= LARGEST_COEFFICIENT),
        InvalidAsk::Number,
    )
}

fn is_consistent(counts: &VariantCounts, individuals: u64, two_values: bool) -> bool {
    // The first comparison bounds the others' arithmetic.
    counts.called <= individuals
        && counts.allele_count <= 2 * counts.called
        && counts.homozygotes <= counts.allele_count / 2
        && counts.cases.is_some() == two_values
        && counts.cases.is_none_or(|of| {
            of.called <= counts.called
                && of.allele_count <= 2 * of.called
                && of.allele_count <= counts.allele_count
        })
}

/// Whether keys are in order, each once.
pub(crate) fn ascending(keys: &[VariantKey]) -> bool {
    keys.windows(2).all(|pair| pair[0] < pair[1])
}

#[cfg(test)]
mod tests {
    use ligate_model::{Allele, Contig, Position, VariableName};

    use super::*;
    use crate::gwas::{Family, Variants};

    const SCALING: Scaling = Scaling {
        exponent: 3,
        mean: 0,
        deviation: 2_097_152.0,
        fill: 0,
    };
    const COUNTS: VariantCounts = VariantCounts {
        called: 10,
        allele_count: 9,
        homozygotes: 2,
        sites: 3,
        withheld: 0,
        lacking: 0,
        cases: None,
    };

    fn plan(family: Family) -> Plan {
        let name = |text: &str| VariableName::new(text).unwrap();
        let two_values = family == Family::Logistic;
        Plan {
            family,
            two_values,
            trait_name: name("y"),
            covariates: vec![name("age")],
            wald_below: 1e-3,
        }
    }

    fn key(position: u32) -> VariantKey {
        let allele = |text: &str| Allele::new(text).unwrap();
        let (reference, alternate) = (allele("A"), allele("C"));
        VariantKey {
            contig: Contig::new("1"),
            position: Position::new(position),
            reference,
            alternate,
        }
    }

    fn linear(keys: &[u32], counts: VariantCounts, scaling: Scaling) -> Ask {
        let keys: Vec<VariantKey> = keys.iter().map(|position| key(*position)).collect();
        let counts = vec![counts; keys.len()];
        Ask::Linear {
            scaling: vec![scaling; 2],
            individuals: 12,
            variants: Variants { keys, counts },
        }
    }

    #[test]
    fn well_formed_asks_pass() {
        let ask = linear(&[1, 2], COUNTS, SCALING);
        assert_eq!(ask.validate(&plan(Family::Linear)), Ok(()));
        // g'z, g'y and the triangle of [1, z, y] for each of two keys with missing calls.
        assert_eq!(ask.words(), 2 * (2 + 6));
        let counts = Ask::Counts {
            two_values: true,
            keys: vec![key(1)],
        };
        assert_eq!(
            (counts.validate(&plan(Family::Logistic)), counts.words()),
            (Ok(()), 3)
        );
        let null = Ask::Null {
            scaling: vec![SCALING],
            coefficients: vec![0.5, -1.0],
            fill: 0.5,
        };
        assert_eq!(
            (null.validate(&plan(Family::Logistic)), null.words()),
            (Ok(()), 5)
        );
    }

    #[test]
    fn malformed_asks_are_refused() {
        let check = |ask: Ask, family: Family, expected: InvalidAsk| {
            assert_eq!(ask.validate(&plan(family)), Err(expected), "{ask:?}");
        };
        let more = VariantCounts {
            called: 13,
            ..COUNTS
        };
        let alleles = VariantCounts {
            allele_count: 21,
            ..COUNTS
        };
        check(
            linear(&[2, 1], COUNTS, SCALING),
            Family::Linear,
            InvalidAsk::Order,
        );
        check(
            linear(&[1, 1], COUNTS, SCALING),
            Family::Linear,
            InvalidAsk::Order,
        );
        check(
            linear(&[], COUNTS, SCALING),
            Family::Linear,
            InvalidAsk::Batch,
        );
        check(
            linear(&[1], COUNTS, SCALING),
            Family::Logistic,
            InvalidAsk::Family,
        );
        check(
            linear(&[1], more, SCALING),
            Family::Linear,
            InvalidAsk::Counts,
        );
        check(
            linear(&[1], alleles, SCALING),
            Family::Linear,
            InvalidAsk::Counts,
        );
        let deviation = f64::NAN;
        check(
            linear(
                &[1],
                COUNTS,
                Scaling {
                    deviation,
                    ..SCALING
                },
            ),
            Family::Linear,
            InvalidAsk::Number,
        );
        check(
            Ask::Moments {
                scaling: vec![SCALING],
            },
            Family::Linear,
            InvalidAsk::Length,
        );
        check(
            Ask::Scale {
                exponents: vec![901],
            },
            Family::Logistic,
            InvalidAsk::Number,
        );
        let null = |coefficients: Vec<f64>, fill| Ask::Null {
            scaling: vec![SCALING],
            coefficients,
            fill,
        };
        check(
            null(vec![f64::INFINITY, 0.0], 0.5),
            Family::Logistic,
            InvalidAsk::Number,
        );
        check(
            null(vec![0.0, 0.0], 1.5),
            Family::Logistic,
            InvalidAsk::Number,
        );
        check(
            null(vec![0.0, 0.0], f64::NAN),
            Family::Logistic,
            InvalidAsk::Number,
        );
        let keys = (0..=MAX_BATCH as u32).map(key).collect();
        check(
            Ask::Counts {
                two_values: false,
                keys,
            },
            Family::Linear,
            InvalidAsk::Batch,
        );
        for ask in [
            Ask::People { two_values: true },
            Ask::Counts {
                two_values: true,
                keys: vec![key(1)],
            },
        ] {
            check(ask, Family::Linear, InvalidAsk::TwoValues);
        }
    }
}
