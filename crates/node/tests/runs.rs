//! Runs as they go wrong and right in life: nodes that die or wait, jobs that come twice, data that
//! is replaced, logs that are tampered with. Every test drives real processes.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::{Network, Server, Site, fail, ligate, succeed, table, text, wait_until};

const LDL: [&str; 4] = ["--trait", "ldl", "--covariates", "sex,age"];

/// Sites whose runs take a while: many variants.
fn large() -> Vec<Site> {
    let mut sites = Site::three();
    sites.push(Site::new("west", 100, 4));
    for site in &mut sites {
        site.variants = 20_000;
    }
    sites
}

/// Starts a run and, as soon as `node` has revealed its part of the first sum, does `then`. The
/// run's exit code and what it said.
fn disturbed(
    network: &mut Network,
    permit: &Path,
    node: &str,
    then: impl FnOnce(&mut Network),
) -> (Option<i32>, String) {
    let run = network.begin(permit, &LDL);
    wait_until("the first sum is opened", || {
        network.log_of(node).contains("\"kind\":\"round\"")
    });
    then(network);
    let output = run.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_node_that_dies_after_the_first_sum_ends_the_run() {
    let mut network = Network::start(&large());
    let permit = network.permit(&[]);
    let (code, said) = disturbed(&mut network, &permit, "south", |network| {
        network.server("south").signal("KILL")
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("south"), "{said}");
    assert!(!network.path("results").exists(), "nothing is released");
    assert!(network.log_of("hdab").contains("run-failed"));

    // Without the lost node the same question would give its part away.
    let without = network.refused(&permit, &[&LDL[..], &["--without", "south"]].concat());
    assert!(
        without.contains("differ by one or two") || without.contains("same nodes"),
        "{without}"
    );
    let shown = succeed(&["ledger", "show", "--dir", text(&network.path("north"))]);
    let question = shown
        .split("question ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap()
        .to_owned();
    assert!(shown.contains("unfinished"), "{shown}");

    // With the same nodes and snapshots it is repeated.
    network.servers.clear();
    network.serve();
    network.released(&permit, &LDL);
    assert!(
        succeed(&["ledger", "show", "--dir", text(&network.path("north"))]).contains("released")
    );
    let closed = fail(&[
        "ledger",
        "close",
        "--dir",
        text(&network.path("north")),
        "--question",
        &question,
    ]);
    assert!(closed.contains("no unfinished run"), "{closed}");
}

#[test]
fn stewards_let_a_run_be_repeated_without_a_lost_node() {
    let mut network = Network::start(&large());
    let permit = network.permit(&[]);
    let (code, said) = disturbed(&mut network, &permit, "south", |network| {
        network.server("south").signal("KILL")
    });
    assert_eq!(code, Some(1), "{said}");
    let shown = succeed(&["ledger", "show", "--dir", text(&network.path("north"))]);
    let question = shown
        .split("question ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap()
        .to_owned();
    for node in ["north", "centre", "west"] {
        succeed(&[
            "ledger",
            "close",
            "--dir",
            text(&network.path(node)),
            "--question",
            &question,
        ]);
    }
    // Where the run had gone so far that something may have been released, it takes a plainer word.
    for node in ["north", "centre", "west"] {
        let dir = network.path(node);
        let allow = [
            "ledger",
            "allow",
            "--dataset",
            "cohort",
            "--data-user",
            "researcher",
            "--dir",
            text(&dir),
        ];
        succeed(&[&allow[..], &["--nodes", "north,centre,west"]].concat());
    }
    network.released(&permit, &[&LDL[..], &["--without", "south"]].concat());
    assert!(network.log_of("north").contains("ledger-closed"));
}

#[test]
fn a_node_that_is_not_there_at_first_is_reported() {
    let mut sites = Site::three();
    sites.push(Site::new("west", 100, 4));
    let mut network = Network::start(&sites);
    let permit = network.permit(&[]);
    drop(network.servers.remove(3));
    let said = network.released(&permit, &[&LDL[..], &["--json"]].concat());
    let result: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&result["sites_answered"], &result["sites_asked"]),
        (&3.into(), &4.into())
    );
    let provenance = fs::read_to_string(network.path("results/ldl.provenance.json")).unwrap();
    assert!(provenance.contains("\"answered\": false"), "{provenance}");
}

#[test]
fn a_node_that_dies_after_the_run_changes_nothing() {
    let mut network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    network.released(&permit, &LDL);
    let first = fs::read(network.path("results/ldl.gwas.tsv.gz")).unwrap();
    network.servers.clear();
    let said = network.released(&permit, &[&LDL[..], &["--family", "linear"]].concat());
    assert!(
        said.contains("was answered on"),
        "an identical job returns the stored release: {said}"
    );
    assert_eq!(
        fs::read(network.path("results/ldl.gwas.tsv.gz")).unwrap(),
        first
    );
    assert!(network.log_of("hdab").contains("stored-release"));

    let stored = fs::read_dir(network.path("hdab/releases"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = fs::read(&stored).unwrap();
    let newer = String::from_utf8_lossy(&bytes[..17]).replace('3', "4");
    for (changed, expected) in [
        ([newer.as_bytes(), &bytes[17..]].concat(), "another version"),
        (bytes[17..].to_vec(), "another version"),
        (bytes[..bytes.len() - 1].to_vec(), "damaged"),
    ] {
        fs::write(&stored, changed).unwrap();
        let said = network.refused(&permit, &LDL);
        assert!(
            said.contains(expected) && said.contains(text(&stored)),
            "{said}"
        );
    }
}

#[test]
fn the_same_job_started_twice() {
    let mut network = Network::start(&large());
    let permit = network.permit(&[]);
    let mut second = String::new();
    let copy = permit.clone();
    let (code, said) = disturbed(&mut network, &permit, "north", |network| {
        second = network.refused(&copy, &LDL)
    });
    assert_eq!(code, Some(0), "{said}");
    assert!(second.contains("coordinate"), "{second}");
}

#[test]
fn a_permit_that_expires_during_a_run_ends_it() {
    let mut network = Network::start(&large());
    let until = jiff::Timestamp::now() + Duration::from_secs(15);
    let permit = network.permit(&["--valid-until", &until.to_string()]);
    let (code, said) = disturbed(&mut network, &permit, "south", |network| {
        network.server("south").signal("STOP");
        wait_until("the permit has expired", || jiff::Timestamp::now() > until);
        network.server("south").signal("CONT");
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("expired"), "{said}");
    assert!(!network.path("results").exists());
}

#[test]
fn a_veto_during_a_run_ends_it() {
    let mut network = Network::start(&large());
    let permit = network.permit(&[]);
    let (code, said) = disturbed(&mut network, &permit, "south", |network| {
        let settings = network.path("south").join("ligate.toml");
        let configuration = fs::read_to_string(&settings).unwrap();
        fs::write(
            &settings,
            configuration.replace("variables = []", "variables = [\"ldl\"]"),
        )
        .unwrap();
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("steward refuses the variable ldl"), "{said}");
}

/// Runs a command while a server is stopped. Where the stop caught the server with a lock in its
/// hand that the command needs, the server goes on for a moment.
#[track_caller]
fn while_stopped(server: &Server, args: &[&str]) {
    server.signal("STOP");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ligate"))
        .args(args)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    wait_until("the command is done", || {
        if start.elapsed() > Duration::from_secs(5) {
            server.signal("CONT");
            thread::sleep(Duration::from_millis(20));
            server.signal("STOP");
        }
        command.try_wait().expect("a child can be asked").is_some()
    });
    assert!(
        command.wait().expect("a child can be asked").success(),
        "ligate {args:?} failed"
    );
}

#[test]
fn a_snapshot_that_is_replaced_leaves_the_run_on_the_first() {
    let mut network = Network::start(&large());
    let permit = network.permit(&[]);
    let snapshot = |network: &Network| {
        let shown = succeed(&["datasets", "--dir", text(&network.path("south")), "--json"]);
        let datasets: serde_json::Value = serde_json::from_str(&shown).unwrap();
        datasets[0]["snapshot"].as_str().unwrap().to_owned()
    };
    let first = snapshot(&network);
    let (code, said) = disturbed(&mut network, &permit, "south", |network| {
        let (node, vcf) = (network.path("south"), network.path("south.vcf"));
        let args = [
            "ingest",
            "--dir",
            text(&node),
            "--dataset",
            "cohort",
            "--vcf",
            text(&vcf),
        ];
        while_stopped(network.server("south"), &args);
        assert_ne!(snapshot(network), first);
        network.server("south").signal("CONT");
    });
    assert_eq!(code, Some(0), "{said}");
    let provenance = fs::read_to_string(network.path("results/ldl.provenance.json")).unwrap();
    assert!(
        provenance.contains(&first),
        "the result names the snapshot that it was computed on"
    );
}

#[test]
fn a_local_study_says_that_it_is_not_released() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("n");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "n",
        "--country",
        "SE",
    ]);
    let (vcf, phenotypes) = Site::new("n", 120, 1).write(dir.path());
    let vcf_text = fs::read_to_string(&vcf).unwrap();
    let missing = vec!["./."; 120].join("\t");
    fs::write(
        &vcf,
        format!("{vcf_text}1\t9000000\trs900\tA\tG\t.\tPASS\t.\tGT\t{missing}\n"),
    )
    .unwrap();
    succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--vcf",
        text(&vcf),
        "--phenotypes",
        text(&phenotypes),
    ]);
    let out = dir.path().join("out");
    let study = |trait_name: &str, more: &[&str]| {
        let args = [
            "gwas",
            "--dir",
            text(&node),
            "--dataset",
            "d",
            "--covariates",
            "sex,age",
            "--out",
            text(&out),
            "--trait",
            trait_name,
        ];
        ligate(&[&args[..], more].concat())
    };
    assert!(study("ldl", &[]).status.success());
    for file in [
        "ldl.gwas.tsv.gz-meta.yaml",
        "ldl.report.html",
        "ldl.provenance.json",
    ] {
        let text = fs::read_to_string(out.join(file)).unwrap().to_lowercase();
        assert!(
            text.contains("local, not released"),
            "{file} does not say that it is local"
        );
    }
    let (columns, rows) = table(&out.join("ldl.gwas.tsv.gz"));
    let expected = "chromosome base_pair_location effect_allele other_allele beta standard_error effect_allele_frequency p_value rsid n";
    assert_eq!(columns[..10].join(" "), expected);
    assert_eq!(columns.last().unwrap(), "release");
    assert!(
        rows.iter()
            .all(|row| row.last().unwrap() == "local, not released")
    );
    assert!(
        rows.iter().all(|row| row[1] != "9000000"),
        "nobody has a call of it"
    );

    let linear = study("t2d", &["--family", "linear"]);
    assert!(linear.status.success());
    assert!(String::from_utf8_lossy(&linear.stderr).contains("two values only"));
    let text_covariate = [
        "gwas",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--trait",
        "ldl",
        "--covariates",
        "ward",
        "--out",
        text(&out),
    ];
    assert!(fail(&text_covariate).contains("ward holds text"));
}

#[test]
fn a_changed_removed_reordered_or_cut_log_is_found() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    let node = network.path("north");
    let (log, head) = (node.join("audit/log.jsonl"), node.join("audit/head.json"));
    let (short_log, short_head) = (fs::read(&log).unwrap(), fs::read(&head).unwrap());
    network.released(&permit, &LDL);
    let whole = fs::read_to_string(&log).unwrap();
    let verify = ["audit", "verify", "--dir", text(&node)];
    succeed(&verify);
    succeed(&[&verify[..], &["--peers"]].concat());
    let lines: Vec<&str> = whole.lines().collect();
    let changed = whole.replacen("\"cohort\"", "\"c0hort\"", 1);
    let removed = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    let swapped = [lines[1], lines[0]]
        .into_iter()
        .chain(lines[2..].iter().copied())
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    for tampered in [
        changed,
        removed,
        swapped,
        lines[..lines.len() - 1].join("\n") + "\n",
    ] {
        fs::write(&log, &tampered).unwrap();
        fail(&verify);
    }
    // An older log with its own older head is whole in itself; only the heads that others hold find
    // it.
    fs::write(&log, &short_log).unwrap();
    fs::write(&head, &short_head).unwrap();
    fs::remove_dir_all(node.join("audit/heads")).unwrap();
    succeed(&verify);
    let said = fail(&[&verify[..], &["--peers"]].concat());
    assert!(said.contains("cut or it was rewritten"), "{said}");
}

