//! An access body takes a permit back: nodes and coordinator refuse it, a run under it stops, its
//! stored releases stay where they are, and who cannot hear of revocations answers nobody. Every
//! test drives real processes.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use support::{Network, Server, Site, fail, succeed, text, wait_until};

const LDL: [&str; 4] = ["--trait", "ldl", "--covariates", "sex,age"];
const REASON: &str = "used for another purpose";

#[track_caller]
fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "\"{word}\" is missing in: {said}");
    }
}

/// `ligate permit revoke` at the access body.
#[track_caller]
fn revoke(network: &Network, permit: &Path) -> String {
    let dir = network.path("hdab");
    succeed(&[
        "permit",
        "revoke",
        "--dir",
        text(&dir),
        text(permit),
        "--reason",
        REASON,
    ])
}

/// What `permit list --json` says.
fn listed(network: &Network) -> Vec<serde_json::Value> {
    let said = succeed(&[
        "permit",
        "list",
        "--dir",
        text(&network.path("hdab")),
        "--json",
    ]);
    serde_json::from_str(&said).unwrap()
}

/// Changes a setting in `ligate.toml`.
fn set(network: &Network, node: &str, from: &str, to: &str) {
    let settings = network.path(node).join("ligate.toml");
    let before = fs::read_to_string(&settings).unwrap();
    let after = before.replace(from, to);
    assert_ne!(before, after, "{from} is not in {}", settings.display());
    fs::write(&settings, after).unwrap();
}

/// The file in which `node` keeps the access body's list.
fn list_at(network: &Network, node: &str) -> PathBuf {
    let folder = network.path(node).join("revocations");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut lists = files.filter(|path| path.extension().is_some_and(|ending| ending == "jws"));
    lists.next().expect("a list is there")
}

/// A coordinator `env` of its own, beside the three sites and the access body. Its and the sites'
/// folders know each other's addresses as far as `network` serves.
struct WithCoordinator {
    network: Network,
    permit: PathBuf,
}

impl WithCoordinator {
    fn start() -> Self {
        let network = Network::start(&Site::three());
        let env = network.path("env");
        succeed(&[
            "init",
            "--dir",
            text(&env),
            "--name",
            "env",
            "--country",
            "FI",
        ]);
        let key = network.key("env");
        for node in network.sites.iter().map(String::as_str).chain(["hdab"]) {
            let dir = network.path(node);
            let mut add = vec![
                "peer",
                "add",
                "--dir",
                text(&dir),
                "--name",
                "env",
                "--key",
                &key,
            ];
            add.extend(["--country", "FI", "--coordinator"]);
            succeed(&add);
            let (key, address) = (network.key(node), network.server(node).address.clone());
            let mut add = vec![
                "peer",
                "add",
                "--dir",
                text(&env),
                "--name",
                node,
                "--key",
                &key,
            ];
            add.extend(["--country", "SE", "--address", &address]);
            if node == "hdab" {
                add.push("--issuer");
            }
            succeed(&add);
        }
        let permit = network.permit(&["--coordinator", "env"]);
        Self { network, permit }
    }

    fn args(&self, more: &[&str]) -> Vec<String> {
        let network = &self.network;
        let (dir, key, out) = (
            network.path("env"),
            network.path("user.key"),
            network.path("results"),
        );
        let mut args = vec!["gwas", "--dir", text(&dir), "--permit", text(&self.permit)];
        args.extend(["--key", text(&key), "--out", text(&out)]);
        args.extend(more);
        args.into_iter().map(str::to_owned).collect()
    }

