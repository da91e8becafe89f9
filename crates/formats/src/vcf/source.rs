//! Opening a variant file: what it is, and its header.

use std::path::{Path, PathBuf};

use libdeflater::Decompressor;
use ligate_model::{Assembly, Contig, IndividualId};

use super::{
    framing::Framing,
    header::{Header, MAX_HEADER},
};
use crate::{Problems, ReadError, text::Input};

/// Bytes read at a time until the header ends.
const STEP: usize = 1 << 16;

/// One opened file, its header parsed and checked.
pub struct Source {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) framing: Framing,
    pub(super) input: Input,
    /// What was read of the records already.
    pub(super) carry: Vec<u8>,
}

impl Source {
    /// Opens a file and reads its header. A bgzf file must have its end.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut start = Start {
            input: Input::open(path)?,
            bytes: Vec::new(),
            decompressor: Decompressor::new(),
        };
        start.more()?;
        let (header, framing, end) = if start.bytes.starts_with(b"BCF") {
            binary(&mut start)?
        } else {
            text(&mut start)?
        };
        let carry = start.bytes.split_off(end.min(start.bytes.len()));
        Ok(Self {
            path: path.to_owned(),
            header,
            framing,
            input: start.input,
            carry,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The people, in the order of the columns; none in a file of sites.
    pub fn samples(&self) -> &[IndividualId] {
        &self.header.samples
    }

    /// Declared contigs and their lengths.
    pub fn contigs(&self) -> &[(Contig, Option<u64>)] {
        &self.header.contigs
    }

    /// The assembly that contig lengths, contig lines and `##reference` agree on.
    pub fn assembly(&self) -> Option<Assembly> {
        self.header.assembly
    }

    /// The `##INFO` lines as they stand, in order.
    pub fn info_lines(&self) -> &[String] {
        &self.header.info_lines
    }

    /// Lines of the header, the column line included.
    pub(crate) fn header_lines(&self) -> u64 {
        self.header.lines
    }

    /// Whether records are lines of text; else they are BCF's.
    pub(crate) fn is_text(&self) -> bool {
        self.framing == Framing::Lines
    }

    /// The bytes after the header: what was read of them already, and the rest.
    pub(crate) fn into_records(self) -> (Vec<u8>, Input) {
        (self.carry, self.input)
    }

    /// What is wrong with the header without keeping the records from being read. [`super::read`]
    /// reports it again.
    pub fn problems(&self) -> &Problems {
        &self.header.problems
    }
}

/// The beginning of the file, as much as was needed so far.
struct Start {
    input: Input,
    bytes: Vec<u8>,
    decompressor: Decompressor,
}

impl Start {
    /// Reads on; false at the end of the file.
    fn more(&mut self) -> Result<bool, ReadError> {
        let Some(chunk) = self.input.next_chunk(STEP)? else {
            return Ok(false);
        };
        let mut inflated = Vec::new();
        if !chunk.inflate(&mut self.decompressor, &mut inflated) {
            return Err(ReadError::corrupt(
                self.input.path(),
                "a bgzf block does not inflate to what it should",
            ));
        }
        self.bytes.append(&mut inflated);
        if self.bytes.len() > MAX_HEADER + STEP {
            return Err(ReadError::malformed(
                self.input.path(),
                1,
                "the header is longer than 256 MiB",
            ));
        }
        Ok(true)
    }

    fn unknown(&self, found: &'static str) -> ReadError {
        ReadError::UnknownFormat {
            path: self.input.path().to_owned(),
            found,
        }
    }
}

/// Reads lines up to the first that does not start with `##`: the column line, or one that is
/// wrong.
fn text(start: &mut Start) -> Result<(Header, Framing, usize), ReadError> {
    if let Some(found) = foreign(&start.bytes) {
        return Err(start.unknown(found));
    }
    let mut line = 0;
    loop {
        match memchr::memchr(b'\n', &start.bytes[line..]) {
            Some(length) => {
                let (from, next) = (line, line + length + 1);
                if !start.bytes[from..next].starts_with(b"##") {
                    let header = Header::parse(start.input.path(), &start.bytes[..next - 1])?;
                    return Ok((header, Framing::Lines, next));
                }
                line = next;
            }
            None if start.more()? => {}
            None => {
                let end = start.bytes.len();
                let text = start.bytes.strip_suffix(b"\n").unwrap_or(&start.bytes);
                return Ok((
                    Header::parse(start.input.path(), text)?,
                    Framing::Lines,
                    end,
                ));
            }
        }
    }
}

/// What a file is that is neither VCF nor BCF.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("it is empty"),
        [b'#', ..] => None,
        [b'>', ..] => Some("it looks like FASTA"),
        [b'C', b'R', b'A', b'M', ..] | [b'B', b'A', b'M', 1, ..] => Some("it holds reads"),
        _ => Some("it does not start with ##fileformat"),
    }
}

fn binary(start: &mut Start) -> Result<(Header, Framing, usize), ReadError> {
    while start.bytes.len() < 9 && start.more()? {}
    let (version, length) = match start.bytes[..] {
        [_, _, _, major, minor, a, b, c, d, ..] => {
            ((major, minor), u32::from_le_bytes([a, b, c, d]) as usize)
        }
        _ => {
            return Err(ReadError::truncated(
                start.input.path(),
                "it ends within its header",
            ));
        }
    };
    if !matches!(version, (2, 1 | 2)) {
        return Err(start.unknown("it is BCF of a version other than 2.1 and 2.2"));
    }
    if length > MAX_HEADER {
        return Err(ReadError::corrupt(
            start.input.path(),
            "its header is longer than 256 MiB",
        ));
    }
    while start.bytes.len() < 9 + length {
        if !start.more()? {
            return Err(ReadError::truncated(
                start.input.path(),
                "it ends within its header",
            ));
        }
    }
    let text = &start.bytes[9..9 + length];
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    let text = text[..end].strip_suffix(b"\n").unwrap_or(&text[..end]);
    Ok((
        Header::parse(start.input.path(), text)?,
        Framing::Records,
        9 + length,
    ))
}
