//! The standard faces of a node: the bytes that other systems know, as types.
//!
//! Wire types stay here, and the addresses under which they are asked for: each face is
//! `routes(state) -> Router`, where the state is a trait that the node implements. No store and no
//! socket: what is true is decided behind the trait, and connections are `ligate-listener`'s.

#![deny(unsafe_code)]

pub mod mme;
