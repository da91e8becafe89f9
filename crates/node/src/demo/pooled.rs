//! The pooled check, which exists in the demo alone: all people are loaded again as one dataset of
//! one block, the same study runs over that, and every number is compared bit by bit. Sums of the
//! sites are not reused.
//!
//! The copy that the check needs is what Ligate exists to avoid, so it lives as short as it can: it
//! is deleted when the comparison is done, when it fails, and when somebody stops the demo.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use ligate_access::job::PeopleRule;
use ligate_analysis::gwas::Association;
use ligate_lake::{HistoryKey, Lake, LoadRequest, Snapshot, VcfGroup};
use ligate_model::VariableName;

use super::{findings::Identity, network, sites::Cohorts, story::Story};
use crate::{
    interrupt,
    progress::Stages,
    run::{Study, own_rows, release::Release},
};

/// Pools the cohorts and compares each release with the pooled study.
pub fn check(
    dir: &Path,
    cohorts: &Cohorts,
    releases: &[Release],
    story: &mut Story,
) -> Result<Vec<Identity>> {
    story.chapter("The same study on pooled data, which only a demo may do");
    let copy = PooledCopy::folder(dir.join("pooled-check"))?;
    let snapshot = pool(&copy.folder, cohorts)?;
    let all_variables: Vec<_> = cohorts
        .traits
        .iter()
        .chain(&cohorts.covariates)
        .cloned()
        .collect();
    let mut checks = Vec::new();
    for release in releases {
        interrupt::check()?;
        let identity = compare(&snapshot, release, &all_variables)?;
        story.identity(&identity);
        checks.push(identity);
    }
    drop(snapshot);
    copy.delete()?;
    story.pooled_copy_deleted();
    Ok(checks)
}

/// The folder of the pooled copy. It is deleted when this is dropped, whatever ended the check.
struct PooledCopy {
    folder: PathBuf,
}

impl PooledCopy {
    fn folder(folder: PathBuf) -> Result<Self> {
        interrupt::delete_when_stopped_at_once(&folder);
        ligate_files::shut_folder(&folder)?;
        Ok(Self { folder })
    }

    /// Deletes the copy, and fails where it cannot: a demo that leaves pooled data behind has to
    /// say so.
    fn delete(self) -> Result<()> {
        self.remove().with_context(|| {
            format!(
                "the pooled copy in {} could not be deleted; delete it by hand",
                self.folder.display()
            )
        })
    }

    fn remove(&self) -> std::io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for PooledCopy {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            let folder = self.folder.display();
            note!(
                "warning: the pooled copy in {folder} could not be deleted ({error}); delete it by hand"
            );
        }
    }
}

/// Loads every site's files into one block. The site's name goes before each id: the same id at two
/// sites may be two people.
fn pool(dir: &Path, cohorts: &Cohorts) -> Result<Snapshot> {
    let prefix = |site: &super::sites::Site| Some(format!("{}:", site.name));
    let request = LoadRequest {
        dataset: network::dataset()?,
        groups: cohorts
            .sites
            .iter()
            .map(|site| VcfGroup {
                files: vec![site.vcf.clone()],
                id_prefix: prefix(site),
            })
            .collect(),
        phenotypes: cohorts
            .sites
            .iter()
            .map(|site| (site.phenotypes.clone(), prefix(site)))
            .collect(),
        known_as: None,
        assembly: None,
        reference: None,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: 1 << 30,
        one_block: true,
        // A pooled copy has no history.
        history_key: HistoryKey::new([0; 32]),
    };
    let lake = Lake::open(dir)?;
    let stages = Stages::new("pooled");
    lake.load(&request, interrupt::flag(), &|step| {
        stages.update(step.stage, step.done, step.total)
    })?;
    Ok(lake.snapshot(&request.dataset)?)
}

