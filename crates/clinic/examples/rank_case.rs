//! Which diseases explain what a patient has, best first.
//!
//!     cargo run -p ligate-clinic --example rank_case [-- HPO_FOLDER HP:0004440 HP:0001159 ...]
//!
//! The folder holds `hp.obo` and `phenotype.hpoa` of one HPO release. Without arguments the example
//! takes the small invented release of the tests and a child with fused sutures and fingers.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
};

use ligate_clinic::phenotype::{self, Annotations, Model, Query, Scorer};
use ligate_knowledge::{
    Knowledge, Sources,
    sources::{hpoa, obo},
};
use ligate_model::{Case, Observation, TermId};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments
        .next()
        .map_or_else(invented_release, PathBuf::from);
    let mut terms = arguments
        .map(|term| term.parse())
        .collect::<Result<Vec<TermId>, _>>()?;
    if terms.is_empty() {
        terms = vec!["HP:0004440".parse()?, "HP:0001159".parse()?];
    }
    for (name, probability) in rank(&folder, &terms)? {
        println!("{probability:.3}\t{name}");
    }
    Ok(())
}

/// The ten best diseases with their probabilities. What is missing to 1 is that of the others, and
/// of a disease that nobody has described.
fn rank(folder: &Path, terms: &[TermId]) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    // Reading also gives the problems of the files, which a program shows to its user.
    let (ontology, _) = obo::read(&folder.join("hp.obo"))?;
    let (annotations, _) = hpoa::read(&folder.join("phenotype.hpoa"))?;
    let sources = Sources {
        ontology,
        annotations,
        ..Sources::default()
    };
    let (knowledge, _) = Knowledge::build(&sources)?;
    let annotations = Annotations::of(&knowledge);
    let scorer = Scorer::new(&annotations);

    let case = Case {
        observed: terms.iter().map(|term| observed(*term)).collect(),
        ..Case::default()
    };
    let (query, _) = Query::of(&case, &knowledge.ontology)?;
    let ranking = phenotype::rank(&scorer, Model::built_in().full(), &query);
    let best = ranking.leading.iter().take(10);
    Ok(best
        .map(|ranked| {
            let name = knowledge.disease(ranked.disease).name.clone();
            (name, ranked.probability)
        })
        .collect())
}

fn observed(term: TermId) -> Observation {
    Observation {
        term,
        onset: None,
        modifiers: Vec::new(),
    }
}

fn invented_release() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/tests/fixtures/mini")
}

/// In the invented release nine of ten people with Apert syndrome have fused coronal sutures and
/// all of them fused fingers; no other disease has both.
#[test]
fn the_disease_with_both_findings_comes_first() {
    let terms = ["HP:0004440", "HP:0001159"].map(|term| term.parse().unwrap());
    let ranked = rank(&invented_release(), &terms).unwrap();
    assert_eq!(ranked[0].0, "Apert syndrome");
}
