//! Annotation rows as columns.

use std::collections::HashMap;

use ligate_model::{DiseaseId, Sex};
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Frequency, PhenotypeRow, Reference, references::StoredReference},
    ontology::Term,
};

/// Rows of all diseases, one after the other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredRows {
    /// Rows of each disease.
    counts: Vec<u32>,
    terms: Vec<u32>,
    /// Place of the row's entry among its disease's ids.
    sources: Vec<u32>,
    /// Bit 0: absent; bits 1-2: sex; bit 3: has an onset; bits 4-5: kind of frequency.
    flags: Vec<u8>,
    /// What the flags ask for: m and n, or a frequency term; then an onset term.
    numbers: Vec<u32>,
    shares: Vec<f64>,
    reference_counts: Vec<u32>,
    references: Vec<u32>,
    modifier_counts: Vec<u32>,
    modifiers: Vec<u32>,
}

/// References on their way: each once, in order of appearance.
#[derive(Default)]
pub(super) struct ReferenceTable {
    places: HashMap<StoredReference, u32>,
    references: Vec<StoredReference>,
}

impl ReferenceTable {
    fn place(&mut self, reference: Reference) -> u32 {
        let stored = StoredReference::of(reference);
        *self.places.entry(stored).or_insert_with(|| {
            self.references.push(stored);
            self.references.len() as u32 - 1
        })
    }

    pub(super) fn finish(self) -> Vec<StoredReference> {
        self.references
    }
}

const ABSENT: u8 = 1;
const ONSET: u8 = 1 << 3;

impl StoredRows {
    /// The rows of each disease, given with its ids.
    pub(super) fn of<'a>(
        diseases: impl Iterator<Item = (&'a [DiseaseId], &'a [PhenotypeRow])>,
        references: &mut ReferenceTable,
    ) -> Self {
        let mut all = Self::default();
        for (ids, rows) in diseases {
            all.counts.push(rows.len() as u32);
            for row in rows {
                all.push(ids, row, references);
            }
        }
        all
    }

    fn push(&mut self, ids: &[DiseaseId], row: &PhenotypeRow, references: &mut ReferenceTable) {
        self.terms.push(row.term.0);
        self.sources.push(
            ids.iter()
                .position(|id| *id == row.source)
                .unwrap_or_default() as u32,
        );
        let sex = match row.sex {
            None => 0,
            Some(Sex::Female) => 1,
            Some(Sex::Male) => 2,
        };
        let kind = match row.frequency {
            Frequency::Unstated => 0,
            Frequency::Counts { m, n } => {
                self.numbers.extend([m, n]);
                1
            }
            Frequency::Share(share) => {
                self.shares.push(share);
                2
            }
            Frequency::Term(term) => {
                self.numbers.push(term.0);
                3
            }
        };
        self.numbers.extend(row.onset.map(|term| term.0));
        self.flags
            .push(u8::from(row.absent) | sex << 1 | u8::from(row.onset.is_some()) << 3 | kind << 4);
        self.reference_counts.push(row.references.len() as u32);
        self.references.extend(
            row.references
                .iter()
                .map(|&reference| references.place(reference)),
        );
        self.modifier_counts.push(row.modifiers.len() as u32);
        self.modifiers
            .extend(row.modifiers.iter().map(|term| term.0));
    }

    /// The rows of each disease.
    pub(super) fn restore(
        &self,
        ids: &[Vec<DiseaseId>],
        terms: usize,
        references: &[Reference],
    ) -> Option<Vec<Vec<PhenotypeRow>>> {
        let mut reader = StoredRowReader::new(self, terms, references);
        if self.counts.len() != ids.len() {
            return None;
        }
        let mut all = Vec::with_capacity(ids.len());
        for (&count, ids) in self.counts.iter().zip(ids) {
            // No more than there are: a count must not reserve memory by itself.
            let mut rows = Vec::with_capacity((count as usize).min(self.terms.len()));
            for _ in 0..count {
                rows.push(reader.row(ids)?);
            }
            all.push(rows);
        }
        reader.is_at_end().then_some(all)
    }
}

