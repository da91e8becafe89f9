//! From a release's terms to the graph: which ids are in force, what the others became, and the
//! checks that every ontology passes, whether it comes from a release or from a knowledge file.

use std::collections::{BTreeMap, HashSet, btree_map::Entry};

use ligate_model::TermId;

use super::{Former, Lists, Ontology, Synonyms, Term, Words, graph};
use crate::sources::obo::{Obo, OboTerm};

/// HP:0000001, "All".
const ROOT: u32 = 1;
/// HP:0000118, "Phenotypic abnormality".
const PHENOTYPE_ROOT: u32 = 118;
/// Most ancestors of all terms together: HPO has 17 for a term on average.
const MOST_ANCESTORS: usize = 1 << 24;
/// Longest chain of replaced ids that is followed.
const MOST_REPLACEMENTS: usize = 16;

/// Why terms are no usable ontology.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OntologyError {
    #[error("the ontology has no term HP:{0:07}; give the hp.obo of an HPO release")]
    NoRoot(u32),
    #[error("the ontology has a cycle through {0}, or a term below one")]
    Cycle(TermId),
    #[error("the ontology's graph is larger than any release's")]
    TooLarge,
    #[error("the ontology is damaged ({0})")]
    Damaged(&'static str),
}

/// What was noticed in a release's terms; the rest of the work went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OntologyNote {
    /// The id has two stanzas; the first counts.
    Repeated(TermId),
    /// `is_a` of a term that is not in force: the edge is left out.
    UnknownParent { term: TermId, parent: TermId },
    /// In force but not below the root: left out.
    OutsideRoot(TermId),
}

impl Ontology {
    /// The ontology of a release, and what was left out of it.
    pub fn build(obo: &Obo) -> Result<(Self, Vec<OntologyNote>), OntologyError> {
        let mut notes = Vec::new();
        let all = by_id(obo, &mut notes);
        let kept = below_root(&all, &mut notes);
        let ids: Vec<TermId> = kept.keys().copied().collect();
        let place = |id: &TermId| ids.binary_search(id).ok().map(|place| Term(place as u32));
        let parents = kept
            .values()
            .map(|term| sorted(term.parents.iter().filter_map(place)))
            .collect();
        let shell = Parts {
            version: obo.version.clone(),
            names: kept.values().map(|term| &term.name).collect(),
            synonyms: synonyms(&kept),
            former: former(&all, &kept, place),
            parents,
            ids,
        };
        Ok((Self::assemble(shell)?, notes))
    }

    /// Walks the graph and checks it.
    pub(super) fn assemble(parts: Parts) -> Result<Self, OntologyError> {
        let Parts {
            version,
            ids,
            names,
            synonyms,
            parents,
            former,
        } = parts;
        let place = |number: u32| {
            let id = TermId::from_number(number).ok_or(OntologyError::NoRoot(number))?;
            let found = ids
                .binary_search(&id)
                .map_err(|_| OntologyError::NoRoot(number))?;
            Ok(Term(found as u32))
        };
        let (root, phenotype_root) = (place(ROOT)?, place(PHENOTYPE_ROOT)?);
        let children = parents.inverted();
        let topological = graph::topological(&parents, &children);
        if topological.len() < ids.len() {
            let reached: HashSet<Term> = topological.into_iter().collect();
            let missing = (0..ids.len() as u32)
                .map(Term)
                .find(|term| !reached.contains(term))
                .unwrap_or(root);
            return Err(OntologyError::Cycle(ids[missing.index()]));
        }
        let ancestors = graph::ancestors(&parents, &topological, MOST_ANCESTORS)
            .ok_or(OntologyError::TooLarge)?;
        Ok(Self {
            version,
            ids,
            names,
            synonyms,
            parents,
            children,
            ancestors,
            topological,
            former,
            root,
            phenotype_root,
        })
    }
}

/// What an ontology is made of before its graph is walked. Lengths agree; edges lead to terms that
/// exist.
pub(super) struct Parts {
    pub(super) version: String,
    pub(super) ids: Vec<TermId>,
    pub(super) names: Words,
    pub(super) synonyms: Synonyms,
    pub(super) parents: Lists,
    pub(super) former: Vec<(TermId, Former)>,
}

