//! Handshakes under way: connections whose client is not known yet. They have places of their own,
//! so that they take none from clients; when those are full, the handshake that has waited longest
//! gives way, first one of the same network. Whoever opens connections and says nothing thereby
//! cuts off himself.

use std::{collections::VecDeque, net::IpAddr, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::{AbortHandle, Id, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{Client, Limits, Security, client::network, metrics::PortMetrics};

/// Bytes in both directions, whatever protects them.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A client that got through its handshake.
pub(crate) struct Arrival {
    pub(crate) client: Client,
    pub(crate) stream: Box<dyn Stream>,
}

pub(crate) struct Entrance {
    security: Security,
    limits: Limits,
    metrics: Arc<PortMetrics>,
    tasks: JoinSet<Option<Arrival>>,
    /// The tasks in the order of their beginning.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    network: IpAddr,
    task: AbortHandle,
}

impl Entrance {
    pub(crate) fn new(security: Security, limits: Limits, metrics: Arc<PortMetrics>) -> Self {
        Self {
            security,
            limits,
            metrics,
            tasks: JoinSet::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Begins a handshake, if need be in the place of an older one.
    pub(crate) fn admit(&mut self, stream: TcpStream, address: IpAddr) {
        let network = network(address);
        self.make_room(network);
        let handshake = handshake(self.security.clone(), stream, network);
        let handshake = timeout(self.limits.handshake, handshake);
        let task = self
            .tasks
            .spawn(async move { handshake.await.ok().flatten() });
        self.waiting.push_back(Waiting { network, task });
    }

    fn make_room(&mut self, network: IpAddr) {
        let same = |waiting: &&Waiting| waiting.network == network;
        let of_network = self.waiting.iter().filter(same).count();
        let oldest = if of_network >= self.limits.handshakes_per_network_max.max(1) {
            self.waiting.iter().position(|waiting| same(&waiting))
        } else {
            (self.waiting.len() >= self.limits.handshakes_max.max(1)).then_some(0)
        };
        if let Some(waiting) = oldest.and_then(|oldest| self.waiting.remove(oldest)) {
            waiting.task.abort();
        }
    }

    /// The next client that got through; `None` when no handshake is under way. Nothing is lost
    /// when the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        loop {
            let (id, arrival) = match self.tasks.join_next_with_id().await? {
                Ok((id, arrival)) => (id, arrival),
                Err(error) => (error.id(), None),
            };
            self.forget(id);
            match arrival {
                Some(arrival) => return Some(arrival),
                None => self.metrics.count_refused(),
            }
        }
    }

    fn forget(&mut self, id: Id) {
        if let Some(place) = self
            .waiting
            .iter()
            .position(|waiting| waiting.task.id() == id)
        {
            self.waiting.remove(place);
        }
    }
}

async fn handshake(security: Security, stream: TcpStream, network: IpAddr) -> Option<Arrival> {
    // Without it small answers wait for acknowledgements; a socket that refuses is closed anyway.
    let _ = stream.set_nodelay(true);
    let (key, stream): (_, Box<dyn Stream>) = match security {
        Security::Plain => (None, Box::new(stream)),
        Security::Certificate(tls) => {
            let stream = TlsAcceptor::from(tls).accept(stream).await.ok()?;
            (None, Box::new(stream))
        }
        Security::Keys { tls, key_of } => {
            let stream = TlsAcceptor::from(tls).accept(stream).await.ok()?;
            let key = key_of(stream.get_ref().1)?;
            (Some(key), Box::new(stream))
        }
    };
    let client = Client { key, network };
    Some(Arrival { client, stream })
}
