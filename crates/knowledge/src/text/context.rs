//! What a sentence says of the terms in it. One pass from left to right carries what holds at each
//! word (a negation, a doubt, a fear, whose features are told); phrases that work backwards then
//! change the mentions of their clause.
//!
//! Where the patient and a relative cannot be told apart, the mention is uncertain: the user
//! decides.

mod relatives;

use std::ops::Range;

use super::{
    Mention, Standing,
    cues::{self, Cue, Gender},
    sentence::Sentence,
    words::Word,
};
use crate::ontology::Term;

/// Words behind which a negation or a doubt no longer holds.
const REACH: usize = 20;
/// Words right behind a negation among which a verb belongs to it ("did not have").
const VERB_NEAR: usize = 3;

/// A name's words in a text.
pub(super) struct Found {
    pub first: usize,
    pub last: usize,
    pub term: Term,
}

/// Whose features are told.
#[derive(Clone, PartialEq)]
enum Subject {
    Patient,
    Relative {
        gender: Gender,
        cue: Range<usize>,
    },
    /// One or the other.
    Either {
        cue: Range<usize>,
    },
    /// The patient, or, up to the next comma, the parents to whom they were born.
    Parents {
        cue: Range<usize>,
    },
}

/// Reads sentence after sentence: "She" may be the relative of the sentence before.
pub(super) struct SentenceReader {
    before: Subject,
}

impl Default for SentenceReader {
    fn default() -> Self {
        Self {
            before: Subject::Patient,
        }
    }
}

impl SentenceReader {
    pub fn read(&mut self, words: &[Word], sentence: &Sentence, found: Vec<Found>) -> Vec<Mention> {
        let subject = match &sentence.family {
            Some(cue) => Subject::Relative {
                gender: Gender::Several,
                cue: cue.clone(),
            },
            None => Subject::Patient,
        };
        let before = std::mem::replace(&mut self.before, Subject::Patient);
        let mut clause = Clause::new(words, sentence, &found, subject, before);
        clause.run();
        self.before = clause.subject.clone();
        clause.mentions
    }
}

/// A cue that holds since a word.
#[derive(Clone)]
struct Since {
    at: usize,
    cue: Range<usize>,
    /// Whether a mention followed already.
    used: bool,
}

/// The pass over one sentence.
struct Clause<'a> {
    words: &'a [Word],
    sentence: &'a Sentence,
    found: &'a [Found],
    subject: Subject,
    before: Subject,
    not: Option<Since>,
    perhaps: Option<Since>,
    feared: Option<Since>,
    /// `absent` or `non` right before.
    not_next: Option<Since>,
    /// The clause's number, and whether a verb opened it.
    number: usize,
    by_verb: bool,
    /// For each mention its clause, and whether a verb opened that.
    clauses: Vec<(usize, bool)>,
    mentions: Vec<Mention>,
}

impl<'a> Clause<'a> {
    fn new(
        words: &'a [Word],
        sentence: &'a Sentence,
        found: &'a [Found],
        subject: Subject,
        before: Subject,
    ) -> Self {
        Self {
            words,
            sentence,
            found,
            subject,
            before,
            not: None,
            perhaps: None,
            feared: None,
            not_next: None,
            number: 0,
            by_verb: false,
            clauses: Vec::new(),
            mentions: Vec::new(),
        }
    }

    fn run(&mut self) {
        let mut at = self.sentence.words.start;
        while at < self.sentence.words.end {
            if self.sentence.commas.contains(&at) && matches!(self.subject, Subject::Parents { .. })
            {
                self.subject = Subject::Patient;
            }
            if self.sentence.commas.contains(&at)
                && (self.sentence.semicolons.contains(&at) || self.comma_parts(at))
            {
                self.new_clause(false);
            }
            if let Some(found) = self
                .found
                .get(self.mentions.len())
                .filter(|found| found.first == at)
            {
                self.mention(found);
                at = found.last + 1;
                continue;
            }
            let limit = self
                .found
                .get(self.mentions.len())
                .map_or(self.sentence.words.end, |next| next.first);
            let step = match cues::at(&self.words[at..limit]) {
                Some((count, cues)) => {
                    cues.iter().for_each(|cue| self.cue(*cue, at, count));
                    count
                }
                None => 1,
            };
            at += step;
        }
    }

