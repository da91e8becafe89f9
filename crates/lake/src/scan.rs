//! Reading the packed rows of wanted keys from all blocks at once.
//!
//! Row groups and pages without a wanted position are not read. Rows are copied out of the
//! decompressed pages one by one, so memory is bounded by the batch, however far apart its keys
//! lie.

mod cursor;
mod kept;
mod rows;

use std::{ops::Range, path::PathBuf};

use ligate_genotypes::{Batch, Row};
use ligate_model::VariantKey;

use crate::{LakeError, layout::SnapshotFolder, partition::Partition};
use cursor::Cursor;
pub use kept::KeptSites;
pub use rows::BlockRows;

/// Most keys of a batch.
const BATCH_KEYS_MAX: usize = 4096;
/// Most bytes of a batch's rows in their largest usual form.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Visits `keys`, which ascend, in batches with the rows of all blocks of a snapshot's folder.
pub fn scan_keys(
    folder: &SnapshotFolder,
    blocks: &[Range<usize>],
    keys: &[VariantKey],
    visit: &mut dyn FnMut(&Batch<'_>),
) -> Result<(), LakeError> {
    let mut scan = Scan::new(folder, blocks);
    let mut start = 0;
    for part in keys.chunk_by(|a, b| Partition::of(&a.contig) == Partition::of(&b.contig)) {
        let Some(first) = part.first() else { continue };
        scan.open(Partition::of(&first.contig), part)?;
        for chunk in part.chunks(scan.batch_keys()) {
            scan.read(chunk, start, visit)?;
            start += chunk.len();
        }
    }
    Ok(())
}

/// A scan over the blocks of a snapshot, part by part.
pub struct Scan<'s> {
    folder: &'s SnapshotFolder,
    blocks: &'s [Range<usize>],
    partition: Option<Partition>,
    /// Of each block the rows that its files list, and those that are kept; `None` where there are
    /// none in the part.
    cursors: Vec<[Option<Cursor>; 2]>,
    rows: Vec<PackedRows>,
}

/// Copies of the wanted rows of one block.
#[derive(Default)]
pub struct PackedRows {
    bytes: Vec<u8>,
    places: Vec<Option<Range<usize>>>,
}

impl PackedRows {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    pub fn push(&mut self, row: Option<&[u8]>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row.unwrap_or_default());
        self.places.push(row.map(|_| start..self.bytes.len()));
    }
}

impl<'s> Scan<'s> {
    pub fn new(folder: &'s SnapshotFolder, blocks: &'s [Range<usize>]) -> Self {
        let rows = blocks.iter().map(|_| PackedRows::default()).collect();
        Self {
            folder,
            blocks,
            partition: None,
            cursors: Vec::new(),
            rows,
        }
    }

    /// Most keys of one `read`.
    pub fn batch_keys(&self) -> usize {
        let individuals = self.blocks.last().map_or(0, |block| block.end);
        (BATCH_BYTES_MAX / (individuals / 4 + 1)).clamp(1, BATCH_KEYS_MAX)
    }

    /// Goes to the start of a part of which `keys` will be read.
    pub fn open(&mut self, partition: Partition, keys: &[VariantKey]) -> Result<(), LakeError> {
        let positions: Vec<u32> = keys.iter().map(|key| key.position.get()).collect();
        self.open_at(
            partition,
            (!partition.mixes_contigs()).then_some(&positions),
        )
    }

    /// Goes to the start of a part of which all keys will be read.
    pub fn open_whole(&mut self, partition: Partition) -> Result<(), LakeError> {
        self.open_at(partition, None)
    }

    fn open_at(
        &mut self,
        partition: Partition,
        positions: Option<&Vec<u32>>,
    ) -> Result<(), LakeError> {
        self.partition = Some(partition);
        self.cursors.clear();
        for block in 0..self.blocks.len() {
            let open = |path: PathBuf| {
                let exists = path.exists();
                exists
                    .then(|| Cursor::open(&path, positions.map(Vec::as_slice)))
                    .transpose()
            };
            let listed = open(self.folder.genotypes(block, partition))?;
            self.cursors
                .push([listed, open(self.folder.kept(block, partition))?]);
        }
        Ok(())
    }

    /// Visits one batch: keys of the open part that follow those read before.
    pub fn read(
        &mut self,
        keys: &[VariantKey],
        first_index: usize,
        visit: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<(), LakeError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mixed = self.partition.is_some_and(Partition::mixes_contigs);
        for (cursors, rows) in self.cursors.iter_mut().zip(&mut self.rows) {
            rows.clear();
            for key in keys {
                let contig = mixed.then(|| key.contig.to_string());
                let mut found = None;
                for cursor in cursors.iter_mut().flatten() {
                    if found.is_none() {
                        found = cursor.find(key, contig.as_deref())?;
                    }
                }
                rows.push(found);
            }
        }
        let indices = (first_index..first_index + keys.len()).collect();
        visit(&Batch {
            indices,
            blocks: self.parse()?,
        });
        Ok(())
    }

    fn parse(&self) -> Result<Vec<Vec<Option<Row<'_>>>>, LakeError> {
        self.rows
            .iter()
            .enumerate()
            .map(|(block, rows)| self.parse_block(block, rows))
            .collect()
    }

    fn parse_block<'r>(
        &self,
        block: usize,
        rows: &'r PackedRows,
    ) -> Result<Vec<Option<Row<'r>>>, LakeError> {
        let individuals = self.blocks[block].len();
        let parse = |place: &Option<Range<usize>>| {
            let bytes = place.as_ref().map(|place| &rows.bytes[place.clone()]);
            bytes
                .map(|bytes| Row::parse(bytes, individuals))
                .transpose()
        };
        let parsed: Result<Vec<_>, _> = rows.places.iter().map(parse).collect();
        parsed.map_err(|error| {
            let path = self
                .partition
                .map(|partition| self.folder.genotypes(block, partition));
            LakeError::corrupt(&path.unwrap_or_default(), error.to_string())
        })
    }
}
