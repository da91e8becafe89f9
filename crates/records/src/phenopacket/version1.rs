//! The messages of phenopackets version 1 (release 1.0.0) on the protobuf wire. They are written
//! out as the JSON of version 1, and go on from there as a JSON file does.

use prost::Message;
use serde::Serialize;

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phenopacket {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "2")]
    pub subject: Option<Individual>,
    #[prost(message, repeated, tag = "3")]
    pub phenotypic_features: Vec<PhenotypicFeature>,
    #[prost(message, repeated, tag = "5")]
    pub genes: Vec<Gene>,
    #[prost(message, repeated, tag = "6")]
    pub variants: Vec<Variant>,
    #[prost(message, repeated, tag = "7")]
    pub diseases: Vec<Disease>,
    #[prost(message, optional, tag = "9")]
    pub meta_data: Option<MetaData>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
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

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Individual {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "4")]
    pub age_at_collection: Option<Age>,
    #[prost(message, optional, tag = "5")]
    pub age_range_at_collection: Option<AgeRange>,
    #[prost(int32, tag = "6")]
    pub sex: i32,
    #[prost(int32, tag = "7")]
    pub karyotypic_sex: i32,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhenotypicFeature {
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<OntologyClass>,
    #[prost(bool, tag = "3")]
    pub negated: bool,
    #[prost(message, optional, tag = "4")]
    pub severity: Option<OntologyClass>,
    #[prost(message, repeated, tag = "5")]
    pub modifiers: Vec<OntologyClass>,
    #[prost(message, optional, tag = "6")]
    pub age_of_onset: Option<Age>,
    #[prost(message, optional, tag = "7")]
    pub age_range_of_onset: Option<AgeRange>,
    #[prost(message, optional, tag = "9")]
    pub class_of_onset: Option<OntologyClass>,
    #[prost(message, repeated, tag = "10")]
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct OntologyClass {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub label: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Evidence {
    #[prost(message, optional, tag = "2")]
    pub reference: Option<ExternalReference>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct ExternalReference {
    #[prost(string, tag = "1")]
    pub id: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Age {
    #[prost(string, tag = "1")]
    pub age: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct AgeRange {
    #[prost(message, optional, tag = "1")]
    pub start: Option<Age>,
    #[prost(message, optional, tag = "2")]
    pub end: Option<Age>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Gene {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "3")]
    pub symbol: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    #[prost(message, optional, tag = "3")]
    pub vcf_allele: Option<VcfAllele>,
    #[prost(message, optional, tag = "6")]
    pub zygosity: Option<OntologyClass>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VcfAllele {
    #[prost(string, tag = "2")]
    pub genome_assembly: String,
    #[prost(string, tag = "4")]
    pub chr: String,
    #[prost(int32, tag = "5")]
    pub pos: i32,
    #[prost(string, tag = "6")]
    pub r#ref: String,
    #[prost(string, tag = "7")]
    pub alt: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disease {
    #[prost(message, optional, tag = "1")]
    pub term: Option<OntologyClass>,
    #[prost(message, optional, tag = "2")]
    pub age_of_onset: Option<Age>,
    #[prost(message, optional, tag = "3")]
    pub age_range_of_onset: Option<AgeRange>,
    #[prost(message, optional, tag = "4")]
    pub class_of_onset: Option<OntologyClass>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetaData {
    #[prost(string, tag = "2")]
    pub created_by: String,
    #[prost(string, tag = "6")]
    pub phenopacket_schema_version: String,
    #[prost(message, repeated, tag = "7")]
    pub external_references: Vec<ExternalReference>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Pedigree {
    #[prost(message, repeated, tag = "1")]
    pub persons: Vec<Person>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    #[prost(string, tag = "2")]
    pub individual_id: String,
    #[prost(string, tag = "3")]
    pub paternal_id: String,
    #[prost(string, tag = "4")]
    pub maternal_id: String,
    #[prost(int32, tag = "5")]
    pub sex: i32,
    #[prost(int32, tag = "6")]
    pub affected_status: i32,
}
