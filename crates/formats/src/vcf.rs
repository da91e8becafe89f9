//! Variant files: VCF 4.1 to 4.5 and BCF 2.1 and 2.2, plain, gzip or bgzf, told apart by content.
//!
//! [`Source::open`] reads and checks the header, [`read`] the records: worker threads inflate, read
//! and encode chunks, and the results come out in the order of the file. A record that cannot be
//! used is skipped and reported; a file that is cut or corrupt is an error. Sites of several
//! alternate alleles become one [`Variant`] for each, trimmed, and left-aligned where a
//! [`Reference`] is given. `*`, `<*>` and `<NON_REF>` get none: they say that an allele is
//! something else, and its haplotypes simply have no bit.

mod assembly;
mod bcf;
mod definition;
mod encoder;
mod format;
mod framing;
mod genotype;
mod header;
mod header_lines;
mod info;
mod meta;
mod normalise;
mod order;
mod pipeline;
mod record;
mod site;
mod source;
mod tokenise;

use std::{ops::Range, sync::atomic::AtomicBool};

use ligate_genotypes::AlleleCounts;
use ligate_model::VariantKey;

use crate::{Problems, ReadFailure, Reference};

pub use source::Source;

/// How to read.
pub struct ReadOptions<'a> {
    /// Alleles are compared with it and left-aligned.
    pub reference: Option<&'a Reference>,
    /// Sample blocks: each becomes one row for each variant.
    pub blocks: Vec<Range<usize>>,
    /// Worker threads; at least one works.
    pub threads: usize,
    /// Set to end the reading early.
    pub stop: &'a AtomicBool,
    /// Called after each chunk.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// How much of a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file as it is on disk.
    pub bytes: u64,
    pub total: u64,
}

/// One alternate allele of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    pub key: VariantKey,
    /// The ID column.
    pub id: Option<Box<str>>,
    /// Which alternate allele of the record this is, from 1.
    pub alternate_index: u16,
    /// Alternate alleles of the record.
    pub alternates: u16,
    /// `POS:REF:ALT[,ALT]` of the record where it says it differently from the key.
    pub record: Option<Box<str>>,
    /// Line of the record, from 1; its number in BCF.
    pub line: u64,
}

/// Variants in the order of the file, with their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariantBatch {
    pub variants: Vec<Variant>,
    /// One for each of the blocks of [`ReadOptions`].
    pub blocks: Vec<BlockRows>,
}

/// The rows of one sample block, one for each variant of the batch.
#[derive(Clone, PartialEq, Eq)]
pub struct BlockRows {
    /// Where each row starts in `bytes`, and at last where the last one ends.
    pub offsets: Vec<u32>,
    pub bytes: Vec<u8>,
    pub counts: Vec<AlleleCounts>,
}

impl BlockRows {
    /// The encoded row of one variant of the batch.
    pub fn row(&self, variant: usize) -> Option<&[u8]> {
        let (start, end) = (*self.offsets.get(variant)?, *self.offsets.get(variant + 1)?);
        self.bytes.get(start as usize..end as usize)
    }
}

impl Default for BlockRows {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            bytes: Vec::new(),
            counts: Vec::new(),
        }
    }
}

/// Genotypes are personal data: only the size is shown.
impl std::fmt::Debug for BlockRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockRows")
            .field("rows", &self.counts.len())
            .finish_non_exhaustive()
    }
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct ReadReport {
    /// Records of the file, skipped ones included.
    pub records: u64,
    /// Variants handed out.
    pub variants: u64,
    pub skipped: u64,
    /// Those of the header first.
    pub problems: Problems,
}

/// Reads all records, in the order of the file, and hands them to `sink` in batches. Bad records
/// are skipped and reported; a corrupt or cut file is an error.
///
/// # Panics
/// If a block of `options` reaches beyond the samples: that is the caller's mistake.
pub fn read<E>(
    source: Source,
    options: &ReadOptions<'_>,
    sink: &mut dyn FnMut(VariantBatch) -> Result<(), E>,
) -> Result<ReadReport, ReadFailure<E>> {
    pipeline::run(source, options, sink)
}
