//! The words that say whose a feature is and whether it is there. Longer phrases go before shorter
//! ones, so that "not only" is no negation and "cannot be ruled out" is a doubt.

use std::{collections::HashMap, sync::LazyLock};

use super::words::Word;

/// What a phrase does to the mentions around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// Excludes what follows.
    Not,
    /// Excludes what follows at once: `absent reflexes`.
    NotNext,
    /// Excludes what came before: `were not seen`.
    WasNot,
    /// Looks like a negation and is none.
    Nothing,
    /// What follows is feared or asked for, not found.
    Feared,
    /// Doubts what follows.
    Perhaps,
    /// Doubts what came before.
    WasPerhaps,
    /// A new clause begins.
    But,
    /// A verb that opens a new clause.
    Verb,
    /// The patient: what follows is theirs.
    Patient,
    He,
    She,
    They,
    Relative(Gender),
    FamilyHistory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gender {
    Female,
    Male,
    /// One person, woman or man.
    Either,
    /// Several, or nobody by name.
    Several,
}

/// Phrases, with commas between them, and what they do.
const PHRASES: [(Cue, &str); 18] = [
    (
        Cue::Not,
        "no, not, without, denies, denied, deny, denying, negative for, absence of, lack of, lacks, lacked, \
         lacking, never, never had, no evidence of, no sign of, no signs of, no history of, no evidence for, \
         free of, free from, nor, neither, cannot have, didn't, doesn't, don't, hasn't, haven't, hadn't, \
         isn't, wasn't, weren't, aren't, did not have, does not have, do not have, has not had, had not had, \
         has no, had no, have no, with no, excluded, ruled out, rules out, has never had, rather than, \
         instead of, unremarkable for, none of",
    ),
    (Cue::NotNext, "absent, non"),
    (
        Cue::WasNot,
        "was not, were not, is not, are not, was absent, were absent, is absent, are absent, was excluded, \
         were excluded, has been excluded, have been excluded, was ruled out, were ruled out, is ruled out, \
         has been ruled out, have been ruled out, had been ruled out, not present, not observed, not seen, \
         not noted, not found, not detected, not reported, was denied, were denied, is denied, are denied, \
         was negative, were negative, wasn't, weren't, has not been, have not been, had not been, was never, \
         were never, absent, denied, negative, excluded, unlikely, no, was unlikely, is unlikely",
    ),
    (
        Cue::Nothing,
        "not only, no longer, no change in, no improvement in, no improvement of, no further, not just, not \
         merely, no doubt, no other, without improvement, not to mention, if any, as if, not improved, no \
         response of, even if, no reduction in, no wonder",
    ),
    (
        Cue::Feared,
        "if, risk of, risk for, risks of, at risk of, at risk for, in case of, rule out, r o, to exclude, \
         evaluate for, evaluated for, evaluation for, evaluation of possible, screen for, screened for, \
         screening for, monitor for, monitored for, monitoring for, watch for, check for, assess for, \
         assessed for, tested for, testing for, may develop, might develop, could develop, can develop, may \
         cause, might cause, can cause, could cause, to prevent, prevention of, prophylaxis for, prophylaxis \
         against, counselled about, counseled about, fear of, should she, should he, whether, in the event \
         of, predispose to, predisposes to, susceptibility to",
    ),
    (
        Cue::Perhaps,
        "possible, possibly, probable, probably, suspected, suspicion of, suspicious for, suggestive of, \
         suggesting, suggests, likely, questionable, maybe, perhaps, query, concern for, concerns for, \
         concern of, may have, might have, could have, may be, might be, could be, cannot exclude, cannot \
         rule out, can't exclude, not excluded, not ruled out, apparent, borderline, equivocal, differential \
         diagnosis of, unclear whether, presumed",
    ),
    (
        Cue::WasPerhaps,
        "is suspected, was suspected, are suspected, were suspected, is possible, was possible, are possible, \
         is likely, was likely, cannot be excluded, cannot be ruled out, could not be excluded, could not be \
         ruled out, can't be excluded, was considered, were considered, not excluded, not ruled out, is \
         questionable, was questionable, not been ruled out, not been excluded, has not been ruled out, has \
         not been excluded, was not ruled out, was not excluded, were not excluded, were not ruled out, is \
         not excluded",
    ),
    (
        Cue::But,
        "but, however, although, though, except, except for, apart from, aside from, other than, whereas, \
         while, yet, who, which, nevertheless, besides, although there, with, instead, then, since, because, \
         due to, and with, also, still",
    ),
    (
        Cue::Verb,
        "has, had, have, shows, showed, shown, developed, develops, presents, presented, exhibits, exhibited, \
         displays, displayed, revealed, reveals, demonstrated, demonstrates, is, are, was, were, remains, \
         became, noted, experienced, suffers, suffered",
    ),
    (
        Cue::Patient,
        "patient, the patient, our patient, this patient, proband, index case, the child, this child, the \
         boy, this boy, the girl, this girl, the infant, this infant, the baby, the newborn, the neonate, \
         propositus, proposita, the fetus, the man, the woman, this man, this woman, i",
    ),
    (Cue::He, "he"),
    (Cue::She, "she"),
    (Cue::They, "they, both"),
    (
        Cue::Relative(Gender::Female),
        "mother, mom, mum, sister, aunt, grandmother, niece, daughter, wife, half sister, stepmother, great \
         aunt, twin sister",
    ),
    (
        Cue::Relative(Gender::Male),
        "father, dad, brother, uncle, grandfather, nephew, son, husband, half brother, stepfather, great \
         uncle, twin brother",
    ),
    (
        Cue::Relative(Gender::Either),
        "parent, sibling, sib, cousin, grandparent, relative, family member, co twin",
    ),
    (
        Cue::Relative(Gender::Several),
        "parents, siblings, sibs, cousins, grandparents, relatives, family members, other family members, \
         maternal side, paternal side, sisters, brothers, aunts, uncles, mothers, fathers, grandmothers, \
         grandfathers, nieces, nephews, sons, daughters",
    ),
    (
        Cue::FamilyHistory,
        "family history, familial history, runs in the family, fh, fhx, history in the family",
    ),
];

