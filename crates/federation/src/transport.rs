//! Mutual TLS 1.3 between nodes and coordinators, and the asking side of HTTP/1.1 on it. There are
//! no certificates: both sides show their Ed25519 identity keys as raw public keys (RFC 7250) and
//! each accepts the keys it was told, nothing else. Every answer, handshake and wait is bounded.
//! The answering side is a port of `ligate-listener`.

mod client;
mod link;
mod tls;

use std::{error::Error, io, time::Duration};

use ligate_access::PublicKey;
use rustls::AlertDescription;

pub use client::{Client, ClientOptions};
pub use link::HttpLink;
pub use tls::{client_config, peer_key, server_config};

/// The largest body of a request or an answer unless told otherwise: 64 MiB.
pub const MAX_BODY_BYTES: usize = 64 << 20;
/// Where a node takes the messages of runs.
pub const RUN_PATH: &str = "/federation/v1/run";

/// Why a peer could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("cannot connect to {address}")]
    Connect { address: String, source: io::Error },
    #[error("{address} has the key {found}, not {expected}: check the peer's key")]
    WrongKey {
        address: String,
        expected: PublicKey,
        found: PublicKey,
    },
    #[error("no secure connection to {address}")]
    Tls { address: String, source: io::Error },
    #[error("{address} did not answer within {} s", .after.as_secs_f64())]
    Late { address: String, after: Duration },
    /// The cause is for programs: its text is the library's, for whoever develops with it.
    #[error("{address} {}", how_broken(.cause))]
    Broken {
        address: String,
        cause: hyper::Error,
    },
    #[error("{address} answered {status}: {message}")]
    Status {
        address: String,
        status: u16,
        message: String,
    },
    #[error("the answer of {address} is larger than {limit} bytes")]
    TooLarge { address: String, limit: usize },
    #[error("the path {0} cannot be asked for")]
    Path(String),
    #[error("the identity key cannot be used for TLS")]
    Identity(#[source] rustls::Error),
}

fn how_broken(cause: &hyper::Error) -> &'static str {
    if cause.is_parse() {
        "answered something that is not HTTP"
    } else if key_refused(cause) {
        "does not let this node's key in"
    } else {
        "closed the connection"
    }
}

/// Whether a TLS alert says that it was the key. A peer need not say so: it may close the
/// connection before the alert is read.
fn key_refused(cause: &hyper::Error) -> bool {
    use AlertDescription as Alert;
    let io = cause
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    let tls = io
        .and_then(io::Error::get_ref)
        .and_then(|inner| inner.downcast_ref());
    matches!(
        tls,
        Some(rustls::Error::AlertReceived(
            Alert::AccessDenied
                | Alert::BadCertificate
                | Alert::CertificateRequired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
        ))
    )
}
