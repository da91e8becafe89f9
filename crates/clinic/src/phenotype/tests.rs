//! The likelihood ratio, its reasons and the ranking on the small invented release, against figures
//! computed by hand.

use ligate_knowledge::{DiseaseIndex, Knowledge, mini, ontology::Term};
use ligate_model::{Case, Observation, Pmid, Sex};

use super::{
    Annotations, Counts, Edit, Example, Model, Profile, Query, QueryError, QueryNote, Relation,
    Scorer, examine_next, explain, publication_hash, rank, rank_of, train,
};

fn term(knowledge: &Knowledge, id: &str) -> Term {
    knowledge
        .ontology
        .term(id.parse().expect("an id"))
        .expect("a term of the fixture")
}

fn disease(knowledge: &Knowledge, id: &str) -> DiseaseIndex {
    knowledge
        .find_disease(id.parse().expect("an id"))
        .expect("a disease of the fixture")
}

fn query(knowledge: &Knowledge, observed: &[&str], excluded: &[&str]) -> Query {
    let terms = |ids: &[&str]| ids.iter().map(|id| term(knowledge, id)).collect::<Vec<_>>();
    Query::from_terms(&knowledge.ontology, &terms(observed), &terms(excluded))
}

fn s(scorer: &Scorer, query: &Query, id: &str) -> f64 {
    let position = scorer
        .position(disease(scorer.knowledge(), id))
        .expect("a candidate");
    scorer.scores(query)[position]
}

#[track_caller]
fn close(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} instead of {right}");
}

const PFEIFFER: &str = "OMIM:101600";
const APERT: &str = "OMIM:101200";
const SAETHRE_CHOTZEN: &str = "OMIM:101400";
const ENCEPHALOPATHY: &str = "OMIM:619340";

/// f of the most frequent term of every candidate: F of HP:0000118.
const LARGEST: [f64; 6] = [0.9, 10.9 / 13.0, 6.9 / 11.0, 2.9 / 5.0, 7.9 / 10.0, 0.125];

#[test]
fn the_ratio_by_hand() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    let coronal = query(&knowledge, &["HP:0004440"], &[]);
    let background = (3.9 / 6.0 + 9.9 / 13.0 + 4.9 / 11.0) / 6.0;
    close(
        scorer.background(term(&knowledge, "HP:0004440")),
        background,
    );
    close(
        s(&scorer, &coronal, APERT),
        (0.5 + 0.5 * (9.9 / 13.0) / background).ln(),
    );
    // Three levels up to the first ancestor that the disease has.
    let far = 0.05_f64.powi(3) * (2.9 / 5.0) / (LARGEST.iter().sum::<f64>() / 6.0);
    close(s(&scorer, &coronal, ENCEPHALOPATHY), (0.5 + 0.5 * far).ln());
    let top = scorer.top(&coronal, 2);
    assert_eq!(top[0].0, disease(&knowledge, APERT));
    close(top[0].1, s(&scorer, &coronal, APERT));
}

#[test]
fn an_annotated_absence_counts_a_twentieth() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    let hallux = query(&knowledge, &["HP:0010055"], &[]);
    let skeletal = (5.9 / 9.0 + 10.9 / 13.0 + 6.9 / 11.0 + 0.125) / 6.0;
    let ratio: f64 = 0.05 * (6.9 / 11.0) / skeletal;
    close(
        s(&scorer, &hallux, SAETHRE_CHOTZEN),
        (0.5 + 0.5 * 0.05 * ratio).ln(),
    );
    let explanation =
        explain(&scorer, &hallux, disease(&knowledge, SAETHRE_CHOTZEN)).expect("a candidate");
    assert!(explanation.contributions[0].absent);
    close(explanation.s, s(&scorer, &hallux, SAETHRE_CHOTZEN));
    // None of four patients: the same.
    let disability = query(&knowledge, &["HP:0001249"], &[]);
    let explanation =
        explain(&scorer, &disability, disease(&knowledge, PFEIFFER)).expect("a candidate");
    assert!(explanation.contributions[0].absent);
}

