//! Population frequencies in an annotated file, recognised by the names that annotators give their
//! fields. A field whose name does not say that it is a whole population's frequency (counts, one
//! sex, controls, raw calls) is passed over, and so is the file's own AF.

/// Where a frequency was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrequencySource {
    /// gnomAD, exomes and genomes together or not told apart.
    Gnomad,
    GnomadExomes,
    GnomadGenomes,
    Exac,
    ThousandGenomes,
    TopMed,
    /// NHLBI's Exome Sequencing Project.
    Esp,
    /// A national collection (SweGen, SweRef).
    National,
    /// VEP's MAX_AF: the largest over 1000 Genomes, ESP and gnomAD.
    Several,
}

/// Whose frequency it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Population {
    All,
    /// The largest of the source's populations.
    Largest,
    /// One population by its code in capitals, such as NFE.
    Group([u8; 3]),
}

/// A frequency, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PopulationFrequency {
    pub source: FrequencySource,
    pub population: Population,
    pub frequency: f32,
}

/// A frequency that the record's INFO has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordFrequency {
    /// Which alternate allele, from 1; nothing where the field has one value for several alleles.
    pub alternate: Option<u16>,
    pub frequency: PopulationFrequency,
}

/// Codes of populations. OTH and the like are left out: they are no population.
const GROUPS: [&str; 13] = [
    "afr", "amr", "asj", "eas", "fin", "nfe", "sas", "eur", "mid", "ami", "asn", "nwe", "seu",
];

/// Parts of a name that make it something else than a population's frequency.
const OTHERS: [&str; 24] = [
    "ac",
    "an",
    "nhomalt",
    "hom",
    "hemi",
    "filter",
    "raw",
    "pops",
    "male",
    "female",
    "xx",
    "xy",
    "controls",
    "non",
    "neuro",
    "cancer",
    "bin",
    "faf95",
    "faf99",
    "oth",
    "remaining",
    "faf",
    "mleaf",
    "id",
];

/// What a field of VEP's CSQ is, by its name.
pub(super) fn of_csq(name: &str) -> Option<(FrequencySource, Population)> {
    use FrequencySource::{Esp, Several, ThousandGenomes};
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "af" | "gmaf" => return Some((ThousandGenomes, Population::All)),
        "max_af" => return Some((Several, Population::Largest)),
        "aa_af" | "aa_maf" => return Some((Esp, Population::Group(*b"AFR"))),
        "ea_af" | "ea_maf" => return Some((Esp, Population::Group(*b"EUR"))),
        _ => {}
    }
    let group = lower
        .strip_suffix("_af")
        .or_else(|| lower.strip_suffix("_maf"))
        .and_then(group);
    group
        .map(|group| (ThousandGenomes, group))
        .or_else(|| of_info(name))
}

/// What an INFO field is, by its name: it must name a source and say that it is a frequency.
pub(super) fn of_info(name: &str) -> Option<(FrequencySource, Population)> {
    let lower = name.to_ascii_lowercase();
    let (source, known) = source(&lower)?;
    let rest = lower.replacen(known, "_", 1);
    let parts: Vec<&str> = rest
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|p| !p.is_empty())
        .collect();
    let says = |part: &&str| {
        part.ends_with("af") || part.starts_with("freq") || part.starts_with("popmax")
    };
    if parts.iter().any(|part| OTHERS.contains(part))
        || !(parts.iter().any(says) || known.ends_with("af"))
    {
        return None;
    }
    let source = match (
        source,
        parts.iter().find_map(|part| exomes_or_genomes(part)),
    ) {
        (FrequencySource::Gnomad, Some(kind)) => kind,
        (source, _) => source,
    };
    let population = if rest.contains("max") {
        Population::Largest
    } else {
        parts
            .iter()
            .find_map(|part| group(part))
            .unwrap_or(Population::All)
    };
    Some((source, population))
}

fn source(lower: &str) -> Option<(FrequencySource, &'static str)> {
    use FrequencySource as Source;
    const KNOWN: [(&str, Source); 17] = [
        ("gnomade_", Source::GnomadExomes),
        ("gnomadg_", Source::GnomadGenomes),
        ("gnomad", Source::Gnomad),
        ("gno_", Source::Gnomad),
        ("exac", Source::Exac),
        ("1000genomes", Source::ThousandGenomes),
        ("1000gp3", Source::ThousandGenomes),
        ("1000g", Source::ThousandGenomes),
        ("1kg", Source::ThousandGenomes),
        ("kgp", Source::ThousandGenomes),
        ("tgp", Source::ThousandGenomes),
        ("topmed", Source::TopMed),
        ("esp6500", Source::Esp),
        ("af_esp", Source::Esp),
        ("esp_af", Source::Esp),
        ("swegen", Source::National),
        ("sweref", Source::National),
    ];
    KNOWN
        .iter()
        .find(|(name, _)| lower.contains(name))
        .map(|(name, source)| (*source, *name))
        // "af_esp" alone says that it is a frequency.
        .map(|(source, name)| {
            if name == "af_esp" {
                (source, "esp")
            } else {
                (source, name)
            }
        })
}

fn exomes_or_genomes(part: &str) -> Option<FrequencySource> {
    match part {
        "e" | "exome" | "exomes" => Some(FrequencySource::GnomadExomes),
        "g" | "genome" | "genomes" => Some(FrequencySource::GnomadGenomes),
        _ => None,
    }
}

fn group(part: &str) -> Option<Population> {
    if !GROUPS.contains(&part) {
        return None;
    }
    let mut code = [0; 3];
    code.copy_from_slice(part.as_bytes());
    code.make_ascii_uppercase();
    Some(Population::Group(code))
}

/// The frequency of `allele` in a field: a number, several joined by '&' (the largest counts), or
/// `A:0.01`, which is that of allele A alone.
pub(super) fn parse(text: &str, allele: &str) -> Option<f32> {
    let values = text
        .split('&')
        .filter_map(|part| match part.split_once(':') {
            Some((of, value)) => (of == allele).then_some(value),
            None => Some(part),
        });
    values.filter_map(number).reduce(f32::max)
}

/// A number between 0 and 1.
pub(super) fn number(text: &str) -> Option<f32> {
    text.parse()
        .ok()
        .filter(|frequency| (0.0..=1.0).contains(frequency))
}
