use ligate_model::TermId;

use super::*;
use crate::mini;

fn term(knowledge: &Knowledge, number: u32) -> Term {
    knowledge
        .ontology
        .term(TermId::from_number(number).unwrap())
        .unwrap()
}

fn disease(knowledge: &Knowledge, id: DiseaseId) -> &Disease {
    knowledge.disease(knowledge.find_disease(id).unwrap())
}

#[test]
fn entries_of_one_class_are_one_disease() {
    let knowledge = mini::knowledge();
    let pfeiffer = disease(&knowledge, DiseaseId::Omim(101_600));
    assert_eq!(pfeiffer.id, DiseaseId::Omim(101_600));
    assert_eq!(
        pfeiffer.ids,
        [
            DiseaseId::Omim(101_600),
            DiseaseId::Orphanet(710),
            DiseaseId::Mondo(7043)
        ]
    );
    for id in &pfeiffer.ids {
        assert_eq!(disease(&knowledge, *id), pfeiffer);
    }
    // Rows of both catalogues, each with its source.
    assert_eq!(pfeiffer.rows.len(), 8);
    assert_eq!(
        pfeiffer
            .rows
            .iter()
            .filter(|row| row.source == DiseaseId::Orphanet(710))
            .count(),
        2
    );
    // MONDO names Orphanet's entry although nothing annotates it.
    assert_eq!(
        disease(&knowledge, DiseaseId::Orphanet(87)).name,
        "Apert syndrome"
    );
    // A match that is not exact does not merge.
    let alone = disease(&knowledge, DiseaseId::Orphanet(99_999));
    assert_eq!(
        (alone.id, alone.candidate),
        (DiseaseId::Orphanet(99_999), false)
    );
    assert_eq!(knowledge.find_disease(DiseaseId::Omim(1)), None);
}

#[test]
fn rows_keep_what_they_state() {
    let knowledge = mini::knowledge();
    let pfeiffer = disease(&knowledge, DiseaseId::Omim(101_600));
    let row = |number| {
        pfeiffer
            .rows
            .iter()
            .find(|row| row.term == term(&knowledge, number))
            .unwrap()
    };
    let pooled = row(10_055);
    assert_eq!(pooled.frequency, Frequency::Counts { m: 5, n: 6 });
    let publications = [
        Reference::Publication(Pmid(1001)),
        Reference::Publication(Pmid(1002)),
    ];
    assert_eq!(pooled.references, publications);
    let eyes = row(520);
    assert_eq!(
        (eyes.frequency, eyes.onset),
        (Frequency::Share(0.5), Some(term(&knowledge, 3577)))
    );
    // Named twice in its row.
    assert_eq!(eyes.references, [Reference::Publication(Pmid(1002))]);
    assert_eq!(eyes.modifiers, [term(&knowledge, 12_828)]);
    assert_eq!(
        row(1363).frequency,
        Frequency::Term(term(&knowledge, 40_281))
    );
    assert_eq!(row(316).frequency, Frequency::Unstated);
    // HP:0000057 was replaced.
    assert_eq!(row(1159).frequency, Frequency::Counts { m: 2, n: 9 });
    let saethre = disease(&knowledge, DiseaseId::Omim(101_400));
    assert!(
        saethre
            .rows
            .iter()
            .any(|row| row.absent && row.term == term(&knowledge, 10_055))
    );
    let linked = disease(&knowledge, DiseaseId::Omim(300_001));
    assert_eq!(
        linked
            .rows
            .iter()
            .filter(|row| row.sex == Some(Sex::Male))
            .count(),
        1
    );
}

#[test]
fn inheritance_and_onset_are_summed_up_and_their_rows_kept() {
    let knowledge = mini::knowledge();
    let pfeiffer = disease(&knowledge, DiseaseId::Omim(101_600));
    assert_eq!(pfeiffer.inheritance, [term(&knowledge, 6)]);
    assert_eq!(pfeiffer.onset, [term(&knowledge, 3577)]);
    assert_eq!(pfeiffer.clinical_rows.len(), 2);
    assert_eq!(
        pfeiffer.clinical_rows[1].references,
        [Reference::Publication(Pmid(1001))]
    );
}

#[test]
fn candidates_have_a_phenotype_row_of_omim() {
    let knowledge = mini::knowledge();
    let ids: Vec<DiseaseId> = knowledge
        .candidates()
        .iter()
        .map(|&index| knowledge.disease(index).id)
        .collect();
    let expected = [101_200, 101_400, 101_600, 300_001, 600_010, 619_340].map(DiseaseId::Omim);
    assert_eq!(ids, expected);
    assert_eq!(knowledge.diseases().len(), 9);
    assert!(!disease(&knowledge, DiseaseId::Omim(600_009)).candidate);
    assert!(!disease(&knowledge, DiseaseId::Decipher(16)).candidate);
}

