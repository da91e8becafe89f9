//! `ligate ledger`: what the privacy ledger holds, how much of each account is used, and the words
//! of a steward that it takes.

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use ligate_access::audit::Event;
use ligate_disclosure::{Account, DataUser, RunRecord, RunState, span::Limits, span::judge};
use ligate_model::{BinaryCoding, DatasetId, Digest, NodeName, Rule, VariableName};
use serde_json::json;

use crate::{books, cli, folder::Folder, output};

pub fn run(command: cli::Ledger, json: bool) -> Result<()> {
    match command {
        cli::Ledger::Show(args) => show(&Folder::open(&args.dir)?, json),
        cli::Ledger::Close { dir, question } => close(&Folder::open(&dir)?, question),
        cli::Ledger::Allow {
            dir,
            dataset,
            data_user,
            nodes,
        } => allow(&Folder::open(&dir)?, &dataset, &data_user, &nodes),
        cli::Ledger::Codings(args) => show_codings(&Folder::open(&args.dir)?, json),
        cli::Ledger::ForgetCoding {
            dir,
            dataset,
            variable,
        } => forget_coding(&Folder::open(&dir)?, &dataset, &variable, json),
    }
}

/// How much of an account is used, over this node's own people alone: over all nodes it is less.
struct Used {
    columns: usize,
    leverage: f64,
    share: f64,
}

impl Used {
    fn of(account: &Account, folder: &Folder) -> Self {
        let ids = account.distinct(|_| true);
        let rows = account.rows(&ids, &[], &[]);
        let threads = folder.config.limits.thread_count();
        let limits = Limits::of_cell(folder.config.disclosure[Rule::Cell]);
        let found = judge(&rows, limits, threads);
        Self {
            columns: ids.len(),
            leverage: found.leverage,
            share: found.share.min(1.0),
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "columns": self.columns, "leverage": self.leverage, "group_share": self.share })
    }
}

/// The data users of the ledger, each once.
fn data_users(runs: &[RunRecord]) -> Vec<DataUser> {
    let mut users: Vec<DataUser> = Vec::new();
    for run in runs {
        if !users.iter().any(|known| known.is(&run.data_user)) {
            users.push(run.data_user.clone());
        }
    }
    users
}

fn show(folder: &Folder, json: bool) -> Result<()> {
    let ledger = books::ledger(folder)?;
    let runs = ledger.runs()?;
    let exported = Used::of(&ledger.exported()?, folder);
    let mut accounts = Vec::new();
    for user in data_users(&runs) {
        let used = Used::of(&ledger.account(&user)?, folder);
        accounts.push((user, used));
    }
    if json {
        let inside = accounts
            .iter()
            .map(|(user, used)| json!({ "data_user": user.name, "used": used.json() }));
        return output::print_json(&json!({
            "version": 1,
            "inside": inside.collect::<Vec<_>>(),
            "exported": exported.json(),
            "runs": runs,
        }));
    }
    if runs.is_empty() && exported.columns == 0 {
        say!("no study has been made with the data of {}", folder.name());
        say!(
            "a coordinator without data has no account; `ligate ledger show` at the nodes has them"
        );
        return Ok(());
    }
    say!("accounts, judged over this node's own people (over all nodes the numbers are smaller):");
    for (user, used) in &accounts {
        say!("  {}: {}", user.name, words(used));
    }
    say!("  exported, for everybody: {}", words(&exported));
    for run in &runs {
        print(run);
    }
    Ok(())
}

fn words(used: &Used) -> String {
    format!(
        "{} columns; largest share of one person {:.2} (limit 0.50), of a small group {:.2} (limit 0.95)",
        used.columns, used.leverage, used.share
    )
}

