//! Counts packed into words whose fields cannot carry into each other.
//!
//! With N < 2^31 people in all, no field's sum over all nodes reaches its width: called and homozygotes are below
//! 2^31 (fields of 32 bits), allele counts below 2^32 (40 bits; 32 bits among cases), and sites are at most N where
//! every contributing site has somebody called, but are given 24 bits, for 16 million sites.
//!
//! - word 0: called in bits 0 to 31, homozygotes in bits 32 to 63
//! - word 1: allele count in bits 0 to 39, sites in bits 40 to 63
//! - word 2, logistic only: called cases in bits 0 to 31, allele count in cases in bits 32 to 63

use ligate_genotypes::AlleleCounts;
use ligate_model::{CaseCounts, PeopleCounts, VariantCounts};

use crate::gwas::plan::{Family, Plan};

const ALLELE_BITS: u32 = 40;
const LOW: u64 = 0xffff_ffff;

/// Words of one key.
pub(crate) const fn words(family: Family) -> usize {
    match family {
        Family::Linear => 2,
        Family::Logistic => 3,
    }
}

/// Words 0 and 1 of one node. A node holds a variant if somebody in the run is called for it.
pub(crate) fn pack_counts(counts: &AlleleCounts) -> [u64; 2] {
    let site = u64::from(counts.called > 0);
    [
        u64::from(counts.called) | u64::from(counts.homozygous) << 32,
        u64::from(counts.diploid_allele_count) | site << ALLELE_BITS,
    ]
}

/// Word 2 of one node.
pub(crate) fn pack_case_counts(counts: &AlleleCounts) -> u64 {
    u64::from(counts.called) | u64::from(counts.diploid_allele_count) << 32
}

/// The counts of a people ask's sum: [individuals, cases (logistic), sites]. Missing words count as 0.
pub fn decode_people(sum: &[u64]) -> PeopleCounts {
    let word = |index: usize| sum.get(index).copied().unwrap_or(0);
    let binary = sum.len() > 2;
    PeopleCounts {
        individuals: word(0),
        cases: binary.then(|| word(1)),
        sites: if binary { word(2) } else { word(1) },
    }
}

/// The counts of a counts ask's sum over `keys` keys. Missing words count as 0.
pub fn decode_counts(plan: &Plan, sum: &[u64], keys: usize) -> Vec<VariantCounts> {
    let width = words(plan.family);
    let mut all: Vec<VariantCounts> = sum.chunks_exact(width).take(keys).map(decode).collect();
    all.resize(keys, VariantCounts::default());
    all
}

fn decode(words: &[u64]) -> VariantCounts {
    let case_counts = |word: &u64| CaseCounts { called: word & LOW, allele_count: word >> 32 };
    VariantCounts {
        called: words[0] & LOW,
        homozygotes: words[0] >> 32,
        allele_count: words[1] & ((1 << ALLELE_BITS) - 1),
        sites: words[1] >> ALLELE_BITS,
        cases: words.get(2).map(case_counts),
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::VariableName;

    use super::*;

    #[test]
    fn fields_do_not_carry_at_the_largest_cohort() {
        // 2^31 - 1 people who are all homozygous cases, at two sites.
        let plan = Plan {
            family: Family::Logistic,
            trait_name: VariableName::new("t2d").unwrap(),
            covariates: vec![],
            wald_below: 1e-3,
        };
        let mut sum = [0_u64; 3];
        for people in [(1_u32 << 30) - 1, 1 << 30] {
            let counts = AlleleCounts {
                called: people,
                homozygous: people,
                diploid_allele_count: 2 * people,
                ..AlleleCounts::default()
            };
            let [first, second] = pack_counts(&counts);
            for (word, part) in sum.iter_mut().zip([first, second, pack_case_counts(&counts)]) {
                *word += part;
            }
        }
        let all = (1_u64 << 31) - 1;
        let expected = VariantCounts {
            called: all,
            allele_count: 2 * all,
            homozygotes: all,
            sites: 2,
            cases: Some(CaseCounts { called: all, allele_count: 2 * all }),
        };
        assert_eq!(decode_counts(&plan, &sum, 1), [expected]);
        assert_eq!(decode_counts(&plan, &sum[..1], 1), [VariantCounts::default()]);
        assert_eq!(decode_people(&[9, 4, 3]), PeopleCounts { individuals: 9, cases: Some(4), sites: 3 });
        assert_eq!(decode_people(&[9, 3]), PeopleCounts { individuals: 9, cases: None, sites: 3 });
    }
}
