//! Writes one row (see `layout`). Owns the canonical form: the same calls give the same bytes.

use std::ops::Range;

use crate::{
    AlleleCounts, Calls, Exception, Phase,
    calls::PER_WORD,
    counts::{CarrierCounts, CountCarriers, ExceptionCounts},
    layout::{
        DENSE, EXCEPTIONS, LOW, MIXED, PHASE_SHIFT, PHASED, RowReader, SPARSE_BELOW_ONE_IN,
        UNPHASED, VERSION, write_varint,
    },
    sample_set,
    simd::Processor,
};

/// Appends the row of the sample block `samples` to `out` and returns its counts, which are those
/// that [`crate::Row::counts`] gives. Samples of the row count from the block's start. Any range
/// will do; a start at a multiple of 32 is fastest.
///
/// # Panics
/// If the range exceeds the samples.
pub fn encode(calls: &Calls, samples: Range<usize>, out: &mut Vec<u8>) -> AlleleCounts {
    assert!(
        samples.start <= samples.end && samples.end <= calls.samples(),
        "no such samples"
    );
    let block = Block {
        calls,
        start: samples.start,
        samples: samples.len(),
    };
    let (phase, phased) = block.phase();
    let exceptions = block.exceptions();

    let kind_at = out.len();
    out.push(VERSION << 4 | phase << PHASE_SHIFT);
    if phase == MIXED {
        sample_set::write(
            block.samples,
            phased.len(),
            phased.iter().map(|(sample, _)| *sample),
            out,
        );
    }
    if !exceptions.is_empty() {
        out[kind_at] |= EXCEPTIONS;
        block.write_exceptions(exceptions, out);
    }
    let payload_at = out.len();
    block.write_dense(phase, &phased, out);
    let carriers = Processor::detect().run(CountCarriers {
        payload: &out[payload_at..],
        pairs: None,
    });
    if is_sparse(carriers, block.samples) {
        replace_by_sparse(payload_at, out);
    } else {
        out[kind_at] |= DENSE;
    }
    let mut tally = ExceptionCounts::default();
    exceptions
        .iter()
        .for_each(|(_, exception)| tally.add(*exception));
    AlleleCounts::new(block.samples as u32, carriers, tally)
}

fn is_sparse(carriers: CarrierCounts, samples: usize) -> bool {
    let carriers = (carriers.heterozygous + carriers.homozygous) as usize;
    carriers == 0 || carriers * SPARSE_BELOW_ONE_IN < samples
}

/// The samples of one row within the calls of a file.
struct Block<'c> {
    calls: &'c Calls,
    start: usize,
    samples: usize,
}

