//! Locks, all of them `flock`: the system drops them when a process ends, however it ends.
//!
//! A load holds its dataset's lock alone, and for a short time the one of the lake's book of
//! likenesses. A reader shares the lock of the snapshot that it reads, and the collector of old
//! snapshots removes only those whose lock it gets alone.

use std::{fs, io, path::Path, thread, time::Duration};

use ligate_files::{Claim, FileError, Holder, Lock};

use crate::{
    LakeError,
    layout::{self, DatasetFolder, SnapshotFolder},
};

/// Held while a dataset is being loaded. A load that made the dataset's folder and leaves nothing
/// in it takes the folder away again.
pub struct LoadLock {
    _lock: Lock,
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
        Err(LakeError::Locked {
            dataset: folder.id.clone(),
            holder: Holder::unknown(),
        })
    }

    /// `None` where another load took the folder away meanwhile.
    fn try_take(folder: &DatasetFolder) -> Result<Option<Self>, LakeError> {
        let path = folder.lock();
        let made = (!folder.path.exists()).then(|| folder.clone());
        ligate_files::make_folder(&folder.path)?;
        let lock = match Lock::claim(&path) {
            Ok(Claim::Taken(lock)) => lock,
            Ok(Claim::HeldBy(holder)) => {
                return Err(LakeError::Locked {
                    dataset: folder.id.clone(),
                    holder,
                });
            }
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let is_there = lock.is_at(&path)?;
        Ok(is_there.then_some(Self { _lock: lock, made }))
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

/// Held while a load compares its people with all whom the lake knows, and until they are known
/// themselves: of two loads at a time, one knows the people of the other.
pub struct LikenessLock {
    _lock: Lock,
}

/// Between two tries to take a lock that another load holds for a short time.
const PAUSE: Duration = Duration::from_millis(20);

impl LikenessLock {
    /// Waits for the lock, unless `check` says that the load is to stop.
    pub fn take(
        datasets: &Path,
        check: impl Fn() -> Result<(), LakeError>,
    ) -> Result<Self, LakeError> {
        let path = layout::likeness_lock(datasets);
        loop {
            if let Some(lock) = Lock::try_take(&path)? {
                return Ok(Self { _lock: lock });
            }
            check()?;
            thread::sleep(PAUSE);
        }
    }
}

/// Held while a snapshot is being read, so that it is not removed.
#[derive(Debug)]
pub struct ReadLock {
    _lock: Lock,
}

impl ReadLock {
    /// `None` where the snapshot is gone, or went while this waited.
    pub fn take(folder: &SnapshotFolder) -> Result<Option<Self>, LakeError> {
        let path = folder.lock();
        match existing(Lock::share(&path))? {
            Some(lock) if lock.is_at(&path)? => Ok(Some(Self { _lock: lock })),
            _ => Ok(None),
        }
    }
}

/// Held while a snapshot is being removed.
pub struct RemovalLock {
    _lock: Option<Lock>,
}

impl RemovalLock {
    /// `None` where somebody reads the snapshot.
    pub fn take(folder: &SnapshotFolder) -> Result<Option<Self>, LakeError> {
        match existing(Lock::try_existing(&folder.lock()))? {
            // A snapshot without a lock is one that is being removed.
            None => Ok(Some(Self { _lock: None })),
            Some(None) => Ok(None),
            Some(lock) => Ok(Some(Self { _lock: lock })),
        }
    }
}

/// `None` where the file is not there.
fn existing<T>(taken: Result<T, FileError>) -> Result<Option<T>, LakeError> {
    match taken {
        Err(error) if error.is_not_found() => Ok(None),
        other => Ok(Some(other?)),
    }
}
