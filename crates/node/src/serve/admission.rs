//! Whether somebody may ask at all: permit, its revocation, job, the steward's trust and veto, and
//! the coordinator's log. Every question is checked anew, because a steward or issuer may have
//! taken something back since the last.

use anyhow::{Context, Result};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::Head,
    job::SignedJob,
    permit::SignedPermit,
    policy::{self, Approval, NodeRules},
};
use ligate_model::DatasetId;

use crate::{books, folder::Folder, revocations};

pub fn approve(folder: &Folder, peer: PublicKey, permit: &str, job: &str) -> Result<Approval> {
    let permit = SignedPermit::read(permit)?;
    let job = SignedJob::read(job)?;
    Ok(policy::check(
        &permit,
        &job,
        &rules(folder, folder.datasets()?)?,
        peer,
        Timestamp::now(),
    )?)
}

pub fn rules(folder: &Folder, datasets: Vec<DatasetId>) -> Result<NodeRules> {
    Ok(NodeRules {
        node: folder.identity.public(),
        datasets,
        issuers: folder.config.issuers(),
        coordinators: folder.config.coordinators(),
        revocations: revocations::known(folder)?,
        veto: folder.config.veto.clone(),
    })
}

/// Permit, revocation, trust and veto as they are now: what a steward or the issuer withdraws
/// during a run ends it.
pub fn still_allowed(folder: &Folder, approval: &Approval) -> Result<()> {
    let config = folder.config_now()?;
    let rules = NodeRules {
        issuers: config.issuers(),
        coordinators: config.coordinators(),
        veto: config.veto,
        ..rules(folder, vec![approval.dataset().clone()])?
    };
    Ok(approval.recheck(&rules, approval.permit().coordinator.key, Timestamp::now())?)
}

pub fn keep_coordinators_head(folder: &Folder, peer: PublicKey, head: &Head) -> Result<()> {
    let known = folder
        .config
        .peer_by_key(&peer)
        .context("the coordinator is no peer of this node")?;
    folder
        .log()?
        .store_head(&known.name, peer, head, Timestamp::now())?;
    Ok(())
}

/// The coordinator asks in every run, so it is the peer that finds out a log that was put back
/// while the node serves.
pub fn compare_with_coordinator(folder: &Folder, peer: PublicKey, held: &[Head]) -> Result<()> {
    let known = folder
        .config
        .peer_by_key(&peer)
        .context("the coordinator is no peer of this node")?;
    books::check_heads(folder, &known.name, held)
}
