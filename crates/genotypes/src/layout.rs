//! The bytes of one row: one variant's calls of one sample block.
//!
//! A row does not say how many samples it has: the block does. Its parts follow each other without
//! padding:
//!
//! | part | present | content |
//! |---|---|---|
//! | kind | always | one byte: bits 4-7 format version (1), bit 0 dense payload, bits 1-2 phase, bit 3 exceptions |
//! | phased | phase is mixed | a sample set: the heterozygous samples that are phased |
//! | missing | bit 3 | a sample set: the samples without any called allele, diploid |
//! | others | bit 3 | varint count, then so many entries: the remaining exceptions |
//! | payload | always | to the end of the row: the codes |
//!
//! - **Phase** is 0 unphased (all heterozygous codes are 1), 1 phased (1 and 2 mean different
//!   haplotypes) or 2 mixed; 3 is refused. The phase of a homozygous call or an exception is not
//!   kept: it tells nothing.
//! - **Varint**: LEB128 of 32 bits, seven bits per byte, lowest first, at most five bytes.
//! - **Gap**: samples skipped since the previous entry of the same list (since the block's start
//!   for the first): lists ascend strictly by construction.
//! - **Sample set**: varint `count << 1 | bitmap`. A list is `count` varint gaps. A bitmap, taken
//!   when more than one sample in 16 is a member, is `ceil(samples / 8)` bytes, sample i at bit `i
//!   % 8` of byte `i / 8`, bits beyond the last sample 0.
//! - **Entry** of the others: varint `gap << 3 | kind`. Kinds: 0 half-missing with the reference or
//!   another allele, 1 half-missing with this row's allele, 2 haploid without, 3 haploid with this
//!   row's allele, 4 haploid missing, 5 polyploid, followed by two bytes: alternates, then called
//!   alleles. 6 and 7 are refused.
//! - **Dense payload**: `ceil(samples / 4)` bytes, the code of sample i at bits `2 (i % 4)` of byte
//!   `i / 4`, bits beyond the last sample 0.
//! - **Sparse payload**, taken when fewer than one sample in 16 carries the allele: varint `gap <<
//!   2 | code` per carrier, code 1 to 3. It is always smaller than dense. Between 1 in 16 and the
//!   point where dense is smaller (about 1 in 4), both compress to nearly the same size but dense
//!   rows count many times faster.
//! - A sample with an exception has code 0. The missing and the others are disjoint.

/// Format version, in the high nibble of the kind byte.
pub const VERSION: u8 = 1;

pub(crate) const DENSE: u8 = 1;
pub(crate) const PHASE_SHIFT: u8 = 1;
pub(crate) const UNPHASED: u8 = 0;
pub(crate) const PHASED: u8 = 1;
pub(crate) const MIXED: u8 = 2;
pub(crate) const EXCEPTIONS: u8 = 8;

/// A row is sparse, and a set of missing samples a list, below one sample in so many.
pub(crate) const SPARSE_BELOW_ONE_IN: usize = 16;

/// The low bit of every pair.
pub(crate) const LOW: u64 = 0x5555_5555_5555_5555;

pub(crate) fn write_varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads from the front of bytes that nobody has checked: every read may find the end.
#[derive(Clone, Copy)]
pub(crate) struct RowReader<'a>(pub &'a [u8]);

impl<'a> RowReader<'a> {
    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    #[inline]
    pub fn varint(&mut self) -> Option<u32> {
        let first = self.byte()?;
        if first < 0x80 {
            Some(u32::from(first))
        } else {
            self.long_varint(first)
        }
    }

    /// The rest of a varint of two to five bytes; `None` too if it exceeds 32 bits.
    #[inline]
    fn long_varint(&mut self, first: u8) -> Option<u32> {
        let mut value = u32::from(first & 0x7F);
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            if shift == 28 && byte > 0x0F {
                return None;
            }
            value |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Some(value)
    }

    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    /// The next eight bytes as a word, zeros beyond the end; `None` at the end.
    #[inline]
    pub fn word(&mut self) -> Option<u64> {
        if let Some((word, rest)) = self.0.split_first_chunk() {
            self.0 = rest;
            return Some(u64::from_le_bytes(*word));
        }
        if self.0.is_empty() {
            return None;
        }
        let mut word = [0; 8];
        word[..self.0.len()].copy_from_slice(self.0);
        self.0 = &[];
        Some(u64::from_le_bytes(word))
    }
}

/// Moves bit i to bit 2i.
#[inline]
pub(crate) fn spread(bits: u32) -> u64 {
    let mut x = u64::from(bits);
    x = (x | x << 16) & 0x0000_FFFF_0000_FFFF;
    x = (x | x << 8) & 0x00FF_00FF_00FF_00FF;
    x = (x | x << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    x = (x | x << 2) & 0x3333_3333_3333_3333;
    (x | x << 1) & LOW
}

/// Whether bits beyond the first `used` of the last byte are 0 (`used` 0 means that all are used).
pub(crate) fn tail_is_zero(bytes: &[u8], used: usize) -> bool {
    used == 0 || bytes.last().is_none_or(|last| last >> used == 0)
}
