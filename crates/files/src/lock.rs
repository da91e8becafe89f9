//! Locks, all of them `flock`: the system drops them when a process ends, however it ends.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use crate::FileError;

/// Decimal digits of a process number, and some more.
const HOLDER_BYTES_MAX: u64 = 20;

/// A lock that is held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// What came of asking for a lock that says who holds it.
#[derive(Debug)]
pub enum Claim {
    Taken(Lock),
    HeldBy(Holder),
}

/// The process that holds a lock, as far as it said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder(Option<u32>);

impl Holder {
    /// Somebody who did not say who he is.
    pub fn unknown() -> Self {
        Self(None)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "process {process}"),
            None => f.write_str("another process"),
        }
    }
}

impl Lock {
    /// Waits for the lock of a file, which is made if it is not there.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        Self::take(path, open_or_make, File::lock)
    }

    /// Waits for the lock of a file that is there.
    pub fn wait_existing(path: &Path) -> Result<Self, FileError> {
        Self::take(path, open_to_write, File::lock)
    }

    /// Shares the lock of a file that is there with others who read; waits for whoever holds it
    /// alone.
    pub fn share(path: &Path) -> Result<Self, FileError> {
        Self::take(path, open_to_read, File::lock_shared)
    }

    /// Takes the lock of a file, which is made if it is not there; `None` where somebody else holds
    /// it.
    pub fn try_take(path: &Path) -> Result<Option<Self>, FileError> {
        Self::take_if_free(path, open_or_make)
    }

    /// Takes the lock of a file that is there; `None` where somebody else holds or shares it.
    pub fn try_existing(path: &Path) -> Result<Option<Self>, FileError> {
        Self::take_if_free(path, open_to_read)
    }

    /// [`try_take`](Self::try_take) that writes this process's number into the file, and says whose
    /// number is there where somebody else holds it.
    pub fn claim(path: &Path) -> Result<Claim, FileError> {
        let claim = || {
            let mut file = open_or_make(path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(Claim::HeldBy(holder(&mut file))),
                Err(TryLockError::Error(error)) => return Err(error),
                Ok(()) => {}
            }
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())?;
            Ok(Claim::Taken(Self { file }))
        };
        claim().map_err(FileError::at("lock", path))
    }

    fn take(
        path: &Path,
        open: fn(&Path) -> io::Result<File>,
        lock: fn(&File) -> io::Result<()>,
    ) -> Result<Self, FileError> {
        let locked = open(path).and_then(|file| lock(&file).map(|()| Self { file }));
        locked.map_err(FileError::at("lock", path))
    }

    fn take_if_free(
        path: &Path,
        open: fn(&Path) -> io::Result<File>,
    ) -> Result<Option<Self>, FileError> {
        let locked = open(path).and_then(|file| match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        });
        locked.map_err(FileError::at("lock", path))
    }

    /// Whether the locked file is still the one at `path`: whoever had the lock before may have
    /// removed it.
    pub fn is_at(&self, path: &Path) -> Result<bool, FileError> {
        let same = || -> io::Result<bool> {
            let (locked, named) = (self.file.metadata()?, fs::metadata(path)?);
            Ok((locked.dev(), locked.ino()) == (named.dev(), named.ino()))
        };
        match same() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            other => other.map_err(FileError::at("lock", path)),
        }
    }
}

fn open_or_make(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    Holder(read.ok().and_then(|_| text.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_a_lock_and_others_hear_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let Claim::Taken(held) = Lock::claim(&path).unwrap() else {
            panic!("it is free")
        };
        let Claim::HeldBy(holder) = Lock::claim(&path).unwrap() else {
            panic!("it is held")
        };
        assert_eq!(
            holder.to_string(),
            format!("process {}", std::process::id())
        );
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_take(&path).unwrap().is_some());
        fs::write(&path, "no number").unwrap();
        let _held = Lock::wait(&path).unwrap();
        let Claim::HeldBy(holder) = Lock::claim(&path).unwrap() else {
            panic!("it is held")
        };
        assert_eq!(holder.to_string(), "another process");
    }

    #[test]
    fn readers_share_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(Lock::share(&path).unwrap_err().is_not_found());
        fs::write(&path, "").unwrap();
        let (one, other) = (Lock::share(&path).unwrap(), Lock::share(&path).unwrap());
        assert!(Lock::try_existing(&path).unwrap().is_none());
        drop(one);
        assert!(Lock::try_existing(&path).unwrap().is_none());
        drop(other);
        let alone = Lock::try_existing(&path).unwrap().unwrap();
        assert!(alone.is_at(&path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!alone.is_at(&path).unwrap());
        fs::write(&path, "").unwrap();
        assert!(!alone.is_at(&path).unwrap());
    }
}
