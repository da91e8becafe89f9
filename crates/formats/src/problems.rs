//! What was wrong in an input file without ending its reading: records that were skipped, fields
//! that break their definition. A problem names file and line, never an individual or a value.

use std::{
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

/// Problems that are kept; all are counted.
pub const KEPT_PROBLEMS: usize = 1000;

/// One problem of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    /// Line, counted from 1; the record number in BCF.
    pub line: u64,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// The first [`KEPT_PROBLEMS`] problems, and how many there were in all.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    total: u64,
    noted: HashSet<(PathBuf, String)>,
}

impl Problems {
    /// Adds a problem.
    pub fn push(&mut self, file: &Path, line: u64, message: impl Into<String>) {
        self.total += 1;
        if self.kept.len() < KEPT_PROBLEMS {
            self.kept.push(Problem {
                file: file.to_owned(),
                line,
                message: message.into(),
            });
        }
    }

    /// Adds a problem that tends to come back in every record, as a wrong definition does: only the
    /// first with this message is kept for each file, so that it does not hide others. All are
    /// counted.
    pub fn note(&mut self, file: &Path, line: u64, message: impl Into<String>) {
        let key = (file.to_owned(), message.into());
        if self.kept.len() >= KEPT_PROBLEMS || self.noted.contains(&key) {
            self.total += 1;
            return;
        }
        self.push(file, line, key.1.clone());
        self.noted.insert(key);
    }

    /// Adds problems that were counted but not kept.
    pub fn add_unkept(&mut self, count: u64) {
        self.total += count;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Problems) {
        let room = KEPT_PROBLEMS - self.kept.len();
        self.total += other.total;
        self.kept.extend(other.kept.into_iter().take(room));
        self.noted.extend(other.noted);
    }

    /// The problems that were kept, in the order of the file.
    pub fn kept(&self) -> &[Problem] {
        &self.kept
    }

    /// How many problems there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_and_counts_all() {
        let mut problems = Problems::default();
        for line in 0..1500 {
            problems.push(Path::new("a.vcf"), line, "bad");
        }
        let mut other = Problems::default();
        other.push(Path::new("b.vcf"), 1, "bad");
        problems.merge(other);
        assert_eq!(
            (problems.kept().len(), problems.total()),
            (KEPT_PROBLEMS, 1501)
        );
    }

    #[test]
    fn a_note_is_kept_once_for_each_file() {
        let mut problems = Problems::default();
        for line in 1..=3 {
            problems.note(Path::new("a.vcf"), line, "INFO DP");
        }
        problems.note(Path::new("b.vcf"), 9, "INFO DP");
        assert_eq!(problems.total(), 4);
        let kept: Vec<String> = problems.kept().iter().map(Problem::to_string).collect();
        assert_eq!(kept, ["a.vcf:1: INFO DP", "b.vcf:9: INFO DP"]);
    }
}
