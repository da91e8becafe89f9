//! Bytes to nouns for people: phenotype tables, pedigrees, tables of other ids, phenopackets of
//! both versions and encodings, lists of terms, and files or folders of cases.
//!
//! Reading collects problems with line numbers and goes on; a file that is cut or has no usable
//! header is an error. No message holds a person's id or value.

#![forbid(unsafe_code)]

pub mod cases;
pub mod known_as;
pub mod pedigree;
pub mod phenopacket;
pub mod phenotypes;
pub mod term_list;
