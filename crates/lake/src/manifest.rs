//! The manifest: the one file of a dataset that changes. It names the snapshot in force and the one
//! before.

use std::{fs, io, path::Path};

use ligate_files::Readers;
use ligate_model::{DatasetId, Digest};
use serde::{Deserialize, Serialize};

use crate::{LakeError, description::parse_versioned, layout::DatasetFolder};

const FORMAT: u32 = 1;

/// Which snapshot of a dataset is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    dataset: DatasetId,
    pub current: Digest,
    /// Kept so that a mistaken load can be undone.
    pub previous: Option<Digest>,
    /// Whether the people were compared with all whom the node knows; earlier programs did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compared: bool,
}

impl Manifest {
    /// The manifest after `current` came into force over `before`.
    pub fn following(dataset: &DatasetId, current: Digest, before: Option<&Manifest>) -> Self {
        let previous = before.and_then(|before| {
            if before.current == current {
                before.previous
            } else {
                Some(before.current)
            }
        });
        Self {
            format: FORMAT,
            dataset: dataset.clone(),
            current,
            previous,
            compared: true,
        }
    }

    /// Reads a dataset's manifest; `None` where no load has ended yet.
    pub fn read(folder: &DatasetFolder) -> Result<Option<Self>, LakeError> {
        let path = folder.manifest();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LakeError::io(&path, error)),
        };
        let manifest: Self = parse_versioned(&path, &text, FORMAT)?;
        if manifest.dataset != folder.id {
            return Err(LakeError::corrupt(&path, "another dataset's manifest"));
        }
        Ok(Some(manifest))
    }

    /// The datasets of a folder that have a snapshot in force, by name.
    pub fn all(datasets: &Path) -> Result<Vec<(DatasetFolder, Self)>, LakeError> {
        let mut found = Vec::new();
        for (path, is_folder) in ligate_files::entries(datasets)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Ok(id) = DatasetId::new(name) else {
                continue;
            };
            let folder = DatasetFolder::new(datasets, &id);
            if is_folder && let Some(manifest) = Self::read(&folder)? {
                found.push((folder, manifest));
            }
        }
        Ok(found)
    }

    /// Puts the manifest in force, in one step.
    pub fn write(&self, folder: &DatasetFolder) -> Result<(), LakeError> {
        let path = folder.manifest();
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| LakeError::writing(&path, &error))?;
        Ok(ligate_files::replace_alone(&path, Readers::Owner, &text)?)
    }

    pub fn keeps(&self, snapshot: Digest) -> bool {
        self.current == snapshot || self.previous == Some(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loading_the_same_again_keeps_the_snapshot_before() {
        let dataset = DatasetId::new("d").unwrap();
        let [a, b] = ["a", "b"].map(|text| Digest::of("test", text.as_bytes()));
        let first = Manifest::following(&dataset, a, None);
        let second = Manifest::following(&dataset, b, Some(&first));
        let again = Manifest::following(&dataset, b, Some(&second));
        assert_eq!((again.current, again.previous), (b, Some(a)));
        assert_eq!(first.previous, None);
    }
}
