//! What one reader was shown: columns over the people of a node, as the span rule judges them.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use ligate_model::{DatasetId, Digest, VariableName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    ColumnRecord, LedgerError, LedgerRefusal, NewColumn, PeopleSet, RunRecord,
    column::{Packed, on_grid},
    store::Store,
};
use crate::span::{Rows, whole_numbers};

/// A number that is read back as the same bits: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exact(pub f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0.to_bits()))
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bits = u64::from_str_radix(&text, 16).map_err(D::Error::custom)?;
        Ok(Self(f64::from_bits(bits)))
    }
}

/// A column of a run, as all nodes of the run know it: the job and its place among the job's
/// columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnId {
    pub job: Digest,
    pub place: u16,
}

/// A column of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountColumn {
    pub id: ColumnId,
    /// Columns with one number hold the same values for the same people at this node. Counted from
    /// 0.
    pub class: u32,
    pub record: ColumnRecord,
    people: Digest,
}

/// The columns of an account. Values are read where they are needed.
pub struct Account {
    columns: Vec<AccountColumn>,
    people: BTreeMap<Digest, PeopleSet>,
    /// Sets of people in the order in which they were first used.
    order: Vec<Digest>,
    values: BTreeMap<Digest, Packed>,
    datasets: BTreeSet<(DatasetId, Digest)>,
    snapshots: BTreeSet<(DatasetId, Digest)>,
    jobs: Vec<Digest>,
    /// The nodes of each job, sorted.
    rosters: BTreeMap<Digest, Vec<Digest>>,
    /// The class of columns with these values of these people.
    classes: BTreeMap<(Digest, Option<Digest>), u32>,
}

/// Only sizes.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({} columns)", self.columns.len())
    }
}

impl Account {
    pub(super) fn read(
        store: &Store,
        runs: impl Iterator<Item = RunRecord>,
    ) -> Result<Self, LedgerError> {
        let mut account = Self {
            columns: Vec::new(),
            people: BTreeMap::new(),
            order: Vec::new(),
            values: BTreeMap::new(),
            datasets: BTreeSet::new(),
            snapshots: BTreeSet::new(),
            jobs: Vec::new(),
            rosters: BTreeMap::new(),
            classes: BTreeMap::new(),
        };
        for run in runs {
            account.add(store, run)?;
        }
        Ok(account)
    }

    fn add(&mut self, store: &Store, run: RunRecord) -> Result<(), LedgerError> {
        let Some(people) = run.people else {
            return Ok(());
        };
        self.jobs.push(run.job);
        self.rosters.insert(run.job, run.roster);
        self.snapshots.insert((run.dataset.clone(), run.snapshot));
        if let Entry::Vacant(vacant) = self.people.entry(people) {
            vacant.insert(store.read_people(people)?);
            self.order.push(people);
        }
        self.datasets.insert((run.dataset, people));
        let size = self.people.get(&people).map_or(0, PeopleSet::len);
        for (place, record) in run.columns.into_iter().enumerate() {
            if let Some(digest) = record.values
                && !self.values.contains_key(&digest)
            {
                self.values.insert(digest, store.read_column(digest, size)?);
            }
            let next = self.classes.len() as u32;
            let class = *self.classes.entry((people, record.values)).or_insert(next);
            let id = ColumnId {
                job: run.job,
                place: place as u16,
            };
            self.columns.push(AccountColumn {
                id,
                class,
                record,
                people,
            });
        }
        Ok(())
    }

    /// All columns, oldest first; several may be of one class.
    pub fn columns(&self) -> &[AccountColumn] {
        &self.columns
    }

    /// One column of each class among those that are wanted, oldest first.
    pub fn distinct(&self, wanted: impl Fn(&AccountColumn) -> bool) -> Vec<ColumnId> {
        let mut classes = BTreeSet::new();
        let first = self
            .columns
            .iter()
            .filter(|column| wanted(column) && classes.insert(column.class));
        first.map(|column| column.id).collect()
    }