#[test]
fn a_publication_is_taken_out() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let pfeiffer = disease(&knowledge, PFEIFFER);
    assert_eq!(annotations.naming(Pmid(1002)), [pfeiffer]);
    let hallux = term(&knowledge, "HP:0010055");
    let own = [(hallux, Counts { m: 2, n: 2 })];
    let edit = Edit {
        without: &[Pmid(1002)],
        own: &own,
        added: &[],
    };
    let left = annotations.edited(pfeiffer, &edit);
    let f = |profile: &Profile, id: &str| {
        let term = term(&knowledge, id);
        profile
            .terms
            .iter()
            .find(|annotated| annotated.term == term)
            .map(|annotated| annotated.f)
    };
    assert_eq!(
        f(&left, "HP:0010055"),
        Some(3.9 / 7.0),
        "3 of 4 are left of 5 of 6"
    );
    assert_eq!(f(&left, "HP:0000520"), None, "the row named nothing else");
    assert!(left.absent.is_empty());
    let impossible = Edit {
        own: &[(hallux, Counts { m: 6, n: 6 })],
        ..edit
    };
    assert_eq!(
        f(&annotations.edited(pfeiffer, &impossible), "HP:0010055"),
        None
    );
    let added = [(hallux, Counts { m: 4, n: 4 })];
    let counted = annotations.edited(
        pfeiffer,
        &Edit {
            added: &added,
            ..Edit::default()
        },
    );
    assert_eq!(f(&counted, "HP:0010055"), Some(9.9 / 13.0));
}

/// A scorer changed against its base equals one that is built anew.
#[test]
fn changes_equal_a_new_base() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let base = Scorer::new(&annotations);
    for (publication, id) in [
        (1001, PFEIFFER),
        (1002, PFEIFFER),
        (1003, APERT),
        (1004, SAETHRE_CHOTZEN),
    ] {
        let index = disease(&knowledge, id);
        let edit = Edit {
            without: &[Pmid(publication)],
            ..Edit::default()
        };
        let changes = vec![(index, annotations.edited(index, &edit))];
        let (changed, anew) = (
            base.adjusted(changes.clone()),
            Scorer::new(&annotations.with(changes)),
        );
        for term in knowledge.ontology.terms() {
            let query = Query::from_terms(&knowledge.ontology, &[term], &[]);
            assert_eq!(changed.scores(&query), anew.scores(&query));
            assert_eq!(changed.background(term), anew.background(term));
        }
    }
}

/// A disease of which nothing is left is not ranked, unless it borrows from its gene's other
/// diseases.
#[test]
fn nothing_left() {
    let knowledge = mini::knowledge();
    let annotations = Annotations::of(&knowledge);
    let scorer = Scorer::new(&annotations);
    let coronal = query(&knowledge, &["HP:0004440"], &[]);
    let gone = disease(&knowledge, APERT);
    let changed = scorer.adjusted(vec![(gone, Profile::default())]);
    let position = changed.position(gone).expect("a candidate");
    assert_eq!(rank_of(&changed.scores(&coronal), position), None);
    assert_eq!(explain(&changed, &coronal, gone), None);
    assert!(
        changed
            .top(&coronal, 10)
            .iter()
            .all(|(disease, _)| *disease != gone)
    );
    let borrowed = annotations
        .borrowed(gone, &[])
        .expect("FGFR2 has another disease");
    assert!(borrowed.borrowed);
    let changed = scorer.adjusted(vec![(gone, borrowed)]);
    let coronal = term(&knowledge, "HP:0004440");
    close(
        changed.frequency(gone, coronal),
        scorer.frequency(disease(&knowledge, PFEIFFER), coronal),
    );
}

#[test]
fn contributions_sum_to_s_and_removing_a_term_changes_it_as_shown() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    // HP:0001363 is implied by HP:0004440 and takes its place when that is removed.
    let query = query(
        &knowledge,
        &["HP:0001363", "HP:0004440", "HP:0010055", "HP:0032677"],
        &["HP:0000316"],
    );
    for index in knowledge.candidates() {
        let position = scorer.position(*index).expect("a candidate");
        let s = scorer.scores(&query)[position];
        let explanation = explain(&scorer, &query, *index).expect("a candidate");
        assert_eq!(explanation.contributions.len(), 3);
        close(
            explanation
                .contributions
                .iter()
                .map(|contribution| contribution.value)
                .sum(),
            s,
        );
        for contribution in &explanation.contributions {
            let rest = query.without(&knowledge.ontology, contribution.term);
            close(contribution.if_removed, s - scorer.scores(&rest)[position]);
        }
    }
    let explanation = explain(&scorer, &query, disease(&knowledge, PFEIFFER)).expect("a candidate");
    let coronal = explanation.contributions[0]
        .matched
        .clone()
        .expect("a match");
    assert_eq!(coronal.relation, Relation::Same);
    assert_eq!(coronal.counts, Some(Counts { m: 3, n: 3 }));
    assert_eq!(coronal.references.len(), 1);
    assert_eq!(
        explanation.contributions[2].matched, None,
        "Pfeiffer's has no seizures"
    );
    let missing: Vec<Term> = explanation
        .missing
        .iter()
        .map(|feature| feature.term)
        .collect();
    assert_eq!(missing, [term(&knowledge, "HP:0000316")]);
    let unknown: Vec<Term> = explanation
        .unknown
        .iter()
        .map(|feature| feature.term)
        .collect();
    assert_eq!(
        unknown,
        [term(&knowledge, "HP:0000520")],
        "half of the patients have proptosis"
    );
}

