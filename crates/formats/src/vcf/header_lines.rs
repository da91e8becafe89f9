//! What the specification says of header lines and Ligate does not depend on: each check gives the
//! first fault.

use super::meta::{Field, Structured};

/// First words of symbolic alleles (VCF 4.5, section 1.4.5), and names that callers have used for
/// years.
const SYMBOLIC: [&str; 10] = [
    "DEL", "INS", "DUP", "INV", "CNV", "BND", "CPX", "CTX", "NON_REF", "*",
];

pub(super) fn definition(line: &Structured) -> Option<&'static str> {
    let keys: Vec<&str> = line
        .fields
        .iter()
        .take(4)
        .map(|field| field.key.as_str())
        .collect();
    if keys != ["ID", "Number", "Type", "Description"] {
        return Some("ID, Number, Type and Description come first, in this order");
    }
    name(line).or_else(|| description(line))
}

pub(super) fn filter(line: &Structured) -> Option<&'static str> {
    if line.value("ID") == Some("0") {
        return Some("0 is no name of a filter");
    }
    name(line).or_else(|| description(line))
}

pub(super) fn alternate(line: &Structured) -> Option<&'static str> {
    let first = line.value("ID")?.split(':').next()?;
    let copies = first
        .strip_prefix("CN")
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    if !SYMBOLIC.contains(&first) && !copies && first.len() != 1 {
        return Some(
            "the symbolic allele is none of DEL, INS, DUP, INV, CNV and BND, with or without a subtype",
        );
    }
    if line.get("Number").is_some() || line.get("Type").is_some() {
        return Some("a symbolic allele has an ID and a Description only");
    }
    name(line).or_else(|| description(line))
}

pub(super) fn contig(line: &Structured) -> Option<&'static str> {
    if line
        .value("length")
        .is_some_and(|length| length.parse::<u64>().is_err())
    {
        return Some("a contig's length is a whole number");
    }
    name(line)
}

/// Lines of other keys that the specification defines.
pub(super) fn other(key: &str, value: &str, minor: u8) -> Option<&'static str> {
    match key {
        "assembly" | "pedigreeDB" => url(value),
        "SAMPLE" => sample(&Structured::parse(value), minor),
        "PEDIGREE" => pedigree(&Structured::parse(value), minor),
        _ => None,
    }
}

fn name(line: &Structured) -> Option<&'static str> {
    let id = line.value("ID")?;
    id.contains([' ', '\t', ',', '<', '>'])
        .then_some("an ID has no white space, commas or angle brackets")
}

fn description(line: &Structured) -> Option<&'static str> {
    match line.get("Description") {
        None => Some("there is no Description"),
        Some(field) if !field.quoted => Some("a Description stands in quotation marks"),
        Some(_) => None,
    }
}

fn sample(line: &Structured, minor: u8) -> Option<&'static str> {
    if line.fault.is_some() || minor >= 3 {
        return line.fault;
    }
    if ["ID", "Genomes", "Mixture"]
        .iter()
        .any(|key| line.get(key).is_none())
    {
        return Some("a SAMPLE has ID, Genomes and Mixture");
    }
    let quoted = |field: &Field| field.quoted && field.key != "Description";
    line.fields
        .iter()
        .any(quoted)
        .then_some("only a Description stands in quotation marks")
}

fn pedigree(line: &Structured, minor: u8) -> Option<&'static str> {
    if line.fault.is_some() || minor >= 3 {
        return line.fault;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let odd = line
        .fields
        .iter()
        .any(|field| !field.value.bytes().all(plain));
    odd.then_some("names in a PEDIGREE consist of letters, digits, '_', '-' and '.'")
}

/// A host that is a bare number is no host.
fn url(value: &str) -> Option<&'static str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host);
    host.bytes()
        .all(|b| b.is_ascii_digit())
        .then_some("the address has no valid host")
}
