use proptest::prelude::*;

use super::{ColumnSums, Weight};
use crate::{Calls, Exception, Row, encode, simd::Processor};

/// Rows of one block, absent ones included, and columns.
#[derive(Debug, Clone)]
struct Case {
    samples: usize,
    rows: Vec<Option<Vec<u8>>>,
    columns: Vec<(Weight, Vec<i64>)>,
}

fn case(rows: std::ops::Range<usize>) -> impl Strategy<Value = Case> {
    (1usize..140, rows, 0usize..22, any::<u64>()).prop_map(|(samples, rows, columns, seed)| {
        let mut random = Random(seed | 1);
        let columns = (0..columns)
            .map(|c| (weight(c), random.column(samples)))
            .collect();
        let rows = (0..rows)
            .map(|_| (!random.next().is_multiple_of(8)).then(|| random.row(samples)))
            .collect();
        Case {
            samples,
            rows,
            columns,
        }
    })
}

fn weight(column: usize) -> Weight {
    if column % 3 == 1 {
        Weight::SquaredDosage
    } else {
        Weight::Dosage
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Full 64-bit values: sums wrap.
    fn column(&mut self, samples: usize) -> Vec<i64> {
        (0..samples).map(|_| self.next() as i64).collect()
    }

    fn row(&mut self, samples: usize) -> Vec<u8> {
        let mut calls = Calls::new(samples);
        let rarity = [1, 2, 40][(self.next() % 3) as usize];
        for sample in 0..samples {
            if self.next().is_multiple_of(10) {
                calls.push_exception(sample as u32, Exception::Missing);
            } else if self.next().is_multiple_of(rarity) {
                calls.set_code(sample, (self.next() >> 20) as u8 & 3);
            }
        }
        let mut bytes = Vec::new();
        encode(&calls, 0..samples, &mut bytes);
        bytes
    }
}

/// Each sample in turn, from the unpacked calls.
fn naive(case: &Case) -> Vec<i64> {
    let mut sums = Vec::new();
    for row in &case.rows {
        let calls = row
            .as_ref()
            .map(|bytes| Row::parse(bytes, case.samples).unwrap().decode());
        for (weight, column) in &case.columns {
            let terms = column.iter().enumerate().map(|(sample, value)| {
                let dosage = calls
                    .as_ref()
                    .map_or(0, |calls| [0, 1, 1, 2][calls.code(sample) as usize]);
                let times = if *weight == Weight::Dosage {
                    dosage
                } else {
                    dosage * dosage
                };
                value.wrapping_mul(times)
            });
            sums.push(terms.fold(0i64, i64::wrapping_add));
        }
    }
    sums
}

fn check(case: &Case) {
    let columns: Vec<(Weight, &[i64])> = case
        .columns
        .iter()
        .map(|(weight, column)| (*weight, &column[..]))
        .collect();
    let kernel = ColumnSums::new(case.samples, &columns);
    let rows: Vec<Option<Row<'_>>> = case
        .rows
        .iter()
        .map(|row| {
            row.as_ref()
                .map(|bytes| Row::parse(bytes, case.samples).unwrap())
        })
        .collect();
    let expected: Vec<i64> = naive(case)
        .into_iter()
        .map(|sum| sum.wrapping_add(7))
        .collect();
    for processor in [Processor::detect(), Processor::Portable] {
        let mut sums = vec![7; expected.len()];
        kernel.add_on(processor, &rows, &mut sums);
        assert!(sums == expected, "sums differ from the naive loop");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn few_rows_add_by_carriers(case in case(0..20)) {
        check(&case);
    }

    #[test]
    fn many_rows_add_through_tables(case in case(200..300)) {
        check(&case);
    }
}

/// More rows than one building of tables serves, and more byte positions than are tabled at once.
#[test]
fn tables_are_rebuilt_over_variants_and_samples() {
    let samples = 423;
    let mut random = Random(99);
    let columns = (0..9)
        .map(|c| (weight(c), random.column(samples)))
        .collect();
    let distinct: Vec<Vec<u8>> = (0..64).map(|_| random.row(samples)).collect();
    let rows = (0..9000).map(|v| Some(distinct[v % 64].clone())).collect();
    check(&Case {
        samples,
        rows,
        columns,
    });
}

#[test]
fn empty_block_and_no_columns_add_nothing() {
    check(&Case {
        samples: 0,
        rows: vec![Some(vec![0x11]); 70],
        columns: vec![(Weight::Dosage, vec![])],
    });
    check(&Case {
        samples: 4,
        rows: vec![Some(vec![0x11, 0xFF]); 70],
        columns: vec![],
    });
}