/// Whatever is excluded, no disease's S, score, probability or rank rises.
#[test]
fn an_excluded_term_raises_nothing() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    let weights = Model::built_in().full();
    let plain = query(&knowledge, &["HP:0004440", "HP:0010055"], &[]);
    let before = rank(&scorer, weights, &plain);
    for term in knowledge.ontology.terms() {
        let after = rank(
            &scorer,
            weights,
            &plain.with_excluded(&knowledge.ontology, term),
        );
        for ranked in &before.leading {
            let other = after
                .leading
                .iter()
                .find(|other| other.disease == ranked.disease)
                .expect("ranked");
            assert!(
                other.s <= ranked.s && other.score <= ranked.score,
                "{term:?}"
            );
            assert!(other.probability <= ranked.probability, "{term:?}");
            assert!(
                after.rank_of(ranked.disease) >= before.rank_of(ranked.disease),
                "{term:?}"
            );
        }
    }
}

#[test]
fn terms_that_cannot_be_taken_as_they_stand() {
    let knowledge = mini::knowledge();
    let observe = |id: &str| Observation {
        term: id.parse().expect("an id"),
        onset: None,
        modifiers: Vec::new(),
    };
    let observed = [
        "HP:0000058",
        "HP:0004440",
        "HP:0001363",
        "HP:0000059",
        "HP:7654321",
        "HP:0000006",
    ];
    let mut case = Case {
        observed: observed.map(observe).into(),
        ..Case::default()
    };
    case.excluded = ["HP:0000152", "HP:0001250"]
        .map(|id| id.parse().expect("an id"))
        .into();
    let (query, notes) = Query::of(&case, &knowledge.ontology).expect("usable terms");
    assert_eq!(
        query.observed,
        [
            term(&knowledge, "HP:0001159"),
            term(&knowledge, "HP:0004440")
        ]
    );
    assert_eq!(query.stated.len(), 3);
    assert_eq!(query.excluded, [term(&knowledge, "HP:0001250")]);
    let id = |text: &str| text.parse().expect("an id");
    assert!(notes.contains(&QueryNote::Replaced {
        from: id("HP:0000058"),
        to: id("HP:0001159")
    }));
    assert!(notes.contains(&QueryNote::Unknown(id("HP:7654321"))));
    assert!(notes.contains(&QueryNote::NotPhenotype(id("HP:0000006"))));
    assert!(notes.contains(&QueryNote::Contradictory(id("HP:0000152"))));
    let obsolete = |note: &QueryNote| matches!(note, QueryNote::Obsolete { consider, .. } if consider.len() == 2);
    assert!(notes.iter().any(obsolete));
    assert_eq!(
        Query::of(&Case::default(), &knowledge.ontology).err(),
        Some(QueryError::NoTerms)
    );
    let strange = Case {
        observed: vec![observe("HP:7654321")],
        ..Case::default()
    };
    assert_eq!(
        Query::of(&strange, &knowledge.ontology).err(),
        Some(QueryError::NoneKnown { stated: 1 })
    );
}

