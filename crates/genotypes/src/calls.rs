//! One variant's calls before they are encoded: what a file reader fills. Owns the rules of a valid
//! set of calls (ascending exceptions, codes of two bits); refuses anything else by assertion,
//! because a reader that breaks them is a bug and not bad input.

use std::fmt;

/// Most samples of one file or block: the allele number of a row, at most 255 per sample, then fits
/// 32 bits.
pub const MAX_SAMPLES: usize = 1 << 24;

/// Samples per word of codes.
pub(crate) const PER_WORD: usize = 32;

/// A call that is not a complete diploid one. Such a sample has code 0 in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exception {
    /// No allele called: `./.`, or no call written at all.
    Missing,
    /// One of two alleles called: `./1`.
    HalfMissing { alternate: bool },
    /// One allele, called: `1`.
    Haploid { alternate: bool },
    /// One allele, not called: `.`.
    HaploidMissing,
    /// More than two alleles: `alleles` of them called, of which `alternates` are this row's
    /// allele.
    Polyploid { alternates: u8, alleles: u8 },
}

impl Exception {
    /// Alleles called and alternate alleles among them, as bcftools counts AN and AC.
    pub fn alleles(self) -> (u32, u32) {
        match self {
            Self::Missing | Self::HaploidMissing => (0, 0),
            Self::HalfMissing { alternate } | Self::Haploid { alternate } => {
                (1, u32::from(alternate))
            }
            Self::Polyploid {
                alternates,
                alleles,
            } => (u32::from(alleles), u32::from(alternates)),
        }
    }
}

/// Whether the two alleles of a heterozygous call are told apart by haplotype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    #[default]
    Unphased,
    Phased,
}

/// One variant's calls of all samples of a file.
///
/// A code is `hapA | hapB << 1`: 0 homozygous reference, 1 and 2 heterozygous, 3 homozygous
/// alternate. Of an unphased heterozygous call the code is 1 (2 is taken for it). A word holds 32
/// codes, the first sample in the lowest bits. A haplotype sets its bit in one row of a
/// multi-allelic site only, so 0 in a single row of such a site means "not this allele".
#[derive(Clone, PartialEq, Eq)]
pub struct Calls {
    samples: usize,
    codes: Vec<u64>,
    exceptions: Vec<(u32, Exception)>,
    phase: Phase,
    phased: Vec<u32>,
}

impl Calls {
    /// All samples homozygous reference and unphased.
    ///
    /// # Panics
    /// With more than [`MAX_SAMPLES`].
    pub fn new(samples: usize) -> Self {
        assert!(samples <= MAX_SAMPLES, "more than {MAX_SAMPLES} samples");
        let codes = vec![0; samples.div_ceil(PER_WORD)];
        Self {
            samples,
            codes,
            exceptions: Vec::new(),
            phase: Phase::Unphased,
            phased: Vec::new(),
        }
    }

    /// Back to the state after [`Calls::new`], keeping the memory.
    pub fn clear(&mut self) {
        self.codes.fill(0);
        self.exceptions.clear();
        self.phase = Phase::Unphased;
        self.phased.clear();
    }

    pub fn samples(&self) -> usize {
        self.samples
    }

    /// 32 codes per word; bits beyond the last sample are ignored.
    pub fn codes(&self) -> &[u64] {
        &self.codes
    }

    pub fn codes_mut(&mut self) -> &mut [u64] {
        &mut self.codes
    }

    /// The code of one sample, 0 to 3.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn code(&self, sample: usize) -> u8 {
        assert!(sample < self.samples, "no such sample");
        (self.codes[sample / PER_WORD] >> shift(sample) & 3) as u8
    }

    /// # Panics
    /// If there is no such sample or the code exceeds 3.
    pub fn set_code(&mut self, sample: usize, code: u8) {
        assert!(sample < self.samples && code <= 3, "no such sample or code");
        let word = &mut self.codes[sample / PER_WORD];
        *word = *word & !(3 << shift(sample)) | u64::from(code) << shift(sample);
    }

    /// Ascending by sample.
    pub fn exceptions(&self) -> &[(u32, Exception)] {
        &self.exceptions
    }

    /// Marks a sample as no complete diploid call. Its code counts as 0, whatever was or will be
    /// set.
    ///
    /// # Panics
    /// If samples do not ascend, there is no such sample, or `alternates` exceeds `alleles`.
    pub fn push_exception(&mut self, sample: u32, exception: Exception) {
        assert!((sample as usize) < self.samples, "no such sample");
        assert!(
            self.exceptions
                .last()
                .is_none_or(|(last, _)| *last < sample),
            "exceptions must ascend"
        );
        let (alleles, alternates) = exception.alleles();
        assert!(alternates <= alleles, "more alternate alleles than alleles");
        self.exceptions.push((sample, exception));
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The phase of all samples; of all except those of [`Calls::push_phased`] if unphased.
    pub fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Phased samples of a row that is not phased as a whole, ascending.
    pub fn phased(&self) -> &[u32] {
        &self.phased
    }

    /// Marks a sample of a mixed row as phased. Only the phase of heterozygous calls is kept when
    /// encoding: that of the others tells nothing.
    ///
    /// # Panics
    /// If samples do not ascend or there is no such sample.
    pub fn push_phased(&mut self, sample: u32) {
        assert!((sample as usize) < self.samples, "no such sample");
        assert!(
            self.phased.last().is_none_or(|last| *last < sample),
            "phased samples must ascend"
        );
        self.phased.push(sample);
    }
}

/// Genotypes are personal data: only the size is shown.
impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}

/// The place of a sample's code within its word.
fn shift(sample: usize) -> usize {
    2 * (sample % PER_WORD)
}
