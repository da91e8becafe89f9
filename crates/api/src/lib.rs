//! The standard faces of a node: the bytes that other systems know, as types.
//!
//! Wire types stay here; what they mean is decided by whoever reads them. No I/O, no store: a server hands in headers and
//! bodies and sends what comes back.

#![deny(unsafe_code)]

pub mod mme;
