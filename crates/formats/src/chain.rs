//! UCSC chain files (genome.ucsc.edu/goldenPath/help/chain.html): which base of one assembly is
//! which base of another, and with which strand. Where chains overlap, the one with the best score
//! decides, base by base.
//!
//! A chain knows no bases: an allele is lifted by place and strand alone, and that its reference
//! base is the new assembly's is for a reference genome to say. Refused: an allele whose bases do
//! not stay neighbours in one chain.

mod map;
mod reader;

use std::{collections::HashMap, path::Path};

use ligate_model::{Allele, Contig, Position, VariantKey};
use map::{Found, Map};

use crate::{
    Problems, ReadError,
    text::{self, Lines},
};

/// Which strand of the new assembly the old one's plus strand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strand {
    Plus,
    Minus,
}

/// What became of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lift<T> {
    Lifted(T),
    /// Within a chain, but in a gap: the new assembly lacks these bases.
    Deleted,
    /// No chain goes there.
    NotCovered,
    /// Its bases are not neighbours in the new assembly, or only some of them are there.
    Split,
}

impl<T> Lift<T> {
    /// What was lifted, or nothing.
    pub fn lifted(self) -> Option<T> {
        match self {
            Self::Lifted(lifted) => Some(lifted),
            _ => None,
        }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Lift<U> {
        match self {
            Self::Lifted(lifted) => Lift::Lifted(change(lifted)),
            Self::Deleted => Lift::Deleted,
            Self::NotCovered => Lift::NotCovered,
            Self::Split => Lift::Split,
        }
    }
}

/// One base of the new assembly. Positions count from 1 on the plus strand, whatever `strand` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub contig: Contig,
    pub position: Position,
    pub strand: Strand,
}

/// Neighbouring bases of the new assembly: first and last on the plus strand, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub contig: Contig,
    pub start: Position,
    pub end: Position,
    pub strand: Strand,
}

/// A variant of the new assembly. On the minus strand the alleles are the reverse complements; an
/// insertion or deletion then has its anchor base behind it, and needs left-alignment before it is
/// compared with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiftedVariant {
    pub key: VariantKey,
    pub strand: Strand,
}

/// One chain file: from its target assembly (the first named in each chain) to its query assembly.
pub struct Chain {
    contigs: HashMap<Contig, Map>,
    queries: Vec<Contig>,
    revised_mitochondrion: bool,
}

/// Length of the revised Cambridge Reference Sequence, the mitochondrial genome of GRCh37 and
/// GRCh38.
const REVISED_MITOCHONDRION: u32 = 16_569;

impl Chain {
    /// Reads a chain file. A chain that breaks the format is left out and reported.
    ///
    /// # Errors
    /// If the file cannot be read, or holds no chain at all.
    pub fn read(path: &Path) -> Result<(Self, Problems), ReadError> {
        reader::read(path, Lines::open(path)?)
    }

    /// The text of a chain file, inflated, for [`Chain::parse`].
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn text(path: &Path) -> Result<String, ReadError> {
        text::read(path)
    }

    /// Reads the text of a chain file; `path` is only for messages.
    ///
    /// # Errors
    /// If it holds no chain at all.
    pub fn parse(path: &Path, text: Vec<u8>) -> Result<(Self, Problems), ReadError> {
        reader::read(path, Lines::of(path, text))
    }

    /// Says that mitochondrial positions are those of the revised Cambridge Reference Sequence in
    /// both assemblies and stay as they are. True of GRCh37 as sequencing centres use it (contig
    /// MT, 16,569 bases), while UCSC's hg19 has an older sequence under chrM (16,571 bases), which
    /// is what a chain of hg19 speaks of.
    pub fn with_revised_mitochondrion(mut self) -> Self {
        self.revised_mitochondrion = true;
        self
    }

    /// Lifts one base.
    pub fn lift(&self, contig: &Contig, position: Position) -> Lift<Place> {
        self.lift_interval(contig, position, position)
            .map(|span| Place {
                contig: span.contig,
                position: span.start,
                strand: span.strand,
            })
    }

    /// Lifts the bases from `start` to `end`, both included.
    pub fn lift_interval(&self, contig: &Contig, start: Position, end: Position) -> Lift<Span> {
        let (first, last) = (start.get(), end.get());
        if first == 0 || last < first {
            return Lift::NotCovered;
        }
        if self.revised_mitochondrion && contig.is_mitochondrial() {
            return if last <= REVISED_MITOCHONDRION {
                Lift::Lifted(Span {
                    contig: contig.clone(),
                    start,
                    end,
                    strand: Strand::Plus,
                })
            } else {
                Lift::NotCovered
            };
        }
        let Some(map) = self.contigs.get(contig) else {
            return Lift::NotCovered;
        };
        match map.find(first - 1, last) {
            Found::Aligned {
                query,
                start,
                strand,
            } => self.span(query, start, last - first, strand),
            Found::Gap => Lift::Deleted,
            Found::Outside => Lift::NotCovered,
            Found::Broken => Lift::Split,
        }
    }

    fn span(&self, query: u32, start: u32, more: u32, strand: Strand) -> Lift<Span> {
        let Some(contig) = self.queries.get(query as usize) else {
            return Lift::NotCovered;
        };
        let (start, end) = (Position::new(start + 1), Position::new(start + 1 + more));
        Lift::Lifted(Span {
            contig: contig.clone(),
            start,
            end,
            strand,
        })
    }

    /// Lifts a variant: all bases of its reference allele, so that a deletion across a gap is
    /// refused. A symbolic allele or breakend is lifted on the plus strand only.
    pub fn lift_variant(&self, key: &VariantKey) -> Lift<LiftedVariant> {
        let start = key.position;
        let length = u32::try_from(key.reference.as_str().len()).unwrap_or(u32::MAX);
        let end = Position::new(start.get().saturating_add(length - 1));
        match self.lift_interval(&key.contig, start, end) {
            Lift::Lifted(span) => lifted_key(key, span),
            other => other.map(|span| LiftedVariant {
                key: key.clone(),
                strand: span.strand,
            }),
        }
    }
}

fn lifted_key(key: &VariantKey, span: Span) -> Lift<LiftedVariant> {
    let alleles = match span.strand {
        Strand::Plus => Some((key.reference.clone(), key.alternate.clone())),
        Strand::Minus => reverse_complement(&key.reference).zip(reverse_complement(&key.alternate)),
    };
    let Some((reference, alternate)) = alleles else {
        return Lift::Split;
    };
    let key = VariantKey {
        contig: span.contig,
        position: span.start,
        reference,
        alternate,
    };
    Lift::Lifted(LiftedVariant {
        key,
        strand: span.strand,
    })
}

/// The allele as the other strand spells it (IUPAC codes included); nothing for an allele that is
/// not spelled.
fn reverse_complement(allele: &Allele) -> Option<Allele> {
    if matches!(allele.as_str(), "*" | ".") {
        return Some(allele.clone());
    }
    let complement = |base: char| {
        const PAIRS: &str = "ATTACGGCRYYRMKKMBVVBDHHDSSWWNN";
        let mut pairs = PAIRS.chars();
        while let (Some(from), Some(to)) = (pairs.next(), pairs.next()) {
            if from == base {
                return Some(to);
            }
        }
        None
    };
    let text: Option<String> = allele.as_str().chars().rev().map(complement).collect();
    Allele::new(&text?).ok()
}
