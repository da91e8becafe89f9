//! Accounts that a recovery closed, because it could not tell any more what they hold: the span
//! rule cannot judge columns that are not known. This module takes a ledger that was put back for
//! the newest one, and refuses whoever's account is closed in it.

use jiff::Timestamp;
use ligate_model::Digest;
use serde::{Deserialize, Serialize};

use super::{
    Codings, DataUser, Ledger, LedgerError, LedgerRefusal, Run, RunRecord, store::RunBook,
};
use crate::witness::Change;

/// An account of which a recovery could not tell any more what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedAccount {
    /// Whose it is; none: everybody's.
    pub data_user: Option<DataUser>,
    /// The run whose columns are not known, where one is named.
    pub job: Option<Digest>,
    /// The end of the books that were put back: what came later is not known.
    pub since: Timestamp,
}

impl ClosedAccount {
    pub(super) fn refusal(&self) -> LedgerRefusal {
        let whom = self
            .data_user
            .as_ref()
            .map_or("everybody", |user| &user.name)
            .to_owned();
        LedgerRefusal::Recovered {
            whom,
            since: self.since,
        }
    }
}

/// Refuses a run of somebody whose account, or everybody's, is closed.
pub(super) fn check(run: &Run, book: &RunBook) -> Result<(), LedgerRefusal> {
    let closed = |account: &&ClosedAccount| {
        account
            .data_user
            .as_ref()
            .is_none_or(|user| user.is(&run.data_user))
    };
    book.closed
        .iter()
        .find(closed)
        .map_or(Ok(()), |account| Err(account.refusal()))
}

impl Ledger {
    /// Accounts that a recovery closed.
    pub fn closed_accounts(&self) -> Result<Vec<ClosedAccount>, LedgerError> {
        let lock = self.store.lock()?;
        Ok(self.store.read(&lock)?.closed)
    }

    /// The runs of the ledger as it lies, whether or not it is the newest one: for a recovery,
    /// which asks what is missing in it.
    pub fn runs_as_they_lie(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let lock = self.store.lock()?;
        Ok(self.store.read_unwitnessed(&lock)?.runs)
    }

    /// Takes the ledger as it lies for the newest one, with these accounts closed and these codings
    /// fixed, which others prove. `reopened`: by the steward's word the accounts that were closed
    /// to everybody are open again; those of a data user stay closed.
    pub fn recover(
        &self,
        closed: &[ClosedAccount],
        codings: &Codings,
        reopened: bool,
    ) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read_unwitnessed(&lock)?;
        for (dataset, codings) in codings {
            book.codings
                .entry(dataset.clone())
                .or_default()
                .extend(codings.clone());
        }
        book.closed
            .retain(|account| !reopened || account.data_user.is_some());
        for account in closed {
            let known = |other: &ClosedAccount| {
                other.data_user == account.data_user && other.job == account.job
            };
            if !book.closed.iter().any(known) {
                book.closed.push(account.clone());
            }
        }
        self.store.write(
            &lock,
            &Change {
                what: "recovered",
                job: None,
            },
            &book,
        )
    }
}
