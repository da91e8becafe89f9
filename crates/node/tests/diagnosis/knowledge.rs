//! `ligate knowledge`: what a file holds, and releases that are fetched.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use serde_json::Value;

use crate::bench::{Bench, errors, fixture, text};

fn mini() -> PathBuf {
    fixture("../../../../knowledge/tests/fixtures/mini")
}

fn show(bench: &Bench, more: &[&str]) -> Value {
    let args = [&["knowledge", "show", "--json"], more].concat();
    serde_json::from_str(&bench.answer(&args)).expect("JSON")
}

#[test]
fn the_file_that_comes_with_the_program_is_described() {
    let bench = Bench::new();
    let shown = show(&bench, &[]);
    assert_eq!(shown["origin"], "comes with the program");
    assert_eq!(shown["version"]["hpo"], "2025-01-16");
    assert!(
        shown["terms"].as_u64() > Some(18_000) && shown["candidates"].as_u64() > Some(8_000),
        "{shown}"
    );
    assert!(shown["bytes"].as_u64() < Some(100_000_000));
    let words = bench.answer(&["knowledge", "show"]);
    assert!(
        words.contains("hpo.jax.org/app/license") && words.contains("D1333"),
        "{words}"
    );
}

#[test]
fn what_is_built_is_what_is_shown_and_used() {
    let bench = Bench::new();
    let folder = mini();
    let built = bench.answer(&["knowledge", "build", "--json", "--from", text(&folder)]);
    let built: Value = serde_json::from_str(&built).expect("JSON");
    let installed = bench.path("home/share/ligate/knowledge.ligk");
    assert_eq!(built["file"], text(&installed));
    let shown = show(&bench, &[]);
    assert_eq!(
        (&shown["version"], &shown["bytes"]),
        (&built["version"], &built["bytes"])
    );
    assert!(shown["terms"].as_u64() < Some(1_000), "{shown}");
}

#[test]
fn a_folder_without_a_release_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.path("empty")).unwrap();
    for folder in ["empty", "missing"] {
        let output = bench.run(&["knowledge", "build", "--from", folder, "--out", "out.ligk"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains(folder), "{}", errors(&output));
        assert!(!bench.path("out.ligk").exists());
    }
}

/// Serves the files of a folder until the test's process ends, and returns its address.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        listener
            .incoming()
            .flatten()
            .for_each(|stream| answer(&folder, stream))
    });
    address
}

fn answer(folder: &Path, mut stream: TcpStream) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let name = request
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .trim_start_matches('/');
    let (status, body) = match fs::read(folder.join(name)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

#[test]
fn a_release_is_fetched_and_built() {
    let bench = Bench::new();
    let base = serve(mini());
    bench.answer(&["knowledge", "update", "--base", &base, "--out", "new.ligk"]);
    let shown = show(&bench, &["--knowledge", "new.ligk"]);
    assert!(
        shown["terms"].as_u64() < Some(1_000) && shown["diseases"].as_u64() > Some(0),
        "{shown}"
    );
    assert!(!bench.path("home").exists(), "--out installs nothing");
}

#[test]
fn an_update_that_fails_touches_nothing() {
    let bench = Bench::new();
    let before = bench.file("kept.ligk", "as it was");
    let base = serve(bench.path("nothing-here"));
    for (base, words) in [
        (base.as_str(), &["cannot fetch", "hp.obo", "404"][..]),
        (
            "http://example.org/hp/",
            &["https", "http://example.org/hp/"],
        ),
        ("http://127.0.0.1.example.org/", &["https"]),
        ("file:///etc/", &["https"]),
    ] {
        let output = bench.run(&["knowledge", "update", "--base", base, "--out", "kept.ligk"]);
        assert_eq!(output.status.code(), Some(1), "{base}");
        for word in words {
            assert!(
                errors(&output).contains(word),
                "\"{word}\" is missing in: {}",
                errors(&output)
            );
        }
        assert_eq!(fs::read(&before).unwrap(), b"as it was");
    }
}
