//! One pass over a family's VCF: which small variants the patient carries in or near exons, with
//! quality, frequency, effect and family, and what was seen but not interpreted.
//!
//! Records come one by one and most are left after their position, so that a genome passes in
//! bounded memory. The ID column is never read. INFO is read for annotation and frequencies only if
//! `Options::read_info` says so, and ClinVar fields never: what others concluded about the variant
//! is no evidence here.

mod examination;
mod quality;
#[cfg(test)]
pub(super) mod sample;
mod sources;
mod uninterpreted;

use std::ops::ControlFlow;

use ligate_formats::{
    chain::Chain,
    consequence::{self, Annotations},
    family_vcf::{Call, Record},
};
use ligate_model::{Allele, Assembly, Contig, Position, VariantKey};

use super::{
    Chromosome, Place, SmallVariant, de_novo,
    effect::{self, EffectSource, GeneEffect},
    family::{Consistency, Family, FamilyWarning},
    frequency::{Frequencies, Rarity},
    gene_model::{GeneModel, GeneNames},
    inheritance::{self, State},
};

use examination::carriage;
pub use examination::{Candidate, Examination};
pub use quality::call_quality;
use sources::file_frequency;
pub use sources::{known_effects, lifted_variant};
pub use uninterpreted::Uninterpreted;

/// What variants are held against.
pub struct VariantFacts<'a> {
    pub model: &'a GeneModel,
    pub names: &'a GeneNames,
    pub frequencies: Frequencies<'a>,
    /// From the file's assembly to GRCh38; none for a file of GRCh38.
    pub lift: Option<&'a Chain>,
}

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ExamineOptions {
    /// Whether INFO's annotation and frequencies are read.
    pub read_info: bool,
}

impl Default for ExamineOptions {
    fn default() -> Self {
        Self { read_info: true }
    }
}

/// Why a file cannot be examined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExamineError {
    #[error(
        "the VCF's header does not say which assembly it is (or contradicts itself); give --assembly GRCh37 or GRCh38"
    )]
    UnknownAssembly,
    #[error("the VCF is of {0}; GRCh37 and GRCh38 are read")]
    OtherAssembly(Assembly),
    #[error(
        "the VCF is of GRCh37 and gene structures are GRCh38; give a chain file (hg19ToHg38.over.chain.gz)"
    )]
    NoChain,
}

/// Reads the records of one file.
pub struct Examiner<'a> {
    facts: VariantFacts<'a>,
    annotations: Annotations,
    options: ExamineOptions,
    found: Examination,
    consistency: Consistency,
    /// The contig of the last record.
    contig: (String, Option<Chromosome>, Contig),
}

impl<'a> Examiner<'a> {
    /// Prepares to read a file of an assembly, as its header or the caller says.
    ///
    /// # Errors
    /// If the assembly is unknown or another, or a chain is missing.
    pub fn new(
        facts: VariantFacts<'a>,
        family: Family,
        assembly: Option<Assembly>,
        info_lines: &[String],
        options: ExamineOptions,
    ) -> Result<Self, ExamineError> {
        match assembly {
            Some(Assembly::Grch38) => {}
            Some(Assembly::Grch37) if facts.lift.is_some() => {}
            Some(Assembly::Grch37) => return Err(ExamineError::NoChain),
            None | Some(Assembly::Unknown) => return Err(ExamineError::UnknownAssembly),
            Some(other) => return Err(ExamineError::OtherAssembly(other)),
        }
        let lines = if options.read_info { info_lines } else { &[] };
        let annotations = Annotations::from_header(lines.iter().map(String::as_str));
        let effects_by = if annotations.annotators().is_empty() {
            if facts.frequencies.sites.is_some() {
                EffectSource::Sites
            } else {
                EffectSource::Structures
            }
        } else {
            EffectSource::Annotation
        };
        let found = Examination {
            candidates: Vec::new(),
            uninterpreted: Uninterpreted::default(),
            warnings: Vec::new(),
            effects_by,
            carried: 0,
            chromosomes: [false; Chromosome::COUNT],
            family,
        };
        let consistency = Consistency::new(&found.family);
        let contig = (String::new(), None, Contig::new(""));
        Ok(Self {
            facts,
            annotations,
            options,
            found,
            consistency,
            contig,
        })
    }

