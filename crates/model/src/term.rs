//! Ids of the clinic's vocabularies: phenotype terms (HPO), diseases (OMIM, Orphanet, DECIPHER,
//! MONDO), publications. They are parsed here and nowhere else; anything of another ontology is
//! refused with its prefix.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A term of the Human Phenotype Ontology: the number behind `HP:`, seven digits when written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermId(u32);

/// The id is not of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTerm {
    #[error("`{prefix}` is not the ontology wanted here; use {wanted}")]
    OtherOntology {
        prefix: String,
        wanted: &'static str,
    },
    #[error("an id is a prefix, a colon and a number, as in {wanted}")]
    Malformed { wanted: &'static str },
}

impl TermId {
    /// Largest number that HPO's seven digits can write.
    const MAX: u32 = 9_999_999;

    /// The term with this number; `None` above seven digits.
    pub const fn from_number(number: u32) -> Option<Self> {
        if number <= Self::MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number behind `HP:`.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for TermId {
    type Err = InvalidTerm;

    fn from_str(text: &str) -> Result<Self, InvalidTerm> {
        const WANTED: &str = "the Human Phenotype Ontology, as in HP:0001250";
        let (prefix, number) = split(text, WANTED)?;
        if prefix != "HP" {
            return Err(other(prefix, WANTED));
        }
        parse_number(number)
            .and_then(Self::from_number)
            .ok_or(InvalidTerm::Malformed { wanted: WANTED })
    }
}

impl fmt::Display for TermId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HP:{:07}", self.0)
    }
}

impl fmt::Debug for TermId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A disease as one of the catalogues names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiseaseId {
    Omim(u32),
    Orphanet(u32),
    Decipher(u32),
    Mondo(u32),
}

impl FromStr for DiseaseId {
    type Err = InvalidTerm;

    fn from_str(text: &str) -> Result<Self, InvalidTerm> {
        const WANTED: &str = "OMIM, Orphanet, DECIPHER or MONDO, as in OMIM:101600";
        let (prefix, number) = split(text, WANTED)?;
        let make = match prefix.to_ascii_uppercase().as_str() {
            "OMIM" | "MIM" => Self::Omim,
            "ORPHA" | "ORPHANET" | "ORDO" => Self::Orphanet,
            "DECIPHER" => Self::Decipher,
            "MONDO" => Self::Mondo,
            _ => return Err(other(prefix, WANTED)),
        };
        parse_number(number)
            .map(make)
            .ok_or(InvalidTerm::Malformed { wanted: WANTED })
    }
}

impl fmt::Display for DiseaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Omim(number) => write!(out, "OMIM:{number:06}"),
            Self::Orphanet(number) => write!(out, "ORPHA:{number}"),
            Self::Decipher(number) => write!(out, "DECIPHER:{number}"),
            Self::Mondo(number) => write!(out, "MONDO:{number:07}"),
        }
    }
}

impl fmt::Debug for DiseaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A publication in PubMed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pmid(pub u32);

impl FromStr for Pmid {
    type Err = InvalidTerm;

    fn from_str(text: &str) -> Result<Self, InvalidTerm> {
        const WANTED: &str = "PubMed, as in PMID:15266616";
        let (prefix, number) = split(text, WANTED)?;
        if !prefix.eq_ignore_ascii_case("PMID") {
            return Err(other(prefix, WANTED));
        }
        parse_number(number)
            .map(Self)
            .ok_or(InvalidTerm::Malformed { wanted: WANTED })
    }
}

impl fmt::Display for Pmid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PMID:{}", self.0)
    }
}

impl fmt::Debug for Pmid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn split<'a>(text: &'a str, wanted: &'static str) -> Result<(&'a str, &'a str), InvalidTerm> {
    let text = text.trim();
    let parts = text.split_once(':').or_else(|| text.split_once('_'));
    parts.ok_or(InvalidTerm::Malformed { wanted })
}

fn parse_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits =
        !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The prefix is kept short: a pasted line must not end up in a message.
fn other(prefix: &str, wanted: &'static str) -> InvalidTerm {
    let prefix = prefix
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect();
    InvalidTerm::OtherOntology { prefix, wanted }
}

/// Ids travel as their text.
macro_rules! text_serde {
    ($($id:ty),*) => {$(
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

text_serde!(TermId, DiseaseId, Pmid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_read() {
        for text in ["HP:0001250", "HP:0000001"] {
            assert_eq!(
                text.parse::<TermId>().map(|id| id.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["OMIM:101600", "ORPHA:710", "DECIPHER:1", "MONDO:0007043"] {
            assert_eq!(
                text.parse::<DiseaseId>().map(|id| id.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("HP_0001250".parse::<TermId>().map(TermId::number), Ok(1250));
        assert_eq!("MIM:100050".parse(), Ok(DiseaseId::Omim(100_050)));
        assert_eq!("Orphanet:710".parse(), Ok(DiseaseId::Orphanet(710)));
    }

    #[test]
    fn another_ontology_is_named() {
        let error = "MP:0001250".parse::<TermId>().unwrap_err();
        assert!(error.to_string().contains("`MP`"), "{error}");
        for text in [
            "",
            "HP",
            "HP:",
            "HP:12a",
            "HP:99999999",
            "HP:-1",
            "HP:00000000000001",
        ] {
            assert!(text.parse::<TermId>().is_err(), "{text}");
        }
    }
}
