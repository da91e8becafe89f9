//! Cases from files: phenopackets as JSON (one, an array, a cohort), as JSON lines or as protobuf,
//! and lists of terms, each plain, gzip or zstd; or a folder of these. Cases come one after
//! another, so that a file of any number of lines needs the memory of one.
//!
//! A record that cannot be read is a problem with its file and line, and the load goes on. No
//! problem names a patient.

mod document;
mod folder;
mod lines;
mod opened;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
};

use document::Document;
use ligate_formats::{Problems, ReadError};
use ligate_model::Case;
use lines::Lines;

use crate::{
    phenopacket::{Note, Parsed, Refused},
    term_list::Label,
};

/// Largest file that is read whole (JSON that is not JSON lines, protobuf, a list of terms), and
/// longest line of JSON lines; in bytes, inflated.
pub const BYTES_MAX: u64 = 64 << 20;

/// A case and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub case: Case,
    /// What was noticed while reading; also among the load's problems.
    pub notes: Vec<Note>,
    /// Terms of a list that are named by label, to be resolved with the ontology.
    pub labels: Vec<Label>,
    pub file: Arc<Path>,
    /// Line where the record begins, counted from 1; the number of the patient in protobuf.
    pub line: u64,
}

/// An iterator over the cases of files.
pub struct Cases {
    files: VecDeque<Arc<Path>>,
    /// Whether the files were found in a folder, where texts that are no lists are passed over.
    in_folder: bool,
    current: Option<Source>,
    problems: Problems,
}

enum Source {
    Lines(Lines),
    Document(Box<Document>),
}

/// Opens a file or a folder of cases. A folder's files are read in the order of their paths,
/// sub-folders included.
pub fn read(path: &Path) -> Result<Cases, ReadError> {
    let mut problems = Problems::default();
    let found = folder::files(path, &mut problems)?;
    let mut cases = Cases {
        files: found.files,
        in_folder: found.in_folder,
        current: None,
        problems,
    };
    if !cases.in_folder
        && let Some(file) = cases.files.pop_front()
    {
        cases.current = Some(opened::open(&file, false)?);
    }
    Ok(cases)
}

/// Reads a file that must hold one case.
pub fn read_one(path: &Path) -> Result<(Record, Problems), OneCase> {
    let mut cases = read(path)?;
    let first = cases.next();
    let more = first.is_some() && cases.next().is_some();
    match first {
        Some(record) if !more => Ok((record, cases.problems)),
        Some(_) => Err(OneCase::Several {
            path: path.to_owned(),
        }),
        None => {
            let problem = cases.problems.kept().first().map(ToString::to_string);
            Err(problem.map_or_else(
                || OneCase::None {
                    path: path.to_owned(),
                },
                |first| OneCase::Refused { problem: first },
            ))
        }
    }
}

/// Why a file does not give exactly one case.
#[derive(Debug, thiserror::Error)]
pub enum OneCase {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{problem}")]
    Refused { problem: String },
    #[error("{}: there is no case in it", path.display())]
    None { path: PathBuf },
    #[error("{}: it holds several cases; give a file with one", path.display())]
    Several { path: PathBuf },
}

impl Cases {
    /// What was wrong so far. Complete once the iterator has ended.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The problems, once the cases are done with.
    pub fn into_problems(self) -> Problems {
        self.problems
    }

    fn open_next(&mut self) -> Option<()> {
        let file = self.files.pop_front()?;
        match opened::open(&file, self.in_folder) {
            Ok(source) => self.current = Some(source),
            Err(error) => self.problems.push(&file, 0, without_path(&error, &file)),
        }
        Some(())
    }
}

impl Iterator for Cases {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let next = match &mut self.current {
                Some(Source::Lines(lines)) => lines.next_record(&mut self.problems),
                Some(Source::Document(document)) => document.next_record(&mut self.problems),
                None => None,
            };
            if next.is_some() {
                return next;
            }
            self.current = None;
            self.open_next()?;
        }
    }
}

/// Makes a record of what was parsed, or a problem. `line` is where the record begins.
fn settle(
    file: &Arc<Path>,
    line: u64,
    parsed: Result<Parsed, Refused>,
    problems: &mut Problems,
) -> Option<Record> {
    match parsed {
        Ok(Parsed { case, notes }) => {
            notes
                .iter()
                .for_each(|note| problems.push(file, line, note.to_string()));
            Some(Record {
                case,
                notes,
                labels: Vec::new(),
                file: Arc::clone(file),
                line,
            })
        }
        Err(error) => {
            problems.push(file, line_of(&error, line), error.to_string());
            None
        }
    }
}

/// Broken JSON says where it broke, counted from the record's own beginning.
fn line_of(error: &Refused, line: u64) -> u64 {
    match error {
        Refused::BrokenJson { line: within, .. } => line + within.saturating_sub(1),
        _ => line,
    }
}

/// A problem names its file already.
fn without_path(error: &ReadError, file: &Path) -> String {
    let text = error.to_string();
    let named = format!("{}: ", file.display());
    text.strip_prefix(&named).unwrap_or(&text).to_owned()
}
