//! The phenopacket-store as a test or benchmark sees it: one JSON object a line, only the keys that
//! a ranking needs. Knowledge is built from the HPO release in the folder that `LIGATE_HPO` names,
//! with MONDO's mappings and the gene tables where they lie beside it.

#![allow(dead_code, reason = "each user takes what it needs")]

use std::{collections::HashMap, fs, path::Path};

use ligate_clinic::phenotype::{Annotations, Counts, Edit, Profile, Query};
use ligate_knowledge::{
    DiseaseIndex, Knowledge, Sources,
    ontology::Term,
    sources::{gene_links, hpoa, mondo, obo},
};
use ligate_model::{Case, DiseaseId, Observation, Pmid, Sex, TermId};
use serde_json::Value;

/// A solved case.
pub struct Solved {
    pub id: String,
    pub case: Case,
    pub publication: Option<Pmid>,
    pub truth: Option<DiseaseIndex>,
    /// `None`: no phenotype term.
    pub query: Option<Query>,
}

/// Knowledge of a release's folder; `None`, with a notice, where a file is absent.
pub fn knowledge(folder: &Path, mondo_file: &Path) -> Option<Knowledge> {
    let file = |name: &str| folder.join(name);
    let present = ["hp.obo", "phenotype.hpoa"]
        .iter()
        .all(|name| file(name).exists())
        && mondo_file.exists();
    if !present {
        eprintln!("skipped: no HPO release or no MONDO mappings where they were looked for");
        return None;
    }
    let sources = Sources {
        ontology: obo::read(&file("hp.obo")).expect("hp.obo").0,
        annotations: hpoa::read(&file("phenotype.hpoa"))
            .expect("phenotype.hpoa")
            .0,
        mondo: mondo::read(mondo_file).expect("mondo.sssom.tsv").0,
        gene_links: gene_links::read(&file("genes_to_phenotype.txt"))
            .expect("genes_to_phenotype.txt")
            .0,
        ..Sources::default()
    };
    Some(Knowledge::build(&sources).expect("a release").0)
}

/// The cases of a file, one phenopacket a line.
pub fn cases(path: &Path, knowledge: &Knowledge) -> Vec<Solved> {
    let text = fs::read_to_string(path).expect("readable cases");
    text.lines()
        .map(|line| solved(&serde_json::from_str(line).expect("JSON"), knowledge))
        .collect()
}

fn solved(packet: &Value, knowledge: &Knowledge) -> Solved {
    let mut case = Case {
        id: text(&packet["id"]),
        ..Case::default()
    };
    case.sex = match packet["subject"]["sex"].as_str() {
        Some("FEMALE") => Some(Sex::Female),
        Some("MALE") => Some(Sex::Male),
        _ => None,
    };
    for feature in packet["phenotypicFeatures"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let Ok(term) = text(&feature["type"]["id"]).parse::<TermId>() else {
            continue;
        };
        if feature["excluded"].as_bool().unwrap_or(false) {
            case.excluded.push(term);
        } else {
            case.observed.push(Observation {
                term,
                onset: None,
                modifiers: Vec::new(),
            });
        }
    }
    let publication = text(&packet["metaData"]["externalReferences"][0]["id"])
        .parse::<Pmid>()
        .ok();
    case.publications.extend(publication);
    let disease = text(&packet["interpretations"][0]["diagnosis"]["disease"]["id"])
        .parse::<DiseaseId>()
        .ok();
    let truth = disease.and_then(|id| knowledge.find_disease(id));
    let query = Query::of(&case, &knowledge.ontology)
        .ok()
        .map(|(query, _)| query);
    Solved {
        id: case.id.clone(),
        case,
        publication,
        truth,
        query,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The patients that a publication counts in one disease.
pub type Own = HashMap<(Pmid, DiseaseIndex), Vec<(Term, Counts)>>;

/// Every publication's own patients, by disease: n counts those with the term observed or excluded.
pub fn own_counts(cases: &[Solved], knowledge: &Knowledge) -> Own {
    let mut own: HashMap<(Pmid, DiseaseIndex), HashMap<Term, Counts>> = HashMap::new();
    for solved in cases {
        let (Some(publication), Some(truth)) = (solved.publication, solved.truth) else {
            continue;
        };
        let counts = own.entry((publication, truth)).or_default();
        let term = |id: &TermId| knowledge.ontology.term(*id);
        let mut observed: Vec<Term> = solved
            .case
            .observed_terms()
            .filter_map(|id| term(&id))
            .collect();
        observed.sort_unstable();
        observed.dedup();
        let mut excluded: Vec<Term> = solved.case.excluded.iter().filter_map(term).collect();
        excluded.sort_unstable();
        excluded.dedup();
        excluded.retain(|term| observed.binary_search(term).is_err());
        for term in &observed {
            counts.entry(*term).or_default().m += 1;
        }
        for term in observed.iter().chain(&excluded) {
            counts.entry(*term).or_default().n += 1;
        }
    }
    own.into_iter()
        .map(|(key, counts)| (key, counts.into_iter().collect()))
        .collect()
}

/// The diseases that a publication is taken out of, with what is left of each.
pub fn left_out(
    annotations: &Annotations,
    publication: Pmid,
    own: &Own,
) -> Vec<(DiseaseIndex, Profile)> {
    let profile = |disease: &DiseaseIndex| {
        let own = own
            .get(&(publication, *disease))
            .map_or(&[][..], Vec::as_slice);
        let edit = Edit {
            without: &[publication],
            own,
            added: &[],
        };
        (*disease, annotations.edited(*disease, &edit))
    };
    annotations
        .naming(publication)
        .iter()
        .map(profile)
        .collect()
}

/// The same; a disease of which nothing is left borrows from its relatives.
pub fn left_out_borrowing(
    annotations: &Annotations,
    publication: Pmid,
    own: &Own,
) -> Vec<(DiseaseIndex, Profile)> {
    let mut changes = left_out(annotations, publication, own);
    for (disease, profile) in &mut changes {
        if profile.terms.is_empty() {
            *profile = annotations
                .borrowed(*disease, &[publication])
                .unwrap_or_default();
        }
    }
    changes
}
