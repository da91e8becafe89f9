//! Pairs of variants in one gene: whether they can hit both copies, by the family and by phase.

use ligate_formats::family_vcf::Call;

use super::State;
use crate::genome::{burden::Phase, family::Family};

/// The compound models that a pair follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompoundModels {
    pub compound: bool,
    /// A parent passed neither of them on.
    pub compound_new: bool,
    /// Nothing excludes the pair, but a call of a parent is missing, without which it is neither of
    /// the two.
    pub undecided: bool,
}

impl CompoundModels {
    /// Whether the family leaves the pair possible.
    pub fn is_possible(self) -> bool {
        self.compound || self.compound_new || self.undecided
    }
}

/// Whether a variant can be part of a pair: every affected member is heterozygous, nobody is
/// homozygous, and not both of two healthy parents of an affected member carry it.
fn is_candidate(family: &Family, states: &[State]) -> bool {
    let members = family.members();
    members.iter().zip(states).all(|(member, state)| {
        if state.is_full() {
            return false;
        }
        if member.affected != Some(true) {
            return true;
        }
        let healthy_carriers =
            [member.father, member.mother]
                .into_iter()
                .flatten()
                .filter(|parent| {
                    members[parent.0].affected == Some(false) && states[parent.0].carries()
                });
        *state == State::Heterozygous && healthy_carriers.count() < 2
    })
}

/// The compound models of two variants; `states` are the members' in order. GENMOD's rules: nobody
/// healthy has both, and with both parents called each has one of them, or the pair is new.
pub fn compound(family: &Family, first: &[State], second: &[State]) -> CompoundModels {
    let none = CompoundModels::default();
    if !is_candidate(family, first) || !is_candidate(family, second) {
        return none;
    }
    let members = family.members();
    let healthy_with_both = members.iter().enumerate().any(|(at, member)| {
        member.affected == Some(false) && first[at].carries() && second[at].carries()
    });
    if healthy_with_both {
        return none;
    }
    let mut found = none;
    let mut parents_known = false;
    for member in members
        .iter()
        .filter(|member| member.father.is_some() || member.mother.is_some())
    {
        parents_known = true;
        let (Some(father), Some(mother)) = (member.father, member.mother) else {
            found = CompoundModels {
                compound: true,
                compound_new: true,
                ..found
            };
            continue;
        };
        let states = [
            first[father.0],
            second[father.0],
            first[mother.0],
            second[mother.0],
        ];
        if states.contains(&State::Uncalled) {
            found.undecided = true;
            continue;
        }
        let both = (states[0].carries() || states[1].carries())
            && (states[2].carries() || states[3].carries());
        found.compound |= both;
        found.compound_new |= !both;
    }
    if parents_known {
        found
    } else {
        CompoundModels {
            compound: true,
            ..none
        }
    }
}

/// Phase in the patient by which parent carries which variant; a variant that both or neither carry
/// says nothing.
pub fn phase_by_parents(family: &Family, first: &[State], second: &[State]) -> Phase {
    let (Some(father), Some(mother)) = family.parents() else {
        return Phase::Unknown;
    };
    let origin = |states: &[State]| match (states[father.0], states[mother.0]) {
        (State::Uncalled, _) | (_, State::Uncalled) => None,
        (from, other) if from.carries() && !other.carries() => Some(true),
        (from, other) if !from.carries() && other.carries() => Some(false),
        _ => None,
    };
    match (origin(first), origin(second)) {
        (Some(a), Some(b)) if a == b => Phase::Cis,
        (Some(_), Some(_)) => Phase::Trans,
        _ => Phase::Unknown,
    }
}

/// Phase in the patient by reads: phased genotypes of one phase set (PS), or GATK's physical
/// phasing (PGT, PID). `alternates` are the allele numbers of the two variants.
pub fn phase_by_reads(first: &Call, second: &Call, alternates: (u16, u16)) -> Phase {
    let (Some(a), Some(b)) = (&first.phase_set, &second.phase_set) else {
        return Phase::Unknown;
    };
    if a != b {
        return Phase::Unknown;
    }
    match (side(first, alternates.0), side(second, alternates.1)) {
        (Some(a), Some(b)) if a == b => Phase::Cis,
        (Some(_), Some(_)) => Phase::Trans,
        _ => Phase::Unknown,
    }
}

/// On which side of the separator a heterozygous call has the allele.
fn side(call: &Call, alternate: u16) -> Option<usize> {
    let of = |alleles: &[Option<u16>]| match alleles {
        [Some(a), Some(b)] if a != b => {
            alleles.iter().position(|allele| *allele == Some(alternate))
        }
        _ => None,
    };
    if call.phased {
        of(&call.alleles)
    } else {
        call.physical.as_ref().and_then(|alleles| of(alleles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(alleles: [u16; 2], phased: bool, set: &str) -> Call {
        let alleles = alleles.map(Some).to_vec();
        Call {
            alleles,
            phased,
            phase_set: Some(set.into()),
            ..Call::default()
        }
    }

    #[test]
    fn reads_show_phase_within_a_set_only() {
        let first = call([0, 1], true, "100");
        assert_eq!(
            phase_by_reads(&first, &call([0, 1], true, "100"), (1, 1)),
            Phase::Cis
        );
        assert_eq!(
            phase_by_reads(&first, &call([1, 0], true, "100"), (1, 1)),
            Phase::Trans
        );
        assert_eq!(
            phase_by_reads(&first, &call([2, 0], true, "100"), (1, 2)),
            Phase::Trans
        );
        assert_eq!(
            phase_by_reads(&first, &call([1, 0], true, "900"), (1, 1)),
            Phase::Unknown
        );
        assert_eq!(
            phase_by_reads(&first, &call([1, 0], false, "100"), (1, 1)),
            Phase::Unknown
        );
        let physical = Call {
            physical: Some([Some(1), Some(0)]),
            ..call([0, 1], false, "100")
        };
        assert_eq!(phase_by_reads(&first, &physical, (1, 1)), Phase::Trans);
    }
}
