//! Phenopackets as JSON. Read leniently, as proto3's JSON mapping asks for and a little beyond:
//! keys in camelCase or snake_case, enums by name or number, numbers as text, nulls as absent,
//! unknown keys passed over.

use std::ops::Range;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Parsed, Refused, build,
    message::{Family, Phenopacket},
    upgrade::upgrade,
};

/// Reads one record: a phenopacket, or a family for its proband.
pub fn from_json(text: &str) -> Result<Parsed, Refused> {
    let value: Value = serde_json::from_str(text).map_err(|error| broken(&error))?;
    from_value(normal(value))
}

/// Where the records of a JSON text are, as byte ranges: one record, an array of records, the
/// members of a cohort, or several of these one after another. After a syntax error come the
/// records before it, and the error.
pub fn members(text: &str) -> (Vec<Range<usize>>, Option<Refused>) {
    let mut spans = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        match document
            .map_err(|error| broken(&error))
            .and_then(|document| spans_of(text, document.get()))
        {
            Ok(found) => spans.extend(found),
            Err(error) => return (spans, Some(error)),
        }
    }
    (spans, None)
}

/// Shape of a version 2 or 1 record whose values were brought to [`normal`] form.
pub(super) fn packet_from(mut value: Value) -> Result<Phenopacket, Refused> {
    upgrade(&mut value);
    typed(value)
}

pub(super) fn family_from(mut value: Value) -> Result<Family, Refused> {
    if let Some(proband) = value.get_mut("proband") {
        upgrade(proband);
    }
    for relative in value
        .get_mut("relatives")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        upgrade(relative);
    }
    typed(value)
}

/// Keys in camelCase, nulls gone, every number as text.
pub(super) fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .filter(|item| !item.is_null())
                .map(normal)
                .collect(),
        ),
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (camel_case(key), normal(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        other => other,
    }
}

fn from_value(value: Value) -> Result<Parsed, Refused> {
    const KNOWN: [&str; 4] = [
        "subject",
        "phenotypicFeatures",
        "interpretations",
        "diseases",
    ];
    let has = |key: &str| value.get(key).is_some();
    if has("proband") {
        return build::family(&family_from(value)?);
    }
    if has("relatives") && has("pedigree") {
        return Err(Refused::NoProband);
    }
    if !KNOWN.into_iter().any(has) {
        return Err(Refused::NotAPhenopacket);
    }
    build::packet(&packet_from(value)?)
}

fn spans_of(text: &str, document: &str) -> Result<Vec<Range<usize>>, Refused> {
    #[derive(Deserialize)]
    struct Cohort<'a> {
        #[serde(borrow)]
        members: Option<Vec<&'a RawValue>>,
    }
    let span = |part: &str| {
        let start = part.as_ptr().addr() - text.as_ptr().addr();
        start..start + part.len()
    };
    let spans = |parts: Vec<&RawValue>| parts.into_iter().map(|part| span(part.get())).collect();
    if document.starts_with('[') {
        return serde_json::from_str(document)
            .map(spans)
            .map_err(|error| broken(&error));
    }
    if memchr::memmem::find(document.as_bytes(), b"\"members\"").is_some()
        && let Ok(Cohort {
            members: Some(members),
        }) = serde_json::from_str(document)
    {
        return Ok(spans(members));
    }
    Ok(vec![span(document)])
}

fn camel_case(key: String) -> String {
    if !key.contains('_') {
        return key;
    }
    let mut out = String::with_capacity(key.len());
    let mut upper = false;
    for c in key.chars() {
        match c {
            '_' => upper = !out.is_empty(),
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Refused> {
    serde_json::from_value(value).map_err(|error| Refused::Shape {
        what: without_values(&error.to_string()),
    })
}

fn broken(error: &serde_json::Error) -> Refused {
    let text = error.to_string();
    let what = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what);
    let (line, column) = (error.line() as u64, error.column() as u64);
    Refused::BrokenJson {
        line,
        column,
        what: without_values(what),
    }
}

/// What serde says of a value, without the value: it may be a patient's.
fn without_values(text: &str) -> String {
    let Some((before, rest)) = text.split_once(['"', '`']) else {
        return text.to_owned();
    };
    if !before.starts_with("invalid") && !before.starts_with("unknown") {
        return text.to_owned();
    }
    let expected = rest.rsplit_once(", expected ").map(|(_, wanted)| wanted);
    match expected {
        Some(wanted) => format!("{}, expected {wanted}", before.trim_end()),
        None => before.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_in_every_wrapping() {
        let check = |text: &str, expected: &[&str]| {
            let (spans, error) = members(text);
            assert_eq!(error, None, "{text}");
            let found: Vec<&str> = spans.into_iter().map(|span| &text[span]).collect();
            assert_eq!(found, expected);
        };
        check(r#"{"a": 1}"#, &[r#"{"a": 1}"#]);
        check(
            "[{\"a\": 1},\n {\"a\": [2]}]",
            &[r#"{"a": 1}"#, r#"{"a": [2]}"#],
        );
        check(
            r#"{"id": "c", "members": [{"a": 1}, {}]}"#,
            &[r#"{"a": 1}"#, "{}"],
        );
        check("{\"a\": 1}\n{\"a\": 2}\n", &[r#"{"a": 1}"#, r#"{"a": 2}"#]);
        check(r#"{"id": "\"members\""}"#, &[r#"{"id": "\"members\""}"#]);
        check("", &[]);
    }

    #[test]
    fn records_before_a_syntax_error_are_kept() {
        let (spans, error) = members("{\"a\": 1}\n{\"a\" 2}");
        assert_eq!(spans, vec![0..8]);
        assert!(
            matches!(error, Some(Refused::BrokenJson { line: 2, .. })),
            "{error:?}"
        );
    }

    #[test]
    fn an_error_holds_no_value() {
        for text in [
            r#"{"subject": "Jane Doe"}"#,
            r#"{"subject": {"id": ["Jane Doe"]}}"#,
            r#"{"phenotypicFeatures": "Jane, expected Doe"}"#,
            r#"{"phenotypicFeatures": [{"excluded": "Jane Doe"}]}"#,
            r#"{"subject": {}, "id": Jane Doe}"#,
        ] {
            let error = from_json(text).unwrap_err().to_string();
            assert!(!error.contains("Jane"), "{error}");
        }
    }
}
