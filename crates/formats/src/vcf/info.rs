//! The INFO column. Ligate does not use it; entries that break their definition are reported.

use super::{
    definition::{Column, Definition, Kind},
    header::Header,
};

/// The first fault of an INFO column, if any.
pub(super) fn check(info: &[u8], alternates: u32, header: &Header) -> Option<String> {
    if info == b"." {
        return None;
    }
    info.split(|b| *b == b';')
        .find_map(|entry| check_entry(entry, alternates, header))
}

fn check_entry(entry: &[u8], alternates: u32, header: &Header) -> Option<String> {
    let (key, values) = match memchr::memchr(b'=', entry) {
        Some(at) => (&entry[..at], Some(&entry[at + 1..])),
        None => (entry, None),
    };
    // A semicolon at the end is common and harmless.
    if entry.is_empty() {
        return None;
    }
    if key.is_empty() || key.iter().any(|b| !b.is_ascii_graphic()) {
        return Some("INFO has an empty name or white space in a name".into());
    }
    let definition = header.definition(Column::Info, key)?;
    let fault = match values {
        Some(values) => definition.check(values, alternates, None).err()?,
        None if is_flag(definition) => return None,
        None => "has no value",
    };
    Some(format!("INFO {} {fault}", String::from_utf8_lossy(key)))
}

fn is_flag(definition: Definition) -> bool {
    definition.kind == Kind::Flag
}
