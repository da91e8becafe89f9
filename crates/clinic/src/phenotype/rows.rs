//! A bounded store of dense rows: R of one term over all candidates. A row is made from its
//! parents' rows, so rows of frequent ancestors stay and a rare term costs one pass. When full, the
//! row that was not used for longest (by the clock algorithm) leaves.

use std::{collections::VecDeque, sync::Arc};

use ligate_knowledge::ontology::Term;

/// R of one term, by candidate.
pub(super) type Row = Arc<[f64]>;

pub(super) struct Rows {
    slots: Vec<Option<Row>>,
    used: Vec<bool>,
    ring: VecDeque<Term>,
    capacity: usize,
}

impl Rows {
    /// `capacity` rows at most, for an ontology of so many terms.
    pub fn new(terms: usize, capacity: usize) -> Self {
        Self {
            slots: vec![None; terms],
            used: vec![false; terms],
            ring: VecDeque::new(),
            capacity,
        }
    }

    pub fn get(&mut self, term: Term) -> Option<Row> {
        let at = term.index();
        let row = self.slots[at].clone();
        self.used[at] |= row.is_some();
        row
    }

    pub fn insert(&mut self, term: Term, row: Row) {
        let at = term.index();
        if self.slots[at].is_none() {
            if self.ring.len() >= self.capacity {
                self.evict();
            }
            self.ring.push_back(term);
        }
        self.slots[at] = Some(row);
    }

    /// Removes one row. Ends: a full turn clears every mark.
    fn evict(&mut self) {
        while let Some(term) = self.ring.pop_front() {
            let at = term.index();
            if std::mem::take(&mut self.used[at]) {
                self.ring.push_back(term);
                continue;
            }
            self.slots[at] = None;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_in_use_stays() {
        let mut rows = Rows::new(4, 2);
        for term in 0..2 {
            rows.insert(Term(term), Arc::from([f64::from(term)]));
        }
        assert!(rows.get(Term(0)).is_some());
        rows.insert(Term(2), Arc::from([2.0]));
        assert!(rows.get(Term(0)).is_some());
        assert!(rows.get(Term(1)).is_none());
        assert!(rows.get(Term(2)).is_some());
    }
}
