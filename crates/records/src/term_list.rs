//! A plain list of phenotype terms: one a line, or several between commas, semicolons, tabs or
//! spaces. A term is an HPO id, with or without its label, or a label alone, which whoever has the
//! ontology resolves later.
//!
//! `-`, `!` and the words no, not, without and excluded before a term exclude it; `#` opens a
//! comment. A dash with a space may be a bullet as well as a minus: it is a bullet where every line
//! has it, and refused where only some do. Ids of other ontologies are left out.

mod line;

use std::collections::HashSet;

use ligate_model::{Case, Observation, TermId};

use crate::phenopacket::{FEATURES_MAX, Note};

/// A list that was read: the terms that it gives by id, and the labels.
#[derive(Clone, Debug, PartialEq)]
pub struct TermList {
    /// `id` and `individual` are empty.
    pub case: Case,
    pub labels: Vec<Label>,
    pub notes: Vec<Note>,
    /// Line, counted from 1, and what is wrong there.
    pub problems: Vec<(u64, &'static str)>,
}

/// A term named by its label.
#[derive(Clone, PartialEq, Eq)]
pub struct Label {
    /// Counted from 1.
    pub line: u64,
    /// As in the file. Some labels of HPO begin with "No": this is looked up first.
    pub written: String,
    /// Without what excludes it.
    pub text: String,
    pub excluded: bool,
    /// The id that the label stands beside. A label of that same term adds nothing.
    pub beside: Option<TermId>,
}

impl std::fmt::Debug for Label {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Label(line {})", self.line)
    }
}

/// Why a text is no list of terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the list has no terms; write one a line, as in HP:0001250")]
    Empty,
    #[error("the list has more than {FEATURES_MAX} terms")]
    TooMany,
    #[error(
        "no id is of the Human Phenotype Ontology: they are of `{prefix}`; translate them to HPO, as in HP:0001250"
    )]
    OtherOntology { prefix: String },
}

/// Reads a list.
pub fn parse(text: &str) -> Result<TermList, Refused> {
    let bullets = all_bulleted(text);
    let mut read = line::Read::default();
    let (mut counted, mut free) = (0, 0);
    for (number, line) in (1..).zip(text.lines()) {
        read.line(number, line, bullets);
        let alone = read
            .labels
            .iter()
            .skip(counted)
            .filter(|label| label.beside.is_none())
            .count();
        (counted, free) = (read.labels.len(), free + alone);
        if read.ids.len() + free > FEATURES_MAX || counted > 2 * FEATURES_MAX {
            return Err(Refused::TooMany);
        }
    }
    if read.ids.is_empty()
        && read
            .labels
            .iter()
            .all(|label| label.beside.is_some() || label.text.is_empty())
    {
        return Err(match read.others.into_iter().next() {
            Some((prefix, _)) => Refused::OtherOntology { prefix },
            None => Refused::Empty,
        });
    }
    let others = read
        .others
        .into_iter()
        .map(|(prefix, count)| Note::OtherOntology { prefix, count });
    let mut notes: Vec<Note> = others.collect();
    let case = case(&read.ids, &mut notes);
    Ok(TermList {
        case,
        labels: read.labels,
        notes,
        problems: read.problems,
    })
}

/// Adds terms to a case, each once; those that come out as both observed and excluded are left out
/// on both sides.
pub fn add_terms(case: &mut Case, terms: &[(TermId, bool)], notes: &mut Vec<Note>) {
    for &(term, excluded) in terms {
        if excluded && !case.excluded.contains(&term) {
            case.excluded.push(term);
        } else if !excluded && case.observed_terms().all(|known| known != term) {
            case.observed.push(Observation {
                term,
                onset: None,
                modifiers: Vec::new(),
            });
        }
    }
    let observed: HashSet<TermId> = case.observed_terms().collect();
    let both: Vec<TermId> = case
        .excluded
        .iter()
        .filter(|term| observed.contains(term))
        .copied()
        .collect();
    if !both.is_empty() {
        case.observed
            .retain(|observation| !both.contains(&observation.term));
        case.excluded.retain(|term| !both.contains(term));
        notes.push(Note::Contradictory { terms: both });
    }
}

