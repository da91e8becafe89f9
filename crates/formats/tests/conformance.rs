//! The conformance files of hts-specs: what should pass is read without error or skipped record,
//! what should fail is refused or reported.

mod common;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// Failing files whose only fault is that a variant comes twice. Whether two records are one
/// variant is decided over all files of a load, by the lake; here both come out with the same key.
const DUPLICATES: [&str; 3] = [
    "failed_body_duplicated_000",
    "failed_body_duplicated_001",
    "failed_body_duplicated_003",
];

fn files(kind: &str) -> Vec<PathBuf> {
    let Some(root) = common::shared("standards/vcf") else {
        return Vec::new();
    };
    let list = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).map_or_else(
            |_| Vec::new(),
            |entries| entries.flatten().map(|e| e.path()).collect(),
        )
    };
    let mut files: Vec<PathBuf> = list(&root)
        .iter()
        .flat_map(|version| list(&version.join(kind)))
        .collect();
    files.sort();
    assert!(files.len() > 50, "the folder is there but nearly empty");
    files
}

#[test]
fn passing_files_are_read_whole() {
    let mut faults = Vec::new();
    for path in files("passed") {
        match common::read(&path, None) {
            Ok((_, report)) if report.skipped == 0 => {}
            Ok((_, report)) => faults.push(format!("{:?}", report.problems.kept())),
            Err(error) => faults.push(error.to_string()),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn failing_files_are_refused_or_reported() {
    let mut silent = Vec::new();
    for path in files("failed") {
        let Ok((batch, report)) = common::read(&path, None) else {
            continue;
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if DUPLICATES.contains(&name.as_ref()) {
            let distinct: HashSet<_> = batch.variants.iter().map(|variant| &variant.key).collect();
            assert!(distinct.len() < batch.variants.len(), "{name}");
        } else if report.problems.is_empty() {
            silent.push(path.display().to_string());
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}
