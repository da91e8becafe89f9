//! Versions of what is stored. Whoever finds a file of another version is told that, and never that
//! it is damaged: it is whole, and another program reads it.
//!
//! JSON says its version in a field of its own ([`json`]). What has no names for its fields begins
//! with a line of text that says what it is and in which version ([`Head`]).

use std::ops::RangeInclusive;

use serde::{Deserialize, de::DeserializeOwned};

/// Why stored bytes are not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("it has version {found}, which this program does not know")]
    AnotherVersion { found: u64 },
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Reads JSON that says its `version` (or its `format`, as older files call it), where that is one
/// of `known`. What else may be in it is decided by `T`, and only once the version is known.
pub fn json<T: DeserializeOwned>(text: &[u8], known: RangeInclusive<u32>) -> Result<T, FormError> {
    #[derive(Deserialize)]
    struct OfAnyVersion {
        #[serde(alias = "format")]
        version: u64,
    }
    let damaged = |error: serde_json::Error| FormError::Damaged(error.to_string());
    let OfAnyVersion { version: found } = serde_json::from_slice(text).map_err(damaged)?;
    if !u32::try_from(found).is_ok_and(|found| known.contains(&found)) {
        return Err(FormError::AnotherVersion { found });
    }
    serde_json::from_slice(text).map_err(damaged)
}

/// The first line of a file: `NAME VERSION`.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    pub name: &'static str,
    pub version: u32,
}

impl Head {
    /// The line, with its end.
    pub fn line(self) -> String {
        format!("{} {}\n", self.name, self.version)
    }

    /// What follows the line. Bytes that do not begin with the name are of the time before there
    /// was a line, or of something else.
    pub fn strip(self, bytes: &[u8]) -> Result<&[u8], FormError> {
        let found = self.version_of(bytes).ok_or_else(|| {
            FormError::Damaged(format!(
                "it does not begin with `{} {}`",
                self.name, self.version
            ))
        })?;
        if found != u64::from(self.version) {
            return Err(FormError::AnotherVersion { found });
        }
        Ok(&bytes[self.line().len()..])
    }

    fn version_of(self, bytes: &[u8]) -> Option<u64> {
        let rest = bytes
            .strip_prefix(self.name.as_bytes())?
            .strip_prefix(b" ")?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let digits = std::str::from_utf8(&rest[..end]).ok()?;
        let version: u64 = digits.parse().ok()?;
        (version.to_string() == digits).then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        version: u32,
        text: String,
    }

    fn note(text: &str) -> Result<Note, FormError> {
        json(text.as_bytes(), 1..=2)
    }

    #[test]
    fn json_of_a_known_version_is_read() {
        let read = note(r#"{"version": 1, "text": "a"}"#);
        assert_eq!(
            read,
            Ok(Note {
                version: 1,
                text: "a".to_owned()
            })
        );
    }

    #[test]
    fn another_version_is_not_called_damaged() {
        for found in [0, 3, u64::MAX] {
            let text = format!(r#"{{"version": {found}, "text": "a", "what came later": 7}}"#);
            assert_eq!(note(&text), Err(FormError::AnotherVersion { found }));
        }
        for text in [
            "",
            "{",
            "[]",
            "7",
            r#"{"text": "a"}"#,
            r#"{"version": -1}"#,
            r#"{"version": 2}"#,
        ] {
            assert!(matches!(note(text), Err(FormError::Damaged(_))), "{text}");
        }
    }

    #[test]
    fn a_head_is_its_name_and_its_version() {
        let head = Head {
            name: "ligate note",
            version: 3,
        };
        assert_eq!(head.strip(b"ligate note 3\nabc"), Ok(&b"abc"[..]));
        assert_eq!(head.strip(head.line().as_bytes()), Ok(&b""[..]));
        for found in [0, 2, 30] {
            let bytes = format!("ligate note {found}\nabc");
            let another = Err(FormError::AnotherVersion { found });
            assert_eq!(head.strip(bytes.as_bytes()), another);
        }
        for text in [
            "",
            "ligate note 3",
            "ligate note x\n",
            "ligate note 03\n",
            "ligate notes 3\n",
            "abc",
        ] {
            assert!(
                matches!(head.strip(text.as_bytes()), Err(FormError::Damaged(_))),
                "{text}"
            );
        }
    }
}
