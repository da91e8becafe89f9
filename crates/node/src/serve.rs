//! `ligate serve`: a node answers coordinators that its steward trusts, and peers who ask for tree heads.

mod account;
mod admission;
pub mod changed_calls;
mod claims;
mod counts;
mod desk;
mod guarded_journal;
mod known_runs;
mod node_export;
mod node_run;
mod products;
mod seat;

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use ligate_access::audit::Event;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{books, cli, folder::Folder, interrupt, matchmaking::Exchange, revocations};
pub use admission::thresholds;
use desk::Desk;
pub use node_run::job_event;

pub fn run(args: &cli::Serve) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let _claim = folder.claim("serve")?;
    let listen = args.listen.unwrap_or(folder.config.serve.listen);
    if args.stop_with_stdin {
        std::thread::spawn(|| {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            interrupt::request();
        });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(folder, listen))
}

async fn serve(folder: Folder, listen: SocketAddr) -> Result<()> {
    books::check(&folder)?;
    books::check_peers(&folder).await?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen at {listen}"))?;
    let address = listener.local_addr()?;
    folder.record(Event::ServeStarted {
        address: address.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    say!("{address}");
    note!("{} serves at {address}; stop with Ctrl-C", folder.name());
    let desk = Arc::new(Desk::open(&folder)?);
    let exchange = exchange(&folder).await?;
    let fresh = tokio::spawn(revocations::keep_fresh(folder.path().to_owned()));
    desk::answer_until(listener, desk, interrupt::requested()).await?;
    if let Some(exchange) = exchange {
        exchange.await?;
    }
    fresh.await?;
    folder.record(Event::ServeStopped {})?;
    Ok(())
}

/// The Matchmaker Exchange's own listener, where `[matchmaking]` names an address. It serves beside the desk and has no
/// way to it.
async fn exchange(folder: &Folder) -> Result<Option<JoinHandle<()>>> {
    let Some(settings) = folder.config.matchmaking.clone() else { return Ok(None) };
    let Some(listen) = settings.listen else { return Ok(None) };
    let exchange = Exchange::open(Folder::open(folder.path())?, settings)?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen at {listen}"))?;
    note!("matchmaking at {}", listener.local_addr()?);
    Ok(Some(tokio::spawn(exchange.serve(listener, interrupt::requested()))))
}
