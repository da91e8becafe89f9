//! Public frequencies of sites: which variants many people have, and how often. Three kinds of
//! file, told apart by their first lines:
//!
//! - alleles: a table `chrom pos ref alt gene consequence lof`; to be listed means "not very rare",
//!   without a number;
//! - positions: a table `chrom pos consequence gene maf_nfe`, which knows places but no alleles;
//! - a VCF of sites: AF, or AC and AN, in INFO.
//!
//! Columns are found by their names, so that tables may have more. Sites are visited one by one as
//! the file is read; [`SiteTable`] keeps those that the caller wants in about 24 bytes each.

mod table;
mod tabular;
mod variants;

use std::path::Path;

use ligate_model::{Contig, Position};

use crate::{
    Problems, ReadError,
    consequence::{Loftee, SequenceOntologyTerm},
    text::Lines,
};

pub use table::{SiteEntry, SiteTable};

/// One allele, or one place.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    pub contig: &'a Contig,
    pub position: Position,
    /// Reference and alternate allele as the file writes them; nothing where it knows only the
    /// place.
    pub alleles: Option<(&'a str, &'a str)>,
    pub gene: Option<&'a str>,
    pub term: Option<SequenceOntologyTerm>,
    pub loftee: Option<Loftee>,
    /// 0 to 1; nothing where the file lists the site without a frequency.
    pub frequency: Option<f32>,
    /// Alleles that were called, where the file says it.
    pub allele_number: Option<u32>,
    /// Line of the file, from 1.
    pub line: u64,
}

/// What kind of file it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SitesKind {
    Alleles,
    Positions,
    Variants,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct SitesReport {
    pub kind: SitesKind,
    /// Sites that were visited.
    pub sites: u64,
    pub problems: Problems,
}

/// Visits all sites in the order of the file. Bad lines are passed over and reported.
///
/// # Errors
/// If the file cannot be read, or is none of the three kinds.
pub fn visit(path: &Path, visit: &mut dyn FnMut(&Site<'_>)) -> Result<SitesReport, ReadError> {
    let mut lines = Lines::open(path)?;
    let Some(first) = lines.next_line()? else {
        return Err(ReadError::malformed(
            path,
            1,
            "the file is empty; give a table of sites or a VCF",
        ));
    };
    let first = first.text.into_owned();
    if first.starts_with("##fileformat=VCF") {
        variants::visit(lines, visit)
    } else {
        tabular::visit(lines, &first, visit)
    }
}

/// The contig of the lines before this one, so that a name is parsed once for each run of lines.
#[derive(Default)]
struct CurrentContig {
    name: String,
    contig: Option<Contig>,
}

impl CurrentContig {
    fn get(&mut self, name: &str) -> &Contig {
        if self.name != name {
            self.contig = None;
            name.clone_into(&mut self.name);
        }
        self.contig.get_or_insert_with(|| Contig::new(name))
    }
}
