//! What may leave the environment of a study whose result was shown inside: how rare a variant may
//! be, and how many variants of one trait may leave. It decides; who is asked and what is written
//! is elsewhere.
//!
//! Whoever reads what was exported may know every trait of many people, or hold their genomes. Two
//! bounds keep him from more than guesses:
//!
//! - **How rare.** The best linear guess of a person's dosage of a variant correlates with it by
//!   sqrt(h), h the person's leverage in the exported account ([`crate::span`]). The guess stands
//!   against the variance 2p(1-p) that the dosage has anyway; an effect leaves only where 2p(1-p)
//!   >= h / (1-h).
//! - **How many.** Whoever holds a person's genome guesses the person's trait from the effects of M
//!   independent variants in n people, and the guess correlates with it by about sqrt(M / (M + n))
//!   (Im, Gamazon, Nicolae and Cox, AJHG 90:591 (2012)). That is for variants by chance, each with
//!   a chi-square of 1. The strongest ones say more: what counts is S, the sum of their
//!   chi-squares, and the guess correlates by sqrt(S / (S + n)) (`bench/attacks/trait_guess.py`
//!   measures it). By default M <= n / 9 and S <= n / 9, where that is 0.32. A variant counts at
//!   most as much as one of genome-wide significance: what is beyond is the biology of the trait,
//!   which is known of everybody, not of those who took part.
//! - **One for each region.** Two variants beside each other can differ in one person's call, and
//!   their two effects on a trait then give that person's trait away. So only one variant of a
//!   region leaves, in all exports of a trait ([`Regions`]).

use std::collections::BTreeMap;

use ligate_model::{Contig, VariantKey};

/// People for each variant of a trait that may leave, and for each unit of chi-square.
const PEOPLE_PER_VARIANT: u64 = 9;

/// The chi-square of one degree of freedom with p = 5e-8 (Pe'er et al., Genet. Epidemiol. 32:381
/// (2008)).
const GENOME_WIDE: f64 = 29.72;

/// Bases around a variant that left, counted from it, in which no other one leaves.
pub const REGION: u32 = 500_000;

/// Variants whose effects on a trait left, and so the regions that are closed for others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regions {
    left: BTreeMap<Contig, BTreeMap<u32, Vec<VariantKey>>>,
}

impl Regions {
    pub fn insert(&mut self, key: &VariantKey) {
        let of_contig = self.left.entry(key.contig.clone()).or_default();
        let of_position = of_contig.entry(key.position.get()).or_default();
        if !of_position.contains(key) {
            of_position.push(key.clone());
        }
    }

    /// Whether another variant left beside this one. The very same one may leave again.
    pub fn are_closed_for(&self, key: &VariantKey) -> bool {
        let position = key.position.get();
        let region = position.saturating_sub(REGION)..=position.saturating_add(REGION);
        let Some(left) = self.left.get(&key.contig) else {
            return false;
        };
        left.range(region)
            .flat_map(|(_, keys)| keys)
            .any(|left| left != key)
    }

    /// The variants that left, in the order of their keys.
    pub fn keys(&self) -> impl Iterator<Item = &VariantKey> {
        self.left.values().flat_map(BTreeMap::values).flatten()
    }
}

impl<'a> Extend<&'a VariantKey> for Regions {
    fn extend<K: IntoIterator<Item = &'a VariantKey>>(&mut self, keys: K) {
        keys.into_iter().for_each(|key| self.insert(key));
    }
}

/// Whether an effect of a variant may leave, by its allele's `frequency` and the largest `leverage`
/// of a person in the exported account.
pub fn is_common_enough(frequency: f64, leverage: f64) -> bool {
    // Written so that nothing passes where a number is none.
    leverage < 1.0 && 2.0 * frequency * (1.0 - frequency) >= leverage / (1.0 - leverage)
}

/// The lowest frequency of the rarer allele with which an effect may leave; none where no frequency
/// is enough.
pub fn lowest_frequency(leverage: f64) -> Option<f64> {
    let least = leverage / (1.0 - leverage);
    (leverage < 1.0 && least <= 0.5).then(|| (1.0 - (1.0 - 2.0 * least).sqrt()) / 2.0)
}

