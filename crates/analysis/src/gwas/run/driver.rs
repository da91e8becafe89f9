//! The rounds that both families share, and the cutting of variants into asks.

use ligate_model::{PeopleCounts, VariantCounts, VariantKey};

use super::{PublishedFacts, RunError, RunProgress, Stage, Summation, check_people};
use crate::{
    codes::Grid,
    gwas::{
        ask::{Ask, MAX_BATCH, MAX_WORDS, SCALE_WORDS, Variants},
        columns::Model,
        plan::Plan,
        result::{Association, Reason, Unreported},
    },
    quantise::{LIMBS, Scaling, Unscalable, carry},
};

/// A variant whose counts passed.
#[derive(Clone)]
pub(crate) struct Passed {
    pub key: VariantKey,
    pub counts: VariantCounts,
}

/// The variants after their counts.
pub(crate) struct Counted {
    pub passed: Vec<Passed>,
    pub refused: Vec<Unreported>,
}

/// The variants after their statistics, each list in key order.
#[derive(Default)]
pub(crate) struct Found {
    pub associations: Vec<Association>,
    pub unreported: Vec<Unreported>,
}

/// A plan under way.
pub(crate) struct Driver<'r, S> {
    pub plan: &'r Plan,
    sums: &'r mut S,
    progress: &'r dyn Fn(RunProgress),
}

impl<'r, S: Summation> Driver<'r, S> {
    pub fn new(plan: &'r Plan, sums: &'r mut S, progress: &'r dyn Fn(RunProgress)) -> Self {
        Self {
            plan,
            sums,
            progress,
        }
    }

    pub fn report(&self, stage: Stage, done: usize, total: usize) {
        (self.progress)(RunProgress {
            stage,
            done: done as u64,
            total: total as u64,
        });
    }

    /// Makes one sum and what `next` makes of it. A sum of another length is refused.
    pub fn sum<T>(
        &mut self,
        ask: &Ask,
        next: impl FnOnce(&[i64]) -> T,
    ) -> Result<T, RunError<S::Error>> {
        let words = ask.words();
        let checked = |sum: &[u64]| {
            let signed: Vec<i64> = sum.iter().map(|word| *word as i64).collect();
            (signed.len() == words).then(|| next(&signed))
        };
        self.sums
            .sum(ask, checked)
            .map_err(RunError::Sum)?
            .ok_or(RunError::Impossible)
    }

    pub fn people(&mut self) -> Result<PeopleCounts, RunError<S::Error>> {
        self.report(Stage::People, 0, 1);
        let people = self
            .sums
            .people(&Ask::People {
                two_values: self.plan.two_values,
            })
            .map_err(RunError::Sum)?;
        check_people(self.plan, &people)?;
        self.report(Stage::People, 1, 1);
        Ok(people)
    }

    pub fn counts(&mut self, keys: &[VariantKey]) -> Result<Counted, RunError<S::Error>> {
        let mut counted = Counted {
            passed: Vec::new(),
            refused: Vec::new(),
        };
        for (batch, done) in keys.chunks(MAX_BATCH).zip((0..).step_by(MAX_BATCH)) {
            self.report(Stage::Counts, done, keys.len());
            let ask = Ask::Counts {
                two_values: self.plan.two_values,
                keys: batch.to_vec(),
            };
            let answers = self.sums.counts(&ask).map_err(RunError::Sum)?;
            if answers.len() != batch.len() {
                return Err(RunError::Impossible);
            }
            for (key, answer) in batch.iter().zip(answers) {
                match answer {
                    Ok(counts) => counted.passed.push(Passed {
                        key: key.clone(),
                        counts,
                    }),
                    Err(rule) => counted.refused.push(Unreported {
                        key: key.clone(),
                        reason: Reason::Gate(rule),
                    }),
                }
            }
        }
        self.report(Stage::Counts, keys.len(), keys.len());
        Ok(counted)
    }

    /// Whether the run's weights may be shown.
    pub fn admit(&mut self, model: &Model) -> Result<(), RunError<S::Error>> {
        self.report(Stage::Account, 0, 1);
        self.sums.admit(model).map_err(RunError::Sum)?;
        self.report(Stage::Account, 1, 1);
        Ok(())
    }

