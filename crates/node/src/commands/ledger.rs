//! `ligate ledger`: what the privacy ledger remembers, and the one word of a steward that it takes.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use ligate_access::{PublicKey, audit::Event};
use ligate_disclosure::{Ledger, RunState};
use ligate_model::{DatasetId, Digest};
use rand_core::OsRng;
use serde_json::json;

use crate::{cli, folder::Folder, output};

pub fn run(command: cli::Ledger, json: bool) -> Result<()> {
    match command {
        cli::Ledger::Show(args) => show(&Folder::open(&args.dir)?, json),
        cli::Ledger::Close { dir, question } => close(&Folder::open(&dir)?, question),
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
