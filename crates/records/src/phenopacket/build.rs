//! A case from the messages of version 2.

mod diagnoses;
mod features;
mod times;

use ligate_model::{Case, Onset, Pmid, Relative, Sex};
use times::Times;

use super::{
    Note, Parsed, Refused,
    message::{
        AFFECTED, FEMALE, Family, Individual, MALE, MetaData, Person, Phenopacket, UNAFFECTED, XX,
        XY,
    },
};

/// The case of one patient.
pub(super) fn packet(packet: &Phenopacket) -> Result<Parsed, Refused> {
    let mut notes = Vec::new();
    let features = features::read(&packet.phenotypic_features, &mut notes)?;
    let subject = packet.subject.as_ref();
    let times = Times::of(subject);
    let mut case = Case {
        id: packet.id.clone(),
        individual: subject
            .map(|subject| subject.id.clone())
            .unwrap_or_default(),
        sex: subject.and_then(sex),
        ..Case::default()
    };
    let mut clock = times.clock();
    let last = subject.and_then(|subject| subject.time_at_last_encounter.as_ref());
    if let Some(Onset::Age(age)) = last.and_then(|time| clock.onset(time)) {
        case.age = Some(age);
    }
    (case.observed, case.excluded) = features.into_case(&mut clock, &mut notes);
    let present = packet.diseases.iter().filter(|disease| !disease.excluded);
    case.onset = present
        .filter_map(|disease| clock.onset(disease.onset.as_ref()?))
        .next();
    if clock.unreadable > 0 {
        notes.push(Note::Ages {
            count: clock.unreadable,
        });
    }
    (case.diagnoses, case.variants) = diagnoses::read(packet, &mut notes);
    case.publications = publications(packet);
    Ok(Parsed { case, notes })
}

/// The case of a family's proband, with the pedigree. A relative who is not in it stands there
/// without parents.
pub(super) fn family(family: &Family) -> Result<Parsed, Refused> {
    let mut parsed = packet(family.proband.as_ref().ok_or(Refused::NoProband)?)?;
    if parsed.case.id.is_empty() {
        parsed.case.id.clone_from(&family.id);
    }
    add_publications(&mut parsed.case.publications, family.meta_data.as_ref());
    let persons = family
        .pedigree
        .iter()
        .flat_map(|pedigree| &pedigree.persons);
    let mut members: Vec<Relative> = persons
        .filter(|person| named(&person.individual_id).is_some())
        .map(relative)
        .collect();
    for subject in family
        .relatives
        .iter()
        .filter_map(|relative| relative.subject.as_ref())
    {
        if named(&subject.id).is_some()
            && members.iter().all(|member| member.individual != subject.id)
        {
            let (individual, sex) = (subject.id.clone(), sex(subject));
            members.push(Relative {
                individual,
                father: None,
                mother: None,
                sex,
                affected: None,
            });
        }
    }
    parsed.case.family = members;
    Ok(parsed)
}

fn relative(person: &Person) -> Relative {
    Relative {
        individual: person.individual_id.clone(),
        father: named(&person.paternal_id),
        mother: named(&person.maternal_id),
        sex: sex_of(person.sex),
        affected: match person.affected_status {
            AFFECTED => Some(true),
            UNAFFECTED => Some(false),
            _ => None,
        },
    }
}

/// Pedigrees write `0` for a person who is not named.
fn named(id: &str) -> Option<String> {
    (!id.is_empty() && id != "0").then(|| id.to_owned())
}

/// The recorded sex; where there is none, that of the karyotypes XX and XY.
fn sex(subject: &Individual) -> Option<Sex> {
    sex_of(subject.sex).or(match subject.karyotypic_sex {
        XX => Some(Sex::Female),
        XY => Some(Sex::Male),
        _ => None,
    })
}

fn sex_of(value: i32) -> Option<Sex> {
    match value {
        FEMALE => Some(Sex::Female),
        MALE => Some(Sex::Male),
        _ => None,
    }
}

/// Publications that the record, or the evidence of one of its features, names.
fn publications(packet: &Phenopacket) -> Vec<Pmid> {
    let mut found = Vec::new();
    add_publications(&mut found, packet.meta_data.as_ref());
    let evidence = packet
        .phenotypic_features
        .iter()
        .flat_map(|feature| &feature.evidence);
    for reference in evidence.filter_map(|evidence| evidence.reference.as_ref()) {
        add_publication(&mut found, &reference.id, &reference.reference);
    }
    found
}

fn add_publications(found: &mut Vec<Pmid>, meta: Option<&MetaData>) {
    for reference in meta.iter().flat_map(|meta| &meta.external_references) {
        add_publication(found, &reference.id, &reference.reference);
    }
}

fn add_publication(found: &mut Vec<Pmid>, id: &str, address: &str) {
    let of_address = || {
        let (site, number) = address.trim_end_matches('/').rsplit_once('/')?;
        site.contains("pubmed")
            .then(|| number.parse().ok().map(Pmid))?
    };
    if let Some(publication) = id.parse().ok().or_else(of_address)
        && !found.contains(&publication)
    {
        found.push(publication);
    }
}
