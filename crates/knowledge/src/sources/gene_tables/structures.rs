//! Exons and coding parts of transcripts: `homo-sapiens-gene-structures.tsv.gz` of npm's ideogram
//! (Ensembl 110, GRCh38). The file's own header lines are wrong; its columns are transcript, offset
//! of the transcript's lowest base from that of its gene's (or a neighbour's, see `Places`)
//! earliest transcript, biotype, strand, then features `type;start;length` with type 0 = 5'-UTR, 1
//! = exon, 2 = 3'-UTR. `start` counts from the transcript's lowest base on both strands, and
//! `length` is end less start.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use ligate_formats::{Problems, ReadError, chain::Strand, text::Lines};
use ligate_model::{Contig, Position};

use super::{Gene, Interval, Placement};

/// What a transcript makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Biotype {
    ProteinCoding,
    NonsenseMediatedDecay,
    NonStopDecay,
    /// Loses its function in the reference genome's people.
    ProteinCodingLossOfFunction,
}

/// One transcript on GRCh38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Which of the genes that were given.
    pub gene: usize,
    /// `ACE2-201`
    pub name: Box<str>,
    pub biotype: Biotype,
    pub strand: Strand,
    /// The first of its gene in the file, which is Ensembl's canonical one for nearly all genes.
    pub is_first: bool,
    /// How sure the place is; see [`super::settle_places`].
    pub placement: Placement,
    /// Ascending on the plus strand, disjoint.
    pub exons: Box<[Interval]>,
    /// Exons without UTRs, the stop codon included; ascending.
    pub coding: Box<[Interval]>,
}

impl Transcript {
    /// Bases of the coding sequence, the stop codon included.
    pub fn coding_length(&self) -> u32 {
        self.coding.iter().map(|part| part.len()).sum()
    }

    /// Moves the transcript up.
    pub(super) fn shift(&mut self, bases: u32) {
        for part in self.exons.iter_mut().chain(&mut self.coding) {
            part.start = Position::new(part.start.get().saturating_add(bases));
            part.end = Position::new(part.end.get().saturating_add(bases));
        }
    }
}

/// Reads the structures of these genes. All are taken to begin where their genes begin, which is
/// wrong for one gene in twenty until [`super::settle_places`] has moved it. A transcript that lies
/// in none of its symbol's genes is left out and reported.
pub fn read_structures(
    path: &Path,
    genes: &[Gene],
) -> Result<(Vec<Transcript>, Problems), ReadError> {
    let (raw, mut problems) = read_raw(path)?;
    let places = Places::new(genes, &raw);
    let mut transcripts = Vec::with_capacity(raw.len());
    let mut seen = vec![false; genes.len()];
    for raw in raw {
        match places.find(&raw) {
            Ok((gene, base)) => {
                let is_first = seen
                    .get_mut(gene)
                    .is_some_and(|seen| !std::mem::replace(seen, true));
                transcripts.push(raw.at(gene, base, is_first));
            }
            Err(message) => problems.push(path, raw.line, message),
        }
    }
    if transcripts.is_empty() {
        let message =
            "there is no transcript of these genes in this file; give ideogram's gene structures";
        return Err(ReadError::malformed(path, 1, message));
    }
    Ok((transcripts, problems))
}

const BAD_LINE: &str = "this is no line of the table of gene structures";

/// A line whose features count from a place that is not known yet; ends are included.
struct Raw {
    line: u64,
    name: Box<str>,
    biotype: Biotype,
    strand: Strand,
    exons: Vec<(u32, u32)>,
    untranslated: Vec<(u32, u32)>,
    first: u32,
    last: u32,
}

impl Raw {
    fn parse(text: &str, line: u64) -> Result<Self, &'static str> {
        let mut fields = text.split('\t');
        let mut next = || fields.next().ok_or(BAD_LINE);
        let (name, offset, biotype, strand) =
            (next()?, next()?, biotype(next()?)?, strand(next()?)?);
        let offset: u32 = offset.parse().map_err(|_| BAD_LINE)?;
        let (mut exons, mut untranslated) = (Vec::new(), Vec::new());
        for feature in fields.filter(|feature| !feature.is_empty()) {
            let (kind, start, end) = feature_span(feature, offset).ok_or(BAD_LINE)?;
            if kind == "1" {
                &mut exons
            } else {
                &mut untranslated
            }
            .push((start, end));
        }
        exons.sort_unstable();
        untranslated.sort_unstable();
        let (first, last) = (
            exons.first().ok_or(BAD_LINE)?.0,
            exons.last().ok_or(BAD_LINE)?.1,
        );
        Ok(Self {
            line,
            name: name.into(),
            biotype,
            strand,
            exons,
            untranslated,
            first,
            last,
        })
    }

    /// "HLA-A" of HLA-A-203.
    fn symbol(&self) -> &str {
        self.name
            .rsplit_once('-')
            .map_or(&self.name, |(symbol, _)| symbol)
    }

    fn at(self, gene: usize, base: u32, is_first: bool) -> Transcript {
        let place = |parts: &[(u32, u32)]| -> Box<[Interval]> {
            let at = |offset: u32| Position::new(base.saturating_add(offset));
            parts
                .iter()
                .map(|(from, to)| Interval {
                    start: at(*from),
                    end: at(*to),
                })
                .collect()
        };
        let coding = place(&without(&self.exons, &self.untranslated));
        let exons = place(&self.exons);
        let Self {
            name,
            biotype,
            strand,
            ..
        } = self;
        let placement = Placement::Assumed;
        Transcript {
            gene,
            name,
            biotype,
            strand,
            is_first,
            placement,
            exons,
            coding,
        }
    }
}

