//! Which files of a path hold cases: the file itself, or those of a folder whose names say so.

use std::{collections::VecDeque, fs, io, path::Path, sync::Arc};

use ligate_formats::{Problems, ReadError};

/// Depth of folders within folders.
const DEPTH_MAX: usize = 32;
/// Files of one load.
const FILES_MAX: usize = 1_000_000;

pub(super) struct Found {
    pub files: VecDeque<Arc<Path>>,
    pub in_folder: bool,
}

pub(super) fn files(path: &Path, problems: &mut Problems) -> Result<Found, ReadError> {
    let metadata = fs::metadata(path).map_err(|error| ReadError::io(path, error))?;
    if !metadata.is_dir() {
        return Ok(Found {
            files: VecDeque::from([Arc::from(path)]),
            in_folder: false,
        });
    }
    let mut files = Vec::new();
    walk(path, DEPTH_MAX, &mut files, problems).map_err(|error| ReadError::io(path, error))?;
    files.sort();
    Ok(Found {
        files: files.into(),
        in_folder: true,
    })
}

/// Links to folders are not followed: they may lead back.
fn walk(
    folder: &Path,
    depth: usize,
    files: &mut Vec<Arc<Path>>,
    problems: &mut Problems,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            if depth == 0 {
                problems.push(&path, 0, "folders are nested too deeply: left out");
            } else if let Err(error) = walk(&path, depth - 1, files, problems) {
                problems.push(
                    &path,
                    0,
                    format!("the folder cannot be read ({error}): left out"),
                );
            }
        } else if is_case_file(&path) && path.is_file() {
            if files.len() == FILES_MAX {
                return Err(io::Error::other(
                    "the folder holds more than a million files",
                ));
            }
            files.push(Arc::from(path));
        }
    }
    Ok(())
}

fn is_case_file(path: &Path) -> bool {
    const KNOWN: [&str; 6] = ["json", "jsonl", "ndjson", "pb", "protobuf", "txt"];
    extension(path).is_some_and(|extension| KNOWN.contains(&extension.as_str()))
}

/// The extension in lower case, without that of a compression.
pub(super) fn extension(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let name = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .unwrap_or(&name);
    name.rsplit_once('.')
        .map(|(_, extension)| extension.to_owned())
}

/// The file's name without its extensions: what a list of terms calls its patient.
pub(super) fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let plain = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .unwrap_or(&name);
    plain
        .rsplit_once('.')
        .map_or(plain, |(stem, _)| stem)
        .to_owned()
}
