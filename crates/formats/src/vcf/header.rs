//! The header of a VCF or BCF file: version, definitions, contigs and samples. An error is what the
//! records could not be read without (version, column line, sample names, lines that are no header
//! lines, definitions without a name); whatever else breaks the specification is a problem, because
//! people's data should not stay out for the sake of a description.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use ligate_genotypes::MAX_SAMPLES;
use ligate_model::{Assembly, Contig, IndividualId};

use super::{
    assembly::Evidence,
    definition::{self, Column, Definition},
    header_lines,
    meta::Structured,
};
use crate::{Problems, ReadError};

/// Longest header, in bytes: a million samples and as many contigs stay well below.
pub(super) const MAX_HEADER: usize = 256 << 20;

const COLUMNS: [&str; 8] = [
    "#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO",
];

/// Names of BCF's two dictionaries, by their numbers.
#[derive(Default)]
pub(super) struct Dictionary {
    names: Vec<Option<Box<str>>>,
    known: HashSet<Box<str>>,
}

/// Largest number of a dictionary entry that is kept.
const MAX_ENTRY: usize = 1 << 22;

impl Dictionary {
    /// Adds a name under the number of its `IDX` field, else under the next free one, unless it is
    /// there already.
    fn add(&mut self, name: &str, index: Option<usize>) {
        if !self.known.insert(name.into()) {
            return;
        }
        let index = index.unwrap_or(self.names.len());
        if index < MAX_ENTRY {
            if self.names.len() <= index {
                self.names.resize_with(index + 1, || None);
            }
            self.names[index] = Some(name.into());
        }
    }

    pub fn get(&self, index: usize) -> Option<&str> {
        self.names.get(index)?.as_deref()
    }
}

/// A parsed header.
#[derive(Default)]
pub(super) struct Header {
    /// 1 to 5, of VCF 4.1 to 4.5.
    pub minor: u8,
    /// Lines, the column line included.
    pub lines: u64,
    pub samples: Vec<IndividualId>,
    /// Whether there is a FORMAT column.
    pub genotypes: bool,
    complete: bool,
    pub contigs: Vec<(Contig, Option<u64>)>,
    /// Names of contig lines as written.
    pub declared: HashSet<Box<[u8]>>,
    pub info: HashMap<Box<[u8]>, Definition>,
    /// `##INFO` lines as written: annotators say there how their fields are to be read.
    pub info_lines: Vec<String>,
    pub format: HashMap<Box<[u8]>, Definition>,
    pub strings: Dictionary,
    pub contig_names: Dictionary,
    pub assembly: Option<Assembly>,
    pub problems: Problems,
}

/// Reads a header line by line.
struct Parser<'p> {
    path: &'p Path,
    header: Header,
    evidence: Evidence,
}

impl Header {
    /// Parses the text from the first line to the column line, without its end.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, ReadError> {
        let text = String::from_utf8_lossy(text);
        let mut parser = Parser {
            path,
            header: Self::default(),
            evidence: Evidence::default(),
        };
        parser.header.strings.add("PASS", Some(0));
        for (at, line) in text.split('\n').enumerate() {
            parser.header.lines = at as u64 + 1;
            parser.line(line.strip_suffix('\r').unwrap_or(line))?;
        }
        if !parser.header.complete {
            return Err(parser.error("the header ends without a #CHROM line"));
        }
        parser.header.assembly = parser.evidence.assembly();
        Ok(parser.header)
    }

    /// What INFO or FORMAT key `key` holds, as far as anybody says.
    pub fn definition(&self, column: Column, key: &[u8]) -> Option<Definition> {
        let declared = match column {
            Column::Info => self.info.get(key),
            Column::Format => self.format.get(key),
        };
        declared
            .copied()
            .or_else(|| Definition::reserved(column, key))
    }
}

