//! A book at rest, as a ledger's: one file that changes, of which the audit log has the digest.
//! This module makes sure that a book which was put back from a copy, or changed by hand, is not
//! taken for the newest one.
//!
//! A change is three steps, under the ledger's lock: the new book is written beside the old one
//! (`FILE.next`), the [`Witness`] notes its digest, and the new one takes the old one's place.
//! Whoever reads compares with the last digest that was noted. So a crash is told apart from a book
//! that was put back: after a crash either nothing was noted and the old book is the noted one, or
//! the noted one lies beside it and takes its place now. Any other book is refused.

use std::{path::PathBuf, sync::Arc};

use ligate_files::Readers;
use ligate_model::Digest;

use crate::{
    LedgerError,
    book_files::{Lock, read_or_damaged},
};

/// Why a witness could not say or note anything.
pub type WitnessError = Box<dyn std::error::Error + Send + Sync>;

/// What is changed, for the witness to note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// In one word: `opened`, `columns`, `released` ...
    pub what: &'static str,
    /// The run that it is about.
    pub job: Option<Digest>,
}

/// Remembers which book is the newest one. A node's witness is its audit log.
pub trait Witness: Send + Sync {
    /// The digest that was noted last; none if none ever was.
    fn last(&self) -> Result<Option<Digest>, WitnessError>;

    /// Notes the digest of the book that is about to take the old one's place. When this returns,
    /// the note is durable.
    fn note(&self, change: &Change, digest: Digest) -> Result<(), WitnessError>;
}

/// The file of a book.
pub struct WitnessedFile {
    path: PathBuf,
    /// What the digest is of.
    domain: &'static str,
    witness: Arc<dyn Witness>,
}

impl WitnessedFile {
    pub fn new(path: PathBuf, domain: &'static str, witness: Arc<dyn Witness>) -> Self {
        Self {
            path,
            domain,
            witness,
        }
    }

    /// What the witness is told of a book.
    pub fn digest(&self, bytes: &[u8]) -> Digest {
        Digest::of(self.domain, bytes)
    }

    /// The book that was noted last, as bytes. Ends what a crash interrupted.
    pub fn read(&self, _: &Lock) -> Result<Vec<u8>, LedgerError> {
        let last = self.last()?;
        let noted = |bytes: &Vec<u8>| last == Some(self.digest(bytes));
        let found = read_or_damaged(&self.path);
        if let Ok(bytes) = &found
            && noted(bytes)
        {
            return found;
        }
        match read_or_damaged(&self.next()) {
            Ok(next) if noted(&next) => self.take_place().map(|()| next),
            _ => found.and_then(|_| Err(LedgerError::PutBack(self.path.clone()))),
        }
    }

    /// [`read`](Self::read), or nothing where there is no book and none was ever noted.
    pub fn read_if_any(&self, lock: &Lock) -> Result<Option<Vec<u8>>, LedgerError> {
        if !self.path.exists() && self.last()?.is_none() {
            Ok(None)
        } else {
            self.read(lock).map(Some)
        }
    }

    /// The book as it lies, whatever was noted: for a recovery alone.
    pub fn read_unwitnessed(&self, _: &Lock) -> Result<Vec<u8>, LedgerError> {
        read_or_damaged(&self.path)
    }

    /// Replaces the book, which the caller has read under this lock.
    pub fn write(&self, _: &Lock, change: &Change, bytes: &[u8]) -> Result<(), LedgerError> {
        ligate_files::replace_alone(&self.next(), Readers::Owner, bytes)?;
        self.witness
            .note(change, self.digest(bytes))
            .map_err(|source| self.unwitnessed(source))?;
        self.take_place()
    }

    /// Makes the first book. Refuses where another one was noted: then there was a ledger, and it
    /// is gone.
    pub fn create(&self, lock: &Lock, bytes: &[u8]) -> Result<(), LedgerError> {
        match self.last()? {
            Some(noted) if noted != self.digest(bytes) => {
                Err(LedgerError::PutBack(self.path.clone()))
            }
            _ => self.write(
                lock,
                &Change {
                    what: "made",
                    job: None,
                },
                bytes,
            ),
        }
    }

    fn last(&self) -> Result<Option<Digest>, LedgerError> {
        self.witness
            .last()
            .map_err(|source| self.unwitnessed(source))
    }

    fn next(&self) -> PathBuf {
        self.path.with_extension("json.next")
    }

