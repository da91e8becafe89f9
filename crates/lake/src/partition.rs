//! The parts of a table: one file for each of chromosomes 1 to 22, X, Y and MT, and one for all
//! other contigs, so that thousands of unplaced contigs do not become thousands of files. Parts
//! ascend as keys do.

use std::fmt;

use ligate_model::Contig;

/// One part of the sites or of a block's genotypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u8);

const NAMES: [&str; 26] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17",
    "18", "19", "20", "21", "22", "X", "Y", "MT", "other",
];
const AUTOSOMES: u8 = 22;
const OTHER: u8 = 25;

impl Partition {
    /// The part that holds a contig.
    pub fn of(contig: &Contig) -> Self {
        if let Some(number) = contig.autosome() {
            return Self(number - 1);
        }
        let name = contig.to_string();
        let named = NAMES.iter().position(|known| *known == name);
        Self(named.map_or(OTHER, |index| index as u8))
    }

    /// All parts, in the order of their keys.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=OTHER).map(Self)
    }

    pub fn is_autosome(self) -> bool {
        self.0 < AUTOSOMES
    }

    /// Whether keys of several contigs lie in this part, so that positions alone do not order it.
    pub fn mixes_contigs(self) -> bool {
        self.0 == OTHER
    }

    /// The part's file within its table's folder.
    pub fn file_name(self) -> String {
        format!("contig={self}.parquet")
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[self.0 as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_ascend_as_contigs_do() {
        let contigs = [
            "chr1",
            "9",
            "10",
            "22",
            "chrX",
            "Y",
            "chrM",
            "GL000192.1",
            "other",
            "02",
        ]
        .map(Contig::new);
        let parts: Vec<String> = contigs
            .iter()
            .map(|contig| Partition::of(contig).to_string())
            .collect();
        assert_eq!(
            parts,
            [
                "1", "9", "10", "22", "X", "Y", "MT", "other", "other", "other"
            ]
        );
        assert!(contigs[..8].is_sorted() && contigs[..8].iter().map(Partition::of).is_sorted());
        assert_eq!(
            Partition::all().filter(|part| part.is_autosome()).count(),
            22
        );
    }
}
