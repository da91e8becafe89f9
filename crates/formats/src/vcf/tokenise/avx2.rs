//! 32 samples in four AVX2 registers. Two bits are compared away by exclusive or with `\t0?0`; what
//! is left are the alleles' lowest bits, which a shift brings to the bytes' highest bits and
//! `movemask` into one register.

use std::arch::x86_64::{
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_slli_epi32, _mm256_testz_si256, _mm256_xor_si256,
};

use super::{ALLELE_BITS, FullWord, WORD, template};

/// The function that packs 32 samples without missing alleles, where this processor has AVX2.
pub(super) fn full_word() -> Option<FullWord> {
    is_x86_feature_detected!("avx2").then_some(detected as FullWord)
}

/// Reached through [`full_word`] alone.
fn detected(chunk: &[u8; WORD], separator: u8) -> Option<u64> {
    // SAFETY: `full_word` hands out this function only if AVX2 was detected.
    unsafe { full_word_avx2(chunk, separator) }
}

#[target_feature(enable = "avx2")]
fn full_word_avx2(chunk: &[u8; WORD], separator: u8) -> Option<u64> {
    let template = _mm256_set1_epi32(template(separator) as i32);
    let [a, b, c, d] = [0, 1, 2, 3].map(|quarter| {
        // SAFETY: 32 bytes from `32 * quarter` on lie within the 128 bytes of `chunk`; the load
        // needs no alignment.
        let bytes = unsafe { _mm256_loadu_si256(chunk.as_ptr().add(32 * quarter).cast()) };
        _mm256_xor_si256(bytes, template)
    });
    let any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
    if _mm256_testz_si256(any, _mm256_set1_epi32(!ALLELE_BITS as i32)) == 0 {
        return None;
    }
    let [a, b, c, d] = [a, b, c, d].map(|x| _mm256_movemask_epi8(_mm256_slli_epi32::<7>(x)) as u32);
    let halves = [
        u64::from(a) | u64::from(b) << 32,
        u64::from(c) | u64::from(d) << 32,
    ];
    let [low, high] = halves.map(odd_bits);
    Some(low | high << 32)
}

/// The bits at odd places, moved together.
fn odd_bits(bits: u64) -> u64 {
    let mut x = bits >> 1 & 0x5555_5555_5555_5555;
    x = (x | x >> 1) & 0x3333_3333_3333_3333;
    x = (x | x >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    x = (x | x >> 4) & 0x00ff_00ff_00ff_00ff;
    x = (x | x >> 8) & 0x0000_ffff_0000_ffff;
    (x | x >> 16) & 0xffff_ffff
}
