//! `ligate evaluate diagnosis`: its JSON, its regimes, and files that are partly broken.

use std::fs;

use serde_json::{Value, json};

use crate::bench::{Bench, array, errors, number, shared_data, text};

/// Cases of four diseases in six publications, with features of each.
fn cases() -> Vec<String> {
    let diseases = [
        (
            "OMIM:101200",
            "FGFR2",
            [
                "HP:0001363",
                "HP:0004397",
                "HP:0001159",
                "HP:0000520",
                "HP:0012368",
            ],
        ),
        (
            "OMIM:154700",
            "FBN1",
            [
                "HP:0001166",
                "HP:0001083",
                "HP:0002616",
                "HP:0001519",
                "HP:0000098",
            ],
        ),
        (
            "OMIM:219700",
            "CFTR",
            [
                "HP:0002110",
                "HP:0001738",
                "HP:0002205",
                "HP:0003251",
                "HP:0002024",
            ],
        ),
        (
            "OMIM:142900",
            "TBX5",
            [
                "HP:0001199",
                "HP:0001631",
                "HP:0003022",
                "HP:0009777",
                "HP:0001671",
            ],
        ),
    ];
    let one = |place: usize| {
        let (disease, gene, terms) = diseases[place % 4];
        let kept = terms
            .iter()
            .enumerate()
            .filter(|(at, _)| at % 5 != place % 5);
        let features: Vec<_> = kept
            .map(|(_, id)| json!({"type": {"id": id, "label": "a feature"}}))
            .collect();
        let variant = json!({"variationDescriptor": {"id": "v", "geneContext": {"valueId": "", "symbol": gene}}});
        let case = json!({
            "id": format!("SECRET-{place}"), "subject": {"id": format!("SECRET-{place}"), "sex": "FEMALE"},
            "phenotypicFeatures": features, "unknownKey": [1, 2],
            "interpretations": [{"id": "i", "progressStatus": "SOLVED", "diagnosis": {
                "disease": {"id": disease, "label": "a disease"},
                "genomicInterpretations": [{"subjectOrBiosampleId": "s", "interpretationStatus": "CAUSATIVE",
                    "variantInterpretation": variant}]}}],
            "metaData": {"created": "2024-01-01T00:00:00Z", "createdBy": "a test", "phenopacketSchemaVersion": "2.0",
                "externalReferences": [{"id": format!("PMID:{}", 90_000_000 + place % 6)}]}
        });
        case.to_string()
    };
    (0..24).map(one).collect()
}

fn lines(cases: &[String]) -> String {
    cases.iter().map(|case| format!("{case}\n")).collect()
}

fn evaluate(bench: &Bench, cases: &str, regime: &str, more: &[&str]) -> Value {
    let args = [
        &[
            "evaluate",
            "diagnosis",
            "--cases",
            cases,
            "--regime",
            regime,
            "--json",
        ],
        more,
    ]
    .concat();
    serde_json::from_str(&bench.answer(&args)).expect("JSON")
}

/// The keys that are promised, and shares that are shares.
#[track_caller]
fn check(report: &Value) {
    for of in ["disease", "gene"] {
        for mean in ["micro", "macro"] {
            let shares: Vec<_> = ["top1", "top3", "top10"]
                .map(|top| number(&report[of][mean][top]))
                .to_vec();
            assert!(
                shares.is_sorted() && shares[0] >= 0.0 && shares[2] <= 1.0,
                "{of} {mean}: {shares:?}"
            );
            assert!(report[of][mean]["n"].is_u64());
        }
    }
    for key in ["calibration", "excluded_counts", "knowledge_version"] {
        assert!(report[key].is_object(), "{key}: {}", report[key]);
    }
    assert!(number(&report["ms_per_case"]) > 0.0);
}

#[test]
fn every_regime_and_noise_gives_its_figures() {
    let bench = Bench::new();
    bench.file("cases.jsonl", lines(&cases()));
    let mut top = Vec::new();
    for regime in ["leaky", "loo", "unseen"] {
        let report = evaluate(&bench, "cases.jsonl", regime, &[]);
        check(&report);
        assert_eq!(
            (&report["disease"]["micro"]["n"], &report["problems"]),
            (&24.into(), &0.into()),
            "{regime}"
        );
        top.push(number(&report["disease"]["micro"]["top10"]));
    }
    // The features are the diseases' own, and the publications are made up, so that no regime
    // removes a row.
    assert!(top[0] > 0.7 && top[0] == top[1], "{top:?}");
    let noisy = evaluate(&bench, "cases.jsonl", "loo", &["--noise", "all"]);
    check(&noisy);
    assert!(
        number(&noisy["disease"]["micro"]["top10"]) < top[1],
        "noise makes it harder"
    );
    let known = evaluate(
        &bench,
        "cases.jsonl",
        "unseen",
        &["--knowledge-cases", "cases.jsonl"],
    );
    check(&known);
}