/// Most words of a phrase.
const LONGEST: usize = 5;

/// What each phrase does. One phrase can work both ways (`negative`).
static CUES: LazyLock<HashMap<&str, Vec<Cue>>> = LazyLock::new(|| {
    let mut cues = HashMap::<&str, Vec<Cue>>::new();
    for (cue, phrases) in PHRASES {
        phrases
            .split(", ")
            .for_each(|phrase| cues.entry(phrase).or_default().push(cue));
    }
    cues
});

/// The longest phrase that begins with the first of these words: its length in words, and all that
/// it does.
pub(super) fn at(words: &[Word]) -> Option<(usize, &'static [Cue])> {
    let mut phrase = String::new();
    let mut best = None;
    for (count, word) in (1..=LONGEST).zip(words) {
        if count > 1 {
            phrase.push(' ');
        }
        phrase.push_str(&word.plain);
        if let Some(cues) = CUES.get(phrase.as_str()) {
            best = Some((count, cues.as_slice()));
        }
    }
    best
}

/// A verb by which a relative tells of the patient.
pub(super) fn tells(word: &str) -> bool {
    const VERBS: [&str; 12] = [
        "report", "notice", "note", "state", "describe", "observe", "recall", "complain",
        "mention", "worry", "say", "feel",
    ];
    const FORMS: [&str; 12] = [
        "says",
        "said",
        "felt",
        "denies",
        "denied",
        "worried",
        "concerned",
        "noticing",
        "noting",
        "recounts",
        "told",
        "thinks",
    ];
    let stem = |verb: &str| {
        word.strip_prefix(verb)
            .is_some_and(|end| matches!(end, "" | "s" | "ed" | "d" | "es"))
    };
    FORMS.contains(&word) || VERBS.iter().any(|verb| stem(verb))
}
