//! The bounds of a port. Each has a value that suits a node among its peers; a port for strangers
//! takes smaller ones.

use std::time::Duration;

/// What a port takes at the most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that got through their handshake; while there are so many, no further handshake
    /// begins.
    pub connections_max: usize,
    /// Of those, the connections of one network; more are closed at once.
    pub connections_per_network_max: usize,
    /// Handshakes under way, besides those connections. The oldest gives way to the next.
    pub handshakes_max: usize,
    /// Of those, the handshakes with one network.
    pub handshakes_per_network_max: usize,
    pub body_bytes_max: usize,
    pub handshake: Duration,
    /// For the head of a request, and between two requests.
    pub header: Duration,
    /// For a body, and longer by the time that the bytes which arrived take at the pace below: 9
    /// minutes for the largest body unless told otherwise.
    pub body: Duration,
    pub body_bytes_per_second_min: u64,
    /// Requests of one client in a minute, over a longer time.
    pub requests_per_minute_max: u32,
    /// Requests that a client which was silent may send at once.
    pub requests_at_once_max: u32,
    /// For answers under way when the port closes.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            connections_per_network_max: 256,
            handshakes_max: 128,
            handshakes_per_network_max: 32,
            body_bytes_max: 64 << 20,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(60),
            body: Duration::from_secs(60),
            body_bytes_per_second_min: 128 << 10,
            requests_per_minute_max: 12_000,
            requests_at_once_max: 12_000,
            drain: Duration::from_secs(5),
        }
    }
}
