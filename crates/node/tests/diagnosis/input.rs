//! Bad cases: each has its message, the rest goes on, and nothing of the patient is in an error.

use std::{fs, time::Instant};

use crate::bench::{Bench, array, fixture, says, text};

const HEADACHE: &str = r#"{"type":{"id":"HP:0002315"}}"#;

fn packet(features: &str) -> String {
    format!(
        r#"{{"id":"SECRET-1","subject":{{"id":"SECRET-2"}},"phenotypicFeatures":[{features}]}}"#
    )
}

#[test]
fn terms_that_cannot_be_taken_as_they_stand_are_noted() {
    let bench = Bench::new();
    let list = "HP:0004322\nHP:9999999\nHP:0000057\nHP:0001453\nHP:0001425\nHP:0000365\n-HP:0000365\n-HP:0000118\n";
    let report = bench.diagnose(&bench.file("list.txt", list), &[]);
    for words in [
        &["HP:9999999", "not in this release"][..],
        &["HP:0000057", "HP:0008665"],
        &["HP:0001425", "HP:0000005"],
        &["both observed and excluded"],
        &["observed and excluded at once", "HP:0000365"],
        &["HP:0000118", "the observation is kept"],
    ] {
        assert!(
            says(&report["notes"], words),
            "{words:?} is missing in {}",
            report["notes"]
        );
    }
    let observed: Vec<_> = array(&report["patient"], "observed")
        .iter()
        .map(|term| &term["id"])
        .collect();
    assert!(
        observed.contains(&&"HP:0004322".into()) && observed.contains(&&"HP:0008665".into()),
        "{observed:?}"
    );
    assert!(!observed.contains(&&"HP:0000365".into()), "{observed:?}");
}

#[test]
fn what_holds_no_case_is_refused() {
    let bench = Bench::new();
    let broken = packet(HEADACHE).replace("]}", "");
    let several = format!("[{},{}]", packet(HEADACHE), packet(HEADACHE));
    let excluded = packet(r#"{"type":{"id":"HP:0002315"},"excluded":true}"#);
    let both = packet(&format!(
        r#"{HEADACHE},{{"type":{{"id":"HP:0002315"}},"excluded":true}}"#
    ));
    let (none, mouse) = (packet(""), packet(r#"{"type":{"id":"MP:0001262"}}"#));
    let id = packet(r#"{"type":{"id":"SECRET"}}"#);
    let shape = r#"{"id":"SECRET","subject":"SECRET","phenotypicFeatures":[]}"#;
    let garbage: Vec<u8> = (0..3000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let cases: [(&str, &[u8], &[&str]); 18] = [
        (
            "unknown.txt",
            b"HP:9999999\n",
            &["none of the 1 observed terms"],
        ),
        ("empty.txt", b"", &["no terms", "HP:0001250"]),
        ("comment.txt", b"# SECRET\n\n", &["no terms"]),
        (
            "mouse.txt",
            b"MP:0001262\n",
            &["Human Phenotype Ontology", "`MP`"],
        ),
        (
            "mouse.json",
            mouse.as_bytes(),
            &["Human Phenotype Ontology", "`MP`"],
        ),
        (
            "letter.txt",
            b"A text about SECRET and what she has\n",
            &["no line names a term", "--text"],
        ),
        (
            "none.json",
            none.as_bytes(),
            &["no observed phenotype term"],
        ),
        (
            "excluded.json",
            excluded.as_bytes(),
            &["no observed phenotype term"],
        ),
        (
            "both.json",
            both.as_bytes(),
            &["no observed phenotype term", "both observed and excluded"],
        ),
        (
            "id.json",
            id.as_bytes(),
            &["no observed phenotype term", "no readable term id"],
        ),
        (
            "broken.json",
            broken.as_bytes(),
            &["broken.json:1", "broken JSON"],
        ),
        (
            "shape.json",
            shape.as_bytes(),
            &["shape.json:1", "phenopacket schema"],
        ),
        (
            "other.json",
            br#"{"resourceType":"Patient"}"#,
            &["no phenopacket"],
        ),
        ("empty.json", b"", &["no case in it"]),
        ("several.json", several.as_bytes(), &["several cases"]),
        ("garbage.pb", &garbage, &["no phenopacket in protobuf"]),
        ("garbage.bin", &garbage, &["no phenopacket"]),
        ("latin.txt", b"HP:0002315 Anf\xe4lle\n", &["UTF-8"]),
    ];
    for (name, content, words) in cases {
        bench.refused(&bench.file(name, content), &[], words);
    }
    bench.refused(
        &bench.path("missing.json"),
        &[],
        &["missing.json", "No such file"],
    );
}

#[test]
fn a_folder_is_one_case_or_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path("cases")).unwrap();
    bench.refused(&bench.path("cases"), &[], &["no case in it"]);
    bench.file("cases/one.json", packet(HEADACHE));
    assert!(!array(&bench.diagnose(&bench.path("cases"), &[]), "candidates").is_empty());
    bench.file("cases/two.json", packet(HEADACHE));
    bench.refused(&bench.path("cases"), &[], &["several cases"]);
}

#[test]
fn a_text_without_a_feature_is_refused() {
    let bench = Bench::new();
    for (name, content) in [
        ("empty.txt", ""),
        ("none.txt", "SECRET is well.\n"),
        ("no.txt", "She has no seizures.\n"),
    ] {
        for more in [&["--text"][..], &["--text", "--accept"]] {
            bench.refused(
                &bench.file(name, content),
                more,
                &["no observed feature", "list of HPO terms"],
            );
        }
    }
    bench.refused(
        &bench.file("bytes.txt", b"\xff\xfe\x00"),
        &["--text"],
        &["UTF-8"],
    );
}

#[test]
fn five_hundred_terms_are_ranked_in_seconds() {
    let bench = Bench::new();
    // Whatever of these ids the release knows.
    let list: String = (0..500)
        .map(|place| format!("HP:{:07}\n", 2000 + 7 * place))
        .collect();
    let case = bench.file("many.txt", list);
    let start = Instant::now();
    let report = bench.diagnose(&case, &[]);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    assert!(array(&report["patient"], "observed").len() > 250);
    let first = &array(&report, "candidates")[0];
    let sum: f64 = array(first, "contributions")
        .iter()
        .filter_map(|part| part["value"].as_f64())
        .sum();
    assert!((sum - first["score"].as_f64().unwrap()).abs() <= 1e-9);
}

#[test]
fn a_damaged_knowledge_file_is_refused() {
    let bench = Bench::new();
    let whole = fs::read(fixture("../../../knowledge/hpo-2025-01-16.ligk")).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for (name, content, words) in [
        (
            "cut.ligk",
            &whole[..whole.len() / 3],
            &["damaged", "cut.ligk"][..],
        ),
        ("flipped.ligk", &flipped, &["damaged", "flipped.ligk"]),
        (
            "other.ligk",
            b"HP:1",
            &["not a knowledge file", "knowledge build"],
        ),
        ("empty.ligk", b"", &["empty.ligk"]),
    ] {
        let file = bench.file(name, content);
        bench.refused(&fixture("case.txt"), &["--knowledge", text(&file)], words);
    }
    let missing = bench.path("missing.ligk");
    bench.refused(
        &fixture("case.txt"),
        &["--knowledge", text(&missing)],
        &["missing.ligk", "No such file"],
    );
}
