//! The Matchmaker Exchange between real processes: what a node answers, whom it shows, and what is
//! sent and believed when it asks.

#[path = "matchmaking/http.rs"]
mod http;
#[path = "matchmaking/member.rs"]
mod member;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use http::{Fake, Response, announce, send};
use member::{MEDIA_TYPE, Member, Serving, TOKEN};
use serde_json::{Value, json};
use support::{fail, shared_data, succeed, text};

/// Features of Pfeiffer syndrome.
const HYPERTELORISM: &str = "HP:0000316";
const CRANIOSYNOSTOSIS: &str = "HP:0001363";
const BROAD_THUMB: &str = "HP:0011304";

/// A phenopacket with a diagnosis and a gene.
fn packet(subject: &str, terms: &[(&str, bool)], disease: &str, genes: &[&str]) -> Value {
    let feature = |(term, excluded): &(&str, bool)| json!({ "type": { "id": term, "label": "" }, "excluded": excluded });
    let interpreted = |gene: &&str| {
        let descriptor = json!({ "id": "v", "geneContext": { "valueId": "", "symbol": gene } });
        json!({ "subjectOrBiosampleId": subject, "interpretationStatus": "CAUSATIVE",
            "variantInterpretation": { "variationDescriptor": descriptor } })
    };
    json!({
        "id": format!("packet-{subject}"),
        "subject": { "id": subject, "sex": "FEMALE" },
        "phenotypicFeatures": terms.iter().map(feature).collect::<Vec<_>>(),
        "interpretations": [{ "id": "i", "progressStatus": "SOLVED", "diagnosis": {
            "disease": { "id": disease, "label": "a disease" },
            "genomicInterpretations": genes.iter().map(interpreted).collect::<Vec<_>>(),
        } }],
        "metaData": { "created": "2024-01-01T00:00:00Z", "createdBy": "a test", "resources": [],
            "phenopacketSchemaVersion": "2.0" },
    })
}

fn pfeiffer(subject: &str, terms: &[&str]) -> Value {
    let observed: Vec<_> = terms.iter().map(|term| (*term, false)).collect();
    packet(subject, &observed, "OMIM:101600", &["FGFR2"])
}

/// A patient as another system asks for it.
fn asked(terms: &[&str]) -> Value {
    let features: Vec<_> = terms.iter().map(|term| json!({ "id": term })).collect();
    json!({ "id": "theirs-1", "contact": { "name": "Clinic", "href": "mailto:clinic@example.org" },
        "features": features })
}

