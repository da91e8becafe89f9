//! How lists of revoked permits travel: a node asks the issuer's node, and where that does not
//! answer all other peers whose address it has; an issuer hands a new list to its peers at once.
//! Every peer has a deadline of its own.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use ligate_access::{PublicKey, audit::Event, permit::SignedPermit, revocation::SignedRevocations};
use ligate_model::NodeName;
use tokio::{runtime::Handle, task::JoinSet};

use super::{is_due, name, take};
use crate::{
    config::{Peer, Revocation},
    folder::Folder,
    interrupt, output,
    session::{Answer, Question, client::Correspondent},
};

/// How long a peer may take to hand over or to take a list.
pub const LIST_DEADLINE: Duration = Duration::from_secs(10);

/// Fetches the lists of all trusted issuers for as long as the node serves. What cannot be fetched
/// shows when a permit is checked.
pub async fn keep_fresh(dir: PathBuf) {
    while !interrupt::is_requested() {
        let (dir, runtime) = (dir.clone(), Handle::current());
        let fetched = tokio::task::spawn_blocking(move || refresh_all(&dir, &runtime));
        let interval = fetched.await.unwrap_or(Revocation::default().fetch_seconds);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(interval)) => {}
            () = interrupt::requested() => {}
        }
    }
}

/// How many seconds later to do it again.
fn refresh_all(dir: &std::path::Path, runtime: &Handle) -> u64 {
    // Anew each time, so that `peer add` needs no restart.
    let Ok(folder) = Folder::open(dir) else {
        return Revocation::default().fetch_seconds;
    };
    for issuer in folder.config.issuers() {
        if let Err(error) = refresh(&folder, issuer, runtime) {
            note!("warning: {}", output::one_line(&error));
        }
    }
    folder.config.revocation.fetch_seconds
}

/// Fetches the list of the permit's issuer where the steward trusts it and the held list is older
/// than the interval.
pub fn refresh_where_due(folder: &Folder, permit: &SignedPermit, runtime: &Handle) -> Result<()> {
    let issuer = permit.permit().issuer.key;
    if folder.config.issuers().contains(&issuer) && is_due(folder, &issuer)? {
        refresh(folder, issuer, runtime)?;
    }
    Ok(())
}

/// Fetches the newest list of `issuer` and keeps it. An error says why nobody gave one.
pub fn refresh(folder: &Folder, issuer: PublicKey, runtime: &Handle) -> Result<()> {
    let peers = folder
        .config
        .peers
        .iter()
        .filter(|peer| peer.address.is_some());
    let (own, others): (Vec<_>, Vec<_>) = peers.partition(|peer| peer.key == issuer);
    let mut reasons = Vec::new();
    for asked in [own, others] {
        if take_from(folder, issuer, &asked, runtime, &mut reasons)? {
            return Ok(());
        }
    }
    let reasons = if reasons.is_empty() {
        "no peer has an address".to_owned()
    } else {
        reasons.join("; ")
    };
    bail!(
        "no list of the permits that {} revoked was fetched: {reasons}",
        name(folder, &issuer)
    )
}

/// Whether one of these peers gave a list that could be used.
fn take_from(
    folder: &Folder,
    issuer: PublicKey,
    asked: &[&Peer],
    runtime: &Handle,
    reasons: &mut Vec<String>,
) -> Result<bool> {
    let mut taken = false;
    for (peer, answer) in ask_all(folder, asked, &Question::Revocations { issuer }, runtime)? {
        let outcome = match answer {
            Ok(Answer::Revocations { list: Some(list) }) => take_and_record(folder, peer, &list),
            Ok(Answer::Revocations { list: None }) => {
                Err(anyhow::anyhow!("{} has none", peer.name))
            }
            Ok(_) => Err(anyhow::anyhow!("{} answered something else", peer.name)),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => taken = true,
            Err(error) => reasons.push(output::one_line(&error)),
        }
    }
    Ok(taken)
}

/// A list that is refused is noted with who handed it over.
fn take_and_record(folder: &Folder, peer: &Peer, list: &str) -> Result<()> {
    let taken = take(folder, list);
    if let Err(error) = &taken {
        let reason = output::one_line(error);
        note!("warning: from {}: {reason}", peer.name);
        folder.record(Event::Refusal {
            permit: None,
            job: None,
            peer: Some(peer.key),
            reason,
        })?;
    }
    taken
}

/// What became of handing a list to each peer that has an address.
pub fn push(
    folder: &Folder,
    list: &SignedRevocations,
    runtime: &Handle,
) -> Result<Vec<(NodeName, Result<()>)>> {
    let peers: Vec<_> = folder
        .config
        .peers
        .iter()
        .filter(|peer| peer.address.is_some())
        .collect();
    let question = Question::KeepRevocations {
        list: list.jws().to_owned(),
    };
    let told = ask_all(folder, &peers, &question, runtime)?;
    Ok(told
        .into_iter()
        .map(|(peer, answer)| (peer.name.clone(), answer.map(drop)))
        .collect())
}

/// The same question to all these peers at once; answers in their order. Ctrl-C ends the wait.
fn ask_all<'a>(
    folder: &Folder,
    peers: &[&'a Peer],
    question: &Question,
    runtime: &Handle,
) -> Result<Vec<(&'a Peer, Result<Answer>)>> {
    let mut running = JoinSet::new();
    for (place, peer) in peers.iter().enumerate() {
        let (correspondent, question) = (
            Correspondent::new(folder, peer, &peer.name),
            question.clone(),
        );
        let asked = async move { correspondent?.ask(&question, LIST_DEADLINE).await };
        running.spawn_on(async move { (place, asked.await) }, runtime);
    }
    let all = async {
        let mut answers = Vec::new();
        while let Some(done) = running.join_next().await {
            answers.push(done.context("a question to a peer failed")?);
        }
        anyhow::Ok(answers)
    };
    let mut answers = runtime.block_on(async {
        tokio::select! {
            answers = all => answers,
            () = interrupt::requested() => bail!("stopped"),
        }
    })?;
    answers.sort_by_key(|(place, _)| *place);
    Ok(peers
        .iter()
        .copied()
        .zip(answers.into_iter().map(|(_, answer)| answer))
        .collect())
}
