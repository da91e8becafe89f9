//! Public tables of genes: places and structures (Ensembl, as ideogram distributes them),
//! constraint (gnomAD), inheritance (the Clinical Genomic Database) and names (HGNC). Columns are
//! found by name where the file has names. A line that breaks its table's rule is left out and
//! reported.

mod constraint;
mod genes;
mod hgnc;
mod inheritance;
mod placement;
mod structures;
mod table;

use ligate_model::Position;

pub use constraint::{Constraint, read_constraint};
pub use genes::{Gene, read_genes};
pub use hgnc::{HgncGene, read_hgnc};
pub use inheritance::{GeneInheritance, InheritanceMode, read_inheritance};
pub use placement::{KnownSites, Placement, PlacementCounts, settle_places};
pub use structures::{Biotype, Transcript, read_structures};

/// First and last base, both included, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    pub start: Position,
    pub end: Position,
}

impl Interval {
    /// Bases; never 0.
    #[allow(clippy::len_without_is_empty)] // an interval has at least one base
    pub fn len(self) -> u32 {
        self.end.get() - self.start.get() + 1
    }

    pub fn contains(self, position: Position) -> bool {
        (self.start..=self.end).contains(&position)
    }
}
