//! Random numbers that every run repeats: SplitMix64 from a seed, or from a text through SHA-256.
//! For draws of an evaluation only; it is no source of secrets.

use sha2::{Digest, Sha256};

/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", figure
/// 16).
#[derive(Clone, Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    /// A generator whose draws depend on `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator whose draws depend on `text` alone: its seed is [`first_eight_bytes`].
    pub fn of_text(text: &str) -> Self {
        Self(first_eight_bytes(text))
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A uniform number below `bound`, which is above 0. Lemire's multiplication; for the bounds
    /// here (below 2^32) its bias is below 2^-32.
    pub fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.next()) * bound as u128;
        (product >> 64) as usize
    }

    /// A uniform number of [0, 1) with 53 bits.
    #[cfg(test)]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts a uniform sample of `count` items in front, in random order (Fisher and Yates).
    pub fn shuffle_front<T>(&mut self, items: &mut [T], count: usize) {
        for place in 0..count.min(items.len()) {
            let other = place + self.below(items.len() - place);
            items.swap(place, other);
        }
    }
}

/// SplitMix64's finaliser: a bijection of 64 bits whose every output bit depends on every input
/// bit.
pub const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The first 8 bytes of SHA-256 of the text, big-endian.
pub fn first_eight_bytes(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_gives_the_published_sequence() {
        // The first outputs for seed 1234567 of the authors' C code
        // (prng.di.unimi.it/splitmix64.c).
        let mut random = SplitMix::new(1_234_567);
        let drawn = [random.next(), random.next(), random.next()];
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn the_seed_of_a_text_is_sha256() {
        // printf abc | sha256sum: ba7816bf8f01cfea...
        assert_eq!(first_eight_bytes("abc"), 0xba78_16bf_8f01_cfea);
    }

    #[test]
    fn numbers_below_a_bound_are_uniform() {
        let mut random = SplitMix::new(7);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[random.below(6)] += 1;
        }
        // Chi-square with 5 degrees of freedom: 20.5 is its 0.999 quantile.
        let chi: f64 = counts
            .iter()
            .map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi < 20.5, "{chi}");
    }
}
