//! `ligate.toml`: what the steward decides. Everything that is not allowed here is denied.
//!
//! The file is read strictly (an unknown key is an error) and written only by `init` and `peer
//! add`, which keeps the steward's comments.

mod diagnosis;
mod matchmaking;
mod revocation;

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use ligate_access::{PublicKey, policy::Veto};
use ligate_disclosure::Thresholds;
use ligate_model::{CountryCode, NodeName, Rule};
use serde::Deserialize;

pub use diagnosis::Diagnosis;
pub use matchmaking::{MatchPeer, Matchmaking, RESULTS_MAX};
pub use revocation::Revocation;

/// The whole of `ligate.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub node: Node,
    #[serde(default)]
    pub serve: Serve,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub disclosure: Thresholds,
    /// How old a list of revoked permits may be.
    #[serde(default)]
    pub revocation: Revocation,
    /// What the steward refuses even under a valid permit.
    #[serde(default)]
    pub veto: Veto,
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// Who may fetch what this node's registry released; without it nobody.
    #[serde(default)]
    pub diagnosis: Diagnosis,
    /// Who may ask for patients like theirs; without it nobody.
    pub matchmaking: Option<Matchmaking>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub name: NodeName,
    pub country: CountryCode,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    pub listen: SocketAddr,
    /// Where a monitoring system on this machine reads counts of connections and answers
    /// (Prometheus' text format, at /metrics); without it nobody does.
    pub metrics: Option<SocketAddr>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7443)),
            metrics: None,
        }
    }
}

/// Bounds on what this node spends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Threads for loading and computing; 0 means one per core.
    pub threads: usize,
    /// Memory that a load or an SQL query may use, in mebibytes.
    pub memory_mib: usize,
    /// How long a coordinator waits for each peer's answer, in seconds.
    pub deadline_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: 0,
            memory_mib: 1024,
            deadline_seconds: 600,
        }
    }
}

impl Limits {
    pub fn thread_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        if self.threads == 0 {
            cores()
        } else {
            self.threads
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.memory_mib.saturating_mul(1 << 20)
    }

    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }
}

/// Another node or an access body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    pub name: NodeName,
    pub key: PublicKey,
    pub address: Option<String>,
    pub country: Option<CountryCode>,
    /// Its permits are accepted.
    #[serde(default)]
    pub issuer: bool,
    /// It may open sums: it is inside the trust boundary.
    #[serde(default)]
    pub coordinator: bool,
}

impl Config {
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| {
                format!(
                    "there is no node here: cannot read {}; name its folder with --dir or LIGATE_DIR, or make one with \
                     `ligate init`",
                    path.display()
                )
            })?;
        let config: Self =
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        config
            .check()
            .with_context(|| format!("in {}", path.display()))?;
        Ok(config)
    }

    pub fn peer(&self, name: &NodeName) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name == *name)
    }

    pub fn peer_by_key(&self, key: &PublicKey) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.key == *key)
    }

    pub fn issuers(&self) -> Vec<PublicKey> {
        self.peers
            .iter()
            .filter(|peer| peer.issuer)
            .map(|peer| peer.key)
            .collect()
    }

    pub fn coordinators(&self) -> Vec<PublicKey> {
        self.peers
            .iter()
            .filter(|peer| peer.coordinator)
            .map(|peer| peer.key)
            .collect()
    }

    fn check(&self) -> Result<()> {
        self.disclosure.validate()?;
        if let Some(metrics) = self.serve.metrics
            && !metrics.ip().is_loopback()
        {
            bail!(
                "[serve] tells metrics at {metrics} without TLS; set a loopback address, behind a proxy"
            );
        }
        self.revocation.check().context("in [revocation]")?;
        self.diagnosis.check().context("in [diagnosis]")?;
        if let Some(matchmaking) = &self.matchmaking {
            matchmaking.check()?;
        }
        for (index, peer) in self.peers.iter().enumerate() {
            let earlier = &self.peers[..index];
            if earlier.iter().any(|other| other.name == peer.name) {
                bail!("two peers are named {}; keep one", peer.name);
            }
            if earlier.iter().any(|other| other.key == peer.key) {
                bail!(
                    "peer {} has the key of another peer; one organisation is one peer",
                    peer.name
                );
            }
        }
        Ok(())
    }
}

