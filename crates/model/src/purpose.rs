//! The purposes for which electronic health data may be processed for secondary use.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A purpose of Article 53(1) of Regulation (EU) 2025/327. Purposes (a) to (c) are reserved for
/// public bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// (a) public interest in public or occupational health
    PublicHealth,
    /// (b) policy making and regulatory activities
    Policy,
    /// (c) statistics
    Statistics,
    /// (d) education or teaching in the health or care sectors
    Education,
    /// (e) scientific research related to the health or care sectors
    Research,
    /// (f) improvement of the delivery of care and of treatment of a natural person
    Care,
}

const NAMES: [(Purpose, &str, char); 6] = [
    (Purpose::PublicHealth, "public-health", 'a'),
    (Purpose::Policy, "policy", 'b'),
    (Purpose::Statistics, "statistics", 'c'),
    (Purpose::Education, "education", 'd'),
    (Purpose::Research, "research", 'e'),
    (Purpose::Care, "care", 'f'),
];

impl Purpose {
    /// The letter of the point of Article 53(1).
    pub fn point(self) -> char {
        self.row().2
    }

    fn row(self) -> (Self, &'static str, char) {
        NAMES
            .into_iter()
            .find(|row| row.0 == self)
            .unwrap_or(NAMES[0])
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.row().1)
    }
}

/// A word that is no purpose of Article 53(1).
#[derive(Debug, thiserror::Error)]
#[error(
    "\"{0}\" is no purpose; use public-health, policy, statistics, education, research or care"
)]
pub struct UnknownPurpose(String);

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NAMES
            .into_iter()
            .find(|row| row.1 == text)
            .map(|row| row.0)
            .ok_or_else(|| UnknownPurpose(text.to_owned()))
    }
}
