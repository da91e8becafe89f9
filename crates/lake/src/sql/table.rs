//! The answer to a query, for people and as JSON.

use std::fmt::Write as _;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, UInt64Type},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// One value of an answer. It may be a person's: `Debug` shows its kind alone.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Null,
    Boolean(bool),
    Signed(i64),
    Unsigned(u64),
    /// Not a number and infinite are written as `null` in JSON, which has no word for them.
    Float(f64),
    Text(String),
}

/// An answer: rows of cells under named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// Whether rows beyond the limit were left out.
    pub truncated: bool,
}

impl Table {
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            truncated: false,
        }
    }

    /// Adds rows up to `rows_max` in all; returns about how many bytes they take.
    pub(super) fn push(
        &mut self,
        batch: &RecordBatch,
        rows_max: usize,
    ) -> Result<usize, ArrowError> {
        let room = rows_max - self.rows.len().min(rows_max);
        self.truncated |= batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        let columns = batch
            .columns()
            .iter()
            .map(|column| cells(column))
            .collect::<Result<Vec<_>, _>>()?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let mut bytes = 0;
        for _ in 0..batch.num_rows() {
            let row: Vec<Cell> = columns.iter_mut().filter_map(Iterator::next).collect();
            bytes += row.iter().map(Cell::bytes).sum::<usize>();
            self.rows.push(row);
        }
        Ok(bytes)
    }

    /// Columns aligned for reading, numbers to the right.
    pub fn to_text(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::to_text).collect())
            .collect();
        let width = |index: usize, name: &String| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            cells
                .chain([name])
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| width(index, name))
            .collect();
        let mut text = String::new();
        push_line(&mut text, &self.columns, &widths, |index| {
            self.is_numeric(index)
        });
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        push_line(&mut text, &rule, &widths, |_| false);
        rows.iter()
            .for_each(|row| push_line(&mut text, row, &widths, |index| self.is_numeric(index)));
        if self.truncated {
            let _ = writeln!(text, "(the first {} rows; there are more)", self.rows.len());
        }
        text
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.all(|cell| !matches!(cell, Cell::Text(_) | Cell::Boolean(_)))
    }

    /// An array of objects, one per row, with numbers as numbers.
    pub fn to_json(&self) -> String {
        let rows: Vec<JsonRow<'_>> = self
            .rows
            .iter()
            .map(|row| JsonRow {
                columns: &self.columns,
                row,
            })
            .collect();
        serde_json::to_string(&rows).unwrap_or_default()
    }
}

struct JsonRow<'t> {
    columns: &'t [String],
    row: &'t [Cell],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.row.len()))?;
        for (column, cell) in self.columns.iter().zip(self.row) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Boolean(_) => "Boolean(..)",
            Self::Signed(_) => "Signed(..)",
            Self::Unsigned(_) => "Unsigned(..)",
            Self::Float(_) => "Float(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}

impl Cell {
    fn bytes(&self) -> usize {
        let text = if let Self::Text(text) = self {
            text.len()
        } else {
            0
        };
        size_of::<Self>() + text
    }

    fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            // Control characters would break lines or steer the terminal.
            Self::Text(value) => value
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
        }
    }
}

fn push_line(
    text: &mut String,
    cells: &[String],
    widths: &[usize],
    to_the_right: impl Fn(usize) -> bool,
) {
    let mut line = String::new();
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let gap = if index > 0 { "  " } else { "" };
        let _ = match to_the_right(index) {
            true => write!(line, "{gap}{cell:>width$}"),
            false => write!(line, "{gap}{cell:<width$}"),
        };
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn cells(column: &dyn Array) -> Result<Vec<Cell>, ArrowError> {
    let kind = match column.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        kind => kind,
    };
    if kind.is_signed_integer() {
        let values = cast(column, &DataType::Int64)?;
        return Ok(values
            .as_primitive::<Int64Type>()
            .iter()
            .map(|v| v.map_or(Cell::Null, Cell::Signed))
            .collect());
    }
    if kind.is_unsigned_integer() {
        let values = cast(column, &DataType::UInt64)?;
        let values = values.as_primitive::<UInt64Type>();
        return Ok(values
            .iter()
            .map(|v| v.map_or(Cell::Null, Cell::Unsigned))
            .collect());
    }
    if kind.is_floating() {
        let values = cast(column, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        return Ok(values
            .iter()
            .map(|v| v.map_or(Cell::Null, Cell::Float))
            .collect());
    }
    if *kind == DataType::Boolean {
        let values = cast(column, &DataType::Boolean)?;
        return Ok(values
            .as_boolean()
            .iter()
            .map(|v| v.map_or(Cell::Null, Cell::Boolean))
            .collect());
    }
    let format = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    let cell = |row| match column.is_null(row) {
        true => Ok(Cell::Null),
        false => format.value(row).try_to_string().map(Cell::Text),
    };
    (0..column.len()).map(cell).collect()
}
