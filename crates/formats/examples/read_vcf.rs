//! Reads a VCF or BCF file and prints each variant with its allele counts.
//!
//!     cargo run -p ligate-formats --example read_vcf [-- FILE]
//!
//! Without a file it reads a small one of the tests. A site of several alternate alleles gives a
//! line for each; a record that cannot be used is reported and the others are read.

use std::{
    convert::Infallible,
    env,
    error::Error,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use ligate_formats::{
    Problems,
    vcf::{self, ReadOptions, Source, VariantBatch},
};
use ligate_genotypes::AlleleCounts;
use ligate_model::VariantKey;

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args_os().nth(1).map_or_else(small_file, PathBuf::from);
    let read = allele_counts(&file)?;
    println!("variant\tAC\tAN");
    for (key, counts) in read.variants {
        println!("{key}\t{}\t{}", counts.allele_count, counts.allele_number);
    }
    for problem in read.problems.kept() {
        eprintln!("{problem}");
    }
    Ok(())
}

struct Read {
    /// In the order of the file, with the counts over all samples.
    variants: Vec<(VariantKey, AlleleCounts)>,
    problems: Problems,
}

fn allele_counts(file: &Path) -> Result<Read, Box<dyn Error>> {
    let source = Source::open(file)?;
    // All samples are one block here. A lake has blocks of bounded size, and a row for each.
    let everybody = 0..source.samples().len();
    let options = ReadOptions {
        reference: None,
        blocks: vec![everybody],
        threads: 1,
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    let mut variants = Vec::new();
    let mut keep = |batch: VariantBatch| {
        let counts = batch.blocks[0].counts.iter().copied();
        variants.extend(
            batch
                .variants
                .into_iter()
                .map(|variant| variant.key)
                .zip(counts),
        );
        Ok::<(), Infallible>(())
    };
    let report = vcf::read(source, &options, &mut keep)?;
    Ok(Read {
        variants,
        problems: report.problems,
    })
}

fn small_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls.vcf")
}

/// The genotypes at position 100 are 0/0, 0/1, 1/1, ./. and ./1.
#[test]
fn counts_the_alleles_of_a_site() {
    let read = allele_counts(&small_file()).unwrap();
    let (key, counts) = &read.variants[0];
    assert_eq!(key.to_string(), "1:100:A:G");
    assert_eq!((counts.allele_count, counts.allele_number), (4, 7));
}
