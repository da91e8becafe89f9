//! One node's people of a run and their columns.
//!
//! Owns what the values of the people of a run are, missing ones marked, so that they are filled
//! alike everywhere. Who takes part is decided before. Refuses unknown variables, a logistic trait
//! that is not binary or whose coding is open. Never prints a value or an individual.

use std::{fmt, ops::Range};

use ligate_genotypes::{MAX_SAMPLES, SampleMask};
use ligate_model::{BinaryCoding, Phenotypes, Variable, VariableKind, VariableName};

use super::plan::{InvalidPlan, Plan};
use crate::{
    codes::Grid,
    quantise::{self, ONE, Scaling},
};

/// Why a node cannot take part in a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CohortError {
    #[error(transparent)]
    Plan(#[from] InvalidPlan),
    #[error("there is no variable {0} in the dataset")]
    UnknownVariable(VariableName),
    #[error("the trait {0} is not binary; a logistic association needs 0/1 or 1/2")]
    NotBinary(VariableName),
    #[error("no site shows whether {0} is coded 0/1 or 1/2")]
    CodingUndecided(VariableName),
    #[error("the values of {0} do not follow the coding of the run")]
    OtherCoding(VariableName),
    #[error("{0} has values beyond 2^900 or not finite")]
    OutOfRange(VariableName),
    #[error("the sample blocks do not cover the individuals of the phenotype table")]
    Blocks,
    #[error("the people of the run are not ascending individuals of the dataset")]
    People,
}

/// One node's people of a run.
pub struct Cohort {
    blocks: Vec<Block>,
    /// Covariates in plan order, then the trait (0/1 of a logistic one); a value per person, not a
    /// number where it is missing.
    columns: Vec<Vec<f64>>,
    exponents: Vec<i16>,
    grids: Vec<Option<Grid>>,
    two_values: bool,
}

/// The people of one sample block.
pub(crate) struct Block {
    /// First sample of the block among all individuals.
    start: usize,
    /// The person of the block's first member; people are numbered through all blocks.
    pub first_person: usize,
    /// Members' sample indices within the block, ascending.
    pub members: Vec<u32>,
    pub mask: SampleMask,
    pub cases: Option<SampleMask>,
}

/// Rows [1, z.., y?] of all people in fixed point, one after another.
pub(crate) struct Standardised {
    pub width: usize,
    pub rows: Vec<i64>,
}

impl Cohort {
    /// The columns of `people`, ascending individuals of the dataset. `coding` is that of a trait
    /// with two values, decided over all nodes; `blocks` are the dataset's sample blocks, which
    /// cover all individuals in order.
    pub fn new(
        phenotypes: &Phenotypes,
        plan: &Plan,
        people: &[u32],
        coding: Option<BinaryCoding>,
        blocks: &[Range<usize>],
    ) -> Result<Self, CohortError> {
        plan.validate()?;
        let variables = plan
            .variables()
            .map(|name| find(phenotypes, name))
            .collect::<Result<Vec<_>, _>>()?;
        check_blocks(blocks, &variables)?;
        let individuals = blocks.last().map_or(0, |block| block.end);
        let ascend = people.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascend
            || people
                .last()
                .is_some_and(|last| *last as usize >= individuals)
        {
            return Err(CohortError::People);
        }
        let mut columns: Vec<Vec<f64>> = variables
            .iter()
            .map(|variable| values(variable, people))
            .collect();
        let mut cases = None;
        if plan.two_values
            && let (Some(variable), Some(column)) = (variables.last(), columns.last_mut())
        {
            let recoded = recoded(variable, coding, column)?;
            if plan.is_logistic() {
                column.clone_from(&recoded);
            }
            cases = Some(recoded);
        }
        let exponents = exponents(plan, &columns)?;
        let known =
            |column: &Vec<f64>| Grid::of(column.iter().copied().filter(|value| !value.is_nan()));
        let grids = columns.iter().map(known).collect();
        let blocks = split(people, cases.as_deref(), blocks);
        Ok(Self {
            blocks,
            columns,
            exponents,
            grids,
            two_values: plan.two_values,
        })
    }

