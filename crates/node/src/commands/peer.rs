//! `ligate peer`: whom a node knows and trusts.

use std::fs;

use anyhow::{Context, Result};
use ligate_access::audit::Event;
use serde_json::json;

use crate::{
    cli::{Peer, PeerAdd},
    config,
    folder::Folder,
    output,
};

pub fn run(command: Peer, json: bool) -> Result<()> {
    match command {
        Peer::Add(args) => add(args),
        Peer::AcceptRecovery(args) => super::recovery::accept(&args),
        Peer::List(args) => list(&Folder::open(&args.dir)?, json),
    }
}

fn add(args: PeerAdd) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let peer = config::Peer {
        name: args.name,
        key: args.key,
        address: args.address,
        country: args.country,
        issuer: args.issuer,
        coordinator: args.coordinator,
    };
    save(&folder, &peer)?;
    say!("{} knows {} now{}", folder.name(), peer.name, trust(&peer));
    Ok(())
}

/// Writes `peer` into ligate.toml and the audit log.
pub fn save(folder: &Folder, peer: &config::Peer) -> Result<()> {
    let path = folder.settings();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = config::with_peer(&text, peer)?;
    output::write_private(&path, |out| out.write_all(text.as_bytes()))?;
    folder.record(Event::PeerAdded {
        name: peer.name.clone(),
        key: peer.key,
        address: peer.address.clone(),
        issuer: peer.issuer,
        coordinator: peer.coordinator,
    })?;
    Ok(())
}

fn trust(peer: &config::Peer) -> &'static str {
    match (peer.issuer, peer.coordinator) {
        (true, true) => ", accepts its permits and lets it open sums",
        (true, false) => " and accepts its permits",
        (false, true) => " and lets it open sums",
        (false, false) => "",
    }
}

fn list(folder: &Folder, json: bool) -> Result<()> {
    let peers = &folder.config.peers;
    if json {
        let rows: Vec<_> = peers
            .iter()
            .map(|peer| {
                json!({
                    "name": peer.name, "key": peer.key, "address": peer.address, "country": peer.country,
                    "issuer": peer.issuer, "coordinator": peer.coordinator,
                })
            })
            .collect();
        return output::print_json(&rows);
    }
    for peer in peers {
        let address = peer.address.as_deref().unwrap_or("no address");
        say!("{}  {}  {}{}", peer.name, peer.key, address, trust(peer));
    }
    if peers.is_empty() {
        say!("{} knows no peers; add one with `ligate peer add`", folder.name());
    }
    Ok(())
}
