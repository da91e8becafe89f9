//! Times of the likelihood ratio: `phenotype_bench HPO_FOLDER MONDO.sssom.tsv CASES.jsonl`. Prints
//! the time of a warm case on one core with the reduction to the top ten, of building a scorer, and
//! of a publication taken out; and, as a check that the right thing was timed, top-1 and top-10
//! with all annotations and with each case's publication out.

#[path = "../tests/store/mod.rs"]
mod store;

use std::{collections::BTreeMap, env, path::PathBuf, process::ExitCode, time::Instant};

use ligate_clinic::phenotype::{self, Annotations, Model, Scorer, rank_of};
use store::Solved;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [hpo, mondo, cases] = paths.as_slice() else {
        eprintln!("usage: phenotype_bench HPO_FOLDER MONDO.sssom.tsv CASES.jsonl");
        return ExitCode::FAILURE;
    };
    let Some(knowledge) = store::knowledge(hpo, mondo) else {
        return ExitCode::FAILURE;
    };
    let cases = store::cases(cases, &knowledge);
    let start = Instant::now();
    let annotations = Annotations::of(&knowledge);
    println!("annotations merged: {:.1} ms", ms(start));
    let start = Instant::now();
    let scorer = Scorer::new(&annotations);
    println!(
        "scorer of {} candidates: {:.1} ms",
        scorer.candidates().len(),
        ms(start)
    );
    for round in ["cold", "warm"] {
        time(&scorer, &cases, round);
    }
    figures("leaky", &cases, |solved| rank(&scorer, solved));
    time_ranking(&scorer, &cases);
    let own = store::own_counts(&cases, &knowledge);
    let mut groups: BTreeMap<_, Vec<&Solved>> = BTreeMap::new();
    for solved in &cases {
        groups.entry(solved.publication).or_default().push(solved);
    }
    let (mut ranks, mut learned, mut took) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (publication, group) in groups {
        let start = Instant::now();
        let changes =
            publication.map(|publication| store::left_out(&annotations, publication, &own));
        let changed = scorer.adjusted(changes.unwrap_or_default());
        for solved in &group {
            ranks.insert(solved.id.clone(), rank(&changed, solved));
        }
        took.push(ms(start));
        let changes = publication
            .map(|publication| store::left_out_borrowing(&annotations, publication, &own));
        let changed = scorer.adjusted(changes.unwrap_or_default());
        for solved in &group {
            learned.insert(solved.id.clone(), learned_rank(&changed, solved));
        }
    }
    took.sort_by(f64::total_cmp);
    println!(
        "a publication with its cases: median {:.2} ms",
        took[took.len() / 2]
    );
    figures("loo", &cases, |solved| ranks[&solved.id]);
    figures(
        "loo, re-ranked by the fold that has not seen the case",
        &cases,
        |solved| learned[&solved.id],
    );
    ExitCode::SUCCESS
}

fn time(scorer: &Scorer, cases: &[Solved], round: &str) {
    let mut took: Vec<f64> = Vec::new();
    for query in cases.iter().filter_map(|solved| solved.query.as_ref()) {
        let start = Instant::now();
        std::hint::black_box(scorer.top(query, 10));
        took.push(ms(start));
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[(share * (took.len() - 1) as f64) as usize];
    println!(
        "{round} case to top ten: median {:.3} ms, 95% {:.3} ms",
        at(0.5),
        at(0.95)
    );
}

fn time_ranking(scorer: &Scorer, cases: &[Solved]) {
    let weights = Model::built_in().full();
    let mut took: Vec<f64> = Vec::new();
    for query in cases.iter().filter_map(|solved| solved.query.as_ref()) {
        let start = Instant::now();
        std::hint::black_box(phenotype::rank(scorer, weights, query));
        took.push(ms(start));
    }
    took.sort_by(f64::total_cmp);
    println!(
        "warm case with re-ranking and probabilities: median {:.3} ms",
        took[took.len() / 2]
    );
}

fn learned_rank(scorer: &Scorer, solved: &Solved) -> Option<f64> {
    let weights = Model::built_in().for_case(&solved.case.publications);
    phenotype::rank(scorer, weights, solved.query.as_ref()?).rank_of(solved.truth?)
}

fn rank(scorer: &Scorer, solved: &Solved) -> Option<f64> {
    let query = solved.query.as_ref()?;
    let position = scorer.position(solved.truth?)?;
    rank_of(&scorer.scores(query), position)
}

fn figures(name: &str, cases: &[Solved], rank: impl Fn(&Solved) -> Option<f64>) {
    let ranks: Vec<Option<f64>> = cases.iter().map(rank).collect();
    let share = |limit: f64| {
        let hits = ranks
            .iter()
            .filter(|rank| rank.is_some_and(|rank| rank <= limit))
            .count();
        100.0 * hits as f64 / ranks.len() as f64
    };
    println!(
        "{name}: top-1 {:.2}, top-10 {:.2} of {}",
        share(1.0),
        share(10.0),
        ranks.len()
    );
    let mut by_disease: BTreeMap<_, Vec<Option<f64>>> = BTreeMap::new();
    for (solved, rank) in cases.iter().zip(&ranks) {
        by_disease.entry(solved.truth).or_default().push(*rank);
    }
    let mean = |limit: f64| {
        let of = |ranks: &Vec<Option<f64>>| {
            let hits = ranks
                .iter()
                .filter(|rank| rank.is_some_and(|rank| rank <= limit))
                .count();
            100.0 * hits as f64 / ranks.len() as f64
        };
        by_disease.values().map(of).sum::<f64>() / by_disease.len() as f64
    };
    println!(
        "  mean over {} diseases: {:.2}, {:.2}",
        by_disease.len(),
        mean(1.0),
        mean(10.0)
    );
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
