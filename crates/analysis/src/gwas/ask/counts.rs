//! Counts packed into words whose fields cannot carry into each other.
//!
//! With N < 2^31 people in all, no field's sum over all nodes reaches its width: called and
//! homozygotes are below 2^31 (fields of 32 bits), allele counts below 2^32 (40 bits; 32 bits among
//! cases); sites, sites that withhold the variant, and sites that lack it are at most 64 and have 8
//! bits each.
//!
//! - word 0: called in bits 0 to 31, homozygotes in bits 32 to 63
//! - word 1: allele count in bits 0 to 39, sites in bits 40 to 47, sites that withhold it in bits
//!   48 to 55, sites that lack it in bits 56 to 63
//! - word 2, of a trait with two values only: called cases in bits 0 to 31, allele count in cases
//!   in bits 32 to 63

use std::collections::BTreeSet;

use ligate_genotypes::AlleleCounts;
use ligate_model::{CaseCounts, PeopleCounts, VariantCounts, VariantKey};

use crate::gwas::plan::Plan;

const ALLELE_BITS: u32 = 40;
const SITE_BITS: u32 = 8;
const WITHHELD_AT: u32 = ALLELE_BITS + SITE_BITS;
const LACKING_AT: u32 = WITHHELD_AT + SITE_BITS;
const LOW: u64 = 0xffff_ffff;

/// Of so many people, all but one must have a call.
const PEOPLE_PER_MISSING: u64 = 10;

/// Words of one key.
pub(crate) const fn words(two_values: bool) -> usize {
    if two_values { 3 } else { 2 }
}

/// Words 0 and 1 of one node. A node holds a variant if somebody in the run is called for it.
pub(crate) fn pack_counts(counts: &AlleleCounts) -> [u64; 2] {
    let standing = if counts.called > 0 {
        1 << ALLELE_BITS
    } else {
        1 << LACKING_AT
    };
    [
        u64::from(counts.called) | u64::from(counts.homozygous) << 32,
        u64::from(counts.diploid_allele_count) | standing,
    ]
}

/// Word 2 of one node.
pub(crate) fn pack_case_counts(counts: &AlleleCounts) -> u64 {
    u64::from(counts.called) | u64::from(counts.diploid_allele_count) << 32
}

/// Marks the variants of a counts ask that a node withholds in the vector that it adds: whatever it
/// and others count of them, the gate lets nothing of them through.
pub fn withhold(
    plan: &Plan,
    keys: &[VariantKey],
    withheld: &BTreeSet<VariantKey>,
    vector: &mut [u64],
) {
    for (key, words) in keys
        .iter()
        .zip(vector.chunks_exact_mut(words(plan.two_values)))
    {
        if withheld.contains(key) {
            mark_withheld(words);
        }
    }
}

/// Marks the variants of a counts ask of which more than one in ten of a node's `individuals` have
/// no call, and some have: the span rule judges sums over all people of a node, not over a part of
/// them.
pub fn withhold_partly_called(plan: &Plan, individuals: u64, vector: &mut [u64]) {
    for words in vector.chunks_exact_mut(words(plan.two_values)) {
        let called = words[0] & LOW;
        let missing = individuals.saturating_sub(called);
        if called > 0 && missing.saturating_mul(PEOPLE_PER_MISSING) > individuals {
            mark_withheld(words);
        }
    }
}

fn mark_withheld(words: &mut [u64]) {
    words.fill(0);
    words[1] = 1 << WITHHELD_AT;
}

/// Takes this node off the sites of every variant of a counts ask: one that has published its own
/// counts protects nobody.
pub fn count_no_site(plan: &Plan, vector: &mut [u64]) {
    for words in vector.chunks_exact_mut(words(plan.two_values)) {
        words[1] &= !(((1 << SITE_BITS) - 1) << ALLELE_BITS);
    }
}

/// The counts of a people ask's sum: [individuals, sites], or [individuals, cases, unknown, sites]
/// of a trait with two values. Missing words count as 0.
pub fn decode_people(sum: &[u64]) -> PeopleCounts {
    let word = |index: usize| sum.get(index).copied().unwrap_or(0);
    match sum.len() {
        0..=2 => PeopleCounts {
            individuals: word(0),
            cases: None,
            unknown: 0,
            sites: word(1),
        },
        _ => PeopleCounts {
            individuals: word(0),
            cases: Some(word(1)),
            unknown: word(2),
            sites: word(3),
        },
    }
}

