//! Free text to terms: a table of sentences, and what holds for any text.

use std::path::Path;

use ligate_knowledge::{
    ontology::Ontology,
    sources::obo,
    text::{Matcher, Mention, Standing, TEXT_MAX, TooLong, list, render},
};
use ligate_records::term_list;
use proptest::prelude::*;

const SENTENCES: &str = include_str!("text/sentences.txt");

fn ontology() -> Ontology {
    let (obo, problems) =
        obo::parse(Path::new("small.obo"), include_str!("text/small.obo")).unwrap();
    assert!(problems.is_empty());
    Ontology::build(&obo).unwrap().0
}

fn written(ontology: &Ontology, mention: &Mention) -> String {
    let sign = match mention.standing {
        Standing::Observed => "",
        Standing::Excluded => "-",
        Standing::Uncertain => "?",
        Standing::Relative => "r",
        Standing::Hypothetical => "h",
    };
    format!("{sign}{}", ontology.id(mention.term).number())
}

#[test]
fn sentences_are_read_as_a_clinician_reads_them() {
    let ontology = ontology();
    let matcher = Matcher::new(&ontology);
    let (mut count, mut wrong) = (0, Vec::new());
    for line in SENTENCES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (text, expected) = line.split_once("=>").unwrap();
        let text = text.trim().replace('|', "\n");
        let mentions = matcher.find(&text).unwrap();
        let found: Vec<String> = mentions
            .iter()
            .map(|mention| written(&ontology, mention))
            .collect();
        count += 1;
        if found.join(" ") != expected.trim() {
            wrong.push(format!(
                "{text}\n  expected {}\n  found    {}",
                expected.trim(),
                found.join(" ")
            ));
        }
    }
    assert!(count >= 60, "{count} sentences");
    assert!(
        wrong.is_empty(),
        "{} of {count} sentences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_match_is_shown_in_place_and_the_list_reads_back() {
    let ontology = ontology();
    let text = "Naïve to drugs. He has seizures, no ataxia; possible cataract. His mother is deaf: deafness.";
    let mentions = Matcher::new(&ontology).find(text).unwrap();
    let shown = "Naïve to drugs. He has [seizures → HP:0001250 Seizure], no [ataxia → excluded: HP:0001251 Ataxia]; \
        possible [cataract → left out, uncertain (“possible”): HP:0000518 Cataract]. His mother is deaf: \
        [deafness → left out, a relative's (“mother”): HP:0000365 Hearing impairment].";
    assert_eq!(render(&ontology, text, &mentions), shown);
    let written = list(&ontology, &mentions);
    let expected = "HP:0001250 Seizure\n-HP:0001251 Ataxia\n# uncertain: HP:0000518 Cataract\n\
        # a relative's: HP:0000365 Hearing impairment\n";
    assert_eq!(written, expected);
    let case = term_list::parse(&written).unwrap().case;
    assert_eq!(
        case.observed_terms()
            .map(|term| term.number())
            .collect::<Vec<_>>(),
        [1250]
    );
    assert_eq!(
        case.excluded
            .iter()
            .map(|term| term.number())
            .collect::<Vec<_>>(),
        [1251]
    );
}

#[test]
fn labels_of_a_list_are_resolved() {
    let ontology = ontology();
    let matcher = Matcher::new(&ontology);
    let text = "Seizure\nno ataxia\nNo speech\nIntellectual disability, severe\nHypotonia, Cataract\n\
        HP:0000252 Microcephaly\n-HP:0000369\tLow-set ears\nnonsense\n";
    let read = term_list::parse(text).unwrap();
    let (mut case, mut notes) = (read.case, read.notes);
    let unknown = matcher.add_labels(&ontology, &mut case, read.labels, &mut notes);
    let numbers: Vec<u32> = case.observed_terms().map(|term| term.number()).collect();
    assert_eq!(numbers, [252, 1250, 1344, 10864, 1252, 518]);
    let excluded: Vec<u32> = case.excluded.iter().map(|term| term.number()).collect();
    assert_eq!(excluded, [369, 1251]);
    assert_eq!(
        unknown.iter().map(|label| label.line).collect::<Vec<_>>(),
        [8]
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_text_without_an_end_is_refused() {
    let ontology = ontology();
    let matcher = Matcher::new(&ontology);
    assert_eq!(matcher.find(&"a".repeat(TEXT_MAX + 1)), Err(TooLong));
    let long = "no seizures and ".repeat(TEXT_MAX / 16);
    assert_eq!(matcher.find(&long).unwrap().len(), TEXT_MAX / 16);
}

proptest! {
    #[test]
    fn any_text_gives_valid_spans_in_order(
        parts in proptest::collection::vec(prop_oneof![
            "\\PC{0,6}",
            "[ ,.;:?!\n'()-]{1,3}",
            proptest::sample::select(vec![
                "seizures", "no", "not", "mother", "his", "in", "absent", "was", "ataxia", "he", "born to", "family history:",
                "possible", "severe", "intellectual disability", "İ", "ß", "but",
            ]).prop_map(|word| format!(" {word} ")),
        ], 0..40)
    ) {
        let ontology = ontology();
        let text = parts.concat();
        let mentions = Matcher::new(&ontology).find(&text).unwrap();
        let mut end = 0;
        for mention in &mentions {
            prop_assert!(mention.span.start >= end && text.get(mention.span.clone()).is_some_and(|part| !part.is_empty()));
            prop_assert!(mention.cue.clone().is_none_or(|cue| text.get(cue).is_some()));
            end = mention.span.end;
        }
        prop_assert_eq!(mentions.clone(), Matcher::new(&ontology).find(&text).unwrap());
        let shown = render(&ontology, &text, &mentions);
        prop_assert_eq!(shown.matches('→').count() - text.matches('→').count(), mentions.len());
    }
}