type Terms<'a> = BTreeMap<TermId, &'a OboTerm>;

fn by_id<'a>(obo: &'a Obo, notes: &mut Vec<OntologyNote>) -> Terms<'a> {
    let mut terms = Terms::new();
    for term in &obo.terms {
        match terms.entry(term.id) {
            Entry::Occupied(_) => notes.push(OntologyNote::Repeated(term.id)),
            Entry::Vacant(place) => {
                place.insert(term);
            }
        }
    }
    terms
}

/// The terms in force that reach the root by `is_a`.
fn below_root<'a>(all: &Terms<'a>, notes: &mut Vec<OntologyNote>) -> Terms<'a> {
    let mut children: BTreeMap<TermId, Vec<TermId>> = BTreeMap::new();
    for term in all.values().filter(|term| !term.obsolete) {
        for &parent in &term.parents {
            if all.get(&parent).is_none_or(|parent| parent.obsolete) {
                notes.push(OntologyNote::UnknownParent {
                    term: term.id,
                    parent,
                });
            }
            children.entry(parent).or_default().push(term.id);
        }
    }
    let mut reached: HashSet<TermId> = HashSet::new();
    let mut next: Vec<TermId> = TermId::from_number(ROOT).into_iter().collect();
    while let Some(id) = next.pop() {
        if reached.insert(id) {
            next.extend(children.get(&id).into_iter().flatten());
        }
    }
    let in_force = all.iter().filter(|(_, term)| !term.obsolete);
    let (kept, outside): (Vec<_>, Vec<_>) = in_force.partition(|(id, _)| reached.contains(id));
    notes.extend(
        outside
            .into_iter()
            .map(|(&id, _)| OntologyNote::OutsideRoot(id)),
    );
    kept.into_iter().map(|(&id, &term)| (id, term)).collect()
}

fn synonyms(kept: &Terms<'_>) -> Synonyms {
    let mut starts = vec![0];
    let mut kinds = Vec::new();
    for term in kept.values() {
        kinds.extend(
            term.synonyms
                .iter()
                .map(|synonym| (synonym.scope, synonym.kind)),
        );
        starts.push(kinds.len() as u32);
    }
    let texts = kept
        .values()
        .flat_map(|term| &term.synonyms)
        .map(|synonym| &synonym.text)
        .collect();
    Synonyms {
        starts,
        texts,
        kinds,
    }
}

/// Alternative and obsolete ids. A term in force counts before an obsolete one that claims the same
/// id.
fn former(
    all: &Terms<'_>,
    kept: &Terms<'_>,
    place: impl Fn(&TermId) -> Option<Term>,
) -> Vec<(TermId, Former)> {
    let mut former = BTreeMap::new();
    let alternatives = kept
        .values()
        .flat_map(|term| term.alternatives.iter().map(|id| (*id, term.id)));
    let merged: BTreeMap<TermId, TermId> = alternatives
        .filter(|(id, _)| !kept.contains_key(id))
        .collect();
    for (&id, into) in &merged {
        former.extend(place(into).map(|term| (id, Former::Replaced(term))));
    }
    for (&id, term) in all
        .iter()
        .filter(|(id, term)| term.obsolete && !merged.contains_key(id))
    {
        let outcome = match successor(term, all, &merged).as_ref().and_then(&place) {
            Some(by) => Former::Replaced(by),
            None => Former::Obsolete(sorted(
                term.replaced_by.iter().chain(&term.consider).copied(),
            )),
        };
        former.insert(id, outcome);
    }
    former.into_iter().collect()
}

/// The id at the end of a chain of single replacements.
fn successor(term: &OboTerm, all: &Terms<'_>, merged: &BTreeMap<TermId, TermId>) -> Option<TermId> {
    let mut replaced_by = term.replaced_by.as_slice();
    for _ in 0..MOST_REPLACEMENTS {
        let [id] = replaced_by else { return None };
        match all.get(id) {
            Some(next) if next.obsolete && !merged.contains_key(id) => {
                replaced_by = &next.replaced_by
            }
            _ => return Some(merged.get(id).copied().unwrap_or(*id)),
        }
    }
    None
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}
