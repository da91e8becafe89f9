//! Rows against a naive model: one enum per sample, walked sample by sample.

use std::ops::Range;

use ligate_genotypes::{AlleleCounts, Calls, Exception, Phase, Row, SampleMask, encode};
use proptest::prelude::*;

/// One sample's call, as a file has it.
#[derive(Clone, Copy, Debug)]
enum Call {
    Diploid { code: u8, phased: bool },
    Other(Exception),
}

/// Calls of a file, and whether the reader says that the row is phased as a whole.
#[derive(Clone)]
struct Sheet {
    calls: Vec<Call>,
    phase: Phase,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.phase, self.calls)
    }
}

fn exception() -> impl Strategy<Value = Exception> {
    prop_oneof![
        Just(Exception::Missing),
        any::<bool>().prop_map(|alternate| Exception::HalfMissing { alternate }),
        any::<bool>().prop_map(|alternate| Exception::Haploid { alternate }),
        Just(Exception::HaploidMissing),
        (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Exception::Polyploid {
            alternates: a.min(b),
            alleles: a.max(b)
        }),
    ]
}

fn call(rates: [u32; 4]) -> impl Strategy<Value = Call> {
    let [reference, diploid, missing, other] = rates;
    prop_oneof![
        reference => any::<bool>().prop_map(|phased| Call::Diploid { code: 0, phased }),
        diploid => (0u8..4, any::<bool>()).prop_map(|(code, phased)| Call::Diploid { code, phased }),
        missing => Just(Call::Other(Exception::Missing)),
        other => exception().prop_map(Call::Other),
    ]
}

/// Rare and common variants, few and many exceptions; phased, unphased and mixed rows.
fn sheet() -> impl Strategy<Value = Sheet> {
    let rates = prop_oneof![
        Just([1000, 1, 1, 1]),
        Just([100, 1, 0, 0]),
        Just([100, 2, 20, 5]),
        Just([5, 5, 0, 0]),
        Just([5, 5, 5, 5]),
        Just([0, 0, 1, 0]),
    ];
    let phase = prop_oneof![Just(Phase::Phased), Just(Phase::Unphased)];
    (rates, phase, any::<bool>())
        .prop_flat_map(|(rates, phase, mixed)| {
            (
                prop::collection::vec(call(rates), 0..400),
                Just(phase),
                Just(mixed),
            )
        })
        .prop_map(|(mut calls, phase, mixed)| {
            for call in &mut calls {
                if let (Call::Diploid { phased, .. }, false) = (call, mixed) {
                    *phased = false;
                }
            }
            Sheet { calls, phase }
        })
}

