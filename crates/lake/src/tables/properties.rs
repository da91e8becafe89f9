//! How tables are written: zstd level 3, statistics of keys alone, sizes of row groups and pages.
//!
//! Sizes follow from the number of individuals alone, never from free memory or threads, so that
//! the same files always give the same bytes and so the same snapshot id.

use parquet::{
    basic::{Compression, Encoding, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    schema::types::ColumnPath,
};

const PAGE_BYTES: usize = 256 << 10;
const PAGE_ROWS_MAX: usize = 8192;
const ROW_GROUP_ROWS_MAX: usize = 64 << 10;
/// Packed genotypes of one row group over all blocks; compressed, they are held in memory while it
/// is written.
const ROW_GROUP_BYTES_MAX: usize = 192 << 20;
/// Packed genotypes that are handed to the writers at once.
const BATCH_BYTES_MAX: usize = 8 << 20;
const BATCH_ROWS_MAX: usize = 1024;
const ZSTD_LEVEL: i32 = 3;

/// The individuals of each block that is written together.
#[derive(Clone, Debug)]
pub struct Geometry {
    blocks: Vec<usize>,
}

/// Bytes of a row in its largest usual form, two bits per individual.
fn dense_bytes(individuals: usize) -> usize {
    individuals.div_ceil(4) + 8
}

impl Geometry {
    pub fn new(blocks: Vec<usize>) -> Self {
        Self { blocks }
    }

    pub fn blocks(&self) -> &[usize] {
        &self.blocks
    }

    fn row_bytes(&self) -> usize {
        self.blocks
            .iter()
            .map(|individuals| dense_bytes(*individuals))
            .sum::<usize>()
            .max(1)
    }

    /// Rows that are handed to the writers at once.
    pub fn batch_rows(&self) -> usize {
        (BATCH_BYTES_MAX / self.row_bytes()).clamp(16, BATCH_ROWS_MAX)
    }

    fn row_group_rows(&self) -> usize {
        (ROW_GROUP_BYTES_MAX / self.row_bytes()).clamp(256, ROW_GROUP_ROWS_MAX)
    }

    /// How the genotypes of one block are written.
    pub fn genotype_properties(&self, block: usize) -> WriterProperties {
        let row = self
            .blocks
            .get(block)
            .map_or(1, |individuals| dense_bytes(*individuals));
        let genotypes = || ColumnPath::from("genotypes");
        keyed(self.row_group_rows())
            .set_write_batch_size((PAGE_BYTES / row).clamp(1, 256))
            .set_column_dictionary_enabled(genotypes(), false)
            .set_column_statistics_enabled(genotypes(), EnabledStatistics::None)
            .build()
    }

    /// How sites, and the lines that they were read from, are written.
    pub fn site_properties(&self) -> WriterProperties {
        keyed(ROW_GROUP_ROWS_MAX).build()
    }
}

fn keyed(row_group_rows: usize) -> WriterPropertiesBuilder {
    let position = || ColumnPath::from("pos");
    basic()
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_data_page_row_count_limit(PAGE_ROWS_MAX)
        .set_column_dictionary_enabled(position(), false)
        .set_column_encoding(position(), Encoding::DELTA_BINARY_PACKED)
        .set_column_statistics_enabled(position(), EnabledStatistics::Page)
        .set_column_statistics_enabled(ColumnPath::from("ref"), EnabledStatistics::None)
        .set_column_statistics_enabled(ColumnPath::from("alt"), EnabledStatistics::None)
}

/// What all tables share.
pub fn basic() -> WriterPropertiesBuilder {
    let zstd = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_blocks_get_full_row_groups_and_huge_ones_bounded_memory() {
        let usual = Geometry::new(vec![3334, 3333, 3333]);
        assert_eq!(
            (usual.row_group_rows(), usual.batch_rows()),
            (ROW_GROUP_ROWS_MAX, BATCH_ROWS_MAX)
        );
        let huge = Geometry::new(vec![4096; 250]);
        assert!(huge.row_group_rows() * huge.row_bytes() <= ROW_GROUP_BYTES_MAX);
        assert!(huge.batch_rows() * huge.row_bytes() <= BATCH_BYTES_MAX);
    }
}
