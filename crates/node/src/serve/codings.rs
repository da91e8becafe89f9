//! How a disease is coded at a node that shows the value 1 only. Another node's coding decides, once and for all: with
//! both readings of the same people, the difference of two sums would be this node's own.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use ligate_model::{BinaryCoding, DatasetId, VariableName};

use crate::output;

/// Keeps the coding of `variable` when it is told for the first time; refuses another one later.
pub fn decide(
    ledger: &Path,
    dataset: &DatasetId,
    variable: &VariableName,
    told: BinaryCoding,
) -> Result<BinaryCoding> {
    let path = path(ledger, dataset);
    let mut codings = read(&path)?;
    match codings.get(variable.as_str()) {
        Some(known) if *known == told => Ok(told),
        Some(_) => bail!("the disease {variable} was read with the other coding before; it stays as it was"),
        None => {
            codings.insert(variable.to_string(), told);
            let text = serde_json::to_vec_pretty(&codings)?;
            output::write_private(&path, |out| out.write_all(&text))?;
            Ok(told)
        }
    }
}

fn path(ledger: &Path, dataset: &DatasetId) -> PathBuf {
    ledger.join(format!("{dataset}.codings.json"))
}

fn read(path: &Path) -> Result<BTreeMap<String, BinaryCoding>> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_coding_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, variable) = ("cohort".parse().unwrap(), "t2d".parse().unwrap());
        let told = |coding| decide(folder.path(), &dataset, &variable, coding);
        told(BinaryCoding::OneTwo).unwrap();
        told(BinaryCoding::OneTwo).unwrap();
        assert!(told(BinaryCoding::ZeroOne).is_err());
    }
}
