//! The answer to one case: its form, its sums, its files, and that the form of the case does not
//! matter.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::bench::{Bench, NOTICE, array, fixture, number, order, says, string, text};

#[test]
fn candidates_are_best_first_and_their_parts_sum() {
    let report = Bench::new().diagnose(&fixture("case.v2.json"), &["--top", "50"]);
    let candidates = array(&report, "candidates");
    assert_eq!(candidates.len(), 50);
    let mut before = f64::INFINITY;
    for (place, candidate) in candidates.iter().enumerate() {
        assert_eq!(candidate["rank"], place + 1);
        assert!(string(&candidate["disease"]).contains(':'));
        let probability = number(&candidate["probability"]);
        assert!(
            (0.0..=before).contains(&probability),
            "{probability} after {before}"
        );
        before = probability;
        let sum: f64 = array(candidate, "contributions")
            .iter()
            .map(|part| number(&part["value"]))
            .sum();
        assert!(
            (sum - number(&candidate["score"])).abs() <= 1e-9,
            "{sum} for {}",
            candidate["score"]
        );
    }
    let total: f64 = candidates
        .iter()
        .map(|candidate| number(&candidate["probability"]))
        .sum();
    let all = total + number(&report["none_of_these"]);
    assert!(all > 0.5 && all <= 1.0 + 1e-9, "{all}");
    // The terms are those of syndromes of the FGF receptors and their like.
    let first = string(&candidates[0]["gene"]);
    assert!(
        ["FGFR3", "FGFR2", "FGFR1", "EFNB1", "TWIST1"].contains(&first),
        "{first}"
    );
}

#[test]
fn removing_a_term_changes_the_score_as_shown() {
    let bench = Bench::new();
    let list = fs::read_to_string(fixture("case.txt")).unwrap();
    let report = bench.diagnose(&fixture("case.txt"), &["--top", "3"]);
    let mut looked_at = 0;
    for candidate in array(&report, "candidates") {
        for part in array(candidate, "contributions") {
            let term = string(&part["term"]["id"]);
            let fewer: String = list
                .lines()
                .filter(|line| !line.contains(term))
                .map(|line| format!("{line}\n"))
                .collect();
            let again = bench.diagnose(&bench.file("fewer.txt", fewer), &["--top", "1000"]);
            let same = array(&again, "candidates")
                .iter()
                .find(|of| of["disease"] == candidate["disease"]);
            let score = number(&same.expect("the disease is still ranked")["score"]);
            let shown = number(&candidate["score"]) - number(&part["if_removed"]);
            assert!(
                (score - shown).abs() <= 1e-9,
                "{term}: {score}, shown {shown}"
            );
            looked_at += 1;
        }
    }
    assert!(looked_at >= 12, "{looked_at}");
}

#[test]
fn both_files_are_private_and_carry_the_notice() {
    let bench = Bench::new();
    let said = bench.answer(&[
        "diagnose",
        text(&fixture("case.v2.json")),
        "--out",
        "folder/report",
    ]);
    assert!(
        said.contains(NOTICE) && said.contains("folder/report.html"),
        "{said}"
    );
    for name in ["folder/report.html", "folder/report.json"] {
        let path = bench.path(name);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
        let written = fs::read_to_string(&path).unwrap();
        let has_notice = written.to_lowercase().contains(NOTICE);
        assert!(
            has_notice && written.contains("Coronal craniosynostosis"),
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(bench.path("folder")).unwrap().count(), 2);
    assert!(
        !bench.path("home").exists(),
        "nothing is installed on the way"
    );
}

#[test]
fn every_form_of_a_case_is_ranked_alike() {
    let bench = Bench::new();
    let expected = order(&bench.diagnose(&fixture("case.v2.json"), &[]));
    let protobuf = bench.file("case.pb", protobuf());
    for case in [fixture("case.v1.json"), fixture("case.txt"), protobuf] {
        assert_eq!(
            order(&bench.diagnose(&case, &[])),
            expected,
            "{}",
            case.display()
        );
    }
    let packets = fixture("../../../../records/tests/fixtures/phenopackets");
    for version in ["v1-phenopacket", "v2-phenopacket"] {
        let of = |ending: &str| {
            order(&bench.diagnose(&packets.join(format!("{version}.{ending}")), &[]))
        };
        assert_eq!(of("pb"), of("json"), "{version}");
    }
}

/// The case as a phenopacket in protobuf, by the wire format's rules: tag, length, content.
fn protobuf() -> Vec<u8> {
    let list = fs::read_to_string(fixture("case.txt")).unwrap();
    let mut packet = [field(1, b"packet"), field(2, &field(1, b"person"))].concat();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (id, excluded) = (line.trim_start_matches('-'), line.starts_with('-'));
        let mut feature = field(2, &field(1, &id.as_bytes()[..10]));
        if excluded {
            feature.extend([3 << 3, 1]);
        }
        packet.extend(field(3, &feature));
    }
    packet
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len())
        .ok()
        .filter(|length| *length < 128)
        .expect("one byte of length");
    [&[number << 3 | 2, length], content].concat()
}

