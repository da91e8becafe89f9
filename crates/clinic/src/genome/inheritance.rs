//! Which models of inheritance a family's genotypes allow, for one variant and for pairs of
//! variants of a gene.
//!
//! The rules for a single variant are GENMOD's (Magnusson, github.com/Clinical-Genomics/genmod,
//! 3.x), full penetrance assumed: a missing call excludes nothing; dominant: the affected are
//! heterozygous and the healthy carry nothing; recessive: the affected are homozygous and the
//! healthy are not; X-linked: healthy males carry nothing, affected males carry it. Where the
//! parents are called and cannot have passed it on, the model is *de novo*. A model is not a
//! verdict: how much it counts is `burden`'s.

mod compound;
mod segregation;

use ligate_formats::family_vcf::Call;
use ligate_model::Sex;

use super::{
    Chromosome, Place,
    family::{Family, FamilyMember},
};

pub use compound::{CompoundModels, compound, phase_by_parents, phase_by_reads};
pub use segregation::{Segregation, is_new, segregation};

/// How a member carries one alternate allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Uncalled,
    Reference,
    Heterozygous,
    Homozygous,
    /// One copy and no other.
    Hemizygous,
}

impl State {
    /// From a call. One allele of a haploid call is hemizygous; a male's X and Y outside of the
    /// pseudoautosomal regions are one copy however they are called, unless the call is
    /// heterozygous. A half call (`0/.`, `./1`) counts by the allele it has.
    pub fn of(call: &Call, alternate: u16, place: Place, sex: Option<Sex>) -> Self {
        let copies = call.copies(alternate);
        let called = call.alleles.iter().flatten().count();
        if called == 0 {
            return Self::Uncalled;
        }
        if copies == 0 {
            return Self::Reference;
        }
        let one_copy = place.chromosome == Chromosome::MITOCHONDRION
            || (place.is_sex_linked()
                && (sex == Some(Sex::Male) || place.chromosome == Chromosome::Y));
        match (
            copies == call.alleles.len(),
            call.alleles.len() == 1 || one_copy,
        ) {
            (true, true) => Self::Hemizygous,
            (true, false) => Self::Homozygous,
            (false, _) => Self::Heterozygous,
        }
    }

    /// Whether the member carries the allele at all.
    pub fn carries(self) -> bool {
        matches!(
            self,
            Self::Heterozygous | Self::Homozygous | Self::Hemizygous
        )
    }

    /// Whether no other allele is there.
    pub fn is_full(self) -> bool {
        matches!(self, Self::Homozygous | Self::Hemizygous)
    }
}

/// The models that a single variant follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Models {
    pub dominant: bool,
    pub dominant_new: bool,
    pub recessive: bool,
    pub recessive_new: bool,
    pub x_dominant: bool,
    pub x_dominant_new: bool,
    pub x_recessive: bool,
    pub x_recessive_new: bool,
    /// Passed on by mothers: the affected carry it, and no affected member's mother is called
    /// without it.
    pub mitochondrial: bool,
}

/// The models that a variant follows in the family; `states` are the members' in order.
pub fn models(family: &Family, place: Place, states: &[State]) -> Models {
    if place.chromosome == Chromosome::MITOCHONDRION {
        return Models {
            mitochondrial: is_mitochondrial(family, states),
            ..Models::default()
        };
    }
    // Y goes by the autosomal rules, as in GENMOD; pseudoautosomal regions do too, which GENMOD
    // counts as X.
    let x_linked_place = place.chromosome == Chromosome::X && !place.is_pseudoautosomal();
    if x_linked_place {
        x_linked(family, states)
    } else {
        autosomal(family, states)
    }
}

fn autosomal(family: &Family, states: &[State]) -> Models {
    let mut models = Models {
        dominant: all(
            family,
            states,
            |_, state| state == State::Heterozygous,
            |_, state| !state.carries(),
        ),
        recessive: all(
            family,
            states,
            |_, state| state.is_full(),
            |_, state| !state.is_full(),
        ),
        ..Models::default()
    };
    for member in family.members() {
        let Some(parents) = Parents::of(member, states) else {
            continue;
        };
        if models.dominant {
            let (new, excluded) = parents.one_needed();
            models.dominant_new |= new;
            models.dominant &= !excluded;
        }
        if models.recessive {
            let (new, excluded) = parents.both_needed();
            models.recessive_new |= new;
            models.recessive &= !excluded;
        }
    }
    models
}

