//! GWAS-SSF, the GWAS Catalog's standard for summary statistics (version 1.0, github.com/EBISPOT/
//! gwas-summary-statistics-standard): a table of associations, the metadata file beside it, and
//! Ligate's own table of what was not released.
//!
//! Numbers of an own study are written so that reading them back gives the same bits; those under a
//! permit with six significant digits. A key that the standard cannot express is refused, never
//! bent: ask [`check_key`] before a row is written. Files here are streams: that they appear whole
//! or not at all is the caller's.

mod checksum;
mod metadata;
mod number;
mod suppressed;
mod table;

pub use metadata::{
    FILE_TYPE, Metadata, NOT_REPORTED, ResultStatus, Sample, Source, rounded_to_step,
};
pub use number::significant_count;
pub use suppressed::{SUPPRESSED_COLUMNS, write_suppressed};
pub use table::{Baseline, COLUMNS, Row, Written, content_of, write_table};

use ligate_model::{Contig, VariantKey};

/// How the standard writes a value that is not there.
pub const MISSING: &str = "#NA";

/// Why a variant has no place in a GWAS-SSF table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrepresentable {
    #[error("GWAS-SSF knows the chromosomes 1 to 22, X, Y and MT only")]
    Chromosome,
    #[error("GWAS-SSF writes alleles in the letters A, C, G and T only")]
    Allele,
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{key}: {reason}")]
    Unrepresentable {
        key: VariantKey,
        reason: Unrepresentable,
    },
    /// A value that is not finite, or out of its range.
    #[error("{key}: {column} has no value that GWAS-SSF allows")]
    Value {
        key: VariantKey,
        column: &'static str,
    },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The chromosome as the standard's number: 1 to 22, X = 23, Y = 24, MT = 25.
pub fn chromosome_code(contig: &Contig) -> Option<u8> {
    contig
        .autosome()
        .or_else(|| match contig.to_string().as_str() {
            "X" => Some(23),
            "Y" => Some(24),
            "MT" => Some(25),
            _ => None,
        })
}

/// Whether a table can hold the variant; the number of its chromosome if so.
pub fn check_key(key: &VariantKey) -> Result<u8, Unrepresentable> {
    let code = chromosome_code(&key.contig).ok_or(Unrepresentable::Chromosome)?;
    let spelled = |allele: &str| allele.bytes().all(|base| b"ACGT".contains(&base));
    if spelled(key.reference.as_str()) && spelled(key.alternate.as_str()) {
        Ok(code)
    } else {
        Err(Unrepresentable::Allele)
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::{Allele, Position};

    use super::*;

    fn key(contig: &str, alternate: &str) -> VariantKey {
        VariantKey {
            contig: Contig::new(contig),
            position: Position::new(7),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new(alternate).unwrap(),
        }
    }

    #[test]
    fn only_what_the_standard_can_say_is_written() {
        for (contig, alternate, expected) in [
            ("chr7", "G", Ok(7)),
            ("X", "ACGT", Ok(23)),
            ("chrY", "T", Ok(24)),
            ("M", "T", Ok(25)),
            ("GL000192.1", "T", Err(Unrepresentable::Chromosome)),
            ("1", "<DEL>", Err(Unrepresentable::Allele)),
            ("1", "N", Err(Unrepresentable::Allele)),
            ("1", "*", Err(Unrepresentable::Allele)),
        ] {
            assert_eq!(
                check_key(&key(contig, alternate)),
                expected,
                "{contig} {alternate}"
            );
        }
    }
}
