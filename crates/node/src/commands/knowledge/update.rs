//! `ligate knowledge update`: fetches the official release of HPO and its annotations and builds.
//! Files are fetched whole into a temporary folder first; nothing that is installed is touched
//! until the build is done.

use std::{fs::File, io, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};

/// The files of a release.
const FILES: [&str; 3] = ["hp.obo", "phenotype.hpoa", "genes_to_phenotype.txt"];

/// Bytes of a file at the most: the largest has 35 MB.
const FILE_MAX: u64 = 512 << 20;

/// For one file.
const DEADLINE: Duration = Duration::from_secs(600);

/// Fetches from `base` and builds.
pub fn run(base: &str, out: Option<PathBuf>, json: bool) -> Result<()> {
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
        .iter()
        .any(|start| base.starts_with(start));
    if !base.starts_with("https://") && !local {
        bail!("releases are fetched over https; {base} is another address");
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(DEADLINE))
        .build()
        .into();
    for name in FILES {
        note!("fetching {name}");
        let address = format!("{}/{name}", base.trim_end_matches('/'));
        fetch(&agent, &address, &folder.path().join(name))
            .with_context(|| format!("cannot fetch {address}"))?;
    }
    super::install(&[folder.path().to_owned()], out, json)
}

fn fetch(agent: &ureq::Agent, address: &str, path: &std::path::Path) -> Result<()> {
    let mut response = agent.get(address).call()?;
    let mut body = response.body_mut().with_config().limit(FILE_MAX).reader();
    let mut file = File::create(path)?;
    io::copy(&mut body, &mut file)?;
    Ok(())
}
