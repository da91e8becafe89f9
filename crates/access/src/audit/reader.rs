//! Reading the log line by line, with bounded memory.

use std::{
    fs,
    io::{self, BufRead, Read, Seek},
    path::Path,
};

use ligate_model::Digest;
use memchr::memmem;

use super::{AuditError, Entry, Tampered, entry::LINE_BYTES_MAX, read_head};
use crate::{PublicKey, merkle};

/// How much of the end of a log is looked at first.
const TAIL_BYTES: u64 = 64 << 10;

/// One line of the log, without its newline.
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    /// Whether its newline was there.
    pub complete: bool,
    /// Where the next line begins.
    pub end: u64,
}

impl Line<'_> {
    pub fn leaf(&self) -> Digest {
        merkle::leaf_hash(self.bytes)
    }
}

/// Visits the lines from byte `start` on. A line that is too long ends the reading as changed.
pub(super) fn read_entries(
    file: &fs::File,
    path: &Path,
    start: u64,
    visit: &mut dyn FnMut(Line<'_>) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    let at = AuditError::at(path);
    let mut file = file;
    file.seek(io::SeekFrom::Start(start)).map_err(&at)?;
    let mut reader = io::BufReader::with_capacity(1 << 16, file);
    let (mut buffer, mut end, mut number) = (Vec::new(), start, 0);
    loop {
        buffer.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut buffer)
            .map_err(&at)?;
        if read == 0 {
            return Ok(());
        }
        if read > LINE_BYTES_MAX {
            return Err(Tampered::Changed { line: number }.into());
        }
        (end, number) = (end + read as u64, number + 1);
        let complete = buffer.pop_if(|last| *last == b'\n').is_some();
        visit(Line {
            bytes: &buffer,
            complete,
            end,
        })?;
    }
}

/// Visits the entries of a log in order, for people to read. It checks nothing;
/// [`verify`](super::verify) does.
pub fn entries(audit: &Path, visit: &mut dyn FnMut(Entry)) -> Result<(), AuditError> {
    let path = audit.join(super::LOG_FILE);
    let file = fs::File::open(&path).map_err(AuditError::at(&path))?;
    file.lock_shared().map_err(AuditError::at(&path))?;
    let mut number = 0;
    read_entries(&file, &path, 0, &mut |line| {
        visit(Entry::parse(line.bytes).ok_or(Tampered::Changed { line: number })?);
        number += 1;
        Ok(())
    })
}

/// The last signed entry of a kind. It looks at the end of the log and, where there is none, at all
/// of it, and checks nothing but that the entry is signed for: [`Log::open`](super::Log::open)
/// checks the log.
pub fn last_of(audit: &Path, key: PublicKey, kind: &str) -> Result<Option<Entry>, AuditError> {
    let path = audit.join(super::LOG_FILE);
    let at = AuditError::at(&path);
    let file = fs::File::open(&path).map_err(&at)?;
    file.lock_shared().map_err(&at)?;
    let signed = read_head(audit, key)?.size;
    let length = file.metadata().map_err(&at)?.len();
    // Nearly every line of a long log is of another kind, which its bytes tell sooner than its
    // fields do.
    let mentions = memmem::Finder::new(kind);
    for start in [length.saturating_sub(TAIL_BYTES), 0] {
        let (mut found, mut cut) = (None, start > 0);
        read_entries(&file, &path, start, &mut |line| {
            let is_whole = line.complete && !std::mem::take(&mut cut);
            if is_whole && mentions.find(line.bytes).is_some() {
                let entry = Entry::parse(line.bytes)
                    .filter(|entry| entry.kind == kind && entry.seq < signed);
                found = entry.or(found.take());
            }
            Ok(())
        })?;
        if found.is_some() || start == 0 {
            return Ok(found);
        }
    }
    Ok(None)
}
