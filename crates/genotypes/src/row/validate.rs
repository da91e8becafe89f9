//! From any bytes to a [`Row`], or the reason why not.

use super::{CorruptRow, Others, Row, iterate::OtherExceptions};
use crate::{
    MAX_SAMPLES,
    counts::{CarrierCounts, ExceptionCounts},
    layout::{DENSE, EXCEPTIONS, MIXED, PHASE_SHIFT, RowReader, VERSION, spread, tail_is_zero},
    sample_set::SampleSet,
};

pub(super) fn row(bytes: &[u8], samples: usize) -> Result<Row<'_>, CorruptRow> {
    if samples > MAX_SAMPLES {
        return Err(CorruptRow::TooManySamples);
    }
    let mut reader = RowReader(bytes);
    let kind = reader.byte().ok_or(CorruptRow::Truncated)?;
    let phase = kind >> PHASE_SHIFT & 3;
    if kind >> 4 != VERSION {
        return Err(CorruptRow::Version { found: kind >> 4 });
    }
    if phase > MIXED {
        return Err(CorruptRow::Kind);
    }
    let phased = if phase == MIXED {
        SampleSet::parse(&mut reader, samples)?
    } else {
        SampleSet::EMPTY
    };
    let (missing, (others, excepted)) = if kind & EXCEPTIONS != 0 {
        let missing = SampleSet::parse(&mut reader, samples)?;
        (
            missing,
            parse_others(
                &mut reader,
                samples,
                ExceptionCounts::missing(missing.count),
            )?,
        )
    } else {
        (
            SampleSet::EMPTY,
            (
                Others {
                    count: 0,
                    bytes: &[],
                },
                ExceptionCounts::default(),
            ),
        )
    };
    let dense = kind & DENSE != 0;
    let carriers = CarrierCounts::default();
    let samples = samples as u32;
    let mut row = Row {
        samples,
        dense,
        phase,
        phased,
        missing,
        others,
        payload: reader.0,
        carriers,
        excepted,
    };
    check_exceptions(&row)?;
    if dense {
        check_dense(&row)?;
    } else {
        row.carriers = check_sparse(&row)?;
    }
    Ok(row)
}

/// The exceptions other than missing calls, and `counts` with them.
fn parse_others<'a>(
    reader: &mut RowReader<'a>,
    samples: usize,
    mut counts: ExceptionCounts,
) -> Result<(Others<'a>, ExceptionCounts), CorruptRow> {
    let count = reader.varint().ok_or(CorruptRow::Truncated)?;
    let start = reader.0;
    let mut next = 0u64;
    for _ in 0..count {
        let (gap, exception) = OtherExceptions::read(reader).ok_or(CorruptRow::Exception)?;
        let (alleles, alternates) = exception.alleles();
        next += u64::from(gap) + 1;
        if next > samples as u64 {
            return Err(CorruptRow::OutOfRange);
        }
        if alternates > alleles {
            return Err(CorruptRow::Exception);
        }
        counts.add(exception);
    }
    let bytes = &start[..start.len() - reader.0.len()];
    Ok((Others { count, bytes }, counts))
}

/// No sample is both missing and another exception.
fn check_exceptions(row: &Row<'_>) -> Result<(), CorruptRow> {
    let both = row.missing.count > 0 && row.others.count > 0;
    if both
        && !row
            .exceptions()
            .map(|(sample, _)| sample)
            .is_sorted_by(|a, b| a < b)
    {
        return Err(CorruptRow::Exception);
    }
    Ok(())
}

fn check_dense(row: &Row<'_>) -> Result<(), CorruptRow> {
    let samples = row.samples();
    if row.payload.len() != samples.div_ceil(4) || !tail_is_zero(row.payload, 2 * (samples % 4)) {
        return Err(CorruptRow::Payload);
    }
    let is_reference = |sample: u32| {
        let byte = row.payload.get(sample as usize / 4).copied().unwrap_or(0);
        byte >> (2 * (sample % 4)) & 3 == 0
    };
    let missing = if row.missing.bitmap {
        bitmap_is_reference(row.missing.bytes, row.payload)
    } else {
        row.missing.iter(None).all(is_reference)
    };
    if missing && row.others().all(|(sample, _)| is_reference(sample)) {
        Ok(())
    } else {
        Err(CorruptRow::CallOfException)
    }
}

/// Whether all samples of a bitmap have code 0.
fn bitmap_is_reference(bitmap: &[u8], payload: &[u8]) -> bool {
    let (mut bits, mut codes) = (RowReader(bitmap), RowReader(payload));
    std::iter::from_fn(|| bits.word()).all(|word| {
        let low = codes.word().unwrap_or(0) & (spread(word as u32) * 3);
        let high = codes.word().unwrap_or(0) & (spread((word >> 32) as u32) * 3);
        low | high == 0
    })
}

/// Checks a sparse payload and counts its carriers on the way.
fn check_sparse(row: &Row<'_>) -> Result<CarrierCounts, CorruptRow> {
    let mut reader = RowReader(row.payload);
    let mut counts = CarrierCounts::default();
    let mut exceptions = row.exceptions().map(|(sample, _)| u64::from(sample));
    let mut exception = exceptions.next();
    let mut next = 0u64;
    while !reader.0.is_empty() {
        let value = reader.varint().ok_or(CorruptRow::Truncated)?;
        let sample = next + u64::from(value >> 2);
        let code = (value & 3) as u8;
        if sample >= u64::from(row.samples) {
            return Err(CorruptRow::OutOfRange);
        }
        if code == 0 {
            return Err(CorruptRow::Payload);
        }
        while exception.is_some_and(|exception| exception < sample) {
            exception = exceptions.next();
        }
        if exception == Some(sample) {
            return Err(CorruptRow::CallOfException);
        }
        counts.add(code);
        next = sample + 1;
    }
    Ok(counts)
}
