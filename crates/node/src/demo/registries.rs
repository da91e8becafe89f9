//! The demo's registries: two of the nodes hold solved patients and release counts by the rule; the
//! third fetches them and diagnoses one patient with and without them. Every patient is made up
//! (`demo/make_registries.py`); every figure comes of the code that `registry add`, `registry
//! close`, `serve`, `knowledge fetch` and `diagnose --network` run.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use ligate_access::audit;
use ligate_clinic::counts;
use ligate_disclosure::diagnosis_counts::SingleCounts;
use ligate_knowledge::Knowledge;
use ligate_model::{DiseaseId, NodeName};
use ligate_records::cases;

use super::{
    findings::{Account, CLINIC, Held, Holding, Place, Ranked},
    story::Story,
};
use crate::{
    cli,
    commands::diagnose::answer,
    diagnosis::Facts,
    folder::Folder,
    interrupt, output,
    registry::{
        self, AddOptions, Registry,
        fetch::{self, Outcome},
    },
    report::diagnosis::{Candidate, Diagnosis, RankByPeers},
};

/// The nodes that hold a registry, with its patients.
const REGISTRIES: [(&str, &str); 2] = [
    (
        "nordbank",
        include_str!("../../../../demo/registries/nordbank.jsonl"),
    ),
    (
        "klinik",
        include_str!("../../../../demo/registries/klinik.jsonl"),
    ),
];

const CASE: &str = include_str!("../../../../demo/registries/registre.json");

/// What the patient was drawn to have. It is looked up in the finished rankings, and enters none of
/// them.
const TRUE_DISEASE: &str = "OMIM:274600";

/// Candidates that are told of a ranking.
const TOLD: usize = 3;

/// Fills the registries, lets the clinic fetch what they release, and diagnoses its patient. The
/// nodes must be serving.
pub fn run(dir: &Path, folders: &[Folder], story: &mut Story) -> Result<Account> {
    story.chapter("Registries: a patient without a diagnosis, and what the other nodes know");
    let facts = Facts::built_in()?;
    let files = dir.join("registries");
    ligate_files::make_private_folder(&files)?;
    let case = written(&files.join(format!("{CLINIC}.json")), CASE)?;
    let mut registries = Vec::new();
    for (name, patients) in REGISTRIES {
        interrupt::check()?;
        let file = written(&files.join(format!("{name}.jsonl")), patients)?;
        let folder = with_setting(node(folders, name)?, "counts_for", &[CLINIC])?;
        let holding = hold(&folder, &file, &facts.knowledge)?;
        story.registry(&holding);
        registries.push(holding);
    }
    let peers = REGISTRIES.map(|(name, _)| name);
    let clinic = with_setting(node(folders, CLINIC)?, "fetch_from", &peers)?;
    interrupt::check()?;
    let fetched = fetched(&clinic)?;
    story.fetched(clinic.name(), &fetched);
    interrupt::check()?;
    let before = entries(folders)?;
    let results = dir.join("results");
    let alone = diagnose(&facts, &case, &results.join("registre-alone"), None)?;
    interrupt::check()?;
    let page = results.join("registre");
    let with_network = diagnose(&facts, &case, &page, Some(&clinic))?;
    let asked_of_peers = entries(folders)? - before;
    ensure!(
        asked_of_peers == 0,
        "the diagnosis left {asked_of_peers} entries in the logs of other nodes"
    );
    let account = Account {
        registries,
        fetched,
        observed: with_network
            .patient
            .observed
            .iter()
            .map(|term| term.name.clone())
            .collect(),
        true_disease: disease_name(TRUE_DISEASE.parse()?, &facts.knowledge),
        alone: ranked(&alone),
        by_phenotype: by_peers(&with_network),
        with_network: ranked(&with_network),
        asked_of_peers,
        report: page.with_extension("html"),
    };
    story.diagnosis(account.clone());
    Ok(account)
}

fn node<'f>(folders: &'f [Folder], name: &str) -> Result<&'f Folder> {
    let found = folders.iter().find(|folder| folder.name().as_str() == name);
    found.with_context(|| format!("the demo has no node {name}"))
}

fn written(path: &Path, text: &str) -> Result<PathBuf> {
    output::write_private(path, |out| out.write_all(text.as_bytes()))?;
    Ok(path.to_owned())
}

/// Writes names into `[diagnosis]` of ligate.toml, as its steward would, and opens the folder with
/// them.
fn with_setting(folder: &Folder, setting: &str, names: &[&str]) -> Result<Folder> {
    let path = folder.settings();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut document: toml_edit::DocumentMut = text.parse()?;
    document["diagnosis"][setting] =
        toml_edit::value(names.iter().copied().collect::<toml_edit::Array>());
    output::write_private(&path, |out| out.write_all(document.to_string().as_bytes()))?;
    Folder::open(folder.path())
}

