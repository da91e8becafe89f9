//! `ligate match`: who else has a patient like this one, in this node's own registry and at the
//! peers of the exchange.

use anyhow::{Context, Result, bail};
use ligate_access::audit::Event;
use ligate_api::mme::MatchResult;
use ligate_clinic::matching::Weights;
use ligate_model::Purpose;
use ligate_records::cases;
use rand_core::{OsRng, RngCore};
use serde_json::json;

use crate::{
    cli,
    diagnosis::Facts,
    folder::Folder,
    matchmaking::{self, Answer, ShownPatients},
    output,
};

/// Letters shown of one text of a peer.
const LETTERS_MAX: usize = 500;

pub fn run(args: &cli::Match, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let settings = folder.config.matchmaking.clone().with_context(|| {
        format!(
            "{} has no [matchmaking]; say there who may be asked",
            args.dir.join("ligate.toml").display()
        )
    })?;
    if !args.own && !args.consent {
        bail!(
            "a match sends this patient's terms and genes to peers; state with --consent that the patient's consent to it \
             is recorded, or use --own to search this node's registry only"
        );
    }
    let facts = Facts::open(args.knowledge.as_deref())?;
    let (record, _) = cases::read_one(&args.case)?;
    // A new name for every question: two questions about one patient cannot be told to belong
    // together.
    let request = matchmaking::request_about(
        &facts.knowledge,
        &one_time_name(),
        &record.case,
        &settings.contact,
    );
    let own = own_matches(&folder, &facts, &request.patient, args.top)?;
    let answers = if args.own {
        Vec::new()
    } else {
        // Before anything leaves: what cannot be recorded is not asked.
        let peers = matchmaking::asked(&settings);
        folder.record(Event::MatchAsked {
            peers,
            purpose: Purpose::Care,
        })?;
        matchmaking::ask(&args.dir, &settings, &request)?
    };
    if json {
        return print_json(&own, &answers);
    }
    print(&own, &answers, args.top);
    Ok(())
}

fn one_time_name() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// Patients of this node's own registry. Their steward sees them all the same, so no score is too
/// low.
fn own_matches(
    folder: &Folder,
    facts: &Facts,
    asked: &ligate_api::mme::Patient,
    top: usize,
) -> Result<Vec<MatchResult>> {
    let weights = Weights::of(&facts.knowledge);
    let contact = ligate_api::mme::Contact {
        name: folder.name().to_string(),
        ..Default::default()
    };
    let patients = matchmaking::shown(folder)?;
    Ok(
        ShownPatients::new(&facts.knowledge, &weights, &patients, &contact)
            .matches(asked, top, 0.0),
    )
}

fn print_json(own: &[MatchResult], answers: &[Answer]) -> Result<()> {
    let peers: Vec<_> = answers
        .iter()
        .map(|answer| {
            let milliseconds = answer.took.as_millis() as u64;
            match &answer.outcome {
                Ok((results, disclaimer)) => json!({
                    "peer": answer.peer, "results": results, "disclaimer": disclaimer, "milliseconds": milliseconds,
                }),
                Err(reason) => json!({ "peer": answer.peer, "error": reason, "milliseconds": milliseconds }),
            }
        })
        .collect();
    output::print_json(&json!({ "own": own, "peers": peers }))
}

fn print(own: &[MatchResult], answers: &[Answer], top: usize) {
    say!("own registry: {} patients alike", own.len());
    table(own, top);
    for answer in answers {
        match &answer.outcome {
            Ok((results, disclaimer)) => {
                say!(
                    "{}: {} patients alike ({} ms)",
                    answer.peer,
                    results.len(),
                    answer.took.as_millis()
                );
                table(results, top);
                if let Some(disclaimer) = disclaimer {
                    say!("     {}", readable(disclaimer));
                }
            }
            Err(reason) => say!("{}: did not answer: {reason}", answer.peer),
        }
    }
}

fn table(results: &[MatchResult], top: usize) {
    for result in results.iter().take(top) {
        let patient = &result.patient;
        let genes: Vec<_> = patient
            .genomic_features
            .iter()
            .map(|of| of.gene.id.as_str())
            .collect();
        let disorders: Vec<_> = patient.disorders.iter().map(|of| of.id.as_str()).collect();
        say!(
            "     {:.2}  {}  {} features; genes {}; disorders {}; contact {} {}",
            result.score.patient,
            readable(&patient.id),
            patient.features.len(),
            or_none(&genes),
            or_none(&disorders),
            readable(&patient.contact.name),
            readable(&patient.contact.href)
        );
    }
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() {
        "not told".to_owned()
    } else {
        readable(&names.join(", "))
    }
}

/// What a peer wrote, for a terminal: short, and without characters that could move its cursor.
fn readable(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|letter| !letter.is_control())
        .take(LETTERS_MAX + 1)
        .collect();
    match plain.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}...", &plain[..end]),
        None => plain,
    }
}