#[test]
fn requests_are_answered_or_refused_as_the_standard_says() {
    let member = Member::answering("north", "terms = \"for care\"");
    member.add(
        &[pfeiffer("secret-1", &[CRANIOSYNOSTOSIS, HYPERTELORISM])],
        &["--consent-matching"],
    );
    let north = member.serve();
    let right = json!({ "patient": asked(&[CRANIOSYNOSTOSIS]) }).to_string();
    let token = ("X-Auth-Token", TOKEN);
    let check = |line: &str, headers: &[(&str, &str)], body: &str, status: u16| -> Response {
        let response = send(&north.address, line, headers, body.as_bytes());
        assert_eq!(response.status, status, "{line} {headers:?}: {response:?}");
        assert_eq!(response.header("content-type"), Some(MEDIA_TYPE));
        response
    };
    let post =
        |headers: &[(&str, &str)], body: &str, status| check("POST /match", headers, body, status);

    let answer = post(
        &[token, ("Accept", MEDIA_TYPE), ("Content-Type", MEDIA_TYPE)],
        &right,
        200,
    )
    .json();
    assert_eq!(
        answer["results"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );
    assert!(
        answer["disclaimer"].is_string() && answer["terms"] == "for care",
        "{answer}"
    );
    let result = &answer["results"][0];
    let score = |name: &str| result["score"][name].as_f64().expect("a score");
    assert!(
        score("patient") > 0.2 && score("patient") <= 1.0,
        "{result}"
    );
    assert_eq!(
        (score("patient"), score("_genotype")),
        (score("_phenotype"), 0.0)
    );
    assert_eq!(
        result["patient"]["genomicFeatures"][0]["gene"]["id"],
        "FGFR2"
    );
    assert_eq!(result["patient"]["disorders"][0]["id"], "MIM:101600");
    assert_eq!(
        result["patient"]["contact"]["href"],
        "mailto:north@example.org"
    );

    post(&[], &right, 401);
    post(&[("X-Auth-Token", "another")], &right, 401);
    check("GET /heartbeat", &[], "", 401);
    let unsupported = "application/vnd.ga4gh.matchmaker.v9.0+json";
    let refused = post(&[token, ("Accept", unsupported)], &right, 406).json();
    assert_eq!(
        refused["supportedVersions"],
        json!(["1.0", "1.1"]),
        "{refused}"
    );
    assert!(refused["message"].is_string());
    post(&[token, ("Content-Type", "text/plain")], &right, 415);
    post(&[token, ("Content-Type", unsupported)], &right, 415);
    post(&[token], "{\"patient\": ", 400);
    post(&[token], "{}", 422);
    post(&[token], &json!({ "patient": asked(&[]) }).to_string(), 422);
    assert_eq!(
        announce(&north.address, "POST /match", &[token], 2 << 20, b"").status,
        413
    );
    check("GET /match", &[token], "", 405);
    check("POST /metrics", &[token], "", 405);
    check("GET /other", &[token], "", 404);
    let old = "application/vnd.ga4gh.matchmaker.v1.0+json";
    let response = send(
        &north.address,
        "POST /match",
        &[token, ("Accept", old)],
        right.as_bytes(),
    );
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some(old))
    );

    let heartbeat = check("GET /heartbeat", &[token], "", 200).json();
    assert_eq!(heartbeat["heartbeat"]["accept"], json!([old, MEDIA_TYPE]));
    assert_eq!(heartbeat["heartbeat"]["production"], false);
    let metrics = check("GET /metrics", &[token], "", 200).json()["metrics"].clone();
    let numbers = [
        ("numberOfCases", 1),
        ("numberOfGenes", 1),
        ("numberOfFeatures", 2),
    ];
    let counted = [
        ("numberOfRequestsReceived", 2),
        ("numberOfPotentialMatchesSent", 2),
    ];
    for (name, number) in numbers.into_iter().chain(counted) {
        assert_eq!(metrics[name], number, "{name}: {metrics}");
    }
    assert!(check("GET /disclaimer", &[token], "", 200).json()["disclaimer"].is_string());

    let said = north.stop();
    let log = member.log();
    assert_eq!(log.matches("\"match-answered\"").count(), 2, "{log}");
    for text in [said, log] {
        assert!(
            !text.contains("secret") && !text.contains("HP:") && !text.contains("theirs-1"),
            "{text}"
        );
    }
}

#[test]
fn only_patients_who_agreed_are_shown_until_they_withdraw() {
    let member = Member::answering("north", "");
    let both = [CRANIOSYNOSTOSIS, BROAD_THUMB];
    member.add(&[pfeiffer("secret-quiet", &both)], &[]);
    let north = member.serve();
    assert!(north.results(&asked(&both)).is_empty());

    member.add(
        &[pfeiffer("secret-shown", &[CRANIOSYNOSTOSIS, HYPERTELORISM])],
        &["--consent-matching"],
    );
    let results = north.results(&asked(&both));
    assert_eq!(results.len(), 1);
    let features = results[0]["patient"]["features"].to_string();
    assert!(
        features.contains(HYPERTELORISM) && !features.contains(BROAD_THUMB),
        "{features}"
    );
    assert!(!results[0].to_string().contains("secret"), "{}", results[0]);
    assert_eq!(
        north.results(&asked(&both))[0]["patient"]["id"],
        results[0]["patient"]["id"]
    );
    assert!(
        north.results(&asked(&["HP:0001250"])).is_empty(),
        "too little alike"
    );

    let dir = member.path();
    succeed(&[
        "registry",
        "withdraw",
        "--dir",
        text(&dir),
        "--patient",
        "secret-shown",
    ]);
    assert!(north.results(&asked(&both)).is_empty());
    let metrics = send(
        &north.address,
        "GET /metrics",
        &[("X-Auth-Token", TOKEN)],
        b"",
    )
    .json();
    assert_eq!(metrics["metrics"]["numberOfCases"], 0, "{metrics}");
}

