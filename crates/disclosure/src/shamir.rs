//! Shamir's secret sharing (Shamir 1979) of 32-byte secrets over GF(2^8), byte by byte, with the
//! AES polynomial x^8 + x^4 + x^3 + x + 1. Time and memory access do not depend on the secret: no
//! tables, no branches on it. Refuses thresholds that share nothing out, and sets of shares that
//! repeat a place.

use std::num::NonZeroU8;

use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a secret and of the value of a share.
pub const SECRET_BYTES: usize = 32;

/// One share: the polynomial's value at `place`. Wiped from memory when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    place: NonZeroU8,
    value: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Share {
    pub fn new(place: NonZeroU8, value: [u8; SECRET_BYTES]) -> Self {
        Self {
            place,
            value: Zeroizing::new(value),
        }
    }

    pub fn place(&self) -> NonZeroU8 {
        self.place
    }

    pub fn value(&self) -> &[u8; SECRET_BYTES] {
        &self.value
    }
}

/// Why a secret could not be shared out or joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShamirError {
    #[error("a threshold of {threshold} of {places} shares is impossible")]
    Threshold { threshold: usize, places: usize },
    #[error("two shares have the same place")]
    RepeatedPlace,
    #[error("{shares} shares are too few, {threshold} are needed")]
    TooFew { shares: usize, threshold: usize },
}

/// Shares a secret out to `places` (distinct), so that any `threshold` of the shares give it back
/// and fewer tell nothing.
pub fn split(
    secret: &[u8; SECRET_BYTES],
    places: &[NonZeroU8],
    threshold: usize,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<Share>, ShamirError> {
    if threshold < 2 || threshold > places.len() {
        return Err(ShamirError::Threshold {
            threshold,
            places: places.len(),
        });
    }
    refuse_repeated(places.iter().copied())?;
    let mut coefficients = Zeroizing::new(vec![[0_u8; SECRET_BYTES]; threshold - 1]);
    for coefficient in coefficients.iter_mut() {
        rng.fill_bytes(coefficient);
    }
    Ok(places
        .iter()
        .map(|place| evaluate(secret, &coefficients, *place))
        .collect())
}

/// Gives the secret back from the first `threshold` of `shares`. Wrong shares give a wrong secret:
/// the caller checks it against something it knows of it.
pub fn join(
    shares: &[Share],
    threshold: usize,
) -> Result<Zeroizing<[u8; SECRET_BYTES]>, ShamirError> {
    let Some(shares) = shares.get(..threshold).filter(|_| threshold >= 2) else {
        return Err(ShamirError::TooFew {
            shares: shares.len(),
            threshold,
        });
    };
    refuse_repeated(shares.iter().map(Share::place))?;
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    for share in shares {
        let others = shares
            .iter()
            .map(Share::place)
            .filter(|place| *place != share.place);
        add_product(
            &mut secret,
            &share.value,
            weight_at_zero(share.place, others),
        );
    }
    Ok(secret)
}

fn refuse_repeated(places: impl Iterator<Item = NonZeroU8>) -> Result<(), ShamirError> {
    let mut seen = [false; 256];
    for place in places {
        if std::mem::replace(&mut seen[usize::from(place.get())], true) {
            return Err(ShamirError::RepeatedPlace);
        }
    }
    Ok(())
}

/// Horner's rule: the polynomial with `secret` as its constant term, at `place`.
fn evaluate(
    secret: &[u8; SECRET_BYTES],
    coefficients: &[[u8; SECRET_BYTES]],
    place: NonZeroU8,
) -> Share {
    let mut value = [0; SECRET_BYTES];
    for coefficient in coefficients.iter().rev().chain([secret]) {
        let mut next = *coefficient;
        add_product(&mut next, &value, place.get());
        value.zeroize();
        value = next;
        next.zeroize();
    }
    let share = Share::new(place, value);
    value.zeroize();
    share
}

/// Lagrange's weight of `place` at zero: the product of other / (other - place).
fn weight_at_zero(place: NonZeroU8, others: impl Iterator<Item = NonZeroU8>) -> u8 {
    others.fold(1, |weight, other| {
        product(
            weight,
            product(other.get(), inverse(other.get() ^ place.get())),
        )
    })
}

/// `sum += values * factor`, for 32 bytes at once.
fn add_product(sum: &mut [u8; SECRET_BYTES], values: &[u8; SECRET_BYTES], factor: u8) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum ^= product(*value, factor);
    }
}

