//! How much a person's variants in a gene speak for a disease of that gene: the likelihood of
//! finding them if the gene causes the disease, over the likelihood of finding them by chance.
//!
//! Chance is measured in the person's own genome: the number of variants of the same effect,
//! frequency tier and zygosity that they carry in all genes, shared among genes by their coding
//! bases (splice sites: by their exons) and by how much of such variation the gene tolerates in
//! gnomAD. So callers, ancestry and annotation calibrate themselves. Genes differ more than that;
//! the rest is a gamma-distributed rate of each gene whose spread is estimated from the same
//! person.
//!
//! With causal variants drawn from the shares of [`Effect`] and [`Tier`] and background points from
//! a Poisson process of expectation e in the gene, the likelihood ratio of a set of variants is the
//! sum over its members of share / e (one causal allele), and over pairs of 2 share share' / (e e')
//! (two alleles in trans).

mod genes;
mod ratio;
mod tolerance;

use super::{
    Chromosome, effect::Effect, frequency::Tier, gene_model::GeneModel, gene_model::ModelGene,
};

use genes::GeneRates;
pub use ratio::{Explanation, Phase, Trans, explain};
pub use tolerance::Tolerance;

/// How a person carries a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carriage {
    Heterozygous,
    Homozygous,
    /// The only copy: X or Y of a male outside the pseudoautosomal regions, or nearly all
    /// mitochondria.
    Hemizygous,
}

/// A variant that the person carries in a gene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carried {
    /// The caller's number for the variant.
    pub id: u32,
    pub effect: Effect,
    pub tier: Tier,
    pub carriage: Carriage,
    /// Chance that the call is right, 0 to 1.
    pub quality: f64,
    /// Likelihood ratio of the family's genotypes, causal over by chance, if one allele causes the
    /// disease.
    pub dominant: f64,
    /// The same, if two alleles do.
    pub recessive: f64,
}

/// A model of inheritance that variants are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    Dominant,
    Recessive,
    XDominant,
    XRecessive,
    Mitochondrial,
}

const EFFECTS: usize = Effect::ALL.len();
const TIERS: usize = Tier::ALL.len();
const CARRIAGES: usize = 3;

/// Expectations of one person's genome.
#[derive(Clone, Debug)]
pub struct Burden {
    /// Variants of each kind in all genes.
    kinds: Box<[f64]>,
    genes: GeneRates,
    tolerances: Box<[Tolerance]>,
}

/// Added to the count of each kind, so that a kind nobody saw is rare and not impossible (Jeffreys'
/// prior of a rate).
const HALF: f64 = 0.5;

impl Burden {
    /// Counts what the person carries; each variant once for each gene that it hits. `tolerances`
    /// are by gene, or empty where constraint is not known.
    pub fn of(
        model: &GeneModel,
        tolerances: &[Tolerance],
        carried: impl IntoIterator<Item = (ModelGene, Carried)>,
    ) -> Self {
        let mut kinds = vec![HALF; EFFECTS * TIERS * CARRIAGES].into_boxed_slice();
        let mut counts = vec![0_u32; model.genes().len()];
        for (gene, carried) in carried {
            kinds[kind(carried.effect, carried.tier, carried.carriage)] += 1.0;
            if let (true, Some(count)) =
                (is_coding(carried.effect), counts.get_mut(gene.0 as usize))
            {
                *count += 1;
            }
        }
        Self {
            kinds,
            genes: GeneRates::of(model, counts),
            tolerances: tolerances.into(),
        }
    }

    /// How many variants of this kind chance brings into the gene. `own` are the gene's variants
    /// that are being judged and so say nothing of its rate; `extra` those that [`Burden::of`] has
    /// not counted.
    pub fn expected(&self, gene: ModelGene, carried: &Carried, own: u32, extra: u32) -> f64 {
        let tolerance = self
            .tolerances
            .get(gene.0 as usize)
            .map_or(1.0, |genes| genes.of_effect(carried.effect));
        self.all(carried)
            * tolerance
            * self.genes.share(gene, carried)
            * self.genes.rate(gene, own, extra)
    }

    /// Variants of this kind in all genes. Where nobody knows the frequency, it says nothing for or
    /// against: then all tiers count together.
    fn all(&self, carried: &Carried) -> f64 {
        let of = |tier| self.kinds[kind(carried.effect, tier, carried.carriage)];
        if carried.tier == Tier::Unknown {
            Tier::ALL.into_iter().map(of).sum()
        } else {
            of(carried.tier)
        }
    }

    /// How many coding variants chance brings into the gene, by its length alone.
    pub fn expected_coding(&self, gene: ModelGene) -> f64 {
        self.genes.expected(gene)
    }

    /// Shape of the gamma distribution of rates: small where genes differ much.
    pub fn shape(&self) -> f64 {
        self.genes.shape()
    }
}

fn kind(effect: Effect, tier: Tier, carriage: Carriage) -> usize {
    (effect as usize * TIERS + tier as usize) * CARRIAGES + carriage as usize
}

fn is_coding(effect: Effect) -> bool {
    effect.grows_with_coding_bases()
}

/// Whether a gene's variants on this chromosome can be hemizygous at all.
fn is_hemizygous_chromosome(chromosome: Chromosome) -> bool {
    matches!(
        chromosome,
        Chromosome::X | Chromosome::Y | Chromosome::MITOCHONDRION
    )
}
