//! The genome's facts from the knowledge file: gene models, chains, sites; further sites files;
//! peers' allele counts.

use std::{collections::HashMap, path::PathBuf};

use anyhow::{Context, Result, bail};
use ligate_clinic::genome::{
    SmallVariant,
    examine::{self, lifted_variant},
    frequency::{Frequencies, Sites, SitesBuilder},
    gene_model::{GeneModel, GeneNames},
};
use ligate_formats::{chain::Chain, sites};
use ligate_knowledge::{Direction, SectionName};
use ligate_model::{Assembly, VariantKey};

use super::super::Facts;
use crate::{
    diagnosis::sites::{LISTED_FROM, is_grch37},
    folder::Folder,
    registry::peers,
};

/// Everything that variants are held against.
pub struct GenomeFacts {
    pub model: GeneModel,
    pub names: GeneNames,
    pub sites: Option<Sites>,
    /// From GRCh37 to GRCh38.
    lift: Option<Chain>,
}

impl GenomeFacts {
    /// Takes the genome's sections of the knowledge in use. `extra` are the user's own sites files;
    /// they replace the file's own.
    pub fn read(facts: &Facts, extra: &[PathBuf]) -> Result<Self> {
        let file = facts.file()?;
        let Some(structures) = file.section(SectionName::Structures)? else {
            bail!(
                "the knowledge in use ({}) has no gene structures, which a genome needs; add them with `ligate knowledge \
                 build --from DIR` (see the manual, docs/diagnosis.md)",
                facts.origin
            );
        };
        let model = GeneModel::decode(&structures)?;
        let lift = file
            .chain(Direction::ToGrch38)?
            .map(Chain::with_revised_mitochondrion);
        let sites = match extra {
            [] => file
                .section(SectionName::Sites)?
                .map(|bytes| Sites::decode(&bytes))
                .transpose()?,
            files => Some(read_sites(files, lift.as_ref())?),
        };
        Ok(Self {
            names: GeneNames::of(&model),
            model,
            sites,
            lift,
        })
    }

    /// As the examiner takes them, for a file of this assembly.
    pub fn of<'a>(
        &'a self,
        frequencies: Frequencies<'a>,
        assembly: Assembly,
    ) -> examine::VariantFacts<'a> {
        let lift = self.lift.as_ref().filter(|_| assembly == Assembly::Grch37);
        examine::VariantFacts {
            model: &self.model,
            names: &self.names,
            frequencies,
            lift,
        }
    }

    /// Peers' released allele counts by variant of GRCh38; `None` where no peer has any. What is
    /// not there is unknown. Counts that could not be used are named in `warnings`.
    pub fn network(
        &self,
        folder: &Folder,
        warnings: &mut Vec<String>,
    ) -> Result<Option<HashMap<SmallVariant, (u64, u64)>>> {
        let mut unused: Vec<Vec<String>> = Vec::new();
        let mut counts: HashMap<SmallVariant, (u64, u64)> = HashMap::new();
        for (assembly, chain) in [
            (Assembly::Grch38, None),
            (Assembly::Grch37, self.lift.as_ref()),
        ] {
            if assembly == Assembly::Grch37 && chain.is_none() {
                continue;
            }
            let (alleles, problems) = peers::alleles(folder, assembly)?;
            unused.push(problems);
            for (key, (copies, called)) in alleles.iter() {
                let Some(variant) = lifted_variant(key, chain) else {
                    continue;
                };
                let sum = counts.entry(variant).or_default();
                *sum = (sum.0 + copies, sum.1 + called);
            }
        }
        // Counts on the other assembly are a problem only where they were not used on either.
        if let Some((first, others)) = unused.split_first() {
            let on_none = first
                .iter()
                .filter(|problem| others.iter().all(|other| other.contains(problem)));
            warnings.extend(on_none.map(|problem| format!("allele counts of {problem}")));
        }
        Ok((!counts.is_empty()).then_some(counts))
    }
}

fn read_sites(files: &[PathBuf], chain: Option<&Chain>) -> Result<Sites> {
    let of_grch37 = std::cell::Cell::new(false);
    let lift = |key: &VariantKey| match chain {
        Some(chain) if of_grch37.get() => Some(chain.lift_variant(key).lifted()?.key),
        _ => Some(key.clone()),
    };
    let mut builder = SitesBuilder::new(LISTED_FROM, Some(&lift));
    for path in files {
        of_grch37.set(is_grch37(path));
        if of_grch37.get() && chain.is_none() {
            bail!(
                "{} is of GRCh37, and the knowledge in use has no chain to GRCh38",
                path.display()
            );
        }
        sites::visit(path, &mut |site| builder.add(site))
            .with_context(|| format!("in {}", path.display()))?;
    }
    Ok(builder.finish().0)
}
