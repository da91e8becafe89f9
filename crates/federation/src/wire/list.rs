//! Lists with one item per node. They are bounded while they are read: a body of many tiny items,
//! or one that claims a long list, costs no memory before it is refused.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};

use crate::MAX_NODES;

/// At most [`MAX_NODES`] items, as read; writing does not check.
#[derive(Serialize)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX_NODES} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
        let claimed = items.size_hint().unwrap_or(0);
        if claimed > MAX_NODES {
            return Err(A::Error::invalid_length(claimed, &self));
        }
        let mut list = Vec::with_capacity(claimed);
        while let Some(item) = items.next_element()? {
            if list.len() == MAX_NODES {
                return Err(A::Error::invalid_length(MAX_NODES + 1, &self));
            }
            list.push(item);
        }
        Ok(List(list))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde::de::value::{Error, SeqDeserializer};

    use super::*;

    thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    /// An item that counts how many of its kind were read.
    struct Counted;

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            READ.set(READ.get() + 1);
            u8::deserialize(deserializer).map(|_| Self)
        }
    }

    /// Items read and items in the list, if it was let through.
    fn read(deserialize: impl FnOnce() -> Option<List<Counted>>) -> (usize, Option<usize>) {
        READ.set(0);
        let list = deserialize();
        (READ.get(), list.map(|list| list.0.len()))
    }

    #[test]
    fn a_list_is_refused_before_more_than_its_bound_is_read() {
        let claimed = |count: usize| {
            let body = postcard::to_stdvec(&vec![0_u8; count]).unwrap();
            read(|| postcard::from_bytes(&body).ok())
        };
        assert_eq!(claimed(0), (0, Some(0)));
        assert_eq!(claimed(MAX_NODES), (MAX_NODES, Some(MAX_NODES)));
        assert_eq!(claimed(MAX_NODES + 1), (0, None));
        assert_eq!(claimed(1 << 20), (0, None));
        // A format that does not say beforehand how many there are.
        let unannounced = |count: usize| {
            let items = std::iter::repeat_n(0_u8, count).filter(|_| true);
            read(|| List::deserialize(SeqDeserializer::<_, Error>::new(items)).ok())
        };
        assert_eq!(unannounced(MAX_NODES), (MAX_NODES, Some(MAX_NODES)));
        assert_eq!(unannounced(1 << 20), (MAX_NODES + 1, None));
    }
}
