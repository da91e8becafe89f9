//! The variants of which calls are kept although the files do not list them, with their counts.

use ligate_genotypes::{AlleleCounts, Row};
use ligate_model::VariantKey;

use super::BlockRows;
use crate::{
    LakeError,
    layout::SnapshotFolder,
    partition::Partition,
    tables::{Geometry, SiteRow},
};

/// The kept variants of one part, in key order.
pub struct KeptSites {
    /// With the individuals of each block.
    blocks: Vec<(BlockRows, usize)>,
    /// The lowest key of which nothing was taken yet, with its counts over all blocks that keep it.
    head: Option<(VariantKey, AlleleCounts)>,
}

impl KeptSites {
    /// Opens a part, given the individuals of each block of the snapshot.
    pub fn open(
        folder: &SnapshotFolder,
        partition: Partition,
        individuals: &[usize],
    ) -> Result<Self, LakeError> {
        let batch_rows = Geometry::new(individuals.to_vec()).batch_rows();
        let mut blocks = Vec::new();
        for (block, individuals) in individuals.iter().enumerate() {
            let path = folder.kept(block, partition);
            if path.exists() {
                let rows = BlockRows::open(&path, partition.mixes_contigs(), batch_rows)?;
                blocks.push((rows, *individuals));
            }
        }
        let mut kept = Self { blocks, head: None };
        kept.advance(folder)?;
        Ok(kept)
    }

    /// Takes the first variant, if it comes before `site`; all do where that is `None`.
    pub fn take_before(
        &mut self,
        site: Option<&SiteRow>,
        folder: &SnapshotFolder,
    ) -> Result<Option<(VariantKey, AlleleCounts)>, LakeError> {
        let taken = self
            .head
            .take_if(|(key, _)| site.is_none_or(|site| *key < site.key));
        if taken.is_some() {
            self.advance(folder)?;
        }
        Ok(taken)
    }

    /// The counts of a variant that the files of other blocks list; to be asked for after all that
    /// come before it.
    pub fn take(
        &mut self,
        key: &VariantKey,
        folder: &SnapshotFolder,
    ) -> Result<AlleleCounts, LakeError> {
        let Some((_, counts)) = self.head.take_if(|(kept, _)| kept == key) else {
            return Ok(AlleleCounts::default());
        };
        self.advance(folder)?;
        Ok(counts)
    }

    fn advance(&mut self, folder: &SnapshotFolder) -> Result<(), LakeError> {
        let mut keys = Vec::with_capacity(self.blocks.len());
        for (rows, _) in &self.blocks {
            keys.push(rows.key()?);
        }
        self.head = None;
        let Some(lowest) = keys.iter().flatten().min().cloned() else {
            return Ok(());
        };
        let mut counts = AlleleCounts::default();
        for ((rows, individuals), key) in self.blocks.iter_mut().zip(&keys) {
            if key.as_ref() == Some(&lowest)
                && let Some(bytes) = rows.bytes()
            {
                let row = Row::parse(bytes, *individuals);
                counts += row
                    .map_err(|error| LakeError::corrupt(&folder.path, error.to_string()))?
                    .counts();
                rows.advance()?;
            }
        }
        self.head = Some((lowest, counts));
        Ok(())
    }
}
