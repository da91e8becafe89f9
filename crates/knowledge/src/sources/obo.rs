//! Ontologies in OBO 1.4 format, the part of it that HPO's `hp.obo` needs: release, terms,
//! synonyms, `is_a`, alternative and obsolete ids. Definitions, cross-references and logical axioms
//! are left unread. It refuses a file without HPO terms.

mod value;

use std::path::Path;

use ligate_formats::{Problems, ReadError, text};
use ligate_model::TermId;
use value::{Quoted, plain, quoted};

/// An ontology as its file states it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Obo {
    /// Release, as `2025-01-16`; empty where the header names none.
    pub version: String,
    /// In the file's order, obsolete ones included.
    pub terms: Vec<OboTerm>,
}

/// One `[Term]` stanza.
#[derive(Clone, Debug, PartialEq)]
pub struct OboTerm {
    pub id: TermId,
    pub name: String,
    pub synonyms: Vec<Synonym>,
    /// `is_a`.
    pub parents: Vec<TermId>,
    /// `alt_id`: ids of terms that were merged into this one.
    pub alternatives: Vec<TermId>,
    pub obsolete: bool,
    pub replaced_by: Vec<TermId>,
    pub consider: Vec<TermId>,
}

/// Another name of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    pub text: String,
    pub scope: SynonymScope,
    pub kind: SynonymKind,
}

/// How well a synonym fits its term (OBO synonym scopes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SynonymScope {
    Exact,
    Narrow,
    Broad,
    Related,
}

/// HPO's synonym types. Discarded synonyms (`obsolete_synonym`) are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SynonymKind {
    /// No type is stated.
    Clinical,
    /// A word of patients and families.
    Layperson,
    Abbreviation,
    Plural,
    UkSpelling,
    /// A type that is not known here.
    Other,
}

/// Reads a file, plain or gzip.
pub fn read(path: &Path) -> Result<(Obo, Problems), ReadError> {
    parse(path, &text::read(path)?)
}

/// Reads a text; `path` is only for messages.
pub fn parse(path: &Path, text: &str) -> Result<(Obo, Problems), ReadError> {
    let mut reader = OboReader {
        path,
        obo: Obo::default(),
        stanza: Stanza::Header,
        problems: Problems::default(),
    };
    for (line, text) in text::numbered_lines(text) {
        reader.line(line, text.trim_end());
    }
    reader.close();
    if reader.obo.terms.is_empty() {
        return Err(ReadError::malformed(
            path,
            1,
            "no HPO term is in it; give the hp.obo of an HPO release",
        ));
    }
    Ok((reader.obo, reader.problems))
}

struct OboReader<'a> {
    path: &'a Path,
    obo: Obo,
    stanza: Stanza,
    problems: Problems,
}

/// Where in the file the reader is.
enum Stanza {
    Header,
    /// A term; `None` until its id is read, or where the id is another ontology's.
    Term(Option<OboTerm>),
    /// Anything else, as `[Typedef]`.
    Other,
}

impl OboReader<'_> {
    fn line(&mut self, line: u64, text: &str) {
        if text.starts_with('[') {
            self.close();
            self.stanza = if text == "[Term]" {
                Stanza::Term(None)
            } else {
                Stanza::Other
            };
            return;
        }
        let Some((tag, value)) = text.split_once(':') else {
            return;
        };
        let (tag, value) = (tag.trim(), value.trim_start());
        match &mut self.stanza {
            Stanza::Header => header(&mut self.obo.version, tag, value),
            Stanza::Term(term) => {
                if let Err(message) = field(term, tag, value) {
                    self.problems.push(self.path, line, message);
                }
            }
            Stanza::Other => {}
        }
    }

    /// Keeps the term that was being read.
    fn close(&mut self) {
        if let Stanza::Term(Some(term)) = std::mem::replace(&mut self.stanza, Stanza::Other) {
            self.obo.terms.push(term);
        }
    }
}

/// `data-version: hp/releases/2025-01-16`, or `property_value: owl:versionInfo "2025-01-16"
/// xsd:string`.
fn header(version: &mut String, tag: &str, value: &str) {
    let found = match tag {
        "data-version" => value.rsplit('/').next().map(str::to_owned),
        "property_value" if version.is_empty() => value
            .strip_prefix("owl:versionInfo ")
            .and_then(quoted)
            .map(|quoted| quoted.text),
        _ => None,
    };
    if let Some(found) = found {
        found.trim().clone_into(version);
    }
}

