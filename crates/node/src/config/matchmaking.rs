//! The `[matchmaking]` part of `ligate.toml`. Without it nobody is answered and nobody is asked.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Result, anyhow, bail};
use ligate_api::mme::Contact;
use ligate_model::Digest;
use serde::Deserialize;

const DISCLAIMER: &str = "Patients are shown with their consent, for finding others with the same condition. A match is a \
                          hint, not a diagnosis. Do not try to identify anyone.";

/// Matches in an answer at the most, sent or kept.
pub const RESULTS_MAX: usize = 100;

const DEADLINE_SECONDS_MAX: u64 = 600;

/// Who is answered, who is asked, and what is said of this node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matchmaking {
    /// Where other systems reach this node. Without `certificate` only a loopback address, behind a
    /// proxy that ends TLS.
    pub listen: Option<SocketAddr>,
    /// PEM files for HTTPS.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Whom to write to about a match.
    pub contact: Contact,
    #[serde(default = "disclaimer")]
    pub disclaimer: String,
    pub terms: Option<String>,
    /// Whether this is a production system (the heartbeat says so).
    #[serde(default)]
    pub production: bool,
    /// Matches in an answer at the most.
    #[serde(default = "results")]
    pub results: usize,
    /// Matches that score lower are not shown.
    #[serde(default = "score")]
    pub score: f64,
    /// How long each asked system may take, in seconds.
    #[serde(default = "deadline")]
    pub deadline_seconds: u64,
    #[serde(default)]
    pub peers: Vec<MatchPeer>,
}

/// Another system of the exchange.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchPeer {
    pub name: String,
    /// SHA-256 of the token that it sends (`printf %s TOKEN | sha256sum`); without one it is not
    /// answered.
    pub token_sha256: Option<Digest>,
    /// Its base address, as https://match.example.org/mme; without one it is not asked.
    pub address: Option<String>,
    /// The file, mode 0600, with the token that it gave to this node.
    pub token_file: Option<PathBuf>,
}

fn disclaimer() -> String {
    DISCLAIMER.to_owned()
}

fn results() -> usize {
    5
}

fn score() -> f64 {
    0.2
}

fn deadline() -> u64 {
    20
}

impl Matchmaking {
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }

    /// What cannot be told from the types.
    pub fn check(&self) -> Result<()> {
        if self.certificate.is_some() != self.key.is_some() {
            bail!("[matchmaking] has one of `certificate` and `key`; HTTPS needs both");
        }
        if let Some(listen) = self.listen
            && self.certificate.is_none()
            && !listen.ip().is_loopback()
        {
            bail!(
                "[matchmaking] listens at {listen} without HTTPS; set `certificate` and `key`, or a loopback address"
            );
        }
        if !(1..=DEADLINE_SECONDS_MAX).contains(&self.deadline_seconds) {
            bail!("[matchmaking] `deadline_seconds` is from 1 to {DEADLINE_SECONDS_MAX}");
        }
        if !(1..=RESULTS_MAX).contains(&self.results) {
            bail!("[matchmaking] `results` is from 1 to {RESULTS_MAX}");
        }
        // Others refuse answers without one.
        self.contact
            .check()
            .map_err(|error| anyhow!("[matchmaking] contact: {error}"))?;
        if !(0.0..=1.0).contains(&self.score) {
            bail!("[matchmaking] `score` is from 0 to 1");
        }
        for peer in &self.peers {
            peer.check()?;
        }
        Ok(())
    }
}

impl MatchPeer {
    fn check(&self) -> Result<()> {
        let Some(address) = &self.address else {
            return Ok(());
        };
        let secure = address.starts_with("https://");
        let local = ["http://127.0.0.1:", "http://[::1]:"]
            .iter()
            .any(|start| address.starts_with(start));
        if !secure && !local {
            bail!(
                "[matchmaking] peer {} is to be asked at an https address",
                self.name
            );
        }
        if self.token_file.is_none() {
            bail!(
                "[matchmaking] peer {} has an address but no `token_file`",
                self.name
            );
        }
        Ok(())
    }
}
