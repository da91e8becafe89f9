//! What is computed for one patient: which diseases explain a phenotype, which variants a genome offers for them, which
//! patients elsewhere are alike.
//!
//! Pure functions over facts (`Knowledge`), a `Case` and, where there is one, a genome. No I/O, no clock, no
//! randomness that is not handed in; nothing here logs or prints a patient.

#![deny(unsafe_code)]

pub mod counts;
pub mod evaluation;
pub mod genome;
pub mod knowledge;
pub mod matching;
pub mod ontology;
pub mod phenotype;
pub mod text;
