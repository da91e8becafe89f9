//! `ligate knowledge fetch`: every peer's tables, whole, ahead of any patient. The questions hold
//! nothing but the kind of table and the number of a page, so that what is sent is the same whoever
//! is diagnosed later. All peers are asked at once, each under its own deadline; who did not answer
//! is said, and what was fetched before stays in use.

use std::time::Duration;

use anyhow::{Context, Result};
use ligate_access::audit::Event;
use ligate_clinic::counts::CountTable;
use ligate_model::{NodeName, Purpose};
use serde::Serialize;
use tokio::{task::JoinSet, time::timeout};

use super::peers::{self, PeerAlleles, TALLIES_MAX};
use crate::{
    config::Peer,
    folder::Folder,
    output,
    session::{Answer, Question, client::Correspondent},
};

/// What came of one table of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Fetched whole, with so many rows.
    Fetched { rows: usize },
    /// The peer does not share it: what was fetched before is no longer used.
    Declined { reason: String },
    /// The table breaks a rule: neither it nor what was fetched before is used.
    Refused { reason: String },
    /// No answer: what was fetched before stays in use.
    Unreachable { reason: String },
}

/// What came of one peer.
#[derive(Clone, Debug, Serialize)]
pub struct Fetched {
    pub peer: NodeName,
    pub counts: Outcome,
    pub alleles: Outcome,
}