    /// Means and deviations of the scaled variables, in the order of the plan.
    pub fn scaling(
        &mut self,
        facts: &PublishedFacts,
        people: &PeopleCounts,
    ) -> Result<Vec<Scaling>, RunError<S::Error>> {
        let exponents: Vec<i16> = facts.exponents[..self.plan.scaled()].to_vec();
        if exponents.is_empty() {
            return Ok(Vec::new());
        }
        self.report(Stage::Scale, 0, 1);
        let ask = Ask::Scale {
            exponents: exponents.clone(),
        };
        let scaled = self.sum(&ask, |sum| {
            let remembered = facts.fills.iter().zip(&facts.grids);
            let variables = exponents
                .iter()
                .zip(remembered)
                .zip(sum.chunks_exact(SCALE_WORDS));
            variables
                .map(|((exponent, (fill, grid)), words)| {
                    let wide = |first: usize| {
                        carry(std::array::from_fn(|limb| words[first + limb] as u64))
                    };
                    let known = words[0] as u64;
                    if known < people.individuals / 2 {
                        return Ok(None);
                    }
                    let scaling = Scaling::from_sums(*exponent, wide(1), wide(1 + LIMBS), known)?;
                    Ok(Some(filled(scaling, *fill, *grid)))
                })
                .collect::<Vec<_>>()
        })?;
        let names = self.plan.variables().cloned();
        let scaling = scaled
            .into_iter()
            .zip(names)
            .map(|(scaling, name)| match scaling {
                Ok(Some(scaling)) => Ok(scaling),
                Ok(None) => Err(RunError::MostlyMissing(name)),
                Err(Unscalable::Constant) => Err(RunError::Constant(name)),
                Err(Unscalable::Impossible) => Err(RunError::Impossible),
            })
            .collect();
        self.report(Stage::Scale, 1, 1);
        scaling
    }

    /// The covariates that are collinear, by name.
    pub fn collinear(&self, covariates: &[usize]) -> RunError<S::Error> {
        let name = |covariate: &usize| self.plan.covariates.get(*covariate).cloned();
        RunError::Collinear(covariates.iter().filter_map(name).collect())
    }
}

/// People without a value count as what they counted as before, or as the mean, and in either case
/// as the point of the grid that is nearest to it. Sums of dosages times values are whole multiples
/// of the values' step, so anything else shows as a remainder of the sum, which is that of the
/// people without a value: two variables of which the second is lacked by one person more give that
/// person's genotype away.
fn filled(scaling: Scaling, before: Option<f64>, grid: Option<Grid>) -> Scaling {
    let nearest = |value: f64| grid.map_or(value, |grid| grid.nearest(value));
    let near = before
        .map(nearest)
        .and_then(|value| scaling.filled_with(value));
    near.or_else(|| scaling.filled_with(nearest(scaling.centre())))
        .unwrap_or(scaling)
}

/// Cuts a list into asks of at most `MAX_BATCH` items and `MAX_WORDS` words.
pub(crate) fn batches<T>(items: &[T], words: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut batches = Vec::new();
    let (mut start, mut total) = (0, 0);
    for (place, item) in items.iter().enumerate() {
        let own = words(item);
        if place - start == MAX_BATCH || (place > start && total + own > MAX_WORDS) {
            batches.push(&items[start..place]);
            (start, total) = (place, 0);
        }
        total += own;
    }
    if start < items.len() {
        batches.push(&items[start..]);
    }
    batches
}

/// The variants of one ask.
pub(crate) fn variants<'p>(batch: impl Iterator<Item = &'p Passed> + Clone) -> Variants {
    Variants {
        keys: batch.clone().map(|passed| passed.key.clone()).collect(),
        counts: batch.map(|passed| passed.counts).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_in_items_and_words() {
        let sizes = |items: &[usize]| {
            batches(items, |words| *words)
                .iter()
                .map(|b| b.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&vec![1; MAX_BATCH + 1]), [MAX_BATCH, 1]);
        assert_eq!(sizes(&[MAX_WORDS - 1, 1, 1]), [2, 1]);
        assert_eq!(sizes(&[MAX_WORDS + 5, 1]), [1, 1]);
    }
}
