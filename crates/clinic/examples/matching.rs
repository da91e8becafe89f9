//! Matchmaking on the phenopacket-store: `matching`, with the store below LIGATE_SHARED or
//! ../shared. Prints how often the best patient of the same gene in another publication is among
//! the first ten, and the time of a query over 10,000 patients on one core, which is to be at most
//! 20 ms.

#[path = "../tests/patients/mod.rs"]
mod patients;

use std::{hint::black_box, process::ExitCode, time::Instant};

use ligate_clinic::matching::{Patients, Weights};
use ligate_knowledge::Knowledge;
use patients::{Published, figures, knowledge, store};

const PATIENTS: usize = 10_000;
const QUERIES: usize = 200;
const MILLISECONDS_MAX: f64 = 20.0;

fn main() -> ExitCode {
    let knowledge = knowledge();
    let Some(published) = store(&knowledge) else {
        return ExitCode::FAILURE;
    };
    let start = Instant::now();
    let weights = Weights::of(&knowledge);
    println!("weights: {:.1} ms", ms(start));

    let index = index(&knowledge, &weights, published.iter());
    let found = figures(&published, |query| {
        index.phenotype_scores(query.terms.iter().copied())
    });
    println!(
        "best of the same gene in another publication, top-10 {:.1}%, macro by gene {:.1}% ({} queries)",
        100.0 * found.top10,
        100.0 * found.macro_top10,
        found.queries
    );
    let median = time(&knowledge, &weights, &published);
    if median <= MILLISECONDS_MAX {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn index<'k, 'p>(
    knowledge: &'k Knowledge,
    weights: &'k Weights,
    published: impl Iterator<Item = &'p Published>,
) -> Patients<'k> {
    let mut index = Patients::new(&knowledge.ontology, weights);
    for patient in published {
        index.insert(patient.terms.iter().copied(), patient.genes.clone());
    }
    index
}

/// The store, repeated until there are enough; queries evenly over it. The median of a query, in
/// milliseconds.
fn time(knowledge: &Knowledge, weights: &Weights, published: &[Published]) -> f64 {
    let start = Instant::now();
    let index = index(knowledge, weights, published.iter().cycle().take(PATIENTS));
    println!("index of {} patients: {:.1} ms", index.len(), ms(start));
    let queries = published
        .iter()
        .step_by(published.len() / QUERIES)
        .take(QUERIES);
    let mut took: Vec<_> = queries
        .map(|query| {
            let start = Instant::now();
            black_box(index.most_alike(query.terms.iter().copied(), &query.genes, 5));
            ms(start)
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "a query: median {median:.3} ms of {}, slowest {slowest:.3} ms",
        took.len()
    );
    median
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
