//! Phenotype and genome together: the posterior of each disease, and of each gene, from what the
//! patient shows and what they carry.
//!
//! log posterior = log phenotype + log likelihood ratio of the variants. A disease whose genes
//! offer nothing is made less likely by the chance that its cause was missed, never impossible.

mod catalogue;
mod evidence;
mod posterior;
mod prior;
#[cfg(test)]
mod tests;
mod unknown;

pub use catalogue::{Catalogue, GeneticDisease, KnownModes};
pub use evidence::{BestExplanation, DiseaseEvidence, Evidence, MISSED};
pub use posterior::{
    GenomeRanking, Incidental, NotCovered, RankOptions, RankedByGenome, TwoDiagnoses, rank,
};
pub use prior::PhenotypePrior;
pub use unknown::UnknownGene;
