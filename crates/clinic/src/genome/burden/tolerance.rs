//! How much of an effect a gene tolerates in the population, from gnomAD's constraint (Karczewski
//! et al., Nature 581:434, 2020): a gene that lost its stop-gained variants to selection has few by
//! chance.

use ligate_knowledge::Constraint;

use super::Effect;

/// Observed over expected variation of a gene, relative to the mean gene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    loss_of_function: f64,
    missense: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            loss_of_function: 1.0,
            missense: 1.0,
        }
    }
}

/// Mean over genes of LOEUF and of the missense ratio.
const MEAN: f64 = 0.95;
/// gnomAD's missense z is (expected - observed) / sqrt(expected) times this, and it expects this
/// many missense variants for each coding base; both read off its table (v2.1.1), where they are
/// the same for every gene within 2%.
const Z_SCALE: f64 = 0.355;
const MISSENSE_A_BASE: f64 = 0.172;
/// Shares of random base changes of a coding part that are silent and nonsense; the rest is
/// missense.
const SILENT: f64 = 0.3;
const NONSENSE: f64 = 0.05;

impl Tolerance {
    /// From a gene's constraint and its coding bases. LOEUF, an upper bound, stands for the
    /// loss-of-function ratio: it is careful where genes are short.
    pub fn of(constraint: Constraint, coding_bases: u32) -> Self {
        let expected = (MISSENSE_A_BASE * f64::from(coding_bases)).max(10.0);
        let ratio = 1.0 - f64::from(constraint.missense_z) / Z_SCALE / expected.sqrt();
        let loeuf = f64::from(constraint.loeuf);
        Self {
            loss_of_function: if loeuf.is_finite() {
                loeuf.clamp(0.1, 1.5) / MEAN
            } else {
                1.0
            },
            missense: if ratio.is_finite() {
                ratio.clamp(0.2, 1.5) / MEAN
            } else {
                1.0
            },
        }
    }

    /// The factor by which the gene has more or less of an effect than its length says.
    pub fn of_effect(self, effect: Effect) -> f64 {
        match effect {
            Effect::Nonsense | Effect::Frameshift | Effect::SpliceSite | Effect::StartCodon => {
                self.loss_of_function
            }
            Effect::StopLost | Effect::Missense | Effect::InframeIndel => self.missense,
            Effect::CodingUnread => {
                SILENT
                    + NONSENSE * self.loss_of_function
                    + (1.0 - SILENT - NONSENSE) * self.missense
            }
            Effect::SpliceRegion | Effect::Synonymous | Effect::Noncoding => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missense_ratio_is_gnomads() {
        // gnomAD v2.1.1: NIPBL oe_mis 0.58688, z 5.5737, 8412 coding bases; SMC3 0.28251, 6.3999,
        // 3651.
        for (z, bases, ratio) in [
            (5.5737, 8412, 0.58688),
            (6.3999, 3651, 0.28251),
            (2.6232, 6522, 0.77921),
        ] {
            let constraint = Constraint {
                pli: 1.0,
                loeuf: 0.03,
                missense_z: z,
            };
            let found = Tolerance::of(constraint, bases).of_effect(Effect::Missense) * MEAN;
            assert!((found - ratio).abs() < 0.01, "{found} {ratio}");
        }
    }
}
