//! The table of sections at the start of a knowledge file.

use ligate_model::Digest;
use sha2::{Digest as _, Sha256};

use super::SectionName;
use crate::facts::KnowledgeError;

const MAGIC: &[u8; 8] = b"LIGATEKN";
const FORMAT: u32 = 1;
/// Most sections that a table may have.
const MOST_SECTIONS: u32 = 64;

/// One section's place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: SectionName,
    /// From the start of the file.
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) inflated: u64,
    /// SHA-256 of the inflated bytes.
    pub(super) hash: [u8; 32],
}

impl Entry {
    /// A section that has no place yet.
    pub(super) fn of(name: SectionName, bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes).into();
        Self {
            name,
            offset: 0,
            length: 0,
            inflated: bytes.len() as u64,
            hash,
        }
    }
}

/// The digest of a file's contents, whatever their compression.
pub(super) fn digest(entries: &[Entry]) -> Digest {
    let mut text = Vec::new();
    for entry in entries {
        text.extend_from_slice(entry.name.as_str().as_bytes());
        text.push(0);
        text.extend_from_slice(&entry.inflated.to_le_bytes());
        text.extend_from_slice(&entry.hash);
    }
    Digest::of("ligate.knowledge", &text)
}

/// The sections that this format knows, in the file's order.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Entry>, KnowledgeError> {
    let mut rest = bytes
        .strip_prefix(MAGIC)
        .ok_or(KnowledgeError::NotKnowledge)?;
    let format = u32::from_le_bytes(take(&mut rest)?);
    if format != FORMAT {
        return Err(KnowledgeError::Format {
            found: format,
            wanted: FORMAT,
        });
    }
    let count = u32::from_le_bytes(take(&mut rest)?);
    if count > MOST_SECTIONS {
        return Err(KnowledgeError::Damaged("its number of sections"));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let [length] = take(&mut rest)?;
        let (name, after) = rest.split_at_checked(usize::from(length)).ok_or(CUT)?;
        rest = after;
        let [offset, length, inflated] = [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?];
        let hash = take(&mut rest)?;
        let known = SectionName::ALL
            .into_iter()
            .find(|known| known.as_str().as_bytes() == name);
        let Some(name) = known else { continue };
        if entries.iter().any(|entry| entry.name == name) {
            return Err(KnowledgeError::Damaged("a section is there twice"));
        }
        let [offset, length, inflated] = [offset, length, inflated].map(u64::from_le_bytes);
        entries.push(Entry {
            name,
            offset,
            length,
            inflated,
            hash,
        });
    }
    Ok(entries)
}

const CUT: KnowledgeError = KnowledgeError::Damaged("it is cut");

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], KnowledgeError> {
    let (found, after) = rest.split_first_chunk().ok_or(CUT)?;
    *rest = after;
    Ok(*found)
}

/// A file of these sections, in this order.
pub(super) fn write(sections: Vec<(Entry, Vec<u8>)>) -> Vec<u8> {
    let names: usize = sections
        .iter()
        .map(|(entry, _)| entry.name.as_str().len())
        .sum();
    let mut offset = (MAGIC.len() + 8 + names + sections.len() * (1 + 3 * 8 + 32)) as u64;
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&FORMAT.to_le_bytes());
    file.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    for (entry, compressed) in &sections {
        let name = entry.name.as_str().as_bytes();
        file.push(name.len() as u8);
        file.extend_from_slice(name);
        for number in [offset, compressed.len() as u64, entry.inflated] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend_from_slice(&entry.hash);
        offset += compressed.len() as u64;
    }
    for (_, compressed) in sections {
        file.extend_from_slice(&compressed);
    }
    file
}
