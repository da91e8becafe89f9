//! Cases from every kind of file and from a folder, with what is wrong in them.

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use ligate_records::cases::{self, OneCase};

const GOOD: &str = r#"{"id": "NAME", "subject": {"id": "s"}, "phenotypicFeatures": [{"type": {"id": "HP:0001250"}}]}"#;
const OTHER: &str = r#"{"id": "x", "phenotypicFeatures": [{"type": {"id": "MP:0001250"}}]}"#;

fn good(name: &str) -> String {
    GOOD.replace("NAME", name)
}

/// Writes the files, reads `path`, and gives the cases as `id@line` and the problems as `file:line:
/// message`.
fn check(files: &[(&str, &[u8])], path: &str, expected: &[&str], problems: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    let mut cases = cases::read(&folder.path().join(path)).unwrap();
    let found: Vec<String> = cases
        .by_ref()
        .map(|record| format!("{}@{}", record.case.id, record.line))
        .collect();
    assert_eq!(found, expected);
    let kept = cases.problems().kept().iter();
    let named = |file: &Path| {
        file.strip_prefix(folder.path())
            .unwrap()
            .display()
            .to_string()
    };
    let noted: Vec<String> = kept
        .map(|p| format!("{}:{}: {}", named(&p.file), p.line, p.message))
        .collect();
    assert_eq!(noted.len(), problems.len(), "{noted:?}");
    for (noted, wanted) in noted.iter().zip(problems) {
        assert!(noted.starts_with(wanted), "{noted}");
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bad_line_does_not_end_the_load() {
    let text = format!(
        "{}\n{{\"id\": \n\n{OTHER}\n{{}}\n{}\n",
        good("a"),
        good("b")
    );
    let problems = [
        "c.jsonl:2: broken JSON",
        "c.jsonl:4: no feature is a term",
        "c.jsonl:5: this is no phenopacket",
    ];
    check(
        &[("c.jsonl", text.as_bytes())],
        "c.jsonl",
        &["a@1", "b@6"],
        &problems,
    );
    let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let problems = problems.map(|problem| problem.replace("jsonl", "jsonl.zst"));
    let problems: Vec<&str> = problems.iter().map(String::as_str).collect();
    check(
        &[("c.jsonl.zst", &zst)],
        "c.jsonl.zst",
        &["a@1", "b@6"],
        &problems,
    );
}

#[test]
fn arrays_and_cohorts_give_their_lines() {
    let array = format!("[\n{},\n{OTHER},\n\n{}]", good("a"), good("b"));
    check(
        &[("c.json", array.as_bytes())],
        "c.json",
        &["a@2", "b@5"],
        &["c.json:3: no feature"],
    );
    check(
        &[("c.json.gz", &gzip(&array))],
        "c.json.gz",
        &["a@2", "b@5"],
        &["c.json.gz:3: no feature"],
    );
    let cohort = format!(
        "{{\"id\": \"k\", \"members\": [\n{},\n7,\n{}]}}",
        good("a"),
        good("b")
    );
    check(
        &[("c.json", cohort.as_bytes())],
        "c.json",
        &["a@2", "b@4"],
        &["c.json:3: this is no phenopacket"],
    );
    let broken = format!("{}\n{{\"id\": oops}}", good("a"));
    check(
        &[("c.json", broken.as_bytes())],
        "c.json",
        &["a@1"],
        &["c.json:2: broken JSON"],
    );
}

#[test]
fn a_cut_file_keeps_what_came_before() {
    let text: String = (0..3_000)
        .map(|number| good(&format!("case {number}, of a file that is cut")) + "\n")
        .collect();
    let whole = gzip(&text);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.jsonl.gz");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let mut cases = cases::read(&path).unwrap();
    let count = cases.by_ref().count();
    assert!(count > 0 && count < 3_000, "{count}");
    let problems = cases.into_problems();
    assert_eq!(problems.total(), 1);
    assert!(
        problems.kept()[0].message.contains("cut or corrupt"),
        "{:?}",
        problems.kept()[0]
    );
}

#[test]
fn a_folder_is_read_in_order_with_its_lists() {
    let pretty = good("b").replace(", ", ",\n");
    let files: [(&str, &[u8]); 8] = [
        ("b.json", pretty.as_bytes()),
        (
            "a/two.jsonl",
            &[good("x"), good("y")].join("\n").into_bytes(),
        ),
        ("list.txt", b"HP:0001250\n-HP:0001263\nAtaxia\n"),
        ("README.txt", b"What is here, and why.\n"),
        ("bad.pb", b"\x00\x01\x02"),
        ("notes.md", b"not read"),
        (".hidden.json", b"not read"),
        ("not.json", b"\xff\xfe{}"),
    ];
    let problems = [
        "bad.pb:1: this is no phenopacket in protobuf",
        "not.json:0: ",
    ];
    check(&files, "", &["x@1", "y@2", "b@1", "list@1"], &problems);
}

#[test]
fn one_case_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, content: &str, expected: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let found = match cases::read_one(&path) {
            Ok((record, _)) => record.case.id,
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    };
    check("a.json", &good("a"), "a");
    check(
        "b.json",
        &format!("[{}, {}]", good("a"), good("b")),
        "several cases",
    );
    check("c.json", "", "there is no case");
    check("d.json", OTHER, "d.json:1: no feature is a term");
    check("e.json", "{", "e.json:1: broken JSON");
    check("f.txt", "[HP:0001250]", "f");
    check("g", &good("unnamed kind"), "unnamed kind");
    let missing = cases::read_one(&folder.path().join("none.json"));
    assert!(matches!(missing, Err(OneCase::Read(_))));
}
