//! The account of the dataset at the outer door: what of a run left the environment counts for
//! everybody, for ever, so before something leaves, the exported account is judged with it, and
//! each data user's own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ligate_model::{Digest, VariantKey};
use serde::{Deserialize, Serialize};

use super::{
    Account, ColumnId, ColumnRecord, DataUser, Exact, Ledger, LedgerError, LedgerRefusal, Party,
    PeopleSet, RunRecord, RunState, counts_for, last_of, rosters, store::RunBook,
};
use crate::{
    export::{Regions, strength_max, variants_max},
    witness::Change,
};

/// Something of a run that left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// The digest of what left.
    pub content: Digest,
    /// Variants of which an effect left, and the sum of their strengths
    /// ([`crate::export::strength`]).
    pub variants: u64,
    pub strength: Exact,
    /// The variants, each of which closes its region for others ([`Regions`]); none where they are
    /// more than may leave of a trait without a permit for full tables: then nothing more of the
    /// trait leaves without one, and no region matters.
    pub keys: Vec<VariantKey>,
    pub when: Timestamp,
}

impl Exported {
    /// Whether the variants must be named, of a study of `people` people.
    pub fn names_variants(variants: u64, people: u64) -> bool {
        variants <= variants_max(people)
    }
}

/// What left of a trait, each variant and each unit of strength as a share of the people that it
/// was estimated in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Left {
    pub variants: f64,
    pub strength: f64,
}

impl Left {
    /// With `variants` variants of this strength in all, in a study of `people` people.
    #[must_use]
    pub fn and(self, variants: u64, strength: f64, people: u64) -> Self {
        let people = people.max(1) as f64;
        Self {
            variants: self.variants + variants as f64 / people,
            strength: self.strength + strength / people,
        }
    }

    /// Whether it is as little as may leave without a permit for full tables. Sums of shares are
    /// off by a few units of the last place.
    pub fn is_little(&self) -> bool {
        let most = strength_max(1) * (1.0 + 1e-9);
        self.variants <= most && self.strength <= most
    }
}

/// An account that an export adds to.
pub struct ExportAccount {
    /// Whose columns are in it.
    pub jobs: BTreeSet<Digest>,
    pub columns: Vec<ColumnId>,
    /// Of its runs with the export's, each sorted.
    pub rosters: Vec<Vec<Digest>>,
}

/// What the books of a node say of a run that is to be exported.
pub struct ForExport {
    pub run: RunRecord,
    /// Everything that was ever shown of this node's people.
    pub everything: Account,
    /// Each account that the export adds to: the exported one, then that of each other data user.
    pub accounts: Vec<ExportAccount>,
    /// What left before of other runs with nearly the same trait, under whichever name.
    pub left_before: Left,
    /// The variants that left of these runs, and of this one.
    pub regions: Regions,
    state: Digest,
}

impl ForExport {
    /// Which accounts are judged whole where these columns are: every distinct column is among
    /// them.
    pub fn covered(&self, shown: &[ColumnId]) -> Vec<usize> {
        let class = self.everything.classes_by_id();
        let judged: BTreeSet<u32> = shown
            .iter()
            .filter_map(|id| class.get(id).copied())
            .collect();
        let whole = |account: &ExportAccount| {
            account
                .columns
                .iter()
                .all(|id| class.get(id).is_some_and(|class| judged.contains(class)))
        };
        (0..self.accounts.len())
            .filter(|place| whole(&self.accounts[*place]))
            .collect()
    }

    /// The people of the run.
    pub fn people(&self) -> Option<&PeopleSet> {
        self.everything.set(self.run.people?)
    }

    /// The places among `shown` of the run's people, and of each of its variables: of no
    /// combination of such two the sum over this node alone must follow.
    pub fn kept_apart(&self, shown: &[ColumnId]) -> Vec<[usize; 2]> {
        let class = self.everything.classes_by_id();
        let places = |wanted: &dyn Fn(&ColumnRecord) -> bool| -> Vec<usize> {
            let own = self
                .run
                .columns
                .iter()
                .zip(0..)
                .filter(|(column, _)| wanted(column));
            let ids = own.map(|(_, place)| ColumnId {
                job: self.run.job,
                place,
            });
            let own: BTreeSet<u32> = ids.filter_map(|id| class.get(&id).copied()).collect();
            let is_own = |id: &ColumnId| class.get(id).is_some_and(|class| own.contains(class));
            (0..shown.len())
                .filter(|place| is_own(&shown[*place]))
                .collect()
        };
        let (people, plain) = (
            places(&|column| column.values.is_none()),
            places(&ColumnRecord::is_plain),
        );
        people
            .iter()
            .flat_map(|people| plain.iter().map(|column| [*people, *column]))
            .collect()
    }

    /// What will have left of the trait, in all exports together, where `exported` leaves.
    pub fn left_with(&self, exported: &Exported) -> Left {
        let own = self
            .run
            .exported
            .iter()
            .filter(|before| before.content != exported.content);
        own.chain([exported])
            .fold(self.left_before, |left, exported| {
                left.and(exported.variants, exported.strength.0, self.run.individuals)
            })
    }
}

