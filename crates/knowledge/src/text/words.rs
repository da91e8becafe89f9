//! Words of a text, and the form in which they are compared: without case, plural or British
//! spelling.

use std::ops::Range;

/// A word and its place.
#[derive(Clone)]
pub(super) struct Word {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// In lower case, a straight apostrophe kept: what cues are read from.
    pub plain: String,
    /// As names are compared.
    pub folded: String,
}

/// The words of a text in order: runs of letters and digits, with apostrophes within.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next_is_letter = characters
            .peek()
            .is_some_and(|(_, next)| next.is_alphanumeric());
        let within = c.is_alphanumeric() || (start.is_some() && is_apostrophe(c) && next_is_letter);
        match (within, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(word(text, from..at));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push(word(text, from..text.len()));
    }
    words
}

fn word(text: &str, span: Range<usize>) -> Word {
    let plain: String = text[span.clone()].to_lowercase().replace('\u{2019}', "'");
    let plain = plain.strip_suffix("'s").map(str::to_owned).unwrap_or(plain);
    let folded = fold(&plain);
    Word {
        span,
        plain,
        folded,
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

/// Whether a word of a name may be passed over, in the name and in the text.
pub(super) fn is_filler(folded: &str) -> bool {
    matches!(folded, "the" | "his" | "her" | "their")
}

/// One form for spellings of a word that mean the same. Both sides are folded, so that what matters
/// is only that different words stay different.
fn fold(plain: &str) -> String {
    let word = plain.replace('\'', "");
    singular(&american(&word))
}

fn american(word: &str) -> String {
    const WHOLE: [(&str, &str); 8] = [
        ("grey", "gray"),
        ("centre", "center"),
        ("fibre", "fiber"),
        ("fibres", "fibers"),
        ("titre", "titer"),
        ("behaviour", "behavior"),
        ("behaviours", "behaviors"),
        ("behavioural", "behavioral"),
    ];
    if let Some((_, american)) = WHOLE.iter().find(|(british, _)| *british == word) {
        return (*american).to_owned();
    }
    if word.len() < 5 {
        return word.to_owned();
    }
    let mut word = word
        .replace("ae", "e")
        .replace("oe", "e")
        .replace("sulph", "sulf");
    for (british, american) in [
        ("isation", "ization"),
        ("ised", "ized"),
        ("ising", "izing"),
        ("lyse", "lyze"),
    ] {
        if let Some(stem) = word.strip_suffix(british) {
            word = format!("{stem}{american}");
        }
    }
    for (british, american) in [
        ("our", "or"),
        ("ours", "ors"),
        ("oured", "ored"),
        ("ouring", "oring"),
    ] {
        if let Some(stem) = word.strip_suffix(british).filter(|stem| stem.len() >= 3) {
            word = format!("{stem}{american}");
        }
    }
    word
}

fn singular(word: &str) -> String {
    const IRREGULAR: [(&str, &str); 8] = [
        ("feet", "foot"),
        ("teeth", "tooth"),
        ("phalanges", "phalanx"),
        ("testes", "testis"),
        ("vertebre", "vertebra"),
        ("vertebrae", "vertebra"),
        ("calves", "calf"),
        ("irides", "iris"),
    ];
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    let keeps = word.len() <= 3
        || ["ss", "us", "is", "as", "os"]
            .iter()
            .any(|end| word.ends_with(end));
    if keeps {
        return word.to_owned();
    }
    for (many, one) in [
        ("oses", "osis"),
        ("yses", "ysis"),
        ("theses", "thesis"),
        ("ies", "y"),
    ] {
        if let Some(stem) = word.strip_suffix(many).filter(|stem| stem.len() >= 2) {
            return format!("{stem}{one}");
        }
    }
    let sibilant = ["sses", "xes", "ches", "shes", "zzes"]
        .iter()
        .any(|end| word.ends_with(end));
    let cut = if sibilant {
        word.strip_suffix("es")
    } else {
        word.strip_suffix('s')
    };
    cut.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_fold_together() {
        for (left, right) in [
            ("Seizures", "seizure"),
            ("anaemia", "anemia"),
            ("oedema", "Edema"),
            ("tumours", "tumor"),
            ("diarrhoea", "diarrhea"),
            ("stenoses", "stenosis"),
            ("abnormalities", "abnormality"),
            ("abscesses", "abscess"),
            ("Raynaud\u{2019}s", "raynaud"),
            ("teeth", "tooth"),
            ("generalised", "generalized"),
            ("vertebrae", "vertebra"),
        ] {
            assert_eq!(words(left)[0].folded, words(right)[0].folded, "{left}");
        }
        for (left, right) in [
            ("four", "for"),
            ("ptosis", "ptose"),
            ("pelvis", "pelvi"),
            ("hour", "hor"),
        ] {
            assert_ne!(words(left)[0].folded, words(right)[0].folded, "{left}");
        }
    }

    #[test]
    fn words_have_their_places() {
        let found: Vec<(Range<usize>, String)> = words("Café-au-lait, doesn't 'x'")
            .into_iter()
            .map(|word| (word.span, word.plain))
            .collect();
        let expected = [
            (0..5, "café"),
            (6..8, "au"),
            (9..13, "lait"),
            (15..22, "doesn't"),
            (24..25, "x"),
        ];
        assert_eq!(found, expected.map(|(span, text)| (span, text.to_owned())));
    }
}
