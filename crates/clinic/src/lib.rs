//! What is computed for one patient: which diseases explain a phenotype, which variants a genome
//! offers for them, which patients elsewhere are alike.
//!
//! Pure functions over facts (`ligate_knowledge`), a `Case` and, where there is one, a genome. No
//! I/O, no clock, no randomness that is not handed in; nothing here logs or prints a patient.

#![deny(unsafe_code)]

pub mod counts;
pub mod genome;
pub mod matching;
pub mod phenotype;
