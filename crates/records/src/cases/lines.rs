//! JSON lines: one record a line (or an array, or a cohort, a line).

use std::{
    io::{self, BufRead, Read},
    ops::Range,
    path::Path,
    sync::Arc,
};

use ligate_formats::Problems;

use super::{BYTES_MAX, Record, line_of, settle};
use crate::phenopacket::{from_json, members};

/// A file that is read line by line.
pub(super) struct Lines {
    file: Arc<Path>,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    text: String,
    /// Records of the current line that are still to come, last first.
    waiting: Vec<Range<usize>>,
}

enum Next {
    Line,
    /// A line that was passed over.
    Refused(&'static str),
    End,
}

impl Lines {
    pub fn new(file: Arc<Path>, reader: Box<dyn BufRead + Send>) -> Self {
        Self {
            file,
            reader,
            line: 0,
            text: String::new(),
            waiting: Vec::new(),
        }
    }

    pub fn next_record(&mut self, problems: &mut Problems) -> Option<Record> {
        loop {
            while let Some(span) = self.waiting.pop() {
                let record = settle(&self.file, self.line, from_json(&self.text[span]), problems);
                if record.is_some() {
                    return record;
                }
            }
            match self.next_line() {
                Ok(Next::Line) => self.split(problems),
                Ok(Next::Refused(why)) => problems.push(&self.file, self.line, why),
                Ok(Next::End) => return None,
                Err(error) => {
                    let message = format!("the file ends here: it is cut or corrupt ({error})");
                    problems.push(&self.file, self.line + 1, message);
                    self.reader = Box::new(io::empty());
                    return None;
                }
            }
        }
    }

    fn split(&mut self, problems: &mut Problems) {
        let (mut spans, error) = members(&self.text);
        spans.reverse();
        self.waiting = spans;
        if let Some(error) = error {
            problems.push(&self.file, line_of(&error, self.line), error.to_string());
        }
    }

    fn next_line(&mut self) -> io::Result<Next> {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        if (&mut self.reader)
            .take(BYTES_MAX)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(Next::End);
        }
        self.line += 1;
        if bytes.len() as u64 == BYTES_MAX && bytes.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
            return Ok(Next::Refused("the line is longer than 64 MiB: left out"));
        }
        while bytes.pop_if(|byte| matches!(byte, b'\n' | b'\r')).is_some() {}
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(Next::Refused("the line is not UTF-8: left out"));
        };
        self.text = text;
        Ok(Next::Line)
    }
}
