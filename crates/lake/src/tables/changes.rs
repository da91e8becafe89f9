//! The history table: in which variants the calls of people who were there before changed, and with
//! which step. A step is one snapshot following another; its number is the place of the new one in
//! the lineage. Rows ascend by key, those of one key by step. Whose calls changed is not kept, only
//! how many people they were and a sketch, by which steps can be put together. Tables of earlier
//! programs have no sketches.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BinaryArray, BinaryBuilder, UInt8Array, UInt8Builder, UInt32Array,
        UInt32Builder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use ligate_model::VariantKey;

use super::{
    Geometry, KeyColumns, KeyView, Sketch, TableFile, TableReader, column_of,
    columns::{LastContig, key_fields},
};
use crate::LakeError;

const BATCH_ROWS: usize = 4096;

/// One variant at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub key: VariantKey,
    pub step: u32,
    pub kind: ChangeKind,
    /// None where the variant came or went, or where the step was compared by an earlier program or
    /// under another key.
    pub sketch: Option<Sketch>,
}

/// What became of the calls of the people who are in both snapshots of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Both snapshots hold the variant; the calls of so many people differ, one or more.
    Changed(u32),
    /// Only the later snapshot holds it.
    Appeared,
    /// Only the earlier snapshot held it.
    Vanished,
}

const CHANGED: u8 = 0;
const APPEARED: u8 = 1;
const VANISHED: u8 = 2;

impl ChangeKind {
    /// The columns `kind` and `people`; nobody is counted where the variant came or went.
    fn columns(self) -> (u8, u32) {
        match self {
            Self::Changed(people) => (CHANGED, people),
            Self::Appeared => (APPEARED, 0),
            Self::Vanished => (VANISHED, 0),
        }
    }

    fn from_columns(kind: u8, people: u32) -> Option<Self> {
        match (kind, people) {
            (CHANGED, 1..) => Some(Self::Changed(people)),
            (APPEARED, 0) => Some(Self::Appeared),
            (VANISHED, 0) => Some(Self::Vanished),
            _ => None,
        }
    }
}

fn schema() -> SchemaRef {
    let mut fields = key_fields();
    fields.extend([
        Field::new("step", DataType::UInt32, false),
        Field::new("kind", DataType::UInt8, false),
        Field::new("people", DataType::UInt32, false),
        Field::new("sketch", DataType::Binary, true),
    ]);
    Arc::new(Schema::new(fields))
}

/// Writes a history table.
pub struct ChangeWriter {
    table: TableFile,
    keys: KeyColumns,
    steps: UInt32Builder,
    kinds: UInt8Builder,
    people: UInt32Builder,
    sketches: BinaryBuilder,
    pending: usize,
}

impl ChangeWriter {
    pub fn create(path: &Path) -> Result<Self, LakeError> {
        Ok(Self {
            table: TableFile::create(path, schema(), Geometry::new(Vec::new()).site_properties())?,
            keys: KeyColumns::default(),
            steps: UInt32Builder::new(),
            kinds: UInt8Builder::new(),
            people: UInt32Builder::new(),
            sketches: BinaryBuilder::new(),
            pending: 0,
        })
    }

    /// Adds a row, which follows those added before.
    pub fn push(&mut self, change: &Change) -> Result<(), LakeError> {
        let (kind, people) = change.kind.columns();
        self.keys.push(&change.key);
        self.steps.append_value(change.step);
        self.kinds.append_value(kind);
        self.people.append_value(people);
        self.sketches
            .append_option(change.sketch.and_then(Sketch::to_bytes));
        self.pending += 1;
        if self.pending == BATCH_ROWS {
            self.write()
        } else {
            Ok(())
        }
    }

    fn write(&mut self) -> Result<(), LakeError> {
        self.pending = 0;
        let mut columns: Vec<ArrayRef> = self.keys.finish();
        columns.push(Arc::new(self.steps.finish()));
        columns.push(Arc::new(self.kinds.finish()));
        columns.push(Arc::new(self.people.finish()));
        columns.push(Arc::new(self.sketches.finish()));
        self.table.write_columns(schema(), columns)
    }

    pub fn finish(mut self) -> Result<(), LakeError> {
        if self.pending > 0 {
            self.write()?;
        }
        self.table.close()
    }
}

/// The rows of a history table, in order.
pub struct ChangeRows {
    table: TableReader,
    view: Option<ChangeView>,
    row: usize,
    contigs: LastContig,
}

struct ChangeView {
    keys: KeyView,
    steps: UInt32Array,
    kinds: UInt8Array,
    people: UInt32Array,
    /// Missing in tables of earlier programs.
    sketches: Option<BinaryArray>,
}

impl ChangeRows {
    pub fn open(path: &Path) -> Result<Self, LakeError> {
        let schema = schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        let table = TableReader::columns(path, &names, BATCH_ROWS)?;
        Ok(Self {
            table,
            view: None,
            row: 0,
            contigs: LastContig::default(),
        })
    }

    /// The next row that `wanted` says yes to by its step and kind, `None` at the end.
    pub fn next_row(
        &mut self,
        wanted: impl Fn(u32, ChangeKind) -> bool,
    ) -> Result<Option<Change>, LakeError> {
        loop {
            let path = self.table.path();
            while let Some(view) = &self.view
                && self.row < view.steps.len()
            {
                let row = self.row;
                self.row += 1;
                let (step, kind) = view.step_and_kind(path, row)?;
                if wanted(step, kind) {
                    let contig = self.contigs.named(view.keys.contig(row));
                    let key = view.keys.key(path, row, contig)?;
                    return Ok(Some(Change {
                        key,
                        step,
                        kind,
                        sketch: view.sketch(path, row)?,
                    }));
                }
            }
            let Some(rows) = self.table.next_rows()? else {
                return Ok(None);
            };
            self.view = Some(ChangeView::new(self.table.path(), &rows)?);
            self.row = 0;
        }
    }
}

impl ChangeView {
    fn new(path: &Path, rows: &RecordBatch) -> Result<Self, LakeError> {
        let sketches = rows
            .column_by_name("sketch")
            .map(|_| column_of(path, rows, "sketch"));
        Ok(Self {
            sketches: sketches.transpose()?,
            keys: KeyView::new(path, rows)?,
            steps: column_of(path, rows, "step")?,
            kinds: column_of(path, rows, "kind")?,
            people: column_of(path, rows, "people")?,
        })
    }

    fn sketch(&self, path: &Path, row: usize) -> Result<Option<Sketch>, LakeError> {
        let Some(sketches) = self
            .sketches
            .as_ref()
            .filter(|sketches| sketches.is_valid(row))
        else {
            return Ok(None);
        };
        let sketch = Sketch::from_bytes(sketches.value(row));
        sketch
            .map(Some)
            .ok_or_else(|| LakeError::corrupt(path, "a sketch has another length"))
    }

    fn step_and_kind(&self, path: &Path, row: usize) -> Result<(u32, ChangeKind), LakeError> {
        let kind = ChangeKind::from_columns(self.kinds.value(row), self.people.value(row));
        let kind =
            kind.ok_or_else(|| LakeError::corrupt(path, "a change is of an unknown kind"))?;
        Ok((self.steps.value(row), kind))
    }
}
