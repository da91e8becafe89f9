//! The ranking: the 150 candidates with the largest S in the order of their utility, the rest in
//! the order of S, with calibrated probabilities. What the re-ranker adds is kept apart from S,
//! part by part.

use std::sync::Arc;

use ligate_knowledge::{DiseaseIndex, GeneIndex};

use crate::phenotype::{
    calibrate::case_values,
    features::{Comparison, Feature, FeatureValues},
    likelihood::Scorer,
    lists::Genes,
    model::Weights,
    products::{Products, rank_of},
    query::Query,
};

/// Candidates that are re-ranked.
pub const LEADING: usize = 150;
/// Probability that the candidate set holds.
const SET: f64 = 0.9;
/// How far below the last leading candidate the next one begins: the two are never equal.
const BELOW: f64 = 1e-6;

/// A leading candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedDisease {
    pub disease: DiseaseIndex,
    /// The likelihood ratio.
    pub s: f64,
    /// What the re-ranker adds: score less S.
    pub shift: f64,
    /// The same by feature; the parts sum to the shift.
    pub shift_parts: Vec<(Feature, f64)>,
    /// What the order and the probabilities rest on.
    pub score: f64,
    pub probability: f64,
}

/// The fewest classes that hold 90% of the probability.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CandidateSet {
    pub diseases: Vec<DiseaseIndex>,
    /// Whether "none of these" is one of them.
    pub none: bool,
}

/// All candidates for one patient.
#[derive(Clone)]
pub struct Ranking {
    /// 150 at most, best first.
    pub leading: Vec<RankedDisease>,
    /// Probability that the diagnosis is not among the leading candidates, nor among the known
    /// diseases.
    pub none_of_these: f64,
    /// Genes of the leading candidates with the summed probability of their diseases, best first.
    pub genes: Vec<(GeneIndex, f64)>,
    pub set90: CandidateSet,
    /// exp(S) of all candidates; most questions need no more than the leading ones.
    products: Products,
    /// Places of the leading candidates.
    positions: Vec<usize>,
    sharpness: f64,
    links: Arc<Genes>,
    candidates: Arc<[DiseaseIndex]>,
}

/// Ranks all candidates.
pub fn rank(scorer: &Scorer, weights: &Weights, query: &Query) -> Ranking {
    let products = scorer.products(&query.observed);
    let compared = compare(scorer, query, &products);
    let mut leading: Vec<(usize, RankedDisease, FeatureValues)> = compared
        .into_iter()
        .map(|(position, values)| candidate(scorer, weights, position, values))
        .collect();
    leading.sort_by(|left, right| right.1.score.total_cmp(&left.1.score));
    let utilities: Vec<f64> = leading.iter().map(|(_, ranked, _)| ranked.score).collect();
    let first = leading
        .first()
        .map_or_else(FeatureValues::default, |(_, _, values)| *values);
    let (probabilities, none_of_these, sharpness) = if utilities.is_empty() {
        (Vec::new(), 1.0, 1.0)
    } else {
        let case = case_values(query.observed.len(), &utilities, &first);
        let (probabilities, none) = weights.calibrator.probabilities(&case, &utilities);
        (probabilities, none, weights.calibrator.sharpness(&case))
    };
    for ((_, ranked, _), probability) in leading.iter_mut().zip(&probabilities) {
        ranked.probability = *probability;
    }
    let positions = leading.iter().map(|(position, _, _)| *position).collect();
    let leading: Vec<RankedDisease> = leading.into_iter().map(|(_, ranked, _)| ranked).collect();
    let genes = genes(scorer, &leading);
    let set90 = candidate_set(&leading, none_of_these);
    let (links, candidates) = (scorer.genes().clone(), scorer.shared_candidates().clone());
    Ranking {
        leading,
        none_of_these,
        genes,
        set90,
        products,
        positions,
        sharpness,
        links,
        candidates,
    }
}

/// Places and features of the candidates that are re-ranked.
pub(super) fn compare(
    scorer: &Scorer,
    query: &Query,
    products: &Products,
) -> Vec<(usize, FeatureValues)> {
    let mut comparison = Comparison::new(scorer, query);
    let top = products.top(LEADING).into_iter();
    top.map(|(position, s)| (position, comparison.features(position, s)))
        .collect()
}

