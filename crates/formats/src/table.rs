//! Lines of a table into fields: tabs or commas as the header has them, quoted fields as in RFC 4180 (spreadsheets
//! write them with commas, R with tabs), a byte order mark and CRLF tolerated.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::ReadError;

/// Longest row, in bytes.
const MAX_ROW: u64 = 16 << 20;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// An opened table.
pub struct Table {
    path: PathBuf,
    reader: BufReader<File>,
    separator: char,
    header: Vec<String>,
    fields: Vec<String>,
    /// Lines read so far.
    line: u64,
}

impl Table {
    /// Opens a table and reads its header.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        let reader = BufReader::with_capacity(1 << 16, file);
        let (header, fields) = (Vec::new(), Vec::new());
        let mut table = Self { path: path.to_owned(), reader, separator: '\t', header, fields, line: 0 };
        let mut text = table.read_line()?.unwrap_or_default();
        if text.starts_with(BYTE_ORDER_MARK) {
            text.remove(0);
        }
        table.separator = if text.contains('\t') { '\t' } else { ',' };
        if !text.contains(table.separator) {
            let message =
                "the header line must name an id column and at least one more, with tabs or commas between";
            return Err(ReadError::malformed(path, 1, message));
        }
        table.header = table.split(text)?.iter().map(|name| name.trim().to_owned()).collect();
        Ok(table)
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row that is not blank, and the line where it starts.
    pub fn next_row(&mut self) -> Result<Option<(u64, &[String])>, ReadError> {
        loop {
            let Some(text) = self.read_line()? else { return Ok(None) };
            if !text.trim().is_empty() {
                let line = self.line;
                self.fields = self.split(text)?;
                return Ok(Some((line, &self.fields)));
            }
        }
    }

    /// A line without its end.
    fn read_line(&mut self) -> Result<Option<String>, ReadError> {
        let mut bytes = Vec::new();
        let count = self
            .reader
            .by_ref()
            .take(MAX_ROW)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| ReadError::io(&self.path, error))?;
        self.line += 1;
        if count as u64 == MAX_ROW {
            return Err(self.error("the row is longer than 16 MiB; is this a table?"));
        }
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| self.error("the line is not UTF-8 text; convert the file, or decompress it"))?;
        Ok((count > 0).then_some(text))
    }

    fn error(&self, message: &str) -> ReadError {
        ReadError::malformed(&self.path, self.line, message)
    }

    fn split(&mut self, text: String) -> Result<Vec<String>, ReadError> {
        if !text.contains('"') {
            return Ok(text.split(self.separator).map(str::to_owned).collect());
        }
        self.split_quoted(text)
    }

    /// Splits a line that has quoted fields; one that is still open at its end goes on in the next line.
    fn split_quoted(&mut self, mut text: String) -> Result<Vec<String>, ReadError> {
        let (mut fields, mut field, mut open) = (Vec::new(), String::new(), false);
        let mut length = 0;
        loop {
            let mut characters = text.chars().peekable();
            while let Some(character) = characters.next() {
                match character {
                    '"' if open && characters.peek() == Some(&'"') => field.extend(characters.next()),
                    '"' if open || field.is_empty() => open = !open,
                    other if other == self.separator && !open => fields.push(std::mem::take(&mut field)),
                    other => field.push(other),
                }
            }
            if !open {
                fields.push(field);
                return Ok(fields);
            }
            length += text.len() as u64;
            match self.read_line()? {
                Some(next) if length < MAX_ROW => text = next,
                _ => return Err(self.error("a quotation mark is not closed")),
            }
            field.push('\n');
        }
    }
}
