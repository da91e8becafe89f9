//! The products of weights and covariates that a logistic study's score variances are made of.
//!
//! With the weights w of its model a study's score variance of a variant x is x'Wx less the square
//! of what the covariates explain of it: of sums of w c x, with the covariates c. A variance tells
//! one number of all of them, which the weights hide as far as they are no combination of what was
//! shown ([`span::HiddenProducts`]). So these products are judged with a study's columns, and not
//! entered. Where an earlier study has the same covariates and nearly the same weights, the
//! difference of the two tells something, too: its products are those of what sets the weights
//! apart.
//!
//! Where an earlier study with nearly the same weights has **other covariates**, nothing hides
//! them. A covariate more without an effect leaves the weights as they were, so the variances of
//! the two studies differ by the square of a single sum, of w r x: r is what the other covariates
//! leave of this one. Made so that w r is nearly one person's, it tells his genotype.

use std::collections::{BTreeMap, BTreeSet};

use ligate_analysis::gwas::Role;
use ligate_disclosure::{Account, AccountColumn, ColumnId, span};
use ligate_model::VariableName;

use crate::session::{Earlier, rounds::JudgedProducts};

/// Weights of which none differs by more than this share of the largest one are nearly the same:
/// what larger differences make of x'Wx hides what one person adds.
const ALIKE: f64 = 0.05;

/// How much the values of a covariate differ that was standardised over other people and rounded,
/// in standard deviations.
const ROUNDING: f64 = 1e-7;

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
        let place = self
            .roles
            .iter()
            .position(|role| matches!(role, Role::Weight(_)))?;
        self.values.get(place).map(Vec::as_slice)
    }

    fn covariates(&self) -> impl Iterator<Item = (&VariableName, &Vec<f64>)> {
        self.roles
            .iter()
            .zip(self.values)
            .filter_map(|(role, values)| match role {
                Role::Covariate(name) => Some((name, values)),
                _ => None,
            })
    }

    /// Whether the study has Wald tests, of which the products are columns.
    fn shows_products(&self) -> bool {
        self.roles
            .iter()
            .any(|role| matches!(role, Role::Weighted(..)))
    }

    /// The earlier studies with nearly the same weights.
    pub fn earlier(&self, account: &Account) -> Earlier {
        let mut found = Earlier::default();
        let Some(weights) = self.weights() else {
            return found;
        };
        let weights: BTreeMap<u64, f64> = self
            .numbers
            .iter()
            .copied()
            .zip(weights.iter().copied())
            .collect();
        // Columns of one class are the same, and are looked at once.
        let mut own = BTreeMap::new();
        let mut is_own = |column: &AccountColumn| {
            *own.entry(column.class).or_insert_with(|| {
                let earlier: BTreeMap<u64, f64> = account.values(column).collect();
                self.covariates()
                    .any(|(_, values)| self.is_same(values, &earlier))
            })
        };
        let mut alike = BTreeMap::new();
        let mut classes = BTreeSet::new();
        for earlier in account
            .columns()
            .iter()
            .filter(|column| column.record.role == "weight")
        {
            let compare = || Alike::of(account.values(earlier), &weights);
            let alike = *alike.entry(earlier.class).or_insert_with(compare);
            if alike == Alike::No {
                continue;
            }
            let covariates = account.columns().iter().filter(|column| {
                column.id.job == earlier.id.job && column.record.role == "covariate"
            });
            let (own, others): (Vec<_>, Vec<_>) = covariates.partition(|column| is_own(column));
            if others.is_empty() && own.len() == self.covariates().count() {
                found
                    .same
                    .extend((alike == Alike::Same).then_some(earlier.id));
                continue;
            }
            let new = others
                .into_iter()
                .filter(|column| classes.insert(column.class));
            found
                .nested
                .get_or_insert_with(Vec::new)
                .extend(new.map(|column| column.id));
        }
        found
    }

    /// Whether a covariate has the values of an earlier one for whoever is in both studies: each is
    /// standardised over the people of its run.
    fn is_same(&self, values: &[f64], earlier: &BTreeMap<u64, f64>) -> bool {
        let both = self.numbers.iter().zip(values);
        let both: Vec<(f64, f64)> = both
            .filter_map(|(number, value)| Some((*earlier.get(number)?, *value)))
            .collect();
        let Some((first, _)) = both.split_first() else {
            return false;
        };
        let furthest = |a: &&(f64, f64), b: &&(f64, f64)| {
            (a.0 - first.0).abs().total_cmp(&(b.0 - first.0).abs())
        };
        let Some(other) = both.iter().max_by(furthest) else {
            return false;
        };
        let unit = if other.0 == first.0 {
            1.0
        } else {
            (other.1 - first.1) / (other.0 - first.0)
        };
        let off =
            |(earlier, value): &(f64, f64)| (first.1 + unit * (earlier - first.0) - value).abs();
        2 * both.len() >= values.len() && both.iter().all(|pair| off(pair) <= ROUNDING)
    }

    /// The products that are judged, each with the variable to leave out. There are none of its own
    /// covariates where the study shows them anyway.
    pub fn products(
        &self,
        account: &Account,
        asked: &JudgedProducts,
    ) -> Vec<(Option<VariableName>, Vec<f64>)> {
        let Some(weights) = self.weights() else {
            return Vec::new();
        };
        let shown = self.shows_products();
        let own = |weights: &[f64]| -> Vec<(Option<VariableName>, Vec<f64>)> {
            let covariates = self.covariates().filter(|_| !shown);
            covariates
                .map(|(name, values)| (Some(name.clone()), times(weights, values)))
                .collect()
        };
        match asked {
            JudgedProducts::Own { less: None } => own(weights),
            JudgedProducts::Own { less: Some(less) } => {
                let less = self.earlier_values(account, *less);
                let apart: Vec<f64> = weights
                    .iter()
                    .zip(less)
                    .map(|(weight, less)| weight - less)
                    .collect();
                [own(weights), own(&apart)].concat()
            }
            JudgedProducts::Nested { earlier } => {
                let of_earlier = earlier
                    .iter()
                    .map(|id| (None, times(weights, &self.earlier_values(account, *id))));
                own(weights).into_iter().chain(of_earlier).collect()
            }
        }
    }

    /// The values of an earlier study's column for this one's people; 0 where there is none.
    fn earlier_values(&self, account: &Account, id: ColumnId) -> Vec<f64> {
        let column = account.columns().iter().find(|column| column.id == id);
        let known: BTreeMap<u64, f64> = column
            .into_iter()
            .flat_map(|column| account.values(column))
            .collect();
        self.numbers
            .iter()
            .map(|number| known.get(number).copied().unwrap_or(0.0))
            .collect()
    }

    /// Where the columns lie in an account with so many columns before them, if the weights hide
    /// their products.
    pub fn places(&self, asked: &JudgedProducts, first: usize) -> Option<span::HiddenProducts> {
        let JudgedProducts::Own { less } = asked else {
            return None;
        };
        if self.shows_products() {
            return None;
        }
        let place = |is_one: fn(&Role) -> bool| {
            self.roles
                .iter()
                .position(is_one)
                .map(|place| first + place)
        };
        let covariate = place(|role| matches!(role, Role::Covariate(_)))?;
        let (count, end) = (self.covariates().count(), first + self.roles.len());
        Some(span::HiddenProducts {
            ones: place(|role| matches!(role, Role::People))?,
            weights: place(|role| matches!(role, Role::Weight(_)))?,
            covariates: covariate..covariate + count,
            products: end..end + count,
            differences: less.map(|_| end + count..end + 2 * count),
        })
    }
}