    /// The number of distinct columns.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Everybody who is in some column.
    pub fn everybody(&self) -> BTreeSet<u64> {
        self.people
            .values()
            .flat_map(|set| set.numbers().iter().copied())
            .collect()
    }

    /// How many people are in a set of an account's columns.
    pub fn people_of(&self, set: Digest) -> usize {
        self.people.get(&set).map_or(0, PeopleSet::len)
    }

    pub(super) fn set(&self, people: Digest) -> Option<&PeopleSet> {
        self.people.get(&people)
    }

    /// The sets of people, the last used first.
    pub fn sets(&self) -> impl Iterator<Item = &PeopleSet> {
        self.order
            .iter()
            .rev()
            .filter_map(|digest| self.people.get(digest))
    }

    /// The jobs whose columns these are, oldest first.
    pub(super) fn jobs(&self) -> &[Digest] {
        &self.jobs
    }

    /// Whether a column is of this node and others, all of them among `nodes` (sorted): then a sum
    /// over `nodes` has it whole.
    pub fn is_within(&self, column: ColumnId, nodes: &[Digest]) -> bool {
        let roster = self.rosters.get(&column.job);
        roster.is_some_and(|roster| {
            roster.len() > 1 && roster.iter().all(|node| nodes.binary_search(node).is_ok())
        })
    }

    fn by_id(&self) -> BTreeMap<ColumnId, &AccountColumn> {
        self.columns
            .iter()
            .map(|column| (column.id, column))
            .collect()
    }

    /// Each variable among the columns `ids`, with its values as they are, after the column that is
    /// 1 for the same people (or itself, where there is none): their places.
    pub fn variables(&self, ids: &[ColumnId]) -> Vec<[usize; 2]> {
        let by_id = self.by_id();
        let known = ids
            .iter()
            .enumerate()
            .filter_map(|(place, id)| Some((place, *by_id.get(id)?)));
        let (ones, variables): (Vec<_>, Vec<_>) = known
            .filter(|(_, column)| column.record.is_plain())
            .partition(|(_, column)| column.record.values.is_none());
        let everybody = |column: &AccountColumn| {
            let same = ones.iter().filter(|(_, one)| one.people == column.people);
            same.max_by_key(|(_, one)| one.id.job == column.id.job)
                .map(|(place, _)| *place)
        };
        variables
            .iter()
            .map(|(place, column)| [everybody(column).unwrap_or(*place), *place])
            .collect()
    }

    /// Snapshots under which something was shown.
    pub fn snapshots(&self) -> impl Iterator<Item = &(DatasetId, Digest)> {
        self.snapshots.iter()
    }

    /// Refuses a dataset whose people were used under another id: their data may differ there, and
    /// calls that changed are looked for from one snapshot of a dataset to the next only.
    pub fn check_dataset(&self, dataset: &DatasetId, numbers: &[u64]) -> Result<(), LedgerRefusal> {
        for (other, people) in self.datasets.iter().filter(|(other, _)| other != dataset) {
            let used = self.people.get(people);
            if used.is_some_and(|set| numbers.iter().any(|number| set.place(*number).is_some())) {
                return Err(LedgerRefusal::OtherDataset {
                    dataset: other.clone(),
                });
            }
        }
        Ok(())
    }

    /// Refuses a run whose people were used under another dataset id than the run's.
    pub(super) fn check_dataset_of(&self, run: &RunRecord) -> Result<(), LedgerRefusal> {
        let people = run.people.and_then(|people| self.people.get(&people));
        self.check_dataset(&run.dataset, people.map_or(&[], PeopleSet::numbers))
    }

    /// What missing values of a variable counted as, where a run had it.
    pub fn fill(&self, variable: &VariableName) -> Option<f64> {
        let of_variable = self
            .columns
            .iter()
            .filter(|column| column.record.variable.as_ref() == Some(variable));
        of_variable
            .filter_map(|column| column.record.fill)
            .next()
            .map(|fill| fill.0)
    }