impl Ledger {
    /// What has to be judged before something of a job leaves, whose released result has this
    /// digest. Refuses where a single node's own sum would follow, as far as this node knows the
    /// rosters, and where the run's people were used under another dataset id, too.
    pub fn for_export(&self, job: Digest, result: Digest) -> Result<ForExport, LedgerError> {
        let lock = self.store.lock()?;
        let book = self.store.read(&lock)?;
        refuse_closed(&book)?;
        let run = book
            .runs
            .iter()
            .rev()
            .find(|run| run.job == job)
            .ok_or(LedgerError::UnknownRun)?
            .clone();
        match run.state {
            RunState::Released(released) if run.people.is_some() && released == result => {}
            RunState::Released(_) if run.people.is_some() => {
                return Err(LedgerRefusal::OtherResult.into());
            }
            _ => return Err(LedgerRefusal::NotReleased.into()),
        }
        let everything = Account::read(&self.store, book.runs.iter().cloned())?;
        everything.check_dataset_of(&run)?;
        let account = |counts: &dyn Fn(&RunRecord) -> bool| {
            let runs: Vec<&RunRecord> = book
                .runs
                .iter()
                .filter(|record| record.job == job || counts(record))
                .collect();
            let jobs: BTreeSet<Digest> = runs.iter().map(|run| run.job).collect();
            let ids = everything.columns().iter().map(|column| column.id);
            ExportAccount {
                columns: ids.filter(|id| jobs.contains(&id.job)).collect(),
                rosters: runs.iter().map(|run| run.roster.clone()).collect(),
                jobs,
            }
        };
        let mut accounts = vec![account(&|record| record.is_exported())];
        for user in other_parties(&book.runs, &run.data_user) {
            accounts.push(account(&counts_for(&user, &book.runs)));
        }
        // Whoever reads what was exported may be any node's steward; a data user is nobody's.
        let (exported, others) = accounts.split_at(1);
        exported
            .iter()
            .try_for_each(|account| rosters::check(&account.rosters, rosters::Observer::AnyNode))?;
        others.iter().try_for_each(|account| {
            rosters::check(&account.rosters, rosters::Observer::Outsider)
        })?;
        let (left_before, mut regions) = left_of_trait(&book, &run, &everything);
        regions.extend(run.exported.iter().flat_map(|exported| &exported.keys));
        Ok(ForExport {
            state: state(&book),
            left_before,
            regions,
            accounts,
            everything,
            run,
        })
    }

    /// Notes that something of a run left the environment: from now on its columns count for
    /// everybody. To be called before anything leaves. `judged` is what was judged: where something
    /// was shown or exported since, it is judged anew. The same content may leave again.
    pub fn mark_exported(
        &self,
        job: Digest,
        judged: &ForExport,
        exported: Exported,
    ) -> Result<(), LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        refuse_closed(&book)?;
        if state(&book) != judged.state {
            return Err(LedgerRefusal::Meanwhile.into());
        }
        let record = last_of(&mut book, job)?;
        if let Some(before) = record
            .exported
            .iter()
            .find(|before| before.content == exported.content)
        {
            let same = *before
                == Exported {
                    when: before.when,
                    ..exported
                };
            return if same {
                Ok(())
            } else {
                Err(LedgerRefusal::OtherResult.into())
            };
        }
        record.exported.push(exported);
        self.store.write(&lock, &Change::of("exported", job), &book)
    }

    /// The rosters of what was exported, over which the sum of a node must not be taken apart.
    pub fn exported_rosters(&self) -> Result<Vec<Vec<Digest>>, LedgerError> {
        let runs = self.runs()?.into_iter();
        Ok(runs
            .filter(RunRecord::is_exported)
            .map(|run| run.roster)
            .collect())
    }
}

impl RunRecord {
    /// Whether it counts for everybody: something of it left the environment.
    pub fn is_exported(&self) -> bool {
        !self.exported.is_empty()
    }
}

/// While an account is closed, nothing leaves. Whose it is, is not said to somebody else.
fn refuse_closed(book: &RunBook) -> Result<(), LedgerRefusal> {
    match book.closed.first() {
        None => Ok(()),
        Some(closed) => Err(LedgerRefusal::Recovered {
            whom: "some data user".to_owned(),
            since: closed.since,
        }),
    }
}

fn left_of_trait(book: &RunBook, run: &RunRecord, everything: &Account) -> (Left, Regions) {
    let exported = book
        .runs
        .iter()
        .filter(|record| record.job != run.job && record.is_exported());
    let (mut left, mut regions) = (Left::default(), Regions::default());
    for record in exported.filter(|record| record.has_trait_of(run, everything)) {
        for exported in &record.exported {
            left = left.and(exported.variants, exported.strength.0, record.individuals);
            regions.extend(&exported.keys);
        }
    }
    (left, regions)
}

/// A digest of all that was shown and exported.
fn state(book: &RunBook) -> Digest {
    let mut bytes = Vec::new();
    for run in book.runs.iter().filter(|run| run.people.is_some()) {
        bytes.extend_from_slice(run.job.as_bytes());
        for exported in &run.exported {
            bytes.push(1);
            bytes.extend_from_slice(exported.content.as_bytes());
        }
        bytes.push(0);
    }
    Digest::of("ligate ledger state", &bytes)
}

/// One data user of each party but that of `own`, of those to whom something was shown.
fn other_parties(runs: &[RunRecord], own: &DataUser) -> Vec<DataUser> {
    let mut known = vec![Party::of(own, runs)];
    let mut others = Vec::new();
    for run in runs.iter().filter(|run| run.people.is_some()) {
        if !known.iter().any(|party| party.has(&run.data_user)) {
            known.push(Party::of(&run.data_user, runs));
            others.push(run.data_user.clone());
        }
    }
    others
}

impl Account {
    /// The class of each column.
    pub fn classes_by_id(&self) -> BTreeMap<ColumnId, u32> {
        self.columns()
            .iter()
            .map(|column| (column.id, column.class))
            .collect()
    }
}
