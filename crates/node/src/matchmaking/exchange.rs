//! This node in the exchange: whose token is known, which patients are shown as of now, and the
//! entry in the audit log without which nothing is shown. The addresses are `ligate_api::mme`'s;
//! its port is HTTPS with the configured certificate, or plain HTTP on loopback behind a proxy.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow};
use axum::response::IntoResponse;
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_api::mme::{
    self, BODY_BYTES_MAX, DisclaimerAnswer, Heartbeat, HeartbeatAnswer, MatchRequest,
    MatchResponse, MetricsAnswer, MmeError,
};
use ligate_clinic::matching::Weights;
use ligate_listener::{Limits, Metrics, Port, Security};
use ligate_model::{Digest, Purpose};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest as _, Sha256};

use super::{ShownPatients, shown};
use crate::{books::patients, config::Matchmaking, diagnosis::Facts, folder::Folder};

/// Strangers reach this port, so it takes less than one among peers.
const LIMITS: Limits = Limits {
    connections_max: 64,
    connections_per_network_max: 64,
    handshakes_max: 64,
    handshakes_per_network_max: 16,
    body_bytes_max: BODY_BYTES_MAX,
    handshake: Duration::from_secs(10),
    header: Duration::from_secs(10),
    body: Duration::from_secs(30),
    body_bytes_per_second_min: 128 << 10,
    requests_per_minute_max: 600,
    requests_at_once_max: 600,
    drain: Duration::from_secs(5),
};

/// Connections of one network, where the port is open to the web. Behind a proxy all come from one.
const CONNECTIONS_PER_NETWORK_MAX: usize = 16;

/// What every request is answered from.
struct Exchange {
    folder: Folder,
    facts: &'static Facts,
    weights: &'static Weights,
    /// The patients, and the state of the registry's file that they were read from.
    patients: Mutex<(Option<State>, Arc<ShownPatients<'static>>)>,
    settings: Matchmaking,
    requests: AtomicU64,
    matches: AtomicU64,
}

/// When the registry's file was written, its length and its inode: it is replaced whole when a
/// patient leaves.
type State = (SystemTime, u64, u64);

/// The port of this node in the exchange. Reads everything that can be wrong, so that a node does
/// not start without it.
pub fn port(folder: Folder, settings: Matchmaking, metrics: &Metrics) -> Result<Port> {
    let (security, limits) = match tls(folder.path(), &settings)? {
        Some(tls) => {
            let connections_per_network_max = CONNECTIONS_PER_NETWORK_MAX;
            (
                Security::Certificate(tls),
                Limits {
                    connections_per_network_max,
                    ..LIMITS
                },
            )
        }
        None => (Security::Plain, LIMITS),
    };
    let exchange = Arc::new(Exchange::new(folder, settings)?);
    Ok(Port {
        security,
        limits,
        routes: mme::routes(exchange),
        busy: || MmeError::Busy.into_response(),
        metrics: metrics.port("matchmaking"),
    })
}

fn tls(folder: &Path, settings: &Matchmaking) -> Result<Option<Arc<ServerConfig>>> {
    let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) else {
        return Ok(None);
    };
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
    Ok(Some(Arc::new(config)))
}

impl Exchange {
    fn new(folder: Folder, settings: Matchmaking) -> Result<Self> {
        // One knowledge for the life of the process.
        let facts: &'static Facts = Box::leak(Box::new(Facts::open(None)?));
        let weights: &'static Weights = Box::leak(Box::new(Weights::of(&facts.knowledge)));
        let (requests, matches) = (AtomicU64::new(0), AtomicU64::new(0));
        let empty = Arc::new(ShownPatients::new(
            &facts.knowledge,
            weights,
            &[],
            &settings.contact,
        ));
        let exchange = Self {
            folder,
            facts,
            weights,
            patients: Mutex::new((None, empty)),
            settings,
            requests,
            matches,
        };
        exchange.patients()?;
        Ok(exchange)
    }

    /// The patients as of now: who withdrew is not in the next answer.
    fn patients(&self) -> Result<Arc<ShownPatients<'static>>> {
        let file = self.folder.registry().join(patients::NAME);
        let state = fs::metadata(&file)
            .and_then(|file| Ok((file.modified()?, file.len(), file.ino())))
            .ok();
        let mut held = self
            .patients
            .lock()
            .map_err(|_| anyhow!("the registry could not be read"))?;
        if held.0 != state {
            let found = shown(&self.folder)?;
            let contact = &self.settings.contact;
            let patients = ShownPatients::new(&self.facts.knowledge, self.weights, &found, contact);
            *held = (state, Arc::new(patients));
        }
        Ok(Arc::clone(&held.1))
    }

    /// Before an answer leaves: what cannot be recorded is not sent.
    fn record(&self, peer: &str, matches: u64) -> Result<()> {
        let peer = peer.to_owned();
        self.folder.record(Event::MatchAnswered {
            peer,
            matches,
            purpose: Purpose::Care,
        })?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.matches.fetch_add(matches, Ordering::Relaxed);
        Ok(())
    }

    fn disclaimer_text(&self) -> Option<String> {
        Some(self.settings.disclaimer.clone())
    }
}

impl mme::Exchange for Exchange {
    /// Only digests are stored and compared, so that time tells nothing about a token.
    fn peer_of(&self, token: &str) -> Option<String> {
        let digest = Digest::from_bytes(Sha256::digest(token.as_bytes()).into());
        let peer = self
            .settings
            .peers
            .iter()
            .find(|peer| peer.token_sha256 == Some(digest));
        peer.map(|peer| peer.name.clone())
    }

    fn matches(&self, peer: &str, request: &MatchRequest) -> Result<MatchResponse, MmeError> {
        let patients = self.patients().map_err(|_| MmeError::Internal)?;
        let results =
            patients.matches(&request.patient, self.settings.results, self.settings.score);
        self.record(peer, results.len() as u64)
            .map_err(|_| MmeError::Internal)?;
        let (disclaimer, terms) = (self.disclaimer_text(), self.settings.terms.clone());
        Ok(MatchResponse {
            results,
            disclaimer,
            terms,
        })
    }

    fn metrics(&self) -> Result<MetricsAnswer, MmeError> {
        let patients = self.patients().map_err(|_| MmeError::Internal)?;
        let requests = self.requests.load(Ordering::Relaxed);
        let matches = self.matches.load(Ordering::Relaxed);
        let date = Timestamp::now().strftime("%Y-%m-%d").to_string();
        let metrics = patients.metrics(requests, matches, date);
        Ok(MetricsAnswer {
            metrics,
            disclaimer: self.disclaimer_text(),
        })
    }

    fn heartbeat(&self) -> HeartbeatAnswer {
        let heartbeat = Heartbeat::of(env!("CARGO_PKG_VERSION"), self.settings.production);
        HeartbeatAnswer {
            heartbeat,
            disclaimer: self.disclaimer_text(),
        }
    }

    fn disclaimer(&self) -> DisclaimerAnswer {
        let (disclaimer, terms) = (
            self.settings.disclaimer.clone(),
            self.settings.terms.clone(),
        );
        DisclaimerAnswer { disclaimer, terms }
    }
}