fn x_linked(family: &Family, states: &[State]) -> Models {
    let male = |member: &FamilyMember| member.sex == Some(Sex::Male);
    let female = |member: &FamilyMember| member.sex == Some(Sex::Female);
    let healthy_recessive = |member: &FamilyMember, state: State| {
        !(state.is_full() || (male(member) && state.carries()))
    };
    let healthy_dominant = |member: &FamilyMember, state: State| {
        !((female(member) && state.is_full()) || (male(member) && state.carries()))
    };
    let affected_recessive = |member: &FamilyMember, state: State| {
        state.carries() && (!female(member) || state.is_full())
    };
    let mut models = Models {
        x_recessive: all(family, states, affected_recessive, healthy_recessive),
        x_dominant: all(family, states, |_, state| state.carries(), healthy_dominant),
        ..Models::default()
    };
    for member in family.members() {
        let Some(parents) = Parents::of(member, states) else {
            continue;
        };
        if models.x_recessive {
            let (new, excluded) = match member.sex {
                Some(Sex::Male) => parents.mother_needed(true),
                Some(Sex::Female) => parents.both_needed(),
                None => (false, false),
            };
            models.x_recessive_new |= new;
            models.x_recessive &= !excluded;
        }
        if models.x_dominant {
            let (new, excluded) = match member.sex {
                Some(Sex::Male) => parents.mother_needed(false),
                Some(Sex::Female) if parents.both_known() => parents.one_needed(),
                Some(Sex::Female) => (true, false),
                None => (false, false),
            };
            models.x_dominant_new |= new;
            models.x_dominant &= !excluded;
        }
    }
    models
}

fn is_mitochondrial(family: &Family, states: &[State]) -> bool {
    family.members().iter().zip(states).all(|(member, state)| {
        let mother = member.mother.map(|index| states[index.0]);
        member.affected != Some(true)
            || *state == State::Uncalled
            || (state.carries() && mother.is_none_or(|mother| mother != State::Reference))
    })
}

/// Whether every called member is as the model wants the affected and the healthy.
fn all(
    family: &Family,
    states: &[State],
    affected: impl Fn(&FamilyMember, State) -> bool,
    healthy: impl Fn(&FamilyMember, State) -> bool,
) -> bool {
    family
        .members()
        .iter()
        .zip(states)
        .all(|(member, state)| match member.affected {
            _ if *state == State::Uncalled => true,
            Some(true) => affected(member, *state),
            Some(false) => healthy(member, *state),
            None => true,
        })
}

/// A child's parents' states; `None` for a parent who is not genotyped.
struct Parents {
    father: Option<State>,
    mother: Option<State>,
}

impl Parents {
    /// Nothing for a member without any genotyped parent.
    fn of(member: &FamilyMember, states: &[State]) -> Option<Self> {
        let state =
            |parent: Option<super::family::MemberIndex>| parent.map(|index| states[index.0]);
        let parents = Self {
            father: state(member.father),
            mother: state(member.mother),
        };
        (parents.father.is_some() || parents.mother.is_some()).then_some(parents)
    }

    fn both_known(&self) -> bool {
        self.father.is_some() && self.mother.is_some()
    }

    /// Whether a model that needs one carrying parent may be new, and whether it can only be new.
    fn one_needed(&self) -> (bool, bool) {
        match (self.father, self.mother) {
            (Some(father), Some(mother)) => {
                let new = !father.carries() && !mother.carries();
                (
                    new,
                    new && father != State::Uncalled && mother != State::Uncalled,
                )
            }
            (Some(parent), None) | (None, Some(parent)) => (!parent.carries(), !parent.carries()),
            (None, None) => (false, false),
        }
    }

    /// The same where both parents must carry it.
    fn both_needed(&self) -> (bool, bool) {
        match (self.father, self.mother) {
            (Some(father), Some(mother)) => {
                let new = !(father.carries() && mother.carries());
                (
                    new,
                    new && father != State::Uncalled && mother != State::Uncalled,
                )
            }
            _ => (true, false),
        }
    }

