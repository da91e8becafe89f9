//! A value that passed the disclosure gate. This module owns the only type in which a number may
//! leave a node unmasked, and refuses to build one for anybody outside this crate.

use serde::{Serialize, Serializer};

/// A value that the gate has let through: it may be printed, sent and stored.
///
/// There is no constructor outside this crate and no `Deserialize`: what arrives over the network
/// is plain data, not a release. There is no `map` either, because a closure could smuggle in
/// anything else.
///
/// ```compile_fail,E0423
/// let forged = ligate_disclosure::Released(17_u64);
/// ```
///
/// ```compile_fail,E0624
/// let forged = ligate_disclosure::Released::new(17_u64);
/// ```
///
/// ```compile_fail,E0277
/// let forged: ligate_disclosure::Released<u64> = serde_json::from_str("17").unwrap();
/// ```
///
/// ```compile_fail,E0277
/// let forged: ligate_disclosure::Released<u64> = Default::default();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Released<T>(T);

impl<T> Released<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    pub fn get(&self) -> &T {
        &self.0
    }

    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Several released values are a released list.
impl<T> FromIterator<Released<T>> for Released<Vec<T>> {
    fn from_iter<I: IntoIterator<Item = Released<T>>>(values: I) -> Self {
        Self(values.into_iter().map(Released::into_inner).collect())
    }
}

impl<T: Clone> Released<Vec<T>> {
    /// Part of a released list, for sending it in pages. Empty where the list has ended.
    pub fn page(&self, first: usize, rows_max: usize) -> Self {
        let rows = self.0.get(first..).unwrap_or_default();
        Self(rows[..rows.len().min(rows_max)].to_vec())
    }
}

/// Written as the value itself.
impl<T: Serialize> Serialize for Released<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_value_itself() {
        let released: Released<Vec<u64>> = [3, 4].map(Released::new).into_iter().collect();
        assert_eq!(serde_json::to_string(&released).unwrap(), "[3,4]");
        assert_eq!(released.get(), &[3, 4]);
        assert_eq!(released.page(1, 5).get(), &[4]);
        assert_eq!(released.page(0, 1).get(), &[3]);
        assert!(released.page(9, 1).get().is_empty());
        assert_eq!(released.into_inner(), [3, 4]);
    }
}
