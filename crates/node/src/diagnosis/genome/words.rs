//! What the genome said, in the report's words.

use std::collections::HashMap;

use ligate_clinic::{
    genome::{
        acmg::{self, AcmgContext, Class, Status},
        burden::{Carriage, Mode},
        effect::{EffectSource, GeneEffect},
        examine::{Candidate, Uninterpreted},
        frequency::{Rarity, RaritySource},
        gene_model::ModelGene,
        rank::{BestExplanation, Catalogue, GenomeRanking, NotCovered},
    },
    phenotype::Query,
};
use ligate_knowledge::{Constraint, DiseaseIndex};

use super::{GenomeRequest, Read, facts::GenomeFacts};
use crate::{
    diagnosis::Names,
    report::diagnosis::{Acmg, Criterion, Diagnosis, Genome, Standing, Variant},
};

/// What is shown for the candidates, and the genome's own part.
pub struct Said {
    /// By the disease's id as the report writes it: its variants, and the gene that they are in.
    variants: HashMap<String, (String, Vec<Variant>)>,
    genome: Genome,
}

impl Said {
    pub fn of(
        request: &GenomeRequest<'_>,
        query: &Query,
        facts: &GenomeFacts,
        catalogue: &Catalogue,
        read: &Read,
        found: &GenomeRanking,
    ) -> Self {
        let teller = Teller {
            names: Names(&request.facts.knowledge),
            facts,
            catalogue,
            read,
        };
        let with_variants = found
            .leading
            .iter()
            .filter_map(|ranked| Some((ranked.disease, ranked.best.as_ref()?)));
        let variants = with_variants.map(|(disease, best)| {
            let id = teller.names.disease(disease).id.to_string();
            (id, (teller.symbol(best.gene), teller.variants(best)))
        });
        Self {
            variants: variants.collect(),
            genome: teller.genome(found, query),
        }
    }

    /// Puts the variants beside their candidates, and the gene that they are in first.
    pub fn fill(mut self, report: &mut Diagnosis) {
        for candidate in &mut report.candidates {
            if let Some((gene, variants)) = self.variants.remove(&candidate.disease) {
                candidate.gene = Some(gene);
                candidate.variants = variants;
            }
        }
        report.genome = Some(self.genome);
    }
}

struct Teller<'a> {
    names: Names<'a>,
    facts: &'a GenomeFacts,
    catalogue: &'a Catalogue,
    read: &'a Read,
}

impl Teller<'_> {
    fn symbol(&self, gene: ModelGene) -> String {
        match self.catalogue.genes.get(gene.0 as usize).copied().flatten() {
            Some(index) => self.names.gene(index),
            None => self
                .facts
                .model
                .gene(gene)
                .map(|gene| gene.symbol.to_string())
                .unwrap_or_default(),
        }
    }

    fn constraint(&self, gene: ModelGene) -> Option<Constraint> {
        let index = self
            .catalogue
            .genes
            .get(gene.0 as usize)
            .copied()
            .flatten()?;
        self.names.0.gene(index).constraint
    }

    /// The variants of an explanation, each with its criteria; of a pair, each is the other's
    /// partner.
    fn variants(&self, best: &BestExplanation) -> Vec<Variant> {
        let examination = &self.read.examination;
        let found: Vec<(u32, &Candidate, &GeneEffect)> = best
            .variants
            .iter()
            .filter_map(|&id| {
                let candidate = examination.candidates.get(id as usize)?;
                let effect = candidate
                    .effects
                    .iter()
                    .find(|effect| effect.gene == best.gene)?;
                Some((id, candidate, effect))
            })
            .collect();
        let told = found.iter().map(|&(id, candidate, effect)| {
            let partner = found.iter().find(|(other, ..)| *other != id);
            let partner = partner.map(|&(other, candidate, effect)| {
                let alone = acmg::assess(candidate, &self.context(best, effect, None));
                (
                    alone.class >= Class::LikelyPathogenic,
                    examination.phase(id, other),
                )
            });
            let assessment = acmg::assess(candidate, &self.context(best, effect, partner));
            self.variant(best, candidate, effect, assessment, found.len())
        });
        told.collect()
    }

    fn context<'c>(
        &'c self,
        best: &BestExplanation,
        effect: &'c GeneEffect,
        partner: Option<(bool, ligate_clinic::genome::burden::Phase)>,
    ) -> AcmgContext<'c> {
        AcmgContext {
            family: &self.read.examination.family,
            effect,
            mode: best.mode,
            constraint: self.constraint(best.gene),
            partner,
        }
    }

    fn variant(
        &self,
        best: &BestExplanation,
        candidate: &Candidate,
        effect: &GeneEffect,
        assessment: acmg::Assessment,
        of: usize,
    ) -> Variant {
        let mut notes = Vec::new();
        if effect.source == EffectSource::Structures && effect.effect.name().contains("coding") {
            notes.push("by gene structures alone: missense was not told from silent".to_owned());
        }
        if let Some(wrong) = candidate.parent_wrong {
            notes.push(format!(
                "new unless a parent's call is wrong (chance {:.2}%)",
                100.0 * wrong
            ));
        }
        if candidate.quality < 0.9 {
            notes.push(format!(
                "the call is right with a chance of {:.0}%",
                100.0 * candidate.quality
            ));
        }
        let written = &candidate.written;
        Variant {
            gene: self.symbol(best.gene),
            variant: written.to_string(),
            assembly: self.read.assembly.to_string(),
            zygosity: zygosity(candidate.carriage).to_owned(),
            consequence: format!("{} ({})", effect.effect.name(), source(effect.source)),
            hgvs: effect.description.as_deref().map(str::to_owned),
            frequency: frequency(candidate.rarity),
            inheritance: inheritance(best.mode, of),
            acmg: Some(criteria(&assessment)),
            notes,
        }
    }

    fn genome(&self, found: &GenomeRanking, query: &Query) -> Genome {
        let examination = &self.read.examination;
        let mut warnings: Vec<String> = examination
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect();
        warnings.extend(self.read.warnings.iter().cloned());
        if self.read.report.skipped > 0 {
            warnings.push(format!(
                "{} records could not be read",
                self.read.report.skipped
            ));
        }
        Genome {
            assembly: self.read.assembly.to_string(),
            records: self.read.report.records,
            considered: examination.candidates.len() as u64,
            sources: self.sources(),
            not_interpreted: not_interpreted(&examination.uninterpreted),
            perhaps_not_covered: found.not_covered.iter().map(|gap| self.gap(gap)).collect(),
            warnings,
            unknown_genes: found
                .unknown_genes
                .iter()
                .flat_map(|of| self.variants(&of.best))
                .collect(),
            two_diagnoses: self.two(found, query),
            incidental_hidden: found.hidden,
            incidental: found
                .incidental
                .iter()
                .flat_map(|of| self.variants(&of.best))
                .collect(),
        }
    }

    /// A gene without any variant, and whether its length makes that unlikely if it was covered.
    fn gap(&self, gap: &NotCovered) -> String {
        let likely = if gap.probably { " (probably)" } else { "" };
        format!("{}{likely}", self.symbol(gap.gene))
    }

    fn sources(&self) -> Vec<String> {
        let effects = match self.read.examination.effects_by {
            EffectSource::Annotation => "consequences by the file's own annotation",
            EffectSource::Sites => {
                "consequences by the sites file, else gene structures (missense not told from silent)"
            }
            EffectSource::Structures => {
                "consequences by gene structures alone: missense was not told from silent"
            }
        };
        let frequencies = match (self.facts.sites.is_some(), self.read.with_network) {
            (true, true) => "frequencies by the sites file and the network's counts",
            (true, false) => "frequencies by the sites file",
            (false, true) => {
                "frequencies by the network's counts, which say nothing of what is rare"
            }
            (false, false) => "no frequencies beside the file's own",
        };
        vec![effects.to_owned(), frequencies.to_owned()]
    }

    fn two(&self, found: &GenomeRanking, query: &Query) -> Option<String> {
        let two = found.two.as_ref()?;
        let name = |disease: DiseaseIndex| self.names.disease(disease).name.clone();
        let terms = two
            .explained_by_second
            .iter()
            .filter_map(|&place| query.observed.get(place));
        let terms: Vec<_> = terms.map(|&term| self.names.term(term).name).collect();
        Some(format!(
            "{} and {}, which explains {}",
            name(two.first),
            name(two.second),
            terms.join("; ")
        ))
    }
}

