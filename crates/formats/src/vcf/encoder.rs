//! From records to variants and encoded rows: what a worker thread does with a chunk.

use std::{collections::HashSet, mem, ops::Range};

use ligate_genotypes::{Calls, Exception, Phase, encode};
use ligate_model::Contig;

use super::{
    BlockRows, Variant, VariantBatch,
    bcf::{self, EncodedCalls},
    format::Layout,
    framing::Framing,
    genotype::{Genotypes, MAX_ALLELES},
    header::Header,
    info, order,
    record::{self, Columns},
    site::{Fault, Keyed, Site},
    tokenise::tokenise,
};
use crate::{ReadError, Reference, problems::KEPT_PROBLEMS};

/// A problem of a chunk; lines count from the chunk's first as 1.
pub(super) struct LocalProblem {
    pub line: u64,
    pub message: String,
    /// Whether the same is to be expected of other records.
    pub note: bool,
}

/// What a chunk held.
#[derive(Default)]
pub(super) struct Encoded {
    pub batch: VariantBatch,
    pub lines: u64,
    pub records: u64,
    pub skipped: u64,
    pub problems: Vec<LocalProblem>,
    /// Problems beyond those that are kept.
    pub unkept: u64,
    pub runs: Vec<order::ContigRun>,
    noted: HashSet<String>,
}

impl Encoded {
    fn new(blocks: usize) -> Self {
        let batch = VariantBatch {
            variants: Vec::new(),
            blocks: vec![BlockRows::default(); blocks],
        };
        Self {
            batch,
            ..Self::default()
        }
    }

    fn skip(&mut self, message: &str) {
        self.skipped += 1;
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push(LocalProblem {
                line: self.lines,
                message: message.to_owned(),
                note: false,
            });
        } else {
            self.unkept += 1;
        }
    }

    fn note(&mut self, message: Option<impl Into<String>>) {
        let Some(message) = message.map(Into::into) else {
            return;
        };
        if self.noted.len() < KEPT_PROBLEMS && self.noted.insert(message.clone()) {
            self.problems.push(LocalProblem {
                line: self.lines,
                message,
                note: true,
            });
        } else {
            self.unkept += 1;
        }
    }
}

/// Encodes records of one file; one for each thread.
pub(super) struct Encoder<'a> {
    header: &'a Header,
    framing: Framing,
    blocks: &'a [Range<usize>],
    genome: Option<&'a Reference>,
    out: Encoded,
    contig: (String, Contig),
    layout: Layout,
    calls: Calls,
    genotypes: Genotypes,
    missing: Vec<u32>,
    keys: Vec<Keyed>,
}

/// Where a record's calls were found.
enum Found {
    /// In `calls`, of the only alternate allele.
    Packed,
    /// In `genotypes`, of all alleles.
    Parsed,
}

