//! Mutual TLS on loopback: who gets in, who is turned away, and what is too large.

mod cluster;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use cluster::{CONTEXT, identities, members, name, read, rng, signed};
use ligate_access::{Identity, PublicKey};
use ligate_federation::{
    Answer, Handled, Link, LinkError, MemoryJournal, Participant, Roster, RoundMessage,
    RoundOptions, ToNode, ToRound, secure_sum,
    transport::{
        Client, ClientOptions, HttpLink, RUN_PATH, TransportError, client_config, peer_key,
        server_config,
    },
};
use ligate_listener::{Limits, Metrics, Port, Security, busy, read_body, serve};
use ligate_model::Digest;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName, version::TLS13};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const DEADLINE: Duration = Duration::from_secs(20);
const LIMIT: usize = 1000;

fn identity(seed: u64) -> Identity {
    Identity::generate(&mut rng(seed))
}

/// A server on a free port of loopback, stopped when dropped or told to.
struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers with the peer's key and the body.
    async fn echo(identity: &Identity, allowed: PublicKey, limits: Limits) -> Self {
        let tls = server_config(identity, Arc::new(move |key| *key == allowed)).unwrap();
        Self::start(tls, limits, Router::new().route("/x", post(echo))).await
    }

    async fn start(tls: Arc<rustls::ServerConfig>, limits: Limits, routes: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_at(listener, tls, limits, routes)
    }

    fn start_at(
        listener: TcpListener,
        tls: Arc<rustls::ServerConfig>,
        limits: Limits,
        routes: Router,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let security = Security::Keys {
            tls,
            key_of: peer_key,
        };
        let metrics = Metrics::default().port("test");
        let port = Port {
            security,
            limits,
            routes,
            busy,
            metrics,
        };
        let task = tokio::spawn(serve(listener, port, async { drop(stopped.await) }));
        Self {
            address,
            stop: Some(stop),
            task,
        }
    }

    async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap();
    }

    fn client(&self, identity: &Identity, expected: PublicKey) -> Client {
        let tls = client_config(identity, expected).unwrap();
        Client::new(self.address.to_string(), tls, ClientOptions::default())
    }
}

async fn echo(Extension(client): Extension<ligate_listener::Client>, request: Request) -> Response {
    let peer = client.key.unwrap().to_string();
    match read_body(request).await {
        Ok((_, body)) => [peer.as_bytes(), &body].concat().into_response(),
        Err(unread) => unread.into_response(),
    }
}

/// Says the same to everybody.
fn says(word: &'static str) -> Router {
    Router::new().route("/x", post(move || async move { word }))
}

fn small() -> Limits {
    Limits {
        body_bytes_max: LIMIT,
        ..Limits::default()
    }
}

#[tokio::test]
async fn two_that_know_each_other_talk() {
    let (node, coordinator) = (identity(1), identity(2));
    let server = Server::echo(&node, coordinator.public(), small()).await;
    let client = server.client(&coordinator, node.public());
    for body in ["one", "two"] {
        let answer = client
            .post("/x", body.as_bytes().to_vec(), LIMIT, DEADLINE)
            .await
            .unwrap();
        assert_eq!(answer, format!("{}{body}", coordinator.public()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_with_another_key_is_refused_and_named() {
    let (node, coordinator, expected) = (identity(1), identity(2), identity(3).public());
    let server = Server::echo(&node, coordinator.public(), small()).await;
    let error = server
        .client(&coordinator, expected)
        .post("/x", vec![1], LIMIT, DEADLINE)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TransportError::WrongKey { found, expected: e, .. } if *found == node.public() && *e == expected),
        "{error}"
    );
}

#[tokio::test]
async fn a_client_with_another_key_is_refused() {
    let (node, coordinator, stranger) = (identity(1), identity(2), identity(3));
    let server = Server::echo(&node, coordinator.public(), small()).await;
    let error = server
        .client(&stranger, node.public())
        .post("/x", vec![1], LIMIT, DEADLINE)
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Broken { .. }), "{error}");
    // The first, unless the connection was gone before the reason was read.
    let said = ["does not let this node's key in", "closed the connection"];
    assert!(
        said.iter().any(|said| error.to_string().ends_with(said)),
        "{error}"
    );
}

