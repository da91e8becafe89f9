//! Releases as the report shows them: plain values out of the analysis' types.

use std::collections::BTreeMap;

use ligate_analysis::gwas::{Association, Family, Test};
use ligate_formats::gwas_ssf;
use ligate_model::{Rule, VariableName, VariantKey};
use serde_json::json;

use super::release::{NodeAnswer, NodeOutcome, Release};
use crate::report::{self, Identity, Method, Node, Place, Report, Status, Trait};

/// An effect that a simulation put in, and the trait that it acts on.
pub struct Planted {
    pub trait_name: VariableName,
    pub effect: report::Planted,
}

pub fn test_name(test: Test) -> &'static str {
    match test {
        Test::Linear => "linear",
        Test::Score => "score",
        Test::Wald => "wald",
    }
}

/// One page over `releases`, which share nodes, permit and people.
pub fn report(releases: &[Release], traits: Vec<Trait>) -> Report {
    let names: Vec<_> = traits.iter().map(|study| study.name.clone()).collect();
    let first = releases.first();
    Report {
        title: format!("Genome-wide association: {}", names.join(", ")),
        status: first.and_then(|release| release.authority.as_ref()).map_or(
            Status::Local,
            |authority| Status::Inside {
                permit: authority.permit.to_string(),
            },
        ),
        date: first
            .map(|release| release.finished.strftime("%F").to_string())
            .unwrap_or_default(),
        assembly: first
            .map(|release| release.assembly.to_string())
            .unwrap_or_default(),
        traits,
        nodes: first
            .map(|release| release.nodes.iter().map(node).collect())
            .unwrap_or_default(),
        thresholds: first.map(thresholds).unwrap_or_default(),
        provenance: provenance(releases),
    }
}

/// One trait's part of the page.
pub fn study(release: &Release, identity: Option<&Identity>, planted: &[Planted]) -> Trait {
    let mut suppressed: BTreeMap<String, u64> = BTreeMap::new();
    for unreported in &release.gwas.unreported {
        *suppressed.entry(unreported.reason.to_string()).or_default() += 1;
    }
    let name = &release.plan.trait_name;
    Trait {
        name: name.to_string(),
        method: match release.plan.family {
            Family::Linear => Method::Linear,
            Family::Logistic => Method::Logistic,
        },
        covariates: release
            .plan
            .covariates
            .iter()
            .map(ToString::to_string)
            .collect(),
        people: release.gwas.people.individuals,
        cases: release.gwas.people.cases,
        sites_answered: release.answered() as u64,
        sites_asked: release.nodes.len() as u64,
        associations: release
            .gwas
            .associations
            .iter()
            .filter_map(|found| association(release, found))
            .collect(),
        suppressed: suppressed.into_iter().collect(),
        lambda: release.gwas.lambda,
        identity: identity.copied(),
        planted: planted
            .iter()
            .filter(|planted| planted.trait_name == *name)
            .map(|planted| planted.effect.clone())
            .collect(),
        files: [
            "gwas.tsv.gz",
            "gwas.tsv.gz-meta.yaml",
            "suppressed.tsv.gz",
            "manhattan.svg",
            "qq.svg",
            "provenance.json",
        ]
        .map(|suffix| format!("{name}.{suffix}"))
        .to_vec(),
    }
}

/// Where a variant is on a plot; `None` for contigs that have no place there.
pub fn place(key: &VariantKey) -> Option<Place> {
    Some(Place {
        chromosome: gwas_ssf::chromosome_code(&key.contig)?,
        position: key.position.get(),
        reference: key.reference.to_string(),
        alternate: key.alternate.to_string(),
    })
}

fn association(release: &Release, found: &Association) -> Option<report::Association> {
    Some(report::Association {
        place: place(&found.key)?,
        id: release
            .rsids
            .get(&found.key)
            .map(|number| format!("rs{number}")),
        beta: found.beta,
        standard_error: found.standard_error,
        neg_log10_p: found.neg_log10_p,
        allele_frequency: found.counts.allele_frequency().unwrap_or(0.0),
        n: found.counts.called,
        sites: found.counts.sites,
        test: test_name(found.test).to_owned(),
        baseline: found
            .baseline
            .map(|baseline| (baseline.beta, baseline.standard_error)),
    })
}

fn node(answer: &NodeAnswer) -> Node {
    let (snapshot, answered) = match &answer.outcome {
        NodeOutcome::Answered { snapshot, .. } => (snapshot.short(), true),
        NodeOutcome::Missing { .. } => (String::new(), false),
    };
    Node {
        name: answer.name.to_string(),
        country: answer.country.to_string(),
        dataset: answer.dataset.to_string(),
        snapshot,
        people: None,
        answered,
    }
}

fn thresholds(release: &Release) -> Vec<(String, String)> {
    let Some(authority) = &release.authority else {
        return Vec::new();
    };
    let row = |rule: Rule| {
        (
            rule.words().to_owned(),
            authority.thresholds[rule].to_string(),
        )
    };
    Rule::ALL.map(row).to_vec()
}

fn provenance(releases: &[Release]) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    for release in releases {
        if let Some(authority) = &release.authority {
            row(
                &format!("job of {}", release.plan.trait_name),
                authority.job.to_string(),
            );
        }
    }
    let Some(first) = releases.first() else {
        return rows;
    };
    if let Some(authority) = &first.authority {
        row(
            "permit",
            format!("{} (sha256 {})", authority.permit, authority.permit_hash),
        );
        row("data user", authority.data_user.clone());
        row("purpose", authority.purpose.clone());
        row("coordinator", authority.coordinator.clone());
    }
    for node in &first.nodes {
        if let NodeOutcome::Answered { snapshot, .. } = &node.outcome {
            row(&format!("snapshot of {}", node.name), snapshot.to_string());
        }
    }
    row("software", first.software.clone());
    rows
}

/// What made a result, for machines: permit, job, snapshots, software version.
pub fn provenance_json(release: &Release) -> serde_json::Value {
    let nodes = release.nodes.iter().map(|node| match &node.outcome {
        NodeOutcome::Answered { snapshot, offered } => json!({
            "name": node.name, "country": node.country, "dataset": node.dataset, "answered": true,
            "snapshot": snapshot, "variants_offered": offered,
        }),
        NodeOutcome::Missing { reason } => json!({
            "name": node.name, "country": node.country, "dataset": node.dataset, "answered": false, "reason": reason,
        }),
    });
    json!({
        "version": 1,
        "status": release.status().standing(),
        "plan": release.plan,
        "people": release.gwas.people,
        "lambda": (release.gwas.lambda * 1e4).round() / 1e4,
        "assembly": release.assembly,
        "authority": release.authority,
        "nodes": nodes.collect::<Vec<_>>(),
        "rounded_to_step": release.rounded,
        "swapped_reference_and_alternate": release.swapped,
        "software": release.software,
        "finished": release.finished,
    })
}
