//! `ligate permit revoke`: an access body takes a permit back, and tells every peer that it can
//! reach.

use anyhow::{Context, Result};
use jiff::Timestamp;
use ligate_access::{permit::SignedPermit, revocation::Revocation};
use ligate_model::NodeName;
use serde_json::json;
use tokio::runtime::{Handle, Runtime};

use super::find_own;
use crate::{
    cli::PermitRevoke,
    folder::Folder,
    output,
    permits::{self, Issued},
    revocations,
};

pub fn run(args: &PermitRevoke, json: bool) -> Result<()> {
    let body = Folder::open(&args.dir)?;
    let issued = find_own(&body, &args.permit)?;
    let runtime = Runtime::new().context("cannot start to ask the peers")?;
    recover_own(&body, runtime.handle());
    let (sequence, told) = revoke(&body, &issued, &args.reason, runtime.handle())?;
    let id = &issued.permit.permit().id;
    if json {
        return output::print_json(&as_json(&issued.permit, sequence, &told));
    }
    say!(
        "permit {id} is revoked (list {sequence} of {})",
        body.name()
    );
    for (peer, answer) in &told {
        match answer {
            Ok(()) => say!("{peer} has the list"),
            Err(error) => say!("{peer} was not told: {}", output::one_line(error)),
        }
    }
    if told.iter().any(|(_, answer)| answer.is_err()) || told.len() < body.config.peers.len() {
        say!(
            "who was not told fetches the list from {} while `ligate serve` runs there, or from a peer",
            body.name()
        );
    }
    Ok(())
}

/// A body that was restored from an old copy of its folder first takes its own newest list back
/// from its peers: a list that forgets a revocation would be refused by everybody. Most often there
/// is nothing to take.
fn recover_own(body: &Folder, runtime: &Handle) {
    drop(revocations::refresh(body, body.identity.public(), runtime));
}

type Told = Vec<(NodeName, Result<()>)>;

fn revoke(body: &Folder, issued: &Issued, reason: &str, runtime: &Handle) -> Result<(u64, Told)> {
    let (id, permit) = (issued.permit.permit().id.clone(), issued.permit.hash());
    // Whole seconds, for people to read.
    let revoked = Timestamp::from_second(Timestamp::now().as_second())?;
    let list = revocations::revoke(
        body,
        Revocation {
            id,
            permit,
            revoked,
            reason: reason.to_owned(),
        },
    )?;
    let sequence = list.list().sequence;
    // A permit that came as a file may be older than the register.
    permits::keep(body, issued)?;
    let told = revocations::push(body, &list, runtime)?;
    Ok((sequence, told))
}

fn as_json(permit: &SignedPermit, sequence: u64, told: &Told) -> serde_json::Value {
    let peers: Vec<_> = told
        .iter()
        .map(|(peer, answer)| json!({ "name": peer, "told": answer.is_ok(), "reason": reason(answer) }))
        .collect();
    json!({ "permit": permit.permit().id, "hash": permit.hash(), "sequence": sequence, "peers": peers })
}

fn reason(answer: &Result<()>) -> Option<String> {
    answer.as_ref().err().map(output::one_line)
}