/// A patient of the benchmark as a phenopacket, where a disorder is told.
fn as_packet(patient: &Value) -> Option<Value> {
    let disorder = patient["disorders"][0]["id"]
        .as_str()?
        .replace("MIM:", "OMIM:");
    let features = patient["features"].as_array()?.iter();
    let terms: Vec<_> = features
        .filter_map(|feature| {
            Some((
                feature["id"].as_str()?,
                feature["observed"].as_str() == Some("no"),
            ))
        })
        .collect();
    let named = patient["genomicFeatures"].as_array()?.iter();
    let mut genes: Vec<_> = named
        .filter_map(|feature| feature["gene"]["id"].as_str())
        .collect();
    genes.dedup();
    Some(packet(patient["id"].as_str()?, &terms, &disorder, &genes))
}

/// How many of the queries find another patient with their disorder among the first five others.
/// The patient asked for is registered too and is one of the results.
fn found(north: &Serving, patients: &[&Value], disorder: impl Fn(&Value) -> String) -> usize {
    let has_another = |patient: &&&Value| {
        let shown = north.results(patient);
        let same = |result: &&Value| disorder(&result["patient"]) == disorder(patient);
        shown.iter().take(6).filter(same).count() >= 2
    };
    patients.iter().filter(has_another).count()
}

#[test]
fn the_official_patients_are_accepted_and_find_each_other() {
    let Some(file) = shared_data("standards/mme/benchmark_patients.json") else {
        return;
    };
    let text = fs::read_to_string(file).expect("the patients");
    let patients: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(patients.len(), 50);
    let member = Member::answering("north", "results = 10");
    let packets: Vec<_> = patients.iter().filter_map(as_packet).collect();
    let said = member.add(&packets, &["--consent-matching"]);
    assert!(
        said.contains(&format!("{} patients added", packets.len())),
        "{said}"
    );
    let north = member.serve();

    let disorder = |patient: &Value| patient["disorders"][0]["id"].to_string();
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for patient in &patients {
        let response = north.match_of(patient);
        assert_eq!(response.status, 200, "{}: {response:?}", patient["id"]);
        *sizes.entry(disorder(patient)).or_default() += 1;
    }
    let matched: Vec<_> = patients
        .iter()
        .filter(|patient| !patient["disorders"][0].is_null() && sizes[&disorder(patient)] > 1)
        .collect();
    assert_eq!(
        found(&north, &matched, disorder),
        matched.len(),
        "by phenotype and gene"
    );

    let without: Vec<_> = matched
        .iter()
        .map(|&patient| without_genes(patient))
        .collect();
    let by_phenotype = found(&north, &without.iter().collect::<Vec<_>>(), disorder);
    println!(
        "by phenotype alone: {by_phenotype} of {} find their disorder",
        without.len()
    );
    assert!(
        by_phenotype * 10 >= without.len() * 8,
        "{by_phenotype} of {}",
        without.len()
    );
}

fn without_genes(patient: &Value) -> Value {
    let mut patient = patient.clone();
    patient["genomicFeatures"] = Value::Null;
    patient
}

/// An answer with one patient.
fn answer_of(score: f64, id: &str) -> Vec<u8> {
    let patient = json!({ "id": id, "contact": { "name": "Far\u{1b}[2J away", "href": "mailto:far@example.org" },
        "features": [{ "id": CRANIOSYNOSTOSIS }], "genomicFeatures": [{ "gene": { "id": "FGFR2" } }] });
    json!({ "results": [{ "score": { "patient": score }, "patient": patient }], "disclaimer": "be \u{7}kind" })
        .to_string()
        .into_bytes()
}

/// `ligate match --json` with consent; what it printed, and on standard error.
fn run_match(member: &Member, case: &Path) -> (Value, String) {
    let dir = member.path();
    let output = support::ligate(&[
        "match",
        text(case),
        "--dir",
        text(&dir),
        "--consent",
        "--json",
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).expect("JSON"), said)
}

