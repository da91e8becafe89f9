//! `ligate audit`: is the log whole, and what does it say.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ligate_access::audit::{self, Head, Verified};
use serde_json::json;

use crate::{cli::Audit, folder::Folder, output, session};

pub fn run(command: Audit, json: bool) -> Result<()> {
    match command {
        Audit::Verify { dir, peers } => verify(&Folder::open(&dir)?, peers, json),
        Audit::Show(args) => show(&args.dir, json),
    }
}

fn verify(folder: &Folder, peers: bool, json: bool) -> Result<()> {
    let (verified, held) = if peers { verify_with_peers(folder)? } else { (verify_alone(folder)?, Vec::new()) };
    let heads: usize = held.iter().map(|(_, heads)| heads).sum();
    if json {
        return output::print_json(&json!({
            "entries": verified.head.size, "root": verified.head.root, "kept_heads": verified.peer_heads,
            "peers_asked": held.len(), "heads_held_by_peers": heads,
        }));
    }
    println!(
        "{}: {} entries, whole and in order, root {}; {} heads of other nodes kept, all genuine",
        folder.name(),
        verified.head.size,
        verified.head.root.short(),
        verified.peer_heads,
    );
    for (peer, heads) in &held {
        println!("{peer} holds {heads} heads of this log, all consistent with it");
    }
    Ok(())
}

fn verify_alone(folder: &Folder) -> Result<Verified> {
    Ok(audit::verify(&folder.audit(), folder.identity.public())?)
}

/// Verifies the log, and that it continues every head that a peer holds of it: only so a cut end is found. Returns
/// how many heads each peer holds.
pub fn verify_with_peers(folder: &Folder) -> Result<(Verified, Vec<(String, usize)>)> {
    let verified = verify_alone(folder)?;
    let mut counts = Vec::new();
    for (peer, heads) in heads_held_by_peers(folder)? {
        verified.against(&heads).with_context(|| format!("compared with what {peer} holds"))?;
        counts.push((peer, heads.len()));
    }
    Ok((verified, counts))
}

/// Asks every peer with an address for the heads of this node's log that it keeps.
fn heads_held_by_peers(folder: &Folder) -> Result<Vec<(String, Vec<Head>)>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let peers: Vec<_> = folder.config.peers.iter().filter(|peer| peer.address.is_some()).collect();
    if peers.is_empty() {
        bail!("no peer has an address; add one with `ligate peer add --address HOST:PORT`");
    }
    let mut held = Vec::new();
    for peer in peers {
        let heads = runtime
            .block_on(session::client::heads_held(folder, peer))
            .with_context(|| format!("cannot ask {} for the heads it holds", peer.name))?;
        held.push((peer.name.to_string(), heads));
    }
    Ok(held)
}

fn show(dir: &Path, json: bool) -> Result<()> {
    let folder = Folder::open(dir)?;
    let mut failed = Ok(());
    audit::entries(&folder.audit(), &mut |entry| {
        if json {
            failed = std::mem::replace(&mut failed, Ok(())).and_then(|()| Ok(println!("{}", serde_json::to_string(&entry)?)));
            return;
        }
        let fields: Vec<_> = entry.fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        println!("{:>5}  {}  {:<14} {}", entry.seq, entry.time.strftime("%F %T"), entry.kind, fields.join("  "));
    })?;
    failed
}

/// A value without quotes; digests shortened to what tells them apart.
fn plain(value: &serde_json::Value) -> String {
    match value.as_str() {
        Some(text) if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => text[..12].to_owned(),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}
