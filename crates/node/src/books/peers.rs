//! What peers hold against this node's log: heads that it signed. A log that was put back from a
//! copy ends before one of them, or goes on otherwise.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use ligate_access::audit::{Entry, HELD_MAX, Head, RecoveryProof, heads_of};
use ligate_model::NodeName;
use tokio::task::JoinSet;

use super::{lost_heads, mark};
use crate::{
    config::Peer,
    folder::Folder,
    output,
    session::{Answer, Question, client::Correspondent},
};

/// How long a peer may take before the node starts without its answer.
const PEER_DEADLINE: Duration = Duration::from_secs(5);

/// What one peer answered.
pub struct PeerWord {
    pub peer: NodeName,
    pub answer: Result<Answer>,
}

/// The same question to all pinned peers with an address, or to the coordinators among them.
pub async fn ask(
    folder: &Folder,
    question: &Question,
    coordinators_only: bool,
) -> Result<Vec<PeerWord>> {
    let asked = |peer: &&Peer| peer.address.is_some() && (peer.coordinator || !coordinators_only);
    let mut running = JoinSet::new();
    for peer in folder.config.peers.iter().filter(asked) {
        let (correspondent, question) = (
            Correspondent::new(folder, peer, &peer.name),
            question.clone(),
        );
        let peer = peer.name.clone();
        running.spawn(async move {
            let answer = async { correspondent?.ask(&question, PEER_DEADLINE).await }.await;
            PeerWord { peer, answer }
        });
    }
    let mut words = Vec::new();
    while let Some(word) = running.join_next().await {
        words.push(word.context("a question to a peer failed")?);
    }
    words.sort_by(|one, other| one.peer.cmp(&other.peer));
    Ok(words)
}

/// The heads of an answer to [`Question::HeadsHeld`].
pub fn heads(word: &PeerWord) -> Result<&[Head], String> {
    match &word.answer {
        Ok(Answer::Heads { heads }) => Ok(heads),
        Ok(_) => Err("it answered something else".to_owned()),
        Err(error) => Err(output::one_line(error)),
    }
}

/// How a peer was recovered, by the proven entries of its own log, which must name or continue
/// every head that is held of it here.
pub fn recovery_of(folder: &Folder, peer: &Peer) -> Result<(RecoveryProof, Vec<Entry>)> {
    let mut held = heads_of(&folder.audit(), &peer.name)?;
    held.sort_by_key(|head| std::cmp::Reverse(head.size));
    held.truncate(HELD_MAX);
    let held_sizes = held.iter().map(|head| head.size).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let correspondent = Correspondent::new(folder, peer, &peer.name)?;
    let question = Question::Recoveries { held_sizes };
    let answer = runtime.block_on(correspondent.ask(&question, PEER_DEADLINE)).with_context(|| {
        format!(
            "{} must show the entry of its recovery and cannot be asked; start it, or use --unseen if it never serves",
            peer.name
        )
    })?;
    let Answer::Recoveries { proof } = answer else {
        bail!("{} answered something else", peer.name)
    };
    let refused = || format!("{} is not taken back", peer.name);
    let entries = proof.verify(peer.key, &held).with_context(refused)?;
    Ok((proof, entries))
}

/// Compares the log with what peers hold, before the node serves or coordinates. A peer that does
/// not answer is noted; one that holds a head which the log does not continue keeps this node from
/// serving, now and later.
pub async fn check_peers(folder: &Folder) -> Result<()> {
    for word in ask(folder, &Question::HeadsHeld, false).await? {
        match heads(&word) {
            Ok(heads) => check_heads(folder, &word.peer, heads)?,
            Err(reason) => note!(
                "warning: {} did not say which heads it holds: {reason}",
                word.peer
            ),
        }
    }
    Ok(())
}

/// Refuses to go on where the log does not continue a head that `peer` holds. It is this node's own
/// signature, so nobody can make it up.
pub fn check_heads(folder: &Folder, peer: &NodeName, heads: &[Head]) -> Result<()> {
    let Some(lost) = lost_heads(folder, heads)?
        .into_iter()
        .max_by_key(|head| head.size)
    else {
        return Ok(());
    };
    let reason = format!(
        "the audit log ends before, or contradicts, the head of {} entries that {peer} holds: this node was put back \
         from a copy",
        lost.size
    );
    mark(folder.path(), &reason, None)?;
    bail!(
        "{reason}; it answers nobody before `ligate recover --dir {}`",
        folder.path().display()
    )
}