/// Takes rows from the columns, in order.
struct StoredRowReader<'a> {
    at: usize,
    rows: &'a StoredRows,
    numbers: std::slice::Iter<'a, u32>,
    shares: std::slice::Iter<'a, f64>,
    reference_places: &'a [u32],
    modifier_places: &'a [u32],
    terms: usize,
    references: &'a [Reference],
}

impl<'a> StoredRowReader<'a> {
    fn new(rows: &'a StoredRows, terms: usize, references: &'a [Reference]) -> Self {
        Self {
            at: 0,
            rows,
            numbers: rows.numbers.iter(),
            shares: rows.shares.iter(),
            reference_places: &rows.references,
            modifier_places: &rows.modifiers,
            terms,
            references,
        }
    }

    fn row(&mut self, ids: &[DiseaseId]) -> Option<PhenotypeRow> {
        let at = self.at;
        self.at += 1;
        let flags = *self.rows.flags.get(at)?;
        let frequency = self.frequency(flags >> 4)?;
        let onset = if flags & ONSET == 0 {
            None
        } else {
            Some(self.next_term()?)
        };
        let found = self.references;
        let reference_count = *self.rows.reference_counts.get(at)?;
        let references = take(&mut self.reference_places, reference_count, |place| {
            found.get(place).copied()
        })?;
        let modifier_count = *self.rows.modifier_counts.get(at)?;
        let terms = self.terms;
        let modifiers = take(&mut self.modifier_places, modifier_count, |at| {
            (at < terms).then_some(Term(at as u32))
        })?;
        Some(PhenotypeRow {
            term: self.term(*self.rows.terms.get(at)?)?,
            source: *ids.get(*self.rows.sources.get(at)? as usize)?,
            absent: flags & ABSENT != 0,
            frequency,
            references,
            onset,
            sex: sex(flags >> 1 & 3)?,
            modifiers,
        })
    }

    fn frequency(&mut self, kind: u8) -> Option<Frequency> {
        match kind {
            0 => Some(Frequency::Unstated),
            1 => {
                let (m, n) = (*self.numbers.next()?, *self.numbers.next()?);
                (m <= n && n > 0).then_some(Frequency::Counts { m, n })
            }
            2 => self
                .shares
                .next()
                .filter(|share| (0.0..=1.0).contains(*share))
                .copied()
                .map(Frequency::Share),
            3 => self.next_term().map(Frequency::Term),
            _ => None,
        }
    }

    fn next_term(&mut self) -> Option<Term> {
        let number = *self.numbers.next()?;
        self.term(number)
    }

    fn term(&self, number: u32) -> Option<Term> {
        ((number as usize) < self.terms).then_some(Term(number))
    }

    /// Whether every column was used up.
    fn is_at_end(&self) -> bool {
        let lengths = [
            self.rows.terms.len(),
            self.rows.sources.len(),
            self.rows.flags.len(),
        ];
        let more = [
            self.rows.reference_counts.len(),
            self.rows.modifier_counts.len(),
        ];
        lengths.iter().chain(&more).all(|&length| length == self.at)
            && self.numbers.len() == 0
            && self.shares.len() == 0
            && self.reference_places.is_empty()
            && self.modifier_places.is_empty()
    }
}

fn sex(bits: u8) -> Option<Option<Sex>> {
    match bits {
        0 => Some(None),
        1 => Some(Some(Sex::Female)),
        2 => Some(Some(Sex::Male)),
        _ => None,
    }
}

fn take<T>(rest: &mut &[u32], count: u32, make: impl Fn(usize) -> Option<T>) -> Option<Vec<T>> {
    let (items, after) = rest.split_at_checked(count as usize)?;
    *rest = after;
    items.iter().map(|&item| make(item as usize)).collect()
}