#[test]
fn a_text_is_shown_before_it_is_ranked() {
    let bench = Bench::new();
    let letter = fixture("letter.txt");
    let shown = bench.answer(&["diagnose", text(&letter), "--text", "--out", "report"]);
    for words in [
        "[coronal craniosynostosis \u{2192} HP:0004440",
        "[hearing impairment \u{2192} excluded: HP:0000365",
        "relative",
    ] {
        assert!(shown.contains(words), "\"{words}\" is missing in: {shown}");
    }
    assert!(!bench.path("report.html").exists() && !bench.path("report.json").exists());
    let list = bench.path("report.terms.txt");
    assert_eq!(
        fs::metadata(&list).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let expected = order(&bench.diagnose(&fixture("case.txt"), &[]));
    assert_eq!(order(&bench.diagnose(&list, &[])), expected);
    assert_eq!(
        order(&bench.diagnose(&letter, &["--text", "--accept"])),
        expected
    );

    let matches = bench.diagnose(&letter, &["--text"]);
    let standings: Vec<_> = array(&matches, "matches")
        .iter()
        .map(|of| string(&of["standing"]))
        .collect();
    assert!(
        standings.contains(&"excluded") && standings.contains(&"relative"),
        "{standings:?}"
    );
}

#[test]
fn a_panel_keeps_its_genes_and_names_what_lies_outside() {
    let bench = Bench::new();
    let free = bench.diagnose(&fixture("case.txt"), &["--top", "1000"]);
    let panel = bench.file("panel.txt", "gene\nFGFR3 # a comment\nNOSUCHGENE\n");
    let report = bench.diagnose(&fixture("case.txt"), &["--genes", text(&panel)]);
    let candidates = array(&report, "candidates");
    assert!(!candidates.is_empty());
    let of_gene = |of: &&serde_json::Value| array(of, "genes").iter().any(|gene| gene == "FGFR3");
    assert!(candidates.iter().all(|of| of_gene(&of)));
    let inside = array(&free, "candidates").iter().filter(of_gene).count();
    assert_eq!(candidates.len(), inside.min(10));
    assert_eq!(report["panel"]["unknown"][0], "NOSUCHGENE");
    let first_outside = array(&free, "candidates")
        .iter()
        .find(|of| !of_gene(of))
        .unwrap();
    assert_eq!(report["panel"]["outside"][0][0], first_outside["rank"]);
    assert_eq!(report["panel"]["outside"][0][1], first_outside["name"]);

    let none = bench.file("none.txt", "NOSUCHGENE\n");
    bench.refused(
        &fixture("case.txt"),
        &["--genes", text(&none)],
        &["no known gene", "HGNC"],
    );
}

#[test]
fn an_earlier_report_shows_what_changed() {
    let bench = Bench::new();
    bench.diagnose(&fixture("case.txt"), &[]);
    let before = bench.path("before.json");
    fs::rename(bench.path("report.json"), &before).unwrap();
    let same = bench.diagnose(&fixture("case.txt"), &["--previous", text(&before)]);
    for part in ["versions", "terms", "candidates"] {
        assert!(
            array(&same["changes"], part).is_empty(),
            "{part}: {}",
            same["changes"]
        );
    }
    let more = fs::read_to_string(fixture("case.txt")).unwrap() + "HP:0000520 Proptosis\n";
    let now = bench.diagnose(
        &bench.file("case.txt", more),
        &["--previous", text(&before)],
    );
    assert!(
        says(&now["changes"]["terms"], &["observed now", "Proptosis"]),
        "{}",
        now["changes"]
    );
    assert!(!array(&now["changes"], "candidates").is_empty());
    assert!(
        !says(&now["notes"], &["another patient"]),
        "{}",
        now["notes"]
    );
    let other = bench.diagnose(&fixture("case.v2.json"), &["--previous", text(&before)]);
    assert!(
        says(&other["notes"], &["another patient"]),
        "{}",
        other["notes"]
    );

    let older = fs::read_to_string(&before)
        .unwrap()
        .replace("ligate-diagnosis/1", "ligate-diagnosis/0");
    for (content, words) in [
        (older.as_str(), &["another form", "ligate-diagnosis/1"][..]),
        (r#"{"form":"ligate-diagnosis/9"}"#, &["another form"]),
        (
            r#"{"form":"ligate-diagnosis/1"}"#,
            &["not the JSON of an earlier diagnosis"],
        ),
        ("SECRET", &["not the JSON of an earlier diagnosis"]),
    ] {
        let previous = bench.file("previous.json", content);
        bench.refused(
            &fixture("case.txt"),
            &["--previous", text(&previous)],
            words,
        );
    }
}
