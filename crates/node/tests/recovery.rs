//! Nodes that were put back from a copy, by real processes: what they refuse, what `ligate recover`
//! takes over and closes, and the procedures of docs/operations.md for node, coordinator, registry
//! and clock.

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use ligate_access::{
    Identity,
    audit::{Event, Log},
};
use ligate_model::Digest;
use support::{
    Network, Server,
    cohorts::{Cohort, network, permit},
    fail, ligate, succeed, text,
};

fn three() -> Vec<Cohort> {
    let mut cohorts: Vec<Cohort> = [("north", 130), ("centre", 110), ("south", 90)]
        .iter()
        .zip(1..)
        .map(|((name, people), seed)| Cohort::new(name, *people, 30, seed))
        .collect();
    for (cohort, number) in cohorts.iter_mut().zip(0..) {
        cohort.trait_with_missing("ldl", 0.0, 1000 + number);
        cohort.trait_with_missing("bmi", 0.0, 2000 + number);
    }
    // A trait that differs from the first in one person of the north.
    for (place, cohort) in cohorts.iter_mut().enumerate() {
        let mut values = cohort.values("ldl").clone();
        if place == 0 {
            values[7] = format!("{:.2}", values[7].parse::<f64>().expect("a value") + 1.0);
        }
        cohort.columns.push(("one".to_owned(), values));
    }
    cohorts
}

const LDL: [&str; 4] = ["--trait", "ldl", "--covariates", "sex,age"];
const BMI: [&str; 4] = ["--trait", "bmi", "--covariates", "sex,age"];
const ONE: [&str; 4] = ["--trait", "one", "--covariates", "sex,age"];

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let copied = Command::new("cp")
        .args(["-a", text(from), text(to)])
        .status();
    assert!(copied.expect("cp runs").success());
}

fn refuses_to_serve(dir: &Path) -> String {
    fail(&["serve", "--listen", "127.0.0.1:0", "--dir", text(dir)])
}

fn recover(dir: &Path, more: &[&str]) -> serde_json::Value {
    let said = succeed(&[&["recover", "--json", "--dir", text(dir)][..], more].concat());
    serde_json::from_str::<serde_json::Value>(&said).expect("JSON")["recovered"].clone()
}

/// Another researcher with a permit of his own, for the same variables.
fn second_researcher(network: &Network) -> (PathBuf, PathBuf) {
    let (key, out) = (network.path("second.key"), network.path("second.jws"));
    succeed(&["key", "--out", text(&key)]);
    let (hdab, public) = (network.path("hdab"), network.path("second.pub"));
    let mut args = vec![
        "permit",
        "issue",
        "--dir",
        text(&hdab),
        "--user",
        "Grace",
        "--user-key",
        text(&public),
    ];
    for dataset in ["north/cohort", "centre/cohort", "south/cohort"] {
        args.extend(["--dataset", dataset]);
    }
    args.extend([
        "--purpose",
        "research",
        "--about",
        "a test",
        "--variables",
        "ldl,bmi,sex,age",
    ]);
    args.extend(["--out", text(&out)]);
    succeed(&args);
    (out, key)
}

fn stop(network: &mut Network, name: &str) {
    let place = network
        .sites
        .iter()
        .position(|site| site == name)
        .unwrap_or(network.sites.len());
    let server = &mut network.servers[place];
    server
        .child
        .kill()
        .and_then(|()| server.child.wait())
        .expect("a process that can be killed");
}

#[test]
fn the_ledgers_folder_put_back_from_a_copy() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &BMI);
    let (north, ledger) = (network.path("north"), network.path("north/ledger"));
    copy(&ledger, &network.path("copy"));
    network.released(&permit, &LDL);
    // Put back while the node serves: the refused difference is not released.
    copy(&network.path("copy"), &ledger);
    let said = network.refused(&permit, &ONE);
    assert!(
        said.contains("put back from a copy") && said.contains("ligate recover"),
        "{said}"
    );
    stop(&mut network, "north");
    let said = refuses_to_serve(&north);
    assert!(
        said.contains("put back from a copy") && said.contains("ligate recover"),
        "{said}"
    );
    assert!(fail(&["ledger", "show", "--dir", text(&north)]).contains("ligate recover"));
    // The log is whole, and tells whose run is missing.
    let done = recover(&north, &[]);
    assert_eq!(done["runs_taken_over"], 1, "{done}");
    assert_eq!(done["accounts_closed"], serde_json::json!(["researcher"]));
    assert_eq!(
        (&done["all_accounts_closed"], &done["lost_size"]),
        (&false.into(), &0.into())
    );
    network.restart("north");
    let said = network.refused(&permit, &ONE);
    assert!(
        said.contains("nothing is forgotten") && said.contains("researcher"),
        "{said}"
    );
    // Others go on.
    let (second, key) = second_researcher(&network);
    network.released(&second, &[&LDL[..], &["--key", text(&key)]].concat());
    let verified = succeed(&["audit", "verify", "--peers", "--dir", text(&north)]);
    assert!(verified.contains("consistent"), "{verified}");
    let again = succeed(&["audit", "show", "--dir", text(&north)]);
    assert!(again.contains("node-recovered"), "{again}");
}

