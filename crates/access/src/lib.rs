//! Who may ask: identities, permits, their revocation, jobs, a node's policy and the audit log.
//!
//! A permit and a job arrive as signed text ([`permit`], [`job`]), and so do the permits that their
//! issuer took back ([`revocation`]); [`policy::check`] decides; [`audit`] keeps what was decided
//! and done.

#![forbid(unsafe_code)]

pub mod audit;
mod denial;
pub mod export;
pub mod job;
mod jws;
mod keys;
pub mod merkle;
pub mod permit;
pub mod policy;
pub mod revocation;
#[cfg(test)]
mod testing;

pub use jws::{JwsError, TEXT_BYTES_MAX};
pub use keys::{BadSignature, Identity, InvalidKey, KeyError, PublicKey, Signature};
