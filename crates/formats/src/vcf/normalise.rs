//! One spelling for each variant: alleles trimmed of what they share, and shifted to the left as
//! far as the reference allows (Tan, Abecasis and Kang 2015, "Unified representation of genetic
//! variants", algorithm 1; `bcftools norm`).

use ligate_model::Contig;

use crate::{
    ReadError,
    reference::{NoBases, Reference},
};

/// Bases fetched at a time while shifting to the left.
const WINDOW: u64 = 128;

/// Why a record's alleles do not fit the reference.
pub(super) enum Misfit {
    /// The record cannot be used.
    Record(&'static str),
    /// The reference cannot be read.
    Reference(ReadError),
}

impl From<NoBases> for Misfit {
    fn from(error: NoBases) -> Self {
        match error {
            NoBases::UnknownContig => Self::Record("the contig is not in the reference FASTA"),
            NoBases::OutOfRange => {
                Self::Record("the record lies beyond the contig's end in the reference FASTA")
            }
            NoBases::Failed(error) => Self::Reference(error),
        }
    }
}

/// A variant's place and alleles, all bases.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Alleles {
    /// Counted from 1.
    pub position: u32,
    pub reference: Vec<u8>,
    pub alternate: Vec<u8>,
}

impl Alleles {
    /// Cuts off what both alleles end with, then what both begin with, keeping one base.
    pub fn trim(&mut self) {
        let (reference, alternate) = (&mut self.reference, &mut self.alternate);
        while reference.len() > 1 && alternate.len() > 1 && reference.last() == alternate.last() {
            reference.pop();
            alternate.pop();
        }
        self.trim_start();
    }

    fn trim_start(&mut self) {
        let most = self
            .reference
            .len()
            .min(self.alternate.len())
            .saturating_sub(1);
        let shared = self
            .reference
            .iter()
            .zip(&self.alternate)
            .take(most)
            .take_while(|(a, b)| a == b)
            .count();
        self.reference.drain(..shared);
        self.alternate.drain(..shared);
        self.position += shared as u32;
    }

    /// Shifts the alleles to the left and trims them.
    pub fn left_align(&mut self, contig: &Contig, reference: &Reference) -> Result<(), NoBases> {
        let mut window = Vec::new();
        loop {
            let shared = self.reference.last() == self.alternate.last();
            let first = u64::from(self.position) - 1;
            let would_empty = self.reference.len() == 1 || self.alternate.len() == 1;
            if !shared || (would_empty && first == 0) {
                break;
            }
            if would_empty {
                if window.is_empty() {
                    reference.fetch(contig, first.saturating_sub(WINDOW), first, &mut window)?;
                }
                let Some(base) = window.pop() else { break };
                self.reference.insert(0, base);
                self.alternate.insert(0, base);
                self.position -= 1;
            }
            self.reference.pop();
            self.alternate.pop();
        }
        self.trim_start();
        Ok(())
    }
}

/// Whether REF is what the reference has there. Ambiguous bases of the reference fit any base.
pub(super) fn check_reference(
    contig: &Contig,
    position: u32,
    bases: &[u8],
    reference: &Reference,
    buffer: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let Some(start) = u64::from(position).checked_sub(1) else {
        return Ok(());
    };
    reference.fetch(contig, start, start + bases.len() as u64, buffer)?;
    let fits = |(have, want): (&u8, &u8)| have == want || !b"ACGT".contains(have);
    if buffer.iter().zip(bases).all(fits) {
        Ok(())
    } else {
        Err(Misfit::Record(
            "REF is not what the reference FASTA has there",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alleles(position: u32, reference: &str, alternate: &str) -> Alleles {
        Alleles {
            position,
            reference: reference.into(),
            alternate: alternate.into(),
        }
    }

    #[test]
    fn alleles_are_trimmed() {
        for (from, to) in [
            ((10, "A", "C"), (10, "A", "C")),
            ((123, "AT", "AA"), (124, "T", "A")),
            ((123, "TAT", "TGT"), (124, "A", "G")),
            ((127, "TTTAT", "T"), (127, "TTTAT", "T")),
            ((5, "CAA", "CA"), (5, "CA", "C")),
            ((5, "GCAC", "GC"), (5, "GCA", "G")),
        ] {
            let mut found = alleles(from.0, from.1, from.2);
            found.trim();
            assert_eq!(found, alleles(to.0, to.1, to.2), "{from:?}");
        }
    }

    #[test]
    fn indels_move_to_the_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genome.fa");
        let repeat = "CA".repeat(200);
        std::fs::write(&path, format!(">1\nGGGG{repeat}T\n>2\nAAAAC\n")).unwrap();
        let reference = Reference::open(&path).unwrap();
        for (contig, from, to) in [
            ("1", (403, "CAT", "T"), (4, "GCA", "G")),
            ("1", (404, "A", "ACA"), (4, "G", "GCA")),
            ("1", (404, "AT", "AG"), (405, "T", "G")),
            ("2", (3, "AA", "A"), (1, "AA", "A")),
            ("2", (4, "AC", "C"), (1, "AA", "A")),
        ] {
            let mut found = alleles(from.0, from.1, from.2);
            found.left_align(&Contig::new(contig), &reference).unwrap();
            assert_eq!(found, alleles(to.0, to.1, to.2), "{from:?}");
        }
    }
}
