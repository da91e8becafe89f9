//! Bytes that are no rows: refused, or read without a panic and without contradicting themselves.

use ligate_genotypes::{Calls, ColumnSums, CorruptRow, Exception, Row, SampleMask, Weight, encode};
use proptest::prelude::*;

/// Whatever is accepted must survive every use.
fn use_everything(bytes: &[u8], samples: usize) {
    let Ok(row) = Row::parse(bytes, samples) else {
        return;
    };
    let counts = row.counts();
    assert_eq!(counts.called as usize + row.exceptions().count(), samples);
    assert_eq!(
        (counts.heterozygous + counts.homozygous) as usize,
        row.carriers().count()
    );
    assert!(counts.heterozygous + counts.homozygous <= counts.called);
    assert!(counts.allele_count <= counts.allele_number);
    assert!(
        row.carriers()
            .map(|(sample, _)| sample)
            .is_sorted_by(|a, b| a < b)
    );
    assert!(
        row.carriers()
            .all(|(sample, code)| (sample as usize) < samples && (1..4).contains(&code))
    );
    let mask = SampleMask::new(samples, (0..samples as u32).step_by(3));
    let among = row.counts_among(&mask);
    assert_eq!(
        among.called as usize + row.exceptions_among(&mask).count(),
        mask.count() as usize
    );
    let calls = row.decode();
    let mut again = vec![];
    assert_eq!(encode(&calls, 0..samples, &mut again), counts);
    let ones = vec![1; samples];
    let kernel = ColumnSums::new(samples, &[(Weight::Dosage, &ones)]);
    let mut sums = vec![0; 70];
    kernel.add(&[Some(row); 70], &mut sums);
    assert_eq!(sums, vec![i64::from(counts.diploid_allele_count); 70]);
}

/// Kind bytes of this version more often than chance has them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    (
        0u8..16,
        prop::collection::vec(prop_oneof![any::<u8>(), 0u8..8], 0..60),
    )
        .prop_map(|(kind, mut bytes)| {
            bytes.insert(0, 0x10 | kind);
            bytes
        })
}

/// A valid row with many parts.
fn valid(seed: u64) -> (Vec<u8>, usize) {
    let samples = 60;
    let mut calls = Calls::new(samples);
    for sample in 0..samples as u32 {
        match seed.rotate_left(sample * 5) % 11 {
            0 => calls.push_exception(sample, Exception::Missing),
            1 => calls.push_exception(sample, Exception::HalfMissing { alternate: true }),
            2 => calls.push_exception(
                sample,
                Exception::Polyploid {
                    alternates: 2,
                    alleles: 3,
                },
            ),
            3 => {
                calls.set_code(sample as usize, 2);
                calls.push_phased(sample);
            }
            4 => calls.set_code(sample as usize, 1),
            5 if seed.is_multiple_of(2) => calls.set_code(sample as usize, 3),
            _ => {}
        }
    }
    let mut bytes = vec![];
    encode(&calls, 0..samples, &mut bytes);
    (bytes, samples)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn random_bytes_never_panic(bytes in bytes(), samples in 0usize..100) {
        use_everything(&bytes, samples);
    }

    #[test]
    fn damaged_rows_never_panic(
        seed in any::<u64>(), at in any::<prop::sample::Index>(), value in any::<u8>(), wrong in 0usize..120,
    ) {
        let (mut bytes, samples) = valid(seed);
        use_everything(&bytes, wrong);
        use_everything(&bytes[..at.index(bytes.len())], samples);
        let at = at.index(bytes.len());
        bytes[at] = value;
        use_everything(&bytes, samples);
    }
}

#[track_caller]
fn refused(bytes: &[u8], samples: usize, reason: CorruptRow) {
    assert_eq!(Row::parse(bytes, samples).err(), Some(reason));
}

#[test]
fn each_fault_is_refused() {
    refused(&[], 4, CorruptRow::Truncated);
    refused(
        &[0x10],
        ligate_genotypes::MAX_SAMPLES + 1,
        CorruptRow::TooManySamples,
    );
    refused(&[0x20], 4, CorruptRow::Version { found: 2 });
    refused(&[0x16], 4, CorruptRow::Kind);
    // Payloads: too short, too long, bits beyond the last sample, code 0, an endless or too large
    // number.
    refused(&[0x11], 4, CorruptRow::Payload);
    refused(&[0x11, 0, 0], 4, CorruptRow::Payload);
    refused(&[0x11, 0b0100_0000], 3, CorruptRow::Payload);
    refused(&[0x10, 4], 4, CorruptRow::Payload);
    refused(&[0x10, 0x80], 4, CorruptRow::Truncated);
    refused(
        &[0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F],
        4,
        CorruptRow::Truncated,
    );
    refused(&[0x10, 4 << 2 | 1], 4, CorruptRow::OutOfRange);
    // Sets: beyond the block, more bits than counted, bits beyond the last sample.
    refused(&[0x18, 1 << 1, 4, 0], 4, CorruptRow::OutOfRange);
    refused(&[0x18, 1 << 1 | 1, 0b11, 0], 4, CorruptRow::Bitmap);
    refused(&[0x18, 1 << 1 | 1, 0b1_0000, 0], 4, CorruptRow::Bitmap);
    refused(&[0x14, 1 << 1, 4], 4, CorruptRow::OutOfRange);
    // Exceptions: unknown kind, more alternates than alleles, a sample twice, a call besides.
    refused(&[0x18, 0, 1, 6], 4, CorruptRow::Exception);
    refused(&[0x18, 0, 1, 5, 2, 1], 4, CorruptRow::Exception);
    refused(&[0x18, 1 << 1, 2, 1, 2 << 3], 4, CorruptRow::Exception);
    refused(
        &[0x18, 1 << 1, 2, 0, 2 << 2 | 1],
        4,
        CorruptRow::CallOfException,
    );
    refused(
        &[0x19, 1 << 1, 2, 0, 0b0001_0000],
        4,
        CorruptRow::CallOfException,
    );
    refused(
        &[0x19, 1 << 1 | 1, 0b100, 0, 0b0001_0000],
        4,
        CorruptRow::CallOfException,
    );
    refused(
        &[0x19, 0, 1, 2 << 3, 0b0001_0000],
        4,
        CorruptRow::CallOfException,
    );
}

#[test]
fn nothing_personal_is_printed() {
    let mut calls = Calls::new(3);
    calls.push_exception(1, Exception::Missing);
    assert_eq!(format!("{calls:?}"), "Calls { samples: 3, .. }");
    assert_eq!(
        format!("{:?}", SampleMask::new(3, [1])),
        "SampleMask { samples: 3, count: 1, .. }"
    );
}
