//! Files that only grow, line by line: a line that was added is on disk, and one that a crash left
//! unfinished goes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::{FileError, folder::parent, sync_folder};

/// All whole lines of a file, none where there is no file. A last line without its end, which a
/// crash left, is cut off: nobody was told that it is there.
pub fn read_lines(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::at("read", path)(error)),
    };
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    if whole < text.len() {
        let cut = || {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(whole as u64)?;
            file.sync_all()
        };
        cut().map_err(FileError::at("write", path))?;
        text.truncate(whole);
    }
    Ok(text)
}

/// Adds a line to a file of so many bytes, and gives the bytes that it has then. A file of another
/// length was changed by somebody else: it is left alone. Where the line cannot be written whole,
/// the file is cut to the length that it had.
pub fn append_line(path: &Path, length: u64, line: &[u8]) -> Result<u64, FileError> {
    let append = || {
        let file = OpenOptions::new()
            .create(length == 0)
            .append(true)
            .mode(0o600)
            .open(path)?;
        if file.metadata()?.len() != length {
            return Err(io::Error::other(
                "another program changed it; check the folder and restart the node",
            ));
        }
        write_line(&file, length, line).inspect_err(|_| {
            // Where this fails, too, the file has another length, and takes no line before it is
            // read again.
            let _ = file.set_len(length);
        })
    };
    append().map_err(FileError::at("write", path))?;
    if length == 0 {
        sync_folder(parent(path))?;
    }
    Ok(length + line.len() as u64 + 1)
}

/// Writes a line from a byte of an open file on.
pub fn write_line(mut file: &File, at: u64, line: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&[line, b"\n"].concat())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_and_torn_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(read_lines(&path).unwrap().is_empty());
        let length = append_line(&path, 0, b"one").unwrap();
        let length = append_line(&path, length, b"two").unwrap();
        for torn in [1, 3] {
            let whole = b"one\ntwo\n";
            fs::write(&path, [whole, &b"three"[..torn]].concat()).unwrap();
            assert_eq!(read_lines(&path).unwrap(), whole);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
        assert_eq!(append_line(&path, length, b"four").unwrap(), length + 5);
    }

    #[test]
    fn a_file_that_somebody_else_changed_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append_line(&path, 0, b"one").unwrap();
        let failed = append_line(&path, 0, b"again").unwrap_err();
        assert!(
            failed
                .source
                .to_string()
                .contains("another program changed it")
        );
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
        fs::remove_file(&path).unwrap();
        assert!(append_line(&path, 4, b"two").unwrap_err().is_not_found());
    }
}
