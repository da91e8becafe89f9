//! `ligate demo`: a newcomer's first look. Three organisations, each with its own keys, data and
//! process, answer one study together under one permit; then, in the demo alone, their data are
//! pooled to check the result bit by bit.
//!
//! Then two of them, with registries, help the third to diagnose a patient.
//!
//! A demo of somebody's own files holds their people's data: every folder that it makes has mode
//! 0700, every file 0600, and the pooled copy is deleted as soon as it served.
//!
//! Nothing here replaces what `init`, `ingest`, `serve`, `permit`, `gwas`, `registry` and
//! `diagnose` do: it calls them.

mod findings;
mod network;
mod pooled;
mod registries;
mod sites;
mod story;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use ligate_access::{Identity, audit, job::PeopleRule, permit::ExportRules};
use ligate_model::Purpose;
use rand_core::OsRng;

use crate::{
    cli,
    commands::{
        audit::compare_with_peers,
        permit::{PermitTerms, issue as issue_permit},
    },
    folder::Folder,
    interrupt, output,
    progress::Stages,
    run::{
        Study,
        federated::{self, RunOptions},
        release::Release,
        release_files,
    },
};
use findings::Identity as PooledIdentity;
use network::Server;
use sites::Cohorts;
use story::Story;

/// A file that marks a folder as a demo's, so that only such a folder is ever replaced.
const MARKER: &str = ".ligate-demo";

/// The name of the access body, which coordinates and holds no data.
const ACCESS_BODY: &str = "hdab";

pub fn run(args: &cli::Demo, json: bool) -> Result<()> {
    let started = Instant::now();
    let mut story = Story::new(json);
    let dir = fresh_folder(&args.dir)?;
    let cohorts = match &args.sites {
        Some(folder) => sites::in_folder(folder, &args.traits, &args.covariates)?,
        None => sites::simulated(&dir.join("cohorts"))?,
    };
    let folders = found_all(dir, &cohorts, &mut story)?;
    network::introduce(&folders, &[])?;
    let servers = start_all(&folders, &mut story)?;
    network::introduce(&folders, &servers)?;
    let releases = study_all(dir, &cohorts, &mut story)?;
    if args.sites.is_none() {
        registries::run(dir, &folders, &mut story)?;
    }
    verify_logs(&folders, &mut story)?;
    drop(servers);
    let checks = pooled::check(dir, &cohorts, &releases, &mut story)?;
    let identities: Vec<_> = checks.iter().map(Into::into).collect();
    let report = release_files::write_report(
        &dir.join("results"),
        &releases,
        &identities,
        &cohorts.planted,
    )?;
    story.end(dir, &report, &releases, started.elapsed());
    if checks.iter().all(PooledIdentity::holds) {
        return Ok(());
    }
    bail!(
        "the federated result differs from the pooled one; please report this with {}",
        report.display()
    );
}

/// Empties a former demo's folder; any other folder with something in it is left alone.
fn fresh_folder(dir: &Path) -> Result<&Path> {
    if dir.join(MARKER).exists() {
        fs::remove_dir_all(dir)
            .with_context(|| format!("cannot replace the demo in {}", dir.display()))?;
    } else if dir.exists() && fs::read_dir(dir)?.next().is_some() {
        bail!(
            "{} is not empty and no demo made it; choose another --dir",
            dir.display()
        );
    }
    ligate_files::shut_folder(dir)?;
    output::write_private(&dir.join(MARKER), |out| {
        out.write_all(b"made by `ligate demo`; it may be replaced by the next one\n")
    })?;
    Ok(dir)
}

/// The sites' nodes, and the access body last.
fn found_all(dir: &Path, cohorts: &Cohorts, story: &mut Story) -> Result<Vec<Folder>> {
    story.chapter("Organisations, each with its own keys and its own data");
    let mut folders = Vec::new();
    for site in &cohorts.sites {
        interrupt::check()?;
        let (folder, report) = network::found(dir, site)?;
        story.node(&folder, &report);
        folders.push(folder);
    }
    let body = Folder::create(
        &dir.join(ACCESS_BODY),
        &ACCESS_BODY.parse()?,
        &"EE".parse()?,
    )?;
    story.access_body(&body);
    folders.push(body);
    Ok(folders)
}

fn start_all(folders: &[Folder], story: &mut Story) -> Result<Vec<Server>> {
    story.chapter("One process each, mutual TLS with pinned keys");
    let mut servers = Vec::new();
    for folder in folders {
        interrupt::check()?;
        let server = Server::start(folder)?;
        story.server(&server);
        servers.push(server);
    }
    Ok(servers)
}

/// One permit, then one study per trait, all on the same people.
fn study_all(dir: &Path, cohorts: &Cohorts, story: &mut Story) -> Result<Vec<Release>> {
    let body = Folder::open(&dir.join(ACCESS_BODY))?;
    let user = Identity::generate(&mut OsRng);
    user.save_new(&dir.join("researcher.key"))?;
    let permit = issue_permit(
        &body,
        PermitTerms {
            user: "researcher".to_owned(),
            user_key: user.public(),
            datasets: cohorts
                .sites
                .iter()
                .map(|site| Ok((site.name.clone(), network::dataset()?)))
                .collect::<Result<_>>()?,
            purpose: Purpose::Research,
            about: "Demonstration: genetic associations with the traits of these cohorts"
                .to_owned(),
            variables: cohorts
                .traits
                .iter()
                .chain(&cohorts.covariates)
                .cloned()
                .collect(),
            methods: vec!["gwas-linear".parse()?, "gwas-logistic".parse()?],
            export: ExportRules::default(),
            coordinator: None,
            valid_from: None,
            valid_until: None,
        },
    )?;
    output::write_private(&dir.join("permit.jws"), |out| {
        out.write_all(permit.jws().as_bytes())
    })?;
    story.permit(&permit);
    let mut releases = Vec::new();
    for trait_name in &cohorts.traits {
        interrupt::check()?;
        // A second meta-analysis of the nodes' own results would be refused.
        let baseline = releases.is_empty();
        let terms = RunOptions {
            people: PeopleRule::AllVariables,
            without: Vec::new(),
            baseline,
        };
        let study = Study {
            trait_name: trait_name.clone(),
            covariates: cohorts.covariates.clone(),
            family: None,
            wald_below: 1e-3,
        };
        let stages = Stages::new(trait_name.as_str());
        let begun = Instant::now();
        let release = federated::run(&body, &permit, &user, &study, &terms, &stages)?;
        stages.finish();
        release_files::write(&dir.join("results"), &release)?;
        story.release(&release, begun.elapsed());
        releases.push(release);
    }
    Ok(releases)
}

fn verify_logs(folders: &[Folder], story: &mut Story) -> Result<()> {
    story.chapter("Audit logs");
    for folder in folders {
        let folder = Folder::open(folder.path())?;
        let verified = audit::verify(&folder.audit(), folder.identity.public())?;
        let answers = compare_with_peers(&folder, &verified)?;
        let consistent = answers
            .iter()
            .all(|answer| answer.held.is_ok() && answer.consistent.is_ok());
        ensure!(
            consistent,
            "the audit log of {} does not fit the heads that its peers hold",
            folder.name()
        );
        let held = answers
            .iter()
            .filter_map(|answer| answer.held.as_ref().ok())
            .sum();
        story.log(folder.name(), verified.head.size, held);
    }
    Ok(())
}
