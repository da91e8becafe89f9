//! The exome figure: the variants of solved cases put, one case at a time, into the exome of
//! somebody else, so that the ranking must find them among a real person's variants.
//!
//! A spiked variant has no ID and no INFO, and the quality, filter and sample fields of a random
//! record of the same zygosity; the background's ID and INFO are never read, because they tell
//! which of its variants are known. The background is read and counted once; a case changes only
//! the genes that it hits.

mod donors;

use std::collections::HashMap;

use ligate_formats::chain::Chain;
use ligate_model::{Allele, Contig, Position, ReportedVariant, Sex, VariantKey, Zygosity};

use super::{
    burden::{Burden, Carriage, Carried, Phase},
    effect::Effect,
    examine::{Examination, VariantFacts, call_quality, known_effects, lifted_variant},
    gene_model::{GeneModel, ModelGene},
    inheritance::State,
    rank::{Catalogue, DiseaseEvidence, Evidence, GeneticDisease},
};

pub use donors::{Donor, Donors};

/// Somebody else's exome, counted.
pub struct Background<'a> {
    model: &'a GeneModel,
    burden: Burden,
    by_gene: HashMap<ModelGene, Vec<Carried>>,
    donors: Donors,
    /// Diseases of each gene, by place in the list.
    diseases_of: HashMap<ModelGene, Vec<usize>>,
    diseases: &'a [GeneticDisease],
    base: Vec<DiseaseEvidence>,
}

/// A case's variants as the exome's file would have them.
pub struct Spiked {
    carried: Vec<(ModelGene, Carried)>,
}

impl Spiked {
    /// What the case carries, by gene.
    pub fn carried(&self) -> &[(ModelGene, Carried)] {
        &self.carried
    }
}

/// Why a case cannot be spiked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotSpiked {
    /// It names no variant with place and alleles.
    NoVariant,
    /// A variant does not lift to the background's assembly, or not back.
    NotLifted,
    /// No variant lies in an exon or its splice region.
    NotExonic,
}

/// Both chains between GRCh37, the background's assembly, and GRCh38.
pub struct Chains<'a> {
    pub to_37: &'a Chain,
    pub to_38: &'a Chain,
}

