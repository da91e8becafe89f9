//! `ligate ledger`: what the privacy ledger remembers, and the two words of a steward that it takes.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use ligate_access::{PublicKey, audit::Event};
use ligate_disclosure::{Ledger, RunState};
use ligate_model::{BinaryCoding, DatasetId, Digest, VariableName};
use rand_core::OsRng;
use serde_json::json;

use crate::{cli, folder::Folder, output, serve::codings};

pub fn run(command: cli::Ledger, json: bool) -> Result<()> {
    match command {
        cli::Ledger::Show(args) => show(&Folder::open(&args.dir)?, json),
        cli::Ledger::Close { dir, question } => close(&Folder::open(&dir)?, question),
        cli::Ledger::Codings(args) => show_codings(&Folder::open(&args.dir)?, json),
        cli::Ledger::ForgetCoding { dir, dataset, variable } => {
            forget_coding(&Folder::open(&dir)?, &dataset, &variable, json)
        }
    }
}

/// The ledger of one dataset and data user.
struct Book {
    dataset: DatasetId,
    data_user: PublicKey,
    ledger: Ledger,
}

fn books(folder: &Folder) -> Result<Vec<Book>> {
    let mut books = Vec::new();
    for dataset in names(&folder.ledger())? {
        let Ok(dataset) = dataset.parse::<DatasetId>() else { continue };
        for user in names(&folder.ledger().join(dataset.as_str()))? {
            let mut key = [0; 32];
            hex::decode_to_slice(&user, &mut key)
                .with_context(|| format!("the ledger has a folder {user}, which is no key"))?;
            let ledger = Ledger::open(&folder.ledger(), &dataset, &key, &mut OsRng)?;
            books.push(Book { dataset: dataset.clone(), data_user: PublicKey::from_bytes(key)?, ledger });
        }
    }
    Ok(books)
}

/// The folders in `path`, in order; none where there is no such path.
fn names(path: &Path) -> Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(path) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn show(folder: &Folder, json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for book in books(folder)? {
        for run in book.ledger.runs()? {
            if json {
                rows.push(json!({ "dataset": book.dataset, "data_user": book.data_user, "run": run }));
                continue;
            }
            let state = match run.state {
                RunState::Opened => "unfinished".to_owned(),
                RunState::Closed => "closed".to_owned(),
                RunState::Released(result) => format!("released {}", result.short()),
            };
            say!(
                "{}  {}  {}  {} nodes  {state}",
                book.dataset,
                book.data_user.short(),
                run.opened.strftime("%F %T"),
                run.roster.len()
            );
            say!("    question {}  job {}", run.question, run.job.short());
        }
    }
    if json { output::print_json(&rows) } else { Ok(()) }
}

fn close(folder: &Folder, question: Digest) -> Result<()> {
    let mut closed = 0;
    for book in books(folder)? {
        closed += book.ledger.close(question)?;
    }
    ensure!(closed > 0, "no unfinished run has the question {question}; see `ligate ledger show`");
    folder.record(Event::LedgerClosed { question, runs: closed as u64 })?;
    say!("closed {closed} runs: the question may be asked again with other nodes");
    Ok(())
}

fn show_codings(folder: &Folder, json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for (dataset, codings) in codings::all(&folder.ledger())? {
        for (variable, coding) in codings {
            if json {
                rows.push(json!({ "dataset": dataset, "variable": variable, "coding": coding }));
            } else {
                say!("{dataset}  {variable}  {}", reading(coding));
            }
        }
    }
    if json { output::print_json(&rows) } else { Ok(()) }
}

/// A coding, and what it makes of people with the value 1.
fn reading(coding: BinaryCoding) -> &'static str {
    match coding {
        BinaryCoding::ZeroOne => "0/1: people with the value 1 are cases",
        BinaryCoding::OneTwo => "1/2: people with the value 1 are controls",
        BinaryCoding::Undecided => "not decided",
    }
}

fn forget_coding(folder: &Folder, dataset: &DatasetId, variable: &VariableName, json: bool) -> Result<()> {
    let forgotten = codings::forget(&folder.ledger(), dataset, variable, |coding| {
        let event = Event::CodingForgotten { dataset: dataset.clone(), variable: variable.clone(), coding };
        folder.record(event).map(drop)
    })?;
    if json {
        return output::print_json(&json!({
            "dataset": dataset, "variable": variable, "forgotten": forgotten, "means": cli::FORGOTTEN_CODING,
        }));
    }
    say!("forgot how {variable} of {dataset} was coded ({})", reading(forgotten));
    say!("{}", cli::FORGOTTEN_CODING);
    Ok(())
}
