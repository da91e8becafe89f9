//! The driver of an association study: one ask after another, over any [`Summation`].
//!
//! It works the same over a node's own rows and over masked sums of several nodes. Opened sums
//! reach it only inside `next` closures, which keep states and results; moments that later rounds
//! need live in types that can neither be printed nor serialised. Refuses traits and covariates
//! without spread, collinear covariates, and null models without a finite estimate.

mod baseline;
mod driver;
mod linear;
mod logistic;

use ligate_model::{GateRule, PeopleCounts, VariableName, VariantCounts, VariantKey};

use self::driver::Driver;
use super::{
    ask::{Ask, MAX_INDIVIDUALS, ascending},
    columns::Model,
    plan::{Family, InvalidPlan, Plan},
    result::{Gwas, Unreported},
};
use crate::{codes::Grid, inflation::inflation, quantise::MAX_EXPONENT};

/// How sums over all nodes come about: from own rows, or masked from several nodes and opened
/// behind the gate.
pub trait Summation {
    type Error;

    /// The people of the run, if they pass the gate.
    fn people(&mut self, ask: &Ask) -> Result<PeopleCounts, Self::Error>;

    /// Per key of the ask its counts, or the rule of the gate that they did not meet.
    fn counts(&mut self, ask: &Ask) -> Result<Vec<Result<VariantCounts, GateRule>>, Self::Error>;

    /// Asks whether what the run will weigh genotypes with may be shown, with all that was shown
    /// before. Nothing about genotypes has been asked yet.
    fn admit(&mut self, model: &Model) -> Result<(), Self::Error>;

    /// The sum of `ask.words()` words, handed to `next` alone; only what `next` makes of it goes
    /// on.
    fn sum<T>(&mut self, ask: &Ask, next: impl FnOnce(&[u64]) -> T) -> Result<T, Self::Error>;
}

/// What the nodes published before the run.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedFacts {
    /// The largest over the nodes: covariates in plan order, then the trait.
    pub exponents: Vec<i16>,
    /// What missing values of each variable counted as in earlier runs, if there were any: it stays
    /// the same, because two fills of the same values differ by those people alone. Variables as
    /// above.
    pub fills: Vec<Option<f64>>,
    /// The grid of each variable whose points are values at every node, if there is one. Variables
    /// as above.
    pub grids: Vec<Option<Grid>>,
    /// Ascending union of the nodes' offers.
    pub keys: Vec<VariantKey>,
    /// Fewest nodes with an own result for a baseline; 0 for none.
    pub baseline_sites: u64,
}

/// A stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    People,
    Counts,
    Scale,
    Null,
    Account,
    Association,
    Wald,
    Baseline,
}

impl Stage {
    /// For progress that people watch.
    pub fn name(self) -> &'static str {
        match self {
            Self::People => "counting people",
            Self::Counts => "counting alleles",
            Self::Scale => "means and deviations",
            Self::Null => "model of the covariates",
            Self::Account => "what was shown before",
            Self::Association => "associations",
            Self::Wald => "Wald tests",
            Self::Baseline => "meta-analysis",
        }
    }
}

/// How far a stage is: in variants, or in rounds for the stages that have none. A stage ends with
/// `done == total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunProgress {
    pub stage: Stage,
    pub done: u64,
    pub total: u64,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    #[error(transparent)]
    Plan(#[from] InvalidPlan),
    #[error("the offered variants or exponents do not fit the plan")]
    PublishedFacts,
    #[error("a sum could not be made")]
    Sum(#[source] E),
    #[error("a sum cannot have come from the nodes' data: a node sent something else")]
    Impossible,
    #[error("{individuals} individuals are too few for {parameters} parameters")]
    TooFewIndividuals { individuals: u64, parameters: usize },
    #[error("more than 2^31 individuals")]
    TooManyIndividuals,
    #[error(
        "{0} has the same value for everybody, or differs by less than a millionth of its size"
    )]
    Constant(VariableName),
    #[error(
        "fewer than half of the people have a value of {0}; use --people complete, or leave it out"
    )]
    MostlyMissing(VariableName),
    #[error("these covariates say (nearly) the same, leave one out: {}", names(.0))]
    Collinear(Vec<VariableName>),
    #[error(
        "the covariates explain {0} (nearly) completely, and nothing is left to test; leave one of them out"
    )]
    Explained(VariableName),
    #[error(
        "the covariates alone tell cases from controls, so the logistic model has no finite estimate"
    )]
    Separated,
    #[error("the logistic model of the covariates did not settle")]
    NotConverged,
}

