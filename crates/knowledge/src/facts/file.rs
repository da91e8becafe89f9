//! The knowledge file: a table of named sections, each compressed and hashed by itself, so that a
//! run inflates only what it needs. The genome's sections hold bytes that the genome part gives
//! meaning to.
//!
//! Layout, integers little-endian: the magic, format (u32), number of sections (u32); for each
//! section its name (one byte of length, then ASCII), offset from the file's start (u64), length
//! (u64), length inflated (u64), SHA-256 of the inflated bytes; then the sections as zstd frames.

mod table;

use std::io::{self, Read};

use ligate_model::Digest;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use self::table::Entry;
use super::{
    Knowledge, KnowledgeError, KnowledgeVersion, SourceVersions, stored_diseases::StoredDiseases,
    stored_genes::StoredGenes,
};
use crate::ontology::{Ontology, StoredNames, StoredOntology};

/// zstd's level: building takes a second, the file comes with the program.
const LEVEL: i32 = 19;
/// Largest window that a frame may ask for, as a power of two: what `LEVEL` writes.
const WINDOW_LOG: u32 = 23;
/// Bytes that a section may inflate to, whatever its length.
const FREE_LENGTH: u64 = 1 << 20;
/// Times that a section may inflate beyond that: the best of ours has 20.
const LARGEST_RATIO: u64 = 200;

/// The sections of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionName {
    /// Releases of the sources.
    Versions,
    Ontology,
    /// Names and synonyms of terms.
    Words,
    Diseases,
    Genes,
    /// Gene models.
    Structures,
    /// Alleles that a sites file lists.
    Sites,
    /// Chains between assemblies.
    Chains,
    ClinVar,
}

impl SectionName {
    /// All, in the order of the file: what every run reads comes first.
    pub const ALL: [Self; 9] = [
        Self::Versions,
        Self::Ontology,
        Self::Words,
        Self::Diseases,
        Self::Genes,
        Self::Structures,
        Self::Sites,
        Self::Chains,
        Self::ClinVar,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Ontology => "ontology",
            Self::Words => "words",
            Self::Diseases => "diseases",
            Self::Genes => "genes",
            Self::Structures => "structures",
            Self::Sites => "sites",
            Self::Chains => "chains",
            Self::ClinVar => "clinvar",
        }
    }

    /// Whether the genome part gives its bytes a meaning.
    pub const fn is_genome(self) -> bool {
        matches!(
            self,
            Self::Structures | Self::Sites | Self::Chains | Self::ClinVar
        )
    }
}

/// An opened knowledge file. Sections are inflated and checked when they are asked for.
#[derive(Clone, Debug)]
pub struct KnowledgeFile<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

impl<'a> KnowledgeFile<'a> {
    /// Reads the table of sections. Sections with names that this format does not have are left
    /// out.
    pub fn open(bytes: &'a [u8]) -> Result<Self, KnowledgeError> {
        Ok(Self {
            bytes,
            entries: table::read(bytes)?,
        })
    }

    /// The digest of the contents, as the table states it.
    pub fn digest(&self) -> Digest {
        table::digest(&self.entries)
    }

    /// The sections that are there.
    pub fn sections(&self) -> impl Iterator<Item = SectionName> + '_ {
        self.entries.iter().map(|entry| entry.name)
    }

    /// A section's bytes, inflated; `None` where the file does not have it.
    pub fn section(&self, name: SectionName) -> Result<Option<Vec<u8>>, KnowledgeError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let end = entry
            .offset
            .checked_add(entry.length)
            .and_then(|end| usize::try_from(end).ok());
        let start = usize::try_from(entry.offset).unwrap_or(usize::MAX);
        let compressed = end.and_then(|end| self.bytes.get(start..end));
        let bytes = inflate(
            compressed.ok_or(KnowledgeError::Damaged("it is cut"))?,
            entry.inflated,
        )?;
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != entry.hash {
            return Err(KnowledgeError::Damaged("a section's hash is wrong"));
        }
        Ok(Some(bytes))
    }

    /// Releases of the sources and the digest, without reading the facts.
    pub fn version(&self) -> Result<KnowledgeVersion, KnowledgeError> {
        let sources: SourceVersions = self.stored(SectionName::Versions)?;
        Ok(KnowledgeVersion {
            sources,
            digest: self.digest(),
        })
    }

    /// The ontology alone.
    pub fn ontology(&self) -> Result<Ontology, KnowledgeError> {
        let graph: StoredOntology = self.stored(SectionName::Ontology)?;
        let names: StoredNames = self.stored(SectionName::Words)?;
        Ok(Ontology::restore(graph, names)?)
    }

    /// Everything but the genome sections.
    pub fn knowledge(&self) -> Result<Knowledge, KnowledgeError> {
        let version = self.version()?;
        let ontology = self.ontology()?;
        let stored: StoredGenes = self.stored(SectionName::Genes)?;
        let (mut genes, names) = stored.restore().ok_or(KnowledgeError::Damaged("genes"))?;
        let stored: StoredDiseases = self.stored(SectionName::Diseases)?;
        let diseases = stored
            .restore(ontology.len(), &mut genes)
            .ok_or(KnowledgeError::Damaged("diseases"))?;
        Ok(Knowledge::assemble(
            version, ontology, diseases, genes, names,
        ))
    }

    fn stored<T: DeserializeOwned>(&self, name: SectionName) -> Result<T, KnowledgeError> {
        let bytes = self
            .section(name)?
            .ok_or(KnowledgeError::NoSection(name.as_str()))?;
        let (value, rest) = postcard::take_from_bytes(&bytes)
            .map_err(|_| KnowledgeError::Damaged("a section's contents"))?;
        if rest.is_empty() {
            Ok(value)
        } else {
            Err(KnowledgeError::Damaged("a section's end"))
        }
    }
}

