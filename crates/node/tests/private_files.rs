//! Who can read what the program writes, by real processes: a result and a demo are their owner's
//! alone whatever the umask, a result says where it stands, and the demo's pooled copy is gone when
//! the demo is.

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use support::{Network, Site, succeed, table, text, wait_until};

/// The binary under a umask, as a shell starts it.
fn command(umask: &str, args: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "umask \"$0\" && exec \"$@\"",
            umask,
            env!("CARGO_BIN_EXE_ligate"),
        ])
        .args(args);
    shell.stdin(Stdio::null());
    shell
}

#[track_caller]
fn succeed_under(umask: &str, args: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command(umask, args).output().expect("a shell runs");
    assert!(
        status.success(),
        "ligate {args:?} failed: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).expect("output is UTF-8")
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

/// The folder and all that is below it.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(tree(&path))
        } else {
            found.push(path)
        }
    }
    found
}

/// Every folder has mode 0700 and every file 0600; returns how many files there are.
#[track_caller]
fn all_private(folder: &Path) -> usize {
    let (folders, files): (Vec<_>, Vec<_>) =
        tree(folder).into_iter().partition(|path| path.is_dir());
    let open = |paths: &[PathBuf], private| -> Vec<String> {
        let open = paths.iter().filter(|path| mode(path) != private);
        open.map(|path| format!("{} {:o}", path.display(), mode(path)))
            .collect()
    };
    assert_eq!(
        open(&folders, 0o700),
        [""; 0],
        "folders that others can look into"
    );
    assert_eq!(open(&files, 0o600), [""; 0], "files that others can read");
    files.len()
}

/// Every file of a result that is text says where it stands; no file says that it was released or
/// may be exported.
#[track_caller]
fn all_say(out: &Path, trait_name: &str, standing: &str) {
    let file = |suffix: &str| out.join(format!("{trait_name}.{suffix}"));
    let read = |suffix: &str| fs::read_to_string(file(suffix)).expect("a file of the result");
    let provenance: Value = serde_json::from_str(&read("provenance.json")).expect("JSON");
    assert_eq!(provenance["status"], standing);
    for suffix in ["report.html", "gwas.tsv.gz-meta.yaml"] {
        let text = read(suffix).to_lowercase();
        assert!(
            text.contains(standing),
            "{suffix} does not say where it stands"
        );
        let others = text
            .replace("not released", "")
            .replace("marked for export", "");
        assert!(
            !others.contains("released") && !others.contains("export"),
            "{suffix}"
        );
    }
    let (columns, rows) = table(&file("gwas.tsv.gz"));
    assert_eq!(columns.last().expect("columns"), "release");
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|row| row.last().expect("a cell").starts_with(standing))
    );
}

#[test]
fn a_local_result_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (vcf, phenotypes) = Site::new("n", 120, 1).write(dir.path());
    for umask in ["022", "000"] {
        let node = dir.path().join(format!("node-{umask}"));
        succeed_under(
            umask,
            &[
                "init",
                "--dir",
                text(&node),
                "--name",
                "n",
                "--country",
                "SE",
            ],
        );
        let load = [
            "ingest",
            "--dir",
            text(&node),
            "--dataset",
            "d",
            "--vcf",
            text(&vcf),
        ];
        succeed_under(
            umask,
            &[&load[..], &["--phenotypes", text(&phenotypes)]].concat(),
        );
        let out = dir.path().join(format!("new-{umask}/results"));
        let study = [
            "gwas",
            "--dir",
            text(&node),
            "--dataset",
            "d",
            "--trait",
            "ldl",
            "--out",
            text(&out),
        ];
        let said = succeed_under(umask, &study);
        assert!(said.contains("local, not released"), "{said}");
        assert_eq!(all_private(&dir.path().join(format!("new-{umask}"))), 7);
        assert!(all_private(&node) > 7, "the node's own files, too");
        all_say(&out, "ldl", "local, not released");
    }
    // A folder that is there may be shared on purpose; what is written into it is not.
    let shared = dir.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
    let node = dir.path().join("node-022");
    succeed(&[
        "gwas",
        "--dir",
        text(&node),
        "--dataset",
        "d",
        "--trait",
        "ldl",
        "--out",
        text(&shared),
    ]);
    assert_eq!(mode(&shared), 0o755);
    assert!(tree(&shared)[1..].iter().all(|file| mode(file) == 0o600));
}

