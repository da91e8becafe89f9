//! Fits the ranking model that comes with the program: `train_ranking HPO_FOLDER MONDO.sssom.tsv
//! CASES.jsonl > crates/clinic/src/phenotype/model.json`. Every case is seen with its own
//! publication taken out of the annotations, as published (weight 3) and as three noisy lists
//! (weight 1 each).

#[path = "../../clinic/tests/store/mod.rs"]
mod store;

use std::{collections::BTreeMap, env, path::PathBuf, process::ExitCode, time::Instant};

use ligate_clinic::phenotype::{Annotations, Example, Query, Scorer, train};
use ligate_evaluation::{Noise, NoiseMaker};
use ligate_knowledge::Knowledge;
use ligate_model::Pmid;
use store::Solved;

/// Seed of the noisy lists; evaluations take others.
const SEED: u64 = 1_000_003;
/// Weight of a list as published.
const PUBLISHED: f64 = 3.0;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [hpo, mondo, cases] = paths.as_slice() else {
        eprintln!("usage: train_ranking HPO_FOLDER MONDO.sssom.tsv CASES.jsonl > model.json");
        return ExitCode::FAILURE;
    };
    let Some(knowledge) = store::knowledge(hpo, mondo) else {
        return ExitCode::FAILURE;
    };
    let cases = store::cases(cases, &knowledge);
    let start = Instant::now();
    let examples = examples(&knowledge, &cases);
    eprintln!(
        "{} lists in {:.0} s",
        examples.len(),
        start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    let model = train(&examples, knowledge.ontology.version());
    eprintln!("fitted in {:.0} s", start.elapsed().as_secs_f64());
    match model.and_then(|model| model.to_json()) {
        Ok(json) => println!("{json}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn examples(knowledge: &Knowledge, cases: &[Solved]) -> Vec<Example> {
    let annotations = Annotations::of(knowledge);
    let scorer = Scorer::new(&annotations);
    let own = store::own_counts(cases, knowledge);
    let noise = NoiseMaker::new(&knowledge.ontology);
    let mut groups: BTreeMap<Pmid, Vec<&Solved>> = BTreeMap::new();
    for solved in cases {
        if let Some(publication) = solved.publication {
            groups.entry(publication).or_default().push(solved);
        }
    }
    let mut examples = Vec::new();
    for (publication, group) in groups {
        let scorer = scorer.adjusted(store::left_out_borrowing(&annotations, publication, &own));
        for solved in group {
            let (Some(query), Some(truth)) = (&solved.query, solved.truth) else {
                continue;
            };
            examples.push(Example::of(&scorer, query, publication, truth, PUBLISHED));
            for kind in [Noise::Vague, Noise::Short, Noise::Strange] {
                let observed = noise.list(kind, &solved.id, SEED, &query.observed);
                let noisy = Query::from_terms(&knowledge.ontology, &observed, &[]);
                let noisy = Query {
                    sex: query.sex,
                    onset: query.onset,
                    ..noisy
                };
                examples.push(Example::of(&scorer, &noisy, publication, truth, 1.0));
            }
        }
    }
    examples
}