fn compare(
    snapshot: &Snapshot,
    release: &Release,
    all_variables: &[VariableName],
) -> Result<Identity> {
    let stages = Stages::new(format!("pooled {}", release.plan.trait_name));
    let study = Study {
        trait_name: release.plan.trait_name.clone(),
        covariates: release.plan.covariates.clone(),
        family: Some(release.plan.family),
        wald_below: release.plan.wald_below,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pooled = own_rows::run(
        snapshot,
        &study,
        PeopleRule::AllVariables,
        all_variables,
        threads,
        &|step| {
            stages.update(step.stage.name(), step.done, step.total);
        },
    )?;
    Ok(identity(
        &release.plan.trait_name,
        &release.gwas.associations,
        &pooled.gwas.associations,
    ))
}

/// Walks both results, which are in key order, side by side.
fn identity(
    trait_name: &VariableName,
    federated: &[Association],
    pooled: &[Association],
) -> Identity {
    let mut found = Identity {
        trait_name: trait_name.clone(),
        compared: 0,
        different: 0,
        pooled_only: 0,
        federated_only: 0,
    };
    let (mut ours, mut theirs) = (federated.iter().peekable(), pooled.iter().peekable());
    while let (Some(own), Some(other)) = (ours.peek(), theirs.peek()) {
        match own.key.cmp(&other.key) {
            std::cmp::Ordering::Equal => {
                found.compared += 1;
                found.different += usize::from(bits(own) != bits(other));
                ours.next();
                theirs.next();
            }
            std::cmp::Ordering::Less => {
                found.federated_only += 1;
                ours.next();
            }
            std::cmp::Ordering::Greater => {
                found.pooled_only += 1;
                theirs.next();
            }
        }
    }
    found.federated_only += ours.count();
    found.pooled_only += theirs.count();
    found
}

/// n, allele frequency, beta, standard error and p, unrounded.
fn bits(association: &Association) -> (u64, Option<u64>, [u64; 3]) {
    (
        association.counts.called,
        association.counts.allele_frequency().map(f64::to_bits),
        [
            association.beta,
            association.standard_error,
            association.p_value,
        ]
        .map(f64::to_bits),
    )
}

#[cfg(test)]
mod tests {
    use ligate_analysis::gwas::Test;
    use ligate_model::{Allele, Contig, Position, VariantCounts, VariantKey};

    use super::*;

    fn association(position: u32, beta: f64) -> Association {
        Association {
            key: VariantKey {
                contig: Contig::new("1"),
                position: Position::new(position),
                reference: Allele::new("A").unwrap(),
                alternate: Allele::new("C").unwrap(),
            },
            counts: VariantCounts {
                called: 100,
                allele_count: 30,
                homozygotes: 2,
                sites: 3,
                withheld: 0,
                lacking: 0,
                cases: None,
            },
            beta,
            standard_error: 0.1,
            statistic: beta / 0.1,
            p_value: 0.5,
            neg_log10_p: 0.3,
            test: Test::Linear,
            baseline: None,
        }
    }

    #[test]
    fn the_copy_goes_whatever_ends_the_check() {
        let dir = tempfile::tempdir().unwrap();
        let made = || {
            let copy = PooledCopy::folder(dir.path().join("pooled-check")).unwrap();
            fs::create_dir(copy.folder.join("cohort")).unwrap();
            fs::write(copy.folder.join("cohort/genotypes"), "x").unwrap();
            copy
        };
        made().delete().unwrap();
        assert!(!dir.path().join("pooled-check").exists());
        let failed = || -> Result<()> {
            let _copy = made();
            anyhow::bail!("the comparison failed")
        };
        assert!(failed().is_err());
        assert!(!dir.path().join("pooled-check").exists());
    }

    #[test]
    fn one_bit_is_a_difference() {
        let name = "ldl".parse().unwrap();
        let federated = [association(1, 0.1), association(2, 0.2)];
        let mut pooled = vec![
            association(1, 0.1),
            association(2, 0.2),
            association(3, 0.3),
        ];
        let same = identity(&name, &federated, &pooled);
        assert!(same.holds());
        assert_eq!((same.compared, same.pooled_only), (2, 1));
        pooled[1].beta = f64::from_bits(0.2_f64.to_bits() + 1);
        let differs = identity(&name, &federated, &pooled);
        assert_eq!(differs.different, 1);
        assert!(!differs.holds());
    }

    #[test]
    fn nothing_compared_is_no_identity() {
        assert!(!identity(&"ldl".parse().unwrap(), &[], &[association(1, 0.1)]).holds());
    }
}
