//! The genome's sections: gene models, sites that populations have, chains between assemblies.
//! Everything in them counts in GRCh38; sites of GRCh37 are lifted when the file is built.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use ligate_clinic::genome::{frequency::SitesBuilder, gene_model::GeneModel};
use ligate_formats::{Problems, chain::Chain, sites};
use ligate_knowledge::{
    Builder, Direction, KnowledgeFile, SectionName,
    sources::gene_tables::{self, KnownSites},
};
use ligate_model::VariantKey;

use crate::diagnosis::sites::{LISTED_FROM, is_grch37};

use super::{
    releases::{Part, Releases},
    sources::{fingerprint, kept},
};

/// Adds the sections that the folders have files for; the others are those of `existing`.
pub fn add(
    mut builder: Builder,
    releases: &Releases,
    existing: &KnowledgeFile<'_>,
    problems: &mut Problems,
) -> Result<Builder> {
    builder = structures(builder, releases, existing, problems)?;
    builder = chains(builder, releases)?;
    builder = listed_sites(builder, releases, existing, problems)?;
    Ok(builder.genome_of(existing)?)
}

fn structures(
    builder: Builder,
    releases: &Releases,
    existing: &KnowledgeFile<'_>,
    problems: &mut Problems,
) -> Result<Builder> {
    let pair = (releases.file(Part::Genes), releases.file(Part::Structures));
    let (Some(genes), Some(structures)) = pair else {
        if pair != (None, None) {
            bail!(
                "homo-sapiens-genes.tsv and homo-sapiens-gene-structures.tsv belong together; one is missing"
            );
        }
        return Ok(builder);
    };
    let source = [fingerprint(genes)?, fingerprint(structures)?].join(", ");
    let genes = kept(gene_tables::read_genes(genes), problems)?;
    let mut transcripts = kept(gene_tables::read_structures(structures, &genes), problems)?;
    gene_tables::settle_places(&genes, &mut transcripts, &known_sites(releases, existing)?);
    let (model, _) = GeneModel::build(&genes, &transcripts);
    Ok(builder.section(SectionName::Structures, &source, model.encode()))
}

/// Sites whose gene and consequence are stated, in GRCh38: they tell where transcripts stand whose
/// table leaves it open.
fn known_sites(releases: &Releases, existing: &KnowledgeFile<'_>) -> Result<KnownSites> {
    let mut known = KnownSites::default();
    for path in releases.files(Part::Sites) {
        let chain = if is_grch37(path) {
            Some(chain(releases, existing)?)
        } else {
            None
        };
        sites::visit(path, &mut |site| {
            let (Some(gene), Some(term), Some((reference, _))) =
                (site.gene, site.term, site.alleles)
            else {
                return;
            };
            let place = match &chain {
                None => Some((site.contig.clone(), site.position)),
                Some(chain) => chain
                    .lift(site.contig, site.position)
                    .lifted()
                    .map(|place| (place.contig, place.position)),
            };
            if let Some((contig, position)) = place {
                known.add(gene, &contig, position, reference.len(), term);
            }
        })?;
    }
    Ok(known)
}

fn chains(builder: Builder, releases: &Releases) -> Result<Builder> {
    let (mut texts, mut sources) = (Vec::new(), Vec::new());
    for path in releases.files(Part::Chain) {
        let Some(direction) = Direction::of_name(&file_name(path)) else {
            continue;
        };
        if texts.iter().all(|(found, _)| *found != direction) {
            texts.push((direction, Chain::text(path)?));
            sources.push(fingerprint(path)?);
        }
    }
    if texts.is_empty() {
        return Ok(builder);
    }
    Ok(builder.chains(&sources.join(", "), texts)?)
}

fn listed_sites(
    builder: Builder,
    releases: &Releases,
    existing: &KnowledgeFile<'_>,
    problems: &mut Problems,
) -> Result<Builder> {
    let files = releases.files(Part::Sites);
    if files.is_empty() {
        return Ok(builder);
    }
    let chain = if files.iter().any(|path| is_grch37(path)) {
        Some(chain(releases, existing)?)
    } else {
        None
    };
    let of_grch37 = Cell::new(false);
    let lift = |key: &VariantKey| match &chain {
        Some(chain) if of_grch37.get() => Some(chain.lift_variant(key).lifted()?.key),
        _ => Some(key.clone()),
    };
    let mut sites = SitesBuilder::new(LISTED_FROM, Some(&lift));
    for path in files {
        of_grch37.set(is_grch37(path));
        problems.merge(sites::visit(path, &mut |site| sites.add(site))?.problems);
    }
    let source = files
        .iter()
        .map(|path| fingerprint(path))
        .collect::<Result<Vec<_>>>()?
        .join(", ");
    Ok(builder.section(SectionName::Sites, &source, sites.finish().0.encode()))
}

/// The chain to GRCh38, of the folders or of the knowledge that is there already.
fn chain(releases: &Releases, existing: &KnowledgeFile<'_>) -> Result<Chain> {
    let to_38 = |path: &&PathBuf| Direction::of_name(&file_name(path)) == Some(Direction::ToGrch38);
    let chain = match releases.files(Part::Chain).iter().find(to_38) {
        Some(path) => Some(Chain::read(path)?.0),
        None => existing.chain(Direction::ToGrch38)?,
    };
    let missing = "the sites are of GRCh37; put hg19ToHg38.over.chain.gz into the folders too";
    chain
        .map(Chain::with_revised_mitochondrion)
        .context(missing)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
