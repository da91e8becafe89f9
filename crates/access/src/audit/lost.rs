//! What the entry of a recovery says is lost.

use jiff::Timestamp;

use super::{Entry, Head};

/// The kind of the entries that `ligate recover` writes.
pub(super) const RECOVERED: &str = "node-recovered";

/// Entries that a recovery says are lost: up to the largest head that a peer held of them, and the
/// latest time of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    size: u64,
    time: Timestamp,
}

impl Lost {
    pub fn names(&self, head: &Head) -> bool {
        head.size <= self.size && head.time <= self.time
    }

    pub fn of(entry: &Entry) -> Option<Self> {
        let recovered = entry.kind == RECOVERED;
        let size = entry
            .fields
            .get("lost_size")
            .filter(|_| recovered)?
            .as_u64()?;
        Some(Self {
            size,
            time: entry.text("lost_time")?.parse().ok()?,
        })
    }
}
