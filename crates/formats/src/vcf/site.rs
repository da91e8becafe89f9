//! From a record's place and alleles to the keys of its variants.

use ligate_model::{Allele, Contig, Position, VariantKey};

use super::{
    genotype::MAX_ALLELES,
    normalise::{self, Alleles, Misfit},
    record,
};
use crate::{ReadError, Reference};

/// Why a record gives no variants.
pub(super) enum Fault {
    /// It is skipped and reported.
    Skip(&'static str),
    /// The reading ends.
    Fatal(ReadError),
}

impl From<&'static str> for Fault {
    fn from(message: &'static str) -> Self {
        Self::Skip(message)
    }
}

impl From<Misfit> for Fault {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Record(message) => Self::Skip(message),
            Misfit::Reference(error) => Self::Fatal(error),
        }
    }
}

/// A record's place and alleles, each checked.
pub(super) struct Site<'l> {
    pub contig: &'l Contig,
    pub position: u32,
    pub reference: &'l str,
    /// Separated by commas; empty where there is none.
    pub alternates: &'l str,
}

/// One alternate allele that gets a row.
pub(super) struct Keyed {
    /// From 1.
    pub index: u16,
    pub key: VariantKey,
    pub record: Option<Box<str>>,
}

impl Site<'_> {
    /// Alternate alleles, those without a row included.
    pub fn alternate_count(&self) -> Result<u16, &'static str> {
        if self.alternates.is_empty() {
            return Ok(0);
        }
        let count = 1 + memchr::memchr_iter(b',', self.alternates.as_bytes()).count();
        u16::try_from(count)
            .ok()
            .filter(|count| usize::from(*count) < MAX_ALLELES)
            .ok_or("the record has more alleles than can be told apart")
    }

    /// The keys of the alleles that get a row, into `out`.
    pub fn keys(&self, genome: Option<&Reference>, out: &mut Vec<Keyed>) -> Result<(), Fault> {
        out.clear();
        let bases = self.reference.to_ascii_uppercase().into_bytes();
        let mut buffer = Vec::new();
        if let Some(genome) = genome {
            normalise::check_reference(self.contig, self.position, &bases, genome, &mut buffer)?;
        }
        if self.alternates.is_empty() {
            return Ok(());
        }
        for (alternate, index) in self.alternates.split(',').zip(1..) {
            if is_unspecified(alternate) {
                continue;
            }
            let key = self.key(&bases, alternate, genome)?;
            let record = self.record_unless(&key);
            out.push(Keyed { index, key, record });
        }
        Ok(())
    }

    fn key(
        &self,
        bases: &[u8],
        alternate: &str,
        genome: Option<&Reference>,
    ) -> Result<VariantKey, Fault> {
        if !record::is_bases(alternate.as_bytes()) {
            return self.key_of(self.position, self.reference, alternate);
        }
        if alternate.eq_ignore_ascii_case(self.reference) {
            return Err("an ALT is the same as REF".into());
        }
        if bases.len() == 1 && alternate.len() == 1 {
            return self.key_of(self.position, self.reference, alternate);
        }
        let mut alleles = Alleles {
            position: self.position,
            reference: bases.to_vec(),
            alternate: alternate.to_ascii_uppercase().into_bytes(),
        };
        match genome.filter(|_| self.position > 0) {
            Some(genome) => alleles
                .left_align(self.contig, genome)
                .map_err(Misfit::from)?,
            None => alleles.trim(),
        }
        let (reference, alternate) = (
            String::from_utf8_lossy(&alleles.reference),
            String::from_utf8_lossy(&alleles.alternate),
        );
        self.key_of(alleles.position, &reference, &alternate)
    }

    fn key_of(&self, position: u32, reference: &str, alternate: &str) -> Result<VariantKey, Fault> {
        let allele = |text: &str| Allele::new(text).map_err(|_| "REF or ALT is no allele");
        Ok(VariantKey {
            contig: self.contig.clone(),
            position: Position::new(position),
            reference: allele(reference)?,
            alternate: allele(alternate)?,
        })
    }

    /// The record as written, where the key does not say the same.
    fn record_unless(&self, key: &VariantKey) -> Option<Box<str>> {
        let same = key.position.get() == self.position
            && key.reference.as_str() == self.reference
            && key.alternate.as_str() == self.alternates;
        (!same).then(|| format!("{}:{}:{}", self.position, self.reference, self.alternates).into())
    }
}

/// Alleles that say "something else": a deletion that spans the site, or any allele that was not
/// seen.
fn is_unspecified(alternate: &str) -> bool {
    matches!(alternate, "*" | "<*>" | "<NON_REF>" | "<*:DEL>")
}
