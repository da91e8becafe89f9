//! What the phenotype says before any variant is looked at, as the logarithm of a probability for
//! each disease.

use ligate_knowledge::DiseaseIndex;

use crate::phenotype::Ranking;

/// Log probabilities by disease index; minus infinity for what is no candidate or has nothing to be
/// ranked by.
#[derive(Clone, Debug, PartialEq)]
pub struct PhenotypePrior {
    log: Vec<f64>,
}

/// The truth is at rank r of a likelihood ratio's list with probability about r to the minus this.
/// Fitted by maximum likelihood to phenotype ranks alone (loo; no variant was looked at); scores
/// themselves, however scaled, predict worse (4.39 against 4.68 nats a case), because S is a
/// product of terms that are not independent.
const RANK_POWER: f64 = 1.27;

impl PhenotypePrior {
    /// From scores of any scale: only their order counts. `diseases` is the number of diseases in
    /// the knowledge.
    pub fn from_scores(diseases: usize, candidates: &[DiseaseIndex], scores: &[f64]) -> Self {
        let mut log = vec![f64::NEG_INFINITY; diseases];
        let weights: Vec<(usize, f64)> = ranked(candidates, scores);
        let all: f64 = weights.iter().map(|(_, rank)| rank.powf(-RANK_POWER)).sum();
        for (disease, rank) in weights {
            log[disease] = -RANK_POWER * rank.ln() - all.ln();
        }
        Self { log }
    }

    /// From a calibrated ranking: its leading candidates have its probabilities, and all others
    /// share "none of these" by the order of their scores.
    pub fn from_ranking(
        diseases: usize,
        candidates: &[DiseaseIndex],
        scores: &[f64],
        ranking: &Ranking,
    ) -> Self {
        let mut prior = Self::from_scores(diseases, candidates, scores);
        for leading in &ranking.leading {
            prior.log[leading.disease.index()] = f64::NEG_INFINITY;
        }
        let rest: f64 = prior.log.iter().map(|log| log.exp()).sum();
        let none = ranking.none_of_these.max(1e-6);
        prior
            .log
            .iter_mut()
            .for_each(|log| *log += (none / rest.max(f64::MIN_POSITIVE)).ln());
        for leading in &ranking.leading {
            // A calibrated zero is a small number that was rounded.
            prior.log[leading.disease.index()] = leading.probability.max(1e-9).ln();
        }
        prior
    }

    /// The log probability of a disease.
    pub fn log(&self, disease: DiseaseIndex) -> f64 {
        self.log
            .get(disease.index())
            .copied()
            .unwrap_or(f64::NEG_INFINITY)
    }

    /// By disease index.
    pub fn all(&self) -> &[f64] {
        &self.log
    }
}

/// Places and ranks from 1 of the scores that are finite; equal scores share their mean rank.
fn ranked(candidates: &[DiseaseIndex], scores: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> = candidates
        .iter()
        .zip(scores)
        .filter(|(_, score)| score.is_finite())
        .map(|(disease, score)| (disease.index(), (score * 1e9).round()))
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut start = 0;
    while start < order.len() {
        let score = order[start].1;
        let end = start
            + order[start..]
                .iter()
                .take_while(|(_, other)| *other == score)
                .count();
        let rank = (start + 1 + end) as f64 / 2.0;
        order[start..end]
            .iter_mut()
            .for_each(|(_, score)| *score = rank);
        start = end;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_alone_counts_and_ties_share() {
        let candidates = [0, 1, 3, 4].map(DiseaseIndex);
        let scores = [5.0, 5.0, -1.0, f64::NEG_INFINITY];
        let prior = PhenotypePrior::from_scores(5, &candidates, &scores);
        let chances: Vec<f64> = prior.all().iter().map(|log| log.exp()).collect();
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((chances[0], chances[2], chances[4]), (chances[1], 0.0, 0.0));
        assert!((chances[0] / chances[3] - (1.5_f64 / 3.0).powf(-RANK_POWER)).abs() < 1e-9);
    }
}
