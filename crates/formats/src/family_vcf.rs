//! One family's VCF, record by record, for the clinic: the site, its quality and annotation, and
//! each member's call with depths, likelihoods and phase. Text VCF only, plain, gzip or bgzf; BCF
//! is refused with advice.
//!
//! A record is handed out as slices of its line and read only as far as it is asked for, so that a
//! whole genome passes in bounded memory and most records cost no more than their position. Cohorts
//! are `vcf`'s.

mod call;
mod record;

use std::{ops::ControlFlow, path::Path};

use libdeflater::Decompressor;
use ligate_model::{Assembly, IndividualId};

use crate::{
    Problems, ReadError,
    text::{CHUNK, Input},
    vcf::Source,
};

pub use call::Call;
pub use record::Record;

/// Longest record, in bytes.
const MAX_LINE: usize = 64 << 20;

/// An opened family VCF, its header read.
pub struct FamilyVcf {
    source: Source,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct FamilyReport {
    /// Records of the file, skipped ones included.
    pub records: u64,
    /// Records that could not be used; each is among the problems.
    pub skipped: u64,
    pub problems: Problems,
}

impl FamilyVcf {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// A file that is cut, corrupt, no VCF, or BCF.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let source = Source::open(path)?;
        if !source.is_text() {
            return Err(ReadError::UnknownFormat {
                path: path.to_owned(),
                found: "it is BCF, which is not read here; convert it (bcftools view -O z)",
            });
        }
        Ok(Self { source })
    }

    /// The people, in the order of the columns; none in a file of sites.
    pub fn samples(&self) -> &[IndividualId] {
        self.source.samples()
    }

    /// The column of a person, counted from 0 over the samples.
    pub fn column(&self, individual: &str) -> Option<usize> {
        self.samples()
            .iter()
            .position(|sample| sample.as_str() == individual)
    }

    /// The assembly that contig lengths, contig lines and `##reference` agree on; `None` where they
    /// say nothing or contradict each other.
    pub fn assembly(&self) -> Option<Assembly> {
        self.source.assembly()
    }

    /// The `##INFO` lines as they stand.
    pub fn info_lines(&self) -> &[String] {
        self.source.info_lines()
    }

    /// What is wrong with the header without keeping the records from being read; the report has it
    /// again.
    pub fn problems(&self) -> &Problems {
        self.source.problems()
    }

    /// Reads the records in the order of the file until the end, or until `visit` breaks.
    ///
    /// # Errors
    /// A file that is cut or corrupt. A record with too few columns or no position is skipped and
    /// reported.
    pub fn read(
        self,
        visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<FamilyReport, ReadError> {
        let path = self.source.path().to_owned();
        let samples = self.source.samples().len();
        let report = FamilyReport {
            problems: self.source.problems().clone(),
            ..FamilyReport::default()
        };
        let number = self.source.header_lines();
        let (carry, input) = self.source.into_records();
        let mut reader = FamilyReader {
            path: &path,
            samples,
            number,
            report,
        };
        reader.all(carry, input, visit)?;
        Ok(reader.report)
    }
}

struct FamilyReader<'p> {
    path: &'p Path,
    samples: usize,
    /// Line that was read last, from 1.
    number: u64,
    report: FamilyReport,
}

impl FamilyReader<'_> {
    fn all(
        &mut self,
        carry: Vec<u8>,
        mut input: Input,
        visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let (mut buffer, mut inflated) = (carry, Vec::new());
        let mut decompressor = Decompressor::new();
        loop {
            let whole = memchr::memrchr(b'\n', &buffer).map_or(0, |end| end + 1);
            if self.lines(&buffer[..whole], visit).is_break() {
                return Ok(());
            }
            buffer.drain(..whole);
            if buffer.len() > MAX_LINE {
                let message = "the record is longer than 64 MiB";
                return Err(ReadError::malformed(self.path, self.number + 1, message));
            }
            let Some(chunk) = input.next_chunk(CHUNK)? else {
                break;
            };
            if !chunk.inflate(&mut decompressor, &mut inflated) {
                return Err(ReadError::corrupt(
                    self.path,
                    "a compressed block or its checksum is wrong",
                ));
            }
            buffer.extend_from_slice(&inflated);
        }
        let _ = self.lines(&buffer, visit);
        Ok(())
    }

    fn lines(
        &mut self,
        text: &[u8],
        visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut start = 0;
        while start < text.len() {
            let end =
                memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length);
            let line = text[start..end]
                .strip_suffix(b"\r")
                .unwrap_or(&text[start..end]);
            self.number += 1;
            if !line.is_empty() {
                self.line(line, visit)?;
            }
            start = end + 1;
        }
        ControlFlow::Continue(())
    }

    fn line(
        &mut self,
        line: &[u8],
        visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.report.records += 1;
        match Record::parse(line, self.number, self.samples) {
            Ok(record) => visit(&record),
            Err(fault) => {
                self.report.skipped += 1;
                self.report.problems.note(self.path, self.number, fault);
                ControlFlow::Continue(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const HEADER: &str = "##fileformat=VCFv4.2\n##contig=<ID=1,length=249250621>\n\
        ##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Format: Allele|Consequence\">\n\
        ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
        #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n";

    fn open(body: &str) -> FamilyVcf {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(HEADER.as_bytes()).unwrap();
        file.write_all(body.as_bytes()).unwrap();
        FamilyVcf::open(file.path()).unwrap()
    }

    #[test]
    fn the_header_says_who_and_which_assembly() {
        let vcf = open("");
        assert_eq!(vcf.assembly(), Some(Assembly::Grch37));
        assert_eq!(
            (vcf.samples().len(), vcf.column("B"), vcf.column("C")),
            (2, Some(1), None)
        );
        assert_eq!(vcf.info_lines().len(), 1);
    }

    #[test]
    fn a_bad_record_is_skipped_with_its_line() {
        let vcf = open(
            "1\t5\t.\tA\tC\t9\tPASS\t.\tGT\t0/1\t./.\n1\tx\t.\tA\tC\t9\tPASS\t.\tGT\t0/1\t0/0\n1\t7\n",
        );
        let mut positions = Vec::new();
        let report = vcf
            .read(&mut |record| {
                positions.push((record.line(), record.position()));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(positions, [(6, 5)]);
        assert_eq!((report.records, report.skipped), (3, 2));
        let lines: Vec<u64> = report
            .problems
            .kept()
            .iter()
            .map(|problem| problem.line)
            .collect();
        assert_eq!(lines, [7, 8]);
    }

    #[test]
    fn records_go_across_chunks_and_stop_when_told() {
        let body: String = (1..=60_000)
            .map(|at| format!("1\t{at}\t.\tA\tC\t9\tPASS\t.\tGT\t0/1\t0|1\n"))
            .collect();
        for stop in [60_000, 30_000] {
            let mut seen = 0;
            let report = open(&body)
                .read(&mut |record| {
                    seen += 1;
                    assert_eq!(record.position(), seen);
                    if seen == stop {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                .unwrap();
            assert_eq!((seen, report.records), (stop, u64::from(stop)));
        }
    }
}
