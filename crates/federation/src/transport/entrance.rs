//! Handshakes under way: connections whose peer is not known yet. They have places of their own, so that they take
//! none from peers; when those are full, the handshake that has waited longest gives way, first one of the same
//! network. Whoever opens connections and says nothing thereby cuts off himself.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv6Addr},
};

use ligate_access::PublicKey;
use tokio::{
    net::TcpStream,
    task::{AbortHandle, Id, JoinSet},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{ServeOptions, peer_key};

/// A peer that proved its key.
pub(super) type Arrival = (PublicKey, TlsStream<TcpStream>);

pub(super) struct Entrance {
    acceptor: TlsAcceptor,
    options: ServeOptions,
    tasks: JoinSet<Option<Arrival>>,
    /// The tasks in the order of their beginning.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    network: IpAddr,
    task: AbortHandle,
}

impl Entrance {
    pub(super) fn new(acceptor: TlsAcceptor, options: ServeOptions) -> Self {
        Self { acceptor, options, tasks: JoinSet::new(), waiting: VecDeque::new() }
    }

    /// Begins a handshake, if need be in the place of an older one.
    pub(super) fn admit(&mut self, stream: TcpStream, address: IpAddr) {
        let network = network(address);
        self.make_room(network);
        let handshake = timeout(self.options.handshake, handshake(self.acceptor.clone(), stream));
        let task = self.tasks.spawn(async move { handshake.await.ok().flatten() });
        self.waiting.push_back(Waiting { network, task });
    }

    fn make_room(&mut self, network: IpAddr) {
        let (total, of_network) = (self.options.handshakes_max, self.options.handshakes_per_network_max);
        let same = |waiting: &&Waiting| waiting.network == network;
        let oldest = if self.waiting.iter().filter(same).count() >= of_network.max(1) {
            self.waiting.iter().position(|waiting| same(&waiting))
        } else {
            (self.waiting.len() >= total.max(1)).then_some(0)
        };
        if let Some(waiting) = oldest.and_then(|oldest| self.waiting.remove(oldest)) {
            waiting.task.abort();
        }
    }

    /// The next peer that got through; `None` when no handshake is under way. Nothing is lost when the future is
    /// dropped.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        loop {
            let (id, arrival) = match self.tasks.join_next_with_id().await? {
                Ok((id, arrival)) => (id, arrival),
                Err(error) => (error.id(), None),
            };
            self.forget(id);
            if arrival.is_some() {
                return arrival;
            }
        }
    }

    fn forget(&mut self, id: Id) {
        if let Some(place) = self.waiting.iter().position(|waiting| waiting.task.id() == id) {
            self.waiting.remove(place);
        }
    }
}

async fn handshake(acceptor: TlsAcceptor, stream: TcpStream) -> Option<Arrival> {
    // Without it small answers wait for acknowledgements; a socket that refuses is closed anyway.
    let _ = stream.set_nodelay(true);
    let stream = acceptor.accept(stream).await.ok()?;
    Some((peer_key(stream.get_ref().1)?, stream))
}

/// What one holder has at will: an IPv4 address, or the 2^64 addresses of an IPv6 subnet.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subnet_is_one_network() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:0:0:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