#[test]
fn a_whole_node_put_back_from_a_copy() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &BMI);
    let (north, hdab) = (network.path("north"), network.path("hdab"));
    stop(&mut network, "north");
    copy(&north, &network.path("copy"));
    network.restart("north");
    network.released(&permit, &LDL);
    stop(&mut network, "north");
    copy(&network.path("copy"), &north);
    let said = refuses_to_serve(&north);
    assert!(
        said.contains("was put back from a copy") && said.contains("ligate recover"),
        "{said}"
    );
    // It stays so, whoever is there the next time.
    assert!(network.path("north/restored.json").exists());
    assert!(refuses_to_serve(&north).contains("ligate recover"));
    // No peer takes it back before it shows the entry of a recovery.
    let accept = [
        "peer",
        "accept-recovery",
        "--dir",
        text(&hdab),
        "--name",
        "north",
    ];
    let said = fail(&accept);
    assert!(
        said.contains("must show the entry of its recovery") && said.contains("--unseen"),
        "{said}"
    );
    let done = recover(&north, &[]);
    assert_eq!(
        done["runs_taken_over"], 1,
        "the coordinator knows the run: {done}"
    );
    assert_eq!(done["all_accounts_closed"], true, "{done}");
    assert!(
        done["lost_size"].as_u64().is_some_and(|size| size > 0),
        "{done}"
    );
    network.restart("north");
    let (second, key) = second_researcher(&network);
    let of_second = [&LDL[..], &["--key", text(&key)]].concat();
    for said in [
        network.refused(&permit, &ONE),
        network.refused(&second, &of_second),
    ] {
        assert!(said.contains("nothing is forgotten"), "{said}");
    }
    // A word that leaves a gap is none; one that reaches back opens what was closed to everybody.
    stop(&mut network, "north");
    let late = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
    let word = [
        "recover",
        "--dir",
        text(&north),
        "--nothing-was-shown-since",
    ];
    let said = fail(&[&word[..], &[&late, "--i-know"]].concat());
    assert!(said.contains("or earlier"), "{said}");
    let without = ligate(&[&word[..], &["2020-01-01T00:00:00Z"]].concat());
    assert_eq!(without.status.code(), Some(2), "the word needs --i-know");
    recover(
        &north,
        &[
            "--nothing-was-shown-since",
            "2020-01-01T00:00:00Z",
            "--i-know",
        ],
    );
    network.restart("north");
    assert!(
        network
            .refused(&permit, &ONE)
            .contains("nothing is forgotten"),
        "his runs are known to be lost"
    );
    network.released(&second, &of_second);
    // The coordinator's steward takes it back.
    let held = || fs::read_to_string(hdab.join("audit/heads/north.jsonl")).unwrap_or_default();
    assert!(succeed(&["audit", "verify", "--peers", "--dir", text(&north)]).contains("consistent"));
    let before = held();
    let said = succeed(&[
        "peer",
        "accept-recovery",
        "--dir",
        text(&hdab),
        "--name",
        "north",
    ]);
    // Both recoveries are proven by entries of its log: what was closed, and by whose word it is
    // open again.
    for words in [
        "every account of north is closed",
        "nothing was shown since 2020",
        "entries are lost",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(
        fs::read_to_string(hdab.join("audit/heads/north.1.jsonl")).expect("old heads"),
        before
    );
    network.released(&second, &[&BMI[..], &["--key", text(&key)]].concat());
    assert_eq!(
        held().lines().count(),
        2,
        "the heads of the recovery and of the study after it"
    );
    succeed(&["audit", "verify", "--dir", text(&hdab)]);
}

