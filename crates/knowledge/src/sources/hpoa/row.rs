//! The columns of one row.

use ligate_model::{Sex, TermId};

use super::{AnnotationRow, Aspect, Evidence, RowFrequency, RowReference};

pub(super) const FIELDS: usize = 11;

/// The columns that are read.
pub(super) const NAMES: [&str; FIELDS] = [
    "database_id",
    "disease_name",
    "qualifier",
    "hpo_id",
    "reference",
    "evidence",
    "onset",
    "frequency",
    "sex",
    "modifier",
    "aspect",
];

/// A row from its fields, in the order of [`NAMES`].
pub(super) fn parse(fields: [&str; FIELDS]) -> Result<AnnotationRow, &'static str> {
    let [
        disease,
        name,
        qualifier,
        term,
        reference,
        evidence,
        onset,
        frequency,
        sex,
        modifier,
        aspect,
    ] = fields;
    Ok(AnnotationRow {
        disease: disease
            .parse()
            .map_err(|_| "the disease id is of no known catalogue; left out")?,
        name: name.to_owned(),
        absent: absent(qualifier)?,
        term: term
            .parse()
            .map_err(|_| "the term is not of HPO; left out")?,
        references: split(reference).map(parse_reference).collect(),
        evidence: parse_evidence(evidence),
        onset: optional_term(onset)?,
        frequency: parse_frequency(frequency)?,
        sex: parse_sex(sex)?,
        modifiers: terms(modifier)?,
        aspect: parse_aspect(aspect)?,
    })
}

fn absent(qualifier: &str) -> Result<bool, &'static str> {
    match qualifier {
        "" => Ok(false),
        "NOT" => Ok(true),
        _ => Err("the qualifier is neither empty nor NOT; left out"),
    }
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

fn parse_reference(text: &str) -> RowReference {
    let publication = text.parse().map(RowReference::Publication);
    publication
        .or_else(|_| text.parse().map(RowReference::Catalogue))
        .unwrap_or(RowReference::Other)
}

fn parse_evidence(text: &str) -> Evidence {
    match text {
        "PCS" => Evidence::Study,
        "TAS" => Evidence::Statement,
        "IEA" => Evidence::Inferred,
        _ => Evidence::Other,
    }
}

fn optional_term(text: &str) -> Result<Option<TermId>, &'static str> {
    Ok(terms(text)?.first().copied())
}

fn terms(text: &str) -> Result<Vec<TermId>, &'static str> {
    split(text)
        .map(|id| {
            id.parse()
                .map_err(|_| "an onset or modifier is not of HPO; left out")
        })
        .collect()
}

/// `m/n`, `p%`, a frequency term, or nothing.
fn parse_frequency(text: &str) -> Result<RowFrequency, &'static str> {
    if text.is_empty() {
        return Ok(RowFrequency::Unstated);
    }
    if let Some((m, n)) = text.split_once('/') {
        let counts = m.trim().parse().ok().zip(n.trim().parse().ok());
        let (m, n) = counts.ok_or("the frequency is not m/n; left out")?;
        return match m <= n && n > 0 {
            true => Ok(RowFrequency::Counts { m, n }),
            false => Err("the frequency m/n breaks 0 <= m <= n, n > 0; left out"),
        };
    }
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent
            .trim()
            .parse()
            .map_err(|_| "the frequency is not a percentage; left out")?;
        return match (0.0..=100.0).contains(&percent) {
            true => Ok(RowFrequency::Share(percent / 100.0)),
            false => Err("the frequency is not from 0% to 100%; left out"),
        };
    }
    text.parse()
        .map(RowFrequency::Term)
        .map_err(|_| "the frequency is no count, percentage or term; left out")
}

fn parse_sex(text: &str) -> Result<Option<Sex>, &'static str> {
    match text.to_ascii_uppercase().as_str() {
        "" => Ok(None),
        "MALE" => Ok(Some(Sex::Male)),
        "FEMALE" => Ok(Some(Sex::Female)),
        _ => Err("the sex is neither MALE nor FEMALE; left out"),
    }
}

fn parse_aspect(text: &str) -> Result<Aspect, &'static str> {
    match text {
        "P" => Ok(Aspect::Phenotype),
        "I" => Ok(Aspect::Inheritance),
        "C" => Ok(Aspect::Course),
        "M" => Ok(Aspect::Modifier),
        "H" => Ok(Aspect::History),
        _ => Err("the aspect is none of P, I, C, M, H; left out"),
    }
}
