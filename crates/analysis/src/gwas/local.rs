//! What one node adds to a run: the sums over its own people that an ask wants.
//!
//! Every number is rounded to an integer per person before it is summed, so that neither the order
//! of people, blocks and threads nor the node at which a person is counted can change a sum. Checks
//! the ask first. Adds nothing about people who are not in the cohort.

pub(super) mod own;
mod scan;
mod statistics;
pub(super) mod terms;
mod wald;

use ligate_genotypes::Batch;
use ligate_model::VariantKey;

use self::{
    scan::{Chunk, scan},
    statistics::Statistics,
    terms::{NullTerms, Products, sum_over},
};
use super::{
    ask::{Ask, InvalidAsk, Layout, pack_case_counts, pack_counts},
    cohort::Cohort,
    plan::Plan,
};
use crate::quantise::{limbs, raw};

/// Genotype rows of a node's dataset.
pub trait GenotypeSource {
    type Error;

    /// Visits `keys` (ascending) in order, each once, in batches whose `indices` are places in
    /// `keys`. An absent key is visited with `None` rows. Blocks are those of the cohort.
    fn scan(
        &mut self,
        keys: &[VariantKey],
        visit: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<(), Self::Error>;
}

/// The least that a node's own people must have for its own result to enter the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnGate {
    /// People called.
    pub individuals: u64,
    /// Cases and controls called, of a binary trait.
    pub cell: u64,
    pub minor_allele_count: u64,
    /// Of a binary trait.
    pub minor_allele_count_in_cases: u64,
}

/// Why a node adds nothing.
#[derive(Debug, thiserror::Error)]
pub enum LocalError<E> {
    #[error("the ask is malformed: {0}")]
    Ask(#[from] InvalidAsk),
    #[error("the genotypes could not be read")]
    Source(#[source] E),
    #[error("the genotypes do not have the cohort's blocks, or not every variant asked for")]
    Batch,
}

/// The `ask.words()` words of Z_2^64 that a node adds. Equal for any number of `threads`.
pub fn local<G: GenotypeSource>(
    ask: &Ask,
    plan: &Plan,
    cohort: &Cohort,
    source: &mut G,
    own_gate: &OwnGate,
    threads: usize,
) -> Result<Vec<u64>, LocalError<G::Error>> {
    ask.validate(plan)?;
    check_exponents(cohort, ask)?;
    let layout = ask.layout();
    match ask {
        Ask::People { .. } => Ok(people(cohort)),
        Ask::Scale { exponents } => Ok(scale(cohort, exponents)),
        Ask::Moments { scaling } => {
            let products = Products(cohort.standardise(scaling));
            Ok(unsigned(&sum_over(&products, 0..cohort.count(), threads)))
        }
        Ask::Null {
            scaling,
            coefficients,
            fill,
        } => {
            let terms = NullTerms::new(cohort, &cohort.standardise(scaling), coefficients, *fill);
            Ok(unsigned(&sum_over(&terms, 0..cohort.count(), threads)))
        }
        Ask::Counts { keys, .. } => scan(source, keys, cohort, &layout, threads, &|chunk, _| {
            count(chunk, cohort)
        }),
        Ask::Linear {
            scaling, variants, ..
        } => {
            let products = Products(cohort.standardise(scaling));
            let statistics = Statistics::linear(cohort, products, threads);
            let work = |chunk: &Chunk<'_, '_>, layout: &Layout| statistics.of_chunk(chunk, layout);
            scan(source, &variants.keys, cohort, &layout, threads, &work)
        }
        Ask::Score {
            scaling,
            coefficients,
            fill,
            variants,
            ..
        } => {
            let terms = NullTerms::new(cohort, &cohort.standardise(scaling), coefficients, *fill);
            let statistics = Statistics::score(cohort, terms, threads);
            let work = |chunk: &Chunk<'_, '_>, layout: &Layout| statistics.of_chunk(chunk, layout);
            scan(source, &variants.keys, cohort, &layout, threads, &work)
        }
        Ask::Wald {
            scaling,
            coefficients,
            fill,
            variants,
        } => {
            let models = wald::Models::new(cohort, &cohort.standardise(scaling), *fill);
            let work = |chunk: &Chunk<'_, '_>, _: &Layout| models.sums(chunk, coefficients);
            scan(source, &variants.keys, cohort, &layout, threads, &work)
        }
        Ask::BaselinePresence {
            scaling,
            fill,
            variants,
        } => {
            let Some(own) = own::Own::fit(cohort, plan, scaling, *fill, *own_gate, threads) else {
                return Ok(vec![0; ask.words()]);
            };
            let work = |chunk: &Chunk<'_, '_>, _: &Layout| own.presence(chunk);
            scan(source, &variants.keys, cohort, &layout, threads, &work)
        }
        Ask::Baseline {
            scaling,
            fill,
            variants,
        } => {
            let Some(own) = own::Own::fit(cohort, plan, scaling, *fill, *own_gate, threads) else {
                return Ok(vec![0; ask.words()]);
            };
            let work = |chunk: &Chunk<'_, '_>, _: &Layout| own.weights(chunk);
            scan(source, &variants.keys, cohort, &layout, threads, &work)
        }
    }
}

fn people(cohort: &Cohort) -> Vec<u64> {
    match cohort.cases() {
        None => vec![cohort.individuals(), 1],
        Some(cases) => vec![cohort.individuals(), cases, cohort.unknown(), 1],
    }
}

/// No variable may be asked for on a scale that its own values exceed: they would be clamped, or
/// overflow.
fn check_exponents(cohort: &Cohort, ask: &Ask) -> Result<(), InvalidAsk> {
    let own = cohort.exponents();
    let bounds =
        |asked: &mut dyn Iterator<Item = i16>| asked.zip(&own).all(|(asked, own)| asked >= *own);
    let fits = match (ask, ask.scaling()) {
        (Ask::Scale { exponents }, _) => bounds(&mut exponents.iter().copied()),
        (_, Some(scaling)) => bounds(&mut scaling.iter().map(|scaling| scaling.exponent)),
        (_, None) => true,
    };
    if fits {
        Ok(())
    } else {
        Err(InvalidAsk::Number)
    }
}

/// Of every scaled variable the people with a value, and the limbs of the sum and the sum of
/// squares of raw values.
fn scale(cohort: &Cohort, exponents: &[i16]) -> Vec<u64> {
    let mut words = Vec::new();
    for (variable, exponent) in exponents.iter().enumerate() {
        let (mut known, mut sum, mut squares) = (0_u64, 0_i128, 0_i128);
        for value in cohort
            .column(variable)
            .iter()
            .filter(|value| !value.is_nan())
        {
            let value = i128::from(raw(*value, *exponent));
            known += 1;
            sum += value;
            squares += value * value;
        }
        words.push(known);
        words.extend(limbs(sum));
        words.extend(limbs(squares));
    }
    words
}

/// Packed counts of each variant of a chunk.
fn count(chunk: &Chunk<'_, '_>, cohort: &Cohort) -> Vec<i64> {
    let mut words = Vec::new();
    for variant in 0..chunk.len() {
        let all = chunk.counts(variant, cohort, |block| Some(&block.mask));
        words.extend(pack_counts(&all).map(|word| word as i64));
        if cohort.cases().is_some() {
            let cases = chunk.counts(variant, cohort, |block| block.cases.as_ref());
            words.push(pack_case_counts(&cases) as i64);
        }
    }
    words
}

fn unsigned(sums: &[i64]) -> Vec<u64> {
    sums.iter().map(|sum| *sum as u64).collect()
}
