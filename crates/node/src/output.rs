//! What people and machines read: errors in one line, tables, files that appear whole or not at all.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use serde::Serialize;

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

/// Writes an ordinary file that appears whole or not at all.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_with_mode(path, 0o644, write)
}

/// The same for a file that is the owner's alone.
pub fn write_private(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_with_mode(path, 0o600, write)
}

fn write_with_mode(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    {
        let mut buffered = io::BufWriter::new(file.as_file_mut());
        write(&mut buffered).and_then(|()| buffered.flush()).with_context(failed)?;
    }
    set_mode(file.as_file(), mode).and_then(|()| file.as_file().sync_all()).with_context(failed)?;
    file.persist(path).map_err(|error| error.error).with_context(failed)?;
    Ok(())
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
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
        write_whole(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
