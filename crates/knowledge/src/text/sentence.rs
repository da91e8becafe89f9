//! Sentences of a text, and whether a heading puts them under the family's history.

use std::ops::Range;

use super::words::Word;

/// Words of a sentence at most: a text without full stops is cut, so that reading stays linear.
const WORDS_MAX: usize = 200;
/// Words of a heading at most.
const HEADING_MAX: usize = 5;

/// A sentence.
pub(super) struct Sentence {
    /// Places of its words in the text's words.
    pub words: Range<usize>,
    /// Places of words before which there is a comma, a semicolon or a bracket.
    pub commas: Vec<usize>,
    /// Those of them before which there is a semicolon: what went before holds no longer.
    pub semicolons: Vec<usize>,
    /// Places of words right before which there is a question mark.
    pub doubted: Vec<usize>,
    /// Where a heading above, or at its beginning, says that the family is described: that
    /// heading's bytes.
    pub family: Option<Range<usize>>,
}

/// The sentences of a text. `words` are its words.
pub(super) fn sentences(text: &str, words: &[Word]) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut family = None;
    let mut start = 0;
    for end in 1..=words.len() {
        let gap = gap(text, words, end);
        let is_last = end == words.len();
        if !is_last && end - start < WORDS_MAX && !ends_sentence(text, words, end) {
            continue;
        }
        let range = start..end;
        if let Some(heading) = heading(text, words, &range) {
            family = heading;
        }
        let before = |at: usize| self::gap(text, words, at);
        let commas = range
            .clone()
            .skip(1)
            .filter(|at| has_comma(before(*at)))
            .collect();
        let semicolons = range
            .clone()
            .skip(1)
            .filter(|at| before(*at).contains(';'))
            .collect();
        let doubted = range
            .clone()
            .filter(|at| text[..words[*at].span.start].ends_with('?'))
            .collect();
        found.push(Sentence {
            words: range,
            commas,
            semicolons,
            doubted,
            family: family.clone(),
        });
        if is_blank(gap) {
            family = None;
        }
        start = end;
    }
    found
}

/// The text between the word before `at` and the word at it.
fn gap<'a>(text: &'a str, words: &[Word], at: usize) -> &'a str {
    let from = at.checked_sub(1).map_or(0, |before| words[before].span.end);
    &text[from..words.get(at).map_or(text.len(), |word| word.span.start)]
}

/// A full stop (not that of an abbreviation), a question or exclamation mark, or a line that begins
/// anew. A question mark that touches the word behind it doubts that word instead.
fn ends_sentence(text: &str, words: &[Word], at: usize) -> bool {
    let gap = gap(text, words, at);
    let stops = |mark: char| {
        gap.find(mark)
            .is_some_and(|at| gap[at + 1..].starts_with(char::is_whitespace))
    };
    let before = &words[at - 1].plain;
    let abbreviated = before.chars().count() == 1 || ABBREVIATIONS.contains(&before.as_str());
    let anew = || {
        gap.find('\n')
            .is_some_and(|newline| begins_anew(text, words[at - 1].span.end + newline))
    };
    (stops('.') && !abbreviated) || stops('!') || stops('?') || anew()
}

const ABBREVIATIONS: [&str; 9] = ["dr", "mr", "mrs", "ms", "vs", "approx", "ca", "fig", "cf"];

/// Whether what follows this newline is not the same sentence: an empty line, an item of a list, a
/// capital, or anything after a line too short to have been wrapped.
fn begins_anew(text: &str, newline: usize) -> bool {
    let line = text[..newline].rsplit('\n').next().unwrap_or_default();
    let next = text[newline + 1..].trim_start_matches([' ', '\t']);
    let opens = next.chars().next();
    line.trim().len() < WRAPPED || opens.is_none_or(|c| !c.is_alphanumeric() || c.is_uppercase())
}

/// Shortest line, in bytes, that may have been wrapped.
const WRAPPED: usize = 40;

fn is_blank(gap: &str) -> bool {
    let lines: Vec<&str> = gap.split('\n').collect();
    lines
        .iter()
        .skip(1)
        .rev()
        .skip(1)
        .any(|line| line.trim().is_empty())
}

fn has_comma(gap: &str) -> bool {
    gap.contains([',', ';', '(', ')', '\u{2014}'])
}

/// `Some(Some(span))` for a heading of the family's history, `Some(None)` for another, `None` for a
/// sentence without.
fn heading(text: &str, words: &[Word], range: &Range<usize>) -> Option<Option<Range<usize>>> {
    let opens_line = text[..words[range.start].span.start]
        .rsplit('\n')
        .next()
        .is_some_and(|line| line.trim().len() <= 2);
    let last = range
        .clone()
        .take(HEADING_MAX)
        .find(|at| gap(text, words, at + 1).starts_with(':'))?;
    if !opens_line && words[range.start].plain != "family" {
        return None;
    }
    let is_family = words[range.start..=last]
        .iter()
        .any(|word| matches!(word.plain.as_str(), "family" | "familial"));
    Some(is_family.then(|| words[range.start].span.start..words[last].span.end))
}
