//! What people and machines read: errors in one line, tables, result files. A file is its owner's
//! alone unless it is written by [`write_public`], which is for what holds nothing about people.

use std::{
    fmt,
    io::{self, Write},
    path::Path,
};

use anyhow::Result;
use ligate_files::Readers;
use serde::Serialize;

/// Writes one line for people to standard output. Whoever stops reading ends the program quietly;
/// any other failure to write is a failure of the command.
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
        write_note(format_args!(
            "error: cannot write to standard output: {error}"
        ));
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

/// Lets nobody but the owner read what this process and its children make, whatever the umask was.
/// `ligate-files` says a file's mode once more: this is for all that other libraries write.
pub fn be_private() {
    use rustix::fs::Mode;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Writes a file that is the owner's alone and appears whole or not at all, in a folder that is
/// made if it is missing.
pub fn write_private(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    write_file(path, Readers::Owner, write)
}

/// [`write_private`] for a file that everybody may read: a permit, a public key, facts about
/// diseases.
pub fn write_public(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    write_file(path, Readers::Everybody, write)
}

fn write_file(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    if let Some(folder) = path.parent() {
        ligate_files::make_private_folder(folder)?;
    }
    Ok(ligate_files::replace_with(path, readers, write)?)
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
        let error = anyhow::anyhow!("no such file")
            .context("cannot read x: no such file")
            .context("loading");
        assert_eq!(one_line(&error), "loading: cannot read x: no such file");
    }
}
