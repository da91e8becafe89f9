//! Iterators over the carriers and the exceptions of a row.

use super::{Others, Row};
use crate::{Exception, SampleMask, calls::PER_WORD, layout::RowReader, sample_set::Members};

impl<'a> Row<'a> {
    /// Samples with at least one alternate allele among the complete diploid calls, ascending, with
    /// their codes (1 to 3).
    pub fn carriers(&self) -> Carriers<'a> {
        let bytes = RowReader(self.payload);
        if self.dense {
            Carriers(Payload::Dense {
                bytes,
                base: 0,
                word: 0,
            })
        } else {
            Carriers(Payload::Sparse { bytes, next: 0 })
        }
    }

    /// Samples without a complete diploid call, ascending: in a GWAS they are not called.
    pub fn exceptions(&self) -> Exceptions<'a> {
        Exceptions::new(self.missing.iter(None), self.others(), None)
    }

    /// The exceptions among the members of a mask, ascending. Where many calls are missing, a word
    /// of the bitmap is read at once: members of 64 samples cost one step where nobody is missing.
    pub fn exceptions_among<'m>(&self, mask: &'m SampleMask) -> Exceptions<'m>
    where
        'a: 'm,
    {
        Exceptions::new(self.missing.iter(Some(mask)), self.others(), Some(mask))
    }

    pub(super) fn others(&self) -> OtherExceptions<'a> {
        self.others.iter()
    }
}

impl<'a> Others<'a> {
    pub(super) fn iter(&self) -> OtherExceptions<'a> {
        OtherExceptions {
            bytes: RowReader(self.bytes),
            next: 0,
        }
    }
}

/// See [`Row::carriers`].
#[derive(Clone)]
pub struct Carriers<'a>(Payload<'a>);

#[derive(Clone)]
enum Payload<'a> {
    Sparse {
        bytes: RowReader<'a>,
        /// The sample after the last carrier.
        next: u32,
    },
    Dense {
        bytes: RowReader<'a>,
        /// The sample after those of `word`.
        base: u32,
        /// Codes that are not yet given out, of the 32 samples before `base`.
        word: u64,
    },
}

impl Iterator for Carriers<'_> {
    type Item = (u32, u8);

    #[inline]
    fn next(&mut self) -> Option<(u32, u8)> {
        match &mut self.0 {
            Payload::Sparse { bytes, next } => {
                let value = bytes.varint()?;
                let sample = *next + (value >> 2);
                *next = sample + 1;
                Some((sample, (value & 3) as u8))
            }
            Payload::Dense { bytes, base, word } => {
                while *word == 0 {
                    *word = bytes.word()?;
                    *base += PER_WORD as u32;
                }
                let pair = word.trailing_zeros() / 2;
                let code = (*word >> (2 * pair)) as u8 & 3;
                *word &= !(3 << (2 * pair));
                Some((*base - PER_WORD as u32 + pair, code))
            }
        }
    }
}

/// See [`Row::exceptions`].
#[derive(Clone)]
pub struct Exceptions<'a> {
    missing: Members<'a>,
    next_missing: Option<u32>,
    others: OtherExceptions<'a>,
    next_other: Option<(u32, Exception)>,
    mask: Option<&'a SampleMask>,
}

impl<'a> Exceptions<'a> {
    /// `missing` is already restricted to the mask.
    fn new(
        missing: Members<'a>,
        others: OtherExceptions<'a>,
        mask: Option<&'a SampleMask>,
    ) -> Self {
        let mut all = Self {
            missing,
            next_missing: None,
            others,
            next_other: None,
            mask,
        };
        all.next_missing = all.missing.next();
        all.advance_other();
        all
    }

    fn advance_other(&mut self) {
        let mask = self.mask;
        self.next_other = self
            .others
            .find(|(sample, _)| mask.is_none_or(|mask| mask.contains(*sample)));
    }
}

impl Iterator for Exceptions<'_> {
    type Item = (u32, Exception);

    fn next(&mut self) -> Option<(u32, Exception)> {
        match (self.next_missing, self.next_other) {
            (Some(missing), other) if other.is_none_or(|(sample, _)| missing <= sample) => {
                self.next_missing = self.missing.next();
                Some((missing, Exception::Missing))
            }
            (_, other) => {
                self.advance_other();
                other
            }
        }
    }
}

/// The exceptions other than missing calls.
#[derive(Clone)]
pub(super) struct OtherExceptions<'a> {
    bytes: RowReader<'a>,
    /// The sample after the last exception.
    next: u32,
}

impl OtherExceptions<'_> {
    /// The next entry of bytes that nobody has checked; `None` if they end or make no sense.
    pub(super) fn read(bytes: &mut RowReader<'_>) -> Option<(u32, Exception)> {
        let value = bytes.varint()?;
        let exception = match value & 7 {
            kind @ (0 | 1) => Exception::HalfMissing {
                alternate: kind == 1,
            },
            kind @ (2 | 3) => Exception::Haploid {
                alternate: kind == 3,
            },
            4 => Exception::HaploidMissing,
            5 => Exception::Polyploid {
                alternates: bytes.byte()?,
                alleles: bytes.byte()?,
            },
            _ => return None,
        };
        Some((value >> 3, exception))
    }
}

impl Iterator for OtherExceptions<'_> {
    type Item = (u32, Exception);

    fn next(&mut self) -> Option<(u32, Exception)> {
        let (gap, exception) = Self::read(&mut self.bytes)?;
        let sample = self.next + gap;
        self.next = sample + 1;
        Some((sample, exception))
    }
}
