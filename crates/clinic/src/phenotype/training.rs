//! Fitting a [`Model`] to solved cases, as a pure function of them: the re-ranker's coefficients by
//! fold of publications, then the calibration on utilities of folds that had not seen the case.

use ligate_knowledge::DiseaseIndex;
use ligate_model::Pmid;

use crate::phenotype::{
    calibrate::{self, Known, case_values},
    features::{Feature, FeatureValues},
    likelihood::Scorer,
    logit::{self, Choice},
    model::{FOLDS, Model, ModelError, Weights, fold_of, publication_hash},
    query::Query,
    rerank::compare,
};

/// Ridge of the re-ranker's coefficients.
const RIDGE: f64 = 0.01;

/// A solved case's leading candidates, ready to learn from.
pub struct Example {
    publication: u64,
    /// The true disease: cases of one disease share a weight.
    group: DiseaseIndex,
    weight: f64,
    terms: usize,
    /// Row by row, best S first.
    features: Vec<f32>,
    truth: Option<usize>,
}

const WIDTH: usize = Feature::ALL.len();

impl Example {
    /// A case as `scorer` sees it: its own publication must have been taken out. `weight` is that
    /// of its list among the case's lists (as published, and made noisy).
    pub fn of(
        scorer: &Scorer,
        query: &Query,
        publication: Pmid,
        truth: DiseaseIndex,
        weight: f64,
    ) -> Self {
        let compared = compare(scorer, query, &scorer.products(&query.observed));
        let position = scorer.position(truth);
        Self {
            publication: publication_hash(publication),
            group: truth,
            weight,
            terms: query.observed.len(),
            truth: compared
                .iter()
                .position(|(place, _)| Some(*place) == position),
            features: compared
                .iter()
                .flat_map(|(_, values)| values.map(|value| value as f32))
                .collect(),
        }
    }

    fn fold(&self) -> usize {
        fold_of(self.publication)
    }
}

/// Fits the full weights and those of every fold. Cases of one disease are weighted by one over the
/// square root of their number, so that the store's frequent diseases do not decide alone.
///
/// # Errors
///
/// When the examples leave the coefficients undetermined.
pub fn train(examples: &[Example], knowledge: &str) -> Result<Model, ModelError> {
    let weights = weights(examples);
    let outside = |fold: Option<usize>| move |example: &Example| fold != Some(example.fold());
    let mut utilities = Vec::new();
    for fold in 0..FOLDS as usize {
        utilities.push(fit_utility(examples, &weights, outside(Some(fold)))?);
    }
    let known: Vec<Option<Known>> = examples
        .iter()
        .map(|example| known(example, &utilities[example.fold()]))
        .collect();
    let calibrated = |fold: Option<usize>| {
        let kept = examples
            .iter()
            .zip(&known)
            .filter(|(example, _)| fold != Some(example.fold()));
        let kept: Vec<&Known> = kept.filter_map(|(_, known)| known.as_ref()).collect();
        calibrate::fit(&kept)
    };
    let full = Weights {
        utility: fit_utility(examples, &weights, outside(None))?,
        calibrator: calibrated(None),
    };
    let folds = utilities.into_iter().enumerate();
    let folds = folds
        .map(|(fold, utility)| Weights {
            utility,
            calibrator: calibrated(Some(fold)),
        })
        .collect();
    let publications = examples.iter().map(|example| example.publication).collect();
    Ok(Model::new(knowledge, full, folds, publications))
}

/// Weight of each example: its list's, over the square root of the number of lists of its disease.
fn weights(examples: &[Example]) -> Vec<f64> {
    let mut counts = std::collections::HashMap::new();
    for example in examples {
        *counts.entry(example.group).or_insert(0.0_f64) += 1.0;
    }
    examples
        .iter()
        .map(|example| example.weight / counts[&example.group].sqrt())
        .collect()
}

fn fit_utility(
    examples: &[Example],
    weights: &[f64],
    kept: impl Fn(&Example) -> bool,
) -> Result<Vec<(Feature, f64)>, ModelError> {
    let choices = examples
        .iter()
        .zip(weights)
        .filter(|(example, _)| kept(example));
    let choices: Vec<Choice> = choices
        .filter_map(|(example, weight)| {
            Some(Choice {
                weight: *weight,
                alternatives: &example.features,
                truth: example.truth?,
            })
        })
        .collect();
    let fitted = logit::fit(&choices, WIDTH, RIDGE).ok_or(ModelError::Undetermined)?;
    Ok(Feature::ALL.into_iter().zip(fitted).collect())
}

/// An example with the utilities of coefficients that have not seen it; `None` without candidates.
fn known(example: &Example, utility: &[(Feature, f64)]) -> Option<Known> {
    let values = |row: &[f32]| -> FeatureValues { std::array::from_fn(|at| f64::from(row[at])) };
    let mut rows: Vec<(f64, usize, FeatureValues)> = Vec::new();
    for (place, row) in example.features.chunks_exact(WIDTH).enumerate() {
        let values = values(row);
        let sum = utility
            .iter()
            .map(|(feature, coefficient)| coefficient * values[feature.index()])
            .sum();
        rows.push((sum, place, values));
    }
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let utilities: Vec<f64> = rows.iter().map(|(utility, _, _)| *utility).collect();
    let case = case_values(example.terms, &utilities, &rows.first()?.2);
    let truth = example
        .truth
        .and_then(|truth| rows.iter().position(|(_, place, _)| *place == truth));
    Some(Known {
        weight: example.weight,
        case,
        utilities,
        truth,
    })
}
