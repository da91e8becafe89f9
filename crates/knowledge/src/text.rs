//! Free English text to phenotype terms: names and synonyms of the ontology are found in the text,
//! each with its place, and with what the sentence says of it: observed, excluded, uncertain, of a
//! relative, or only feared.
//!
//! Nothing is taken without being shown: [`render`] marks every match in place, and [`list`] writes
//! the list that the user edits or accepts. Matching is by words (case, hyphens, plurals and
//! British spelling aside), the longest name first; it never guesses from single letters and needs
//! no network. What a sentence says is read by cue words in the manner of NegEx (Chapman et al., J
//! Biomed Inform 2001;34:301) and ConText (Harkema et al., ibid. 2009;42:839).

mod context;
mod cues;
mod labels;
mod names;
mod sentence;
mod words;
mod written;

pub use names::Matcher;
pub use written::{list, render};

use std::ops::Range;

use crate::ontology::Term;

/// Longest text that is read, in bytes: some fifty pages.
pub const TEXT_MAX: usize = 256 << 10;

/// The text is longer than [`TEXT_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is longer than {TEXT_MAX} bytes; give the part that describes the patient")]
pub struct TooLong;

/// A name of a term in a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Mention {
    /// Bytes of the text; always whole characters.
    pub span: Range<usize>,
    pub term: Term,
    pub standing: Standing,
    /// Bytes of the words that `standing` rests on; `None` where the term is simply observed.
    pub cue: Option<Range<usize>>,
}

/// What a sentence says of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The patient has it.
    Observed,
    /// The patient was found not to have it.
    Excluded,
    /// Left out: the sentence doubts it, or whose it is.
    Uncertain,
    /// Left out: a relative has it.
    Relative,
    /// Left out: a risk, a condition, a purpose.
    Hypothetical,
}

impl std::fmt::Debug for Mention {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Mention({:?}, {:?})", self.span, self.standing)
    }
}
