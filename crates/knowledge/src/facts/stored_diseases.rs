//! Diseases in a knowledge file, column by column: equal things beside each other compress. Reading
//! checks every index.

mod rows;

use ligate_model::DiseaseId;
use serde::{Deserialize, Serialize};

use self::rows::{ReferenceTable, StoredRows};
use super::{
    Disease, DiseaseIndex, Gene, GeneIndex,
    references::{StoredId, StoredReference},
};
use crate::ontology::{StoredWords, Term, Words};

/// Section `diseases`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredDiseases {
    /// The id that each is shown by.
    shown: Vec<StoredId>,
    ids: Ragged<StoredId>,
    names: StoredWords,
    inheritance: Ragged<u32>,
    onset: Ragged<u32>,
    genes: Ragged<u32>,
    /// Each reference once; rows name its place.
    references: Vec<StoredReference>,
    rows: StoredRows,
    clinical_rows: StoredRows,
}

/// A list for each disease, all in one.
#[derive(Debug, Serialize, Deserialize)]
struct Ragged<T> {
    counts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Ragged<T> {
    fn of(lists: impl Iterator<Item = Vec<T>>) -> Self {
        let mut all = Self {
            counts: Vec::new(),
            items: Vec::new(),
        };
        for list in lists {
            all.counts.push(list.len() as u32);
            all.items.extend(list);
        }
        all
    }

    /// The lists, each item made by `make`; `None` where there are not `count` lists or an item
    /// cannot be made.
    fn restore<U>(&self, count: usize, make: impl Fn(T) -> Option<U>) -> Option<Vec<Vec<U>>> {
        let mut rest = self.items.as_slice();
        let mut lists = Vec::with_capacity(count.min(self.counts.len()));
        for &length in &self.counts {
            let (list, after) = rest.split_at_checked(length as usize)?;
            rest = after;
            lists.push(
                list.iter()
                    .map(|&item| make(item))
                    .collect::<Option<Vec<U>>>()?,
            );
        }
        (lists.len() == count && rest.is_empty()).then_some(lists)
    }
}

impl StoredDiseases {
    pub(super) fn of(diseases: &[Disease]) -> Self {
        let mut references = ReferenceTable::default();
        let terms = |terms: &[Term]| terms.iter().map(|term| term.0).collect::<Vec<_>>();
        let rows = StoredRows::of(
            diseases
                .iter()
                .map(|d| (d.ids.as_slice(), d.rows.as_slice())),
            &mut references,
        );
        let clinical = diseases
            .iter()
            .map(|d| (d.ids.as_slice(), d.clinical_rows.as_slice()));
        let clinical_rows = StoredRows::of(clinical, &mut references);
        Self {
            shown: diseases
                .iter()
                .map(|disease| StoredId::of(disease.id))
                .collect(),
            ids: Ragged::of(
                diseases
                    .iter()
                    .map(|d| d.ids.iter().map(|&id| StoredId::of(id)).collect()),
            ),
            names: diseases
                .iter()
                .map(|disease| &disease.name)
                .collect::<Words>()
                .stored(),
            inheritance: Ragged::of(diseases.iter().map(|disease| terms(&disease.inheritance))),
            onset: Ragged::of(diseases.iter().map(|disease| terms(&disease.onset))),
            genes: Ragged::of(
                diseases
                    .iter()
                    .map(|d| d.genes.iter().map(|gene| gene.0).collect()),
            ),
            references: references.finish(),
            rows,
            clinical_rows,
        }
    }

    /// The diseases; `terms` is the ontology's length. Fills the genes' own lists of diseases.
    pub(super) fn restore(self, terms: usize, genes: &mut [Gene]) -> Option<Vec<Disease>> {
        let count = self.shown.len();
        let term = |number: u32| ((number as usize) < terms).then_some(Term(number));
        let gene = |number: u32| ((number as usize) < genes.len()).then_some(GeneIndex(number));
        let references: Vec<_> = self
            .references
            .iter()
            .map(|reference| reference.restore())
            .collect::<Option<_>>()?;
        let ids = self.ids.restore(count, StoredId::restore)?;
        let names = self.names.restore().filter(|names| names.len() == count)?;
        let mut rows = self.rows.restore(&ids, terms, &references)?.into_iter();
        let mut clinical_rows = self
            .clinical_rows
            .restore(&ids, terms, &references)?
            .into_iter();
        let mut inheritance = self.inheritance.restore(count, term)?.into_iter();
        let mut onset = self.onset.restore(count, term)?.into_iter();
        let mut linked = self.genes.restore(count, gene)?.into_iter();
        let mut diseases = Vec::with_capacity(count);
        for ((shown, ids), name) in self.shown.iter().zip(ids).zip(names.iter()) {
            let rows = rows.next()?;
            diseases.push(Disease {
                id: shown.restore()?,
                ids,
                name: name.to_owned(),
                candidate: rows
                    .iter()
                    .any(|row| matches!(row.source, DiseaseId::Omim(_)) && !row.absent),
                rows,
                clinical_rows: clinical_rows.next()?,
                inheritance: inheritance.next()?,
                onset: onset.next()?,
                genes: linked.next()?,
            });
        }
        fill(&diseases, genes);
        Some(diseases)
    }
}

fn fill(diseases: &[Disease], genes: &mut [Gene]) {
    for (index, disease) in (0..).map(DiseaseIndex).zip(diseases) {
        for gene in &disease.genes {
            if let Some(gene) = genes.get_mut(gene.index()) {
                gene.diseases.push(index);
            }
        }
    }
}
