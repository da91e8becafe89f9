//! A port: the loop that accepts connections, and the path of a request from the socket to its
//! router.

use std::{
    collections::HashMap, convert::Infallible, future::Future, net::IpAddr, pin::pin, sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use http_body_util::Limited;
use hyper::{
    Request,
    body::{Body as _, Incoming},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use ligate_access::PublicKey;
use rustls::{CommonState, ServerConfig};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    Client, Limits,
    body::Announced,
    entrance::{Arrival, Entrance},
    metrics::PortMetrics,
    quota::Quota,
};

/// What protects the connections of a port.
#[derive(Clone)]
pub enum Security {
    /// Nothing: for a proxy or a monitoring system on the same machine.
    Plain,
    /// TLS with a certificate; whoever asks shows who they are in the request.
    Certificate(Arc<ServerConfig>),
    /// Mutual TLS with raw public keys. Without a key from the client no request is heard.
    Keys {
        tls: Arc<ServerConfig>,
        /// The key that the other side of a finished handshake proved.
        key_of: fn(&CommonState) -> Option<PublicKey>,
    },
}

/// One port of a node, and the face behind it.
pub struct Port {
    pub security: Security,
    pub limits: Limits,
    pub routes: Router,
    /// What a client over its quota is told, in the form of the face.
    pub busy: fn() -> Response,
    pub metrics: Arc<PortMetrics>,
}

/// Serves until `shutdown` is ready, then lets answers under way finish.
pub async fn serve(listener: TcpListener, port: Port, shutdown: impl Future<Output = ()>) {
    let Port {
        security,
        limits,
        routes,
        busy,
        metrics,
    } = port;
    let mut entrance = Entrance::new(security, limits, Arc::clone(&metrics));
    let quota = Quota::new(&limits);
    let face = Arc::new(ServedPort {
        routes,
        busy,
        limits,
        quota,
        metrics,
    });
    let (stop, stopped) = watch::channel(());
    let mut connections = Connections::default();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(()) = connections.next_end() => {}
            Some(arrival) = entrance.next() => {
                let network = arrival.client.network;
                if connections.of(network) >= limits.connections_per_network_max {
                    face.metrics.count_refused();
                } else {
                    connections.add(network, connection(arrival, Arc::clone(&face), stopped.clone()));
                }
            }
            accepted = listener.accept(), if connections.count() < limits.connections_max => match accepted {
                Ok((stream, address)) => entrance.admit(stream, address.ip()),
                // Out of file descriptors, mostly: wait for connections to end.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop(listener);
    drop(entrance);
    drop(stop);
    // Each connection drains and ends by itself within the time that the limits give.
    while connections.next_end().await.is_some() {}
}

/// Open connections, and how many each network has.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    networks: HashMap<tokio::task::Id, IpAddr>,
}

impl Connections {
    fn count(&self) -> usize {
        self.tasks.len()
    }

    fn of(&self, network: IpAddr) -> usize {
        self.networks
            .values()
            .filter(|other| **other == network)
            .count()
    }

    fn add(&mut self, network: IpAddr, connection: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(connection);
        self.networks.insert(task.id(), network);
    }

    /// Waits for a connection to end; `None` when there is none.
    async fn next_end(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.networks.remove(&id);
        Some(())
    }
}

/// What every connection of a port shares.
struct ServedPort {
    routes: Router,
    busy: fn() -> Response,
    limits: Limits,
    quota: Quota,
    metrics: Arc<PortMetrics>,
}

async fn connection(arrival: Arrival, face: Arc<ServedPort>, mut stopped: watch::Receiver<()>) {
    let _open = face.metrics.open();
    let Arrival { client, stream } = arrival;
    let service = service_fn(|request| face.answer(client, request));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(face.limits.header)
            .serve_connection(TokioIo::new(stream), service)
    );
    // What goes wrong on a connection is the client's to notice: there is nobody here to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(face.limits.drain, connection).await;
        }
    }
}

impl ServedPort {
    async fn answer(
        &self,
        client: Client,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let start = Instant::now();
        let response = match self.quota.take(&client) {
            Ok(()) => self.route(client, request).await?,
            Err(wait) => {
                self.metrics.count_over_quota();
                self.too_often(wait)
            }
        };
        self.metrics
            .count_answer(response.status().as_u16(), start.elapsed());
        Ok(response)
    }

    async fn route(
        &self,
        client: Client,
        mut request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        request.extensions_mut().insert(client);
        let announced = Announced::new(&self.limits, request.body().size_hint().lower());
        request.extensions_mut().insert(announced);
        let request = request.map(|body| Limited::new(body, self.limits.body_bytes_max));
        TowerToHyperService::new(self.routes.clone())
            .call(request)
            .await
    }

    fn too_often(&self, wait: Duration) -> Response {
        let mut response = (self.busy)();
        // The whole seconds after which there is a token.
        let seconds = wait.as_secs_f64().ceil() as u64;
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}

/// What is told in plain text to a client that asks too often.
pub fn busy() -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        "too many requests; try again later",
    )
        .into_response()
}
