//! What a network refuses, and that it says why and what to do. Every test drives the real binary.

mod support;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use support::{Network, Server, Site, fail, ligate, succeed, text, wait_until};

const LDL: [&str; 4] = ["--trait", "ldl", "--covariates", "sex,age"];

#[track_caller]
fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "\"{word}\" is missing in: {said}");
    }
}

#[test]
fn a_key_that_others_can_read() {
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
    let key = node.join("keys/node.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    says(
        &fail(&["datasets", "--dir", text(&node)]),
        &["node.key", "chmod 600"],
    );
}

#[test]
fn a_second_process_on_a_served_folder() {
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
    let server = Server::start(&node);
    let said = fail(&["serve", "--dir", text(&node), "--listen", "127.0.0.1:0"]);
    says(&said, &[&server.child.id().to_string(), "serve"]);
}

#[test]
fn a_permit_over_two_nodes() {
    let network = Network::found(&Site::three()[..2]);
    let output = network.try_permit(&network.path("p.jws"), &[]);
    assert_eq!(output.status.code(), Some(1));
    says(&String::from_utf8_lossy(&output.stderr), &["at least 3"]);
    assert!(!network.path("p.jws").exists());
}

#[test]
fn a_forged_an_expired_and_a_foreign_permit() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    let genuine = fs::read_to_string(&permit).unwrap();
    let forged = network.path("forged.jws");
    let middle = genuine.len() / 2;
    let changed = if &genuine[middle..=middle] == "A" {
        "B"
    } else {
        "A"
    };
    fs::write(
        &forged,
        format!("{}{changed}{}", &genuine[..middle], &genuine[middle + 1..]),
    )
    .unwrap();
    says(&network.refused(&forged, &LDL), &["not genuine"]);

    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let short = network.permit(&["--valid-until", &soon.to_string()]);
    wait_until("the permit has ended", || jiff::Timestamp::now() > soon);
    says(&network.refused(&short, &LDL), &["expired at"]);

    // A permit of an access body that the nodes do not trust: its own coordinator accepts it, the
    // nodes do not.
    let stranger = network.path("stranger");
    succeed(&[
        "init",
        "--dir",
        text(&stranger),
        "--name",
        "stranger",
        "--country",
        "EE",
    ]);
    for (site, server) in network.sites.iter().zip(&network.servers) {
        let key = network.key(site);
        let peer = [
            "peer",
            "add",
            "--dir",
            text(&stranger),
            "--name",
            site,
            "--key",
            &key,
            "--country",
            "SE",
            "--address",
            &server.address,
        ];
        succeed(&peer);
        let stranger_key = network.key("stranger");
        let node = network.path(site);
        succeed(&[
            "peer",
            "add",
            "--dir",
            text(&node),
            "--name",
            "stranger",
            "--key",
            &stranger_key,
        ]);
    }
    let foreign = network.path("foreign.jws");
    let user = network.path("user.pub");
    let mut issue = vec![
        "permit",
        "issue",
        "--dir",
        text(&stranger),
        "--user",
        "r",
        "--user-key",
        text(&user),
    ];
    issue.extend([
        "--dataset",
        "north/cohort",
        "--dataset",
        "centre/cohort",
        "--dataset",
        "south/cohort",
    ]);
    issue.extend([
        "--purpose",
        "research",
        "--about",
        "x",
        "--variables",
        "ldl,sex,age",
        "--out",
        text(&foreign),
    ]);
    succeed(&issue);
    let (key, out) = (network.path("user.key"), network.path("results"));
    let mut run = vec![
        "gwas",
        "--dir",
        text(&stranger),
        "--permit",
        text(&foreign),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ];
    run.extend(LDL);
    says(&fail(&run), &["not trusted here"]);
    assert!(!network.path("results").exists());
}

#[test]
fn what_the_permit_or_the_data_do_not_cover() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&["--variables", "ldl,sex,age,ward,glucose"]);
    says(
        &network.refused(&permit, &["--trait", "t2d"]),
        &["does not allow the variable t2d"],
    );
    says(
        &network.refused(&permit, &["--trait", "ldl", "--covariates", "glucose"]),
        &["no variable glucose"],
    );
    says(
        &network.refused(&permit, &["--trait", "ldl", "--covariates", "ward"]),
        &["ward", "text"],
    );
    let only_linear = network.permit(&["--methods", "gwas-linear"]);
    says(
        &network.refused(&only_linear, &["--trait", "t2d"]),
        &["gwas-logistic"],
    );

    let user = network.path("other.key");
    succeed(&["key", "--out", text(&user)]);
    let said = network.refused(
        &network.permit(&[]),
        &[&["--key", text(&user)], &LDL[..]].concat(),
    );
    says(&said, &["data user"]);
}

