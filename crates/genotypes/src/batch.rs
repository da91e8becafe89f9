//! What a scan hands out: the rows of several variants in every sample block.

use crate::Row;

/// Rows of a batch of variants, `blocks[block][variant]`. A `None` row means that the block does
/// not hold the variant: nobody in the block is called.
#[derive(Clone, Default)]
pub struct Batch<'a> {
    /// `indices[v]` is the place of variant `v` in the caller's list of wanted keys, ascending.
    pub indices: Vec<usize>,
    /// One vector per sample block, each as long as `indices`.
    pub blocks: Vec<Vec<Option<Row<'a>>>>,
}

impl Batch<'_> {
    /// Variants in the batch.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}
