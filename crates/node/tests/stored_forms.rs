//! Folders of nodes as earlier programs left them, in `fixtures/folders`: each opens, holds what it
//! held, and goes on.
//!
//! One folder of folders a form, for as long as the program lives. Where a stored form changes, the
//! program of before leaves a new one, which is committed with the change:
//!
//!     LIGATE_FOLDERS=crates/node/tests/fixtures/folders/2 cargo test -p ligate --test stored_forms -- --ignored

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{
    Network, Server, Site, cohorts::Cohort, researchers::Researcher, succeed, table, text,
};

const NODES: [&str; 3] = ["north", "centre", "south"];
const REGISTER: &str = "register";
const BODY: &str = "hdab";

/// What a command says of each node, as JSON: the folders' own program wrote it beside them.
const SAYINGS: [(&str, &[&str]); 4] = [
    ("datasets", &["datasets"]),
    ("ledger", &["ledger", "show"]),
    ("registry", &["registry", "show"]),
    (
        "people",
        &["sql", "SELECT * FROM cohort.phenotypes ORDER BY 1 LIMIT 5"],
    ),
];

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/folders");
    let entries = fs::read_dir(folder).expect("folders of earlier programs");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no folder to test with");
    found
}

/// A copy that may be changed. The owner's alone, as the program left it: git keeps neither that
/// nor empty folders.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).expect("rights");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("rights");
        }
    }
}

fn copied(form: &Path) -> Network {
    let dir = tempfile::tempdir().expect("a temporary folder");
    copy(form, dir.path());
    Network::of_folders(dir, NODES.map(str::to_owned).to_vec())
}

/// Which of the sayings a node has: only some hold data, and only one has a registry.
fn has(node: &str, saying: &str) -> bool {
    match saying {
        "registry" => node == REGISTER,
        "people" | "ledger" => node != BODY,
        _ => true,
    }
}

fn said(node: &Path, words: &[&str]) -> Value {
    let (command, rest) = words.split_at(if words[0] == "sql" { 1 } else { words.len() });
    let args = [command, &["--json", "--dir", text(node)], rest].concat();
    serde_json::from_str(&succeed(&args)).expect("JSON")
}

/// Numbers that are judged anew may differ in their last digits from one processor to the next.
fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            Value::String(format!("{:.6e}", number.as_f64().expect("a number")))
        }
        Value::Array(items) => items.iter().map(rounded).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), rounded(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[test]
fn a_folder_holds_what_it_held() {
    for form in fixtures() {
        let network = copied(&form);
        for node in [&NODES[..], &[REGISTER, BODY]].concat() {
            let dir = network.path(node);
            let verified = succeed(&["audit", "verify", "--dir", text(&dir)]);
            assert!(!verified.is_empty(), "{}: {node}", form.display());
            for (name, words) in SAYINGS.iter().filter(|(name, _)| has(node, name)) {
                let kept = fs::read_to_string(form.join(format!("said/{node}.{name}.json")));
                let kept: Value =
                    serde_json::from_str(&kept.expect("what was said")).expect("JSON");
                assert_eq!(
                    rounded(&said(&dir, words)),
                    rounded(&kept),
                    "{}: {node} {name}",
                    form.display()
                );
            }
        }
    }
}

/// The data user's account is the one of before: a second study is judged with the first, and both
/// are in it.
#[test]
fn a_folder_goes_on() {
    for form in fixtures() {
        let mut network = copied(&form);
        network.serve();
        // With the key of before: the permits of before may have ended.
        let key = network.path("ada.pub");
        let permit = network.path("new.jws");
        let datasets = NODES.map(|node| format!("{node}/cohort"));
        let hdab = network.path(BODY);
        let mut args = vec![
            "permit",
            "issue",
            "--dir",
            text(&hdab),
            "--user",
            "ada",
            "--user-key",
            text(&key),
        ];
        datasets
            .iter()
            .for_each(|dataset| args.extend(["--dataset", dataset]));
        args.extend([
            "--purpose",
            "research",
            "--about",
            "a test",
            "--variables",
            "ldl,bmi,sex,age",
        ]);
        succeed(&[&args[..], &["--out", text(&permit)]].concat());
        let user = network.path("ada.key");
        let study = [
            "--key",
            text(&user),
            "--trait",
            "bmi",
            "--covariates",
            "sex,age",
        ];
        network.released(&permit, &study);
        let (_, rows) = table(&network.path("results/bmi.gwas.tsv.gz"));
        assert!(rows.len() > 10, "{} variants", rows.len());
        let ledger = said(&network.path("north"), &["ledger", "show"]);
        let inside = ledger["inside"].as_array().expect("accounts");
        assert_eq!(inside.len(), 1, "one data user has one account: {ledger}");
        assert_eq!(ledger["runs"].as_array().map(Vec::len), Some(2), "{ledger}");

        // The copy that was made of a node then can be put back.
        let back = network.path("back");
        succeed(&[
            "restore",
            "--from",
            text(&network.path("copy")),
            "--to",
            text(&back),
        ]);
        fs::copy(
            network.path("south/keys/node.key"),
            back.join("keys/node.key"),
        )
        .expect("the key");
        let datasets = said(&back, &["datasets"]);
        assert_eq!(
            datasets["datasets"],
            said(&network.path("south"), &["datasets"])["datasets"]
        );
    }
}

#[test]
#[ignore = "makes the folders; see above"]
fn make_the_folders() {
    let to = PathBuf::from(
        std::env::var_os("LIGATE_FOLDERS").expect("LIGATE_FOLDERS names the folder to make"),
    );
    let to = if to.is_absolute() {
        to
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(to)
    };
    assert!(!to.exists(), "{} is there already", to.display());
    let network = support::cohorts::network(&cohorts());
    add_register(&network);
    let ada = Researcher::new(&network, "ada", &NODES, &["--variables", "ldl,bmi,sex,age"]);
    ada.released(&network, "ldl", &["--covariates", "sex,age"]);
    ada.exported(&network, "ldl");
    let eve = Researcher::new(&network, "eve", &NODES, &["--variables", "ldl,sex"]);
    let hdab = network.path(BODY);
    succeed(&[
        "permit",
        "revoke",
        "--dir",
        text(&hdab),
        text(&eve.permit),
        "--reason",
        "a test",
    ]);
    let (south, copy_of_south) = (network.path("south"), network.path("copy"));
    succeed(&[
        "backup",
        "--dir",
        text(&south),
        "--to",
        text(&copy_of_south),
    ]);
    let Network { dir, servers, .. } = network;
    drop(servers);
    for name in [&NODES[..], &[REGISTER, BODY, "copy"]].concat() {
        copy(&dir.path().join(name), &to.join(name));
    }
    for file in ["ada.key", "ada.pub"] {
        fs::copy(dir.path().join(file), to.join(file)).expect("a copy");
    }
    fs::create_dir(to.join("said")).expect("a folder");
    for node in [&NODES[..], &[REGISTER, BODY]].concat() {
        for (name, words) in SAYINGS.iter().filter(|(name, _)| has(node, name)) {
            let text = format!("{:#}\n", said(&dir.path().join(node), words));
            fs::write(to.join(format!("said/{node}.{name}.json")), text)
                .expect("the folder can be written");
        }
    }
}

fn cohorts() -> Vec<Cohort> {
    let people = [60, 50, 40];
    let cohort =
        |((name, people), seed): ((&&str, usize), u64)| Cohort::new(name, people, 30, seed);
    let mut cohorts: Vec<Cohort> = NODES.iter().zip(people).zip(1..).map(cohort).collect();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        cohort.trait_with_missing("ldl", 0.0, 500 + place as u64);
        cohort.trait_with_missing("bmi", 0.0, 900 + place as u64);
    }
    cohorts
}

