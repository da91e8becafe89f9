//! Reading the packed rows of wanted keys from all blocks at once.
//!
//! Row groups and pages without a wanted position are not read. Rows are copied out of the decompressed pages one by
//! one, so memory is bounded by the batch, however far apart its keys lie.

mod cursor;

use std::{ops::Range, thread};

use ligate_genotypes::{Batch, CorruptRow, Row};
use ligate_model::VariantKey;

use crate::{LakeError, layout::SnapshotFolder, partition::Partition};
use cursor::Cursor;

/// Most keys of a batch.
const BATCH_KEYS_MAX: usize = 4096;
/// Most bytes of a batch's rows in their largest usual form.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// A scan over the blocks of a snapshot, part by part.
pub struct Scan<'s> {
    folder: &'s SnapshotFolder,
    blocks: &'s [Range<usize>],
    partition: Option<Partition>,
    /// `None` for a block that has nothing in the part.
    cursors: Vec<Option<Cursor>>,
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

    /// Replaces the copies by those of `keys`.
    fn read(
        &mut self,
        cursor: Option<&mut Cursor>,
        keys: &[VariantKey],
        mixed: bool,
    ) -> Result<(), LakeError> {
        self.clear();
        match cursor {
            Some(cursor) => cursor.read(keys, mixed, self),
            None => {
                keys.iter().for_each(|_| self.push(None));
                Ok(())
            }
        }
    }

    fn parse(&self, individuals: usize) -> Result<Vec<Option<Row<'_>>>, CorruptRow> {
        let bytes = |place: &Range<usize>| &self.bytes[place.clone()];
        let parse = |place: &Option<Range<usize>>| {
            place.as_ref().map(|place| Row::parse(bytes(place), individuals)).transpose()
        };
        self.places.iter().map(parse).collect()
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
        Self { folder, blocks, partition: None, cursors: Vec::new(), rows }
    }

    /// Most keys of one `read`.
    pub fn batch_keys(&self) -> usize {
        let individuals = self.blocks.last().map_or(0, |block| block.end);
        (BATCH_BYTES_MAX / (individuals / 4 + 1)).clamp(1, BATCH_KEYS_MAX)
    }

    /// Goes to the start of a part of which `keys` will be read.
    pub fn open(&mut self, partition: Partition, keys: &[VariantKey]) -> Result<(), LakeError> {
        let positions: Vec<u32> = keys.iter().map(|key| key.position.get()).collect();
        self.open_at(partition, (!partition.mixes_contigs()).then_some(&positions))
    }

    /// Goes to the start of a part of which all keys will be read.
    pub fn open_whole(&mut self, partition: Partition) -> Result<(), LakeError> {
        self.open_at(partition, None)
    }

    fn open_at(&mut self, partition: Partition, positions: Option<&Vec<u32>>) -> Result<(), LakeError> {
        self.partition = Some(partition);
        self.cursors.clear();
        for block in 0..self.blocks.len() {
            let path = self.folder.genotypes(block, partition);
            let exists = path.exists();
            let cursor = exists.then(|| Cursor::open(&path, positions.map(Vec::as_slice))).transpose()?;
            self.cursors.push(cursor);
        }
        Ok(())
    }

    /// Visits one batch: keys of the open part that follow those read before. Blocks are read by several threads.
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
        let (folder, partition) = (self.folder, self.partition);
        let blocks = self.blocks.iter().zip(&mut self.cursors).zip(&mut self.rows).enumerate();
        let blocks = blocks.map(|(number, ((block, cursor), rows))| BlockReading {
            number,
            individuals: block.len(),
            cursor: cursor.as_mut(),
            rows,
        });
        let blocks = on_threads(blocks.collect(), &|block| block.read(keys, mixed, folder, partition))?;
        let indices = (first_index..first_index + keys.len()).collect();
        visit(&Batch { indices, blocks });
        Ok(())
    }
}

/// One block's part of a batch.
struct BlockReading<'r> {
    number: usize,
    individuals: usize,
    cursor: Option<&'r mut Cursor>,
    rows: &'r mut PackedRows,
}

impl<'r> BlockReading<'r> {
    fn read(
        self,
        keys: &[VariantKey],
        mixed: bool,
        folder: &SnapshotFolder,
        partition: Option<Partition>,
    ) -> Result<Vec<Option<Row<'r>>>, LakeError> {
        self.rows.read(self.cursor, keys, mixed)?;
        let rows: &'r PackedRows = self.rows;
        rows.parse(self.individuals).map_err(|error| {
            let path = partition.map(|partition| folder.genotypes(self.number, partition));
            LakeError::corrupt(&path.unwrap_or_default(), error.to_string())
        })
    }
}

/// Most threads of one scan: the storage is the limit soon.
const THREADS_MAX: usize = 8;

/// The results for all items, in their order, worked out on as many threads as there are cores.
fn on_threads<I: Send, T: Send>(
    items: Vec<I>,
    work: &(dyn Fn(I) -> Result<T, LakeError> + Sync),
) -> Result<Vec<T>, LakeError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if cores == 1 || items.len() <= 1 {
        return items.into_iter().map(work).collect();
    }
    // Blocks differ in size: with more threads than cores the last one is not waited for alone.
    let threads = items.len().min(2 * cores).min(THREADS_MAX);
    let share = items.len().div_ceil(threads);
    let mut items = items.into_iter();
    let shares: Vec<Vec<I>> = (0..threads).map(|_| items.by_ref().take(share).collect()).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(work).collect::<Result<Vec<T>, _>>()))
            .collect();
        let mut results = Vec::new();
        for thread in threads {
            results.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(results)
    })
}
