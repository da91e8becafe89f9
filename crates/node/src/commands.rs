//! One module per command: it turns words into calls and results into text. No rule is decided
//! here.

pub mod audit;
pub mod datasets;
pub mod diagnose;
pub mod evaluate;
pub mod export;
pub mod gwas;
pub mod ingest;
pub mod init;
pub mod knowledge;
pub mod ledger;
pub mod matching;
pub mod peer;
pub mod permit;
pub mod recovery;
pub mod registry;
pub mod serve;
pub mod sql;
