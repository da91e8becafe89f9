//! Genotypes as nearly all files of many people write them: FORMAT is GT alone, alleles are 0, 1 or
//! `.`, one separator throughout, so that every sample takes four bytes, `\t0|1`. They become
//! packed codes 32 samples at a time. Anything else is refused here and read by `genotype`, which
//! gives the same result more slowly.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // AVX2 loads, of a length that the type checks
mod avx2;

/// Bytes of one sample, and of the 32 samples of one word of codes.
const SAMPLE: usize = 4;
const WORD: usize = 32 * SAMPLE;

/// Packs `field`, the sample columns each with the tab before it, into `codes` (32 samples a word,
/// two bits each, first allele lowest). Samples with a missing allele get code 0 and are listed in
/// `missing`, ascending. Gives the separator, or `None` if the field is not of this kind: then
/// `codes` and `missing` mean nothing.
pub(super) fn tokenise(field: &[u8], codes: &mut [u64], missing: &mut Vec<u32>) -> Option<u8> {
    tokenise_with(field, codes, missing, fastest())
}

type FullWord = fn(&[u8; WORD], u8) -> Option<u64>;

/// The fastest way that this machine has to pack 32 samples without missing alleles.
fn fastest() -> FullWord {
    #[cfg(target_arch = "x86_64")]
    if let Some(full_word) = avx2::full_word() {
        return full_word;
    }
    full_word
}

fn tokenise_with(
    field: &[u8],
    codes: &mut [u64],
    missing: &mut Vec<u32>,
    full: FullWord,
) -> Option<u8> {
    missing.clear();
    let separator = *field.get(2).filter(|byte| matches!(byte, b'/' | b'|'))?;
    if !field.len().is_multiple_of(SAMPLE) || codes.len() != field.len().div_ceil(WORD) {
        return None;
    }
    for (at, (chunk, code)) in field.chunks(WORD).zip(codes).enumerate() {
        let plain = <&[u8; WORD]>::try_from(chunk)
            .ok()
            .and_then(|chunk| full(chunk, separator));
        *code = match plain {
            Some(word) => word,
            None => any_word(chunk, separator, at as u32 * 32, missing)?,
        };
    }
    Some(separator)
}

/// `\t0?0` with the separator in place; the alleles' lowest bits are bits 8 and 24.
fn template(separator: u8) -> u32 {
    u32::from_le_bytes([b'\t', b'0', separator, b'0'])
}

const ALLELE_BITS: u32 = 0x0100_0100;

fn code(difference: u32) -> u64 {
    u64::from(difference >> 8 & 1 | difference >> 23 & 2)
}

/// 32 samples without missing alleles.
fn full_word(chunk: &[u8; WORD], separator: u8) -> Option<u64> {
    let template = template(separator);
    let (mut word, mut odd) = (0, 0);
    for (sample, bytes) in chunk.as_chunks::<SAMPLE>().0.iter().enumerate() {
        let difference = u32::from_le_bytes(*bytes) ^ template;
        odd |= difference & !ALLELE_BITS;
        word |= code(difference) << (2 * sample);
    }
    (odd == 0).then_some(word)
}

/// Up to 32 samples, some with missing alleles.
fn any_word(chunk: &[u8], separator: u8, first: u32, missing: &mut Vec<u32>) -> Option<u64> {
    let template = template(separator);
    let mut word = 0;
    for (sample, bytes) in chunk.as_chunks::<SAMPLE>().0.iter().enumerate() {
        let difference = u32::from_le_bytes(*bytes) ^ template;
        if difference & !ALLELE_BITS == 0 {
            word |= code(difference) << (2 * sample);
        } else {
            let [tab, a, middle, b] = *bytes;
            let allele = |byte| matches!(byte, b'0' | b'1' | b'.');
            if tab != b'\t' || middle != separator || !allele(a) || !allele(b) {
                return None;
            }
            missing.push(first + sample as u32);
        }
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(field: &[u8], full: FullWord) -> Option<(u8, Vec<u64>, Vec<u32>)> {
        let mut codes = vec![u64::MAX; field.len().div_ceil(WORD)];
        let mut missing = vec![7];
        let separator = tokenise_with(field, &mut codes, &mut missing, full)?;
        Some((separator, codes, missing))
    }

    fn naive(field: &[u8]) -> Option<(u8, Vec<u64>, Vec<u32>)> {
        let text = std::str::from_utf8(field).ok()?;
        let separator = *field.get(2).filter(|b| b"/|".contains(b))?;
        let mut codes = vec![0; (field.len() / 4).div_ceil(32)];
        let mut missing = Vec::new();
        for (sample, call) in text.strip_prefix('\t')?.split('\t').enumerate() {
            let [a, s, b] = call.as_bytes() else {
                return None;
            };
            if *s != separator || !b"01.".contains(a) || !b"01.".contains(b) {
                return None;
            }
            if *a == b'.' || *b == b'.' {
                missing.push(sample as u32);
            } else {
                codes[sample / 32] |= u64::from((a & 1) | (b & 1) << 1) << (2 * (sample % 32));
            }
        }
        Some((separator, codes, missing))
    }

    fn calls() -> impl Strategy<Value = Vec<u8>> {
        let allele = || prop_oneof![30 => Just(b'0'), 30 => Just(b'1'), 1 => Just(b'.')];
        let call = (allele(), allele()).prop_map(|(a, b)| [b'\t', a, b'|', b]);
        proptest::collection::vec(call, 1..300).prop_map(|calls| calls.concat())
    }

    proptest! {
        #[test]
        fn every_way_gives_what_a_plain_reader_gives(field in calls(), odd in 0_usize..2400, byte: u8) {
            let mut fields = vec![field.clone()];
            if let Some(place) = fields[0].clone().get(odd) {
                let mut changed = field;
                changed[odd] = if *place == b'|' && byte % 2 == 0 { b'/' } else { byte };
                fields.push(changed);
            }
            for field in fields {
                let expected = naive(&field);
                prop_assert_eq!(run(&field, full_word), expected.clone());
                prop_assert_eq!(run(&field, fastest()), expected);
            }
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        for field in [
            "",
            "\t0",
            "\t0/1\t0",
            "\t0/1\t0|1",
            "\t0/2",
            "\t0/1:",
            "x0/1",
        ] {
            assert_eq!(run(field.as_bytes(), fastest()), None, "{field}");
        }
    }
}
