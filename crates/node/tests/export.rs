//! The outer door over real processes: what may leave of a result, what stays with which rule, and
//! what an attacker tries with what left.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use support::{
    Draw, Network,
    cohorts::{Cohort, network},
    fail,
    researchers::{Researcher, public},
    succeed, table, text,
};

const NODES: [&str; 3] = ["north", "centre", "south"];

/// Three cohorts with the trait ldl, and one and other beside it: one differs from ldl in one
/// person.
fn three(variants: usize) -> Vec<Cohort> {
    let people = [130, 110, 90];
    let mut cohorts: Vec<Cohort> = NODES
        .iter()
        .zip(people)
        .zip(1..)
        .map(|((name, people), seed)| Cohort::new(name, people, variants, seed))
        .collect();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        cohort.trait_with_missing("ldl", 0.0, 500 + place as u64);
        let mut values = cohort.values("ldl").clone();
        if place == 0 {
            values[7] = "9.75".to_owned();
        }
        cohort.columns.push(("one".to_owned(), values));
        cohort.trait_with_missing("other", 0.0, 900 + place as u64);
    }
    cohorts
}

fn column<'a>(names: &[String], rows: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let place = names
        .iter()
        .position(|known| known == name)
        .expect("a column");
    rows.iter().map(|row| row[place].as_str()).collect()
}

/// Significant digits of a number as it is written.
fn digits(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let all = all.trim_start_matches('0');
    if mantissa.contains('.') {
        all.len()
    } else {
        all.trim_end_matches('0').len()
    }
}

