//! Where each contig's bases lie in a FASTA file: read from `.fai` (samtools faidx), or found by
//! one pass.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use ligate_model::Contig;

use crate::ReadError;

/// Where a contig lies. All its lines but the last have the same length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub length: u64,
    /// Byte of the first base.
    pub offset: u64,
    line_bases: u64,
    line_bytes: u64,
}

impl Entry {
    /// The byte of the base at `at`, counted from 0.
    pub fn byte(&self, at: u64) -> Option<u64> {
        let line = at.checked_div(self.line_bases)?;
        line.checked_mul(self.line_bytes)?
            .checked_add(self.offset)?
            .checked_add(at % self.line_bases)
    }
}

/// The index of an opened FASTA file.
pub(super) fn of(path: &Path, file: &File) -> Result<HashMap<Contig, Entry>, ReadError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".fai");
    let beside = Path::new(&name);
    if beside.exists() {
        read(beside)
    } else {
        Builder::new(path).build(file)
    }
}

fn read(path: &Path) -> Result<HashMap<Contig, Entry>, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|error| ReadError::io(path, error))?;
    let mut contigs = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let (name, entry) = parse(line).ok_or_else(|| {
            ReadError::malformed(
                path,
                at as u64 + 1,
                "this is no line of a FASTA index; remove the index and try again",
            )
        })?;
        contigs.insert(Contig::new(name), entry);
    }
    Ok(contigs)
}

fn parse(line: &str) -> Option<(&str, Entry)> {
    let (name, numbers) = line.split_once('\t')?;
    let numbers: Vec<u64> = numbers
        .split('\t')
        .map(|text| text.parse().ok())
        .collect::<Option<_>>()?;
    let [length, offset, line_bases, line_bytes] = numbers[..] else {
        return None;
    };
    let fits =
        line_bytes > line_bases && line_bases > 0 && line_bytes < 1 << 32 && length < 1 << 40;
    (fits || length == 0).then_some((
        name,
        Entry {
            length,
            offset,
            line_bases,
            line_bytes,
        },
    ))
}

/// Makes an index line by line.
struct Builder<'p> {
    path: &'p Path,
    contigs: HashMap<Contig, Entry>,
    current: Option<(Contig, Entry)>,
    /// Whether a line shorter than the first was seen: it must be the last.
    short: bool,
    line: u64,
}

impl<'p> Builder<'p> {
    fn new(path: &'p Path) -> Self {
        Self {
            path,
            contigs: HashMap::new(),
            current: None,
            short: false,
            line: 0,
        }
    }

    fn build(mut self, file: &File) -> Result<HashMap<Contig, Entry>, ReadError> {
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let (mut offset, mut line) = (0, Vec::new());
        loop {
            line.clear();
            let count = reader
                .read_until(b'\n', &mut line)
                .map_err(|error| ReadError::io(self.path, error))?;
            if count == 0 {
                break;
            }
            self.line += 1;
            offset += count as u64;
            match line.strip_prefix(b">") {
                Some(title) => self.start(title, offset),
                None => self.add(&line)?,
            }
        }
        self.end();
        if self.contigs.is_empty() {
            return Err(self.error("there is no sequence; is this a FASTA file?"));
        }
        Ok(self.contigs)
    }

    fn error(&self, message: &str) -> ReadError {
        ReadError::malformed(self.path, self.line, message)
    }

    fn start(&mut self, title: &[u8], offset: u64) {
        self.end();
        let title = String::from_utf8_lossy(title);
        let name = title.split_whitespace().next().unwrap_or_default();
        let entry = Entry {
            length: 0,
            offset,
            line_bases: 0,
            line_bytes: 0,
        };
        self.current = Some((Contig::new(name), entry));
        self.short = false;
    }

    fn end(&mut self) {
        if let Some((contig, entry)) = self.current.take() {
            self.contigs.entry(contig).or_insert(entry);
        }
    }

    fn add(&mut self, line: &[u8]) -> Result<(), ReadError> {
        let bases = line.trim_ascii_end();
        if !bases.iter().all(u8::is_ascii_alphabetic) {
            return Err(self.error("a sequence line holds something that is no base"));
        }
        if bases.is_empty() {
            self.short = true;
            return Ok(());
        }
        let Some((_, entry)) = &mut self.current else {
            return Err(
                self.error("there is a sequence before the first name; is this a FASTA file?")
            );
        };
        let (count, bytes) = (bases.len() as u64, line.len() as u64);
        if entry.length == 0 {
            (entry.line_bases, entry.line_bytes) = (count, bytes.max(count + 1));
        }
        let fits = !self.short && count <= entry.line_bases;
        self.short = count < entry.line_bases || bytes != entry.line_bytes;
        entry.length += count;
        if fits {
            Ok(())
        } else {
            Err(self
                .error("the lines of a sequence differ in length; run samtools faidx to see it"))
        }
    }
}
