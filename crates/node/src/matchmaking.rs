//! Matchmaking between registries by the Matchmaker Exchange API v1.1, both ways: what other
//! systems ask is answered from the patients whose consent to it is recorded, and one patient is
//! asked about at many systems at once.
//!
//! Unlike everything else here, a match sends a patient's terms to others: it is an act of its own,
//! never part of a diagnosis, and refused without the patient's recorded consent.

mod ask;
mod exchange;
mod shown;
mod shown_patients;

pub use ask::{Answer, ask, asked, request_about};
pub use exchange::port;
pub use shown::shown;
pub use shown_patients::ShownPatients;
