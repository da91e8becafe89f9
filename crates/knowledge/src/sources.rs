//! The official releases: ontology (OBO), annotations (phenotype.hpoa), MONDO's mappings (SSSOM),
//! links from genes to diseases, and tables of genes. Each reader gives rows as they are written,
//! and the problems that it passed over.

pub mod gene_links;
pub mod gene_tables;
pub mod hpoa;
pub mod mondo;
pub mod obo;
