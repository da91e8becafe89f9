//! How much the family's genotypes speak for a variant: their likelihood if it causes the patient's
//! disease, over their likelihood by chance, the patient's own genotype given.

use ligate_model::Sex;

use super::State;
use crate::genome::{
    Place,
    family::{Family, MemberIndex},
};

/// Likelihood ratios of the relatives' genotypes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segregation {
    /// If one allele causes the disease (autosomal or X-linked dominant, mitochondrial).
    pub dominant: f64,
    /// If two do, and this is one of them (or both); for a male's X, the only one.
    pub recessive: f64,
    /// Whether both parents are called without it.
    pub is_new: bool,
}

/// Chance that a carrier of a dominant allele is healthy when examined. Set: penetrance of what
/// exomes are done for is high, and healthy carrier parents are rarer still among the ill child's
/// parents.
const HEALTHY_CARRIER: f64 = 0.1;
/// Chance that somebody has two causal alleles and is healthy.
const HEALTHY_BIALLELIC: f64 = 0.02;
/// Chance that an affected relative has the disease for another reason, or is called wrongly.
const PHENOCOPY: f64 = 0.05;
/// Share of patients of dominant diseases with two healthy parents whose variant is new (the
/// others: reduced penetrance, mosaic parents).
const NEW_IF_PARENTS_HEALTHY: f64 = 0.8;

/// Whether both parents are genotyped and called without the allele.
pub fn is_new(family: &Family, states: &[State]) -> bool {
    let (father, mother) = family.parents();
    let without =
        |index: Option<MemberIndex>| index.is_some_and(|index| states[index.0] == State::Reference);
    without(father) && without(mother)
}

/// Weighs the relatives. `new_by_chance` is the share of the patient's variants of this kind that
/// both parents are called without: true new mutations and wrong calls together, measured in the
/// same file.
pub fn segregation(
    family: &Family,
    place: Place,
    states: &[State],
    new_by_chance: f64,
) -> Segregation {
    let (father, mother) = family.parents();
    let state = |index: Option<MemberIndex>| index.map(|index| states[index.0]);
    let carries = |index| state(index).is_some_and(State::carries);
    let is_new = is_new(family, states);
    let mut found = Segregation {
        dominant: 1.0,
        recessive: 1.0,
        is_new,
    };
    let healthy = |index: Option<MemberIndex>| {
        index.is_some_and(|index| family.member(index).affected == Some(false))
    };
    if is_new {
        let new = if healthy(father) && healthy(mother) {
            NEW_IF_PARENTS_HEALTHY
        } else {
            0.05
        };
        found.dominant *= new / new_by_chance.clamp(1e-4, 1.0);
        // One new and one inherited allele: possible, rare.
        found.recessive *= 0.02 / new_by_chance.clamp(1e-3, 1.0);
    } else if healthy(father) && healthy(mother) && (carries(father) || carries(mother)) {
        // Inherited, though both are healthy: it must be one of the others. A missing call shows
        // neither.
        found.dominant *= 1.0 - NEW_IF_PARENTS_HEALTHY;
    }
    for (at, member) in family.members().iter().enumerate() {
        let index = MemberIndex(at);
        if index == family.patient() || states[at] == State::Uncalled {
            continue;
        }
        let parent = Some(index) == father || Some(index) == mother;
        relative(&mut found, states[at], member.affected, parent && is_new);
    }
    homozygous_parents(&mut found, family, place, states);
    found
}

fn relative(found: &mut Segregation, state: State, affected: Option<bool>, of_new: bool) {
    match affected {
        Some(false) if state.carries() => {
            found.dominant *= HEALTHY_CARRIER;
            if state.is_full() {
                found.recessive *= HEALTHY_BIALLELIC;
            }
        }
        Some(true) if !state.carries() && !of_new => {
            found.dominant *= PHENOCOPY;
            found.recessive *= PHENOCOPY;
        }
        // A first-degree relative shares an allele by chance half of the time.
        Some(true) if state.carries() => {
            found.dominant *= 2.0;
            found.recessive *= 2.0;
        }
        _ => {}
    }
}

/// A homozygous patient has one allele of each parent; a male's X comes from his mother.
fn homozygous_parents(found: &mut Segregation, family: &Family, place: Place, states: &[State]) {
    let patient = family.patient();
    let (father, mother) = family.parents();
    if !states[patient.0].is_full() || found.is_new {
        return;
    }
    let male_x = place.is_sex_linked() && family.member(patient).sex == Some(Sex::Male);
    let needed = if male_x {
        [None, mother]
    } else {
        [father, mother]
    };
    for parent in needed.into_iter().flatten() {
        if states[parent.0] == State::Reference {
            found.recessive *= PHENOCOPY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::{Chromosome, family::FamilyMember};

    fn trio() -> Family {
        let member = |column, parents: bool| FamilyMember {
            column,
            father: parents.then_some(MemberIndex(1)),
            mother: parents.then_some(MemberIndex(2)),
            sex: Some(if column == 2 { Sex::Female } else { Sex::Male }),
            affected: Some(parents),
        };
        Family::from_members(
            vec![member(0, true), member(1, false), member(2, false)],
            MemberIndex(0),
        )
        .unwrap()
    }

    #[test]
    fn a_missing_call_of_a_parent_is_neutral() {
        use State::{Heterozygous as Het, Reference as Ref, Uncalled};
        let place = Place {
            chromosome: Chromosome::parse("1").unwrap(),
            position: 1,
        };
        let dominant =
            |father, mother| segregation(&trio(), place, &[Het, father, mother], 0.01).dominant;
        assert_eq!(
            [
                dominant(Ref, Uncalled),
                dominant(Uncalled, Ref),
                dominant(Uncalled, Uncalled)
            ],
            [1.0; 3]
        );
        assert!((dominant(Ref, Ref) - NEW_IF_PARENTS_HEALTHY / 0.01).abs() < 1e-9);
        let inherited = (1.0 - NEW_IF_PARENTS_HEALTHY) * HEALTHY_CARRIER;
        for found in [dominant(Het, Ref), dominant(Het, Uncalled)] {
            assert!((found - inherited).abs() < 1e-9);
        }
    }
}
