//! `ligate registry` and `ligate knowledge fetch`: a registry's patients, what is released of them,
//! and what peers have released.

use std::path::Path;

use anyhow::Result;
use ligate_disclosure::diagnosis_counts::{BatchKind, Closed, SingleCounts, Standing};
use ligate_knowledge::Knowledge;
use ligate_model::NodeName;
use serde_json::json;

use crate::{
    cli,
    diagnosis::Facts,
    folder::Folder,
    output,
    recovery::WITHDRAWALS_HEADER,
    registry::{
        self, AddOptions, Added, Registry,
        fetch::{self, Outcome},
    },
};

/// Problems that are printed one by one; all are counted.
const PRINTED_PROBLEMS: usize = 20;

pub fn run(command: cli::Registry, json: bool) -> Result<()> {
    match command {
        cli::Registry::Add(args) => add(&args, json),
        cli::Registry::Close(args) => close(&args, json),
        cli::Registry::Withdraw { dir, patient } => {
            let folder = Folder::open(&dir)?;
            let stopped = Registry::open(&folder)?.withdraw(&patient)?;
            say!("the patient is no longer in the registry, and is never counted again");
            if stopped {
                say!("{STOPPED}");
            }
            Ok(())
        }
        cli::Registry::Alleles { dir, dataset } => {
            let rows = registry::alleles::release(&Folder::open(&dir)?, &dataset)?;
            say!(
                "{} allele counts of {dataset} passed the gate and may be fetched",
                number(rows)
            );
            Ok(())
        }
        cli::Registry::Withdrawals { dir, out } => write_withdrawals(&Folder::open(&dir)?, &out),
        cli::Registry::Show(args) => show(&Folder::open(&args.dir)?, json),
    }
}

/// Hashes under the registry's key: of use only to this registry, and to copies of it.
fn write_withdrawals(folder: &Folder, out: &Path) -> Result<()> {
    let withdrawn = Registry::open(folder)?.withdrawn()?;
    output::write_private(out, |file| {
        file.write_all(WITHDRAWALS_HEADER.as_bytes())?;
        withdrawn
            .iter()
            .try_for_each(|number| writeln!(file, "{number:016x}"))
    })?;
    say!(
        "{} withdrawals are in {}",
        number(withdrawn.len()),
        out.display()
    );
    Ok(())
}

const STOPPED: &str = "A batch is no longer served: its other patients return when enough newcomers of their disease \
                       have come. Copies that peers fetched before cannot be called back; the next fetch replaces them.";

fn number(count: usize) -> String {
    output::thousands(count as u64)
}

/// The knowledge that cases are read by.
fn knowledge(named: Option<&Path>) -> Result<Knowledge> {
    Ok(Facts::open(named)?.knowledge)
}

fn add(args: &cli::RegistryAdd, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let terms = AddOptions {
        by_case_id: args.by_case_id,
        single_counts: args.consent_single_counts,
        matching: args.consent_matching,
    };
    let added =
        Registry::open(&folder)?.add(&args.cases, terms, &knowledge(args.knowledge.as_deref())?)?;
    if json {
        return output::print_json(&json!({
            "added": added.added, "changed": added.changed, "unchanged": added.unchanged,
            "left_out": added.left_out, "withdrawn": added.withdrawn, "batches_stopped": added.stopped, "problems": added.problems.total(),
        }));
    }
    print_added(&added);
    Ok(())
}

fn print_added(added: &Added) {
    for problem in added.problems.kept().iter().take(PRINTED_PROBLEMS) {
        note!("problem: {problem}");
    }
    let unseen = added
        .problems
        .total()
        .saturating_sub(PRINTED_PROBLEMS as u64);
    if unseen > 0 {
        note!("and {} more problems", output::thousands(unseen));
    }
    say!(
        "{} patients added, {} changed, {} as before, {} cases left out",
        output::thousands(added.added),
        output::thousands(added.changed),
        output::thousands(added.unchanged),
        output::thousands(added.left_out)
    );
    if added.withdrawn > 0 {
        say!(
            "{} of these are of patients who have withdrawn",
            output::thousands(added.withdrawn)
        );
    }
    if added.stopped > 0 {
        say!("{STOPPED}");
    }
    say!("nothing of them is released before `ligate registry close`");
}

