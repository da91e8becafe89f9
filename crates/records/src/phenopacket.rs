//! GA4GH phenopackets, versions 2 and 1, as JSON or protobuf: one patient (`Phenopacket`), a
//! patient with relatives (`Family`) or several patients (`Cohort`). What a case needs is read;
//! everything else is passed over. Version 1 is brought to the shape of version 2 first, so that a
//! case is built in one place.
//!
//! Features of other ontologies than HPO are left out with a note; a record whose features are all
//! of another ontology is refused. Relatives' features never become the patient's. No message holds
//! an id, a term or a name of a patient.
//!
//! Schema: <https://phenopacket-schema.readthedocs.io>, releases 2.0.2 and 1.0.0.

mod age;
mod build;
mod json;
mod message;
mod note;
mod protobuf;
mod upgrade;
mod version1;

pub use json::{from_json, members};
pub use note::Note;
pub use protobuf::from_protobuf;

use ligate_model::Case;

/// Most phenotypic features of one record. Real patients have at most a few hundred.
pub const FEATURES_MAX: usize = 2_000;

/// One patient and what was noticed while reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub case: Case,
    pub notes: Vec<Note>,
}

/// Why a record is no case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Line and column count from 1 within the record.
    #[error("broken JSON at column {column}: {what}")]
    BrokenJson {
        line: u64,
        column: u64,
        what: String,
    },
    #[error("a field is not as the phenopacket schema has it ({what})")]
    Shape { what: String },
    #[error("this is no phenopacket: it has neither a subject nor phenotypic features")]
    NotAPhenopacket,
    #[error("this is no phenopacket in protobuf, of version 2 or 1; write it again, or as JSON")]
    NotProtobuf,
    #[error(
        "no feature is a term of the Human Phenotype Ontology: they are of {prefixes}; \
         translate them to HPO terms, as in HP:0001250"
    )]
    OtherOntology { prefixes: String },
    #[error("the record has {count} phenotypic features; at most {FEATURES_MAX} are read")]
    TooManyFeatures { count: usize },
    #[error("the family has no proband")]
    NoProband,
}
