//! Bytes to nouns: variant files (VCF, BCF), phenotype tables and pedigrees as data holders have them, and the public
//! files that go with them: chains between assemblies, frequencies of sites, consequences, tables of genes.
//!
//! Reading collects problems with line numbers and goes on; a file that is cut, corrupt or without a usable header is
//! an error. No message holds a person's id or value.

#![deny(unsafe_code)]

pub mod bgzf;
pub mod cases;
pub mod chain;
pub mod consequence;
mod error;
pub mod family_vcf;
pub mod gene_links;
pub mod gene_tables;
pub mod gwas_ssf;
pub mod hpoa;
mod input;
pub mod known_as;
mod lines;
pub mod mondo;
pub mod obo;
pub mod pedigree;
pub mod phenopacket;
pub mod phenotypes;
mod problems;
pub mod reference;
pub mod sites;
mod table;
pub mod term_list;
mod text_file;
pub mod vcf;

pub use error::{ReadError, ReadFailure};
pub use problems::{KEPT_PROBLEMS, Problem, Problems};
pub use reference::Reference;
