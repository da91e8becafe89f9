//! The case as it is given: a phenopacket, a list of terms, or a text whose matches the user sees
//! first.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ligate_knowledge::{Knowledge, text};
use ligate_model::Case;
use ligate_records::{cases, phenopacket::Note, term_list};
use serde_json::json;

use crate::{cli, output};

/// A case, and what was noticed on reading it.
pub struct Given {
    pub case: Case,
    pub notes: Vec<String>,
}

/// Reads the case. `None`: it is a text whose matches wait for the user.
pub fn read(args: &cli::Diagnose, knowledge: &Knowledge, json: bool) -> Result<Option<Given>> {
    if args.text {
        return read_text(args, knowledge, json);
    }
    let (record, problems) = cases::read_one(&args.case)?;
    let mut given = Given {
        case: record.case,
        notes: record.notes.iter().map(ToString::to_string).collect(),
    };
    let words_alone = given.case.observed.is_empty() && !record.labels.is_empty();
    add_labels(&mut given, record.labels, knowledge);
    if given.case.observed.is_empty() {
        bail!(nothing_observed(args, &record.notes, words_alone));
    }
    let told = |problem: &String| {
        given
            .notes
            .iter()
            .any(|note| problem.contains(note.as_str()))
    };
    let others: Vec<_> = problems
        .kept()
        .iter()
        .map(ToString::to_string)
        .filter(|problem| !told(problem))
        .collect();
    given.notes.extend(others);
    let contradictory = record.notes.iter().filter_map(contradictory);
    given.notes.extend(contradictory);
    Ok(Some(given))
}

/// Why there is nothing to rank by. It names no term: this goes to the terminal, not into the
/// report.
fn nothing_observed(args: &cli::Diagnose, notes: &[Note], words_alone: bool) -> String {
    let file = args.case.display();
    if words_alone {
        return format!(
            "{file}: no line names a term of HPO that is observed; write ids, as in HP:0001250, or give --text if this is \
             a text in English"
        );
    }
    let reasons: String = notes.iter().map(|note| format!("; {note}")).collect();
    format!("{file}: the case states no observed phenotype term{reasons}")
}

/// Which terms a case states both ways, for the report.
fn contradictory(note: &Note) -> Option<String> {
    let Note::Contradictory { terms } = note else {
        return None;
    };
    let ids: Vec<_> = terms.iter().map(ToString::to_string).collect();
    Some(format!("observed and excluded at once: {}", ids.join(", ")))
}

/// Terms that a list names by label.
fn add_labels(given: &mut Given, labels: Vec<term_list::Label>, knowledge: &Knowledge) {
    if labels.is_empty() {
        return;
    }
    let mut notes = Vec::new();
    let unknown = text::Matcher::new(&knowledge.ontology).add_labels(
        &knowledge.ontology,
        &mut given.case,
        labels,
        &mut notes,
    );
    given.notes.extend(notes.iter().map(ToString::to_string));
    for label in unknown {
        given.notes.push(format!(
            "line {}: no term has this name; it was left out",
            label.line
        ));
    }
}

fn read_text(args: &cli::Diagnose, knowledge: &Knowledge, json: bool) -> Result<Option<Given>> {
    let written = fs::read_to_string(&args.case)
        .with_context(|| format!("cannot read the text {}", args.case.display()))?;
    let ontology = &knowledge.ontology;
    let mentions = text::Matcher::new(ontology).find(&written)?;
    ensure!(
        mentions
            .iter()
            .any(|mention| mention.standing == text::Standing::Observed),
        "{}: no observed feature was found in the text; write a list of HPO terms, one a line",
        args.case.display()
    );
    let list = text::list(ontology, &mentions);
    if !json {
        say!("{}", text::render(ontology, &written, &mentions).trim_end());
        say!("");
    }
    if !args.accept {
        let path = list_path(args);
        output::write_private(&path, |out| out.write_all(list.as_bytes()))?;
        if json {
            output::print_json(
                &json!({ "terms": path, "matches": matches(knowledge, &mentions) }),
            )?;
            return Ok(None);
        }
        say!(
            "The terms are in {0}. Correct them there, then run: ligate diagnose {0}",
            path.display()
        );
        return Ok(None);
    }
    let parsed = term_list::parse(&list)?;
    let notes = vec!["the terms were found in a text and accepted as found".to_owned()];
    Ok(Some(Given {
        case: parsed.case,
        notes,
    }))
}

/// The matches as machines read them; `begin` and `end` count the text's bytes from 0.
fn matches(knowledge: &Knowledge, mentions: &[text::Mention]) -> serde_json::Value {
    let ontology = &knowledge.ontology;
    let one = |mention: &text::Mention| {
        json!({
            "begin": mention.span.start, "end": mention.span.end,
            "id": ontology.id(mention.term).to_string(), "name": ontology.name(mention.term),
            "standing": standing(mention.standing),
        })
    };
    mentions.iter().map(one).collect()
}

fn standing(standing: text::Standing) -> &'static str {
    match standing {
        text::Standing::Observed => "observed",
        text::Standing::Excluded => "excluded",
        text::Standing::Uncertain => "uncertain",
        text::Standing::Relative => "relative",
        text::Standing::Hypothetical => "hypothetical",
    }
}

fn list_path(args: &cli::Diagnose) -> PathBuf {
    let mut path = args.out.as_os_str().to_owned();
    path.push(".terms.txt");
    path.into()
}
