//! The listener: HTTPS with the configured certificate, or plain HTTP on loopback behind a proxy. Bodies, headers and
//! connections are bounded.

use std::{
    convert::Infallible,
    fs,
    future::Future,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_api::mme::{MmeError, TOKEN_HEADER, Version, content_type};
use ligate_clinic::matching::Weights;
use ligate_model::Purpose;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Matchmaking, Shelf,
    answer::{Answered, Asked, BODY_MAX, Matched, Tally, answer},
    shown,
};
use crate::{diagnosis::Facts, folder::Folder, registry};

/// Connections at a time; more wait.
const CONNECTIONS_MAX: usize = 64;

/// For a handshake, and for the head of a request.
const HEAD: Duration = Duration::from_secs(10);

/// For a whole body.
const BODY: Duration = Duration::from_secs(30);

/// What every connection shares.
struct Face {
    folder: Folder,
    facts: &'static Facts,
    weights: &'static Weights,
    /// The patients, and the state of the registry's file that they were read from.
    shelf: Mutex<(Option<State>, Arc<Shelf<'static>>)>,
    settings: Matchmaking,
    requests: AtomicU64,
    matches: AtomicU64,
}

/// When the registry's file was written, its length and its inode: it is replaced whole when a patient leaves.
type State = (SystemTime, u64, u64);

impl Face {
    fn new(folder: Folder, settings: Matchmaking) -> Result<Self> {
        // One knowledge for the life of the process.
        let facts: &'static Facts = Box::leak(Box::new(Facts::open(None)?));
        let weights: &'static Weights = Box::leak(Box::new(Weights::of(&facts.knowledge)));
        let (requests, matches) = (AtomicU64::new(0), AtomicU64::new(0));
        let empty = Arc::new(Shelf::new(&facts.knowledge, weights, &[], &settings.contact));
        let face =
            Self { folder, facts, weights, shelf: Mutex::new((None, empty)), settings, requests, matches };
        face.shelf()?;
        Ok(face)
    }

    /// The patients as of now: who withdrew is not in the next answer.
    fn shelf(&self) -> Result<Arc<Shelf<'static>>> {
        let file = self.folder.registry().join(registry::PATIENTS);
        let state = fs::metadata(&file).and_then(|file| Ok((file.modified()?, file.len(), file.ino()))).ok();
        let mut held = self.shelf.lock().map_err(|_| anyhow!("the registry could not be read"))?;
        if held.0 != state {
            let patients = shown(&self.folder)?;
            let shelf = Shelf::new(&self.facts.knowledge, self.weights, &patients, &self.settings.contact);
            *held = (state, Arc::new(shelf));
        }
        Ok(Arc::clone(&held.1))
    }

    /// Before an answer leaves: what cannot be recorded is not sent.
    fn record(&self, answered: Answered) -> Result<Answered> {
        if let Some(Matched { peer, matches }) = &answered.matched {
            let (peer, matches) = (peer.clone(), *matches);
            self.folder.record(Event::MatchAnswered { peer, matches, purpose: Purpose::Care })?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.matches.fetch_add(matches, Ordering::Relaxed);
        }
        Ok(answered)
    }
}

/// This node in the exchange, ready to answer.
pub struct Exchange {
    face: Arc<Face>,
    tls: Option<TlsAcceptor>,
}

impl Exchange {
    /// Reads everything that can be wrong, so that a node does not start without its exchange.
    pub fn open(folder: Folder, settings: Matchmaking) -> Result<Self> {
        let tls = tls(folder.path(), &settings)?;
        Ok(Self { face: Arc::new(Face::new(folder, settings)?), tls })
    }

    /// Answers until `shutdown` is ready.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.accept(&listener) => {}
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (face, tls) = (Arc::clone(&self.face), self.tls.clone());
            tokio::spawn(async move {
                connection(stream, tls, face).await;
                drop(place);
            });
        }
    }
}

fn tls(folder: &Path, settings: &Matchmaking) -> Result<Option<TlsAcceptor>> {
    let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) else { return Ok(None) };
    let read = |path: &Path| {
        let path = folder.join(path);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} holds no PEM certificates", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_slice(&read(key)?)
        .with_context(|| format!("{} holds no PEM private key", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("[matchmaking] certificate and key do not belong together")?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, face: Arc<Face>) {
    match tls {
        None => requests(stream, face).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HEAD, tls.accept(stream)).await {
                requests(stream, face).await;
            }
        }
    }
}

async fn requests(stream: impl AsyncRead + AsyncWrite + Unpin, face: Arc<Face>) {
    let service = service_fn(|request| {
        let face = Arc::clone(&face);
        async move { Ok::<_, Infallible>(respond(&face, request).await) }
    });
    // What goes wrong on a connection is the client's to notice.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(face: &Face, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let too_large = || response(refused(&MmeError::TooLarge(BODY_MAX)));
    if body.size_hint().lower() > BODY_MAX as u64 {
        return too_large();
    }
    let Ok(Ok(body)) = timeout(BODY, Limited::new(body, BODY_MAX).collect()).await else {
        return too_large();
    };
    let body = body.to_bytes();
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let asked = Asked {
        method: head.method.as_str(),
        path: head.uri.path(),
        token: text(TOKEN_HEADER),
        accept: text(header::ACCEPT.as_str()),
        content_type: text(header::CONTENT_TYPE.as_str()),
        body: &body,
    };
    let requests = face.requests.load(Ordering::Relaxed);
    let tally = Tally { requests, matches: face.matches.load(Ordering::Relaxed) };
    let date = Timestamp::now().strftime("%Y-%m-%d").to_string();
    let answered = face.shelf().map(|shelf| answer(&shelf, &face.settings, &asked, tally, &date));
    let recorded = answered.and_then(|answered| face.record(answered));
    response(recorded.unwrap_or_else(|_| refused(&MmeError::Internal)))
}

fn refused(error: &MmeError) -> Answered {
    let content_type = content_type(Version::LATEST);
    Answered { status: error.status(), content_type, body: error.body(), matched: None }
}

fn response(answered: Answered) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answered.body)));
    if let Ok(status) = hyper::StatusCode::from_u16(answered.status) {
        *response.status_mut() = status;
    }
    if let Ok(value) = answered.content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}
