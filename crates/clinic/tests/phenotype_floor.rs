//! S against an independent computation in plain Python (oracles/phenotype_floor.py, HPO
//! 2025-01-16): every 39th case of the phenopacket-store with its own publication taken out of the
//! annotations.

mod store;

use std::{collections::HashMap, env, fs, path::Path};

use ligate_clinic::phenotype::{Annotations, Query, Scorer, explain, rank_of};
use store::{Own, Solved};

/// What one row of the table says.
struct Expected<'t> {
    case: &'t str,
    rank: Option<f64>,
    best: f64,
    own: Option<f64>,
}

fn expected(line: &str) -> Expected<'_> {
    let fields: Vec<&str> = line.split('\t').collect();
    let number = |text: &str| text.parse::<f64>().ok();
    Expected {
        case: fields[0],
        rank: number(fields[1]),
        best: number(fields[3]).expect("a score"),
        own: number(fields[4]),
    }
}

#[test]
fn equals_the_python_oracle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (Some(hpo), Some(mondo)) = (env::var_os("LIGATE_HPO"), env::var_os("LIGATE_MONDO")) else {
        eprintln!(
            "skipped: LIGATE_HPO (folder with hp.obo and phenotype.hpoa) or LIGATE_MONDO is not set"
        );
        return;
    };
    let Some(cases) = env::var_os("LIGATE_CASES").filter(|path| Path::new(path).exists()) else {
        eprintln!("skipped: LIGATE_CASES (the phenopacket-store, one case a line) is not set");
        return;
    };
    let Some(knowledge) = store::knowledge(Path::new(&hpo), Path::new(&mondo)) else {
        return;
    };
    let cases = store::cases(Path::new(&cases), &knowledge);
    let own = store::own_counts(&cases, &knowledge);
    let annotations = Annotations::of(&knowledge);
    let scorer = Scorer::new(&annotations);
    let by_id: HashMap<&str, &Solved> = cases
        .iter()
        .map(|solved| (solved.id.as_str(), solved))
        .collect();
    let table =
        fs::read_to_string(root.join("oracles/phenotype_floor.tsv")).expect("the expected table");
    let mut compared = 0;
    for row in table.lines().map(expected) {
        check(&scorer, &annotations, &own, by_id[row.case], &row);
        compared += 1;
    }
    assert!(compared >= 200, "{compared} rows");
    many_terms(&scorer);
}

/// 500 terms: S stays a number, and its parts sum to it.
fn many_terms(scorer: &Scorer) {
    let ontology = &scorer.knowledge().ontology;
    let leaves = ontology
        .terms()
        .filter(|term| ontology.is_phenotype(*term) && ontology.children(*term).is_empty());
    let leaves: Vec<_> = leaves.step_by(20).take(500).collect();
    let query = Query::from_terms(ontology, &leaves, &[]);
    assert_eq!(query.observed.len(), 500);
    let scores = scorer.scores(&query);
    let top = scorer.top(&query, 10);
    for (disease, s) in top {
        let position = scorer.position(disease).expect("a candidate");
        let explanation = explain(scorer, &query, disease).expect("a candidate");
        assert!((explanation.s - s).abs() < 1e-9 && (scores[position] - s).abs() < 1e-9);
    }
}

fn check(scorer: &Scorer, annotations: &Annotations, own: &Own, solved: &Solved, row: &Expected) {
    let changes = solved
        .publication
        .map(|publication| store::left_out(annotations, publication, own));
    let scorer = scorer.adjusted(changes.unwrap_or_default());
    let query = solved.query.as_ref().expect("a query");
    let scores = scorer.scores(query);
    let top = scorer.top(query, 10);
    assert!(
        (top[0].1 - row.best).abs() < 1e-8,
        "{}: best {} instead of {}",
        row.case,
        top[0].1,
        row.best
    );
    let position = solved.truth.and_then(|truth| scorer.position(truth));
    let rank = position.and_then(|position| rank_of(&scores, position));
    assert_eq!(rank, row.rank, "{}", row.case);
    if let (Some(position), Some(expected)) = (position, row.own) {
        assert!(
            (scores[position] - expected).abs() < 1e-8,
            "{}: S {}",
            row.case,
            scores[position]
        );
        let explanation =
            explain(&scorer, query, scorer.candidates()[position]).expect("a candidate");
        let sum: f64 = explanation
            .contributions
            .iter()
            .map(|contribution| contribution.value)
            .sum();
        assert!(
            (sum - scores[position]).abs() < 1e-9,
            "{}: contributions sum to {sum}",
            row.case
        );
        for contribution in &explanation.contributions {
            let rest = query.without(&scorer.knowledge().ontology, contribution.term);
            let removed = scorer.scores(&rest)[position];
            assert!(
                (scores[position] - removed - contribution.if_removed).abs() < 1e-9,
                "{}",
                row.case
            );
        }
    }
}