#[test]
fn a_running_node_is_copied_restored_and_recovered() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &BMI);
    let (north, out) = (network.path("north"), network.path("backup"));
    let said = fail(&[
        "backup",
        "--dir",
        text(&north),
        "--to",
        text(&north.join("datasets/b")),
    ]);
    assert!(said.contains("inside the node's folder"), "{said}");
    succeed(&["backup", "--dir", text(&north), "--to", text(&out)]);
    assert!(
        fail(&["backup", "--dir", text(&north), "--to", text(&out)]).contains("never overwritten")
    );
    assert!(!out.join("keys/node.key").exists() && out.join("keys/node.pub").exists());
    for (path, mode) in [
        ("", 0o700),
        ("backup.json", 0o600),
        ("ledger", 0o700),
        ("ledger/key", 0o600),
    ] {
        let found = fs::metadata(out.join(path))
            .expect("a copied file")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(found, mode, "{path}");
    }
    network.released(&permit, &LDL);
    stop(&mut network, "north");
    // What is not whole is not put back.
    let (restored, runs) = (network.path("restored"), out.join("ledger/runs.json"));
    let text_of_runs = fs::read(&runs).expect("the copied ledger");
    fs::write(&runs, "{}").expect("a file");
    let said = fail(&["restore", "--from", text(&out), "--to", text(&restored)]);
    assert!(
        said.contains("not as it was copied") && !restored.exists(),
        "{said}"
    );
    fs::write(&runs, text_of_runs).expect("a file");
    assert!(
        fail(&["restore", "--from", text(&out), "--to", text(&north)]).contains("there already")
    );
    succeed(&["restore", "--from", text(&out), "--to", text(&restored)]);
    fs::copy(north.join("keys/node.key"), restored.join("keys/node.key")).expect("the key");
    let said = refuses_to_serve(&restored);
    assert!(
        said.contains("restored from a copy") && said.contains("ligate recover"),
        "{said}"
    );
    assert!(
        fail(&[
            "backup",
            "--dir",
            text(&restored),
            "--to",
            text(&network.path("b"))
        ])
        .contains("ligate recover")
    );
    let done = recover(&restored, &[]);
    assert_eq!(
        (&done["runs_taken_over"], &done["all_accounts_closed"]),
        (&1.into(), &true.into()),
        "{done}"
    );
    assert!(!restored.join("restored.json").exists());
    fs::rename(&north, network.path("lost"))
        .and_then(|()| fs::rename(&restored, &north))
        .expect("a move");
    network.restart("north");
    assert!(
        network
            .refused(&permit, &ONE)
            .contains("nothing is forgotten")
    );
    // Its data came back too.
    assert!(succeed(&["datasets", "--dir", text(&north)]).contains("cohort"));
}

#[test]
fn a_coordinator_that_was_restored_goes_on_when_the_nodes_take_it_back() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &BMI);
    let (hdab, out) = (network.path("hdab"), network.path("backup"));
    succeed(&[
        "backup",
        "--with-keys",
        "--dir",
        text(&hdab),
        "--to",
        text(&out),
    ]);
    // Its log grows by more than it will when it is back.
    for covariates in ["sex,age", "sex", "age"] {
        network.released(&permit, &["--trait", "ldl", "--covariates", covariates]);
    }
    stop(&mut network, "hdab");
    fs::rename(&hdab, network.path("lost")).expect("a move");
    succeed(&["restore", "--from", text(&out), "--to", text(&hdab)]);
    let study = ["--trait", "bmi", "--covariates", "sex"];
    assert!(
        network.refused(&permit, &study).contains("ligate recover"),
        "it does not ask before"
    );
    let done = recover(&hdab, &[]);
    assert!(
        done["lost_size"].as_u64().is_some_and(|size| size > 0),
        "{done}"
    );
    network.restart("hdab");
    let said = network.refused(&permit, &study);
    assert!(said.contains("contradict each other"), "{said}");
    for node in ["north", "centre", "south"] {
        succeed(&[
            "peer",
            "accept-recovery",
            "--dir",
            text(&network.path(node)),
            "--name",
            "hdab",
        ]);
    }
    network.released(&permit, &study);
    // What it lost is no way around the ledgers.
    assert!(network.refused(&permit, &ONE).contains("span rule"));
    succeed(&["audit", "verify", "--peers", "--dir", text(&hdab)]);
}

