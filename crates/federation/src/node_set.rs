//! Sets of a roster's members, by their place in it.

use crate::MAX_NODES;

/// A set of places in a roster, 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(u64);

impl NodeSet {
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Places 0 to `count - 1`.
    pub fn first(count: usize) -> Self {
        (0..count).collect()
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn contains(self, place: usize) -> bool {
        place < MAX_NODES && self.0 >> place & 1 == 1
    }

    /// The set with `place` in it. Places out of range are left out.
    #[must_use]
    pub fn with(self, place: usize) -> Self {
        if place < MAX_NODES {
            Self(self.0 | 1 << place)
        } else {
            self
        }
    }

    pub fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The places, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_NODES).filter(move |place| self.contains(*place))
    }
}

impl FromIterator<usize> for NodeSet {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        places.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_places_up_to_63() {
        let set: NodeSet = [0, 63, 64].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63]);
        assert!(!set.contains(64));
        assert_eq!(NodeSet::first(64).len(), 64);
        assert_eq!(NodeSet::first(3).without(NodeSet::first(1)).bits(), 0b110);
    }
}
