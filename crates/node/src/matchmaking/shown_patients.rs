//! The patients that may be shown, ready to be compared: built once when the server starts and
//! again when the registry changed.

use std::collections::BTreeSet;

use ligate_api::mme::{
    Contact, Disorder, Feature, Gene, GenomicFeature, MatchResult, Metrics, Observed, Patient,
    Score,
};
use ligate_clinic::matching::{Patients, Weights};
use ligate_knowledge::{GeneIndex, Knowledge, ontology::Term};
use ligate_model::{Case, DiseaseId, Sex, TermId};

/// Patients with consent, and the index over them.
pub struct ShownPatients<'k> {
    knowledge: &'k Knowledge,
    index: Patients<'k>,
    shown: Vec<Patient>,
}

impl<'k> ShownPatients<'k> {
    /// `patients`: the name under which each may be shown, and the case.
    pub fn new(
        knowledge: &'k Knowledge,
        weights: &'k Weights,
        patients: &[(String, Case)],
        contact: &Contact,
    ) -> Self {
        let mut index = Patients::new(&knowledge.ontology, weights);
        let mut shown = Vec::with_capacity(patients.len());
        for (name, case) in patients {
            let observed = case
                .observed_terms()
                .filter_map(|id| knowledge.ontology.term(id));
            index.insert(observed, genes(knowledge, case));
            shown.push(patient(knowledge, name, case, contact));
        }
        Self {
            knowledge,
            index,
            shown,
        }
    }

    /// The patients most like the asked one, best first.
    pub fn matches(&self, asked: &Patient, limit: usize, score_min: f64) -> Vec<MatchResult> {
        let observed = observed(self.knowledge, asked);
        let genes = asked_genes(self.knowledge, asked);
        let alike = self.index.most_alike(observed, &genes, limit);
        let enough = alike.into_iter().filter(|alike| alike.score >= score_min);
        let result = |alike: ligate_clinic::matching::Alike| MatchResult {
            score: Score {
                patient: alike.score,
                phenotype: Some(alike.phenotype),
                genotype: Some(alike.genotype),
            },
            patient: self.shown[alike.patient.0 as usize].clone(),
        };
        enough.map(result).collect()
    }

    /// Sums over the shown patients; the requests and matches are the server's own counts.
    pub fn metrics(&self, requests: u64, matches: u64, date: String) -> Metrics {
        let genes = self
            .shown
            .iter()
            .flat_map(|patient| &patient.genomic_features)
            .map(|of| of.gene.id.as_str());
        let features = self
            .shown
            .iter()
            .flat_map(|patient| &patient.features)
            .map(|of| of.id.as_str());
        let (number_of_genes, number_of_unique_genes) = counts(genes);
        let (number_of_features, number_of_unique_features) = counts(features);
        Metrics {
            number_of_cases: self.shown.len() as u64,
            number_of_submitters: u64::from(!self.shown.is_empty()),
            number_of_genes,
            number_of_unique_genes,
            number_of_features,
            number_of_unique_features,
            number_of_cases_with_diagnosis: self
                .shown
                .iter()
                .filter(|of| !of.disorders.is_empty())
                .count() as u64,
            number_of_requests_received: requests,
            number_of_potential_matches_sent: matches,
            date_generated: date,
        }
    }
}

fn counts<'a>(names: impl Iterator<Item = &'a str>) -> (u64, u64) {
    let mut all = 0;
    let unique: BTreeSet<_> = names.inspect(|_| all += 1).collect();
    (all, unique.len() as u64)
}

fn genes(knowledge: &Knowledge, case: &Case) -> Vec<GeneIndex> {
    let mut found: Vec<_> = case
        .diagnoses
        .iter()
        .flat_map(|diagnosis| &diagnosis.genes)
        .filter_map(|name| knowledge.find_gene(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn observed(knowledge: &Knowledge, asked: &Patient) -> Vec<Term> {
    let present = asked
        .features
        .iter()
        .filter(|feature| feature.observed == Observed::Yes);
    present
        .filter_map(|feature| knowledge.ontology.term(feature.id.parse().ok()?))
        .collect()
}

fn asked_genes(knowledge: &Knowledge, asked: &Patient) -> Vec<GeneIndex> {
    let mut found: Vec<_> = asked
        .genomic_features
        .iter()
        .filter_map(|of| knowledge.find_gene(&of.gene.id))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What is shown of a case: terms, sex, disease and gene, and whom to write to. Never ages, dates
/// or the case's own id.
pub(super) fn patient(
    knowledge: &Knowledge,
    name: &str,
    case: &Case,
    contact: &Contact,
) -> Patient {
    let features = case
        .observed_terms()
        .map(|term| feature(knowledge, term, Observed::Yes));
    let absent = case
        .excluded
        .iter()
        .map(|&term| feature(knowledge, term, Observed::No));
    Patient {
        id: name.to_owned(),
        contact: contact.clone(),
        species: Some("NCBITaxon:9606".to_owned()),
        sex: case
            .sex
            .map(|sex| if sex == Sex::Female { "FEMALE" } else { "MALE" }.to_owned()),
        disorders: case
            .diagnoses
            .iter()
            .filter_map(|of| of.disease)
            .map(disorder)
            .collect(),
        features: features.chain(absent).collect(),
        genomic_features: genes(knowledge, case)
            .into_iter()
            .map(|gene| genomic(knowledge, gene))
            .collect(),
        ..Patient::default()
    }
}

fn feature(knowledge: &Knowledge, id: TermId, observed: Observed) -> Feature {
    let term = knowledge.ontology.term(id);
    let label = term.map(|term| knowledge.ontology.name(term).to_owned());
    Feature {
        id: id.to_string(),
        label,
        observed,
        age_of_onset: None,
    }
}

fn genomic(knowledge: &Knowledge, gene: GeneIndex) -> GenomicFeature {
    let id = knowledge.gene(gene).symbol.to_string();
    GenomicFeature {
        gene: Gene { id },
        variant: None,
        zygosity: None,
        kind: None,
    }
}

/// The API writes OMIM as `MIM:` and Orphanet as `Orphanet:`.
fn disorder(disease: DiseaseId) -> Disorder {
    let id = match disease {
        DiseaseId::Omim(number) => format!("MIM:{number:06}"),
        DiseaseId::Orphanet(number) => format!("Orphanet:{number}"),
        other => other.to_string(),
    };
    Disorder { id, label: None }
}
