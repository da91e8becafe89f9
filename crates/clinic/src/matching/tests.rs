//! On the invented release of tests/fixtures/mini: eight of its diseases have a phenotype.

use ligate_knowledge::mini;

use super::*;

const SEIZURE: &str = "HP:0001250";
const GENERALIZED: &str = "HP:0002197";
const DISABILITY: &str = "HP:0001249";
const HYPERTELORISM: &str = "HP:0000316";
const CORONAL: &str = "HP:0004440";
const DOMINANT: &str = "HP:0000006";

fn terms(knowledge: &Knowledge, ids: &[&str]) -> Vec<Term> {
    ids.iter()
        .map(|id| {
            knowledge
                .ontology
                .term(id.parse().expect("an id"))
                .expect("a term")
        })
        .collect()
}

fn genes(knowledge: &Knowledge, names: &[&str]) -> Vec<GeneIndex> {
    names
        .iter()
        .map(|name| knowledge.find_gene(name).expect("a gene"))
        .collect()
}

/// Scores of `query` against patients with the given terms.
#[track_caller]
fn check(
    query: &[&str],
    patients: &[&[&str]],
    expected: impl Fn(&dyn Fn(&str) -> f32) -> Vec<f32>,
) {
    let knowledge = mini::knowledge();
    let weights = Weights::of(&knowledge);
    let mut index = Patients::new(&knowledge.ontology, &weights);
    for patient in patients {
        index.insert(terms(&knowledge, patient), Vec::new());
    }
    // The weight of a term with all its ancestors.
    let whole = |id: &str| weights.sum(&closure(&knowledge.ontology, terms(&knowledge, &[id])));
    let scores = index.phenotype_scores(terms(&knowledge, query));
    for (score, expected) in scores.iter().zip(expected(&whole)) {
        assert!(
            (score - expected).abs() < 1e-5,
            "{query:?}: {scores:?}, expected {expected}"
        );
    }
    assert_eq!(scores.len(), patients.len());
}

#[test]
fn a_weight_is_the_square_of_the_information() {
    let knowledge = mini::knowledge();
    let weights = Weights::of(&knowledge);
    let check = |id: &str, diseases: f64| {
        let expected = (9.0 / (diseases + 1.0)).ln().powi(2) as f32;
        let weight = weights.0[terms(&knowledge, &[id])[0].0 as usize];
        assert!(
            (weight - expected).abs() < 1e-6,
            "{id}: {weight}, expected {expected}"
        );
    };
    check("HP:0000118", 8.0);
    check(CORONAL, 3.0);
    check(HYPERTELORISM, 3.0);
    // Apert's own row, a child's in two diseases, a grandchild's in another.
    check(SEIZURE, 4.0);
    check(GENERALIZED, 3.0);
    // A row of 0 of 4 patients is a row that is not `NOT`.
    check(DISABILITY, 3.0);
}

#[test]
fn what_only_one_has_costs_what_its_weight_says() {
    let patients: [&[&str]; 5] = [
        &[SEIZURE],
        &[GENERALIZED],
        &[CORONAL],
        &[],
        &[SEIZURE, CORONAL],
    ];
    check(&[SEIZURE], &patients, |whole| {
        let (seizure, generalized) = (whole(SEIZURE), whole(GENERALIZED));
        let more = generalized - seizure;
        let beside = whole(CORONAL);
        vec![
            1.0,
            seizure / (seizure + 0.3 * more),
            0.0,
            0.0,
            seizure / (seizure + 0.3 * beside),
        ]
    });
    check(&[GENERALIZED], &patients[..2], |whole| {
        vec![whole(SEIZURE) / whole(GENERALIZED), 1.0]
    });
}

#[test]
fn only_phenotypes_are_compared() {
    check(&[DOMINANT], &[&[DOMINANT], &[SEIZURE]], |_| vec![0.0, 0.0]);
    check(&[SEIZURE, DOMINANT], &[&[SEIZURE]], |_| vec![1.0]);
    check(&[], &[&[SEIZURE], &[]], |_| vec![0.0, 0.0]);
}

#[test]
fn genes_add_to_the_score_and_not_to_the_phenotype() {
    let knowledge = mini::knowledge();
    let weights = Weights::of(&knowledge);
    let mut index = Patients::new(&knowledge.ontology, &weights);
    let patients: [(&[&str], &[&str]); 4] = [
        (&[SEIZURE], &[]),
        (&[CORONAL], &["FGFR2"]),
        (&[SEIZURE], &["TWIST1"]),
        (&[CORONAL], &[]),
    ];
    for (observed, named) in patients {
        index.insert(terms(&knowledge, observed), genes(&knowledge, named));
    }
    let query = terms(&knowledge, &[GENERALIZED]);
    let asked = genes(&knowledge, &["FGFR2", "FGFR1"]);
    let alike = index.most_alike(query.iter().copied(), &asked, 10);
    let places: Vec<_> = alike.iter().map(|alike| alike.patient.0).collect();
    let phenotype = f64::from(index.phenotype_scores(query.iter().copied())[0]);
    assert!(phenotype > 0.0 && phenotype < 0.5, "{phenotype}");
    // Equal ones in order of insertion; who shares nothing is left out.
    assert_eq!(places, [1, 0, 2]);
    assert_eq!(
        (alike[1].score, alike[1].phenotype, alike[1].genotype),
        (phenotype, phenotype, 0.0)
    );
    assert_eq!(
        (alike[0].score, alike[0].phenotype, alike[0].genotype),
        (0.5, 0.0, 0.5)
    );

    let both = index.most_alike(terms(&knowledge, &[CORONAL]), &asked, 10);
    assert_eq!((both[0].patient, both[0].score), (PatientIndex(1), 1.0));
    assert_eq!(
        index.most_alike(query.iter().copied(), &asked, 2),
        alike[..2]
    );
    assert!(
        index
            .most_alike(query.iter().copied(), &asked, 0)
            .is_empty()
    );
    assert!(
        Patients::new(&knowledge.ontology, &weights)
            .most_alike(query, &asked, 5)
            .is_empty()
    );
}