    /// The value of each person in a column, by the person's number.
    pub fn values<'a>(
        &'a self,
        column: &AccountColumn,
    ) -> impl Iterator<Item = (u64, f64)> + use<'a> {
        let numbers = self
            .people
            .get(&column.people)
            .map_or(&[][..], PeopleSet::numbers);
        let stored = column
            .record
            .values
            .and_then(|digest| self.values.get(&digest));
        let ones = usize::from(stored.is_none()) * numbers.len();
        let values = stored
            .into_iter()
            .flat_map(Packed::values)
            .chain(std::iter::repeat_n(1.0, ones));
        numbers.iter().copied().zip(values)
    }

    /// Whether a column has exactly these values of these people, in any order.
    pub fn is_of(&self, column: &AccountColumn, numbers: &[u64], values: &[f64]) -> bool {
        let mut own: Vec<(u64, f64)> = numbers
            .iter()
            .zip(values)
            .map(|(number, value)| (*number, on_grid(*value)))
            .collect();
        own.sort_unstable_by_key(|(number, _)| *number);
        self.values(column).eq(own)
    }

    /// Those of the columns `ids` over a set of `people` that are 1 for everybody or a variable's
    /// values in whole steps, and such ones of `new` over the same people, as whole numbers; each
    /// with its place among all. Columns over other people are not combined with them: their
    /// difference is the span rule's business.
    pub fn whole_columns(
        &self,
        ids: &[ColumnId],
        people: &PeopleSet,
        new: &[NewColumn],
        order: &[u64],
    ) -> (Vec<usize>, Vec<Vec<i64>>) {
        let by_id = self.by_id();
        let shown = ids.iter().map(|id| {
            let column = by_id
                .get(id)
                .filter(|column| column.people == people.digest())?;
            let (centre, unit) = (column.record.centre.0, column.record.unit.0);
            let values: Vec<f64> = self
                .values(column)
                .map(|(_, value)| centre + unit * value)
                .collect();
            column.record.is_plain().then(|| whole_numbers(&values))?
        });
        let mut sorted: Vec<usize> = (0..order.len()).collect();
        sorted.sort_by_key(|place| order[*place]);
        let added = new.iter().map(|column| {
            let value = |place: &usize| column.values.as_ref().map_or(1.0, |values| values[*place]);
            let values: Vec<f64> = sorted
                .iter()
                .map(|place| column.centre + column.unit * value(place))
                .collect();
            (column.values.is_none() || column.fill.is_some()).then(|| whole_numbers(&values))?
        });
        shown
            .chain(added)
            .enumerate()
            .filter_map(|(place, column)| Some((place, column?)))
            .unzip()
    }

    /// Rows for the span rule over everybody in the account or in `numbers`: the account's columns
    /// in the order of `ids` (a column that this node does not have is 0 for everybody), then `new`
    /// ones over `numbers`, as they would be stored: a column that is asked for again is then the
    /// same to the last bit.
    pub fn rows(&self, ids: &[ColumnId], numbers: &[u64], new: &[Vec<f64>]) -> Rows {
        let mut everybody: Vec<u64> = self.everybody().into_iter().collect();
        everybody.extend_from_slice(numbers);
        everybody.sort_unstable();
        everybody.dedup();
        let row = |number: u64| everybody.binary_search(&number).unwrap_or(0);
        let mut rows = Rows::zeros(everybody.len(), ids.len() + new.len());
        let known = self.by_id();
        for (place, id) in ids.iter().enumerate() {
            if let Some(column) = known.get(id) {
                rows.set_column(
                    place,
                    self.values(column)
                        .map(|(number, value)| (row(number), value)),
                );
            }
        }
        for (place, column) in new.iter().enumerate() {
            let values = numbers
                .iter()
                .zip(column)
                .map(|(number, value)| (row(*number), on_grid(*value)));
            rows.set_column(ids.len() + place, values);
        }
        rows
    }
}
