//! One request to one answer, without a socket: route, token, version, body.

use ligate_api::mme::{
    Heartbeat, HeartbeatAnswer, MatchRequest, MatchResponse, MetricsAnswer, MmeError, Version,
    answer_version, content_type,
};
use ligate_model::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Matchmaking, Shelf};

/// Bytes of a request's body at the most.
pub const BODY_MAX: usize = 1 << 20;

/// What came in.
pub struct Asked<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub token: Option<&'a str>,
    pub accept: Option<&'a str>,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// What goes out.
pub struct Answered {
    pub status: u16,
    pub content_type: String,
    pub body: String,
    /// Where patients were compared: who asked, and how many matches it gets.
    pub matched: Option<Matched>,
}

/// What is recorded of an answered match request.
pub struct Matched {
    pub peer: String,
    pub matches: u64,
}

/// Requests and matches so far, for `/metrics`.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub requests: u64,
    pub matches: u64,
}

/// Answers one request.
pub fn answer(
    shelf: &Shelf<'_>,
    settings: &Matchmaking,
    asked: &Asked<'_>,
    tally: Tally,
    date: &str,
) -> Answered {
    route(shelf, settings, asked, tally, date).unwrap_or_else(|error| Answered {
        status: error.status(),
        content_type: content_type(Version::LATEST),
        body: error.body(),
        matched: None,
    })
}

fn route(
    shelf: &Shelf<'_>,
    settings: &Matchmaking,
    asked: &Asked<'_>,
    tally: Tally,
    date: &str,
) -> Result<Answered, MmeError> {
    // Nothing is said to a stranger, not even which addresses there are.
    let peer = peer_of(settings, asked.token).ok_or(MmeError::Unauthorized)?;
    let get = |asked: &Asked<'_>| if asked.method == "GET" { Ok(()) } else { Err(MmeError::Method("GET")) };
    let disclaimer = Some(settings.disclaimer.clone());
    match asked.path {
        "/match" => matched(shelf, settings, asked, &peer.name),
        "/metrics" => {
            get(asked)?;
            let metrics = shelf.metrics(tally.requests, tally.matches, date.to_owned());
            json(Version::LATEST, &MetricsAnswer { metrics, disclaimer }, None)
        }
        "/heartbeat" => {
            get(asked)?;
            let heartbeat = Heartbeat::of(env!("CARGO_PKG_VERSION"), settings.production);
            json(Version::LATEST, &HeartbeatAnswer { heartbeat, disclaimer }, None)
        }
        "/disclaimer" => {
            get(asked)?;
            json(
                Version::LATEST,
                &serde_json::json!({ "disclaimer": settings.disclaimer, "terms": settings.terms }),
                None,
            )
        }
        _ => Err(MmeError::NotFound),
    }
}

fn matched(
    shelf: &Shelf<'_>,
    settings: &Matchmaking,
    asked: &Asked<'_>,
    peer: &str,
) -> Result<Answered, MmeError> {
    if asked.method != "POST" {
        return Err(MmeError::Method("POST"));
    }
    let version = answer_version(asked.accept, asked.content_type)?;
    let request = MatchRequest::parse(asked.body)?;
    let results = shelf.matches(&request.patient, settings.results, settings.score);
    let matched = Matched { peer: peer.to_owned(), matches: results.len() as u64 };
    let disclaimer = Some(settings.disclaimer.clone());
    json(version, &MatchResponse { results, disclaimer, terms: settings.terms.clone() }, Some(matched))
}

fn json(version: Version, value: &impl Serialize, matched: Option<Matched>) -> Result<Answered, MmeError> {
    let body = serde_json::to_string(value).map_err(|_| MmeError::Internal)?;
    Ok(Answered { status: 200, content_type: content_type(version), body, matched })
}

/// The peer whose token this is. Only digests are stored and compared, so that time tells nothing about a token.
fn peer_of<'s>(settings: &'s Matchmaking, token: Option<&str>) -> Option<&'s super::MatchPeer> {
    let digest = Digest::from_bytes(Sha256::digest(token?.as_bytes()).into());
    settings.peers.iter().find(|peer| peer.token_sha256 == Some(digest))
}
