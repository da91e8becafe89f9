//! `ligate ingest`: files become a dataset's next snapshot.

use anyhow::{Result, anyhow};
use ligate_access::audit::Event;
use ligate_formats::Problems;
use ligate_lake::{
    ChangedVariants, HistoryKey, LakeError, LoadReport, LoadRequest, Progress, VcfGroup,
};
use ligate_model::{DatasetId, IndividualId};
use ligate_records::{known_as, phenotypes::PhenotypeReport};
use serde_json::json;

use crate::{books, cli::Ingest, folder::Folder, interrupt, output, progress::Stages};

/// Problems that are printed one by one; all are counted.
const PRINTED_PROBLEMS: usize = 20;

pub fn run(args: Ingest, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let report = load(&folder, request(&folder, args))?;
    if json {
        return output::print_json(&as_json(&report));
    }
    print(&report);
    Ok(())
}

fn request(folder: &Folder, args: Ingest) -> LoadRequest {
    LoadRequest {
        dataset: args.dataset,
        groups: vec![VcfGroup {
            files: args.vcf,
            id_prefix: None,
        }],
        phenotypes: args
            .phenotypes
            .into_iter()
            .map(|file| (file, None))
            .collect(),
        known_as: args.known_as,
        assembly: args.assembly,
        reference: args.reference,
        threads: folder.config.limits.thread_count(),
        memory_bytes: folder.config.limits.memory_bytes(),
        one_block: false,
        history_key: history_key(folder),
    }
}

/// The secret by which a node's datasets keep what changed in their calls. It follows from the
/// node's key, so a copy of a dataset alone does not have it.
pub fn history_key(folder: &Folder) -> HistoryKey {
    HistoryKey::new(*folder.identity.secret("ligate history of calls").as_bytes())
}

/// Loads and records the load in the audit log.
pub fn load(folder: &Folder, request: LoadRequest) -> Result<LoadReport> {
    folder.record(Event::LoadBegun {
        dataset: request.dataset.clone(),
    })?;
    let stages = Stages::new(folder.name().as_str());
    let progress = |step: Progress| stages.update(step.stage, step.done, step.total);
    // Who left with an earlier load that died before it could say so is noted now, while it still
    // shows.
    let replacing =
        |people: &[IndividualId]| Ok(note_departed(folder, &request.dataset, people).map(|_| ())?);
    let report = folder
        .lake()?
        .load_over(&request, interrupt::flag(), &progress, &replacing);
    let report = report.map_err(|error| with_way_out(folder, error))?;
    stages.finish();
    match note_departed(
        folder,
        &request.dataset,
        folder.lake()?.snapshot(&request.dataset)?.individuals(),
    ) {
        Ok(0) => {}
        Ok(left) => note!(
            "{left} people of earlier studies have left; should they come back, they take part in no study"
        ),
        Err(error) => note!(
            "warning: who left the dataset is not noted yet, and will be before the next study or load: {}",
            output::one_line(&error)
        ),
    }
    folder.record(Event::Load {
        dataset: request.dataset,
        snapshot: report.snapshot,
        individuals: report.individuals as u64,
        variants: report.variants,
        skipped: report.skipped,
        known_as: report.known_as as u64,
        other_people: report.other_people as u64,
    })?;
    Ok(report)
}

/// Where people are known under other ids, or are twice in the files, writes who they are and says
/// how they can be loaded.
fn with_way_out(folder: &Folder, error: LakeError) -> anyhow::Error {
    let table = |name: &str| folder.path().join(name);
    let (table, written, way_out) = match &error {
        LakeError::SamePeople { pairs, .. } => {
            let table = table("same-people.tsv");
            let way_out = format!(
                "load again with `--known-as {}`. A line with the same id twice says that somebody is another person, as an \
                 identical twin",
                table.display()
            );
            let written = output::write_private(&table, |out| known_as::write(out, pairs));
            (table, written, way_out)
        }
        LakeError::Twice { pairs } => {
            let table = table("twice.tsv");
            let written = output::write_private(&table, |out| {
                writeln!(out, "individual\tother")?;
                pairs.iter().try_for_each(|[one, other]| {
                    writeln!(out, "{}\t{}", one.as_str(), other.as_str())
                })
            });
            let way_out = "leave one of the two out of the files. Identical twins are loaded with `--known-as TABLE`, where \
                           a line has the id of one of them in both columns (individual, known_as)";
            (table, written, way_out.to_owned())
        }
        _ => return error.into(),
    };
    match written {
        Ok(()) => anyhow!("{error}. {} lists them; {way_out}", table.display()),
        Err(failed) => failed.context(error),
    }
}

