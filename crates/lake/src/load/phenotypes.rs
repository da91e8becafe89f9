//! The phenotype tables of a load as one table over all individuals.
//!
//! Usually there is one table. Several are joined by variable: kinds must agree, binary columns
//! that tables code differently are brought to 0/1, and where two tables have a value for one
//! individual it must be the same. A table in which a binary column only shows the value 1 follows
//! the others' coding; if they have both, it is refused, as its 1 may mean either.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use ligate_model::{BinaryCoding, IndividualId, Phenotypes, Variable, VariableName};
use ligate_records::{
    known_as::KnownAs,
    phenotypes::{self, PhenotypeReport, TextColumn},
};

use super::cohort::Cohort;
use crate::LakeError;

/// The name of the id column in the stored table.
const ID_COLUMN: &str = "individual";

/// Reads all tables of a request; no report where there is none.
pub fn read_all(
    tables: &[(PathBuf, Option<String>)],
    cohort: &Cohort,
    known_as: &KnownAs,
) -> Result<(Phenotypes, Option<PhenotypeReport>), LakeError> {
    let mut joined = Joined {
        individuals: cohort.individuals.len(),
        ..Joined::default()
    };
    let mut reports = None;
    for (path, prefix) in tables {
        let people = people_of(cohort, prefix.as_deref());
        if people.is_empty() {
            return Err(LakeError::NobodyWithPrefix(path.clone()));
        }
        let ids: Vec<IndividualId> = people
            .iter()
            .map(|index| cohort.individuals[*index].clone())
            .collect();
        let (table, report) = phenotypes::read(path, &ids, prefix.as_deref(), known_as)?;
        for variable in table.variables {
            if variable.name.as_str() == ID_COLUMN {
                return Err(LakeError::ReservedVariable(path.clone()));
            }
            joined.join(variable, &people, path)?;
        }
        reports = Some(add_report(reports, report));
    }
    Ok((joined.phenotypes, reports))
}

/// Indices of the individuals that a table with this prefix may speak of.
fn people_of(cohort: &Cohort, prefix: Option<&str>) -> Vec<usize> {
    let groups = cohort
        .groups
        .iter()
        .filter(|group| group.prefix.as_deref() == prefix);
    groups.flat_map(|group| group.people.clone()).collect()
}

/// The tables joined so far.
#[derive(Default)]
struct Joined {
    /// Of the dataset.
    individuals: usize,
    phenotypes: Phenotypes,
    /// The codings that a variable has in the tables, each once.
    codings: HashMap<VariableName, Vec<BinaryCoding>>,
}

impl Joined {
    /// Adds a table's variable with the values of `people`.
    fn join(&mut self, mut part: Variable, people: &[usize], path: &Path) -> Result<(), LakeError> {
        let name = part.name.clone();
        let disagree = |what| LakeError::Variable {
            file: path.to_owned(),
            variable: name.clone(),
            what,
        };
        if self.makes_ambiguous(&part) {
            return Err(disagree(
                "the coding (only 1 in one table, 0/1 and 1/2 in others)",
            ));
        }
        let known = self
            .phenotypes
            .variables
            .iter_mut()
            .find(|variable| variable.name == part.name);
        let Some(whole) = known else {
            let mut values = vec![None; self.individuals];
            people
                .iter()
                .zip(part.values)
                .for_each(|(index, value)| values[*index] = value);
            self.phenotypes.variables.push(Variable { values, ..part });
            return Ok(());
        };
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

    /// Notes the part's coding; whether a table with the value 1 alone now meets both codings.
    fn makes_ambiguous(&mut self, part: &Variable) -> bool {
        let Some(coding) = part.coding else {
            return false;
        };
        let codings = self.codings.entry(part.name.clone()).or_default();
        if !codings.contains(&coding) {
            codings.push(coding);
        }
        codings.len() == ALL_CODINGS
    }
}

/// 0/1, 1/2 and undecided.
const ALL_CODINGS: usize = 3;

fn both_decided(a: Option<BinaryCoding>, b: Option<BinaryCoding>) -> bool {
    [a, b]
        .iter()
        .all(|coding| coding.is_some_and(|coding| coding != BinaryCoding::Undecided))
}

fn to_zero_one(variable: &mut Variable) {
    if variable.coding == Some(BinaryCoding::OneTwo) {
        variable
            .values
            .iter_mut()
            .flatten()
            .for_each(|value| *value -= 1.0);
        variable.coding = Some(BinaryCoding::ZeroOne);
    }
}

/// The coding of both; one that only shows the value 1 follows the other.
fn same_coding(a: Option<BinaryCoding>, b: Option<BinaryCoding>) -> Option<BinaryCoding> {
    if a == Some(BinaryCoding::Undecided) {
        b
    } else {
        a
    }
}

fn add_report(sum: Option<PhenotypeReport>, report: PhenotypeReport) -> PhenotypeReport {
    let Some(mut sum) = sum else { return report };
    sum.without_row += report.without_row;
    sum.without_genotypes += report.without_genotypes;
    let new = |column: &TextColumn| {
        sum.text_columns
            .iter()
            .all(|known| known.name != column.name)
    };
    let new: Vec<TextColumn> = report.text_columns.into_iter().filter(new).collect();
    sum.text_columns.extend(new);
    sum.problems.merge(report.problems);
    sum
}

#[cfg(test)]
mod tests {
    use BinaryCoding::{OneTwo, Undecided, ZeroOne};
    use ligate_model::VariableKind;