#[test]
fn a_clock_that_went_wrong() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let north = network.path("north");
    stop(&mut network, "north");
    // A day ahead, something was logged.
    let identity = Arc::new(Identity::load(&north.join("keys/node.key")).expect("a key"));
    let ahead = Timestamp::now() + SignedDuration::from_hours(24);
    let mut log = Log::open(&north.join("audit"), identity, Timestamp::now()).expect("a log");
    log.append(Event::ServeStopped {}, ahead).expect("an entry");
    let said = refuses_to_serve(&north);
    assert!(
        said.contains("clock") && said.contains("ligate recover"),
        "{said}"
    );
    let done = recover(&north, &[]);
    assert_eq!(
        (&done["all_accounts_closed"], &done["runs_taken_over"]),
        (&false.into(), &0.into()),
        "{done}"
    );
    network.restart("north");
    network.released(&permit, &BMI);
}

/// The three steps of a change: the new book, the entry in the log, the new book in the old one's
/// place. The process dies after each.
#[test]
fn a_crash_between_ledger_and_log_is_no_restored_copy() {
    let dir = tempfile::tempdir().expect("a folder");
    let node = dir.path().join("north");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "north",
        "--country",
        "SE",
    ]);
    for name in ["b", "c", "d"] {
        let other = dir.path().join(name);
        succeed(&[
            "init",
            "--dir",
            text(&other),
            "--name",
            name,
            "--country",
            "SE",
        ]);
        let key = fs::read_to_string(other.join("keys/node.pub")).expect("a key");
        succeed(&[
            "peer",
            "add",
            "--dir",
            text(&node),
            "--name",
            name,
            "--key",
            key.trim(),
        ]);
    }
    let allow = |nodes: &str| {
        let who = [
            "--dataset",
            "cohort",
            "--data-user",
            "Ada",
            "--nodes",
            nodes,
        ];
        succeed(&[&["ledger", "allow", "--dir", text(&node)][..], &who].concat());
    };
    let (runs, next) = (
        node.join("ledger/runs.json"),
        node.join("ledger/runs.json.next"),
    );
    let read = || fs::read_to_string(&runs).expect("a ledger");
    let allowed = || read().matches("\"allowed\"").count();
    let opens = || drop(succeed(&["ledger", "show", "--dir", text(&node)]));
    allow("north,b,c");
    let before = read();
    // Before the log has it: the change was not made.
    fs::write(&next, before.replace("Ada", "Eve")).expect("a file");
    opens();
    assert_eq!(read(), before);
    allow("north,b,d");
    assert_eq!(allowed(), 2);
    // After the log has it: the change is made by whoever opens the ledger next.
    let after = read();
    fs::write(&next, &after)
        .and_then(|()| fs::write(&runs, &before))
        .expect("files");
    opens();
    assert_eq!(read(), after);
    assert!(!next.exists());
    Server::start(&node).signal("KILL");
    // The old book alone is one that was put back.
    fs::write(&runs, &before).expect("a file");
    assert!(fail(&["ledger", "show", "--dir", text(&node)]).contains("ligate recover"));
    // And a ledger that is gone is not made anew.
    fs::remove_dir_all(node.join("ledger")).expect("a folder");
    assert!(refuses_to_serve(&node).contains("ligate recover"));
}

#[test]
fn a_killed_node_starts_again_without_a_recovery() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &LDL);
    // Killed in the middle of studies, at moments that lie all over them.
    for (number, covariates) in ["sex", "age", "sex,age", "", "age,sex", "ldl"]
        .iter()
        .enumerate()
    {
        let mut study = vec!["--trait", "bmi"];
        if !covariates.is_empty() {
            study.extend(["--covariates", covariates]);
        }
        let pid = network.server("north").child.id().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(60 * number as u64));
            Command::new("kill")
                .args(["-KILL", &pid])
                .status()
                .expect("kill runs")
        });
        network.gwas(&permit, &study);
        assert!(killer.join().expect("a thread").success());
        stop(&mut network, "north");
        network.restart("north");
    }
    assert!(network.refused(&permit, &ONE).contains("span rule"));
    stop(&mut network, "north");
    let said = succeed(&["recover", "--dir", text(&network.path("north"))]);
    assert!(said.contains("nothing to recover"), "{said}");
}

