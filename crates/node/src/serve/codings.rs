//! How a disease is coded at a node that shows the value 1 only. Another node's coding decides, once and for all: with
//! both readings of the same people, the difference of two sums would be this node's own cases.
//!
//! One file a dataset, `ledger/ID.codings.json`, is read and written under a lock, so that of two runs at the same time
//! the second is held to what the first one fixed. A file that cannot be read decides nothing anew: the node refuses.
//! Only the steward undoes a coding, and the audit log has it before it is gone.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use ligate_model::{BinaryCoding, DatasetId, VariableName};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output;

/// The form of the stored file.
const VERSION: u64 = 1;

const ENDING: &str = ".codings.json";

/// Codings of a dataset's diseases that other nodes decided, by variable.
pub type Codings = BTreeMap<VariableName, BinaryCoding>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u64,
    codings: Codings,
}

/// Keeps the coding of `variable` when it is told for the first time; refuses another one later.
pub fn decide(
    ledger: &Path,
    dataset: &DatasetId,
    variable: &VariableName,
    told: BinaryCoding,
) -> Result<BinaryCoding> {
    ensure!(told != BinaryCoding::Undecided, "the disease {variable} was told without a coding");
    let _lock = lock(ledger)?;
    let path = path(ledger, dataset);
    let mut codings = read(&path)?;
    match codings.get(variable) {
        Some(known) if *known == told => Ok(told),
        Some(_) => bail!("the disease {variable} was read with the other coding before; it stays as it was"),
        None => {
            codings.insert(variable.clone(), told);
            write(&path, codings)?;
            Ok(told)
        }
    }
}

/// What is fixed, by dataset.
pub fn all(ledger: &Path) -> Result<BTreeMap<DatasetId, Codings>> {
    let failed = || format!("cannot read the folder {}", ledger.display());
    let _lock = lock(ledger)?;
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(ledger).with_context(failed)? {
        let name = entry.with_context(failed)?.file_name();
        let dataset = name.to_str().and_then(|name| name.strip_suffix(ENDING));
        if let Some(dataset) = dataset.and_then(|dataset| dataset.parse().ok()) {
            let codings = read(&path(ledger, &dataset))?;
            all.insert(dataset, codings);
        }
    }
    Ok(all)
}

/// Undoes a coding, once `record` has noted it: a crash between the two leaves the coding in force.
pub fn forget(
    ledger: &Path,
    dataset: &DatasetId,
    variable: &VariableName,
    record: impl FnOnce(BinaryCoding) -> Result<()>,
) -> Result<BinaryCoding> {
    let _lock = lock(ledger)?;
    let path = path(ledger, dataset);
    let mut codings = read(&path)?;
    let Some(known) = codings.remove(variable) else {
        bail!("no other node decided how {variable} of {dataset} is coded; see `ligate ledger codings`");
    };
    record(known)?;
    write(&path, codings)?;
    Ok(known)
}

fn path(ledger: &Path, dataset: &DatasetId) -> PathBuf {
    ledger.join(format!("{dataset}{ENDING}"))
}

/// Waits for its turn; the lock goes with the returned file, also when the process is killed.
fn lock(ledger: &Path) -> Result<File> {
    let path = ledger.join("codings.lock");
    let failed = || format!("cannot lock {}", path.display());
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.with_context(failed)?;
    flock(&file, FlockOperation::LockExclusive).with_context(failed)?;
    Ok(file)
}

fn write(path: &Path, codings: Codings) -> Result<()> {
    let text = serde_json::to_vec_pretty(&Stored { version: VERSION, codings })?;
    output::write_private(path, |out| out.write_all(&text))
}

fn read(path: &Path) -> Result<Codings> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Codings::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let value: Value = serde_json::from_slice(&text).ok().with_context(|| damaged(path))?;
    let codings = match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => serde_json::from_value(value).map(|stored: Stored| stored.codings),
        Some(other) => bail!(
            "{} was stored by another version of ligate (form {other}, this one reads {VERSION}); use that version",
            path.display()
        ),
        // The form before it had a version: the codings alone.
        None => serde_json::from_value(value),
    };
    codings.ok().with_context(|| damaged(path))
}