#[test]
fn an_unknown_dataset() {
    let network = Network::start(&Site::three());
    let out = network.path("p.jws");
    let output = network.try_permit(&out, &["--dataset", "north/other"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a node takes part with one dataset"
    );
    let (dir, key) = (network.path("hdab"), network.path("user.pub"));
    let mut issue = vec![
        "permit",
        "issue",
        "--dir",
        text(&dir),
        "--user",
        "r",
        "--user-key",
        text(&key),
    ];
    issue.extend([
        "--dataset",
        "north/other",
        "--dataset",
        "centre/cohort",
        "--dataset",
        "south/cohort",
    ]);
    issue.extend([
        "--purpose",
        "research",
        "--about",
        "x",
        "--variables",
        "ldl,sex,age",
        "--out",
        text(&out),
    ]);
    succeed(&issue);
    // The steward sees it before a study does.
    let at = |node: &str, permit: &Path| {
        let dir = network.path(node);
        ligate(&["permit", "verify", "--dir", text(&dir), text(permit)])
    };
    let refused = at("north", &out);
    assert_eq!(refused.status.code(), Some(1));
    says(
        &String::from_utf8_lossy(&refused.stderr),
        &["names the dataset other", "north has none of that name"],
    );
    let right = at("centre", &out);
    says(
        &String::from_utf8_lossy(&right.stdout),
        &["it gives access to cohort of centre"],
    );
    says(
        &network.refused(&out, &LDL),
        &["north", "other is not held here"],
    );
}

#[test]
fn a_stewards_veto() {
    let network = Network::start(&Site::three());
    let settings = network.path("centre").join("ligate.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(
        &settings,
        text.replace("variables = []", "variables = [\"ldl\"]"),
    )
    .unwrap();
    says(
        &network.refused(&network.permit(&[]), &LDL),
        &["centre", "steward refuses the variable ldl"],
    );
}

#[test]
fn constant_and_collinear_covariates() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    says(
        &network.refused(&permit, &["--trait", "ldl", "--covariates", "constant"]),
        &["constant"],
    );
    let said = network.refused(
        &permit,
        &["--trait", "ldl", "--covariates", "age,twice_age"],
    );
    says(&said, &["age", "twice_age"]);
}

#[test]
fn a_site_with_too_few_people() {
    let mut sites = Site::three();
    sites[2].people = 15;
    let network = Network::start(&sites);
    says(
        &network.refused(&network.permit(&[]), &LDL),
        &["south", "too few individuals at a site"],
    );
}

#[test]
fn sites_of_two_assemblies() {
    let mut sites = Site::three();
    sites[1].assembly_length = 249_250_621;
    let network = Network::start(&sites);
    says(
        &network.refused(&network.permit(&[]), &LDL),
        &["GRCh37", "GRCh38", "centre"],
    );
}

#[test]
fn a_disease_whose_coding_nobody_can_tell() {
    let mut sites = Site::three();
    for site in &mut sites {
        site.cases_only = true;
    }
    let network = Network::start(&sites);
    says(
        &network.refused(&network.permit(&[]), &["--trait", "t2d"]),
        &["t2d", "coding"],
    );
}

