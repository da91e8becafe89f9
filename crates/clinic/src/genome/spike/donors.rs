//! Quality, filter and sample fields that spiked variants take over.

use ligate_formats::family_vcf::{Call, Record};
use sha2::{Digest, Sha256};

/// One record's fields without place, ID, alleles and INFO.
#[derive(Clone)]
pub struct Donor {
    pub quality: Option<f32>,
    pub passed: bool,
    pub call: Call,
    /// The alternate allele that the call has.
    pub alternate: u16,
}

impl Donor {
    /// The fields of a record that the sample carries one alternate allele of.
    pub fn of(record: &Record<'_>, column: usize) -> Option<Self> {
        if record.alternates().count() != 1 {
            return None;
        }
        let call = record.call(column);
        (call.copies(1) > 0).then(|| Self {
            quality: record.quality(),
            passed: record.passed(),
            call,
            alternate: 1,
        })
    }

    fn is_homozygous(&self) -> bool {
        self.call.copies(self.alternate) == self.call.alleles.len()
    }
}

/// Donors by zygosity.
#[derive(Default)]
pub struct Donors {
    heterozygous: Vec<Donor>,
    homozygous: Vec<Donor>,
}

impl Extend<Donor> for Donors {
    fn extend<I: IntoIterator<Item = Donor>>(&mut self, donors: I) {
        donors.into_iter().for_each(|donor| self.push(donor));
    }
}

impl Donors {
    pub fn push(&mut self, donor: Donor) {
        let kind = if donor.is_homozygous() {
            &mut self.homozygous
        } else {
            &mut self.heterozygous
        };
        kind.push(donor);
    }

    /// A donor by the case's id and the variant's number: the first eight bytes of
    /// SHA-256(id:number) modulo the donors.
    pub fn choose(&self, id: &str, number: usize, homozygous: bool) -> Option<&Donor> {
        let donors = if homozygous {
            &self.homozygous
        } else {
            &self.heterozygous
        };
        let hash = Sha256::digest(format!("{id}:{number}"));
        let value = hash
            .iter()
            .take(8)
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        donors.get((value % donors.len().max(1) as u64) as usize)
    }
}