    fn take_place(&self) -> Result<(), LedgerError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        ligate_files::rename(&self.next(), &self.path)?;
        Ok(ligate_files::sync_folder(folder)?)
    }

    fn unwitnessed(&self, source: WitnessError) -> LedgerError {
        LedgerError::Witness {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::{fs, path::Path};

    use super::*;

    /// A witness that keeps the last digest in a file beside the book, so that other processes see
    /// it.
    pub struct Notes(PathBuf);

    impl Notes {
        pub fn of(folder: &Path) -> Arc<Self> {
            Arc::new(Self(folder.join("noted")))
        }

        pub fn set(&self, digest: Digest) {
            ligate_files::replace_alone(&self.0, Readers::Owner, digest.to_string().as_bytes())
                .unwrap();
        }
    }

    impl Witness for Notes {
        fn last(&self) -> Result<Option<Digest>, WitnessError> {
            Ok(fs::read_to_string(&self.0)
                .ok()
                .map(|text| text.parse())
                .transpose()?)
        }

        /// What is called "refused" cannot be noted.
        fn note(&self, change: &Change, digest: Digest) -> Result<(), WitnessError> {
            if change.what == "refused" {
                return Err("no space left".into());
            }
            self.set(digest);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::book_files;

    const CHANGE: Change = Change {
        what: "changed",
        job: None,
    };

    struct Case {
        folder: tempfile::TempDir,
        file: WitnessedFile,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let notes = testing::Notes::of(folder.path());
            let file = WitnessedFile::new(folder.path().join("book.json"), "book", notes);
            let case = Self { folder, file };
            case.file.create(&case.lock(), b"first").unwrap();
            case.file.write(&case.lock(), &CHANGE, b"second").unwrap();
            case
        }

        fn lock(&self) -> Lock {
            book_files::lock(self.folder.path()).unwrap()
        }

        fn read(&self) -> Result<String, LedgerError> {
            self.file
                .read(&self.lock())
                .map(|bytes| String::from_utf8(bytes).unwrap())
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join(name), text).unwrap();
        }
    }

    #[test]
    fn a_book_that_was_put_back_is_refused() {
        let case = Case::new();
        assert_eq!(case.read().unwrap(), "second");
        case.put("book.json", "first");
        assert!(matches!(case.read(), Err(LedgerError::PutBack(_))));
        assert!(matches!(
            case.file.create(&case.lock(), b"first"),
            Err(LedgerError::PutBack(_))
        ));
        case.put("book.json", "second");
        assert_eq!(case.read().unwrap(), "second");
    }

    #[test]
    fn a_book_that_is_gone_is_not_one_that_never_was() {
        let case = Case::new();
        let any = |case: &Case| case.file.read_if_any(&case.lock());
        assert!(any(&case).unwrap().is_some());
        fs::remove_file(case.folder.path().join("book.json")).unwrap();
        assert!(any(&case).is_err());
        fs::remove_file(case.folder.path().join("noted")).unwrap();
        assert_eq!(any(&case).unwrap(), None);
        // One of which nothing was noted was put there by hand.
        case.put("book.json", "second");
        assert!(any(&case).is_err());
    }

    #[test]
    fn a_crash_at_any_step_is_no_book_that_was_put_back() {
        // The new book was written, and its digest was not noted.
        let case = Case::new();
        case.put("book.json.next", "third");
        assert_eq!(case.read().unwrap(), "second");
        case.file.write(&case.lock(), &CHANGE, b"fourth").unwrap();
        assert_eq!(case.read().unwrap(), "fourth");
        // Its digest was noted, and it did not take its place.
        case.put("book.json", "second");
        case.put("book.json.next", "fourth");
        assert_eq!(case.read().unwrap(), "fourth");
        assert!(!case.folder.path().join("book.json.next").exists());
        // The same, with the first of all books.
        fs::rename(
            case.folder.path().join("book.json"),
            case.folder.path().join("book.json.next"),
        )
        .unwrap();
        assert_eq!(case.read().unwrap(), "fourth");
    }

    #[test]
    fn what_cannot_be_noted_is_not_done() {
        let case = Case::new();
        let refused = Change {
            what: "refused",
            job: None,
        };
        assert!(matches!(
            case.file.write(&case.lock(), &refused, b"third"),
            Err(LedgerError::Witness { .. })
        ));
        assert_eq!(case.read().unwrap(), "second");
    }
}
