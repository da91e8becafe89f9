//! A finished study: what it found, what allowed it, what each node did, and what a reader should
//! know first.

use std::collections::BTreeMap;

use ligate_access::{job::PeopleRule, permit::PermitId};
use ligate_analysis::{
    gwas::{Gwas, Plan},
    inflation::INFLATED,
};
use ligate_disclosure::Thresholds;
use ligate_formats::gwas_ssf;
use ligate_lake::Snapshot;
use ligate_model::{Assembly, CountryCode, DatasetId, Digest, NodeName, VariableName, VariantKey};

use serde::Serialize;

use super::own_rows::OwnRun;
use crate::folder::Folder;

/// Everything that is known of a finished study. What a federated one holds has passed the gate.
#[derive(Clone, Debug)]
pub struct Release {
    pub plan: Plan,
    pub gwas: Gwas,
    /// RefSNP numbers, where a site knows one.
    pub rsids: BTreeMap<VariantKey, u64>,
    pub assembly: Assembly,
    pub nodes: Vec<NodeAnswer>,
    /// Variables of which nodes rounded values that were off the step of the others.
    pub rounded: Vec<VariableName>,
    /// Pairs of sites' keys that are one site with reference and alternate allele exchanged.
    pub swapped: u64,
    /// `None`: a run over own rows, which passed no gate.
    pub authority: Option<Authority>,
    pub software: String,
    pub finished: jiff::Timestamp,
    /// The question was answered before: this is that answer, and no node was asked.
    pub stored: bool,
}

/// What allowed a federated study.
#[derive(Clone, Debug, Serialize)]
pub struct Authority {
    pub permit: PermitId,
    pub permit_hash: Digest,
    pub job: Digest,
    /// What was asked, under which the coordinator keeps the result.
    pub question: Digest,
    /// Permit and job as they were signed.
    pub signed_permit: String,
    pub signed_job: String,
    pub coordinator: String,
    pub data_user: String,
    pub purpose: String,
    pub people: PeopleRule,
    pub thresholds: Thresholds,
}

/// What one asked node did.
#[derive(Clone, Debug, Serialize)]
pub struct NodeAnswer {
    pub name: NodeName,
    pub country: CountryCode,
    pub dataset: DatasetId,
    pub outcome: NodeOutcome,
}

#[derive(Clone, Debug, Serialize)]
pub enum NodeOutcome {
    Answered { snapshot: Digest, offered: u64 },
    Missing { reason: String },
}

impl NodeAnswer {
    /// Whether its data are in the result.
    pub fn answered(&self) -> bool {
        matches!(self.outcome, NodeOutcome::Answered { .. })
    }
}

/// The name and version that results carry.
pub fn software() -> String {
    concat!("ligate ", env!("CARGO_PKG_VERSION")).to_owned()
}

impl Release {
    /// The result of a run over own rows.
    pub fn local(folder: &Folder, dataset: &DatasetId, snapshot: &Snapshot, run: OwnRun) -> Self {
        let offered = run.gwas.associations.len() + run.gwas.unreported.len();
        let answer = NodeAnswer {
            name: folder.name().clone(),
            country: folder.config.node.country.clone(),
            dataset: dataset.clone(),
            outcome: NodeOutcome::Answered {
                snapshot: snapshot.id(),
                offered: offered as u64,
            },
        };
        Self {
            plan: run.plan,
            gwas: run.gwas,
            rsids: run.rsids,
            assembly: snapshot.assembly(),
            rounded: Vec::new(),
            nodes: vec![answer],
            swapped: 0,
            authority: None,
            software: software(),
            finished: jiff::Timestamp::now(),
            stored: false,
        }
    }

    /// Nodes whose data are in the result.
    pub fn answered(&self) -> usize {
        self.nodes.iter().filter(|node| node.answered()).count()
    }
}

impl Release {
    /// What a reader of the result should know first.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.stored {
            let day = self.finished.strftime("%F %T");
            notes.push(format!(
                "this question was answered on {day} UTC; that result is returned and no node was asked"
            ));
        }
        if self.gwas.lambda > INFLATED {
            notes.push(format!(
                "lambda is {:.2}: results are inflated, mostly because ancestry is not corrected yet",
                self.gwas.lambda
            ));
        }
        if self
            .authority
            .as_ref()
            .is_some_and(|authority| authority.people == PeopleRule::Filled)
        {
            notes.push(
                "everybody takes part; missing values count as the value nearest to the mean, of two values as the \
                 more frequent one"
                    .to_owned(),
            );
        }
        if self.nodes.len() > 1 {
            notes.push("people who are at two sites count twice".to_owned());
        }
        if !self.rounded.is_empty() {
            notes.push(gwas_ssf::rounded_to_step(&names(&self.rounded)));
        }
        if self.swapped > 0 {
            notes.push(format!(
                "{} sites are written with reference and alternate allele exchanged at some nodes; each way is its \
                 own variant here",
                self.swapped
            ));
        }
        for node in &self.nodes {
            match &node.outcome {
                NodeOutcome::Answered { offered, .. } => {
                    notes.push(format!("{} brought {offered} variants", node.name))
                }
                NodeOutcome::Missing { reason } => {
                    notes.push(format!("{} is not in the result: {reason}", node.name))
                }
            }
        }
        notes
    }

    /// Where the result stands: local, or inside the environment. Only an export marks what may
    /// leave.
    pub fn status(&self) -> gwas_ssf::ResultStatus {
        match &self.authority {
            None => gwas_ssf::ResultStatus::Local,
            Some(authority) => gwas_ssf::ResultStatus::Permit {
                permit: authority.permit.to_string(),
                job: authority.job,
            },
        }
    }
}

/// The names as texts.
pub fn names(variables: &[VariableName]) -> Vec<String> {
    variables.iter().map(ToString::to_string).collect()
}
