//! Who is who in a family's VCF: the patient's column, parents, sexes and who is affected, and
//! whether the genotypes agree with what the pedigree says.
//!
//! A pedigree that the genotypes contradict is a warning, never silently followed: with a wrong
//! parent every inherited variant looks new.

mod consistency;

use ligate_model::{IndividualId, Sex};
use ligate_records::pedigree::{self, Pedigree};

pub use consistency::{Consistency, FamilyWarning};

/// A member's place in a [`Family`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberIndex(pub usize);

/// A genotyped member of the family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyMember {
    /// Sample column of the VCF, from 0.
    pub column: usize,
    pub father: Option<MemberIndex>,
    pub mother: Option<MemberIndex>,
    pub sex: Option<Sex>,
    /// `None` where nobody says.
    pub affected: Option<bool>,
}

/// Whether the genotypes agree that the patient's stated parents are the parents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parentage {
    /// Too few sites to say, or a parent is not genotyped.
    #[default]
    Unchecked,
    /// Enough sites follow Mendel's rules, with each parent alone and with both.
    Consistent,
    Contradicted,
}

/// The genotyped part of one family. The patient is a member and affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    members: Vec<FamilyMember>,
    patient: MemberIndex,
    parentage: Parentage,
}

/// Why no family can be made. No message names a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FamilyError {
    #[error(
        "the VCF has no sample of the patient's id (it has {samples}); give the patient's column with --sample, or \
         rename it (bcftools reheader)"
    )]
    NoPatient { samples: usize },
    #[error("the VCF has no samples, only sites; give a file with the patient's genotypes")]
    NoSamples,
    #[error("the pedigree does not name the patient; correct the PED file's second column")]
    NotInPedigree,
}

impl Family {
    /// The patient alone. `name` is their sample; a file of one sample is theirs whatever its name,
    /// if `name` is none.
    ///
    /// # Errors
    /// If the file lacks the patient's sample.
    pub fn single(
        samples: &[IndividualId],
        name: Option<&str>,
        sex: Option<Sex>,
    ) -> Result<Self, FamilyError> {
        let column = patient_column(samples, name)?;
        let member = FamilyMember {
            column,
            father: None,
            mother: None,
            sex,
            affected: Some(true),
        };
        Ok(Self {
            members: vec![member],
            patient: MemberIndex(0),
            parentage: Parentage::default(),
        })
    }

    /// The patient's family by a pedigree; members without a sample are left out, as are those of
    /// other families.
    ///
    /// # Errors
    /// If the file or the pedigree lacks the patient.
    pub fn of_pedigree(
        samples: &[IndividualId],
        name: Option<&str>,
        sex: Option<Sex>,
        pedigree: &Pedigree,
    ) -> Result<Self, FamilyError> {
        let column = patient_column(samples, name)?;
        let patient = pedigree
            .get(&samples[column])
            .ok_or(FamilyError::NotInPedigree)?;
        let in_family = pedigree
            .members()
            .iter()
            .filter(|member| member.family == patient.family);
        let genotyped: Vec<(&pedigree::Member, usize)> = in_family
            .filter_map(|member| {
                Some((
                    member,
                    samples
                        .iter()
                        .position(|sample| *sample == member.individual)?,
                ))
            })
            .collect();
        let find = |id: &Option<IndividualId>| {
            let id = id.as_ref()?;
            genotyped
                .iter()
                .position(|(member, _)| member.individual == *id)
                .map(MemberIndex)
        };
        let members = genotyped.iter().map(|(member, at)| FamilyMember {
            column: *at,
            father: find(&member.father),
            mother: find(&member.mother),
            sex: known(member.sex).or(sex.filter(|_| *at == column)),
            affected: if *at == column {
                Some(true)
            } else {
                member.affected
            },
        });
        let members: Vec<FamilyMember> = members.collect();
        let patient = members
            .iter()
            .position(|member| member.column == column)
            .unwrap_or_default();
        Ok(Self {
            members,
            patient: MemberIndex(patient),
            parentage: Parentage::default(),
        })
    }

    pub fn members(&self) -> &[FamilyMember] {
        &self.members
    }

    pub fn member(&self, index: MemberIndex) -> &FamilyMember {
        &self.members[index.0]
    }

    pub fn patient(&self) -> MemberIndex {
        self.patient
    }

    /// The patient's father and mother, where they are genotyped.
    pub fn parents(&self) -> (Option<MemberIndex>, Option<MemberIndex>) {
        let patient = self.member(self.patient);
        (patient.father, patient.mother)
    }

    /// Whether the genotypes agree with the patient's parents; unchecked until a file was read to
    /// its end.
    pub fn parentage(&self) -> Parentage {
        self.parentage
    }

    #[cfg(test)]
    pub(super) fn with_parentage(mut self, parentage: Parentage) -> Self {
        self.parentage = parentage;
        self
    }

    fn set_parentage(&mut self, parentage: Parentage) {
        self.parentage = parentage;
    }

    pub(super) fn set_sex(&mut self, index: MemberIndex, sex: Sex) {
        self.members[index.0].sex = Some(sex);
    }

    /// For tests and callers that know the columns.
    pub fn from_members(members: Vec<FamilyMember>, patient: MemberIndex) -> Option<Self> {
        let inside = |index: Option<MemberIndex>| index.is_none_or(|index| index.0 < members.len());
        let valid = patient.0 < members.len()
            && members.iter().all(|m| inside(m.father) && inside(m.mother));
        valid.then_some(Self {
            members,
            patient,
            parentage: Parentage::default(),
        })
    }
}

fn patient_column(samples: &[IndividualId], name: Option<&str>) -> Result<usize, FamilyError> {
    let column = match (samples, name) {
        ([], _) => return Err(FamilyError::NoSamples),
        ([_], None) => Some(0),
        (_, Some(name)) => samples.iter().position(|sample| sample.as_str() == name),
        (_, None) => None,
    };
    column.ok_or(FamilyError::NoPatient {
        samples: samples.len(),
    })
}

fn known(sex: pedigree::Sex) -> Option<Sex> {
    match sex {
        pedigree::Sex::Male => Some(Sex::Male),
        pedigree::Sex::Female => Some(Sex::Female),
        pedigree::Sex::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(names: &[&str]) -> Vec<IndividualId> {
        names
            .iter()
            .map(|name| IndividualId::new(*name).unwrap())
            .collect()
    }

    #[test]
    fn the_patient_is_found_or_missed_by_name() {
        let two = samples(&["a", "b"]);
        assert_eq!(
            Family::single(&two, Some("b"), None)
                .unwrap()
                .member(MemberIndex(0))
                .column,
            1
        );
        for (samples_count, name) in [
            (&two[..], None),
            (&two[..], Some("c")),
            (&two[..1], Some("c")),
        ] {
            let error = Family::single(samples_count, name, None).unwrap_err();
            assert_eq!(
                error,
                FamilyError::NoPatient {
                    samples: samples_count.len()
                }
            );
            assert!(!error.to_string().contains("\"a\""));
        }
        assert!(Family::single(&two[..1], None, None).is_ok());
        assert_eq!(Family::single(&[], None, None), Err(FamilyError::NoSamples));
    }
}
