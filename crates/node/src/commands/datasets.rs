//! `ligate datasets`: what a node holds.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::{folder::Folder, output};

pub fn run(dir: &Path, json: bool) -> Result<()> {
    let datasets = Folder::open(dir)?.lake()?.datasets()?;
    if json {
        let rows: Vec<_> = datasets
            .iter()
            .map(|dataset| {
                json!({
                    "dataset": dataset.dataset, "snapshot": dataset.snapshot, "assembly": dataset.assembly,
                    "individuals": dataset.individuals, "variants": dataset.variants, "bytes": dataset.bytes,
                    "variables": dataset.variables.iter().map(|variable| &variable.name).collect::<Vec<_>>(),
                })
            })
            .collect();
        return output::print_json(&rows);
    }
    if datasets.is_empty() {
        say!(
            "no datasets yet; load one with `ligate ingest --dir {} --dataset ID --vcf FILE...`",
            dir.display()
        );
    }
    for dataset in datasets {
        let variables: Vec<_> = dataset
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        say!(
            "{}  {} individuals  {} variants  {}  snapshot {}  variables: {}",
            dataset.dataset,
            output::thousands(dataset.individuals as u64),
            output::thousands(dataset.variants),
            dataset.assembly,
            dataset.snapshot.short(),
            variables.join(", "),
        );
    }
    Ok(())
}
