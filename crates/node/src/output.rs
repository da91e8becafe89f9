//! What people and machines read: errors in one line, tables, files that appear whole or not at all. A file is its
//! owner's alone unless it is written by [`write_public`], which is for what holds nothing about people.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, Result};
use serde::Serialize;

/// The mode of what is the owner's alone.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
const PUBLIC_FILE: u32 = 0o644;

/// Writes one line for people to standard output. Whoever stops reading ends the program quietly; any other failure
/// to write is a failure of the command.
macro_rules! say {
    ($($words:tt)*) => { $crate::output::write_out(format_args!("{}\n", format_args!($($words)*))) };
}

/// Writes one line to standard error; nobody may be there to read it.
macro_rules! note {
    ($($words:tt)*) => { $crate::output::write_note(format_args!($($words)*)) };
}

pub fn write_out(words: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_fmt(words).and_then(|()| out.flush()) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        write_note(format_args!("error: cannot write to standard output: {error}"));
        std::process::exit(1);
    }
}

pub fn write_note(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// An error and its causes in one line, outermost first, without saying the same thing twice.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.contains(&cause) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&cause);
    }
    line
}

/// Prints `value` for machines.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Lets nobody but the owner read what this process and its children make, whatever the umask was. The functions below
/// say a file's mode once more: this is for all that other crates and libraries write.
pub fn be_private() {
    use rustix::fs::Mode;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Writes a file that is the owner's alone and appears whole or not at all.
pub fn write_private(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_with_mode(path, PRIVATE_FILE, write)
}

/// The same for a file that everybody may read: a permit, a public key, facts about diseases.
pub fn write_public(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_with_mode(path, PUBLIC_FILE, write)
}

/// Opens an empty file that is the owner's alone, to be written piece by piece.
pub fn create_private(path: &Path) -> Result<File> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(PRIVATE_FILE).open(path);
    file.and_then(|file| set_mode(&file, PRIVATE_FILE).map(|()| file))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a folder, and those above it that are missing, for the owner alone. One that is there stays as it is: it may
/// be shared with others on purpose.
pub fn private_folder(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path);
    made.with_context(|| format!("cannot make the folder {}", path.display()))
}

/// The same for a folder that is wholly the program's own: one that was there is shut as well.
pub fn own_folder(path: &Path) -> Result<()> {
    private_folder(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE_FOLDER))
        .with_context(|| format!("cannot shut the folder {} to others", path.display()))
}

fn write_with_mode(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    {
        let mut buffered = io::BufWriter::new(file.as_file_mut());
        write(&mut buffered).and_then(|()| buffered.flush()).with_context(failed)?;
    }
    set_mode(file.as_file(), mode).and_then(|()| file.as_file().sync_all()).with_context(failed)?;
    file.persist(path).map_err(|error| error.error).with_context(failed)?;
    // Without this the name, though not the content, could be lost with the power.
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(failed)
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// `12345` as `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_errors_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        let error = anyhow::anyhow!("no such file").context("cannot read x: no such file").context("loading");
        assert_eq!(one_line(&error), "loading: cannot read x: no such file");
    }

    #[test]
    fn a_file_that_fails_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write_private(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_private(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn only_what_is_public_can_be_read_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
        let (private, public) = (shared.join("new/folders/private"), shared.join("public"));
        fs::write(&public, "old").unwrap();
        write_private(&private, |out| out.write_all(b"x")).unwrap();
        write_public(&public, |out| out.write_all(b"x")).unwrap();
        assert_eq!((mode(&private), mode(&public)), (0o600, 0o644));
        assert_eq!([shared.join("new"), shared.join("new/folders")].map(|made| mode(&made)), [0o700; 2]);
        assert_eq!(mode(&shared), 0o755, "a folder that was there stays as it is");
        create_private(&public).unwrap();
        own_folder(&shared).unwrap();
        assert_eq!((mode(&public), mode(&shared)), (0o600, 0o700));
    }
}
