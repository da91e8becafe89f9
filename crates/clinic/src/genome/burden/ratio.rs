//! The likelihood ratio of a gene's variants under one mode of inheritance, and which variants give
//! it.

use super::{Burden, Carriage, Carried, Mode};
use crate::genome::gene_model::ModelGene;

/// Whether two heterozygous variants lie on the same copy of a gene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Cis,
    Trans,
    Unknown,
}

/// Phase of two variants by their ids.
pub type Trans<'a> = dyn Fn(u32, u32) -> Phase + 'a;

/// What explains a disease best in one gene.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Likelihood ratio of all of the gene's variants; 0 where none fits the mode.
    pub ratio: f64,
    /// Ids of the variant or pair that adds most to it.
    pub variants: Vec<u32>,
    /// What they add.
    pub best: f64,
}

/// Share of recessive patients who are homozygous; the others have two different alleles. Half:
/// consanguinity and founder alleles differ between populations from a tenth to nine tenths.
const HOMOZYGOUS: f64 = 0.5;
/// Chance that one of two causal alleles is not found (structural, deep in an intron, not covered).
const SECOND_MISSED: f64 = 0.1;
/// Likelihood that a patient of a dominant disease is homozygous, relative to heterozygous.
const HOMOZYGOUS_DOMINANT: f64 = 0.05;
/// Likelihood that a female patient of an X-linked recessive disease is heterozygous (skewed
/// inactivation).
const FEMALE_CARRIER_ILL: f64 = 0.15;

/// Weighs a gene's variants under a mode. `extra` as in [`Burden::expected`].
pub fn explain(
    burden: &Burden,
    gene: ModelGene,
    carried: &[Carried],
    extra: u32,
    mode: Mode,
    trans: &Trans<'_>,
) -> Explanation {
    let mut sum = Sum {
        burden,
        gene,
        extra,
        found: Explanation {
            ratio: 0.0,
            variants: Vec::new(),
            best: 0.0,
        },
    };
    for variant in carried {
        sum.single(variant, weight(mode, variant.carriage), mode);
    }
    if matches!(mode, Mode::Recessive | Mode::XRecessive) {
        let heterozygous = |variant: &&Carried| variant.carriage == Carriage::Heterozygous;
        let variants: Vec<&Carried> = carried.iter().filter(heterozygous).collect();
        for (at, first) in variants.iter().enumerate() {
            for second in &variants[at + 1..] {
                sum.pair(first, second, trans(first.id, second.id));
            }
        }
    }
    sum.found
}

/// How likely a patient carries the causal allele so, under the mode.
fn weight(mode: Mode, carriage: Carriage) -> f64 {
    match (mode, carriage) {
        (Mode::Dominant | Mode::XDominant, Carriage::Heterozygous) => 1.0,
        (Mode::Dominant | Mode::XDominant, Carriage::Homozygous) => HOMOZYGOUS_DOMINANT,
        (_, Carriage::Hemizygous) => 1.0,
        (Mode::Recessive | Mode::XRecessive, Carriage::Homozygous) => HOMOZYGOUS,
        (Mode::Recessive, Carriage::Heterozygous) => 2.0 * (1.0 - HOMOZYGOUS) * SECOND_MISSED,
        (Mode::XRecessive, Carriage::Heterozygous) => FEMALE_CARRIER_ILL,
        (Mode::Mitochondrial, _) => 1.0,
    }
}

struct Sum<'a> {
    burden: &'a Burden,
    gene: ModelGene,
    extra: u32,
    found: Explanation,
}

impl Sum<'_> {
    fn single(&mut self, variant: &Carried, weight: f64, mode: Mode) {
        let one_allele = matches!(mode, Mode::Dominant | Mode::XDominant | Mode::Mitochondrial);
        let (share, family) = if one_allele {
            (dominant_share(variant), variant.dominant)
        } else {
            (recessive_share(variant), variant.recessive)
        };
        let expected = self.burden.expected(self.gene, variant, 1, self.extra);
        self.add(weight * family * share / expected, &[variant.id]);
    }

    fn pair(&mut self, first: &Carried, second: &Carried, phase: Phase) {
        // By chance a pair is in trans half of the time; a causal pair always is.
        let phase = match phase {
            Phase::Cis => return,
            Phase::Trans => 2.0,
            Phase::Unknown => 1.0,
        };
        let of = |variant: &Carried| {
            variant.recessive * recessive_share(variant)
                / self.burden.expected(self.gene, variant, 2, self.extra)
        };
        let ratio = 2.0
            * (1.0 - HOMOZYGOUS)
            * (1.0 - SECOND_MISSED).powi(2)
            * phase
            * of(first)
            * of(second);
        self.add(ratio, &[first.id, second.id]);
    }

    fn add(&mut self, ratio: f64, variants: &[u32]) {
        self.found.ratio += ratio;
        if ratio > self.found.best {
            self.found.best = ratio;
            self.found.variants = variants.to_vec();
        }
    }
}

