//! `ligate gwas`: one study, on own data or under a permit.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use ligate_access::{Identity, job::PeopleRule};
use ligate_analysis::gwas::Plan;
use ligate_disclosure::span::Limits;
use ligate_formats::gwas_ssf;
use ligate_model::{DatasetId, Rule};
use serde_json::json;

use super::permit;
use crate::{
    cli::{Gwas, People},
    folder::Folder,
    output::{self, thousands},
    progress::Stages,
    run::{
        Study,
        federated::{self, RunOptions},
        own_rows,
        release::Release,
        release_files,
    },
};

pub fn run(args: Gwas, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let study = Study {
        trait_name: args.trait_name.clone(),
        covariates: args.covariates.clone(),
        family: args.family.map(Into::into),
        wald_below: args.wald_below.unwrap_or(if args.permit.is_some() {
            0.0
        } else {
            Plan::WALD_BELOW
        }),
    };
    if args.plan {
        return plan(&folder, &args, &study, json);
    }
    let stages = Stages::new(study.trait_name.as_str());
    let out = args
        .out
        .clone()
        .context("name the folder for the result with --out")?;
    let release = match (&args.permit, &args.dataset) {
        (Some(file), _) => under_permit(&folder, file, &args, &study, &stages)?,
        (None, dataset) => on_own_data(&folder, dataset.as_ref(), &args, &study, &stages)?,
    };
    let took = stages.took();
    stages.finish();
    let files = release_files::write(&out, &release)?;
    if json {
        return output::print_json(&as_json(&release, &files, &took));
    }
    print(&release, &files);
    Ok(())
}

fn under_permit(
    folder: &Folder,
    file: &Path,
    args: &Gwas,
    study: &Study,
    stages: &Stages,
) -> Result<Release> {
    let permit = permit::read(file)?;
    let key = args
        .key
        .clone()
        .unwrap_or_else(|| folder.path().join("keys/user.key"));
    let user = Identity::load(&key)?;
    federated::run(folder, &permit, &user, study, &terms(args), stages)
}

fn terms(args: &Gwas) -> RunOptions {
    RunOptions {
        people: people(args, PeopleRule::Filled),
        without: args.without.clone(),
        baseline: args.baseline,
    }
}

fn people(args: &Gwas, otherwise: PeopleRule) -> PeopleRule {
    match args.people {
        None => otherwise,
        Some(People::Filled) => PeopleRule::Filled,
        Some(People::Complete) => PeopleRule::Complete,
        Some(People::AllVariables) => PeopleRule::AllVariables,
    }
}

/// What the study would use of the data user's accounts.
fn plan(folder: &Folder, args: &Gwas, study: &Study, json: bool) -> Result<()> {
    let permit = permit::read(
        args.permit
            .as_deref()
            .context("a plan needs the --permit")?,
    )?;
    let key = args
        .key
        .clone()
        .unwrap_or_else(|| folder.path().join("keys/user.key"));
    let stages = Stages::new(study.trait_name.as_str());
    let cost = federated::plan(
        folder,
        &permit,
        &Identity::load(&key)?,
        study,
        &terms(args),
        &stages,
    )?;
    stages.finish();
    let limits = Limits::of_cell(folder.config.disclosure[Rule::Cell]);
    if json {
        return output::print_json(&json!({
            "trait": study.trait_name,
            "columns_shown": cost.shown,
            "columns_new": cost.new,
            "leverage": cost.leverage,
            "leverage_limit": limits.leverage,
            "group_share": cost.share,
            "group_share_limit": limits.share,
            "people": people(args, PeopleRule::Filled),
        }));
    }
    say!(
        "{}: the study can be run; nothing about genotypes was computed",
        study.trait_name
    );
    say!(
        "columns shown before: {}; this study adds at most {}",
        cost.shown,
        cost.new
    );
    say!(
        "largest share of one person in a result: {:.2} of {:.2}",
        cost.leverage,
        limits.leverage
    );
    say!(
        "largest share of a group smaller than a cell: {:.2} of {:.2}",
        cost.share,
        limits.share
    );
    if people(args, PeopleRule::Filled) == PeopleRule::Filled {
        say!("everybody takes part; missing values count as the value nearest to the mean");
    }
    Ok(())
}

fn on_own_data(
    folder: &Folder,
    dataset: Option<&DatasetId>,
    args: &Gwas,
    study: &Study,
    stages: &Stages,
) -> Result<Release> {
    let dataset = dataset.context("name the --dataset to analyse")?;
    let snapshot = folder.lake()?.snapshot(dataset)?;
    let threads = folder.config.limits.thread_count();
    let rule = people(args, PeopleRule::Complete);
    let run = own_rows::run(&snapshot, study, rule, &[], threads, &|step| {
        stages.update(step.stage.name(), step.done, step.total)
    })?;
    Ok(Release::local(folder, dataset, &snapshot, run))
}

fn as_json(release: &Release, files: &[PathBuf], took: &[(String, Duration)]) -> serde_json::Value {
    let seconds = took
        .iter()
        .map(|(stage, took)| (stage.clone(), json!(took.as_secs_f64())));
    json!({
        "trait": release.plan.trait_name,
        "status": release.status().standing(),
        "stored": release.stored,
        "individuals": release.gwas.people.individuals,
        "cases": release.gwas.people.cases,
        "sites_answered": release.answered(),
        "sites_asked": release.nodes.len(),
        "variants": release.gwas.associations.len(),
        "suppressed": release.gwas.unreported.len(),
        "lambda": (release.gwas.lambda * 1e4).round() / 1e4,
        "seconds": seconds.collect::<serde_json::Map<_, _>>(),
        "files": files,
    })
}

fn print(release: &Release, files: &[PathBuf]) {
    let people = &release.gwas.people;
    let status = release.status();
    match &status {
        gwas_ssf::ResultStatus::Local => say!("{}: for this node's own use", status.standing()),
        gwas_ssf::ResultStatus::Permit { permit, .. }
        | gwas_ssf::ResultStatus::Exported { permit, .. } => {
            say!(
                "{}: passed the gate under permit {permit}; not marked for export",
                status.standing()
            )
        }
    }
    say!(
        "{}: {} people at {} of {} sites, {} variants, {} without a result, lambda {:.3}",
        release.plan.trait_name,
        thousands(people.individuals),
        release.answered(),
        release.nodes.len(),
        thousands(release.gwas.associations.len() as u64),
        thousands(release.gwas.unreported.len() as u64),
        release.gwas.lambda,
    );
    for note in release.notes() {
        say!("note: {note}");
    }
    for file in files {
        say!("wrote {}", file.display());
    }
}
