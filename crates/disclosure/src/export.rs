//! What may leave the environment of a study whose result was shown inside: how rare a variant may be, and how many
//! variants of one trait may leave. It decides; who is asked and what is written is elsewhere.
//!
//! Whoever reads what was exported may know every trait of many people, or hold their genomes. Two bounds keep him from
//! more than guesses:
//!
//! - **How rare.** The best linear guess of a person's dosage of a variant correlates with it by sqrt(h), h the person's
//!   leverage in the exported account ([`crate::span`]). The guess stands against the variance 2p(1-p) that the dosage has
//!   anyway; an effect leaves only where 2p(1-p) >= h / (1-h).
//! - **How many.** Whoever holds a person's genome guesses the person's trait from the effects of M independent variants in n
//!   people, and the guess correlates with it by about sqrt(M / (M + n)) (Im, Gamazon, Nicolae and Cox, AJHG 90:591 (2012)).
//!   By default M <= n / 9, where that is 0.32.

/// People for each variant of a trait that may leave.
const PEOPLE_PER_VARIANT: u64 = 9;

/// Whether an effect of a variant may leave, by its allele's `frequency` and the largest `leverage` of a person in the
/// exported account.
pub fn is_common_enough(frequency: f64, leverage: f64) -> bool {
    // Written so that nothing passes where a number is none.
    leverage < 1.0 && 2.0 * frequency * (1.0 - frequency) >= leverage / (1.0 - leverage)
}

/// The lowest frequency of the rarer allele with which an effect may leave; none where no frequency is enough.
pub fn lowest_frequency(leverage: f64) -> Option<f64> {
    let least = leverage / (1.0 - leverage);
    (leverage < 1.0 && least <= 0.5).then(|| (1.0 - (1.0 - 2.0 * least).sqrt()) / 2.0)
}

/// Variants of one trait over `people` people that may leave, in all exports together.
pub fn variants_max(people: u64) -> u64 {
    people / PEOPLE_PER_VARIANT
}

/// The correlation with which a person's trait can be guessed by whoever holds the person's genome and the effects of
/// `variants` independent variants in `people` people.
pub fn guess_of_trait(variants: u64, people: u64) -> f64 {
    let (variants, people) = (variants as f64, people as f64);
    if variants + people > 0.0 { (variants / (variants + people)).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_the_papers() {
        // Im et al. 2012: 14,000 variants in 2,000 people.
        assert!((guess_of_trait(14_000, 2000) - 0.935).abs() < 1e-3);
        assert!((guess_of_trait(variants_max(9000), 9000) - 0.316).abs() < 1e-3);
        // At h = 0.08 in 2,000 people: 2p(1-p) >= 0.087, which are 182 copies.
        let least = lowest_frequency(0.08).unwrap();
        assert!((least * 4000.0 - 182.0).abs() < 1.0, "{least}");
    }

    #[test]
    fn rare_variants_stay() {
        for leverage in [0.001, 0.05, 0.2, 1.0 / 3.0] {
            let least = lowest_frequency(leverage).unwrap();
            assert!(
                is_common_enough(least + 1e-9, leverage) && is_common_enough(1.0 - least - 1e-9, leverage)
            );
            assert!(
                !is_common_enough(least - 1e-6, leverage) && !is_common_enough(1.0 - least + 1e-6, leverage)
            );
        }
        assert_eq!((lowest_frequency(0.4), lowest_frequency(1.0)), (None, None));
        for (frequency, leverage) in [(0.5, 0.4), (0.5, 1.0), (f64::NAN, 0.1), (0.3, f64::NAN), (0.0, 0.1)] {
            assert!(!is_common_enough(frequency, leverage), "{frequency} {leverage}");
        }
        assert!(is_common_enough(0.001, 0.0));
    }
}
