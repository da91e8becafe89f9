//! Lines of a table into fields: tabs or commas as the header has them, quoted fields as in RFC
//! 4180 (spreadsheets write them with commas, R with tabs), whatever the file is wrapped in.

use std::{borrow::Cow, path::Path};

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use crate::{ReadError, text::Lines};

/// Longest row, in bytes.
const MAX_ROW: usize = 16 << 20;

/// An opened table.
pub struct Table {
    lines: Lines,
    parser: Parser,
    header: Vec<String>,
    fields: Vec<String>,
}

impl Table {
    /// Opens a table and reads its header.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut table = Self {
            lines: Lines::open(path)?,
            parser: Parser::new(separator(path)?),
            header: Vec::new(),
            fields: Vec::new(),
        };
        if let Some((_, names)) = table.next_row()? {
            table.header = names.iter().map(|name| name.trim().to_owned()).collect();
        }
        if table.header.len() < 2 {
            let message = "the header line must name an id column and at least one more, with tabs or commas between";
            return Err(ReadError::malformed(path, 1, message));
        }
        Ok(table)
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row that is not blank, and the line where it starts. A quoted field may go on over
    /// ends of lines.
    pub fn next_row(&mut self) -> Result<Option<(u64, &[String])>, ReadError> {
        let path = self.lines.path().to_owned();
        let mut start = None;
        while let Some(line) = self.lines.next_line()? {
            let Cow::Borrowed(text) = line.text else {
                let message = "the line is not UTF-8 text; convert the file";
                return Err(ReadError::malformed(&path, line.number, message));
            };
            if start.is_none() && text.trim().is_empty() {
                continue;
            }
            let start = *start.get_or_insert(line.number);
            if self.parser.length() + text.len() > MAX_ROW {
                let message = "the row is longer than 16 MiB; is this a table, with every quotation mark closed?";
                return Err(ReadError::malformed(&path, start, message));
            }
            if self.parser.is_whole_with(text) {
                self.parser.take_fields(&mut self.fields);
                return Ok(Some((start, &self.fields)));
            }
        }
        match start {
            Some(start) => Err(ReadError::malformed(
                &path,
                start,
                "a quotation mark is not closed",
            )),
            None => Ok(None),
        }
    }
}

/// A tab where the header has one, else a comma.
fn separator(path: &Path) -> Result<u8, ReadError> {
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next_line()? {
        if !line.text.trim().is_empty() {
            return Ok(if line.text.contains('\t') {
                b'\t'
            } else {
                b','
            });
        }
    }
    Ok(b',')
}

/// One row on its way into fields.
struct Parser {
    core: csv_core::Reader,
    /// The fields one after another, without quotation marks; as far as `length` is written.
    text: Vec<u8>,
    length: usize,
    /// Where each field ends; as many as `count` are known.
    ends: Vec<usize>,
    count: usize,
}

impl Parser {
    fn new(separator: u8) -> Self {
        // Lines come without their ends, so that any other return belongs to a field.
        let core = ReaderBuilder::new()
            .delimiter(separator)
            .terminator(Terminator::Any(b'\n'))
            .build();
        Self {
            core,
            text: vec![0; 1024],
            length: 0,
            ends: vec![0; 64],
            count: 0,
        }
    }

    fn length(&self) -> usize {
        self.length
    }

    /// Takes one more line; whether the row ends with it.
    fn is_whole_with(&mut self, line: &str) -> bool {
        self.read(line.as_bytes()) || self.read(b"\n")
    }

    fn read(&mut self, mut input: &[u8]) -> bool {
        // To the library, no input is the end of the file.
        while !input.is_empty() {
            let (result, read, written, ended) = self.core.read_record(
                input,
                &mut self.text[self.length..],
                &mut self.ends[self.count..],
            );
            input = &input[read..];
            self.length += written;
            self.count += ended;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        false
    }

    /// The fields of the row, which is whole; the parser is ready for the next.
    fn take_fields(&mut self, fields: &mut Vec<String>) {
        fields.clear();
        let mut start = 0;
        for end in &self.ends[..self.count] {
            // The line was UTF-8 and is cut at ASCII characters.
            fields.push(String::from_utf8_lossy(&self.text[start..*end]).into_owned());
            start = *end;
        }
        (self.length, self.count) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        std::fs::write(&path, text).unwrap();
        let mut table = Table::open(&path).map_err(|error| error.to_string())?;
        let mut all = vec![(1, table.header().to_vec())];
        while let Some((line, row)) = table.next_row().map_err(|error| error.to_string())? {
            all.push((line, row.to_vec()));
        }
        Ok(all)
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let owned = |row: &[&str]| {
            row.iter()
                .map(|field| (*field).to_owned())
                .collect::<Vec<_>>()
        };
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, row)| (*line, owned(row)))
            .collect();
        assert_eq!(rows(text.as_bytes()).unwrap(), expected, "{text:?}");
    }

    #[test]
    fn tabs_or_commas_quotes_and_ends_of_lines() {
        let plain: &[(u64, &[&str])] = &[(1, &["id", "x"]), (2, &["a", "1"]), (4, &["b", "2"])];
        for text in [
            "id\tx\na\t1\n\nb\t2\n",
            "id,x\r\na,1\r\n\r\nb,2",
            "\u{feff}id,x\na,1\n  \nb,2\n",
        ] {
            check(text, plain);
        }
        check(
            "\"id\",x\na,\"1,5 \"\"m\"\"\"\n",
            &[(1, &["id", "x"]), (2, &["a", "1,5 \"m\""])],
        );
        let two_lines: &[(u64, &[&str])] = &[
            (1, &["id", "x"]),
            (2, &["a", "two\n\nlines"]),
            (5, &["b", "2"]),
        ];
        check("id,x\na,\"two\n\nlines\"\nb,2\n", two_lines);
        check("id,x\na,\n", &[(1, &["id", "x"]), (2, &["a", ""])]);
        // A tab in the header says that commas belong to values.
        check("id\tx\na\t1,5\n", &[(1, &["id", "x"]), (2, &["a", "1,5"])]);
    }

    #[test]
    fn rows_of_any_length_are_read() {
        let fields: Vec<String> = (0..5000).map(|number| format!("field {number}")).collect();
        let text = format!("id,x\n{}\n", fields.join(","));
        assert_eq!(rows(text.as_bytes()).unwrap()[1], (2, fields));
    }

    #[test]
    fn an_open_quotation_mark_hides_nobody() {
        for text in ["id,x\na,\"1\nb,2\nc,3\n", "id,x\na,\"1"] {
            let error = rows(text.as_bytes()).unwrap_err();
            assert!(
                error.contains(":2: a quotation mark is not closed"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (text, said) in [
            (&b""[..], ":1: the header line must name an id column"),
            (b"id\n1\n", ":1: the header line must name an id column"),
            (b"id,x\na,1\nb,\xff\n", ":3: the line is not UTF-8"),
        ] {
            let error = rows(text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let long = [b"id,x\na,".to_vec(), vec![b'1'; 17 << 20]].concat();
        assert!(
            rows(&long)
                .unwrap_err()
                .contains(":2: the row is longer than 16 MiB")
        );
        let open = [b"id,x\na,\"".to_vec(), b"1\n".repeat(10 << 20)].concat();
        assert!(
            rows(&open)
                .unwrap_err()
                .contains(":2: the row is longer than 16 MiB")
        );
    }
}
