//! A finished study and the files that it becomes: table, metadata, suppressed keys, plots, report, provenance.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result};
use ligate_access::{job::PeopleRule, permit::PermitId};
use ligate_analysis::gwas::{Association, Gwas, Plan};
use ligate_disclosure::Thresholds;
use ligate_formats::gwas_ssf::{self, Metadata, Row};
use ligate_lake::Snapshot;
use ligate_model::{Assembly, CountryCode, DatasetId, Digest, NodeName, VariableName, VariantKey};
use serde::{Deserialize, Serialize};

use super::{own_rows::OwnRun, pages};
use crate::{folder::Folder, output, report};

/// Everything that is known of a finished study. What a federated one holds has passed the gate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Release {
    pub plan: Plan,
    pub gwas: Gwas,
    /// RefSNP numbers, where a site knows one.
    pub rsids: BTreeMap<VariantKey, u64>,
    pub assembly: Assembly,
    pub nodes: Vec<NodeAnswer>,
    /// Variables of which nodes rounded values that were off the step of the others.
    pub rounded: Vec<VariableName>,
    /// Pairs of sites' keys that are one site with reference and alternate allele exchanged.
    pub swapped: u64,
    /// `None`: a run over own rows, which passed no gate.
    pub authority: Option<Authority>,
    pub software: String,
    pub finished: jiff::Timestamp,
    /// The question was answered before: this is that answer, and no node was asked.
    #[serde(skip)]
    pub stored: bool,
}

/// What allowed a federated study.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Authority {
    pub permit: PermitId,
    pub permit_hash: Digest,
    pub job: Digest,
    /// What was asked, under which the coordinator keeps the result.
    pub question: Digest,
    /// Permit and job as they were signed.
    pub signed_permit: String,
    pub signed_job: String,
    pub coordinator: String,
    pub data_user: String,
    pub purpose: String,
    pub people: PeopleRule,
    pub thresholds: Thresholds,
}

/// What one asked node did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeAnswer {
    pub name: NodeName,
    pub country: CountryCode,
    pub dataset: DatasetId,
    pub outcome: NodeOutcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NodeOutcome {
    Answered { snapshot: Digest, offered: u64 },
    Missing { reason: String },
}

impl NodeAnswer {
    /// Whether its data are in the result.
    pub fn answered(&self) -> bool {
        matches!(self.outcome, NodeOutcome::Answered { .. })
    }
}

/// The name and version that results carry.
pub fn software() -> String {
    concat!("ligate ", env!("CARGO_PKG_VERSION")).to_owned()
}

impl Release {
    /// The result of a run over own rows.
    pub fn local(folder: &Folder, dataset: &DatasetId, snapshot: &Snapshot, run: OwnRun) -> Self {
        let offered = run.gwas.associations.len() + run.gwas.unreported.len();
        let answer = NodeAnswer {
            name: folder.name().clone(),
            country: folder.config.node.country.clone(),
            dataset: dataset.clone(),
            outcome: NodeOutcome::Answered { snapshot: snapshot.id(), offered: offered as u64 },
        };
        Self {
            plan: run.plan,
            gwas: run.gwas,
            rsids: run.rsids,
            assembly: snapshot.assembly(),
            rounded: Vec::new(),
            nodes: vec![answer],
            swapped: 0,
            authority: None,
            software: software(),
            finished: jiff::Timestamp::now(),
            stored: false,
        }
    }

    /// Nodes whose data are in the result.
    pub fn answered(&self) -> usize {
        self.nodes.iter().filter(|node| node.answered()).count()
    }
}

impl Release {
    /// What a reader of the result should know first.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.stored {
            let day = self.finished.strftime("%F %T");
            notes.push(format!(
                "this question was answered on {day} UTC; that result is returned and no node was asked"
            ));
        }
        if self.gwas.lambda > LAMBDA_WARNING {
            notes.push(format!(
                "lambda is {:.2}: results are inflated, mostly because ancestry is not corrected yet",
                self.gwas.lambda
            ));
        }
        if self.authority.as_ref().is_some_and(|authority| authority.people == PeopleRule::Filled) {
            notes.push(
                "everybody takes part; missing values count as the value nearest to the mean, of two values as the \
                 more frequent one"
                    .to_owned(),
            );
        }
        if self.nodes.len() > 1 {
            notes.push("people who are at two sites count twice".to_owned());
        }
        if !self.rounded.is_empty() {
            notes.push(gwas_ssf::rounded_to_step(&names(&self.rounded)));
        }
        if self.swapped > 0 {
            notes.push(format!(
                "{} sites are written with reference and alternate allele exchanged at some nodes; each way is its \
                 own variant here",
                self.swapped
            ));
        }
        for node in &self.nodes {
            match &node.outcome {
                NodeOutcome::Answered { offered, .. } => {
                    notes.push(format!("{} brought {offered} variants", node.name))
                }
                NodeOutcome::Missing { reason } => {
                    notes.push(format!("{} is not in the result: {reason}", node.name))
                }
            }
        }
        notes
    }

    /// Where the result stands: local, or inside the environment. Only an export marks what may leave.
    pub fn status(&self) -> gwas_ssf::Release {
        match &self.authority {
            None => gwas_ssf::Release::Local,
            Some(authority) => {
                gwas_ssf::Release::Permit { permit: authority.permit.to_string(), job: authority.job }
            }
        }
    }
}