/// Sends a request over a TLS configuration of the test's own; what came back, if anything.
async fn raw(address: SocketAddr, config: ClientConfig) -> std::io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    ask(&mut stream, 0, b"").await
}

/// Sends the head of a request with a body of this length and the beginning of the body; the
/// beginning of the answer.
async fn ask(
    stream: &mut TlsStream<TcpStream>,
    length: usize,
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let head = format!("POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_client_without_a_key_is_refused() {
    let (node, coordinator) = (identity(1), identity(2));
    let server = Server::echo(&node, coordinator.public(), small()).await;
    // The same configuration with a key gets in, so it is the missing key that is refused.
    let with_key = (*client_config(&coordinator, node.public()).unwrap()).clone();
    assert_eq!(
        raw(server.address, with_key.clone()).await.unwrap(),
        b"HTTP/1.1 200"
    );
    let mut without = with_key;
    without.client_auth_cert_resolver = Arc::new(NoKey);
    raw(server.address, without).await.unwrap_err();
}

#[derive(Debug)]
struct NoKey;

impl rustls::client::ResolvesClientCert for NoKey {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn clients_with_certificates_or_without_tls_are_refused() {
    let (node, coordinator) = (identity(1), identity(2));
    let server = Server::echo(&node, coordinator.public(), small()).await;
    let ordinary = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    raw(server.address, ordinary).await.unwrap_err();
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "an answer without TLS");
}

#[tokio::test]
async fn a_key_taken_off_the_list_is_out_at_the_next_connection() {
    let (node, coordinator) = (identity(1), identity(2));
    let open = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let allowed = Arc::clone(&open);
    let tls = server_config(
        &node,
        Arc::new(move |_| allowed.load(std::sync::atomic::Ordering::Relaxed)),
    )
    .unwrap();
    let server = Server::start(tls, small(), says("in")).await;
    let tls = client_config(&coordinator, node.public()).unwrap();
    let client = || {
        Client::new(
            server.address.to_string(),
            Arc::clone(&tls),
            ClientOptions::default(),
        )
    };
    assert_eq!(
        client().post("/x", vec![], LIMIT, DEADLINE).await.unwrap(),
        "in"
    );
    open.store(false, std::sync::atomic::Ordering::Relaxed);
    client()
        .post("/x", vec![], LIMIT, DEADLINE)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_both_ways() {
    let (node, coordinator) = (identity(1), identity(2));
    let server = Server::echo(&node, coordinator.public(), small()).await;
    let client = server.client(&coordinator, node.public());
    let fits = LIMIT + coordinator.public().to_string().len();
    assert_eq!(
        client
            .post("/x", vec![7; LIMIT], fits, DEADLINE)
            .await
            .unwrap()
            .len(),
        fits
    );
    let error = client
        .post("/x", vec![7; LIMIT + 1], fits, DEADLINE)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::Status { status: 413, .. }),
        "{error}"
    );
    let error = client
        .post("/x", vec![7; 100], 99, DEADLINE)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::TooLarge { limit: 99, .. }),
        "{error}"
    );
    // The client is good for more after each of these.
    client
        .post("/x", vec![7; 10], LIMIT, DEADLINE)
        .await
        .unwrap();
}

