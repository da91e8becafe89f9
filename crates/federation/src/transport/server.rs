//! The accept loop: TLS handshake, HTTP/1.1, and a handler that is told the peer's key. Refuses more connections
//! than its limit at a time, slow handshakes and headers, and bodies over the limit.

use std::{convert::Infallible, error::Error, future::Future, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Incoming},
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ligate_access::PublicKey;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{MAX_BODY_BYTES, peer_key};

/// The bounds of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    pub connections_max: usize,
    pub body_bytes_max: usize,
    pub handshake: Duration,
    /// For the head of a request, and between two requests.
    pub header: Duration,
    /// For answers under way when the server stops.
    pub drain: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            connections_max: 256,
            body_bytes_max: MAX_BODY_BYTES,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(60),
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
    let acceptor = TlsAcceptor::from(tls);
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < options.connections_max => match accepted {
                Ok((stream, _)) => {
                    let (acceptor, handler, stopped) = (acceptor.clone(), handler.clone(), stopped.clone());
                    connections.spawn(connection(stream, acceptor, options, handler, stopped));
                }
                // Out of file descriptors, mostly: wait for connections to end.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop(listener);
    drop(stop);
    // Each connection drains and ends by itself within the time that the options give.
    while connections.join_next().await.is_some() {}
}

async fn connection<H, F, B>(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    options: ServeOptions,
    handler: H,
    mut stopped: watch::Receiver<()>,
) where
    H: Fn(PublicKey, Request<Limited<Incoming>>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Without it small answers wait for acknowledgements; a socket that refuses is closed anyway.
    let _ = stream.set_nodelay(true);
    let handshake = timeout(options.handshake, acceptor.accept(stream));
    let handshake = tokio::select! {
        handshake = handshake => handshake,
        _ = stopped.changed() => return,
    };
    let Ok(Ok(stream)) = handshake else { return };
    let Some(peer) = peer_key(stream.get_ref().1) else { return };
    let service = service_fn(|request| answer(&handler, peer, request, options.body_bytes_max));
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
    request: Request<Incoming>,
    limit: usize,
) -> Result<Response<Either<Full<Bytes>, B>>, Infallible>
where
    H: Fn(PublicKey, Request<Limited<Incoming>>) -> F,
    F: Future<Output = Response<B>>,
{
    if request.body().size_hint().lower() > limit as u64 {
        return Ok(too_large(limit).map(Either::Left));
    }
    let request = request.map(|body| Limited::new(body, limit));
    Ok(handler(peer, request).await.map(Either::Right))
}

fn too_large(limit: usize) -> Response<Full<Bytes>> {
    text(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

/// Reads a request's whole body, or gives the answer that says why it cannot be.
pub async fn read_body(
    request: Request<Limited<Incoming>>,
) -> Result<(Parts, Bytes), Box<Response<Full<Bytes>>>> {
    let (parts, body) = request.into_parts();
    match body.collect().await {
        Ok(body) => Ok((parts, body.to_bytes())),
        Err(error) if error.is::<hyper::Error>() => {
            Err(Box::new(text(StatusCode::BAD_REQUEST, "the body was cut off".to_owned())))
        }
        Err(_) => {
            Err(Box::new(text(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than the limit".to_owned())))
        }
    }
}
