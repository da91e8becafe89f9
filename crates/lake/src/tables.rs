//! The tables of a snapshot as Parquet files: their columns, how they are written, and their rows
//! read back.

mod changes;
mod columns;
mod genotypes;
mod people;
mod properties;
mod sites;
mod sketch;

use std::{
    error::Error,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use arrow::{array::ArrayRef, datatypes::SchemaRef, record_batch::RecordBatch};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{
            ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
    file::properties::WriterProperties,
};

pub use changes::{Change, ChangeKind, ChangeRows, ChangeWriter};
pub use columns::{KeyColumns, KeyView, column_of};
pub use genotypes::{GenotypeColumn, genotype_schema, genotype_schema_for_reading};
pub use people::{read_phenotypes, read_samples, sample_schema, write_phenotypes, write_samples};
pub use properties::Geometry;
pub use sites::{SiteColumns, SiteRow, SiteRows, may_repeat, site_schema};
pub use sketch::{HistoryKey, Sketch};

use crate::LakeError;

/// A Parquet file being written.
pub struct TableFile {
    path: Box<Path>,
    writer: ArrowWriter<File>,
}

impl TableFile {
    pub fn create(
        path: &Path,
        schema: SchemaRef,
        properties: WriterProperties,
    ) -> Result<Self, LakeError> {
        let file = File::create(path).map_err(|error| LakeError::io(path, error))?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties))
            .map_err(|error| LakeError::writing(path, &error))?;
        Ok(Self {
            path: path.into(),
            writer,
        })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        self.writer
            .write(rows)
            .map_err(|error| LakeError::writing(&self.path, &error))
    }

    /// Writes one batch of columns.
    pub fn write_columns(
        &mut self,
        schema: SchemaRef,
        columns: Vec<ArrayRef>,
    ) -> Result<(), LakeError> {
        let rows = RecordBatch::try_new(schema, columns);
        self.write(&rows.map_err(|error| LakeError::writing(&self.path, &error))?)
    }

    pub fn close(self) -> Result<(), LakeError> {
        self.writer
            .close()
            .map(drop)
            .map_err(|error| LakeError::writing(&self.path, &error))
    }
}

/// Reads a table from its start to its end, some rows at a time.
pub struct TableReader {
    path: Box<Path>,
    reader: ParquetRecordBatchReader,
}

impl TableReader {
    /// Opens a table; `build` chooses columns and rows.
    pub fn open(
        path: &Path,
        options: ArrowReaderOptions,
        build: impl FnOnce(Builder) -> Result<ParquetRecordBatchReader, ParquetError>,
    ) -> Result<Self, LakeError> {
        let file = File::open(path).map_err(|error| LakeError::io(path, error))?;
        let reader = guarded(path, || {
            build(Builder::try_new_with_options(file, options)?)
        })?;
        Ok(Self {
            path: path.into(),
            reader,
        })
    }

    /// Reads some of the columns, which may not have dots in their names.
    pub fn columns(path: &Path, columns: &[&str], batch_rows: usize) -> Result<Self, LakeError> {
        Self::open(path, ArrowReaderOptions::new(), |builder| {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder
                .with_projection(mask)
                .with_batch_size(batch_rows)
                .build()
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next rows, `None` after the last.
    pub fn next_rows(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        guarded(&self.path, || self.reader.next().transpose())
    }
}

/// A reader being set up.
pub type Builder = ParquetRecordBatchReaderBuilder<File>;

/// Parquet's own reader panics on some damaged files, in its arithmetic on offsets and lengths.
/// What is stored may rot, so that must be an error here as any other damage.
fn guarded<T, E: Error + 'static>(
    path: &Path,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<T, LakeError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| LakeError::reading(path, &error)),
        Err(_) => Err(LakeError::corrupt(path, "it cannot be decoded")),
    }
}