/// Multiplication in GF(2^8) in eight steps, whatever the operands.
fn product(mut a: u8, b: u8) -> u8 {
    let mut sum = 0;
    for bit in 0..8 {
        sum ^= a & 0_u8.wrapping_sub((b >> bit) & 1);
        a = (a << 1) ^ (0x1b & 0_u8.wrapping_sub(a >> 7));
    }
    sum
}

/// a^254, which is 1 / a for a other than zero: a^(2 + 4 + ... + 128).
fn inverse(a: u8) -> u8 {
    let mut square = a;
    (0..7).fold(1, |power, _| {
        square = product(square, square);
        product(power, square)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn places(count: u8) -> Vec<NonZeroU8> {
        (1..=count).filter_map(NonZeroU8::new).collect()
    }

    #[test]
    fn the_field_is_that_of_aes() {
        // FIPS 197, sections 4.2 and 4.2.1.
        assert_eq!(product(0x57, 0x83), 0xc1);
        assert_eq!(product(0x57, 0x13), 0xfe);
        for a in 1..=255 {
            assert_eq!(product(a, inverse(a)), 1);
        }
    }

    #[test]
    fn known_polynomial() {
        // f(x) = 0x2a + 0x57 x in every byte, worked out by hand with FIPS 197's products.
        let share = evaluate(&[0x2a; 32], &[[0x57; 32]], NonZeroU8::new(0x83).unwrap());
        assert_eq!(share.value(), &[0x2a ^ 0xc1; 32]);
    }

    #[test]
    fn one_share_fewer_tells_nothing() {
        // Threshold 2: over all coefficients, one share takes every value exactly once, whatever
        // the secret.
        for secret in [0, 7, 255] {
            let place = NonZeroU8::new(3).unwrap();
            let values: std::collections::BTreeSet<u8> = (0..=255)
                .map(|c| evaluate(&[secret; 32], &[[c; 32]], place).value()[0])
                .collect();
            assert_eq!(values.len(), 256);
        }
    }

    #[test]
    fn impossible_thresholds_and_repeated_places_are_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for threshold in [0, 1, 4] {
            let refused = split(&[0; 32], &places(3), threshold, &mut rng);
            assert!(
                matches!(refused, Err(ShamirError::Threshold { .. })),
                "{threshold}"
            );
        }
        let twice = [places(1)[0]; 2];
        assert!(matches!(
            split(&[0; 32], &twice, 2, &mut rng),
            Err(ShamirError::RepeatedPlace)
        ));
        let shares = split(&[9; 32], &places(3), 2, &mut rng).unwrap();
        let repeated = [shares[0].clone(), shares[0].clone()];
        assert!(matches!(
            join(&repeated, 2),
            Err(ShamirError::RepeatedPlace)
        ));
        assert!(matches!(
            join(&shares[..1], 2),
            Err(ShamirError::TooFew { .. })
        ));
        assert!(matches!(join(&shares, 1), Err(ShamirError::TooFew { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_threshold_of_the_shares_give_the_secret_back(
            secret in any::<[u8; 32]>(), count in 2_u8..=64, extra in 0_usize..64, start in 0_usize..64, seed: u64,
        ) {
            let threshold = 2 + extra % (usize::from(count) - 1);
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut shares = split(&secret, &places(count), threshold, &mut rng).unwrap();
            shares.rotate_left(start % usize::from(count));
            prop_assert_eq!(*join(&shares, threshold).unwrap(), secret);
            let mut spoiled = shares[..threshold].to_vec();
            spoiled[0] = Share::new(spoiled[0].place(), spoiled[0].value().map(|byte| byte ^ 1));
            prop_assert_ne!(*join(&spoiled, threshold).unwrap(), secret);
        }
    }
}
