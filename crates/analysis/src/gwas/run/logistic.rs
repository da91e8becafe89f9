//! The rounds of a logistic run: the null model, one pass of score tests, and Wald tests for the
//! variants below the plan's p-value.

use ligate_model::PeopleCounts;

use super::{
    RunError, Stage, Summation,
    driver::{Driver, Found, Passed, batches, variants},
};
use crate::{
    distributions::normal_two_sided,
    gwas::{
        ask::{Ask, score_words, wald_words},
        collinearity::Predictors,
        columns::Model,
        logistic::{self, MAX_ROUNDS, Null, Score, Step, Sums, WaldStep},
        result::{Association, Reason, Test, Unreported},
    },
    linear_algebra::Symmetric,
    quantise::Scaling,
};

/// A variant on its way to an association.
struct Tested {
    passed: Passed,
    state: State,
}

enum State {
    /// Reported as it stands.
    Done(Result<Fitted, Reason>),
    /// The Wald test's coefficients of the next round.
    Fitting(Vec<f64>),
}

#[derive(Clone, Copy)]
struct Fitted {
    beta: f64,
    standard_error: f64,
    test: Test,
}

/// The model of the covariates at its estimate.
pub(crate) fn null<S: Summation>(
    driver: &mut Driver<'_, S>,
    people: &PeopleCounts,
    scaling: &[Scaling],
    fill: f64,
) -> Result<Null, RunError<S::Error>> {
    check_covariates(driver, scaling)?;
    null_model(driver, people, scaling, fill)
}

/// Tests all variants that passed.
pub(crate) fn associations<S: Summation>(
    driver: &mut Driver<'_, S>,
    people: &PeopleCounts,
    model: &Model,
    null: &Null,
    passed: Vec<Passed>,
) -> Result<Found, RunError<S::Error>> {
    let mut tested = score_tests(driver, people, model, null, passed)?;
    wald_tests(driver, model, &mut tested)?;
    let mut found = Found::default();
    tested
        .into_iter()
        .for_each(|variant| collect(variant, &mut found));
    Ok(found)
}

/// Refuses collinear covariates by their unweighted moments, as plink2 does.
fn check_covariates<S: Summation>(
    driver: &mut Driver<'_, S>,
    scaling: &[Scaling],
) -> Result<(), RunError<S::Error>> {
    if scaling.is_empty() {
        return Ok(());
    }
    let ask = Ask::Moments {
        scaling: scaling.to_vec(),
    };
    let columns = driver.plan.columns();
    let refused = driver.sum(&ask, |sum| {
        Predictors::new(&Symmetric::from_fixed(columns, sum)).err()
    })?;
    refused.map_or(Ok(()), |covariates| Err(driver.collinear(&covariates)))
}

fn null_model<S: Summation>(
    driver: &mut Driver<'_, S>,
    people: &PeopleCounts,
    scaling: &[Scaling],
    fill: f64,
) -> Result<Null, RunError<S::Error>> {
    let columns = driver.plan.columns();
    let (cases, controls) = (people.cases.unwrap_or(0), people.controls().unwrap_or(0));
    let mut coefficients = logistic::start(columns, cases, controls);
    for round in 0..MAX_ROUNDS {
        driver.report(Stage::Null, round, MAX_ROUNDS);
        let ask = Ask::Null {
            scaling: scaling.to_vec(),
            coefficients: coefficients.clone(),
            fill,
        };
        let (step, sums) = driver.sum(&ask, |sum| {
            let sums = Sums::new(columns, sum);
            (
                logistic::step(&sums, &coefficients, people.individuals),
                sums,
            )
        })?;
        match step {
            Step::Next(next) => coefficients = next,
            Step::Separated => return Err(RunError::Separated),
            Step::Settled => {
                driver.report(Stage::Null, MAX_ROUNDS, MAX_ROUNDS);
                return Null::new(sums, coefficients)
                    .map_err(|covariates| driver.collinear(&covariates));
            }
        }
    }
    Err(RunError::NotConverged)
}

fn score_tests<S: Summation>(
    driver: &mut Driver<'_, S>,
    people: &PeopleCounts,
    model: &Model,
    null: &Null,
    passed: Vec<Passed>,
) -> Result<Vec<Tested>, RunError<S::Error>> {
    let (columns, individuals) = (driver.plan.columns(), people.individuals);
    let wald_below = driver.plan.wald_below;
    let mut tested = Vec::with_capacity(passed.len());
    for batch in batches(&passed, |item| {
        score_words(columns, individuals, &item.counts)
    }) {
        driver.report(Stage::Association, tested.len(), passed.len());
        let ask = Ask::Score {
            scaling: model.scaling.clone(),
            coefficients: null.coefficients().to_vec(),
            fill: model.fill,
            individuals,
            variants: variants(batch.iter()),
        };
        let layout = ask.layout();
        let states: Vec<State> = driver.sum(&ask, |sum| {
            let words = (0..batch.len()).map(|place| &sum[layout.range(place)]);
            let scores = batch
                .iter()
                .zip(words)
                .map(|(item, words)| score(null, item, words));
            scores.map(|score| after_score(score, wald_below)).collect()
        })?;
        tested.extend(
            batch
                .iter()
                .cloned()
                .zip(states)
                .map(|(passed, state)| Tested { passed, state }),
        );
    }
    driver.report(Stage::Association, tested.len(), passed.len());
    Ok(tested)
}

