//! From the files of a release to the records that knowledge is built from.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use ligate_formats::{Problems, ReadError};
use ligate_knowledge::{
    GeneFacts, Knowledge, KnowledgeFile, Notes, Sources,
    sources::{gene_links, gene_tables, hpoa, mondo, obo},
};
use ligate_model::Digest;

use super::releases::{Part, Releases};

/// The facts of diseases and genes: of the folders where they have an ontology and its annotations,
/// else those that are there already, in each case with what the folders know of genes.
pub fn facts(
    releases: &Releases,
    existing: &KnowledgeFile<'_>,
    problems: &mut Problems,
) -> Result<(Knowledge, Notes)> {
    let gene_facts = gene_facts(releases, problems)?;
    let pair = (
        releases.file(Part::Ontology),
        releases.file(Part::Annotations),
    );
    let (Some(ontology), Some(annotations)) = pair else {
        if pair != (None, None) {
            bail!("hp.obo and phenotype.hpoa belong together; the folders have only one of them");
        }
        return Ok(existing.knowledge()?.with_gene_facts(&gene_facts)?);
    };
    let mut sources = Sources {
        ontology: kept(obo::read(ontology), problems)?,
        annotations: kept(hpoa::read(annotations), problems)?,
        gene_facts,
        ..Sources::default()
    };
    let other = &sources.annotations.ontology_version;
    if !other.is_empty() && *other != sources.ontology.version {
        let message =
            format!("the annotations were written against HPO {other}, hp.obo is another release");
        problems.push(annotations, 1, message);
    }
    names(&mut sources, releases, problems)?;
    sources.fill(&existing.knowledge()?);
    Ok(Knowledge::build(&sources)?)
}

/// MONDO's classes, gene links and gene names.
fn names(sources: &mut Sources, releases: &Releases, problems: &mut Problems) -> Result<()> {
    if let Some(path) = releases.file(Part::Mondo) {
        sources.mondo = kept(mondo::read(path), problems)?;
        sources.versions.mondo = fingerprint(path)?;
    }
    if let Some(path) = releases.file(Part::GeneLinks) {
        sources.gene_links = kept(gene_links::read(path), problems)?;
    }
    if let Some(path) = releases.file(Part::Hgnc) {
        sources.hgnc = kept(gene_tables::read_hgnc(path), problems)?;
        sources.versions.genes = fingerprint(path)?;
    }
    Ok(())
}

fn gene_facts(releases: &Releases, problems: &mut Problems) -> Result<GeneFacts> {
    let mut facts = GeneFacts::default();
    if let Some(path) = releases.file(Part::Inheritance) {
        facts.inheritance = kept(gene_tables::read_inheritance(path), problems)?;
        facts.inheritance_version = fingerprint(path)?;
    }
    if let Some(path) = releases.file(Part::Constraint) {
        facts.constraint = kept(gene_tables::read_constraint(path), problems)?;
        facts.constraint_version = fingerprint(path)?;
    }
    Ok(facts)
}

/// What was read; its problems are kept aside.
pub fn kept<T>(
    read: Result<(T, Problems), ReadError>,
    problems: &mut Problems,
) -> Result<T, ReadError> {
    let (value, found) = read?;
    problems.merge(found);
    Ok(value)
}

/// What stands for the release of a file that names none: its name and the start of its digest.
pub fn fingerprint(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!(
        "{name} {}",
        Digest::of("ligate.release", &bytes).short()
    ))
}
