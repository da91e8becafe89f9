//! What was noticed in a record that was read: as data for whoever shows it to the clinician, and
//! as a sentence that names no term, which may go into a log.

use std::fmt;

use ligate_model::TermId;

/// Something about a record that was read.
#[derive(Clone, PartialEq, Eq)]
pub enum Note {
    /// There is no phenotypic feature at all.
    NoFeatures,
    /// Features of another ontology, left out.
    OtherOntology { prefix: String, count: usize },
    /// Features without a readable id, left out.
    Unreadable { count: usize },
    /// Terms both observed and excluded: neither is kept.
    Contradictory { terms: Vec<TermId> },
    /// Features that repeat a term.
    Repeated { count: usize },
    /// Ages or dates that could not be read.
    Ages { count: usize },
    /// Diagnoses of a catalogue other than OMIM, Orphanet, DECIPHER and MONDO: kept with their
    /// genes only.
    OtherCatalogue { count: usize },
    /// Variants that are not given as a VCF record.
    VariantsWithoutRecord { count: usize },
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFeatures => write!(out, "the record has no phenotypic features"),
            Self::OtherOntology { prefix, count } => {
                write!(
                    out,
                    "{count} features are of the ontology `{prefix}`, not HPO: left out"
                )
            }
            Self::Unreadable { count } => {
                write!(out, "{count} features have no readable term id: left out")
            }
            Self::Contradictory { terms } => {
                write!(
                    out,
                    "{} terms are both observed and excluded: left out on both sides",
                    terms.len()
                )
            }
            Self::Repeated { count } => {
                write!(out, "{count} features repeat a term: each term counts once")
            }
            Self::Ages { count } => {
                write!(out, "{count} ages or dates could not be read: left out")
            }
            Self::OtherCatalogue { count } => {
                write!(
                    out,
                    "{count} diagnoses are not of OMIM, Orphanet, DECIPHER or MONDO"
                )
            }
            Self::VariantsWithoutRecord { count } => {
                write!(
                    out,
                    "variants without a usable VCF record: {count} left out"
                )
            }
        }
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