    /// Takes one record in.
    pub fn record(&mut self, record: &Record<'_>) -> ControlFlow<()> {
        let family = &self.found.family;
        let patient = family.member(family.patient()).column;
        let carried = carries_something(record.genotype_text(patient));
        if !carried && family.members().len() == 1 {
            return ControlFlow::Continue(());
        }
        self.enter(record.chromosome());
        let Some(chromosome) = self.contig.1 else {
            self.found.uninterpreted.other_contigs += u64::from(carried);
            return ControlFlow::Continue(());
        };
        self.found.chromosomes[chromosome.index()] = true;
        self.found.carried += u64::from(carried);
        let place = Place {
            chromosome,
            position: record.position(),
        };
        if let Some(place) = self.lifted_place(place) {
            self.alleles(record, place, carried);
        } else {
            self.found.uninterpreted.not_lifted += u64::from(carried);
        }
        ControlFlow::Continue(())
    }

    fn enter(&mut self, name: &str) {
        if self.contig.0 != name {
            name.clone_into(&mut self.contig.0);
            self.contig.1 = Chromosome::parse(name);
            self.contig.2 = Contig::new(name);
        }
    }

    /// The record's first base in GRCh38.
    fn lifted_place(&self, place: Place) -> Option<Place> {
        let Some(chain) = self.facts.lift else {
            return Some(place);
        };
        let lifted = chain
            .lift(&self.contig.2, Position::new(place.position))
            .lifted()?;
        let chromosome = Chromosome::from_contig(&lifted.contig)?;
        Some(Place {
            chromosome,
            position: lifted.position.get(),
        })
    }

    fn alleles(&mut self, record: &Record<'_>, place: Place, carried: bool) {
        let family = self.found.family.members().len() > 1;
        let length = record.reference().len() as u32;
        let near = self.facts.model.touches_exon(
            place.chromosome,
            place.position.saturating_sub(length),
            place.position + length,
        );
        if !near && !family && !record.alternates().any(uninterpreted::is_symbolic) {
            return;
        }
        let calls: Vec<Call> = self
            .found
            .family
            .members()
            .iter()
            .map(|member| record.call(member.column))
            .collect();
        for (at, allele) in record.alternates().enumerate() {
            let Ok(number) = u16::try_from(at + 1) else {
                break;
            };
            let states = self.states(&calls, number, place);
            let own = states[self.found.family.patient().0];
            if self.found.uninterpreted.count(allele, own.carries()) {
                continue;
            }
            if at == 0 && record.passed() && is_well_called(&calls) {
                self.consistency.record(&self.found.family, place, &states);
            }
            if near && carried && own.carries() {
                self.candidate(record, allele, number, states, &calls);
            }
        }
    }

    fn states(&self, calls: &[Call], number: u16, place: Place) -> Vec<State> {
        let members = self.found.family.members();
        calls
            .iter()
            .zip(members)
            .map(|(call, member)| State::of(call, number, place, member.sex))
            .collect()
    }

