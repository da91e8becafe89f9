//! Registries of real processes: who may fetch which table, what a withdrawal does, what bad input
//! says, and that a diagnosis sends nothing.

mod support;

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use support::{Server, Site, fail, succeed, text};
use tempfile::TempDir;

/// Pfeiffer syndrome, and three of its features.
const DISEASE: &str = "OMIM:101600";
const HYPERTELORISM: &str = "HP:0000316";
const CRANIOSYNOSTOSIS: &str = "HP:0001363";
const BROAD_THUMB: &str = "HP:0011304";

fn packet(subject: &str, terms: &[&str]) -> String {
    let features: Vec<String> = terms
        .iter()
        .map(|term| format!(r#"{{"type":{{"id":"{term}","label":"a feature"}}}}"#))
        .collect();
    let features = features.join(",");
    format!(
        r#"{{"id":"packet-{subject}","subject":{{"id":"{subject}","sex":"FEMALE"}},"phenotypicFeatures":[{features}],"interpretations":[{{"id":"i","progressStatus":"SOLVED","diagnosis":{{"disease":{{"id":"{DISEASE}","label":"a disease"}},"genomicInterpretations":[]}}}}],"metaData":{{"created":"2024-01-01T00:00:00Z","createdBy":"a test","resources":[],"phenopacketSchemaVersion":"2.0"}}}}"#
    )
}

/// A registry, `north`, and a clinic that asks it.
struct Two {
    dir: TempDir,
    north: Option<Server>,
}

impl Two {
    fn found() -> Self {
        let two = Self {
            dir: tempfile::tempdir().expect("a folder"),
            north: None,
        };
        for name in ["north", "clinic"] {
            succeed(&[
                "init",
                "--dir",
                text(&two.path(name)),
                "--name",
                name,
                "--country",
                "SE",
            ]);
        }
        two.introduce("north", "clinic", None);
        two.introduce("clinic", "north", None);
        two
    }

    /// North serves; the clinic reaches it at `address`, or directly.
    fn serve(&mut self) -> String {
        let server = Server::start(&self.path("north"));
        let address = server.address.clone();
        self.introduce("clinic", "north", Some(&address));
        self.north = Some(server);
        address
    }

    fn introduce(&self, own: &str, other: &str, address: Option<&str>) {
        let (dir, file) = (self.path(own), self.path(other).join("keys/node.pub"));
        let key = fs::read_to_string(file).expect("a key");
        let mut args = vec![
            "peer",
            "add",
            "--dir",
            text(&dir),
            "--name",
            other,
            "--key",
            key.trim(),
        ];
        args.extend(address.iter().flat_map(|address| ["--address", *address]));
        succeed(&args);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What north's steward writes into `[diagnosis]`.
    fn allow(&self, setting: &str) {
        let file = self.path("north").join("ligate.toml");
        let toml = fs::read_to_string(&file).expect("settings");
        let name = setting.split(' ').next().expect("a name");
        let line = |line: &str| {
            if line.starts_with(name) {
                format!("{setting}\n")
            } else {
                format!("{line}\n")
            }
        };
        fs::write(&file, toml.lines().map(line).collect::<String>()).expect("settings");
    }

    fn add(&self, cases: &[String]) -> String {
        let file = self.path("cases.jsonl");
        fs::write(&file, cases.join("\n")).expect("cases");
        succeed(&[
            "registry",
            "add",
            "--dir",
            text(&self.path("north")),
            text(&file),
        ])
    }

    fn close(&self) -> String {
        succeed(&["registry", "close", "--dir", text(&self.path("north"))])
    }

    fn fetch(&self) -> String {
        succeed(&["knowledge", "fetch", "--dir", text(&self.path("clinic"))])
    }

    fn fetched(&self) -> Option<String> {
        fs::read_to_string(self.path("clinic/registry/peers/north.counts")).ok()
    }
}

fn five() -> Vec<String> {
    (0..5)
        .map(|i| {
            let terms = if i < 3 {
                &[CRANIOSYNOSTOSIS, HYPERTELORISM][..]
            } else {
                &[CRANIOSYNOSTOSIS, BROAD_THUMB]
            };
            packet(&format!("secret-{i}"), terms)
        })
        .collect()
}

#[test]
fn only_listed_peers_fetch_the_table_and_a_withdrawal_empties_it() {
    let mut two = Two::found();
    two.add(&five()[..4]);
    assert!(two.close().contains("0 batches closed"));
    assert!(
        two.add(&five())
            .contains("1 patients added, 0 changed, 4 as before")
    );
    assert!(
        two.close()
            .contains("1 batches closed with 5 patients: 2 counts passed")
    );
    two.serve();

    let said = two.fetch();
    assert!(
        said.contains("not shared") && said.contains("has not listed this peer"),
        "{said}"
    );
    assert_eq!(two.fetched(), None);

    two.allow("counts_for = [\"clinic\"]");
    assert!(
        two.fetch()
            .contains("diagnosis counts: 2 rows fetched; allele counts: not shared")
    );
    let expected =
        format!("{DISEASE}\t{HYPERTELORISM}\t3\t5\n{DISEASE}\t{CRANIOSYNOSTOSIS}\t5\t5\n");
    assert_eq!(
        two.fetched().expect("a table"),
        format!("disease\tterm\tm\tn\n{expected}")
    );
    let mode = fs::metadata(two.path("clinic/registry/peers/north.counts"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);

    let north = two.path("north");
    let said = succeed(&[
        "registry",
        "withdraw",
        "--dir",
        text(&north),
        "--patient",
        "secret-1",
    ]);
    assert!(said.contains("no longer served"), "{said}");
    two.fetch();
    assert_eq!(
        two.fetched().as_deref(),
        Some("disease\tterm\tm\tn\n"),
        "the whole batch is gone"
    );
    assert!(
        two.add(&five()[1..2]).contains("1 cases left out"),
        "who has withdrawn does not come back"
    );

    let log = fs::read_to_string(north.join("audit/log.jsonl")).expect("a log");
    assert_eq!(log.matches("\"counts-served\"").count(), 2, "{log}");
    assert!(
        log.contains("\"purpose\":\"care\"") && !log.contains("secret"),
        "{log}"
    );
    succeed(&["audit", "verify", "--dir", text(&north)]);
}

#[test]
fn a_peer_that_is_gone_leaves_what_was_fetched_before() {
    let mut two = Two::found();
    two.add(&five());
    two.close();
    two.allow("counts_for = [\"clinic\"]");
    two.serve();
    two.fetch();
    let before = two.fetched().expect("a table");
    two.north = None;
    let said = two.fetch();
    assert!(said.contains("what was fetched before is used"), "{said}");
    assert_eq!(two.fetched(), Some(before));
}

#[test]
fn bad_cases_are_named_by_line_and_the_others_go_on() {
    let two = Two::found();
    let twice = packet("secret-0", &[CRANIOSYNOSTOSIS]);
    let unknown = packet("secret-9", &[CRANIOSYNOSTOSIS]).replace(DISEASE, "OMIM:999999");
    let undiagnosed = packet("secret-8", &[]).replace("interpretations", "other");
    let mut cases = five();
    cases.extend(["{\"id\": broken".to_owned(), twice, unknown, undiagnosed]);
    let file = two.path("cases.jsonl");
    fs::write(&file, cases.join("\n")).expect("cases");
    let output = support::ligate(&[
        "registry",
        "add",
        "--dir",
        text(&two.path("north")),
        text(&file),
    ]);
    let (said, noted) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(said.contains("5 patients added"), "{said} {noted}");
    for words in [
        ":6:",
        "already; if ids of subjects repeat",
        "not known to this release",
        "states no diagnosis",
    ] {
        assert!(noted.contains(words), "{words}: {noted}");
    }
    assert!(!noted.contains("secret"), "{noted}");
    let patients = two.path("north/registry/patients.json");
    assert_eq!(
        fs::metadata(&patients)
            .expect("a file")
            .permissions()
            .mode()
            & 0o077,
        0
    );
    fs::write(&patients, "{\"version\":1,\"patients\":{\"secret").expect("damage");
    let said = fail(&["registry", "close", "--dir", text(&two.path("north"))]);
    assert!(
        said.contains("patients.json") && said.contains("changed") && !said.contains("secret"),
        "{said}"
    );
}

#[test]
fn allele_counts_leave_only_when_released_and_listed_and_above_the_gate() {
    let mut two = Two::found();
    let (vcf, table) = Site::new("north", 130, 1).write(two.dir.path());
    let north = two.path("north");
    let node = text(&north);
    two.allow("alleles_for = [\"clinic\"]");
    let ingest = [
        "ingest",
        "--dir",
        node,
        "--dataset",
        "cohort",
        "--vcf",
        text(&vcf),
        "--phenotypes",
        text(&table),
    ];
    succeed(&ingest);
    two.serve();
    assert!(two.fetch().contains("has released no allele counts"));
    let said = succeed(&["registry", "alleles", "--dir", node, "--dataset", "cohort"]);
    let said_rows: usize = said
        .split(' ')
        .next()
        .and_then(|rows| rows.parse().ok())
        .expect("a number");
    assert!(said_rows > 30 && said_rows <= 60, "{said}");
    assert!(
        two.fetch()
            .contains(&format!("allele counts: {said_rows} rows fetched"))
    );

    // One person fewer: the two tables would describe that person.
    let short = Site::new("north", 129, 1).write(two.dir.path());
    succeed(&[
        "ingest",
        "--dir",
        node,
        "--dataset",
        "cohort",
        "--vcf",
        text(&short.0),
        "--phenotypes",
        text(&short.1),
    ]);
    let said = fail(&["registry", "alleles", "--dir", node, "--dataset", "cohort"]);
    assert!(said.contains("span rule"), "{said}");
    assert!(
        two.fetch().contains("has released no allele counts"),
        "a snapshot that was not released is not served"
    );
}

/// Counts what goes through it in each direction, and how often somebody connects.
struct Recorder {
    address: String,
    counts: Arc<[AtomicU64; 3]>,
    passing: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Recorder {
    /// Listens and passes everything on to `target`.
    fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let recorder = Self {
            address,
            counts: Arc::default(),
            passing: Arc::default(),
        };
        let (counts, passing) = (Arc::clone(&recorder.counts), Arc::clone(&recorder.passing));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut passing = passing.lock().expect("no thread panics");
                counts[0].fetch_add(1, Ordering::SeqCst);
                let upstream = TcpStream::connect(&target).expect("the node listens");
                let (there, back) = (
                    stream.try_clone().expect("a clone"),
                    upstream.try_clone().expect("a clone"),
                );
                let (up, down) = (Arc::clone(&counts), Arc::clone(&counts));
                passing.push(thread::spawn(move || pass(stream, upstream, &up[1])));
                passing.push(thread::spawn(move || pass(back, there, &down[2])));
            }
        });
        recorder
    }

    /// Connections, bytes sent and bytes received since the last time, with those of one connection
    /// of its own: it comes after all others in the queue, so that none is left uncounted.
    fn take(&self) -> [u64; 3] {
        let mut last = TcpStream::connect(&self.address).expect("the recorder listens");
        last.shutdown(Shutdown::Write).expect("a connection");
        let _ = last.read_to_end(&mut Vec::new());
        for passing in self.passing.lock().expect("no thread panics").drain(..) {
            passing.join().expect("no thread panics");
        }
        [0, 1, 2].map(|place| self.counts[place].swap(0, Ordering::SeqCst))
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 16 << 10];
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        count.fetch_add(bytes as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// What is fetched for two different patients is the same to the byte, and their diagnoses connect
/// to nobody.
#[test]
fn traffic_is_the_same_for_every_patient() {
    let mut two = Two::found();
    two.add(&five());
    two.close();
    two.allow("counts_for = [\"clinic\"]");
    let recorder = Recorder::start(two.serve());
    two.introduce("clinic", "north", Some(&recorder.address));
    let diagnose = |patient: &Path| {
        let (clinic, out) = (two.path("clinic"), two.path("report"));
        succeed(&[
            "diagnose",
            text(patient),
            "--network",
            "--dir",
            text(&clinic),
            "--out",
            text(&out),
        ])
    };
    let nothing = recorder.take();
    let mut traffic = Vec::new();
    for (name, terms) in [
        ("a", &[CRANIOSYNOSTOSIS, BROAD_THUMB][..]),
        ("b", &["HP:0001250"]),
    ] {
        two.fetch();
        traffic.push(recorder.take());
        let patient = two.path(name).with_extension("json");
        fs::write(&patient, packet(name, terms)).expect("a case");
        diagnose(&patient);
        assert_eq!(recorder.take(), nothing, "a diagnosis asks nobody");
    }
    assert!(traffic[0][1] > nothing[1] && traffic[0][2] > nothing[2]);
    assert_eq!(
        traffic[0], traffic[1],
        "connections, bytes sent, bytes received"
    );
}
