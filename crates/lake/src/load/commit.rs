//! The end of a load: the new snapshot is made durable, gets its name, and comes into force by the
//! manifest alone. And the collector: leftovers of killed loads and old snapshots that nobody reads
//! are removed.

use std::{fs, path::PathBuf};

use ligate_model::Digest;

use crate::{
    LakeError,
    description::Description,
    layout::{DatasetFolder, SnapshotFolder},
    lock::RemovalLock,
    manifest::Manifest,
};

/// A folder that is removed when dropped: what a failed or stopped load leaves.
pub struct Incoming {
    pub folder: SnapshotFolder,
}

impl Incoming {
    pub fn create(dataset: &DatasetFolder) -> Result<Self, LakeError> {
        let path = dataset.incoming("");
        ligate_files::remove_tree(&path)?;
        ligate_files::make_folder(&path)?;
        Ok(Self {
            folder: SnapshotFolder { path },
        })
    }

    /// For runs and rows that are written once more; removed before the snapshot is made durable.
    pub fn work(&self) -> PathBuf {
        self.folder.path.join("work")
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next load.
        let _ = ligate_files::remove_tree(&self.folder.path);
    }
}

/// Steps of a commit, for progress.
pub const COMMIT_STEPS: u64 = 4;

/// Puts a complete incoming folder in force as the dataset's current snapshot. `step` is told how
/// many of [`COMMIT_STEPS`] are done.
pub fn commit(
    dataset: &DatasetFolder,
    incoming: Incoming,
    description: &Description,
    step: &dyn Fn(u64),
) -> Result<Digest, LakeError> {
    let id = description.id()?;
    let target = dataset.snapshot(id);
    fs::write(incoming.folder.lock(), [])
        .map_err(|error| LakeError::io(&incoming.folder.lock(), error))?;
    description.write(&incoming.folder)?;
    ligate_files::sync_tree(&incoming.folder.path)?;
    step(1);
    if !is_whole(&target, id) {
        set_aside(dataset, &target)?;
        ligate_files::rename(&incoming.folder.path, &target.path)?;
    }
    step(2);
    ligate_files::sync_folder(&dataset.snapshots())?;
    ligate_files::sync_folder(&dataset.path)?;
    dataset
        .path
        .parent()
        .map_or(Ok(()), ligate_files::sync_folder)?;
    step(3);
    let before = Manifest::read(dataset)?;
    Manifest::following(&dataset.id, id, before.as_ref()).write(dataset)?;
    step(COMMIT_STEPS);
    Ok(id)
}

/// Whether this very snapshot is stored already, undamaged.
fn is_whole(target: &SnapshotFolder, id: Digest) -> bool {
    target.lock().exists()
        && Description::read(target, id).is_ok_and(|description| description.verify(target).is_ok())
}

/// Makes room for a snapshot whose stored copy is damaged.
fn set_aside(dataset: &DatasetFolder, target: &SnapshotFolder) -> Result<(), LakeError> {
    if !target.path.exists() {
        return Ok(());
    }
    let aside = dataset.incoming("-damaged");
    ligate_files::remove_tree(&aside)?;
    Ok(ligate_files::rename(&target.path, &aside)?)
}

/// Removes what killed loads left. The caller holds the dataset's load lock.
pub fn remove_leftovers(dataset: &DatasetFolder) -> Result<(), LakeError> {
    for (path, _) in ligate_files::entries(&dataset.path)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if DatasetFolder::is_incoming(&name) {
            ligate_files::remove_tree(&path)?;
        }
    }
    Ok(())
}

/// Removes snapshots that the manifest does not keep and nobody reads. The caller holds the
/// dataset's load lock.
pub fn remove_old_snapshots(dataset: &DatasetFolder) -> Result<(), LakeError> {
    let Some(manifest) = Manifest::read(dataset)? else {
        return Ok(());
    };
    for (path, _) in ligate_files::entries(&dataset.snapshots())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.parse().is_ok_and(|id| manifest.keeps(id)) {
            continue;
        }
        let folder = SnapshotFolder { path };
        if let Some(_lock) = RemovalLock::take(&folder)? {
            let aside = dataset.incoming("-old");
            ligate_files::rename(&folder.path, &aside)?;
            ligate_files::remove_tree(&aside)?;
        }
    }
    Ok(())
}
