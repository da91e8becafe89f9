//! Where things lie.
//!
//! ```text
//! datasets/.likeness                                 by what people are known whose ids have changed, of all datasets
//! datasets/.likeness.lock                            held while a load compares its people and comes into force
//! datasets/ID/.lock                                  held by a load, with its process id
//! datasets/ID/manifest.json                          names the snapshot in force
//! datasets/ID/incoming-PID…/                         a load under way, or what a killed one left
//! datasets/ID/snapshots/SNAPSHOT/.lock               held, shared, by readers
//! datasets/ID/snapshots/SNAPSHOT/snapshot.json       counts, blocks, variables, files with digests
//! datasets/ID/snapshots/SNAPSHOT/history.parquet         changed calls of all steps; none in a first snapshot
//! datasets/ID/snapshots/SNAPSHOT/samples.parquet
//! datasets/ID/snapshots/SNAPSHOT/phenotypes.parquet
//! datasets/ID/snapshots/SNAPSHOT/sites/contig=1.parquet …
//! datasets/ID/snapshots/SNAPSHOT/genotypes/block=0/contig=1.parquet …
//! datasets/ID/snapshots/SNAPSHOT/kept/block=0/contig=1.parquet …       calls of variants that the files list no longer
//! ```

use std::path::{Path, PathBuf};

use ligate_model::{DatasetId, Digest};

use crate::partition::Partition;

/// A dataset's own folder.
#[derive(Clone, Debug)]
pub struct DatasetFolder {
    pub id: DatasetId,
    pub path: PathBuf,
}

const INCOMING: &str = "incoming-";

/// The history's path within a snapshot's folder.
pub const HISTORY: &str = "history.parquet";

/// What the paths of kept calls begin with.
pub const KEPT: &str = "kept/";

/// The book of likenesses of the lake in `datasets`.
pub fn likeness(datasets: &Path) -> PathBuf {
    datasets.join(".likeness")
}

pub fn likeness_lock(datasets: &Path) -> PathBuf {
    datasets.join(".likeness.lock")
}

impl DatasetFolder {
    pub fn new(datasets: &Path, id: &DatasetId) -> Self {
        Self {
            id: id.clone(),
            path: datasets.join(id.as_str()),
        }
    }

    /// The folder of all datasets.
    pub fn datasets(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    pub fn lock(&self) -> PathBuf {
        self.path.join(".lock")
    }

    pub fn manifest(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    pub fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    pub fn snapshot(&self, id: Digest) -> SnapshotFolder {
        SnapshotFolder {
            path: self.snapshots().join(id.to_string()),
        }
    }

    /// A folder of this process that never comes into force by itself.
    pub fn incoming(&self, what: &str) -> PathBuf {
        self.path
            .join(format!("{INCOMING}{}{what}", std::process::id()))
    }

    pub fn is_incoming(name: &str) -> bool {
        name.starts_with(INCOMING)
    }
}

/// A snapshot's folder, or one that becomes a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotFolder {
    pub path: PathBuf,
}

impl SnapshotFolder {
    pub fn lock(&self) -> PathBuf {
        self.path.join(".lock")
    }

    pub fn description(&self) -> PathBuf {
        self.path.join("snapshot.json")
    }

    pub fn samples(&self) -> PathBuf {
        self.path.join("samples.parquet")
    }

    pub fn phenotypes(&self) -> PathBuf {
        self.path.join("phenotypes.parquet")
    }

    pub fn history(&self) -> PathBuf {
        self.path.join(HISTORY)
    }

    pub fn sites_folder(&self) -> PathBuf {
        self.path.join("sites")
    }

    pub fn sites(&self, partition: Partition) -> PathBuf {
        self.sites_folder().join(partition.file_name())
    }

    pub fn block_folder(&self, block: usize) -> PathBuf {
        self.path.join("genotypes").join(format!("block={block}"))
    }

    pub fn genotypes(&self, block: usize, partition: Partition) -> PathBuf {
        self.path.join(Self::genotypes_name(block, partition))
    }

    pub fn kept_folder(&self, block: usize) -> PathBuf {
        self.path.join(format!("{KEPT}block={block}"))
    }

    pub fn kept(&self, block: usize, partition: Partition) -> PathBuf {
        self.path.join(Self::kept_name(block, partition))
    }

    /// The path within the folder, as `snapshot.json` has it.
    pub fn kept_name(block: usize, partition: Partition) -> String {
        format!("{KEPT}block={block}/{}", partition.file_name())
    }

    /// The path within the folder, as `snapshot.json` has it.
    pub fn genotypes_name(block: usize, partition: Partition) -> String {
        format!("genotypes/block={block}/{}", partition.file_name())
    }
}
