//! What is sent back: matches with scores, and what a node says of itself.

use serde::{Deserialize, Serialize};

use super::{Patient, Version, content_type};

/// The answer to a match request.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchResponse {
    /// Best first; may be empty.
    pub results: Vec<MatchResult>,
    /// What whoever reads the answer should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclaimer: Option<String>,
    /// The terms under which the answer may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchResult {
    pub score: Score,
    pub patient: Patient,
}

/// How alike, from 0 to 1. The two parts are extensions, marked by the underscore as the API asks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub patient: f64,
    #[serde(
        rename = "_phenotype",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub phenotype: Option<f64>,
    #[serde(rename = "_genotype", default, skip_serializing_if = "Option::is_none")]
    pub genotype: Option<f64>,
}

/// Sums over a node's patients who may be matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub number_of_cases: u64,
    pub number_of_submitters: u64,
    pub number_of_genes: u64,
    pub number_of_unique_genes: u64,
    pub number_of_features: u64,
    pub number_of_unique_features: u64,
    pub number_of_cases_with_diagnosis: u64,
    pub number_of_requests_received: u64,
    pub number_of_potential_matches_sent: u64,
    /// Year-month-day.
    pub date_generated: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsAnswer {
    pub metrics: Metrics,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclaimer: Option<String>,
}

/// Whether a node is there, and which versions it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub production: bool,
    pub version: String,
    pub accept: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatAnswer {
    pub heartbeat: Heartbeat,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclaimer: Option<String>,
}

/// What whoever reads an answer should know, and the terms under which it may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclaimerAnswer {
    pub disclaimer: String,
    pub terms: Option<String>,
}

impl Heartbeat {
    /// Of this program in this version.
    pub fn of(version: &str, production: bool) -> Self {
        let accept = Version::SUPPORTED.into_iter().map(content_type).collect();
        Self {
            production,
            version: version.to_owned(),
            accept,
        }
    }
}