    fn candidate(
        &mut self,
        record: &Record<'_>,
        allele: &str,
        number: u16,
        states: Vec<State>,
        calls: &[Call],
    ) {
        let Some(written) = self.written(record, allele) else {
            self.found.uninterpreted.unusable += 1;
            return;
        };
        let Some(variant) = lifted_variant(&written, self.facts.lift) else {
            self.found.uninterpreted.not_lifted += 1;
            return;
        };
        let (effects, in_file) = self.effects(record, &variant, number);
        if effects.is_empty() {
            return;
        }
        let rarity = self.facts.frequencies.rarity(&variant, in_file);
        let tier = rarity.tier(self.facts.frequencies.common_place(&variant));
        let family = &self.found.family;
        let patient = family.patient().0;
        let models = inheritance::models(family, variant.place, &states);
        let wrong = parent_wrong(family, &states, calls, number, rarity);
        let candidate = Candidate {
            carriage: carriage(states[patient]),
            quality: call_quality(
                record.quality(),
                record.passed(),
                &calls[patient],
                number,
                states[patient],
            ),
            passed: record.passed(),
            parent_wrong: wrong.map(|wrong| wrong.unwrap_or(de_novo::UNMEASURED)),
            parents_measured: wrong.is_some_and(|wrong| wrong.is_some()),
            call: calls[patient]
                .phase_set
                .is_some()
                .then(|| Box::new((calls[patient].clone(), number))),
            line: record.line(),
            variant,
            written,
            effects,
            rarity,
            tier,
            states,
            models,
        };
        self.found.candidates.push(candidate);
    }

    fn written(&self, record: &Record<'_>, allele: &str) -> Option<VariantKey> {
        Some(VariantKey {
            contig: self.contig.2.clone(),
            position: Position::new(record.position()),
            reference: Allele::new(record.reference()).ok()?,
            alternate: Allele::new(allele).ok()?,
        })
    }

    /// Effects by the best source that speaks, and the largest frequency that the record gives.
    fn effects(
        &self,
        record: &Record<'_>,
        variant: &SmallVariant,
        number: u16,
    ) -> (Vec<GeneEffect>, Option<f64>) {
        let mut in_file = None;
        if self.options.read_info {
            let alternates: Vec<&str> = record.alternates().collect();
            let annotated = self.annotations.read(&consequence::Record {
                position: Position::new(record.position()),
                reference: record.reference(),
                alternates: &alternates,
                info: record.info(),
            });
            in_file = file_frequency(&annotated, number, alternates.len());
            let names = self.facts.names;
            let find = |symbol: Option<&str>, id: Option<&str>| names.find(symbol, id);
            let effects = effect::annotated(&annotated.consequences, number, &find);
            if !effects.is_empty() {
                return (effects, in_file);
            }
        }
        (known_effects(&self.facts, variant), in_file)
    }

    /// Ends the pass: holds the genotypes against the pedigree.
    pub fn finish(mut self) -> Examination {
        self.found.warnings = self.consistency.finish(&mut self.found.family);
        let warnings = &self.found.warnings;
        if warnings
            .iter()
            .any(|warning| matches!(warning, FamilyWarning::SexInferred { .. }))
        {
            self.found.restate();
        }
        self.found
    }
}

/// Whether a genotype column names an alternate allele, without reading more of it.
fn carries_something(genotype: &str) -> bool {
    genotype.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// Phred quality from which a call is held against Mendel's rules.
const WELL_CALLED: f32 = 20.0;

fn is_well_called(calls: &[Call]) -> bool {
    calls
        .iter()
        .all(|call| call.is_called() && call.quality.is_none_or(|quality| quality >= WELL_CALLED))
}

/// For a variant that both parents are called without: the chance that one of these calls is wrong,
/// where it is measured.
fn parent_wrong(
    family: &Family,
    states: &[State],
    calls: &[Call],
    number: u16,
    rarity: Rarity,
) -> Option<Option<f64>> {
    let (Some(father), Some(mother)) = family.parents() else {
        return None;
    };
    if !inheritance::is_new(family, states) {
        return None;
    }
    let frequency = match rarity {
        Rarity::Measured { frequency, .. }
        | Rarity::AtLeast { frequency, .. }
        | Rarity::Below { frequency, .. } => Some(frequency),
        Rarity::Unknown => None,
    };
    Some(de_novo::parent_wrong(
        &calls[father.0],
        &calls[mother.0],
        number,
        frequency,
    ))
}