#[test]
fn genes_are_found_by_every_name_that_is_theirs_alone() {
    let knowledge = mini::knowledge();
    let symbol = |text: &str| {
        knowledge
            .find_gene(text)
            .map(|gene| knowledge.gene(gene).symbol.as_str())
    };
    for text in [
        "FGFR2",
        "fgfr2",
        " KGFR ",
        "CD332",
        "HGNC:3689",
        "HGNC:HGNC:3689",
        "ENSG00000066468",
        "2263",
    ] {
        assert_eq!(symbol(text), Some("FGFR2"), "{text}");
    }
    for text in ["ENSG00000066468.17", "NCBIGene:2263", "ENTREZ:2263"] {
        assert_eq!(symbol(text), Some("FGFR2"), "{text}");
    }
    // A previous symbol goes before another gene's alias; an alias of two genes leads to none, even
    // where one of them is a pseudogene that is not kept.
    assert_eq!(symbol("FIXOLD"), Some("FIXNEW"));
    for text in [
        "SHARED1",
        "FIXPSEUDO",
        "FIXP1",
        "",
        "HGNC:",
        "HGNC:x",
        "ENSG",
        "OMIM:1",
        "4444",
    ] {
        assert_eq!(symbol(text), None, "{text}");
    }
}

#[test]
fn genes_and_diseases_name_each_other() {
    let knowledge = mini::knowledge();
    let fgfr2 = knowledge.find_gene("FGFR2").unwrap();
    let names: Vec<&str> = knowledge
        .gene(fgfr2)
        .diseases
        .iter()
        .map(|&index| knowledge.disease(index).name.as_str())
        .collect();
    assert_eq!(names, ["Apert syndrome", "Pfeiffer syndrome"]);
    let pfeiffer = disease(&knowledge, DiseaseId::Omim(101_600));
    let symbols: Vec<&str> = pfeiffer
        .genes
        .iter()
        .map(|&gene| knowledge.gene(gene).symbol.as_str())
        .collect();
    assert_eq!(symbols, ["FGFR1", "FGFR2"]);
    let unknown = knowledge.gene(knowledge.find_gene("NOHGNC1").unwrap());
    assert_eq!(
        (unknown.hgnc, unknown.entrez, unknown.diseases.len()),
        (None, Some(3333), 1)
    );
}

#[test]
fn what_was_left_out_is_noted() {
    let (_, notes) = mini::built();
    // HP:0000057 and HP:0001275; HP:0000059 and HP:7654321; inheritance as a phenotype;
    // OMIM:999999; NOHGNC1.
    let expected = [
        (Note::ReplacedTerm, 2),
        (Note::UnknownTerm, 2),
        (Note::NotPhenotype, 1),
        (Note::LinkWithoutDisease, 1),
        (Note::GeneWithoutHgnc, 1),
    ];
    let found: Vec<(Note, u64)> = notes.iter().map(|(note, count, _)| (note, count)).collect();
    assert_eq!(found, expected);
}

#[test]
fn gene_facts_fill_what_rows_lack() {
    use crate::sources::gene_tables::{Constraint as Scores, GeneInheritance, InheritanceMode};
    let mode = |gene: &str, mode| GeneInheritance {
        gene: gene.into(),
        hgnc_id: None,
        entrez_id: None,
        modes: vec![mode, InheritanceMode::Other],
    };
    let inheritance = vec![
        mode("FIXNEW", InheritanceMode::AutosomalRecessive),
        mode("FGFR2", InheritanceMode::AutosomalRecessive),
        mode("NOWHERE", InheritanceMode::XLinked),
    ];
    let constraint = vec![Scores {
        gene: "TWIST".into(),
        transcript: "".into(),
        gene_id: "ENSG00000122691".into(),
        coding_length: None,
        pli: Some(0.9),
        loeuf: Some(0.3),
        missense_z: Some(1.5),
    }];
    let facts = GeneFacts {
        inheritance,
        constraint,
        ..GeneFacts::default()
    };
    let before = mini::knowledge();
    let (knowledge, notes) = before.clone().with_gene_facts(&facts).unwrap();
    assert_eq!(notes.count(Note::FactWithoutGene), 1);
    assert_eq!(
        disease(&knowledge, DiseaseId::Orphanet(99_999)).inheritance,
        [term(&knowledge, 7)]
    );
    // Rows state that Pfeiffer syndrome is dominant.
    assert_eq!(
        disease(&knowledge, DiseaseId::Omim(101_600)).inheritance,
        [term(&knowledge, 6)]
    );
    let twist = knowledge.gene(knowledge.find_gene("TWIST1").unwrap());
    assert_eq!(
        twist.constraint,
        Some(Constraint {
            pli: 0.9,
            loeuf: 0.3,
            missense_z: 1.5
        })
    );
    assert_ne!(knowledge.version.digest, before.version.digest);
    let again = Knowledge::decode(&knowledge.encode().unwrap()).unwrap();
    assert_eq!(again.genes(), knowledge.genes());
}

#[test]
fn annotations_without_a_disease_to_rank_are_refused() {
    let mut sources = mini::sources();
    sources
        .annotations
        .rows
        .retain(|row| !matches!(row.disease, DiseaseId::Omim(_)));
    assert!(matches!(
        Knowledge::build(&sources),
        Err(KnowledgeError::NoDiseases)
    ));
}

#[test]
fn what_a_folder_lacks_comes_from_other_knowledge() {
    let whole = mini::knowledge();
    let mut sources = mini::sources();
    sources.mondo = Default::default();
    sources.hgnc = Vec::new();
    sources.gene_links = Vec::new();
    sources.fill(&whole);
    let (knowledge, _) = Knowledge::build(&sources).unwrap();
    assert_eq!(knowledge.diseases(), whole.diseases());
    for name in ["KGFR", "HGNC:3689", "FIXOLD", "NOHGNC1"] {
        assert_eq!(knowledge.find_gene(name), whole.find_gene(name), "{name}");
    }
}
