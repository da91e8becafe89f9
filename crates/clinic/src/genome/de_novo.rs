//! The chance that a variant that no parent is called with is new in the child, and not inherited
//! from a parent whose call is wrong.
//!
//! For one parent, r = P(reads | heterozygous) / P(reads | reference), from the genotype
//! likelihoods (PL), else from the reads of each allele (AD) as binomial draws with half and with
//! an error rate of one in a hundred, else from the depth alone (no alternate read seen: one half
//! to the depth), else from the genotype quality. Before any read, an allele of frequency f that
//! the child carries comes from a given parent with probability about f (one of two chromosomes,
//! two ways), and is new with the mutation rate of a base and generation, 1.2e-8 (Jonsson et al.,
//! Nature 549:519, 2017). So
//!
//!   odds(a parent's call is wrong) = f (r_father + r_mother) / 1.2e-8,
//!
//! which is Samocha et al.'s argument (Nature Genetics 46:944, 2014) without constants of one
//! caller.

use ligate_formats::family_vcf::Call;

/// New mutations of a base in a generation.
const MUTATION_RATE: f64 = 1.2e-8;
/// A small indel is about ten times as rare, but fewer sites can have it; the same rate is used.
const READ_ERROR: f64 = 0.01;
/// No call excludes a wrong sample, a mosaic parent or a mapping error by more than this.
const RATIO_MIN: f64 = 1e-7;
/// The frequency of an allele that nobody measured: rare, or it would not be asked.
const FREQUENCY_UNKNOWN: f64 = 1e-4;
/// An allele seen by no source still has some frequency.
const FREQUENCY_MIN: f64 = 1e-6;

/// The chance that a parent's call is wrong where nothing measures one of the calls: as likely as
/// not.
pub const UNMEASURED: f64 = 0.5;

/// The chance, 0 to 1, that one of the parents carries the allele though both are called without
/// it. `frequency` is the allele's in the population, where known; `None` for a parent without any
/// measure of the call.
pub fn parent_wrong(
    father: &Call,
    mother: &Call,
    alternate: u16,
    frequency: Option<f64>,
) -> Option<f64> {
    let ratios = ratio(father, alternate)? + ratio(mother, alternate)?;
    let frequency = frequency.unwrap_or(FREQUENCY_UNKNOWN).max(FREQUENCY_MIN);
    let odds = frequency * ratios / MUTATION_RATE;
    Some(odds / (1.0 + odds))
}

/// Likelihood of the parent's reads if heterozygous over that if without the allele.
fn ratio(call: &Call, alternate: u16) -> Option<f64> {
    let ratio = likelihoods(call, alternate)
        .or_else(|| depths(call, alternate))
        .or_else(|| {
            call.depth
                .map(|depth| 0.5_f64.powi(i32::try_from(depth).unwrap_or(i32::MAX)))
        })
        .or_else(|| {
            call.quality
                .map(|quality| 10_f64.powf(-f64::from(quality) / 10.0))
        })?;
    Some(ratio.max(RATIO_MIN))
}

fn likelihoods(call: &Call, alternate: u16) -> Option<f64> {
    let alternate = usize::from(alternate);
    // VCF's order of genotypes: k(k+1)/2 + j for alleles j <= k.
    let heterozygous = (*call.likelihoods.get(alternate * (alternate + 1) / 2)?)?;
    let reference = (*call.likelihoods.first()?)?;
    Some(10_f64.powf((f64::from(reference) - f64::from(heterozygous)) / 10.0))
}

fn depths(call: &Call, alternate: u16) -> Option<f64> {
    let seen = (*call.allele_depths.get(usize::from(alternate))?)?;
    let reference = (*call.allele_depths.first()?)?;
    let (seen, reference) = (f64::from(seen), f64::from(reference));
    let log = (seen + reference) * 0.5_f64.ln()
        - seen * READ_ERROR.ln()
        - reference * (1.0 - READ_ERROR).ln();
    Some(log.exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(reference: u32, alternate: u32) -> Call {
        Call {
            allele_depths: vec![Some(reference), Some(alternate)],
            ..Call::default()
        }
    }

    #[test]
    fn few_reads_leave_doubt_and_many_remove_it() {
        let chance = |a, b| parent_wrong(&a, &b, 1, Some(1e-4)).unwrap();
        assert!(chance(depth(8, 0), depth(40, 0)) > 0.9);
        assert!(chance(depth(40, 0), depth(40, 0)) < 0.01);
        assert!(chance(depth(30, 4), depth(40, 0)) > 0.5);
        // By hand: r = (1/2 / 0.99)^20 for each parent.
        let ratio = 2.0 * (0.5_f64 / 0.99).powi(20) * 1e-4 / 1.2e-8;
        assert!((chance(depth(20, 0), depth(20, 0)) - ratio / (1.0 + ratio)).abs() < 1e-12);
    }

    #[test]
    fn likelihoods_come_first_and_silence_says_nothing() {
        let sure = Call {
            likelihoods: vec![Some(0), Some(90), Some(900)],
            depth: Some(1),
            ..Call::default()
        };
        let chance = parent_wrong(&sure, &sure, 1, Some(1e-6)).unwrap();
        let odds = 1e-6 * 2e-7 / 1.2e-8;
        assert!(
            (chance - odds / (1.0 + odds)).abs() < 1e-9,
            "the floor of a ratio holds"
        );
        assert_eq!(parent_wrong(&sure, &Call::default(), 1, None), None);
    }
}
