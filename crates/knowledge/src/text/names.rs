//! The names of phenotype terms as a tree of words, in which the longest name at a place of a text
//! is found by walking.
//!
//! A name is a term's label, an exact, narrower or related synonym ("hearing loss" and "epilepsy"
//! are related ones in HPO); of `X, y` also `y X`. Broader synonyms are not used. Where two terms
//! share a name, a label goes before a synonym, and a term before those below it; where that does
//! not decide, the name is not used. Short abbreviations stand for too many things and are not used
//! either; longer ones only as they are written.

use std::collections::HashMap;

use super::{
    Mention, TooLong,
    context::{self, Found},
    sentence::{Sentence, sentences},
    words::{Word, is_filler, words},
};
use crate::{
    ontology::{Ontology, SynonymKind, SynonymScope, Term},
    text::TEXT_MAX,
};

/// Letters of a name that is too short to be told from other words, unless it is written alike.
const SHORT: usize = 3;
/// Letters of a name in capitals that must be written alike.
const ACRONYM: usize = 6;

/// Names of phenotype terms, ready to be found.
pub struct Matcher {
    words: HashMap<String, u32>,
    /// From a node by a word to the next node. Node 0 is the root.
    edges: HashMap<(u32, u32), u32>,
    ends: Vec<End>,
}

#[derive(Clone, Debug, Default)]
enum End {
    #[default]
    None,
    Name(Name),
    /// Several terms, none before the others.
    Shared(u8),
}

#[derive(Clone, Debug)]
struct Name {
    term: Term,
    /// 0 for a label, 1 for an exact clinical synonym, 2 for another exact or a narrower one, 3 for
    /// a related one.
    rank: u8,
    /// How the text must write it, if not in any case.
    written: Option<Box<str>>,
    /// Whether it has a comma, so that the text may have one too.
    comma: bool,
}

impl Matcher {
    /// Takes the names of all terms at or below "Phenotypic abnormality", except that term.
    pub fn new(ontology: &Ontology) -> Self {
        let mut matcher = Self {
            words: HashMap::new(),
            edges: HashMap::new(),
            ends: vec![End::None],
        };
        let phenotypes = ontology.terms().filter(|term| ontology.is_phenotype(*term));
        for term in phenotypes.filter(|term| *term != ontology.phenotype_root()) {
            matcher.add(ontology, term, ontology.name(term), 0, false);
            for synonym in ontology.synonyms(term) {
                let rank = match (synonym.scope, synonym.kind) {
                    (SynonymScope::Exact, SynonymKind::Clinical) => 1,
                    (SynonymScope::Exact | SynonymScope::Narrow, _) => 2,
                    (SynonymScope::Related, _) => 3,
                    (SynonymScope::Broad, _) => continue,
                };
                let abbreviated = synonym.kind == SynonymKind::Abbreviation;
                matcher.add(ontology, term, synonym.text, rank, abbreviated);
            }
        }
        matcher
    }

    /// The mentions of a text in order, without overlap.
    pub fn find(&self, text: &str) -> Result<Vec<Mention>, TooLong> {
        if text.len() > TEXT_MAX {
            return Err(TooLong);
        }
        let words = words(text);
        let mut mentions = Vec::new();
        let mut reader = context::SentenceReader::default();
        for sentence in sentences(text, &words) {
            let found = self.in_sentence(text, &words, &sentence);
            mentions.extend(reader.read(&words, &sentence, found));
        }
        Ok(mentions)
    }

    /// The term that a label, as a whole, names.
    pub fn resolve(&self, label: &str) -> Option<Term> {
        let words = words(label);
        let first = words.iter().position(|word| !is_filler(&word.folded))?;
        let rest = &words[first..];
        let (count, term) = self.longest(label, rest, |_| true)?;
        (count == rest.len()).then_some(term)
    }

