//! Sets of people as sorted 64-bit numbers: hashes of individual ids under a key that never leaves the ledger. An
//! index into a snapshot would not do, because it changes from one load to the next.

use std::cmp::Ordering;

use ligate_model::{Digest, IndividualId};
use sha2::{Digest as _, Sha256};

/// The people of a run. Ids are unique within a dataset; two of a million share a number with a chance of 3 in
/// 10^8, and then count as two all the same.
pub struct PeopleSet {
    numbers: Vec<u64>,
    digest: Digest,
}

/// Shows nothing of the people.
impl std::fmt::Debug for PeopleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeopleSet(..)")
    }
}

impl PeopleSet {
    pub(super) fn hash<'a>(key: &[u8; 32], people: impl IntoIterator<Item = &'a IndividualId>) -> Self {
        let mut numbers: Vec<u64> = people.into_iter().map(|person| number(key, person)).collect();
        numbers.sort_unstable();
        Self::new(numbers)
    }

    fn new(numbers: Vec<u64>) -> Self {
        let mut set = Self { numbers, digest: Digest::from_bytes([0; 32]) };
        set.digest = Digest::of("ligate people", &set.to_bytes());
        set
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for anything else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let numbers: Vec<u64> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
        (rest.is_empty() && numbers.is_sorted()).then(|| Self::new(numbers))
    }

    /// Whether the symmetric difference has at least one and fewer than `cell` people.
    pub(super) fn differs_by_fewer_than(&self, other: &Self, cell: u64) -> bool {
        let cell = usize::try_from(cell).unwrap_or(usize::MAX);
        (1..cell).contains(&difference_up_to(&self.numbers, &other.numbers, cell))
    }
}

/// SHA-256 of key and id, cut to 64 bits. The key has a fixed length, and a cut hash cannot be extended.
pub(crate) fn number(key: &[u8; 32], person: &IndividualId) -> u64 {
    let hash = Sha256::new().chain_update(key).chain_update(person.as_str()).finalize();
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The size of the symmetric difference of two sorted lists, counted up to `enough`.
pub(super) fn difference_up_to<T: Ord>(mut a: &[T], mut b: &[T], enough: usize) -> usize {
    let mut apart = 0;
    while apart < enough {
        let ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) = (a, b) else {
            return enough.min(apart + a.len() + b.len());
        };
        match first_a.cmp(first_b) {
            Ordering::Equal => (a, b) = (rest_a, rest_b),
            Ordering::Less => (a, apart) = (rest_a, apart + 1),
            Ordering::Greater => (b, apart) = (rest_b, apart + 1),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_difference_is_that_of_sets(
            a in prop::collection::btree_set(0..30_u64, 0..20),
            b in prop::collection::btree_set(0..30_u64, 0..20),
            enough in 0..25_usize,
        ) {
            let expected = a.symmetric_difference(&b).count().min(enough);
            let list = |set: &BTreeSet<u64>| set.iter().copied().collect::<Vec<_>>();
            prop_assert_eq!(difference_up_to(&list(&a), &list(&b), enough), expected);
        }
    }

    #[test]
    fn a_set_survives_its_bytes_and_depends_on_its_key() {
        let people = ["A", "B", "C"].map(|id| IndividualId::new(id).unwrap());
        let set = PeopleSet::hash(&[1; 32], &people);
        assert_eq!(PeopleSet::from_bytes(&set.to_bytes()).unwrap().digest(), set.digest());
        assert_eq!(PeopleSet::hash(&[1; 32], people.iter().rev()).digest(), set.digest());
        assert_ne!(PeopleSet::hash(&[2; 32], &people).digest(), set.digest());
        assert!(PeopleSet::from_bytes(&set.to_bytes()[1..]).is_none());
        assert_eq!(format!("{set:?}"), "PeopleSet(..)");
    }
}
