//! An ontology in a knowledge file: what cannot be computed from the rest. Reading checks every
//! index, because a file may come from anywhere.

use ligate_model::TermId;
use serde::{Deserialize, Serialize};

use super::{
    Former, Lists, Ontology, OntologyError, SynonymKind, SynonymScope, Synonyms, Term,
    build::Parts, words::StoredWords,
};

/// The graph: section `ontology`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredOntology {
    version: String,
    /// Differences of ascending numbers.
    ids: Vec<u32>,
    parent_counts: Vec<u32>,
    parents: Vec<u32>,
    former: Vec<StoredFormer>,
}

/// An id that is no longer in force.
#[derive(Debug, Serialize, Deserialize)]
struct StoredFormer {
    number: u32,
    replaced_by: Option<u32>,
    consider: Vec<u32>,
}

/// Names and synonyms: section `words`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredNames {
    names: StoredWords,
    counts: Vec<u32>,
    synonyms: StoredWords,
    /// Scope and kind of each synonym: `scope * 8 + kind`.
    kinds: Vec<u8>,
}

const SCOPES: [SynonymScope; 4] = [
    SynonymScope::Exact,
    SynonymScope::Narrow,
    SynonymScope::Broad,
    SynonymScope::Related,
];
const KINDS: [SynonymKind; 6] = [
    SynonymKind::Clinical,
    SynonymKind::Layperson,
    SynonymKind::Abbreviation,
    SynonymKind::Plural,
    SynonymKind::UkSpelling,
    SynonymKind::Other,
];

impl Ontology {
    pub(crate) fn stored(&self) -> (StoredOntology, StoredNames) {
        let numbers: Vec<u32> = self.ids.iter().map(|id| id.number()).collect();
        let ids = numbers
            .iter()
            .scan(0, |before, &id| Some(id - std::mem::replace(before, id)))
            .collect();
        let graph = StoredOntology {
            version: self.version.clone(),
            ids,
            parent_counts: self
                .terms()
                .map(|term| self.parents(term).len() as u32)
                .collect(),
            parents: self.parents.all().iter().map(|term| term.0).collect(),
            former: self.former.iter().map(StoredFormer::of).collect(),
        };
        let names = StoredNames {
            names: self.names.stored(),
            counts: self
                .synonyms
                .starts
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .collect(),
            synonyms: self.synonyms.texts.stored(),
            kinds: self
                .synonyms
                .kinds
                .iter()
                .map(|&(scope, kind)| scope as u8 * 8 + kind as u8)
                .collect(),
        };
        (graph, names)
    }

    /// The ontology of a file's two sections.
    pub(crate) fn restore(
        graph: StoredOntology,
        names: StoredNames,
    ) -> Result<Self, OntologyError> {
        let ids = ids(&graph.ids).ok_or(OntologyError::Damaged("term ids"))?;
        let count = ids.len();
        let StoredNames {
            names,
            counts,
            synonyms,
            kinds,
        } = names;
        let words = names.restore().filter(|words| words.len() == count);
        let names = words.ok_or(OntologyError::Damaged("names"))?;
        let synonyms = restore_synonyms(count, &counts, synonyms, &kinds)
            .ok_or(OntologyError::Damaged("synonyms"))?;
        let parents = lists(&graph.parent_counts, &graph.parents, count)
            .ok_or(OntologyError::Damaged("edges"))?;
        let former = former(&graph.former, &ids).ok_or(OntologyError::Damaged("former ids"))?;
        Self::assemble(Parts {
            version: graph.version,
            ids,
            names,
            synonyms,
            parents,
            former,
        })
    }
}

impl StoredFormer {
    fn of((id, former): &(TermId, Former)) -> Self {
        let number = id.number();
        match former {
            Former::Replaced(by) => Self {
                number,
                replaced_by: Some(by.0),
                consider: Vec::new(),
            },
            Former::Obsolete(consider) => Self {
                number,
                replaced_by: None,
                consider: consider.iter().map(|id| id.number()).collect(),
            },
        }
    }
}

fn restore_synonyms(
    terms: usize,
    counts: &[u32],
    texts: StoredWords,
    kinds: &[u8],
) -> Option<Synonyms> {
    let texts = texts.restore()?;
    let kinds: Vec<_> = kinds
        .iter()
        .map(|&byte| kind(byte))
        .collect::<Option<_>>()?;
    let mut starts = Vec::with_capacity(counts.len() + 1);
    let mut end = 0_u32;
    starts.push(end);
    for &count in counts {
        end = end.checked_add(count)?;
        starts.push(end);
    }
    let whole =
        starts.len() == terms + 1 && end as usize == texts.len() && kinds.len() == texts.len();
    whole.then_some(Synonyms {
        starts,
        texts,
        kinds,
    })
}

fn kind(byte: u8) -> Option<(SynonymScope, SynonymKind)> {
    Some((
        *SCOPES.get(usize::from(byte / 8))?,
        *KINDS.get(usize::from(byte % 8))?,
    ))
}

/// Ascending ids from their differences.
fn ids(differences: &[u32]) -> Option<Vec<TermId>> {
    let mut ids = Vec::with_capacity(differences.len());
    let mut number = 0_u32;
    for (at, &difference) in differences.iter().enumerate() {
        if at > 0 && difference == 0 {
            return None;
        }
        number = number.checked_add(difference)?;
        ids.push(TermId::from_number(number)?);
    }
    Some(ids)
}

/// Ascending parents of each term.
fn lists(counts: &[u32], parents: &[u32], terms: usize) -> Option<Lists> {
    let mut rest = parents;
    for &count in counts {
        let (list, after) = rest.split_at_checked(count as usize)?;
        let sound =
            list.is_sorted_by(|a, b| a < b) && list.iter().all(|&parent| (parent as usize) < terms);
        if !sound {
            return None;
        }
        rest = after;
    }
    let whole = rest.is_empty() && counts.len() == terms;
    whole.then(|| Lists::of(counts, parents.iter().copied().map(Term).collect()))
}

fn former(stored: &[StoredFormer], ids: &[TermId]) -> Option<Vec<(TermId, Former)>> {
    let mut all = Vec::with_capacity(stored.len());
    for entry in stored {
        let former = match entry.replaced_by {
            Some(by) if (by as usize) < ids.len() => Former::Replaced(Term(by)),
            Some(_) => return None,
            None => {
                let consider = entry
                    .consider
                    .iter()
                    .map(|&number| TermId::from_number(number));
                Former::Obsolete(consider.collect::<Option<_>>()?)
            }
        };
        all.push((TermId::from_number(entry.number)?, former));
    }
    all.is_sorted_by(|a, b| a.0 < b.0).then_some(all)
}