/// The counts of a counts ask's sum over `keys` keys. Missing words count as 0.
pub fn decode_counts(plan: &Plan, sum: &[u64], keys: usize) -> Vec<VariantCounts> {
    let width = words(plan.two_values);
    let mut all: Vec<VariantCounts> = sum.chunks_exact(width).take(keys).map(decode).collect();
    all.resize(keys, VariantCounts::default());
    all
}

fn decode(words: &[u64]) -> VariantCounts {
    let case_counts = |word: &u64| CaseCounts {
        called: word & LOW,
        allele_count: word >> 32,
    };
    VariantCounts {
        called: words[0] & LOW,
        homozygotes: words[0] >> 32,
        allele_count: words[1] & ((1 << ALLELE_BITS) - 1),
        sites: (words[1] >> ALLELE_BITS) & ((1 << SITE_BITS) - 1),
        withheld: (words[1] >> WITHHELD_AT) & ((1 << SITE_BITS) - 1),
        lacking: words[1] >> LACKING_AT,
        cases: words.get(2).map(case_counts),
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::VariableName;

    use super::*;
    use crate::gwas::Family;

    #[test]
    fn fields_do_not_carry_at_the_largest_cohort() {
        // 2^31 - 1 people who are all homozygous cases, at two sites.
        let plan = Plan {
            family: Family::Logistic,
            two_values: true,
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
            for (word, part) in sum
                .iter_mut()
                .zip([first, second, pack_case_counts(&counts)])
            {
                *word += part;
            }
        }
        let all = (1_u64 << 31) - 1;
        let expected = VariantCounts {
            called: all,
            allele_count: 2 * all,
            homozygotes: all,
            sites: 2,
            withheld: 0,
            lacking: 0,
            cases: Some(CaseCounts {
                called: all,
                allele_count: 2 * all,
            }),
        };
        assert_eq!(decode_counts(&plan, &sum, 1), [expected]);
        assert_eq!(
            decode_counts(&plan, &sum[..1], 1),
            [VariantCounts::default()]
        );
        let of = |cases, unknown| PeopleCounts {
            individuals: 9,
            cases,
            unknown,
            sites: 3,
        };
        assert_eq!(decode_people(&[9, 4, 2, 3]), of(Some(4), 2));
        assert_eq!(decode_people(&[9, 3]), of(None, 0));
    }

    #[test]
    fn a_node_that_withholds_a_variant_is_seen_and_adds_nothing_else() {
        let plan = Plan {
            family: Family::Linear,
            two_values: false,
            trait_name: VariableName::new("ldl").unwrap(),
            covariates: vec![],
            wald_below: 1e-3,
        };
        let key = |position| VariantKey {
            contig: ligate_model::Contig::new("1"),
            position: ligate_model::Position::new(position),
            reference: ligate_model::Allele::new("A").unwrap(),
            alternate: ligate_model::Allele::new("G").unwrap(),
        };
        let counts = AlleleCounts {
            called: 9,
            diploid_allele_count: 7,
            ..AlleleCounts::default()
        };
        let mut sum = [pack_counts(&counts), pack_counts(&counts)].concat();
        let mut own = sum.clone();
        withhold(
            &plan,
            &[key(1), key(2)],
            &BTreeSet::from([key(2)]),
            &mut own,
        );
        sum.iter_mut()
            .zip(&own)
            .for_each(|(sum, word)| *sum += word);
        let decoded = decode_counts(&plan, &sum, 2);
        assert_eq!(
            (decoded[0].sites, decoded[0].withheld, decoded[0].called),
            (2, 0, 18)
        );
        assert_eq!(
            (decoded[1].sites, decoded[1].withheld, decoded[1].called),
            (1, 1, 9)
        );
        // Nine of ten have a call, nine of eleven, nobody.
        for (individuals, withheld) in [(10, 0), (11, 1)] {
            let mut own = pack_counts(&counts);
            withhold_partly_called(&plan, individuals, &mut own);
            assert_eq!(
                decode_counts(&plan, &own, 1)[0].withheld,
                withheld,
                "{individuals}"
            );
        }
        let mut nobody = pack_counts(&AlleleCounts::default());
        withhold_partly_called(&plan, 10, &mut nobody);
        let decoded = decode_counts(&plan, &nobody, 1)[0];
        assert_eq!(
            (decoded.sites, decoded.withheld, decoded.lacking),
            (0, 0, 1)
        );
    }
}
