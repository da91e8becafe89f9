//! MONDO's cross-references in SSSOM, `mondo.sssom.tsv`: which MONDO class is exactly which entry
//! of OMIM or Orphanet. OMIM's phenotypic series (`OMIMPS`) are groups and are left unread, as is
//! every match that is not exact.

use std::path::Path;

use ligate_formats::{Problems, ReadError, text};
use ligate_model::DiseaseId;

/// The matches of a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mappings {
    /// Release, where the header names one.
    pub version: Option<String>,
    pub matches: Vec<ExactMatch>,
}

/// `skos:exactMatch` of a MONDO class and a catalogue's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactMatch {
    /// The number behind `MONDO:`.
    pub mondo: u32,
    /// The class's own name.
    pub label: String,
    /// OMIM's or Orphanet's id.
    pub entry: DiseaseId,
}

/// Reads a file, plain or gzip.
pub fn read(path: &Path) -> Result<(Mappings, Problems), ReadError> {
    parse(path, &text::read(path)?)
}

/// Reads a text; `path` is only for messages.
pub fn parse(path: &Path, text: &str) -> Result<(Mappings, Problems), ReadError> {
    const NAMES: [&str; 4] = ["subject_id", "subject_label", "predicate_id", "object_id"];
    let (mut mappings, mut problems, mut columns) =
        (Mappings::default(), Problems::default(), None);
    for (line, text) in text::numbered_lines(text) {
        if let Some(comment) = text.strip_prefix('#') {
            version(comment, &mut mappings.version);
            continue;
        }
        let Some(places) = &columns else {
            columns = Some(text::columns(path, line, text, NAMES)?);
            continue;
        };
        match text::fields(text, places)
            .ok_or("the row is too short; left out")
            .and_then(exact_match)
        {
            Ok(found) => mappings.matches.extend(found),
            Err(message) => problems.push(path, line, message),
        }
    }
    if columns.is_none() {
        return Err(ReadError::malformed(
            path,
            1,
            "no header line is in it; give mondo.sssom.tsv",
        ));
    }
    Ok((mappings, problems))
}

fn version(comment: &str, version: &mut Option<String>) {
    if let Some(found) = comment.trim().strip_prefix("mapping_set_version:") {
        let found = found
            .trim()
            .trim_matches('"')
            .trim_end_matches("/mondo.sssom.tsv");
        *version = found.rsplit('/').next().map(str::to_owned);
    }
}

/// A row's match; `None` where it is not exact or of another catalogue.
fn exact_match(fields: [&str; 4]) -> Result<Option<ExactMatch>, &'static str> {
    let [subject, label, predicate, object] = fields;
    let wanted = ["OMIM:", "Orphanet:", "ORPHA:"]
        .iter()
        .any(|prefix| object.starts_with(prefix));
    if predicate != "skos:exactMatch" || !wanted {
        return Ok(None);
    }
    let Ok(DiseaseId::Mondo(mondo)) = subject.parse() else {
        return Err("the subject is not of MONDO; left out");
    };
    let entry = object
        .parse()
        .map_err(|_| "the object's id is no number; left out")?;
    Ok(Some(ExactMatch {
        mondo,
        label: label.to_owned(),
        entry,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_matches_of_omim_and_orphanet_are_kept() {
        let text = "# license: x\n# mapping_set_version: http://purl/mondo/releases/2025-06-03/mondo.sssom.tsv\n\
            subject_id\tsubject_label\tpredicate_id\tobject_id\n\
            MONDO:0007043\tPfeiffer syndrome\tskos:exactMatch\tOMIM:101600\n\
            MONDO:0007043\tPfeiffer syndrome\tskos:exactMatch\tOrphanet:710\n\
            MONDO:0007043\tPfeiffer syndrome\tskos:broadMatch\tOMIM:1\n\
            MONDO:0000005\talopecia\tskos:exactMatch\tOMIMPS:203655\n\
            MONDO:0000005\talopecia\tskos:exactMatch\tUMLS:C1\n\
            HP:0000005\talopecia\tskos:exactMatch\tOMIM:3\n\
            MONDO:0000005\talopecia\tskos:exactMatch\tOMIM:x\n";
        let (mappings, problems) = parse(Path::new("m"), text).unwrap();
        assert_eq!(mappings.version.as_deref(), Some("2025-06-03"));
        let found: Vec<_> = mappings
            .matches
            .iter()
            .map(|found| (found.mondo, found.entry))
            .collect();
        assert_eq!(
            found,
            [
                (7043, DiseaseId::Omim(101_600)),
                (7043, DiseaseId::Orphanet(710))
            ]
        );
        let lines: Vec<u64> = problems.kept().iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [9, 10]);
    }
}
