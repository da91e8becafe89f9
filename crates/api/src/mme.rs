//! The Matchmaker Exchange API v1.1 (Buske et al. 2015, Hum. Mutat. 36:922): which patient
//! elsewhere is like this one.
//!
//! `request` reads what a peer asks, `response` writes what is shown to it, `media_type` agrees on
//! a version, `error` says no in the standard's way, `routes` has the addresses. It refuses
//! requests without an id, a contact, or anything to compare.

mod error;
mod media_type;
mod patient;
mod request;
mod response;
mod routes;

pub use error::MmeError;
pub use media_type::{Version, answer_version, content_type};
pub use patient::{
    Contact, Disorder, Feature, Gene, GenomicFeature, Observed, Patient, Variant, VariantType,
};
pub use request::{FEATURES_MAX, GENOMIC_FEATURES_MAX, MatchRequest};
pub use response::{
    DisclaimerAnswer, Heartbeat, HeartbeatAnswer, MatchResponse, MatchResult, Metrics,
    MetricsAnswer, Score,
};
pub use routes::{BODY_BYTES_MAX, Exchange, routes};

/// The header that carries a peer's token.
pub const TOKEN_HEADER: &str = "X-Auth-Token";
