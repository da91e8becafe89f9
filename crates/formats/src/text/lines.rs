//! Text files line by line, whatever wraps them. Holds one chunk of the file and the line that goes
//! beyond it; refuses lines longer than a record can be. Bytes that are no UTF-8 become the
//! replacement character: the reader's own rules then say what is wrong with the field.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use libdeflater::Decompressor;

use crate::{
    ReadError,
    text::input::{BYTE_ORDER_MARK, CHUNK, CORRUPT_BLOCK, Input},
};

/// Longest line, in bytes.
const MAX_LINE: usize = 64 << 20;

/// An opened text file.
pub struct Lines {
    path: PathBuf,
    /// Nothing for a text in memory, which is one chunk.
    input: Option<Input>,
    decompressor: Decompressor,
    chunk: Vec<u8>,
    /// How far `chunk` was handed out.
    at: usize,
    number: u64,
    ended: bool,
}

/// One line without its end, and its number from 1.
pub struct Line<'a> {
    pub number: u64,
    pub text: Cow<'a, str>,
}

impl Lines {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let input = Some(Input::open(path)?);
        Ok(Self {
            input,
            ..Self::of(path, Vec::new())
        })
    }

    /// A text in memory; `path` is only for messages.
    pub fn of(path: &Path, text: Vec<u8>) -> Self {
        let decompressor = Decompressor::new();
        Self {
            path: path.to_owned(),
            input: None,
            decompressor,
            chunk: text,
            at: 0,
            number: 0,
            ended: false,
        }
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line; `None` at the end of the file.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        let Some(length) = self.find_end()? else {
            return Ok(None);
        };
        let start = self.at;
        self.at = (start + length + 1).min(self.chunk.len());
        self.number += 1;
        let mut bytes = self.chunk.get(start..start + length).unwrap_or_default();
        if let [before @ .., b'\r'] = bytes {
            bytes = before;
        }
        if self.number == 1 {
            bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        }
        Ok(Some(Line {
            number: self.number,
            text: String::from_utf8_lossy(bytes),
        }))
    }

    /// Length of the line that starts at `at`, after reading on until its end is there.
    fn find_end(&mut self) -> Result<Option<usize>, ReadError> {
        let mut searched = 0;
        loop {
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            if let Some(length) = memchr::memchr(b'\n', rest.get(searched..).unwrap_or_default()) {
                return Ok(Some(searched + length));
            }
            searched = rest.len();
            if self.ended {
                return Ok((searched > 0).then_some(searched));
            }
            if searched > MAX_LINE {
                let message = "the line is longer than 64 MiB; is this a text file?";
                return Err(ReadError::malformed(&self.path, self.number + 1, message));
            }
            self.read_on()?;
        }
    }

    fn read_on(&mut self) -> Result<(), ReadError> {
        self.chunk.drain(..self.at);
        self.at = 0;
        let Some(chunk) = self
            .input
            .as_mut()
            .map_or(Ok(None), |input| input.next_chunk(CHUNK))?
        else {
            self.ended = true;
            return Ok(());
        };
        let mut inflated = Vec::new();
        if !chunk.inflate(&mut self.decompressor, &mut inflated) {
            return Err(ReadError::corrupt(&self.path, CORRUPT_BLOCK));
        }
        if self.chunk.is_empty() {
            self.chunk = inflated;
        } else {
            self.chunk.extend_from_slice(&inflated);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push((line.number, line.text.into_owned()));
        }
        all
    }

    #[test]
    fn ends_of_lines_and_the_byte_order_mark_are_left_out() {
        let expected = [(1, "a".to_owned()), (2, String::new()), (3, "b".to_owned())];
        for text in ["a\n\nb", "a\n\nb\n", "\u{feff}a\r\n\r\nb\r\n"] {
            assert_eq!(lines(text.as_bytes()), expected);
        }
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn lines_go_across_chunks() {
        let text: String = (0..400_000).map(|i| format!("line {i}\n")).collect();
        let mut writer = crate::bgzf::Writer::new(Vec::new());
        writer.write_all(text.as_bytes()).unwrap();
        for bytes in [writer.finish().unwrap(), text.clone().into_bytes()] {
            let found = lines(&bytes);
            assert_eq!(found.len(), 400_000);
            assert!(found.iter().enumerate().all(|(i, (number, line))| {
                *number == i as u64 + 1 && *line == format!("line {i}")
            }));
        }
    }
}
