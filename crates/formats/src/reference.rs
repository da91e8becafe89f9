//! A reference genome in FASTA: bases by contig and position, through the index beside the file
//! (`.fai`) or one made in memory. Holds a bounded number of pages, so a whole genome needs a few
//! megabytes. Refuses compressed FASTA.

mod index;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ligate_model::Contig;

use crate::ReadError;
use index::Entry;

/// Bases of a page.
const PAGE_BASES: u64 = 1 << 16;

/// Pages held, 16 MiB in all.
const PAGES: usize = 256;

/// An opened FASTA file. Threads may share it.
pub struct Reference {
    path: PathBuf,
    contigs: HashMap<Contig, Entry>,
    cache: Mutex<Cache>,
}

/// The file and the pages that were read of it, the ones used last at the end.
struct Cache {
    file: File,
    pages: Vec<Page>,
}

/// Bases of one contig, named by its first byte in the file.
struct Page {
    contig: u64,
    number: u64,
    bases: Arc<[u8]>,
}

/// Why bases cannot be had.
#[derive(Debug)]
pub(crate) enum NoBases {
    UnknownContig,
    OutOfRange,
    Failed(ReadError),
}

impl Reference {
    /// Opens a FASTA file and its index, or makes the index by reading the file once.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        let mut start = [0; 2];
        let compressed = file.read_exact(&mut start).is_ok() && start == [0x1f, 0x8b];
        if compressed {
            let message = "a compressed FASTA file cannot be read in place; run gunzip on it first";
            return Err(ReadError::malformed(path, 1, message));
        }
        file.seek(SeekFrom::Start(0))
            .map_err(|error| ReadError::io(path, error))?;
        let contigs = index::of(path, &file)?;
        Ok(Self {
            path: path.to_owned(),
            contigs,
            cache: Mutex::new(Cache {
                file,
                pages: Vec::new(),
            }),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bases of a contig; `None` if the file lacks it.
    pub fn length(&self, contig: &Contig) -> Option<u64> {
        self.contigs.get(contig).map(|entry| entry.length)
    }

    /// Replaces `out` by the bases from `start`, counted from 0, up to `end`, in capitals.
    pub(crate) fn fetch(
        &self,
        contig: &Contig,
        start: u64,
        end: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), NoBases> {
        let entry = self.contigs.get(contig).ok_or(NoBases::UnknownContig)?;
        if start > end || end > entry.length {
            return Err(NoBases::OutOfRange);
        }
        out.clear();
        let mut at = start;
        while at < end {
            let page = self.page(entry, at / PAGE_BASES).map_err(NoBases::Failed)?;
            let first = (at % PAGE_BASES) as usize;
            let last = page.len().min(first + (end - at) as usize);
            let bases = page
                .get(first..last)
                .filter(|bases| !bases.is_empty())
                .ok_or(NoBases::OutOfRange)?;
            out.extend_from_slice(bases);
            at += bases.len() as u64;
        }
        Ok(())
    }

    fn page(&self, entry: &Entry, number: u64) -> Result<Arc<[u8]>, ReadError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |page: &Page| page.contig == entry.offset && page.number == number;
        if let Some(at) = cache.pages.iter().rposition(is_wanted) {
            let page = cache.pages.remove(at);
            let bases = Arc::clone(&page.bases);
            cache.pages.push(page);
            return Ok(bases);
        }
        let bases =
            read_page(&mut cache.file, entry, number).map_err(|error| self.unreadable(error))?;
        let bases: Arc<[u8]> = bases.into();
        if cache.pages.len() == PAGES {
            cache.pages.remove(0);
        }
        cache.pages.push(Page {
            contig: entry.offset,
            number,
            bases: Arc::clone(&bases),
        });
        Ok(bases)
    }

    fn unreadable(&self, error: io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                let message =
                    "the .fai index does not fit this FASTA file; remove the index and try again";
                ReadError::malformed(&self.path, 1, message)
            }
            _ => ReadError::io(&self.path, error),
        }
    }
}

fn read_page(file: &mut File, entry: &Entry, number: u64) -> io::Result<Vec<u8>> {
    let start = number * PAGE_BASES;
    let end = (start + PAGE_BASES).min(entry.length);
    let first = entry.byte(start).ok_or(io::ErrorKind::InvalidData)?;
    let last = entry
        .byte(end.saturating_sub(1))
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = vec![0; (last + 1).saturating_sub(first) as usize];
    file.seek(SeekFrom::Start(first))?;
    file.read_exact(&mut bytes)?;
    bytes.retain(|byte| !byte.is_ascii_whitespace());
    bytes.make_ascii_uppercase();
    if bytes.len() as u64 == end - start && bytes.iter().all(u8::is_ascii_alphabetic) {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fasta: &str, fai: Option<&str>) -> Result<Reference, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genome.fa");
        std::fs::write(&path, fasta).unwrap();
        if let Some(fai) = fai {
            std::fs::write(folder.path().join("genome.fa.fai"), fai).unwrap();
        }
        Reference::open(&path)
    }

    fn bases(reference: &Reference, contig: &str, start: u64, end: u64) -> Option<String> {
        let mut out = Vec::new();
        reference
            .fetch(&Contig::new(contig), start, end, &mut out)
            .ok()?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn finds_bases_across_lines_pages_and_aliases() {
        let sequence: String = (0..200_000_u64)
            .map(|i| ['a', 'C', 'g', 'T'][(i * i % 7 % 4) as usize])
            .collect();
        let lines: Vec<&str> = (0..sequence.len())
            .step_by(61)
            .map(|i| &sequence[i..(i + 61).min(200_000)])
            .collect();
        let reference = check(
            &format!(">chr1 first\n{}\n>X\nACGT", lines.join("\n")),
            None,
        )
        .unwrap();
        assert_eq!(reference.length(&Contig::new("1")), Some(200_000));
        for (start, end) in [
            (0, 5),
            (60, 62),
            (65_500, 65_600),
            (0, 200_000),
            (199_999, 200_000),
            (7, 7),
        ] {
            let expected = sequence[start as usize..end as usize].to_uppercase();
            assert_eq!(bases(&reference, "1", start, end), Some(expected));
        }
        assert_eq!(bases(&reference, "chrX", 1, 4), Some("CGT".into()));
        assert_eq!(bases(&reference, "1", 0, 200_001), None);
        assert_eq!(bases(&reference, "2", 0, 1), None);
    }

    #[test]
    fn an_index_that_does_not_fit_is_refused_and_not_believed() {
        let reference = check(">1\nACGT\nAC\n", Some("1\t6\t3\t4\t5\n")).unwrap();
        assert_eq!(bases(&reference, "1", 2, 6), Some("GTAC".into()));
        let reference = check(">1\nACGT\nAC\n", Some("1\t600\t3\t4\t5\n")).unwrap();
        assert_eq!(bases(&reference, "1", 0, 4), None);
        assert!(check(">1\nACGT\n", Some("1\tx\n")).is_err());
        assert!(check(">1\nACGT\n", Some("1\t6\t3\t0\t0\n")).is_err());
    }

    #[test]
    fn what_is_no_fasta_is_refused() {
        assert!(check("ACGT\n", None).is_err());
        assert!(check(">1\nAC\nACGT\nACGT\n", None).is_err());
        assert!(check(">1\nAC-\n", None).is_err());
        assert!(check("\u{1f}", None).is_err());
    }
}
