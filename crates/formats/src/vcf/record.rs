//! The fixed columns of a record: how a line falls apart, and what each column may hold. `Err`
//! means that the record cannot be used; a note means that a column Ligate does not build on breaks
//! the specification.

use std::str;

use super::{definition, header::Header};

/// A line of text in its columns.
pub(super) struct Columns<'l> {
    pub chromosome: &'l [u8],
    pub position: &'l [u8],
    pub id: &'l [u8],
    pub reference: &'l [u8],
    pub alternates: &'l [u8],
    pub quality: &'l [u8],
    pub filter: &'l [u8],
    pub info: &'l [u8],
    /// Empty in a file without genotypes.
    pub format: &'l [u8],
    /// The sample columns, each with the tab before it.
    pub samples: &'l [u8],
}

impl<'l> Columns<'l> {
    /// Splits a line without its end. Sample columns are counted when they are read.
    pub fn split(line: &'l [u8], genotypes: bool) -> Result<Self, &'static str> {
        const FEW: &str =
            "the record has fewer columns than the header; are they separated by tabs?";
        let mut tabs = memchr::memchr_iter(b'\t', line);
        let mut start = 0;
        let mut next = || {
            let end = tabs.next()?;
            let column = &line[start..end];
            start = end + 1;
            Some(column)
        };
        let mut columns = [&line[..0]; 7];
        for column in &mut columns {
            *column = next().ok_or(FEW)?;
        }
        let (info, format, samples) = if genotypes {
            let info = next().ok_or(FEW)?;
            let format = next().ok_or(FEW)?;
            (info, format, &line[start - 1..])
        } else {
            if next().is_some() {
                return Err("the record has more columns than the header");
            }
            (&line[start..], &line[..0], &line[..0])
        };
        let [
            chromosome,
            position,
            id,
            reference,
            alternates,
            quality,
            filter,
        ] = columns;
        Ok(Self {
            chromosome,
            position,
            id,
            reference,
            alternates,
            quality,
            filter,
            info,
            format,
            samples,
        })
    }
}

/// Whether a record may stand on this contig. Names of the assembly file are written `<name>`.
pub(super) fn chromosome<'l>(name: &'l [u8], header: &Header) -> Result<&'l str, &'static str> {
    let bare = bare(name);
    let bad = |b: u8| !b.is_ascii_graphic() || b"<>,".contains(&b);
    if bare.is_empty() || bare.iter().copied().any(bad) {
        return Err("CHROM is empty or has white space, commas or angle brackets");
    }
    // Before 4.3 a colon was forbidden, yet the HLA contigs of GRCh38 have it: they are declared.
    if header.minor < 3 && bare.contains(&b':') && !header.declared.contains(name) {
        return Err("CHROM has a colon and is not declared in the header");
    }
    str::from_utf8(name).map_err(|_| "CHROM is no text")
}

/// The contig's name without the angle brackets of an assembly file's contig.
pub(super) fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"<")
        .and_then(|name| name.strip_suffix(b">"))
        .unwrap_or(name)
}

/// Largest position, as in htslib and BCF.
pub(super) const MAX_POSITION: u32 = i32::MAX as u32;

/// Reads POS; 0 is the telomere.
pub(super) fn position(text: &[u8]) -> Result<u32, &'static str> {
    const FAULT: &str = "POS is no whole number from 0 to 2147483647";
    if text.is_empty() || text.len() > 10 {
        return Err(FAULT);
    }
    let mut value = 0_u64;
    for byte in text {
        if !byte.is_ascii_digit() {
            return Err(FAULT);
        }
        value = value * 10 + u64::from(byte - b'0');
    }
    u32::try_from(value)
        .ok()
        .filter(|value| *value <= MAX_POSITION)
        .ok_or(FAULT)
}

/// Whether the text is one or more bases.
pub(super) fn is_bases(text: &[u8]) -> bool {
    let base = |b: &u8| {
        matches!(
            b,
            b'A' | b'C' | b'G' | b'T' | b'N' | b'a' | b'c' | b'g' | b't' | b'n'
        )
    };
    !text.is_empty() && text.iter().all(base)
}

/// Checks REF and hands it out as text.
pub(super) fn reference(text: &[u8]) -> Result<&str, &'static str> {
    const FAULT: &str = "REF is not made of the bases A, C, G, T and N";
    if is_bases(text) {
        str::from_utf8(text).map_err(|_| FAULT)
    } else {
        Err(FAULT)
    }
}

/// Checks the alternate alleles, separated by commas, and hands them out as text; empty where there
/// is none (`.`).
pub(super) fn alternates(text: &[u8]) -> Result<&str, &'static str> {
    const FAULT: &str =
        "ALT holds something that is neither bases, *, a symbolic allele nor a breakend";
    if text == b"." {
        return Ok("");
    }
    if text.split(|b| *b == b',').all(is_alternate) {
        str::from_utf8(text).map_err(|_| FAULT)
    } else {
        Err(FAULT)
    }
}

