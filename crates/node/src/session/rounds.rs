//! What is asked in the rounds of a run: the study's own sums, and the two that the span rule needs of all nodes.
//!
//! Nodes of a run are named by their place in its roster. A sum "without" a node holds zeros of it: what is left when
//! its steward subtracts his own part.

use ligate_analysis::gwas::{Ask, Model};
use ligate_disclosure::{ColumnId, span::HISTOGRAM_WORDS};
use ligate_model::PeopleCounts;
use serde::{Deserialize, Serialize};

/// What is broadcast in a round: the question, and the released counts of the people that it stands on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Broadcast {
    /// `None` only in the round that counts the people.
    pub people: Option<PeopleCounts>,
    pub ask: RoundAsk,
}

/// A question of a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RoundAsk {
    Study(Ask),
    Account(AccountAsk),
    Suspects(SuspectsAsk),
}

/// W'W of what was shown and of what a study would add, once without each node: for the node at each
/// place of the roster the lower triangle of the matrix, in the basis that only the nodes know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountAsk {
    /// What a study would add; nothing is added where an export is judged.
    pub study: Option<AskedStudy>,
    /// Columns of the account, distinct over all nodes.
    pub shown: Vec<ColumnId>,
    pub nodes: u16,
    pub fraction_bits: u32,
}

/// What a study would weigh genotypes with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskedStudy {
    pub model: Model,
    /// Columns that it adds.
    pub columns: u16,
}

/// How the weights of some combinations of columns are spread over people, once without each node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspectsAsk {
    /// In the basis that only the nodes know.
    pub combinations: Vec<Vec<f64>>,
    pub nodes: u16,
}

impl RoundAsk {
    /// Words of the answer.
    pub fn words(&self) -> usize {
        match self {
            Self::Study(ask) => ask.words(),
            Self::Account(ask) => usize::from(ask.nodes) * ask.triangle(),
            Self::Suspects(ask) => ask.combinations.len() * usize::from(ask.nodes) * HISTOGRAM_WORDS,
        }
    }

    /// For logs and progress.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Study(ask) => ask.name(),
            Self::Account(_) => "account",
            Self::Suspects(_) => "suspects",
        }
    }
}

impl AccountAsk {
    /// Columns of the matrix.
    pub fn width(&self) -> usize {
        self.shown.len() + self.study.as_ref().map_or(0, |study| usize::from(study.columns))
    }

    /// Words of one matrix.
    pub fn triangle(&self) -> usize {
        self.width() * (self.width() + 1) / 2
    }
}
