//! Reads one row (see `layout`) without unpacking it. Owns the checks: [`Row::parse`] takes any
//! bytes, and what it accepts has all samples in range, no sample twice and no allele on a sample
//! with an exception, so that nothing here panics or contradicts itself later. Bytes changed into
//! another valid row are not noticed: digests of whole files do that.

mod iterate;
mod validate;

pub use iterate::{Carriers, Exceptions};

use crate::{
    AlleleCounts, Calls, Phase, SampleMask,
    counts::{CarrierCounts, CountCarriers, ExceptionCounts},
    layout::{MIXED, PHASED, RowReader},
    sample_set::SampleSet,
    simd::Processor,
};

/// Why bytes are no row. No value of the row is told: genotypes are personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorruptRow {
    #[error("more samples than a block can have")]
    TooManySamples,
    #[error("a genotype row has format version {found}; this program reads version {VERSION}", VERSION = crate::layout::VERSION)]
    Version { found: u8 },
    #[error("a genotype row has an unknown kind")]
    Kind,
    #[error("a genotype row ends too early")]
    Truncated,
    #[error("a genotype row names a sample beyond its block")]
    OutOfRange,
    #[error("a bitmap of a genotype row does not match its count")]
    Bitmap,
    #[error("a genotype row has an unknown or repeated exception")]
    Exception,
    #[error("a genotype row has a payload of the wrong size or with unknown codes")]
    Payload,
    #[error("a genotype row has an allele where the call is an exception")]
    CallOfException,
}

/// A validated view of one encoded row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    samples: u32,
    dense: bool,
    phase: u8,
    phased: SampleSet<'a>,
    missing: SampleSet<'a>,
    others: Others<'a>,
    payload: &'a [u8],
    /// Counted while validating; of a sparse row only.
    carriers: CarrierCounts,
    excepted: ExceptionCounts,
}

/// The exceptions other than missing calls.
#[derive(Clone, Copy)]
struct Others<'a> {
    count: u32,
    bytes: &'a [u8],
}

impl<'a> Row<'a> {
    /// Checks the bytes of one row of a block of `samples`. Never panics.
    pub fn parse(bytes: &'a [u8], samples: usize) -> Result<Row<'a>, CorruptRow> {
        validate::row(bytes, samples)
    }

    /// Samples of the block.
    pub fn samples(&self) -> usize {
        self.samples as usize
    }

    /// Whether the payload is dense: two bits for every sample.
    pub fn is_dense(&self) -> bool {
        self.dense
    }

    /// Whether every sample has a complete diploid call.
    pub fn is_complete(&self) -> bool {
        self.excepted.samples == 0
    }

    /// Counts over all samples.
    pub fn counts(&self) -> AlleleCounts {
        let carriers = if self.dense {
            self.count_carriers(None)
        } else {
            self.carriers
        };
        AlleleCounts::new(self.samples, carriers, self.excepted)
    }

    /// Counts over the members of a mask.
    ///
    /// # Panics
    /// If the mask is of another number of samples.
    pub fn counts_among(&self, mask: &SampleMask) -> AlleleCounts {
        assert_eq!(mask.len(), self.samples(), "a mask of another block");
        if mask.count() == self.samples {
            return self.counts();
        }
        let carriers = if self.dense {
            self.count_carriers(Some(mask))
        } else {
            self.carriers_among(mask)
        };
        AlleleCounts::new(mask.count(), carriers, self.excepted_among(mask))
    }

    fn count_carriers(&self, mask: Option<&SampleMask>) -> CarrierCounts {
        Processor::detect().run(CountCarriers {
            payload: self.payload,
            pairs: mask.map(SampleMask::pairs),
        })
    }

    fn carriers_among(&self, mask: &SampleMask) -> CarrierCounts {
        let mut counts = CarrierCounts::default();
        self.carriers()
            .filter(|(sample, _)| mask.contains(*sample))
            .for_each(|(_, code)| counts.add(code));
        counts
    }

    fn excepted_among(&self, mask: &SampleMask) -> ExceptionCounts {
        let mut counts = ExceptionCounts::missing(self.missing.count_among(mask));
        self.others()
            .filter(|(sample, _)| mask.contains(*sample))
            .for_each(|(_, other)| counts.add(other));
        counts
    }

    /// Calls of the whole row, in canonical form: an unphased heterozygous call has code 1, and
    /// only heterozygous samples are listed as phased.
    pub fn decode(&self) -> Calls {
        let mut calls = Calls::new(self.samples());
        if self.dense {
            let mut words = RowReader(self.payload);
            calls
                .codes_mut()
                .iter_mut()
                .for_each(|codes| *codes = words.word().unwrap_or(0));
        } else {
            self.carriers()
                .for_each(|(sample, code)| calls.set_code(sample as usize, code));
        }
        self.exceptions()
            .for_each(|(sample, exception)| calls.push_exception(sample, exception));
        if self.phase == PHASED {
            calls.set_phase(Phase::Phased);
        }
        if self.phase == MIXED {
            self.phased
                .iter(None)
                .for_each(|sample| calls.push_phased(sample));
        }
        calls
    }

    /// The dense payload, `ceil(samples / 4)` bytes, or nothing.
    pub(crate) fn dense_payload(&self) -> Option<&'a [u8]> {
        self.dense.then_some(self.payload)
    }
}
