//! The one way into a node over the network. Every face of a node is an axum router behind a
//! [`Port`]; what a port is protected by is written here, once: the handshake, the bounds on
//! connections, headers and bodies, what each client may ask for in a minute, the end in good
//! order, and the counts of all that.
//!
//! A port is one of three ([`Security`]): mutual TLS with raw public keys between nodes, TLS with a
//! certificate for the web, or plain HTTP behind a proxy on the same machine. A handler reads who
//! asks from the request's [`Client`] and the body with [`read_body`]. It knows nothing of what is
//! asked.

#![forbid(unsafe_code)]

mod body;
mod client;
mod entrance;
mod limits;
mod metrics;
mod port;
mod quota;

pub use body::{Unread, read_body};
pub use client::Client;
pub use limits::Limits;
pub use metrics::{Metrics, PortMetrics};
pub use port::{Port, Security, busy, serve};
