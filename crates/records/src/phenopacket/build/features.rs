//! The phenotypic features: which are HPO terms, which are said twice, which contradict each other.

use std::collections::{HashMap, HashSet};

use ligate_model::{InvalidTerm, Observation, TermId};

use super::times::Clock;
use crate::phenopacket::{FEATURES_MAX, Note, Refused, message::PhenotypicFeature};

/// Most ontologies that a message names.
const PREFIXES_NAMED: usize = 5;

/// Features whose type is an HPO term, in order.
pub(super) struct Features<'a>(Vec<(TermId, &'a PhenotypicFeature)>);

/// Sorts features by ontology. Where none is left although there were some, the record is refused.
pub(super) fn read<'a>(
    features: &'a [PhenotypicFeature],
    notes: &mut Vec<Note>,
) -> Result<Features<'a>, Refused> {
    if features.len() > FEATURES_MAX {
        return Err(Refused::TooManyFeatures {
            count: features.len(),
        });
    }
    let (mut kept, mut others, mut unreadable) = (Vec::new(), Vec::<(String, usize)>::new(), 0);
    for feature in features {
        match feature
            .r#type
            .as_ref()
            .map_or("", |class| &class.id)
            .parse()
        {
            Ok(term) => kept.push((term, feature)),
            Err(InvalidTerm::OtherOntology { prefix, .. }) => {
                match others.iter_mut().find(|(known, _)| *known == prefix) {
                    Some((_, count)) => *count += 1,
                    None => others.push((prefix, 1)),
                }
            }
            Err(InvalidTerm::Malformed { .. }) => unreadable += 1,
        }
    }
    if kept.is_empty() && !others.is_empty() {
        let named = others
            .iter()
            .take(PREFIXES_NAMED)
            .map(|(prefix, _)| format!("`{prefix}`"));
        return Err(Refused::OtherOntology {
            prefixes: named.collect::<Vec<_>>().join(", "),
        });
    }
    if features.is_empty() {
        notes.push(Note::NoFeatures);
    }
    notes.extend(
        others
            .into_iter()
            .map(|(prefix, count)| Note::OtherOntology { prefix, count }),
    );
    if unreadable > 0 {
        notes.push(Note::Unreadable { count: unreadable });
    }
    Ok(Features(kept))
}

impl Features<'_> {
    /// Observed and excluded terms. A term that is both is neither: which of the two is right
    /// cannot be known.
    pub fn into_case(
        self,
        clock: &mut Clock<'_>,
        notes: &mut Vec<Note>,
    ) -> (Vec<Observation>, Vec<TermId>) {
        let excluded: HashSet<TermId> = self.excluded().collect();
        let observed: HashSet<TermId> = self.observed().map(|(term, _)| term).collect();
        let both = |term: &TermId| excluded.contains(term) && observed.contains(term);
        let mut repeated = 0;

        let (mut observations, mut places) = (Vec::<Observation>::new(), HashMap::new());
        for (term, feature) in self.observed().filter(|(term, _)| !both(term)) {
            let observation = observation(term, feature, clock);
            if let Some(&place) = places.get(&term) {
                repeated += 1;
                complete(&mut observations[place], observation);
            } else {
                places.insert(term, observations.len());
                observations.push(observation);
            }
        }
        let mut seen = HashSet::new();
        let (mut absent, mut terms) = (Vec::new(), Vec::new());
        for term in self.excluded() {
            if !seen.insert(term) {
                repeated += 1;
            } else if both(&term) {
                terms.push(term);
            } else {
                absent.push(term);
            }
        }
        if !terms.is_empty() {
            notes.push(Note::Contradictory { terms });
        }
        if repeated > 0 {
            notes.push(Note::Repeated { count: repeated });
        }
        (observations, absent)
    }

    fn observed(&self) -> impl Iterator<Item = (TermId, &PhenotypicFeature)> {
        self.0
            .iter()
            .filter(|(_, feature)| !feature.excluded)
            .copied()
    }

    fn excluded(&self) -> impl Iterator<Item = TermId> {
        self.0
            .iter()
            .filter(|(_, feature)| feature.excluded)
            .map(|(term, _)| *term)
    }
}

fn observation(term: TermId, feature: &PhenotypicFeature, clock: &mut Clock<'_>) -> Observation {
    let classes = feature.severity.iter().chain(&feature.modifiers);
    let mut modifiers: Vec<TermId> = Vec::new();
    for modifier in classes.filter_map(|class| class.id.parse().ok()) {
        if !modifiers.contains(&modifier) {
            modifiers.push(modifier);
        }
    }
    Observation {
        term,
        onset: feature.onset.as_ref().and_then(|time| clock.onset(time)),
        modifiers,
    }
}

/// Takes from a repetition what the first mention does not say.
fn complete(first: &mut Observation, again: Observation) {
    first.onset = first.onset.or(again.onset);
    for modifier in again.modifiers {
        if !first.modifiers.contains(&modifier) {
            first.modifiers.push(modifier);
        }
    }
}