fn names(variables: &[VariableName]) -> String {
    variables
        .iter()
        .map(VariableName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Runs a study to its end.
pub fn run<S: Summation>(
    plan: &Plan,
    facts: &PublishedFacts,
    sums: &mut S,
    progress: &dyn Fn(RunProgress),
) -> Result<Gwas, RunError<S::Error>> {
    plan.validate()?;
    check_facts(plan, facts)?;
    let mut driver = Driver::new(plan, sums, progress);
    let people = driver.people()?;
    let scaling = driver.scaling(facts, &people)?;
    let remembered = facts.fills.last().copied().flatten();
    let remembered = remembered.filter(|share| (0.0..=1.0).contains(share));
    // Who is not known to have the disease counts as a control: a share of a case would show as a
    // remainder of sums, and a whole one beside the counts of the known cases.
    let fill = remembered
        .filter(|_| plan.is_logistic())
        .map_or(0.0, f64::round);
    let null = match plan.family {
        Family::Linear => Null::Linear(linear::study(&mut driver, &scaling)?),
        Family::Logistic => Null::Logistic(logistic::null(&mut driver, &people, &scaling, fill)?),
    };
    let baseline = facts.baseline_sites > 0;
    let model = Model {
        scaling,
        coefficients: null.coefficients(),
        fill,
        baseline,
    };
    driver.admit(&model)?;
    let counted = driver.counts(&facts.keys)?;
    let mut found = match &null {
        Null::Linear(study) => {
            linear::associations(&mut driver, &people, &model, study, counted.passed)?
        }
        Null::Logistic(null) => {
            logistic::associations(&mut driver, &people, &model, null, counted.passed)?
        }
    };
    if facts.baseline_sites > 0 {
        baseline::add(
            &mut driver,
            facts.baseline_sites,
            &model,
            &mut found.associations,
        )?;
    }
    let refused = counted.refused.into_iter().chain(found.unreported);
    let mut unreported: Vec<Unreported> = refused.collect();
    unreported.sort_by(|a, b| a.key.cmp(&b.key));
    let lambda = inflation(
        found
            .associations
            .iter()
            .map(|association| association.statistic),
    );
    Ok(Gwas {
        people,
        associations: found.associations,
        unreported,
        lambda,
    })
}

/// The model of the covariates, to which variants are added.
enum Null {
    Linear(super::linear::Study),
    Logistic(super::logistic::Null),
}

impl Null {
    /// Those of a logistic model; the weights of a linear one do not depend on any.
    fn coefficients(&self) -> Vec<f64> {
        match self {
            Self::Linear(_) => Vec::new(),
            Self::Logistic(null) => null.coefficients().to_vec(),
        }
    }
}

fn check_facts<E>(plan: &Plan, facts: &PublishedFacts) -> Result<(), RunError<E>> {
    let bounded = |e: &i16| e.unsigned_abs() <= MAX_EXPONENT.unsigned_abs();
    let exponents = facts.exponents.len() == plan.columns() && facts.exponents.iter().all(bounded);
    let fills = facts.fills.len() == plan.columns()
        && facts.fills.iter().flatten().all(|fill| fill.is_finite());
    let fills = fills && facts.grids.len() == plan.columns();
    if exponents && fills && ascending(&facts.keys) {
        Ok(())
    } else {
        Err(RunError::PublishedFacts)
    }
}

/// Whether the people can carry the plan.
fn check_people<E>(plan: &Plan, people: &PeopleCounts) -> Result<(), RunError<E>> {
    let (individuals, parameters) = (people.individuals, plan.parameters());
    if individuals >= MAX_INDIVIDUALS {
        Err(RunError::TooManyIndividuals)
    } else if individuals <= parameters as u64 {
        Err(RunError::TooFewIndividuals {
            individuals,
            parameters,
        })
    } else if people.cases.is_some() != plan.two_values || people.cases > Some(individuals) {
        Err(RunError::Impossible)
    } else if people.unknown > individuals / 2 {
        Err(RunError::MostlyMissing(plan.trait_name.clone()))
    } else if people.cases == Some(0) || people.cases == Some(individuals) {
        Err(RunError::Constant(plan.trait_name.clone()))
    } else {
        Ok(())
    }
}
