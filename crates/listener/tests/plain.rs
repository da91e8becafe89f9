//! A port without TLS over real sockets: bounds on connections, bodies and requests, and what is
//! counted of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::Request, response::IntoResponse, routing::post};
use ligate_listener::{Limits, Metrics, Port, Security, busy, read_body, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(20);

async fn start(limits: Limits, metrics: &Arc<Metrics>) -> SocketAddr {
    let echo = async |request: Request| match read_body(request).await {
        Ok((_, body)) => body.into_response(),
        Err(unread) => unread.into_response(),
    };
    let port = Port {
        security: Security::Plain,
        limits,
        routes: Router::new()
            .route("/echo", post(echo))
            .merge(Arc::clone(metrics).routes()),
        busy,
        metrics: metrics.port("test"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, port, std::future::pending()));
    address
}

/// Sends a request on a connection of its own; the whole answer.
async fn ask(address: SocketAddr, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_again() {
    let metrics = Arc::new(Metrics::default());
    let limits = Limits {
        requests_per_minute_max: 1,
        requests_at_once_max: 2,
        ..Limits::default()
    };
    let address = start(limits, &metrics).await;
    for _ in 0..2 {
        assert!(ask(address, "POST /echo", "abc").await.ends_with("abc"));
    }
    let refused = ask(address, "POST /echo", "abc").await;
    assert!(
        refused.starts_with("HTTP/1.1 429") && refused.contains("retry-after: 60"),
        "{refused}"
    );
    let counted = metrics.text();
    assert!(
        counted.contains("ligate_quota_refusals_total{port=\"test\"} 1\n"),
        "{counted}"
    );
    assert!(
        counted.contains("ligate_answers_total{port=\"test\",status=\"2xx\"} 2\n"),
        "{counted}"
    );
}

#[tokio::test]
async fn a_network_has_its_share_of_connections() {
    let metrics = Arc::new(Metrics::default());
    let limits = Limits {
        connections_per_network_max: 2,
        ..Limits::default()
    };
    let address = start(limits, &metrics).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The port has the connection once it answers.
        let request = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stream.read_exact(&mut [0; 12]).await.unwrap();
        held.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(DEADLINE, third.read_to_end(&mut answer))
        .await
        .expect("the third is closed");
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert!(
        metrics
            .text()
            .contains("ligate_connections_refused_total{port=\"test\"} 1\n")
    );
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_is_sent() {
    let metrics = Arc::new(Metrics::default());
    let limits = Limits {
        body_bytes_max: 10,
        ..Limits::default()
    };
    let address = start(limits, &metrics).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut answer = [0; 12];
    timeout(DEADLINE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // Not announced, but sent.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let chunked = b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n00b\r\nhello world\r\n0\r\n\r\n";
    stream.write_all(chunked).await.unwrap();
    timeout(DEADLINE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_monitoring_system_reads_the_counts() {
    let metrics = Arc::new(Metrics::default());
    let address = start(Limits::default(), &metrics).await;
    let page = ask(address, "GET /metrics", "").await;
    assert!(
        page.contains("content-type: text/plain; version=0.0.4\r\n"),
        "{page}"
    );
    assert!(
        page.contains("ligate_connections_open{port=\"test\"} 1\n"),
        "{page}"
    );
}