    /// Sample indices of the people of the run, ascending.
    pub fn people(&self) -> Vec<u32> {
        let global = |block: &Block| {
            let start = block.start as u32;
            block
                .members
                .iter()
                .map(move |member| start + member)
                .collect::<Vec<_>>()
        };
        self.blocks.iter().flat_map(global).collect()
    }

    /// The people of the run within one sample block.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn mask(&self, block: usize) -> &SampleMask {
        &self.blocks[block].mask
    }

    /// Per variable (covariates in plan order, then the trait) the exponent of the smallest power
    /// of two that bounds it. A logistic trait has exponent 0 whatever its values.
    pub fn exponents(&self) -> Vec<i16> {
        self.exponents.clone()
    }

    /// Per variable, as above, the grid that its values lie on, if they lie on one.
    pub fn grids(&self) -> Vec<Option<Grid>> {
        self.grids.clone()
    }

    /// People of the run at this node.
    pub fn individuals(&self) -> u64 {
        self.count() as u64
    }

    /// Those of whom it is not known whether they have the disease, where the trait has two values.
    pub fn unknown(&self) -> u64 {
        if !self.two_values {
            return 0;
        }
        self.response()
            .iter()
            .filter(|value| value.is_nan())
            .count() as u64
    }

    /// Those with the disease, where the trait has two values.
    pub fn cases(&self) -> Option<u64> {
        let cases = self
            .blocks
            .iter()
            .filter_map(|block| block.cases.as_ref())
            .map(SampleMask::count);
        self.two_values.then(|| cases.map(u64::from).sum())
    }

    pub(crate) fn count(&self) -> usize {
        self.columns.last().map_or(0, Vec::len)
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The values of one variable, covariates first, the trait last.
    pub(crate) fn column(&self, variable: usize) -> &[f64] {
        &self.columns[variable]
    }

    /// The trait's values.
    pub(crate) fn response(&self) -> &[f64] {
        self.columns.last().map_or(&[], Vec::as_slice)
    }

    /// The trait's values, where missing ones count as `fill`.
    pub(crate) fn filled_response(&self, fill: f64) -> Vec<f64> {
        self.response()
            .iter()
            .map(|value| if value.is_nan() { fill } else { *value })
            .collect()
    }

    /// Rows of an intercept and one standardised value per scaling, in the order of the variables.
    pub(crate) fn standardise(&self, scaling: &[Scaling]) -> Standardised {
        let width = scaling.len() + 1;
        let mut rows = Vec::with_capacity(width * self.count());
        for person in 0..self.count() {
            rows.push(ONE);
            let values = scaling.iter().zip(&self.columns);
            rows.extend(values.map(|(scaling, column)| scaling.standardise(column[person])));
        }
        Standardised { width, rows }
    }
}

/// Only sizes: who takes part and their values are personal data.
impl fmt::Debug for Cohort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cohort")
            .field("blocks", &self.blocks.len())
            .finish_non_exhaustive()
    }
}

impl Block {
    pub fn samples(&self) -> usize {
        self.mask.len()
    }

    /// The person that a sample of the block is, if in the run.
    pub fn person(&self, sample: u32) -> Option<usize> {
        if !self.mask.contains(sample) {
            return None;
        }
        self.members
            .binary_search(&sample)
            .ok()
            .map(|member| self.first_person + member)
    }

    pub fn people(&self) -> Range<usize> {
        self.first_person..self.first_person + self.members.len()
    }
}

impl Standardised {
    pub fn row(&self, person: usize) -> &[i64] {
        &self.rows[person * self.width..(person + 1) * self.width]
    }
}

fn check_blocks(blocks: &[Range<usize>], variables: &[&Variable]) -> Result<(), CohortError> {
    let individuals = blocks.last().map_or(0, |block| block.end);
    let starts = [0].into_iter().chain(blocks.iter().map(|block| block.end));
    let adjoin = starts
        .zip(blocks)
        .all(|(start, block)| block.start == start && block.end >= start);
    let bounded =
        blocks.iter().all(|block| block.len() <= MAX_SAMPLES) && u32::try_from(individuals).is_ok();
    if adjoin
        && bounded
        && variables
            .iter()
            .all(|variable| variable.values.len() == individuals)
    {
        Ok(())
    } else {
        Err(CohortError::Blocks)
    }
}

