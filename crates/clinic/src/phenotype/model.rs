//! What was learned from solved cases: one set of weights from all of them, one for each fold that
//! leaves a tenth of the publications out, and the hashes of the publications that were used. A
//! case whose publication was used is ranked by the fold that has not seen it, so that one shipped
//! file evaluates honestly. It holds nothing of any patient.

use std::sync::OnceLock;

use ligate_model::Pmid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::phenotype::{
    calibrate::Calibrator,
    features::{Feature, FeatureValues},
};

/// How many folds of publications there are.
pub(super) const FOLDS: u64 = 10;

/// A publication as a model remembers it: the first 8 bytes, big-endian, of SHA-256 of its id as
/// `PMID:15266616`.
pub fn publication_hash(publication: Pmid) -> u64 {
    let digest = Sha256::digest(publication.to_string().as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// The fold that a publication is left out of.
pub(super) fn fold_of(hash: u64) -> usize {
    (hash % FOLDS) as usize
}

/// One set of coefficients: the utility of a candidate, and how utilities become probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    pub(super) utility: Vec<(Feature, f64)>,
    pub(super) calibrator: Calibrator,
}

impl Weights {
    /// The coefficients of a candidate's utility, in the features' own units.
    pub fn utility(&self) -> &[(Feature, f64)] {
        &self.utility
    }

    /// Utility of a candidate: the sum of coefficient times feature.
    pub(super) fn utility_of(&self, values: &FeatureValues) -> f64 {
        self.utility
            .iter()
            .map(|(feature, coefficient)| coefficient * values[feature.index()])
            .sum()
    }

    /// The same less S, by feature: what the re-ranker adds to S.
    pub(super) fn shifts(&self, values: &FeatureValues) -> Vec<(Feature, f64)> {
        let shift = |(feature, coefficient): &(Feature, f64)| {
            let kept = if *feature == Feature::Ratio { 1.0 } else { 0.0 };
            (*feature, (coefficient - kept) * values[feature.index()])
        };
        self.utility.iter().map(shift).collect()
    }
}

/// Everything that was learned, as it is shipped (JSON).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Layout of this file.
    format: u32,
    /// HPO release of the annotations it was fitted with.
    knowledge: String,
    pub(super) full: Weights,
    pub(super) folds: Vec<Weights>,
    /// Hashes of the publications it was fitted on, in hexadecimal, ascending.
    publications: Vec<String>,
}

/// The layout that this program reads and writes.
const FORMAT: u32 = 1;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the ranking model is not readable")]
    Json(#[from] serde_json::Error),
    #[error("the ranking model has layout {found}; this program reads layout {FORMAT}")]
    Format { found: u32 },
    #[error("the ranking model has {found} folds instead of {FOLDS}")]
    Folds { found: usize },
    #[error("the solved cases leave the coefficients undetermined")]
    Undetermined,
}

impl Model {
    pub(super) fn new(
        knowledge: &str,
        full: Weights,
        folds: Vec<Weights>,
        mut publications: Vec<u64>,
    ) -> Self {
        publications.sort_unstable();
        publications.dedup();
        let publications = publications
            .into_iter()
            .map(|hash| format!("{hash:016x}"))
            .collect();
        Self {
            format: FORMAT,
            knowledge: knowledge.to_owned(),
            full,
            folds,
            publications,
        }
    }

    /// The model that comes with the program.
    ///
    /// Its file is part of the program and read by a test, so that it cannot be unreadable here.
    #[expect(
        clippy::expect_used,
        reason = "the file is compiled in and a test reads it"
    )]
    pub fn built_in() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL
            .get_or_init(|| Self::from_json(include_str!("model.json")).expect("the shipped model"))
    }

    /// # Errors
    ///
    /// When the text is not a model of this layout.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let model: Self = serde_json::from_str(text)?;
        if model.format != FORMAT {
            return Err(ModelError::Format {
                found: model.format,
            });
        }
        if model.folds.len() as u64 != FOLDS {
            return Err(ModelError::Folds {
                found: model.folds.len(),
            });
        }
        Ok(model)
    }

    /// # Errors
    ///
    /// When a coefficient is not a number.
    pub fn to_json(&self) -> Result<String, ModelError> {
        Ok(serde_json::to_string(self)?)
    }

    /// HPO release of the annotations it was fitted with.
    pub fn knowledge(&self) -> &str {
        &self.knowledge
    }

    /// Whether a publication's cases were used to fit it.
    pub fn has_seen(&self, publication: Pmid) -> bool {
        let hash = format!("{:016x}", publication_hash(publication));
        self.publications.binary_search(&hash).is_ok()
    }

    /// Weights that have not seen a case's publications: those of the fold that leaves the first
    /// known one out, or all where none is known. A case of several publications that were used in
    /// several folds has no weights that saw none of them.
    pub fn for_case(&self, publications: &[Pmid]) -> &Weights {
        let seen = publications
            .iter()
            .find(|publication| self.has_seen(**publication));
        let fold =
            seen.and_then(|publication| self.folds.get(fold_of(publication_hash(*publication))));
        fold.unwrap_or(&self.full)
    }

    /// Weights from all cases, for a patient whom no publication describes.
    pub fn full(&self) -> &Weights {
        &self.full
    }
}
