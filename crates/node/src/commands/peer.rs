//! `ligate peer`: whom a node knows and trusts.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use ligate_access::audit::Event;
use ligate_model::NodeName;
use serde_json::json;

use super::permit::public_key;

use crate::{
    cli::{Peer, PeerAdd},
    config,
    folder::Folder,
    output,
    session::{Question, client::Correspondent},
};

pub fn run(command: Peer, json: bool) -> Result<()> {
    match command {
        Peer::Add(args) => add(args),
        Peer::Set(args) => set(args),
        Peer::Remove { dir, name } => remove(&Folder::open(&dir)?, &name),
        Peer::Ping { dir, name } => ping(&Folder::open(&dir)?, name.as_ref(), json),
        Peer::AcceptRecovery(args) => super::recovery::accept(&args),
        Peer::List(args) => list(&Folder::open(&args.dir)?, json),
    }
}

fn add(args: PeerAdd) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let known = folder.config.peer(&args.name).cloned();
    let peer = changed(args, known)?;
    save(&folder, &peer)?;
    say!("{} knows {} now{}", folder.name(), peer.name, trust(&peer));
    Ok(())
}

fn set(args: PeerAdd) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    known(&folder, &args.name)?;
    add(args)
}

/// What is known of a peer, with what the steward says now.
fn changed(args: PeerAdd, known: Option<config::Peer>) -> Result<config::Peer> {
    let key = args.key.as_deref().map(public_key).transpose()?;
    let key = key.or(known.as_ref().map(|known| known.key));
    let key = key.with_context(|| {
        format!(
            "the key of {} is not known yet; give --key, the key or the file that holds it",
            args.name
        )
    })?;
    Ok(config::Peer {
        name: args.name,
        key,
        address: args
            .address
            .or(known.as_ref().and_then(|known| known.address.clone())),
        country: args
            .country
            .or(known.as_ref().and_then(|known| known.country.clone())),
        issuer: args
            .issuer
            .unwrap_or(known.as_ref().is_some_and(|known| known.issuer)),
        coordinator: args
            .coordinator
            .unwrap_or(known.is_some_and(|known| known.coordinator)),
    })
}

fn known<'a>(folder: &'a Folder, name: &NodeName) -> Result<&'a config::Peer> {
    folder.config.peer(name).with_context(|| {
        format!(
            "{} knows no peer {name}; `ligate peer list` shows whom it knows",
            folder.name()
        )
    })
}

fn remove(folder: &Folder, name: &NodeName) -> Result<()> {
    let peer = known(folder, name)?;
    let path = folder.settings();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = config::without_peer(&text, name)?;
    output::write_private(&path, |out| out.write_all(text.as_bytes()))?;
    folder.record(Event::PeerRemoved {
        name: name.clone(),
        key: peer.key,
    })?;
    say!(
        "{} does not know {name} any more: it is not let in, and its permits are not accepted",
        folder.name()
    );
    Ok(())
}

/// How long a peer may take to say that it is there.
const PING_DEADLINE: Duration = Duration::from_secs(5);

/// Asks peers for the heads that they hold: an answer shows that address and key are right on both
/// sides.
fn ping(folder: &Folder, name: Option<&NodeName>, json: bool) -> Result<()> {
    let asked: Vec<&config::Peer> = match name {
        Some(name) => vec![known(folder, name)?],
        None => folder.config.peers.iter().collect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    let mut missing = 0;
    for peer in asked {
        let start = Instant::now();
        let answer = Correspondent::new(folder, peer, &peer.name).and_then(|correspondent| {
            runtime.block_on(correspondent.ask(&Question::HeadsHeld, PING_DEADLINE))
        });
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        let problem = answer.err().map(|error| output::one_line(&error));
        missing += usize::from(problem.is_some());
        if !json {
            match &problem {
                None => say!("{}  answers, {milliseconds:.0} ms", peer.name),
                Some(problem) => say!("{}  {problem}", peer.name),
            }
        }
        let answers = problem.is_none();
        rows.push(json!({ "name": peer.name, "answers": answers, "milliseconds": milliseconds, "problem": problem }));
    }
    if json {
        output::print_json(&json!({ "version": 1, "peers": rows }))?;
    } else if rows.is_empty() {
        say!(
            "{} knows no peers; add one with `ligate peer add`",
            folder.name()
        );
    }
    ensure!(
        missing == 0,
        "{missing} of {} peers do not answer",
        rows.len()
    );
    Ok(())
}

/// Writes `peer` into ligate.toml and the audit log.
pub fn save(folder: &Folder, peer: &config::Peer) -> Result<()> {
    ensure!(
        peer.key != folder.identity.public() && peer.name != *folder.name(),
        "{} is this node itself; a peer is another organisation's node",
        peer.name
    );
    let path = folder.settings();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
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
        say!(
            "{} knows no peers; add one with `ligate peer add`",
            folder.name()
        );
    }
    Ok(())
}
