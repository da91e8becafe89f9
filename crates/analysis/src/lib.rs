//! What is computed over many people: each method as a loop of sums.
//!
//! A method broadcasts a small state, every node adds up its own rows, and the next state follows
//! from the sum: so a method does not know how many nodes there are, and pooled is federated with
//! one. Pure: no I/O, no clock, no randomness. The same bits come out for any split of the people,
//! any number of threads and on any machine.

#![forbid(unsafe_code)]

pub mod codes;
pub mod distributions;
mod exponential;
pub mod gwas;
pub mod inflation;
pub mod linear_algebra;
pub mod quantise;