#[test]
fn many_are_asked_at_once_and_only_with_consent() {
    let north = Member::answering("north", "");
    north.add(
        &[pfeiffer("secret-far", &[CRANIOSYNOSTOSIS, BROAD_THUMB])],
        &["--consent-matching"],
    );
    let serving = north.serve();
    let (slow, slower) = (Fake::hanging(), Fake::hanging());
    let clinic = Member::found("clinic", "deadline_seconds = 1\n");
    clinic.ask("slow", &slow.address, 0o600);
    clinic.ask("north", &format!("http://{}", serving.address), 0o600);
    clinic.ask("slower", &slower.address, 0o600);
    clinic.add(
        &[pfeiffer("secret-near", &[CRANIOSYNOSTOSIS])],
        &["--consent-matching"],
    );
    let case = clinic.case(&pfeiffer("secret-7", &[CRANIOSYNOSTOSIS, BROAD_THUMB]));
    let dir = clinic.path();

    let said = fail(&["match", text(&case), "--dir", text(&dir)]);
    assert!(said.contains("--consent"), "{said}");
    let own = succeed(&["match", text(&case), "--dir", text(&dir), "--own", "--json"]);
    let own: Value = serde_json::from_str(&own).expect("JSON");
    assert_eq!(own["own"].as_array().map(Vec::len), Some(1), "{own}");
    assert!(
        slow.seen().is_empty() && slower.seen().is_empty(),
        "nothing is sent"
    );
    assert!(!clinic.log().contains("match-asked"));

    let start = Instant::now();
    let (answer, said) = run_match(&clinic, &case);
    let peers = answer["peers"].as_array().expect("peers");
    let names: Vec<_> = peers
        .iter()
        .map(|peer| peer["peer"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(names, ["slow", "north", "slower"]);
    assert_eq!(
        peers[1]["results"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );
    for late in [&peers[0], &peers[2]] {
        assert_eq!(late["error"], "no answer within 1 s", "{answer}");
        assert!(
            late["milliseconds"]
                .as_u64()
                .is_some_and(|took| (900..2500).contains(&took)),
            "{answer}"
        );
    }
    let (first, second) = (slow.seen().remove(0), slower.seen().remove(0));
    let apart = first.at.max(second.at) - first.at.min(second.at);
    assert!(
        apart < Duration::from_millis(900),
        "one after another: {apart:?} of {:?}",
        start.elapsed()
    );

    assert!(
        first
            .head
            .to_ascii_lowercase()
            .contains(&format!("x-auth-token: {TOKEN}")),
        "{}",
        first.head
    );
    assert!(first.head.contains(MEDIA_TYPE), "{}", first.head);
    let sent: Value = serde_json::from_str(&first.body).expect("JSON");
    assert_eq!(
        sent["patient"]["features"].as_array().map(Vec::len),
        Some(2),
        "{sent}"
    );
    assert!(
        sent["patient"]["disorders"].is_null() && !first.body.contains("secret"),
        "{sent}"
    );
    run_match(&clinic, &case);
    let again: Value = serde_json::from_str(&slow.seen()[1].body).expect("JSON");
    assert_ne!(
        again["patient"]["id"], sent["patient"]["id"],
        "each question has a name of its own"
    );

    let log = clinic.log();
    assert_eq!(log.matches("\"match-asked\"").count(), 2, "{log}");
    for text in [said, log, north.log(), serving.stop()] {
        let shows = ["secret", "HP:", "FGFR2", TOKEN]
            .into_iter()
            .find(|word| text.contains(word));
        assert_eq!(shows, None, "{text}");
    }
}

#[test]
fn hostile_answers_are_refused_with_a_reason_and_the_others_stand() {
    let trap = Fake::answering(200, "", answer_of(0.9, "trapped"));
    let mut large = answer_of(0.9, "large");
    large.resize(20 << 20, b' ');
    let peers = [
        (
            "boasting",
            Fake::answering(200, "", answer_of(7.0, "best")),
            "not from 0 to 1",
        ),
        (
            "endless",
            Fake::answering(200, "", large),
            "larger than 16 MiB",
        ),
        (
            "elsewhere",
            Fake::answering(
                307,
                &format!("Location: {}/match\r\n", trap.address),
                Vec::new(),
            ),
            "status 307",
        ),
        (
            "foreign",
            Fake::answering(200, "", b"<html></html>".to_vec()),
            "not one of the API",
        ),
        (
            "closed",
            Fake::answering(401, "", b"{}".to_vec()),
            "status 401",
        ),
        ("rude", Fake::start(|_| {}), "could not be asked"),
        (
            "good",
            Fake::answering(200, "", answer_of(0.6, "theirs")),
            "",
        ),
    ];
    let clinic = Member::found("clinic", "");
    peers
        .iter()
        .for_each(|(name, fake, _)| clinic.ask(name, &fake.address, 0o600));
    clinic.ask("open", &trap.address, 0o644);
    let case = clinic.case(&pfeiffer("secret-7", &[CRANIOSYNOSTOSIS]));
    let (answer, _) = run_match(&clinic, &case);
    let answers = answer["peers"].as_array().expect("peers");
    for ((name, _, reason), answer) in peers.iter().zip(answers) {
        assert_eq!(answer["peer"], *name);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(
            error.contains(reason) && error.is_empty() == reason.is_empty(),
            "{name}: {answer}"
        );
    }
    assert_eq!(answers[6]["results"][0]["patient"]["id"], "theirs");
    assert!(
        answers[7]["error"]
            .as_str()
            .is_some_and(|error| error.contains("chmod 600")),
        "{answer}"
    );
    assert!(
        trap.seen().is_empty(),
        "the token and the patient went elsewhere"
    );

    let dir = clinic.path();
    let shown = succeed(&["match", text(&case), "--dir", text(&dir), "--consent"]);
    assert!(
        shown.contains("good: 1 patients alike") && shown.contains("0.60  theirs"),
        "{shown}"
    );
    assert!(
        shown.contains("boasting: did not answer: its answer has a score"),
        "{shown}"
    );
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
}

#[test]
fn settings_that_would_expose_patients_are_refused() {
    let check = |settings: &str, reason: &str| {
        let member = Member::found("north", settings);
        let said = fail(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--dir",
            text(&member.path()),
        ]);
        assert!(said.contains(reason), "{settings}: {said}");
    };
    check("listen = \"0.0.0.0:0\"\n", "without HTTPS");
    check(
        "listen = \"127.0.0.1:0\"\ncertificate = \"c.pem\"\n",
        "HTTPS needs both",
    );
    check(
        "listen = \"127.0.0.1:0\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n",
        "cannot read",
    );
    check("deadline_seconds = 0\n", "`deadline_seconds` is from 1");
    check("results = 0\n", "`results` is from 1");
    check("score = 2.0\n", "`score` is from 0 to 1");
    let peer =
        |address: &str| format!("[[matchmaking.peers]]\nname = \"far\"\naddress = \"{address}\"\n");
    check(&peer("http://example.org"), "https address");
    check(&peer("https://example.org"), "no `token_file`");
}

/// A certificate for 127.0.0.1 and its key; `None`, with a notice, where there is no openssl.
fn certificate(folder: &Path) -> Option<()> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=north",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            text(&key),
            "-out",
            text(&certificate),
        ])
        .output();
    if output.is_ok_and(|output| output.status.success()) {
        return Some(());
    }
    eprintln!("skipped: no openssl that makes certificates");
    None
}