#[tokio::test]
async fn nobody_there_and_no_answer() {
    let (node, coordinator) = (identity(1), identity(2));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = client_config(&coordinator, node.public()).unwrap();
    let client = Client::new(address.to_string(), tls, ClientOptions::default());
    // Accepted by the system, answered by nobody.
    let error = client
        .post("/x", vec![1], LIMIT, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Late { .. }), "{error}");
    drop(listener);
    let error = client
        .post("/x", vec![1], LIMIT, DEADLINE)
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_its_turn() {
    let (node, coordinator) = (identity(1), identity(2));
    let limits = Limits {
        connections_max: 1,
        ..small()
    };
    let server = Server::echo(&node, coordinator.public(), limits).await;
    let (first, second) = (
        server.client(&coordinator, node.public()),
        server.client(&coordinator, node.public()),
    );
    first.post("/x", vec![1], LIMIT, DEADLINE).await.unwrap();
    let error = second
        .post("/x", vec![1], LIMIT, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Late { .. }), "{error}");
    drop(first);
    second.post("/x", vec![1], LIMIT, DEADLINE).await.unwrap();
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_off() {
    let (node, coordinator) = (identity(1), identity(2));
    let short = Duration::from_millis(20);
    let mut answer = Vec::new();
    let limits = Limits {
        handshake: short,
        ..small()
    };
    let server = Server::echo(&node, coordinator.public(), limits).await;
    // Each read ends because the server closes the connection.
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let _ = silent.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    let server = Server::echo(
        &node,
        coordinator.public(),
        Limits {
            header: short,
            ..small()
        },
    )
    .await;
    let tls = TlsConnector::from(client_config(&coordinator, node.public()).unwrap());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut slow = tls
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap();
    slow.write_all(b"POST /x HTTP/1.1\r\n").await.unwrap();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

/// Waits until the server has closed the connection.
async fn cut_off(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    let end = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
    let _ = end.expect("the server still holds the connection");
}

#[tokio::test]
async fn silent_connections_keep_no_peer_out() {
    let (node, coordinator) = (identity(1), identity(2));
    let hour = Duration::from_secs(3600);
    let limits = Limits {
        connections_max: 2,
        handshakes_max: 4,
        handshake: hour,
        ..small()
    };
    let server = Server::echo(&node, coordinator.public(), limits).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let client = server.client(&coordinator, node.public());
    client.post("/x", vec![1], LIMIT, DEADLINE).await.unwrap();
    // The oldest of them were cut off: their reads end.
    for stream in &mut silent[..16] {
        cut_off(stream).await;
    }
    server.stop().await;
}

/// 127.0.0.2 is this machine as well on Linux, and another network to a server.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_network_does_not_cut_off_the_handshakes_of_another() {
    let (node, coordinator) = (identity(1), identity(2));
    let hour = Duration::from_secs(3600);
    let limits = Limits {
        handshakes_max: 4,
        handshakes_per_network_max: 2,
        handshake: hour,
        ..small()
    };
    let server = Server::echo(&node, coordinator.public(), limits).await;
    let elsewhere = tokio::net::TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let slow = elsewhere.connect(server.address).await.unwrap();
    let mut flood = Vec::new();
    for _ in 0..20 {
        flood.push(TcpStream::connect(server.address).await.unwrap());
    }
    for stream in &mut flood[..18] {
        cut_off(stream).await;
    }
    let tls = TlsConnector::from(client_config(&coordinator, node.public()).unwrap());
    let mut stream = tls
        .connect(ServerName::try_from("localhost").unwrap(), slow)
        .await
        .unwrap();
    assert_eq!(ask(&mut stream, 0, b"").await.unwrap(), b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let (node, coordinator) = (identity(1), identity(2));
    let limits = Limits {
        body: Duration::from_millis(20),
        body_bytes_per_second_min: 1_000_000,
        ..small()
    };
    let server = Server::echo(&node, coordinator.public(), limits).await;
    let tls = TlsConnector::from(client_config(&coordinator, node.public()).unwrap());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = tls
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap();
    assert_eq!(
        ask(&mut stream, 100, b"ten bytes.").await.unwrap(),
        b"HTTP/1.1 408"
    );
}

/// A server that lets the peer in and goes away: people are told that, in Ligate's words.
#[tokio::test]
async fn a_peer_that_dies_is_said_to_have_closed_the_connection() {
    let (node, coordinator) = (identity(1), identity(2));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tokio_rustls::TlsAcceptor::from(server_config(&node, Arc::new(|_| true)).unwrap());
    let dying = tokio::spawn(async move {
        loop {
            let mut stream = tls
                .accept(listener.accept().await.unwrap().0)
                .await
                .unwrap();
            let _ = stream.read(&mut [0; 100]).await;
        }
    });
    let tls = client_config(&coordinator, node.public()).unwrap();
    let link = HttpLink::new(
        name(0),
        Client::new(address.to_string(), tls, ClientOptions::default()),
    );
    let ask = RoundMessage::Begin {
        ask: b"ask".as_slice().into(),
        words: 1,
    };
    let message = ToRound {
        roster: Digest::of("roster", &[]),
        round: 0,
        message: ask,
    };
    let error = link
        .call(ToNode::Round(message), DEADLINE)
        .await
        .err()
        .unwrap();
    assert_eq!(
        error,
        LinkError::Unreachable(format!("{address} closed the connection"))
    );
    dying.abort();
}

#[tokio::test]
async fn a_client_reconnects_when_its_server_comes_back() {
    let (node, coordinator) = (identity(1), identity(2));
    let server = Server::echo(&node, coordinator.public(), small()).await;
    let client = server.client(&coordinator, node.public());
    client.post("/x", vec![1], LIMIT, DEADLINE).await.unwrap();
    let address = server.address;
    server.stop().await;
    let tls = server_config(&node, Arc::new(|_| true)).unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    let server = Server::start_at(listener, tls, small(), says("back"));
    assert_eq!(
        client.post("/x", vec![1], LIMIT, DEADLINE).await.unwrap(),
        "back"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_secure_sum_over_tls() {
    let coordinator = identity(50);
    let identities = identities(3);
    let roster = signed(
        Roster::new(CONTEXT, members(&identities)).unwrap(),
        &identities,
    );
    let mut links = Vec::new();
    let mut servers = Vec::new();
    for (node, own) in identities.iter().enumerate() {
        let participant = Participant::new(
            Arc::clone(own),
            roster.clone(),
            Arc::new(MemoryJournal::new()),
        )
        .unwrap();
        let participant = Arc::new(std::sync::Mutex::new(participant));
        let peer = coordinator.public();
        let tls = server_config(own, Arc::new(move |key| *key == peer)).unwrap();
        let handler = move |request: Request| {
            let participant = Arc::clone(&participant);
            async move {
                let (_, body) = read_body(request).await.unwrap();
                answer(&mut participant.lock().unwrap(), node, &body)
            }
        };
        let routes = Router::new().route(RUN_PATH, post(handler));
        let server = Server::start(tls, Limits::default(), routes).await;
        links.push(HttpLink::new(
            name(node),
            server.client(&coordinator, own.public()),
        ));
        servers.push(server);
    }
    let options = RoundOptions {
        deadline: DEADLINE,
        roster_final: false,
    };
    let opened = secure_sum(&links, &roster, 0, b"ask".to_vec(), 1000, options)
        .await
        .unwrap();
    assert_eq!(read(opened.sum), vec![6; 1000]);
    // The wrong peer behind an address is a node that cannot be reached, and the reason names its
    // key.
    let wrong = HttpLink::new(
        name(0),
        servers[1].client(&coordinator, identities[0].public()),
    );
    let message = ToNode::SignedRoster(roster);
    let error = wrong.call(message, DEADLINE).await.err().unwrap();
    let key = identities[1].public().to_string();
    assert!(
        matches!(&error, LinkError::Unreachable(why) if why.contains(&key)),
        "{error}"
    );
}

fn answer(participant: &mut Participant, node: usize, body: &Bytes) -> Bytes {
    let Ok(ToNode::Round(message)) = ToNode::decode(body) else {
        panic!("a message of a round")
    };
    let answer = match participant.handle(message, &mut rng(node as u64)) {
        Ok(Handled::Answer(answer)) => answer,
        Ok(Handled::WantsVector { words }) => participant
            .contribute(vec![node as u64 + 1; words])
            .unwrap(),
        Err(refusal) => Answer::refused(&refusal),
    };
    answer.bytes()
}
