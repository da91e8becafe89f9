//! One line of a list: where its ids are, what excludes them, what is left as labels.

use std::ops::Range;

use ligate_model::{InvalidTerm, TermId};

use super::Label;

/// What the lines so far gave.
#[derive(Default)]
pub(super) struct Read {
    /// Terms in order, and whether each is excluded.
    pub ids: Vec<(TermId, bool)>,
    pub labels: Vec<Label>,
    /// Prefixes of other ontologies, and how many ids have them.
    pub others: Vec<(String, usize)>,
    pub problems: Vec<(u64, &'static str)>,
}

impl Read {
    pub fn line(&mut self, number: u64, line: &str, bullets: bool) {
        let line = without_comment(line).trim();
        let Some(line) = without_bullet(line, bullets) else {
            let message = "a dash and a space may be a bullet or a minus; write -HP:0001250 to exclude a term";
            self.problems.push((number, message));
            return;
        };
        let has_ids = find_id(line, 0).is_some();
        let separators: &[char] = if has_ids {
            &[',', ';', '\t']
        } else {
            &[';', '\t']
        };
        let first = self.ids.len();
        for segment in line.split(separators) {
            self.segment(number, segment, first);
        }
    }

    /// `first` is where this line's ids begin.
    fn segment(&mut self, number: u64, segment: &str, first: usize) {
        let (mut at, mut excluded) = (0, false);
        let mut label = None;
        while let Some(span) = find_id(segment, at) {
            let (before, marked) = cut_exclusion(&segment[at..span.start]);
            if at == 0 && !is_blank(before) {
                let (text, negated) = exclusion(cleaned(before));
                (label, excluded) = (Some((cleaned(before), text)), negated);
            } else if !is_blank(before) {
                self.label(number, before, first);
            }
            self.id(&segment[span.clone()], marked || excluded);
            if let Some((written, text)) = label.take() {
                self.push_label(number, written, text, excluded, first);
            }
            (at, excluded) = (span.end, false);
        }
        if !is_blank(&segment[at..]) {
            self.label(number, &segment[at..], first);
        }
    }

    fn id(&mut self, text: &str, excluded: bool) {
        match text.to_ascii_uppercase().parse() {
            Ok(term) => self.ids.push((term, excluded)),
            Err(InvalidTerm::OtherOntology { prefix, .. }) => {
                match self.others.iter_mut().find(|(known, _)| *known == prefix) {
                    Some((_, count)) => *count += 1,
                    None => self.others.push((prefix, 1)),
                }
            }
            Err(InvalidTerm::Malformed { .. }) => {}
        }
    }

    /// Text that follows an id, or stands alone: a label, or a word that says whether the id before
    /// it was observed.
    fn label(&mut self, number: u64, text: &str, first: usize) {
        let written = cleaned(text);
        let last = self.ids.len().checked_sub(1).filter(|last| *last >= first);
        match (written.to_ascii_lowercase().as_str(), last) {
            ("excluded" | "absent" | "no" | "not" | "negated", Some(last)) => {
                self.ids[last].1 = true
            }
            ("present" | "observed" | "yes", Some(_)) => {}
            _ => {
                let (text, excluded) = exclusion(written);
                self.push_label(number, written, text, excluded, first);
            }
        }
    }

    fn push_label(&mut self, line: u64, written: &str, text: &str, excluded: bool, first: usize) {
        let beside = self
            .ids
            .get(first..)
            .and_then(<[_]>::last)
            .map(|(term, _)| *term);
        let (written, text) = (written.to_owned(), text.to_owned());
        self.labels.push(Label {
            line,
            written,
            text,
            excluded,
            beside,
        });
    }
}

fn without_comment(line: &str) -> &str {
    let opens = |at: &usize| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    match line.match_indices('#').map(|(at, _)| at).find(opens) {
        Some(at) => &line[..at],
        None => line,
    }
}

/// `None` where a dash and a space may be either.
fn without_bullet(line: &str, bullets: bool) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("- ") {
        return bullets.then(|| rest.trim_start());
    }
    if let Some(rest) = line.strip_prefix("* ").or_else(|| line.strip_prefix("• ")) {
        return Some(rest.trim_start());
    }
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let marked = number
        .strip_prefix(". ")
        .or_else(|| number.strip_prefix(") "));
    Some(
        marked
            .filter(|_| number.len() < line.len())
            .map_or(line, str::trim_start),
    )
}

/// The next `HP:0001250` or `HP_0001250`, or with a colon an id of any other prefix, from byte
/// `from`.
fn find_id(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    for colon in (from..bytes.len()).filter(|at| matches!(bytes[*at], b':' | b'_')) {
        let letters = bytes[from..colon]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let digits = bytes[colon + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let prefix = &text[colon - letters..colon];
        let known = prefix.eq_ignore_ascii_case("HP") || (bytes[colon] == b':' && letters >= 2);
        if known && digits > 0 {
            return Some(colon - letters..colon + 1 + digits);
        }
    }
    None
}

const MINUS: [char; 4] = ['-', '−', '–', '!'];
const WORDS: [&str; 4] = ["no", "not", "without", "excluded"];

/// Cuts what excludes the id that follows: `-`, `!`, or a word as the last one before it.
fn cut_exclusion(before: &str) -> (&str, bool) {
    if let Some(rest) = before.strip_suffix(MINUS) {
        // `Seizure -HP:1` excludes, `Seizure - HP:1` and `Seizure-HP:1` do not.
        return (rest, rest.is_empty() || rest.ends_with(char::is_whitespace));
    }
    let trimmed = before.trim_end().trim_end_matches(':');
    let start = trimmed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let is_word = trimmed
        .get(start..)
        .is_some_and(|last| WORDS.iter().any(|word| last.eq_ignore_ascii_case(word)));
    if is_word {
        (&trimmed[..start], true)
    } else {
        (before, false)
    }
}

/// Cuts what excludes a label.
fn exclusion(label: &str) -> (&str, bool) {
    if let Some(rest) = label.strip_prefix(MINUS)
        && !rest.starts_with(char::is_whitespace)
    {
        return (rest, true);
    }
    for word in WORDS {
        if label
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
            && let Some(rest) = label[word.len()..].strip_prefix([' ', ':'])
        {
            return (rest.trim_start(), true);
        }
    }
    (label, false)
}

fn is_blank(text: &str) -> bool {
    cleaned(text).is_empty()
}

/// Without the marks that stand between an id and its label. A minus directly before a label stays.
fn cleaned(text: &str) -> &str {
    let is_mark = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '(' | ')' | '[' | ']' | '{' | '}' | '|' | ':' | '"' | '\''
            )
    };
    let mut text = text.trim_matches(is_mark);
    while let Some(rest) = text.strip_prefix(MINUS)
        && (rest.is_empty() || rest.starts_with(char::is_whitespace))
    {
        text = rest.trim_start_matches(is_mark);
    }
    text
}