impl Parser<'_> {
    fn line(&mut self, line: &str) -> Result<(), ReadError> {
        if self.header.lines == 1 {
            self.version(line)
        } else if let Some(meta) = line.strip_prefix("##") {
            self.meta(meta)
        } else if line.starts_with('#') {
            self.column_line(line)
        } else {
            Err(self.error(
                "this line stands before the #CHROM line but does not start with ##; remove it",
            ))
        }
    }

    fn error(&self, message: impl Into<String>) -> ReadError {
        ReadError::malformed(self.path, self.header.lines, message)
    }

    fn problem(&mut self, message: impl Into<String>) {
        self.header
            .problems
            .push(self.path, self.header.lines, message);
    }

    fn version(&mut self, line: &str) -> Result<(), ReadError> {
        let Some(version) = line.strip_prefix("##fileformat=") else {
            return Err(
                self.error("the first line must be ##fileformat=VCFv4.x; this is no VCF file")
            );
        };
        self.header.minor = match version {
            "VCFv4.1" => 1,
            "VCFv4.2" => 2,
            "VCFv4.3" => 3,
            "VCFv4.4" => 4,
            "VCFv4.5" => 5,
            _ => {
                return Err(self.error(
                    "the version is none of VCFv4.1 to VCFv4.5; convert the file with bcftools view",
                ));
            }
        };
        Ok(())
    }

    fn meta(&mut self, line: &str) -> Result<(), ReadError> {
        let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            self.problem("this header line is not of the form ##key=value");
            return Ok(());
        };
        if value.is_empty() || value == "<>" {
            self.problem("this header line has no value");
            return Ok(());
        }
        match key {
            "INFO" => {
                self.header.info_lines.push(format!("##INFO={value}"));
                self.definition(value, Column::Info)
            }
            "FORMAT" => self.definition(value, Column::Format),
            "contig" => self.contig(value),
            "FILTER" => {
                let (name, line) = self.named(value)?;
                self.header.strings.add(&name, index(&line));
                self.check(header_lines::filter(&line));
                Ok(())
            }
            "ALT" => {
                let (_, line) = self.named(value)?;
                self.check(header_lines::alternate(&line));
                Ok(())
            }
            "SAMPLE" | "PEDIGREE" | "assembly" | "pedigreeDB" | "reference" => {
                if key == "reference" {
                    self.evidence.text(value);
                }
                self.check(header_lines::other(key, value, self.header.minor));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, fault: Option<&'static str>) {
        if let Some(fault) = fault {
            self.problem(format!(
                "this header line breaks the specification: {fault}"
            ));
        }
    }

    /// A structured line and its ID. What cannot be taken apart is a problem as long as there is an
    /// ID.
    fn named(&mut self, value: &str) -> Result<(String, Structured), ReadError> {
        let line = Structured::parse(value);
        self.check(line.fault);
        match line
            .value("ID")
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
        {
            Some(id) => Ok((id, line)),
            None => Err(self
                .error("this header line defines something without an ID; correct or remove it")),
        }
    }

    fn definition(&mut self, value: &str, column: Column) -> Result<(), ReadError> {
        let (name, line) = self.named(value)?;
        self.header.strings.add(&name, index(&line));
        self.check(header_lines::definition(&line));
        let minor = self.header.minor;
        let number = line
            .value("Number")
            .and_then(|number| definition::parse_number(number, minor));
        let kind = line
            .value("Type")
            .and_then(|kind| definition::parse_kind(kind, column));
        let (Some(number), Some(kind)) = (number, kind) else {
            self.problem(format!(
                "{} {name}: Number or Type is none of this version's",
                column.name()
            ));
            return Ok(());
        };
        let (definition, fault) = Definition::declared(column, &name, number, kind, minor);
        if let Some(fault) = fault {
            self.problem(fault);
        }
        let known = match column {
            Column::Info => &mut self.header.info,
            Column::Format => &mut self.header.format,
        };
        known.insert(name.into_bytes().into(), definition);
        Ok(())
    }

    fn contig(&mut self, value: &str) -> Result<(), ReadError> {
        let (name, line) = self.named(value)?;
        self.check(header_lines::contig(&line));
        let length = line.value("length").and_then(|length| length.parse().ok());
        let contig = Contig::new(&name);
        self.evidence.contig(&contig, length);
        if let Some(assembly) = line.value("assembly") {
            self.evidence.text(assembly);
        }
        self.header.contig_names.add(&name, index(&line));
        if self.header.declared.insert(name.into_bytes().into()) {
            self.header.contigs.push((contig, length));
        }
        Ok(())
    }

    fn column_line(&mut self, line: &str) -> Result<(), ReadError> {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns.len() < COLUMNS.len() || columns[..COLUMNS.len()] != COLUMNS {
            let expected = COLUMNS.join(" ");
            return Err(self.error(format!(
                "the column line must be \"{expected}\", separated by tabs"
            )));
        }
        self.header.complete = true;
        let samples = match columns.get(COLUMNS.len()) {
            None => return Ok(()),
            Some(&"FORMAT") => &columns[COLUMNS.len() + 1..],
            Some(_) => return Err(self.error("the ninth column must be FORMAT")),
        };
        if samples.is_empty() || samples.len() > MAX_SAMPLES {
            let message = format!("after FORMAT there must be 1 to {MAX_SAMPLES} sample columns");
            return Err(self.error(message));
        }
        self.header.genotypes = true;
        self.samples(samples)
    }

    fn samples(&mut self, names: &[&str]) -> Result<(), ReadError> {
        let mut seen = HashSet::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let id = IndividualId::new(*name).map_err(|_| {
                self.error(format!(
                    "sample {} has an empty or unusable name; rename it (bcftools reheader)",
                    at + 1
                ))
            })?;
            if !seen.insert(*name) {
                let message = format!(
                    "sample {} has the name of an earlier one; rename it (bcftools reheader)",
                    at + 1
                );
                return Err(self.error(message));
            }
            self.header.samples.push(id);
        }
        Ok(())
    }
}

/// BCF's explicit dictionary number.
fn index(line: &Structured) -> Option<usize> {
    line.value("IDX")?.parse().ok()
}
