//! The header's definitions of annotations: which INFO fields hold them, and in what order their
//! parts come.

use super::{
    Annotated, Annotator, ClinicalSignificance, PopulationFrequency, Record, RecordFrequency,
    allele, bcsq,
    frequency::{self, FrequencySource, Population},
    snpeff::{self, EffLayout},
    vep::Layout,
};

/// What the INFO fields of one file hold.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    fields: Vec<(Box<str>, Content)>,
}

#[derive(Clone, Debug)]
enum Content {
    Vep(Layout),
    Ann,
    Eff(EffLayout),
    Bcsq,
    Frequency(FrequencySource, Population),
    ClinicalSignificance,
}

impl Annotations {
    /// Reads the header's lines; others than INFO definitions are passed over. VEP is recognised by
    /// what its Description says, as its field can have any name.
    pub fn from_header<'h>(lines: impl IntoIterator<Item = &'h str>) -> Self {
        Self {
            fields: lines.into_iter().filter_map(definition).collect(),
        }
    }

    /// Those whose consequences the file has, in the header's order.
    pub fn annotators(&self) -> Vec<Annotator> {
        self.fields
            .iter()
            .filter_map(|(_, content)| content.annotator())
            .collect()
    }

    /// Whether the file has population frequencies in INFO fields of their own.
    pub fn has_frequencies(&self) -> bool {
        self.fields
            .iter()
            .any(|(_, content)| matches!(content, Content::Frequency(..)))
    }

    /// Reads one record.
    pub fn read<'r>(&self, record: &Record<'r>) -> Annotated<'r> {
        let mut out = Annotated::default();
        if self.fields.is_empty() {
            return out;
        }
        for item in record.info.split(';') {
            if let Some((key, value)) = item.split_once('=')
                && let Some((_, content)) = self.fields.iter().find(|(known, _)| **known == *key)
                && !matches!(value, "" | ".")
            {
                content.read(value, record, &mut out);
            }
        }
        out
    }
}

impl Content {
    fn annotator(&self) -> Option<Annotator> {
        match self {
            Self::Vep(_) => Some(Annotator::VepCsq),
            Self::Ann => Some(Annotator::SnpEffAnn),
            Self::Eff(_) => Some(Annotator::SnpEffEff),
            Self::Bcsq => Some(Annotator::BcftoolsCsq),
            Self::Frequency(..) | Self::ClinicalSignificance => None,
        }
    }

    fn read<'r>(&self, value: &'r str, record: &Record<'r>, out: &mut Annotated<'r>) {
        match self {
            Self::Vep(layout) => layout.read(value, record, out),
            Self::Ann => snpeff::read_ann(value, record, out),
            Self::Eff(layout) => layout.read(value, record, out),
            Self::Bcsq => bcsq::read(value, record, out),
            Self::Frequency(source, population) => {
                read_frequencies(*source, *population, value, record, out);
            }
            Self::ClinicalSignificance => {
                let found = ClinicalSignificance::parse_all(value);
                for class in found {
                    if !out.clinical_significance.contains(&class) {
                        out.clinical_significance.push(class);
                    }
                }
            }
        }
    }
}

/// One value for each alternate allele, or one for all.
fn read_frequencies(
    source: FrequencySource,
    population: Population,
    value: &str,
    record: &Record<'_>,
    out: &mut Annotated<'_>,
) {
    let each = value.split(',').count() == record.alternates.len();
    for (place, text) in value.split(',').enumerate() {
        if let Some(frequency) = frequency::number(text) {
            let alternate = if each { allele::number(place) } else { None };
            let frequency = PopulationFrequency {
                source,
                population,
                frequency,
            };
            out.frequencies.push(RecordFrequency {
                alternate,
                frequency,
            });
        }
    }
}

fn definition(line: &str) -> Option<(Box<str>, Content)> {
    let body = line.strip_prefix("##INFO=<")?;
    let id = attribute(body, "ID=")?;
    let (_, description) = body.split_once("Description=\"")?;
    let description = description
        .rsplit_once('"')
        .map_or(description, |(text, _)| text);
    let content = if let Some(names) = vep_format(description) {
        Content::Vep(Layout::new(names))
    } else {
        match id {
            "ANN" => Content::Ann,
            "EFF" => Content::Eff(EffLayout::new(description)),
            "BCSQ" => Content::Bcsq,
            "CLNSIG" | "CLIN_SIG" | "CLINSIG" => Content::ClinicalSignificance,
            _ => {
                let (source, population) = frequency::of_info(id)?;
                // Text and flags are no frequencies, whatever their names say.
                if attribute(body, "Type=") != Some("Float") {
                    return None;
                }
                Content::Frequency(source, population)
            }
        }
    };
    Some((id.into(), content))
}

fn attribute<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let start = if body.starts_with(name) {
        name.len()
    } else {
        body.find(&format!(",{name}"))? + name.len() + 1
    };
    body.get(start..)?.split([',', '>']).next()
}

/// The names behind "Format: " where they are VEP's.
fn vep_format(description: &str) -> Option<&str> {
    let (_, names) = description.split_once("Format: ")?;
    let names = names.trim().trim_matches(['\'', '"', '\\']);
    let has = |name: &str| names.split('|').any(|known| known.trim() == name);
    (has("Consequence") && (has("Allele") || has("Feature"))).then_some(names)
}
