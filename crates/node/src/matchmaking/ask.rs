//! Asking many systems at once about one patient: each under the same deadline, each answer bounded
//! and checked, and an honest list of who answered.

use std::{
    fs,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use ligate_api::mme::{
    Contact, MatchRequest, MatchResponse, MatchResult, TOKEN_HEADER, Version, content_type,
};
use ligate_knowledge::Knowledge;
use ligate_model::Case;

use super::shown_patients;
use crate::config::{MatchPeer, Matchmaking, RESULTS_MAX};

/// Bytes of an answer at the most.
const ANSWER_MAX: u64 = 16 << 20;

/// What became of asking one system.
pub struct Answer {
    pub peer: String,
    /// Its matches, best first, and its disclaimer; or why there are none.
    pub outcome: Result<(Vec<MatchResult>, Option<String>), String>,
    pub took: Duration,
}

/// The question about a case, under a name that only this question has.
pub fn request_about(
    knowledge: &Knowledge,
    name: &str,
    case: &Case,
    contact: &Contact,
) -> MatchRequest {
    let mut patient = shown_patients::patient(knowledge, name, case, contact);
    // What one looks for is not told: a peer would otherwise match by the answer.
    patient.disorders.clear();
    MatchRequest { patient }
}

/// The names of those who are asked.
pub fn asked(settings: &Matchmaking) -> Vec<String> {
    let with_address = settings.peers.iter().filter(|peer| peer.address.is_some());
    with_address.map(|peer| peer.name.clone()).collect()
}

/// Asks every peer that has an address. Answers in the peers' order.
pub fn ask(folder: &Path, settings: &Matchmaking, request: &MatchRequest) -> Result<Vec<Answer>> {
    let body = serde_json::to_string(request)?;
    let asked: Vec<_> = settings
        .peers
        .iter()
        .filter(|peer| peer.address.is_some())
        .cloned()
        .collect();
    let (send, receive) = mpsc::channel();
    for (place, peer) in asked.iter().cloned().enumerate() {
        let (send, body, deadline, folder) = (
            send.clone(),
            body.clone(),
            settings.deadline(),
            folder.to_owned(),
        );
        thread::spawn(move || {
            let start = Instant::now();
            let outcome = ask_one(&folder, &peer, &body, deadline)
                .map_err(|error| crate::output::one_line(&error));
            // Whoever asked may have stopped waiting.
            let _ = send.send((
                place,
                Answer {
                    peer: peer.name,
                    outcome,
                    took: start.elapsed(),
                },
            ));
        });
    }
    drop(send);
    Ok(collect(&asked, &receive, settings.deadline()))
}

fn collect(
    asked: &[MatchPeer],
    receive: &mpsc::Receiver<(usize, Answer)>,
    deadline: Duration,
) -> Vec<Answer> {
    let start = Instant::now();
    let late = || Err(format!("no answer within {} s", deadline.as_secs()));
    let mut answers: Vec<_> = asked
        .iter()
        .map(|peer| Answer {
            peer: peer.name.clone(),
            outcome: late(),
            took: deadline,
        })
        .collect();
    // A second more than each request's own deadline, so that its reason arrives.
    while let Some(left) = (deadline + Duration::from_secs(1)).checked_sub(start.elapsed()) {
        match receive.recv_timeout(left) {
            Ok((place, answer)) => answers[place] = answer,
            Err(_) => break,
        }
    }
    answers
}

fn ask_one(
    folder: &Path,
    peer: &MatchPeer,
    body: &str,
    deadline: Duration,
) -> Result<(Vec<MatchResult>, Option<String>)> {
    let (Some(address), Some(file)) = (&peer.address, &peer.token_file) else {
        bail!("it has no address")
    };
    let token = read_token(&folder.join(file))?;
    // A redirect is not followed: it would take the token and the patient elsewhere.
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(deadline))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    let media_type = content_type(Version::LATEST);
    let mut response = agent
        .post(format!("{}/match", address.trim_end_matches('/')))
        .header(TOKEN_HEADER, &token)
        .header("Accept", &media_type)
        .header("Content-Type", &media_type)
        .send(body)
        .map_err(|error| failed(error, deadline))?;
    if response.status() != 200 {
        bail!("it answered with status {}", response.status().as_u16());
    }
    let text = response
        .body_mut()
        .with_config()
        .limit(ANSWER_MAX)
        .read_to_string()
        .map_err(|error| failed(error, deadline))?;
    let mut answer: MatchResponse = serde_json::from_str(&text)
        .ok()
        .context("its answer is not one of the API (v1.1)")?;
    let valid = |result: &MatchResult| (0.0..=1.0).contains(&result.score.patient);
    if !answer.results.iter().all(valid) {
        bail!("its answer has a score that is not from 0 to 1");
    }
    answer
        .results
        .sort_by(|a, b| b.score.patient.total_cmp(&a.score.patient));
    answer.results.truncate(RESULTS_MAX);
    Ok((answer.results, answer.disclaimer))
}

fn failed(error: ureq::Error, deadline: Duration) -> anyhow::Error {
    match error {
        ureq::Error::Timeout(_) => anyhow!("no answer within {} s", deadline.as_secs()),
        ureq::Error::BodyExceedsLimit(limit) => {
            anyhow!("its answer is larger than {} MiB", limit >> 20)
        }
        error => anyhow!(error).context("it could not be asked"),
    }
}

fn read_token(path: &Path) -> Result<String> {
    use std::os::unix::fs::PermissionsExt;
    let failed = || format!("cannot read the token in {}", path.display());
    if fs::metadata(path)
        .with_context(failed)?
        .permissions()
        .mode()
        & 0o077
        != 0
    {
        bail!(
            "others can read the token in {}; chmod 600 it",
            path.display()
        );
    }
    Ok(fs::read_to_string(path)
        .with_context(failed)?
        .trim()
        .to_owned())
}
