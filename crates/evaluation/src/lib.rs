//! How good the ranking is, measured so that a methodologist can trust it: on cases whose own
//! publications were taken out of the knowledge, beside published methods on the same rows, with
//! intervals. The definitions of every figure are in docs/diagnosis.md.
//!
//! Pure: cases and knowledge are handed in; progress is told through a callback, time through a
//! clock that is handed in. It refuses to drop a case in silence: all that is left out or missed is
//! counted.

#![deny(unsafe_code)]

mod bootstrap;
mod calibration;
mod hits;
mod method;
mod metrics;
mod noise;
mod random;
mod registries;
mod report;
mod rivals;
mod run;
mod subject;
#[cfg(test)]
mod tests;

pub use bootstrap::{DRAWS, Difference, Gain, Interval, compare};
pub use calibration::{Bin, Calibration, Prediction};
pub use hits::Hits;
pub use method::Chosen;
pub use metrics::{Accuracy, Miss, Outcome, Outcomes, Range, Shares, WithoutMisses};
pub use noise::{Noise, NoiseMaker};
pub use registries::{Counted, NODES, Patients, Publishing, SALTS, Split, node_of};
pub use report::{ExcludedCounts, Registries, Report, Watch, WithoutExcluded, accuracy, evaluate};
pub use run::{Candidates, EvaluationSet, MethodRun, Regime, SEEDS, Setting, Truths, run};
pub use subject::{Prepared, Subject, Subjects};