#[test]
fn a_steward_lists_and_undoes_a_coding_that_other_nodes_decided() {
    let mut sites = Site::three();
    sites[2].cases_only = true;
    let mut network = Network::start(&sites);
    let permit = network.permit(&[]);
    let south = network.path("south");
    let codings = ["ledger", "codings", "--dir", text(&south)];
    assert_eq!(succeed(&codings), "");
    network.released(&permit, &["--trait", "t2d"]);
    let listed_as = succeed(&codings);
    says(&listed_as, &["cohort", "t2d", "0/1", "cases"]);
    let listed: serde_json::Value =
        serde_json::from_str(&succeed(&[&codings[..], &["--json"]].concat())).unwrap();
    assert_eq!(listed[0]["coding"], "0/1");
    assert_eq!(
        succeed(&["ledger", "codings", "--dir", text(&network.path("north"))]),
        "",
        "it has both values"
    );

    let forget = [
        "ledger",
        "forget-coding",
        "--dir",
        text(&south),
        "--dataset",
        "cohort",
        "--variable",
    ];
    says(
        &fail(&[&forget[..], &["ldl"]].concat()),
        &["ldl of cohort", "ledger codings"],
    );
    let said = succeed(&[&forget[..], &["t2d"]].concat());
    says(
        &said,
        &[
            "0/1",
            "shows this node's own cases",
            "say so to the data user",
        ],
    );
    assert_eq!(succeed(&codings), "");
    let log = fs::read_to_string(south.join("audit/log.jsonl")).unwrap();
    assert_eq!(log.matches("\"coding-forgotten\"").count(), 1);
    succeed(&["audit", "verify", "--dir", text(&south)]);

    // A ledger from before another coding was fixed: with both readings, the difference of two sums
    // would be the node's own cases. It answers nobody, and the recovery takes the coding from the
    // log.
    let (ledger, copy) = (south.join("ledger"), network.path("copy"));
    let put = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        assert!(
            Command::new("cp")
                .arg("-a")
                .args([from, to])
                .status()
                .unwrap()
                .success()
        );
    };
    put(&ledger, &copy);
    network.gwas(&permit, &["--trait", "t2d", "--covariates", "sex"]);
    assert_eq!(succeed(&codings), listed_as);
    put(&copy, &ledger);
    says(&fail(&codings), &["put back from a copy", "ligate recover"]);
    let said = network.refused(&permit, &["--trait", "t2d", "--covariates", "age"]);
    says(&said, &["south", "put back from a copy"]);
    drop(network.servers.remove(2));
    succeed(&["recover", "--dir", text(&south)]);
    assert_eq!(succeed(&codings), listed_as);
}

#[test]
fn a_node_that_is_dead_before_the_run() {
    let mut network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    drop(network.servers.remove(0));
    says(&network.refused(&permit, &LDL), &["north"]);
}

#[test]
fn a_node_that_is_slower_than_its_deadline() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    let settings = network.path("hdab").join("ligate.toml");
    let configuration = fs::read_to_string(&settings).unwrap();
    fs::write(
        &settings,
        configuration.replace("deadline_seconds = 600", "deadline_seconds = 1"),
    )
    .unwrap();
    network.server("centre").signal("STOP");
    let said = network.refused(&permit, &LDL);
    network.server("centre").signal("CONT");
    says(&said, &["centre"]);
}

#[test]
fn people_who_lose_a_value_are_not_the_difference() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    network.released(&permit, &LDL);
    // Five people lose a value, which no threshold sees in the second run alone.
    let table = network.path("north.phenotypes.tsv");
    let rows = fs::read_to_string(&table).unwrap();
    let fewer: String = rows
        .lines()
        .enumerate()
        .filter(|(line, _)| !(1..=5).contains(line))
        .map(|(_, row)| format!("{row}\n"))
        .collect();
    fs::write(&table, fewer).unwrap();
    let (node, vcf) = (network.path("north"), network.path("north.vcf"));
    let ingested = succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "cohort",
        "--vcf",
        text(&vcf),
        "--phenotypes",
        text(&table),
    ]);
    says(&ingested, &["5 individuals have no row"]);
    // They are not the difference: others are left out with them.
    let people = |network: &Network| {
        let said = network.released(
            &permit,
            &["--trait", "ldl", "--covariates", "sex", "--json"],
        );
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        said["individuals"].as_u64().unwrap()
    };
    let second = people(&network);
    assert!((330 - 100..=330 - 21).contains(&second), "{second} people");
    // The same ones after a restart of the node.
    let mut network = network;
    network.servers.clear();
    network.serve();
    assert_eq!(people(&network), second);
}

#[test]
fn a_roster_that_differs_by_one_node() {
    let mut sites = Site::three();
    sites.push(Site::new("west", 100, 4));
    let network = Network::start(&sites);
    network.released(&network.permit(&[]), &LDL);
    let (dir, key, out) = (
        network.path("hdab"),
        network.path("user.pub"),
        network.path("three.jws"),
    );
    let mut issue = vec![
        "permit",
        "issue",
        "--dir",
        text(&dir),
        "--user",
        "r",
        "--user-key",
        text(&key),
    ];
    issue.extend([
        "--dataset",
        "north/cohort",
        "--dataset",
        "centre/cohort",
        "--dataset",
        "south/cohort",
    ]);
    issue.extend([
        "--purpose",
        "research",
        "--about",
        "x",
        "--variables",
        "ldl,sex,age",
        "--out",
        text(&out),
    ]);
    succeed(&issue);
    says(&network.refused(&out, &LDL), &["roster"]);
}