fn find<'a>(phenotypes: &'a Phenotypes, name: &VariableName) -> Result<&'a Variable, CohortError> {
    phenotypes
        .variable(name)
        .ok_or_else(|| CohortError::UnknownVariable(name.clone()))
}

fn values(variable: &Variable, people: &[u32]) -> Vec<f64> {
    people
        .iter()
        .map(|person| variable.values[*person as usize].unwrap_or(f64::NAN))
        .collect()
}

/// The individuals who have a value of every one of `variables`, ascending.
pub fn complete_in<'a>(
    phenotypes: &Phenotypes,
    variables: impl Iterator<Item = &'a VariableName>,
) -> Result<Vec<u32>, CohortError> {
    let required = variables
        .map(|name| find(phenotypes, name))
        .collect::<Result<Vec<_>, _>>()?;
    let individuals = phenotypes
        .variables
        .first()
        .map_or(0, |variable| variable.values.len());
    let complete = |person: &usize| {
        required
            .iter()
            .all(|variable| variable.values[*person].is_some())
    };
    Ok((0..individuals)
        .filter(complete)
        .map(|person| person as u32)
        .collect())
}

/// A trait of two values as 0 and 1.
fn recoded(
    variable: &Variable,
    coding: Option<BinaryCoding>,
    column: &[f64],
) -> Result<Vec<f64>, CohortError> {
    let name = || variable.name.clone();
    if variable.kind != VariableKind::Binary {
        return Err(CohortError::NotBinary(name()));
    }
    let absent = match coding {
        Some(BinaryCoding::ZeroOne) => 0.0,
        Some(BinaryCoding::OneTwo) => 1.0,
        Some(BinaryCoding::Undecided) | None => return Err(CohortError::CodingUndecided(name())),
    };
    let recoded: Vec<f64> = column.iter().map(|value| value - absent).collect();
    let follows = |value: &f64| value.is_nan() || *value == 0.0 || *value == 1.0;
    if recoded.iter().all(follows) {
        Ok(recoded)
    } else {
        Err(CohortError::OtherCoding(name()))
    }
}

fn exponents(plan: &Plan, columns: &[Vec<f64>]) -> Result<Vec<i16>, CohortError> {
    plan.variables()
        .zip(columns)
        .enumerate()
        .map(|(variable, (name, column))| {
            if variable == plan.scaled() {
                return Ok(0);
            }
            let known = column.iter().copied().filter(|value| !value.is_nan());
            quantise::exponent(known).ok_or_else(|| CohortError::OutOfRange(name.clone()))
        })
        .collect()
}

