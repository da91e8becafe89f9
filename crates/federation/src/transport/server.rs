//! The accept loop: TLS handshake, HTTP/1.1, and a handler that is told the peer's key. Refuses more connections
//! than its limits at a time, slow handshakes, headers and bodies, and bodies over the limit.

use std::{convert::Infallible, error::Error, future::Future, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{Either, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ligate_access::PublicKey;
use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    MAX_BODY_BYTES,
    body::{Pace, text},
    entrance::{Arrival, Entrance},
};

/// The bounds of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// Connections of peers that proved their keys; while there are so many, no further handshake begins.
    pub connections_max: usize,
    /// Handshakes under way, besides those connections. The oldest gives way to the next.
    pub handshakes_max: usize,
    /// Of those, the handshakes with one IPv4 address or one /64 of IPv6.
    pub handshakes_per_network_max: usize,
    pub body_bytes_max: usize,
    pub handshake: Duration,
    /// For the head of a request, and between two requests.
    pub header: Duration,
    /// For a body, and longer by the time that the bytes which arrived take at the pace below: 9 minutes for the
    /// largest body unless told otherwise.
    pub body: Duration,
    pub body_bytes_per_second_min: u64,
    /// For answers under way when the server stops.
    pub drain: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            connections_max: 256,
            handshakes_max: 128,
            handshakes_per_network_max: 32,
            body_bytes_max: MAX_BODY_BYTES,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(60),
            body: Duration::from_secs(60),
            body_bytes_per_second_min: 128 << 10,
            drain: Duration::from_secs(5),
        }
    }
}

/// Serves until `shutdown` is ready, then lets answers under way finish. `tls` comes from
/// [`server_config`](super::server_config); without a key from a client the handler is not called.
pub async fn serve<H, F, B>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    options: ServeOptions,
    handler: H,
    shutdown: impl Future<Output = ()>,
) where
    H: Fn(PublicKey, Request<Limited<Incoming>>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut entrance = Entrance::new(TlsAcceptor::from(tls), options);
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            Some(arrival) = entrance.next() => {
                connections.spawn(connection(arrival, options, handler.clone(), stopped.clone()));
            }
            accepted = listener.accept(), if connections.len() < options.connections_max => match accepted {
                Ok((stream, address)) => entrance.admit(stream, address.ip()),
                // Out of file descriptors, mostly: wait for connections to end.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop(listener);
    drop(entrance);
    drop(stop);
    // Each connection drains and ends by itself within the time that the options give.
    while connections.join_next().await.is_some() {}
}

async fn connection<H, F, B>(
    (peer, stream): Arrival,
    options: ServeOptions,
    handler: H,
    mut stopped: watch::Receiver<()>,
) where
    H: Fn(PublicKey, Request<Limited<Incoming>>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let service = service_fn(|request| answer(&handler, peer, request, &options));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header)
            .serve_connection(TokioIo::new(stream), service)
    );
    // What goes wrong on a connection is the client's to notice: there is nobody here to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(options.drain, connection).await;
        }
    }
}

async fn answer<H, F, B>(
    handler: &H,
    peer: PublicKey,
    mut request: Request<Incoming>,
    options: &ServeOptions,
) -> Result<Response<Either<Full<Bytes>, B>>, Infallible>
where
    H: Fn(PublicKey, Request<Limited<Incoming>>) -> F,
    F: Future<Output = Response<B>>,
{
    let limit = options.body_bytes_max;
    if request.body().size_hint().lower() > limit as u64 {
        return Ok(too_large(limit).map(Either::Left));
    }
    request.extensions_mut().insert(Pace::from(options));
    let request = request.map(|body| Limited::new(body, limit));
    Ok(handler(peer, request).await.map(Either::Right))
}

fn too_large(limit: usize) -> Response<Full<Bytes>> {
    text(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}