/// Variants of one trait over `people` people that may leave, in all exports together.
pub fn variants_max(people: u64) -> u64 {
    people / PEOPLE_PER_VARIANT
}

/// The sum of chi-squares of these variants that may leave.
pub fn strength_max(people: u64) -> f64 {
    people as f64 / PEOPLE_PER_VARIANT as f64
}

/// How much a variant says of those who took part: its chi-square `beta`^2 / `standard_error`^2, at
/// most that of genome-wide significance. What is no number counts as that.
pub fn strength(beta: f64, standard_error: f64) -> f64 {
    let square = (beta / standard_error).powi(2);
    if square < GENOME_WIDE {
        square
    } else {
        GENOME_WIDE
    }
}

/// The correlation with which a person's trait can be guessed by whoever holds the person's genome
/// and effects in `people` people whose chi-squares have the sum `strength`.
pub fn guess_of_trait(strength: f64, people: u64) -> f64 {
    let all = strength + people as f64;
    if all > 0.0 {
        (strength / all).sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::{Allele, Position};

    use super::*;

    #[test]
    fn the_figures_of_the_papers() {
        // Im et al. 2012: 14,000 variants in 2,000 people.
        assert!((guess_of_trait(14_000.0, 2000) - 0.935).abs() < 1e-3);
        assert!((guess_of_trait(strength_max(9000), 9000) - 0.316).abs() < 1e-3);
        assert_eq!((variants_max(9008), guess_of_trait(0.0, 0)), (1000, 0.0));
        assert_eq!(
            [strength(0.2, 0.1), strength(-9.0, 0.1), strength(0.1, 0.0)],
            [4.0, GENOME_WIDE, GENOME_WIDE]
        );
        // At h = 0.08 in 2,000 people: 2p(1-p) >= 0.087, which are 182 copies.
        let least = lowest_frequency(0.08).unwrap();
        assert!((least * 4000.0 - 182.0).abs() < 1.0, "{least}");
    }

    #[test]
    fn a_region_is_closed_for_others_than_the_one_that_left() {
        let key = |contig: &str, position: u32, alternate: &str| VariantKey {
            contig: Contig::new(contig),
            position: Position::new(position),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new(alternate).unwrap(),
        };
        let mut regions = Regions::default();
        regions.extend([
            &key("1", 1_000_000, "G"),
            &key("1", 1_000_000, "G"),
            &key("2", 7, "G"),
        ]);
        assert_eq!(regions.keys().count(), 2);
        for (contig, position, alternate, closed) in [
            ("1", 1_000_000, "G", false),
            ("1", 1_000_000, "T", true),
            ("1", 500_000, "G", true),
            ("1", 499_999, "G", false),
            ("1", 1_500_000, "G", true),
            ("1", 1_500_001, "G", false),
            ("2", 1, "G", true),
            ("3", 1_000_000, "G", false),
        ] {
            let found = regions.are_closed_for(&key(contig, position, alternate));
            assert_eq!(found, closed, "{contig}:{position} {alternate}");
        }
        // Of two that left beside each other, by a permit for full tables, neither leaves again.
        regions.insert(&key("1", 1_000_001, "G"));
        assert!(regions.are_closed_for(&key("1", 1_000_000, "G")));
    }

    #[test]
    fn rare_variants_stay() {
        for leverage in [0.001, 0.05, 0.2, 1.0 / 3.0] {
            let least = lowest_frequency(leverage).unwrap();
            assert!(
                is_common_enough(least + 1e-9, leverage)
                    && is_common_enough(1.0 - least - 1e-9, leverage)
            );
            assert!(
                !is_common_enough(least - 1e-6, leverage)
                    && !is_common_enough(1.0 - least + 1e-6, leverage)
            );
        }
        assert_eq!((lowest_frequency(0.4), lowest_frequency(1.0)), (None, None));
        for (frequency, leverage) in [
            (0.5, 0.4),
            (0.5, 1.0),
            (f64::NAN, 0.1),
            (0.3, f64::NAN),
            (0.0, 0.1),
        ] {
            assert!(
                !is_common_enough(frequency, leverage),
                "{frequency} {leverage}"
            );
        }
        assert!(is_common_enough(0.001, 0.0));
    }
}
