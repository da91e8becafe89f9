//! People who left a dataset after something of them was shown. If they come back they take part in
//! no run, and in no counts: their calls may have changed while nobody compared them, and the
//! difference to an earlier result would be theirs.

use std::collections::BTreeSet;

use ligate_model::{DatasetId, Digest};

use super::{Ledger, LedgerError, PeopleSet};
use crate::witness::Change;

impl Ledger {
    /// Notes who of a dataset's earlier runs is not among `present`, the numbers of all people of
    /// its newest snapshot. Gives how many were noted for the first time.
    pub fn note_departed(
        &self,
        dataset: &DatasetId,
        present: &[u64],
    ) -> Result<usize, LedgerError> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        let sets: BTreeSet<_> = book
            .runs
            .iter()
            .filter(|run| run.dataset == *dataset)
            .filter_map(|run| run.people)
            .collect();
        let present: BTreeSet<u64> = present.iter().copied().collect();
        let before = book.departed.len();
        for set in sets {
            let people = self.store.read_people(set)?;
            book.departed.extend(
                people
                    .numbers()
                    .iter()
                    .filter(|number| !present.contains(number)),
            );
        }
        let noted = book.departed.len() - before;
        if noted > 0 {
            self.store.write(
                &lock,
                &Change {
                    what: "departed",
                    job: None,
                },
                &book,
            )?;
        }
        Ok(noted)
    }

    /// A set of people of the books.
    pub fn people(&self, set: Digest) -> Result<PeopleSet, LedgerError> {
        let _lock = self.store.lock()?;
        self.store.read_people(set)
    }

    /// The numbers of all who left, whether or not they came back.
    pub fn departed(&self) -> Result<BTreeSet<u64>, LedgerError> {
        let lock = self.store.lock()?;
        Ok(self.store.read(&lock)?.departed)
    }
}
