//! Ranking by phenotype: the likelihood ratio of a patient's terms under each disease, a learned
//! re-ranking of the leading candidates, calibrated probabilities, and the reasons of all three.
//!
//! The ratio S is defined in docs/diagnosis.md and knows nothing that is learned; what is learned
//! shifts it and is reported apart. Excluded terms take no part in S.

mod annotations;
mod calibrate;
mod examine;
mod explain;
mod features;
mod likelihood;
mod lists;
mod logit;
mod model;
mod name_series;
mod products;
mod quasi_newton;
mod query;
mod rerank;
mod risen;
mod rows;
mod siblings;
#[cfg(test)]
mod tests;
mod training;

pub use annotations::{Annotated, Annotations, Counts, Edit, Profile};
pub use examine::{Examination, examine_next};
pub use explain::{Contribution, Explanation, Match, Relation, explain};
pub use features::{Feature, FeatureValues};
pub use likelihood::Scorer;
pub use model::{Model, ModelError, Weights, publication_hash};
pub use products::rank_of;
pub use query::{Query, QueryError, QueryNote};
pub use rerank::{CandidateSet, LEADING, RankedDisease, Ranking, rank};
pub use training::{Example, train};
