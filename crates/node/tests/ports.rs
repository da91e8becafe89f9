//! The ports of a serving node beside that for peers: what a monitoring system reads, and which
//! settings are refused.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use support::{fail, succeed, text};

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn node_with(dir: &Path, setting: &str) {
    succeed(&[
        "init",
        "--dir",
        text(dir),
        "--name",
        "north",
        "--country",
        "SE",
    ]);
    let file = dir.join("ligate.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    let settings = settings.replace("[serve]\n", &format!("[serve]\n{setting}\n"));
    fs::write(&file, settings).expect("settings");
}

/// Starts a node, and gives the address behind these words.
fn serve(dir: &Path, words: &str) -> (Serving, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ligate"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--stop-with-stdin",
            "--dir",
            text(dir),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let lines = BufReader::new(child.stderr.take().expect("errors are piped")).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix(words).map(str::to_owned));
    (Serving(child), said.expect("the port is announced"))
}

#[test]
fn a_monitoring_system_reads_counts_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let node = dir.path().join("north");
    node_with(&node, "metrics = \"127.0.0.1:0\"");
    let (_serving, address) = serve(&node, "metrics at ");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&address).expect("the port is open");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let page = get("/metrics");
    assert!(
        page.contains("ligate_connections_open{port=\"nodes\"} 0\n"),
        "{page}"
    );
    assert!(
        page.contains("ligate_connections_open{port=\"metrics\"} 1\n"),
        "{page}"
    );
    assert!(!page.contains("north"), "{page}");
    assert!(get("/federation/v1/run").starts_with("HTTP/1.1 404"));
}

#[test]
fn metrics_are_told_to_this_machine_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let node = dir.path().join("north");
    node_with(&node, "metrics = \"0.0.0.0:9464\"");
    let said = fail(&["serve", "--listen", "127.0.0.1:0", "--dir", text(&node)]);
    assert!(
        said.contains("metrics") && said.contains("loopback"),
        "{said}"
    );
}
