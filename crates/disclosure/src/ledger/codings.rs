//! How diseases are coded of which a dataset shows the value 1 alone. Another node's coding
//! decides, once and for all: with both readings of the same people, the difference of two sums
//! would be this node's own cases. A coding is in the book with everything else, so that it is
//! forgotten neither by two runs at a time nor with a copy that was put back. Only the steward
//! undoes one.

use std::collections::BTreeMap;

use ligate_model::{BinaryCoding, DatasetId, VariableName};

use super::{Ledger, LedgerError, LedgerRefusal};
use crate::witness::Change;

/// Codings of diseases that other nodes decided, by dataset and variable.
pub type Codings = BTreeMap<DatasetId, BTreeMap<VariableName, BinaryCoding>>;

impl Ledger {
    /// Keeps the coding of a disease when it is told for the first time, once `record` has noted
    /// it; refuses another one later.
    pub fn decide_coding<E: From<LedgerError>>(
        &self,
        dataset: &DatasetId,
        variable: &VariableName,
        told: BinaryCoding,
        record: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let refused = |refusal: LedgerRefusal| Err(LedgerError::from(refusal).into());
        if told == BinaryCoding::Undecided {
            return refused(LedgerRefusal::NoCoding {
                variable: variable.clone(),
            });
        }
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        let codings = book.codings.entry(dataset.clone()).or_default();
        match codings.get(variable) {
            Some(known) if *known == told => return Ok(()),
            Some(_) => {
                return refused(LedgerRefusal::OtherCoding {
                    variable: variable.clone(),
                });
            }
            None => codings.insert(variable.clone(), told),
        };
        record()?;
        Ok(self.store.write(
            &lock,
            &Change {
                what: "coding",
                job: None,
            },
            &book,
        )?)
    }

    /// The codings that are fixed.
    pub fn codings(&self) -> Result<Codings, LedgerError> {
        let lock = self.store.lock()?;
        Ok(self.store.read(&lock)?.codings)
    }

    /// Undoes a coding by the steward's word, once `record` has noted it: a crash between the two
    /// leaves the coding in force. None where none is fixed.
    pub fn forget_coding<E: From<LedgerError>>(
        &self,
        dataset: &DatasetId,
        variable: &VariableName,
        record: impl FnOnce(BinaryCoding) -> Result<(), E>,
    ) -> Result<Option<BinaryCoding>, E> {
        let lock = self.store.lock()?;
        let mut book = self.store.read(&lock)?;
        let Some(codings) = book.codings.get_mut(dataset) else {
            return Ok(None);
        };
        let Some(known) = codings.remove(variable) else {
            return Ok(None);
        };
        if codings.is_empty() {
            book.codings.remove(dataset);
        }
        record(known)?;
        self.store.write(
            &lock,
            &Change {
                what: "coding",
                job: None,
            },
            &book,
        )?;
        Ok(Some(known))
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Barrier, thread};

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::witness::testing::Notes;

    fn open(folder: &Path) -> Ledger {
        Ledger::open(
            folder,
            &mut ChaCha20Rng::seed_from_u64(1),
            Notes::of(folder),
        )
        .unwrap()
    }

    fn names() -> (DatasetId, VariableName) {
        ("cohort".parse().unwrap(), "t2d".parse().unwrap())
    }

    fn decide(folder: &Path, variable: &str, told: BinaryCoding) -> Result<(), LedgerError> {
        open(folder).decide_coding(&names().0, &variable.parse().unwrap(), told, || Ok(()))
    }

    #[test]
    fn the_first_coding_stays() {
        let folder = tempfile::tempdir().unwrap();
        let told = |coding| decide(folder.path(), "t2d", coding);
        assert!(told(BinaryCoding::Undecided).is_err());
        told(BinaryCoding::OneTwo).unwrap();
        told(BinaryCoding::OneTwo).unwrap();
        let said = told(BinaryCoding::ZeroOne).unwrap_err().to_string();
        assert!(
            said.contains("t2d") && said.contains("other coding"),
            "{said}"
        );
    }

    /// The lock belongs to an opened file, so threads that open their own exclude each other as
    /// processes do.
    #[test]
    fn runs_at_the_same_time_agree_on_one_coding_and_none_is_lost() {
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            open(folder.path());
            let start = Barrier::new(8);
            let run = |index: usize| {
                let told = [BinaryCoding::ZeroOne, BinaryCoding::OneTwo][index % 2];
                start.wait();
                decide(folder.path(), &format!("d{index}"), told).unwrap();
                decide(folder.path(), "t2d", told).ok().map(|()| told)
            };
            let answers: Vec<_> = thread::scope(|scope| {
                let runs: Vec<_> = (0..8)
                    .map(|index| scope.spawn(move || run(index)))
                    .collect();
                runs.into_iter().map(|run| run.join().unwrap()).collect()
            });
            let (dataset, variable) = names();
            let kept = open(folder.path()).codings().unwrap()[&dataset].clone();
            let accepted: Vec<_> = answers.into_iter().flatten().collect();
            assert_eq!(
                accepted.len(),
                4,
                "every run with one coding, and none with the other: {accepted:?}"
            );
            assert!(accepted.iter().all(|coding| *coding == kept[&variable]));
            assert_eq!(kept.len(), 9);
        }
    }

    #[test]
    fn a_coding_is_fixed_and_undone_only_where_that_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, (dataset, variable)) = (open(folder.path()), names());
        let full = || Err(LedgerError::Column);
        assert!(
            ledger
                .decide_coding(&dataset, &variable, BinaryCoding::OneTwo, full)
                .is_err()
        );
        assert!(ledger.codings().unwrap().is_empty());
        assert_eq!(
            ledger
                .forget_coding(&dataset, &variable, |_| full())
                .unwrap(),
            None
        );
        decide(folder.path(), "t2d", BinaryCoding::OneTwo).unwrap();
        assert!(
            ledger
                .forget_coding(&dataset, &variable, |_| full())
                .is_err()
        );
        assert!(
            decide(folder.path(), "t2d", BinaryCoding::ZeroOne).is_err(),
            "it is in force"
        );
        let forgotten = ledger
            .forget_coding::<LedgerError>(&dataset, &variable, |_| Ok(()))
            .unwrap();
        assert_eq!(forgotten, Some(BinaryCoding::OneTwo));
        decide(folder.path(), "t2d", BinaryCoding::ZeroOne).unwrap();
    }
}
