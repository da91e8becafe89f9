//! Folders: made, shut to others, listed, moved, and waited for until they are on disk.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::FileError;

const OWNER_ONLY: u32 = 0o700;

/// Makes a folder and those above it that are missing.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    fs::create_dir_all(folder).map_err(FileError::at("make the folder", folder))
}

/// Makes a folder, and those above it that are missing, for the owner alone. One that is there
/// stays as it is: it may be shared with others on purpose.
pub fn make_private_folder(folder: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(folder);
    made.map_err(FileError::at("make the folder", folder))
}

/// Makes a folder that is wholly the program's own, and shuts it to others if it was there.
pub fn shut_folder(folder: &Path) -> Result<(), FileError> {
    make_private_folder(folder)?;
    let shut = fs::set_permissions(folder, fs::Permissions::from_mode(OWNER_ONLY));
    shut.map_err(FileError::at("shut to others the folder", folder))
}

/// Waits until the names in a folder are on disk.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(FileError::at("write", folder))
}

/// Waits until a folder and all below it are on disk.
pub fn sync_tree(folder: &Path) -> Result<(), FileError> {
    for (path, is_folder) in entries(folder)? {
        if is_folder {
            sync_tree(&path)?;
        } else {
            sync_folder(&path)?;
        }
    }
    sync_folder(folder)
}

/// Paths in a folder and whether each is a folder itself, by name.
pub fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>, FileError> {
    let read = || {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            found.push((entry.path(), entry.file_type()?.is_dir()));
        }
        found.sort();
        Ok(found)
    };
    read().map_err(FileError::at("read the folder", folder))
}

/// Moves a file or folder within one file system. The move is on disk after [`sync_folder`] of both
/// folders.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::at("write", to))
}

/// Removes a folder with all in it; one that is not there is fine.
pub fn remove_tree(folder: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::at("remove the folder", folder)(error))
        }
        _ => Ok(()),
    }
}

/// The folder of a file; the working folder for a name alone.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn new_folders_are_the_owners_and_shared_ones_stay_shared() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
        make_private_folder(&shared.join("new/folders")).unwrap();
        assert_eq!(
            [shared.join("new"), shared.join("new/folders")].map(|made| mode(&made)),
            [0o700; 2]
        );
        make_private_folder(&shared).unwrap();
        assert_eq!(mode(&shared), 0o755);
        shut_folder(&shared).unwrap();
        assert_eq!(mode(&shared), 0o700);
    }

    #[test]
    fn entries_are_sorted_and_removing_nothing_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b"), "").unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let names = entries(folder.path()).unwrap();
        assert_eq!(
            names,
            [
                (folder.path().join("a"), true),
                (folder.path().join("b"), false)
            ]
        );
        sync_tree(folder.path()).unwrap();
        remove_tree(&folder.path().join("a")).unwrap();
        remove_tree(&folder.path().join("a")).unwrap();
        assert_eq!(entries(folder.path()).unwrap().len(), 1);
    }
}
