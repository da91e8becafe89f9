//! Which releases knowledge was made of.

use std::collections::BTreeMap;

use ligate_model::Digest;
use serde::{Deserialize, Serialize};

/// Releases of the sources; empty where a source was not given or names no release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceVersions {
    /// The ontology.
    pub hpo: String,
    /// The disease annotations.
    pub hpoa: String,
    pub mondo: String,
    /// HGNC's table.
    pub genes: String,
    /// Modes of inheritance by gene (CGD).
    pub inheritance: String,
    /// gnomAD's constraint.
    pub constraint: String,
    /// Of each genome section, what it was made of.
    pub genome: BTreeMap<String, String>,
}

/// Releases of the sources, and the digest of what was made of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnowledgeVersion {
    #[serde(flatten)]
    pub sources: SourceVersions,
    /// Of the whole file's contents: two files with this digest hold the same facts.
    pub digest: Digest,
}

impl std::ops::Deref for KnowledgeVersion {
    type Target = SourceVersions;

    fn deref(&self) -> &SourceVersions {
        &self.sources
    }
}
