//! `ligate audit`: is the log whole, and what does it say.

use std::path::Path;

use anyhow::{Result, ensure};
use ligate_access::audit::{self, Verified};
use ligate_model::NodeName;
use serde_json::json;

use crate::{cli::Audit, folder::Folder, output, session};

pub fn run(command: Audit, json: bool) -> Result<()> {
    match command {
        Audit::Verify { dir, peers } => verify(&Folder::open(&dir)?, peers, json),
        Audit::Show(args) => show(&args.dir, json),
    }
}

fn verify(folder: &Folder, peers: bool, json: bool) -> Result<()> {
    let verified = audit::verify(&folder.audit(), folder.identity.public())?;
    let answers = if peers {
        compare_with_peers(folder, &verified)?
    } else {
        Vec::new()
    };
    if json {
        output::print_json(&json!({
            "entries": verified.head.size, "root": verified.head.root, "kept_heads": verified.peer_heads,
            "peers": answers.iter().map(PeerAnswer::as_json).collect::<Vec<_>>(),
        }))?;
    } else {
        say!(
            "{}: {} entries, whole and in order, root {}; {} heads of other nodes kept, all genuine",
            folder.name(),
            verified.head.size,
            verified.head.root.short(),
            verified.peer_heads,
        );
        answers.iter().for_each(|answer| say!("{}", answer.words()));
    }
    let cut = answers.iter().any(|answer| answer.consistent.is_err());
    let silent = answers.iter().filter(|answer| answer.held.is_err()).count();
    ensure!(
        !cut,
        "the log contradicts heads that peers hold: its end was cut or it was rewritten"
    );
    ensure!(
        silent == 0,
        "{silent} of {} peers could not be asked, so a cut end may go unseen",
        answers.len()
    );
    Ok(())
}

/// What one peer holds of this node's log.
pub struct PeerAnswer {
    pub peer: NodeName,
    /// How many heads, or why it could not be asked.
    pub held: Result<usize, String>,
    /// Whether the log continues all of them.
    pub consistent: Result<(), String>,
}

impl PeerAnswer {
    fn words(&self) -> String {
        match (&self.held, &self.consistent) {
            (Err(reason), _) => format!("{} could not be asked: {reason}", self.peer),
            (Ok(heads), Ok(())) => {
                format!(
                    "{} holds {heads} heads of this log, all consistent with it",
                    self.peer
                )
            }
            (Ok(_), Err(reason)) => format!("{} CONTRADICTS this log: {reason}", self.peer),
        }
    }

    fn as_json(&self) -> serde_json::Value {
        json!({ "peer": self.peer, "heads": self.held.as_ref().ok(), "unreachable": self.held.as_ref().err(),
                "contradiction": self.consistent.as_ref().err() })
    }
}

/// Asks every peer with an address for the heads of this node's log that it keeps, and whether the
/// log continues them: only so a cut end is found. A peer that cannot be asked does not keep the
/// others from being heard.
pub fn compare_with_peers(folder: &Folder, verified: &Verified) -> Result<Vec<PeerAnswer>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let peers: Vec<_> = folder
        .config
        .peers
        .iter()
        .filter(|peer| peer.address.is_some())
        .collect();
    ensure!(
        !peers.is_empty(),
        "no peer has an address; add one with `ligate peer add --address HOST:PORT`"
    );
    let answers = peers.into_iter().map(|peer| {
        let heads = runtime
            .block_on(session::client::heads_held(folder, peer))
            .map_err(|error| output::one_line(&error));
        let consistent = heads.as_ref().map_or(Ok(()), |heads| {
            verified.against(heads).map_err(|error| error.to_string())
        });
        PeerAnswer {
            peer: peer.name.clone(),
            held: heads.map(|heads| heads.len()),
            consistent,
        }
    });
    Ok(answers.collect())
}

fn show(dir: &Path, json: bool) -> Result<()> {
    let folder = Folder::open(dir)?;
    audit::entries(&folder.audit(), &mut |entry| {
        if json {
            // An entry that was read from JSON can be written as JSON.
            say!("{}", serde_json::to_string(&entry).unwrap_or_default());
            return;
        }
        let fields: Vec<_> = entry
            .fields
            .iter()
            .map(|(name, value)| format!("{name}={}", plain(value)))
            .collect();
        let time = entry.time.strftime("%F %T");
        say!(
            "{:>5}  {time}  {:<14} {}",
            entry.seq,
            entry.kind,
            fields.join("  ")
        );
    })?;
    Ok(())
}

/// A value without quotes; digests shortened to what tells them apart.
fn plain(value: &serde_json::Value) -> String {
    match value.as_str() {
        Some(text) if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            text[..12].to_owned()
        }
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}