/// The first `ligate.toml` of a node, with every setting explained.
pub fn template(name: &NodeName, country: &CountryCode) -> String {
    let line = |rule: Rule| {
        let setting = format!("{} = {}", rule.name(), rule.default_value());
        format!("{setting:<36}# {}\n", rule.words())
    };
    let disclosure: String = Rule::ALL.into_iter().map(line).collect();
    format!(
        r#"# The configuration of one Ligate node. What is not allowed here is denied.

[node]
name = "{name}"
country = "{country}"            # ISO 3166-1 alpha-2: whose law applies

[serve]
listen = "127.0.0.1:7443"  # where peers reach this node; mutual TLS, pinned keys
# metrics = "127.0.0.1:9464" # counts of connections and answers for Prometheus, at /metrics; no names, no questions

[limits]
threads = 0                # 0: one per core
memory_mib = 1024          # bound for a load or an SQL query
deadline_seconds = 600     # how long a coordinator waits for each answer

# What must hold before a number leaves. Values can be made stricter at will, looser only down to built-in floors.
[disclosure]
{disclosure}
# Issuers publish which permits they revoked. Whoever has no list of an issuer that is young enough answers nothing
# under its permits.
[revocation]
fetch_seconds = 300          # a list older than this is fetched anew, from the issuer's node or another peer
stale_after_seconds = 86400  # a list older than this says nothing any more

# What this steward refuses even under a valid permit.
[veto]
datasets = []
data_users = []    # public keys
permits = []       # permit ids
purposes = []
methods = []
variables = []

# Tables that peers may fetch whole, for diagnosis (purpose (f) of Article 53(1)). Default: nobody.
[diagnosis]
counts_for = []    # names of peers: how many patients with a disease have a term (`ligate registry`)
alleles_for = []   # names of peers: allele counts of the dataset that `ligate registry alleles` released

# Peers are added with `ligate peer add`. A peer may look up tree heads of this node; only one with issuer = true
# may permit, and only one with coordinator = true may open sums. Default: nobody.
"#
    )
}

/// `text` with `peer` added, or changed where one of that name is there. The steward's comments
/// stay.
pub fn with_peer(text: &str, peer: &Peer) -> Result<String> {
    let mut document: toml_edit::DocumentMut = text.parse()?;
    let peers = document
        .entry("peers")
        .or_insert_with(|| toml_edit::Item::ArrayOfTables(toml_edit::ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .context("`peers` must be written as [[peers]] tables")?;
    let known = |table: &toml_edit::Table| {
        table.get("name").and_then(|name| name.as_str()) == Some(peer.name.as_str())
    };
    let namesake = peers.iter().position(known);
    if let Some(index) = namesake {
        peers.remove(index);
    }
    peers.push(peer_table(peer));
    Ok(document.to_string())
}

/// `text` without the peer of this name, if there is one. The steward's comments stay.
pub fn without_peer(text: &str, name: &NodeName) -> Result<String> {
    let mut document: toml_edit::DocumentMut = text.parse()?;
    let peers = document
        .get_mut("peers")
        .and_then(toml_edit::Item::as_array_of_tables_mut);
    if let Some(peers) = peers {
        peers.retain(|table| {
            table.get("name").and_then(|found| found.as_str()) != Some(name.as_str())
        });
    }
    Ok(document.to_string())
}

fn peer_table(peer: &Peer) -> toml_edit::Table {
    let mut table = toml_edit::Table::new();
    table.insert("name", toml_edit::value(peer.name.as_str()));
    table.insert("key", toml_edit::value(peer.key.to_string()));
    if let Some(address) = &peer.address {
        table.insert("address", toml_edit::value(address.as_str()));
    }
    if let Some(country) = &peer.country {
        table.insert("country", toml_edit::value(country.as_str()));
    }
    if peer.issuer {
        table.insert("issuer", toml_edit::value(true));
    }
    if peer.coordinator {
        table.insert("coordinator", toml_edit::value(true));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        let config: Config = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    fn first() -> String {
        template(&"nordbank".parse().unwrap(), &"SE".parse().unwrap())
    }

    #[test]
    fn the_template_is_valid_and_trusts_nobody() {
        let config = parse(&first()).unwrap();
        assert!(config.issuers().is_empty() && config.coordinators().is_empty());
        assert_eq!(config.disclosure, Thresholds::default());
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        let error = parse(&first().replace("threads = 0", "thread = 0")).unwrap_err();
        assert!(error.to_string().contains("thread"), "{error}");
    }

    #[test]
    fn the_rule_of_three_cannot_be_configured_away() {
        assert!(parse(&first().replace("sites = 3 ", "sites = 2 ")).is_err());
    }

    #[test]
    fn adding_a_peer_keeps_comments_and_replaces_its_namesake() {
        let key = ligate_access::Identity::generate(&mut rand_core::OsRng).public();
        let mut peer = Peer {
            name: "hdab".parse().unwrap(),
            key,
            address: Some("127.0.0.1:1".into()),
            country: None,
            issuer: true,
            coordinator: true,
        };
        let once = with_peer(&first(), &peer).unwrap();
        peer.address = Some("127.0.0.1:2".into());
        let twice = with_peer(&once, &peer).unwrap();
        assert!(twice.contains("# What this steward refuses"));
        let config = parse(&twice).unwrap();
        assert_eq!(config.peers.len(), 1);
        assert_eq!(config.peers[0].address.as_deref(), Some("127.0.0.1:2"));
        assert_eq!(config.coordinators(), [key]);
    }
}
