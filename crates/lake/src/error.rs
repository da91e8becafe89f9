//! What can go wrong with stored data. Messages name files and datasets, never individuals or their
//! values.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use ligate_files::{FileError, Holder};
use ligate_formats::{Problem, ReadError};
use ligate_model::{Assembly, DatasetId, Digest, IndividualId, VariableName};

/// Why the lake did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The disk, a quota or a limit on file sizes ended a load. What was stored before is as it
    /// was.
    #[error("no space left on the disk of {} ({source}); nothing was changed", path.display())]
    Full { path: PathBuf, source: io::Error },
    #[error(
        "{} was written by a newer version of ligate (format {format}; this one reads formats 1 to {newest}); use that version",
        path.display()
    )]
    AnotherVersion {
        path: PathBuf,
        format: u64,
        newest: u32,
    },
    /// A stored file is not what was written.
    #[error("{} is damaged: {what}; load the dataset again from its source files", path.display())]
    Corrupt { path: PathBuf, what: String },
    /// A table of the snapshot in force is damaged, so that nobody could tell whose calls a load
    /// changes.
    #[error(
        "{} is damaged: {what}; a new snapshot is compared with the one in force, so nothing was changed: first load \
         the files of the snapshot in force once more, which repairs it, or put the file back from a backup",
        path.display()
    )]
    Incomparable { path: PathBuf, what: String },
    /// What a dataset remembers of its earlier snapshots is damaged. It is in no source file.
    #[error(
        "{} is damaged: {what}; it is needed to know in which variants calls changed, which no source file tells, so \
         nothing was changed: put it back from a backup",
        path.display()
    )]
    HistoryLost { path: PathBuf, what: String },
    /// What the lake knows people by is damaged. It is in no source file.
    #[error(
        "{} is damaged: {what}; it is needed to know people again whose ids have changed, which no source file tells, so \
         nothing was changed: put it back from a backup",
        path.display()
    )]
    LikenessLost { path: PathBuf, what: String },
    /// People are loaded under other ids than before. `pairs` are the ids in the files, and those
    /// that they are known under.
    #[error("{} (rule: people are the same under every id); nothing was changed", known_people(*found))]
    SamePeople {
        found: usize,
        pairs: Vec<(IndividualId, IndividualId)>,
    },
    /// Two rows of a load have the calls of one person.
    #[error("{} in these files (rule: a person counts once); nothing was changed", twice(pairs.len()))]
    Twice { pairs: Vec<[IndividualId; 2]> },
    #[error("there is no dataset \"{0}\"; `ligate datasets` lists those of this node")]
    UnknownDataset(DatasetId),
    #[error("dataset \"{dataset}\" has no snapshot {snapshot}")]
    UnknownSnapshot {
        dataset: DatasetId,
        snapshot: Digest,
    },
    #[error("dataset \"{dataset}\" is being loaded by {holder}; wait for it to end")]
    Locked { dataset: DatasetId, holder: Holder },
    #[error("who was in the dataset before could not be noted; nothing was changed")]
    NotRemembered(#[source] Box<dyn Error + Send + Sync>),
    #[error("stopped; nothing was changed")]
    Stopped,
    #[error("a dataset needs at least one VCF or BCF file")]
    NoFiles,
    #[error("{} is given twice", .0.display())]
    FileTwice(PathBuf),
    #[error(
        "{} and {} {how}; the files of one dataset hold either the same samples in the same order \
         (they are concatenated) or no sample in common (they become blocks)",
        first.display(), second.display()
    )]
    Samples {
        first: PathBuf,
        second: PathBuf,
        how: SampleConflict,
    },
    #[error("{}: with the prefix, a sample name is longer than 256 characters", .0.display())]
    SampleName(PathBuf),
    #[error("{} is on {found}, {} on {expected}; load them as two datasets",
        file.display(), other.display())]
    Assemblies {
        file: PathBuf,
        found: Assembly,
        other: PathBuf,
        expected: Assembly,
    },
    #[error("{} is on {found} by its contigs, not on {declared} as declared", file.display())]
    Assembly {
        file: PathBuf,
        found: Assembly,
        declared: Assembly,
    },
    #[error("more than {0} individuals in one block")]
    BlockTooBig(usize),
    #[error("{}: {what} of variable \"{variable}\" does not agree with another table", file.display())]
    Variable {
        file: PathBuf,
        variable: VariableName,
        what: &'static str,
    },
    #[error("{}: a phenotype column may not be called \"individual\", the name of the id column", .0.display())]
    ReservedVariable(PathBuf),
    #[error("{}: no individual of the dataset has this prefix", .0.display())]
    NobodyWithPrefix(PathBuf),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There were records, and each was skipped: a dataset of nothing would be a mistake.
    #[error(
        "none of the {records} records could be read; nothing was changed{}",
        listed(first_problems)
    )]
    NothingReadable {
        records: u64,
        first_problems: Vec<Problem>,
    },
    #[error("the keys of a scan must ascend without repeats")]
    UnsortedKeys,
    /// SQL that is wrong, or that does more than read. The message may quote a value that could not
    /// be converted: it is for the person who asked, as the answer would have been, and not for
    /// logs or other nodes.
    #[error("{0}")]
    Query(String),
}

