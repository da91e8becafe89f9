//! The people of an analysis within one sample block, in the forms that the kernels AND with: one
//! bit per sample for bitmaps, one bit pair per sample for codes.

use std::fmt;

use crate::{calls::MAX_SAMPLES, layout::spread};

/// A set of samples of one block.
#[derive(Clone, PartialEq, Eq)]
pub struct SampleMask {
    samples: usize,
    count: u32,
    /// 64 samples per word.
    bits: Vec<u64>,
    /// 64 samples per element, 32 per word, both bits of a member's pair set.
    pairs: Vec<[u64; 2]>,
}

impl SampleMask {
    /// The `members` of a block of `samples`, in any order; a repeated member counts once.
    ///
    /// # Panics
    /// If a member is not below `samples`, or there are more than [`MAX_SAMPLES`].
    pub fn new(samples: usize, members: impl IntoIterator<Item = u32>) -> Self {
        assert!(samples <= MAX_SAMPLES, "more than {MAX_SAMPLES} samples");
        let mut bits = vec![0u64; samples.div_ceil(64)];
        for member in members {
            assert!((member as usize) < samples, "a member is beyond the block");
            bits[member as usize / 64] |= 1 << (member % 64);
        }
        let count = bits.iter().map(|word| word.count_ones()).sum();
        let pairs = bits
            .iter()
            .map(|word| [spread(*word as u32) * 3, spread((word >> 32) as u32) * 3])
            .collect();
        Self {
            samples,
            count,
            bits,
            pairs,
        }
    }

    /// All samples of a block.
    pub fn all(samples: usize) -> Self {
        Self::new(samples, 0..samples as u32)
    }

    /// Samples of the block, members or not.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether the block has no samples at all.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Members.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether a sample is a member; a sample beyond the block is none.
    #[inline]
    pub fn contains(&self, sample: u32) -> bool {
        self.bits
            .get(sample as usize / 64)
            .is_some_and(|word| word >> (sample % 64) & 1 == 1)
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.samples as u32).filter(|sample| self.contains(*sample))
    }

    pub(crate) fn bits(&self) -> &[u64] {
        &self.bits
    }

    pub(crate) fn pairs(&self) -> &[[u64; 2]] {
        &self.pairs
    }
}

/// Who takes part is personal data: only sizes are shown.
impl fmt::Debug for SampleMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleMask")
            .field("samples", &self.samples)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
