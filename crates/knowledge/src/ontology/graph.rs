//! Lists of terms by term in compressed rows, and the walks that fill them.

use super::Term;

/// A list of terms for each term.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lists {
    /// Where each list starts; one more than there are terms.
    starts: Vec<u32>,
    terms: Vec<Term>,
}

impl Lists {
    /// Lists of these lengths; `terms` holds as many as they sum to.
    pub(super) fn of(lengths: &[u32], terms: Vec<Term>) -> Self {
        let ends = lengths.iter().scan(0, |end, &length| {
            *end += length;
            Some(*end)
        });
        Self {
            starts: std::iter::once(0).chain(ends).collect(),
            terms,
        }
    }

    pub(super) fn get(&self, term: Term) -> &[Term] {
        &self.terms[self.starts[term.index()] as usize..self.starts[term.index() + 1] as usize]
    }

    /// How many terms have a list.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// All lists, one after the other.
    pub(super) fn all(&self) -> &[Term] {
        &self.terms
    }

    /// The inverse: for each term, those whose list holds it, ascending.
    pub(super) fn inverted(&self) -> Self {
        let count = self.len();
        let mut starts = vec![0_u32; count + 1];
        for term in &self.terms {
            starts[term.index() + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut terms = vec![Term(0); self.terms.len()];
        for from in (0..count as u32).map(Term) {
            for &to in self.get(from) {
                terms[next[to.index()] as usize] = from;
                next[to.index()] += 1;
            }
        }
        Self { starts, terms }
    }
}

impl FromIterator<Vec<Term>> for Lists {
    fn from_iter<I: IntoIterator<Item = Vec<Term>>>(lists: I) -> Self {
        let mut all = Self {
            starts: vec![0],
            terms: Vec::new(),
        };
        for list in lists {
            all.terms.extend(list);
            all.starts.push(all.terms.len() as u32);
        }
        all
    }
}

/// All terms, parents before children, smaller terms first among equals (Kahn 1962). Shorter than
/// the number of terms where there is a cycle: terms on it or below it are missing.
pub(super) fn topological(parents: &Lists, children: &Lists) -> Vec<Term> {
    let mut waiting: Vec<usize> = (0..parents.len() as u32)
        .map(|term| parents.get(Term(term)).len())
        .collect();
    let mut order: Vec<Term> = (0..parents.len() as u32)
        .map(Term)
        .filter(|term| waiting[term.index()] == 0)
        .collect();
    let mut next = 0;
    while let Some(&term) = order.get(next) {
        next += 1;
        for &child in children.get(term) {
            waiting[child.index()] -= 1;
            if waiting[child.index()] == 0 {
                order.push(child);
            }
        }
    }
    order
}

/// Each term's ancestors, itself included, ascending. `None` above `most` entries in all: a file
/// whose graph is made to have more than any ontology has.
pub(super) fn ancestors(parents: &Lists, topological: &[Term], most: usize) -> Option<Lists> {
    let count = parents.len();
    // In topological order, so that a term's parents are there already; `seen` holds the last term
    // that took another.
    let mut found: Vec<Term> = Vec::new();
    let mut spans = vec![(0, 0); count];
    let mut seen = vec![u32::MAX; count];
    for &term in topological {
        let start = found.len();
        found.push(term);
        for parent in parents.get(term) {
            let (first, end) = spans[parent.index()];
            for at in first..end {
                let ancestor: Term = found[at];
                if std::mem::replace(&mut seen[ancestor.index()], term.0) != term.0 {
                    found.push(ancestor);
                }
            }
        }
        if found.len() > most {
            return None;
        }
        found[start..].sort_unstable();
        spans[term.index()] = (start, found.len());
    }
    let mut lists = Lists {
        starts: Vec::with_capacity(count + 1),
        terms: Vec::with_capacity(found.len()),
    };
    lists.starts.push(0);
    for (start, end) in spans {
        lists.terms.extend_from_slice(&found[start..end]);
        lists.starts.push(lists.terms.len() as u32);
    }
    Some(lists)
}
