use ligate_model::TermId;

use super::*;
use crate::{
    mini,
    sources::obo::{self, Obo},
};

fn id(number: u32) -> TermId {
    TermId::from_number(number).unwrap()
}

fn ontology() -> Ontology {
    Ontology::build(&mini::sources().ontology).unwrap().0
}

fn numbers(ontology: &Ontology, terms: &[Term]) -> Vec<u32> {
    terms
        .iter()
        .map(|&term| ontology.id(term).number())
        .collect()
}

#[test]
fn ids_resolve_to_terms_in_force() {
    let ontology = ontology();
    assert_eq!((ontology.len(), ontology.version()), (35, "2025-01-01"));
    let term = |number| ontology.term(id(number)).unwrap();
    assert_eq!(ontology.resolve(id(1250)), Resolution::Current(term(1250)));
    assert_eq!(ontology.name(term(1250)), "Seizure");
    assert_eq!(
        ontology.resolve(id(1275)),
        Resolution::Replaced { by: term(1250) }
    );
    // Obsolete, and a chain of two obsolete ids.
    assert_eq!(
        ontology.resolve(id(57)),
        Resolution::Replaced { by: term(1159) }
    );
    assert_eq!(
        ontology.resolve(id(58)),
        Resolution::Replaced { by: term(1159) }
    );
    assert_eq!(
        ontology.resolve(id(59)),
        Resolution::Obsolete {
            consider: vec![id(316), id(520)]
        }
    );
    assert_eq!(ontology.resolve(id(9_999_999)), Resolution::Unknown);
    assert_eq!(ontology.term(id(59)), None);
}

#[test]
fn synonyms_keep_their_scope_and_kind() {
    let ontology = ontology();
    let found: Vec<_> = ontology
        .synonyms(ontology.term(id(1250)).unwrap())
        .collect();
    let synonym = |text, scope, kind| Synonym { text, scope, kind };
    let expected = [
        synonym("Seizures", SynonymScope::Exact, SynonymKind::Layperson),
        synonym(
            "Epileptic seizure",
            SynonymScope::Exact,
            SynonymKind::Clinical,
        ),
        synonym("Epilepsy", SynonymScope::Related, SynonymKind::Clinical),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_graph_is_walked_both_ways() {
    let ontology = ontology();
    let term = |number| ontology.term(id(number)).unwrap();
    let motor = term(32_677);
    assert_eq!(numbers(&ontology, ontology.parents(motor)), [2197, 20_219]);
    assert_eq!(
        numbers(&ontology, ontology.ancestors(motor)),
        [1, 118, 707, 1250, 2197, 20_219, 32_677]
    );
    assert_eq!(
        numbers(&ontology, ontology.children(term(1250))),
        [2197, 20_219]
    );
    assert_eq!(
        numbers(&ontology, &ontology.descendants(term(1250))),
        [1250, 2121, 2197, 20_219, 32_677]
    );
    assert!(ontology.is_a(motor, motor) && ontology.is_a(motor, ontology.root()));
    assert!(!ontology.is_a(term(1250), motor) && !ontology.is_phenotype(term(3577)));
}

#[test]
fn parents_come_before_children() {
    let ontology = ontology();
    let mut place = vec![0; ontology.len()];
    for (at, term) in ontology.topological().iter().enumerate() {
        place[term.index()] = at;
    }
    assert_eq!(ontology.topological().len(), ontology.len());
    for term in ontology.terms() {
        assert!(
            ontology
                .parents(term)
                .iter()
                .all(|parent| place[parent.index()] < place[term.index()])
        );
    }
}

#[test]
fn ancestors_of_others_are_dropped() {
    let ontology = ontology();
    let terms = [1250, 316, 2121, 118, 316, 271].map(|number| ontology.term(id(number)).unwrap());
    assert_eq!(
        numbers(&ontology, &ontology.most_specific(&terms)),
        [316, 2121]
    );
    assert_eq!(ontology.most_specific(&[]), []);
}

fn build(stanzas: &str) -> Result<(Ontology, Vec<OntologyNote>), OntologyError> {
    let text = format!(
        "[Term]\nid: HP:0000001\nname: All\n[Term]\nid: HP:0000118\nis_a: HP:0000001\n{stanzas}"
    );
    let (obo, _) = obo::parse(std::path::Path::new("o"), &text).unwrap();
    Ontology::build(&obo)
}

#[test]
fn what_is_not_below_the_root_is_left_out_and_noted() {
    let stanzas = "[Term]\nid: HP:0000002\nis_a: HP:0000118\nis_a: HP:0000009\n[Term]\nid: HP:0000003\n\
        [Term]\nid: HP:0000002\nname: again\n";
    let (ontology, notes) = build(stanzas).unwrap();
    assert_eq!(ontology.len(), 3);
    let expected = [
        OntologyNote::Repeated(id(2)),
        OntologyNote::UnknownParent {
            term: id(2),
            parent: id(9),
        },
        OntologyNote::OutsideRoot(id(3)),
    ];
    assert_eq!(notes, expected);
}

#[test]
fn a_cycle_or_a_missing_root_is_refused() {
    let cycle = "[Term]\nid: HP:0000002\nis_a: HP:0000003\nis_a: HP:0000118\n\
        [Term]\nid: HP:0000003\nis_a: HP:0000002\n";
    assert!(matches!(build(cycle), Err(OntologyError::Cycle(_))));
    assert_eq!(
        Ontology::build(&Obo::default()),
        Err(OntologyError::NoRoot(1))
    );
}

#[test]
fn two_ids_that_replace_each_other_lead_nowhere() {
    let stanzas = "[Term]\nid: HP:0000002\nis_obsolete: true\nreplaced_by: HP:0000003\n\
        [Term]\nid: HP:0000003\nis_obsolete: true\nreplaced_by: HP:0000002\n";
    let (ontology, _) = build(stanzas).unwrap();
    assert_eq!(
        ontology.resolve(id(2)),
        Resolution::Obsolete {
            consider: vec![id(3)]
        }
    );
}
