//! Writing bgzf: what `bgzip` makes, readable by every gzip tool.

use std::io::{self, Write};

use libdeflater::{CompressionLvl, Compressor, Crc};

use super::END;

/// Bytes per block, as htslib has it: even data that do not compress fit into 64 KiB.
const BLOCK: usize = 0xff00;

/// Header, footer and room for stored data of one block.
const OVERHEAD: usize = 18 + 8;

/// Compresses what is written to it. Call [`Writer::finish`]: without it the file lacks its end and
/// counts as cut.
///
/// ```
/// use std::io::{Read, Write};
/// let mut writer = ligate_formats::bgzf::Writer::new(Vec::new());
/// writer.write_all(b"chromosome\tposition\n")?;
/// let bytes = writer.finish()?;
/// assert_eq!(&bytes[..4], [0x1f, 0x8b, 8, 4]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer<W: Write> {
    inner: W,
    compressor: Compressor,
    pending: Vec<u8>,
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            compressor: Compressor::new(CompressionLvl::default()),
            pending: Vec::with_capacity(BLOCK),
            block: Vec::new(),
        }
    }

    /// Writes what is pending and the empty block that ends the file; hands back the inner writer,
    /// flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_block()?;
        self.inner.write_all(&END)?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn write_block(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let room = self.compressor.deflate_compress_bound(self.pending.len());
        self.block.resize(18 + room + 8, 0);
        let deflated = self
            .compressor
            .deflate_compress(&self.pending, &mut self.block[18..18 + room])
            .map_err(|error| io::Error::other(format!("deflate: {error}")))?;
        let size = u16::try_from(deflated + OVERHEAD - 1)
            .map_err(|_| io::Error::other("a bgzf block became longer than 64 KiB"))?;
        self.block[..18].copy_from_slice(&END[..18]);
        self.block[16..18].copy_from_slice(&size.to_le_bytes());
        let mut crc = Crc::new();
        crc.update(&self.pending);
        let footer = &mut self.block[18 + deflated..];
        footer[..4].copy_from_slice(&crc.sum().to_le_bytes());
        footer[4..8].copy_from_slice(&(self.pending.len() as u32).to_le_bytes());
        self.inner.write_all(&self.block[..deflated + OVERHEAD])?;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == BLOCK {
            self.write_block()?;
        }
        let taken = bytes.len().min(BLOCK - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Ends the block at hand.
    fn flush(&mut self) -> io::Result<()> {
        self.write_block()?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn check(content: &[u8]) {
        let mut writer = Writer::new(Vec::new());
        for piece in content.chunks(10_007) {
            writer.write_all(piece).unwrap();
        }
        let bytes = writer.finish().unwrap();
        assert!(bytes.ends_with(&END));
        let mut read = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == content);
    }

    #[test]
    fn another_gzip_reader_reads_it() {
        check(b"");
        check(b"x");
        check(&b"chromosome\t1\n".repeat(30_000));
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..300_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        check(&noise);
    }
}
