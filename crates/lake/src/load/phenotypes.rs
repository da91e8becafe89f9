//! The phenotype tables of a load as one table over all individuals.
//!
//! Usually there is one table. Several are joined by variable: kinds must agree, binary columns that tables code
//! differently are brought to 0/1, and where two tables have a value for one individual it must be the same.

use std::path::{Path, PathBuf};

use ligate_formats::phenotypes::{self, PhenotypeReport, TextColumn};
use ligate_model::{BinaryCoding, IndividualId, Phenotypes, Variable};

use super::cohort::Cohort;
use crate::LakeError;

/// The name of the id column in the stored table.
const ID_COLUMN: &str = "individual";

/// Reads all tables of a request; no report where there is none.
pub fn read_all(
    tables: &[(PathBuf, Option<String>)],
    cohort: &Cohort,
) -> Result<(Phenotypes, Option<PhenotypeReport>), LakeError> {
    let mut joined = Phenotypes::default();
    let mut reports = None;
    for (path, prefix) in tables {
        let people = people_of(cohort, prefix.as_deref());
        if people.is_empty() {
            return Err(LakeError::NobodyWithPrefix(path.clone()));
        }
        let ids: Vec<IndividualId> = people.iter().map(|index| cohort.individuals[*index].clone()).collect();
        let (table, report) = phenotypes::read(path, &ids, prefix.as_deref())?;
        for variable in table.variables {
            if variable.name.as_str() == ID_COLUMN {
                return Err(LakeError::ReservedVariable(path.clone()));
            }
            join(&mut joined, variable, &people, cohort.individuals.len(), path)?;
        }
        reports = Some(add_report(reports, report));
    }
    Ok((joined, reports))
}

/// Indices of the individuals that a table with this prefix may speak of.
fn people_of(cohort: &Cohort, prefix: Option<&str>) -> Vec<usize> {
    let groups = cohort.groups.iter().filter(|group| group.prefix.as_deref() == prefix);
    groups.flat_map(|group| group.people.clone()).collect()
}

fn join(
    joined: &mut Phenotypes,
    mut part: Variable,
    people: &[usize],
    individuals: usize,
    path: &Path,
) -> Result<(), LakeError> {
    let known = joined.variables.iter_mut().find(|variable| variable.name == part.name);
    let Some(whole) = known else {
        let mut values = vec![None; individuals];
        people.iter().zip(part.values).for_each(|(index, value)| values[*index] = value);
        joined.variables.push(Variable { values, ..part });
        return Ok(());
    };
    let name = part.name.clone();
    let disagree = |what| LakeError::Variable { file: path.to_owned(), variable: name.clone(), what };
    if whole.kind != part.kind {
        return Err(disagree("the kind (quantitative or binary)"));
    }
    if both_decided(whole.coding, part.coding) && whole.coding != part.coding {
        to_zero_one(whole);
        to_zero_one(&mut part);
    }
    whole.coding = same_coding(whole.coding, part.coding);
    for (index, value) in people.iter().zip(part.values) {
        match (whole.values[*index], value) {
            (Some(known), Some(new)) if known != new => return Err(disagree("a value")),
            (None, value) => whole.values[*index] = value,
            _ => {}
        }
    }
    Ok(())
}

fn both_decided(a: Option<BinaryCoding>, b: Option<BinaryCoding>) -> bool {
    [a, b].iter().all(|coding| coding.is_some_and(|coding| coding != BinaryCoding::Undecided))
}

fn to_zero_one(variable: &mut Variable) {
    if variable.coding == Some(BinaryCoding::OneTwo) {
        variable.values.iter_mut().flatten().for_each(|value| *value -= 1.0);
        variable.coding = Some(BinaryCoding::ZeroOne);
    }
}

/// The coding of both; one that only shows the value 1 follows the other.
fn same_coding(a: Option<BinaryCoding>, b: Option<BinaryCoding>) -> Option<BinaryCoding> {
    if a == Some(BinaryCoding::Undecided) { b } else { a }
}

fn add_report(sum: Option<PhenotypeReport>, report: PhenotypeReport) -> PhenotypeReport {
    let Some(mut sum) = sum else { return report };
    sum.without_row += report.without_row;
    sum.without_genotypes += report.without_genotypes;
    let new = |column: &TextColumn| sum.text_columns.iter().all(|known| known.name != column.name);
    let new: Vec<TextColumn> = report.text_columns.into_iter().filter(new).collect();
    sum.text_columns.extend(new);
    sum.problems.merge(report.problems);
    sum
}