fn close(args: &cli::RegistryClose, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let registry = Registry::open(&folder)?;
    let closed = match args.epsilon {
        Some(epsilon) => registry.close_private(epsilon, &knowledge(args.knowledge.as_deref())?)?,
        None if args.single_counts => registry.close(SingleCounts::WithConsent)?,
        None => registry.close(SingleCounts::Never)?,
    };
    let served = registry.table()?.get().len();
    if json {
        let Closed {
            batches,
            patients,
            rows,
            waiting,
        } = closed;
        return output::print_json(&json!({
            "batches": batches, "patients": patients, "rows": rows, "waiting": waiting, "served_rows": served,
        }));
    }
    say!(
        "{} batches closed with {} patients: {} counts passed; {} patients wait",
        number(closed.batches),
        number(closed.patients),
        number(closed.rows),
        number(closed.waiting)
    );
    say!("the table has {} rows now", number(served));
    Ok(())
}

fn show(folder: &Folder, json: bool) -> Result<()> {
    let registry = Registry::open(folder)?;
    let standings = registry.standings()?;
    let count = |standing: Standing| standings.iter().filter(|one| **one == standing).count();
    let batches = registry.batches()?;
    let (served, stopped): (Vec<_>, Vec<_>) =
        batches.iter().partition(|batch| batch.stopped.is_none());
    let private = served
        .iter()
        .filter(|batch| matches!(batch.kind, BatchKind::Private { .. }))
        .count();
    let rows = registry.table()?.get().len();
    let diseases = registry::patients_by_disease(&registry)?.len();
    let settings = &folder.config.diagnosis;
    let unknown = |name: &&NodeName| folder.config.peer(name).is_none();
    let listed = settings.counts_for.iter().chain(&settings.alleles_for);
    let unknown: Vec<&NodeName> = listed.filter(unknown).collect();
    if json {
        return output::print_json(&json!({
            "patients": standings.len(), "diseases": diseases, "counted": count(Standing::Served),
            "waiting": count(Standing::Newcomer) + count(Standing::Returning), "rows": rows,
            "batches_served": served.len(), "batches_stopped": stopped.len(), "private_batches": private,
            "counts_for": settings.counts_for, "alleles_for": settings.alleles_for, "unknown_peers": unknown,
        }));
    }
    say!(
        "{} patients with {} diseases",
        number(standings.len()),
        number(diseases)
    );
    say!(
        "{} are counted in {} served batches ({} with noise); {} wait, of whom {} were in a batch that was stopped",
        number(count(Standing::Served)),
        number(served.len()),
        number(private),
        number(count(Standing::Newcomer) + count(Standing::Returning)),
        number(count(Standing::Returning))
    );
    say!("{} batches were stopped", number(stopped.len()));
    say!(
        "the table has {} rows; it may be fetched by: {}",
        number(rows),
        names(&settings.counts_for)
    );
    say!(
        "released allele counts may be fetched by: {}",
        names(&settings.alleles_for)
    );
    for name in unknown {
        note!("warning: [diagnosis] in ligate.toml names {name}, which is no peer");
    }
    Ok(())
}

fn names(names: &[NodeName]) -> String {
    let names: Vec<_> = names.iter().map(NodeName::as_str).collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}

/// `ligate knowledge fetch`.
pub fn fetch(dir: &Path, json: bool) -> Result<()> {
    let folder = Folder::open(dir)?;
    let fetched = fetch::run(&folder)?;
    if json {
        return output::print_json(&fetched);
    }
    for peer in &fetched {
        say!(
            "{}: diagnosis counts: {}; allele counts: {}",
            peer.peer,
            words(&peer.counts),
            words(&peer.alleles)
        );
    }
    if fetched.is_empty() {
        say!(
            "{} knows no peer with an address; add one with `ligate peer add`",
            folder.name()
        );
    }
    Ok(())
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Fetched { rows } => format!("{} rows fetched", number(*rows)),
        Outcome::Declined { reason } => format!("not shared ({reason})"),
        Outcome::Refused { reason } => format!("refused, not used: {reason}"),
        Outcome::Unreachable { reason } => {
            format!("not fetched, what was fetched before is used: {reason}")
        }
    }
}
