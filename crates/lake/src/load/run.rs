//! A run: rows of one group and one part in key order, as they came out of the sorting window. A
//! run holds its sites, the lines they were read from and the genotypes of each block as tables of
//! the final form, so that a part with a single run is moved into place and not written again.

use std::{
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, BinaryArray, UInt32Array, UInt32Builder, UInt64Array, UInt64Builder},
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use ligate_model::VariantKey;

use crate::{
    LakeError,
    partition::Partition,
    tables::{
        GenotypeColumn, Geometry, KeyColumns, SiteColumns, SiteRow, SiteRows, TableFile,
        TableReader, column_of, genotype_schema, site_schema,
    },
};

/// The file of a group and the line that a row was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub file: u32,
    pub line: u64,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct SortedRun {
    pub partition: Partition,
    pub folder: PathBuf,
    pub rows: u64,
    blocks: usize,
}

impl SortedRun {
    pub fn sites(&self) -> PathBuf {
        self.folder.join("sites.parquet")
    }

    pub fn block(&self, block: usize) -> PathBuf {
        self.folder.join(format!("block-{block}.parquet"))
    }

    fn lines(&self) -> PathBuf {
        self.folder.join("lines.parquet")
    }
}

/// Columns of one batch, by table.
struct Columns {
    keys: KeyColumns,
    sites: SiteColumns,
    files: UInt32Builder,
    lines: UInt64Builder,
    blocks: Vec<GenotypeColumn>,
    rows: usize,
}

/// Writes a run. Rows must come in key order.
pub struct RunWriter {
    run: SortedRun,
    batch_rows: usize,
    columns: Columns,
    sites: TableFile,
    lines: TableFile,
    blocks: Vec<TableFile>,
}

impl RunWriter {
    /// Starts a run in a new folder. `individuals` are those of the whole dataset.
    pub fn create(
        folder: PathBuf,
        partition: Partition,
        geometry: &Geometry,
        individuals: usize,
    ) -> Result<Self, LakeError> {
        ligate_files::make_folder(&folder)?;
        let run = SortedRun {
            partition,
            folder,
            rows: 0,
            blocks: geometry.blocks().len(),
        };
        let block = |index| {
            TableFile::create(
                &run.block(index),
                genotype_schema(),
                geometry.genotype_properties(index),
            )
        };
        Ok(Self {
            batch_rows: geometry.batch_rows(),
            columns: Columns {
                keys: KeyColumns::default(),
                sites: SiteColumns::new(individuals),
                files: UInt32Builder::new(),
                lines: UInt64Builder::new(),
                blocks: (0..run.blocks).map(|_| GenotypeColumn::default()).collect(),
                rows: 0,
            },
            sites: TableFile::create(&run.sites(), site_schema(), geometry.site_properties())?,
            lines: TableFile::create(&run.lines(), line_schema(), geometry.site_properties())?,
            blocks: (0..run.blocks).map(block).collect::<Result<_, _>>()?,
            run,
        })
    }

    pub fn partition(&self) -> Partition {
        self.run.partition
    }

    /// Adds a site; the packed rows of its blocks follow by `push_block`, one for each.
    pub fn push_site(&mut self, site: &SiteRow, origin: Origin) -> Result<(), LakeError> {
        if self.columns.rows == self.batch_rows {
            self.write_batch()?;
        }
        self.columns.keys.push(&site.key);
        self.columns.sites.push(site);
        self.columns.files.append_value(origin.file);
        self.columns.lines.append_value(origin.line);
        self.columns.rows += 1;
        self.run.rows += 1;
        Ok(())
    }

    pub fn push_block(&mut self, block: usize, row: &[u8]) {
        if let Some(column) = self.columns.blocks.get_mut(block) {
            column.push(row);
        }
    }

    fn write_batch(&mut self) -> Result<(), LakeError> {
        let keys = self.columns.keys.finish();
        let sites = [keys.clone(), self.columns.sites.finish()].concat();
        self.sites.write_columns(site_schema(), sites)?;
        let lines: Vec<ArrayRef> = vec![
            Arc::new(self.columns.files.finish()),
            Arc::new(self.columns.lines.finish()),
        ];
        self.lines.write_columns(line_schema(), lines)?;
        for (table, column) in self.blocks.iter_mut().zip(&mut self.columns.blocks) {
            table.write_columns(
                genotype_schema(),
                [keys.clone(), vec![column.finish()]].concat(),
            )?;
        }
        self.columns.rows = 0;
        Ok(())
    }

