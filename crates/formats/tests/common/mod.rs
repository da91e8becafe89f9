//! Reading a whole file for a test.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]
#![allow(clippy::single_range_in_vec_init)] // one block of all samples is meant

mod files;

use std::{convert::Infallible, path::Path, sync::atomic::AtomicBool};

pub use files::{file, shared};

use ligate_formats::{
    ReadError, ReadFailure, Reference,
    vcf::{self, ReadOptions, ReadReport, Source, VariantBatch},
};

/// Reads a file into one batch.
pub fn read(
    path: &Path,
    reference: Option<&Reference>,
) -> Result<(VariantBatch, ReadReport), ReadError> {
    read_with(path, reference, 2, |samples| vec![0..samples])
}

/// Reads a file with a number of threads and blocks.
pub fn read_with(
    path: &Path,
    reference: Option<&Reference>,
    threads: usize,
    blocks: impl Fn(usize) -> Vec<std::ops::Range<usize>>,
) -> Result<(VariantBatch, ReadReport), ReadError> {
    let source = Source::open(path)?;
    let stop = AtomicBool::new(false);
    let blocks = blocks(source.samples().len());
    let options = ReadOptions {
        reference,
        blocks: blocks.clone(),
        threads,
        stop: &stop,
        progress: &|_| {},
    };
    let mut all = VariantBatch {
        variants: Vec::new(),
        blocks: vec![Default::default(); blocks.len()],
    };
    let report = vcf::read(source, &options, &mut |batch| {
        all.variants.extend(batch.variants);
        for (all, rows) in all.blocks.iter_mut().zip(batch.blocks) {
            let start = all.bytes.len() as u32;
            all.offsets
                .extend(rows.offsets[1..].iter().map(|offset| start + offset));
            all.bytes.extend(rows.bytes);
            all.counts.extend(rows.counts);
        }
        Ok::<(), Infallible>(())
    });
    match report {
        Ok(report) => Ok((all, report)),
        Err(ReadFailure::Read(error)) => Err(error),
        Err(ReadFailure::Stopped) => panic!("nobody stopped the reading"),
    }
}
