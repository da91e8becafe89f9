//! Finding and inflating blocks.

use std::io::{self, Read};

use libdeflater::{Decompressor, crc32};

use super::{END, MAX_BLOCK};

/// Where one block's deflated data lie in a buffer, and what they must become.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    end: usize,
    /// Bytes once inflated, at most [`MAX_BLOCK`].
    pub(crate) inflated: usize,
    crc: u32,
}

impl Span {
    /// Inflates the block of `data` into `out`, whose length must be `self.inflated`; false where
    /// the data are corrupt.
    pub(crate) fn inflate(
        &self,
        data: &[u8],
        decompressor: &mut Decompressor,
        out: &mut [u8],
    ) -> bool {
        let Some(deflated) = data.get(self.start..self.end) else {
            return false;
        };
        decompressor
            .deflate_decompress(deflated, out)
            .is_ok_and(|got| got == self.inflated)
            && crc32(out) == self.crc
    }
}

/// Whether these first bytes of a file open a bgzf block.
pub(crate) fn is_block_header(start: &[u8]) -> bool {
    start.len() >= 18 && start[..4] == END[..4] && block_size(&start[12..]).is_some()
}

/// Whether these last bytes of a file are the empty block, whoever wrote it.
pub(crate) fn has_end_marker(last: &[u8]) -> bool {
    let Some(last) = last.len().checked_sub(END.len()).map(|at| &last[at..]) else {
        return false;
    };
    last[..4] == END[..4] && last[10..] == END[10..]
}

/// Appends the next block of `reader` to `data`; `None` at the end of the file. A cut block is
/// `UnexpectedEof`.
pub(crate) fn read_block(reader: &mut impl Read, data: &mut Vec<u8>) -> io::Result<Option<Span>> {
    let mut fixed = [0; 12];
    if !read_first(reader, &mut fixed)? {
        return Ok(None);
    }
    if fixed[..4] != END[..4] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let extra = usize::from(u16::from_le_bytes([fixed[10], fixed[11]]));
    let start = data.len();
    append(reader, extra, data)?;
    let size = block_size(&data[start..]).ok_or(io::ErrorKind::InvalidData)?;
    let rest = size
        .checked_sub(fixed.len() + extra)
        .filter(|rest| *rest >= 8)
        .ok_or(io::ErrorKind::InvalidData)?;
    data.truncate(start);
    append(reader, rest, data)?;
    let end = data.len() - 8;
    let inflated = little_endian(&data[end + 4..]) as usize;
    if inflated > MAX_BLOCK {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(Span {
        start,
        end,
        inflated,
        crc: little_endian(&data[end..]),
    }))
}

fn read_first(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn append(reader: &mut impl Read, count: usize, data: &mut Vec<u8>) -> io::Result<()> {
    let start = data.len();
    data.resize(start + count, 0);
    reader.read_exact(&mut data[start..])
}

/// The whole block's size, from the extra field's subfield BC.
fn block_size(mut extra: &[u8]) -> Option<usize> {
    while let [id1, id2, len1, len2, rest @ ..] = extra {
        let len = usize::from(u16::from_le_bytes([*len1, *len2]));
        if (*id1, *id2, len) == (b'B', b'C', 2) {
            return rest
                .get(..2)
                .map(|size| usize::from(u16::from_le_bytes([size[0], size[1]])) + 1);
        }
        extra = rest.get(len..)?;
    }
    None
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .rev()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}
