//! Mentions for the user: marked in the text, and as a list of terms that can be edited and read
//! again.

use std::fmt::Write;

use super::{Mention, Standing};
use crate::ontology::Ontology;

/// The text with every mention marked in place: `[seizures → HP:0001250 Seizure]`. What is left out
/// says why, with the words that it rests on.
pub fn render(ontology: &Ontology, text: &str, mentions: &[Mention]) -> String {
    let mut out = String::with_capacity(text.len() + mentions.len() * 48);
    let mut at = 0;
    for mention in mentions {
        let (Some(before), Some(found)) = (
            text.get(at..mention.span.start),
            text.get(mention.span.clone()),
        ) else {
            continue;
        };
        at = mention.span.end;
        out.push_str(before);
        let term = format!(
            "{} {}",
            ontology.id(mention.term),
            ontology.name(mention.term)
        );
        let cue = mention
            .cue
            .clone()
            .and_then(|cue| text.get(cue))
            .unwrap_or_default();
        let _ = match mention.standing {
            Standing::Observed => write!(out, "[{found} → {term}]"),
            Standing::Excluded => write!(out, "[{found} → excluded: {term}]"),
            Standing::Uncertain => write!(out, "[{found} → left out, uncertain (“{cue}”): {term}]"),
            Standing::Relative => {
                write!(out, "[{found} → left out, a relative's (“{cue}”): {term}]")
            }
            Standing::Hypothetical => {
                write!(
                    out,
                    "[{found} → left out, not stated as found (“{cue}”): {term}]"
                )
            }
        };
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// A list that `formats::term_list` reads: what the text says of the patient, each term once, and,
/// as comments that the user may take in, what was left out.
pub fn list(ontology: &Ontology, mentions: &[Mention]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for mention in mentions {
        let term = format!(
            "{} {}",
            ontology.id(mention.term),
            ontology.name(mention.term)
        );
        let line = match mention.standing {
            Standing::Observed => term,
            Standing::Excluded => format!("-{term}"),
            Standing::Uncertain => format!("# uncertain: {term}"),
            Standing::Relative => format!("# a relative's: {term}"),
            Standing::Hypothetical => format!("# not stated as found: {term}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.iter().fold(String::new(), |mut all, line| {
        all.push_str(line);
        all.push('\n');
        all
    })
}
