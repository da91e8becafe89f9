//! Sets of people as sorted 64-bit numbers: hashes of individual ids under a key that never leaves
//! the ledger. An index into a snapshot would not do, because it changes from one load to the next.

use ligate_model::{Digest, IndividualId};
use sha2::{Digest as _, Sha256};

/// A set of people. Ids are unique within a node; two of a million share a number with a chance of
/// 3 in 10^8.
#[derive(Clone)]
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
    /// A set of the numbers of people, in any order.
    pub fn new(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        let mut set = Self {
            numbers,
            digest: Digest::from_bytes([0; 32]),
        };
        set.digest = Digest::of("ligate people", &set.to_bytes());
        set
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Ascending.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The place of a person among the members.
    pub fn place(&self, number: u64) -> Option<usize> {
        self.numbers.binary_search(&number).ok()
    }

    /// Whether everybody here is also in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.numbers
            .iter()
            .all(|number| other.place(*number).is_some())
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for anything else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let numbers: Vec<u64> = numbers
            .iter()
            .map(|number| u64::from_le_bytes(*number))
            .collect();
        (rest.is_empty() && numbers.is_sorted()).then(|| Self::new(numbers))
    }
}

/// SHA-256 of key and id, cut to 64 bits. The key has a fixed length, and a cut hash cannot be
/// extended.
pub(crate) fn number(key: &[u8; 32], person: &IndividualId) -> u64 {
    let hash = Sha256::new()
        .chain_update(key)
        .chain_update(person.as_str())
        .finalize();
    hash.iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_its_bytes_and_does_not_depend_on_the_order() {
        let set = PeopleSet::new(vec![5, 3, 9]);
        assert_eq!(
            PeopleSet::from_bytes(&set.to_bytes()).unwrap().digest(),
            set.digest()
        );
        assert_eq!(PeopleSet::new(vec![9, 5, 3]).digest(), set.digest());
        assert_ne!(PeopleSet::new(vec![9, 5]).digest(), set.digest());
        assert!(PeopleSet::from_bytes(&set.to_bytes()[1..]).is_none());
        assert_eq!((set.place(5), set.place(4), set.len()), (Some(1), None, 3));
        assert!(
            PeopleSet::new(vec![3]).is_within(&set) && !set.is_within(&PeopleSet::new(vec![3]))
        );
        assert_eq!(format!("{set:?}"), "PeopleSet(..)");
    }

    #[test]
    fn a_number_depends_on_key_and_person() {
        let [a, b] = ["A", "B"].map(|id| IndividualId::new(id).unwrap());
        assert_eq!(number(&[1; 32], &a), number(&[1; 32], &a));
        assert_ne!(number(&[1; 32], &a), number(&[1; 32], &b));
        assert_ne!(number(&[1; 32], &a), number(&[2; 32], &a));
    }
}
