//! The sites table: one row per variant key (of a symbolic allele, one per record) with ready
//! counts over the individuals whose block holds the key, so that no question about counts decodes
//! a genotype.
//!
//! Individuals of a block that lacks the key are unknown there, not homozygous reference: they are
//! in no count but `missing`.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, StringArray, StringBuilder, UInt16Array, UInt16Builder, UInt32Array,
        UInt32Builder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use ligate_genotypes::AlleleCounts;
use ligate_model::{Contig, VariantKey};

use super::{
    KeyView, TableReader, column_of,
    columns::{LastContig, key_fields},
};
use crate::LakeError;

const READ_ROWS: usize = 4096;

/// The columns of the sites table.
///
/// `an`, `ac`: alleles called and alternate alleles, as bcftools counts them (half-missing and
/// haploid calls included). `called`, `het`, `hom`: individuals with a complete diploid call, those
/// of them with one and with two copies of the alternate allele. `missing`: all other individuals
/// of the dataset.
pub fn site_schema() -> SchemaRef {
    let mut fields = key_fields();
    fields.extend([
        Field::new("id", DataType::Utf8, true),
        Field::new("alt_index", DataType::UInt16, false),
        Field::new("n_alt", DataType::UInt16, false),
        Field::new("record", DataType::Utf8, true),
    ]);
    fields.extend(COUNTS.map(|name| Field::new(name, DataType::UInt32, false)));
    Arc::new(Schema::new(fields))
}

const COUNTS: [&str; 6] = ["an", "ac", "called", "het", "hom", "missing"];

/// One row of the sites table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRow {
    pub key: VariantKey,
    pub id: Option<Box<str>>,
    pub alternate_index: u16,
    pub alternates: u16,
    pub record: Option<Box<str>>,
    pub counts: AlleleCounts,
}

/// The columns beside the key, being collected for writing.
pub struct SiteColumns {
    /// Of the whole dataset.
    individuals: u32,
    ids: StringBuilder,
    alternate_indices: UInt16Builder,
    alternates: UInt16Builder,
    records: StringBuilder,
    counts: [UInt32Builder; COUNTS.len()],
}

impl SiteColumns {
    pub fn new(individuals: usize) -> Self {
        Self {
            individuals: u32::try_from(individuals).unwrap_or(u32::MAX),
            ids: StringBuilder::new(),
            alternate_indices: UInt16Builder::new(),
            alternates: UInt16Builder::new(),
            records: StringBuilder::new(),
            counts: Default::default(),
        }
    }

    pub fn push(&mut self, site: &SiteRow) {
        self.ids.append_option(site.id.as_deref());
        self.alternate_indices.append_value(site.alternate_index);
        self.alternates.append_value(site.alternates);
        self.records.append_option(site.record.as_deref());
        let counts = &site.counts;
        let missing = self.individuals.saturating_sub(counts.called);
        let values = [
            counts.allele_number,
            counts.allele_count,
            counts.called,
            counts.heterozygous,
            counts.homozygous,
            missing,
        ];
        self.counts
            .iter_mut()
            .zip(values)
            .for_each(|(column, value)| column.append_value(value));
    }

    /// The columns that follow the key's; empties this.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.ids.finish()),
            Arc::new(self.alternate_indices.finish()),
            Arc::new(self.alternates.finish()),
            Arc::new(self.records.finish()),
        ];
        columns.extend(
            self.counts
                .iter_mut()
                .map(|column| Arc::new(column.finish()) as ArrayRef),
        );
        columns
    }
}

/// Whether a key may come in several rows. A symbolic allele or a breakend does not say what was
/// inserted or how much, so two records of the same key may well be two variants; no study is
/// offered either. Spelled alleles come once.
pub fn may_repeat(key: &VariantKey) -> bool {
    !key.alternate.is_sequence()
}

/// The rows of a sites table, in order.
pub struct SiteRows {
    table: TableReader,
    view: Option<SiteView>,
    row: usize,
    contigs: LastContig,
}

impl SiteRows {
    pub fn open(path: &Path) -> Result<Self, LakeError> {
        let schema = site_schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        Ok(Self {
            table: TableReader::columns(path, &names, READ_ROWS)?,
            view: None,
            row: 0,
            contigs: LastContig::default(),
        })
    }

    /// The next row, `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<SiteRow>, LakeError> {
        loop {
            if let Some(view) = &self.view
                && self.row < view.keys.positions().len()
            {
                self.row += 1;
                let contig = self.contigs.named(view.keys.contig(self.row - 1));
                return view.site(self.table.path(), self.row - 1, contig).map(Some);
            }
            let Some(rows) = self.table.next_rows()? else {
                return Ok(None);
            };
            self.view = Some(SiteView::new(self.table.path(), &rows)?);
            self.row = 0;
        }
    }
}

struct SiteView {
    keys: KeyView,
    ids: StringArray,
    alternate_indices: UInt16Array,
    alternates: UInt16Array,
    records: StringArray,
    counts: Vec<UInt32Array>,
}

impl SiteView {
    fn new(path: &Path, rows: &RecordBatch) -> Result<Self, LakeError> {
        Ok(Self {
            keys: KeyView::new(path, rows)?,
            ids: column_of(path, rows, "id")?,
            alternate_indices: column_of(path, rows, "alt_index")?,
            alternates: column_of(path, rows, "n_alt")?,
            records: column_of(path, rows, "record")?,
            counts: COUNTS
                .iter()
                .map(|name| column_of(path, rows, name))
                .collect::<Result<_, _>>()?,
        })
    }

    fn site(&self, path: &Path, row: usize, contig: Contig) -> Result<SiteRow, LakeError> {
        let text = |column: &StringArray| column.is_valid(row).then(|| column.value(row).into());
        Ok(SiteRow {
            key: self.keys.key(path, row, contig)?,
            id: text(&self.ids),
            alternate_index: self.alternate_indices.value(row),
            alternates: self.alternates.value(row),
            record: text(&self.records),
            counts: self.counts(row),
        })
    }

    fn counts(&self, row: usize) -> AlleleCounts {
        let value = |index: usize| self.counts.get(index).map_or(0, |column| column.value(row));
        let (heterozygous, homozygous) = (value(3), value(4));
        AlleleCounts {
            allele_number: value(0),
            allele_count: value(1),
            called: value(2),
            heterozygous,
            homozygous,
            diploid_allele_count: heterozygous.saturating_add(homozygous.saturating_mul(2)),
        }
    }
}
