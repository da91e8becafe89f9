//! Runs: one study over own rows, or over the nodes of a permit. The method itself is
//! `ligate_analysis`; this module owns where its sums come from and where its result goes.

mod admission;
pub mod export;
pub mod federated;
pub mod offer;
pub mod own_rows;
pub mod pages;
mod permit_watch;
pub mod release;
pub mod release_files;
pub mod store;

pub use permit_watch::PermitWatch;

use ligate_analysis::gwas::{Family, Plan, RunError};
use ligate_model::VariableName;

/// What is asked, before it is known whether the trait is a disease.
#[derive(Clone, Debug)]
pub struct Study {
    pub trait_name: VariableName,
    pub covariates: Vec<VariableName>,
    /// `None`: logistic for a binary trait, linear for a quantitative one.
    pub family: Option<Family>,
    /// Logistic: Wald where the score test's p is below this; 0 for none.
    pub wald_below: f64,
}

impl Study {
    pub fn plan(&self, family: Family) -> Plan {
        Plan {
            family,
            two_values: family == Family::Logistic,
            trait_name: self.trait_name.clone(),
            covariates: self.covariates.clone(),
            wald_below: self.wald_below,
        }
    }
}

/// The reason of a failed sum without the wrapping of the method.
fn sum_error(error: RunError<anyhow::Error>) -> anyhow::Error {
    match error {
        RunError::Sum(error) => error,
        other => anyhow::anyhow!("{other}"),
    }
}