fn dominant_share(variant: &Carried) -> f64 {
    variant.quality * variant.effect.share_of_pathogenic() * variant.tier.share_of_dominant()
}

fn recessive_share(variant: &Carried) -> f64 {
    variant.quality * variant.effect.share_of_pathogenic() * variant.tier.share_of_recessive()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::{effect::Effect, frequency::Tier, gene_model::sample};

    fn carried(id: u32, tier: Tier, carriage: Carriage) -> Carried {
        let effect = Effect::Missense;
        Carried {
            id,
            effect,
            tier,
            carriage,
            quality: 0.9,
            dominant: 1.0,
            recessive: 1.0,
        }
    }

    /// Four genes of 100 bases; genes 1 to 3 have two heterozygous variants each, gene 0 the ones
    /// that are judged.
    fn burden(own: &[Carried]) -> Burden {
        let background = (1..4).flat_map(|gene| {
            let one = carried(9, Tier::Unseen, Carriage::Heterozygous);
            [(ModelGene(gene), one), (ModelGene(gene), one)]
        });
        let own = own.iter().map(|carried| (ModelGene(0), *carried));
        Burden::of(&sample::model(&[100; 4]), &[], background.chain(own))
    }

    fn ratio(own: &[Carried], mode: Mode, phase: Phase) -> Explanation {
        explain(&burden(own), ModelGene(0), own, 0, mode, &|_, _| phase)
    }

    #[test]
    fn one_allele_by_hand() {
        let own = [carried(0, Tier::Unseen, Carriage::Heterozygous)];
        let burden = burden(&own);
        // Seven and a half such variants, a quarter of them expected in the gene; it has no others,
        // and 7/4 coding ones are expected.
        let expected = 7.5 * 0.25 * burden.shape() / (burden.shape() + 1.75);
        let found = ratio(&own, Mode::Dominant, Phase::Unknown);
        let share = 0.9 * Effect::Missense.share_of_pathogenic() * Tier::Unseen.share_of_dominant();
        assert!((found.ratio - share / expected).abs() < 1e-12);
        assert_eq!(found.variants, [0]);
    }

    #[test]
    fn a_pair_needs_both_copies() {
        let own = [0, 1].map(|id| carried(id, Tier::Unseen, Carriage::Heterozygous));
        let [cis, unknown, trans] = [Phase::Cis, Phase::Unknown, Phase::Trans]
            .map(|phase| ratio(&own, Mode::Recessive, phase).ratio);
        assert!(((trans - cis) / (unknown - cis) - 2.0).abs() < 1e-9);
        // What is left without the pair: one allele found and one missed.
        assert!(cis > 0.0 && cis < unknown);
        assert_eq!(ratio(&own, Mode::Recessive, Phase::Trans).variants, [0, 1]);
    }

    #[test]
    fn an_unknown_frequency_says_nothing() {
        // Of the same kind of variant, one is said to be rare, the other nothing: with all in one
        // tier, knowing that tier adds only its share among causal alleles.
        let unknown = carried(0, Tier::Unknown, Carriage::Heterozygous);
        let burden = burden(&[unknown]);
        let unseen = Carried {
            tier: Tier::Unseen,
            ..unknown
        };
        let all = burden.expected(ModelGene(0), &unknown, 1, 0);
        assert!(all > burden.expected(ModelGene(0), &unseen, 1, 0));
    }

    #[test]
    fn a_gene_that_varies_much_speaks_less() {
        let few = [carried(0, Tier::Unseen, Carriage::Heterozygous)];
        let many: Vec<Carried> = (0..9)
            .map(|id| carried(id, Tier::Unseen, Carriage::Heterozygous))
            .collect();
        let first = |own: &[Carried]| {
            explain(
                &burden(own),
                ModelGene(0),
                &own[..1],
                0,
                Mode::Dominant,
                &|_, _| Phase::Unknown,
            )
            .ratio
        };
        assert!(first(&many) < 0.5 * first(&few));
    }
}
