//! Values of OBO tags: backslash escapes, quoted strings, comments at the end.

/// A quoted string and what follows it.
pub(super) struct Quoted<'a> {
    pub(super) text: String,
    pub(super) rest: &'a str,
}

/// The string at the start of a value.
pub(super) fn quoted(value: &str) -> Option<Quoted<'_>> {
    let body = value.strip_prefix('"')?;
    let mut text = String::with_capacity(body.len());
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                return Some(Quoted {
                    text,
                    rest: &body[at + 1..],
                });
            }
            '\\' => text.push(unescaped(characters.next()?.1)),
            _ => text.push(character),
        }
    }
    None
}

/// A value that is not quoted, without the comment behind ` ! `.
pub(super) fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next().map(unescaped)),
            '!' if text.ends_with(' ') => break,
            _ => text.push(character),
        }
    }
    text.trim_end().to_owned()
}

/// OBO 1.4, 2.4: `\n`, `\t`, `\W` (a space); any other character stands for itself.
fn unescaped(character: char) -> char {
    match character {
        'n' | 'W' => ' ',
        't' => '\t',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_comments() {
        assert_eq!(plain(r"A\: b\, c ! comment"), "A: b, c");
        assert_eq!(plain("Stop!"), "Stop!");
        let found = quoted(r#""say \"ah\"" EXACT"#).unwrap();
        assert_eq!((found.text.as_str(), found.rest), (r#"say "ah""#, " EXACT"));
        assert!(quoted(r#""never ends\"#).is_none() && quoted("none").is_none());
    }
}
