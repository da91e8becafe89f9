use ligate_model::{DiagnosisCount, DiseaseId, NodeName, TermId};
use proptest::prelude::*;

use super::*;

fn row(disease: u32, term: u32, m: u32, n: u32) -> DiagnosisCount {
    DiagnosisCount {
        disease: DiseaseId::Omim(disease),
        term: TermId::from_number(term).unwrap(),
        m,
        n,
    }
}

fn peer(name: &str, counts: &[(u32, u32, u32, u32)]) -> PeerCounts {
    let mut read = PeerCounts {
        peer: NodeName::new(name).unwrap(),
        unused: Unused::default(),
        counts: BTreeMap::new(),
    };
    for (disease, term, m, n) in counts {
        let terms = read.counts.entry(DiseaseIndex(*disease)).or_default();
        terms.insert(Term(*term), Counts { m: *m, n: *n });
    }
    read
}

#[track_caller]
fn check_refused(rows: Vec<DiagnosisCount>, expected: &str) {
    let error = CountTable::new(rows).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn hostile_rows_are_refused_by_name() {
    check_refused(vec![row(1, 2, 6, 5)], "6 of 5 patients is impossible");
    check_refused(
        vec![row(1, 2, 0, 5)],
        "OMIM:000001 HP:0000002: no patient has it",
    );
    check_refused(vec![row(1, 2, 1, u32::MAX)], "more than 1000000 patients");
    check_refused(
        vec![row(1, 2, 3, 5), row(7, 2, 3, 5), row(1, 2, 3, 6)],
        "is there twice",
    );
    let long = (0..=ROWS_PER_DISEASE_MAX as u32)
        .map(|term| row(1, term, 1, 1))
        .collect();
    check_refused(long, "rows of OMIM:000001");
    let large = vec![row(1, 2, 1, 1); ROWS_MAX + 1];
    check_refused(large, "more than 500000 rows");
}

#[track_caller]
fn check_unreadable(text: &str, expected: &str) {
    let error = CountTable::read(text).unwrap_err().to_string();
    assert!(error.contains(expected), "{text}: {error}");
}

#[test]
fn broken_text_is_refused_with_its_line() {
    check_unreadable("", "first line");
    check_unreadable("disease\tterm\tm\tn\nOMIM:1\tHP:0000001\t3\n", "line 2");
    check_unreadable(
        "disease\tterm\tm\tn\nOMIM:1\tHP:0000001\t3\t5\t6\n",
        "line 2",
    );
    check_unreadable(
        "disease\tterm\tm\tn\nOMIM:1\tHP:0000001\t3\t5\nOMIM:1\tMP:0000001\t3\t5\n",
        "line 3",
    );
    check_unreadable("disease\tterm\tm\tn\nOMIM:1\tHP:0000001\t-3\t5\n", "line 2");
    check_unreadable(
        "disease\tterm\tm\tn\nOMIM:1\tHP:0000001\t4294967296\t5\n",
        "line 2",
    );
    check_unreadable("disease\tterm\tm\tn\nOMIM:1\tHP:0000001\t7\t5\n", "7 of 5");
    check_unreadable(&"x".repeat(TEXT_BYTES_MAX + 1), "larger than");
}

proptest! {
    #[test]
    fn text_round_trips(rows in prop::collection::btree_map((1..50_u32, 1..50_u32), (1..9_u32, 0..9_u32), 0..60)) {
        let rows = rows.into_iter().map(|((disease, term), (m, more))| row(disease, term, m, m + more));
        let table = CountTable::new(rows.collect()).unwrap();
        prop_assert_eq!(CountTable::read(&table.to_text()).unwrap(), table);
    }

    #[test]
    fn any_text_is_a_table_or_an_error(text in ".{0,200}") {
        let _ = CountTable::read(&format!("{HEADER}\n{text}"));
    }

    /// No claim weighs more than the bound, and none changes its share by more than half a patient
    /// of it.
    #[test]
    fn no_claim_weighs_more_than_the_bound(n in 1..=PATIENTS_MAX, share in 0.0..1.0_f64) {
        let m = ((f64::from(n) * share) as u32).max(1);
        let bounded = weighed(Counts { m, n });
        prop_assert!(bounded.m >= 1 && bounded.m <= bounded.n && bounded.n <= WEIGHT_MAX);
        let (before, after) = (f64::from(m) / f64::from(n), f64::from(bounded.m) / f64::from(bounded.n));
        prop_assert!((before - after).abs() <= 0.5 / f64::from(WEIGHT_MAX) + 1e-12 || bounded.m == 1);
    }
}

#[test]
fn totals_are_sums_over_peers() {
    let (a, b) = (
        peer("a", &[(1, 1, 3, 5), (1, 2, 4, 5)]),
        peer("b", &[(1, 2, 3, 9), (2, 1, 3, 6)]),
    );
    let expected = vec![
        (
            DiseaseIndex(1),
            vec![
                (Term(1), Counts { m: 3, n: 5 }),
                (Term(2), Counts { m: 7, n: 14 }),
            ],
        ),
        (DiseaseIndex(2), vec![(Term(1), Counts { m: 3, n: 6 })]),
    ];
    assert_eq!(totals(&[&a, &b]), expected);
    assert_eq!(totals(&[]), vec![]);
}

/// A rank that is 1 only with the lying peer's counts is shown to rest on it, and on nobody else.
#[test]
fn a_peer_that_decides_alone_is_named() {
    let peers = [
        peer("honest", &[(1, 1, 3, 5)]),
        peer("liar", &[(2, 1, 50, 50)]),
    ];
    let rank = |peers: &[&PeerCounts]| {
        let lies = peers
            .iter()
            .any(|peer| peer.counts(DiseaseIndex(2), Term(1)).is_some());
        vec![
            Some(if lies { 2.0 } else { 1.0 }),
            Some(if lies { 1.0 } else { 900.0 }),
            None,
        ]
    };
    let influence = ranks_with_and_without(&peers, rank);
    assert_eq!(influence.with_none, [Some(1.0), Some(900.0), None]);
    assert_eq!(
        influence.without[0],
        (peers[0].peer.clone(), vec![Some(2.0), Some(1.0), None])
    );
    assert_eq!(influence.without[1].1, [Some(1.0), Some(900.0), None]);
    assert_eq!(influence.deciding(1, 10.0), [&peers[1].peer]);
    assert!(influence.deciding(2, 10.0).is_empty());
}

mod with_knowledge {
    use ligate_knowledge::mini;
    use ligate_model::{Case, Observation, StatedDiagnosis};

    use super::*;
    use crate::phenotype::{Query, Scorer, rank_of};

    fn counts(disease: &str, term: &str, m: u32, n: u32) -> DiagnosisCount {
        DiagnosisCount {
            disease: disease.parse().unwrap(),
            term: term.parse().unwrap(),
            m,
            n,
        }
    }

    fn read(name: &str, rows: Vec<DiagnosisCount>, knowledge: &Knowledge) -> PeerCounts {
        PeerCounts::of(
            NodeName::new(name).unwrap(),
            &CountTable::new(rows).unwrap(),
            knowledge,
        )
    }

    #[test]
    fn rows_of_one_class_and_of_one_term_are_summed_and_the_rest_is_counted() {
        let knowledge = mini::knowledge();
        let rows = vec![
            counts("OMIM:101600", "HP:0001250", 3, 6),
            // The same disease by Orphanet, the same term by an older id.
            counts("ORPHA:710", "HP:0001275", 4, 60),
            counts("OMIM:999999", "HP:0001250", 3, 6),
            counts("OMIM:101600", "HP:0000006", 3, 6),
            counts("OMIM:101600", "HP:9999999", 3, 6),
        ];
        let peer = read("a", rows, &knowledge);
        assert_eq!(
            peer.unused,
            Unused {
                diseases: 1,
                terms: 2,
                scaled: 1
            }
        );
        let disease = knowledge.find_disease(DiseaseId::Omim(101_600)).unwrap();
        let seizure = knowledge
            .ontology
            .term("HP:0001250".parse().unwrap())
            .unwrap();
        // 7 of 66 as of 50 patients.
        assert_eq!(
            peer.counts(disease, seizure),
            Some(Counts {
                m: 5,
                n: WEIGHT_MAX
            })
        );
        assert_eq!(peer.rows(), 1);
    }

    /// Seizures are nothing of Pfeiffer syndrome in the release; a peer that says so lifts it, and
    /// is found out.
    #[test]
    fn ranks_show_which_peer_they_rest_on() {
        let knowledge = mini::knowledge();
        let annotations = Annotations::of(&knowledge);
        let scorer = Scorer::new(&annotations);
        let seizure = knowledge
            .ontology
            .term("HP:0001250".parse().unwrap())
            .unwrap();
        let query = Query::from_terms(&knowledge.ontology, &[seizure], &[]);
        let pfeiffer = knowledge.find_disease(DiseaseId::Omim(101_600)).unwrap();
        let liar = read(
            "liar",
            vec![counts("OMIM:101600", "HP:0001250", 900_000, 900_000)],
            &knowledge,
        );
        let honest = read(
            "honest",
            vec![counts("OMIM:101600", "HP:0000316", 4, 5)],
            &knowledge,
        );
        let rank = |peers: &[&PeerCounts]| {
            let scores = scorer
                .adjusted(with_counts(&annotations, peers))
                .scores(&query);
            vec![rank_of(&scores, scorer.position(pfeiffer).unwrap())]
        };
        let influence = ranks_with_and_without(&[honest, liar], rank);
        let [(_, without_honest), (_, without_liar)] = &influence.without[..] else {
            panic!("two peers")
        };
        assert_eq!(influence.with_all, [Some(1.0)]);
        assert_eq!(*without_honest, [Some(1.0)]);
        assert_eq!(*without_liar, influence.with_none);
        assert!(influence.with_none[0].unwrap() > 1.0, "{influence:?}");
    }

    fn case(diseases: &[&str], terms: &[&str]) -> Case {
        let stated = |id: &&str| StatedDiagnosis {
            disease: id.parse().ok(),
            genes: Vec::new(),
        };
        let observed = |id: &&str| Observation {
            term: id.parse().unwrap(),
            onset: None,
            modifiers: Vec::new(),
        };
        Case {
            diagnoses: diseases.iter().map(stated).collect(),
            observed: terms.iter().map(observed).collect(),
            ..Case::default()
        }
    }

    #[track_caller]
    fn check_entry(diseases: &[&str], terms: &[&str], expected: Result<&[&str], NotEntered>) {
        let entered = entry(&case(diseases, terms), &mini::knowledge());
        let terms = entered.map(|entry| {
            entry
                .terms
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        });
        assert_eq!(
            terms,
            expected.map(|terms| terms.iter().map(ToString::to_string).collect())
        );
    }

    #[test]
    fn a_patient_enters_for_one_disease_with_most_specific_terms() {
        let specific = Ok(&["HP:0002197"][..]);
        check_entry(
            &["OMIM:101600"],
            &["HP:0001275", "HP:0002197", "HP:0000006"],
            specific,
        );
        check_entry(&["OMIM:101600", "ORPHA:710"], &["HP:0002197"], specific);
        check_entry(&["OMIM:101600"], &[], Ok(&[]));
        check_entry(
            &["OMIM:101600", "OMIM:101200"],
            &["HP:0002197"],
            Err(NotEntered::SeveralDiseases),
        );
        check_entry(
            &["OMIM:999999"],
            &["HP:0002197"],
            Err(NotEntered::UnknownDisease),
        );
        check_entry(
            &["nonsense"],
            &["HP:0002197"],
            Err(NotEntered::UnknownDisease),
        );
        check_entry(&[], &["HP:0002197"], Err(NotEntered::NoDisease));
    }
}
