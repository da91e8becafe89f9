//! The baseline beside every association: an inverse-variance meta-analysis (fixed effect) of the
//! nodes' own results (Borenstein et al., Introduction to Meta-Analysis (2009), ch. 11). The nodes
//! that have an own result are counted first; where they are too few, nothing is asked, so that no
//! node's own result leaves it.

use super::{
    RunError, Stage, Summation,
    driver::{Driver, Passed, batches, variants},
};
use crate::{
    distributions::normal_two_sided,
    gwas::{
        ask::Ask,
        columns::Model,
        plan::Family,
        result::{Association, Baseline},
    },
    quantise::{Scaling, unfixed},
};

/// Adds baselines to the associations for which at least `fewest` nodes have an own result.
pub(crate) fn add<S: Summation>(
    driver: &mut Driver<'_, S>,
    fewest: u64,
    model: &Model,
    associations: &mut [Association],
) -> Result<(), RunError<S::Error>> {
    let all: Vec<Passed> = associations
        .iter()
        .map(|association| Passed {
            key: association.key.clone(),
            counts: association.counts,
        })
        .collect();
    let unit = match driver.plan.family {
        Family::Linear => model.scaling.last().map_or(1.0, Scaling::unit),
        Family::Logistic => 1.0,
    };
    let mut done = 0;
    for batch in batches(&all, |_| 2) {
        driver.report(Stage::Baseline, done, all.len());
        let baselines = of_batch(driver, fewest, model, batch, unit)?;
        for (association, baseline) in associations[done..].iter_mut().zip(baselines) {
            association.baseline = baseline;
        }
        done += batch.len();
    }
    driver.report(Stage::Baseline, done, all.len());
    Ok(())
}

/// The baseline of each variant of a batch, `None` where too few nodes contribute.
fn of_batch<S: Summation>(
    driver: &mut Driver<'_, S>,
    fewest: u64,
    model: &Model,
    batch: &[Passed],
    unit: f64,
) -> Result<Vec<Option<Baseline>>, RunError<S::Error>> {
    let mut baselines = vec![None; batch.len()];
    let ask = Ask::BaselinePresence {
        scaling: model.scaling.clone(),
        fill: model.fill,
        variants: variants(batch.iter()),
    };
    let enough: Vec<(usize, u64)> = driver.sum(&ask, |sum| {
        let contributors = sum.iter().map(|sites| *sites as u64).enumerate();
        contributors.filter(|(_, sites)| *sites >= fewest).collect()
    })?;
    if enough.is_empty() {
        return Ok(baselines);
    }
    let asked = variants(enough.iter().map(|(place, _)| &batch[*place]));
    let ask = Ask::Baseline {
        scaling: model.scaling.clone(),
        fill: model.fill,
        variants: asked,
    };
    let combined: Vec<Option<Baseline>> = driver.sum(&ask, |sum| {
        enough
            .iter()
            .zip(sum.chunks_exact(2))
            .map(|((_, sites), words)| combine(words, *sites, unit))
            .collect()
    })?;
    for ((place, _), baseline) in enough.iter().zip(combined) {
        baselines[*place] = baseline;
    }
    Ok(baselines)
}

/// `words` are the sums of w = 1/SE^2 and of w beta, in units of the standardised trait.
fn combine(words: &[i64], sites: u64, unit: f64) -> Option<Baseline> {
    let (weight, weighted) = (unfixed(words[0]), unfixed(words[1]));
    if weight <= 0.0 {
        return None;
    }
    let (beta, standard_error) = (weighted / weight, 1.0 / weight.sqrt());
    let p_value = normal_two_sided(beta / standard_error).p_value;
    Some(Baseline {
        beta: beta * unit,
        standard_error: standard_error * unit,
        p_value,
        sites,
    })
}