#[test]
fn the_leading_common_variants_leave_in_four_digits() {
    let mut cohorts = three(60);
    // Variant 0 is rare: 30 copies in 660.
    for cohort in &mut cohorts {
        cohort
            .genotypes
            .iter_mut()
            .enumerate()
            .for_each(|(person, calls)| calls[0] = Some(u8::from(person < 10)));
    }
    let network = network(&cohorts);
    let ada = Researcher::new(&network, "ada", &NODES, &[]);
    ada.released(&network, "ldl", &["--covariates", "sex,age"]);
    let planned = ada.export(&network, "ldl", &["--plan", "--json"]);
    let planned: serde_json::Value = serde_json::from_slice(&planned.stdout).expect("JSON");
    let leaving = planned["variants"].as_u64().expect("a number");
    assert!(
        planned["status"] == "planned" && (3..=36).contains(&leaving),
        "{planned}"
    );
    assert!(!public(&network, "ada", "ldl").exists());
    let shown = || succeed(&["ledger", "show", "--dir", text(&network.path("north"))]);
    assert!(
        shown().contains("exported, for everybody: 0 columns"),
        "{}",
        shown()
    );

    let said = ada.exported(&network, "ldl");
    assert!(
        said.contains(&format!("{leaving} variants may leave")) && said.contains("rule: how many"),
        "{said}"
    );
    let out = public(&network, "ada", "ldl");
    let (names, rows) = table(&out.join("ldl.gwas.tsv.gz"));
    assert_eq!(rows.len() as u64, leaving);
    let numbers = |name: &str| -> Vec<f64> {
        column(&names, &rows, name)
            .iter()
            .map(|text| text.parse().expect("a number"))
            .collect()
    };
    let strength: f64 = numbers("beta")
        .iter()
        .zip(numbers("standard_error"))
        .map(|(beta, se)| (beta / se).powi(2))
        .sum();
    assert!(
        (20.0..=330.0 / 9.0 + 0.1).contains(&strength),
        "the chi-squares of what leaves sum up to {strength}"
    );
    assert!(
        column(&names, &rows, "release")
            .iter()
            .all(|standing| standing.starts_with("exportable, permit "))
    );
    for name in ["beta", "standard_error", "p_value", "neg_log_10_p_value"] {
        assert!(
            column(&names, &rows, name)
                .iter()
                .all(|number| digits(number) <= 4),
            "{name}"
        );
    }
    let frequencies = column(&names, &rows, "effect_allele_frequency");
    assert!(
        frequencies.iter().all(|number| number.len() <= 5),
        "{frequencies:?}"
    );
    let positions = column(&names, &rows, "base_pair_location");
    assert!(!positions.contains(&"1000000"), "the rare variant stays");
    // The strongest leave, and the result itself says where it stands.
    let result = ada.result(&network, "ldl");
    let (all_names, all) = table(&result.join("ldl.gwas.tsv.gz"));
    assert!(
        column(&all_names, &all, "release")
            .iter()
            .all(|text| text.starts_with("inside the environment"))
    );
    let strengths = |names: &[String], rows: &[Vec<String>]| -> Vec<f64> {
        column(names, rows, "neg_log_10_p_value")
            .iter()
            .map(|text| text.parse().expect("a number"))
            .collect()
    };
    let strongest = |rows: Vec<f64>| rows.into_iter().fold(0.0, f64::max);
    let difference = strongest(strengths(&names, &rows)) - strongest(strengths(&all_names, &all));
    assert!(difference.abs() < 0.01, "the strongest variant leaves");
    let (_, held_back) = table(&result.join("ldl.held-back.tsv.gz"));
    assert_eq!(held_back.len() + rows.len(), all.len());
    let rare = held_back
        .iter()
        .find(|row| row[1] == "1000000")
        .expect("the rare variant is listed");
    assert!(rare[4].contains("rule: variants"), "{rare:?}");
    let account =
        fs::read_to_string(out.join("ldl.export.json")).expect("an account of the export");
    let account: serde_json::Value = serde_json::from_str(&account).expect("JSON");
    assert_eq!(
        (account["variants"].as_u64(), account["people"].as_u64()),
        (Some(leaving), Some(330))
    );
    let guess = (strength / (strength + 330.0)).sqrt();
    assert!(
        account["guess_of_trait"]
            .as_f64()
            .is_some_and(|told| (told - guess).abs() < 0.002),
        "{account}"
    );
    for file in fs::read_dir(&out).expect("the folder").flatten() {
        assert_eq!(
            file.metadata().expect("a file").permissions().mode() & 0o777,
            0o600,
            "{:?}",
            file.path()
        );
    }
    assert!(
        shown().contains(&format!("{leaving} variants exported")),
        "{}",
        shown()
    );
    assert!(
        network.log_of("south").contains("\"exported\"")
            && network.log_of("hdab").contains("\"exported\"")
    );

    // The same again is the same, to the byte, and counts once.
    let first = fs::read(out.join("ldl.gwas.tsv.gz")).expect("a table");
    ada.exported(&network, "ldl");
    assert_eq!(
        fs::read(out.join("ldl.gwas.tsv.gz")).expect("a table"),
        first
    );
    // Another study of the same trait finds its variants used up.
    let again = Researcher::new(&network, "bea", &NODES, &[]);
    again.released(&network, "ldl", &[]);
    let said = again.stays(&network, "ldl", &[]);
    assert!(
        said.contains("nothing of this result may leave") && said.contains("rule: how many"),
        "{said}"
    );
    // Nor can the coordinator's stored result be changed.
    let stored = fs::read_dir(network.path("hdab/releases"))
        .expect("releases")
        .flatten();
    let stored: Vec<PathBuf> = stored
        .map(|file| file.path())
        .filter(|path| path.extension().is_none())
        .collect();
    for path in &stored {
        let mut bytes = fs::read(path).expect("a release");
        // The last byte but one of the table of results is in a number.
        let place = bytes
            .windows(8)
            .position(|window| window == (0.1_f64).to_le_bytes())
            .unwrap_or(bytes.len() / 2);
        bytes[place] ^= 1;
        fs::write(path, bytes).expect("a release");
    }
    fs::remove_dir_all(&out).expect("the folder of what left");
    let said = ada.stays(&network, "ldl", &[]);
    assert!(
        said.contains("not the one that was released") || said.contains("damaged"),
        "{said}"
    );
}

#[test]
fn what_was_exported_counts_for_everybody() {
    let network = network(&three(30));
    let [ada, bo, cleo] =
        ["ada", "bo", "cleo"].map(|name| Researcher::new(&network, name, &NODES, &[]));
    ada.released(&network, "ldl", &[]);
    // To Bo alone the other trait says nothing about the one person in whom they differ.
    bo.released(&network, "one", &[]);
    let said = ada.stays(&network, "ldl", &[]);
    assert!(
        said.contains("span rule") && said.contains("another data user was shown"),
        "{said}"
    );
    // Cleo was shown neither; what she exports binds whoever comes later.
    cleo.released(&network, "other", &[]);
    cleo.exported(&network, "other");
    let said = String::from_utf8_lossy(&bo.study(&network, "ldl", &[]).stderr).into_owned();
    assert!(
        said.contains("span rule") && said.contains("leave ldl out"),
        "{said}"
    );
    // Of the two traits one may leave, and nobody is shown the other one then.
    let dan = Researcher::new(&network, "dan", &NODES, &[]);
    let said = bo.stays(&network, "one", &[]);
    assert!(said.contains("span rule"), "{said}");
    dan.released(&network, "age", &[]);
    dan.exported(&network, "age");
}

