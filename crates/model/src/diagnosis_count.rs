//! What registries tell each other ahead of any question: how many patients with a disease have a
//! term, how often an allele was called.

use serde::{Deserialize, Serialize};

use crate::{DiseaseId, TermId, VariantKey};

/// `m` of `n` patients with a disease have a phenotype term as one of their most specific observed
/// terms. Plain data: a row that came from elsewhere may hold any numbers until it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisCount {
    pub disease: DiseaseId,
    pub term: TermId,
    /// Patients with the term.
    pub m: u32,
    /// All patients with the disease among whom the `m` were counted.
    pub n: u32,
}

/// How often an allele was called at a node: plain data, as [`DiagnosisCount`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlleleTally {
    pub key: VariantKey,
    /// Called copies of the alternate allele.
    pub copies: u32,
    /// Called alleles.
    pub called: u32,
}
