//! Phenotype tables: a header line, one row for each person, ids in the first column, tabs or
//! commas between. Columns of numbers become variables in the order of the dataset's people;
//! columns of text are left out and named, so that an analysis which asks for one can be refused by
//! name.

mod column;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use column::{Cell, Column, Finished};
use ligate_formats::{Problems, ReadError, text::Table};
use ligate_model::{IndividualId, Phenotypes, VariableName};

use crate::known_as::KnownAs;

/// What was noticed in a table.
#[derive(Clone, Debug, Default)]
pub struct PhenotypeReport {
    /// Individuals of the dataset that the table lacks: all their values are missing.
    pub without_row: usize,
    /// Rows of people who are not in the dataset: left out.
    pub without_genotypes: usize,
    /// Columns that hold text.
    pub text_columns: Vec<TextColumn>,
    pub problems: Problems,
}

/// A column that was left out because it holds text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextColumn {
    pub name: String,
    /// Line of the first field that is neither a number nor missing: where one slip made the column
    /// text, it is there.
    pub first_line: u64,
}

/// Reads a table for these individuals. Before the table's ids are matched, `id_prefix` is put
/// before them, and people who are known under other ids get those.
pub fn read(
    path: &Path,
    individuals: &[IndividualId],
    id_prefix: Option<&str>,
    known_as: &KnownAs,
) -> Result<(Phenotypes, PhenotypeReport), ReadError> {
    let mut table = Table::open(path)?;
    let mut reader = PhenotypeReader {
        path,
        prefix: id_prefix.unwrap_or_default(),
        known_as,
        places: individuals
            .iter()
            .enumerate()
            .map(|(place, id)| (id.as_str(), place))
            .collect(),
        columns: columns(path, table.header(), individuals.len())?,
        seen: HashSet::new(),
        found: 0,
        report: PhenotypeReport::default(),
    };
    while let Some((line, fields)) = table.next_row()? {
        reader.row(line, fields)?;
    }
    reader.finish(individuals.len())
}

/// The columns behind the ids.
fn columns(path: &Path, header: &[String], individuals: usize) -> Result<Vec<Column>, ReadError> {
    let mut columns: Vec<Column> = Vec::new();
    for (at, name) in header.iter().enumerate().skip(1) {
        let bad = |what: &str| {
            let message = format!("column {} {what}; rename it in the header line", at + 1);
            ReadError::malformed(path, 1, message)
        };
        let rule = "has no usable name (1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', a letter or digit first)";
        let name = VariableName::new(name.as_str()).map_err(|_| bad(rule))?;
        if columns.iter().any(|column| column.name == name) {
            return Err(bad("has the name of an earlier column"));
        }
        columns.push(Column::new(name, individuals));
    }
    Ok(columns)
}

/// A table on its way into columns.
struct PhenotypeReader<'a> {
    path: &'a Path,
    prefix: &'a str,
    known_as: &'a KnownAs,
    places: HashMap<&'a str, usize>,
    columns: Vec<Column>,
    seen: HashSet<IndividualId>,
    found: usize,
    report: PhenotypeReport,
}

impl PhenotypeReader<'_> {
    fn row(&mut self, line: u64, fields: &[String]) -> Result<(), ReadError> {
        let fault = |message: &str| ReadError::malformed(self.path, line, message);
        let (Some(id), true) = (fields.first(), fields.len() == self.columns.len() + 1) else {
            let message = format!(
                "the row has {} fields and the header {}",
                fields.len(),
                self.columns.len() + 1
            );
            return Err(fault(&message));
        };
        let id = IndividualId::new(format!("{}{}", self.prefix, id.trim()));
        let Some(id) = id.ok().filter(|id| id.as_str().len() > self.prefix.len()) else {
            return Err(fault(
                "the id in the first column is empty or unusable; correct or remove the row",
            ));
        };
        let id = self.known_as.id_of(&id);
        let place = self.places.get(id.as_str()).copied();
        if !self.seen.insert(id.clone()) {
            return Err(fault(
                "the id in the first column was in an earlier row; remove one of the two",
            ));
        }
        match place {
            Some(_) => self.found += 1,
            None => self.report.without_genotypes += 1,
        }
        for (column, field) in self.columns.iter_mut().zip(&fields[1..]) {
            let cell = Cell::parse(field);
            if cell == Cell::NotFinite {
                let message = format!(
                    "column {}: a value that is not finite counts as missing; write NA",
                    column.name
                );
                self.report.problems.push(self.path, line, message);
            }
            column.add(cell, place, line);
        }
        Ok(())
    }

    fn finish(mut self, individuals: usize) -> Result<(Phenotypes, PhenotypeReport), ReadError> {
        if self.found == 0 && individuals > 0 {
            let message = "no id in the first column is one of the genotypes' sample names; use the same ids in both";
            return Err(ReadError::malformed(self.path, 1, message));
        }
        self.report.without_row = individuals - self.found;
        let mut phenotypes = Phenotypes::default();
        for column in self.columns {
            let name = column.name.as_str().to_owned();
            match column.finish() {
                Finished::Variable {
                    variable,
                    minus_nine,
                } => {
                    phenotypes.variables.push(variable);
                    if let Some(line) = minus_nine {
                        let message =
                            format!("column {name}: -9 is read as a number; write NA for missing");
                        self.report.problems.push(self.path, line, message);
                    }
                }
                Finished::Text {
                    first_line,
                    beside_numbers,
                } => {
                    if beside_numbers {
                        let message = format!(
                            "column {name} is taken as text because this row holds no number"
                        );
                        self.report.problems.push(self.path, first_line, message);
                    }
                    self.report
                        .text_columns
                        .push(TextColumn { name, first_line });
                }
            }
        }
        Ok((phenotypes, self.report))
    }
}
