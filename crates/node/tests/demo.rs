//! The demo's registries, by real processes: what is fetched is what the rule lets out of the
//! committed patients, and the counts help the patient whom nobody else hears of.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{succeed, text};

/// The rule's smallest batch and smallest count.
const BATCH: usize = 5;
const COUNT: usize = 3;

fn committed(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../demo/registries")
        .join(file);
    fs::read_to_string(path).expect("a committed file")
}

/// (m, n) by disease and term.
type Counts = BTreeMap<(String, String), (usize, usize)>;

/// Counts of a registry's file by the rule, from the JSON alone: (disease, term) to (m, n), and the
/// diseases below it.
fn by_the_rule(file: &str) -> (Counts, BTreeSet<String>) {
    let mut patients = BTreeMap::<String, Vec<BTreeSet<String>>>::new();
    for line in committed(file).lines() {
        let packet: Value = serde_json::from_str(line).expect("a phenopacket");
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let features = packet["phenotypicFeatures"].as_array().expect("features");
        let terms = features
            .iter()
            .map(|feature| id(&feature["type"]))
            .collect();
        let disease = id(&packet["interpretations"][0]["diagnosis"]["disease"]);
        patients.entry(disease).or_default().push(terms);
    }
    let (mut rows, mut below) = (BTreeMap::new(), BTreeSet::new());
    for (disease, batch) in patients {
        if batch.len() < BATCH {
            below.insert(disease);
            continue;
        }
        for term in batch.iter().flatten() {
            let m = batch.iter().filter(|terms| terms.contains(term)).count();
            if m >= COUNT {
                rows.insert((disease.clone(), term.clone()), (m, batch.len()));
            }
        }
    }
    (rows, below)
}

fn fetched(dir: &Path, peer: &str) -> BTreeMap<(String, String), (usize, usize)> {
    let table = fs::read_to_string(
        dir.join("registre/registry/peers")
            .join(format!("{peer}.counts")),
    );
    let row = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        let number = |field: usize| fields[field].parse().expect("a number");
        (
            (fields[0].to_owned(), fields[1].to_owned()),
            (number(2), number(3)),
        )
    };
    table
        .expect("a fetched table")
        .lines()
        .skip(1)
        .map(row)
        .collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn the_other_registries_help_one_patient_of_whom_nothing_leaves() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("demo");
    let said = succeed(&["demo", "--json", "--dir", text(&dir)]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let diagnosis = &said["diagnosis"];

    for peer in ["nordbank", "klinik"] {
        let (expected, below) = by_the_rule(&format!("{peer}.jsonl"));
        assert!(
            !expected.is_empty() && !below.is_empty(),
            "{peer} releases something and holds something back"
        );
        let table = fetched(&dir, peer);
        assert_eq!(table, expected, "{peer}");
        assert!(
            table.keys().all(|(disease, _)| !below.contains(disease)),
            "{peer}: a batch below five"
        );
        let log = fs::read_to_string(dir.join(peer).join("audit/log.jsonl")).expect("a log");
        assert_eq!(
            log.matches("\"counts-served\"").count(),
            1,
            "{peer} served one table to one peer"
        );
    }

    let rank = |how: &str| diagnosis[how]["true_disease"]["rank"].as_u64();
    let with_network = rank("with_network").expect("the disease is in the report");
    assert!(
        with_network <= 3,
        "with the counts it is among the first: {with_network}"
    );
    assert!(
        rank("alone").is_none_or(|alone| alone >= with_network + 10),
        "alone it comes much later"
    );
    let by_ratio = &diagnosis["by_phenotype"];
    assert!(
        by_ratio["with_all"].as_u64() < by_ratio["with_none"].as_u64(),
        "{by_ratio}"
    );
    assert_eq!(
        by_ratio["without"].as_array().map(Vec::len),
        Some(2),
        "{by_ratio}"
    );
    assert!(
        dir.join("results/registre.html").exists() && dir.join("results/registre.json").exists()
    );

    let case: Value = serde_json::from_str(&committed("registre.json")).expect("the patient");
    assert!(
        case.get("interpretations").is_none() && case.get("diseases").is_none(),
        "no diagnosis is stated"
    );
    let patient = case["subject"]["id"].as_str().expect("an id").as_bytes();
    for other in ["nordbank", "klinik", "hdab"] {
        for file in files_below(&dir.join(other)) {
            let bytes = fs::read(&file).expect("a file");
            let found = bytes.windows(patient.len()).any(|window| window == patient);
            assert!(!found, "the patient is named in {}", file.display());
        }
    }
}
