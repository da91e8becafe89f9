//! Published methods, re-implemented from their papers and documentation to stand beside ours: the
//! same annotation rows, the same cases, the same candidates. They are benchmarks; nothing else
//! uses them.

mod corpus;
mod lirical;
mod similarity;

pub use corpus::Corpus;
pub use lirical::Lirical;
pub use similarity::{Kind, Similarity};

use ligate_clinic::phenotype::{Profile, Query};
use ligate_knowledge::DiseaseIndex;

/// How a method's scores of diseases become scores of genes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneRule {
    /// Scores are logarithms of likelihoods under a flat prior: probabilities of a gene's diseases
    /// are summed.
    Sum,
    /// Scores are similarities: a gene is as good as its best disease.
    Best,
}

/// A method over all candidates.
pub trait Rival: Sync {
    fn gene_rule(&self) -> GeneRule;

    /// The method with some diseases changed. Diseases that are not candidates are passed over.
    fn adjusted<'a>(&'a self, changes: &[(DiseaseIndex, Profile)]) -> Box<dyn Scores + 'a>;
}

/// Scores of all candidates in the knowledge's order, higher is better; negative infinity for a
/// disease that has nothing left to be scored by.
pub trait Scores {
    fn scores(&self, query: &Query) -> Vec<f64>;
}