impl<'c> Block<'c> {
    fn exceptions(&self) -> &'c [(u32, Exception)] {
        let all = self.calls.exceptions();
        let from = all.partition_point(|(sample, _)| (*sample as usize) < self.start);
        let length = all[from..]
            .partition_point(|(sample, _)| (*sample as usize) < self.start + self.samples);
        &all[from..from + length]
    }

    /// The row's phase, and the phased heterozygous samples (with their codes) of a row that is not
    /// phased as a whole. A row whose heterozygous samples are all listed as phased is phased.
    fn phase(&self) -> (u8, Vec<(u32, u8)>) {
        if self.calls.phase() == Phase::Phased {
            return (PHASED, Vec::new());
        }
        let listed = self.listed_heterozygous();
        if listed.is_empty() {
            return (UNPHASED, listed);
        }
        let heterozygous = (0..self.samples as u32)
            .filter(|sample| self.is_heterozygous(*sample))
            .count();
        if heterozygous == listed.len() {
            (PHASED, Vec::new())
        } else {
            (MIXED, listed)
        }
    }

    fn listed_heterozygous(&self) -> Vec<(u32, u8)> {
        let all = self.calls.phased();
        let from = all.partition_point(|sample| (*sample as usize) < self.start);
        let within = all[from..]
            .iter()
            .take_while(|sample| (**sample as usize) < self.start + self.samples);
        within
            .map(|sample| sample - self.start as u32)
            .filter(|sample| self.is_heterozygous(*sample))
            .map(|sample| (sample, self.calls.code(self.start + sample as usize)))
            .collect()
    }

    /// Whether a sample of the block is a complete call with one alternate allele.
    fn is_heterozygous(&self, sample: u32) -> bool {
        let sample = self.start + sample as usize;
        let exceptions = self.calls.exceptions();
        matches!(self.calls.code(sample), 1 | 2)
            && exceptions
                .binary_search_by_key(&(sample as u32), |(excepted, _)| *excepted)
                .is_err()
    }

    fn write_exceptions(&self, exceptions: &[(u32, Exception)], out: &mut Vec<u8>) {
        let start = self.start as u32;
        let is_missing = |exception: &Exception| *exception == Exception::Missing;
        let missing = exceptions
            .iter()
            .filter(|(_, exception)| is_missing(exception));
        let count = missing.clone().count();
        sample_set::write(
            self.samples,
            count,
            missing.map(|(sample, _)| sample - start),
            out,
        );
        write_varint((exceptions.len() - count) as u32, out);
        let mut next = start;
        for (sample, exception) in exceptions
            .iter()
            .filter(|(_, exception)| !is_missing(exception))
        {
            write_other(sample - next, *exception, out);
            next = sample + 1;
        }
    }

    fn write_dense(&self, phase: u8, phased: &[(u32, u8)], out: &mut Vec<u8>) {
        let at = out.len();
        out.reserve(self.samples.div_ceil(PER_WORD) * 8);
        for index in 0..self.samples.div_ceil(PER_WORD) {
            let word = self.word(index);
            // Of a heterozygous pair 10 both bits flip: 01.
            let reversed = if phase == PHASED {
                0
            } else {
                (word >> 1 & !word & LOW) * 3
            };
            out.extend_from_slice(&(word ^ reversed).to_le_bytes());
        }
        out.truncate(at + self.samples.div_ceil(4));
        for (sample, code) in phased {
            set_code(&mut out[at..], *sample as usize, *code);
        }
        for (sample, _) in self.exceptions() {
            set_code(&mut out[at..], *sample as usize - self.start, 0);
        }
    }

    /// The codes of the block's samples from `32 index`, zeros beyond its end.
    fn word(&self, index: usize) -> u64 {
        let codes = self.calls.codes();
        let (first, shift) = (self.start / PER_WORD + index, 2 * (self.start % PER_WORD));
        let mut word = codes.get(first).copied().unwrap_or(0) >> shift;
        if shift > 0 {
            word |= codes.get(first + 1).copied().unwrap_or(0) << (64 - shift);
        }
        let left = self.samples - index * PER_WORD;
        if left < PER_WORD {
            word & ((1 << (2 * left)) - 1)
        } else {
            word
        }
    }
}

fn write_other(gap: u32, exception: Exception, out: &mut Vec<u8>) {
    let (kind, polyploid) = match exception {
        Exception::HalfMissing { alternate } => (u32::from(alternate), None),
        Exception::Haploid { alternate } => (2 + u32::from(alternate), None),
        // A missing call is never written here: it has its own set.
        Exception::HaploidMissing | Exception::Missing => (4, None),
        Exception::Polyploid {
            alternates,
            alleles,
        } => (5, Some([alternates, alleles])),
    };
    write_varint(gap << 3 | kind, out);
    out.extend(polyploid.into_iter().flatten());
}

fn set_code(payload: &mut [u8], sample: usize, code: u8) {
    let shift = 2 * (sample % 4);
    payload[sample / 4] = payload[sample / 4] & !(3 << shift) | code << shift;
}

/// Replaces the dense payload at the end of `out` by the sparse one, which is never longer: it has
/// fewer than one carrier in 16 samples, and at most four bytes for each.
fn replace_by_sparse(payload_at: usize, out: &mut Vec<u8>) {
    let dense_end = out.len();
    let mut next = 0;
    for index in 0..(dense_end - payload_at).div_ceil(8) {
        let mut word = RowReader(&out[payload_at + 8 * index..dense_end])
            .word()
            .unwrap_or(0);
        while word != 0 {
            let pair = word.trailing_zeros() / 2;
            let sample = (index * PER_WORD) as u32 + pair;
            let code = (word >> (2 * pair)) as u32 & 3;
            word &= !(3 << (2 * pair));
            write_varint((sample - next) << 2 | code, out);
            next = sample + 1;
        }
    }
    out.drain(payload_at..dense_end);
}
