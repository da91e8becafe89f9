//! Tables of sites, with tabs between the columns.

use ligate_model::Position;

use super::{CurrentContig, Site, SitesKind, SitesReport};
use crate::{
    Problems, ReadError,
    consequence::{Loftee, SequenceOntologyTerm},
    text::Lines,
};

/// Which column holds what.
struct Columns {
    contig: usize,
    position: usize,
    alleles: Option<(usize, usize)>,
    gene: Option<usize>,
    term: Option<usize>,
    loftee: Option<usize>,
    frequency: Option<usize>,
}

pub(super) fn visit(
    mut lines: Lines,
    header: &str,
    visit: &mut dyn FnMut(&Site<'_>),
) -> Result<SitesReport, ReadError> {
    let path = lines.path().to_owned();
    let Some(columns) = Columns::new(header) else {
        let message = "the header names no columns chrom and pos with ref and alt, or with a frequency; \
                       give a table of sites or a VCF";
        return Err(ReadError::malformed(&path, 1, message));
    };
    let kind = if columns.alleles.is_some() {
        SitesKind::Alleles
    } else {
        SitesKind::Positions
    };
    let mut report = SitesReport {
        kind,
        sites: 0,
        problems: Problems::default(),
    };
    let (mut contig, mut terms) = (CurrentContig::default(), KnownTerms::default());
    while let Some(line) = lines.next_line()? {
        if line.text.is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.text.split('\t').collect();
        match columns.site(&fields, line.number, &mut contig, &mut terms) {
            Ok(site) => {
                report.sites += 1;
                visit(&site);
            }
            Err(message) => report.problems.push(&path, line.number, message),
        }
    }
    Ok(report)
}

impl Columns {
    fn new(header: &str) -> Option<Self> {
        let names: Vec<String> = header
            .trim_start_matches('#')
            .split('\t')
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let at = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let columns = Self {
            contig: at(&["chrom", "chr", "chromosome", "contig"])?,
            position: at(&["pos", "position"])?,
            alleles: at(&["ref", "reference"]).zip(at(&["alt", "alternate"])),
            gene: at(&["gene", "symbol"]),
            term: at(&["consequence"]),
            loftee: at(&["lof"]),
            frequency: at(&["af", "maf", "maf_nfe", "af_nfe", "frequency"]),
        };
        (columns.alleles.is_some() || columns.frequency.is_some()).then_some(columns)
    }

    fn site<'a>(
        &self,
        fields: &[&'a str],
        line: u64,
        contig: &'a mut CurrentContig,
        terms: &mut KnownTerms,
    ) -> Result<Site<'a>, &'static str> {
        let field = |at: usize| {
            fields
                .get(at)
                .copied()
                .ok_or("the line has fewer fields than the header")
        };
        let optional = |at: Option<usize>| {
            at.and_then(|at| fields.get(at))
                .copied()
                .filter(|text| !matches!(*text, "" | "." | "NA"))
        };
        let position: u32 = field(self.position)?
            .parse()
            .map_err(|_| "the position is no number from 1 to 4294967295")?;
        if position == 0 {
            return Err("the position is no number from 1 to 4294967295");
        }
        let alleles = match self.alleles {
            Some((reference, alternate)) => {
                Some((allele(field(reference)?)?, allele(field(alternate)?)?))
            }
            None => None,
        };
        let frequency = optional(self.frequency).map(frequency).transpose()?;
        Ok(Site {
            contig: contig.get(field(self.contig)?),
            position: Position::new(position),
            alleles,
            gene: optional(self.gene),
            term: optional(self.term).and_then(|text| terms.get(text)),
            loftee: optional(self.loftee).and_then(Loftee::parse),
            frequency,
            allele_number: None,
            line,
        })
    }
}

fn allele(text: &str) -> Result<&str, &'static str> {
    let printable = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b',');
    if text.is_empty() || !printable {
        Err("an allele is empty or holds a comma or white space")
    } else {
        Ok(text)
    }
}

fn frequency(text: &str) -> Result<f32, &'static str> {
    let value = text
        .parse()
        .ok()
        .filter(|value| (0.0..=1.0).contains(value));
    value.ok_or("the frequency is no number from 0 to 1")
}

/// Terms by the spelling of this file: a million lines have a few dozen.
#[derive(Default)]
struct KnownTerms(Vec<(Box<str>, Option<SequenceOntologyTerm>)>);

impl KnownTerms {
    fn get(&mut self, text: &str) -> Option<SequenceOntologyTerm> {
        if let Some((_, term)) = self.0.iter().find(|(known, _)| **known == *text) {
            return *term;
        }
        let term = SequenceOntologyTerm::parse(text);
        if self.0.len() < 100 {
            self.0.push((text.into(), term));
        }
        term
    }
}