#[test]
fn wrong_usage_has_exit_code_2() {
    for args in [
        vec!["gwas"],
        vec!["nonsense"],
        vec!["init", "--dir", "x", "--name", "../y", "--country", "SE"],
    ] {
        assert_eq!(ligate(&args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn ids_that_do_not_meet() {
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
    let (vcf, table) = Site::new("n", 30, 1).write(dir.path());
    let rows = fs::read_to_string(&table).unwrap();
    let some = rows
        .lines()
        .filter(|row| !row.starts_with("n-0\t"))
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(
        &table,
        format!("{some}\nstranger\t1\t40\t3.1\t0\tA\t7\t80\n"),
    )
    .unwrap();
    let load = |table: &str| {
        [
            "ingest",
            "--dir",
            text(&node),
            "--dataset",
            "d",
            "--vcf",
            text(&vcf),
            "--phenotypes",
            table,
        ]
        .map(str::to_owned)
    };
    let said = succeed(&load(text(&table)).each_ref().map(String::as_str));
    says(
        &said,
        &[
            "1 individuals have no row",
            "1 rows of the phenotype table have no genotypes",
            "0 problems, 0 records skipped",
        ],
    );
    assert!(!said.contains("stranger"), "ids are personal data");
    let foreign = dir.path().join("foreign.tsv");
    fs::write(&foreign, "id\tage\nx\t1\ny\t2\n").unwrap();
    let said = fail(&load(text(&foreign)).each_ref().map(String::as_str));
    says(&said, &["foreign.tsv"]);
    assert!(
        succeed(&["datasets", "--dir", text(&node)]).contains("30 individuals"),
        "the first load is still there"
    );
}

/// A load that runs out of disk leaves what was there. A file size limit stands in for a full disk.
#[test]
fn a_full_disk() {
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
    let (small, _) = Site::new("small", 30, 1).write(dir.path());
    succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--vcf",
        text(&small),
    ]);
    let before = succeed(&["datasets", "--dir", text(&node), "--json"]);
    let mut large = Site::new("large", 400, 2);
    large.variants = 2_000;
    let (large, _) = large.write(dir.path());
    let script = format!(
        "trap '' XFSZ; ulimit -f 40; exec {} ingest --dir {} --dataset d --vcf {}",
        env!("CARGO_BIN_EXE_ligate"),
        text(&node),
        text(&large)
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    says(&said, &["error: "]);
    assert_eq!(
        succeed(&["datasets", "--dir", text(&node), "--json"]),
        before
    );
    succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--vcf",
        text(&large),
    ]);
}

/// An issuer who also coordinates could write a permit over nodes that exist on paper and add
/// nothing.
#[test]
fn a_member_that_a_node_does_not_know() {
    let network = Network::start(&Site::three());
    let settings = network.path("north").join("ligate.toml");
    let configuration = fs::read_to_string(&settings).unwrap();
    let peers = configuration
        .split("[[peers]]")
        .filter(|peer| !peer.contains("name = \"south\""));
    fs::write(&settings, peers.collect::<Vec<_>>().join("[[peers]]")).unwrap();
    says(
        &network.refused(&network.permit(&[]), &LDL),
        &["north does not know south as a node with data"],
    );
}

#[test]
fn a_permit_ends_with_a_day_and_not_before_it_begins() {
    let network = Network::found(&Site::three());
    let out = network.path("dated.jws");
    let over = network.try_permit(&out, &["--valid-until", "2020-01-31"]);
    let said = String::from_utf8_lossy(&over.stderr).into_owned();
    assert!(
        !over.status.success() && said.contains("would be over already"),
        "{said}"
    );
    let dated = network.try_permit(
        &out,
        &["--valid-from", "2030-01-31", "--valid-until", "2031-12-31"],
    );
    assert!(
        dated.status.success(),
        "{}",
        String::from_utf8_lossy(&dated.stderr)
    );
    let shown = succeed(&["permit", "show", text(&out)]);
    assert!(
        shown.contains("2030-01-31T00:00:00Z to 2032-01-01T00:00:00Z"),
        "{shown}"
    );
    let wrong = network.try_permit(&out, &["--valid-until", "31.12.2031"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("a day as 2027-01-31"));
}
