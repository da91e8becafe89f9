//! Locks, all of them `flock`: the system drops them when a process ends, however it ends.
//!
//! A load holds its dataset's lock alone, and for a short time the one of the lake's book of likenesses. A reader shares the
//! lock of the snapshot that it reads, and the collector of old snapshots removes only those whose lock it gets alone.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    thread,
    time::Duration,
};

use crate::{
    LakeError, durable,
    layout::{self, DatasetFolder, SnapshotFolder},
};

/// Held while a dataset is being loaded. A load that made the dataset's folder and leaves nothing in it takes the
/// folder away again.
pub struct LoadLock {
    _file: File,
    made: Option<DatasetFolder>,
}

/// Times that a lock is taken anew because the load that held it took its folder away.
const TAKES_MAX: usize = 100;

impl LoadLock {
    /// Takes the lock at once or says who holds it. Makes the dataset's folder if there is none.
    pub fn take(folder: &DatasetFolder) -> Result<Self, LakeError> {
        for _ in 0..TAKES_MAX {
            if let Some(lock) = Self::try_take(folder)? {
                return Ok(lock);
            }
        }
        Err(LakeError::Locked { dataset: folder.id.clone(), holder: UNKNOWN_HOLDER.to_owned() })
    }

    /// `None` where another load took the folder away meanwhile.
    fn try_take(folder: &DatasetFolder) -> Result<Option<Self>, LakeError> {
        let path = folder.lock();
        let failed = |error| LakeError::io(&path, error);
        let made = (!folder.path.exists()).then(|| folder.clone());
        durable::make_folder(&folder.path)?;
        let mut options = OpenOptions::new();
        let mut file = match options.read(true).write(true).create(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                return Err(LakeError::Locked { dataset: folder.id.clone(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        match is_at(&file, &path) {
            Ok(true) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => return Ok(None),
        }
        sign(&mut file).map_err(failed)?;
        Ok(Some(Self { _file: file, made }))
    }
}

impl Drop for LoadLock {
    fn drop(&mut self) {
        // The lock is still held. What is not empty, or cannot be removed, stays.
        if let Some(folder) = &self.made {
            let _ = remove_if_empty(folder);
        }
    }
}

/// Removes a dataset's folder in which there is nothing but what every load makes.
fn remove_if_empty(folder: &DatasetFolder) -> io::Result<()> {
    match fs::remove_dir(folder.snapshots()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if fs::read_dir(&folder.path)?.count() == 1 {
        fs::remove_file(folder.lock())?;
        fs::remove_dir(&folder.path)?;
    }
    Ok(())
}

/// Held while a load compares its people with all whom the lake knows, and until they are known themselves: of two loads
/// at a time, one knows the people of the other.
pub struct LikenessLock {
    _file: File,
}

/// Between two tries to take a lock that another load holds for a short time.
const PAUSE: Duration = Duration::from_millis(20);

impl LikenessLock {
    /// Waits for the lock, unless `check` says that the load is to stop.
    pub fn take(datasets: &Path, check: impl Fn() -> Result<(), LakeError>) -> Result<Self, LakeError> {
        let path = layout::likeness_lock(datasets);
        let failed = |error| LakeError::io(&path, error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => check()?,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            thread::sleep(PAUSE);
        }
    }
}

const UNKNOWN_HOLDER: &str = "of an unknown number";

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text) {
        Ok(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => text,
        _ => UNKNOWN_HOLDER.to_owned(),
    }
}

/// Held while a snapshot is being read, so that it is not removed.
#[derive(Debug)]
pub struct ReadLock {
    _file: File,
}

impl ReadLock {
    /// `None` where the snapshot is gone, or went while this waited.
    pub fn take(folder: &SnapshotFolder) -> Result<Option<Self>, LakeError> {
        let path = folder.lock();
        let open = || -> io::Result<Option<Self>> {
            let file = File::open(&path)?;
            file.lock_shared()?;
            Ok(is_at(&file, &path)?.then_some(Self { _file: file }))
        };
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map_err(|error| LakeError::io(&path, error)),
        }
    }
}

/// Whether the open file is still the one at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (open, named) = (file.metadata()?, fs::metadata(path)?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Held while a snapshot is being removed.
pub struct RemovalLock {
    _file: Option<File>,
}

impl RemovalLock {
    /// `None` where somebody reads the snapshot.
    pub fn take(folder: &SnapshotFolder) -> Result<Option<Self>, LakeError> {
        let path = folder.lock();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Self { _file: None })),
            Err(error) => return Err(LakeError::io(&path, error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(LakeError::io(&path, error)),
        }
    }
}
