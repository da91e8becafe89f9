//! `ligate serve`: a node answers coordinators that its steward trusts, and peers who ask for tree
//! heads.

mod account;
mod admission;
mod claims;
mod counts;
mod guarded_journal;
mod known_runs;
mod node_export;
mod node_run;
mod participation;
mod products;
mod service;

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use ligate_access::PublicKey;
use ligate_access::audit::Event;
use ligate_federation::transport;
use ligate_listener::{Limits, Metrics, Port, Security, busy};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    books,
    folder::{Folder, LiveFolder},
    interrupt, matchmaking, revocations,
};
use service::NodeService;

/// Answers at `listen` until somebody stops the program.
pub fn run(folder: Folder, listen: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(folder, listen))
}

async fn serve(folder: Folder, listen: SocketAddr) -> Result<()> {
    books::check(&folder)?;
    books::check_peers(&folder).await?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen at {listen}"))?;
    let address = listener.local_addr()?;
    folder.record(Event::ServeStarted {
        address: address.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    say!("{address}");
    note!("{} serves at {address}; stop with Ctrl-C", folder.name());
    let metrics = Arc::new(Metrics::default());
    let nodes = nodes_port(&folder, &metrics)?;
    let others = [
        exchange(&folder, &metrics).await?,
        monitoring(&folder, &metrics).await?,
    ];
    let fresh = tokio::spawn(revocations::keep_fresh(folder.path().to_owned()));
    ligate_listener::serve(listener, nodes, interrupt::requested()).await;
    for other in others.into_iter().flatten() {
        other.await?;
    }
    fresh.await?;
    folder.record(Event::ServeStopped {})?;
    Ok(())
}

/// The port for peers and coordinators.
fn nodes_port(folder: &Folder, metrics: &Metrics) -> Result<Port> {
    let live = LiveFolder::new(folder);
    let followed = Arc::clone(&live);
    // Whoever is not pinned now is not let in.
    let known = move |key: &PublicKey| {
        tokio::task::block_in_place(|| followed.open().config.peer_by_key(key).is_some())
    };
    Ok(Port {
        security: Security::Keys {
            tls: transport::server_config(&folder.identity, Arc::new(known))?,
            key_of: transport::peer_key,
        },
        limits: Limits::default(),
        routes: service::routes(Arc::new(NodeService::open(live)?)),
        busy,
        metrics: metrics.port("nodes"),
    })
}

/// The Matchmaker Exchange's own port, where `[matchmaking]` names an address. It serves beside the
/// port for peers and has no way to it.
async fn exchange(folder: &Folder, metrics: &Metrics) -> Result<Option<JoinHandle<()>>> {
    let Some(settings) = folder.config.matchmaking.clone() else {
        return Ok(None);
    };
    let Some(listen) = settings.listen else {
        return Ok(None);
    };
    let port = matchmaking::port(Folder::open(folder.path())?, settings, metrics)?;
    serve_beside(listen, port, "matchmaking").await.map(Some)
}

/// Counts for a monitoring system, where `[serve]` names an address for them.
async fn monitoring(folder: &Folder, metrics: &Arc<Metrics>) -> Result<Option<JoinHandle<()>>> {
    let Some(listen) = folder.config.serve.metrics else {
        return Ok(None);
    };
    let port = Port {
        security: Security::Plain,
        limits: Limits {
            body_bytes_max: 0,
            ..Limits::default()
        },
        routes: Arc::clone(metrics).routes(),
        busy,
        metrics: metrics.port("metrics"),
    };
    serve_beside(listen, port, "metrics").await.map(Some)
}

async fn serve_beside(listen: SocketAddr, port: Port, what: &str) -> Result<JoinHandle<()>> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen at {listen}"))?;
    note!("{what} at {}", listener.local_addr()?);
    Ok(tokio::spawn(ligate_listener::serve(
        listener,
        port,
        interrupt::requested(),
    )))
}
