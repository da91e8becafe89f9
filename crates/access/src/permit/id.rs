//! Names of permits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name of a permit, unique at its issuer; 1 to 64 of `a-z`, `A-Z`, `0-9`, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PermitId(Box<str>);

/// Text that is no permit id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a permit id is 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', starting with a letter or digit"
)]
pub struct InvalidPermitId;

impl PermitId {
    pub fn new(text: &str) -> Result<Self, InvalidPermitId> {
        let starts = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        let all = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if starts && all && text.len() <= 64 {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPermitId)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PermitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PermitId {
    type Err = InvalidPermitId;

    fn from_str(text: &str) -> Result<Self, InvalidPermitId> {
        Self::new(text)
    }
}

impl TryFrom<String> for PermitId {
    type Error = InvalidPermitId;

    fn try_from(text: String) -> Result<Self, InvalidPermitId> {
        Self::new(&text)
    }
}

impl From<PermitId> for String {
    fn from(id: PermitId) -> Self {
        id.0.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_id_could_name_a_file() {
        assert_eq!(
            "SE-2031.17".parse::<PermitId>().unwrap().as_str(),
            "SE-2031.17"
        );
        for bad in ["", "../x", "-a", ".", "a b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<PermitId>(), Err(InvalidPermitId));
        }
    }
}
