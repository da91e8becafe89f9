//! Phenopackets as protobuf. The bytes do not say which message they are, so each of the six is
//! tried, and the one whose fields hold what the schema puts there is taken: ids with a prefix,
//! ages, resources, its schema version. Where none holds any, the file is refused.

use prost::Message;

use super::{
    Parsed, Refused, age, build,
    json::{family_from, normal, packet_from},
    message::{Cohort, Family, MetaData, OntologyClass, Phenopacket, TimeElement},
    version1,
};

/// A message that was recognised.
enum Read {
    Packet(Box<Phenopacket>),
    Family(Box<Family>),
    Cohort(Vec<Phenopacket>),
}

/// Reads a phenopacket, a family (for its proband) or a cohort. One result for each patient.
pub fn from_protobuf(bytes: &[u8]) -> Result<Vec<Result<Parsed, Refused>>, Refused> {
    let readers = [packet2, packet1, family2, family1, cohort2, cohort1];
    let read = readers.into_iter().filter_map(|reader| reader(bytes));
    // Of equal evidence the first counts: `max_by_key` would take the last.
    let best = read.reduce(|best, next| if next.1 > best.1 { next } else { best });
    match best
        .filter(|(_, evidence)| *evidence > 0)
        .ok_or(Refused::NotProtobuf)?
        .0
    {
        Read::Packet(packet) => Ok(vec![build::packet(&packet)]),
        Read::Family(family) => Ok(vec![build::family(&family)]),
        Read::Cohort(members) => Ok(members.iter().map(build::packet).collect()),
    }
}

type Tried = Option<(Read, i64)>;

fn packet2(bytes: &[u8]) -> Tried {
    let packet = Phenopacket::decode(bytes).ok()?;
    let evidence = of_packet(&packet) + of_meta(packet.meta_data.as_ref(), '2');
    Some((Read::Packet(Box::new(packet)), evidence))
}

fn packet1(bytes: &[u8]) -> Tried {
    let packet = upgraded(&version1::Phenopacket::decode(bytes).ok()?)?;
    let evidence = of_packet(&packet) + of_meta(packet.meta_data.as_ref(), '1');
    Some((Read::Packet(Box::new(packet)), evidence))
}

fn family2(bytes: &[u8]) -> Tried {
    of_family(Family::decode(bytes).ok()?, '2')
}

fn family1(bytes: &[u8]) -> Tried {
    let family = version1::Family::decode(bytes).ok()?;
    of_family(
        family_from(normal(serde_json::to_value(&family).ok()?)).ok()?,
        '1',
    )
}

fn cohort2(bytes: &[u8]) -> Tried {
    let cohort = Cohort::decode(bytes).ok()?;
    let evidence = of_meta(cohort.meta_data.as_ref(), '2');
    of_cohort(cohort.members, evidence, '2')
}

fn cohort1(bytes: &[u8]) -> Tried {
    let cohort = version1::Cohort::decode(bytes).ok()?;
    let members: Option<Vec<Phenopacket>> = cohort.members.iter().map(upgraded).collect();
    let version = cohort
        .meta_data
        .map_or_else(String::new, |meta| meta.phenopacket_schema_version);
    of_cohort(members?, of_version(&version, '1'), '1')
}

fn upgraded(packet: &version1::Phenopacket) -> Option<Phenopacket> {
    packet_from(normal(serde_json::to_value(packet).ok()?)).ok()
}

fn of_family(family: Family, version: char) -> Tried {
    let proband = family.proband.as_ref()?;
    let packets = || std::iter::once(proband).chain(&family.relatives);
    let evidence: i64 = packets()
        .map(|packet| of_classes(packet) + of_meta(packet.meta_data.as_ref(), version))
        .sum();
    let evidence = evidence + of_meta(family.meta_data.as_ref(), version);
    Some((Read::Family(Box::new(family)), evidence))
}

fn of_cohort(members: Vec<Phenopacket>, evidence: i64, version: char) -> Tried {
    let each = members
        .iter()
        .map(|packet| of_classes(packet) + of_meta(packet.meta_data.as_ref(), version));
    let evidence = evidence + each.sum::<i64>();
    Some((Read::Cohort(members), evidence))
}

/// What speaks for a field (above 0) or against it. One value in the wrong place outweighs several
/// that fit, because nested messages of one kind often look like those of another.
const FITS: i64 = 1;
const CONTRADICTS: i64 = -20;
const VERSION_FITS: i64 = 20;

fn of_packet(packet: &Phenopacket) -> i64 {
    let subject = packet
        .subject
        .as_ref()
        .map_or(0, |subject| match subject.id.as_str() {
            "" => 0,
            id if id.chars().any(char::is_control) => CONTRADICTS,
            _ => FITS,
        });
    subject + of_classes(packet)
}

fn of_classes(packet: &Phenopacket) -> i64 {
    let features = packet.phenotypic_features.iter();
    let features =
        features.map(|feature| of_class(feature.r#type.as_ref()) + of_time(feature.onset.as_ref()));
    let diseases = packet.diseases.iter();
    let diseases =
        diseases.map(|disease| of_class(disease.term.as_ref()) + of_time(disease.onset.as_ref()));
    let last = packet
        .subject
        .as_ref()
        .and_then(|subject| subject.time_at_last_encounter.as_ref());
    features.sum::<i64>() + diseases.sum::<i64>() + of_time(last)
}

fn of_class(class: Option<&OntologyClass>) -> i64 {
    match class.map(|class| class.id.as_str()) {
        None | Some("") => 0,
        Some(id) if is_prefixed(id) => FITS,
        Some(_) => CONTRADICTS,
    }
}

/// `PREFIX:rest`, of printable characters.
fn is_prefixed(id: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    id.split_once(':').is_some_and(|(prefix, rest)| {
        !prefix.is_empty()
            && prefix.chars().all(is_name)
            && !rest.is_empty()
            && !rest.chars().any(char::is_control)
    })
}

fn of_time(time: Option<&TimeElement>) -> i64 {
    let Some(time) = time else { return 0 };
    let age = time.age.as_ref().map_or("", |age| &age.iso8601duration);
    let of_age = match age {
        "" => 0,
        text if age::duration(text).is_some() => FITS,
        text if text.chars().any(char::is_control) => CONTRADICTS,
        _ => 0,
    };
    of_age + of_class(time.ontology_class.as_ref())
}

fn of_meta(meta: Option<&MetaData>, version: char) -> i64 {
    let Some(meta) = meta else { return 0 };
    let is_control = |text: &str| text.chars().any(char::is_control);
    let resources = meta
        .resources
        .iter()
        .filter(|resource| !resource.namespace_prefix.is_empty());
    let resources = resources.map(|resource| {
        if is_control(&resource.namespace_prefix) {
            CONTRADICTS
        } else {
            FITS
        }
    });
    resources.sum::<i64>() + of_version(&meta.phenopacket_schema_version, version)
}

fn of_version(written: &str, version: char) -> i64 {
    match written.chars().next() {
        None => 0,
        Some(first) if first == version => VERSION_FITS,
        Some(_) => CONTRADICTS,
    }
}