#[test]
fn an_exported_trait_binds_who_comes_later() {
    let network = network(&three(30));
    let [ada, bo] = ["ada", "bo"].map(|name| Researcher::new(&network, name, &NODES, &[]));
    ada.released(&network, "ldl", &[]);
    ada.exported(&network, "ldl");
    let said = String::from_utf8_lossy(&bo.study(&network, "one", &[]).stderr).into_owned();
    assert!(
        said.contains("span rule") && said.contains("leave one out"),
        "{said}"
    );
    bo.released(&network, "other", &["--covariates", "sex,age"]);
    bo.exported(&network, "other");
}

/// The table's rows that an export wrote.
fn left(network: &Network, name: &str, trait_name: &str) -> usize {
    let folder = public(network, name, trait_name);
    table(&folder.join(format!("{trait_name}.gwas.tsv.gz")))
        .1
        .len()
}

#[test]
fn a_trait_in_another_unit_leaves_no_second_time() {
    let mut cohorts = three(60);
    for cohort in &mut cohorts {
        let milligrams = |value: &String| format!("{:.3}", value.parse::<f64>().unwrap() * 38.67);
        let values = cohort.values("ldl").iter().map(milligrams).collect();
        cohort.columns.retain(|(name, _)| name != "one");
        cohort.columns.push(("one".to_owned(), values));
    }
    let network = network(&cohorts);
    let [ada, bo] = ["ada", "bo"].map(|name| Researcher::new(&network, name, &NODES, &[]));
    for name in ["ldl", "one", "other"] {
        ada.released(&network, name, &["--covariates", "sex,age"]);
    }
    ada.exported(&network, "ldl");
    let first = left(&network, "ada", "ldl");
    assert!(first > 5, "{first} variants leave");
    // What is left of the budget, under another name, for somebody else.
    bo.released(&network, "one", &["--covariates", "sex,age"]);
    let output = bo.export(&network, "one", &[]);
    let second = if output.status.success() {
        left(&network, "bo", "one")
    } else {
        0
    };
    assert!(
        first + second <= 330 / 9 && second < first,
        "{first} and {second} variants leave"
    );
    // Another trait has its own.
    ada.exported(&network, "other");
    assert!(left(&network, "ada", "other") > 5);
}

#[test]
fn rosters_are_not_taken_apart_by_exports() {
    let names = ["a", "b", "c", "d", "e"];
    let mut cohorts: Vec<Cohort> = names
        .iter()
        .zip(1..)
        .map(|(name, seed)| Cohort::new(name, 80, 30, seed))
        .collect();
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        cohort.trait_with_missing("ldl", 0.0, 500 + place as u64);
        cohort.trait_with_missing("one", 0.0, 700 + place as u64);
        cohort.trait_with_missing("other", 0.0, 900 + place as u64);
    }
    let network = network(&cohorts);
    let ada = Researcher::new(&network, "ada", &["a", "b", "c"], &[]);
    let bo = Researcher::new(&network, "bo", &["a", "d", "e"], &[]);
    let cleo = Researcher::new(&network, "cleo", &["b", "c", "d", "e"], &[]);
    ada.released(&network, "ldl", &[]);
    ada.exported(&network, "ldl");
    bo.released(&network, "one", &[]);
    cleo.released(&network, "other", &[]);
    // (ABC + ADE - BCDE) / 2 is A's own sum: Cleo would have it with what she was shown, if Bo's
    // left,
    let said = bo.stays(&network, "one", &[]);
    assert!(said.contains("one node among others"), "{said}");
    // and Bo with what he was shown, once hers had left.
    let said = cleo.stays(&network, "other", &[]);
    assert!(said.contains("one node among others"), "{said}");
}