/// A registry whose counts the north has fetched.
fn add_register(network: &Network) {
    let register = network.path(REGISTER);
    let dir = text(&register);
    succeed(&["init", "--dir", dir, "--name", REGISTER, "--country", "SE"]);
    let (vcf, phenotypes) = Site::new(REGISTER, 130, 9).write(network.dir.path());
    let cohort = [
        "--dataset",
        "cohort",
        "--vcf",
        text(&vcf),
        "--phenotypes",
        text(&phenotypes),
    ];
    succeed(&[&["ingest", "--dir", dir][..], &cohort].concat());
    succeed(&["registry", "alleles", "--dir", dir, "--dataset", "cohort"]);
    let cases = network.path("cases.jsonl");
    fs::write(&cases, (0..6).map(packet).collect::<String>()).expect("cases");
    succeed(&["registry", "add", "--dir", dir, text(&cases)]);
    succeed(&["registry", "close", "--dir", dir]);
    let settings = register.join("ligate.toml");
    let allowed = fs::read_to_string(&settings).expect("settings");
    let allow = |text: String, name: &str| {
        let lines = text.lines().map(|line| match line.starts_with(name) {
            true => format!("{name} = [\"north\"]\n"),
            false => format!("{line}\n"),
        });
        lines.collect::<String>()
    };
    let allowed = allow(allow(allowed, "counts_for"), "alleles_for");
    fs::write(&settings, allowed).expect("settings");
    let north = network.path("north");
    succeed(&[
        "peer",
        "add",
        "--dir",
        dir,
        "--name",
        "north",
        "--key",
        &network.key("north"),
    ]);
    let server = Server::start(&register);
    let key = network.key(REGISTER);
    let peer = [
        "--name",
        REGISTER,
        "--key",
        &key,
        "--address",
        &server.address,
    ];
    succeed(&[&["peer", "add", "--dir", text(&north)][..], &peer].concat());
    let said = succeed(&["knowledge", "fetch", "--dir", text(&north)]);
    assert!(
        said.contains("register: diagnosis counts: 2 rows fetched; allele counts: 60 rows"),
        "{said}"
    );
}

/// A patient with Pfeiffer syndrome.
fn packet(number: usize) -> String {
    let feature = |term: &str| format!(r#"{{"type":{{"id":"{term}","label":"a feature"}}}}"#);
    let features = ["HP:0001363", "HP:0000316"].map(feature).join(",");
    format!(
        r#"{{"id":"packet-{number}","subject":{{"id":"patient-{number}","sex":"FEMALE"}},"phenotypicFeatures":[{features}],"interpretations":[{{"id":"i","progressStatus":"SOLVED","diagnosis":{{"disease":{{"id":"OMIM:101600","label":"a disease"}},"genomicInterpretations":[]}}}}],"metaData":{{"created":"2024-01-01T00:00:00Z","createdBy":"a test","resources":[],"phenopacketSchemaVersion":"2.0"}}}}
"#
    )
}