/// Has the ledger remember who of earlier studies is not among `people`, those of a snapshot in
/// force. Gives how many were noted for the first time. Every study does so again.
fn note_departed(folder: &Folder, dataset: &DatasetId, people: &[IndividualId]) -> Result<usize> {
    let ledger = books::ledger(folder)?;
    let present: Vec<u64> = people.iter().map(|person| ledger.number(person)).collect();
    Ok(ledger.note_departed(dataset, &present)?)
}

fn as_json(report: &LoadReport) -> serde_json::Value {
    json!({
        "snapshot": report.snapshot, "assembly": report.assembly, "individuals": report.individuals,
        "variants": report.variants, "records": report.records, "skipped": report.skipped,
        "not_analysed": report.not_analysed, "bytes": report.bytes,
        "changed_calls": {
            "variants": report.changed.total(), "appeared": report.changed.appeared,
            "vanished": report.changed.vanished, "kept": report.changed.kept,
        },
        "known_as": report.known_as, "other_people": report.other_people,
        "individuals_without_row": report.phenotypes.as_ref().map(|table| table.without_row),
        "rows_without_genotypes": report.phenotypes.as_ref().map(|table| table.without_genotypes),
        "text_columns": report.phenotypes.as_ref().map(text_columns),
        "problems": report.problems.total(),
        "first_problems": messages(&report.problems).collect::<Vec<_>>(),
    })
}

fn text_columns(report: &PhenotypeReport) -> Vec<&str> {
    report
        .text_columns
        .iter()
        .map(|column| column.name.as_str())
        .collect()
}

fn messages(problems: &Problems) -> impl Iterator<Item = String> {
    problems
        .kept()
        .iter()
        .take(PRINTED_PROBLEMS)
        .map(ToString::to_string)
}

fn print(report: &LoadReport) {
    let number = |count| output::thousands(count);
    say!(
        "loaded {} individuals x {} variants ({}) as snapshot {}, {} kB",
        number(report.individuals as u64),
        number(report.variants),
        report.assembly,
        report.snapshot.short(),
        number(report.bytes / 1000),
    );
    if report.not_analysed > 0 {
        say!(
            "{} variants are not on chromosomes 1 to 22: loaded, but left out of GWAS for now",
            number(report.not_analysed)
        );
    }
    if report.known_as > 0 {
        say!(
            "{} of them under the ids that they had before",
            number(report.known_as as u64)
        );
    }
    if let Some(sentence) = changed_calls(report.changed) {
        say!("{sentence}");
    }
    if report.changed.kept > 0 {
        say!(
            "{} variants of earlier files are not listed any more; people who stay keep their calls, since none of them \
             carries one",
            number(report.changed.kept)
        );
    }
    if let Some(phenotypes) = &report.phenotypes {
        print_phenotypes(phenotypes);
    }
    for message in messages(&report.problems) {
        note!("problem: {message}");
    }
    let unseen = report
        .problems
        .total()
        .saturating_sub(PRINTED_PROBLEMS as u64);
    if unseen > 0 {
        note!("and {} more problems", number(unseen));
    }
    say!(
        "{} problems, {} records skipped",
        number(report.problems.total()),
        number(report.skipped)
    );
}

/// Nothing where the calls are what they were, as after a first load.
fn changed_calls(changed: ChangedVariants) -> Option<String> {
    let total = changed.total();
    if total == 0 {
        return None;
    }
    let variants = if total == 1 { "variant" } else { "variants" };
    let parts = [
        (changed.appeared, "not there before"),
        (changed.vanished, "no longer there"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{} {what}", output::thousands(*count)))
        .collect();
    let those = if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    };
    let total = output::thousands(total);
    Some(format!(
        "the calls of people who were there before changed in {total} {variants}{those}"
    ))
}

fn print_phenotypes(report: &PhenotypeReport) {
    if report.without_row > 0 {
        say!(
            "{} individuals have no row in the phenotype table: every variable counts as missing",
            report.without_row
        );
    }
    if report.without_genotypes > 0 {
        say!(
            "{} rows of the phenotype table have no genotypes and were left out",
            report.without_genotypes
        );
    }
    if !report.text_columns.is_empty() {
        let columns = report.text_columns.iter();
        let columns = columns
            .map(|column| format!("{} (first text in line {})", column.name, column.first_line));
        say!(
            "text columns, which cannot be analysed: {}",
            columns.collect::<Vec<_>>().join(", ")
        );
    }
}
