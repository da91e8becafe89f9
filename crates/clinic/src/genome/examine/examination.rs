//! What a pass over a file found, and what follows from it for the evidence.

use std::collections::HashMap;

use ligate_formats::family_vcf::Call;
use ligate_model::VariantKey;

use super::Uninterpreted;
use crate::genome::{
    Chromosome, SmallVariant,
    burden::{Carriage, Carried, Phase},
    effect::{EffectSource, GeneEffect},
    family::{Family, FamilyWarning},
    frequency::{Rarity, Tier},
    gene_model::ModelGene,
    inheritance::{self, Models, Segregation, State},
};

/// The most that a family's genotypes count for a variant that looks new by calls without reads or
/// qualities.
const UNMEASURED_MAX: f64 = 10.0;

/// A variant that the patient carries in or near an exon.
#[derive(Clone, PartialEq)]
pub struct Candidate {
    pub variant: SmallVariant,
    /// The record's place and alleles in the file's own assembly.
    pub written: VariantKey,
    /// Line in the file, from 1.
    pub line: u64,
    pub effects: Vec<GeneEffect>,
    pub rarity: Rarity,
    pub tier: Tier,
    pub carriage: Carriage,
    /// Chance that the call is right.
    pub quality: f64,
    pub passed: bool,
    /// The members' states, in the family's order.
    pub states: Vec<State>,
    pub models: Models,
    /// Where both parents are called without it: the chance that one of those calls is wrong.
    pub parent_wrong: Option<f64>,
    /// Whether that chance rests on both parents' reads or qualities, and is not
    /// [`de_novo::UNMEASURED`].
    ///
    /// [`de_novo::UNMEASURED`]: crate::genome::de_novo::UNMEASURED
    pub parents_measured: bool,
    /// The patient's call and the number of this alternate allele, for phase.
    pub(super) call: Option<Box<(Call, u16)>>,
}

#[cfg(test)]
impl Candidate {
    /// A variant at the start of chromosome 1 with one effect.
    pub(in crate::genome) fn sample(effect: GeneEffect, states: Vec<State>) -> Self {
        use ligate_model::{Allele, Contig, Position};
        let written = VariantKey {
            contig: Contig::new("1"),
            position: Position::new(1),
            reference: Allele::new("A").expect("a base"),
            alternate: Allele::new("C").expect("a base"),
        };
        Self {
            variant: super::lifted_variant(&written, None).expect("a substitution"),
            written,
            line: 1,
            effects: vec![effect],
            rarity: Rarity::Unknown,
            tier: Tier::Unknown,
            carriage: carriage(states[0]),
            quality: 0.99,
            passed: true,
            states,
            models: Models::default(),
            parent_wrong: None,
            parents_measured: false,
            call: None,
        }
    }
}

/// Genotypes are personal data: nothing of them is shown.
impl std::fmt::Debug for Candidate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "Candidate({:?})",
            self.effects.first().map(|effect| effect.effect)
        )
    }
}

/// What a pass over a file found.
pub struct Examination {
    pub family: Family,
    pub candidates: Vec<Candidate>,
    pub uninterpreted: Uninterpreted,
    pub warnings: Vec<FamilyWarning>,
    /// Who said what most variants do.
    pub effects_by: EffectSource,
    /// Records that the patient carries an alternate allele in.
    pub carried: u64,
    /// The file has calls on these chromosomes at all.
    pub chromosomes: [bool; Chromosome::COUNT],
}

impl Examination {
    /// What the patient carries in each gene; ids are places in `candidates`.
    pub fn carried_by_gene(&self) -> HashMap<ModelGene, Vec<Carried>> {
        let new = self.new_by_chance();
        let mut by_gene: HashMap<ModelGene, Vec<Carried>> = HashMap::new();
        for (id, candidate) in self.candidates.iter().enumerate() {
            let family = self.family_evidence(candidate, new);
            for effect in &candidate.effects {
                by_gene.entry(effect.gene).or_default().push(Carried {
                    id: id as u32,
                    effect: effect.effect,
                    tier: candidate.tier,
                    carriage: candidate.carriage,
                    quality: candidate.quality,
                    dominant: family.dominant,
                    recessive: family.recessive,
                });
            }
        }
        by_gene
    }

