//! What a genome offers for a patient's diagnosis: the variants of one person or family with their
//! quality, frequency, effect and inheritance, the evidence they give for each disease, and the
//! ranking of both together.
//!
//! Everything here counts positions from 1 in GRCh38; a GRCh37 file is lifted record by record.
//! Gene structures alone show where a variant lies and whether an indel keeps the frame, never
//! whether a base change is silent, missense or nonsense, and nothing here pretends to. Structural
//! variants and repeats are counted, not interpreted. Reading files is the caller's; nothing is
//! logged.

pub mod acmg;
pub mod burden;
mod chromosome;
mod compact;
pub mod de_novo;
pub mod effect;
pub mod examine;
pub mod family;
pub mod frequency;
pub mod gene_model;
pub mod inheritance;
pub mod rank;
pub mod spike;

pub use chromosome::{Chromosome, Place};
pub use compact::CompactError;

/// A small variant of GRCh38: alleles that spell bases, trimmed of what they share (one base stays
/// where an allele would be empty).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SmallVariant {
    pub place: Place,
    pub reference: Box<str>,
    pub alternate: Box<str>,
}

impl SmallVariant {
    /// Trims shared bases, at the end first, as `vcf` does; `None` unless both alleles spell bases
    /// and differ.
    pub fn new(place: Place, reference: &str, alternate: &str) -> Option<Self> {
        let spelled =
            |allele: &str| !allele.is_empty() && allele.bytes().all(|b| b.is_ascii_alphabetic());
        if !spelled(reference) || !spelled(alternate) || reference.eq_ignore_ascii_case(alternate) {
            return None;
        }
        let (mut r, mut a) = (reference.as_bytes(), alternate.as_bytes());
        let same = |x: &u8, y: &u8| x.eq_ignore_ascii_case(y);
        while let ([r_rest @ .., x], [a_rest @ .., y]) = (r, a) {
            if r_rest.is_empty() || a_rest.is_empty() || !same(x, y) {
                break;
            }
            (r, a) = (r_rest, a_rest);
        }
        let mut position = place.position;
        while let ([x, r_rest @ ..], [y, a_rest @ ..]) = (r, a) {
            if r_rest.is_empty() || a_rest.is_empty() || !same(x, y) {
                break;
            }
            (r, a) = (r_rest, a_rest);
            position += 1;
        }
        let text = |bases: &[u8]| {
            String::from_utf8_lossy(bases)
                .to_ascii_uppercase()
                .into_boxed_str()
        };
        Some(Self {
            place: Place { position, ..place },
            reference: text(r),
            alternate: text(a),
        })
    }

    /// Whether one base replaces another.
    pub fn is_substitution(&self) -> bool {
        self.reference.len() == 1 && self.alternate.len() == 1
    }

    /// Change of length in bases, negative for a deletion.
    pub fn growth(&self) -> i64 {
        self.alternate.len() as i64 - self.reference.len() as i64
    }
}

impl std::fmt::Display for SmallVariant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place {
            chromosome,
            position,
        } = self.place;
        write!(
            out,
            "{chromosome}:{position}:{}:{}",
            self.reference, self.alternate
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alleles_are_trimmed_from_the_end_and_then_the_start() {
        let place = Place {
            chromosome: Chromosome::X,
            position: 10,
        };
        let trimmed = |r, a| SmallVariant::new(place, r, a).map(|v| v.to_string());
        assert_eq!(trimmed("CTT", "CT").as_deref(), Some("X:10:CT:C"));
        assert_eq!(trimmed("ACG", "ATG").as_deref(), Some("X:11:C:T"));
        assert_eq!(trimmed("a", "AT").as_deref(), Some("X:10:A:AT"));
        assert_eq!(
            (trimmed("A", "A"), trimmed("A", "<DEL>"), trimmed("A", "*")),
            (None, None, None)
        );
    }
}
