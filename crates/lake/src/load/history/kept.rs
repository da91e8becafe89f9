//! Calls that a load keeps although its files do not list their variants any more.
//!
//! Files of called sites list what somebody carries. When the only carrier leaves, the variant
//! leaves the files, and a study that lacked it would name that person's variants. So who stays
//! keeps the call that he had, wherever nobody who stays carries the allele: that is what such a
//! file says by its silence, and what the files before said aloud. A variant that somebody who
//! stays did carry is gone; nothing is made up for it.
//!
//! Whoever is new in the block has the reference there, too, as long as the files lack little of
//! what people who stay carry. Where they lack more of a chromosome than they would by carriers who
//! left ([`Tally::is_listed_anew`]), they list other variants altogether, and their silence says
//! nothing: then who is new has no call, in this load and in later ones.

use std::path::Path;

use ligate_genotypes::Row;
use ligate_model::VariantKey;

use super::{
    bad_row,
    people::{Block, Unlisted},
};
use crate::{
    LakeError,
    layout::SnapshotFolder,
    partition::Partition,
    scan::BlockRows,
    tables::{GenotypeColumn, Geometry, KeyColumns, TableFile, genotype_schema},
};

/// Variants of one chromosome in the snapshot before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Its files listed them.
    pub listed: u64,
    /// Of those: the new files do not, and nobody who stays carries them.
    pub newly_kept: u64,
    /// Of those: the new files do not, and somebody who stays carries them.
    pub gone: u64,
    /// Kept by this load, from whichever files.
    pub kept: u64,
}

impl Tally {
    /// Whether the new files list other variants altogether: more than one in ten are gone that
    /// somebody who stays carries, and they are more than what carriers who left can have taken
    /// along.
    pub fn is_listed_anew(&self) -> bool {
        self.gone.saturating_mul(10) > self.listed && self.gone > self.newly_kept
    }
}

/// The kept calls of one chromosome, by block of the new snapshot.
pub struct KeptCalls<'a> {
    folder: &'a SnapshotFolder,
    partition: Partition,
    geometry: &'a Geometry,
    blocks: Vec<Option<BlockWriter>>,
}

struct BlockWriter {
    table: TableFile,
    keys: KeyColumns,
    rows: GenotypeColumn,
    pending: usize,
}

impl<'a> KeptCalls<'a> {
    pub fn new(folder: &'a SnapshotFolder, partition: Partition, geometry: &'a Geometry) -> Self {
        let blocks = geometry.blocks().iter().map(|_| None).collect();
        Self {
            folder,
            partition,
            geometry,
            blocks,
        }
    }

    /// Adds a variant's row to a block; keys ascend.
    pub fn push(&mut self, block: usize, key: &VariantKey, row: &[u8]) -> Result<(), LakeError> {
        let writer = match &mut self.blocks[block] {
            Some(writer) => writer,
            none => {
                ligate_files::make_folder(&self.folder.kept_folder(block))?;
                let path = self.folder.kept(block, self.partition);
                none.insert(BlockWriter::create(&path, self.geometry, block)?)
            }
        };
        writer.push(key, row)?;
        if writer.pending == self.geometry.batch_rows() {
            writer.write()
        } else {
            Ok(())
        }
    }

    /// Ends the tables. With `uncalled`, who is new in a block has no call in any of them. Gives
    /// the paths within the folder.
    pub fn finish(self, people: &[Block], uncalled: bool) -> Result<Vec<String>, LakeError> {
        let mut paths = Vec::new();
        for (block, writer) in self.blocks.into_iter().enumerate() {
            let Some(writer) = writer else { continue };
            writer.close()?;
            if uncalled && people[block].others().next().is_some() {
                without_calls_of_newcomers(
                    self.folder,
                    (block, self.partition),
                    self.geometry,
                    &people[block],
                )?;
            }
            paths.push(SnapshotFolder::kept_name(block, self.partition));
        }
        Ok(paths)
    }
}

impl BlockWriter {
    fn create(path: &Path, geometry: &Geometry, block: usize) -> Result<Self, LakeError> {
        Ok(Self {
            table: TableFile::create(path, genotype_schema(), geometry.genotype_properties(block))?,
            keys: KeyColumns::default(),
            rows: GenotypeColumn::default(),
            pending: 0,
        })
    }

    fn push(&mut self, key: &VariantKey, row: &[u8]) -> Result<(), LakeError> {
        self.keys.push(key);
        self.rows.push(row);
        self.pending += 1;
        Ok(())
    }

    fn write(&mut self) -> Result<(), LakeError> {
        self.pending = 0;
        self.table.write_columns(
            genotype_schema(),
            [self.keys.finish(), vec![self.rows.finish()]].concat(),
        )
    }

    fn close(mut self) -> Result<(), LakeError> {
        if self.pending > 0 {
            self.write()?;
        }
        self.table.close()
    }
}

/// Writes the kept calls of a block once more, with none of those who are new in it.
fn without_calls_of_newcomers(
    folder: &SnapshotFolder,
    (block, partition): (usize, Partition),
    geometry: &Geometry,
    people: &Block,
) -> Result<(), LakeError> {
    let path = folder.kept(block, partition);
    let next = path.with_extension("next");
    let mut rows = BlockRows::open(&path, partition.mixes_contigs(), geometry.batch_rows())?;
    let mut out = BlockWriter::create(&next, geometry, block)?;
    while let (Some(bytes), Some(key)) = (rows.bytes(), rows.key()?) {
        let row =
            Row::parse(bytes, people.individuals()).map_err(|error| bad_row(&path, &error))?;
        out.push(&key, &Unlisted::of_row(&row, people).row(people, true))?;
        if out.pending == geometry.batch_rows() {
            out.write()?;
        }
        rows.advance()?;
    }
    out.close()?;
    Ok(ligate_files::rename(&next, &path)?)
}
