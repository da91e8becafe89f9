//! One patient's diagnosis, from files to the report's plain values: the knowledge in use, the
//! ranking by phenotype, the genome, what peers know, the panel. What is computed is `clinic`'s;
//! this module reads files and puts names to indices.
//!
//! Nothing is asked of the network here: peers' tables were fetched whole, ahead, and are the same
//! for every patient.

mod candidates;
mod genome;
mod knowledge_in_use;
mod names;
mod network;
mod notes;
mod panel;
pub mod sites;

pub use candidates::{Ranked, candidate, examinations};
pub use genome::{GenomeRequest, rank_with_genome};
pub use knowledge_in_use::{
    BUILT_IN, Facts, bytes as knowledge_bytes, installed_path, model_version,
};
pub use names::Names;
pub use network::{COMPARED, PeerTables, ranks};
pub use notes::{case_notes, limits};
pub use panel::GenePanel;
