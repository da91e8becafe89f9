//! Whether two runs studied the same trait, under whichever names and in whichever units. Effects
//! of one trait tell of people's values of any other that nearly follows from it, so at the outer
//! door both draw on one budget.
//!
//! Two traits are one where their squared correlation over this node's people is at least [`SAME`],
//! as they are or less what the covariates of the two runs say of them: a trait to which a
//! covariate was added is the same trait for whoever adjusts for that covariate.

use ligate_model::VariableName;

use super::{Account, ColumnId, RunRecord};

/// The squared correlation from which on two traits are one: half of the variance of one is that of
/// the other.
const SAME: f64 = 0.5;

/// With fewer people traits correlate as much by chance, and only their names count.
const PEOPLE_MIN: usize = 30;

impl RunRecord {
    /// Whether the two studied nearly the same trait. The columns of both are in `account`.
    pub(super) fn has_trait_of(&self, other: &Self, account: &Account) -> bool {
        let (Some((name, own)), Some((other_name, others))) =
            (self.trait_column(), other.trait_column())
        else {
            return false;
        };
        if name == other_name {
            return true;
        }
        let people = self.people.map_or(0, |people| account.people_of(people));
        if people < PEOPLE_MIN {
            return false;
        }
        let traits = [own, others];
        let everybody = [
            self.columns_with_role("people"),
            other.columns_with_role("people"),
        ]
        .concat();
        let covariates = [self, other]
            .map(|run| run.covariates_without(&[name, other_name]))
            .concat();
        let adjusted = [&everybody[..], &covariates[..]].concat();
        [everybody, adjusted]
            .iter()
            .any(|known| squared_correlation(account, known, traits) >= SAME)
    }

    fn trait_column(&self) -> Option<(&VariableName, ColumnId)> {
        let place = self
            .columns
            .iter()
            .position(|column| column.role == "trait")?;
        Some((self.columns[place].variable.as_ref()?, self.column(place)))
    }

    fn column(&self, place: usize) -> ColumnId {
        ColumnId {
            job: self.job,
            place: place as u16,
        }
    }

    fn columns_with_role(&self, role: &str) -> Vec<ColumnId> {
        let places = (0..self.columns.len()).filter(|place| self.columns[*place].role == role);
        places.map(|place| self.column(place)).collect()
    }

    /// The covariates, without those that are themselves one of the traits: nothing would be left
    /// of it.
    fn covariates_without(&self, traits: &[&VariableName]) -> Vec<ColumnId> {
        let is_trait = |place: usize| {
            self.columns[place]
                .variable
                .as_ref()
                .is_some_and(|variable| traits.contains(&variable))
        };
        let mut covariates = self.columns_with_role("covariate");
        covariates.retain(|id| !is_trait(usize::from(id.place)));
        covariates
    }
}

/// The squared correlation of two columns, less what the `known` columns say of them (0 to 1).
fn squared_correlation(account: &Account, known: &[ColumnId], traits: [ColumnId; 2]) -> f64 {
    account
        .rows(&[known, &traits].concat(), &[], &[])
        .gram(1)
        .squared_correlation_of_last_two()
}