fn times(weights: &[f64], values: &[f64]) -> Vec<f64> {
    weights
        .iter()
        .zip(values)
        .map(|(weight, value)| weight * value)
        .collect()
}

/// How much earlier weights are like new ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alike {
    No,
    /// Times a number for all.
    Scaled,
    Same,
}

impl Alike {
    /// Of people in both, where these are at least half of the people.
    fn of(earlier: impl Iterator<Item = (u64, f64)>, weights: &BTreeMap<u64, f64>) -> Self {
        let pairs: Vec<(f64, f64)> = earlier
            .filter_map(|(number, value)| Some((value, *weights.get(&number)?)))
            .collect();
        if 2 * pairs.len() < weights.len() {
            return Self::No;
        }
        let (shared, square) = pairs.iter().fold((0.0, 0.0), |(shared, square), (a, b)| {
            (shared + a * b, square + a * a)
        });
        let scale = if square > 0.0 { shared / square } else { 1.0 };
        let largest = pairs
            .iter()
            .map(|(_, weight)| weight.abs())
            .fold(0.0, f64::max);
        let within = |scale: f64| {
            pairs
                .iter()
                .all(|(earlier, weight)| (scale * earlier - weight).abs() <= ALIKE * largest)
        };
        if within(1.0) {
            Self::Same
        } else if within(scale) {
            Self::Scaled
        } else {
            Self::No
        }
    }
}
