//! The disclosure gate of one node under one permit, and what the audit log says of a job: both
//! sides of a run need them.

use anyhow::Result;
use ligate_access::{
    PublicKey,
    audit::Event,
    job::SignedJob,
    permit::{OutputRules, Permit},
};
use ligate_disclosure::{Gate, Thresholds};

use crate::folder::Folder;

/// The node's thresholds, or the permit's where they are stricter.
pub fn gate(folder: &Folder, rules: &OutputRules) -> Result<Gate> {
    Ok(Gate::new(folder.config.disclosure)?.tightened(&thresholds(rules)))
}

/// A permit's output rules as thresholds; what it does not say is 0, which tightens nothing.
pub fn thresholds(rules: &OutputRules) -> Thresholds {
    Thresholds::new(|rule| rules.get(rule).unwrap_or(0))
}

/// What the audit log says of a job: who asks what, for which purpose.
pub fn job_event(permit: &Permit, signed: &SignedJob, coordinator: PublicKey) -> Event {
    let job = signed.job();
    Event::Job {
        permit: job.permit,
        job: signed.hash(),
        question: signed.question(),
        coordinator,
        data_user: permit.data_user.key,
        data_user_name: permit.data_user.name.clone(),
        purpose: permit.purpose,
        method: job.method,
        trait_name: job.trait_name.clone(),
        covariates: job.covariates.clone(),
    }
}
