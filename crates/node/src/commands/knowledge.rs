//! `ligate knowledge`: making the file of facts that diagnosis rests on, fetching its releases, and
//! saying what it holds.

pub mod genome;
mod releases;
mod sources;
mod update;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ligate_formats::Problems;
use ligate_knowledge::{Builder, Knowledge, KnowledgeFile, Notes};
use serde_json::json;

use self::releases::Releases;
use crate::{cli, diagnosis, output};

/// Problems that are printed one by one; all are counted.
const PRINTED: usize = 10;

pub fn run(command: cli::Knowledge, json: bool) -> Result<()> {
    match command {
        cli::Knowledge::Build { from, out } => install(&from, out, json),
        cli::Knowledge::Update { base, out } => update::run(&base, out, json),
        cli::Knowledge::Show { knowledge } => show(knowledge.as_deref(), json),
        cli::Knowledge::Fetch { dir } => super::registry::fetch(&dir, json),
    }
}

/// Builds a file and puts it where it was asked for, else where this user's knowledge is.
fn install(from: &[PathBuf], out: Option<PathBuf>, json: bool) -> Result<()> {
    let path = out
        .or_else(diagnosis::installed_path)
        .context("neither $XDG_DATA_HOME nor $HOME says where to install it; give --out")?;
    let built = build(from, diagnosis::BUILT_IN)?;
    output::write_public(&path, |out| out.write_all(&built.bytes))?;
    if json {
        return output::print_json(&json!({
            "file": path, "bytes": built.bytes.len(), "version": built.knowledge.version,
            "problems": built.problems.total(), "left_out": built.left_out,
        }));
    }
    for problem in built.problems.kept().iter().take(PRINTED) {
        note!("problem: {problem}");
    }
    for (what, count, _) in built.notes.iter() {
        note!("note: {what}: {}", output::thousands(count));
    }
    for file in &built.left_out {
        note!(
            "note: {} was left out; another file of its kind was found first",
            file.display()
        );
    }
    describe(&built.knowledge);
    say!(
        "written: {} ({} bytes)",
        path.display(),
        output::thousands(built.bytes.len() as u64)
    );
    Ok(())
}

fn show(named: Option<&Path>, json: bool) -> Result<()> {
    let (bytes, origin) = diagnosis::knowledge_bytes(named)?;
    let file =
        KnowledgeFile::open(&bytes).with_context(|| format!("in the knowledge file ({origin})"))?;
    let knowledge = file.knowledge()?;
    if json {
        return output::print_json(&json!({
            "origin": origin, "bytes": bytes.len(), "version": knowledge.version,
            "terms": knowledge.ontology.len(), "diseases": knowledge.diseases().len(),
            "candidates": knowledge.candidates().len(), "genes": knowledge.genes().len(),
        }));
    }
    say!(
        "knowledge: {origin} ({} bytes)",
        output::thousands(bytes.len() as u64)
    );
    describe(&knowledge);
    Ok(())
}

fn describe(knowledge: &Knowledge) {
    let number = |count: usize| output::thousands(count as u64);
    say!(
        "{} terms, {} diseases ({} ranked), {} genes",
        number(knowledge.ontology.len()),
        number(knowledge.diseases().len()),
        number(knowledge.candidates().len()),
        number(knowledge.genes().len())
    );
    let version = &knowledge.version;
    let named = [
        ("HPO", &version.hpo),
        ("annotations", &version.hpoa),
        ("MONDO", &version.mondo),
        ("genes", &version.genes),
        ("inheritance", &version.inheritance),
        ("constraint", &version.constraint),
    ];
    for (what, which) in named.iter().filter(|(_, which)| !which.is_empty()) {
        say!("  {what}: {which}");
    }
    for (section, source) in &version.genome {
        say!("  {section}: {source}");
    }
    say!("version {}", version.digest);
    say!(
        "This uses the Human Phenotype Ontology (https://hpo.jax.org/app/license; Gargano et al. 2024, NAR 52:D1333)."
    );
}

/// A knowledge file that was built.
pub struct Built {
    pub bytes: Vec<u8>,
    pub knowledge: Knowledge,
    /// Rows and ids that were left out or replaced.
    pub notes: Notes,
    /// Lines that could not be read.
    pub problems: Problems,
    /// Files whose part another file had before.
    pub left_out: Vec<PathBuf>,
}

/// Builds a file of the releases below the folders; what they lack is taken from `existing`.
pub fn build(from: &[PathBuf], existing: &[u8]) -> Result<Built> {
    let releases = Releases::find(from)?;
    if releases.is_empty() {
        bail!(
            "no file of a release is below {}; look at `ligate knowledge build --help`",
            folders(from)
        );
    }
    let existing = KnowledgeFile::open(existing)?;
    let mut problems = Problems::default();
    let (facts, notes) = sources::facts(&releases, &existing, &mut problems)?;
    let builder = genome::add(Builder::of(&facts)?, &releases, &existing, &mut problems)?;
    let bytes = builder.finish()?;
    // Read back: its digest and the sources of the genome's sections are the file's, not those of
    // the facts alone.
    let knowledge = KnowledgeFile::open(&bytes)?.knowledge()?;
    Ok(Built {
        bytes,
        knowledge,
        notes,
        problems,
        left_out: releases.left_out,
    })
}

fn folders(from: &[PathBuf]) -> String {
    from.iter()
        .map(|folder| Path::display(folder).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
