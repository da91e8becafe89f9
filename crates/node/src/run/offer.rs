//! The variants that a node brings into a run: autosomal, with enough copies of the rarer allele among its own
//! people of the run. A list of keys tells who carries what if it is long enough, so it is made under a threshold.

use ligate_analysis::gwas::Cohort;
use ligate_formats::gwas_ssf;
use ligate_genotypes::AlleleCounts;
use ligate_lake::{LakeError, Snapshot};
use ligate_model::VariantKey;
use serde::{Deserialize, Serialize};

/// A variant and its RefSNP number, where the dataset knows one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedVariant {
    pub key: VariantKey,
    pub rsid: Option<u64>,
}

/// The variants of `snapshot` with at least `minor_allele_count` copies of the rarer allele among `cohort`'s called
/// people, in key order.
pub fn offered(snapshot: &Snapshot, cohort: &Cohort, minor_allele_count: u64) -> Result<Vec<OfferedVariant>, LakeError> {
    let mut keys = Vec::new();
    snapshot.scan_all(&mut |batch_keys, batch| {
        // Symbolic alleles are not one variant across sites, and no result table can name them.
        let nameable = |key: &&VariantKey| gwas_ssf::check_key(key).is_ok();
        for (index, key) in batch_keys.iter().enumerate().filter(|(_, key)| nameable(key)) {
            let counts = batch.blocks.iter().enumerate().filter_map(|(block, rows)| {
                rows[index].as_ref().map(|row| row.counts_among(cohort.mask(block)))
            });
            if minor_alleles(counts) >= minor_allele_count {
                keys.push(key.clone());
            }
        }
    })?;
    with_rsids(snapshot, keys)
}

fn minor_alleles(blocks: impl Iterator<Item = AlleleCounts>) -> u64 {
    let (called, alternate) = blocks.fold((0, 0), |(called, alternate), counts| {
        (called + u64::from(counts.called), alternate + u64::from(counts.diploid_allele_count))
    });
    alternate.min((2 * called) - alternate)
}

/// Both lists are in key order, so one pass over the sites names all.
fn with_rsids(snapshot: &Snapshot, keys: Vec<VariantKey>) -> Result<Vec<OfferedVariant>, LakeError> {
    let mut offered: Vec<_> = keys.into_iter().map(|key| OfferedVariant { key, rsid: None }).collect();
    let mut next = 0;
    snapshot.sites(&mut |site| {
        while offered.get(next).is_some_and(|variant| variant.key < site.key) {
            next += 1;
        }
        match offered.get_mut(next) {
            None => return std::ops::ControlFlow::Break(()),
            Some(variant) if variant.key == site.key => variant.rsid = site.id.as_deref().and_then(rsid),
            Some(_) => {}
        }
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(offered)
}

/// The number of a RefSNP id. Any other identifier stays at home: a dataset's own names may say anything.
fn rsid(id: &str) -> Option<u64> {
    id.split(';').find_map(|name| name.strip_prefix("rs")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refsnp_numbers_leave() {
        assert_eq!(rsid("rs429358"), Some(429_358));
        assert_eq!(rsid("local7;rs12"), Some(12));
        assert_eq!(rsid("patient-7"), None);
    }
}
