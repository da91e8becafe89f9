//! What an association study computes: family, trait, covariates. Refuses plans that name a
//! variable twice.

use ligate_model::VariableName;
use serde::{Deserialize, Serialize};

/// Most covariates of a plan.
pub const MAX_COVARIATES: usize = 64;

/// The regression of the trait on the alternate-allele dosage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Least squares, for a quantitative trait.
    Linear,
    /// Logistic regression, for a binary trait.
    Logistic,
}

/// An association study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub family: Family,
    /// Whether cases and controls are counted apart, and the counts judged: of a trait that has two
    /// values, whichever the family. A logistic plan has it.
    pub two_values: bool,
    pub trait_name: VariableName,
    /// In the order of their coefficients; the intercept is implied.
    pub covariates: Vec<VariableName>,
    /// Variants with a score p below this get a Wald test (logistic only); 1 or more means all, 0
    /// none.
    pub wald_below: f64,
}

/// Why a plan cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    #[error("{count} covariates; at most {MAX_COVARIATES} are possible")]
    TooManyCovariates { count: usize },
    #[error("the variable {0} is named twice among trait and covariates")]
    NamedTwice(VariableName),
    #[error("a logistic study needs a trait of two values")]
    TwoValues,
    #[error("the p-value below which variants get a Wald test must be a number from 0")]
    WaldBelow,
}

impl Plan {
    pub const WALD_BELOW: f64 = 1e-3;

    /// Whether some variant may get a Wald test.
    pub fn has_wald_tests(&self) -> bool {
        self.is_logistic() && self.wald_below > 0.0
    }

    /// Checks the plan's own consistency.
    pub fn validate(&self) -> Result<(), InvalidPlan> {
        if self.covariates.len() > MAX_COVARIATES {
            return Err(InvalidPlan::TooManyCovariates {
                count: self.covariates.len(),
            });
        }
        let mut names: Vec<&VariableName> = self.variables().collect();
        names.sort_by_key(|name| name.as_str());
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(InvalidPlan::NamedTwice(pair[0].clone()));
        }
        if self.is_logistic() && !self.two_values {
            return Err(InvalidPlan::TwoValues);
        }
        if self.wald_below.is_nan() || self.wald_below < 0.0 {
            return Err(InvalidPlan::WaldBelow);
        }
        Ok(())
    }

    /// Covariates in order, then the trait.
    pub fn variables(&self) -> impl Iterator<Item = &VariableName> {
        self.covariates.iter().chain([&self.trait_name])
    }

    /// Estimated coefficients of one regression: intercept, covariates and the variant.
    pub fn parameters(&self) -> usize {
        self.covariates.len() + 2
    }

    /// Columns of C: intercept and covariates.
    pub(crate) fn columns(&self) -> usize {
        self.covariates.len() + 1
    }

    /// Variables that are standardised: the covariates, and a quantitative trait.
    pub(crate) fn scaled(&self) -> usize {
        self.covariates.len() + usize::from(self.family == Family::Linear)
    }

    pub(crate) fn is_logistic(&self) -> bool {
        self.family == Family::Logistic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(covariates: &[&str]) -> Plan {
        let name = |text: &str| VariableName::new(text).unwrap();
        Plan {
            family: Family::Linear,
            two_values: false,
            trait_name: name("ldl"),
            covariates: covariates.iter().map(|text| name(text)).collect(),
            wald_below: Plan::WALD_BELOW,
        }
    }

    #[test]
    fn a_plan_names_each_variable_once() {
        assert_eq!(plan(&["age", "sex"]).validate(), Ok(()));
        assert!(matches!(
            plan(&["age", "age"]).validate(),
            Err(InvalidPlan::NamedTwice(_))
        ));
        assert!(matches!(
            plan(&["age", "ldl"]).validate(),
            Err(InvalidPlan::NamedTwice(_))
        ));
        let many: Vec<String> = (0..65).map(|i| format!("c{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            plan(&many).validate(),
            Err(InvalidPlan::TooManyCovariates { count: 65 })
        );
        assert_eq!(
            Plan {
                wald_below: f64::NAN,
                ..plan(&[])
            }
            .validate(),
            Err(InvalidPlan::WaldBelow)
        );
        let logistic = Plan {
            family: Family::Logistic,
            ..plan(&[])
        };
        assert_eq!(logistic.validate(), Err(InvalidPlan::TwoValues));
        assert_eq!(
            Plan {
                two_values: true,
                ..logistic
            }
            .validate(),
            Ok(())
        );
    }
}
