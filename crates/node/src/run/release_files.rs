//! The files that a study becomes: table, metadata, suppressed keys, plots, report, provenance.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result};
use ligate_analysis::gwas::Association;
use ligate_formats::gwas_ssf::{self, Metadata, Row};

use super::{
    pages,
    release::{NodeOutcome, Release, names},
};
use crate::{output, report};

/// Writes all files of a study into `out`, each whole or not at all and readable by the owner
/// alone; returns their paths. A folder that is not there is made for the owner alone, too.
pub fn write(out: &Path, release: &Release) -> Result<Vec<PathBuf>> {
    // Compressing the table takes as long as drawing the plots.
    let (tables, pages) = thread::scope(|scope| {
        let tables = scope.spawn(|| write_tables(out, release));
        let pages = write_pages(out, release);
        (
            tables
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            pages,
        )
    });
    Ok([tables?, pages?].concat())
}

fn name(out: &Path, release: &Release, suffix: &str) -> PathBuf {
    out.join(format!("{}.{suffix}", release.plan.trait_name))
}

fn write_tables(out: &Path, release: &Release) -> Result<Vec<PathBuf>> {
    let table = name(out, release, "gwas.tsv.gz");
    let mut written = None;
    output::write_private(&table, |file| {
        written = Some(write_table(file, release, &release.status()).map_err(io::Error::other)?);
        Ok(())
    })?;
    let checksum = written.context("the table was not written")?;
    let metadata = PathBuf::from(Metadata::file_name(&table.to_string_lossy()));
    write_text(
        &metadata,
        &metadata_of(release, &table, checksum, release.status()).to_yaml(),
    )?;
    let suppressed = name(out, release, "suppressed.tsv.gz");
    output::write_private(&suppressed, |file| {
        let rows = release
            .gwas
            .unreported
            .iter()
            .map(|unreported| (&unreported.key, unreported.reason));
        gwas_ssf::write_suppressed(file, rows).map(drop)
    })?;
    Ok(vec![table, metadata, suppressed])
}

fn write_pages(out: &Path, release: &Release) -> Result<Vec<PathBuf>> {
    let study = pages::study(release, None, &[]);
    let [manhattan, qq, page, provenance] =
        ["manhattan.svg", "qq.svg", "report.html", "provenance.json"]
            .map(|suffix| name(out, release, suffix));
    write_text(&manhattan, &report::manhattan(&study))?;
    write_text(&qq, &report::qq(&study))?;
    write_text(
        &page,
        &report::page(&pages::report(std::slice::from_ref(release), vec![study])),
    )?;
    write_text(
        &provenance,
        &format!("{:#}\n", pages::provenance_json(release)),
    )?;
    Ok(vec![manhattan, qq, page, provenance])
}

/// One page over several studies of the same people, with what only a demo knows of them.
pub fn write_report(
    out: &Path,
    releases: &[Release],
    checks: &[report::Identity],
    planted: &[pages::Planted],
) -> Result<PathBuf> {
    let studies = releases
        .iter()
        .enumerate()
        .map(|(index, release)| pages::study(release, checks.get(index), planted));
    let page = report::page(&pages::report(releases, studies.collect()));
    let path = out.join("report.html");
    write_text(&path, &page)?;
    Ok(path)
}

pub fn write_text(path: &Path, text: &str) -> Result<()> {
    output::write_private(path, |file| file.write_all(text.as_bytes()))
}

/// Writes the table with as many digits as `status` allows; gives its MD5.
pub fn write_table(
    file: &mut dyn io::Write,
    release: &Release,
    status: &gwas_ssf::ResultStatus,
) -> Result<String> {
    write_shown_table(file, release, status, status)
}

/// Writes the table with the digits of where it may go one day, marked as what it is now; gives its
/// MD5.
pub fn write_shown_table(
    file: &mut dyn io::Write,
    release: &Release,
    digits: &gwas_ssf::ResultStatus,
    status: &gwas_ssf::ResultStatus,
) -> Result<String> {
    let names: Vec<_> = release
        .gwas
        .associations
        .iter()
        .map(|found| release.rsids.get(&found.key))
        .map(|number| number.map(|number| format!("rs{number}")))
        .collect();
    let rows = release.gwas.associations.iter().zip(&names);
    let rows = rows.map(|(found, id)| match digits {
        // Whose call is missing would tell of the one who has none.
        gwas_ssf::ResultStatus::Exported { .. } => {
            of_study(row(found, id.as_deref()), release).shown(digits)
        }
        _ => row(found, id.as_deref()).shown(digits),
    });
    Ok(gwas_ssf::write_table(file, status, rows)?.md5)
}

/// The row with the people of the study instead of those with a call.
fn of_study<'a>(row: Row<'a>, release: &Release) -> Row<'a> {
    let people = &release.gwas.people;
    Row {
        n: people.individuals,
        n_cases: people.cases,
        ..row
    }
}

fn row<'a>(found: &'a Association, id: Option<&'a str>) -> Row<'a> {
    Row {
        key: &found.key,
        id,
        beta: found.beta,
        standard_error: found.standard_error,
        effect_allele_frequency: found.counts.allele_frequency().unwrap_or(0.0),
        p_value: found.p_value,
        neg_log10_p: found.neg_log10_p,
        n: found.counts.called,
        n_cases: found.counts.cases.map(|cases| cases.called),
        sites: found.counts.sites,
        test: pages::test_name(found.test),
        baseline: found.baseline.map(|baseline| gwas_ssf::Baseline {
            beta: baseline.beta,
            standard_error: baseline.standard_error,
            p_value: baseline.p_value,
            sites: baseline.sites,
        }),
    }
}

/// The metadata file of a table.
pub fn metadata_of(
    release: &Release,
    table: &Path,
    checksum: String,
    status: gwas_ssf::ResultStatus,
) -> Metadata {
    let people = &release.gwas.people;
    let sources = release.nodes.iter().filter_map(|node| match &node.outcome {
        NodeOutcome::Answered { snapshot, .. } => Some(gwas_ssf::Source {
            node: node.name.to_string(),
            dataset: node.dataset.to_string(),
            snapshot: *snapshot,
        }),
        NodeOutcome::Missing { .. } => None,
    });
    Metadata {
        data_file_name: table
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        data_file_md5sum: checksum,
        date: release.finished.strftime("%F").to_string(),
        trait_description: release.plan.trait_name.to_string(),
        assembly: release.assembly,
        genotyping_technologies: Vec::new(),
        sample: gwas_ssf::Sample {
            individuals: people.individuals,
            cases_and_controls: people.cases.zip(people.controls()),
            ancestry_categories: Vec::new(),
        },
        covariates: names(&release.plan.covariates),
        rounded: names(&release.rounded),
        software: release.software.clone(),
        is_sorted: true,
        release: status,
        sources: sources.collect(),
    }
}
