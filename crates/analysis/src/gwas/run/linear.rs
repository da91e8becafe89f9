//! The rounds of a linear run: moments once, then one pass over the variants.

use ligate_model::PeopleCounts;

use super::{
    RunError, Stage, Summation,
    driver::{Driver, Found, Passed, batches, variants},
};
use crate::{
    distributions::student_t_two_sided,
    gwas::{
        ask::{Ask, linear_words},
        columns::Model,
        linear::{self, Estimate, Moments, Study},
        result::{Association, Reason, Test, Unreported},
    },
    quantise::Scaling,
};

/// The least share of a trait's variance that its covariates must leave. Six digits of an effect
/// are digits of what is left: of a trait that is hardly anything but its covariates they show a
/// person's value that differs in the eighth digit, too little for the span rule to tell two traits
/// apart by.
const LEFT_MIN: f64 = 0.05;

/// The regression of the trait on the covariates.
pub(crate) fn study<S: Summation>(
    driver: &mut Driver<'_, S>,
    scaling: &[Scaling],
) -> Result<Study, RunError<S::Error>> {
    let columns = driver.plan.columns();
    let moments = driver.sum(
        &Ask::Moments {
            scaling: scaling.to_vec(),
        },
        |sum| Moments::new(columns, sum),
    )?;
    let study = Study::new(moments).map_err(|covariates| driver.collinear(&covariates))?;
    if study.left() < LEFT_MIN {
        return Err(RunError::Explained(driver.plan.trait_name.clone()));
    }
    Ok(study)
}

/// Tests all variants that passed.
pub(crate) fn associations<S: Summation>(
    driver: &mut Driver<'_, S>,
    people: &PeopleCounts,
    model: &Model,
    study: &Study,
    passed: Vec<Passed>,
) -> Result<Found, RunError<S::Error>> {
    let (columns, scaling) = (driver.plan.columns(), &model.scaling);
    let individuals = people.individuals;
    let unit = scaling.last().map_or(1.0, Scaling::unit);
    let mut found = Found::default();
    let mut done = 0;
    for batch in batches(&passed, |item| {
        linear_words(columns, individuals, &item.counts)
    }) {
        driver.report(Stage::Association, done, passed.len());
        let ask = Ask::Linear {
            scaling: scaling.clone(),
            individuals,
            variants: variants(batch.iter()),
        };
        let layout = ask.layout();
        let estimates = driver.sum(&ask, |sum| {
            let words = (0..batch.len()).map(|place| &sum[layout.range(place)]);
            batch
                .iter()
                .zip(words)
                .map(|(item, words)| estimate(study, item, words))
                .collect()
        })?;
        collect(batch, estimates, unit, &mut found);
        done += batch.len();
    }
    driver.report(Stage::Association, done, passed.len());
    Ok(found)
}

fn estimate(study: &Study, variant: &Passed, words: &[i64]) -> Result<Estimate, Reason> {
    let (sums, downdate) = words.split_at(linear::words(study.columns()));
    study.associate(
        &variant.counts,
        sums,
        (!downdate.is_empty()).then_some(downdate),
    )
}

/// `unit` is one standard deviation of the trait.
fn collect(
    batch: &[Passed],
    estimates: Vec<Result<Estimate, Reason>>,
    unit: f64,
    found: &mut Found,
) {
    for (Passed { key, counts }, estimate) in batch.iter().cloned().zip(estimates) {
        match estimate {
            Ok(Estimate {
                beta,
                standard_error,
                degrees,
            }) => {
                let statistic = beta / standard_error;
                let tail = student_t_two_sided(statistic, degrees);
                found.associations.push(Association {
                    key,
                    counts,
                    beta: beta * unit,
                    standard_error: standard_error * unit,
                    statistic,
                    p_value: tail.p_value,
                    neg_log10_p: tail.neg_log10_p,
                    test: Test::Linear,
                    baseline: None,
                });
            }
            Err(reason) => found.unreported.push(Unreported { key, reason }),
        }
    }
}
