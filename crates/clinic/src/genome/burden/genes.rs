//! How chance is shared among genes.

use super::{Carriage, Carried, is_hemizygous_chromosome};
use crate::genome::gene_model::{GeneModel, GeneStructure, ModelGene};

/// Shares and rates of all genes for one person.
#[derive(Clone, Debug)]
pub(super) struct GeneRates {
    genes: Vec<GeneRate>,
    shape: f64,
    /// Coding bases and exons of all genes, and of those on X, Y and the mitochondrial genome.
    total: Size,
    hemizygous: Size,
}

#[derive(Clone, Copy, Debug)]
struct GeneRate {
    size: Size,
    /// Coding variants that the person carries, and that their length lets expect.
    observed: f64,
    expected: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    bases: f64,
    exons: f64,
}

impl Size {
    fn of(gene: &GeneStructure) -> Self {
        Self {
            bases: f64::from(gene.coding_bases),
            exons: f64::from(gene.coding_exons),
        }
    }

    fn add(&mut self, other: Self) {
        self.bases += other.bases;
        self.exons += other.exons;
    }
}

impl GeneRates {
    pub fn of(model: &GeneModel, counts: Vec<u32>) -> Self {
        let (mut total, mut hemizygous) = (Size::default(), Size::default());
        for gene in model.genes() {
            total.add(Size::of(gene));
            if is_hemizygous_chromosome(gene.chromosome) {
                hemizygous.add(Size::of(gene));
            }
        }
        let all: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let rates = model.genes().iter().zip(counts).map(|(gene, count)| {
            let size = Size::of(gene);
            let expected = all * size.bases / total.bases.max(1.0);
            GeneRate {
                size,
                observed: f64::from(count),
                expected,
            }
        });
        let genes: Vec<GeneRate> = rates.collect();
        let shape = shape(&genes);
        Self {
            genes,
            shape,
            total,
            hemizygous,
        }
    }

    pub fn shape(&self) -> f64 {
        self.shape
    }

    pub fn expected(&self, gene: ModelGene) -> f64 {
        self.genes
            .get(gene.0 as usize)
            .map_or(0.0, |rate| rate.expected)
    }

    /// The gene's share of the variants of one kind.
    pub fn share(&self, gene: ModelGene, carried: &Carried) -> f64 {
        let Some(rate) = self.genes.get(gene.0 as usize) else {
            return 1.0;
        };
        let total = if carried.carriage == Carriage::Hemizygous {
            self.hemizygous
        } else {
            self.total
        };
        let (own, all) = if carried.effect.grows_with_coding_bases() {
            (rate.size.bases, total.bases)
        } else {
            (rate.size.exons, total.exons)
        };
        own.max(1.0) / all.max(1.0)
    }

    /// How much more than its length the gene varies, from its other coding variants: the mean of
    /// the gamma distribution after seeing them (Gelman et al., Bayesian Data Analysis, 3rd ed.,
    /// section 2.6).
    pub fn rate(&self, gene: ModelGene, own: u32, extra: u32) -> f64 {
        let Some(rate) = self.genes.get(gene.0 as usize) else {
            return 1.0;
        };
        let others = (rate.observed + f64::from(extra) - f64::from(own)).max(0.0);
        (self.shape + others) / (self.shape + rate.expected)
    }
}

/// Shape by moments: the variance of a gene's count is e + e²/shape (negative binomial).
fn shape(genes: &[GeneRate]) -> f64 {
    let (mut squares, mut excess) = (0.0, 0.0);
    for gene in genes {
        // A few genes of hundreds of variants (HLA, mucins) would decide alone: beyond ten times
        // its expectation a gene counts as at ten times.
        let observed = gene.observed.min(10.0 * gene.expected + 5.0);
        squares += gene.expected * gene.expected;
        excess += (observed - gene.expected).powi(2) - gene.expected;
    }
    if excess <= 0.0 || squares <= 0.0 {
        MAX_SHAPE
    } else {
        (squares / excess).clamp(MIN_SHAPE, MAX_SHAPE)
    }
}

const MIN_SHAPE: f64 = 0.2;
const MAX_SHAPE: f64 = 20.0;
