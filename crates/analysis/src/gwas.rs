//! Genome-wide association of a trait: linear and logistic, as loops of sums.
//!
//! [`run`] drives: it makes one [`Ask`] after another and takes the sums of what every node adds
//! ([`local`]) through a [`Summation`]. Counts are opened first; statistics are asked only for the
//! variants that passed on their counts.

mod ask;
mod cohort;
mod collinearity;
mod columns;
mod linear;
mod local;
mod logistic;
mod plan;
mod result;
mod run;

pub use ask::{
    Ask, InvalidAsk, MAX_BATCH, MAX_WORDS, Variants, count_no_site, decode_counts, decode_people,
    withhold, withhold_partly_called,
};
pub use cohort::{Cohort, CohortError, complete_in};
pub use columns::{Model, Role, columns, roles};
pub use local::{GenotypeSource, LocalError, OwnGate, local};
pub use logistic::MAX_ROUNDS;
pub use plan::{Family, InvalidPlan, MAX_COVARIATES, Plan};
pub use result::{Association, Baseline, Gwas, Reason, Test, Unreported};
pub use run::{PublishedFacts, RunError, RunProgress, Stage, Summation, run};
