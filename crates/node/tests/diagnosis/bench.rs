//! A folder of its own for each test, in which the binary finds no knowledge but its own.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

pub use crate::support::{shared_data, text};

/// What stands on every report.
pub const NOTICE: &str =
    "research use only; not a medical device; confirm in an accredited laboratory";

/// What nothing but the report may say of the patients of the fixtures and of the cases that tests
/// write.
const OF_THE_PATIENT: [&str; 9] = [
    "made-up",
    "SECRET",
    "HP:0004440",
    "HP:0001156",
    "HP:0000316",
    "HP:0002315",
    "craniosynostosis",
    "Hypertelorism",
    "Headache",
];

pub struct Bench(TempDir);

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("the folder can be written");
        path
    }

    /// Runs the binary, and checks that it says nothing of the patient beside its answer.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_ligate"))
            .args(args)
            .current_dir(self.0.path())
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("home/share"))
            .env_remove("LIGATE_KNOWLEDGE")
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        let said = errors(&output);
        for word in OF_THE_PATIENT {
            assert!(
                !said.contains(word),
                "standard error says \"{word}\": {said}"
            );
        }
        output
    }

    /// Standard output of a run that must succeed.
    #[track_caller]
    pub fn answer(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "ligate {args:?} failed: {}",
            errors(&output)
        );
        String::from_utf8(output.stdout).expect("output is UTF-8")
    }

    /// `ligate diagnose CASE ... --json`.
    #[track_caller]
    pub fn diagnose(&self, case: &Path, more: &[&str]) -> Value {
        let args = [&["diagnose", text(case), "--json", "--out", "report"], more].concat();
        serde_json::from_str(&self.answer(&args)).expect("the answer is JSON")
    }

    /// A diagnosis that must be refused with these words, exit code 1 and nothing written.
    #[track_caller]
    pub fn refused(&self, case: &Path, more: &[&str], words: &[&str]) {
        let args = [&["diagnose", text(case), "--out", "refused/report"], more].concat();
        let output = self.run(&args);
        let said = errors(&output);
        assert_eq!(
            output.status.code(),
            Some(1),
            "ligate {args:?} should have been refused: {said}"
        );
        assert!(
            said.lines()
                .last()
                .is_some_and(|line| line.starts_with("error: ")),
            "{said}"
        );
        for word in words {
            assert!(said.contains(word), "\"{word}\" is missing in: {said}");
        }
        assert!(
            !self.path("refused").exists(),
            "something was written for {args:?}"
        );
    }
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/diagnosis")
        .join(name)
}

pub fn array<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} is no list"))
}

pub fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

pub fn string(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no string"))
}

/// Whether one of the sentences has all the words.
pub fn says(sentences: &Value, words: &[&str]) -> bool {
    let list = sentences.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(Value::as_str)
        .any(|sentence| words.iter().all(|word| sentence.contains(word)))
}

/// Ids of the diseases, best first, with their probabilities and scores.
pub fn order(report: &Value) -> Vec<(String, f64, f64)> {
    let one = |candidate: &Value| {
        let id = string(&candidate["disease"]).to_owned();
        (
            id,
            number(&candidate["probability"]),
            number(&candidate["score"]),
        )
    };
    array(report, "candidates").iter().map(one).collect()
}
