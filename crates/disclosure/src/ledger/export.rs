//! The account of the dataset at the outer door: what of a run left the environment counts for everybody, for ever, so
//! before something leaves, the exported account is judged with it, and each data user's own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ligate_model::{Digest, VariableName};
use serde::{Deserialize, Serialize};

use super::{
    Account, ColumnId, DataUser, Ledger, LedgerError, LedgerRefusal, RunRecord, RunState, counts_for, last_of,
};
use crate::witness::Change;

/// What left of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// The digest of what left.
    pub content: Digest,
    /// Variants of which an effect left.
    pub variants: u64,
    pub when: Timestamp,
}

/// What the books of a node say of a run that is to be exported.
pub struct ForExport {
    pub run: RunRecord,
    /// Everything that was ever shown of this node's people.
    pub everything: Account,
    /// The columns of each account that the export adds to: the exported one, then that of each other data user.
    pub accounts: Vec<Vec<ColumnId>>,
    /// Sorted, of this run and of all that was exported before.
    pub rosters: Vec<Vec<Digest>>,
    /// Variants that left before of other runs with the same trait.
    pub variants_of_others: u64,
}

impl ForExport {
    /// Variants of the trait that will have left, in all exports together, where `content` with `variants` leaves.
    pub fn variants_with(&self, content: Digest, variants: u64) -> u64 {
        let own = self.run.exported.as_ref().filter(|before| before.content != content);
        self.variants_of_others
            .saturating_add(own.map_or(0, |before| before.variants))
            .saturating_add(variants)
    }

    /// Which accounts are judged whole where these columns are: every distinct column is among them.
    pub fn covered(&self, shown: &[ColumnId]) -> Vec<usize> {
        let class: BTreeMap<ColumnId, u32> =
            self.everything.columns().iter().map(|column| (column.id, column.class)).collect();
        let judged: BTreeSet<u32> = shown.iter().filter_map(|id| class.get(id).copied()).collect();
        let whole = |account: &Vec<ColumnId>| {
            account.iter().all(|id| class.get(id).is_some_and(|class| judged.contains(class)))
        };
        (0..self.accounts.len()).filter(|place| whole(&self.accounts[*place])).collect()
    }
}

impl Ledger {
    /// What has to be judged before something of a job leaves.
    pub fn for_export(&self, job: Digest) -> Result<ForExport, LedgerError> {
        let lock = self.store.lock()?;
        let book = self.store.read(&lock)?;
        if let Some(closed) = book.closed.first() {
            return Err(closed.refusal().into());
        }
        let run = book.runs.iter().rev().find(|run| run.job == job).ok_or(LedgerError::UnknownRun)?.clone();
        if !matches!(run.state, RunState::Released(_)) || run.people.is_none() {
            return Err(LedgerRefusal::NotReleased.into());
        }
        let everything = Account::read(&self.store, book.runs.iter().cloned())?;
        let leaves = |record: &RunRecord| record.exported.is_some() || record.job == job;
        let mut accounts = vec![columns_of(&everything, &book.runs, leaves)];
        for user in other_parties(&book.runs, &run.data_user) {
            let counts = counts_for(&user, &book.runs);
            accounts.push(columns_of(&everything, &book.runs, |record| counts(record) || record.job == job));
        }
        let rosters = book.runs.iter().filter(|record| leaves(record)).map(|record| record.roster.clone());
        let trait_name = run.trait_name();
        let same_trait = |record: &&RunRecord| record.job != job && record.trait_name() == trait_name;
        let variants = book.runs.iter().filter(same_trait).filter_map(|record| record.exported.as_ref());
        Ok(ForExport {
            rosters: rosters.collect(),
            variants_of_others: variants.map(|exported| exported.variants).sum(),
            accounts,
            everything,
            run,
        })
    }

    /// Notes that something of a run left the environment: from now on its columns count for everybody. To be called before
    /// anything leaves. `judged` is what was judged: where something was shown meanwhile, the export is judged anew.
    /// The variants of different contents of a run add up; the same content may leave again.
    pub fn mark_exported(
        &self,
        job: Digest,
        judged: &Account,
        exported: Exported,
    ) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        if let Some(closed) = book.closed.first() {
            return Err(closed.refusal().into());
        }
        let shown = book.runs.iter().filter(|run| run.people.is_some()).map(|run| run.job);
        if !shown.eq(judged.jobs().iter().copied()) {
            return Err(LedgerRefusal::Meanwhile.into());
        }
        let record = last_of(&mut book, job)?;
        match &record.exported {
            Some(before) if before.content == exported.content => return Ok(()),
            Some(before) => {
                let variants = before.variants.saturating_add(exported.variants);
                record.exported = Some(Exported { variants, ..exported });
            }
            None => record.exported = Some(exported),
        }
        self.store.write(&lock, &Change::of("exported", job), &book)
    }

    /// The rosters of what was exported, over which the sum of a node must not be taken apart.
    pub fn exported_rosters(&self) -> Result<Vec<Vec<Digest>>, LedgerError> {
        let runs = self.runs()?.into_iter();
        Ok(runs.filter(|run| run.exported.is_some()).map(|run| run.roster).collect())
    }
}

impl RunRecord {
    /// What was studied, where it was a study: the last variable of its columns' roles.
    fn trait_name(&self) -> Option<&VariableName> {
        self.columns
            .iter()
            .filter(|column| column.role == "trait")
            .find_map(|column| column.variable.as_ref())
    }
}

/// All columns of the runs that a rule counts.
fn columns_of(
    everything: &Account,
    runs: &[RunRecord],
    counts: impl Fn(&RunRecord) -> bool,
) -> Vec<ColumnId> {
    let jobs: BTreeSet<Digest> = runs.iter().filter(|run| counts(run)).map(|run| run.job).collect();
    everything.columns().iter().map(|column| column.id).filter(|id| jobs.contains(&id.job)).collect()
}

/// One data user of each party but that of `own`, of those to whom something was shown.
fn other_parties(runs: &[RunRecord], own: &DataUser) -> Vec<DataUser> {
    let mut known = vec![super::Party::of(own, runs)];
    let mut others = Vec::new();
    for run in runs.iter().filter(|run| run.people.is_some()) {
        if !known.iter().any(|party| party.has(&run.data_user)) {
            known.push(super::Party::of(&run.data_user, runs));
            others.push(run.data_user.clone());
        }
    }
    others
}
