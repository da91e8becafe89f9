//! The rows of one block and part, one after the other, with their keys.

use std::{cmp::Ordering, path::Path};

use arrow::array::BinaryViewArray;
use ligate_model::{Contig, VariantKey};
use parquet::{arrow::arrow_reader::ArrowReaderOptions, file::metadata::PageIndexPolicy};

use crate::{
    LakeError,
    tables::{KeyView, TableReader, column_of, genotype_schema_for_reading},
};

/// A place in the genotypes of a block and part.
pub struct BlockRows {
    table: TableReader,
    /// Whether the part holds several contigs.
    mixed: bool,
    /// `None` at the end.
    loaded: Option<Loaded>,
}

struct Loaded {
    keys: KeyView,
    rows: BinaryViewArray,
    row: usize,
}

impl BlockRows {
    /// Opens a file at its first row; `batch_rows` are held at once.
    pub fn open(path: &Path, mixed: bool, batch_rows: usize) -> Result<Self, LakeError> {
        let options = ArrowReaderOptions::new().with_schema(genotype_schema_for_reading());
        let options = options.with_page_index_policy(PageIndexPolicy::Skip);
        let table = TableReader::open(path, options, |builder| {
            builder.with_batch_size(batch_rows).build()
        })?;
        let mut rows = Self {
            table,
            mixed,
            loaded: None,
        };
        rows.load()?;
        Ok(rows)
    }

    fn load(&mut self) -> Result<(), LakeError> {
        loop {
            self.loaded = None;
            let Some(rows) = self.table.next_rows()? else {
                return Ok(());
            };
            if rows.num_rows() == 0 {
                continue;
            }
            let path = self.table.path();
            let keys = KeyView::new(path, &rows)?;
            self.loaded = Some(Loaded {
                keys,
                rows: column_of(path, &rows, "genotypes")?,
                row: 0,
            });
            return Ok(());
        }
    }

    /// How this row's key compares with that of another place; a place at the end comes after every
    /// row.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (&self.loaded, &other.loaded) {
            (Some(a), Some(b)) => a.keys.compare_rows(a.row, &b.keys, b.row, self.mixed),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }

    pub fn is_at_end(&self) -> bool {
        self.loaded.is_none()
    }

    /// The packed row, `None` at the end.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.loaded
            .as_ref()
            .map(|loaded| loaded.rows.value(loaded.row))
    }

    /// The row's key, `None` at the end.
    pub fn key(&self) -> Result<Option<VariantKey>, LakeError> {
        let Some(Loaded { keys, row, .. }) = &self.loaded else {
            return Ok(None);
        };
        keys.key(self.table.path(), *row, Contig::new(keys.contig(*row)))
            .map(Some)
    }

    pub fn advance(&mut self) -> Result<(), LakeError> {
        let Some(loaded) = &mut self.loaded else {
            return Ok(());
        };
        loaded.row += 1;
        if loaded.row == loaded.keys.positions().len() {
            self.load()
        } else {
            Ok(())
        }
    }
}
