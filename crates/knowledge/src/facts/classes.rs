//! Disease classes: entries of OMIM and Orphanet that MONDO calls exactly the same are one disease.

use std::collections::{BTreeMap, BTreeSet};

use ligate_model::DiseaseId;

use super::{Note, Notes};
use crate::sources::mondo::Mappings;

/// Which entries are one class.
#[derive(Debug)]
pub(super) struct Classes {
    /// Each entry's MONDO class.
    mondo: BTreeMap<DiseaseId, u32>,
    /// Each MONDO class's entries.
    entries: BTreeMap<u32, BTreeSet<DiseaseId>>,
}

impl Classes {
    pub(super) fn of(mappings: &Mappings, notes: &mut Notes) -> Self {
        let mut mondo: BTreeMap<DiseaseId, u32> = BTreeMap::new();
        for found in &mappings.matches {
            let class = mondo.entry(found.entry).or_insert(found.mondo);
            if *class != found.mondo {
                notes.add(Note::SeveralClasses, || found.entry.to_string());
                *class = found.mondo.min(*class);
            }
        }
        let mut entries: BTreeMap<u32, BTreeSet<DiseaseId>> = BTreeMap::new();
        for (&entry, &class) in &mondo {
            entries.entry(class).or_default().insert(entry);
        }
        Self { mondo, entries }
    }

    /// All ids of the entry's class, its MONDO id included; the entry alone where MONDO does not
    /// have it.
    pub(super) fn ids(&self, entry: DiseaseId) -> Vec<DiseaseId> {
        let class = match entry {
            DiseaseId::Mondo(class) => Some(class),
            _ => self.mondo.get(&entry).copied(),
        };
        let Some(class) = class else {
            return vec![entry];
        };
        let mut ids: BTreeSet<DiseaseId> = self.entries.get(&class).cloned().unwrap_or_default();
        ids.extend([entry, DiseaseId::Mondo(class)]);
        ids.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::mondo::ExactMatch;

    #[test]
    fn entries_of_one_mondo_class_are_one() {
        let exact = |mondo, entry| ExactMatch {
            mondo,
            label: String::new(),
            entry,
        };
        let (omim, orphanet) = (DiseaseId::Omim(101_600), DiseaseId::Orphanet(710));
        let matches = vec![
            exact(7043, omim),
            exact(7043, orphanet),
            exact(9, DiseaseId::Omim(5)),
            exact(3, DiseaseId::Omim(5)),
        ];
        let mut notes = Notes::default();
        let classes = Classes::of(
            &Mappings {
                version: None,
                matches,
            },
            &mut notes,
        );
        let pfeiffer = vec![omim, orphanet, DiseaseId::Mondo(7043)];
        assert_eq!(classes.ids(omim), pfeiffer);
        assert_eq!(classes.ids(orphanet), pfeiffer);
        assert_eq!(classes.ids(DiseaseId::Mondo(7043)), pfeiffer);
        assert_eq!(classes.ids(DiseaseId::Omim(6)), [DiseaseId::Omim(6)]);
        assert_eq!(
            classes.ids(DiseaseId::Omim(5)),
            [DiseaseId::Omim(5), DiseaseId::Mondo(3)]
        );
        assert_eq!(notes.count(Note::SeveralClasses), 1);
    }
}