    use super::*;

    const PEOPLE: usize = 6;

    /// Two people's column of one table.
    fn part(coding: Option<BinaryCoding>, values: [f64; 2]) -> Variable {
        let kind = if coding.is_some() {
            VariableKind::Binary
        } else {
            VariableKind::Quantitative
        };
        let values = values.map(Some).to_vec();
        Variable {
            name: VariableName::new("t2d").unwrap(),
            kind,
            coding,
            values,
        }
    }

    /// Joins tables of two people each, the first of people 0 and 1.
    fn joined(parts: &[Variable]) -> Result<Variable, String> {
        let mut joined = Joined {
            individuals: PEOPLE,
            ..Joined::default()
        };
        for (part, table) in parts.iter().zip(0..) {
            let people = [2 * table, 2 * table + 1];
            let path = format!("{table}.tsv");
            joined
                .join(part.clone(), &people, Path::new(&path))
                .map_err(|error| error.to_string())?;
        }
        Ok(joined.phenotypes.variables.pop().unwrap())
    }

    fn check(parts: &[Variable], coding: Option<BinaryCoding>, values: &[f64]) {
        let found = joined(parts).unwrap();
        let mut expected: Vec<_> = values.iter().copied().map(Some).collect();
        expected.resize(PEOPLE, None);
        assert_eq!(
            (found.coding, found.values),
            (coding, expected),
            "{parts:?}"
        );
    }

    #[test]
    fn columns_coded_differently_are_brought_to_zero_and_one() {
        let (zero_one, one_two) = (
            part(Some(ZeroOne), [0.0, 1.0]),
            part(Some(OneTwo), [1.0, 2.0]),
        );
        check(
            &[zero_one.clone(), one_two.clone()],
            Some(ZeroOne),
            &[0.0, 1.0, 0.0, 1.0],
        );
        check(
            &[one_two.clone(), zero_one.clone()],
            Some(ZeroOne),
            &[0.0, 1.0, 0.0, 1.0],
        );
        check(
            &[one_two.clone(), one_two.clone()],
            Some(OneTwo),
            &[1.0, 2.0, 1.0, 2.0],
        );
        let all = [one_two.clone(), zero_one, one_two];
        check(&all, Some(ZeroOne), &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_column_of_ones_follows_the_others() {
        let ones = part(Some(Undecided), [1.0, 1.0]);
        check(
            &[ones.clone(), ones.clone()],
            Some(Undecided),
            &[1.0, 1.0, 1.0, 1.0],
        );
        for (coding, other) in [(ZeroOne, [0.0, 1.0]), (OneTwo, [1.0, 2.0])] {
            let [first, second] = other;
            let decided = part(Some(coding), other);
            check(
                &[ones.clone(), decided.clone()],
                Some(coding),
                &[1.0, 1.0, first, second],
            );
            check(
                &[decided, ones.clone()],
                Some(coding),
                &[first, second, 1.0, 1.0],
            );
        }
    }

    #[test]
    fn a_column_of_ones_is_refused_where_the_others_differ() {
        let parts = [
            part(Some(Undecided), [1.0; 2]),
            part(Some(ZeroOne), [0.0, 1.0]),
            part(Some(OneTwo), [1.0, 2.0]),
        ];
        for order in [[0, 1, 2], [0, 2, 1], [1, 2, 0]] {
            let error = joined(&order.map(|index: usize| parts[index].clone())).unwrap_err();
            assert!(
                error.starts_with("2.tsv: the coding") && error.contains("\"t2d\""),
                "{error}"
            );
        }
    }

    #[test]
    fn kinds_that_differ_are_refused() {
        let (binary, quantitative) = (part(Some(ZeroOne), [0.0, 1.0]), part(None, [0.5, 7.0]));
        for parts in [
            [binary.clone(), quantitative.clone()],
            [quantitative, binary],
        ] {
            let error = joined(&parts).unwrap_err();
            assert!(
                error.starts_with("1.tsv: the kind") && error.contains("\"t2d\""),
                "{error}"
            );
        }
    }

    #[test]
    fn values_of_one_person_are_compared_in_the_same_coding() {
        let path = Path::new("b.tsv");
        for (second, agrees) in [([1.0, 2.0], true), ([2.0, 2.0], false)] {
            let mut joined = Joined {
                individuals: 2,
                ..Joined::default()
            };
            joined
                .join(part(Some(ZeroOne), [0.0, 1.0]), &[0, 1], path)
                .unwrap();
            let outcome = joined.join(part(Some(OneTwo), second), &[0, 1], path);
            assert_eq!(outcome.is_ok(), agrees);
        }
    }
}