fn not_interpreted(counts: &Uninterpreted) -> Vec<(String, u64)> {
    let all = [
        ("structural variants and breakends", counts.structural),
        ("repeat expansions", counts.repeats),
        ("on other contigs", counts.other_contigs),
        ("places that do not lift to GRCh38", counts.not_lifted),
        ("alleles that spell nothing", counts.unusable),
    ];
    all.into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| (what.to_owned(), count))
        .collect()
}

fn zygosity(carriage: Carriage) -> &'static str {
    match carriage {
        Carriage::Heterozygous => "heterozygous",
        Carriage::Homozygous => "homozygous",
        Carriage::Hemizygous => "hemizygous",
    }
}

fn source(source: EffectSource) -> &'static str {
    match source {
        EffectSource::Annotation => "the file's annotation",
        EffectSource::Sites => "the sites file",
        EffectSource::Structures => "gene structures",
    }
}

fn frequency(rarity: Rarity) -> String {
    let of = |source: RaritySource| match source {
        RaritySource::File => "in the file",
        RaritySource::Sites => "in the sites file",
        RaritySource::Positions => "at this place",
        RaritySource::Network => "in the network",
    };
    match rarity {
        Rarity::Measured { frequency, source } => {
            format!("frequency {frequency:.2e} {}", of(source))
        }
        Rarity::AtLeast { frequency, source } => {
            format!("frequency at least {frequency:.2e} {}", of(source))
        }
        Rarity::Below { frequency, source } => {
            format!("frequency below {frequency:.2e}: not listed {}", of(source))
        }
        Rarity::Unknown => "frequency unknown".to_owned(),
    }
}

fn inheritance(mode: Mode, variants: usize) -> String {
    let name = match mode {
        Mode::Dominant => "dominant",
        Mode::Recessive => "recessive",
        Mode::XDominant => "X-linked dominant",
        Mode::XRecessive => "X-linked recessive",
        Mode::Mitochondrial => "mitochondrial",
    };
    if variants > 1 {
        format!("{name}, one of a compound pair")
    } else {
        name.to_owned()
    }
}

fn criteria(assessment: &acmg::Assessment) -> Acmg {
    let criteria = assessment.judgements.iter().map(|judgement| Criterion {
        name: judgement.criterion.name().to_owned(),
        status: match judgement.status {
            Status::Met(_) => Standing::Met,
            Status::NotMet => Standing::NotMet,
            Status::NotAssessable => Standing::NotAssessable,
        },
        reason: judgement.reason.clone(),
    });
    Acmg {
        class: assessment.class.name().to_owned(),
        points: assessment.points,
        criteria: criteria.collect(),
    }
}
