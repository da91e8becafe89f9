//! Prints how many genotypes per second the kernels read: `cargo run --release --example
//! kernel_speed`.
//!
//! Simulated unphased rows of one block of 4,000 samples: common variants (dense rows) and a
//! realistic spectrum, where an allele frequency f occurs in proportion to 1/f. Every figure is the
//! best of five.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use ligate_genotypes::{Calls, ColumnSums, Exception, Row, SampleMask, Weight, encode};

const SAMPLES: usize = 4_000;
const VARIANTS: usize = 16_384;
const COLUMNS: usize = 12;

fn main() {
    let mut random = Random(12_345);
    let common = simulate(&mut random, |u| 0.05 + 0.45 * u);
    let spectrum = simulate(&mut random, |u| 1e-4 * (0.5f64 / 1e-4).powf(u));
    let columns: Vec<Vec<i64>> = (0..COLUMNS)
        .map(|_| {
            (0..SAMPLES)
                .map(|_| (random.next() >> 32) as i64 - (1 << 31))
                .collect()
        })
        .collect();
    let columns: Vec<(Weight, &[i64])> = columns
        .iter()
        .map(|column| (Weight::Dosage, &column[..]))
        .collect();
    let sums = ColumnSums::new(SAMPLES, &columns);
    let mask = SampleMask::new(SAMPLES, (0..SAMPLES as u32).filter(|_| random.unit() < 0.3));

    println!("{VARIANTS} variants x {SAMPLES} samples, G genotypes/s");
    for (name, bytes) in [("common", common), ("spectrum", spectrum)] {
        let dense = rows(&bytes)
            .iter()
            .flatten()
            .filter(|row| row.is_dense())
            .count();
        let size: usize = bytes.iter().map(Vec::len).sum();
        println!(
            "{name}: {dense} dense rows, {:.4} bytes per genotype",
            size as f64 / GENOTYPES
        );
        report("parse", || drop(black_box(rows(&bytes))));
        let rows = rows(&bytes);
        report("counts", || {
            black_box(
                rows.iter()
                    .flatten()
                    .map(|row| row.counts().allele_count)
                    .sum::<u32>(),
            );
        });
        report("counts among 30%", || {
            black_box(
                rows.iter()
                    .flatten()
                    .map(|row| row.counts_among(&mask).allele_count)
                    .sum::<u32>(),
            );
        });
        let mut totals = vec![0; VARIANTS * COLUMNS];
        report(&format!("sums of {COLUMNS} columns"), || {
            sums.add(&rows, black_box(&mut totals))
        });
        let mut few = vec![0; 32 * COLUMNS];
        report("the same, 32 rows at a time", || {
            rows.chunks(32)
                .for_each(|rows| sums.add(rows, black_box(&mut few)));
        });
    }
}

const GENOTYPES: f64 = (VARIANTS * SAMPLES) as f64;

fn report(name: &str, mut work: impl FnMut()) {
    let time = (0..5).map(|_| elapsed(&mut work)).min().unwrap_or_default();
    println!(
        "  {name:30} {:8.2}   {time:.1?}",
        GENOTYPES / time.as_secs_f64() / 1e9
    );
}

fn elapsed(work: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn rows(bytes: &[Vec<u8>]) -> Vec<Option<Row<'_>>> {
    bytes
        .iter()
        .map(|row| Row::parse(row, SAMPLES).ok())
        .collect()
}

/// Rows whose allele frequency is `frequency` of a uniform number; 1% of the calls are missing in
/// every other row.
fn simulate(random: &mut Random, frequency: impl Fn(f64) -> f64) -> Vec<Vec<u8>> {
    let mut calls = Calls::new(SAMPLES);
    (0..VARIANTS)
        .map(|variant| {
            calls.clear();
            let f = frequency(random.unit());
            for sample in 0..SAMPLES {
                if variant % 2 == 0 && random.unit() < 0.01 {
                    calls.push_exception(sample as u32, Exception::Missing);
                }
                let haplotypes = (random.unit() < f, random.unit() < f);
                calls.set_code(sample, u8::from(haplotypes.0) | u8::from(haplotypes.1) << 1);
            }
            let mut row = Vec::new();
            encode(&calls, 0..SAMPLES, &mut row);
            row
        })
        .collect()
}

/// Marsaglia's xorshift: the same rows on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