fn case(ids: &[(TermId, bool)], notes: &mut Vec<Note>) -> Case {
    let mut case = Case::default();
    let distinct: HashSet<&(TermId, bool)> = ids.iter().collect();
    add_terms(&mut case, ids, notes);
    if distinct.len() < ids.len() {
        notes.push(Note::Repeated {
            count: ids.len() - distinct.len(),
        });
    }
    case
}

fn all_bulleted(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.clone().next().is_some() && lines.all(|line| line.starts_with("- "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids with their sign, labels between quotes: `+1250 -1263 "ataxia" -"seizures"`.
    fn check(text: &str, expected: &str) {
        let list = match parse(text) {
            Ok(list) => list,
            Err(error) => {
                return assert_eq!(
                    format!("error: {error}").split(';').next(),
                    Some(expected),
                    "{text}"
                );
            }
        };
        let observed = list
            .case
            .observed_terms()
            .map(|term| format!("+{}", term.number()));
        let excluded = list
            .case
            .excluded
            .iter()
            .map(|term| format!("-{}", term.number()));
        let labels = list.labels.iter().map(|label| {
            let sign = if label.excluded { "-" } else { "" };
            let beside = label
                .beside
                .map_or_else(String::new, |id| format!("@{}", id.number()));
            format!("{sign}\"{}\"{beside}", label.text)
        });
        let problems = list
            .problems
            .iter()
            .map(|(line, _)| format!("problem:{line}"));
        let all: Vec<String> = observed
            .chain(excluded)
            .chain(labels)
            .chain(problems)
            .collect();
        assert_eq!(all.join(" "), expected, "{text}");
    }

    #[test]
    fn every_way_to_write_a_list() {
        check("HP:0001250\nHP:0001263\n", "+1250 +1263");
        check(
            "HP:0001250,HP:0001263;HP:0001252\tHP:0000252 HP:0004322",
            "+1250 +1263 +1252 +252 +4322",
        );
        check("HP_0001250", "+1250");
        check("hp:0001250", "+1250");
        check("# a comment\nHP:0001250 # Seizure\n\n", "+1250");
        check("HP:0001250 Seizure", "+1250 \"Seizure\"@1250");
        check("HP:0001250 ! Seizure", "+1250 \"Seizure\"@1250");
        check(
            "HP:0001250\tSeizure\nHP:0001251,Ataxia",
            "+1250 +1251 \"Seizure\"@1250 \"Ataxia\"@1251",
        );
        check("Seizure (HP:0001250)", "+1250 \"Seizure\"@1250");
        check("[HP:0001250|Seizure]", "+1250 \"Seizure\"@1250");
        check(
            "-HP:0001250\n!HP:0001251\nno HP:0001252\nNOT HP:0001253",
            "-1250 -1251 -1252 -1253",
        );
        check("HP:0001250 -HP:0001251, no HP:0001252", "+1250 -1251 -1252");
        check(
            "HP:0001250\tabsent\nHP:0001251\tpresent\nHP:0001252,excluded",
            "+1251 -1250 -1252",
        );
        check("no Seizure (HP:0001250)", "-1250 -\"Seizure\"@1250");
    }

    #[test]
    fn labels_go_on_unresolved() {
        check(
            "Global developmental delay\nno seizures",
            "\"Global developmental delay\" -\"seizures\"",
        );
        check(
            "Intellectual disability, severe; Ataxia",
            "\"Intellectual disability, severe\" \"Ataxia\"",
        );
        check(
            "* Ataxia\n2. Hypotonia\n• Ptosis",
            "\"Ataxia\" \"Hypotonia\" \"Ptosis\"",
        );
    }

    #[test]
    fn a_dash_with_a_space_is_a_bullet_only_where_every_line_has_it() {
        check("- HP:0001250\n# x\n- HP:0001251", "+1250 +1251");
        check("HP:0001250\n- HP:0001251", "+1250 problem:2");
    }

    #[test]
    fn contradictions_repetitions_and_other_ontologies() {
        check("HP:0001250\n-HP:0001250\nHP:0001251\nHP:0001251", "+1251");
        check("MP:0001250\nHP:0001251", "+1251");
        check(
            "MP:0001250\nMP:0001251",
            "error: no id is of the Human Phenotype Ontology: they are of `MP`",
        );
        check("", "error: the list has no terms");
        check("# nothing\n", "error: the list has no terms");
        let long: String = (1..=2_001)
            .map(|number| format!("HP:{number:07}\n"))
            .collect();
        check(&long, "error: the list has more than 2000 terms");
    }
}
