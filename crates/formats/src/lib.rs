//! Bytes to nouns for variants and results: variant files (VCF, BCF), a family's VCF, sites with
//! frequencies and consequences, chains between assemblies, GWAS-SSF tables; and text as files have
//! it, for the readers of other crates.
//!
//! Reading collects problems with line numbers and goes on; a file that is cut, corrupt or without
//! a usable header is an error. No message holds a person's id or value.

#![deny(unsafe_code)]

pub mod bgzf;
pub mod chain;
pub mod consequence;
mod error;
pub mod family_vcf;
pub mod gwas_ssf;
mod problems;
pub mod reference;
pub mod sites;
pub mod text;
pub mod vcf;

pub use error::{ReadError, ReadFailure};
pub use problems::{KEPT_PROBLEMS, Problem, Problems};
pub use reference::Reference;
