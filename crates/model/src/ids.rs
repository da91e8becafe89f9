//! Names of nodes, datasets, variables, individuals and countries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that breaks the rule of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no {kind}: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    rule: &'static str,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text.into_boxed_str()))
                } else {
                    Err(InvalidId { kind: $kind, rule: $rule, text: text.chars().take(80).collect() })
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into_string()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! readable_in_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

id!(
    /// The name of a node, unique among a steward's peers; also a folder name.
    NodeName, "node name", "use 1 to 64 of a-z, A-Z, 0-9, '-' and '_', starting with a letter or digit", is_folder_name
);
id!(
    /// The name of a dataset at its node; also a folder and an SQL schema name.
    DatasetId, "dataset id", "use 1 to 64 of a-z, A-Z, 0-9, '-' and '_', starting with a letter or digit", is_folder_name
);
id!(
    /// The name of a column of a phenotype table.
    VariableName, "variable name", "use 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', starting with a letter or digit", is_variable_name
);
id!(
    /// A data holder's pseudonym for one person. It is personal data: it has no `Debug` that prints
    /// it.
    IndividualId, "individual id", "use 1 to 256 characters without white space at the ends or control characters", is_individual_id
);
id!(
    /// An ISO 3166-1 alpha-2 country code.
    CountryCode, "country code", "use a code of ISO 3166-1, two capital letters: GB, not UK; GR, not EL", is_country
);
readable_in_debug!(NodeName, DatasetId, VariableName, CountryCode);

impl fmt::Debug for IndividualId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndividualId(..)")
    }
}

/// The codes of ISO 3166-1 alpha-2 that are assigned, in order.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC \
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC \
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
    UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

fn is_country(text: &str) -> bool {
    COUNTRIES.split(' ').any(|country| country == text)
}

fn starts_alphanumeric(text: &str) -> bool {
    text.len() <= 64
        && text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric())
}

fn is_folder_name(text: &str) -> bool {
    starts_alphanumeric(text)
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn is_variable_name(text: &str) -> bool {
    starts_alphanumeric(text)
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_individual_id(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold() {
        assert!(NodeName::new("kg-hg").is_ok());
        assert!(NodeName::new("../x").is_err());
        assert!(DatasetId::new("").is_err());
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        assert!(COUNTRIES.split(' ').is_sorted());
        for wrong in ["se", "UK", "EL", "XX", "", "S", "SWE", "AD AE"] {
            assert!(CountryCode::new(wrong).is_err(), "{wrong}");
        }
        assert!(IndividualId::new("NA 12878").is_ok());
        assert!(IndividualId::new("x\n").is_err());
    }

    #[test]
    fn an_individual_is_not_printed_by_debug() {
        assert_eq!(
            format!("{:?}", IndividualId::new("NA12878").unwrap()),
            "IndividualId(..)"
        );
    }
}
