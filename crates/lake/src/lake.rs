//! The datasets of a node: the folder that holds them all.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use ligate_model::{Assembly, DatasetId, Digest};

use crate::{
    LakeError, LoadReport, LoadRequest, Progress, Replacing, Snapshot, SqlLimits, Table,
    VariableDescription,
    layout::DatasetFolder,
    load::{self, Control},
    manifest::Manifest,
    sql,
};

/// The datasets of a node.
#[derive(Clone, Debug)]
pub struct Lake {
    datasets: PathBuf,
}

/// A dataset's current snapshot in short.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSummary {
    pub dataset: DatasetId,
    pub snapshot: Digest,
    pub assembly: Assembly,
    pub individuals: usize,
    pub variants: u64,
    pub variables: Vec<VariableDescription>,
    /// Size of the snapshot's tables.
    pub bytes: u64,
}

impl Lake {
    /// Opens the folder of datasets; makes it if the folder above exists.
    pub fn open(datasets: &Path) -> Result<Self, LakeError> {
        match fs::create_dir(datasets) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(LakeError::io(datasets, error))
            }
            _ => Ok(Self {
                datasets: datasets.to_owned(),
            }),
        }
    }

    /// Datasets with a snapshot in force, by name.
    pub fn datasets(&self) -> Result<Vec<DatasetSummary>, LakeError> {
        self.snapshots()?
            .iter()
            .map(|snapshot| Ok(snapshot.summary()))
            .collect()
    }

    /// The current snapshots of all datasets, by name.
    fn snapshots(&self) -> Result<Vec<Snapshot>, LakeError> {
        Manifest::all(&self.datasets)?
            .iter()
            .map(|(folder, _)| Snapshot::current(folder))
            .collect()
    }

    /// Loads files as the dataset's new snapshot, in force once this returns. Ends with
    /// [`LakeError::Stopped`] and nothing changed soon after `stop` is set.
    pub fn load(
        &self,
        request: &LoadRequest,
        stop: &AtomicBool,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<LoadReport, LakeError> {
        self.load_over(request, stop, progress, &|_| Ok(()))
    }

    /// [`load`](Self::load), where somebody remembers who was in a dataset: `replacing` is told the
    /// people of the snapshot in force before another one takes its place, while nobody else can
    /// load. An error of it ends the load with nothing changed.
    pub fn load_over(
        &self,
        request: &LoadRequest,
        stop: &AtomicBool,
        progress: &(dyn Fn(Progress) + Sync),
        replacing: Replacing<'_>,
    ) -> Result<LoadReport, LakeError> {
        let control = Control {
            stop,
            progress,
            replacing,
        };
        load::load(&self.folder(&request.dataset), request, control)
    }

    /// The dataset's current snapshot. It stays readable while it is held, also when a load
    /// replaces it.
    pub fn snapshot(&self, dataset: &DatasetId) -> Result<Snapshot, LakeError> {
        Snapshot::current(&self.folder(dataset))
    }

    /// A snapshot by its id: the current one, the one before, or an older one that somebody still
    /// reads.
    pub fn snapshot_by_id(&self, dataset: &DatasetId, id: Digest) -> Result<Snapshot, LakeError> {
        Snapshot::by_id(&self.folder(dataset), id)
    }

    /// Answers an SQL query over the current snapshots of all datasets: tables `DATASET.sites`,
    /// `DATASET.samples` and `DATASET.phenotypes`. Names are taken as written; one with other
    /// characters than letters, digits and `_` needs double quotes (`"kg-hg".sites`). Only reading
    /// is allowed.
    pub async fn sql(&self, query: &str, limits: SqlLimits) -> Result<Table, LakeError> {
        sql::answer(self.snapshots()?, query, limits).await
    }

    fn folder(&self, dataset: &DatasetId) -> DatasetFolder {
        DatasetFolder::new(&self.datasets, dataset)
    }
}