/// Asks all peers that the steward lists; else all that have an address. In the order of
/// ligate.toml.
pub fn run(folder: &Folder) -> Result<Vec<Fetched>> {
    let asked = asked(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let answers = runtime.block_on(ask_all(folder, &asked))?;
    let keep =
        |(peer, (counts, alleles)): (&Peer, Tables)| keep(folder, &peer.name, counts, alleles);
    asked.into_iter().zip(answers).map(keep).collect()
}

fn asked(folder: &Folder) -> Result<Vec<&Peer>> {
    let config = &folder.config;
    let Some(listed) = &config.diagnosis.fetch_from else {
        return Ok(config
            .peers
            .iter()
            .filter(|peer| peer.address.is_some())
            .collect());
    };
    let known = |name: &NodeName| {
        config.peer(name).with_context(|| {
            format!("[diagnosis] fetch_from names {name}, which is no peer; add it with `ligate peer add`")
        })
    };
    listed.iter().map(known).collect()
}

/// Why a table is not there.
enum Missing {
    Declined(String),
    Refused(String),
    Unreachable(String),
}

type Table<T> = Result<T, Missing>;
type Tables = (Table<CountTable>, Table<PeerAlleles>);

async fn ask_all(folder: &Folder, asked: &[&Peer]) -> Result<Vec<Tables>> {
    let deadline = folder.config.diagnosis.fetch_deadline();
    let mut running = JoinSet::new();
    for (place, peer) in asked.iter().enumerate() {
        let correspondent = Correspondent::new(folder, peer, &peer.name);
        running.spawn(async move {
            let answer = match correspondent {
                Ok(correspondent) => ask(&correspondent, deadline).await,
                Err(error) => unreachable(&output::one_line(&error)),
            };
            (place, answer)
        });
    }
    let mut answers: Vec<(usize, Tables)> = Vec::new();
    while let Some(done) = running.join_next().await {
        answers.push(done.context("a fetch failed")?);
    }
    answers.sort_by_key(|(place, _)| *place);
    Ok(answers.into_iter().map(|(_, tables)| tables).collect())
}

fn unreachable(reason: &str) -> Tables {
    (
        Err(Missing::Unreachable(reason.to_owned())),
        Err(Missing::Unreachable(reason.to_owned())),
    )
}

async fn ask(peer: &Correspondent, deadline: Duration) -> Tables {
    let counts = in_time(deadline, counts(peer, deadline)).await;
    // A peer that cannot be reached is not waited for twice.
    if let Err(Missing::Unreachable(reason)) = &counts {
        return unreachable(reason);
    }
    (counts, in_time(deadline, alleles(peer, deadline)).await)
}

async fn in_time<T>(deadline: Duration, asked: impl Future<Output = Table<T>>) -> Table<T> {
    let late =
        || Missing::Unreachable(format!("it did not answer within {} s", deadline.as_secs()));
    timeout(deadline, asked)
        .await
        .unwrap_or_else(|_| Err(late()))
}

async fn counts(peer: &Correspondent, deadline: Duration) -> Table<CountTable> {
    match put(peer, Question::DiagnosisCounts, deadline).await? {
        Answer::DiagnosisCounts { rows } => {
            CountTable::new(rows).map_err(|error| Missing::Refused(error.to_string()))
        }
        _ => Err(Missing::Refused("it answered something else".to_owned())),
    }
}

async fn alleles(peer: &Correspondent, deadline: Duration) -> Table<PeerAlleles> {
    let (mut whole, mut snapshot): (Option<PeerAlleles>, _) = (None, None);
    for page in 0.. {
        let Answer::AlleleCounts { page } =
            put(peer, Question::AlleleCounts { page }, deadline).await?
        else {
            return Err(Missing::Refused("it answered something else".to_owned()));
        };
        if *snapshot.get_or_insert(page.snapshot) != page.snapshot {
            return Err(Missing::Unreachable(
                "its allele counts changed on the way; fetch again".to_owned(),
            ));
        }
        let (more, empty) = (page.more, page.rows.is_empty());
        let first = || PeerAlleles {
            assembly: page.assembly,
            tallies: Vec::new(),
        };
        let all = whole.get_or_insert_with(first);
        all.tallies.extend(page.rows);
        if !more || empty || all.tallies.len() > TALLIES_MAX {
            break;
        }
    }
    let whole = whole.ok_or_else(|| Missing::Refused("it sent no page".to_owned()))?;
    whole
        .check()
        .map_err(|error| Missing::Refused(error.to_string()))?;
    Ok(whole)
}

async fn put(peer: &Correspondent, question: Question, deadline: Duration) -> Table<Answer> {
    match peer.put(&question, deadline).await {
        Ok(Answer::Declined { reason }) => Err(Missing::Declined(reason)),
        Ok(answer) => Ok(answer),
        Err(error) if error.is::<crate::session::client::Unreadable>() => {
            Err(Missing::Refused(output::one_line(&error)))
        }
        Err(error) => Err(Missing::Unreachable(output::one_line(&error))),
    }
}

fn keep(
    folder: &Folder,
    peer: &NodeName,
    counts: Table<CountTable>,
    alleles: Table<PeerAlleles>,
) -> Result<Fetched> {
    let counts = match counts {
        Ok(table) => {
            peers::keep_table(folder, peer, &table)?;
            Outcome::Fetched {
                rows: table.rows().len(),
            }
        }
        Err(missing) => without(folder, peer, "counts", missing)?,
    };
    let alleles = match alleles {
        Ok(table) => {
            peers::keep_alleles(folder, peer, &table)?;
            Outcome::Fetched {
                rows: table.tallies.len(),
            }
        }
        Err(missing) => without(folder, peer, "alleles", missing)?,
    };
    let rows = |outcome: &Outcome| match outcome {
        Outcome::Fetched { rows } => *rows as u64,
        _ => 0,
    };
    folder.record(Event::CountsFetched {
        peer: peer.clone(),
        diagnosis_rows: rows(&counts),
        allele_rows: rows(&alleles),
        purpose: Purpose::Care,
    })?;
    Ok(Fetched {
        peer: peer.clone(),
        counts,
        alleles,
    })
}

fn without(folder: &Folder, peer: &NodeName, kind: &str, missing: Missing) -> Result<Outcome> {
    Ok(match missing {
        Missing::Declined(reason) => {
            peers::forget(folder, peer, kind)?;
            Outcome::Declined { reason }
        }
        Missing::Refused(reason) => {
            peers::forget(folder, peer, kind)?;
            Outcome::Refused { reason }
        }
        Missing::Unreachable(reason) => Outcome::Unreachable { reason },
    })
}
