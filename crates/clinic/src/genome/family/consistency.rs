//! Whether genotypes agree with the pedigree: Mendelian errors of each child, and sex by
//! heterozygosity of X.

use std::fmt;

use ligate_model::Sex;

use super::{Family, MemberIndex, Parentage};
use crate::genome::{Chromosome, Place, inheritance::State};

/// What is counted while records pass.
#[derive(Clone, Debug, Default)]
pub struct Consistency {
    members: Vec<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Autosomal sites where the child has what a parent, or both, can be held against.
    checked: u64,
    errors: u64,
    /// The same with one parent alone, father and mother: the child is homozygous for what the
    /// parent lacks.
    with: [(u64, u64); 2],
    x_called: u64,
    x_heterozygous: u64,
    /// Heterozygous calls of autosomes, against which those of X are held.
    heterozygous: u64,
}

/// A contradiction. Messages say which relation, never a person's id.
#[derive(Clone, Debug, PartialEq)]
pub enum FamilyWarning {
    /// The stated parent shares too few alleles.
    NotParent {
        member: MemberIndex,
        father: bool,
        errors: u64,
        checked: u64,
    },
    /// Both parents together leave too many alleles unexplained.
    MendelianErrors {
        member: MemberIndex,
        errors: u64,
        checked: u64,
    },
    SexContradicted {
        member: MemberIndex,
        stated: Sex,
        heterozygous: u64,
        called: u64,
    },
    /// Nobody states the sex; the genotypes show it.
    SexInferred { member: MemberIndex, sex: Sex },
}

/// Share of errors above which a relation is doubted. Calling errors give below one in a hundred of
/// good calls; an unrelated parent gives about one in ten homozygous sites.
const ERROR_SHARE: f64 = 0.03;
/// Sites below which nothing is said.
const SITES_MIN: u64 = 50;
/// Males are called heterozygous on X at a few sites in a hundred (paralogues); females at a third
/// and more. Files that leave common homozygous sites out show it only by the number of
/// heterozygous calls: X has about a twentieth of the coding bases, and one in thirty to fifty of a
/// female's heterozygous calls.
const MALE_X_MAX: f64 = 0.15;
const FEMALE_X_MIN: f64 = 0.25;
const MALE_OF_ALL_MAX: f64 = 0.004;
const FEMALE_OF_ALL_MIN: f64 = 0.01;
const X_SITES_MIN: u64 = 20;

impl Consistency {
    pub fn new(family: &Family) -> Self {
        Self {
            members: vec![Counts::default(); family.members().len()],
        }
    }

    /// Counts one good record of one alternate allele; `states` are the members' in order.
    pub fn record(&mut self, family: &Family, place: Place, states: &[State]) {
        if place.chromosome.is_autosome() {
            self.autosome(family, states);
        } else if place.chromosome == Chromosome::X && !place.is_pseudoautosomal() {
            for (counts, state) in self.members.iter_mut().zip(states) {
                let carries = matches!(
                    state,
                    State::Heterozygous | State::Homozygous | State::Hemizygous
                );
                counts.x_called += u64::from(carries);
                counts.x_heterozygous += u64::from(*state == State::Heterozygous);
            }
        }
    }

    fn autosome(&mut self, family: &Family, states: &[State]) {
        for (at, member) in family.members().iter().enumerate() {
            let child = states[at];
            let parents =
                [member.father, member.mother].map(|parent| parent.map(|index| states[index.0]));
            let counts = &mut self.members[at];
            counts.heterozygous += u64::from(child == State::Heterozygous);
            for (parent, with) in parents.iter().zip(&mut counts.with) {
                if let (Some(parent), State::Homozygous) = (parent, child) {
                    let called = *parent != State::Uncalled;
                    with.0 += u64::from(called);
                    with.1 += u64::from(*parent == State::Reference);
                }
            }
            if let [Some(father), Some(mother)] = parents
                && let Some(error) = mendelian_error(child, father, mother)
            {
                counts.checked += 1;
                counts.errors += u64::from(error);
            }
        }
    }

    /// The contradictions; infers sexes that nobody states, and tells the family whether the
    /// patient's parents are.
    pub fn finish(&self, family: &mut Family) -> Vec<FamilyWarning> {
        let mut warnings = Vec::new();
        for (at, counts) in self.members.iter().enumerate() {
            let member = MemberIndex(at);
            warnings.extend(parents(member, counts));
            warnings.extend(sex(member, counts, family));
        }
        let parentage = self.members.get(family.patient().0).map(parentage);
        family.set_parentage(parentage.unwrap_or_default());
        warnings
    }
}

/// Whether a child's alleles cannot come from both parents; `None` where a call is missing or all
/// carry nothing.
fn mendelian_error(child: State, father: State, mother: State) -> Option<bool> {
    // Copies of the alternate allele that a person can pass on: least and most.
    let passes = |state| match state {
        State::Reference => Some((0, 0)),
        State::Heterozygous => Some((0, 1)),
        State::Homozygous => Some((1, 1)),
        State::Hemizygous | State::Uncalled => None,
    };
    let copies = match child {
        State::Reference => 0,
        State::Heterozygous => 1,
        State::Homozygous => 2,
        State::Hemizygous | State::Uncalled => return None,
    };
    let ((low_f, high_f), (low_m, high_m)) = (passes(father)?, passes(mother)?);
    if copies == 0 && high_f + high_m == 0 {
        return None;
    }
    Some(!(low_f + low_m..=high_f + high_m).contains(&copies))
}

