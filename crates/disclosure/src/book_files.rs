//! Files of the books that a node keeps of what was shown: their lock, their key, and what is said
//! where one is damaged.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

pub use ligate_files::Lock;
use zeroize::Zeroizing;

use crate::LedgerError;

/// Locks the folder of a book, and waits for whoever has it.
pub fn lock(folder: &Path) -> Result<Lock, LedgerError> {
    Ok(Lock::wait(&folder.join("lock"))?)
}

pub(crate) fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, LedgerError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
        Ok(found) if found.mode() & 0o077 != 0 => {
            return Err(LedgerError::Readable {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    let bytes = Zeroizing::new(fs::read(path).map_err(at(path))?);
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| LedgerError::Damaged(path.to_owned()))?;
    Ok(Some(Zeroizing::new(key)))
}

pub(crate) fn read_or_damaged(path: &Path) -> Result<Vec<u8>, LedgerError> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LedgerError::Damaged(path.to_owned()),
        _ => at(path)(error),
    })
}

pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> LedgerError + use<> {
    let path = path.to_owned();
    move |source| LedgerError::Io {
        path: path.clone(),
        source,
    }
}
