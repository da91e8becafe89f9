//! A set of samples inside a row: a list of gaps or a bitmap (see `layout`).

use crate::{
    CorruptRow, SampleMask,
    layout::{RowReader, SPARSE_BELOW_ONE_IN, tail_is_zero, write_varint},
};

/// A set of samples, validated: ascending and within the block.
#[derive(Clone, Copy)]
pub(crate) struct SampleSet<'a> {
    pub count: u32,
    pub bitmap: bool,
    pub bytes: &'a [u8],
}

/// Appends the `count` ascending `members` of a block of `samples`.
pub(crate) fn write(
    samples: usize,
    count: usize,
    members: impl Iterator<Item = u32>,
    out: &mut Vec<u8>,
) {
    let bitmap = count * SPARSE_BELOW_ONE_IN > samples;
    write_varint((count as u32) << 1 | u32::from(bitmap), out);
    if bitmap {
        let start = out.len();
        out.resize(start + samples.div_ceil(8), 0);
        for member in members {
            out[start + member as usize / 8] |= 1 << (member % 8);
        }
        return;
    }
    let mut next = 0;
    for member in members {
        write_varint(member - next, out);
        next = member + 1;
    }
}

impl<'a> SampleSet<'a> {
    pub const EMPTY: Self = Self {
        count: 0,
        bitmap: false,
        bytes: &[],
    };

    pub fn parse(reader: &mut RowReader<'a>, samples: usize) -> Result<Self, CorruptRow> {
        let head = reader.varint().ok_or(CorruptRow::Truncated)?;
        let (count, bitmap) = (head >> 1, head & 1 == 1);
        if bitmap {
            Self::parse_bitmap(reader, samples, count)
        } else {
            Self::parse_list(reader, samples, count)
        }
    }

    fn parse_bitmap(
        reader: &mut RowReader<'a>,
        samples: usize,
        count: u32,
    ) -> Result<Self, CorruptRow> {
        let bytes = reader
            .take(samples.div_ceil(8))
            .ok_or(CorruptRow::Truncated)?;
        let mut words = RowReader(bytes);
        let ones: u32 = std::iter::from_fn(|| words.word())
            .map(u64::count_ones)
            .sum();
        if ones != count || !tail_is_zero(bytes, samples % 8) {
            return Err(CorruptRow::Bitmap);
        }
        Ok(Self {
            count,
            bitmap: true,
            bytes,
        })
    }

    fn parse_list(
        reader: &mut RowReader<'a>,
        samples: usize,
        count: u32,
    ) -> Result<Self, CorruptRow> {
        let start = reader.0;
        let mut next = 0u64;
        for _ in 0..count {
            next += u64::from(reader.varint().ok_or(CorruptRow::Truncated)?) + 1;
            if next > samples as u64 {
                return Err(CorruptRow::OutOfRange);
            }
        }
        let bytes = &start[..start.len() - reader.0.len()];
        Ok(Self {
            count,
            bitmap: false,
            bytes,
        })
    }

    /// The members, ascending; only those of `mask` if there is one.
    pub fn iter<'m>(&self, mask: Option<&'m SampleMask>) -> Members<'m>
    where
        'a: 'm,
    {
        let bytes = RowReader(self.bytes);
        if self.bitmap {
            Members::Bitmap {
                bytes,
                mask,
                base: 0,
                word: 0,
            }
        } else {
            Members::List {
                bytes,
                mask,
                next: 0,
            }
        }
    }

    pub fn count_among(&self, mask: &SampleMask) -> u32 {
        if !self.bitmap {
            return self.iter(Some(mask)).count() as u32;
        }
        let mut words = RowReader(self.bytes);
        mask.bits()
            .iter()
            .map(|bits| (bits & words.word().unwrap_or(0)).count_ones())
            .sum()
    }
}

/// The members of a [`SampleSet`].
#[derive(Clone)]
pub(crate) enum Members<'a> {
    List {
        bytes: RowReader<'a>,
        mask: Option<&'a SampleMask>,
        /// The sample after the last one listed.
        next: u32,
    },
    Bitmap {
        bytes: RowReader<'a>,
        mask: Option<&'a SampleMask>,
        /// The sample after those of `word`.
        base: u32,
        /// Members that are not yet given out, of the 64 samples before `base`.
        word: u64,
    },
}

impl Iterator for Members<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Self::List { bytes, mask, next } => loop {
                let sample = *next + bytes.varint()?;
                *next = sample + 1;
                if mask.is_none_or(|mask| mask.contains(sample)) {
                    return Some(sample);
                }
            },
            Self::Bitmap {
                bytes,
                mask,
                base,
                word,
            } => {
                while *word == 0 {
                    let chosen = mask.map_or(!0, |mask| {
                        mask.bits().get(*base as usize / 64).copied().unwrap_or(0)
                    });
                    *word = bytes.word()? & chosen;
                    *base += 64;
                }
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                Some(*base - 64 + bit)
            }
        }
    }
}