    #[track_caller]
    fn released(&self, more: &[&str]) {
        succeed(
            &self
                .args(more)
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
    }

    #[track_caller]
    fn refused(&self, more: &[&str]) -> String {
        fail(
            &self
                .args(more)
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        )
    }
}

#[test]
fn a_revoked_permit_is_refused_by_coordinator_and_nodes() {
    let with = WithCoordinator::start();
    let network = &with.network;
    let said = revoke(network, &with.permit);
    says(
        &said,
        &[
            "is revoked (list 1 of hdab)",
            "north has the list",
            "south has the list",
        ],
    );
    // The coordinator does not serve: it fetches the list before it asks anybody.
    let said = with.refused(&LDL);
    says(&said, &["was revoked on 20", "by hdab", REASON]);
    assert!(!network.path("results").exists());
    says(
        &network.log_of("env"),
        &[
            "\"kind\":\"revocations-kept\"",
            "\"kind\":\"refusal\"",
            REASON,
        ],
    );
    says(
        &network.log_of("hdab"),
        &["\"kind\":\"permit-revoked\"", REASON],
    );
    says(&network.log_of("north"), &["\"kind\":\"revocations-kept\""]);

    // A coordinator that has not heard of it yet, nor fetches so soon again: the nodes refuse by
    // themselves.
    assert_eq!(
        network.permit(&["--coordinator", "env"]),
        with.permit,
        "another permit, in the same file"
    );
    with.released(&LDL);
    revoke(network, &with.permit);
    let said = with.refused(&["--trait", "ldl", "--covariates", "sex"]);
    says(&said, &["north declines", "was revoked on 20", REASON]);
    let verify = [
        "permit",
        "verify",
        "--dir",
        text(&network.path("south")),
        text(&with.permit),
    ]
    .map(str::to_owned);
    says(
        &fail(&verify.each_ref().map(String::as_str)),
        &["was revoked on 20", REASON],
    );
}

/// Sites whose runs take a while: many variants.
fn large() -> Vec<Site> {
    let mut sites = Site::three();
    for site in &mut sites {
        site.variants = 20_000;
    }
    sites
}

/// Starts a run, does `then` when its first sum was opened while one node is held up, and gives
/// what the run said.
fn disturbed(network: &Network, permit: &Path, then: impl FnOnce()) -> String {
    let run = network.begin(permit, &LDL);
    wait_until("the first sum is opened", || {
        network.log_of("south").contains("\"kind\":\"round\"")
    });
    network.server("south").signal("STOP");
    then();
    network.server("south").signal("CONT");
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

fn rounds(network: &Network, node: &str) -> usize {
    network.log_of(node).matches("\"kind\":\"round\"").count()
}

#[test]
fn a_run_stops_within_one_round_of_the_revocation() {
    let network = Network::start(&large());
    let permit = network.permit(&[]);
    let mut before = 0;
    let said = disturbed(&network, &permit, || {
        revoke(&network, &permit);
        before = rounds(&network, "north");
    });
    says(&said, &["was revoked on 20", REASON]);
    assert!(!network.path("results").exists(), "nothing is released");
    let after = rounds(&network, "north");
    assert!(
        after <= before + 1,
        "{after} rounds, {before} of them before the revocation"
    );
    says(&network.log_of("hdab"), &["run-failed"]);
}

#[test]
fn stored_releases_of_a_revoked_permit_are_not_handed_out() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    network.released(&permit, &LDL);
    let stored = network.released(&permit, &[&LDL[..], &["--family", "linear"]].concat());
    says(&stored, &["was answered on"]);
    revoke(&network, &permit);
    let out = network.path("later");
    let said = network.refused(
        &permit,
        &[&LDL[..], &["--family", "linear", "--out", text(&out)]].concat(),
    );
    says(&said, &["was revoked on 20", REASON]);
    assert!(!out.exists());
}

#[test]
fn without_a_fresh_list_nobody_answers() {
    let with = WithCoordinator::start();
    let network = &with.network;
    with.released(&LDL);
    // The issuer is gone. For a day that changes nothing.
    network.server("hdab").signal("KILL");
    with.released(&["--trait", "ldl", "--covariates", "sex"]);
    let short = "stale_after_seconds = 1 ";
    let set_short = |node| {
        set(network, node, "fetch_seconds = 300 ", "fetch_seconds = 1 ");
        set(network, node, "stale_after_seconds = 86400 ", short);
    };
    let fetched = Instant::now();
    for node in ["north", "centre", "south"] {
        set_short(node);
    }
    wait_until("the list is too old", || {
        fetched.elapsed() > Duration::from_millis(1100)
    });
    let said = with.refused(&["--trait", "ldl", "--covariates", "age"]);
    says(
        &said,
        &[
            "north declines",
            "nothing is answered under permits of hdab",
            "stale_after_seconds",
        ],
    );
    // Nor does the coordinator, of what it has stored already.
    set_short("env");
    let said = with.refused(&[&LDL[..], &["--family", "linear"]].concat());
    says(
        &said,
        &[
            "nothing is answered under permits of hdab",
            "stale_after_seconds",
        ],
    );
}

#[test]
fn a_list_travels_from_peer_to_peer() {
    let with = WithCoordinator::start();
    let network = &with.network;
    revoke(network, &with.permit);
    network.server("hdab").signal("KILL");
    // The coordinator never spoke to the issuer; the sites hold what the issuer told them.
    let said = with.refused(&LDL);
    says(&said, &["was revoked on 20", REASON]);
}

#[test]
fn a_serving_node_fetches_by_itself() {
    let mut network = Network::start(&Site::three());
    let north = network.path("north");
    assert!(
        fs::read_dir(north.join("revocations"))
            .unwrap()
            .next()
            .is_none(),
        "it knew no address so far"
    );
    let permit = network.permit(&[]);
    // The issuer cannot reach the node: it has no address of it.
    let settings = network.path("hdab").join("ligate.toml");
    let before = fs::read_to_string(&settings).unwrap();
    let lines = before
        .lines()
        .filter(|line| !line.starts_with("address = "));
    fs::write(
        &settings,
        lines.map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    says(
        &revoke(&network, &permit),
        &["who was not told fetches the list"],
    );
    drop(network.servers.remove(0));
    network.servers.insert(0, Server::start(&north));
    wait_until("the node has fetched the list", || {
        network
            .log_of("north")
            .contains("\"kind\":\"revocations-kept\"")
    });
}

#[test]
fn a_list_that_was_rolled_back_is_completed_from_the_audit_log() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    revoke(&network, &permit);
    let own = list_at(&network, "hdab");
    let whole = fs::read(&own).unwrap();
    fs::remove_file(&own).unwrap();
    // The issuer knows of the revocation all the same, and signs no list without it.
    let said = network.refused(&permit, &LDL);
    says(&said, &["was revoked on 20", REASON]);
    assert!(!network.log_of("north").contains("rolled back"));

    // The next list goes on from there.
    let second = network.permit(&["--variables", "ldl"]);
    says(
        &revoke(&network, &second),
        &["list 2 of hdab", "north has the list"],
    );
    assert_ne!(fs::read(&own).unwrap(), whole);
    assert_eq!(
        listed(&network)
            .iter()
            .filter(|row| row["state"] == "revoked")
            .count(),
        2
    );
}

#[test]
fn an_access_body_lists_extends_and_revokes_its_permits() {
    let network = Network::found(&Site::three());
    let body = network.path("hdab");
    let first = network.permit(&[
        "--valid-until",
        "2999-01-01T00:00:00Z",
        "--valid-from",
        "2998-01-01T00:00:00Z",
    ]);
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let expired = network.path("expired.jws");
    assert!(
        network
            .try_permit(&expired, &["--valid-until", &soon.to_string()])
            .status
            .success()
    );
    let third = network.path("third.jws");
    assert!(network.try_permit(&third, &[]).status.success());
    let states = |network: &Network| {
        listed(network)
            .iter()
            .map(|row| row["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    wait_until("the permit has ended", || jiff::Timestamp::now() > soon);
    assert_eq!(states(&network), ["not-yet", "expired", "in-force"]);
    let rows = listed(&network);
    assert_eq!(rows[2]["data_user"], "researcher");
    assert_eq!(rows[2]["datasets"][0], "north/cohort");

    // By id, once, later than it was, and not after its end.
    let id = rows[2]["id"].as_str().unwrap().to_owned();
    let out = network.path("extended.jws");
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(500 * 24);
    let until = until.to_string();
    let extend = |permit: &str, until: &str| {
        [
            "permit",
            "extend",
            "--dir",
            text(&body),
            permit,
            "--valid-until",
            until,
            "--out",
            text(&out),
        ]
        .map(str::to_owned)
    };
    let refused = |args: [String; 9]| fail(&args.each_ref().map(String::as_str));
    says(
        &refused(extend(&id, "2021-01-01T00:00:00Z")),
        &["is valid until"],
    );
    says(&refused(extend(text(&expired), &until)), &["it is expired"]);
    succeed(&extend(&id, &until).each_ref().map(String::as_str));
    let show = |file: &Path| -> serde_json::Value {
        serde_json::from_str(&succeed(&["permit", "show", text(file), "--json"])).unwrap()
    };
    let (old, new) = (show(&third), show(&out));
    assert_ne!(old["id"], new["id"]);
    assert_eq!(new["valid_until"].as_str().unwrap(), until);
    for same in [
        "data_user",
        "datasets",
        "variables",
        "methods",
        "purpose",
        "coordinator",
    ] {
        assert_eq!(old[same], new[same], "{same}");
    }
    let rows = listed(&network);
    assert_eq!(rows[3]["extends"], rows[2]["id"]);
    says(
        &refused(extend(&id, &until)),
        &["a permit is extended once"],
    );
    says(
        &refused(extend(text(&out), &until)),
        &["a permit is extended once"],
    );

    // A revoked permit stays revoked.
    says(&revoke(&network, &first), &["is revoked (list 1 of hdab)"]);
    assert_eq!(
        states(&network),
        ["revoked", "expired", "in-force", "in-force"]
    );
    let said = succeed(&["permit", "list", "--dir", text(&body)]);
    says(&said, &["revoked on 20", REASON, "in force", "extends"]);
    says(
        &refused(extend(text(&first), "2999-06-01T00:00:00Z")),
        &["cannot be extended", REASON],
    );
    let again = [
        "permit",
        "revoke",
        "--dir",
        text(&body),
        text(&first),
        "--reason",
        REASON,
    ];
    says(&fail(&again), &["revoked already"]);
    let unknown = [
        "permit",
        "revoke",
        "--dir",
        text(&body),
        "nobodys-permit",
        "--reason",
        REASON,
    ];
    says(&fail(&unknown), &["permit list"]);
    let north = network.path("north");
    let foreign = [
        "permit",
        "revoke",
        "--dir",
        text(&north),
        text(&third),
        "--reason",
        REASON,
    ];
    says(&fail(&foreign), &["was issued by hdab, not by north"]);
    let long = "r".repeat(1001);
    says(
        &fail(&[
            "permit",
            "revoke",
            "--dir",
            text(&body),
            text(&third),
            "--reason",
            &long,
        ]),
        &["1000 characters"],
    );
}
