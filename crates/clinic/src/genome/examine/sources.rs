//! What a variant does and how frequent it is, by the sources at hand.

use ligate_formats::{chain::Chain, consequence::Annotated};
use ligate_model::VariantKey;

use super::VariantFacts;
use crate::genome::{
    Chromosome, Place, SmallVariant,
    effect::{Effect, EffectSource, GeneEffect},
};

/// A record's allele in GRCh38; `None` where it does not lift or does not spell bases.
pub fn lifted_variant(written: &VariantKey, chain: Option<&Chain>) -> Option<SmallVariant> {
    let lifted;
    let key = match chain {
        None => written,
        Some(chain) => {
            lifted = chain.lift_variant(written).lifted()?;
            &lifted.key
        }
    };
    let place = Place {
        chromosome: Chromosome::from_contig(&key.contig)?,
        position: key.position.get(),
    };
    SmallVariant::new(place, key.reference.as_str(), key.alternate.as_str())
}

/// What sites files and structures show: the place by structures, a listed allele's effect by its
/// list.
pub fn known_effects(facts: &VariantFacts<'_>, variant: &SmallVariant) -> Vec<GeneEffect> {
    let mut effects: Vec<GeneEffect> = facts
        .model
        .hits(variant)
        .into_iter()
        .map(|hit| GeneEffect {
            gene: hit.gene,
            effect: hit.region.into(),
            source: EffectSource::Structures,
            canonical: hit.canonical,
            loftee: None,
            description: None,
        })
        .collect();
    let listed = facts.frequencies.sites.and_then(|sites| {
        let site = sites.get(variant)?;
        Some((
            facts.names.find(sites.symbol(site), None)?,
            Effect::of_term(site.term?)?,
            site.loftee,
        ))
    });
    if let Some((gene, effect, loftee)) = listed {
        let new = GeneEffect {
            gene,
            effect,
            source: EffectSource::Sites,
            canonical: true,
            loftee,
            description: None,
        };
        match effects.iter_mut().find(|known| known.gene == gene) {
            Some(known) => *known = new,
            None => effects.push(new),
        }
    }
    effects.sort_by_key(|effect| (effect.effect, effect.gene));
    effects
}

/// The largest frequency of the allele that the record's fields give. Where a record has several
/// `alternates`, a value that names none of them may be another's, and does not count.
pub(super) fn file_frequency(
    annotated: &Annotated<'_>,
    number: u16,
    alternates: usize,
) -> Option<f64> {
    let of_this = |alternate: Option<u16>| alternate.map_or(alternates == 1, |at| at == number);
    let record = annotated
        .frequencies
        .iter()
        .filter(|field| of_this(field.alternate));
    let record = record.map(|field| field.frequency.frequency);
    let consequences = annotated
        .consequences
        .iter()
        .filter(|consequence| of_this(consequence.alternate));
    let fields = consequences
        .flat_map(|consequence| &consequence.frequencies)
        .map(|field| field.frequency);
    record.chain(fields).map(f64::from).reduce(f64::max)
}