impl<'a> Encoder<'a> {
    pub fn new(
        header: &'a Header,
        framing: Framing,
        blocks: &'a [Range<usize>],
        genome: Option<&'a Reference>,
    ) -> Self {
        Self {
            header,
            framing,
            blocks,
            genome,
            out: Encoded::new(blocks.len()),
            contig: (String::new(), Contig::new("")),
            layout: Layout::default(),
            calls: Calls::new(header.samples.len()),
            genotypes: Genotypes::default(),
            missing: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// What was encoded since the last call.
    pub fn finish(&mut self) -> Encoded {
        mem::replace(&mut self.out, Encoded::new(self.blocks.len()))
    }

    /// Encodes whole records.
    pub fn encode(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        match self.framing {
            Framing::Lines => self.lines(bytes),
            Framing::Records => self.records(bytes),
        }
    }

    fn lines(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            self.out.lines += 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line.first() {
                None => {}
                Some(b'#') => self.out.note(Some(
                    "a header line stands among the records; it is ignored",
                )),
                Some(_) => {
                    let result = self.line(line);
                    self.count(result)?;
                }
            }
        }
        Ok(())
    }

    fn records(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut rest = bytes;
        while let Some(prefix) = rest.first_chunk::<{ bcf::PREFIX }>() {
            // `framing` cut the bytes at these lengths.
            let Some((record, after)) =
                bcf::record_length(*prefix).and_then(|n| rest.split_at_checked(n))
            else {
                break;
            };
            rest = after;
            self.out.lines += 1;
            let result = self.record(record);
            self.count(result)?;
        }
        Ok(())
    }

    fn count(&mut self, result: Result<(), Fault>) -> Result<(), ReadError> {
        self.out.records += 1;
        match result {
            Ok(()) => Ok(()),
            Err(Fault::Skip(message)) => {
                self.out.skip(message);
                Ok(())
            }
            Err(Fault::Fatal(error)) => Err(error),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let header = self.header;
        let columns = Columns::split(line, header.genotypes)?;
        let chromosome = record::chromosome(columns.chromosome, header)?;
        let position = record::position(columns.position)?;
        self.order(chromosome, position);
        let reference = record::reference(columns.reference)?;
        let alternates = record::alternates(columns.alternates)?;
        self.contig(chromosome);
        let contig = self.contig.1.clone();
        let site = Site {
            contig: &contig,
            position,
            reference,
            alternates,
        };
        let count = site.alternate_count()?;
        let (id, fault) = record::id(columns.id);
        self.out.note(fault);
        self.out.note(record::quality(columns.quality));
        self.out.note(record::filter(columns.filter));
        self.out
            .note(info::check(columns.info, u32::from(count), header));
        let found = self.line_calls(&columns, count)?;
        self.rows(&site, count, id, &found)
    }

    fn record(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let record = bcf::Record::parse(bytes, self.header)?;
        let chromosome = record::chromosome(record.chromosome.as_bytes(), self.header)?;
        self.order(chromosome, record.position);
        let reference = record::reference(record.reference)?;
        let alternates = record::alternates(&record.alternates)?;
        self.contig(chromosome);
        let contig = self.contig.1.clone();
        let site = Site {
            contig: &contig,
            position: record.position,
            reference,
            alternates,
        };
        let count = site.alternate_count()?;
        let (id, fault) = record::id(record.id);
        self.out.note(fault);
        let found = self.encoded_calls(record.calls, count)?;
        self.rows(&site, count, id, &found)
    }

    fn order(&mut self, chromosome: &str, position: u32) {
        let bare = record::bare(chromosome.as_bytes());
        if !order::add(&mut self.out.runs, bare, position, self.out.lines) {
            self.out.note(Some(order::UNSORTED));
        }
    }

    fn contig(&mut self, chromosome: &str) {
        if self.contig.0 != chromosome {
            self.contig = (chromosome.to_owned(), Contig::new(chromosome));
        }
    }

    /// Reads a line's calls.
    fn line_calls(
        &mut self,
        columns: &Columns<'_>,
        alternates: u16,
    ) -> Result<Found, &'static str> {
        let (header, samples) = (self.header, self.header.samples.len());
        if !header.genotypes {
            return Ok(Found::Packed);
        }
        let note = self.layout.read(columns.format, header)?;
        self.out.note(note);
        if self.layout.only && alternates <= 1 && columns.samples.len() == 4 * samples {
            self.calls.clear();
            if let Some(separator) =
                tokenise(columns.samples, self.calls.codes_mut(), &mut self.missing)
            {
                self.finish_packed(columns.samples, separator);
                return Ok(Found::Packed);
            }
        }
        if self.layout.called {
            let prefix = header.minor >= 4;
            self.genotypes
                .read(columns.samples, samples, alleles(alternates), prefix)?;
        } else {
            self.uncalled(columns.samples)?;
        }
        if !self.layout.only {
            self.out
                .note(self.layout.check(columns.samples, u32::from(alternates)));
        }
        Ok(Found::Parsed)
    }

    /// Adds missing alleles and phase to packed calls.
    fn finish_packed(&mut self, samples: &[u8], separator: u8) {
        for sample in &self.missing {
            let at = 4 * *sample as usize;
            let exception = match (samples.get(at + 1), samples.get(at + 3)) {
                (Some(b'.'), Some(b'.')) => Exception::Missing,
                (a, b) => Exception::HalfMissing {
                    alternate: a == Some(&b'1') || b == Some(&b'1'),
                },
            };
            self.calls.push_exception(*sample, exception);
        }
        if separator == b'|' && self.missing.len() < self.calls.samples() {
            self.calls.set_phase(Phase::Phased);
        }
    }

    /// A record without GT.
    fn uncalled(&mut self, samples: &[u8]) -> Result<(), &'static str> {
        let count = self.header.samples.len();
        if memchr::memchr_iter(b'\t', samples).count() != count {
            return Err("the record does not have one column for each sample");
        }
        self.genotypes.clear();
        self.genotypes.push_missing(count);
        Ok(())
    }

