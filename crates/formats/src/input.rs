//! The bytes of a variant file, whatever they are wrapped in: plain, gzip or bgzf, told apart by content. Hands out
//! chunks of bounded size, so that worker threads can inflate bgzf chunks in parallel; refuses files that were cut.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;
use libdeflater::Decompressor;

use crate::{ReadError, bgzf};

/// Inflated bytes of a chunk, about: large enough that a chunk's fixed costs vanish, small enough that threads share
/// a file of a few megabytes.
pub(crate) const CHUNK: usize = 2 << 20;

/// An opened file and how far it was read.
pub(crate) struct Input {
    path: PathBuf,
    inner: Inner,
    read: Arc<AtomicU64>,
    total: u64,
}

enum Inner {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
    Bgzf { reader: BufReader<Counted>, ended: bool },
}

/// A piece of the file: inflated already, or blocks still to be inflated.
pub(crate) enum Chunk {
    Inflated(Vec<u8>),
    Blocks { data: Vec<u8>, spans: Vec<bgzf::Span> },
}

impl Chunk {
    /// The inflated bytes, in `out`. False where a block is corrupt.
    pub(crate) fn inflate(self, decompressor: &mut Decompressor, out: &mut Vec<u8>) -> bool {
        let (data, spans) = match self {
            Self::Inflated(bytes) => {
                *out = bytes;
                return true;
            }
            Self::Blocks { data, spans } => (data, spans),
        };
        out.resize(spans.iter().map(|span| span.inflated).sum(), 0);
        let mut rest = out.as_mut_slice();
        for span in spans {
            let (block, after) = rest.split_at_mut(span.inflated);
            if !span.inflate(&data, decompressor, block) {
                return false;
            }
            rest = after;
        }
        true
    }
}

impl Input {
    /// Opens a file and looks at its first bytes.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        Self::open_inner(path).map_err(|error| ReadError::io(path, error))?.checked()
    }

    fn open_inner(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut start = [0; 64];
        let filled = fill(&mut file, &mut start)?;
        file.seek(SeekFrom::Start(0))?;
        let total = file.metadata()?.len();
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, read: Arc::clone(&read) };
        let inner = if bgzf::is_block_header(&start[..filled]) {
            Inner::Bgzf { reader: BufReader::with_capacity(1 << 18, counted), ended: false }
        } else if start.starts_with(&[0x1f, 0x8b]) {
            let reader = BufReader::with_capacity(1 << 18, counted);
            Inner::Gzip(Box::new(MultiGzDecoder::new(reader)))
        } else {
            Inner::Plain(counted)
        };
        Ok(Self { path: path.to_owned(), inner, read, total })
    }

    /// Looks for the end of a bgzf file before hours go into its beginning.
    fn checked(mut self) -> Result<Self, ReadError> {
        if let Inner::Bgzf { reader, .. } = &mut self.inner {
            let file = &mut reader.get_mut().file;
            if !ends_with_marker(file, self.total).map_err(|error| ReadError::io(&self.path, error))? {
                return Err(ReadError::truncated(&self.path, "the bgzf block that marks its end is missing"));
            }
        }
        Ok(self)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file that were read so far, and its size.
    pub(crate) fn progress(&self) -> (Arc<AtomicU64>, u64) {
        (Arc::clone(&self.read), self.total)
    }

    /// The next chunk of at least `wanted` bytes unless the file ends; `None` at its end.
    pub(crate) fn next_chunk(&mut self, wanted: usize) -> Result<Option<Chunk>, ReadError> {
        let chunk = match &mut self.inner {
            Inner::Plain(reader) => read_bytes(reader, wanted),
            Inner::Gzip(reader) => read_bytes(reader, wanted),
            Inner::Bgzf { reader, ended } => match read_blocks(reader, wanted, ended) {
                Ok(None) if !*ended => {
                    let what = "the bgzf block that marks its end is missing";
                    return Err(ReadError::truncated(&self.path, what));
                }
                chunk => chunk,
            },
        };
        chunk.map_err(|error| ReadError::io(&self.path, error))
    }
}

fn ends_with_marker(file: &mut File, total: u64) -> io::Result<bool> {
    let mut last = [0; bgzf::END.len()];
    let Some(at) = total.checked_sub(last.len() as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut last)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(bgzf::has_end_marker(&last))
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn read_bytes(reader: &mut impl Read, wanted: usize) -> io::Result<Option<Chunk>> {
    let mut bytes = vec![0; wanted];
    let filled = fill(reader, &mut bytes)?;
    bytes.truncate(filled);
    Ok((filled > 0).then_some(Chunk::Inflated(bytes)))
}

fn read_blocks(reader: &mut impl BufRead, wanted: usize, ended: &mut bool) -> io::Result<Option<Chunk>> {
    let (mut data, mut spans, mut inflated) = (Vec::new(), Vec::new(), 0);
    while inflated < wanted {
        let Some(span) = bgzf::read_block(reader, &mut data)? else { break };
        *ended = span.inflated == 0;
        inflated += span.inflated;
        if span.inflated > 0 {
            spans.push(span);
        }
    }
    Ok((!spans.is_empty()).then_some(Chunk::Blocks { data, spans }))
}

/// A file that counts what was read of it.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn read_all(bytes: &[u8], wanted: usize) -> Result<Vec<u8>, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let mut input = Input::open(&path)?;
        let (mut all, mut piece) = (Vec::new(), Vec::new());
        while let Some(chunk) = input.next_chunk(wanted)? {
            if !chunk.inflate(&mut Decompressor::new(), &mut piece) {
                return Err(ReadError::corrupt(&path, "block"));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn bgzip(content: &[u8]) -> Vec<u8> {
        let mut writer = bgzf::Writer::new(Vec::new());
        writer.write_all(content).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn every_wrapping_gives_the_same_bytes() {
        let content: Vec<u8> = (0..200_000_u32).flat_map(|i| (i % 977).to_le_bytes()).collect();
        let two_members = [gzip(&content[..1000]), gzip(&content[1000..])].concat();
        for bytes in [content.clone(), two_members, bgzip(&content)] {
            for wanted in [1000, 100_000, 10_000_000] {
                assert!(read_all(&bytes, wanted).unwrap() == content);
            }
        }
    }

    #[test]
    fn a_cut_file_is_truncated_and_a_changed_one_corrupt() {
        let content = b"chromosome\t1\n".repeat(20_000);
        for whole in [bgzip(&content), gzip(&content)] {
            for cut in [20, 100, whole.len() - 28, whole.len() - 1] {
                let error = read_all(&whole[..cut], 50_000).unwrap_err();
                assert!(matches!(error, ReadError::Truncated { .. }), "{error}");
            }
            let mut changed = whole.clone();
            let middle = whole.len() / 2;
            changed[middle] ^= 0x55;
            assert!(read_all(&changed, 50_000).is_err());
        }
    }
}
