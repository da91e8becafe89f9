//! The rules of the disclosure gate that have a number: one table with the name, the default, the
//! floor and the words of each. Configuration, permits, stored results and reports all read it.

use serde::{
    Deserializer, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};

/// A rule with a threshold: "at least so many".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    IndividualsPerSite,
    Individuals,
    Cell,
    MinorAlleleCount,
    MinorAlleleCountInCases,
    MinorAlleleCountInControls,
    Carriers,
    Homozygotes,
    Sites,
    OfferedAlleleCount,
    ParameterShare,
}

/// What the table says of a rule.
struct Row {
    rule: Rule,
    /// In `ligate.toml`, permits and JSON.
    name: &'static str,
    default: u64,
    /// No configuration goes below it.
    floor: u64,
    /// For reports.
    words: &'static str,
}

/// In the order of [`Rule`]. The floors:
///
/// - sites 3: of two, each learns the other's sum by subtracting its own.
/// - cell 5: with fewer, somebody who knows a few members of a group knows nearly all of it.
/// - individuals per site 10: two cells, because a case-control site needs both.
/// - individuals 30: three sites of the smallest size.
/// - minor allele count 10: a person has two copies, so at least a cell of carriers.
/// - minor allele count in cases 3, in controls 3, offered 3: more than the copies of one person.
/// - carriers 5: a cell. Homozygotes 2: never one person, whose covariates could be read off the
///   weights of a model; by default 3, because with six digits a sum over three of two thousand
///   people does not tell which three they are, and one over two nearly does.
/// - parameter share 3: DataSHIELD's long-standing limit (`nfilter.glm` = 0.33); a model with as
///   many parameters as people returns the people.
const TABLE: [Row; Rule::COUNT] = [
    Row {
        rule: Rule::IndividualsPerSite,
        name: "individuals_per_site",
        default: 20,
        floor: 10,
        words: "individuals at each site, at least",
    },
    Row {
        rule: Rule::Individuals,
        name: "individuals",
        default: 100,
        floor: 30,
        words: "individuals in all, and with a call of a variant, at least",
    },
    Row {
        rule: Rule::Cell,
        name: "cell",
        default: 10,
        floor: 5,
        words: "cases and controls, each at least",
    },
    Row {
        rule: Rule::MinorAlleleCount,
        name: "minor_allele_count",
        default: 20,
        floor: 10,
        words: "copies of the minor allele, at least",
    },
    Row {
        rule: Rule::MinorAlleleCountInCases,
        name: "minor_allele_count_in_cases",
        default: 5,
        floor: 3,
        words: "copies of the minor allele among cases, at least",
    },
    Row {
        rule: Rule::MinorAlleleCountInControls,
        name: "minor_allele_count_in_controls",
        default: 5,
        floor: 3,
        words: "copies of the minor allele among controls, at least",
    },
    Row {
        rule: Rule::Carriers,
        name: "carriers",
        default: 10,
        floor: 5,
        words: "carriers of the minor allele, at least",
    },
    Row {
        rule: Rule::Homozygotes,
        name: "homozygotes",
        default: 3,
        floor: 2,
        words: "people with two copies of an allele, nobody or at least",
    },
    Row {
        rule: Rule::Sites,
        name: "sites",
        default: 3,
        floor: 3,
        words: "sites that hold the variant, at least",
    },
    Row {
        rule: Rule::OfferedAlleleCount,
        name: "offered_allele_count",
        default: 10,
        floor: 3,
        words: "copies of the minor allele before a site names a variant, at least",
    },
    Row {
        rule: Rule::ParameterShare,
        name: "parameter_share",
        default: 3,
        floor: 3,
        words: "individuals for each parameter, at least",
    },
];

impl Rule {
    pub const COUNT: usize = 11;

    /// All rules, in the order of the table.
    pub const ALL: [Self; Self::COUNT] = {
        let mut all = [Self::IndividualsPerSite; Self::COUNT];
        let mut place = 0;
        while place < Self::COUNT {
            all[place] = TABLE[place].rule;
            place += 1;
        }
        all
    };

    /// The name in `ligate.toml`, permits and JSON.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    pub const fn default_value(self) -> u64 {
        self.row().default
    }

    /// No configuration goes below it.
    pub const fn floor(self) -> u64 {
        self.row().floor
    }

    /// What a report calls it, before the number.
    pub const fn words(self) -> &'static str {
        self.row().words
    }

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// Writes values by the names of their rules; what has no value is left out.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize_by_name<S: Serializer>(
    values: &[Option<u64>; Rule::COUNT],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let stated = values.iter().filter(|value| value.is_some()).count();
    let mut map = serializer.serialize_map(Some(stated))?;
    for (rule, value) in Rule::ALL.iter().zip(values) {
        if let Some(value) = value {
            map.serialize_entry(rule.name(), value)?;
        }
    }
    map.end()
}

/// Reads values by the names of their rules; a rule that is not named has none.
///
/// # Errors
///
/// A name that no rule has, or one that is there twice.
pub fn deserialize_by_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<[Option<u64>; Rule::COUNT], D::Error> {
    struct ByName;

    impl<'de> Visitor<'de> for ByName {
        type Value = [Option<u64>; Rule::COUNT];

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("thresholds by the names of their rules")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            const NAMES: [&str; Rule::COUNT] = {
                let mut names = [""; Rule::COUNT];
                let mut place = 0;
                while place < Rule::COUNT {
                    names[place] = TABLE[place].name;
                    place += 1;
                }
                names
            };
            let mut values = [None; Rule::COUNT];
            while let Some(name) = map.next_key::<String>()? {
                let rule =
                    Rule::of_name(&name).ok_or_else(|| de::Error::unknown_field(&name, &NAMES))?;
                if values[rule as usize].is_some() {
                    return Err(de::Error::duplicate_field(rule.name()));
                }
                values[rule as usize] = map.next_value()?;
            }
            Ok(values)
        }
    }

    deserializer.deserialize_map(ByName)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_rules() {
        for (place, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!(rule as usize, place, "{rule:?}");
            assert!(rule.floor() <= rule.default_value(), "{rule:?}");
        }
    }
}
