//! The genotypes table of one block: a key and the packed row of the block's individuals.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BinaryBuilder},
    datatypes::{DataType, Field, Schema, SchemaRef},
};

use super::columns::key_fields;

/// The columns of a genotypes table.
pub fn genotype_schema() -> SchemaRef {
    schema(DataType::Binary)
}

/// The same for reading: rows stay where they were decompressed.
pub fn genotype_schema_for_reading() -> SchemaRef {
    schema(DataType::BinaryView)
}

fn schema(rows: DataType) -> SchemaRef {
    let mut fields = key_fields();
    fields.push(Field::new("genotypes", rows, false));
    Arc::new(Schema::new(fields))
}

/// Packed rows being collected for writing.
#[derive(Default)]
pub struct GenotypeColumn(BinaryBuilder);

impl GenotypeColumn {
    pub fn push(&mut self, row: &[u8]) {
        self.0.append_value(row);
    }

    pub fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}
