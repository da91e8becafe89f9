//! Which alternate allele an annotation names. VEP drops a first base that all alleles of a record
//! share when one of them is an insertion or deletion, and writes '-' for what is then empty;
//! others name the allele as VCF does, or trim it on their own.

use super::{Annotated, Consequence, Record};

/// An allele without what it shares with the reference allele at its end, then at its start, and
/// how many bases were dropped at the start.
pub(super) fn trim<'a>(mut reference: &'a str, mut alternate: &'a str) -> (u32, &'a str, &'a str) {
    if !(is_spelled(reference) && is_spelled(alternate)) {
        return (0, reference, alternate);
    }
    while let (Some((r, a)), true) = (
        last(reference).zip(last(alternate)),
        reference.len() > 1 && alternate.len() > 1,
    ) {
        if r != a {
            break;
        }
        reference = &reference[..reference.len() - 1];
        alternate = &alternate[..alternate.len() - 1];
    }
    let shared = reference
        .bytes()
        .zip(alternate.bytes())
        .take_while(|(r, a)| r == a)
        .count();
    (shared as u32, &reference[shared..], &alternate[shared..])
}

fn last(text: &str) -> Option<u8> {
    text.bytes().next_back()
}

fn is_spelled(allele: &str) -> bool {
    allele.bytes().all(|base| base.is_ascii_alphabetic())
}

/// The alternate allele, from 1, that an annotator calls `name`.
pub(super) fn find(record: &Record<'_>, name: &str) -> Option<u16> {
    let drops = drops_first_base(record);
    let place =
        |is: &dyn Fn(&str) -> bool| record.alternates.iter().position(|alternate| is(alternate));
    let named = |text: &str| {
        if text.is_empty() {
            name == "-"
        } else {
            name == text
        }
    };
    let found =
        place(&|alternate| drops && alternate != "*" && alternate.get(1..).is_some_and(&named))
            .or_else(|| place(&|alternate| alternate == name))
            .or_else(|| place(&|alternate| named(trim(record.reference, alternate).2)));
    found.and_then(number)
}

pub(super) fn number(place: usize) -> Option<u16> {
    u16::try_from(place + 1).ok()
}

fn drops_first_base(record: &Record<'_>) -> bool {
    let first = record.reference.as_bytes().first();
    let mut spelled = record
        .alternates
        .iter()
        .filter(|alternate| **alternate != "*");
    spelled
        .clone()
        .any(|alternate| alternate.len() != record.reference.len())
        && spelled.all(|alternate| is_spelled(alternate) && alternate.as_bytes().first() == first)
}

/// Adds the consequences whose allele was found. Where the record has one alternate allele and all
/// consequences name one allele, however they spell it, they speak of it.
pub(super) fn settle<'r>(
    entries: Vec<(&'r str, Consequence<'r>)>,
    record: &Record<'_>,
    out: &mut Annotated<'r>,
) {
    let none = entries
        .iter()
        .all(|(_, consequence)| consequence.alternate.is_none());
    let one_name = entries.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let sure = none && one_name && record.alternates.len() == 1;
    for (_, mut consequence) in entries {
        if sure {
            consequence.alternate = Some(1);
        }
        match consequence.alternate {
            Some(_) => out.consequences.push(consequence),
            None => out.unmatched += 1,
        }
    }
}
