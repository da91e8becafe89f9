//! Files that survive a crash: what must be on disk before a name points to it, and digests of what is there.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use ligate_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::LakeError;

const CHUNK_BYTES: usize = 1 << 18;

/// Writes `bytes` to `path` in one step: readers see the old file or the new one, also after a crash.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), LakeError> {
    replace_with(path, |out| out.write_all(bytes))
}

/// [`replace`], where the file is written piece by piece.
pub fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), LakeError> {
    let new = path.with_extension("new");
    if let Err(error) = write_synced(&new, write) {
        // What cannot be removed now is written over by the next load.
        let _ = fs::remove_file(&new);
        return Err(LakeError::io(&new, error));
    }
    fs::rename(&new, path).map_err(|error| LakeError::io(path, error))?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn write_synced(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Waits until the names in a folder are on disk.
pub fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| LakeError::io(folder, error))
}

/// Waits until a folder and all below it are on disk.
pub fn sync_tree(folder: &Path) -> Result<(), LakeError> {
    for (path, is_folder) in entries(folder)? {
        if is_folder { sync_tree(&path)? } else { sync_folder(&path)? }
    }
    sync_folder(folder)
}

/// Paths in a folder and whether each is a folder itself, by name.
pub fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>, LakeError> {
    let read = || {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            found.push((entry.path(), entry.file_type()?.is_dir()));
        }
        found.sort();
        Ok(found)
    };
    read().map_err(|error| LakeError::io(folder, error))
}

/// Makes a folder and those above it.
pub fn make_folder(folder: &Path) -> Result<(), LakeError> {
    fs::create_dir_all(folder).map_err(|error| LakeError::io(folder, error))
}

/// Moves a file or folder within one file system.
pub fn rename(from: &Path, to: &Path) -> Result<(), LakeError> {
    fs::rename(from, to).map_err(|error| LakeError::io(to, error))
}

/// Removes a folder with all in it; one that is not there is fine.
pub fn remove_tree(folder: &Path) -> Result<(), LakeError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LakeError::io(folder, error)),
        _ => Ok(()),
    }
}

/// Length and SHA-256 of a file's bytes.
pub fn fingerprint(path: &Path) -> Result<(u64, Digest), LakeError> {
    let read = || {
        let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = file.read(&mut chunk)?;
            if length == 0 {
                return Ok((bytes, Digest::from_bytes(hash.finalize().into())));
            }
            hash.update(&chunk[..length]);
            bytes += length as u64;
        }
    };
    read().map_err(|error| LakeError::io(path, error))
}
