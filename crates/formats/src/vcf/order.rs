//! The order of records: by position within a contig, each contig in one piece. Nothing depends on
//! it; a file that is out of order was pasted together, and that is reported.

use std::collections::HashSet;

pub(super) const UNSORTED: &str = "records are not sorted by position";
const SCATTERED: &str = "the contig was left and comes back: its records are not together";

/// Records in a row on one contig.
#[derive(Debug)]
pub(super) struct ContigRun {
    /// As written, without angle brackets.
    name: Box<[u8]>,
    /// Line of the first record.
    pub line: u64,
    first: u32,
    last: u32,
}

/// Adds a record to the runs of a chunk. False if it stands before the one before it.
pub(super) fn add(runs: &mut Vec<ContigRun>, name: &[u8], position: u32, line: u64) -> bool {
    match runs.last_mut() {
        Some(run) if *run.name == *name => {
            let sorted = run.last <= position;
            run.last = position;
            sorted
        }
        _ => {
            runs.push(ContigRun {
                name: name.into(),
                line,
                first: position,
                last: position,
            });
            true
        }
    }
}

/// The order of the whole file, chunk by chunk.
#[derive(Default)]
pub(super) struct Order {
    current: Option<(Box<[u8]>, u32)>,
    seen: HashSet<Box<[u8]>>,
}

impl Order {
    /// Adds a run; says what is wrong with where it starts.
    pub fn add(&mut self, run: ContigRun) -> Option<&'static str> {
        let fault = match &self.current {
            Some((name, last)) if *name == run.name => (*last > run.first).then_some(UNSORTED),
            _ => (!self.seen.insert(run.name.clone())).then_some(SCATTERED),
        };
        self.current = Some((run.name, run.last));
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disorder_is_seen_within_and_between_chunks() {
        let mut runs = Vec::new();
        let sorted: Vec<bool> = [("1", 5), ("1", 5), ("1", 4), ("2", 1), ("1", 9)]
            .iter()
            .map(|(name, position)| add(&mut runs, name.as_bytes(), *position, 7))
            .collect();
        assert_eq!(sorted, [true, true, false, true, true]);
        let mut order = Order::default();
        let faults: Vec<_> = runs.into_iter().map(|run| order.add(run)).collect();
        assert_eq!(faults, [None, None, Some(SCATTERED)]);
        let mut next = Vec::new();
        add(&mut next, b"1", 8, 9);
        assert_eq!(order.add(next.remove(0)), Some(UNSORTED));
    }
}
