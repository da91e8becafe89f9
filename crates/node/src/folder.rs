//! A node's folder: `ligate.toml`, `keys/`, `audit/`, `datasets/`, `ledger/`, `registry/`,
//! `revocations/`, at a coordinator `releases/` and at an access body `permits/`. It owns where
//! things are and who may use them at the same time.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use anyhow::{Result, bail};
use jiff::Timestamp;
use ligate_access::{
    Identity, PublicKey,
    audit::{Event, Head, Log},
};
use ligate_files::Lock;
use ligate_lake::Lake;
use ligate_model::{CountryCode, DatasetId, NodeName};
use rand_core::OsRng;

use crate::{
    config::{self, Config},
    output,
};

/// An opened node folder.
pub struct Folder {
    path: PathBuf,
    pub config: Config,
    pub identity: Arc<Identity>,
    /// Where the settings are followed while the node serves.
    live: Option<Arc<LiveFolder>>,
}

impl Folder {
    /// Makes a node folder with fresh keys. Refuses a folder that holds a node already.
    pub fn create(path: &Path, name: &NodeName, country: &CountryCode) -> Result<Self> {
        let settings = path.join("ligate.toml");
        if settings.exists() {
            bail!(
                "{} holds a node already; choose another --dir",
                path.display()
            );
        }
        let folders = [
            "", "keys", "audit", "datasets", "ledger", "rounds", "releases", "registry",
        ];
        for folder in folders.into_iter().chain(["permits", "revocations"]) {
            ligate_files::shut_folder(&path.join(folder))?;
        }
        let identity = Arc::new(Identity::generate(&mut OsRng));
        identity.save_new(&path.join("keys/node.key"))?;
        identity.public().save(&path.join("keys/node.pub"))?;
        let template = config::template(name, country);
        output::write_private(&settings, |out| out.write_all(template.as_bytes()))?;
        let first = Event::Init {
            name: name.clone(),
            country: country.clone(),
            key: identity.public(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Log::create(
            &path.join("audit"),
            identity.clone(),
            first,
            Timestamp::now(),
        )?;
        Ok(Self {
            path: path.to_owned(),
            config: Config::read(&settings)?,
            identity,
            live: None,
        })
    }

    pub fn open(path: &Path) -> Result<Self> {
        let config = Config::read(&path.join("ligate.toml"))?;
        let identity = Arc::new(Identity::load(&path.join("keys/node.key"))?);
        Ok(Self {
            path: path.to_owned(),
            config,
            identity,
            live: None,
        })
    }

    /// The settings as they are now: of a node that serves, those that could be read last.
    pub fn config_now(&self) -> Result<Config> {
        match &self.live {
            Some(live) => Ok(live.config()),
            None => Config::read(&self.settings()),
        }
    }

    /// The pinned issuers and the node itself: an access body trusts its own permits.
    pub fn trusted_issuers(&self) -> Vec<PublicKey> {
        let mut issuers = self.config.issuers();
        issuers.push(self.identity.public());
        issuers
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn name(&self) -> &NodeName {
        &self.config.node.name
    }

    pub fn settings(&self) -> PathBuf {
        self.path.join("ligate.toml")
    }

    pub fn audit(&self) -> PathBuf {
        self.path.join("audit")
    }

    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    pub fn releases(&self) -> PathBuf {
        self.path.join("releases")
    }

    pub fn permits(&self) -> PathBuf {
        self.path.join("permits")
    }

    pub fn revocations(&self) -> PathBuf {
        self.path.join("revocations")
    }

    pub fn registry(&self) -> PathBuf {
        self.path.join("registry")
    }

    pub fn journal(&self) -> PathBuf {
        self.path.join("rounds")
    }

    pub fn lake(&self) -> Result<Lake> {
        lake(&self.path)
    }

    /// The datasets that this node holds, by name.
    pub fn datasets(&self) -> Result<Vec<DatasetId>> {
        datasets(&self.path)
    }

    /// The audit log, checked against its signed head.
    pub fn log(&self) -> Result<Log> {
        Ok(Log::open(
            &self.audit(),
            self.identity.clone(),
            Timestamp::now(),
        )?)
    }

    /// Appends to the audit log and returns the signed head that now holds.
    pub fn record(&self, event: Event) -> Result<Head> {
        Ok(self.log()?.append(event, Timestamp::now())?.clone())
    }

    /// Claims the folder for one role (`serve`, or one run) until the claim is dropped.
    pub fn claim(&self, role: &str) -> Result<Claim> {
        Claim::take(&self.path.join(format!("{role}.lock")), role)
    }
}

/// Holds a role of a node folder; another process that asks for it is refused.
pub struct Claim {
    _lock: Lock,
}

impl Claim {
    fn take(path: &Path, role: &str) -> Result<Self> {
        match Lock::claim(path)? {
            ligate_files::Claim::Taken(lock) => Ok(Self { _lock: lock }),
            ligate_files::Claim::HeldBy(holder) => {
                let folder = path.parent().unwrap_or(path).display();
                bail!(
                    "{holder} is at work here (`{role}` in {folder}); wait for it, stop it, or use another folder"
                )
            }
        }
    }
}

fn lake(node: &Path) -> Result<Lake> {
    Ok(Lake::open(&node.join("datasets"))?)
}

fn datasets(node: &Path) -> Result<Vec<DatasetId>> {
    let held = lake(node)?.datasets()?.into_iter();
    Ok(held.map(|summary| summary.dataset).collect())
}

/// The folder of a node that serves. Its settings are followed, so that `ligate peer add` and a
/// veto need no restart; a mistake in them is said once, on standard error and in the audit log,
/// and the node goes on with those of before.
pub struct LiveFolder {
    path: PathBuf,
    identity: Arc<Identity>,
    held: Mutex<HeldConfig>,
}

struct HeldConfig {
    config: Config,
    /// The state of the file that was looked at last.
    seen: Option<FileState>,
}

/// When a file was written, its length and its inode.
type FileState = (SystemTime, u64, u64);

impl LiveFolder {
    pub fn new(folder: &Folder) -> Arc<Self> {
        let held = Mutex::new(HeldConfig {
            config: folder.config.clone(),
            seen: None,
        });
        Arc::new(Self {
            path: folder.path.clone(),
            identity: Arc::clone(&folder.identity),
            held,
        })
    }

    /// The folder with the settings as they are now.
    pub fn open(self: &Arc<Self>) -> Folder {
        Folder {
            path: self.path.clone(),
            config: self.config(),
            identity: Arc::clone(&self.identity),
            live: Some(Arc::clone(self)),
        }
    }

    fn config(&self) -> Config {
        let path = self.path.join("ligate.toml");
        let file = fs::metadata(&path);
        let state = file
            .and_then(|file| Ok((file.modified()?, file.len(), file.ino())))
            .ok();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_none() || held.seen != state {
            held.seen = state;
            match Config::read(&path) {
                Ok(config) => {
                    self.tell_of_absent(&config);
                    held.config = config;
                }
                Err(error) => self.tell(&output::one_line(&error)),
            }
        }
        held.config.clone()
    }

    /// A veto of a name that no dataset has protects nothing, and its steward believes that it does.
    /// It may also be of a dataset that comes later, so it is said and holds.
    fn tell_of_absent(&self, config: &Config) {
        if config.veto.datasets.is_empty() {
            return; // nothing to compare with, so the datasets are not read
        }
        let Ok(held) = datasets(&self.path) else {
            return; // whoever asks for a dataset is told what is wrong with them
        };
        for vetoed in &config.veto.datasets {
            if !held.contains(vetoed) {
                note!(
                    "warning: ligate.toml has a veto of the dataset {vetoed}, and there is none of \
                     that name here; `ligate datasets list` shows the names"
                );
            }
        }
    }

    fn tell(&self, reason: &str) {
        note!("warning: the settings cannot be read, and those of before go on: {reason}");
        let log = Log::open(
            &self.path.join("audit"),
            Arc::clone(&self.identity),
            Timestamp::now(),
        );
        let event = Event::SettingsUnreadable {
            reason: reason.to_owned(),
        };
        if let Err(error) = log.and_then(|mut log| log.append(event, Timestamp::now()).map(drop)) {
            note!("warning: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn node(dir: &Path) -> Result<Folder> {
        Folder::create(dir, &"nordbank".parse()?, &"SE".parse()?)
    }

    #[test]
    fn a_folder_holds_one_node() {
        let dir = tempfile::tempdir().unwrap();
        node(dir.path()).unwrap();
        assert!(node(dir.path()).is_err());
        assert_eq!(
            Folder::open(dir.path()).unwrap().name().as_str(),
            "nordbank"
        );
    }

    #[test]
    fn a_role_is_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = node(dir.path()).unwrap();
        let claim = folder.claim("serve").unwrap();
        let refused = folder.claim("serve").err().unwrap().to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(claim);
        folder.claim("serve").unwrap();
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        node(dir.path()).unwrap();
        let key = dir.path().join("keys/node.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Folder::open(dir.path()).err().unwrap().to_string();
        assert!(
            error.contains("node.key") && error.contains("chmod 600"),
            "{error}"
        );
    }
}