    pub fn finish(mut self) -> Result<SortedRun, LakeError> {
        if self.columns.rows > 0 {
            self.write_batch()?;
        }
        self.sites.close()?;
        self.lines.close()?;
        self.blocks.into_iter().try_for_each(TableFile::close)?;
        Ok(self.run)
    }
}

fn line_schema() -> SchemaRef {
    let fields = vec![
        Field::new("file", DataType::UInt32, false),
        Field::new("line", DataType::UInt64, false),
    ];
    Arc::new(Schema::new(fields))
}

/// Reads a run back, row by row.
pub struct RunReader {
    run: SortedRun,
    sites: SiteRows,
    head: Option<SiteRow>,
    lines: Lockstep,
    blocks: Vec<Lockstep>,
}

impl RunReader {
    /// Opens a run at its first row.
    pub fn open(run: &SortedRun, geometry: &Geometry) -> Result<Self, LakeError> {
        let rows = geometry.batch_rows();
        let block = |index| Lockstep::open(&run.block(index), &["genotypes"], rows);
        let mut sites = SiteRows::open(&run.sites())?;
        let mut reader = Self {
            head: sites.next_row()?,
            sites,
            lines: Lockstep::open(&run.lines(), &["file", "line"], rows)?,
            blocks: (0..run.blocks).map(block).collect::<Result<_, _>>()?,
            run: run.clone(),
        };
        if reader.head.is_some() {
            reader.step()?;
        }
        Ok(reader)
    }

    /// The row that the reader stands at; `None` after the last.
    pub fn head(&self) -> Option<&SiteRow> {
        self.head.as_ref()
    }

    pub fn key(&self) -> Option<&VariantKey> {
        self.head.as_ref().map(|site| &site.key)
    }

    pub fn folder(&self) -> &Path {
        &self.run.folder
    }

    pub fn origin(&self) -> Result<Origin, LakeError> {
        let (path, rows, row) = self.lines.place()?;
        let file: UInt32Array = column_of(path, rows, "file")?;
        let line: UInt64Array = column_of(path, rows, "line")?;
        Ok(Origin {
            file: file.value(row),
            line: line.value(row),
        })
    }

    /// The packed row of one block.
    pub fn block(&self, block: usize) -> Result<&[u8], LakeError> {
        let lost = || LakeError::corrupt(&self.run.folder, "a block is missing");
        let (path, rows, row) = self.blocks.get(block).ok_or_else(lost)?.place()?;
        let column = rows
            .column_by_name("genotypes")
            .and_then(|column| column.as_any().downcast_ref());
        let column: &BinaryArray =
            column.ok_or_else(|| LakeError::corrupt(path, "no genotypes"))?;
        Ok(column.value(row))
    }

    /// Moves on; hands out the site that the reader stood at.
    pub fn advance(&mut self) -> Result<Option<SiteRow>, LakeError> {
        let next = self.sites.next_row()?;
        if next.is_some() {
            self.step()?;
        }
        Ok(mem::replace(&mut self.head, next))
    }

    fn step(&mut self) -> Result<(), LakeError> {
        self.lines.step()?;
        self.blocks.iter_mut().try_for_each(Lockstep::step)
    }
}

/// A table read in step with the sites; it must have as many rows.
struct Lockstep {
    table: TableReader,
    rows: Option<RecordBatch>,
    next: usize,
}

impl Lockstep {
    fn open(path: &Path, columns: &[&str], batch_rows: usize) -> Result<Self, LakeError> {
        Ok(Self {
            table: TableReader::columns(path, columns, batch_rows)?,
            rows: None,
            next: 0,
        })
    }

    fn step(&mut self) -> Result<(), LakeError> {
        if self
            .rows
            .as_ref()
            .is_none_or(|rows| self.next == rows.num_rows())
        {
            self.rows = Some(self.table.next_rows()?.ok_or_else(|| self.short())?);
            self.next = 0;
        }
        self.next += 1;
        Ok(())
    }

    fn place(&self) -> Result<(&Path, &RecordBatch, usize), LakeError> {
        let rows = self
            .rows
            .as_ref()
            .filter(|_| self.next > 0)
            .ok_or_else(|| self.short())?;
        Ok((self.table.path(), rows, self.next - 1))
    }

    fn short(&self) -> LakeError {
        LakeError::corrupt(self.table.path(), "it has fewer rows than its sites")
    }
}
