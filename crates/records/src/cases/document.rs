//! A file that is read whole: JSON, whose records are parsed one after another, protobuf, or a list
//! of terms.

use std::{ops::Range, path::Path, sync::Arc, vec};

use ligate_formats::Problems;

use super::{Record, folder::stem, line_of, settle};
use crate::{
    phenopacket::{Parsed, Refused, from_json, members},
    term_list::{self, TermList},
};

pub(super) struct Document {
    file: Arc<Path>,
    content: Content,
}

enum Content {
    Json {
        text: String,
        spans: vec::IntoIter<Range<usize>>,
        /// How far lines were counted, and the line there.
        counted: (usize, u64),
        error: Option<Refused>,
    },
    Patients {
        number: u64,
        patients: vec::IntoIter<Result<Parsed, Refused>>,
    },
    /// `None` once it was handed out, or where it is no list at all.
    List(Option<Result<TermList, term_list::Refused>>),
}

impl Document {
    pub fn json(file: Arc<Path>, text: String) -> Self {
        let (spans, error) = members(&text);
        let content = Content::Json {
            text,
            spans: spans.into_iter(),
            counted: (0, 1),
            error,
        };
        Self { file, content }
    }

    pub fn protobuf(file: Arc<Path>, read: Result<Vec<Result<Parsed, Refused>>, Refused>) -> Self {
        let patients = read.unwrap_or_else(|error| vec![Err(error)]).into_iter();
        Self {
            file,
            content: Content::Patients {
                number: 0,
                patients,
            },
        }
    }

    pub fn list(file: Arc<Path>, list: Option<Result<TermList, term_list::Refused>>) -> Self {
        Self {
            file,
            content: Content::List(list),
        }
    }

    pub fn next_record(&mut self, problems: &mut Problems) -> Option<Record> {
        let file = &self.file;
        match &mut self.content {
            Content::Json {
                text,
                spans,
                counted,
                error,
            } => {
                for span in spans {
                    let passed = text
                        .as_bytes()
                        .get(counted.0..span.start)
                        .unwrap_or_default();
                    let line = counted.1 + memchr::memchr_iter(b'\n', passed).count() as u64;
                    *counted = (span.start, line);
                    let record = settle(file, line, from_json(&text[span]), problems);
                    if record.is_some() {
                        return record;
                    }
                }
                if let Some(error) = error.take() {
                    problems.push(file, line_of(&error, 1), error.to_string());
                }
                None
            }
            Content::Patients { number, patients } => {
                for patient in patients {
                    *number += 1;
                    let record = settle(file, *number, patient, problems);
                    if record.is_some() {
                        return record;
                    }
                }
                None
            }
            Content::List(list) => of_list(file, list.take()?, problems),
        }
    }
}

fn of_list(
    file: &Arc<Path>,
    list: Result<TermList, term_list::Refused>,
    problems: &mut Problems,
) -> Option<Record> {
    let list = match list {
        Ok(list) => list,
        Err(error) => {
            problems.push(file, 1, error.to_string());
            return None;
        }
    };
    list.problems
        .iter()
        .for_each(|(line, what)| problems.push(file, *line, *what));
    list.notes
        .iter()
        .for_each(|note| problems.push(file, 1, note.to_string()));
    let mut case = list.case;
    case.id = stem(file);
    case.individual.clone_from(&case.id);
    Some(Record {
        case,
        notes: list.notes,
        labels: list.labels,
        file: Arc::clone(file),
        line: 1,
    })
}