/// One tag of a term.
fn field(term: &mut Option<OboTerm>, tag: &str, value: &str) -> Result<(), &'static str> {
    if tag == "id" {
        *term = identifier(value).ok().map(OboTerm::new);
        return Ok(());
    }
    let Some(term) = term else { return Ok(()) };
    match tag {
        "name" => term.name = plain(value),
        "synonym" => term.synonyms.extend(synonym(value)?),
        "is_a" => term.parents.push(identifier(value)?),
        "alt_id" => term.alternatives.extend(identifier(value)),
        "is_obsolete" => term.obsolete = plain(value) == "true",
        "replaced_by" => term.replaced_by.extend(identifier(value)),
        // Terms of other ontologies may be named here; they cannot be used.
        "consider" => term.consider.extend(identifier(value)),
        _ => {}
    }
    Ok(())
}

impl OboTerm {
    fn new(id: TermId) -> Self {
        Self {
            id,
            name: String::new(),
            synonyms: Vec::new(),
            parents: Vec::new(),
            alternatives: Vec::new(),
            obsolete: false,
            replaced_by: Vec::new(),
            consider: Vec::new(),
        }
    }
}

/// An id, its comment (`! name`) and trailing modifiers (`{…}`) left out.
fn identifier(value: &str) -> Result<TermId, &'static str> {
    let id = value
        .split([' ', '\t', '!', '{'])
        .next()
        .unwrap_or_default();
    id.parse().map_err(|_| "the id is not of HPO; left out")
}

/// `"text" EXACT layperson [xrefs]`; `None` for a discarded synonym.
fn synonym(value: &str) -> Result<Option<Synonym>, &'static str> {
    const WRONG: &str = "the synonym has no quoted text or no scope; left out";
    let Quoted { text, rest } = quoted(value).ok_or(WRONG)?;
    let mut words = rest
        .split('[')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let scope = match words.next() {
        Some("EXACT") => SynonymScope::Exact,
        Some("NARROW") => SynonymScope::Narrow,
        Some("BROAD") => SynonymScope::Broad,
        // The format's own default.
        Some("RELATED") | None => SynonymScope::Related,
        Some(_) => return Err(WRONG),
    };
    let kind = match words.next() {
        None => SynonymKind::Clinical,
        Some("layperson") => SynonymKind::Layperson,
        Some("abbreviation") => SynonymKind::Abbreviation,
        Some("plural_form") => SynonymKind::Plural,
        Some("uk_spelling") => SynonymKind::UkSpelling,
        Some("obsolete_synonym") => return Ok(None),
        Some(_) => SynonymKind::Other,
    };
    Ok(Some(Synonym { text, scope, kind }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"format-version: 1.2
data-version: hp/releases/2025-01-16

[Term]
id: HP:0000003
name: Multicystic kidney dysplasia
alt_id: HP:0004715
def: "Not \"read\"." [x:1]
synonym: "Multicystic \"kidneys\"" EXACT layperson [orcid:1, "x"]
synonym: "Nephropathy: cystic" RELATED []
synonym: "Old" EXACT obsolete_synonym []
synonym: broken EXACT []
is_a: HP:0000107 {source="x"} ! Renal cyst

[Term]
id: HP:0000057
name: obsolete Clitoromegaly
is_obsolete: true
replaced_by: HP:0008665
consider: HP:0000107
consider: UBERON:0000001

[Term]
id: UBERON:0000002
name: uterine cervix

[Typedef]
id: has_part
name: has part
"#;

    #[test]
    fn terms_are_read_with_their_synonyms_and_replacements() {
        let (obo, problems) = parse(Path::new("hp.obo"), TEXT).unwrap();
        assert_eq!(obo.version, "2025-01-16");
        let [kidney, obsolete] = obo.terms.as_slice() else {
            panic!("two terms")
        };
        assert_eq!(kidney.name, "Multicystic kidney dysplasia");
        assert_eq!(kidney.parents, ["HP:0000107".parse().unwrap()]);
        assert_eq!(kidney.alternatives, ["HP:0004715".parse().unwrap()]);
        let synonyms: Vec<_> = kidney
            .synonyms
            .iter()
            .map(|s| (s.text.as_str(), s.scope, s.kind))
            .collect();
        let expected = [
            (
                "Multicystic \"kidneys\"",
                SynonymScope::Exact,
                SynonymKind::Layperson,
            ),
            (
                "Nephropathy: cystic",
                SynonymScope::Related,
                SynonymKind::Clinical,
            ),
        ];
        assert_eq!(synonyms, expected);
        assert!(obsolete.obsolete && !kidney.obsolete);
        assert_eq!(obsolete.replaced_by, ["HP:0008665".parse().unwrap()]);
        assert_eq!(obsolete.consider, ["HP:0000107".parse().unwrap()]);
        let lines: Vec<u64> = problems.kept().iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [12]);
    }

    #[test]
    fn another_ontology_is_refused() {
        let text = "format-version: 1.2\n[Term]\nid: MP:0000001\nname: mammalian phenotype\n";
        assert!(matches!(
            parse(Path::new("mp.obo"), text),
            Err(ReadError::Malformed { .. })
        ));
    }
}
