//! The `[diagnosis]` part of `ligate.toml`: who may fetch what this node released, and whose tables
//! it uses. Without it nobody may fetch anything.

use std::time::Duration;

use anyhow::{Result, bail};
use ligate_disclosure::diagnosis_counts::Minimums;
use ligate_model::NodeName;
use serde::Deserialize;

/// Names of pinned peers, and the rule's minimums.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Diagnosis {
    /// Peers that may fetch the diagnosis counts.
    pub counts_for: Vec<NodeName>,
    /// Peers that may fetch the allele counts.
    pub alleles_for: Vec<NodeName>,
    /// Peers whose tables `ligate knowledge fetch` asks for; else every peer with an address.
    pub fetch_from: Option<Vec<NodeName>>,
    /// How long each peer may take for all its tables, in seconds.
    pub fetch_seconds: u64,
    /// Smallest batch and smallest count; may be raised above five and three.
    pub minimums: Minimums,
}

impl Default for Diagnosis {
    fn default() -> Self {
        Self {
            counts_for: Vec::new(),
            alleles_for: Vec::new(),
            fetch_from: None,
            fetch_seconds: 120,
            minimums: Minimums::default(),
        }
    }
}

impl Diagnosis {
    pub fn check(&self) -> Result<()> {
        self.minimums.validate()?;
        if self.fetch_seconds == 0 {
            bail!("fetch_seconds is 0: no peer could answer");
        }
        Ok(())
    }

    pub fn fetch_deadline(&self) -> Duration {
        Duration::from_secs(self.fetch_seconds)
    }
}
