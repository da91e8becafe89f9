//! Phenopackets of both versions and both encodings. The fixtures were written by GA4GH's own
//! package (see VERSIONS beside them) with oracles/phenopacket_fixtures.py; the people are made up.

#[path = "../../formats/tests/common/files.rs"]
mod files;

use std::{fs, path::PathBuf};

use ligate_model::{AgeDays, Assembly, Onset, Pmid, Sex, TermId, Zygosity};
use ligate_records::{
    cases::{self, Record},
    phenopacket::{Note, Parsed, Refused, from_json, from_protobuf},
};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/phenopackets")
        .join(name)
}

fn records(path: &std::path::Path) -> Vec<Record> {
    let mut cases = cases::read(path).unwrap();
    cases.by_ref().collect()
}

fn one(name: &str) -> Record {
    let (record, _) = cases::read_one(&fixture(name)).unwrap();
    record
}

fn term(text: &str) -> TermId {
    text.parse().unwrap()
}

#[test]
fn every_encoding_of_a_message_is_the_same_case() {
    for name in [
        "v2-phenopacket",
        "v2-family",
        "v2-cohort",
        "v1-phenopacket",
        "v1-family",
        "v1-cohort",
    ] {
        let parsed = |suffix: &str| -> Vec<(ligate_model::Case, Vec<Note>)> {
            let found = records(&fixture(&format!("{name}{suffix}")));
            found
                .into_iter()
                .map(|record| (record.case, record.notes))
                .collect()
        };
        let json = parsed(".json");
        assert_eq!(
            json.len(),
            if name.ends_with("cohort") { 2 } else { 1 },
            "{name}"
        );
        assert!(
            json.iter().all(|(case, _)| !case.observed.is_empty()),
            "{name}"
        );
        assert!(json == parsed(".pb"), "{name}: protobuf");
        assert!(json == parsed(".snake.json"), "{name}: the schema's names");
    }
}

#[test]
fn version_2_gives_every_field() {
    let Record { case, notes, .. } = one("v2-phenopacket.json");
    assert_eq!(
        (case.id.as_str(), case.individual.as_str(), case.sex),
        ("packet-1", "child", Some(Sex::Female))
    );
    assert_eq!(case.age, Some(AgeDays(2191.5)));
    let age = |days| Some(Onset::Age(AgeDays(days)));
    let found: Vec<(TermId, Option<Onset>)> =
        case.observed.iter().map(|o| (o.term, o.onset)).collect();
    let expected = [
        (term("HP:0001250"), age(547.875)),
        (term("HP:0001263"), Some(Onset::Term(term("HP:0003593")))),
        (term("HP:0001252"), age(730.5)),
        (term("HP:0001511"), age(-68.0)),
        (term("HP:0002133"), age(730.0)),
        (term("HP:0001251"), age(365.0)),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        case.observed[0].modifiers,
        [term("HP:0012828"), term("HP:0012832")]
    );
    assert_eq!(case.excluded, [term("HP:0000252")]);
    assert_eq!(case.onset, age(304.375));
    assert_eq!(case.publications, [Pmid(22_222_222), Pmid(11_111_111)]);
    let contradictory = Note::Contradictory {
        terms: vec![term("HP:0004322")],
    };
    let other = Note::OtherOntology {
        prefix: "MP".to_owned(),
        count: 1,
    };
    assert_eq!(notes, [other, contradictory, Note::Repeated { count: 1 }]);
    assert!(
        notes.iter().all(|note| !note.to_string().contains("HP:")),
        "notes name no term"
    );
}

#[test]
fn version_2_states_diagnosis_and_variant() {
    let case = one("v2-phenopacket.pb").case;
    assert_eq!(case.diagnoses.len(), 1);
    assert_eq!(case.diagnoses[0].disease, "OMIM:607208".parse().ok());
    assert_eq!(
        case.diagnoses[0].genes,
        ["HGNC:10585"],
        "a rejected gene is none"
    );
    let [variant] = &case.variants[..] else {
        panic!("one variant")
    };
    assert_eq!(variant.assembly, Some(Assembly::Grch38));
    assert_eq!(
        (variant.chromosome.as_str(), variant.position),
        ("chr2", 166_073_000)
    );
    assert_eq!(
        (variant.reference.as_str(), variant.alternate.as_str()),
        ("T", "C")
    );
    assert_eq!(variant.zygosity, Some(Zygosity::Heterozygous));
    assert_eq!(variant.gene_symbol.as_deref(), Some("SCN1A"));
}

#[test]
fn version_1_gives_every_field() {
    let case = one("v1-phenopacket.pb").case;
    assert_eq!(
        (case.sex, case.age),
        (Some(Sex::Male), Some(AgeDays(2191.5)))
    );
    let onsets: Vec<Option<Onset>> = case
        .observed
        .iter()
        .map(|observation| observation.onset)
        .collect();
    let infantile = Some(Onset::Term(term("HP:0003593")));
    assert_eq!(
        onsets,
        [
            Some(Onset::Age(AgeDays(547.875))),
            infantile,
            Some(Onset::Age(AgeDays(730.5)))
        ]
    );
    assert_eq!(case.excluded, [term("HP:0000252")]);
    assert_eq!(case.onset, infantile);
    assert_eq!(case.diagnoses[0].disease, "OMIM:607208".parse().ok());
    assert_eq!(case.diagnoses[0].genes, ["HGNC:10585"]);
    let [variant] = &case.variants[..] else {
        panic!("one variant")
    };
    assert_eq!(
        (variant.assembly, variant.position),
        (Some(Assembly::Grch37), 166_900_000)
    );
    assert_eq!(
        (variant.zygosity, variant.gene_id.as_deref()),
        (Some(Zygosity::Homozygous), Some("HGNC:10585"))
    );
    assert_eq!(case.publications, [Pmid(22_222_222)]);
}

