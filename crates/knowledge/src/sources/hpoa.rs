//! HPO's disease annotations, `phenotype.hpoa`: which disease has which term, how often, resting on
//! what. Rows that break the format are left out and named by line; terms are not looked up here.

mod row;

use std::path::Path;

use ligate_formats::{Problems, ReadError, text};
use ligate_model::{DiseaseId, Pmid, Sex, TermId};

/// The annotations of a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    /// Release, as `2025-01-16`; empty where the header names none.
    pub version: String,
    /// Release of the ontology that the rows were written against; empty where the header names
    /// none.
    pub ontology_version: String,
    pub rows: Vec<AnnotationRow>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationRow {
    pub disease: DiseaseId,
    pub name: String,
    /// Qualifier `NOT`: the disease is without this term.
    pub absent: bool,
    pub term: TermId,
    /// The reference column, split at ';'.
    pub references: Vec<RowReference>,
    pub evidence: Evidence,
    pub onset: Option<TermId>,
    pub frequency: RowFrequency,
    pub sex: Option<Sex>,
    pub modifiers: Vec<TermId>,
    pub aspect: Aspect,
}

/// What a row rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowReference {
    Publication(Pmid),
    /// A catalogue's own text.
    Catalogue(DiseaseId),
    /// A web page or a book.
    Other,
}

/// How often, as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowFrequency {
    Unstated,
    /// m of n patients: 0 <= m <= n, n > 0.
    Counts {
        m: u32,
        n: u32,
    },
    /// A percentage as a share, from 0 to 1.
    Share(f64),
    /// A term below HP:0040279.
    Term(TermId),
}

/// How a row came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// PCS: a published clinical study.
    Study,
    /// TAS: a traceable author statement, as OMIM's and Orphanet's texts.
    Statement,
    /// IEA: inferred by a program.
    Inferred,
    Other,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aspect {
    /// P: a phenotypic abnormality.
    Phenotype,
    /// I: a mode of inheritance.
    Inheritance,
    /// C: onset and clinical course.
    Course,
    /// M: a clinical modifier.
    Modifier,
    /// H: past medical history.
    History,
}

/// Reads a file, plain or gzip.
pub fn read(path: &Path) -> Result<(Annotations, Problems), ReadError> {
    parse(path, &text::read(path)?)
}

/// Reads a text; `path` is only for messages.
pub fn parse(path: &Path, text: &str) -> Result<(Annotations, Problems), ReadError> {
    let mut annotations = Annotations::default();
    let mut problems = Problems::default();
    let mut columns = None;
    for (line, text) in text::numbered_lines(text) {
        if text.trim().is_empty() {
            continue;
        }
        let Some(places) = &columns else {
            columns = header(path, line, text, &mut annotations)?;
            continue;
        };
        match text::fields(text, places)
            .ok_or("the row is too short; left out")
            .and_then(row::parse)
        {
            Ok(row) => annotations.rows.push(row),
            Err(message) => problems.push(path, line, message),
        }
    }
    if columns.is_none() {
        return Err(ReadError::malformed(
            path,
            1,
            "no header line is in it; give phenotype.hpoa",
        ));
    }
    Ok((annotations, problems))
}

/// A line before the rows: a comment, or the names of the columns. Before 2023 these began with '#'
/// too.
fn header(
    path: &Path,
    line: u64,
    text: &str,
    annotations: &mut Annotations,
) -> Result<Option<[usize; row::FIELDS]>, ReadError> {
    let names = text.trim_start_matches('#');
    if !text.starts_with('#') || names.to_ascii_lowercase().starts_with("database") {
        return text::columns(path, line, names, row::NAMES).map(Some);
    }
    if let Some(version) = names.strip_prefix("version:") {
        version.trim().clone_into(&mut annotations.version);
    }
    if let Some(version) = names.strip_prefix("hpo-version:") {
        // http://purl.obolibrary.org/obo/hp/releases/2025-01-16/hp.json
        let release = version
            .trim()
            .split('/')
            .rev()
            .find(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        release
            .unwrap_or_default()
            .clone_into(&mut annotations.ontology_version);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#description: x\n#version: 2025-01-16\n\
        #hpo-version: http://purl.obolibrary.org/obo/hp/releases/2025-01-15/hp.json\n\
        database_id\tdisease_name\tqualifier\thpo_id\treference\tevidence\tonset\tfrequency\tsex\tmodifier\taspect\tbio\n";

    fn row(fields: [&str; 11]) -> String {
        format!("{}\tHPO:x[2021-06-21]\n", fields.join("\t"))
    }

    #[test]
    fn rows_are_read_with_all_their_columns() {
        let fields = [
            "OMIM:1",
            "A; b",
            "",
            "HP:0000001",
            "PMID:1;PMID:2;ISBN-3",
            "PCS",
            "HP:0003577",
            "1/2",
        ];
        let full = row([&fields[..], &["MALE", "HP:0012825;HP:0012828", "P"]]
            .concat()
            .try_into()
            .unwrap());
        let not = row([
            "ORPHA:2",
            "B",
            "NOT",
            "HP:0000002",
            "ORPHA:2",
            "TAS",
            "",
            "12.5%",
            "",
            "",
            "I",
        ]);
        let (annotations, problems) =
            parse(Path::new("p"), &[HEADER, &full, &not].concat()).unwrap();
        assert!(problems.is_empty());
        assert_eq!(
            (
                annotations.version.as_str(),
                annotations.ontology_version.as_str()
            ),
            ("2025-01-16", "2025-01-15")
        );
        let first = &annotations.rows[0];
        let references = [
            RowReference::Publication(Pmid(1)),
            RowReference::Publication(Pmid(2)),
            RowReference::Other,
        ];
        assert_eq!(first.references, references);
        assert_eq!(first.frequency, RowFrequency::Counts { m: 1, n: 2 });
        assert_eq!(
            (first.sex, first.modifiers.len(), first.absent),
            (Some(Sex::Male), 2, false)
        );
        assert_eq!(first.onset, "HP:0003577".parse().ok());
        let second = &annotations.rows[1];
        assert_eq!(
            second.references,
            [RowReference::Catalogue(DiseaseId::Orphanet(2))]
        );
        assert_eq!(
            (second.frequency, second.absent, second.aspect),
            (RowFrequency::Share(0.125), true, Aspect::Inheritance)
        );
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let good = [
            "OMIM:1",
            "A",
            "",
            "HP:0000001",
            "PMID:1",
            "PCS",
            "",
            "1/2",
            "",
            "",
            "P",
        ];
        for (column, wrong) in [
            (0, "MESH:1"),
            (3, "MP:0000001"),
            (7, "3/2"),
            (7, "0/0"),
            (7, "101%"),
            (7, "often"),
            (7, "NaN%"),
            (8, "X"),
            (10, "Z"),
            (2, "MAYBE"),
        ] {
            let mut fields = good;
            fields[column] = wrong;
            let text = [HEADER, &row(fields), &row(good), "short\trow\n"].concat();
            let (annotations, problems) = parse(Path::new("p"), &text).unwrap();
            assert_eq!(annotations.rows.len(), 1, "{wrong}");
            let lines: Vec<u64> = problems.kept().iter().map(|problem| problem.line).collect();
            assert_eq!(lines, [5, 7], "{wrong}");
        }
    }

    #[test]
    fn a_file_without_its_columns_is_refused() {
        for text in ["", "#version: 1\n", "a\tb\n1\t2\n"] {
            assert!(
                matches!(
                    parse(Path::new("p"), text),
                    Err(ReadError::Malformed { .. })
                ),
                "{text:?}"
            );
        }
    }
}
