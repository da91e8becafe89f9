//! A made-up diagnosis for the tests of this module.

use super::*;

fn name(id: &str, text: &str) -> TermName {
    TermName {
        id: id.to_owned(),
        name: text.to_owned(),
    }
}

fn candidate(rank: usize, disease: &str, text: &str, gene: &str, probability: f64) -> Candidate {
    let contribution = |term: TermName, value: f64| Contribution {
        matched: Some(term.clone()),
        term,
        value,
        if_removed: -value,
        frequency: Some("7 of 9 patients".to_owned()),
        references: vec!["PMID:1".to_owned()],
    };
    Candidate {
        rank,
        disease: disease.to_owned(),
        name: text.to_owned(),
        gene: Some(gene.to_owned()),
        genes: vec![gene.to_owned()],
        inheritance: vec!["Autosomal dominant".to_owned()],
        probability,
        score: 3.0,
        shift: Shift {
            total: 0.5,
            parts: vec![("coverage".to_owned(), 0.5)],
        },
        contributions: vec![
            contribution(name("HP:0001159", "Syndactyly"), 3.5),
            contribution(name("HP:0000520", "Proptosis"), -0.5),
        ],
        missing: vec![Feature {
            term: name("HP:0000316", "Hypertelorism"),
            frequency: 0.8,
        }],
        against: Vec::new(),
        variants: Vec::new(),
        unexplained: vec![name("HP:0000520", "Proptosis")],
        rank_alone: None,
    }
}

/// Two candidates, two terms, no genome.
pub(super) fn diagnosis() -> Diagnosis {
    Diagnosis {
        form: FORM.to_owned(),
        notice: NOTICE.to_owned(),
        date: "2026-01-31".to_owned(),
        versions: vec![Version {
            what: "ligate".to_owned(),
            which: "0.1.0".to_owned(),
        }],
        patient: Patient {
            id: "patient 1".to_owned(),
            sex: Some("female".to_owned()),
            age: None,
            observed: vec![
                name("HP:0001159", "Syndactyly"),
                name("HP:0000520", "Proptosis"),
            ],
            excluded: Vec::new(),
        },
        candidates: vec![
            candidate(1, "OMIM:101600", "Pfeiffer syndrome", "FGFR2", 0.6),
            candidate(2, "OMIM:101200", "Apert syndrome", "FGFR2", 0.2),
        ],
        none_of_these: 0.1,
        candidates_for_90_percent: 2,
        none_in_90_percent: true,
        genes: vec![GeneProbability {
            gene: "FGFR2".to_owned(),
            probability: 0.8,
        }],
        examine_next: vec![Examination {
            term: name("HP:0010055", "Broad hallux"),
            bits: 0.4,
            expected: 0.6,
            speaks_for: vec!["Pfeiffer syndrome".to_owned()],
        }],
        genome: None,
        panel: None,
        network: None,
        changes: None,
        notes: Vec::new(),
        limits: vec!["Probabilities assume cases like those that are published.".to_owned()],
    }
}
