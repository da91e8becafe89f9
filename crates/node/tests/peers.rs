//! Whom a node knows: peers are added, changed, asked and taken off, and what was said before
//! stays.

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use support::{Server, fail, ligate, succeed, text};
use tempfile::TempDir;

/// Two nodes that do not know each other.
fn two() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, country) in [("north", "SE"), ("south", "FR")] {
        succeed(&[
            "init",
            "--dir",
            text(&dir.path().join(name)),
            "--name",
            name,
            "--country",
            country,
        ]);
    }
    dir
}

fn peer(command: &str, node: &Path, more: &[&str]) -> String {
    succeed(&[&["peer", command, "--dir", text(node)], more].concat())
}

fn listed(node: &Path) -> Value {
    serde_json::from_str(&peer("list", node, &["--json"])).expect("JSON")
}

#[test]
fn what_is_not_said_again_stays() {
    let dir = two();
    let (north, south) = (dir.path().join("north"), dir.path().join("south"));
    let key = south.join("keys/node.pub");
    let named = ["--name", "south"];
    let said = fail(&[&["peer", "add", "--dir", text(&north)][..], &named].concat());
    assert!(said.contains("the key of south is not known yet"), "{said}");
    let all = [
        "--key",
        text(&key),
        "--address",
        "south.example:7443",
        "--country",
        "FR",
        "--issuer",
    ];
    peer("add", &north, &[&named[..], &all].concat());
    let first = listed(&north);
    assert_eq!(first[0]["issuer"], true);
    peer("add", &north, &[&named[..], &["--coordinator"]].concat());
    peer(
        "set",
        &north,
        &[&named[..], &["--address", "south.example:8443"]].concat(),
    );
    let mut expected = first.clone();
    expected[0]["coordinator"] = true.into();
    expected[0]["address"] = "south.example:8443".into();
    assert_eq!(listed(&north), expected);
    peer("set", &north, &[&named[..], &["--issuer=false"]].concat());
    expected[0]["issuer"] = false.into();
    assert_eq!(listed(&north), expected);
    let said = fail(&[
        "peer",
        "set",
        "--dir",
        text(&north),
        "--name",
        "nobody",
        "--issuer",
    ]);
    assert!(said.contains("knows no peer nobody"), "{said}");
}

#[test]
fn a_node_is_no_peer_of_itself() {
    let dir = two();
    let north = dir.path().join("north");
    let own = north.join("keys/node.pub");
    for (name, key) in [
        ("other", own.as_path()),
        ("north", &dir.path().join("south/keys/node.pub")),
    ] {
        let said = fail(&[
            "peer",
            "add",
            "--dir",
            text(&north),
            "--name",
            name,
            "--key",
            text(key),
        ]);
        assert!(said.contains("is this node itself"), "{said}");
    }
}

#[test]
fn a_peer_answers_until_it_is_taken_off() {
    let dir = two();
    let (north, south) = (dir.path().join("north"), dir.path().join("south"));
    let server = Server::start(&south);
    let south_key = south.join("keys/node.pub");
    let there = [
        "--name",
        "south",
        "--key",
        text(&south_key),
        "--address",
        &server.address,
    ];
    peer("add", &north, &there);
    let said = fail(&["peer", "ping", "--dir", text(&north)]);
    assert!(said.contains("1 of 1 peers do not answer"), "{said}");
    let north_key = north.join("keys/node.pub");
    peer(
        "add",
        &south,
        &["--name", "north", "--key", text(&north_key)],
    );
    assert!(peer("ping", &north, &[]).contains("south  answers"));
    peer("remove", &south, &["--name", "north"]);
    assert_eq!(listed(&south), serde_json::json!([]));
    let output = ligate(&["peer", "ping", "--json", "--dir", text(&north)]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (output.status.code(), &said["peers"][0]["answers"]),
        (Some(1), &false.into())
    );
    let log = succeed(&["audit", "show", "--dir", text(&south)]);
    assert!(log.contains("peer-removed"), "{log}");
}

/// A mistake in ligate.toml while the node serves: the node says so once in its log, and goes on as
/// before.
#[test]
fn a_mistake_in_the_settings_of_a_serving_node_is_said_and_shuts_nobody_out() {
    let dir = two();
    let (north, south) = (dir.path().join("north"), dir.path().join("south"));
    let north_key = north.join("keys/node.pub");
    peer(
        "add",
        &south,
        &["--name", "north", "--key", text(&north_key)],
    );
    let server = Server::start(&south);
    let south_key = south.join("keys/node.pub");
    peer(
        "add",
        &north,
        &[
            "--name",
            "south",
            "--key",
            text(&south_key),
            "--address",
            &server.address,
        ],
    );
    assert!(peer("ping", &north, &[]).contains("south  answers"));
    let settings = south.join("ligate.toml");
    let right = fs::read_to_string(&settings).expect("settings");
    fs::write(&settings, right.replace("[veto]", "[vetto]")).expect("settings");
    for _ in 0..2 {
        assert!(peer("ping", &north, &[]).contains("south  answers"));
    }
    fs::write(&settings, &right).expect("settings");
    let log = succeed(&["audit", "show", "--dir", text(&south)]);
    assert_eq!(log.matches("settings-unreadable").count(), 1, "{log}");
    assert!(log.contains("vetto"), "{log}");
}

/// A veto with a slip in the name of the dataset would protect nothing in silence.
#[test]
fn a_veto_of_a_dataset_that_is_not_there_is_said_when_the_node_begins_to_serve() {
    let dir = two();
    let south = dir.path().join("south");
    let settings = south.join("ligate.toml");
    let right = fs::read_to_string(&settings).expect("settings");
    let slip = right.replace("[veto]\ndatasets = []", "[veto]\ndatasets = [\"chort\"]");
    assert_ne!(slip, right);
    fs::write(&settings, slip).expect("settings");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--stop-with-stdin"];
    let output = ligate(&[&serve[..], &["--dir", text(&south)]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("veto of the dataset chort"), "{said}");
}

#[test]
fn the_folder_is_the_one_that_the_environment_names_or_the_current_one() {
    let dir = two();
    let north = dir.path().join("north");
    let list = |command: &mut Command| {
        let output = command
            .args(["peer", "list"])
            .output()
            .expect("the binary starts");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let binary = || Command::new(env!("CARGO_BIN_EXE_ligate"));
    assert!(list(binary().env("LIGATE_DIR", &north)).contains("north knows no peers"));
    assert!(
        list(binary().env_remove("LIGATE_DIR").current_dir(&north))
            .contains("north knows no peers")
    );
    let nowhere = list(binary().env_remove("LIGATE_DIR").current_dir(dir.path()));
    assert!(
        nowhere.contains("there is no node here") && nowhere.contains("LIGATE_DIR"),
        "{nowhere}"
    );
}

#[test]
fn a_country_has_a_code_of_the_standard() {
    let dir = tempfile::tempdir().expect("a folder");
    let args = [
        "init",
        "--dir",
        text(dir.path()),
        "--name",
        "north",
        "--country",
        "UK",
    ];
    let output = ligate(&args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("GB, not UK"),
        "{said}"
    );
}
