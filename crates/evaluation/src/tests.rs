//! The evaluation on the small invented release: published methods against figures computed apart,
//! regimes, registries and noise by what must and must not change.

use ligate_clinic::phenotype::{Annotations, Counts, Edit, Profile, Query};
use ligate_knowledge::{
    DiseaseIndex, Knowledge, mini,
    ontology::{Resolution, Term},
};
use ligate_model::{Case, Observation, StatedDiagnosis, TermId};

use super::{
    Candidates, Chosen, EvaluationSet, Miss, Noise, NoiseMaker, Patients, Publishing, Regime,
    Setting, Subjects, Watch, evaluate,
    rivals::{Corpus, Kind, Lirical, Rival, Similarity},
    run,
};

fn term(knowledge: &Knowledge, id: &str) -> Term {
    match knowledge.ontology.resolve(id.parse().expect("an id")) {
        Resolution::Current(term) | Resolution::Replaced { by: term } => term,
        other => panic!("{id}: {other:?}"),
    }
}

fn disease(knowledge: &Knowledge, id: &str) -> DiseaseIndex {
    knowledge
        .find_disease(id.parse().expect("an id"))
        .expect("it is in the fixture")
}

fn case(
    id: &str,
    publications: &[u32],
    disease: &str,
    observed: &[&str],
    excluded: &[&str],
) -> Case {
    let observe = |id: &&str| Observation {
        term: id.parse().expect("a term"),
        onset: None,
        modifiers: Vec::new(),
    };
    let stated = StatedDiagnosis {
        disease: disease.parse().ok(),
        genes: vec!["FGFR2".to_owned()],
    };
    Case {
        id: id.to_owned(),
        observed: observed.iter().map(observe).collect(),
        excluded: excluded
            .iter()
            .map(|id| id.parse().expect("a term"))
            .collect(),
        diagnoses: vec![stated],
        publications: publications
            .iter()
            .map(|number| format!("PMID:{number}").parse().expect("a PMID"))
            .collect(),
        ..Case::default()
    }
}

fn setting(regime: Regime) -> Setting<'static> {
    let candidates = Candidates::Omim;
    Setting {
        regime,
        noise: None,
        excluded_terms: true,
        release: None,
        candidates,
        threads: 1,
    }
}

/// A query of the fixture: two phenotypes of Pfeiffer's syndrome and one of the encephalopathy.
fn query(knowledge: &Knowledge) -> Query {
    let terms = |ids: &[&str]| ids.iter().map(|id| term(knowledge, id)).collect::<Vec<_>>();
    let observed = terms(&["HP:0004440", "HP:0032677", "HP:0010055"]);
    Query::from_terms(
        &knowledge.ontology,
        &observed,
        &terms(&["HP:0001249", "HP:0000316"]),
    )
}

fn methods(
    annotations: &Annotations<'_>,
    scores: &dyn Fn(&dyn Rival) -> Vec<f64>,
) -> [Vec<f64>; 4] {
    let corpus = || Corpus::new(annotations, annotations.knowledge().candidates());
    let similarity = |kind| scores(&Similarity::new(kind, corpus()));
    let [phenodigm, one_sided, symmetric] =
        [Kind::Phenodigm, Kind::ResnikOneSided, Kind::ResnikSymmetric].map(similarity);
    [
        phenodigm,
        one_sided,
        symmetric,
        scores(&Lirical::new(corpus())),
    ]
}

/// Scores of OMIM:101200, 101400, 101600, 300001, 600010, 619340 from a separate program that
/// applies the published definitions pair by pair (Python 3, no shared code).
#[test]
fn published_methods_agree_with_their_definitions() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let query = query(&knowledge);
    let found = methods(&annotations, &|rival| rival.adjusted(&[]).scores(&query));
    let wanted = [
        [0.0, 0.0, 0.875, 0.0, 0.0, 0.875],
        [
            0.86165417, 0.52832083, 1.1949875, 0.52832083, 0.1949875, 0.86165417,
        ],
        [
            0.8789474, 0.66040104, 1.18105982, 0.91040104, 0.38997499, 1.32706771,
        ],
        [
            -3.37610817,
            -10.75078541,
            0.76214005,
            -9.5876346,
            -12.25794448,
            -11.48475459,
        ],
    ];
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-6, "{found} is not {wanted}");
        }
    }
}

