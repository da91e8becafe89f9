//! Why a file cannot be read at all. Every message names the file and says what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A file that cannot be read to its end. Nothing of it should be kept.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Neither VCF nor BCF, whatever its name says.
    #[error("{}: this is neither VCF nor BCF ({found}); give a .vcf, .vcf.gz or .bcf file", path.display())]
    UnknownFormat { path: PathBuf, found: &'static str },
    /// The header of a variant file, a phenotype table or a FASTA file breaks a rule that the rest
    /// depends on.
    #[error("{}:{line}: {message}", path.display())]
    Malformed {
        path: PathBuf,
        line: u64,
        message: String,
    },
    #[error("{}: the file is truncated ({what}); copy it again, or make it again", path.display())]
    Truncated { path: PathBuf, what: &'static str },
    #[error("{}: the file is corrupt ({what}); copy it again, or make it again", path.display())]
    Corrupt { path: PathBuf, what: &'static str },
}

impl ReadError {
    /// What the system or a decompressor said of a file; a [`ReadError`] that went through a reader
    /// is taken out of it.
    pub fn io(path: &Path, source: io::Error) -> Self {
        let source = match source.downcast::<Self>() {
            Ok(own) => return own,
            Err(source) => source,
        };
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated {
                path,
                what: "it ends within its data",
            },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Corrupt {
                path,
                what: "its compressed data or their checksum are wrong",
            },
            _ => Self::Io { path, source },
        }
    }

    /// A line, counted from 1, that breaks a rule which the rest depends on.
    pub fn malformed(path: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }

    pub(crate) fn truncated(path: &Path, what: &'static str) -> Self {
        Self::Truncated {
            path: path.to_owned(),
            what,
        }
    }

    pub(crate) fn corrupt(path: &Path, what: &'static str) -> Self {
        Self::Corrupt {
            path: path.to_owned(),
            what,
        }
    }
}

/// Why reading ended early: the file, the caller's stop flag, or the caller's sink.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailure<E> {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("stopped")]
    Stopped,
    #[error("{0}")]
    Sink(E),
}
