//! Why knowledge cannot be built or a knowledge file cannot be used.

use crate::ontology::OntologyError;

/// No knowledge comes of it.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// Not a knowledge file at all.
    #[error("this is not a knowledge file; make one with `ligate knowledge build`")]
    NotKnowledge,
    /// Made by another version of the program.
    #[error("the knowledge file has format {found}, this program reads {wanted}; build it again")]
    Format { found: u32, wanted: u32 },
    /// Cut, changed or made to harm.
    #[error("the knowledge file is damaged ({0}); copy it again, or build it again")]
    Damaged(&'static str),
    #[error(
        "the knowledge file has no section `{0}`; build it again from a folder that has its source"
    )]
    NoSection(&'static str),
    /// Writing a file failed.
    #[error("the knowledge file cannot be written")]
    Writing(#[source] std::io::Error),
    #[error(transparent)]
    Ontology(#[from] OntologyError),
    /// No row of the annotations leads to a disease that can be ranked.
    #[error(
        "the annotations name no disease with a phenotype; give phenotype.hpoa of the ontology's release"
    )]
    NoDiseases,
}