fn sheet_and_range() -> impl Strategy<Value = (Sheet, Range<usize>)> {
    (
        sheet(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(sheet, a, b)| {
            let (a, b) = (
                a.index(sheet.calls.len() + 1),
                b.index(sheet.calls.len() + 1),
            );
            (sheet, a.min(b)..a.max(b))
        })
}

fn fill(sheet: &Sheet) -> Calls {
    let mut calls = Calls::new(sheet.calls.len());
    calls.set_phase(sheet.phase);
    for (sample, call) in sheet.calls.iter().enumerate() {
        match *call {
            Call::Diploid { code, phased } => {
                calls.set_code(sample, code);
                if phased {
                    calls.push_phased(sample as u32);
                }
            }
            Call::Other(exception) => {
                // A reader may leave the code of what it met first: it must not count.
                calls.set_code(sample, 3);
                calls.push_exception(sample as u32, exception);
            }
        }
    }
    calls
}

/// The canonical calls of a range, as `Row::decode` must give them.
fn canonical(sheet: &Sheet, range: Range<usize>) -> Calls {
    let calls = &sheet.calls[range];
    let heterozygous = |call: &Call| matches!(call, Call::Diploid { code: 1 | 2, .. });
    let phased_het = |call: &Call| {
        matches!(
            call,
            Call::Diploid {
                code: 1 | 2,
                phased: true
            }
        )
    };
    let all_listed =
        calls.iter().any(phased_het) && calls.iter().filter(|c| heterozygous(c)).all(phased_het);
    let phased_row = sheet.phase == Phase::Phased || all_listed;
    let mut expected = Calls::new(calls.len());
    expected.set_phase(if phased_row {
        Phase::Phased
    } else {
        Phase::Unphased
    });
    for (sample, call) in calls.iter().enumerate() {
        match *call {
            Call::Diploid { code: 2, phased } if !phased_row && !phased => {
                expected.set_code(sample, 1)
            }
            Call::Diploid { code, .. } => expected.set_code(sample, code),
            Call::Other(exception) => expected.push_exception(sample as u32, exception),
        }
        if !phased_row && phased_het(call) {
            expected.push_phased(sample as u32);
        }
    }
    expected
}

fn naive_counts(calls: &[Call], chosen: impl Fn(usize) -> bool) -> AlleleCounts {
    let mut counts = AlleleCounts::default();
    for (_, call) in calls
        .iter()
        .enumerate()
        .filter(|(sample, _)| chosen(*sample))
    {
        match *call {
            Call::Diploid { code, .. } => {
                let dosage = [0, 1, 1, 2][code as usize];
                counts.called += 1;
                counts.allele_number += 2;
                counts.allele_count += dosage;
                counts.diploid_allele_count += dosage;
                counts.heterozygous += u32::from(dosage == 1);
                counts.homozygous += u32::from(dosage == 2);
            }
            Call::Other(exception) => {
                let (alleles, alternates) = match exception {
                    Exception::Missing | Exception::HaploidMissing => (0, 0),
                    Exception::HalfMissing { alternate } | Exception::Haploid { alternate } => {
                        (1, alternate.into())
                    }
                    Exception::Polyploid {
                        alternates,
                        alleles,
                    } => (alleles.into(), alternates.into()),
                };
                counts.allele_number += alleles;
                counts.allele_count += alternates;
            }
        }
    }
    counts
}

fn encoded(sheet: &Sheet, range: Range<usize>) -> (Vec<u8>, AlleleCounts) {
    let mut bytes = vec![];
    let counts = encode(&fill(sheet), range, &mut bytes);
    (bytes, counts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_range_round_trips((sheet, range) in sheet_and_range()) {
        let calls = fill(&sheet);
        let mut bytes = vec![0xAB];
        encode(&calls, range.clone(), &mut bytes);
        prop_assert_eq!(bytes[0], 0xAB, "encode appends");
        let decoded = Row::parse(&bytes[1..], range.len()).unwrap().decode();
        prop_assert!(decoded == canonical(&sheet, range.clone()));
        let mut again = vec![];
        encode(&decoded, 0..range.len(), &mut again);
        prop_assert!(again == bytes[1..], "canonical calls give the same bytes");
    }

    #[test]
    fn counts_are_the_naive_ones((sheet, range) in sheet_and_range(), seed in any::<u64>()) {
        let (bytes, counts) = encoded(&sheet, range.clone());
        let row = Row::parse(&bytes, range.len()).unwrap();
        let calls = &sheet.calls[range.clone()];
        prop_assert_eq!(counts, naive_counts(calls, |_| true));
        prop_assert_eq!(row.counts(), counts);
        let chosen = |sample: usize| seed.rotate_left(sample as u32 * 7) .is_multiple_of(3);
        let mask = SampleMask::new(range.len(), (0..range.len() as u32).filter(|s| chosen(*s as usize)));
        prop_assert_eq!(row.counts_among(&mask), naive_counts(calls, chosen));
        prop_assert_eq!(row.counts_among(&SampleMask::all(range.len())), counts);
        prop_assert_eq!(row.counts_among(&SampleMask::new(range.len(), [])), AlleleCounts::default());
    }

    #[test]
    fn iterators_give_every_sample_once(sheet in sheet(), seed in any::<u64>()) {
        let samples = sheet.calls.len();
        let (bytes, _) = encoded(&sheet, 0..samples);
        let row = Row::parse(&bytes, samples).unwrap();
        let expected = canonical(&sheet, 0..samples);
        let carriers: Vec<(u32, u8)> =
            (0..samples).map(|s| (s as u32, expected.code(s))).filter(|(_, code)| *code != 0).collect();
        prop_assert!(row.carriers().eq(carriers));
        prop_assert!(row.exceptions().eq(expected.exceptions().iter().copied()));
        prop_assert_eq!(row.is_complete(), expected.exceptions().is_empty());
        let mask = SampleMask::new(samples, (0..samples as u32).filter(|s| seed >> (s % 61) & 1 == 1));
        let among: Vec<(u32, Exception)> =
            expected.exceptions().iter().copied().filter(|(s, _)| mask.contains(*s)).collect();
        prop_assert!(row.exceptions_among(&mask).eq(among));
    }

    /// Every call of a block's rows is in the whole row: blocks add up.
    #[test]
    fn blocks_add_up(sheet in sheet(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(sheet.calls.len() + 1);
        let (_, mut sum) = encoded(&sheet, 0..cut);
        sum += encoded(&sheet, cut..sheet.calls.len()).1;
        prop_assert_eq!(sum, encoded(&sheet, 0..sheet.calls.len()).1);
    }
}

#[test]
fn a_mask_holds_its_members() {
    let mask = SampleMask::new(130, [129, 0, 64, 64]);
    assert_eq!((mask.len(), mask.count()), (130, 3));
    assert!(mask.iter().eq([0, 64, 129]));
    assert!(mask.contains(64) && !mask.contains(63) && !mask.contains(130) && !mask.contains(1000));
}

/// Sizes that lake.md promises: a carrier of a rare variant costs one or two bytes, phase nothing.
#[test]
fn rows_are_small() {
    let size = |fill: &dyn Fn(&mut Calls)| {
        let mut calls = Calls::new(4000);
        fill(&mut calls);
        let mut bytes = vec![];
        encode(&calls, 0..4000, &mut bytes);
        bytes.len()
    };
    assert_eq!(size(&|_| ()), 1);
    assert_eq!(size(&|calls| calls.set_code(20, 2)), 2);
    assert_eq!(size(&|calls| calls.set_code(3999, 3)), 3);
    let common = |calls: &mut Calls| {
        (0..4000)
            .step_by(2)
            .for_each(|sample| calls.set_code(sample, 2))
    };
    assert_eq!(size(&common), 1001);
    assert_eq!(
        size(&|calls| {
            common(calls);
            calls.set_phase(Phase::Phased);
        }),
        1001
    );
    // All missing: a bitmap and two counts.
    let missing =
        |calls: &mut Calls| (0..4000).for_each(|s| calls.push_exception(s, Exception::Missing));
    assert_eq!(size(&missing), 1 + 2 + 500 + 1);
}

/// Bytes on disk: a change here is a new format version.
#[test]
fn bytes_are_as_documented() {
    let bytes = |sheet: Sheet| encoded(&sheet, 0..sheet.calls.len()).0;
    let diploid = |code, phased| Call::Diploid { code, phased };
    let mut rare = vec![diploid(0, false); 40];
    rare[7] = diploid(2, false);
    rare[39] = diploid(3, false);
    assert_eq!(
        bytes(Sheet {
            calls: rare.clone(),
            phase: Phase::Unphased
        }),
        [0x10, 7 << 2 | 1, 31 << 2 | 3]
    );
    assert_eq!(
        bytes(Sheet {
            calls: rare.clone(),
            phase: Phase::Phased
        }),
        [0x12, 7 << 2 | 2, 31 << 2 | 3]
    );
    rare[0] = Call::Other(Exception::Missing);
    rare[2] = Call::Other(Exception::Missing);
    rare[5] = Call::Other(Exception::Haploid { alternate: true });
    rare[39] = Call::Other(Exception::Polyploid {
        alternates: 1,
        alleles: 4,
    });
    assert_eq!(
        bytes(Sheet {
            calls: rare,
            phase: Phase::Unphased
        }),
        [
            0x18,
            2 << 1,
            0,
            1,
            2,
            5 << 3 | 3,
            0x8D,
            0x02,
            1,
            4,
            7 << 2 | 1
        ]
    );
    let mixed = vec![
        diploid(2, true),
        diploid(1, false),
        diploid(3, false),
        diploid(2, false),
        diploid(0, true),
    ];
    assert_eq!(
        bytes(Sheet {
            calls: mixed,
            phase: Phase::Unphased
        }),
        [0x15, 1 << 1 | 1, 0b1, 0b01_11_01_10, 0]
    );
}