fn known_people(found: usize) -> String {
    match found {
        1 => "one person of these files has the calls of somebody whom this node knows under another id"
            .to_owned(),
        _ => format!(
            "{found} people of these files have the calls of people whom this node knows under other ids"
        ),
    }
}

fn twice(pairs: usize) -> String {
    match pairs {
        1 => "two people have the same calls".to_owned(),
        _ => format!("{pairs} pairs of people have the same calls"),
    }
}

/// Each in a line of its own.
fn listed(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}

/// How two files' samples are neither the same nor disjoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleConflict {
    Order,
    Overlap { shared: usize },
}

impl std::fmt::Display for SampleConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Order => f.write_str("hold the same samples in different orders"),
            Self::Overlap { shared } => write!(f, "share {shared} of their samples"),
        }
    }
}

impl From<FileError> for LakeError {
    fn from(error: FileError) -> Self {
        Self::io(&error.path, error.source)
    }
}

impl LakeError {
    /// An operation on `path` failed; a full disk is told apart.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { path, source },
            _ => Self::Io { path, source },
        }
    }

    /// Writing a table failed: the file system's own error where there is one beneath.
    pub(crate) fn writing(path: &Path, error: &(dyn Error + 'static)) -> Self {
        let source = io_beneath(error).unwrap_or_else(|| io::Error::other(error.to_string()));
        Self::io(path, source)
    }

    /// Reading a stored table failed: the file system's own error, else the bytes are wrong.
    pub(crate) fn reading(path: &Path, error: &(dyn Error + 'static)) -> Self {
        match io_beneath(error) {
            Some(source) if source.kind() != io::ErrorKind::UnexpectedEof => Self::io(path, source),
            _ => Self::corrupt(path, error.to_string()),
        }
    }

    /// Damage to what only the history of a dataset knows.
    pub(crate) fn without_history(self) -> Self {
        match self.damage() {
            Ok((path, what)) => Self::HistoryLost { path, what },
            Err(other) => other,
        }
    }

    /// Damage to a table of the snapshot in force, found by a load.
    pub(crate) fn incomparable(self) -> Self {
        match self.damage() {
            Ok((path, what)) => Self::Incomparable { path, what },
            Err(other) => other,
        }
    }

    /// Damage to what people are known by.
    pub(crate) fn without_likeness(self) -> Self {
        match self.damage() {
            Ok((path, what)) => Self::LikenessLost { path, what },
            Err(other) => other,
        }
    }

    /// The file that is damaged or gone and what is wrong with it; any other error as it was.
    fn damage(self) -> Result<(PathBuf, String), Self> {
        match self {
            Self::Corrupt { path, what } => Ok((path, what)),
            Self::Io { path, source } if source.kind() == io::ErrorKind::NotFound => {
                Ok((path, "it is not there".to_owned()))
            }
            other => Err(other),
        }
    }

    pub(crate) fn corrupt(path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}

/// The file system's error among an error's causes.
fn io_beneath(error: &(dyn Error + 'static)) -> Option<io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(match io.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(io.kind(), io.to_string()),
            });
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use parquet::errors::ParquetError;

    use super::*;

    #[test]
    fn a_full_disk_is_found_beneath_a_table_error() {
        const NO_SPACE: i32 = 28; // ENOSPC on Linux and macOS
        let wrapped = ParquetError::External(Box::new(io::Error::from_raw_os_error(NO_SPACE)));
        let error = LakeError::writing(Path::new("x/sites.parquet"), &wrapped);
        assert!(matches!(error, LakeError::Full { .. }));
        assert!(
            error
                .to_string()
                .starts_with("no space left on the disk of x/sites.parquet")
        );
    }

    #[test]
    fn a_table_that_ends_early_is_damaged() {
        let cut = ParquetError::EOF("footer".into());
        assert!(matches!(
            LakeError::reading(Path::new("x"), &cut),
            LakeError::Corrupt { .. }
        ));
    }
}
