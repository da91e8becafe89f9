//! What may leave a node: secure sums, cell rules, the privacy ledger and the types that hold all
//! three to it.
//!
//! A number leaves a node only masked, or as [`Released`], which this crate alone can build. What
//! the coordinator opens is [`Opened`], which can be neither serialised nor printed.

#![forbid(unsafe_code)]

mod allele_counts;
mod book_files;
pub mod diagnosis_counts;
pub mod export;
mod gate;
mod ledger;
pub mod masks;
mod opened;
mod released;
pub mod shamir;
pub mod span;
mod thresholds;
mod witness;

pub use book_files::{Lock, lock};
pub use gate::{Cleared, Gate, OwnSite};
pub use ledger::{
    ACCOUNT_COLUMNS_MAX, Account, AccountColumn, AllowedRoster, Chosen, ClosedAccount, Codings,
    ColumnId, ColumnRecord, DataUser, Draft, Exact, ExportAccount, Exported, ForExport, Ledger,
    LedgerError, LedgerRefusal, Left, NewColumn, PLANS_MAX, PeopleSet, Run, RunRecord, RunState,
    choose, rosters,
};
pub use masks::{MaskedSum, MaskedSumError, Seed, add_mask, subtract_mask};
pub use opened::Opened;
pub use released::Released;
pub use thresholds::{BelowFloor, Thresholds};
pub use witness::{Change, Witness, WitnessError, WitnessedFile};
