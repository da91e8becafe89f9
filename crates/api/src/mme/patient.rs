//! A patient on the wire. Unknown keys are ignored when read; what is not known is left out when
//! written.

use serde::{Deserialize, Serialize};

/// A patient: who to contact, what was observed, which genes are suspected.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub contact: Contact,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub species: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_of_onset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inheritance_mode: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub disorders: Vec<Disorder>,
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub features: Vec<Feature>,
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub genomic_features: Vec<GenomicFeature>,
}

/// Whom to ask about a patient.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub institution: Option<String>,
    pub href: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Disorder {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A phenotype term.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feature {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default)]
    pub observed: Observed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_of_onset: Option<String>,
}

/// Whether a feature is there. Left out means yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observed {
    #[default]
    Yes,
    No,
    Unknown,
}

/// A suspected gene and, where told, the variant in it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct GenomicFeature {
    pub gene: Gene,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// 1: heterozygous or hemizygous; 2: homozygous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zygosity: Option<u8>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<VariantType>,
}

/// A gene by symbol, Ensembl or Entrez id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gene {
    pub id: String,
}

/// A variant. `start` counts from 0; `end` is exclusive.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    pub assembly: String,
    #[serde(alias = "chromosome")]
    pub reference_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_bases: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate_bases: Option<String>,
}

/// What a variant does: a term of the Sequence Ontology.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantType {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Some peers write `null` for an empty list.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