/// Taking rows out one case at a time gives what a method built without them gives.
#[test]
fn a_changed_method_is_the_method_of_the_changed_annotations() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let query = query(&knowledge);
    let (pfeiffer, apert) = (
        disease(&knowledge, "OMIM:101600"),
        disease(&knowledge, "OMIM:101200"),
    );
    let out = [
        "PMID:1002".parse().expect("a PMID"),
        "PMID:1003".parse().expect("a PMID"),
    ];
    let added = [(term(&knowledge, "HP:0020219"), Counts { m: 4, n: 6 })];
    let edited = |disease, added| {
        annotations.edited(
            disease,
            &Edit {
                without: &out,
                own: &[],
                added,
            },
        )
    };
    let changes = vec![
        (pfeiffer, edited(pfeiffer, &added[..])),
        (apert, edited(apert, &[])),
    ];
    let changed = methods(&annotations, &|rival| {
        rival.adjusted(&changes).scores(&query)
    });
    let rebuilt = methods(&annotations.with(changes.clone()), &|rival| {
        rival.adjusted(&[]).scores(&query)
    });
    let before = methods(&annotations, &|rival| rival.adjusted(&[]).scores(&query));
    for ((changed, rebuilt), before) in changed.iter().zip(&rebuilt).zip(&before) {
        assert!(
            changed
                .iter()
                .zip(rebuilt)
                .all(|(a, b)| (a - b).abs() < 1e-9),
            "{changed:?} is not {rebuilt:?}"
        );
        assert_ne!(changed, before);
    }
    let emptied = vec![(apert, Profile::default())];
    let place = knowledge
        .candidates()
        .binary_search(&apert)
        .expect("a candidate");
    for scores in methods(&annotations, &|rival| {
        rival.adjusted(&emptied).scores(&query)
    }) {
        assert_eq!(scores[place], f64::NEG_INFINITY);
    }
}

/// PMID:1003 alone describes Apert's syndrome but for one row; PMID:31675180 all of the
/// encephalopathy.
#[test]
fn regimes_take_out_what_rests_on_the_case() {
    let knowledge = mini::knowledge();
    let cases = [
        case(
            "1",
            &[1003],
            "OMIM:101200",
            &["HP:0001159", "HP:0004440"],
            &[],
        ),
        case("2", &[31_675_180], "OMIM:619340", &["HP:0032677"], &[]),
        case("3", &[42], "OMIM:101600", &["HP:0010055"], &[]),
        case("4", &[43], "OMIM:1", &["HP:0010055"], &[]),
        case("5", &[], "ORPHA:710", &["HP:0010055"], &[]),
        case("6", &[44], "OMIM:101600", &["HP:0000006"], &[]),
    ];
    let annotations = Annotations::of(&knowledge);
    let subjects = Subjects::of(&knowledge, &cases);
    let bench = EvaluationSet::new(&annotations, &subjects, None);
    let ranks = |regime| {
        let done = run(&bench, Chosen::Floor, &setting(regime), &|_, _| {});
        let outcomes = done.disease.outcomes.repetitions[0]
            .iter()
            .map(|outcome| (outcome.rank, outcome.lacks));
        (done.disease.places, outcomes.collect::<Vec<_>>())
    };
    let (_, leaky) = ranks(Regime::Leaky);
    assert_eq!(leaky[0], (Some(1.0), None));
    assert_eq!(leaky[1], (Some(1.0), None));
    assert_eq!(leaky[2], (Some(1.0), None));
    assert_eq!(leaky[3], (None, Some(Miss::Absent)));
    assert_eq!(
        leaky[4],
        (Some(1.0), None),
        "an Orphanet id of the class is the class"
    );
    assert_eq!(leaky[5], (None, Some(Miss::NoTerm)));
    let (_, loo) = ranks(Regime::Loo);
    assert!(loo[0].0 > Some(1.0), "{:?}", loo[0]);
    assert_eq!(loo[1], (None, Some(Miss::NoRows)));
    assert_eq!(loo[2..], leaky[2..]);
    let (places, unseen) = ranks(Regime::Unseen);
    assert_eq!(
        places,
        [2, 3, 5],
        "no row names these publications, and they have one"
    );
    assert_eq!(unseen, [leaky[2], leaky[3], leaky[5]]);
    assert_eq!(subjects.prepared.without_publication, 1);
}

