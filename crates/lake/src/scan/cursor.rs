//! A place in the genotypes of one block and part, which moves on as ascending keys are asked for.

use std::{cmp::Ordering, path::Path};

use arrow::{
    array::{Array, AsArray, BinaryViewArray, UInt32Array},
    datatypes::UInt32Type,
};
use ligate_model::VariantKey;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderOptions, ParquetRecordBatchReader, RowSelection, RowSelector,
        statistics::StatisticsConverter,
    },
    errors::ParquetError,
    file::metadata::PageIndexPolicy,
};

use crate::{
    LakeError,
    tables::{Builder, KeyView, TableReader, column_of, genotype_schema_for_reading},
};

const READ_ROWS: usize = 1024;

pub struct Cursor {
    table: TableReader,
    loaded: Option<Loaded>,
}

struct Loaded {
    keys: KeyView,
    rows: BinaryViewArray,
    /// The row to look at next.
    next: usize,
}

impl Cursor {
    /// Opens a file at its first row. Given ascending positions, pages without any of them are left
    /// out.
    pub fn open(path: &Path, positions: Option<&[u32]>) -> Result<Self, LakeError> {
        let options = ArrowReaderOptions::new().with_schema(genotype_schema_for_reading());
        let index = if positions.is_some() {
            PageIndexPolicy::Optional
        } else {
            PageIndexPolicy::Skip
        };
        let options = options.with_page_index_policy(index);
        let table = TableReader::open(path, options, |builder| choose(builder, positions))?;
        Ok(Self {
            table,
            loaded: None,
        })
    }

    /// The row of `key`, which follows those that were asked for before. The contig is named where
    /// the part mixes them.
    pub fn find(
        &mut self,
        key: &VariantKey,
        contig: Option<&str>,
    ) -> Result<Option<&[u8]>, LakeError> {
        loop {
            let place = self
                .loaded
                .as_mut()
                .and_then(|loaded| loaded.advance(key, contig));
            match place {
                Some(Ordering::Greater) => return Ok(None),
                Some(_) => break,
                None if self.load()? => {}
                None => return Ok(None),
            }
        }
        Ok(self
            .loaded
            .as_ref()
            .map(|loaded| loaded.rows.value(loaded.next)))
    }

    /// Loads the next rows; `false` after the last.
    fn load(&mut self) -> Result<bool, LakeError> {
        let Some(rows) = self.table.next_rows()? else {
            self.loaded = None;
            return Ok(false);
        };
        let path = self.table.path();
        let keys = KeyView::new(path, &rows)?;
        self.loaded = Some(Loaded {
            keys,
            rows: column_of(path, &rows, "genotypes")?,
            next: 0,
        });
        Ok(true)
    }
}

impl Loaded {
    /// Moves to the first row that is not below `key` and says how it compares; `None` if all are
    /// below.
    fn advance(&mut self, key: &VariantKey, contig: Option<&str>) -> Option<Ordering> {
        let positions = self.keys.positions();
        while self.next < positions.len() {
            let below = contig.is_none() && positions[self.next] < key.position.get();
            if !below {
                let order = self.keys.compare(self.next, key, contig);
                if order.is_ge() {
                    return Some(order);
                }
            }
            self.next += 1;
        }
        None
    }
}

/// Chooses the rows to read.
fn choose(
    builder: Builder,
    positions: Option<&[u32]>,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let builder = builder.with_batch_size(READ_ROWS);
    let Some(positions) = positions else {
        return builder.build();
    };
    let groups = row_groups(&builder, positions)?;
    let selection = pages(&builder, &groups, positions)?;
    let builder = builder.with_row_groups(groups);
    match selection {
        Some(selection) => builder.with_row_selection(selection).build(),
        None => builder.build(),
    }
}

/// Whether any of the ascending positions lies between two statistics; yes where there are none.
fn holds_any(positions: &[u32], low: &UInt32Array, high: &UInt32Array, index: usize) -> bool {
    if low.is_null(index) || high.is_null(index) {
        return true;
    }
    let from = positions.partition_point(|position| *position < low.value(index));
    positions
        .get(from)
        .is_some_and(|position| *position <= high.value(index))
}

/// The row groups that may hold a wanted position.
fn row_groups(builder: &Builder, positions: &[u32]) -> Result<Vec<usize>, ParquetError> {
    let statistics =
        StatisticsConverter::try_new("pos", builder.schema(), builder.parquet_schema())?;
    let groups = builder.metadata().row_groups();
    let (low, high) = (
        statistics.row_group_mins(groups)?,
        statistics.row_group_maxes(groups)?,
    );
    let (low, high) = (
        low.as_primitive::<UInt32Type>(),
        high.as_primitive::<UInt32Type>(),
    );
    Ok((0..groups.len())
        .filter(|index| holds_any(positions, low, high, *index))
        .collect())
}

/// The rows, of the chosen row groups, whose page of positions may hold a wanted one; `None`
/// without a page index.
fn pages(
    builder: &Builder,
    groups: &[usize],
    positions: &[u32],
) -> Result<Option<RowSelection>, ParquetError> {
    let metadata = builder.metadata();
    let (Some(columns), Some(offsets)) = (metadata.column_index(), metadata.offset_index()) else {
        return Ok(None);
    };
    let statistics =
        StatisticsConverter::try_new("pos", builder.schema(), builder.parquet_schema())?;
    let low = statistics.data_page_mins(columns, offsets, groups)?;
    let high = statistics.data_page_maxes(columns, offsets, groups)?;
    let (low, high) = (
        low.as_primitive::<UInt32Type>(),
        high.as_primitive::<UInt32Type>(),
    );
    let Some(rows) = statistics.data_page_row_counts(offsets, metadata.row_groups(), groups)?
    else {
        return Ok(None);
    };
    let selector = |(index, rows): (usize, u64)| match holds_any(positions, low, high, index) {
        true => RowSelector::select(rows as usize),
        false => RowSelector::skip(rows as usize),
    };
    let selectors: Vec<RowSelector> = rows
        .iter()
        .map(Option::unwrap_or_default)
        .enumerate()
        .map(selector)
        .collect();
    Ok(Some(selectors.into()))
}
