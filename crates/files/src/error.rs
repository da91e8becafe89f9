//! What went wrong with which file.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A file or folder that could not be read, written, locked or moved.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    /// What was being done, as in "cannot write".
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl FileError {
    /// Makes the error of an action on a path, for `map_err`.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self {
            action,
            path: path.clone(),
            source,
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}
