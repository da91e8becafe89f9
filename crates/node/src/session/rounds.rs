//! What is asked in the rounds of a run: the study's own sums, and those that the span rule needs
//! of all nodes.
//!
//! Nodes of a run are named by their place in its roster. A sum "without" a node holds zeros of it:
//! what is left when its steward subtracts his own part.

use anyhow::Result;
use ligate_analysis::gwas::{self, Ask, Family, Model, Plan};
use ligate_disclosure::{
    ColumnId,
    span::{Frame, Step, fraction_bits},
};
use ligate_model::PeopleCounts;
use serde::{Deserialize, Serialize};

/// What is broadcast in a round: the question, and the released counts of the people that it stands
/// on.
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
    Refine(RefineAsk),
    Climb(ClimbAsk),
}

/// W'W of what was shown and of what a study would add, once without each node: for the node at
/// each place of the roster the lower triangle of the matrix, in the basis that only the nodes
/// know.
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
    /// Columns that are judged with it.
    pub columns: u16,
    /// Of a logistic study what is judged beside its columns.
    pub products: Option<JudgedProducts>,
}

/// The products of a logistic study's weights and covariates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JudgedProducts {
    /// Of its own covariates: of the weights and, where there is an earlier study with the same
    /// covariates and nearly the same weights, also of what sets the weights apart from that one's.
    Own { less: Option<ColumnId> },
    /// There is an earlier study with nearly the same weights and other covariates: of these as
    /// well.
    Nested { earlier: Vec<ColumnId> },
}

impl JudgedProducts {
    /// The covariates of earlier studies.
    pub fn earlier(&self) -> &[ColumnId] {
        match self {
            Self::Own { .. } => &[],
            Self::Nested { earlier } => earlier,
        }
    }
}

impl AskedStudy {
    /// What a study of this plan would weigh genotypes with, and the products beside it where it is
    /// logistic.
    pub fn new(plan: &Plan, model: Model, products: JudgedProducts) -> Result<Self> {
        let columns = gwas::roles(plan, model.baseline).len();
        if plan.family == Family::Linear {
            return Ok(Self {
                model,
                columns: u16::try_from(columns)?,
                products: None,
            });
        }
        let own = if plan.has_wald_tests() {
            0
        } else {
            plan.covariates.len()
        };
        let compared = if matches!(products, JudgedProducts::Own { less: Some(_) }) {
            own
        } else {
            0
        };
        let judged = own + compared + products.earlier().len();
        Ok(Self {
            model,
            columns: u16::try_from(columns + judged)?,
            products: Some(products),
        })
    }
}

/// The sums without each node once more, in the bases of the first ones, where those were not
/// precise enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefineAsk {
    /// By left-out node the size of its matrix; 0 for none.
    pub sizes: Vec<u16>,
}

/// How people weigh in combinations, in the frames of the sums without each node: a step of a
/// search for groups over several nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClimbAsk {
    /// By left-out node the numbers of a direction.
    pub ranks: Vec<u16>,
    /// Each with the place of the left-out node.
    pub steps: Vec<(u16, Step)>,
}

/// Numbers of the lower triangle of a matrix of this size.
pub const fn triangle(size: usize) -> usize {
    size * (size + 1) / 2
}

/// Fraction bits of a second sum: no entry is over 1.
pub fn second_fraction_bits(size: usize) -> u32 {
    fraction_bits(1, size)
}

impl RoundAsk {
    /// Words of the answer.
    pub fn words(&self) -> usize {
        match self {
            Self::Study(ask) => ask.words(),
            Self::Account(ask) => usize::from(ask.nodes) * ask.triangle(),
            Self::Refine(ask) => ask
                .sizes
                .iter()
                .map(|size| triangle(usize::from(*size)))
                .sum(),
            Self::Climb(ask) => {
                let rank = |place: &u16| {
                    ask.ranks
                        .get(usize::from(*place))
                        .map_or(0, |rank| usize::from(*rank))
                };
                ask.steps
                    .iter()
                    .map(|(place, _)| Frame::words(rank(place)))
                    .sum()
            }
        }
    }

    /// For logs and progress.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Study(ask) => ask.name(),
            Self::Account(_) => "account",
            Self::Refine(_) => "account again",
            Self::Climb(_) => "groups",
        }
    }
}

impl AccountAsk {
    /// Columns of the matrix.
    pub fn width(&self) -> usize {
        self.shown.len()
            + self
                .study
                .as_ref()
                .map_or(0, |study| usize::from(study.columns))
    }

    /// Words of one matrix.
    pub fn triangle(&self) -> usize {
        triangle(self.width())
    }
}