fn print(run: &RunRecord) {
    let state = match run.state {
        RunState::Opened if run.people.is_none() => {
            "planned, or unfinished before genotypes were looked at".to_owned()
        }
        RunState::Opened => "unfinished".to_owned(),
        RunState::Closed => "closed".to_owned(),
        RunState::Released(result) => format!("released {}", result.short()),
    };
    let variants: u64 = run.exported.iter().map(|exported| exported.variants).sum();
    let exported = if run.is_exported() {
        format!(", {variants} variants exported")
    } else {
        String::new()
    };
    say!(
        "{}  {}  {}  {} nodes  {state}{exported}",
        run.dataset,
        run.data_user.name,
        run.opened.strftime("%F %T"),
        run.roster.len()
    );
    let mut columns: Vec<String> = Vec::new();
    for column in &run.columns {
        let name = column
            .variable
            .as_ref()
            .map_or_else(|| "people".to_owned(), ToString::to_string);
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    say!(
        "    question {}  job {}  columns of {}",
        run.question,
        run.job.short(),
        columns.join(", ")
    );
}

fn close(folder: &Folder, question: Digest) -> Result<()> {
    let closed = books::ledger(folder)?.close(question)?;
    ensure!(
        closed > 0,
        "no unfinished run has the question {question}; see `ligate ledger show`"
    );
    folder.record(Event::LedgerClosed {
        question,
        runs: closed as u64,
    })?;
    say!("closed {closed} runs: the question may be asked again with other nodes");
    Ok(())
}

/// The steward's word that a data user may run with other nodes than those that he began with.
fn allow(folder: &Folder, dataset: &DatasetId, data_user: &str, nodes: &[NodeName]) -> Result<()> {
    let mut roster = Vec::new();
    for node in nodes {
        let key = if node == folder.name() {
            folder.identity.public()
        } else {
            folder
                .config
                .peer(node)
                .with_context(|| format!("{node} is no peer of this node"))?
                .key
        };
        roster.push(*key.as_bytes());
    }
    ensure!(
        roster.contains(folder.identity.public().as_bytes()),
        "the nodes must include {} itself",
        folder.name()
    );
    ensure!(roster.len() >= 3, "a run needs three nodes or more");
    let ledger = books::ledger(folder)?;
    ledger.allow(dataset, data_user, &roster, Timestamp::now())?;
    let nodes = nodes.to_vec();
    folder.record(Event::RosterAllowed {
        dataset: dataset.clone(),
        data_user: data_user.to_owned(),
        nodes: nodes.clone(),
    })?;
    let names: Vec<_> = nodes.iter().map(NodeName::as_str).collect();
    say!(
        "{data_user} may also run on {dataset} with {}",
        names.join(", ")
    );
    note!(
        "what this means: a result with these nodes, less one with the nodes before, can be the sum of a single node, \
         also of this one; allow it only where every node that is in one roster and not in the other has agreed"
    );
    Ok(())
}

fn show_codings(folder: &Folder, json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for (dataset, codings) in books::ledger(folder)?.codings()? {
        for (variable, coding) in codings {
            if json {
                rows.push(json!({ "dataset": dataset, "variable": variable, "coding": coding }));
            } else {
                say!("{dataset}  {variable}  {}", reading(coding));
            }
        }
    }
    if json {
        output::print_json(&rows)
    } else {
        Ok(())
    }
}

/// A coding, and what it makes of people with the value 1.
fn reading(coding: BinaryCoding) -> &'static str {
    match coding {
        BinaryCoding::ZeroOne => "0/1: people with the value 1 are cases",
        BinaryCoding::OneTwo => "1/2: people with the value 1 are controls",
        BinaryCoding::Undecided => "not decided",
    }
}

fn forget_coding(
    folder: &Folder,
    dataset: &DatasetId,
    variable: &VariableName,
    json: bool,
) -> Result<()> {
    let forgotten = books::ledger(folder)?.forget_coding(dataset, variable, |coding| {
        let event = Event::CodingForgotten {
            dataset: dataset.clone(),
            variable: variable.clone(),
            coding,
        };
        folder.record(event).map(drop)
    })?;
    let forgotten = forgotten.with_context(|| {
        format!("no other node decided how {variable} of {dataset} is coded; see `ligate ledger codings`")
    })?;
    if json {
        return output::print_json(&json!({
            "dataset": dataset, "variable": variable, "forgotten": forgotten, "means": cli::FORGOTTEN_CODING,
        }));
    }
    say!(
        "forgot how {variable} of {dataset} was coded ({})",
        reading(forgotten)
    );
    say!("{}", cli::FORGOTTEN_CODING);
    Ok(())
}
