//! The nouns that every other crate speaks of: variants and their coordinates, individuals,
//! datasets, purposes, counts, digests.
//!
//! Values here are valid once they exist (parse, don't validate). Nothing here does I/O.

mod assembly;
mod case;
mod counts;
mod diagnosis_count;
mod digest;
mod ids;
mod phenotype;
mod purpose;
pub mod rule;
mod steps;
mod term;
mod variant;

pub use assembly::{Assembly, UnknownAssembly};
pub use case::{
    AgeDays, Case, Observation, Onset, Relative, ReportedVariant, Sex, StatedDiagnosis, Zygosity,
};
pub use counts::{CaseCounts, GateRule, PeopleCounts, VariantCounts};
pub use diagnosis_count::{AlleleTally, DiagnosisCount};
pub use digest::{Digest, InvalidDigest};
pub use ids::{CountryCode, DatasetId, IndividualId, InvalidId, NodeName, VariableName};
pub use phenotype::{BinaryCoding, Phenotypes, Variable, VariableKind};
pub use purpose::{Purpose, UnknownPurpose};
pub use rule::Rule;
pub use steps::Steps;
pub use term::{DiseaseId, InvalidTerm, Pmid, TermId};
pub use variant::{Allele, Contig, InvalidAllele, Position, VariantKey};
