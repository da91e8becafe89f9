//! What is known apart from any patient: the Human Phenotype Ontology, diseases, genes and their
//! annotations as one compact file of facts, the official releases that it is built from, and
//! English text to terms.
//!
//! It holds nothing of any patient and asks nobody: what it knows was handed in.

#![deny(unsafe_code)]

mod facts;
#[cfg(any(test, feature = "mini"))]
pub mod mini;
pub mod ontology;
pub mod sources;
pub mod text;

pub use facts::*;
