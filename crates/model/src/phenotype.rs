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

/// A phenotype table in the order of a dataset's individuals: `values[i]` of every variable is individual i's.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Phenotypes {
    pub variables: Vec<Variable>,
}

impl Phenotypes {
    pub fn variable(&self, name: &VariableName) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == *name)
    }
}
