//! Phenotype columns: one number or nothing per individual.

use serde::{Deserialize, Serialize};

use crate::VariableName;

/// What a column measures. Recorded at load; it must agree between the nodes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableKind {
    Quantitative,
    Binary,
}

/// How a binary column writes "absent" and "present".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BinaryCoding {
    /// 0 absent, 1 present.
    #[serde(rename = "0/1")]
    ZeroOne,
    /// 1 absent, 2 present (PLINK).
    #[serde(rename = "1/2")]
    OneTwo,
    /// Only the value 1 occurs: the other nodes' coding decides.
    #[serde(rename = "1 only")]
    Undecided,
}

impl BinaryCoding {
    /// The coding of a column with these values; `None` of a quantitative one, and where there is
    /// none.
    pub fn of_values(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut occurs = [false; 3];
        for value in values {
            let place = [0.0, 1.0, 2.0].iter().position(|known| *known == value)?;
            occurs[place] = true;
        }
        Self::of_occurring(occurs)
    }

    /// The coding of a column in which those of the values 0, 1 and 2 occur, and no other.
    pub fn of_occurring([zero, one, two]: [bool; 3]) -> Option<Self> {
        match (zero, one, two) {
            (true, _, false) => Some(Self::ZeroOne),
            (false, _, true) => Some(Self::OneTwo),
            (false, true, false) => Some(Self::Undecided),
            _ => None,
        }
    }
}

/// One column of a phenotype table.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub name: VariableName,
    pub kind: VariableKind,
    /// The coding of a binary column; `None` for a quantitative one.
    pub coding: Option<BinaryCoding>,
    /// One finite value as written in the table, or nothing, per individual.
    pub values: Vec<Option<f64>>,
}

/// A phenotype table in the order of a dataset's individuals: `values[i]` of every variable is
/// individual i's.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Phenotypes {
    pub variables: Vec<Variable>,
}

impl Phenotypes {
    pub fn variable(&self, name: &VariableName) -> Option<&Variable> {
        self.variables
            .iter()
            .find(|variable| variable.name == *name)
    }
}
