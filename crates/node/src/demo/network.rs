//! The demo's organisations: folders, keys, trust among them, and one serving process each.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use ligate_lake::{LoadReport, LoadRequest, VcfGroup};
use ligate_model::{DatasetId, NodeName};

use super::sites::Site;
use crate::{
    commands::{
        ingest::{history_key, load},
        peer::save as save_peer,
    },
    config::Peer,
    folder::Folder,
    interrupt,
};

/// The dataset that every node of the demo holds.
pub const DATASET: &str = "cohort";

/// How long a stopping process may take before it is ended.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Makes a node of `site` under `dir` and loads its files.
pub fn found(dir: &Path, site: &Site) -> Result<(Folder, LoadReport)> {
    let folder = Folder::create(&dir.join(site.name.as_str()), &site.name, &site.country)?;
    let request = LoadRequest {
        dataset: dataset()?,
        groups: vec![VcfGroup {
            files: vec![site.vcf.clone()],
            id_prefix: None,
        }],
        phenotypes: vec![(site.phenotypes.clone(), None)],
        known_as: None,
        assembly: None,
        reference: None,
        threads: folder.config.limits.thread_count(),
        memory_bytes: folder.config.limits.memory_bytes(),
        one_block: false,
        history_key: history_key(&folder),
    };
    let report = load(&folder, request)?;
    Ok((folder, report))
}

pub fn dataset() -> Result<DatasetId> {
    Ok(DATASET.parse()?)
}

/// A serving process. It is asked to stop when this is dropped, and ends by itself when its parent
/// is gone.
pub struct Server {
    child: Child,
    pub name: NodeName,
    pub address: String,
}

impl Server {
    /// Starts `ligate serve` on a port that the system chooses.
    pub fn start(folder: &Folder) -> Result<Self> {
        let log = ligate_files::create_private(&folder.path().join("serve.log"))?;
        let mut child = Command::new(std::env::current_exe()?)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--stop-with-stdin",
                "--dir",
            ])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C is for the demo, which stops them in order.
            .process_group(0)
            .spawn()
            .context("cannot start a serving process")?;
        let mut address = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut address)?;
        }
        let server = Self {
            child,
            name: folder.name().clone(),
            address: address.trim().to_owned(),
        };
        if server.address.is_empty() {
            let said = fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
            bail!("{} did not start to serve: {}", folder.name(), said.trim());
        }
        Ok(server)
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let patience = Instant::now() + STOP_PATIENCE;
        while Instant::now() < patience {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets every folder know every other one. Only the access body, last in `folders`, may permit and
/// open sums.
pub fn introduce(folders: &[Folder], servers: &[Server]) -> Result<()> {
    let body = folders.len() - 1;
    for (index, folder) in folders.iter().enumerate() {
        for (other_index, other) in folders.iter().enumerate() {
            interrupt::check()?;
            if other_index == index {
                continue;
            }
            let address = servers
                .iter()
                .find(|server| server.name == *other.name())
                .map(|server| server.address.clone());
            save_peer(
                folder,
                &Peer {
                    name: other.name().clone(),
                    key: other.identity.public(),
                    address,
                    country: Some(other.config.node.country.clone()),
                    issuer: other_index == body,
                    coordinator: other_index == body,
                },
            )?;
        }
    }
    Ok(())
}