#[test]
fn the_ranking_adds_up() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    let mut query = query(&knowledge, &["HP:0004440", "HP:0010055"], &[]);
    query.sex = Some(Sex::Female);
    let ranking = rank(&scorer, Model::built_in().full(), &query);
    let sum: f64 = ranking
        .leading
        .iter()
        .map(|ranked| ranked.probability)
        .sum();
    close(sum + ranking.none_of_these, 1.0);
    assert_eq!(ranking.leading[0].disease, disease(&knowledge, PFEIFFER));
    assert_eq!(ranking.rank_of(ranking.leading[0].disease), Some(1.0));
    for ranked in &ranking.leading {
        close(
            ranked.shift_parts.iter().map(|(_, part)| part).sum(),
            ranked.shift,
        );
        close(ranked.s + ranked.shift, ranked.score);
    }
    let gene = knowledge.find_gene("FGFR2").expect("a gene of the fixture");
    let probability = ranking
        .genes
        .iter()
        .find(|(other, _)| *other == gene)
        .expect("ranked")
        .1;
    let parts = [PFEIFFER, APERT].map(|id| ranking.probability_of(disease(&knowledge, id)));
    close(probability, parts.iter().sum());
    assert_eq!(ranking.gene_rank_of(gene), Some(1.0));
    let held: f64 = ranking
        .set90
        .diseases
        .iter()
        .map(|disease| ranking.probability_of(*disease))
        .sum();
    assert!(
        held + if ranking.set90.none {
            ranking.none_of_these
        } else {
            0.0
        } >= 0.9
    );
}

/// The gain against the joint distribution of disease and answer, written out.
#[test]
fn the_expected_gain_by_brute_force() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    let query = query(&knowledge, &["HP:0004440"], &["HP:0001250"]);
    let posterior = [
        (disease(&knowledge, PFEIFFER), 0.5),
        (disease(&knowledge, APERT), 0.3),
    ];
    let examinations = examine_next(&scorer, &query, &posterior, 100);
    let asked: Vec<Term> = examinations
        .iter()
        .map(|examination| examination.term)
        .collect();
    assert!(
        !asked.contains(&term(&knowledge, "HP:0004440"))
            && !asked.contains(&term(&knowledge, "HP:0001363"))
    );
    assert!(!asked.contains(&term(&knowledge, "HP:0001250")));
    assert!(examinations.is_sorted_by(|left, right| left.bits >= right.bits));
    let syndactyly = term(&knowledge, "HP:0001159");
    let q = [2.9 / 12.0, 10.9 / 13.0];
    let p = [0.5 / 0.8, 0.3 / 0.8];
    let mut gain = 0.0;
    for present in [true, false] {
        let joint: Vec<f64> = (0..2)
            .map(|d| p[d] * if present { q[d] } else { 1.0 - q[d] })
            .collect();
        let answer: f64 = joint.iter().sum();
        gain += (0..2)
            .map(|d| joint[d] * (joint[d] / (p[d] * answer)).log2())
            .sum::<f64>();
    }
    let found = examinations
        .iter()
        .find(|examination| examination.term == syndactyly)
        .expect("open");
    close(found.bits, gain);
}

/// A case whose publication was used is ranked by weights that were fitted without it.
#[test]
fn a_model_is_fitted_by_fold() {
    let knowledge = mini::knowledge();
    let scorer = Scorer::new(&Annotations::of(&knowledge));
    let cases = [
        (&["HP:0004440", "HP:0010055"], PFEIFFER),
        (&["HP:0001159", "HP:0000316"], APERT),
    ];
    let examples: Vec<Example> = (1..=40)
        .map(|number| {
            let (observed, truth) = cases[number as usize % 2];
            let query = query(&knowledge, observed, &[]);
            Example::of(
                &scorer,
                &query,
                Pmid(number),
                disease(&knowledge, truth),
                1.0,
            )
        })
        .collect();
    let model = train(&examples, knowledge.ontology.version()).expect("determined");
    assert!(model.has_seen(Pmid(7)) && !model.has_seen(Pmid(41)));
    assert!(std::ptr::eq(model.for_case(&[Pmid(41)]), model.full()));
    let fold = (publication_hash(Pmid(7)) % 10) as usize;
    assert!(std::ptr::eq(
        model.for_case(&[Pmid(41), Pmid(7)]),
        &raw const model.folds[fold]
    ));
    let text = model.to_json().expect("numbers");
    let again = Model::from_json(&text).expect("its own text");
    assert!(again.has_seen(Pmid(7)) && !again.has_seen(Pmid(41)));
    for (left, right) in again.full().utility().iter().zip(model.full().utility()) {
        assert_eq!(left.0, right.0);
        close(left.1, right.1);
    }
    assert!(Model::from_json("{}").is_err());
    assert!(Model::from_json(&text.replacen("\"format\":1", "\"format\":2", 1)).is_err());
}