fn candidate(
    scorer: &Scorer,
    weights: &Weights,
    position: usize,
    values: FeatureValues,
) -> (usize, RankedDisease, FeatureValues) {
    let s = values[Feature::Ratio.index()];
    let score = weights.utility_of(&values);
    let ranked = RankedDisease {
        disease: scorer.candidates()[position],
        s,
        shift: score - s,
        shift_parts: weights.shifts(&values),
        score,
        probability: 0.0,
    };
    (position, ranked, values)
}

fn genes(scorer: &Scorer, leading: &[RankedDisease]) -> Vec<(GeneIndex, f64)> {
    let knowledge = scorer.knowledge();
    let mut genes: Vec<(GeneIndex, f64)> = Vec::new();
    for ranked in leading {
        genes.extend(
            knowledge
                .disease(ranked.disease)
                .genes
                .iter()
                .map(|gene| (*gene, ranked.probability)),
        );
    }
    genes.sort_by_key(|(gene, _)| *gene);
    let groups = genes.chunk_by(|left, right| left.0 == right.0);
    let sums = groups.map(|group| {
        (
            group[0].0,
            group.iter().map(|(_, probability)| probability).sum(),
        )
    });
    let mut sums: Vec<(GeneIndex, f64)> = sums.collect();
    sums.sort_by(|left, right| right.1.total_cmp(&left.1));
    sums
}

fn candidate_set(leading: &[RankedDisease], none: f64) -> CandidateSet {
    let (mut set, mut held) = (CandidateSet::default(), 0.0);
    for ranked in leading {
        if !set.none && none >= ranked.probability && held < SET {
            (set.none, held) = (true, held + none);
        }
        if held >= SET {
            return set;
        }
        set.diseases.push(ranked.disease);
        held += ranked.probability;
    }
    set.none |= held < SET;
    set
}

impl Ranking {
    /// Rank among all candidates, with half of the equal ones; `None` where nothing is known of the
    /// disease.
    pub fn rank_of(&self, disease: DiseaseIndex) -> Option<f64> {
        if let Some(place) = self
            .leading
            .iter()
            .position(|ranked| ranked.disease == disease)
        {
            let scores: Vec<f64> = self.leading.iter().map(|ranked| ranked.score).collect();
            return rank_of(&scores, place);
        }
        rank_of(
            &self.scores(),
            self.candidates
                .iter()
                .position(|candidate| *candidate == disease)?,
        )
    }

    /// One order of all candidates: the leading ones by their score, the others below them by S.
    fn scores(&self) -> Vec<f64> {
        let mut scores = self.products.scores();
        let Some(last) = self.leading.last() else {
            return scores;
        };
        let least = self
            .leading
            .iter()
            .map(|ranked| ranked.s)
            .fold(f64::INFINITY, f64::min);
        let offset = last.score - BELOW - least;
        scores.iter_mut().for_each(|score| *score += offset);
        for (position, ranked) in self.positions.iter().zip(&self.leading) {
            scores[*position] = ranked.score;
        }
        scores
    }

    /// 0 for what is not a leading candidate.
    pub fn probability_of(&self, disease: DiseaseIndex) -> f64 {
        let ranked = self.leading.iter().find(|ranked| ranked.disease == disease);
        ranked.map_or(0.0, |ranked| ranked.probability)
    }

    /// Rank among all genes with a candidate disease; `None` for a gene without one. Summed
    /// probabilities stay logarithms: rounded, all but the leading ones would be equal.
    pub fn gene_rank_of(&self, gene: GeneIndex) -> Option<f64> {
        let position = self.links.place(gene)?;
        let diseases = self.scores();
        let scores = self
            .links
            .positions()
            .map(|positions| self.log_sum(&diseases, positions));
        rank_of(&scores.collect::<Vec<_>>(), position)
    }

    /// Candidates and probabilities, best first.
    pub fn posterior(&self) -> Vec<(DiseaseIndex, f64)> {
        self.leading
            .iter()
            .map(|ranked| (ranked.disease, ranked.probability))
            .collect()
    }

    fn log_sum(&self, diseases: &[f64], positions: &[u32]) -> f64 {
        let scores = positions
            .iter()
            .map(|position| self.sharpness * diseases[*position as usize]);
        let best = scores.clone().fold(f64::NEG_INFINITY, f64::max);
        if !best.is_finite() {
            return best;
        }
        best + libm::log(scores.map(|score| libm::exp(score - best)).sum())
    }
}
