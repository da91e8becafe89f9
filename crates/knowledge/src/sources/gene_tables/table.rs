//! Tables with tabs between fields and one header line.

use std::path::Path;

use ligate_formats::{Problems, ReadError, text::Lines};

/// Columns by name.
pub(super) struct Header(Vec<String>);

impl Header {
    /// Where the first of these names stands, capitals or not.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        self.0
            .iter()
            .position(|name| names.contains(&name.as_str()))
    }
}

/// Reads a table whose first line names its columns: `columns` finds those that are needed, or says
/// which is missing, `row` makes a record of a line's fields.
pub(super) fn read<C, T>(
    path: &Path,
    columns: impl FnOnce(&Header) -> Result<C, &'static str>,
    mut row: impl FnMut(&C, &Fields<'_>) -> Result<T, &'static str>,
) -> Result<(Vec<T>, Problems), ReadError> {
    let mut lines = Lines::open(path)?;
    let header = match lines.next_line()? {
        Some(line) => line.text.into_owned(),
        None => return Err(ReadError::malformed(path, 1, "the file is empty")),
    };
    let names = header
        .trim_start_matches('#')
        .split('\t')
        .map(|name| name.trim().to_ascii_lowercase());
    let columns = columns(&Header(names.collect())).map_err(|missing| {
        ReadError::malformed(path, 1, format!("the header names no column {missing}"))
    })?;
    let (mut records, mut problems) = (Vec::new(), Problems::default());
    while let Some(line) = lines.next_line()? {
        if line.text.trim().is_empty() {
            continue;
        }
        match row(&columns, &Fields(line.text.split('\t').collect())) {
            Ok(record) => records.push(record),
            Err(message) => problems.push(path, line.number, message),
        }
    }
    Ok((records, problems))
}

/// One line.
pub(super) struct Fields<'a>(pub Vec<&'a str>);

impl<'a> Fields<'a> {
    /// A field without quotation marks and spaces around it; nothing where it is empty or says so.
    pub fn get(&self, column: Option<usize>) -> Option<&'a str> {
        let text = self.0.get(column?)?.trim();
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        (!matches!(text, "" | "NA" | "N/A" | "nan" | "NaN" | ".")).then_some(text)
    }

    pub fn number<N: std::str::FromStr>(&self, column: Option<usize>) -> Option<N> {
        self.get(column)?.parse().ok()
    }

    /// The parts of a field that has '|' between them.
    pub fn list(&self, column: Option<usize>) -> Vec<Box<str>> {
        let parts = self
            .get(column)
            .into_iter()
            .flat_map(|text| text.split('|'));
        parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Into::into)
            .collect()
    }
}