#[test]
fn with_a_certificate_only_https_is_spoken() {
    let member = Member::answering(
        "north",
        "certificate = \"certificate.pem\"\nkey = \"key.pem\"",
    );
    if certificate(&member.path()).is_none() {
        return;
    }
    let north = member.serve();
    let pem = fs::read(member.path().join("certificate.pem")).expect("a certificate");
    let trusted = ureq::tls::Certificate::from_pem(&pem).expect("PEM");
    let agent = |certificates: &[ureq::tls::Certificate<'static>]| -> ureq::Agent {
        let roots = ureq::tls::RootCerts::new_with_certs(certificates);
        let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
        ureq::Agent::config_builder().tls_config(tls).build().into()
    };
    let url = format!("https://{}/heartbeat", north.address);
    let ask = |agent: ureq::Agent| agent.get(&url).header("X-Auth-Token", TOKEN).call();
    let mut response = ask(agent(&[trusted])).expect("HTTPS");
    assert_eq!(response.status(), 200);
    assert!(
        response
            .body_mut()
            .read_to_string()
            .expect("a body")
            .contains("\"production\":false")
    );
    assert!(
        ask(agent(&[])).is_err(),
        "a certificate that nobody vouches for"
    );

    let plain = std::net::TcpStream::connect(&north.address).and_then(|mut stream| {
        use std::io::{Read, Write};
        stream.write_all(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    });
    assert!(
        !plain.is_ok_and(|answer| answer.starts_with(b"HTTP")),
        "plain HTTP is not answered"
    );
    north.stop();
}
