//! A file that appears whole or not at all: written beside its place under another name, and
//! renamed when it is on disk. Readers see the old file or the new one, also after a crash.
//!
//! The other name is one that nobody can guess, because others may write to the folder, too
//! ([`replace`]). In a folder of the owner, where one process at a time writes, it is the file's
//! own with `.new` ([`replace_alone`]): so crashes leave one unfinished file at most.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{FileError, folder::parent, rename, sync_folder};

/// What the names of files begin with that were not finished. A crash leaves such a file; nobody
/// reads it.
const UNFINISHED: &str = ".tmp";

/// What the names of files end with that were not finished where one process at a time writes.
const UNFINISHED_ALONE: &str = ".new";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Mode 0600.
    Owner,
    /// Mode 0644, for what holds nothing about people.
    Everybody,
}

impl Readers {
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

/// Writes `bytes` to `path`, and replaces a file that is there.
pub fn replace(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), FileError> {
    put(path, readers, |file| file.write_all(bytes))
}

/// [`replace`], where the file is written piece by piece. Where `write` fails, the file that was
/// there stays.
pub fn replace_with(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    put(path, readers, buffered(write))
}

/// [`replace`] by whoever holds a lock that all writers of this file take, in a folder of the owner
/// alone.
pub fn replace_alone(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), FileError> {
    Next::write(path, readers, bytes)?.take_place_for_good()
}

/// [`replace_alone`], where the file is written piece by piece.
pub fn replace_alone_with(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    Next::write_with(path, readers, buffered(write))?.take_place_for_good()
}

/// The content of a file on disk that has not taken the file's place yet, for whoever does
/// something in between.
pub struct Next<'a> {
    path: &'a Path,
    next: PathBuf,
}

impl<'a> Next<'a> {
    /// Writes what `path` shall be, by whoever may call [`replace_alone`].
    pub fn write(path: &'a Path, readers: Readers, bytes: &[u8]) -> Result<Self, FileError> {
        Self::write_with(path, readers, |file| file.write_all(bytes))
    }

    fn write_with(
        path: &'a Path,
        readers: Readers,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Self, FileError> {
        let mut next = path.as_os_str().to_owned();
        next.push(UNFINISHED_ALONE);
        let next = PathBuf::from(next);
        let written = create_private(&next).and_then(|mut file| {
            fill(&mut file, readers, write).map_err(FileError::at("write", &next))
        });
        if let Err(error) = written {
            // What cannot be removed now is written over the next time.
            let _ = fs::remove_file(&next);
            return Err(error);
        }
        Ok(Self { path, next })
    }

    /// Puts the content in the file's place. Where this fails, the file is as it was. That it stays
    /// so after a loss of power is sure when [`sync_folder`] returned, too.
    pub fn take_place(self) -> Result<(), FileError> {
        rename(&self.next, self.path)
    }

    fn take_place_for_good(self) -> Result<(), FileError> {
        let folder = parent(self.path);
        self.take_place()?;
        sync_folder(folder)
    }
}

/// Writes `bytes` to `path` unless something is there: then the error's source is
/// [`io::ErrorKind::AlreadyExists`].
pub fn write_new(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), FileError> {
    let file = unfinished(path, readers, |file| file.write_all(bytes))?;
    file.persist_noclobber(path)
        .map_err(|failure| FileError::at("write", path)(failure.error))?;
    sync_folder(parent(path))
}

/// Opens an empty file that is the owner's alone, to be written piece by piece. It replaces one
/// that is there at once.
pub fn create_private(path: &Path) -> Result<File, FileError> {
    let mode = Readers::Owner.mode();
    let open = || {
        let mut options = fs::OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        Ok(file)
    };
    open().map_err(FileError::at("write", path))
}

/// What is in a file; `None` where there is no file.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path).map_err(FileError::at("read", path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a name is one of a file that was not finished.
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with(UNFINISHED) || name.ends_with(UNFINISHED_ALONE)
}

fn put(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), FileError> {
    let file = unfinished(path, readers, write)?;
    file.persist(path)
        .map_err(|failure| FileError::at("write", path)(failure.error))?;
    sync_folder(parent(path))
}

/// The content of `path` on disk, under another name in its folder.
fn unfinished(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<NamedTempFile, FileError> {
    let make = || {
        // Made with mode 0600, whatever the process's mask is.
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(parent(path))?;
        fill(file.as_file_mut(), readers, write)?;
        Ok(file)
    };
    make().map_err(FileError::at("write", path))
}

/// Writes the content, then lets the readers in, and waits until both are on disk.
fn fill(
    file: &mut File,
    readers: Readers,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    write(file)?;
    file.set_permissions(fs::Permissions::from_mode(readers.mode()))?;
    file.sync_all()
}

/// Collects small pieces. Bytes that are there as a whole are written without: they may be a key,
/// of which no copy stays.
fn buffered(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> impl FnOnce(&mut File) -> io::Result<()> {
    |file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn fails(out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"new")?;
        Err(io::Error::other("disk full"))
    }

    #[test]
    fn a_file_that_fails_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        replace(&path, Readers::Owner, b"old").unwrap();
        let failed = replace_with(&path, Readers::Owner, fails).unwrap_err();
        assert_eq!(
            failed.to_string(),
            format!("cannot write {}", path.display())
        );
        assert!(replace_alone_with(&path, Readers::Owner, fails).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        replace_alone(&path, Readers::Owner, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_crash_left_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        fs::write(folder.path().join("x.json.new"), "longer than the file").unwrap();
        replace_alone(&path, Readers::Owner, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(
            is_unfinished("x.json.new") && is_unfinished(".tmpa1B2c3") && !is_unfinished("x.json")
        );
    }

    #[test]
    fn who_may_read_a_file_does_not_depend_on_the_one_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for (readers, expected) in [
            (Readers::Everybody, 0o644),
            (Readers::Owner, 0o600),
            (Readers::Everybody, 0o644),
        ] {
            replace(&path, readers, b"x").unwrap();
            assert_eq!(mode(&path), expected);
        }
        create_private(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_new_file_replaces_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write_new(&path, Readers::Owner, b"first").unwrap();
        let again = write_new(&path, Readers::Owner, b"second").unwrap_err();
        assert_eq!(again.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
