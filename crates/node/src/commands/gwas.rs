//! `ligate gwas`: one study, on own data or under a permit.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ligate_access::{Identity, job::PeopleRule};
use ligate_formats::gwas_ssf;
use ligate_model::DatasetId;
use serde_json::json;

use super::permit;
use crate::{
    cli::{Gwas, People},
    folder::Folder,
    output::{self, thousands},
    progress::Stages,
    run::{
        Study,
        federated::{self, Terms},
        own_rows,
        release::{self, Release},
    },
};

pub fn run(args: Gwas, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let study = Study {
        trait_name: args.trait_name.clone(),
        covariates: args.covariates.clone(),
        family: args.family.map(Into::into),
        wald_below: args.wald_below,
    };
    let stages = Stages::new(study.trait_name.as_str());
    let release = match (&args.permit, &args.dataset) {
        (Some(file), _) => under_permit(&folder, file, &args, &study, &stages)?,
        (None, dataset) => on_own_data(&folder, dataset.as_ref(), &study, &stages)?,
    };
    stages.finish();
    let files = release::write(&args.out, &release)?;
    if json {
        return output::print_json(&as_json(&release, &files));
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
    let key = args.key.clone().unwrap_or_else(|| folder.path().join("keys/user.key"));
    let user = Identity::load(&key)?;
    let people = match args.people {
        People::Complete => PeopleRule::Complete,
        People::AllVariables => PeopleRule::AllVariables,
    };
    federated::run(folder, &permit, &user, study, &Terms { people, without: args.without.clone() }, stages)
}

fn on_own_data(
    folder: &Folder,
    dataset: Option<&DatasetId>,
    study: &Study,
    stages: &Stages,
) -> Result<Release> {
    let dataset = dataset.context("name the --dataset to analyse")?;
    let snapshot = folder.lake()?.snapshot(dataset)?;
    let threads = folder.config.limits.thread_count();
    let run = own_rows::run(&snapshot, study, &[], threads, &|step| {
        stages.update(step.stage.name(), step.done, step.total)
    })?;
    Ok(Release::local(folder, dataset, &snapshot, run))
}

fn as_json(release: &Release, files: &[PathBuf]) -> serde_json::Value {
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
        "lambda": release.gwas.lambda,
        "files": files,
    })
}

fn print(release: &Release, files: &[PathBuf]) {
    let people = &release.gwas.people;
    let status = release.status();
    match &status {
        gwas_ssf::Release::Local => say!("{}: for this node's own use", status.standing()),
        gwas_ssf::Release::Permit { permit, .. } => {
            say!("{}: passed the gate under permit {permit}; not marked for export", status.standing())
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
