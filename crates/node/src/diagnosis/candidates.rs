//! Candidates of the ranking as the report shows them: evidence, what is missing, what to examine.

use ligate_clinic::phenotype::{
    self, Counts, Examination, Feature, Match, Query, RankedDisease, Scorer,
};
use ligate_knowledge::DiseaseIndex;

use super::names::{Names, references};
use crate::report::diagnosis::{self as view, Candidate, Contribution, Shift};

/// Features listed for each candidate.
const FEATURES: usize = 12;

/// Contributions below this leave a term unexplained: it is then less likely under the disease than
/// among all diseases.
const UNEXPLAINED: f64 = -0.3;

/// One candidate with its place in the final ranking.
pub struct Ranked<'a> {
    pub rank: usize,
    pub probability: f64,
    pub disease: DiseaseIndex,
    /// `None` where the phenotype alone puts it behind the candidates that are re-ranked.
    pub by_phenotype: Option<&'a RankedDisease>,
}

/// A candidate's part of the report.
pub fn candidate(
    names: Names<'_>,
    scorer: &Scorer<'_>,
    query: &Query,
    ranked: &Ranked<'_>,
) -> Candidate {
    let index = ranked.disease;
    let disease = names.disease(index);
    let explanation = phenotype::explain(scorer, query, index);
    let contributions: Vec<_> = explanation
        .iter()
        .flat_map(|explanation| &explanation.contributions)
        .map(|part| contribution(names, part))
        .collect();
    let features = |matches: &[Match]| {
        let known = matches.iter().take(FEATURES);
        known
            .map(|of| view::Feature {
                term: names.term(of.term),
                frequency: of.f,
            })
            .collect::<Vec<_>>()
    };
    let unexplained = contributions
        .iter()
        .filter(|part| part.value < UNEXPLAINED)
        .map(|part| part.term.clone());
    let genes: Vec<_> = disease.genes.iter().map(|&gene| names.gene(gene)).collect();
    Candidate {
        rank: ranked.rank,
        disease: disease.id.to_string(),
        name: disease.name.clone(),
        gene: genes.first().cloned(),
        genes,
        inheritance: names.inheritance(index),
        probability: ranked.probability,
        score: explanation.as_ref().map_or(0.0, |of| of.s),
        shift: ranked.by_phenotype.map(shift).unwrap_or_default(),
        unexplained: unexplained.collect(),
        contributions,
        missing: explanation
            .as_ref()
            .map(|of| features(&of.unknown))
            .unwrap_or_default(),
        against: explanation
            .as_ref()
            .map(|of| features(&of.missing))
            .unwrap_or_default(),
        variants: Vec::new(),
        rank_alone: None,
    }
}

fn shift(disease: &RankedDisease) -> Shift {
    let parts = disease
        .shift_parts
        .iter()
        .map(|(feature, value)| (words(*feature).to_owned(), *value));
    Shift {
        total: disease.shift,
        parts: parts.collect(),
    }
}

fn words(feature: Feature) -> &'static str {
    match feature {
        Feature::Ratio => "weight of the ratio",
        Feature::Unexplained => "terms left unexplained",
        Feature::Resnik => "specificity of shared ancestors",
        Feature::Coverage => "features of the disease covered",
        Feature::Direct => "terms annotated as they stand",
        Feature::FrequentCoverage => "frequent features covered",
        Feature::SexLimited => "X-linked recessive in a girl or woman",
    }
}

fn contribution(names: Names<'_>, part: &phenotype::Contribution) -> Contribution {
    let matched = part.matched.as_ref();
    Contribution {
        term: names.term(part.term),
        value: part.value,
        if_removed: part.if_removed,
        matched: matched.map(|of| names.term(of.term)),
        frequency: if part.absent {
            Some("annotated as absent".to_owned())
        } else {
            matched.map(frequency)
        },
        references: matched
            .map(|of| references(&of.references))
            .unwrap_or_default(),
    }
}

fn frequency(matched: &Match) -> String {
    match matched.counts {
        Some(Counts { m, n }) => format!("{m} of {n} patients"),
        None => format!("{:.0}% of patients", 100.0 * matched.f),
    }
}

/// What to examine next, with the candidates that a yes speaks for.
pub fn examinations(
    names: Names<'_>,
    scorer: &Scorer<'_>,
    query: &Query,
    posterior: &[(DiseaseIndex, f64)],
    count: usize,
) -> Vec<view::Examination> {
    let steps = phenotype::examine_next(scorer, query, posterior, count);
    steps
        .iter()
        .map(|step| examination(names, scorer, posterior, step))
        .collect()
}

/// Candidates that are looked at for what an answer would say of them.
const LEADING: usize = 5;

fn examination(
    names: Names<'_>,
    scorer: &Scorer<'_>,
    posterior: &[(DiseaseIndex, f64)],
    step: &Examination,
) -> view::Examination {
    let total: f64 = posterior.iter().map(|(_, probability)| probability).sum();
    let chance = |disease: DiseaseIndex| scorer.frequency(disease, step.term);
    let expected = posterior
        .iter()
        .map(|&(disease, probability)| probability / total * chance(disease))
        .sum();
    let for_it = posterior
        .iter()
        .take(LEADING)
        .filter(|(disease, _)| chance(*disease) > expected);
    view::Examination {
        term: names.term(step.term),
        bits: step.bits,
        expected,
        speaks_for: for_it
            .map(|&(disease, _)| names.disease(disease).name.clone())
            .collect(),
    }
}
