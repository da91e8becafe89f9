//! Thresholds of the disclosure gate that a permit raises.

use ligate_model::{Rule, rule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number for some rules. One below a node's own changes nothing there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputRules([Option<u64>; Rule::COUNT]);

impl OutputRules {
    /// What the permit says of a rule, if it says something.
    pub fn get(&self, rule: Rule) -> Option<u64> {
        self.0[rule as usize]
    }

    /// With a number for one more rule.
    #[must_use]
    pub fn with(mut self, rule: Rule, value: u64) -> Self {
        self.0[rule as usize] = Some(value);
        self
    }
}

impl Serialize for OutputRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        rule::serialize_by_name(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for OutputRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        rule::deserialize_by_name(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_is_written() {
        assert_eq!(
            serde_json::to_string(&OutputRules::default()).unwrap(),
            "{}"
        );
        let rules = OutputRules::default()
            .with(Rule::Sites, 5)
            .with(Rule::Individuals, 200);
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(text, r#"{"individuals":200,"sites":5}"#);
        assert_eq!(serde_json::from_str::<OutputRules>(&text).unwrap(), rules);
        assert!(serde_json::from_str::<OutputRules>(r#"{"site":5}"#).is_err());
    }
}
