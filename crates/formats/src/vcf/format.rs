//! The FORMAT column and the fields of the samples. Ligate loads GT; the other fields of the first
//! samples of each record are checked against their definitions, which shows a wrong definition
//! without reading the bytes that make up nearly all of a deeply annotated file.

use super::{
    definition::{self, Column, Definition, Number},
    header::Header,
};

/// Samples of each record whose fields are checked.
const CHECKED_SAMPLES: usize = 4;

/// What a FORMAT column says. Nearly all records of a file share one.
#[derive(Default)]
pub(super) struct Layout {
    text: Vec<u8>,
    keys: Vec<(String, Option<Definition>)>,
    /// Whether the first field is GT.
    pub called: bool,
    /// Whether there is no other field.
    pub only: bool,
    fault: Option<&'static str>,
    note: Option<&'static str>,
}

impl Layout {
    /// Reads a FORMAT column, if it is not the one at hand already. `Err`: the record cannot be
    /// used.
    pub fn read(
        &mut self,
        text: &[u8],
        header: &Header,
    ) -> Result<Option<&'static str>, &'static str> {
        if self.text != text || self.keys.is_empty() {
            *self = Self::parse(text, header);
        }
        self.fault.map_or(Ok(self.note), Err)
    }

    fn parse(text: &[u8], header: &Header) -> Self {
        let keys: Vec<&[u8]> = text.split(|b| *b == b':').collect();
        let called = keys.first() == Some(&&b"GT"[..]);
        let fault = keys[1..]
            .contains(&&b"GT"[..])
            .then_some("GT is not the first FORMAT field");
        let note = keys.iter().find_map(|key| key_fault(key, header));
        let keys = keys
            .into_iter()
            .map(|key| {
                (
                    String::from_utf8_lossy(key).into_owned(),
                    header.definition(Column::Format, key),
                )
            })
            .collect();
        Self {
            text: text.to_vec(),
            keys,
            called,
            only: text == b"GT",
            fault,
            note,
        }
    }

    /// Checks the first samples' fields; `samples` has a tab before each.
    pub fn check(&self, samples: &[u8], alternates: u32) -> Option<String> {
        let samples = samples.get(1..)?;
        samples
            .split(|b| *b == b'\t')
            .take(CHECKED_SAMPLES)
            .find_map(|sample| self.check_sample(sample, alternates))
    }

    fn check_sample(&self, sample: &[u8], alternates: u32) -> Option<String> {
        let mut fields = sample.split(|b| *b == b':');
        let mut ploidy = Some(2);
        for (at, (name, definition)) in self.keys.iter().enumerate() {
            let values = fields.next()?;
            if at == 0 && self.called {
                ploidy = call_ploidy(values);
                continue;
            }
            let Some(definition) = definition else {
                continue;
            };
            let local = definition.number == Number::Genotypes;
            let genotypes = if local {
                ploidy.and_then(|p| definition::genotypes(alternates + 1, p))
            } else {
                None
            };
            if !values.is_empty()
                && let Err(fault) = definition.check(values, alternates, genotypes)
            {
                return Some(format!("FORMAT {name} {fault}"));
            }
        }
        fields
            .next()
            .map(|_| "a sample has more fields than FORMAT".to_owned())
    }
}

fn key_fault(key: &[u8], header: &Header) -> Option<&'static str> {
    if key == b"." {
        return None;
    }
    if key.is_empty() || key.iter().any(|b| !b.is_ascii_graphic()) {
        return Some("FORMAT has an empty name or white space");
    }
    // Versions 4.1 and 4.2 ask for letters and digits; what the header declares (MIN_DP) is meant.
    let plain = key.iter().all(u8::is_ascii_alphanumeric);
    if header.minor < 3 && !plain && !header.format.contains_key(key) {
        return Some("FORMAT has a name that is not declared and not made of letters and digits");
    }
    None
}

/// Alleles of a call; unknown where nothing is called.
fn call_ploidy(call: &[u8]) -> Option<u32> {
    if call.iter().all(|b| matches!(b, b'.' | b'/' | b'|')) {
        return None;
    }
    let inner = call.get(1..).unwrap_or_default();
    Some(1 + inner.iter().filter(|b| matches!(b, b'/' | b'|')).count() as u32)
}
