//! The reference assembly that coordinates belong to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A human reference assembly. Two declared assemblies that differ never meet in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Assembly {
    #[serde(rename = "GRCh37")]
    Grch37,
    #[serde(rename = "GRCh38")]
    Grch38,
    #[serde(rename = "T2T-CHM13v2.0")]
    T2tChm13,
    /// Neither declared nor recognised by contig lengths.
    #[serde(rename = "unknown")]
    Unknown,
}

/// Lengths of chromosome 1, 2 and 22, by which an assembly is recognised (NCBI assembly reports).
const LENGTHS: [(Assembly, [(&str, u64); 3]); 3] = [
    (
        Assembly::Grch37,
        [("1", 249_250_621), ("2", 243_199_373), ("22", 51_304_566)],
    ),
    (
        Assembly::Grch38,
        [("1", 248_956_422), ("2", 242_193_529), ("22", 50_818_468)],
    ),
    (
        Assembly::T2tChm13,
        [("1", 248_387_328), ("2", 242_696_752), ("22", 51_324_926)],
    ),
];

impl Assembly {
    /// Recognises an assembly by the declared length of one contig (canonical name, "1" rather than
    /// "chr1").
    pub fn from_contig_length(contig: &str, length: u64) -> Option<Self> {
        LENGTHS
            .iter()
            .find(|(_, known)| known.contains(&(contig, length)))
            .map(|(assembly, _)| *assembly)
    }

    /// Whether the assembly is known.
    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }
}

impl fmt::Display for Assembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grch37 => "GRCh37",
            Self::Grch38 => "GRCh38",
            Self::T2tChm13 => "T2T-CHM13v2.0",
            Self::Unknown => "unknown",
        })
    }
}

/// A name that is no known assembly.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no known assembly; use GRCh37, GRCh38, T2T-CHM13v2.0 or unknown")]
pub struct UnknownAssembly(String);

impl FromStr for Assembly {
    type Err = UnknownAssembly;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "grch37" | "hg19" | "b37" | "hs37d5" => Ok(Self::Grch37),
            "grch38" | "hg38" | "b38" => Ok(Self::Grch38),
            "t2t-chm13v2.0" | "chm13v2.0" | "chm13" | "hs1" => Ok(Self::T2tChm13),
            "unknown" => Ok(Self::Unknown),
            _ => Err(UnknownAssembly(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_names_and_lengths() {
        assert_eq!("hg19".parse::<Assembly>().unwrap(), Assembly::Grch37);
        assert_eq!(
            Assembly::from_contig_length("22", 50_818_468),
            Some(Assembly::Grch38)
        );
        assert_eq!(Assembly::from_contig_length("22", 51_000_000), None);
        assert!("hg17".parse::<Assembly>().is_err());
    }
}
