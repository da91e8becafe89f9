//! What the demo found: how the federated results compare with the pooled ones, and what the
//! registries did.

use std::path::PathBuf;

use ligate_disclosure::diagnosis_counts::Minimums;
use ligate_model::{NodeName, VariableName};
use serde::Serialize;

use crate::report::{self, diagnosis::RankByPeers};

/// The node that has a patient without a diagnosis.
pub const CLINIC: &str = "registre";

/// How a federated result compares with the pooled one.
#[derive(Clone, Debug)]
pub struct Identity {
    pub trait_name: VariableName,
    /// Keys that both results have.
    pub compared: usize,
    /// Of these, keys of which any bit differs.
    pub different: usize,
    /// Keys that only the pooled run reports.
    pub pooled_only: usize,
    /// Keys that only the federated run reports.
    pub federated_only: usize,
}

impl From<&Identity> for report::Identity {
    fn from(identity: &Identity) -> Self {
        Self {
            compared: identity.compared as u64,
            different: identity.different as u64,
            pooled_only: identity.pooled_only as u64,
            federated_only: identity.federated_only as u64,
        }
    }
}

impl Identity {
    pub fn holds(&self) -> bool {
        self.compared > 0 && self.different == 0 && self.federated_only == 0
    }
}

/// What the registries did for the patient.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    pub registries: Vec<Holding>,
    /// Each peer with the number of its counts.
    pub fetched: Vec<(NodeName, usize)>,
    /// Observed terms of the patient, in words.
    pub observed: Vec<String>,
    /// The disease that the patient was drawn to have.
    pub true_disease: String,
    pub alone: Ranked,
    pub with_network: Ranked,
    /// The disease's rank by phenotype with and without each peer, where it leads.
    pub by_phenotype: Option<RankByPeers>,
    /// Entries that came into the other nodes' audit logs while the patient was diagnosed: none, or
    /// the demo fails.
    pub asked_of_peers: u64,
    /// The page with the network's counts.
    pub report: PathBuf,
}

/// What one registry holds and releases.
#[derive(Clone, Debug, Serialize)]
pub struct Holding {
    pub node: NodeName,
    pub patients: usize,
    /// Patients in batches.
    pub counted: usize,
    pub minimums: Minimums,
    /// Counts that the rule lets out, and the diseases that they are of.
    pub released: usize,
    pub diseases_released: Vec<Held>,
    /// Counts of these diseases that it does not let out.
    pub suppressed: usize,
    /// Diseases of which nothing is let out.
    pub diseases_suppressed: Vec<Held>,
}

/// A disease and how many patients of the registry have it.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    pub disease: String,
    pub patients: usize,
}

/// The head of a ranking, and where the patient's disease is in it.
#[derive(Clone, Debug, Serialize)]
pub struct Ranked {
    pub leading: Vec<Place>,
    /// `None`: not among the candidates of the report.
    pub true_disease: Option<Place>,
    /// Candidates of the report.
    pub candidates: usize,
}

#[derive(Clone, Debug, Serialize)]
pub struct Place {
    pub rank: usize,
    pub disease: String,
    pub name: String,
    pub probability: f64,
}
