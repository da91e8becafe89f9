//! The tables of a snapshot as Parquet files: their columns, how they are written, and their rows read back.

mod columns;
mod genotypes;
mod people;
mod properties;
mod sites;

use std::{fs::File, path::Path};

use arrow::{array::ArrayRef, datatypes::SchemaRef, record_batch::RecordBatch};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    file::properties::WriterProperties,
};

pub use columns::{KeyColumns, KeyView, column_of};
pub use genotypes::{GenotypeColumn, genotype_schema, genotype_schema_for_reading};
pub use people::{read_phenotypes, read_samples, sample_schema, write_phenotypes, write_samples};
pub use properties::Geometry;
pub use sites::{SiteColumns, SiteRow, SiteRows, site_schema};

use crate::LakeError;

/// A Parquet file being written.
pub struct TableFile {
    path: Box<Path>,
    writer: ArrowWriter<File>,
}

impl TableFile {
    pub fn create(path: &Path, schema: SchemaRef, properties: WriterProperties) -> Result<Self, LakeError> {
        let file = File::create(path).map_err(|error| LakeError::io(path, error))?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties))
            .map_err(|error| LakeError::writing(path, &error))?;
        Ok(Self { path: path.into(), writer })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        self.writer.write(rows).map_err(|error| LakeError::writing(&self.path, &error))
    }

    /// Writes one batch of columns.
    pub fn write_columns(&mut self, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<(), LakeError> {
        let rows = RecordBatch::try_new(schema, columns);
        self.write(&rows.map_err(|error| LakeError::writing(&self.path, &error))?)
    }

    pub fn close(self) -> Result<(), LakeError> {
        self.writer.close().map(drop).map_err(|error| LakeError::writing(&self.path, &error))
    }
}

/// Reads some columns of a table from its start, `batch_rows` rows at a time.
pub fn read_columns(
    path: &Path,
    columns: &[&str],
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, LakeError> {
    let file = File::open(path).map_err(|error| LakeError::io(path, error))?;
    let build = || {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder.with_projection(mask).with_batch_size(batch_rows).build()
    };
    build().map_err(|error| LakeError::reading(path, &error))
}