/// Broad hallux: 5 of 6, pooled over PMID:1001 and PMID:1002.
#[test]
fn pooled_rows_lose_the_publications_own_patients() {
    let knowledge = mini::knowledge();
    let hallux = &["HP:0010055"][..];
    let cases = [
        case("1", &[1001], "OMIM:101600", hallux, &[]),
        case("2", &[1001], "OMIM:101600", hallux, &[]),
        case("3", &[1001], "OMIM:101600", &["HP:0004440"], hallux),
        case("4", &[1002, 7], "OMIM:101600", hallux, &[]),
    ];
    let subjects = Subjects::of(&knowledge, &cases);
    let (pfeiffer, hallux) = (
        disease(&knowledge, "OMIM:101600"),
        term(&knowledge, "HP:0010055"),
    );
    let annotations = Annotations::of(&knowledge);
    let left = |numbers: &[u32]| {
        let out = cases.iter().find(|case| {
            case.publications
                .iter()
                .map(|pmid| pmid.0)
                .eq(numbers.iter().copied())
        });
        let out = &out.expect("a case").publications;
        let edit = Edit {
            without: out,
            own: &subjects.own(out, pfeiffer),
            added: &[],
        };
        let profile = annotations.edited(pfeiffer, &edit);
        profile
            .terms
            .iter()
            .find(|annotated| annotated.term == hallux)
            .and_then(|annotated| annotated.counts)
    };
    assert_eq!(left(&[1001]), Some(Counts { m: 3, n: 3 }));
    assert_eq!(left(&[1002, 7]), Some(Counts { m: 4, n: 5 }));
}

fn at_least(batch: &[&[TermId]], patients: usize, count: u32) -> Vec<(TermId, u32)> {
    let mut counts = std::collections::BTreeMap::new();
    for term in batch.iter().copied().flatten() {
        *counts.entry(*term).or_default() += 1;
    }
    let large = batch.len() >= patients;
    counts
        .into_iter()
        .filter(|(_, m)| large && *m >= count)
        .collect()
}

#[test]
fn a_nodes_own_publication_leaves_before_it_counts() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let absence = &["HP:0002121"][..];
    let mut cases = (0..5)
        .map(|n| case(&format!("a{n}"), &[500], "OMIM:101400", absence, &[]))
        .collect::<Vec<_>>();
    cases.push(case("b", &[1004], "OMIM:101400", absence, &[]));
    cases.push(case("c", &[600], "OMIM:1", absence, &[]));
    let patients = Patients::of(&annotations, &cases);
    assert_eq!(
        (
            patients.counted.already_annotated,
            patients.counted.without_disease
        ),
        (1, 1)
    );
    let rule = |batch: &[&[TermId]]| at_least(batch, 5, 3);
    let split = patients.split(0, Publishing::Batches(&rule));
    let saethre = disease(&knowledge, "OMIM:101400");
    let wanted = vec![(term(&knowledge, "HP:0002121"), Counts { m: 5, n: 5 })];
    assert_eq!(split.totals().get(&saethre), Some(&wanted));
    assert_eq!(
        split.without(&cases[0].publications, "x"),
        vec![(saethre, Vec::new())]
    );
    assert_eq!(
        split.without(&cases[5].publications, "b"),
        Vec::new(),
        "it was not counted"
    );
    let strict = |batch: &[&[TermId]]| at_least(batch, 6, 3);
    assert!(
        patients
            .split(0, Publishing::Batches(&strict))
            .totals()
            .is_empty()
    );
}

#[test]
fn counts_of_others_raise_a_disease_but_never_the_cases_own() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let absence = &["HP:0002121"][..];
    let others = (0..5)
        .map(|n| case(&format!("a{n}"), &[500], "OMIM:101400", absence, &[]))
        .collect::<Vec<_>>();
    let asked = [
        case("x", &[501], "OMIM:101400", absence, &[]),
        case("a0", &[500], "OMIM:101400", absence, &[]),
    ];
    let (patients, subjects) = (
        Patients::of(&annotations, &others),
        Subjects::of(&knowledge, &asked),
    );
    let bench = EvaluationSet::new(&annotations, &subjects, Some(&patients));
    let rule = |batch: &[&[TermId]]| at_least(batch, 5, 3);
    let counted = Setting {
        release: Some(Publishing::Batches(&rule)),
        threads: 2,
        ..setting(Regime::Unseen)
    };
    let ranks = |setting: &Setting| {
        let done = run(&bench, Chosen::Floor, setting, &|_, _| {});
        let of = |repetition: &Vec<super::Outcome>| {
            repetition
                .iter()
                .map(|outcome| outcome.rank)
                .collect::<Vec<_>>()
        };
        done.disease
            .outcomes
            .repetitions
            .iter()
            .map(of)
            .collect::<Vec<_>>()
    };
    let alone = ranks(&setting(Regime::Unseen));
    let together = ranks(&counted);
    assert_eq!(together.len(), 5);
    for ranks in together {
        assert!(ranks[0] < alone[0][0], "{ranks:?} {alone:?}");
        assert_eq!(
            ranks[1], alone[0][1],
            "the case's own publication is all that was released"
        );
    }
}