/// Inflates at most what the table states, which must be a length that these bytes can have.
fn inflate(compressed: &[u8], length: u64) -> Result<Vec<u8>, KnowledgeError> {
    let damaged = |_: io::Error| KnowledgeError::Damaged("a section's compressed bytes");
    if length > FREE_LENGTH + LARGEST_RATIO * compressed.len() as u64 {
        return Err(KnowledgeError::Damaged("a section's length"));
    }
    let mut decoder = zstd::stream::Decoder::with_buffer(compressed).map_err(damaged)?;
    decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut bytes = Vec::with_capacity(length as usize);
    decoder
        .take(length + 1)
        .read_to_end(&mut bytes)
        .map_err(damaged)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(KnowledgeError::Damaged("a section's length"))
    }
}

/// A knowledge file on its way.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    versions: SourceVersions,
    sections: Vec<(SectionName, Vec<u8>)>,
}

impl Builder {
    /// The sections of this knowledge; none of the genome.
    pub fn of(knowledge: &Knowledge) -> Result<Self, KnowledgeError> {
        let (graph, names) = knowledge.ontology.stored();
        let diseases = StoredDiseases::of(&knowledge.diseases);
        let genes = StoredGenes::of(&knowledge.genes, &knowledge.gene_names);
        let versions = SourceVersions {
            genome: Default::default(),
            ..knowledge.version.sources.clone()
        };
        let sections = vec![
            (SectionName::Ontology, bytes_of(&graph)?),
            (SectionName::Words, bytes_of(&names)?),
            (SectionName::Diseases, bytes_of(&diseases)?),
            (SectionName::Genes, bytes_of(&genes)?),
        ];
        Ok(Self { versions, sections })
    }

    /// Adds or replaces a section of the genome; `source` says what it was made of. The other
    /// sections are this crate's own and stay as they are.
    #[must_use]
    pub fn section(mut self, name: SectionName, source: &str, bytes: Vec<u8>) -> Self {
        if name.is_genome() {
            self.versions
                .genome
                .insert(name.as_str().to_owned(), source.to_owned());
            self.sections.retain(|(found, _)| *found != name);
            self.sections.push((name, bytes));
        }
        self
    }

    /// Takes the genome's sections over that this one lacks.
    pub fn genome_of(mut self, file: &KnowledgeFile<'_>) -> Result<Self, KnowledgeError> {
        let versions = file.version()?;
        let own: Vec<SectionName> = self.sections.iter().map(|(name, _)| *name).collect();
        for name in file
            .sections()
            .filter(|name| name.is_genome() && !own.contains(name))
        {
            let source = versions
                .genome
                .get(name.as_str())
                .cloned()
                .unwrap_or_default();
            if let Some(bytes) = file.section(name)? {
                self = self.section(name, &source, bytes);
            }
        }
        Ok(self)
    }

    /// The digest that the file will have.
    pub fn digest(&self) -> Result<Digest, KnowledgeError> {
        let entries: Vec<Entry> = self
            .ordered()?
            .iter()
            .map(|(name, bytes)| Entry::of(*name, bytes))
            .collect();
        Ok(table::digest(&entries))
    }

    /// The file.
    pub fn finish(&self) -> Result<Vec<u8>, KnowledgeError> {
        let mut sections = Vec::new();
        for (name, bytes) in self.ordered()? {
            let compressed = compress(&bytes).map_err(KnowledgeError::Writing)?;
            sections.push((Entry::of(name, &bytes), compressed));
        }
        Ok(table::write(sections))
    }

    fn ordered(&self) -> Result<Vec<(SectionName, Vec<u8>)>, KnowledgeError> {
        let mut sections = self.sections.clone();
        sections.push((SectionName::Versions, bytes_of(&self.versions)?));
        sections.sort_by_key(|(name, _)| *name);
        Ok(sections)
    }
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.window_log(WINDOW_LOG)?;
    compressor.compress(bytes)
}

pub(super) fn bytes_of(value: &impl Serialize) -> Result<Vec<u8>, KnowledgeError> {
    postcard::to_stdvec(value).map_err(|error| KnowledgeError::Writing(io::Error::other(error)))
}

impl Knowledge {
    /// A file of everything but the genome.
    pub fn encode(&self) -> Result<Vec<u8>, KnowledgeError> {
        Builder::of(self)?.finish()
    }

    /// Reads a file; the genome's sections are left alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, KnowledgeError> {
        KnowledgeFile::open(bytes)?.knowledge()
    }
}

#[cfg(test)]
mod tests;