    /// The same where the mother must carry it; `without` is the answer if she is not genotyped.
    fn mother_needed(&self, without: bool) -> (bool, bool) {
        match self.mother {
            Some(mother) => (
                !mother.carries(),
                !mother.carries() && (mother != State::Uncalled),
            ),
            None => (without, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::family::MemberIndex;

    const AUTOSOME: Place = Place {
        chromosome: Chromosome::MITOCHONDRION,
        position: 1,
    };

    fn trio(sex: Sex, father: bool) -> Family {
        let member = |column, sex, affected, parents: bool| FamilyMember {
            column,
            father: parents.then_some(MemberIndex(1)),
            mother: parents.then_some(MemberIndex(2)),
            sex: Some(sex),
            affected: Some(affected),
        };
        let members = vec![
            member(0, sex, true, true),
            member(1, Sex::Male, father, false),
            member(2, Sex::Female, false, false),
        ];
        Family::from_members(members, MemberIndex(0)).unwrap()
    }

    fn shown(models: Models) -> String {
        let names = [
            (models.dominant, "AD"),
            (models.dominant_new, "AD_dn"),
            (models.recessive, "AR"),
            (models.recessive_new, "AR_dn"),
            (models.x_dominant, "XD"),
            (models.x_dominant_new, "XD_dn"),
            (models.x_recessive, "XR"),
            (models.x_recessive_new, "XR_dn"),
            (models.mitochondrial, "MT"),
        ];
        names
            .iter()
            .filter(|(follows, _)| *follows)
            .map(|(_, name)| *name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn check(chromosome: &str, sex: Sex, father_ill: bool, states: &str, expected: &str) {
        let states: Vec<State> = states
            .chars()
            .map(|letter| match letter {
                '0' => State::Reference,
                '1' => State::Heterozygous,
                '2' => State::Homozygous,
                'h' => State::Hemizygous,
                _ => State::Uncalled,
            })
            .collect();
        let place = Place {
            chromosome: Chromosome::parse(chromosome).unwrap(),
            position: 50_000_000,
        };
        let found = shown(models(&trio(sex, father_ill), place, &states));
        assert_eq!(found, expected, "{chromosome} {states:?}");
    }

    #[test]
    fn a_trio_by_chromosome() {
        // Child, father, mother.
        check("1", Sex::Male, false, "100", "AD_dn");
        check("1", Sex::Male, true, "110", "AD");
        check("1", Sex::Male, false, "110", "");
        check("1", Sex::Male, false, "211", "AR");
        check("1", Sex::Male, false, "210", "AR_dn");
        check("1", Sex::Male, false, "1.0", "AD AD_dn");
        check("1", Sex::Male, false, "...", "AD AD_dn AR AR_dn");
        check("X", Sex::Male, false, "h01", "XD XR");
        check("X", Sex::Male, false, "h00", "XD_dn XR_dn");
        check("X", Sex::Female, false, "100", "XD_dn");
        check("X", Sex::Female, true, "1h0", "XD");
        check("MT", Sex::Female, false, "h0h", "MT");
        check("MT", Sex::Female, false, "h00", "");
    }

    #[test]
    fn states_by_sex_and_place() {
        let call = |alleles: &[u16]| Call {
            alleles: alleles.iter().map(|allele| Some(*allele)).collect(),
            ..Call::default()
        };
        let x = Place {
            chromosome: Chromosome::X,
            position: 50_000_000,
        };
        let shared = Place {
            chromosome: Chromosome::X,
            position: 100_000,
        };
        assert_eq!(
            State::of(&call(&[1, 1]), 1, x, Some(Sex::Male)),
            State::Hemizygous
        );
        assert_eq!(
            State::of(&call(&[1, 1]), 1, shared, Some(Sex::Male)),
            State::Homozygous
        );
        assert_eq!(
            State::of(&call(&[1, 1]), 1, x, Some(Sex::Female)),
            State::Homozygous
        );
        assert_eq!(
            State::of(&call(&[1, 2]), 2, x, Some(Sex::Female)),
            State::Heterozygous
        );
        assert_eq!(State::of(&call(&[0, 2]), 1, x, None), State::Reference);
        assert_eq!(State::of(&call(&[1]), 1, AUTOSOME, None), State::Hemizygous);
        assert_eq!(State::of(&Call::default(), 1, x, None), State::Uncalled);
    }
}