#[test]
fn files_of_every_kind_give_the_same_figures() {
    let bench = Bench::new();
    let cases = cases();
    bench.file("cases.jsonl", lines(&cases));
    bench.file("cases.json", format!("[{}]", cases.join(",\n")));
    bench.file("cases.jsonl.zst", zstd(lines(&cases).as_bytes()));
    fs::create_dir(bench.path("folder")).unwrap();
    for (place, case) in cases.iter().enumerate() {
        bench.file(&format!("folder/{place:02}.json"), case);
    }
    let figures = |file: &str| {
        let report = evaluate(&bench, file, "loo", &[]);
        (
            report["disease"].clone(),
            report["gene"].clone(),
            report["calibration"].clone(),
        )
    };
    let expected = figures("cases.jsonl");
    for file in ["cases.json", "cases.jsonl.zst", "folder"] {
        assert_eq!(figures(file), expected, "{file}");
    }
}

/// One frame of raw blocks (RFC 8878): magic, a header with the size in four bytes, the blocks as
/// they stand.
fn zstd(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend((content.len() as u32).to_le_bytes());
    let blocks: Vec<_> = content.chunks(100_000).collect();
    for (place, block) in blocks.iter().enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(place + 1 == blocks.len());
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(*block);
    }
    frame
}

#[test]
fn a_broken_line_is_said_and_counted() {
    let bench = Bench::new();
    let mut cases = cases();
    cases[4] = r#"{"id":"SECRET","#.to_owned();
    // A note about a case that is read is no case that is lost.
    cases[5] = cases[5].replace(r#"[{"type""#, r#"[{"type":{"id":"MP:0000001"}},{"type""#);
    bench.file("cases.jsonl", lines(&cases));
    let output = bench.run(&[
        "evaluate",
        "diagnosis",
        "--cases",
        "cases.jsonl",
        "--regime",
        "loo",
        "--json",
    ]);
    let said = errors(&output);
    assert!(
        said.contains("cases.jsonl:5") && !said.contains("cases.jsonl:6"),
        "{said}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&report["problems"], &report["excluded_counts"]["cases"]),
        (&1.into(), &23.into())
    );
    let words = bench.answer(&[
        "evaluate",
        "diagnosis",
        "--cases",
        "cases.jsonl",
        "--regime",
        "loo",
    ]);
    assert!(
        words.contains("23 cases read, 1 records could not be"),
        "{words}"
    );
}

#[test]
fn a_file_without_a_case_is_refused() {
    let bench = Bench::new();
    for (name, content) in [
        ("empty.jsonl", ""),
        ("broken.jsonl", "{\"id\":\"SECRET\n"),
        ("garbage.pb", "\u{1}\u{2}SECRET"),
    ] {
        bench.file(name, content);
        let output = bench.run(&["evaluate", "diagnosis", "--cases", name, "--regime", "loo"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(
            errors(&output).contains("no case in it"),
            "{}",
            errors(&output)
        );
    }
    let output = bench.run(&[
        "evaluate",
        "diagnosis",
        "--cases",
        "missing",
        "--regime",
        "loo",
    ]);
    assert!(
        output.status.code() == Some(1) && errors(&output).contains("missing"),
        "{}",
        errors(&output)
    );
}

#[test]
fn published_cases_are_found_where_the_store_is() {
    let Some(store) = shared_data("data/phenopacket-store/phenopackets-0.1.24.jsonl.zst") else {
        return;
    };
    let report = evaluate(&Bench::new(), text(&store), "loo", &[]);
    check(&report);
    assert!(
        number(&report["disease"]["micro"]["top10"]) >= 0.54,
        "{}",
        report["disease"]["micro"]
    );
    assert!(
        number(&report["disease"]["macro"]["top10"]) >= 0.50,
        "{}",
        report["disease"]["macro"]
    );
    assert_eq!(report["problems"], 0);
    assert_eq!(array(&report["disease"]["micro"], "intervals").len(), 3);
}