fn is_alternate(text: &[u8]) -> bool {
    if is_bases(text) || text == b"*" {
        return true;
    }
    // A breakend whose mate is unknown: `.A` or `A.`
    if text
        .strip_prefix(b".")
        .or(text.strip_suffix(b"."))
        .is_some_and(is_bases)
    {
        return true;
    }
    if text.ends_with(b">") && memchr::memchr2(b'[', b']', text).is_none() {
        return is_symbolic(text);
    }
    is_breakend(text).unwrap_or(false)
}

/// `<ID>`, or bases before an inserted contig `<ID>`.
fn is_symbolic(text: &[u8]) -> bool {
    let Some((before, rest)) = text
        .iter()
        .position(|b| *b == b'<')
        .map(|at| text.split_at(at))
    else {
        return false;
    };
    let name = &rest[1..rest.len() - 1];
    let bad = |b: &u8| !b.is_ascii_graphic() || *b == b'<' || *b == b'>';
    (before.is_empty() || is_bases(before)) && !name.is_empty() && !name.iter().any(bad)
}

/// `t[p[`, `t]p]`, `]p]t` or `[p[t` with bases t and a place p.
fn is_breakend(text: &[u8]) -> Option<bool> {
    let open = memchr::memchr2(b'[', b']', text)?;
    let bracket = text[open];
    let close = open + 1 + memchr::memchr2(b'[', b']', &text[open + 1..])?;
    let (before, place, after) = (&text[..open], &text[open + 1..close], &text[close + 1..]);
    let colon = memchr::memrchr(b':', place)?;
    let located = colon > 0
        && place[..colon].iter().all(u8::is_ascii_graphic)
        && place.len() > colon + 1
        && place[colon + 1..].iter().all(u8::is_ascii_digit);
    let bases = |text: &[u8]| is_bases(text) || text == b".";
    let one_side = (bases(before) && after.is_empty()) || (before.is_empty() && bases(after));
    Some(text[close] == bracket && located && one_side)
}

/// The ID column: nothing where it is `.` or unusable.
pub(super) fn id(text: &[u8]) -> (Option<&str>, Option<&'static str>) {
    if text == b"." {
        return (None, None);
    }
    let bad = text.is_empty()
        || text.first() == Some(&b';')
        || text.last() == Some(&b';')
        || text
            .iter()
            .any(|b| b.is_ascii_whitespace() || b.is_ascii_control());
    match str::from_utf8(text) {
        Ok(id) if !bad => (Some(id), None),
        _ => (
            None,
            Some(
                "ID is empty, has white space, or begins or ends with a semicolon; it is left out",
            ),
        ),
    }
}

/// Checks QUAL, which Ligate does not use.
pub(super) fn quality(text: &[u8]) -> Option<&'static str> {
    if text == b"." || (definition::is_float(text) && !text.starts_with(b"-")) {
        return None;
    }
    Some("QUAL is no number from 0 up")
}

/// Checks FILTER, which Ligate does not use yet.
pub(super) fn filter(text: &[u8]) -> Option<&'static str> {
    if text == b"PASS" || text == b"." {
        return None;
    }
    let bad = |name: &[u8]| {
        name.is_empty() || name == b"0" || name == b"." || name.iter().any(u8::is_ascii_whitespace)
    };
    text.split(|b| *b == b';')
        .any(bad)
        .then_some("FILTER has an empty, missing or reserved name, or white space")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternates_are_told_from_nonsense() {
        for good in [
            "A",
            "acgtN",
            "*",
            "<DEL>",
            "<DEL:ME:ALU>",
            "C<ctg1>",
            ".A",
            "A.",
            "]1:100]AGT",
            "[1:100[AGT",
        ] {
            assert!(alternates(good.as_bytes()).is_ok(), "{good}");
        }
        for good in [
            "AGT]1:100]",
            "AGT[1:100[",
            "G,<NON_REF>",
            ".[<ctg>:7[",
            "A,*",
        ] {
            assert!(alternates(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "R",
            "A T",
            "A,,T",
            "<INS>BLAH>",
            "[1:100[",
            "A,.",
            "<>",
            "A[1:x[",
            "A[1:100]",
            "..",
            "A[[",
        ] {
            assert!(alternates(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(alternates(b"."), Ok(""));
    }

    #[test]
    fn positions_are_bounded() {
        assert_eq!(position(b"0"), Ok(0));
        assert_eq!(position(b"2147483647"), Ok(MAX_POSITION));
        for bad in ["", "-1", "1a", "2147483648", "99999999999999999999"] {
            assert!(position(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_fall_into_columns() {
        let columns = Columns::split(b"1\t2\tid\tA\tC\t.\tPASS\t.\tGT\t0/1\t1/1", true).unwrap();
        assert_eq!(
            (columns.format, columns.samples),
            (&b"GT"[..], &b"\t0/1\t1/1"[..])
        );
        let columns = Columns::split(b"1\t2\tid\tA\tC\t.\tPASS\tDP=3", false).unwrap();
        assert_eq!((columns.info, columns.samples), (&b"DP=3"[..], &b""[..]));
        assert!(Columns::split(b"1\t2\tid\tA\tC\t.\tPASS", false).is_err());
        assert!(Columns::split(b"1\t2\tid\tA\tC\t.\tPASS\t.\tGT", false).is_err());
        assert!(Columns::split(b"1\t2\tid\tA\tC\t.\tPASS\t.\tGT", true).is_err());
    }
}