#[test]
fn a_ledger_of_an_earlier_form_goes_on_with_the_accounts_closed_that_it_holds() {
    let cohorts = three();
    let mut network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    network.released(&permit, &LDL);
    stop(&mut network, "north");
    let (north, runs) = (
        network.path("north"),
        network.path("north/ledger/runs.json"),
    );
    let mut book: serde_json::Value =
        serde_json::from_slice(&fs::read(&runs).expect("a ledger")).expect("JSON");
    book["version"] = 5.into();
    book.as_object_mut()
        .and_then(|book| book.remove("codings"))
        .expect("a book");
    let earlier = book.to_string();
    fs::write(&runs, &earlier).expect("a file");
    let identity = Arc::new(Identity::load(&north.join("keys/node.key")).expect("a key"));
    let mut log = Log::open(&north.join("audit"), identity, Timestamp::now()).expect("a log");
    let ledger = Digest::of("ligate ledger", earlier.as_bytes());
    let changed = Event::LedgerChanged {
        what: "allowed".to_owned(),
        job: None,
        ledger,
    };
    log.append(changed, Timestamp::now()).expect("an entry");
    let said = refuses_to_serve(&north);
    assert!(
        said.contains("earlier program (form 5)") && said.contains("ligate recover"),
        "{said}"
    );
    let done = recover(&north, &[]);
    assert_eq!(
        done["reasons"][0], "the privacy ledger was written by an earlier program",
        "{done}"
    );
    assert_eq!(
        (&done["runs_taken_over"], &done["all_accounts_closed"]),
        (&1.into(), &false.into()),
        "{done}"
    );
    assert_eq!(done["accounts_closed"], serde_json::json!(["researcher"]));
    network.restart("north");
    let said = network.refused(&permit, &ONE);
    assert!(
        said.contains("nothing is forgotten") && said.contains("researcher"),
        "{said}"
    );
    let (second, key) = second_researcher(&network);
    network.released(&second, &[&LDL[..], &["--key", text(&key)]].concat());
    // The log of a later program is not read by this one.
    stop(&mut network, "north");
    fs::write(
        &runs,
        fs::read_to_string(&runs)
            .expect("a ledger")
            .replace("\"version\":6", "\"version\":7"),
    )
    .expect("a file");
    assert!(fail(&["recover", "--dir", text(&north)]).contains("a later program (form 7)"));
}

#[test]
fn a_permit_that_was_revoked_stays_revoked_when_the_bodys_list_is_put_back() {
    let cohorts = three();
    let network = network(&cohorts);
    let permit = permit(&network, &cohorts);
    let (hdab, copied) = (network.path("hdab"), network.path("copied"));
    network.released(&permit, &BMI);
    copy(&hdab.join("revocations"), &copied);
    succeed(&[
        "permit",
        "revoke",
        "--dir",
        text(&hdab),
        text(&permit),
        "--reason",
        "a test",
    ]);
    // No node has the newer list any more.
    for node in ["hdab", "north", "centre", "south"] {
        copy(&copied, &network.path(node).join("revocations"));
    }
    let list = succeed(&["permit", "list", "--json", "--dir", text(&hdab)]);
    assert!(
        list.contains("revoked") && list.contains("a test"),
        "{list}"
    );
    let said = network.refused(&permit, &LDL);
    assert!(said.contains("was revoked on 20"), "{said}");
}

fn packet(subject: &str) -> String {
    format!(
        r#"{{"id":"packet-{subject}","subject":{{"id":"{subject}","sex":"FEMALE"}},"phenotypicFeatures":[{{"type":{{"id":"HP:0001363","label":"a feature"}}}}],"interpretations":[{{"id":"i","progressStatus":"SOLVED","diagnosis":{{"disease":{{"id":"OMIM:101600","label":"a disease"}},"genomicInterpretations":[]}}}}],"metaData":{{"created":"2024-01-01T00:00:00Z","createdBy":"a test","resources":[],"phenopacketSchemaVersion":"2.0"}}}}"#
    )
}

