//! The messages of phenopackets version 2, of which a case needs these fields. One set of
//! structures serves both encodings: the numbers are those of the schema (release 2.0.2), the JSON
//! names its camelCase names. A `oneof` is a number of optional fields, which is the same on the
//! wire.

use prost::Message;
use serde::{Deserialize, Deserializer, de};

use super::age;

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Phenopacket {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "2")]
    pub subject: Option<Individual>,
    #[prost(message, repeated, tag = "3")]
    pub phenotypic_features: Vec<PhenotypicFeature>,
    #[prost(message, repeated, tag = "6")]
    pub interpretations: Vec<Interpretation>,
    #[prost(message, repeated, tag = "7")]
    pub diseases: Vec<Disease>,
    #[prost(message, optional, tag = "11")]
    pub meta_data: Option<MetaData>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Family {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "2")]
    pub proband: Option<Phenopacket>,
    #[prost(message, repeated, tag = "3")]
    pub relatives: Vec<Phenopacket>,
    #[prost(message, optional, tag = "4")]
    pub pedigree: Option<Pedigree>,
    #[prost(message, optional, tag = "6")]
    pub meta_data: Option<MetaData>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Cohort {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(message, repeated, tag = "3")]
    pub members: Vec<Phenopacket>,
    #[prost(message, optional, tag = "5")]
    pub meta_data: Option<MetaData>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Individual {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "3")]
    pub date_of_birth: Option<Timestamp>,
    #[prost(message, optional, tag = "4")]
    pub time_at_last_encounter: Option<TimeElement>,
    #[serde(deserialize_with = "sex")]
    #[prost(int32, tag = "6")]
    pub sex: i32,
    #[serde(deserialize_with = "karyotype")]
    #[prost(int32, tag = "7")]
    pub karyotypic_sex: i32,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PhenotypicFeature {
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<OntologyClass>,
    #[serde(deserialize_with = "boolean")]
    #[prost(bool, tag = "3")]
    pub excluded: bool,
    #[prost(message, optional, tag = "4")]
    pub severity: Option<OntologyClass>,
    #[prost(message, repeated, tag = "5")]
    pub modifiers: Vec<OntologyClass>,
    #[prost(message, optional, tag = "6")]
    pub onset: Option<TimeElement>,
    #[prost(message, repeated, tag = "8")]
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OntologyClass {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub label: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Evidence {
    #[prost(message, optional, tag = "2")]
    pub reference: Option<ExternalReference>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExternalReference {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub reference: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TimeElement {
    #[prost(message, optional, tag = "1")]
    pub age: Option<Age>,
    #[prost(message, optional, tag = "2")]
    pub age_range: Option<AgeRange>,
    #[prost(message, optional, tag = "3")]
    pub ontology_class: Option<OntologyClass>,
    #[prost(message, optional, tag = "4")]
    pub timestamp: Option<Timestamp>,
    #[prost(message, optional, tag = "5")]
    pub interval: Option<TimeInterval>,
    #[prost(message, optional, tag = "6")]
    pub gestational_age: Option<GestationalAge>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct Age {
    #[prost(string, tag = "1")]
    pub iso8601duration: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct AgeRange {
    #[prost(message, optional, tag = "1")]
    pub start: Option<Age>,
    #[prost(message, optional, tag = "2")]
    pub end: Option<Age>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct TimeInterval {
    #[prost(message, optional, tag = "1")]
    pub start: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct GestationalAge {
    #[serde(deserialize_with = "number")]
    #[prost(int32, tag = "1")]
    pub weeks: i32,
    #[serde(deserialize_with = "number")]
    #[prost(int32, tag = "2")]
    pub days: i32,
}

/// `google.protobuf.Timestamp`; text in JSON.
#[derive(Clone, PartialEq, Message)]
pub struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Interpretation {
    #[prost(string, tag = "1")]
    pub id: String,
    #[serde(deserialize_with = "progress")]
    #[prost(int32, tag = "2")]
    pub progress_status: i32,
    #[prost(message, optional, tag = "3")]
    pub diagnosis: Option<Diagnosis>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Diagnosis {
    #[prost(message, optional, tag = "1")]
    pub disease: Option<OntologyClass>,
    #[prost(message, repeated, tag = "2")]
    pub genomic_interpretations: Vec<GenomicInterpretation>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GenomicInterpretation {
    #[prost(string, tag = "1")]
    pub subject_or_biosample_id: String,
    #[serde(deserialize_with = "interpretation_status")]
    #[prost(int32, tag = "2")]
    pub interpretation_status: i32,
    #[prost(message, optional, tag = "3")]
    pub gene: Option<Gene>,
    #[prost(message, optional, tag = "4")]
    pub variant_interpretation: Option<VariantInterpretation>,
}

/// `GeneDescriptor` of VRSATILE.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gene {
    #[prost(string, tag = "1")]
    pub value_id: String,
    #[prost(string, tag = "2")]
    pub symbol: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VariantInterpretation {
    #[prost(message, optional, tag = "3")]
    pub variation_descriptor: Option<VariationDescriptor>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VariationDescriptor {
    #[prost(message, optional, tag = "5")]
    pub gene_context: Option<Gene>,
    #[prost(message, optional, tag = "7")]
    pub vcf_record: Option<VcfRecord>,
    #[prost(message, optional, tag = "14")]
    pub allelic_state: Option<OntologyClass>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VcfRecord {
    #[prost(string, tag = "1")]
    pub genome_assembly: String,
    #[prost(string, tag = "2")]
    pub chrom: String,
    #[serde(deserialize_with = "number")]
    #[prost(uint64, tag = "3")]
    pub pos: u64,
    #[prost(string, tag = "5")]
    pub r#ref: String,
    #[prost(string, tag = "6")]
    pub alt: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Disease {
    #[prost(message, optional, tag = "1")]
    pub term: Option<OntologyClass>,
    #[serde(deserialize_with = "boolean")]
    #[prost(bool, tag = "2")]
    pub excluded: bool,
    #[prost(message, optional, tag = "3")]
    pub onset: Option<TimeElement>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MetaData {
    #[prost(string, tag = "2")]
    pub created_by: String,
    #[prost(message, repeated, tag = "4")]
    pub resources: Vec<Resource>,
    #[prost(string, tag = "6")]
    pub phenopacket_schema_version: String,
    #[prost(message, repeated, tag = "7")]
    pub external_references: Vec<ExternalReference>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resource {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "5")]
    pub namespace_prefix: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct Pedigree {
    #[prost(message, repeated, tag = "1")]
    pub persons: Vec<Person>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Person {
    #[prost(string, tag = "2")]
    pub individual_id: String,
    #[prost(string, tag = "3")]
    pub paternal_id: String,
    #[prost(string, tag = "4")]
    pub maternal_id: String,
    #[serde(deserialize_with = "sex")]
    #[prost(int32, tag = "5")]
    pub sex: i32,
    #[serde(deserialize_with = "affected")]
    #[prost(int32, tag = "6")]
    pub affected_status: i32,
}

/// Values of the schema's enums that are told apart here; every other is as unknown (0).
pub const FEMALE: i32 = 1;
pub const MALE: i32 = 2;
pub const XX: i32 = 1;
pub const XY: i32 = 2;
pub const UNAFFECTED: i32 = 1;
pub const AFFECTED: i32 = 2;
pub const REJECTED: i32 = 1;
pub const CANDIDATE: i32 = 2;
pub const CONTRIBUTORY: i32 = 3;
pub const CAUSATIVE: i32 = 4;
pub const UNSOLVED: i32 = 4;

/// An enum's value, by name or, as proto3 JSON permits, by number (numbers come here as text).
fn enumerated<'de, D: Deserializer<'de>>(
    deserializer: D,
    names: &[(&str, i32)],
) -> Result<i32, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let named = names
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
    Ok(named.map_or(0, |(_, number)| *number))
}

fn sex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    enumerated(deserializer, &[("FEMALE", FEMALE), ("MALE", MALE)])
}

fn karyotype<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    enumerated(deserializer, &[("XX", XX), ("XY", XY)])
}

fn affected<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    enumerated(
        deserializer,
        &[("UNAFFECTED", UNAFFECTED), ("AFFECTED", AFFECTED)],
    )
}

fn progress<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    enumerated(deserializer, &[("UNSOLVED", UNSOLVED)])
}

fn interpretation_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let names = [
        ("REJECTED", REJECTED),
        ("CANDIDATE", CANDIDATE),
        ("CONTRIBUTORY", CONTRIBUTORY),
        ("CAUSATIVE", CAUSATIVE),
    ];
    enumerated(deserializer, &names)
}

/// A number; every number of the JSON comes as text, as the schema's 64-bit numbers may anyway.
fn number<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.trim()
        .parse()
        .map_err(|_| de::Error::custom("expected a whole number"))
}

/// A truth value, also written as text or as 0 and 1.
fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Bool(bool),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::Bool(value) => Ok(value),
        Written::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            _ => Err(de::Error::custom("expected true or false")),
        },
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// A text that is no date is the year 1: too old for any age, and noted as unreadable.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self {
            seconds: age::timestamp(&text).unwrap_or(i64::MIN),
        })
    }
}