fn score(null: &Null, variant: &Passed, words: &[i64]) -> Result<Score, Reason> {
    let (sums, downdate) = words.split_at(logistic::words(null.coefficients().len()));
    null.score(
        &variant.counts,
        sums,
        (!downdate.is_empty()).then_some(downdate),
    )
}

fn after_score(score: Result<Score, Reason>, wald_below: f64) -> State {
    match score {
        Err(reason) => State::Done(Err(reason)),
        Ok(Score {
            beta,
            standard_error,
            start,
        }) => {
            let p_value = normal_two_sided(beta / standard_error).p_value;
            if wald_below >= 1.0 || p_value < wald_below {
                State::Fitting(start)
            } else {
                State::Done(Ok(Fitted {
                    beta,
                    standard_error,
                    test: Test::Score,
                }))
            }
        }
    }
}

/// Rounds of Newton's method for all variants that want one; settled variants drop out.
fn wald_tests<S: Summation>(
    driver: &mut Driver<'_, S>,
    model: &Model,
    tested: &mut [Tested],
) -> Result<(), RunError<S::Error>> {
    let columns = driver.plan.columns();
    let wanted = tested
        .iter()
        .filter(|variant| variant.fitting().is_some())
        .count();
    for round in 1..=MAX_ROUNDS {
        let active: Vec<usize> = (0..tested.len())
            .filter(|place| tested[*place].fitting().is_some())
            .collect();
        driver.report(Stage::Wald, wanted - active.len(), wanted);
        for batch in batches(&active, |_| wald_words(columns)) {
            wald_round(driver, model, tested, batch, round)?;
        }
        if active.is_empty() {
            break;
        }
    }
    driver.report(Stage::Wald, wanted, wanted);
    Ok(())
}

fn wald_round<S: Summation>(
    driver: &mut Driver<'_, S>,
    model: &Model,
    tested: &mut [Tested],
    batch: &[usize],
    round: usize,
) -> Result<(), RunError<S::Error>> {
    let size = driver.plan.columns() + 1;
    let coefficients: Vec<f64> = batch
        .iter()
        .filter_map(|place| tested[*place].fitting())
        .flatten()
        .copied()
        .collect();
    let ask = Ask::Wald {
        scaling: model.scaling.clone(),
        coefficients: coefficients.clone(),
        fill: model.fill,
        variants: variants(batch.iter().map(|place| &tested[*place].passed)),
    };
    let called: Vec<u64> = batch
        .iter()
        .map(|place| tested[*place].passed.counts.called)
        .collect();
    let steps: Vec<WaldStep> = driver.sum(&ask, |sum| {
        let models = sum
            .chunks_exact(logistic::model_words(size))
            .zip(coefficients.chunks_exact(size));
        let step = |((words, own), people): ((&[i64], &[f64]), &u64)| {
            logistic::wald_step(&Sums::new(size, words), own, *people, round)
        };
        models.zip(&called).map(step).collect()
    })?;
    for (place, step) in batch.iter().zip(steps) {
        tested[*place].state = match step {
            WaldStep::Next(next) => State::Fitting(next),
            WaldStep::Failed(reason) => State::Done(Err(reason)),
            WaldStep::Settled {
                beta,
                standard_error,
            } => State::Done(Ok(Fitted {
                beta,
                standard_error,
                test: Test::Wald,
            })),
        };
    }
    Ok(())
}

impl Tested {
    fn fitting(&self) -> Option<&Vec<f64>> {
        match &self.state {
            State::Fitting(coefficients) => Some(coefficients),
            State::Done(_) => None,
        }
    }
}

fn collect(tested: Tested, found: &mut Found) {
    let Passed { key, counts } = tested.passed;
    match tested.state {
        State::Done(Ok(Fitted {
            beta,
            standard_error,
            test,
        })) => {
            let statistic = beta / standard_error;
            let tail = normal_two_sided(statistic);
            found.associations.push(Association {
                key,
                counts,
                beta,
                standard_error,
                statistic,
                p_value: tail.p_value,
                neg_log10_p: tail.neg_log10_p,
                test,
                baseline: None,
            });
        }
        State::Done(Err(reason)) => found.unreported.push(Unreported { key, reason }),
        // The last round leaves nothing fitting.
        State::Fitting(_) => found.unreported.push(Unreported {
            key,
            reason: Reason::NotConverged,
        }),
    }
}
