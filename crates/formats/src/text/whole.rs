//! A text file that is read whole: the releases of ontologies and gene tables, tens of megabytes
//! each, plain or compressed. Bounded, so that a wrong path cannot fill the memory.

use std::{io::Read, path::Path};

use crate::{ReadError, text::Input};

/// Largest text that is taken, inflated: the largest release today has 70 MB.
const LARGEST: u64 = 1 << 30;

/// The file's text; bytes that are no UTF-8 become U+FFFD.
pub fn read(path: &Path) -> Result<String, ReadError> {
    let text = Input::open(path)?.into_text();
    let mut all = Vec::new();
    text.take(LARGEST + 1)
        .read_to_end(&mut all)
        .map_err(|error| ReadError::io(path, error))?;
    if all.len() as u64 > LARGEST {
        return Err(ReadError::malformed(
            path,
            1,
            "the file is larger than 1 GB; is it the right file?",
        ));
    }
    Ok(String::from_utf8(all)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The lines of a text, counted from 1, without their ends.
pub fn numbered_lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..).zip(
        text.lines()
            .map(|line| line.strip_suffix('\r').unwrap_or(line)),
    )
}

/// Where the named columns are in a header line of tab-separated names.
pub fn columns<const N: usize>(
    path: &Path,
    line: u64,
    header: &str,
    wanted: [&str; N],
) -> Result<[usize; N], ReadError> {
    let names: Vec<&str> = header
        .trim_start_matches('#')
        .split('\t')
        .map(str::trim)
        .collect();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(wanted) {
        *place = names
            .iter()
            .position(|found| found.eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                ReadError::malformed(
                    path,
                    line,
                    format!("the header line has no column `{name}`"),
                )
            })?;
    }
    Ok(places)
}

/// The fields of a row at these places, trimmed; `None` where the row is too short.
pub fn fields<'a, const N: usize>(row: &'a str, places: &[usize; N]) -> Option<[&'a str; N]> {
    let mut found = [""; N];
    let mut missing = N;
    for (at, field) in row.split('\t').enumerate() {
        for (slot, _) in found
            .iter_mut()
            .zip(places)
            .filter(|(_, place)| **place == at)
        {
            *slot = field.trim();
            missing -= 1;
        }
        if missing == 0 {
            return Some(found);
        }
    }
    None
}
