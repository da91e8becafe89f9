//! The chance that a call is right: by its own quality, the balance of its reads, and the record's
//! filters.

use ligate_formats::family_vcf::Call;

use crate::genome::inheritance::State;

/// No call is believed more than this, nor less than `LEAST`.
const MOST: f64 = 0.995;
const LEAST: f64 = 0.02;
/// A record that failed a filter is real about one time in three (the filters' own trade-off of
/// sensitivity).
const FILTERED: f64 = 0.3;
/// Share of heterozygous calls that are wrong before reads are looked at, for the balance of
/// alleles.
const WRONG_BEFORE: f64 = 0.05;
/// Share of reads with the allele where a heterozygous call is wrong: errors, mosaics, paralogues.
const WRONG_SHARE: f64 = 0.15;

/// The chance that the patient carries the allele as called. Qualities cap what depth and balance
/// say.
pub fn call_quality(
    site: Option<f32>,
    passed: bool,
    call: &Call,
    alternate: u16,
    state: State,
) -> f64 {
    let phred = |quality: f32| 1.0 - 10_f64.powf(-f64::from(quality.max(0.0)) / 10.0);
    let mut chance = call.quality.map_or(MOST, phred);
    if let Some(site) = site {
        chance *= phred(site).max(LEAST);
    }
    if state == State::Heterozygous {
        chance *= balance(call, alternate).unwrap_or(1.0);
    }
    if !passed {
        chance *= FILTERED;
    }
    chance.clamp(LEAST, MOST)
}

/// Posterior of a right heterozygous call: reads of the allele drawn with one half, or with a
/// seventh if it is wrong.
fn balance(call: &Call, alternate: u16) -> Option<f64> {
    let seen = f64::from((*call.allele_depths.get(usize::from(alternate))?)?);
    let all: f64 = call
        .allele_depths
        .iter()
        .flatten()
        .map(|depth| f64::from(*depth))
        .sum();
    let log = |share: f64| seen * share.ln() + (all - seen) * (1.0 - share).ln();
    // Reads are not independent: no more than twenty count.
    let weight = if all > 20.0 { 20.0 / all } else { 1.0 };
    let odds = ((log(WRONG_SHARE) - log(0.5)) * weight).exp() * WRONG_BEFORE / (1.0 - WRONG_BEFORE);
    Some(1.0 / (1.0 + odds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reads: [u32; 2], quality: f32, passed: bool, range: std::ops::Range<f64>) {
        let call = Call {
            allele_depths: reads.iter().map(|reads| Some(*reads)).collect(),
            quality: Some(quality),
            ..Call::default()
        };
        let chance = call_quality(Some(500.0), passed, &call, 1, State::Heterozygous);
        assert!(
            range.contains(&chance),
            "{reads:?} {quality} {passed}: {chance}"
        );
    }

    #[test]
    fn balance_quality_and_filters_lower_it() {
        check([15, 14], 99.0, true, 0.98..1.0);
        check([30, 3], 99.0, true, 0.0..0.3);
        check([15, 14], 3.0, true, 0.4..0.6);
        check([15, 14], 99.0, false, 0.25..0.31);
    }
}