/// A covariate that one node writes in another unit than the disease that somebody else was shown:
/// with both, he would know that node's cases.
#[test]
fn a_covariate_in_another_unit_at_one_node_stays() {
    let mut cohorts = three(30);
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        let disease = |_: usize, draw: &mut Draw| u8::from(draw.uniform() < 0.4).to_string();
        cohort.column("d", disease, 40 + place as u64);
        let unit = if place == 0 { 4 } else { 2 };
        let rewritten = |value: &String| (if value == "1" { unit } else { 0 }).to_string();
        let rewritten = cohort.values("d").iter().map(rewritten).collect();
        cohort.columns.push(("d2".to_owned(), rewritten));
    }
    let network = network(&cohorts);
    let [ada, bo] = ["ada", "bo"]
        .map(|name| Researcher::new(&network, name, &NODES, &["--variables", "ldl,other,d,d2"]));
    ada.released(&network, "d", &["--family", "linear"]);
    bo.released(&network, "ldl", &["--covariates", "d2"]);
    bo.released(&network, "other", &[]);
    let said = bo.stays(&network, "ldl", &[]);
    assert!(said.contains("one node among others"), "{said}");
    bo.exported(&network, "other");
}

#[test]
fn an_officer_approves_what_leaves_and_nothing_else() {
    let network = network(&three(30));
    let [officer, officer_public, other] =
        ["officer.key", "officer.pub", "other.key"].map(|name| network.path(name));
    succeed(&["key", "--out", text(&officer)]);
    succeed(&["key", "--out", text(&other)]);
    let named = format!("Airlock={}", text(&officer_public));
    let ada = Researcher::new(
        &network,
        "ada",
        &NODES,
        &["--export-officer", &named, "--export-full-table"],
    );
    let terms = succeed(&["permit", "show", text(&ada.permit)]);
    assert!(
        terms.contains("Airlock") && terms.contains("all variants that are common enough"),
        "{terms}"
    );
    ada.released(&network, "ldl", &[]);
    let said = ada.stays(&network, "ldl", &[]);
    assert!(
        said.contains("approval of Airlock") && said.contains("rule: officer"),
        "{said}"
    );
    let result = ada.result(&network, "ldl");
    let (names, rows) = table(&result.join("ldl.to-approve.tsv.gz"));
    assert!(
        column(&names, &rows, "release")
            .iter()
            .all(|text| text.starts_with("inside the environment"))
    );
    let approval = network.path("approval.jws");
    let approve = |key: &Path, request: &Path| {
        succeed(&[
            "approve",
            text(request),
            "--key",
            text(key),
            "--out",
            text(&approval),
        ])
    };
    let request = result.join("ldl.export-request.json");
    // Somebody else's word, and the officer's word on something else.
    approve(&other, &request);
    let said = ada.stays(&network, "ldl", &["--approval", text(&approval)]);
    assert!(
        said.contains("not signed by the permit's officer"),
        "{said}"
    );
    // A request for something else than the table that lies beside it.
    let changed = result.join("changed.json");
    let asked = fs::read_to_string(&request).expect("a request");
    let mut value: serde_json::Value = serde_json::from_str(&asked).expect("JSON");
    value["content"] = serde_json::json!("00".repeat(32));
    fs::write(&changed, value.to_string()).expect("a file");
    let args = [
        "approve",
        text(&changed),
        "--key",
        text(&officer),
        "--out",
        text(&approval),
    ];
    assert!(fail(&args).contains("not the table that the request is about"));
    approve(&officer, &request);
    let done = ada.export(&network, "ldl", &["--approval", text(&approval)]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    // The full table bears the number that says what can be guessed from it.
    let metadata =
        fs::read_to_string(public(&network, "ada", "ldl").join("ldl.gwas.tsv.gz-meta.yaml"));
    let metadata = metadata.expect("metadata");
    assert!(
        metadata.contains("exportable: ") && metadata.contains("correlation of about 0.2"),
        "{metadata}"
    );
}

#[test]
fn what_is_not_a_released_result_stays() {
    let network = network(&three(30));
    let ada = Researcher::new(&network, "ada", &NODES, &[]);
    let bo = Researcher::new(&network, "bo", &NODES, &[]);
    ada.released(&network, "ldl", &[]);
    let (dir, result) = (network.path("hdab"), ada.result(&network, "ldl"));
    let export = |result: &Path, key: &Path| {
        let out = network.path("nothing");
        let said = fail(&[
            "export",
            text(result),
            "--dir",
            text(&dir),
            "--key",
            text(key),
            "--out",
            text(&out),
        ]);
        assert!(!out.exists(), "{said}");
        said
    };
    assert!(export(&result, &bo.key).contains("not that of the permit's data user"));
    assert!(export(&network.path("north"), &ada.key).contains("no result of `ligate gwas`"));
    // A study on own data, and one that the coordinator does not keep.
    let own = network.path("own");
    let north = network.path("north");
    succeed(&[
        "gwas",
        "--dir",
        text(&north),
        "--dataset",
        "cohort",
        "--trait",
        "ldl",
        "--out",
        text(&own),
    ]);
    assert!(export(&own, &ada.key).contains("result on own data"));
    let provenance = result.join("ldl.provenance.json");
    let written = fs::read_to_string(&provenance).expect("provenance");
    let mut value: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    value["authority"]["job"] = serde_json::json!("11".repeat(32));
    fs::write(&provenance, value.to_string()).expect("a file");
    assert!(export(&result, &ada.key).contains("keeps no result of this job"));
    fs::write(&provenance, written).expect("a file");
    // A steward's veto and a revoked permit count at this door, too.
    let settings = network.path("centre").join("ligate.toml");
    let before = fs::read_to_string(&settings).expect("settings");
    fs::write(
        &settings,
        before.replace("variables = []", "variables = [\"ldl\"]"),
    )
    .expect("settings");
    assert!(export(&result, &ada.key).contains("steward refuses the variable ldl"));
    fs::write(&settings, before).expect("settings");
    succeed(&[
        "permit",
        "revoke",
        "--dir",
        text(&dir),
        text(&ada.permit),
        "--reason",
        "a test",
    ]);
    assert!(export(&result, &ada.key).contains("revoked"));
}

#[test]
fn a_departure_does_not_close_the_door_for_others() {
    let mut cohorts = three(30);
    let network = network(&cohorts);
    let [ada, bo, cleo] =
        ["ada", "bo", "cleo"].map(|name| Researcher::new(&network, name, &NODES, &[]));
    ada.released(&network, "ldl", &[]);
    cohorts[0].remove(5);
    cohorts[0].load(&network, "cohort");
    bo.released(&network, "other", &["--covariates", "sex,age"]);
    bo.exported(&network, "other");
    cleo.released(&network, "age", &[]);
    cleo.exported(&network, "age");
    ada.exported(&network, "ldl");
}

#[test]
fn calls_that_changed_between_two_results_stay() {
    let mut cohorts = three(30);
    let network = network(&cohorts);
    let permit = ["--export-full-table"];
    let [ada, bo] = ["ada", "bo"].map(|name| Researcher::new(&network, name, &NODES, &permit));
    ada.released(&network, "ldl", &[]);
    cohorts[0].genotypes[8][4] = cohorts[0].genotypes[8][4].map(|dosage| (dosage + 1) % 3);
    cohorts[0].load(&network, "cohort");
    // Bo was shown nothing of the earlier calls, so his own result has the variant; it is the world
    // that would have both.
    bo.released(&network, "ldl", &[]);
    let rows = |folder: &Path| {
        let (names, rows) = table(&folder.join("ldl.gwas.tsv.gz"));
        column(&names, &rows, "base_pair_location")
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(rows(&bo.result(&network, "ldl")).contains(&"5000000".to_owned()));
    for researcher in [&ada, &bo] {
        researcher.exported(&network, "ldl");
        let left = rows(&public(&network, &researcher.name, "ldl"));
        assert!(
            left.len() > 10 && !left.contains(&"5000000".to_owned()),
            "{left:?}"
        );
    }
}

/// The same people under two dataset ids, one person's calls corrected in one of them: the
/// difference of two exports would be that person's, and no load compares the calls of one dataset
/// with those of another.
#[test]
fn one_dataset_under_two_ids_is_studied_by_two_data_users() {
    let mut cohorts = three(30);
    let network = network(&cohorts);
    for call in &mut cohorts[0].genotypes[7] {
        *call = call.map(|dosage| (dosage + 1) % 3);
    }
    cohorts[0].load(&network, "copy");
    let ada = Researcher::new(&network, "ada", &NODES, &["--export-full-table"]);
    let datasets = ["north/copy", "centre/cohort", "south/cohort"];
    let bo = Researcher::of_datasets(&network, "bo", &datasets, &["--export-full-table"]);
    ada.released(&network, "ldl", &[]);
    let said = String::from_utf8_lossy(&bo.study(&network, "other", &[]).stderr).into_owned();
    assert!(
        said.contains("people are the same under every dataset id"),
        "{said}"
    );
    ada.exported(&network, "ldl");
}

/// The chi-square of each variant of a table, by its position.
fn chi_squares(path: &Path) -> BTreeMap<usize, f64> {
    let (names, rows) = table(path);
    let numbers = |name: &str| -> Vec<f64> {
        column(&names, &rows, name)
            .iter()
            .map(|text| text.parse().expect("a number"))
            .collect()
    };
    let squares = numbers("beta").into_iter().zip(numbers("standard_error"));
    let positions = numbers("base_pair_location")
        .into_iter()
        .map(|position| position as usize);
    positions
        .zip(squares.map(|(beta, error)| (beta / error).powi(2)))
        .collect()
}

/// Two variants beside each other that differ in one person's call: the difference of their effects
/// is that person's trait. One leaves, then one of its calls is corrected and it stays: the other
/// one must not leave in its place, whoever asks and in whichever unit the trait is.
#[test]
fn a_region_stays_closed_for_the_variant_beside_the_one_that_left() {
    let mut cohorts = three(6);
    let [first, second] = [1_000_000, 1_001_000];
    for cohort in &mut cohorts {
        cohort.positions[1] = second;
        let mut ldl: Vec<f64> = cohort
            .values("ldl")
            .iter()
            .map(|value| value.parse().expect("a value"))
            .collect();
        for (calls, value) in cohort.genotypes.iter_mut().zip(&mut ldl) {
            calls[1] = calls[0];
            *value = ((*value + 0.25 * f64::from(calls[0].unwrap_or(0))) * 100.0).round() / 100.0;
        }
        *cohort.values("ldl") = ldl.iter().map(|value| format!("{value:.2}")).collect();
        *cohort.values("one") = ldl
            .iter()
            .map(|value| format!("{:.4}", 38.67 * value))
            .collect();
    }
    cohorts[0].genotypes[7][1] = cohorts[0].genotypes[7][1].map(|dosage| (dosage + 1) % 3);
    let network = network(&cohorts);
    let ada = Researcher::new(&network, "ada", &NODES, &[]);
    ada.released(&network, "ldl", &[]);
    ada.exported(&network, "ldl");
    let before = chi_squares(&public(&network, "ada", "ldl").join("ldl.gwas.tsv.gz"));
    let (led, twin) = if before.contains_key(&first) {
        (first, second)
    } else {
        (second, first)
    };
    assert!(
        before.contains_key(&led) && !before.contains_key(&twin),
        "{before:?}"
    );
    let variant = usize::from(led == second);
    cohorts[0].genotypes[20][variant] =
        cohorts[0].genotypes[20][variant].map(|dosage| (dosage + 1) % 3);
    cohorts[0].load(&network, "cohort");

    let bo = Researcher::new(&network, "bo", &NODES, &[]);
    bo.released(&network, "one", &[]);
    bo.exported(&network, "one");
    let result = bo.result(&network, "one");
    let shown = chi_squares(&result.join("one.gwas.tsv.gz"));
    let used: f64 = before.values().sum();
    let strength = shown[&twin];
    assert!(
        strength > 4.0 && used + strength < 330.0 / 9.0,
        "the number would let it leave: {used} {strength}"
    );
    let left = chi_squares(&public(&network, "bo", "one").join("one.gwas.tsv.gz"));
    assert!(
        !left.is_empty() && !left.contains_key(&twin) && !left.contains_key(&led),
        "{left:?}"
    );
    let (_, held_back) = table(&result.join("one.held-back.tsv.gz"));
    let row = held_back
        .iter()
        .find(|row| row[1] == twin.to_string())
        .expect("it is listed");
    assert!(row[4].contains("rule: one for each region"), "{row:?}");
    // A permit with full tables knows no regions.
    let cleo = Researcher::new(&network, "cleo", &NODES, &["--export-full-table"]);
    cleo.released(&network, "ldl", &["--covariates", "sex,age"]);
    cleo.exported(&network, "ldl");
    assert!(
        chi_squares(&public(&network, "cleo", "ldl").join("ldl.gwas.tsv.gz")).contains_key(&twin)
    );
}

#[test]
fn what_leaves_does_not_lie_among_what_stays() {
    let network = network(&three(30));
    let ada = Researcher::new(&network, "ada", &NODES, &[]);
    ada.released(&network, "ldl", &[]);
    let (dir, result) = (network.path("hdab"), ada.result(&network, "ldl"));
    let said = fail(&[
        "export",
        text(&result),
        "--dir",
        text(&dir),
        "--key",
        text(&ada.key),
        "--out",
        text(&result),
    ]);
    assert!(said.contains("holds a result that stays inside"), "{said}");
    let shown = succeed(&["ledger", "show", "--dir", text(&network.path("north"))]);
    assert!(
        shown.contains("exported, for everybody: 0 columns"),
        "{shown}"
    );
}
