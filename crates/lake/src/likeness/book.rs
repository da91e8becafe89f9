//! The book of likenesses of a lake: one file, which is read as a whole and replaced as a whole.
//!
//! A line says the form. A line of JSON has the panels with their variants and numbers of people,
//! and of each dataset the snapshot whose people are all in the book. The people follow, panel by
//! panel: the length of the id in two bytes, the id, the bands in four bytes each, all
//! little-endian. The SHA-256 of everything before is the end. People stay in the book when they
//! leave the datasets.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
};

use ligate_files::Readers;
use ligate_model::{DatasetId, Digest, IndividualId, VariantKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BANDS, Likeness};
use crate::{LakeError, layout};

const FORM: &[u8] = b"ligate likeness 1\n";

/// Bytes of the closing digest.
const DIGEST: u64 = 32;

/// By what the people of a lake are known.
pub struct LikenessBook {
    path: PathBuf,
    pub(super) panels: Vec<Panel>,
    /// Of each dataset the snapshot whose people are in here.
    datasets: BTreeMap<DatasetId, Digest>,
}

/// Variants, and those who are known by them. Somebody whose calls were replaced altogether is in
/// it more than once.
pub(super) struct Panel {
    /// Of the key by which its bands are made and hashed.
    pub key: Digest,
    pub variants: Vec<VariantKey>,
    pub people: Vec<(IndividualId, Likeness)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    datasets: BTreeMap<DatasetId, Digest>,
    panels: Vec<PanelHead>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PanelHead {
    key: Digest,
    variants: Vec<VariantKey>,
    people: usize,
}

impl LikenessBook {
    /// Reads the book of the lake in `datasets`; an empty one where there is none, unless it
    /// `must_exist`.
    pub fn read(datasets: &Path, must_exist: bool) -> Result<Self, LakeError> {
        let path = layout::likeness(datasets);
        let empty = Self {
            path: path.clone(),
            panels: Vec::new(),
            datasets: BTreeMap::new(),
        };
        let read = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {
                return Ok(empty);
            }
            other => other.and_then(read),
        };
        let (panels, datasets) = read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                LakeError::corrupt(&path, error.to_string()).without_likeness()
            }
            _ => LakeError::io(&path, error).without_likeness(),
        })?;
        Ok(Self {
            path,
            panels,
            datasets,
        })
    }

    /// Whether the people of a snapshot are in the book.
    pub fn holds(&self, dataset: &DatasetId, snapshot: Digest) -> bool {
        self.datasets.get(dataset) == Some(&snapshot)
    }

    /// Notes that the people of a dataset's snapshot are in the book.
    pub fn note(&mut self, dataset: &DatasetId, snapshot: Digest) {
        self.datasets.insert(dataset.clone(), snapshot);
    }

    /// Writes the book in one step.
    pub fn write(&self) -> Result<(), LakeError> {
        let written = ligate_files::replace_alone_with(&self.path, Readers::Owner, |out| {
            let mut out = Hashed {
                inner: out,
                hash: Sha256::new(),
            };
            self.write_to(&mut out)?;
            let digest = out.hash.finalize();
            out.inner.write_all(&digest)
        });
        Ok(written?)
    }

    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let panel = |panel: &Panel| PanelHead {
            key: panel.key,
            variants: panel.variants.clone(),
            people: panel.people.len(),
        };
        let head = Head {
            datasets: self.datasets.clone(),
            panels: self.panels.iter().map(panel).collect(),
        };
        out.write_all(FORM)?;
        out.write_all(&serde_json::to_vec(&head)?)?;
        out.write_all(b"\n")?;
        for (individual, likeness) in self.panels.iter().flat_map(|panel| &panel.people) {
            let id = individual.as_str().as_bytes();
            let length = u16::try_from(id.len()).map_err(io::Error::other)?;
            out.write_all(&length.to_le_bytes())?;
            out.write_all(id)?;
            likeness
                .0
                .iter()
                .try_for_each(|band| out.write_all(&band.to_le_bytes()))?;
        }
        Ok(())
    }
}

struct Hashed<'a> {
    inner: &'a mut dyn Write,
    hash: Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

type Contents = (Vec<Panel>, BTreeMap<DatasetId, Digest>);

/// Checks the digest of a book and reads what is before it.
fn read(mut file: File) -> io::Result<Contents> {
    let length = file
        .metadata()?
        .len()
        .checked_sub(DIGEST)
        .ok_or_else(|| damaged("it ends too early"))?;
    let mut hash = Sha256::new();
    io::copy(&mut (&mut file).take(length), &mut hash)?;
    let mut digest = [0; DIGEST as usize];
    file.read_exact(&mut digest)?;
    if digest[..] != hash.finalize()[..] {
        return Err(damaged("its digest is not the one recorded"));
    }
    file.rewind()?;
    parse(BufReader::new(file.take(length)))
}

fn parse(mut book: impl BufRead) -> io::Result<Contents> {
    let mut line = Vec::new();
    book.read_until(b'\n', &mut line)?;
    if line != FORM {
        return Err(damaged("it has another form than this program reads"));
    }
    line.clear();
    book.read_until(b'\n', &mut line)?;
    let head: Head = serde_json::from_slice(&line)?;
    let mut panels = Vec::new();
    for PanelHead {
        key,
        variants,
        people,
    } in head.panels
    {
        let people = (0..people)
            .map(|_| person(&mut book))
            .collect::<io::Result<_>>()?;
        panels.push(Panel {
            key,
            variants,
            people,
        });
    }
    Ok((panels, head.datasets))
}

fn person(book: &mut impl BufRead) -> io::Result<(IndividualId, Likeness)> {
    let mut length = [0; 2];
    book.read_exact(&mut length)?;
    let mut id = vec![0; usize::from(u16::from_le_bytes(length))];
    book.read_exact(&mut id)?;
    let id = String::from_utf8(id)
        .ok()
        .and_then(|id| IndividualId::new(id).ok());
    let id = id.ok_or_else(|| damaged("an individual has no valid id"))?;
    let mut bands = [0; 4 * BANDS];
    book.read_exact(&mut bands)?;
    let mut likeness = Likeness([0; BANDS]);
    for (band, bytes) in likeness.0.iter_mut().zip(bands.as_chunks::<4>().0) {
        *band = u32::from_le_bytes(*bytes);
    }
    Ok((id, likeness))
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
