//! Diseases that bear a common name with a number behind it ("Developmental and epileptic
//! encephalopathy 96").

use std::collections::HashMap;

use ligate_knowledge::{DiseaseIndex, Knowledge};

/// Candidates that bear a common name, by that name.
pub(super) type Series = HashMap<String, Vec<DiseaseIndex>>;

/// The name series of the candidates.
pub(super) fn series(knowledge: &Knowledge) -> Series {
    let mut series = Series::new();
    for disease in knowledge.candidates() {
        let stem = stem(&knowledge.disease(*disease).name);
        if !stem.is_empty() {
            series.entry(stem).or_default().push(*disease);
        }
    }
    series
}

/// A disease's name without its number in the series, its inheritance and "susceptibility to":
/// capitals, words parted by one space. The name itself where it bears none.
pub(super) fn stem(name: &str) -> String {
    const TAILS: [&[&str]; 7] = [
        &["AUTOSOMAL", "RECESSIVE"],
        &["AUTOSOMAL", "DOMINANT"],
        &["X-LINKED", "RECESSIVE"],
        &["X-LINKED", "DOMINANT"],
        &["X-LINKED"],
        &["SUSCEPTIBILITY", "TO"],
        &["TYPE"],
    ];
    let capitals = name.split(';').next().unwrap_or_default().to_uppercase();
    let separator = |letter: char| letter == ',' || letter.is_whitespace();
    let mut words: Vec<&str> = capitals
        .split(separator)
        .filter(|word| !word.is_empty())
        .collect();
    loop {
        let before = words.len();
        if words.len() > 1 && words.last().is_some_and(|word| is_number(word)) {
            words.pop();
            if words.len() > 1
                && words
                    .last()
                    .is_some_and(|word| ["TYPE", "FORM", "GROUP"].contains(word))
            {
                words.pop();
            }
        }
        if let Some(tail) = TAILS
            .iter()
            .find(|tail| words.len() > tail.len() && words.ends_with(tail))
        {
            words.truncate(words.len() - tail.len());
        }
        if words.len() == before {
            return words.join(" ");
        }
    }
}

/// A place in a series: digits with up to two letters, Roman digits with up to one, or a single
/// letter.
fn is_number(word: &str) -> bool {
    let rest = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let letters = |text: &str| text.bytes().all(|letter| letter.is_ascii_uppercase());
    if rest.len() < word.len() {
        return rest.len() <= 2 && letters(rest);
    }
    let rest = word.trim_start_matches(['I', 'V', 'X']);
    if rest.len() < word.len() {
        return rest.len() <= 1 && letters(rest);
    }
    word.len() == 1 && letters(word)
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn a_series_has_one_stem() {
        for (name, expected) in [
            (
                "Developmental and epileptic encephalopathy 96",
                "DEVELOPMENTAL AND EPILEPTIC ENCEPHALOPATHY",
            ),
            ("Deafness, autosomal recessive 1A", "DEAFNESS"),
            ("Deafness, X-linked 2", "DEAFNESS"),
            (
                "Ehlers-Danlos syndrome, classic type, 2",
                "EHLERS-DANLOS SYNDROME CLASSIC",
            ),
            ("Mucopolysaccharidosis type IIIA", "MUCOPOLYSACCHARIDOSIS"),
            (
                "Fanconi anemia, complementation group D2",
                "FANCONI ANEMIA COMPLEMENTATION GROUP D2",
            ),
            ("Marfan syndrome", "MARFAN SYNDROME"),
            ("X", "X"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }
}
