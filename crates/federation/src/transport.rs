//! Mutual TLS 1.3 between nodes and coordinators, and HTTP/1.1 on it. There are no certificates: both sides show
//! their Ed25519 identity keys as raw public keys (RFC 7250) and each accepts the keys it was told, nothing else.
//! Every body, header, handshake and wait is bounded.

mod client;
mod link;
mod server;
mod tls;

use std::{io, time::Duration};

use ligate_access::PublicKey;

pub use client::{Client, ClientOptions};
pub use link::HttpLink;
pub use server::{ServeOptions, read_body, serve};
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
    WrongKey { address: String, expected: PublicKey, found: PublicKey },
    #[error("no secure connection to {address}")]
    Tls { address: String, source: io::Error },
    #[error("{address} did not answer within {} s", .after.as_secs_f64())]
    Late { address: String, after: Duration },
    #[error("the connection to {address} broke")]
    Broken { address: String, source: hyper::Error },
    #[error("{address} answered {status}: {message}")]
    Status { address: String, status: u16, message: String },
    #[error("the answer of {address} is larger than {limit} bytes")]
    TooLarge { address: String, limit: usize },
    #[error("the path {0} cannot be asked for")]
    Path(String),
    #[error("the identity key cannot be used for TLS")]
    Identity(#[source] rustls::Error),
}
