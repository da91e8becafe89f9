//! Whose features a sentence tells: the patient's, or those of a relative that it names.

use std::ops::Range;

use super::{Clause, Subject};
use crate::text::{
    Standing,
    cues::{Gender, tells},
};

/// Words between "in" and the relative: "in a maternal great uncle".
const BETWEEN: usize = 4;
/// Words behind a relative among which a verb of telling makes them the one who tells.
const TELLS_WITHIN: usize = 3;

/// What a relative is in the sentence.
enum Role {
    /// The one who tells, or named in passing, or beside the patient.
    Bystander,
    /// "born to parents with": it is not said whose the features are.
    Parent,
    /// "seizures in his mother": what came before is theirs too.
    Bearer,
    /// What follows is theirs.
    Subject,
}

impl Clause<'_> {
    /// A relative is named.
    pub(super) fn relative(&mut self, gender: Gender, at: usize, count: usize, cue: Range<usize>) {
        match self.role(at, count) {
            Role::Bystander => {}
            Role::Parent => self.subject = Subject::Parents { cue },
            Role::Bearer => {
                self.give_back(&cue);
                self.subject = Subject::Relative { gender, cue };
            }
            Role::Subject => self.subject = Subject::Relative { gender, cue },
        }
    }

    fn role(&self, at: usize, count: usize) -> Role {
        let next = |ahead: usize| self.plain(at + count - 1 + ahead);
        if next(1) == "of" && matches!(self.plain(at), "son" | "daughter")
            || self.is_source(at, count)
        {
            return Role::Bystander;
        }
        let has = matches!(
            next(1),
            "has" | "had" | "have" | "who" | "with" | "is" | "was" | "are" | "were" | "also"
        );
        let start = self
            .sentence
            .words
            .start
            .max(at.saturating_sub(BETWEEN + 1));
        let before: Vec<&str> = (start..at).rev().map(|at| self.plain(at)).collect();
        let link = before
            .iter()
            .find(|word| !is_determiner(word))
            .copied()
            .unwrap_or_default();
        if matches!(link, "in" | "affecting" | "among" | "of") && self.has_mentions() {
            return Role::Bearer;
        }
        let patient = |word: &&str| {
            matches!(
                *word,
                "patient" | "proband" | "he" | "she" | "child" | "boy" | "girl"
            )
        };
        if link == "and" && before.iter().any(patient) {
            return Role::Bystander;
        }
        if self.is_birth(at) {
            return if has && next(1) != "with" {
                Role::Subject
            } else {
                Role::Parent
            };
        }
        let is_object = matches!(
            link,
            "with" | "from" | "to" | "for" | "by" | "than" | "like" | "as"
        );
        if is_object && !has {
            Role::Bystander
        } else {
            Role::Subject
        }
    }

    /// `he`, `she`: the patient, unless a relative of that gender was the last who was spoken of.
    pub(super) fn pronoun(&mut self, pronoun: Gender, cue: &Range<usize>) {
        let is_first = self.mentions.is_empty() && self.subject == Subject::Patient;
        let last = if is_first {
            self.before.clone()
        } else {
            self.subject.clone()
        };
        self.new_clause(false);
        self.subject = match last {
            Subject::Patient => Subject::Patient,
            Subject::Relative {
                gender: Gender::Several,
                cue,
            } if pronoun == Gender::Several => Subject::Relative {
                gender: Gender::Several,
                cue,
            },
            Subject::Relative { gender, .. } if gender == pronoun || gender == Gender::Either => {
                Subject::Either { cue: cue.clone() }
            }
            Subject::Relative { .. } | Subject::Either { .. } | Subject::Parents { .. } => {
                Subject::Patient
            }
        };
    }

    /// "the mother reports", "noticed by his mother", "according to the parents".
    fn is_source(&self, at: usize, count: usize) -> bool {
        let behind = at + count..at + count + TELLS_WITHIN;
        let mut told = behind.take_while(|place| !self.sentence.commas.contains(place));
        if told.any(|place| tells(self.plain(place))) {
            return true;
        }
        let from = at.saturating_sub(BETWEEN).max(self.sentence.words.start);
        let before: Vec<&str> = (from..at).map(|place| self.plain(place)).collect();
        let linked = before
            .iter()
            .rev()
            .find(|word| !is_determiner(word))
            .copied()
            .unwrap_or_default();
        let according = before.windows(2).any(|pair| pair == ["according", "to"]);
        according || linked == "per" || linked == "by" && before.iter().any(|word| tells(word))
    }

    /// "born to healthy parents", "child of unrelated parents".
    fn is_birth(&self, at: usize) -> bool {
        let from = at
            .saturating_sub(2 * BETWEEN)
            .max(self.sentence.words.start);
        let before: Vec<&str> = (from..at).map(|place| self.plain(place)).collect();
        let is_birth = |pair: &[&str]| {
            matches!(
                pair,
                ["born", "to" | "of"]
                    | [
                        "child" | "son" | "daughter" | "offspring" | "boy" | "girl",
                        "of" | "to"
                    ]
            )
        };
        before.windows(2).any(is_birth)
    }

    fn has_mentions(&self) -> bool {
        self.clauses
            .last()
            .is_some_and(|(number, _)| *number == self.number)
    }

    /// Mentions of this clause before "in his mother" are the relative's.
    fn give_back(&mut self, cue: &Range<usize>) {
        for (place, mention) in self.mentions.iter_mut().enumerate().rev() {
            if self.clauses[place].0 != self.number {
                break;
            }
            (mention.standing, mention.cue) = (Standing::Relative, Some(cue.clone()));
        }
    }

    fn plain(&self, at: usize) -> &str {
        if at < self.sentence.words.end {
            &self.words[at].plain
        } else {
            ""
        }
    }
}

fn is_determiner(word: &&str) -> bool {
    const WORDS: [&str; 30] = [
        "the",
        "a",
        "an",
        "his",
        "her",
        "their",
        "my",
        "our",
        "one",
        "two",
        "three",
        "maternal",
        "paternal",
        "older",
        "younger",
        "elder",
        "affected",
        "half",
        "great",
        "twin",
        "both",
        "first",
        "second",
        "other",
        "another",
        "several",
        "some",
        "deceased",
        "healthy",
        "unaffected",
    ];
    WORDS.contains(word)
}