#[test]
fn a_result_under_a_permit_is_inside_the_environment() {
    let network = Network::start(&Site::three());
    let permit = network.permit(&[]);
    for file in [&permit, &network.path("user.pub")] {
        assert_eq!(mode(file), 0o644, "{} is no secret", file.display());
    }
    let (dir, key, out) = (
        network.path("hdab"),
        network.path("user.key"),
        network.path("results"),
    );
    let study = [
        "gwas",
        "--dir",
        text(&dir),
        "--permit",
        text(&permit),
        "--key",
        text(&key),
    ];
    let ldl = [
        "--trait",
        "ldl",
        "--covariates",
        "sex,age",
        "--out",
        text(&out),
    ];
    let said = succeed_under("000", &[&study[..], &ldl[..]].concat());
    assert!(
        said.contains("inside the environment") && !said.contains("released"),
        "{said}"
    );
    assert_eq!(all_private(&out), 7);
    all_say(&out, "ldl", "inside the environment");
    let said = succeed_under("022", &[&study[..], &ldl[..], &["--json"]].concat());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said["status"], &said["stored"]),
        (&"inside the environment".into(), &true.into())
    );
    all_private(&dir);
    all_private(&out);
}

/// A folder of somebody's own files for `demo --sites`.
fn own_sites(folder: &Path, variants: usize) {
    fs::create_dir(folder).unwrap();
    for mut site in Site::three() {
        site.variants = variants;
        let (vcf, _) = site.write(folder);
        assert!(
            Command::new("gzip")
                .arg(vcf)
                .status()
                .expect("gzip runs")
                .success()
        );
    }
}

#[test]
fn all_that_a_demo_makes_is_its_owners_alone_and_the_pooled_copy_goes() {
    let dir = tempfile::tempdir().unwrap();
    let sites = dir.path().join("sites");
    own_sites(&sites, 60);
    let built_in = dir.path().join("built-in");
    let own = dir.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let said = succeed_under("022", &["demo", "--dir", text(&built_in)]);
    assert!(
        said.contains("the pooled copy of the data is deleted"),
        "{said}"
    );
    let of_sites = [
        "--sites",
        text(&sites),
        "--trait",
        "ldl",
        "--covariates",
        "sex,age",
    ];
    succeed_under(
        "022",
        &[&["demo", "--dir", text(&own)], &of_sites[..]].concat(),
    );
    for demo in [&built_in, &own] {
        assert!(all_private(demo) > 50);
        let pooled = |path: &PathBuf| path.to_string_lossy().contains("pooled");
        assert_eq!(tree(demo).into_iter().find(pooled), None);
        assert!(demo.join("results/report.html").exists());
        all_say(&demo.join("results"), "ldl", "inside the environment");
    }
}

fn interrupt(process: &Child) {
    let sent = Command::new("kill")
        .args(["-INT".to_owned(), process.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn a_demo_that_is_stopped_while_it_pools_leaves_no_pooled_copy() {
    let dir = tempfile::tempdir().unwrap();
    let sites = dir.path().join("sites");
    own_sites(&sites, 20_000);
    for interrupts in [1, 2] {
        let demo = dir.path().join("demo");
        let args = [
            "demo",
            "--dir",
            text(&demo),
            "--sites",
            text(&sites),
            "--trait",
            "ldl",
        ];
        let mut process = command("022", &args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell runs");
        let pooled = demo.join("pooled-check");
        wait_until("the cohorts are pooled", || pooled.join("cohort").exists());
        for _ in 0..interrupts {
            interrupt(&process);
        }
        assert_eq!(process.wait().unwrap().code(), Some(1));
        assert!(!pooled.exists(), "stopped by {interrupts}");
        all_private(&demo);
    }
}
