//! What was noticed while knowledge was built: rows left out, ids that were replaced, links that
//! lead nowhere. Each kind is counted, and its first examples are kept.

use std::{collections::BTreeMap, fmt};

/// Examples that are kept of each kind.
const EXAMPLES: usize = 20;

/// One kind of observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// A stanza, edge or term of the ontology was left out.
    Ontology,
    /// A row's term, onset, modifier or frequency has an alternative or replaced id: the term in
    /// force counts.
    ReplacedTerm,
    /// A row whose term is obsolete without successor, or unknown: left out.
    UnknownTerm,
    /// A row's onset, modifier or frequency is obsolete or unknown, or not of that kind: the row
    /// stays without it.
    UnknownDetail,
    /// A phenotype row whose term is not a phenotypic abnormality: left out.
    NotPhenotype,
    /// A catalogue's entry that MONDO matches with several classes: the smallest class counts.
    SeveralClasses,
    /// A gene link whose disease has no annotation: left out.
    LinkWithoutDisease,
    /// A linked gene that HGNC does not have: kept under its own symbol.
    GeneWithoutHgnc,
    /// Inheritance or constraint of a gene that is not known: left out.
    FactWithoutGene,
}

impl Note {
    /// What it means, for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ontology => "stanzas or edges of the ontology left out",
            Self::ReplacedTerm => "annotation ids replaced by the term in force",
            Self::UnknownTerm => {
                "annotation rows left out: the term is obsolete without successor, or unknown"
            }
            Self::UnknownDetail => {
                "onsets, modifiers or frequencies left out: not a term in force of that kind"
            }
            Self::NotPhenotype => "phenotype rows left out: the term is no phenotypic abnormality",
            Self::SeveralClasses => {
                "catalogue entries that MONDO matches with several classes: the smallest counts"
            }
            Self::LinkWithoutDisease => "gene links left out: the disease has no annotation",
            Self::GeneWithoutHgnc => "genes that HGNC does not have: kept under their own symbols",
            Self::FactWithoutGene => "inheritance or constraint left out: the gene is not known",
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// Counts and examples by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    kinds: BTreeMap<Note, (u64, Vec<String>)>,
}

impl Notes {
    /// Adds one; its text is made only where it is kept. An example that is kept already is only
    /// counted.
    pub(super) fn add(&mut self, note: Note, example: impl FnOnce() -> String) {
        let (count, examples) = self.kinds.entry(note).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            let example = example();
            if !examples.contains(&example) {
                examples.push(example);
            }
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for (note, (count, examples)) in other.kinds {
            let kept = self.kinds.entry(note).or_default();
            kept.0 += count;
            let room = EXAMPLES.saturating_sub(kept.1.len());
            kept.1.extend(examples.into_iter().take(room));
        }
    }

    /// How often this was noticed.
    pub fn count(&self, note: Note) -> u64 {
        self.kinds.get(&note).map_or(0, |(count, _)| *count)
    }

    /// Every kind that was noticed, how often, and its first examples.
    pub fn iter(&self) -> impl Iterator<Item = (Note, u64, &[String])> {
        self.kinds
            .iter()
            .map(|(note, (count, examples))| (*note, *count, examples.as_slice()))
    }
}

impl fmt::Display for Notes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (note, count, examples) in self.iter() {
            let shown = examples
                .iter()
                .take(3)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            writeln!(out, "{count} {} (as {shown})", note.text())?;
        }
        Ok(())
    }
}
