//! Variants that may cause a disease that nobody has described: strong ones in genes of no known
//! disease.
//!
//! Every genome has losses of function in such genes, so that little is shown: what is new in the
//! child, or what selection removes. A new variant must be new in the child of two parents who are
//! surely without it. Without parents it must be a loss of function, surely called and unseen by a
//! source that covers its place: of one copy in a gene that tolerates no such loss, of both in a
//! gene that is not known to tolerate it.

use std::collections::HashSet;

use ligate_formats::consequence::Loftee;
use ligate_knowledge::{Constraint, Knowledge};

use super::{BestExplanation, Catalogue, Evidence, GeneticDisease, KnownModes};
use crate::genome::{
    burden::Carriage,
    effect::Effect,
    examine::{Candidate, Examination},
    frequency::Tier,
    gene_model::ModelGene,
};

/// A likelihood ratio that is strong by itself: a class of variants that chance brings to one gene
/// in a hundred.
pub(super) const STRONG: f64 = 100.0;
/// Genes that are shown.
const SHOWN: usize = 5;
/// Losing one copy is not tolerated (gnomAD: LOEUF below 0.35).
const INTOLERANT: f32 = 0.35;
/// Losing both copies is tolerated, as far as the population shows, from here on.
const TOLERANT: f32 = 1.0;
/// Chance that the patient's call is right from which a loss is believed.
const SURE_CALL: f64 = 0.9;
/// Variants of a gene so near to each other are one event, however the caller writes it.
const ONE_EVENT: u32 = 10;

/// A strong variant in a gene that no disease is known of.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownGene {
    pub gene: ModelGene,
    pub best: BestExplanation,
    /// Whether a variant of it is new in the child of parents who are surely without it.
    pub is_new: bool,
    pub constraint: Option<Constraint>,
}

/// The genes without a known disease that are worth a look, best first.
pub(super) fn unknown_genes(
    knowledge: &Knowledge,
    catalogue: &Catalogue,
    evidence: &Evidence<'_>,
    examination: &Examination,
) -> Vec<UnknownGene> {
    let known: HashSet<ModelGene> = catalogue
        .diseases
        .iter()
        .flat_map(|disease| disease.genes.iter().copied())
        .collect();
    let anything = GeneticDisease {
        modes: KnownModes::default(),
        ..GeneticDisease::default()
    };
    let mut found: Vec<UnknownGene> = Vec::new();
    for (gene, carried) in evidence
        .by_gene
        .iter()
        .filter(|(gene, _)| !known.contains(gene))
    {
        if evidence
            .model
            .gene(*gene)
            .is_none_or(|structure| is_olfactory(&structure.symbol))
        {
            continue;
        }
        let (_, best) = evidence.gene(&anything, *gene, carried, 0);
        let Some(best) = best.filter(|best| best.ratio >= STRONG) else {
            continue;
        };
        let constraint = catalogue.genes.get(gene.0 as usize).copied().flatten();
        let constraint = constraint.and_then(|index| knowledge.gene(index).constraint);
        let all = || {
            carried
                .iter()
                .filter_map(|one| examination.candidates.get(one.id as usize))
        };
        let gene = Gene {
            gene: *gene,
            variants: all().collect(),
            constraint,
        };
        let is_new = gene.is_new(&best, examination);
        if is_new || gene.is_lost(&best, examination) {
            found.push(UnknownGene {
                gene: gene.gene,
                best,
                is_new,
                constraint,
            });
        }
    }
    found.sort_by(|a, b| {
        b.best
            .ratio
            .total_cmp(&a.best.ratio)
            .then(a.gene.cmp(&b.gene))
    });
    found.truncate(SHOWN);
    found
}

/// Receptors of smell vary without harm, and are called badly: OR, a number and letters.
fn is_olfactory(symbol: &str) -> bool {
    symbol
        .strip_prefix("OR")
        .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// A gene with everything that the patient carries in it.
struct Gene<'a> {
    gene: ModelGene,
    variants: Vec<&'a Candidate>,
    constraint: Option<Constraint>,
}

impl Gene<'_> {
    fn loeuf_below(&self, limit: f32) -> bool {
        self.constraint
            .is_some_and(|constraint| constraint.loeuf < limit)
    }

    /// Whether one of the variants is new: a loss of function where that is not known to be
    /// tolerated, or another change of the protein in an intolerant gene.
    fn is_new(&self, best: &BestExplanation, examination: &Examination) -> bool {
        of(best, examination).any(|candidate| {
            let sure = candidate.parent_wrong.is_some_and(|wrong| wrong < 0.5);
            let rare = !matches!(candidate.tier, Tier::Low | Tier::Common);
            let changes = candidate
                .effects
                .iter()
                .any(|effect| effect.gene == self.gene && effect.effect <= Effect::InframeIndel);
            let tolerant = self
                .constraint
                .is_some_and(|constraint| constraint.loeuf >= TOLERANT);
            let lost = self.loses(candidate) && !tolerant;
            sure && rare && (lost || (changes && self.loeuf_below(INTOLERANT)))
        })
    }

    /// Whether the variants are losses of function that selection removes, of one copy or of both.
    fn is_lost(&self, best: &BestExplanation, examination: &Examination) -> bool {
        let variants: Vec<&Candidate> = of(best, examination).collect();
        let believed = variants.iter().all(|candidate| {
            candidate.quality >= SURE_CALL
                && candidate.passed
                && candidate.tier == Tier::Unseen
                && self.loses(candidate)
        });
        let both_copies = match variants.as_slice() {
            [] => return false,
            [one] => one.carriage == Carriage::Homozygous,
            [first, second, ..] => !is_one_event(first, second),
        };
        believed && self.loeuf_below(if both_copies { TOLERANT } else { INTOLERANT })
    }

    /// Whether the variant loses the gene's function and no other beside it restores the reading
    /// frame.
    fn loses(&self, candidate: &Candidate) -> bool {
        let event = self
            .variants
            .iter()
            .filter(|other| is_one_event(candidate, other));
        let growth: i64 = event.map(|other| other.variant.growth()).sum();
        candidate
            .effects
            .iter()
            .filter(|effect| effect.gene == self.gene)
            .any(|effect| {
                let in_frame = effect.effect == Effect::Frameshift && growth % 3 == 0;
                let doubted = matches!(effect.loftee, Some(Loftee::LowConfidence));
                effect.effect.is_loss_of_function() && !in_frame && !doubted
            })
    }
}

fn of<'a>(
    best: &BestExplanation,
    examination: &'a Examination,
) -> impl Iterator<Item = &'a Candidate> {
    best.variants
        .iter()
        .filter_map(|id| examination.candidates.get(*id as usize))
}

fn is_one_event(first: &Candidate, second: &Candidate) -> bool {
    let (a, b) = (&first.variant, &second.variant);
    let (a, b) = if a.place <= b.place { (a, b) } else { (b, a) };
    let end = a.place.position + a.reference.len() as u32 - 1;
    a.place.chromosome == b.place.chromosome && b.place.position.saturating_sub(end) <= ONE_EVENT
}
