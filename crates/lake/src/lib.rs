//! A node's data at rest: datasets of immutable snapshots, each a folder of Parquet tables.
//!
//! A snapshot has a `sites` table with ready counts, `genotypes` in blocks of individuals,
//! `samples` and `phenotypes`; `layout` says where each lies. Loads never touch what exists: they
//! write beside it and a manifest that is replaced in one step puts the new snapshot in force. This
//! crate alone knows Parquet, Arrow and DataFusion. It refuses to change a stored snapshot and to
//! run SQL that does more than read.

#![forbid(unsafe_code)]

mod description;
mod error;
mod lake;
mod layout;
mod likeness;
mod load;
mod lock;
mod manifest;
mod partition;
mod scan;
mod since;
mod snapshot;
mod sql;
mod tables;

pub use description::VariableDescription;
pub use error::{LakeError, SampleConflict};
pub use lake::{DatasetSummary, Lake};
pub use load::{
    BLOCK_INDIVIDUALS_MAX, ChangedVariants, LoadReport, LoadRequest, Progress, Replacing, VcfGroup,
};
pub use snapshot::{Site, Snapshot};
pub use sql::{Cell, SqlLimits, Table};
pub use tables::HistoryKey;
