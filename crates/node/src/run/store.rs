//! Releases that a coordinator keeps: an identical question gets the identical answer, and the nodes are not asked
//! again. One file per question, written whole or not at all.

use std::{fs, io::ErrorKind, path::PathBuf};

use anyhow::{Context, Result};
use ligate_access::job::SignedJob;

use super::release::Release;
use crate::{folder::Folder, output};

/// The `releases/` folder of a coordinator.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    pub fn new(folder: &Folder) -> Self {
        Self { folder: folder.releases() }
    }

    /// The release of the same question under the same permit.
    pub fn find(&self, job: &SignedJob) -> Result<Option<Release>> {
        let path = self.path(job);
        match fs::read(&path) {
            Ok(bytes) => {
                let release = postcard::from_bytes(&bytes);
                release.map(Some).with_context(|| format!("the stored release {} is damaged", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub fn keep(&self, job: &SignedJob, release: &Release) -> Result<()> {
        let bytes = postcard::to_stdvec(release).context("the release cannot be written")?;
        output::write_private(&self.path(job), |out| out.write_all(&bytes))
    }

    fn path(&self, job: &SignedJob) -> PathBuf {
        self.folder.join(job.question().to_string())
    }
}