fn read_raw(path: &Path) -> Result<(Vec<Raw>, Problems), ReadError> {
    let (mut all, mut problems) = (Vec::new(), Problems::default());
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next_line()? {
        if line.text.is_empty() || line.text.starts_with('#') {
            continue;
        }
        match Raw::parse(&line.text, line.number) {
            Ok(raw) => all.push(raw),
            Err(message) => problems.push(path, line.number, message),
        }
    }
    Ok((all, problems))
}

/// Where offsets count from. Neighbouring genes whose symbols begin alike, up to the first '-'
/// (INS-IGF2 and INS, the genes MT-..), are one run in this file, and offsets count from the
/// earliest transcript of the run: nearly always the start of the run's first gene. Where it is
/// not, [`super::settle_places`] finds out.
struct Places<'a> {
    genes: &'a [Gene],
    by_symbol: HashMap<&'a str, Vec<usize>>,
    /// Where the run of each gene starts.
    bases: Vec<u32>,
}

impl<'a> Places<'a> {
    fn new(genes: &'a [Gene], raw: &[Raw]) -> Self {
        let with_structure: HashSet<&str> = raw.iter().map(Raw::symbol).collect();
        let mut by_symbol: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut order = Vec::new();
        for (place, gene) in genes.iter().enumerate() {
            if with_structure.contains(&*gene.symbol) {
                by_symbol.entry(&gene.symbol).or_default().push(place);
                order.push((&gene.contig, gene.place, prefix(&gene.symbol), place));
            }
        }
        order.sort_unstable();
        let mut bases = vec![0; genes.len()];
        let mut run: Option<(&Contig, &str, u32)> = None;
        for (contig, span, prefix, place) in order {
            let base = match run {
                Some((on, of, base)) if on == contig && of == prefix => base,
                _ => span.start.get(),
            };
            run = Some((contig, prefix, base));
            if let Some(known) = bases.get_mut(place) {
                *known = base;
            }
        }
        Self {
            genes,
            by_symbol,
            bases,
        }
    }

    /// The first gene of the transcript's symbol in which it lies, and where its offsets count
    /// from: the run's start, or the gene's own where only that fits.
    fn find(&self, raw: &Raw) -> Result<(usize, u32), &'static str> {
        let genes = self
            .by_symbol
            .get(raw.symbol())
            .ok_or("the transcript's gene is not among the genes")?;
        for place in genes {
            let (Some(gene), Some(base)) = (self.genes.get(*place), self.bases.get(*place)) else {
                continue;
            };
            let (start, end) = (gene.place.start.get(), gene.place.end.get());
            for base in [*base, start] {
                if base.saturating_add(raw.first) >= start && base.saturating_add(raw.last) <= end {
                    return Ok((*place, base));
                }
            }
        }
        Err("the transcript does not lie in its gene")
    }
}

fn prefix(symbol: &str) -> &str {
    symbol.split('-').next().unwrap_or(symbol)
}

fn biotype(text: &str) -> Result<Biotype, &'static str> {
    match text {
        "0" => Ok(Biotype::ProteinCoding),
        "1" => Ok(Biotype::NonsenseMediatedDecay),
        "2" => Ok(Biotype::NonStopDecay),
        "3" => Ok(Biotype::ProteinCodingLossOfFunction),
        _ => Err(BAD_LINE),
    }
}

fn strand(text: &str) -> Result<Strand, &'static str> {
    match text {
        "+" => Ok(Strand::Plus),
        "-" => Ok(Strand::Minus),
        _ => Err(BAD_LINE),
    }
}

/// Type, first and last base, counted from 0 at the gene's start.
fn feature_span(feature: &str, offset: u32) -> Option<(&str, u32, u32)> {
    let mut parts = feature.split(';');
    let kind = parts
        .next()
        .filter(|kind| matches!(*kind, "0" | "1" | "2"))?;
    let start = offset.checked_add(parts.next()?.parse().ok()?)?;
    Some((kind, start, start.checked_add(parts.next()?.parse().ok()?)?))
}

/// The bases of `exons` that none of `removed` has; all ascending, ends included.
fn without(exons: &[(u32, u32)], removed: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut left = Vec::new();
    for &(mut start, end) in exons {
        for &(from, to) in removed.iter().filter(|(from, _)| *from <= end) {
            if to < start {
                continue;
            }
            if start < from {
                left.push((start, from - 1));
            }
            start = start.max(to + 1);
        }
        if start <= end {
            left.push((start, end));
        }
    }
    left
}
