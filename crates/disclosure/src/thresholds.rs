//! The numbers of the gate's rules. Any may be raised; none may go below its floor.

use std::ops::Index;

use ligate_model::{Rule, rule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number for every [`Rule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds([u64; Rule::COUNT]);

impl Default for Thresholds {
    fn default() -> Self {
        Self(Rule::ALL.map(Rule::default_value))
    }
}

impl Index<Rule> for Thresholds {
    type Output = u64;

    fn index(&self, rule: Rule) -> &u64 {
        &self.0[rule as usize]
    }
}

impl Thresholds {
    /// The numbers of `value`.
    pub fn new(value: impl Fn(Rule) -> u64) -> Self {
        Self(Rule::ALL.map(value))
    }

    /// No configuration goes below these.
    pub fn floor() -> Self {
        Self::new(Rule::floor)
    }

    /// With another number for one rule.
    #[must_use]
    pub fn with(mut self, rule: Rule, value: u64) -> Self {
        self.0[rule as usize] = value;
        self
    }

    /// Checks every threshold against its floor.
    ///
    /// # Errors
    ///
    /// The first rule that is configured below its floor.
    pub fn validate(&self) -> Result<(), BelowFloor> {
        let low = Rule::ALL
            .into_iter()
            .find(|rule| self[*rule] < rule.floor());
        low.map_or(Ok(()), |rule| {
            let (name, value, floor) = (rule.name(), self[rule], rule.floor());
            Err(BelowFloor { name, value, floor })
        })
    }

    /// The stricter of the two, rule by rule. Rules that do not matter may be 0 in `other`.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        Self::new(|rule| self[rule].max(other[rule]))
    }
}

impl Serialize for Thresholds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        rule::serialize_by_name(&self.0.map(Some), serializer)
    }
}

/// A rule that is not named has its default.
impl<'de> Deserialize<'de> for Thresholds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = rule::deserialize_by_name(deserializer)?;
        Ok(Self::new(|rule| {
            named[rule as usize].unwrap_or(rule.default_value())
        }))
    }
}

/// A threshold that is configured below its floor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the threshold {name} = {value} is too low: it can be {floor} or more")]
pub struct BelowFloor {
    pub(crate) name: &'static str,
    pub(crate) value: u64,
    pub(crate) floor: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_threshold_goes_below_its_floor() {
        for rule in Rule::ALL {
            let below = rule.floor() - 1;
            let text = format!(r#"{{"{}": {below}}}"#, rule.name());
            let thresholds: Thresholds = serde_json::from_str(&text).unwrap();
            let message = thresholds.validate().unwrap_err().to_string();
            assert!(
                message.contains(&format!("{} = {below}", rule.name())),
                "{message}"
            );
        }
        assert_eq!(Thresholds::floor().validate(), Ok(()));
        assert_eq!(Thresholds::floor()[Rule::Sites], 3);
    }

    #[test]
    fn names_are_read_strictly() {
        assert!(serde_json::from_str::<Thresholds>(r#"{"site": 3}"#).is_err());
        assert!(serde_json::from_str::<Thresholds>(r#"{"sites": 3, "sites": 4}"#).is_err());
        let read: Thresholds = serde_json::from_str(r#"{"sites": 4}"#).unwrap();
        assert_eq!(read, Thresholds::default().with(Rule::Sites, 4));
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Thresholds>(&written).unwrap(), read);
    }
}