    /// Reads a binary record's calls.
    fn encoded_calls(
        &mut self,
        calls: Option<EncodedCalls<'_>>,
        alternates: u16,
    ) -> Result<Found, &'static str> {
        let count = self.header.samples.len();
        self.genotypes.clear();
        let Some(calls) = calls else {
            self.genotypes.push_missing(count);
            return Ok(Found::Parsed);
        };
        self.calls.clear();
        if alternates <= 1
            && let Some(packed) = calls.pack(self.calls.codes_mut())
        {
            self.calls.set_phase(packed.phase);
            packed
                .missing
                .iter()
                .for_each(|(sample, missing)| self.calls.push_exception(*sample, *missing));
            return Ok(Found::Packed);
        }
        let alleles = alleles(alternates);
        (0..count)
            .try_for_each(|sample| self.genotypes.push_encoded(calls.values(sample), alleles))?;
        Ok(Found::Parsed)
    }

    /// Adds a row for each allele that gets one.
    fn rows(
        &mut self,
        site: &Site<'_>,
        alternates: u16,
        id: Option<&str>,
        found: &Found,
    ) -> Result<(), Fault> {
        self.check_room(alternates)?;
        let mut keys = mem::take(&mut self.keys);
        let result = site.keys(self.genome, &mut keys);
        if result.is_ok() {
            for Keyed { index, key, record } in keys.drain(..) {
                if matches!(found, Found::Parsed) {
                    self.genotypes.fill(index, &mut self.calls);
                }
                let (id, line) = (id.map(Box::from), self.out.lines);
                self.out.batch.variants.push(Variant {
                    key,
                    id,
                    alternate_index: index,
                    alternates,
                    record,
                    line,
                });
                self.row();
            }
        }
        self.keys = keys;
        result
    }

    /// Keeps a chunk's rows below 4 GiB: a row takes at most eight bytes for each sample.
    fn check_room(&self, alternates: u16) -> Result<(), &'static str> {
        const ROOM: u64 = 1 << 31;
        let most = u64::from(alternates) * 8 * (self.calls.samples() as u64 + 8);
        let held = |rows: &BlockRows| rows.bytes.len() as u64;
        if most >= ROOM || self.out.batch.blocks.iter().any(|rows| held(rows) >= ROOM) {
            return Err("the record has too many alternate alleles for so many samples");
        }
        Ok(())
    }

    fn row(&mut self) {
        for (block, rows) in self.blocks.iter().zip(&mut self.out.batch.blocks) {
            let counts = encode(&self.calls, block.clone(), &mut rows.bytes);
            rows.counts.push(counts);
            rows.offsets.push(rows.bytes.len() as u32);
        }
    }
}

/// Alleles that a call may name. Where ALT is `.` that is not checked: such records come with any
/// call, and give no variant.
fn alleles(alternates: u16) -> u16 {
    if alternates == 0 {
        MAX_ALLELES as u16
    } else {
        alternates + 1
    }
}