    fn in_sentence(&self, text: &str, words: &[Word], sentence: &Sentence) -> Vec<Found> {
        let mut found = Vec::new();
        let mut at = sentence.words.start;
        while at < sentence.words.end {
            let rest = &words[at..sentence.words.end];
            let starts = !is_filler(&rest[0].folded);
            match starts
                .then(|| {
                    self.longest(text, rest, |place| {
                        joins(text, &rest[place - 1], &rest[place])
                    })
                })
                .flatten()
            {
                Some((count, term)) => {
                    found.push(Found {
                        first: at,
                        last: at + count - 1,
                        term,
                    });
                    at += count;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The longest name that begins with the first of these words: how many words it takes, and its
    /// term.
    fn longest(
        &self,
        text: &str,
        words: &[Word],
        joined: impl Fn(usize) -> bool,
    ) -> Option<(usize, Term)> {
        let (mut node, mut best, mut comma) = (0, None, false);
        for (place, word) in words.iter().enumerate() {
            comma |= place > 0 && text[words[place - 1].span.end..word.span.start].contains(',');
            if place > 0 && !joined(place) {
                break;
            }
            if place > 0 && is_filler(&word.folded) {
                continue;
            }
            let Some(next) = self
                .words
                .get(&word.folded)
                .and_then(|id| self.edges.get(&(node, *id)))
            else {
                break;
            };
            node = *next;
            if let End::Name(name) = &self.ends[node as usize] {
                let written = &text[words[0].span.start..word.span.end];
                let fits = name.comma || !comma;
                if fits
                    && name
                        .written
                        .as_ref()
                        .is_none_or(|wanted| **wanted == *written)
                {
                    best = Some((place + 1, name.term));
                }
            }
        }
        best
    }

    fn add(&mut self, ontology: &Ontology, term: Term, text: &str, rank: u8, abbreviated: bool) {
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        let capitals = !text.chars().any(char::is_lowercase);
        if letters == 0
            || (letters <= SHORT && (abbreviated || !capitals))
            || (rank > 0 && is_ordinary(text))
        {
            return;
        }
        let exact = (abbreviated || capitals) && letters <= ACRONYM;
        let written = exact.then(|| text.into());
        let name = Name {
            term,
            rank,
            written,
            comma: text.contains(','),
        };
        self.insert(ontology, text, name.clone());
        let variant = Name {
            rank: rank.max(1),
            comma: false,
            ..name
        };
        if let Some((head, tail)) = text
            .split_once(", ")
            .filter(|(_, tail)| !tail.contains(','))
        {
            self.insert(ontology, &format!("{tail} {head}"), variant.clone());
        }
        if text.contains('-') && !exact {
            self.insert(ontology, &text.replace('-', ""), variant);
        }
    }

    fn insert(&mut self, ontology: &Ontology, text: &str, name: Name) {
        let mut node = 0;
        for word in words(text)
            .into_iter()
            .filter(|word| !is_filler(&word.folded))
        {
            let fresh = self.words.len() as u32;
            let id = *self.words.entry(word.folded).or_insert(fresh);
            let fresh = self.ends.len() as u32;
            node = *self.edges.entry((node, id)).or_insert(fresh);
            if node == fresh {
                self.ends.push(End::None);
            }
        }
        if node != 0 {
            let end = &mut self.ends[node as usize];
            *end = settle(ontology, std::mem::take(end), name);
        }
    }
}

/// Which term a name stands for when another comes to it.
fn settle(ontology: &Ontology, known: End, name: Name) -> End {
    match known {
        End::None => End::Name(name),
        End::Shared(rank) if rank <= name.rank => End::Shared(rank),
        End::Shared(_) => End::Name(name),
        End::Name(known) if known.term == name.term => {
            let freer = known.written.is_some() && name.written.is_none();
            let (rank, comma) = (known.rank.min(name.rank), known.comma || name.comma);
            End::Name(Name {
                rank,
                comma,
                ..if freer { name } else { known }
            })
        }
        End::Name(known) if known.rank != name.rank => {
            End::Name(if known.rank < name.rank { known } else { name })
        }
        End::Name(known) if ontology.is_a(name.term, known.term) => End::Name(known),
        End::Name(known) if ontology.is_a(known.term, name.term) => End::Name(name),
        End::Name(known) => End::Shared(known.rank),
    }
}

/// Whether two words that follow each other can belong to one name.
fn joins(text: &str, left: &Word, right: &Word) -> bool {
    let gap = &text[left.span.end..right.span.start];
    let newlines = gap.matches('\n').count();
    newlines <= 1
        && gap.chars().all(|c| {
            c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2013}' | ',' | '/' | '\'')
        })
}

/// Synonyms that are also words of any text, and numbers. A label is used all the same.
fn is_ordinary(text: &str) -> bool {
    const ORDINARY: [&str; 14] = [
        "abnormality",
        "disease",
        "boil",
        "corn",
        "cutting",
        "falls",
        "fisting",
        "hopping",
        "hostile",
        "jumping",
        "mole",
        "piles",
        "tearing",
        "tired",
    ];
    ORDINARY.iter().any(|word| text.eq_ignore_ascii_case(word))
        || text.chars().all(|c| c.is_ascii_digit())
}
