//! Ensembl VEP's entries: fields joined by '|' in the order that the header gives.

use std::borrow::Cow;

use super::{
    Annotated, Annotator, ClinicalSignificance, Consequence, Impact, Loftee, Mane,
    PopulationFrequency, Rank, Record, TermSet, allele,
    frequency::{self, FrequencySource, Population},
};

/// What one field of an entry is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Allele,
    AlleleNumber,
    TermSet,
    Impact,
    Symbol,
    Gene,
    Feature,
    Biotype,
    Exon,
    Intron,
    DnaChange,
    ProteinChange,
    Canonical,
    Mane,
    ManePlusClinical,
    Loftee,
    ClinicalSignificance,
    Frequency(FrequencySource, Population),
    Other,
}

/// The fields in the header's order.
#[derive(Clone, Debug)]
pub(super) struct Layout(Vec<Field>);

impl Layout {
    /// Reads the names that the header's Description lists behind "Format: ".
    pub fn new(names: &str) -> Self {
        Self(names.split('|').map(|name| field(name.trim())).collect())
    }

    /// Reads a whole INFO value.
    pub fn read<'r>(&self, value: &'r str, record: &Record<'r>, out: &mut Annotated<'r>) {
        let entries = value
            .split(',')
            .map(|entry| self.entry(entry, record))
            .collect();
        allele::settle(entries, record, out);
    }

    fn entry<'r>(&self, entry: &'r str, record: &Record<'_>) -> (&'r str, Consequence<'r>) {
        let mut consequence = Consequence::new(Annotator::VepCsq, TermSet::default());
        let (mut name, mut impact) = ("", None);
        for (field, text) in self.0.iter().zip(entry.split('|')) {
            match field {
                _ if text.is_empty() => {}
                Field::Allele => name = text,
                Field::Impact => impact = Impact::parse(text),
                Field::Frequency(source, population) => {
                    let (source, population) = (*source, *population);
                    let found = frequency::parse(text, name);
                    let found = found.map(|frequency| PopulationFrequency {
                        source,
                        population,
                        frequency,
                    });
                    consequence.frequencies.extend(found);
                }
                field => consequence.set(*field, text),
            }
        }
        let number = consequence
            .alternate
            .filter(|number| usize::from(*number) <= record.alternates.len());
        consequence.alternate = number.or_else(|| allele::find(record, name));
        consequence.impact = impact.unwrap_or(consequence.terms.impact());
        (name, consequence)
    }
}

impl<'r> Consequence<'r> {
    fn set(&mut self, field: Field, text: &'r str) {
        match field {
            Field::AlleleNumber => self.alternate = text.parse().ok().filter(|number| *number > 0),
            Field::TermSet => self.terms = TermSet::parse(text, &['&']),
            Field::Symbol => self.gene = decoded(text),
            Field::Gene => self.gene_id = decoded(text),
            Field::Feature => self.transcript = decoded(text),
            Field::Biotype => self.biotype = decoded(text),
            Field::Exon => self.exon = Rank::parse(text),
            Field::Intron => self.intron = Rank::parse(text),
            Field::DnaChange => self.dna_change = decoded(text),
            Field::ProteinChange => self.protein_change = decoded(text),
            Field::Canonical => self.canonical = text == "YES" || text == "1",
            Field::Mane if text.contains("Clinical") => self.mane = Some(Mane::PlusClinical),
            Field::Mane => self.mane = Some(Mane::Select),
            Field::ManePlusClinical => self.mane = self.mane.or(Some(Mane::PlusClinical)),
            Field::Loftee => self.loftee = Loftee::parse(text),
            Field::ClinicalSignificance => {
                self.clinical_significance = ClinicalSignificance::parse_all(text);
            }
            Field::Allele | Field::Impact | Field::Frequency(..) | Field::Other => {}
        }
    }
}

fn field(name: &str) -> Field {
    match name.to_ascii_lowercase().as_str() {
        "allele" => Field::Allele,
        "allele_num" => Field::AlleleNumber,
        "consequence" => Field::TermSet,
        "impact" => Field::Impact,
        "symbol" => Field::Symbol,
        "gene" => Field::Gene,
        "feature" => Field::Feature,
        "biotype" => Field::Biotype,
        "exon" => Field::Exon,
        "intron" => Field::Intron,
        "hgvsc" => Field::DnaChange,
        "hgvsp" => Field::ProteinChange,
        "canonical" => Field::Canonical,
        "mane" | "mane_select" => Field::Mane,
        "mane_plus_clinical" => Field::ManePlusClinical,
        "lof" => Field::Loftee,
        "clin_sig" => Field::ClinicalSignificance,
        _ => frequency::of_csq(name).map_or(Field::Other, |(source, group)| {
            Field::Frequency(source, group)
        }),
    }
}

/// Text with its percent-encoded bytes decoded (VCF 4.3, section 1.2); nothing for "" and ".".
pub fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if matches!(text, "" | ".") {
        return None;
    }
    let Some(first) = text.find('%') else {
        return Some(Cow::Borrowed(text));
    };
    let (start, mut rest) = text.as_bytes().split_at(first);
    let mut bytes = start.to_vec();
    while let [byte, after @ ..] = rest {
        let code = if *byte == b'%' {
            after.get(..2).and_then(hexadecimal)
        } else {
            None
        };
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits)
        .ok()
        .filter(|text| !text.starts_with('+'))?;
    u8::from_str_radix(text, 16).ok()
}
