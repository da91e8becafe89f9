//! Bytes to nouns: variant files (VCF, BCF) and phenotype tables as data holders have them.
//!
//! Reading collects problems with line numbers and goes on; a file that is cut, corrupt or without a usable header is
//! an error. No message holds a person's id or value.

#![deny(unsafe_code)]

pub mod bgzf;
mod error;
pub mod gwas_ssf;
mod input;
pub mod phenotypes;
mod problems;
pub mod reference;
pub mod vcf;

pub use error::{ReadError, ReadFailure};
pub use problems::{KEPT_PROBLEMS, Problem, Problems};
pub use reference::Reference;