/// Takes the patients in, and closes what the rule lets be closed.
fn hold(folder: &Folder, file: &Path, knowledge: &Knowledge) -> Result<Holding> {
    let registry = Registry::open(folder)?;
    let added = registry.add(&[file.to_owned()], AddOptions::default(), knowledge)?;
    ensure!(
        added.left_out == 0,
        "{} cases of {} were left out",
        added.left_out,
        file.display()
    );
    let closed = registry.close(SingleCounts::Never)?;
    let table = registry.table()?;
    let released: BTreeSet<_> = table.get().iter().map(|row| row.disease).collect();
    let held = |(disease, patients): (DiseaseId, usize)| {
        (
            released.contains(&disease),
            Held {
                disease: disease_name(disease, knowledge),
                patients,
            },
        )
    };
    let by_disease = registry::patients_by_disease(&registry)?;
    let patients = by_disease.values().sum();
    let (out, kept): (Vec<_>, Vec<_>) = by_disease
        .into_iter()
        .map(held)
        .partition(|(released, _)| *released);
    let counted = counts_of(&released, file, knowledge)?;
    Ok(Holding {
        node: folder.name().clone(),
        patients,
        counted: closed.patients,
        minimums: folder.config.diagnosis.minimums,
        released: table.get().len(),
        diseases_released: out.into_iter().map(|(_, held)| held).collect(),
        suppressed: counted - table.get().len(),
        diseases_suppressed: kept.into_iter().map(|(_, held)| held).collect(),
    })
}

/// How many pairs of one of `diseases` and a feature the patients of a file have.
fn counts_of(diseases: &BTreeSet<DiseaseId>, file: &Path, knowledge: &Knowledge) -> Result<usize> {
    let entries =
        cases::read(file)?.filter_map(|record| counts::entry(&record.case, knowledge).ok());
    let of_them = entries.filter(|entry| diseases.contains(&entry.disease));
    let pairs = of_them.flat_map(|entry| {
        entry
            .terms
            .into_iter()
            .map(move |term| (entry.disease, term))
    });
    Ok(pairs.collect::<BTreeSet<_>>().len())
}

fn disease_name(id: DiseaseId, knowledge: &Knowledge) -> String {
    let disease = knowledge
        .find_disease(id)
        .map(|index| knowledge.disease(index).name.clone());
    disease.unwrap_or_else(|| id.to_string())
}

/// Every listed peer's table, which must come.
fn fetched(clinic: &Folder) -> Result<Vec<(NodeName, usize)>> {
    let rows = |fetched: fetch::Fetched| match fetched.counts {
        Outcome::Fetched { rows } => Ok((fetched.peer, rows)),
        Outcome::Declined { reason }
        | Outcome::Refused { reason }
        | Outcome::Unreachable { reason } => {
            bail!("the counts of {} did not come: {reason}", fetched.peer)
        }
    };
    fetch::run(clinic)?.into_iter().map(rows).collect()
}

/// Entries in the audit logs of all nodes but the clinic.
fn entries(folders: &[Folder]) -> Result<u64> {
    let others = folders
        .iter()
        .filter(|folder| folder.name().as_str() != CLINIC);
    others
        .map(|folder| {
            Ok(audit::verify(&folder.audit(), folder.identity.public())?
                .head
                .size)
        })
        .sum()
}

/// `ligate diagnose`, with what `clinic` has fetched or with the annotations alone. Alone, all
/// candidates are listed.
fn diagnose(facts: &Facts, case: &Path, out: &Path, clinic: Option<&Folder>) -> Result<Diagnosis> {
    let mut words: Vec<OsString> = vec!["ligate".into(), "diagnose".into(), case.into()];
    words.extend(["--out".into(), out.into()]);
    match clinic {
        Some(folder) => words.extend(["--network".into(), "--dir".into(), folder.path().into()]),
        None => words.extend(["--top".into(), "1000".into()]),
    }
    let cli::Command::Diagnose(args) = cli::Cli::try_parse_from(words)?.command else {
        bail!("`ligate diagnose` was read as another command");
    };
    answer(&args, facts, false)?.context("the case was not ranked")
}

fn ranked(report: &Diagnosis) -> Ranked {
    let place = |candidate: &Candidate| Place {
        rank: candidate.rank,
        disease: candidate.disease.clone(),
        name: candidate.name.clone(),
        probability: candidate.probability,
    };
    let truth = report
        .candidates
        .iter()
        .find(|candidate| candidate.disease == TRUE_DISEASE);
    Ranked {
        leading: report.candidates.iter().take(TOLD).map(place).collect(),
        true_disease: truth.map(place),
        candidates: report.candidates.len(),
    }
}

fn by_peers(report: &Diagnosis) -> Option<RankByPeers> {
    let truth = report
        .candidates
        .iter()
        .find(|candidate| candidate.disease == TRUE_DISEASE)?;
    let rows = &report.network.as_ref()?.ranks;
    rows.iter().find(|row| row.disease == truth.name).cloned()
}