    /// Share of the patient's variants that both parents are called without, of those that both
    /// have a call of.
    fn new_by_chance(&self) -> f64 {
        let (Some(father), Some(mother)) = self.family.parents() else {
            return 1.0;
        };
        let (mut new, mut called) = (0_u32, 0_u32);
        for Candidate { states, .. } in &self.candidates {
            called += u32::from(
                [father, mother]
                    .iter()
                    .all(|parent| states[parent.0] != State::Uncalled),
            );
            new += u32::from(inheritance::is_new(&self.family, states));
        }
        (f64::from(new) + 0.5) / (f64::from(called) + 1.0)
    }

    fn family_evidence(&self, candidate: &Candidate, new_by_chance: f64) -> Segregation {
        let all = inheritance::segregation(
            &self.family,
            candidate.variant.place,
            &candidate.states,
            new_by_chance,
        );
        // Where a parent's call may be wrong, the variant may be inherited after all: as if nobody
        // had looked.
        let Some(wrong) = candidate.parent_wrong else {
            return all;
        };
        // Calls that nothing measures raise a variant a little, however few others look new.
        let most = if candidate.parents_measured {
            f64::INFINITY
        } else {
            UNMEASURED_MAX
        };
        let mix = |value: f64| value.min(most) * (1.0 - wrong) + value.min(1.0) * wrong;
        Segregation {
            dominant: mix(all.dominant),
            recessive: mix(all.recessive),
            ..all
        }
    }

    /// Phase of two of the patient's variants: by reads, else by the parents.
    pub fn phase(&self, first: u32, second: u32) -> Phase {
        let find = |id: u32| self.candidates.get(id as usize);
        let (Some(first), Some(second)) = (find(first), find(second)) else {
            return Phase::Unknown;
        };
        let reads = match (&first.call, &second.call) {
            (Some(a), Some(b)) => inheritance::phase_by_reads(&a.0, &b.0, (a.1, b.1)),
            _ => Phase::Unknown,
        };
        if reads != Phase::Unknown {
            return reads;
        }
        inheritance::phase_by_parents(&self.family, &first.states, &second.states)
    }

    /// A male's variants of X are one copy, which was not known while they were read.
    pub(super) fn restate(&mut self) {
        let patient = self.family.patient();
        for candidate in &mut self.candidates {
            let place = candidate.variant.place;
            for (state, member) in candidate.states.iter_mut().zip(self.family.members()) {
                let male = member.sex == Some(ligate_model::Sex::Male);
                if male && place.is_sex_linked() && *state == State::Homozygous {
                    *state = State::Hemizygous;
                }
            }
            candidate.carriage = carriage(candidate.states[patient.0]);
            candidate.models = inheritance::models(&self.family, place, &candidate.states);
        }
    }
}

pub(super) fn carriage(state: State) -> Carriage {
    match state {
        State::Homozygous => Carriage::Homozygous,
        State::Hemizygous => Carriage::Hemizygous,
        _ => Carriage::Heterozygous,
    }
}

#[cfg(test)]
mod tests {
    use crate::genome::{
        de_novo::UNMEASURED,
        examine::sample::{examine, record, trio},
        gene_model::{ModelGene, sample::model},
    };

    /// The dominant ratio of a variant that looks new among many inherited ones, and what is said
    /// of the parents.
    fn new(measured: bool) -> (f64, Option<f64>, bool) {
        let model = model(&[1000; 200]);
        let mut records: Vec<String> = (0..199)
            .map(|gene| {
                record(
                    1_000_000 * (gene + 1) + 500,
                    ("A", "C"),
                    &["0/1", "0/1", "0/0"],
                    measured,
                )
            })
            .collect();
        records.push(record(
            200_000_500,
            ("A", "C"),
            &["0/1", "0/0", "0/0"],
            measured,
        ));
        let found = examine(&model, None, trio(), &records);
        let ratio = found.carried_by_gene()[&ModelGene(199)][0].dominant;
        let candidate = found.candidates.last().unwrap();
        (ratio, candidate.parent_wrong, candidate.parents_measured)
    }

    #[test]
    fn without_reads_a_new_variant_counts_little() {
        let (ratio, wrong, measured) = new(true);
        // One of 200 looks new: 0.8 over 1.5 of 201.
        assert!(
            measured && wrong.unwrap() < 0.01 && (ratio / (0.8 * 201.0 / 1.5) - 1.0).abs() < 0.02,
            "{ratio}"
        );
        let (ratio, wrong, measured) = new(false);
        assert_eq!((wrong, measured), (Some(UNMEASURED), false));
        assert!((ratio - 5.5).abs() < 1e-9, "{ratio}");
    }
}