/// The file is not to be put back from a copy: an older one lacks what was fixed since.
fn damaged(path: &Path) -> String {
    format!(
        "{} is damaged, so it is not known how diseases with the value 1 alone were read, and no study of one is \
         answered; moving the file away forgets every coding in it, and `ligate ledger forget-coding --help` says what \
         that means",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, sync::Barrier, thread};

    use super::*;

    fn names() -> (DatasetId, VariableName) {
        ("cohort".parse().unwrap(), "t2d".parse().unwrap())
    }

    #[test]
    fn the_first_coding_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, variable) = names();
        let told = |coding| decide(folder.path(), &dataset, &variable, coding);
        assert!(told(BinaryCoding::Undecided).is_err());
        told(BinaryCoding::OneTwo).unwrap();
        told(BinaryCoding::OneTwo).unwrap();
        assert!(told(BinaryCoding::ZeroOne).is_err());
        for entry in fs::read_dir(folder.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    /// The lock belongs to an opened file, so threads that open their own exclude each other as processes do.
    #[test]
    fn runs_at_the_same_time_agree_on_one_coding() {
        let (dataset, variable) = names();
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let start = Barrier::new(16);
            let run = |index: usize| {
                let told = [BinaryCoding::ZeroOne, BinaryCoding::OneTwo][index % 2];
                start.wait();
                decide(folder.path(), &dataset, &variable, told).ok()
            };
            let answers: Vec<_> = thread::scope(|scope| {
                let runs: Vec<_> = (0..16).map(|index| scope.spawn(move || run(index))).collect();
                runs.into_iter().map(|run| run.join().unwrap()).collect()
            });
            let accepted: Vec<_> = answers.into_iter().flatten().collect();
            assert_eq!(accepted.len(), 8, "every run with one coding, and none with the other: {accepted:?}");
            let kept = all(folder.path()).unwrap()[&dataset][&variable];
            assert!(accepted.iter().all(|coding| *coding == kept), "{accepted:?} and {kept:?} kept");
        }
    }

    #[test]
    fn of_different_diseases_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, _) = names();
        let fix = |index: usize| {
            let variable = format!("d{index}").parse().unwrap();
            decide(folder.path(), &dataset, &variable, BinaryCoding::ZeroOne).unwrap();
        };
        thread::scope(|scope| {
            for index in 0..16 {
                scope.spawn(move || fix(index));
            }
        });
        assert_eq!(all(folder.path()).unwrap()[&dataset].len(), 16);
    }

    #[test]
    fn a_coding_is_undone_only_where_it_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, variable) = names();
        let forget =
            |record: &dyn Fn(BinaryCoding) -> Result<()>| forget(folder.path(), &dataset, &variable, record);
        assert!(forget(&|_| Ok(())).is_err(), "nothing is fixed");
        decide(folder.path(), &dataset, &variable, BinaryCoding::OneTwo).unwrap();
        assert!(forget(&|_| bail!("the audit log is full")).is_err());
        assert!(decide(folder.path(), &dataset, &variable, BinaryCoding::ZeroOne).is_err(), "it is in force");
        assert_eq!(forget(&|_| Ok(())).unwrap(), BinaryCoding::OneTwo);
        decide(folder.path(), &dataset, &variable, BinaryCoding::ZeroOne).unwrap();
    }

    #[test]
    fn what_cannot_be_read_decides_nothing_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, variable) = names();
        let path = path(folder.path(), &dataset);
        let told = || decide(folder.path(), &dataset, &variable, BinaryCoding::ZeroOne);
        for (text, said) in [
            ("", "is damaged"),
            ("[]", "is damaged"),
            (r#"{"t2d": "1/3"}"#, "is damaged"),
            (r#"{"version": 1}"#, "is damaged"),
            (r#"{"version": 1, "codings": {"t2d": "1/2"}, "more": 0}"#, "is damaged"),
            (r#"{"version": 2, "codings": {}}"#, "stored by another version"),
        ] {
            fs::write(&path, text).unwrap();
            let error = told().unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("cohort.codings.json"), "{text}: {error}");
            assert!(all(folder.path()).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "it stays as it was");
        }
        fs::write(&path, r#"{"t2d": "1/2"}"#).unwrap();
        assert!(told().unwrap_err().to_string().contains("other coding"), "the form without a version");
        decide(folder.path(), &dataset, &"asthma".parse().unwrap(), BinaryCoding::ZeroOne).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("\"version\": 1"));
    }
}