#[test]
fn noise_depends_on_the_case_and_the_seed_alone() {
    let knowledge = mini::knowledge();
    let ontology = &knowledge.ontology;
    let maker = NoiseMaker::new(ontology);
    let ids = [
        "HP:0032677",
        "HP:0004440",
        "HP:0000316",
        "HP:0010055",
        "HP:0001249",
    ];
    let observed = ids.map(|id| term(&knowledge, id));
    for noise in Noise::EVERY {
        assert_eq!(
            maker.list(noise, "case", 1, &observed),
            maker.list(noise, "case", 1, &observed)
        );
        let differs = |seed| {
            maker.list(noise, "case", seed, &observed) != maker.list(noise, "case", 0, &observed)
        };
        assert!((1..20).any(differs), "{noise:?}");
    }
    for seed in 0..50 {
        let vague = maker.list(Noise::Vague, "case", seed, &observed);
        let parent = |term: &Term| {
            observed.contains(term) || observed.iter().any(|o| ontology.parents(*o).contains(term))
        };
        assert!(
            vague
                .iter()
                .all(|term| parent(term) && *term != ontology.phenotype_root())
        );
        let short = maker.list(Noise::Short, "case", seed, &observed);
        assert!(short.len() == 3 && short.iter().all(|term| observed.contains(term)));
        let strange = maker.list(Noise::Strange, "case", seed, &observed);
        assert!(strange.starts_with(&observed) && strange.len() > 5 && strange.len() <= 10);
        assert!(
            strange
                .iter()
                .all(|term| ontology.is_a(*term, ontology.phenotype_root()))
        );
        assert!(maker.list(Noise::All, "case", seed, &observed).len() <= 6);
    }
}

#[test]
fn a_report_has_the_fields_that_are_promised() {
    let knowledge = mini::knowledge();
    let cases = [
        case(
            "1",
            &[1003],
            "OMIM:101200",
            &["HP:0001159", "HP:0004440"],
            &["HP:0001249"],
        ),
        case("2", &[42], "OMIM:101600", &["HP:0010055"], &[]),
        case("3", &[45], "ORPHA:99999", &["HP:0002121"], &[]),
    ];
    let annotations = Annotations::of(&knowledge);
    let subjects = Subjects::of(&knowledge, &cases);
    let bench = EvaluationSet::new(&annotations, &subjects, None);
    let ticks = std::cell::Cell::new(0.0);
    let clock = || {
        ticks.set(ticks.get() + 0.5);
        ticks.get()
    };
    let watch = Watch {
        clock_ms: Some(&clock),
        progress: &|_, _| {},
    };
    let report = evaluate(&bench, Chosen::Floor, &setting(Regime::Loo), &watch);
    let json = serde_json::to_value(&report).expect("it is plain data");
    for path in [
        "/disease/micro/n",
        "/disease/micro/top1",
        "/disease/macro/top10",
        "/gene/micro/top3",
        "/disease/without_misses/macro/top1",
        "/without_excluded_terms/disease/micro/top1",
        "/second_table/micro/n",
        "/ms_per_case",
        "/excluded_counts/without_publication",
        "/knowledge_version/hpo",
        "/regime",
    ] {
        assert!(
            json.pointer(path).is_some(),
            "{path} is missing in {json:#}"
        );
    }
    assert_eq!(json.pointer("/disease/micro/n"), Some(&3.into()));
    assert_eq!(
        json.pointer("/disease/misses/absent"),
        Some(&1.into()),
        "Orphanet's class is no candidate"
    );
    assert_eq!(json.pointer("/second_table/micro/top1"), Some(&1.0.into()));
    assert_eq!(json.pointer("/ms_per_case"), Some(&0.5.into()));
    assert!(
        json.pointer("/calibration").is_none(),
        "the likelihood ratio gives no probabilities"
    );
}