impl<'a> Background<'a> {
    /// Counts an examined exome. `donors` are its records' fields.
    pub fn new(
        facts: &VariantFacts<'a>,
        examination: &Examination,
        donors: Donors,
        catalogue: &'a Catalogue,
    ) -> Self {
        let diseases = catalogue.diseases.as_slice();
        let carried = examination.carried_by_gene();
        let pairs = carried
            .iter()
            .flat_map(|(gene, all)| all.iter().map(|carried| (*gene, *carried)));
        let burden = Burden::of(facts.model, &catalogue.tolerances, pairs);
        let mut diseases_of: HashMap<ModelGene, Vec<usize>> = HashMap::new();
        for (at, disease) in diseases.iter().enumerate() {
            for gene in &disease.genes {
                diseases_of.entry(*gene).or_default().push(at);
            }
        }
        let mut background = Self {
            model: facts.model,
            burden,
            by_gene: carried,
            donors,
            diseases_of,
            diseases,
            base: Vec::new(),
        };
        let evidence = background.evidence();
        let base = diseases
            .iter()
            .map(|disease| evidence.disease(disease))
            .collect();
        background.base = base;
        background
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            model: self.model,
            burden: &self.burden,
            by_gene: &self.by_gene,
            trans: &|_, _| Phase::Unknown,
        }
    }

    pub fn burden(&self) -> &Burden {
        &self.burden
    }

    /// The evidence of every disease without any spiked variant.
    pub fn base(&self) -> &[DiseaseEvidence] {
        &self.base
    }

    /// Makes a case's variants those of the file: lifted to the background's assembly, with a
    /// donor's fields, and read back as any record. `id` chooses the donors; `sex` is the case's,
    /// else the background's.
    ///
    /// # Errors
    /// If the case has no variant, one does not lift, or none is exonic.
    pub fn spike(
        &self,
        facts: &VariantFacts<'_>,
        chains: &Chains<'_>,
        id: &str,
        sex: Option<Sex>,
        variants: &[ReportedVariant],
    ) -> Result<Spiked, NotSpiked> {
        let (mut carried, mut exonic) = (Vec::new(), false);
        if variants.is_empty() {
            return Err(NotSpiked::NoVariant);
        }
        for (at, reported) in variants.iter().enumerate() {
            let key = written(reported).ok_or(NotSpiked::NoVariant)?;
            let lifted = chains
                .to_37
                .lift_variant(&key)
                .lifted()
                .ok_or(NotSpiked::NotLifted)?;
            let variant =
                lifted_variant(&lifted.key, Some(chains.to_38)).ok_or(NotSpiked::NotLifted)?;
            let homozygous = matches!(
                reported.zygosity,
                Some(Zygosity::Homozygous | Zygosity::Hemizygous)
            );
            let donor = self
                .donors
                .choose(id, at, homozygous)
                .ok_or(NotSpiked::NoVariant)?;
            let state = State::of(
                &donor.call,
                donor.alternate,
                variant.place,
                sex.or(Some(Sex::Male)),
            );
            let effects = known_effects(facts, &variant);
            let rarity = facts.frequencies.rarity(&variant, None);
            let tier = rarity.tier(facts.frequencies.common_place(&variant));
            for effect in effects {
                exonic |= effect.effect != Effect::Noncoding || facts.model.is_in_exon(&variant);
                let point = Carried {
                    id: u32::MAX - at as u32,
                    effect: effect.effect,
                    tier,
                    carriage: carriage(state),
                    quality: call_quality(
                        donor.quality,
                        donor.passed,
                        &donor.call,
                        donor.alternate,
                        state,
                    ),
                    dominant: 1.0,
                    recessive: 1.0,
                };
                carried.push((effect.gene, point));
            }
        }
        if exonic {
            Ok(Spiked { carried })
        } else {
            Err(NotSpiked::NotExonic)
        }
    }

    /// The evidence of the diseases that a spiked case changes, by their place in the list.
    pub fn with(&self, spiked: &Spiked) -> Vec<(usize, DiseaseEvidence)> {
        let mut changed: HashMap<ModelGene, (Vec<Carried>, u32)> = HashMap::new();
        for (gene, point) in &spiked.carried {
            let (all, extra) = changed
                .entry(*gene)
                .or_insert_with(|| (self.by_gene.get(gene).cloned().unwrap_or_default(), 0));
            all.push(*point);
            *extra += u32::from(point.effect.grows_with_coding_bases());
        }
        let mut places: Vec<usize> = changed
            .keys()
            .flat_map(|gene| self.diseases_of.get(gene).into_iter().flatten().copied())
            .collect();
        places.sort_unstable();
        places.dedup();
        let evidence = self.evidence();
        let carried = |gene: ModelGene| match changed.get(&gene) {
            Some((all, extra)) => (all.as_slice(), *extra),
            None => (self.by_gene.get(&gene).map_or(&[][..], Vec::as_slice), 0),
        };
        places
            .into_iter()
            .map(|at| (at, evidence.disease_with(&self.diseases[at], &carried)))
            .collect()
    }
}

fn written(reported: &ReportedVariant) -> Option<VariantKey> {
    Some(VariantKey {
        contig: Contig::new(&reported.chromosome),
        position: Position::new(reported.position),
        reference: Allele::new(&reported.reference).ok()?,
        alternate: Allele::new(&reported.alternate).ok()?,
    })
}

fn carriage(state: State) -> Carriage {
    match state {
        State::Homozygous => Carriage::Homozygous,
        State::Hemizygous => Carriage::Hemizygous,
        _ => Carriage::Heterozygous,
    }
}
