//! Variants and their coordinates. Positions count from 1, as in VCF.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A contig under its canonical name. Aliases ("chr1" and "1", "chrM" and "MT") are one; the order
/// is 1 to 22, X, Y, MT, then all others by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Contig(Kind);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Autosome(u8),
    X,
    Y,
    Mitochondrion,
    Other(Box<str>),
}

impl Contig {
    pub fn new(name: &str) -> Self {
        let bare = strip_chr(name);
        let kind = match bare.to_ascii_uppercase().as_str() {
            "X" => Kind::X,
            "Y" => Kind::Y,
            "M" | "MT" => Kind::Mitochondrion,
            _ => match bare.parse::<u8>() {
                Ok(number @ 1..=22) if !bare.starts_with(['0', '+']) => Kind::Autosome(number),
                _ => Kind::Other(name.into()),
            },
        };
        Self(kind)
    }

    /// Whether this is one of the chromosomes 1 to 22.
    pub fn is_autosome(&self) -> bool {
        matches!(self.0, Kind::Autosome(_))
    }

    pub fn is_x(&self) -> bool {
        self.0 == Kind::X
    }

    pub fn is_y(&self) -> bool {
        self.0 == Kind::Y
    }

    /// Whether this is the mitochondrial genome, however it is named.
    pub fn is_mitochondrial(&self) -> bool {
        self.0 == Kind::Mitochondrion
    }

    /// The number of an autosome, 1 to 22.
    pub fn autosome(&self) -> Option<u8> {
        match self.0 {
            Kind::Autosome(number) => Some(number),
            _ => None,
        }
    }
}

fn strip_chr(name: &str) -> &str {
    match name.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("chr") => &name[3..],
        _ => name,
    }
}

impl fmt::Display for Contig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Autosome(number) => write!(f, "{number}"),
            Kind::X => f.write_str("X"),
            Kind::Y => f.write_str("Y"),
            Kind::Mitochondrion => f.write_str("MT"),
            Kind::Other(name) => f.write_str(name),
        }
    }
}

impl fmt::Debug for Contig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<String> for Contig {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<Contig> for String {
    fn from(contig: Contig) -> Self {
        contig.to_string()
    }
}

/// A position on a contig, counted from 1. Position 0 is the telomere, as VCF allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(u32);

impl Position {
    pub const fn new(one_based: u32) -> Self {
        Self(one_based)
    }

    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An allele as VCF writes it: bases in capitals, or a symbolic allele, a breakend or `*`. Never
/// empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Allele(Box<str>);

/// Text that is no allele.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an allele is bases, a symbolic allele such as <DEL>, a breakend or *, without white space or commas"
)]
pub struct InvalidAllele;

impl Allele {
    /// Letters of plain bases are made capitals, so that `a` and `A` are one allele.
    pub fn new(text: &str) -> Result<Self, InvalidAllele> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() && b != b',');
        if text.is_empty() || !printable {
            return Err(InvalidAllele);
        }
        if text.bytes().all(|b| b.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase().into()))
        } else {
            Ok(Self(text.into()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the allele spells bases (and so can be trimmed and left-aligned).
    pub fn is_sequence(&self) -> bool {
        self.0.bytes().all(|b| b.is_ascii_alphabetic())
    }
}

impl TryFrom<String> for Allele {
    type Error = InvalidAllele;

    fn try_from(text: String) -> Result<Self, InvalidAllele> {
        Self::new(&text)
    }
}

impl From<Allele> for String {
    fn from(allele: Allele) -> Self {
        allele.0.into_string()
    }
}

impl FromStr for Allele {
    type Err = InvalidAllele;

    fn from_str(text: &str) -> Result<Self, InvalidAllele> {
        Self::new(text)
    }
}

impl fmt::Display for Allele {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Allele {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes a variant the same variant at every node of one assembly. Ordered by contig,
/// position, reference and alternate allele: the order of everything stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VariantKey {
    pub contig: Contig,
    pub position: Position,
    pub reference: Allele,
    pub alternate: Allele,
}

impl VariantKey {
    /// The same site with reference and alternate allele exchanged.
    pub fn swapped(&self) -> Self {
        Self {
            contig: self.contig.clone(),
            position: self.position,
            reference: self.alternate.clone(),
            alternate: self.reference.clone(),
        }
    }
}

impl fmt::Display for VariantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}:{}",
            self.contig, self.position, self.reference, self.alternate
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_one_contig() {
        for (alias, canonical) in [
            ("chr1", "1"),
            ("Chr22", "22"),
            ("chrM", "MT"),
            ("x", "X"),
            ("GL000192.1", "GL000192.1"),
        ] {
            assert_eq!(Contig::new(alias).to_string(), canonical);
        }
        assert_ne!(Contig::new("01"), Contig::new("1"));
    }

    #[test]
    fn contigs_sort_as_people_expect() {
        let mut names = ["MT", "10", "GL1", "X", "2", "Y"].map(Contig::new);
        names.sort();
        assert_eq!(
            names.map(|name| name.to_string()),
            ["2", "10", "X", "Y", "MT", "GL1"]
        );
    }

    #[test]
    fn alleles_are_checked() {
        assert_eq!(Allele::new("acgt").unwrap().as_str(), "ACGT");
        assert!(!Allele::new("<DEL>").unwrap().is_sequence());
        for bad in ["", "A,C", "A C", "Ä"] {
            assert_eq!(Allele::new(bad), Err(InvalidAllele));
        }
    }
}