#[test]
fn sql_reads_and_only_reads() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("n");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "n",
        "--country",
        "SE",
    ]);
    let (vcf, phenotypes) = Site::new("n", 40, 1).write(dir.path());
    succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--vcf",
        text(&vcf),
        "--phenotypes",
        text(&phenotypes),
    ]);
    let counted = succeed(&[
        "sql",
        "--dir",
        text(&node),
        "SELECT count(*) AS n FROM d.sites",
        "--json",
    ]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&counted).unwrap()[0]["n"],
        60
    );
    let joined = "SELECT count(*) AS n FROM d.samples s JOIN d.phenotypes p ON s.individual = p.individual WHERE p.t2d = 1";
    succeed(&["sql", "--dir", text(&node), joined]);
    for forbidden in [
        "DROP TABLE d.sites",
        "CREATE TABLE x AS SELECT 1",
        "SELECT * FROM '/etc/passwd'",
        "COPY d.sites TO '/tmp/x'",
    ] {
        fail(&["sql", "--dir", text(&node), forbidden]);
    }
}

/// A dataset that is loaded again: its steward is told whether calls of earlier people changed.
#[test]
fn a_load_says_in_how_many_variants_calls_changed() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("n");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "n",
        "--country",
        "SE",
    ]);
    let (vcf, _) = Site::new("n", 40, 1).write(dir.path());
    let ingest = [
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--vcf",
        text(&vcf),
    ];
    const SENTENCE: &str = "the calls of people who were there before changed in ";
    assert!(
        !succeed(&ingest).contains(SENTENCE),
        "nobody was there before"
    );
    assert!(!succeed(&ingest).contains(SENTENCE), "nothing changed");
    let calls = |text: &str, variant: u32, call: &str| {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("\trs{variant}\t")))
            .unwrap()
            .to_owned();
        let (start, _) = line.rsplit_once('\t').unwrap();
        text.replace(&line, &format!("{start}\t{call}"))
    };
    let mut changed = fs::read_to_string(&vcf).unwrap();
    for variant in [3, 5] {
        changed = calls(&changed, variant, "./.");
    }
    fs::write(&vcf, &changed).unwrap();
    let said = succeed(&ingest);
    assert!(said.contains(&format!("{SENTENCE}2 variants\n")), "{said}");
    // One variant gets another position: it is gone, and another one is there.
    fs::write(
        &vcf,
        changed.replace("\n1\t70000\trs7\t", "\n1\t70001\trs7\t"),
    )
    .unwrap();
    let said = succeed(&[&ingest[..], &["--json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let expected = serde_json::json!({ "variants": 2, "appeared": 1, "vanished": 1, "kept": 0 });
    assert_eq!(report["changed_calls"], expected);
    fs::write(&vcf, changed).unwrap();
    let said = succeed(&ingest);
    assert!(
        said.contains(&format!(
            "{SENTENCE}2 variants (1 not there before, 1 no longer there)"
        )),
        "{said}"
    );
}

#[test]
fn a_reader_who_stops_reading_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("n");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "n",
        "--country",
        "SE",
    ]);
    let (vcf, _) = Site::new("n", 40, 1).write(dir.path());
    succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--vcf",
        text(&vcf),
    ]);
    let ligate = env!("CARGO_BIN_EXE_ligate");
    let piped = format!(
        "set -o pipefail; {ligate} sql --dir {} 'SELECT * FROM d.sites' | head -1 >/dev/null",
        text(&node)
    );
    assert!(
        Command::new("bash")
            .args(["-c", &piped])
            .status()
            .unwrap()
            .success()
    );
    let full = format!("{ligate} datasets --dir {} > /dev/full", text(&node));
    let output = Command::new("bash").args(["-c", &full]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

/// Runs the demo until it has started its processes, then sends `signal`.
fn interrupted_demo(signal: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_ligate"))
        .args(["demo", "--dir", text(&dir.path().join("demo"))])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut children = Vec::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let mut words = line
            .split_whitespace()
            .skip_while(|word| *word != "process");
        if let Some(process) = words.nth(1).and_then(|number| number.parse::<u32>().ok()) {
            children.push(process);
        }
        if children.len() == 4 {
            break;
        }
    }
    assert_eq!(children.len(), 4, "three nodes and an access body");
    let sent = Command::new("kill")
        .args([format!("-{signal}"), demo.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let status = demo.wait().unwrap();
    if signal == "INT" {
        assert_eq!(status.code(), Some(1));
    }
    let alive = |process: &u32| Path::new(&format!("/proc/{process}/stat")).exists();
    wait_until("all processes have ended", || !children.iter().any(alive));
}

#[test]
fn ctrl_c_stops_everything_that_the_demo_started() {
    interrupted_demo("INT");
}

#[test]
fn a_demo_that_is_killed_leaves_no_process() {
    interrupted_demo("KILL");
}

#[test]
fn completions_and_help_are_there() {
    assert!(succeed(&["completions", "bash"]).contains("ligate"));
    for command in [
        "init", "ingest", "datasets", "sql", "serve", "gwas", "demo", "key",
    ] {
        assert!(
            succeed(&[command, "--help"]).contains("Example"),
            "{command} has no example"
        );
    }
    let server = tempfile::tempdir().unwrap();
    let node = server.path().join("n");
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        "n",
        "--country",
        "SE",
    ]);
    assert!(Server::start(&node).address.starts_with("127.0.0.1:"));
}