fn split(people: &[u32], cases: Option<&[f64]>, blocks: &[Range<usize>]) -> Vec<Block> {
    let mut first_person = 0;
    let mut split = Vec::with_capacity(blocks.len());
    for block in blocks {
        let end = people.partition_point(|person| (*person as usize) < block.end);
        let members: Vec<u32> = people[first_person..end]
            .iter()
            .map(|person| person - block.start as u32)
            .collect();
        let mask = SampleMask::new(block.len(), members.iter().copied());
        let cases = cases.map(|response| {
            let pairs = members.iter().zip(&response[first_person..end]);
            SampleMask::new(
                block.len(),
                pairs
                    .filter(|(_, case)| **case == 1.0)
                    .map(|(member, _)| *member),
            )
        });
        split.push(Block {
            start: block.start,
            first_person,
            members,
            mask,
            cases,
        });
        first_person = end;
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gwas::Family;

    fn name(text: &str) -> VariableName {
        VariableName::new(text).unwrap()
    }

    fn table() -> Phenotypes {
        let variable = |text: &str, coding: Option<BinaryCoding>, values: &[f64]| Variable {
            name: name(text),
            kind: if coding.is_some() {
                VariableKind::Binary
            } else {
                VariableKind::Quantitative
            },
            coding,
            values: values
                .iter()
                .map(|value| (!value.is_nan()).then_some(*value))
                .collect(),
        };
        let na = f64::NAN;
        Phenotypes {
            variables: vec![
                variable("age", None, &[40.0, 50.0, na, 60.0, 70.5]),
                variable("t2d", Some(BinaryCoding::OneTwo), &[1.0, 2.0, 2.0, 2.0, na]),
                variable("bmi", None, &[na, 20.0, 21.0, 22.0, 23.0]),
            ],
        }
    }

    fn plan(family: Family, trait_name: &str) -> Plan {
        let two_values = family == Family::Logistic;
        Plan {
            family,
            two_values,
            trait_name: name(trait_name),
            covariates: vec![name("age")],
            wald_below: 1e-3,
        }
    }

    #[test]
    fn values_are_those_of_the_people_named() {
        let coding = Some(BinaryCoding::OneTwo);
        let plan = plan(Family::Logistic, "t2d");
        let complete = complete_in(&table(), plan.variables()).unwrap();
        assert_eq!(complete, [0, 1, 3]);
        let cohort = Cohort::new(&table(), &plan, &complete, coding, &[0..2, 2..5]).unwrap();
        assert_eq!(cohort.people(), [0, 1, 3]);
        assert_eq!(
            (cohort.individuals(), cohort.cases(), cohort.unknown()),
            (3, Some(2), 0)
        );
        assert_eq!(cohort.exponents(), [6, 0]);
        assert_eq!(cohort.blocks()[1].person(1), Some(2));
        assert_eq!(cohort.blocks()[1].person(0), None);
        let all = [0, 1, 2, 3, 4];
        let filled = Cohort::new(&table(), &plan, &all, coding, &[0..2, 2..5]).unwrap();
        assert_eq!(
            (filled.individuals(), filled.cases(), filled.unknown()),
            (5, Some(3), 1)
        );
        // A linear study of the same trait counts the same cases, and has the values as they are.
        let linear = Plan {
            family: Family::Linear,
            ..plan.clone()
        };
        let linear = Cohort::new(&table(), &linear, &all, coding, &[0..2, 2..5]).unwrap();
        assert_eq!(
            (linear.cases(), linear.unknown()),
            (filled.cases(), filled.unknown())
        );
        assert_eq!((linear.response()[0], filled.response()[0]), (1.0, 0.0));
        assert_eq!(filled.column(0)[4], 70.5);
        assert!(filled.column(0)[2].is_nan());
    }

    #[test]
    fn traits_variables_and_people_are_checked() {
        let blocks = std::slice::from_ref(&(0..5));
        let new =
            |plan: &Plan, coding| Cohort::new(&table(), plan, &[0, 1, 3], coding, blocks).err();
        let logistic = plan(Family::Logistic, "t2d");
        assert_eq!(
            new(&logistic, None),
            Some(CohortError::CodingUndecided(name("t2d")))
        );
        let other = Some(BinaryCoding::ZeroOne);
        assert_eq!(
            new(&logistic, other),
            Some(CohortError::OtherCoding(name("t2d")))
        );
        assert_eq!(
            new(&plan(Family::Logistic, "bmi"), other),
            Some(CohortError::NotBinary(name("bmi")))
        );
        assert_eq!(
            new(&plan(Family::Linear, "ldl"), None),
            Some(CohortError::UnknownVariable(name("ldl")))
        );
        let coding = Some(BinaryCoding::OneTwo);
        let with = |people: &[u32], blocks: &[Range<usize>]| {
            Cohort::new(&table(), &logistic, people, coding, blocks).err()
        };
        assert_eq!(with(&[0], &[0..2, 3..5]), Some(CohortError::Blocks));
        assert_eq!(with(&[1, 0], blocks), Some(CohortError::People));
        assert_eq!(with(&[5], blocks), Some(CohortError::People));
    }
}