    fn mention(&mut self, found: &Found) {
        let at = found.first;
        let span = self.words[found.first].span.start..self.words[found.last].span.end;
        let near = |since: &&Since| at - since.at <= REACH;
        let not = self
            .not
            .as_ref()
            .filter(near)
            .or(self.not_next.as_ref().filter(|next| next.at + 1 == at));
        let doubted = self
            .sentence
            .doubted
            .contains(&at)
            .then(|| span.start - 1..span.start);
        let perhaps = self
            .perhaps
            .as_ref()
            .filter(near)
            .map(|since| since.cue.clone())
            .or(doubted);
        let (standing, cue) = if let Subject::Relative { cue, .. } = &self.subject {
            (Standing::Relative, Some(cue.clone()))
        } else if let Some(feared) = &self.feared {
            (Standing::Hypothetical, Some(feared.cue.clone()))
        } else if let Subject::Either { cue } | Subject::Parents { cue } = &self.subject {
            (Standing::Uncertain, Some(cue.clone()))
        } else if let Some(not) = not {
            (Standing::Excluded, Some(not.cue.clone()))
        } else if let Some(perhaps) = perhaps {
            (Standing::Uncertain, Some(perhaps))
        } else {
            (Standing::Observed, None)
        };
        // A list after a negation goes on: "no seizures, ataxia or tremor".
        if let Some(not) = &mut self.not {
            (not.at, not.used) = (found.last, true);
        }
        self.mentions.push(Mention {
            span,
            term: found.term,
            standing,
            cue,
        });
        self.clauses.push((self.number, self.by_verb));
    }

    fn cue(&mut self, cue: Cue, at: usize, count: usize) {
        let span = self.words[at].span.start..self.words[at + count - 1].span.end;
        let since = Since {
            at: at + count - 1,
            cue: span.clone(),
            used: false,
        };
        match cue {
            Cue::Nothing => {}
            Cue::Not => self.not = Some(since),
            Cue::NotNext => self.not_next = Some(since),
            Cue::Perhaps => self.perhaps = Some(since),
            Cue::Feared => self.feared = Some(since),
            Cue::WasNot => self.backwards(at, count, Standing::Excluded, &span),
            Cue::WasPerhaps => self.backwards(at, count, Standing::Uncertain, &span),
            Cue::But => self.new_clause(false),
            Cue::Verb => {
                if self
                    .not
                    .as_ref()
                    .is_none_or(|not| not.used || at - not.at > VERB_NEAR)
                {
                    self.new_clause(true);
                }
            }
            Cue::Patient => {
                self.new_clause(false);
                self.subject = Subject::Patient;
            }
            Cue::He => self.pronoun(Gender::Male, &span),
            Cue::She => self.pronoun(Gender::Female, &span),
            Cue::They => self.pronoun(Gender::Several, &span),
            Cue::FamilyHistory => {
                self.subject = Subject::Relative {
                    gender: Gender::Several,
                    cue: span,
                }
            }
            Cue::Relative(gender) => self.relative(gender, at, count, span),
        }
    }

    fn new_clause(&mut self, by_verb: bool) {
        (self.not, self.perhaps, self.not_next) = (None, None, None);
        if !by_verb {
            self.feared = None;
        }
        self.number += 1;
        self.by_verb = by_verb;
    }

    /// Whether a new clause begins behind a comma: with a verb of its own, a pronoun or a linking
    /// word. Else the comma stands in a list.
    fn comma_parts(&self, at: usize) -> bool {
        let next = self
            .sentence
            .commas
            .iter()
            .copied()
            .find(|comma| *comma > at);
        let end = next.unwrap_or(self.sentence.words.end);
        let Some(first) = self.words[at..end].first() else {
            return false;
        };
        match first.plain.as_str() {
            "or" | "nor" => return false,
            "he" | "she" | "they" | "his" | "her" | "with" | "who" | "which" | "there" | "so" => {
                return true;
            }
            _ => {}
        }
        let covered = |place: usize| {
            self.found
                .iter()
                .any(|found| (found.first..=found.last).contains(&place))
        };
        (at..end).filter(|place| !covered(*place)).any(|place| {
            cues::at(&self.words[place..=place]).is_some_and(|(_, cues)| cues.contains(&Cue::Verb))
        })
    }

    /// Applies to the mentions before it in the clause; where a verb opened the clause, only to the
    /// last one: in "has ataxia and seizures were absent" the ataxia stands.
    fn backwards(&mut self, at: usize, count: usize, standing: Standing, cue: &Range<usize>) {
        let adjective = count == 1;
        let follows = self.mentions.last().is_some() && self.last_word() + 1 == at;
        // A single word ("absent", "no") works backwards only at the end of what it is said of:
        // "Seizures: absent".
        let ends = at + 1 >= self.sentence.words.end || self.sentence.commas.contains(&(at + 1));
        if adjective && !(follows && ends) {
            return;
        }
        if adjective && self.sentence.commas.contains(&at) && at + 1 < self.sentence.words.end {
            return;
        }
        let number = self.number;
        for (place, mention) in self.mentions.iter_mut().enumerate().rev() {
            if self.clauses[place].0 != number || at.saturating_sub(self.found[place].last) > REACH
            {
                break;
            }
            if matches!(
                mention.standing,
                Standing::Observed | Standing::Excluded | Standing::Uncertain
            ) {
                (mention.standing, mention.cue) = (standing, Some(cue.clone()));
            }
            if self.by_verb {
                break;
            }
        }
        if standing == Standing::Uncertain || !adjective {
            self.not = None;
        }
    }

    /// The last word of the last mention.
    fn last_word(&self) -> usize {
        self.mentions
            .len()
            .checked_sub(1)
            .map_or(0, |place| self.found[place].last)
    }
}
