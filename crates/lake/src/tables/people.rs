//! The tables of individuals: `samples` (the bridge between genotype blocks and people) and
//! `phenotypes`.

use std::{collections::HashMap, path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, Float64Array, StringArray, UInt32Array},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use ligate_model::{BinaryCoding, IndividualId, Phenotypes, Variable, VariableKind};
use parquet::arrow::arrow_reader::ArrowReaderOptions;

use super::{TableFile, TableReader, column_of, properties::basic};
use crate::{LakeError, VariableDescription};

const READ_ROWS: usize = 8192;

/// The columns of the samples table.
pub fn sample_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("sample", DataType::UInt32, false),
        Field::new("block", DataType::UInt32, false),
        Field::new("individual", DataType::Utf8, false),
        Field::new("karyotype", DataType::Utf8, true),
    ]))
}

/// Writes sample index, block and individual of every row; the karyotype is not known yet.
pub fn write_samples(
    path: &Path,
    individuals: &[IndividualId],
    block_sizes: &[usize],
) -> Result<(), LakeError> {
    let block_of = block_sizes
        .iter()
        .zip(0u32..)
        .flat_map(|(size, block)| std::iter::repeat_n(block, *size));
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..individuals.len() as u32).collect::<UInt32Array>()),
        Arc::new(block_of.collect::<UInt32Array>()),
        names(individuals),
        Arc::new(StringArray::new_null(individuals.len())),
    ];
    write(path, sample_schema(), columns)
}

/// The individuals in the order of their sample index.
pub fn read_samples(path: &Path) -> Result<Vec<IndividualId>, LakeError> {
    let mut individuals = Vec::new();
    let mut table = TableReader::columns(path, &["individual"], READ_ROWS)?;
    while let Some(rows) = table.next_rows()? {
        let names: StringArray = column_of(path, &rows, "individual")?;
        for name in names.iter() {
            let id = IndividualId::new(name.unwrap_or_default());
            individuals
                .push(id.map_err(|_| LakeError::corrupt(path, "an individual has no valid id"))?);
        }
    }
    Ok(individuals)
}

/// Writes one row per individual and one column per variable, empty where it is missing.
pub fn write_phenotypes(
    path: &Path,
    individuals: &[IndividualId],
    phenotypes: &Phenotypes,
) -> Result<(), LakeError> {
    let mut fields = vec![Field::new("individual", DataType::Utf8, false)];
    let mut columns = vec![names(individuals)];
    for variable in &phenotypes.variables {
        let field = Field::new(variable.name.as_str(), DataType::Float64, true);
        fields.push(field.with_metadata(metadata(variable)));
        columns.push(Arc::new(Float64Array::from(variable.values.clone())));
    }
    write(path, Arc::new(Schema::new(fields)), columns)
}

/// Reads the variables that the snapshot describes.
pub fn read_phenotypes(
    path: &Path,
    variables: &[VariableDescription],
) -> Result<Phenotypes, LakeError> {
    let empty = |described: &VariableDescription| Variable {
        name: described.name.clone(),
        kind: described.kind,
        coding: described.coding,
        values: Vec::new(),
    };
    let mut read: Vec<Variable> = variables.iter().map(empty).collect();
    // All columns are read: a projection by name would take the dots in names of variables for
    // nested fields.
    let mut table = TableReader::open(path, ArrowReaderOptions::new(), |builder| {
        builder.with_batch_size(READ_ROWS).build()
    })?;
    while let Some(rows) = table.next_rows()? {
        for variable in &mut read {
            let column: Float64Array = column_of(path, &rows, variable.name.as_str())?;
            variable.values.extend(column.iter());
        }
    }
    Ok(Phenotypes { variables: read })
}

fn write(path: &Path, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<(), LakeError> {
    let mut table = TableFile::create(path, schema.clone(), basic().build())?;
    table.write_columns(schema, columns)?;
    table.close()
}

fn names(individuals: &[IndividualId]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        individuals.iter().map(IndividualId::as_str),
    ))
}

/// Kind and coding, for readers that see the table alone.
fn metadata(variable: &Variable) -> HashMap<String, String> {
    let kind = match variable.kind {
        VariableKind::Quantitative => "quantitative",
        VariableKind::Binary => "binary",
    };
    let coding = variable.coding.map(|coding| match coding {
        BinaryCoding::ZeroOne => "0/1",
        BinaryCoding::OneTwo => "1/2",
        BinaryCoding::Undecided => "1 only",
    });
    let entries = [("ligate:kind", Some(kind)), ("ligate:coding", coding)];
    entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect()
}
