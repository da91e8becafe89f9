//! The key columns that sites and genotypes share: chrom, pos, ref, alt, in the order of keys.

use std::{cmp::Ordering, path::Path, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, StringArray, StringBuilder, UInt32Array, UInt32Builder},
    datatypes::{DataType, Field},
    record_batch::RecordBatch,
};
use ligate_model::{Allele, Contig, Position, VariantKey};

use crate::LakeError;

/// The fields of a key.
pub fn key_fields() -> Vec<Field> {
    vec![
        Field::new("chrom", DataType::Utf8, false),
        Field::new("pos", DataType::UInt32, false),
        Field::new("ref", DataType::Utf8, false),
        Field::new("alt", DataType::Utf8, false),
    ]
}

/// Keys being collected for writing.
#[derive(Default)]
pub struct KeyColumns {
    contigs: StringBuilder,
    positions: UInt32Builder,
    references: StringBuilder,
    alternates: StringBuilder,
    /// The last contig and its name: a new text only where the contig changes.
    named: Option<(Contig, String)>,
}

impl KeyColumns {
    pub fn push(&mut self, key: &VariantKey) {
        let name = match self.named.take() {
            Some((contig, name)) if contig == key.contig => (contig, name),
            _ => (key.contig.clone(), key.contig.to_string()),
        };
        self.contigs.append_value(&name.1);
        self.named = Some(name);
        self.positions.append_value(key.position.get());
        self.references.append_value(key.reference.as_str());
        self.alternates.append_value(key.alternate.as_str());
    }

    /// The columns in the order of `key_fields`; empties this.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.contigs.finish()),
            Arc::new(self.positions.finish()),
            Arc::new(self.references.finish()),
            Arc::new(self.alternates.finish()),
        ]
    }
}

/// The keys of rows read back.
#[derive(Clone)]
pub struct KeyView {
    contigs: StringArray,
    positions: UInt32Array,
    references: StringArray,
    alternates: StringArray,
}

impl KeyView {
    pub fn new(path: &Path, rows: &RecordBatch) -> Result<Self, LakeError> {
        Ok(Self {
            contigs: column_of(path, rows, "chrom")?,
            positions: column_of(path, rows, "pos")?,
            references: column_of(path, rows, "ref")?,
            alternates: column_of(path, rows, "alt")?,
        })
    }

    pub fn positions(&self) -> &[u32] {
        self.positions.values()
    }

    /// The contig as it is stored.
    pub fn contig(&self, row: usize) -> &str {
        self.contigs.value(row)
    }

    /// The key of a row whose contig the caller has at hand.
    pub fn key(&self, path: &Path, row: usize, contig: Contig) -> Result<VariantKey, LakeError> {
        let allele =
            |text| Allele::new(text).map_err(|error| LakeError::corrupt(path, error.to_string()));
        Ok(VariantKey {
            contig,
            position: Position::new(self.positions.value(row)),
            reference: allele(self.references.value(row))?,
            alternate: allele(self.alternates.value(row))?,
        })
    }

    /// The row's place relative to `key`; contigs are compared only where `contig` names that of
    /// the key.
    pub fn compare(&self, row: usize, key: &VariantKey, contig: Option<&str>) -> Ordering {
        contig
            .map_or(Ordering::Equal, |contig| {
                self.contigs.value(row).cmp(contig)
            })
            .then_with(|| self.positions.value(row).cmp(&key.position.get()))
            .then_with(|| self.references.value(row).cmp(key.reference.as_str()))
            .then_with(|| self.alternates.value(row).cmp(key.alternate.as_str()))
    }

    /// The row's place relative to a row of another table of the same part; contigs are compared
    /// only where the part mixes them.
    pub fn compare_rows(
        &self,
        row: usize,
        other: &Self,
        other_row: usize,
        mixed: bool,
    ) -> Ordering {
        let contigs = || self.contigs.value(row).cmp(other.contigs.value(other_row));
        let positions = || {
            self.positions
                .value(row)
                .cmp(&other.positions.value(other_row))
        };
        let order = if mixed { contigs() } else { Ordering::Equal };
        order
            .then_with(positions)
            .then_with(|| {
                self.references
                    .value(row)
                    .cmp(other.references.value(other_row))
            })
            .then_with(|| {
                self.alternates
                    .value(row)
                    .cmp(other.alternates.value(other_row))
            })
    }
}

/// The contig of the row before: names are looked up only where they change.
#[derive(Default)]
pub struct LastContig(Option<(String, Contig)>);

impl LastContig {
    pub fn named(&mut self, name: &str) -> Contig {
        match &self.0 {
            Some((known, contig)) if known == name => contig.clone(),
            _ => self
                .0
                .insert((name.to_owned(), Contig::new(name)))
                .1
                .clone(),
        }
    }
}

/// A column by name and type; nothing else in a stored table is accepted.
pub fn column_of<A: Array + Clone + 'static>(
    path: &Path,
    rows: &RecordBatch,
    name: &str,
) -> Result<A, LakeError> {
    rows.column_by_name(name)
        .and_then(|column| column.as_any().downcast_ref::<A>())
        .cloned()
        .ok_or_else(|| {
            LakeError::corrupt(
                path,
                format!("column \"{name}\" is missing or of another type"),
            )
        })
}
