//! The bytes of a file, whatever they are wrapped in: plain, gzip, bgzf or zstd, told apart by
//! content. Every file that this crate reads comes through here. Hands out chunks of bounded size,
//! so that worker threads can inflate bgzf chunks in parallel, or one byte after another; refuses
//! files that were cut.

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

/// Inflated bytes of a chunk, about: large enough that a chunk's fixed costs vanish, small enough
/// that threads share a file of a few megabytes.
pub(crate) const CHUNK: usize = 2 << 20;

/// What some programs put before a text.
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(crate) const CORRUPT_BLOCK: &str = "a compressed block or its checksum is wrong";

/// An opened file and how far it was read.
pub struct Input {
    path: PathBuf,
    inner: Inner,
    /// What went wrong after the last chunk: what came before it is handed out first.
    fault: Option<io::Error>,
    read: Arc<AtomicU64>,
    total: u64,
}

enum Inner {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Counted>>>),
    Bgzf {
        reader: BufReader<Counted>,
        ended: bool,
    },
}

/// A piece of the file: inflated already, or blocks still to be inflated.
pub(crate) enum Chunk {
    Inflated(Vec<u8>),
    Blocks {
        data: Vec<u8>,
        spans: Vec<bgzf::Span>,
    },
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
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::open_inner(path)
            .map_err(|error| ReadError::io(path, error))?
            .checked()
    }

    fn open_inner(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut start = [0; 64];
        let filled = fill(&mut file, &mut start)?;
        file.seek(SeekFrom::Start(0))?;
        let total = file.metadata()?.len();
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            file,
            read: Arc::clone(&read),
        };
        let inner = if bgzf::is_block_header(&start[..filled]) {
            Inner::Bgzf {
                reader: BufReader::with_capacity(1 << 18, counted),
                ended: false,
            }
        } else if start.starts_with(&[0x1f, 0x8b]) {
            let reader = BufReader::with_capacity(1 << 18, counted);
            Inner::Gzip(Box::new(MultiGzDecoder::new(reader)))
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let reader = BufReader::with_capacity(1 << 18, counted);
            Inner::Zstd(Box::new(zstd::Decoder::with_buffer(reader)?))
        } else {
            Inner::Plain(counted)
        };
        Ok(Self {
            path: path.to_owned(),
            inner,
            fault: None,
            read,
            total,
        })
    }

    /// Looks for the end of a bgzf file before hours go into its beginning.
    fn checked(mut self) -> Result<Self, ReadError> {
        if let Inner::Bgzf { reader, .. } = &mut self.inner {
            let file = &mut reader.get_mut().file;
            if !ends_with_marker(file, self.total)
                .map_err(|error| ReadError::io(&self.path, error))?
            {
                return Err(ReadError::truncated(
                    &self.path,
                    "the bgzf block that marks its end is missing",
                ));
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
        if let Some(fault) = self.fault.take() {
            return Err(ReadError::io(&self.path, fault));
        }
        let chunk = match &mut self.inner {
            Inner::Plain(reader) => read_bytes(reader, wanted, &mut self.fault),
            Inner::Gzip(reader) => read_bytes(reader, wanted, &mut self.fault),
            Inner::Zstd(reader) => {
                let chunk = read_bytes(reader, wanted, &mut self.fault);
                self.fault = self.fault.take().map(corrupt_frame);
                chunk.map_err(corrupt_frame)
            }
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

/// What zstd finds wrong with a frame has no kind of its own.
fn corrupt_frame(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, error),
        _ => error,
    }
}

/// The bytes of a text file one after another, without the byte order mark. What goes wrong is a
/// [`ReadError`] within the I/O error, which [`ReadError::io`] takes out again.
pub struct TextReader {
    input: Input,
    decompressor: Decompressor,
    chunk: Vec<u8>,
    /// How far `chunk` was handed out.
    at: usize,
    begun: bool,
}

impl Input {
    /// The bytes as those of a text.
    pub fn into_text(self) -> TextReader {
        let decompressor = Decompressor::new();
        TextReader {
            input: self,
            decompressor,
            chunk: Vec::new(),
            at: 0,
            begun: false,
        }
    }
}

impl TextReader {
    fn next_chunk(&mut self) -> Result<(), ReadError> {
        self.chunk.clear();
        self.at = 0;
        let Some(chunk) = self.input.next_chunk(CHUNK)? else {
            return Ok(());
        };
        if !chunk.inflate(&mut self.decompressor, &mut self.chunk) {
            return Err(ReadError::corrupt(self.input.path(), CORRUPT_BLOCK));
        }
        if !self.begun && self.chunk.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        self.begun = true;
        Ok(())
    }
}

impl BufRead for TextReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.chunk.len() {
            self.next_chunk().map_err(io::Error::other)?;
        }
        Ok(self.chunk.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for TextReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

fn ends_with_marker(file: &mut File, total: u64) -> io::Result<bool> {
    let mut last = [0; bgzf::END.len()];
    let Some(at) = total.checked_sub(last.len() as u64) else {
        return Ok(false);
    };
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

fn read_bytes(
    reader: &mut impl Read,
    wanted: usize,
    fault: &mut Option<io::Error>,
) -> io::Result<Option<Chunk>> {
    let mut bytes = Vec::with_capacity(wanted);
    let read = reader.take(wanted as u64).read_to_end(&mut bytes);
    match read {
        Err(error) if bytes.is_empty() => return Err(error),
        Err(error) => *fault = Some(error),
        Ok(_) => {}
    }
    Ok((!bytes.is_empty()).then_some(Chunk::Inflated(bytes)))
}

fn read_blocks(
    reader: &mut impl BufRead,
    wanted: usize,
    ended: &mut bool,
) -> io::Result<Option<Chunk>> {
    let (mut data, mut spans, mut inflated) = (Vec::new(), Vec::new(), 0);
    while inflated < wanted {
        let Some(span) = bgzf::read_block(reader, &mut data)? else {
            break;
        };
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

    fn zstd(content: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
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
        let content: Vec<u8> = (0..200_000_u32)
            .flat_map(|i| (i % 977).to_le_bytes())
            .collect();
        let two_members = [gzip(&content[..1000]), gzip(&content[1000..])].concat();
        let two_frames = [zstd(&content[..1000]), zstd(&content[1000..])].concat();
        for bytes in [content.clone(), two_members, two_frames, bgzip(&content)] {
            for wanted in [1000, 100_000, 10_000_000] {
                assert!(read_all(&bytes, wanted).unwrap() == content);
            }
        }
    }

    #[test]
    fn a_text_is_read_without_its_byte_order_mark() {
        let text: String = (0..200_000)
            .map(|number| format!("line {number}\n"))
            .collect();
        let marked = format!("\u{feff}{text}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        for bytes in [
            marked.clone().into_bytes(),
            gzip(marked.as_bytes()),
            zstd(marked.as_bytes()),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let mut read = String::new();
            Input::open(&path)
                .unwrap()
                .into_text()
                .read_to_string(&mut read)
                .unwrap();
            assert!(read == text);
        }
        let whole = gzip(marked.as_bytes());
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let cut = Input::open(&path)
            .unwrap()
            .into_text()
            .read_to_end(&mut Vec::new())
            .unwrap_err();
        assert!(matches!(
            ReadError::io(&path, cut),
            ReadError::Truncated { .. }
        ));
    }

    #[test]
    fn a_cut_file_is_truncated_and_a_changed_one_corrupt() {
        let content = b"chromosome\t1\n".repeat(20_000);
        for whole in [bgzip(&content), gzip(&content), zstd(&content)] {
            let cuts = [20, whole.len() / 2, whole.len() - 28, whole.len() - 1];
            for cut in cuts.into_iter().filter(|cut| *cut < whole.len()) {
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
