//! A node of the exchange: its folder, its settings, its patients, and its `serve` process.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    http::{Response, send},
    support::{succeed, text},
};

pub const TOKEN: &str = "the-token-of-the-clinic";
pub const MEDIA_TYPE: &str = "application/vnd.ga4gh.matchmaker.v1.1+json";

/// A node's folder.
pub struct Member {
    pub dir: TempDir,
}

impl Member {
    /// `settings`: more of the `[matchmaking]` part; peers come last in it.
    pub fn found(name: &str, settings: &str) -> Self {
        let member = Self {
            dir: tempfile::tempdir().expect("a folder"),
        };
        succeed(&[
            "init",
            "--dir",
            text(&member.path()),
            "--name",
            name,
            "--country",
            "SE",
        ]);
        let contact =
            format!("contact = {{ name = \"{name}\", href = \"mailto:{name}@example.org\" }}");
        member.append(&format!("\n[matchmaking]\n{contact}\n{settings}"));
        member
    }

    /// A node that answers one peer, `clinic`.
    pub fn answering(name: &str, settings: &str) -> Self {
        let digest = hex::encode(Sha256::digest(TOKEN));
        let peer =
            format!("[[matchmaking.peers]]\nname = \"clinic\"\ntoken_sha256 = \"{digest}\"\n");
        Self::found(
            name,
            &format!("listen = \"127.0.0.1:0\"\n{settings}\n{peer}"),
        )
    }

    pub fn append(&self, toml: &str) {
        let file = self.path().join("ligate.toml");
        let before = fs::read_to_string(&file).expect("settings");
        fs::write(&file, before + toml).expect("settings");
    }

    /// A peer to ask, with its token in a file of this mode.
    pub fn ask(&self, name: &str, address: &str, mode: u32) {
        let file = self.path().join(format!("{name}.token"));
        let mut out = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(mode)
            .open(&file)
            .expect("a file");
        std::io::Write::write_all(&mut out, TOKEN.as_bytes()).expect("a token");
        self.append(&format!(
            "[[matchmaking.peers]]\nname = \"{name}\"\naddress = \"{address}\"\ntoken_file = \"{name}.token\"\n"
        ));
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("node")
    }

    /// Takes patients into the registry; returns what was said.
    pub fn add(&self, packets: &[serde_json::Value], options: &[&str]) -> String {
        let file = self.dir.path().join("cases.jsonl");
        let lines: Vec<_> = packets.iter().map(ToString::to_string).collect();
        fs::write(&file, lines.join("\n")).expect("cases");
        let path = self.path();
        succeed(
            &[
                &["registry", "add", "--dir", text(&path), text(&file)],
                options,
            ]
            .concat(),
        )
    }

    /// A file with one case.
    pub fn case(&self, packet: &serde_json::Value) -> PathBuf {
        let file = self.dir.path().join("case.json");
        fs::write(&file, packet.to_string()).expect("a case");
        file
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path().join("audit/log.jsonl")).expect("a log")
    }

    pub fn serve(&self) -> Serving {
        Serving::start(&self.path())
    }
}

/// `ligate serve`, with its exchange.
pub struct Serving {
    child: Child,
    /// Of the exchange, as 127.0.0.1:7000.
    pub address: String,
    said: Option<JoinHandle<String>>,
}

impl Serving {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ligate"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--stop-with-stdin",
                "--dir",
            ])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (send, receive) = mpsc::channel();
        let said = thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("matchmaking at ") {
                    let _ = send.send(address.trim().to_owned());
                }
                said.push_str(&line);
                said.push('\n');
            }
            said
        });
        let address = receive.recv().expect("it says where the exchange listens");
        Self {
            child,
            address,
            said: Some(said),
        }
    }

    /// A match request with the right token and types; `patient` is wrapped.
    #[track_caller]
    pub fn match_of(&self, patient: &serde_json::Value) -> Response {
        let body = serde_json::json!({ "patient": patient }).to_string();
        let headers = [
            ("X-Auth-Token", TOKEN),
            ("Accept", MEDIA_TYPE),
            ("Content-Type", MEDIA_TYPE),
        ];
        send(&self.address, "POST /match", &headers, body.as_bytes())
    }

    #[track_caller]
    pub fn results(&self, patient: &serde_json::Value) -> Vec<serde_json::Value> {
        let response = self.match_of(patient);
        assert_eq!(response.status, 200, "{response:?}");
        response.json()["results"]
            .as_array()
            .expect("results")
            .clone()
    }

    /// Stops it as its supervisor would; returns all that it wrote on standard error.
    pub fn stop(mut self) -> String {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("it ends").success());
        self.said
            .take()
            .expect("it was started")
            .join()
            .expect("standard error is read")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
