//! Diagnosis by the real binary: what it answers, what it writes, what it says to bad input. The
//! cases are made up; the genome's tests use real files where `../shared` has them, and say so
//! where it does not.

#[path = "diagnosis/bench.rs"]
mod bench;
#[path = "diagnosis/evaluation.rs"]
mod evaluation;
#[path = "diagnosis/genome.rs"]
mod genome;
#[path = "diagnosis/input.rs"]
mod input;
#[path = "diagnosis/knowledge.rs"]
mod knowledge;
#[path = "diagnosis/peers.rs"]
mod peers;
#[path = "diagnosis/ranking.rs"]
mod ranking;
mod support;
