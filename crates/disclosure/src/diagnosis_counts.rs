//! `diagnosis-counts`: what a registry may release about its patients with rare diseases. For a
//! disease and a phenotype term, m of n patients. A node publishes its own counts; there is no
//! secure sum, and this rule takes the place of the gate's thresholds:
//!
//! 1. Patients enter in closed batches of at least five of one disease. A batch is gated alone (`m`
//!    of at least three) and counted once; its rows are never computed again. What is served are
//!    sums of rows of batches.
//! 2. Rows are by disease and most specific term alone: never by publication, cohort, age or sex,
//!    and never for ancestors of terms or groups of diseases, all of which could be subtracted.
//! 3. A row that did not pass is left out, as a row of zero is: the two cannot be told apart. A
//!    batch adds to a total only where its own row passed, to m and to n.
//! 4. A patient is in one served batch at the most. A withdrawal or a correction stops serving the
//!    whole batch. The patients who remain return only in a batch with at least five patients who
//!    have never been in one.
//! 5. Fewer than five give nothing, unless each of them has agreed to single counts.
//! 6. Private counts ([`private_counts`]) are another way out, with noise: a patient takes part
//!    once, ever.
//!
//! Why "never been in one" in 4, where "not in the withdrawn batch" might seem enough: a batch
//! could then join the rests of two withdrawn batches, and the three tables together would show the
//! two patients who left. As it is, each batch has five patients or more of whom no earlier batch
//! holds one, so that in any weighted sum of batches the latest batch's newcomers all have its
//! weight: no combination of tables, and of their history, describes fewer than five patients. A
//! copy that was taken before a withdrawal cannot be called back.
//!
//! What the rule does not prevent: somebody who knows all patients of a batch but one, or who makes
//! them up, reads the last one's terms by subtraction wherever the row passed (only noise prevents
//! it); a row with m = n tells the term of every patient who is known to be in the batch; and
//! whoever knows a patient's terms can test for membership. `tests/diagnosis_attacks.rs` measures
//! each.

mod ledger;
mod noise;
mod private;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ligate_model::{DiseaseId, IndividualId, TermId};
use serde::{Deserialize, Serialize};

use crate::BelowFloor;

pub use ledger::{
    Batch, BatchKind, Closed, DiagnosisLedger, DiagnosisLedgerError, SingleCounts, Standing,
};
pub use private::{
    DISEASES_PER_PATIENT, Epsilon, InvalidEpsilon, PrivateCounts, Support, TERMS_PER_PATIENT,
    private_counts,
};

/// The smallest batch and the smallest count. Both may be raised; a node's ledger takes none below
/// [`Minimums::FLOOR`], whatever an evaluation computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Minimums {
    /// Fewest patients of a batch, and fewest newcomers where others return.
    pub batch_patients: u32,
    /// Fewest patients of the batch with the term.
    pub count: u32,
}

impl Minimums {
    /// Five patients: with fewer, somebody who knows a few of them knows nearly all. Three with the
    /// term: of two, each knows the other.
    pub const FLOOR: Self = Self {
        batch_patients: 5,
        count: 3,
    };

    /// Checks both against the floor.
    pub fn validate(&self) -> Result<(), BelowFloor> {
        let pairs = [
            (
                "batch_patients",
                self.batch_patients,
                Self::FLOOR.batch_patients,
            ),
            ("count", self.count, Self::FLOOR.count),
        ];
        pairs
            .into_iter()
            .find(|(_, value, floor)| value < floor)
            .map_or(Ok(()), |(name, value, floor)| {
                Err(BelowFloor {
                    name,
                    value: value.into(),
                    floor: floor.into(),
                })
            })
    }
}

impl Default for Minimums {
    fn default() -> Self {
        Self::FLOOR
    }
}

/// A patient as the rule sees one. The terms are the most specific observed ones: that no term is
/// an ancestor of another of the same patient is the caller's to see to, who has the ontology.
#[derive(Clone, Copy)]
pub struct Patient<'p> {
    pub id: &'p IndividualId,
    pub disease: DiseaseId,
    pub terms: &'p [TermId],
    /// It is recorded that this patient allows counts of fewer than five.
    pub single_counts: bool,
}

/// The rule for one batch of patients of one disease: each term that enough of them have, with
/// their number m, in the order of terms. n is the number of patients, for every row. Nothing where
/// the batch is too small.
///
/// A term that a patient lists twice counts once.
pub fn batch_counts(patients: &[&[TermId]], minimums: Minimums) -> Vec<(TermId, u32)> {
    if patients.len() < minimums.batch_patients as usize {
        return Vec::new();
    }
    let mut counts: BTreeMap<TermId, u32> = BTreeMap::new();
    for terms in patients {
        for (place, term) in terms.iter().enumerate() {
            if !terms[..place].contains(term) {
                *counts.entry(*term).or_default() += 1;
            }
        }
    }
    // A count of zero is no row at any minimum.
    counts
        .into_iter()
        .filter(|(_, m)| *m >= minimums.count)
        .collect()
}
