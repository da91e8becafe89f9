//! Which names are one data user's. An issuer writes a name by hand, and whoever wants a second
//! account has an interest in another way to write it: so names are compared by what a reader sees
//! of them.
//!
//! Not told apart: capitals and small letters, accents and other marks, full-width and other
//! compatibility forms, ligatures, spaces, signs and what cannot be seen (Unicode Standard Annex
//! 15, form NFKD), and Cyrillic and Greek letters that look like Latin ones, and small capitals.
//! What is spelled in another way ("Dr. Ada", "Ada, Uni") is another name: that is the issuer's to
//! avoid.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Capitals that look like Latin ones, and these. This and the next are a part of the confusables
/// of Unicode Technical Standard 39: letters of the modern Cyrillic and Greek alphabets, and small
/// capitals, alone.
const CAPITALS: [(&str, &str); 2] = [
    ("АВЕЅІЈКМНОРСТУХ", "ABESIJKMHOPCTYX"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
];

/// Small letters that look like Latin ones, and these.
const SMALL: [(&str, &str); 3] = [
    ("асԁеһіјӏорԛѕуѵԝх", "acdehijlopqsyvwx"),
    ("αγινορυ", "ayivopu"),
    ("ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ", "abcdeghijklmnoprtuvwyz"),
];

/// Whether two names can be taken for each other. Some letters look like one Latin letter as a
/// capital and like another one as a small letter, so both ways to write a name count.
pub(super) fn are_alike(one: &str, other: &str) -> bool {
    capitals(one) == capitals(other) || small(one) == small(other)
}

fn capitals(name: &str) -> String {
    letters(name)
        .flat_map(char::to_uppercase)
        .map(|letter| latin(letter, &CAPITALS))
        .collect()
}

fn small(name: &str) -> String {
    // By way of capitals, as "ß" and "ss", and the two small sigmas, are one.
    let folded = letters(name)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase);
    folded.map(|letter| latin(letter, &SMALL)).collect()
}

/// Letters and digits alone, without their marks.
fn letters(name: &str) -> impl Iterator<Item = char> + '_ {
    name.nfkd()
        .filter(|letter| letter.is_alphanumeric() && !is_combining_mark(*letter))
}

fn latin(letter: char, table: &[(&str, &str)]) -> char {
    let pairs = table
        .iter()
        .flat_map(|(own, latin)| own.chars().zip(latin.chars()));
    pairs
        .into_iter()
        .find(|(own, _)| *own == letter)
        .map_or(letter, |(_, latin)| latin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one() {
        let same = [
            ("Ada Researcher", "ada  researcher."),
            ("research\u{e9}r", "researche\u{301}r"),
            ("research\u{e9}r", "researcher"),
            ("\u{ff52}\u{ff45}searcher", "researcher"),
            ("Re\u{17f}earcher", "RESEARCHER"),
            ("res\u{200b}ear\u{ad}cher\u{a0}", "researcher"),
            ("\u{202e}researcher\u{363}", "researcher"),
            // Cyrillic: a, e, s, o, p; Greek: Nu as a capital, nu as a small letter.
            ("rеsеarсhеr", "researcher"),
            ("RESЕАRСНЕR", "researcher"),
            ("ʀesᴇarcher", "researcher"),
            ("Νorth", "north"),
            ("ναn", "van"),
            ("Ο\u{3c2}", "oσ"),
            ("Groß", "GROSS"),
            ("Peﬁne", "pefine"),
            ("Рена", "РЕНА"),
            ("Ёлкин", "елкин"),
        ];
        for (one, other) in same {
            assert!(
                are_alike(one, other) && are_alike(other, one),
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn names_that_are_spelled_differently_are_two() {
        let different = [
            ("researcher", "researcher2"),
            ("researcher", "Dr. Researcher"),
            ("Müller", "Mueller"),
            ("Новак", "Novak"),
            ("Ada", "Bo"),
        ];
        for (one, other) in different {
            assert!(!are_alike(one, other), "{one} and {other}");
        }
        for (own, latin) in CAPITALS.iter().chain(&SMALL) {
            assert_eq!(own.chars().count(), latin.chars().count(), "{own}");
            assert!(
                latin.is_ascii() && own.chars().all(|letter| !letter.is_ascii()),
                "{own}"
            );
        }
    }
}
