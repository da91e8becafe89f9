//! Counts of alleles and calls of one row, and the kernel that counts dense payloads.

use std::ops::AddAssign;

use crate::{
    Exception,
    layout::LOW,
    simd::{Kernel, Lanes},
};

/// What one row holds, over all samples of a block or those of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AlleleCounts {
    /// Called alleles as bcftools counts AN: half-missing, haploid and polyploid calls included.
    pub allele_number: u32,
    /// Alternate alleles among them, as bcftools counts AC.
    pub allele_count: u32,
    /// Samples with a complete diploid call.
    pub called: u32,
    /// Of the called: one alternate allele.
    pub heterozygous: u32,
    /// Of the called: two alternate alleles.
    pub homozygous: u32,
    /// Alternate alleles of the called, `heterozygous + 2 homozygous`: what a GWAS uses.
    pub diploid_allele_count: u32,
}

/// Counts of different samples add up.
impl AddAssign for AlleleCounts {
    fn add_assign(&mut self, other: Self) {
        self.allele_number += other.allele_number;
        self.allele_count += other.allele_count;
        self.called += other.called;
        self.heterozygous += other.heterozygous;
        self.homozygous += other.homozygous;
        self.diploid_allele_count += other.diploid_allele_count;
    }
}

impl AlleleCounts {
    pub(crate) fn new(samples: u32, carriers: CarrierCounts, exceptions: ExceptionCounts) -> Self {
        let called = samples - exceptions.samples;
        let diploid_allele_count = carriers.heterozygous + 2 * carriers.homozygous;
        Self {
            allele_number: 2 * called + exceptions.alleles,
            allele_count: diploid_allele_count + exceptions.alternates,
            called,
            heterozygous: carriers.heterozygous,
            homozygous: carriers.homozygous,
            diploid_allele_count,
        }
    }
}

/// Carriers among complete diploid calls.
#[derive(Clone, Copy, Default)]
pub(crate) struct CarrierCounts {
    pub heterozygous: u32,
    pub homozygous: u32,
}

impl CarrierCounts {
    #[inline]
    pub fn add(&mut self, code: u8) {
        let homozygous = u32::from(code == 3);
        self.homozygous += homozygous;
        self.heterozygous += 1 - homozygous;
    }
}

/// Samples without a complete diploid call, and the alleles that they have nevertheless.
#[derive(Clone, Copy, Default)]
pub(crate) struct ExceptionCounts {
    pub samples: u32,
    pub alleles: u32,
    pub alternates: u32,
}

impl ExceptionCounts {
    pub fn missing(samples: u32) -> Self {
        Self {
            samples,
            ..Self::default()
        }
    }

    pub fn add(&mut self, exception: Exception) {
        let (alleles, alternates) = exception.alleles();
        self.samples += 1;
        self.alleles += alleles;
        self.alternates += alternates;
    }
}

/// Counts the carriers of a dense payload, all or those of a mask's pairs.
pub(crate) struct CountCarriers<'k> {
    pub payload: &'k [u8],
    pub pairs: Option<&'k [[u64; 2]]>,
}

impl Kernel for CountCarriers<'_> {
    type Output = CarrierCounts;

    #[inline(always)]
    fn run<L: Lanes>(self, _lanes: L) -> CarrierCounts {
        match self.pairs {
            Some(pairs) => count_carriers(self.payload, pairs.iter()),
            None => count_carriers(self.payload, std::iter::repeat(&[!0; 2])),
        }
    }
}

#[inline(always)]
fn count_carriers<'k>(
    payload: &[u8],
    mut pairs: impl Iterator<Item = &'k [u64; 2]>,
) -> CarrierCounts {
    let (chunks, tail) = payload.as_chunks::<16>();
    let (mut alleles, mut homozygous) = (0, 0);
    // `pairs` comes second: zip asks it for nothing once the chunks have ended.
    for (chunk, mask) in chunks.iter().zip(pairs.by_ref()) {
        let counts = count_chunk(chunk, mask);
        alleles += counts.0;
        homozygous += counts.1;
    }
    if let (false, Some(mask)) = (tail.is_empty(), pairs.next()) {
        let mut chunk = [0; 16];
        chunk[..tail.len()].copy_from_slice(tail);
        let counts = count_chunk(&chunk, mask);
        alleles += counts.0;
        homozygous += counts.1;
    }
    CarrierCounts {
        heterozygous: alleles - 2 * homozygous,
        homozygous,
    }
}

/// Alternate alleles and homozygotes of 64 samples. The homozygotes of both words share one
/// population count.
#[inline(always)]
fn count_chunk(chunk: &[u8; 16], mask: &[u64; 2]) -> (u32, u32) {
    let both = u128::from_le_bytes(*chunk);
    let (a, b) = (both as u64 & mask[0], (both >> 64) as u64 & mask[1]);
    let homozygous = (a & a >> 1 & LOW) | (b & b >> 1 & LOW) << 1;
    (a.count_ones() + b.count_ones(), homozygous.count_ones())
}