#[test]
fn who_was_withdrawn_from_a_registry_stays_withdrawn() {
    let dir = tempfile::tempdir().expect("a folder");
    let (node, out, cases) = (
        dir.path().join("north"),
        dir.path().join("backup"),
        dir.path().join("cases.jsonl"),
    );
    let withdrawn = dir.path().join("withdrawn");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "north",
        "--country",
        "SE",
    ]);
    let six: Vec<String> = (0..6)
        .map(|number| packet(&format!("secret-{number}")))
        .collect();
    fs::write(&cases, six.join("\n")).expect("cases");
    let registry = |words: &[&str], dir: &Path| {
        succeed(&[&["registry", words[0], "--dir", text(dir)][..], &words[1..]].concat())
    };
    registry(&["add", text(&cases)], &node);
    registry(&["close"], &node);
    succeed(&[
        "backup",
        "--with-keys",
        "--dir",
        text(&node),
        "--to",
        text(&out),
    ]);
    registry(&["withdraw", "--patient", "secret-3"], &node);
    registry(&["withdrawals", "--out", text(&withdrawn)], &node);
    assert!(
        !fs::read_to_string(&withdrawn)
            .expect("a file")
            .contains("secret")
    );
    // The registry's folder put back alone.
    let live = dir.path().join("live");
    copy(&out.join("registry"), &live);
    copy(&live, &node.join("registry"));
    let said = fail(&["registry", "close", "--dir", text(&node)]);
    assert!(said.contains("ligate recover"), "{said}");
    // The whole node put back.
    fs::remove_dir_all(&node).expect("a folder");
    succeed(&["restore", "--from", text(&out), "--to", text(&node)]);
    for words in ["close", "show"] {
        let said = fail(&["registry", words, "--dir", text(&node)]);
        assert!(said.contains("ligate recover"), "{said}");
    }
    let said = fail(&["recover", "--dir", text(&node)]);
    assert!(
        said.contains("--withdrawn") && said.contains("--no-withdrawals-since"),
        "{said}"
    );
    let done = recover(&node, &["--withdrawn", text(&withdrawn)]);
    assert_eq!(done["withdrawals"], 1);
    let patients = fs::read_to_string(node.join("registry/patients.json")).expect("patients");
    assert!(!patients.contains("secret-3") && patients.contains("secret-4"));
    let again = succeed(&[
        "registry",
        "add",
        "--json",
        "--dir",
        text(&node),
        text(&cases),
    ]);
    let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(
        (&again["withdrawn"], &again["added"]),
        (&1.into(), &0.into()),
        "{again}"
    );
    // Batches may have been closed since: no patient is counted twice.
    let said = fail(&["registry", "close", "--dir", text(&node)]);
    assert!(said.contains("counted twice"), "{said}");
    recover(
        &node,
        &[
            "--nothing-was-shown-since",
            "2020-01-01T00:00:00Z",
            "--i-know",
            "--withdrawn",
            text(&withdrawn),
        ],
    );
    registry(&["close"], &node);
}

#[test]
fn a_consent_that_was_taken_back_does_not_come_back_with_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let (node, cases) = (dir.path().join("north"), dir.path().join("cases.jsonl"));
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "north",
        "--country",
        "SE",
    ]);
    let six: Vec<String> = (0..6)
        .map(|number| packet(&format!("secret-{number}")))
        .collect();
    fs::write(&cases, six.join("\n")).expect("cases");
    let add = ["registry", "add", "--dir", text(&node), text(&cases)];
    succeed(&[&add[..], &["--consent-matching", "--consent-single-counts"]].concat());
    let patients = node.join("registry/patients.json");
    let read = || fs::read_to_string(&patients).expect("patients");
    let agreed = read();
    assert_eq!(agreed.matches("\"matching\":true").count(), 6);
    succeed(&add);
    assert!(!read().contains("true"));
    let newest = read();
    // A crash between the entry in the log and the file's place in the folder is no file that was
    // put back.
    fs::write(patients.with_extension("json.next"), &newest)
        .and_then(|()| fs::write(&patients, &agreed))
        .expect("files");
    succeed(&["registry", "show", "--dir", text(&node)]);
    assert_eq!(read(), newest);
    fs::write(&patients, &agreed).expect("a file");
    for words in [["registry", "show"], ["registry", "close"]] {
        let said = fail(&[&words[..], &["--dir", text(&node)]].concat());
        assert!(
            said.contains("patients.json") && said.contains("ligate recover"),
            "{said}"
        );
    }
    assert!(refuses_to_serve(&node).contains("patients.json"));
    let done = recover(&node, &[]);
    assert_eq!(
        (&done["consents_closed"], &done["withdrawals"]),
        (&true.into(), &0.into()),
        "{done}"
    );
    assert!(
        read().contains("secret-3") && !read().contains("true"),
        "all are there, and none agrees"
    );
    succeed(&[&add[..], &["--consent-matching"]].concat());
    succeed(&["registry", "close", "--dir", text(&node)]);
    assert_eq!(read().matches("\"matching\":true").count(), 6);
}