#[test]
fn a_family_is_its_proband_with_the_pedigree() {
    for name in ["v2-family.json", "v1-family.pb"] {
        let case = one(name).case;
        assert_eq!(case.individual, "child");
        assert!(
            case.observed_terms()
                .all(|observed| observed != term("HP:0000365")),
            "the aunt's feature"
        );
        let members: Vec<_> = case
            .family
            .iter()
            .map(|r| (r.individual.as_str(), r.father.as_deref(), r.affected))
            .collect();
        let expected = [
            ("child", Some("father"), Some(true)),
            ("father", None, Some(false)),
            ("mother", None, None),
            ("aunt", None, None),
        ];
        assert_eq!(members, expected);
        assert!(case.publications.contains(&Pmid(33_333_333)));
    }
}

#[test]
fn bad_records_say_what_is_wrong() {
    let check = |text: &str, expected: &str| {
        let error = from_json(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(r#"{"subject": {"id": 1}, "#, "broken JSON at column");
    check(r#"{"hello": "world"}"#, "this is no phenopacket");
    check(r#"[1, 2]"#, "this is no phenopacket");
    check(r#"{"subject": "x"}"#, "invalid type");
    check(
        r#"{"phenotypicFeatures": [{"type": {"id": "SNOMEDCT:91175000"}}]}"#,
        "they are of `SNOMEDCT`",
    );
    check(r#"{"relatives": [], "pedigree": {}}"#, "no proband");
    let feature = r#"{"type": {"id": "HP:0001250"}}"#;
    let many = vec![feature; 2_001].join(",");
    check(
        &format!(r#"{{"phenotypicFeatures": [{many}]}}"#),
        "2001 phenotypic features",
    );
    let deep = format!(
        r#"{{"subject": {}1{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    check(&deep, "recursion limit");
}

#[test]
fn lenient_where_the_meaning_is_clear() {
    let text = r#"{"id": 17, "subject": {"id": 4, "sex": 2, "karyotypic_sex": null}, "new_key": [1],
        "phenotypic_features": [{"type": {"id": "HP:0001250", "label": null}, "excluded": "true"},
        {"type": {"id": "HP:0001263"}, "negated": true}, {"type": {"id": ""}}, null,
        {"type": {"id": "HP_0001252"}, "onset": {"age": "P2Y"}}, {"type": {"id": "HP:0000252"}, "onset": {"age": "2y"}}]}"#;
    let Parsed { case, notes } = from_json(text).unwrap();
    assert_eq!((case.id.as_str(), case.sex), ("17", Some(Sex::Male)));
    assert_eq!(case.excluded, [term("HP:0001250"), term("HP:0001263")]);
    assert_eq!(case.observed[0].onset, Some(Onset::Age(AgeDays(730.5))));
    assert_eq!(
        notes,
        [Note::Unreadable { count: 1 }, Note::Ages { count: 1 }]
    );
}

#[test]
fn protobuf_garbage_is_refused() {
    let whole = fs::read(fixture("v2-phenopacket.pb")).unwrap();
    for bytes in [
        &b""[..],
        b"\x00\x01\x02\x03",
        b"{}",
        &[0xff; 1000],
        &whole[1..],
        &whole[..whole.len() - 3],
    ] {
        assert_eq!(from_protobuf(bytes), Err(Refused::NotProtobuf));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = from_protobuf(&bytes);
        let _ = from_json(&String::from_utf8_lossy(&bytes));
        let _ = ligate_records::term_list::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_changed_packet_panics(at in 0_usize..900, byte in any::<u8>(), kind in 0..3) {
        let name = ["v2-phenopacket.pb", "v2-family.pb", "v1-cohort.pb"][kind as usize];
        let mut bytes = fs::read(fixture(name)).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = from_protobuf(&bytes);
    }
}

#[test]
fn the_phenopacket_store_loads() {
    let Some(folder) = files::shared("data/phenopacket-store") else {
        return;
    };
    let mut cases = cases::read(&folder.join("phenopackets-0.1.24.jsonl.zst")).unwrap();
    let (mut count, mut observed, mut excluded, mut variants, mut unpublished) = (0, 0, 0, 0, 0);
    for record in cases.by_ref() {
        count += 1;
        assert_eq!(record.line, count);
        observed += record.case.observed.len();
        excluded += record.case.excluded.len();
        variants += record.case.variants.len();
        assert!(record.case.diagnoses.len() == 1 && record.case.diagnoses[0].disease.is_some());
        unpublished += usize::from(record.case.publications.is_empty());
    }
    println!("{count} cases, {observed} observed, {excluded} excluded, {variants} variants");
    cases
        .problems()
        .kept()
        .iter()
        .take(10)
        .for_each(|problem| println!("{problem}"));
    assert_eq!(
        (observed, excluded),
        (66_260, 97_345),
        "as counted in the file's own JSON"
    );
    assert_eq!(
        (count, unpublished),
        (7_878, 1),
        "one record names PMID:G13"
    );
}

#[test]
fn the_pfeiffer_case_loads() {
    let Some(folder) = files::shared("data/clinical") else {
        return;
    };
    let (record, problems) = cases::read_one(&folder.join("pfeiffer-phenopacket.json")).unwrap();
    assert_eq!(
        (record.case.observed.len(), record.case.sex),
        (6, Some(Sex::Male))
    );
    assert!(problems.is_empty());
}
