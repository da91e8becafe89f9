//! One HTTP/1.1 connection to one peer, made when it is needed and made anew when it broke. Calls
//! wait for each other. Refuses answers larger than the caller's limit.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, sync::Mutex, task::JoinHandle, time::timeout};
use tokio_rustls::TlsConnector;

use super::{TransportError, tls::UnknownKey};

/// The most of an error's text that is passed on, in characters.
const MESSAGE_CHARS: usize = 500;

/// How a client waits.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// For the TCP connection and the handshake.
    pub connect: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
        }
    }
}

/// A client of one peer.
pub struct Client {
    address: String,
    tls: Arc<ClientConfig>,
    options: ClientOptions,
    connection: Mutex<Option<Connection>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// `address` is `host:port`; `tls` comes from [`client_config`](super::client_config). Connects
    /// at the first call.
    pub fn new(address: impl Into<String>, tls: Arc<ClientConfig>, options: ClientOptions) -> Self {
        Self {
            address: address.into(),
            tls,
            options,
            connection: Mutex::new(None),
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Posts `body` and gives the answer's body of at most `limit` bytes. A request that found its
    /// connection closed before it was sent goes out once more on a new one; a request that may
    /// have arrived does not.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<Bytes>,
        limit: usize,
        deadline: Duration,
    ) -> Result<Bytes, TransportError> {
        let exchange = timeout(deadline, self.exchange(path, body.into(), limit)).await;
        exchange.unwrap_or(Err(TransportError::Late {
            address: self.address.clone(),
            after: deadline,
        }))
    }

    /// The connection is back in its slot only after a whole answer: when this future is dropped
    /// half way, so is the connection.
    async fn exchange(
        &self,
        path: &str,
        body: Bytes,
        limit: usize,
    ) -> Result<Bytes, TransportError> {
        let mut request = Self::request(path, body)?;
        let mut slot = self.connection.lock().await;
        if let Some(mut connection) = slot.take()
            && connection.sender.ready().await.is_ok()
        {
            match connection.sender.try_send_request(request).await {
                Ok(response) => return self.finish(&mut slot, connection, response, limit).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(self.broken(error.into_error())),
                },
            }
        }
        let mut connection = self.connect().await?;
        let response = connection
            .sender
            .send_request(request)
            .await
            .map_err(|error| self.broken(error))?;
        self.finish(&mut slot, connection, response, limit).await
    }

    fn request(path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, TransportError> {
        Request::post(path)
            .header(HOST, "ligate")
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Full::new(body))
            .map_err(|_| TransportError::Path(path.to_owned()))
    }

    async fn finish(
        &self,
        slot: &mut Option<Connection>,
        connection: Connection,
        response: Response<Incoming>,
        limit: usize,
    ) -> Result<Bytes, TransportError> {
        let status = response.status();
        let body = Limited::new(response.into_body(), limit).collect().await;
        let body = body.map_err(|error| self.unread(error, limit))?.to_bytes();
        *slot = Some(connection);
        if status == StatusCode::OK {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        let message = text
            .chars()
            .filter(|c| !c.is_control())
            .take(MESSAGE_CHARS)
            .collect();
        Err(TransportError::Status {
            address: self.address.clone(),
            status: status.as_u16(),
            message,
        })
    }

    async fn connect(&self) -> Result<Connection, TransportError> {
        let late = || TransportError::Late {
            address: self.address.clone(),
            after: self.options.connect,
        };
        let connected = timeout(self.options.connect, self.handshake()).await;
        connected.map_err(|_| late())?
    }

    async fn handshake(&self) -> Result<Connection, TransportError> {
        let unreachable = |source| TransportError::Connect {
            address: self.address.clone(),
            source,
        };
        let stream = TcpStream::connect(&self.address)
            .await
            .map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        // The peer is known by its key; the name is not sent and not checked.
        let name = ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let stream = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await;
        let stream = stream.map_err(|error| self.refused(error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(error))?;
        // An error of the connection reaches the caller through the sender.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok(Connection { sender, task })
    }

    fn broken(&self, cause: hyper::Error) -> TransportError {
        TransportError::Broken {
            address: self.address.clone(),
            cause,
        }
    }

    fn unread(
        &self,
        error: Box<dyn std::error::Error + Send + Sync>,
        limit: usize,
    ) -> TransportError {
        match error.downcast::<hyper::Error>() {
            Ok(error) => self.broken(*error),
            Err(error) => {
                debug_assert!(
                    error.is::<LengthLimitError>(),
                    "a limited body fails in these two ways"
                );
                TransportError::TooLarge {
                    address: self.address.clone(),
                    limit,
                }
            }
        }
    }

    fn refused(&self, error: io::Error) -> TransportError {
        let address = self.address.clone();
        match unknown_key(&error) {
            Some(UnknownKey {
                found,
                expected: Some(expected),
            }) => TransportError::WrongKey {
                address,
                expected,
                found,
            },
            _ => TransportError::Tls {
                address,
                source: error,
            },
        }
    }
}

fn unknown_key(error: &io::Error) -> Option<UnknownKey> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref().copied()
        }
        _ => None,
    }
}