fn doubted(errors: u64, checked: u64) -> bool {
    checked >= SITES_MIN && errors as f64 > ERROR_SHARE * checked as f64
}

/// What a child's sites say of both parents. With one genotyped parent the sites of the pair are
/// none.
fn parentage(counts: &Counts) -> Parentage {
    let all = [
        counts.with[0],
        counts.with[1],
        (counts.checked, counts.errors),
    ];
    if all
        .iter()
        .any(|(checked, errors)| doubted(*errors, *checked))
    {
        Parentage::Contradicted
    } else if all.iter().all(|(checked, _)| *checked >= SITES_MIN) {
        Parentage::Consistent
    } else {
        Parentage::Unchecked
    }
}

fn parents(member: MemberIndex, counts: &Counts) -> Vec<FamilyWarning> {
    let mut found: Vec<FamilyWarning> = [true, false]
        .into_iter()
        .zip(counts.with)
        .filter(|(_, (checked, errors))| doubted(*errors, *checked))
        .map(|(father, (checked, errors))| FamilyWarning::NotParent {
            member,
            father,
            errors,
            checked,
        })
        .collect();
    if doubted(counts.errors, counts.checked) && found.is_empty() {
        let Counts {
            errors, checked, ..
        } = *counts;
        found.push(FamilyWarning::MendelianErrors {
            member,
            errors,
            checked,
        });
    }
    found
}

fn sex(member: MemberIndex, counts: &Counts, family: &mut Family) -> Option<FamilyWarning> {
    let Counts {
        x_called: called,
        x_heterozygous: heterozygous,
        ..
    } = *counts;
    if called < X_SITES_MIN {
        return None;
    }
    let share = heterozygous as f64 / called as f64;
    let of_all = heterozygous as f64 / counts.heterozygous.max(1) as f64;
    let shown = if share <= MALE_X_MAX || of_all <= MALE_OF_ALL_MAX {
        Sex::Male
    } else if share >= FEMALE_X_MIN && of_all >= FEMALE_OF_ALL_MIN {
        Sex::Female
    } else {
        return None;
    };
    match family.member(member).sex {
        Some(stated) if stated != shown => Some(FamilyWarning::SexContradicted {
            member,
            stated,
            heterozygous,
            called,
        }),
        Some(_) => None,
        None => {
            family.set_sex(member, shown);
            Some(FamilyWarning::SexInferred { member, sex: shown })
        }
    }
}

impl fmt::Display for FamilyWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |member: &MemberIndex| format!("member {} of the family", member.0 + 1);
        let sex = |sex: &Sex| if *sex == Sex::Male { "male" } else { "female" };
        match self {
            Self::NotParent {
                member,
                father,
                errors,
                checked,
            } => {
                let parent = if *father { "father" } else { "mother" };
                let who = who(member);
                write!(
                    out,
                    "the genotypes contradict the pedigree: {errors} of {checked} homozygous sites of {who} cannot \
                     come from the stated {parent}; check for exchanged samples before trusting inheritance"
                )
            }
            Self::MendelianErrors {
                member,
                errors,
                checked,
            } => {
                let who = who(member);
                write!(
                    out,
                    "{errors} of {checked} sites of {who} break Mendel's rules; check the pedigree and the calls \
                     before trusting new variants"
                )
            }
            Self::SexContradicted {
                member,
                stated,
                heterozygous,
                called,
            } => {
                let (who, stated) = (who(member), sex(stated));
                write!(
                    out,
                    "{who} is stated to be {stated}, but {heterozygous} of {called} sites of X are heterozygous; \
                     check for exchanged samples, or an unusual karyotype"
                )
            }
            Self::SexInferred { member, sex: shown } => {
                write!(
                    out,
                    "the sex of {} is not stated; X shows {}",
                    who(member),
                    sex(shown)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_confirmed_by_enough_sites_only() {
        let of = |sites, errors| {
            parentage(&Counts {
                checked: 500,
                with: [(sites, errors), (80, 0)],
                ..Counts::default()
            })
        };
        assert_eq!(of(80, 1), Parentage::Consistent);
        assert_eq!(of(10, 0), Parentage::Unchecked);
        assert_eq!(of(80, 20), Parentage::Contradicted);
    }

    #[test]
    fn mendelian_errors() {
        use State::{Heterozygous as Het, Homozygous as Hom, Reference as Ref, Uncalled};
        for (child, father, mother, expected) in [
            (Het, Ref, Het, Some(false)),
            (Het, Ref, Ref, Some(true)),
            (Het, Hom, Hom, Some(true)),
            (Hom, Het, Het, Some(false)),
            (Hom, Ref, Het, Some(true)),
            (Ref, Hom, Het, Some(true)),
            (Ref, Ref, Ref, None),
            (Het, Uncalled, Ref, None),
        ] {
            assert_eq!(
                mendelian_error(child, father, mother),
                expected,
                "{child:?} {father:?} {mother:?}"
            );
        }
    }
}
