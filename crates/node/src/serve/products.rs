//! Two logistic studies of which one has covariates that the other lacks.
//!
//! With the weights w of its model a study's score variance of a variant x is x'Wx less the square of what the covariates
//! explain of it. Where a covariate more has no effect the weights stay as they were, so the variances of the two studies
//! differ by the square of a single sum, of w r x: r is what the other covariates leave of this one. Made so that w r is
//! nearly one person's, it tells his genotype. Such a sum is a combination of products of the weights and covariates.
//! Beside a study with nearly the same weights, these products are judged as what is shown is. They are not entered: a
//! variance tells the sum of their squares only, which is one of them where all others are known (docs/threat-model.md).

use std::collections::{BTreeMap, BTreeSet};

use ligate_analysis::gwas::Role;
use ligate_disclosure::{Account, AccountColumn, ColumnId};
use ligate_model::VariableName;

/// Weights of which none differs by more than this share of the largest one, times a number for all, are nearly the same: what
/// larger differences make of x'Wx hides what one person adds.
const ALIKE: f64 = 0.05;

/// The columns of a study over this node's people.
pub struct Study<'a> {
    pub roles: &'a [Role],
    /// By role, a value for each of the people.
    pub values: &'a [Vec<f64>],
    /// The people as the ledger knows them.
    pub numbers: &'a [u64],
}

impl Study<'_> {
    fn weights(&self) -> Option<&[f64]> {
        let place = self.roles.iter().position(|role| matches!(role, Role::Weight(_)))?;
        self.values.get(place).map(Vec::as_slice)
    }

    fn covariates(&self) -> impl Iterator<Item = (&VariableName, &Vec<f64>)> {
        self.roles.iter().zip(self.values).filter_map(|(role, values)| match role {
            Role::Covariate(name) => Some((name, values)),
            _ => None,
        })
    }

    /// The covariates of earlier studies with nearly the same weights that this study lacks; none where each such study has
    /// these covariates and no others.
    pub fn nested_in(&self, account: &Account) -> Option<Vec<ColumnId>> {
        let weights: BTreeMap<u64, f64> =
            self.numbers.iter().copied().zip(self.weights()?.iter().copied()).collect();
        // Columns of one class are the same, and are looked at once.
        let mut own = BTreeMap::new();
        let mut is_own = |column: &AccountColumn| {
            *own.entry(column.class).or_insert_with(|| {
                self.covariates().any(|(_, values)| account.is_of(column, self.numbers, values))
            })
        };
        let mut alike = BTreeMap::new();
        let (mut nested, mut classes) = (None, BTreeSet::new());
        for earlier in account.columns().iter().filter(|column| column.record.role == "weight") {
            let is_alike = || are_alike(account.values(earlier), &weights);
            if !*alike.entry(earlier.class).or_insert_with(is_alike) {
                continue;
            }
            let covariates = account
                .columns()
                .iter()
                .filter(|column| column.id.job == earlier.id.job && column.record.role == "covariate");
            let (own, others): (Vec<_>, Vec<_>) = covariates.partition(|column| is_own(column));
            if others.is_empty() && own.len() == self.covariates().count() {
                continue;
            }
            let new = others.into_iter().filter(|column| classes.insert(column.class));
            nested.get_or_insert_with(Vec::new).extend(new.map(|column| column.id));
        }
        nested
    }

    /// The weights times each covariate of this study, unless it shows them anyway, and times the `earlier` ones; each with the
    /// variable to leave out.
    pub fn products(&self, account: &Account, earlier: &[ColumnId]) -> Vec<(Option<VariableName>, Vec<f64>)> {
        let Some(weights) = self.weights() else { return Vec::new() };
        let times =
            |values: &[f64]| weights.iter().zip(values).map(|(weight, value)| weight * value).collect();
        let shown = self.roles.iter().any(|role| matches!(role, Role::Weighted(..)));
        let own = self.covariates().filter(|_| !shown);
        let own = own.map(|(name, values)| (Some(name.clone()), times(values)));
        let of_earlier = earlier.iter().map(|id| {
            let column = account.columns().iter().find(|column| column.id == *id);
            let known: BTreeMap<u64, f64> =
                column.into_iter().flat_map(|column| account.values(column)).collect();
            let values: Vec<f64> =
                self.numbers.iter().map(|number| known.get(number).copied().unwrap_or(0.0)).collect();
            (None, times(&values))
        });
        own.chain(of_earlier).collect()
    }
}

/// Whether earlier weights are nearly the same as `weights`, times a number for all: of people in both, where these are at
/// least half of the people.
fn are_alike(earlier: impl Iterator<Item = (u64, f64)>, weights: &BTreeMap<u64, f64>) -> bool {
    let pairs: Vec<(f64, f64)> =
        earlier.filter_map(|(number, value)| Some((value, *weights.get(&number)?))).collect();
    if 2 * pairs.len() < weights.len() {
        return false;
    }
    let (shared, square) =
        pairs.iter().fold((0.0, 0.0), |(shared, square), (a, b)| (shared + a * b, square + a * a));
    let times = if square > 0.0 { shared / square } else { 1.0 };
    let largest = pairs.iter().map(|(_, weight)| weight.abs()).fold(0.0, f64::max);
    pairs.iter().all(|(earlier, weight)| (times * earlier - weight).abs() <= ALIKE * largest)
}
