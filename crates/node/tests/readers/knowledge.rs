//! What readers know and what they make of released tables.

use std::{collections::BTreeMap, path::Path};

use super::{
    linear_program::{Condition, dot},
    support::{cohorts::Cohort, table},
};

/// Every covariate and trait of everybody in a study.
pub struct Values {
    /// An orthonormal basis of 1 and the covariates.
    basis: Vec<Vec<f64>>,
    traits: BTreeMap<String, Vec<f64>>,
}

impl Values {
    pub fn of(cohorts: &[Cohort], covariates: &[&str]) -> Self {
        let names = cohorts[0].columns.iter().map(|(name, _)| name.clone());
        let mut all: BTreeMap<String, Vec<f64>> = names
            .map(|name| (name.clone(), column(cohorts, &name)))
            .collect();
        let people = all.values().map(Vec::len).max().unwrap_or(0);
        let mut known = Self {
            basis: Vec::new(),
            traits: BTreeMap::new(),
        };
        let covariates = covariates
            .iter()
            .map(|name| all.remove(*name).expect("a covariate"));
        for values in [vec![1.0; people]]
            .into_iter()
            .chain(covariates.collect::<Vec<_>>())
        {
            let rest = known.rest(&values);
            let norm = dot(&rest, &rest).sqrt();
            known
                .basis
                .push(rest.iter().map(|value| value / norm).collect());
        }
        known.traits = all
            .iter()
            .map(|(name, values)| (name.clone(), known.rest(values)))
            .collect();
        known
    }

    /// What covariates do not explain of values; twice, because once leaves rounding.
    fn rest(&self, values: &[f64]) -> Vec<f64> {
        let mut rest = values.to_vec();
        for direction in self.basis.iter().chain(&self.basis) {
            let part = dot(direction, &rest);
            rest.iter_mut()
                .zip(direction)
                .for_each(|(value, of)| *value -= part * of);
        }
        rest
    }

    /// What tables of a variant say of its dosages: for each trait their sum weighed with what the
    /// covariates do not explain of it, and the number of copies.
    ///
    /// With M what takes the covariates out, effect and standard error give x'Mx and x'My. Every
    /// table bounds the first, and the narrowest bounds serve for all.
    pub fn conditions(&self, tables: &[(&str, Row)]) -> Vec<Condition> {
        let people = self.basis[0].len() as f64;
        let freedom = people - self.basis.len() as f64 - 1.0;
        let (mut least, mut most) = (0.0_f64, f64::INFINITY);
        for (name, row) in tables {
            let power = dot(&self.traits[*name], &self.traits[*name]);
            let square = |beta: f64, error: f64| power / (freedom * error.powi(2) + beta.powi(2));
            let [beta, error] = [row.beta, row.standard_error];
            least = least.max(square(beta.most(), error.value + error.half));
            most = most.min(square(
                (beta.value.abs() - beta.half).max(0.0),
                error.value - error.half,
            ));
        }
        let of_trait = |(name, row): &(&str, Row)| {
            let beta = row.beta;
            let corners = [beta.value - beta.half, beta.value + beta.half]
                .into_iter()
                .flat_map(|beta| [beta * least, beta * most]);
            let (low, high) = corners
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), corner| {
                    (low.min(corner), high.max(corner))
                });
            Condition {
                weights: self.traits[*name].clone(),
                low: low - 1e-7,
                high: high + 1e-7,
            }
        };
        let mut conditions: Vec<Condition> = tables.iter().map(of_trait).collect();
        if let Some((_, row)) = tables.first() {
            let copies = |frequency: f64| 2.0 * people * frequency;
            let (low, high) = (
                row.frequency.value - row.frequency.half,
                row.frequency.value + row.frequency.half,
            );
            let weights = vec![1.0; self.basis[0].len()];
            conditions.push(Condition {
                weights,
                low: copies(low),
                high: copies(high),
            });
        }
        conditions
    }
}

/// The values of a column over all cohorts.
pub fn column(cohorts: &[Cohort], name: &str) -> Vec<f64> {
    let of_cohort = |cohort: &Cohort| {
        let (_, values) = cohort
            .columns
            .iter()
            .find(|(known, _)| known == name)
            .expect("a column");
        values
            .iter()
            .map(|value| value.parse::<f64>().expect("a number"))
            .collect::<Vec<_>>()
    };
    cohorts.iter().flat_map(of_cohort).collect()
}

/// The dosages of a variant over all cohorts.
pub fn dosages(cohorts: &[Cohort], variant: usize) -> Vec<f64> {
    let calls = cohorts.iter().flat_map(|cohort| &cohort.genotypes);
    calls
        .map(|calls| f64::from(calls[variant].expect("a call")))
        .collect()
}

/// A number as a table writes it, and half a unit of its last digit.
#[derive(Clone, Copy, Debug)]
pub struct Rounded {
    pub value: f64,
    pub half: f64,
}

impl Rounded {
    /// To significant digits.
    fn significant(text: &str, digits: i32) -> Self {
        let value: f64 = text.parse().expect("a number");
        Self {
            value,
            half: 0.5 * 10_f64.powi(value.abs().log10().floor() as i32 - digits + 1),
        }
    }

    fn most(self) -> f64 {
        self.value.abs() + self.half
    }
}

/// What a table says of a variant.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub beta: Rounded,
    pub standard_error: Rounded,
    /// Of the effect allele, whose copies a dosage counts.
    pub frequency: Rounded,
}

/// The rows of a released table by position; one inside has six digits, one that left has four, and
/// three decimals of a frequency.
pub fn rows(file: &Path, left: bool) -> BTreeMap<u64, Row> {
    let (names, rows) = table(file);
    let place = |name: &str| {
        names
            .iter()
            .position(|known| known == name)
            .expect("a column")
    };
    let digits = if left { 4 } else { 6 };
    let row = |row: Vec<String>| {
        let text = |name: &str| row[place(name)].as_str();
        assert_eq!(text("effect_allele"), "G");
        let mut frequency = Rounded::significant(text("effect_allele_frequency"), digits);
        if left {
            frequency.half = 0.0005;
        }
        let numbers =
            ["beta", "standard_error"].map(|name| Rounded::significant(text(name), digits));
        let position = text("base_pair_location").parse().expect("a position");
        (
            position,
            Row {
                beta: numbers[0],
                standard_error: numbers[1],
                frequency,
            },
        )
    };
    rows.into_iter().map(row).collect()
}

/// How two lists of numbers go together.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect()
    };
    let (a, b) = (centred(a), centred(b));
    let norm = (dot(&a, &a) * dot(&b, &b)).sqrt();
    if norm > 0.0 { dot(&a, &b) / norm } else { 0.0 }
}