/// The inflation above which a report warns.
pub const LAMBDA_WARNING: f64 = 1.1;

/// Writes all files of a study into `out`, each whole or not at all and readable by the owner alone; returns their
/// paths. A folder that is not there is made for the owner alone, too.
pub fn write(out: &Path, release: &Release) -> Result<Vec<PathBuf>> {
    // Compressing the table takes as long as drawing the plots.
    let (tables, pages) = thread::scope(|scope| {
        let tables = scope.spawn(|| write_tables(out, release));
        let pages = write_pages(out, release);
        (tables.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), pages)
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
    write_text(&metadata, &metadata_of(release, &table, checksum, release.status()).to_yaml())?;
    let suppressed = name(out, release, "suppressed.tsv.gz");
    output::write_private(&suppressed, |file| {
        let rows = release.gwas.unreported.iter().map(|unreported| (&unreported.key, unreported.reason));
        gwas_ssf::write_suppressed(file, rows).map(drop)
    })?;
    Ok(vec![table, metadata, suppressed])
}

fn write_pages(out: &Path, release: &Release) -> Result<Vec<PathBuf>> {
    let study = pages::study(release, None, &[]);
    let [manhattan, qq, page, provenance] = ["manhattan.svg", "qq.svg", "report.html", "provenance.json"]
        .map(|suffix| name(out, release, suffix));
    write_text(&manhattan, &report::manhattan(&study))?;
    write_text(&qq, &report::qq(&study))?;
    write_text(&page, &report::page(&pages::report(std::slice::from_ref(release), vec![study])))?;
    write_text(&provenance, &format!("{:#}\n", pages::provenance_json(release)))?;
    Ok(vec![manhattan, qq, page, provenance])
}

/// One page over several studies of the same people, with what only a demo knows of them.
pub fn write_report(
    out: &Path,
    releases: &[Release],
    checks: &[report::Identity],
    planted: &[pages::Planted],
) -> Result<PathBuf> {
    let studies =
        releases.iter().enumerate().map(|(index, release)| pages::study(release, checks.get(index), planted));
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
    status: &gwas_ssf::Release,
) -> Result<String> {
    write_shown_table(file, release, status, status)
}

/// Writes the table with the digits of where it may go one day, marked as what it is now; gives its MD5.
pub fn write_shown_table(
    file: &mut dyn io::Write,
    release: &Release,
    digits: &gwas_ssf::Release,
    status: &gwas_ssf::Release,
) -> Result<String> {
    let names: Vec<_> = release.gwas.associations.iter().map(|found| release.rsids.get(&found.key)).collect();
    let names: Vec<_> = names.into_iter().map(|number| number.map(|number| format!("rs{number}"))).collect();
    let rows = release.gwas.associations.iter().zip(&names);
    let rows = rows.map(|(found, id)| match digits {
        // Whose call is missing would tell of the one who has none.
        gwas_ssf::Release::Exported { .. } => of_study(row(found, id.as_deref()), release).shown(digits),
        _ => row(found, id.as_deref()).shown(digits),
    });
    Ok(gwas_ssf::write_table(file, status, rows)?.md5)
}

/// The row with the people of the study instead of those with a call.
fn of_study<'a>(row: Row<'a>, release: &Release) -> Row<'a> {
    let people = &release.gwas.people;
    Row { n: people.individuals, n_cases: people.cases, ..row }
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

fn names(variables: &[VariableName]) -> Vec<String> {
    variables.iter().map(ToString::to_string).collect()
}

/// The metadata file of a table.
pub fn metadata_of(release: &Release, table: &Path, checksum: String, status: gwas_ssf::Release) -> Metadata {
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
        data_file_name: table.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
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
