//! What one person's variants say of each disease.

use std::collections::HashMap;

use super::GeneticDisease;
use crate::genome::{
    burden::{Burden, Carried, Mode, Trans, explain},
    gene_model::{GeneModel, ModelGene},
};

/// Chance that the causal variant of a patient is not among the small variants of the exons:
/// structural, repeat, deep in an intron, or not covered. Set: about a tenth of Mendelian diagnoses
/// by genome are of kinds that an exome misses. A disease whose gene nobody knows has the same
/// chance against it: nothing in this file can confirm it.
pub const MISSED: f64 = 0.1;

/// A person's variants by gene, with what chance brings.
pub struct Evidence<'a> {
    pub model: &'a GeneModel,
    pub burden: &'a Burden,
    pub by_gene: &'a HashMap<ModelGene, Vec<Carried>>,
    pub trans: &'a Trans<'a>,
}

/// What the variants of one disease's genes say.
#[derive(Clone, Debug, PartialEq)]
pub struct DiseaseEvidence {
    /// Natural logarithm of the likelihood ratio.
    pub log_ratio: f64,
    /// The gene, mode and variants that add most; nothing where no variant fits.
    pub best: Option<BestExplanation>,
    /// How the disease's probability is shared among its genes; what is missing to 1 belongs to
    /// genes without structure.
    pub genes: Vec<(ModelGene, f64)>,
}

/// The variant or pair that explains a disease best.
#[derive(Clone, Debug, PartialEq)]
pub struct BestExplanation {
    pub gene: ModelGene,
    pub mode: Mode,
    pub variants: Vec<u32>,
    /// Likelihood ratio of these variants alone, the mode given.
    pub ratio: f64,
}

impl Evidence<'_> {
    /// The likelihood ratio of a gene's variants for a disease of these modes. `extra` as in
    /// [`Burden::expected`].
    pub fn gene(
        &self,
        disease: &GeneticDisease,
        gene: ModelGene,
        carried: &[Carried],
        extra: u32,
    ) -> (f64, Option<BestExplanation>) {
        let chromosome = GeneticDisease::chromosome(self.model, gene);
        let (mut ratio, mut best): (f64, Option<(f64, BestExplanation)>) = (0.0, None);
        for (mode, weight) in disease.modes.weights(chromosome) {
            let found = explain(self.burden, gene, carried, extra, mode, self.trans);
            ratio += weight * found.ratio;
            let value = weight * found.best;
            if value > best.as_ref().map_or(0.0, |(known, _)| *known) {
                let ratio = found.best;
                best = Some((
                    value,
                    BestExplanation {
                        gene,
                        mode,
                        variants: found.variants,
                        ratio,
                    },
                ));
            }
        }
        (ratio, best.map(|(_, best)| best))
    }

    /// The evidence for a disease: over its genes, each as likely, or none of them.
    pub fn disease(&self, disease: &GeneticDisease) -> DiseaseEvidence {
        self.disease_with(disease, &|gene| {
            (self.by_gene.get(&gene).map_or(&[][..], Vec::as_slice), 0)
        })
    }

    /// The same with the variants that `carried` gives for a gene, and how many of them the burden
    /// has not counted.
    pub fn disease_with<'c>(
        &self,
        disease: &GeneticDisease,
        carried: &dyn Fn(ModelGene) -> (&'c [Carried], u32),
    ) -> DiseaseEvidence {
        if !disease.has_gene() {
            return DiseaseEvidence {
                log_ratio: MISSED.ln(),
                best: None,
                genes: Vec::new(),
            };
        }
        let all = disease.genes.len() as f64 + f64::from(disease.genes_without_structure);
        let mut best: Option<BestExplanation> = None;
        let mut genes = Vec::with_capacity(disease.genes.len());
        for gene in &disease.genes {
            let (variants, extra) = carried(*gene);
            let (ratio, explanation) = if variants.is_empty() {
                (0.0, None)
            } else {
                self.gene(disease, *gene, variants, extra)
            };
            genes.push((*gene, (MISSED + (1.0 - MISSED) * ratio) / all));
            if let Some(found) = explanation
                && best.as_ref().is_none_or(|known| known.ratio < found.ratio)
            {
                best = Some(found);
            }
        }
        let without = MISSED * f64::from(disease.genes_without_structure) / all;
        let sum = genes.iter().map(|(_, part)| part).sum::<f64>() + without;
        genes.iter_mut().for_each(|(_, part)| *part /= sum);
        DiseaseEvidence {
            log_ratio: sum.ln(),
            best,
            genes,
        }
    }
}
