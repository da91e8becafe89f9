//! Chromosomes that genes and diagnoses are on, and places on them. Other contigs are the caller's
//! to count.

use std::fmt;

use ligate_model::Contig;

/// 1 to 22, X, Y or the mitochondrial genome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chromosome(u8);

impl Chromosome {
    pub const X: Self = Self(23);
    pub const Y: Self = Self(24);
    pub const MITOCHONDRION: Self = Self(25);
    /// How many there are.
    pub const COUNT: usize = 25;

    /// The chromosome of a contig name, `chr` or not.
    pub fn parse(name: &str) -> Option<Self> {
        let bare = match name.get(..3) {
            Some(prefix) if prefix.eq_ignore_ascii_case("chr") => &name[3..],
            _ => name,
        };
        match bare {
            "X" | "x" => Some(Self::X),
            "Y" | "y" => Some(Self::Y),
            "M" | "MT" | "m" | "mt" => Some(Self::MITOCHONDRION),
            _ if bare.starts_with(['0', '+']) => None,
            _ => bare
                .parse()
                .ok()
                .filter(|number| (1..=22).contains(number))
                .map(Self),
        }
    }

    /// From its number in this order, 1 to 25.
    pub fn from_number(number: u8) -> Option<Self> {
        (1..=25).contains(&number).then_some(Self(number))
    }

    /// 1 to 25: X is 23, Y 24, the mitochondrial genome 25.
    pub fn number(self) -> u8 {
        self.0
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0) - 1
    }

    pub fn is_autosome(self) -> bool {
        self.0 <= 22
    }

    pub fn contig(self) -> Contig {
        Contig::new(&self.to_string())
    }

    pub fn from_contig(contig: &Contig) -> Option<Self> {
        match contig.autosome() {
            Some(number) => Some(Self(number)),
            None => Self::parse(&contig.to_string()),
        }
    }
}

impl fmt::Display for Chromosome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::X => out.write_str("X"),
            Self::Y => out.write_str("Y"),
            Self::MITOCHONDRION => out.write_str("MT"),
            Self(number) => write!(out, "{number}"),
        }
    }
}

/// One base of GRCh38, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub chromosome: Chromosome,
    pub position: u32,
}

/// The pseudoautosomal regions of X in GRCh38, first and last base (Genome Reference Consortium):
/// both sexes have two copies there.
const PSEUDOAUTOSOMAL_X: [(u32, u32); 2] = [(10_001, 2_781_479), (155_701_383, 156_030_895)];
/// The same on Y.
const PSEUDOAUTOSOMAL_Y: [(u32, u32); 2] = [(10_001, 2_781_479), (56_887_903, 57_217_415)];

impl Place {
    /// Whether it lies in a pseudoautosomal region of X or Y.
    pub fn is_pseudoautosomal(self) -> bool {
        let regions = match self.chromosome {
            Chromosome::X => PSEUDOAUTOSOMAL_X,
            Chromosome::Y => PSEUDOAUTOSOMAL_Y,
            _ => return false,
        };
        regions
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&self.position))
    }

    /// Whether males have one copy and inheritance goes by sex.
    pub fn is_sex_linked(self) -> bool {
        matches!(self.chromosome, Chromosome::X | Chromosome::Y) && !self.is_pseudoautosomal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (name, shown) in [
            ("chr1", "1"),
            ("22", "22"),
            ("chrX", "X"),
            ("MT", "MT"),
            ("chrM", "MT"),
        ] {
            assert_eq!(
                Chromosome::parse(name).map(|c| c.to_string()).as_deref(),
                Some(shown)
            );
        }
        for name in ["0", "01", "23", "GL000225.1", "chrUn", "", "HLA-A"] {
            assert_eq!(Chromosome::parse(name), None, "{name}");
        }
        assert_eq!(
            Chromosome::from_contig(&Contig::new("chrY")),
            Some(Chromosome::Y)
        );
    }

    #[test]
    fn pseudoautosomal_regions_are_not_sex_linked() {
        let x = |position| Place {
            chromosome: Chromosome::X,
            position,
        };
        assert!(x(2_781_479).is_pseudoautosomal() && !x(2_781_480).is_pseudoautosomal());
        assert!(x(40_000_000).is_sex_linked() && !x(155_800_000).is_sex_linked());
        assert!(
            !Place {
                chromosome: Chromosome(1),
                position: 20_000
            }
            .is_pseudoautosomal()
        );
    }
}
