//! What a study weighs genotypes with, one number per person: the columns that the privacy ledger
//! keeps of a run.
//!
//! Whatever a table of associations says of a variant, and whatever a node is told on the way, is
//! made of sums over people of its dosage (in a variance also its square) times one of these. A new
//! statistic that weighs genotypes in another way gets its column here.

use std::fmt;

use ligate_model::VariableName;
use serde::{Deserialize, Serialize};

use super::{
    cohort::Cohort,
    local::{OwnGate, own::Own, terms::NullTerms},
    plan::{Family, Plan},
};
use crate::quantise::{Scaling, unfixed};

/// The model of the covariates as it was fitted over all nodes: it says what genotypes are weighed
/// with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Covariates in plan order, then a quantitative trait.
    pub scaling: Vec<Scaling>,
    /// Of the logistic model: intercept and covariates. None for a linear one.
    pub coefficients: Vec<f64>,
    /// The share of a case that people count of whom it is not known whether they are one.
    pub fill: f64,
    /// Whether the nodes' own results are combined beside the run's: that weighs genotypes with one
    /// more column.
    pub baseline: bool,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// 1 for everybody: allele counts.
    People,
    Covariate(VariableName),
    Trait(VariableName),
    /// The probability of being a case by the covariates, mu.
    Expected(VariableName),
    /// mu (1 - mu).
    Weight(VariableName),
    /// mu (1 - mu) times a covariate, where there are Wald tests: a variant's first Newton step,
    /// which every node is told, has these sums in it. A score test tells of them only the sum of
    /// their squares, which no column can be taken off.
    Weighted(VariableName, VariableName),
    /// The trait less what the covariates explain at each node by itself: the meta-analysis beside
    /// the result.
    Residual(VariableName),
}

impl Role {
    /// The variable to leave out so that there is no such column.
    pub fn variable(&self) -> Option<&VariableName> {
        match self {
            Self::People => None,
            Self::Covariate(name)
            | Self::Trait(name)
            | Self::Expected(name)
            | Self::Weight(name)
            | Self::Weighted(_, name)
            | Self::Residual(name) => Some(name),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People => f.write_str("the people"),
            Self::Covariate(name) | Self::Trait(name) => write!(f, "{name}"),
            Self::Expected(name) => write!(f, "the expected {name}"),
            Self::Weight(name) => write!(f, "the weights of the model of {name}"),
            Self::Weighted(name, covariate) => {
                write!(f, "{covariate} by the weights of the model of {name}")
            }
            Self::Residual(name) => write!(f, "{name} less its covariates"),
        }
    }
}

/// The columns of a plan in their order, everybody first.
pub fn roles(plan: &Plan, baseline: bool) -> Vec<Role> {
    let y = || plan.trait_name.clone();
    let covariates = || plan.covariates.iter().cloned();
    let mut roles = vec![Role::People];
    roles.extend(covariates().map(Role::Covariate));
    roles.push(Role::Trait(y()));
    if plan.family == Family::Logistic {
        roles.extend([Role::Expected(y()), Role::Weight(y())]);
        if plan.has_wald_tests() {
            roles.extend(covariates().map(|covariate| Role::Weighted(y(), covariate)));
        }
    }
    if baseline {
        roles.push(Role::Residual(y()));
    }
    roles
}

/// One column per role of [`roles`], each with a number per person of the cohort; zeros where a
/// node has none.
pub fn columns(
    cohort: &Cohort,
    plan: &Plan,
    model: &Model,
    own_gate: &OwnGate,
    threads: usize,
) -> Vec<Vec<f64>> {
    let rows = cohort.standardise(&model.scaling);
    let column = |place: usize| {
        rows.rows
            .chunks_exact(rows.width)
            .map(move |row| unfixed(row[place]))
    };
    let mut columns: Vec<Vec<f64>> = (0..rows.width)
        .map(|place| column(place).collect())
        .collect();
    if plan.family == Family::Logistic {
        let response = cohort.filled_response(model.fill);
        let terms = NullTerms::new(cohort, &rows, &model.coefficients, model.fill);
        let expected = response
            .iter()
            .zip(&terms.residuals)
            .map(|(y, rest)| y - rest)
            .collect();
        columns.extend([response, expected]);
        let weighted = |place: usize| {
            let weight = |(person, weight): (usize, &f64)| weight * terms.row(person)[place];
            terms.weights.iter().enumerate().map(weight).collect()
        };
        columns.extend((0..if plan.has_wald_tests() { rows.width } else { 1 }).map(weighted));
    }
    if !model.baseline {
        return columns;
    }
    let own = Own::fit(cohort, plan, &model.scaling, model.fill, *own_gate, threads);
    columns.push(own.map_or_else(
        || vec![0.0; cohort.count()],
        |own| own.residuals(&rows, model.fill),
    ));
    columns
}
