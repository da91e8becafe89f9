//! The variants that a node brings into a run: autosomal, with enough copies of the rarer allele
//! among its own people of the run. A list of keys tells who carries what if it is long enough, so
//! it is made under a threshold.

use std::ops::ControlFlow;

use ligate_analysis::gwas::Cohort;
use ligate_formats::gwas_ssf;
use ligate_genotypes::AlleleCounts;
use ligate_lake::{LakeError, Snapshot};

use crate::session::OfferedVariant;

/// The variants of `snapshot` with at least `minor_allele_count` copies of the rarer allele among
/// `cohort`'s called people, in key order.
pub fn offered(
    snapshot: &Snapshot,
    cohort: &Cohort,
    minor_allele_count: u64,
) -> Result<Vec<OfferedVariant>, LakeError> {
    let candidates = candidates(snapshot, minor_allele_count)?;
    // The stored counts are of everybody.
    if cohort.individuals() == snapshot.individuals().len() as u64 {
        return Ok(candidates);
    }
    let keys: Vec<_> = candidates
        .iter()
        .map(|variant| variant.key.clone())
        .collect();
    let mut enough = Vec::with_capacity(keys.len());
    snapshot.scan(&keys, &mut |batch| {
        for index in 0..batch.len() {
            let counts = batch.blocks.iter().enumerate().filter_map(|(block, rows)| {
                rows[index]
                    .as_ref()
                    .map(|row| row.counts_among(cohort.mask(block)))
            });
            enough.push(minor_alleles(counts) >= minor_allele_count);
        }
    })?;
    Ok(candidates
        .into_iter()
        .zip(enough)
        .filter_map(|(variant, enough)| enough.then_some(variant))
        .collect())
}

/// The variants that reach the count among all people of the dataset: some of the people have no
/// more copies of either allele than all have.
fn candidates(
    snapshot: &Snapshot,
    minor_allele_count: u64,
) -> Result<Vec<OfferedVariant>, LakeError> {
    let mut candidates = Vec::new();
    snapshot.sites(&mut |site| {
        let common = minor_alleles(std::iter::once(site.counts)) >= minor_allele_count;
        // Symbolic alleles are not one variant across sites, and no result table can name them.
        if common && site.key.contig.is_autosome() && gwas_ssf::check_key(&site.key).is_ok() {
            candidates.push(OfferedVariant {
                rsid: site.id.as_deref().and_then(rsid),
                key: site.key,
            });
        }
        ControlFlow::Continue(())
    })?;
    Ok(candidates)
}

fn minor_alleles(blocks: impl Iterator<Item = AlleleCounts>) -> u64 {
    let (called, alternate) = blocks.fold((0, 0), |(called, alternate), counts| {
        (
            called + u64::from(counts.called),
            alternate + u64::from(counts.diploid_allele_count),
        )
    });
    alternate.min((2 * called) - alternate)
}

/// The number of a RefSNP id. Any other identifier stays at home: a dataset's own names may say
/// anything.
fn rsid(id: &str) -> Option<u64> {
    id.split(';')
        .find_map(|name| name.strip_prefix("rs")?.parse().ok())
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
