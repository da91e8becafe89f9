//! One `##key=<...>` line of a VCF header taken apart (VCF 4.5, section 1.4). Owns the quoting
//! rules; what the keys mean is decided in `definition`.

/// A field of a structured line, `ID=DP` or `Description="Depth"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub key: String,
    pub value: String,
    pub quoted: bool,
}

/// A structured value taken apart, or as far as that was possible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Structured {
    pub fields: Vec<Field>,
    /// What ended the parsing early.
    pub fault: Option<&'static str>,
}

impl Structured {
    /// Takes `<key=value,...>` apart.
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let Some(mut rest) = text.strip_prefix('<') else {
            found.fault = Some("it does not start with <");
            return found;
        };
        loop {
            match field(rest) {
                Ok((field, after)) => {
                    found.fields.push(field);
                    match after.strip_prefix(',') {
                        Some(next) => rest = next,
                        None if after == ">" => return found,
                        None => {
                            found.fault = Some(fault_after(after));
                            return found;
                        }
                    }
                }
                Err(fault) => {
                    found.fault = Some(fault);
                    return found;
                }
            }
        }
    }

    pub fn get(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub fn value(&self, key: &str) -> Option<&str> {
        self.get(key).map(|field| field.value.as_str())
    }
}

fn fault_after(after: &str) -> &'static str {
    if after.is_empty() {
        "it does not end with >"
    } else {
        "a value has quotation marks or angle brackets within it that are not escaped"
    }
}

fn field(text: &str) -> Result<(Field, &str), &'static str> {
    let (key, rest) = text
        .split_once('=')
        .ok_or("a field is not of the form key=value")?;
    if key.is_empty() || key.contains([',', '<', '>', '"', ' ']) {
        return Err("a field is not of the form key=value");
    }
    let (value, quoted, after) = match rest.strip_prefix('"') {
        Some(rest) => {
            let (value, after) = quoted(rest).ok_or("a quotation mark is not closed")?;
            (value, true, after)
        }
        None => {
            let (value, after) = rest.split_at(plain_length(rest));
            (value.to_owned(), false, after)
        }
    };
    Ok((
        Field {
            key: key.to_owned(),
            value,
            quoted,
        },
        after,
    ))
}

/// The text up to the closing quotation mark, where `\"` and `\\` are one character.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    None
}

/// Bytes of an unquoted value: up to a comma outside `[...]` or the `>` that ends the line.
fn plain_length(text: &str) -> usize {
    let mut brackets = 0_i32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => brackets += 1,
            b']' => brackets -= 1,
            b',' if brackets <= 0 => return at,
            b'>' if at + 1 == text.len() => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)], whole: bool) {
        let found = Structured::parse(text);
        let fields: Vec<(&str, &str)> = found
            .fields
            .iter()
            .map(|field| (field.key.as_str(), field.value.as_str()))
            .collect();
        assert_eq!(fields, expected, "{text}");
        assert_eq!(found.fault.is_none(), whole, "{text}: {:?}", found.fault);
    }

    #[test]
    fn takes_lines_apart() {
        check(
            r#"<ID=DP,Description="a, \"b\" >">"#,
            &[("ID", "DP"), ("Description", "a, \"b\" >")],
            true,
        );
        check(
            "<ID=A,Values=[x, y],Number=.>",
            &[("ID", "A"), ("Values", "[x, y]"), ("Number", ".")],
            true,
        );
        check("<ID=1,A,length=5>", &[("ID", "1")], false);
        check(
            r#"<ID=X,Description="with "quotes">"#,
            &[("ID", "X"), ("Description", "with ")],
            false,
        );
        check(r#"<ID=X,Description="open>"#, &[("ID", "X")], false);
        check(
            r#"<ID=X,Description="open""#,
            &[("ID", "X"), ("Description", "open")],
            false,
        );
        check("", &[], false);
        check("<>", &[], false);
    }
}
