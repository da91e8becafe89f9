//! Fixed-point numbers whose sums do not depend on the order of adding.
//!
//! Owns the three roundings of DESIGN.md, "Bit-identical for any split": raw values to 2^(E-40),
//! standardised values and products to 2^-30, means and deviations to 30 significant bits.
//! Everything is integer arithmetic or one IEEE operation after another; nothing here depends on
//! how people are split. Refuses variables without spread.
//!
//! Bounds, for N < 2^31 people: a raw value is at most 2^40, its sum 2^71, the sum of its squares
//! 2^111 (128 bits, in limbs). Standardised values have a mean square of 1, so that by
//! Cauchy-Schwarz a sum of products of two is at most N, which is 2^61 in fixed point; a
//! dosage-weighted sum is at most 2N, 2^62: both fit a two's complement word.

use serde::{Deserialize, Serialize};

/// Bits after the binary point of everything that is summed.
pub const FRACTION_BITS: u32 = 30;
/// 1 in fixed point.
pub const ONE: i64 = 1 << FRACTION_BITS;
/// Bits of a raw value: it is rounded to 2^(E - RAW_BITS).
pub const RAW_BITS: i32 = 40;
/// Exponents lie in -MAX_EXPONENT..=MAX_EXPONENT, so that no power of two in use overflows or
/// vanishes.
pub const MAX_EXPONENT: i16 = 900;
/// Words that carry one 128-bit sum.
pub const LIMBS: usize = 4;
/// A deviation below 2^-20 of the scale counts as none: in units of 2^(E-40).
const SMALLEST_DEVIATION: f64 = (1_u64 << 20) as f64;
const LARGEST_RAW: i64 = 1 << RAW_BITS;

/// The exponent E of the smallest power of two that bounds every |x|, at least -900; `None` above
/// 2^900 or where a value is not finite. No values at all give -900.
pub fn exponent(values: impl IntoIterator<Item = f64>) -> Option<i16> {
    let mut largest = 0.0_f64;
    for value in values {
        if !value.is_finite() {
            return None;
        }
        largest = largest.max(value.abs());
    }
    let (fraction, power) = libm::frexp(largest);
    let smallest = if fraction == 0.5 { power - 1 } else { power };
    let bounded = if largest == 0.0 {
        -i32::from(MAX_EXPONENT)
    } else {
        smallest
    };
    i16::try_from(bounded.max(-i32::from(MAX_EXPONENT)))
        .ok()
        .filter(|e| *e <= MAX_EXPONENT)
}

/// A raw value in units of 2^(E-40), at most 2^40 where E bounds it.
pub fn raw(value: f64, exponent: i16) -> i64 {
    libm::ldexp(value, RAW_BITS - i32::from(exponent)).round_ties_even() as i64
}

/// Rounds to fixed point, half to even; values of 2^33 and more saturate.
pub fn fixed(value: f64) -> i64 {
    // Adding 1.5 * 2^52 leaves the rounded integer in the low bits of the mantissa: one addition
    // instead of a call.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let scaled = value * ONE as f64;
    if scaled.abs() < 2_251_799_813_685_248.0 {
        ((scaled + SHIFT).to_bits() as i64).wrapping_sub(SHIFT.to_bits() as i64)
    } else {
        scaled.round_ties_even() as i64
    }
}

/// The value of a fixed-point number; exact below 2^53 units, rounded to nearest above.
pub fn unfixed(value: i64) -> f64 {
    value as f64 / ONE as f64
}

/// Sums over all people, without those over some of them, word by word.
pub fn without(all: &[i64], part: &[i64]) -> Vec<i64> {
    let words = all.iter().zip(part);
    words.map(|(all, part)| all.wrapping_sub(*part)).collect()
}

/// The product of two fixed-point numbers, rounded half up to fixed point.
pub fn product(a: i64, b: i64) -> i64 {
    ((i128::from(a) * i128::from(b) + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS) as i64
}

/// A 128-bit number as four 32-bit limbs, lowest first, each in a word of its own: up to 2^32
/// vectors can be added word by word before a limb would wrap.
pub fn limbs(value: i128) -> [u64; LIMBS] {
    std::array::from_fn(|limb| (value as u128 >> (32 * limb)) as u64 & 0xffff_ffff)
}

/// The 128-bit number of added limbs: here the carries are propagated.
pub fn carry(limbs: [u64; LIMBS]) -> i128 {
    let sum = limbs.iter().enumerate().fold(0_u128, |sum, (limb, word)| {
        sum.wrapping_add(u128::from(*word) << (32 * limb))
    });
    sum as i128
}

/// How a variable is standardised over all people of the run: part of the broadcast state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// E: 2^E bounds the variable.
    pub exponent: i16,
    /// Mean in units of 2^(E-40), 30 significant bits.
    pub mean: i64,
    /// Root mean square around that mean in units of 2^(E-40), 30 significant bits, between 2^20
    /// and 2^41.
    pub deviation: f64,
    /// What a person without a value counts as, standardised, in fixed point: 0 is the mean. At
    /// most one deviation, so that the mean square stays at most 1.
    pub fill: i64,
}

/// Why a variable cannot be standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unscalable {
    /// Its deviation is less than 2^-20 of its scale.
    Constant,
    /// The sums are not those of values within the exponent.
    Impossible,
}

impl Scaling {
    /// Mean and deviation from the exact sum and sum of squares of raw values of `people` people
    /// (one or more).
    pub fn from_sums(
        exponent: i16,
        sum: i128,
        squares: i128,
        people: u64,
    ) -> Result<Self, Unscalable> {
        let count = i128::from(people.max(1));
        if sum.unsigned_abs() > (count * i128::from(LARGEST_RAW)) as u128 {
            return Err(Unscalable::Impossible);
        }
        let nearest = (2 * sum + count).div_euclid(2 * count);
        let mean = thirty_bits(nearest as f64) as i64;
        let spread = around(sum, squares, count, i128::from(mean)).ok_or(Unscalable::Impossible)?;
        let deviation = thirty_bits((spread as f64 / count as f64).sqrt());
        if deviation < SMALLEST_DEVIATION {
            return Err(Unscalable::Constant);
        }
        let scaling = Self {
            exponent,
            mean,
            deviation,
            fill: 0,
        };
        if scaling.is_valid() {
            Ok(scaling)
        } else {
            Err(Unscalable::Impossible)
        }
    }

    /// Whether the numbers are within the documented bounds: what a node checks before it uses
    /// them.
    pub fn is_valid(&self) -> bool {
        self.exponent.unsigned_abs() <= MAX_EXPONENT.unsigned_abs()
            && self.mean.unsigned_abs() <= LARGEST_RAW.unsigned_abs()
            && (SMALLEST_DEVIATION..=2.0 * LARGEST_RAW as f64).contains(&self.deviation)
            && self.fill.unsigned_abs() <= ONE.unsigned_abs()
    }

    /// The same scaling, where people without a value count as `value`; none where that is more
    /// than a deviation from the mean, as a value of another unit or coding is. (Of a variable that
    /// half of the people have one of two values of, both are a deviation from the mean, to within
    /// rounding.)
    pub fn filled_with(self, value: f64) -> Option<Self> {
        const ROUNDING: i64 = ONE >> 20;
        let fill = self.standardise(value);
        let near = (-ONE - ROUNDING..=ONE + ROUNDING).contains(&fill);
        near.then(|| Self {
            fill: fill.clamp(-ONE, ONE),
            ..self
        })
    }

    /// The mean in the variable's own units.
    pub fn centre(&self) -> f64 {
        libm::ldexp(self.mean as f64, i32::from(self.exponent) - RAW_BITS)
    }

    /// What people without a value count as, in the variable's own units.
    pub fn fill_value(&self) -> f64 {
        self.centre() + unfixed(self.fill) * self.unit()
    }

    /// The standardised value in fixed point, at most 2^21 in size (and sqrt(N) over the people of
    /// the run). A missing value (not a number) is filled.
    pub fn standardise(&self, value: f64) -> i64 {
        if value.is_nan() {
            return self.fill;
        }
        fixed((raw(value, self.exponent) - self.mean) as f64 / self.deviation)
    }

    /// One standard deviation in the variable's own units.
    pub fn unit(&self) -> f64 {
        libm::ldexp(self.deviation, i32::from(self.exponent) - RAW_BITS)
    }
}

/// Sum of (q - mean)^2 = squares - 2 mean sum + count mean^2, exact: each term is at most 2^112.
fn around(sum: i128, squares: i128, count: i128, mean: i128) -> Option<i128> {
    let spread = squares
        .checked_sub(2 * mean * sum)?
        .checked_add(count * mean * mean)?;
    (spread >= 0).then_some(spread)
}

/// Rounds a finite number to 30 significant bits, half away from zero.
fn thirty_bits(value: f64) -> f64 {
    const DROPPED: u32 = 53 - 30;
    let bits = value.to_bits() + (1 << (DROPPED - 1));
    f64::from_bits(bits & !((1 << DROPPED) - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exponents_bound_tightly() {
        for (values, expected) in [
            (vec![1.0, -0.3], Some(0)),
            (vec![1.0000001], Some(1)),
            (vec![-4.0, 3.0], Some(2)),
            (vec![0.2], Some(-2)),
            (vec![0.0], Some(-900)),
            (vec![], Some(-900)),
            (vec![1e300], None),
            (vec![f64::NAN], None),
        ] {
            assert_eq!(exponent(values.clone()), expected, "{values:?}");
        }
    }

    #[test]
    fn thirty_bits_are_kept() {
        assert_eq!(
            thirty_bits(1.0 + 2.0_f64.powi(-29)),
            1.0 + 2.0_f64.powi(-29)
        );
        assert_eq!(thirty_bits(1.0 + 2.0_f64.powi(-31)), 1.0);
        assert_eq!(thirty_bits(-3.0), -3.0);
        assert_eq!(thirty_bits(0.0), 0.0);
    }

    #[test]
    fn a_large_offset_is_no_spread() {
        let values = [1.0e6, 1.0e6 + 1e-3];
        let quantised = values.map(|value| i128::from(raw(value, 20)));
        let (sum, squares) = (
            quantised.iter().sum(),
            quantised.iter().map(|q| q * q).sum(),
        );
        assert_eq!(
            Scaling::from_sums(20, sum, squares, 2),
            Err(Unscalable::Constant)
        );
        assert_eq!(
            Scaling::from_sums(20, i128::MAX, 0, 2),
            Err(Unscalable::Impossible)
        );
        assert_eq!(
            Scaling::from_sums(20, 1 << 50, 0, 1 << 30),
            Err(Unscalable::Impossible)
        );
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_values() {
        let values = [3.5, 4.25, -1.0, 7.75, 2.0];
        let quantised = values.map(|value| i128::from(raw(value, 3)));
        let (sum, squares) = (
            quantised.iter().sum(),
            quantised.iter().map(|q| q * q).sum(),
        );
        let scaling = Scaling::from_sums(3, sum, squares, 5).unwrap();
        let mean = values.iter().sum::<f64>() / 5.0;
        let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 5.0).sqrt();
        assert!((scaling.unit() - deviation).abs() < 1e-8);
        for value in values {
            assert!(
                (unfixed(scaling.standardise(value)) - (value - mean) / deviation).abs() < 1e-8
            );
        }
    }

    proptest! {
        #[test]
        fn limbs_add_word_by_word(values in prop::collection::vec((any::<i64>(), any::<i64>()), 1..40)) {
            let mut words = [0_u64; LIMBS];
            let mut expected = 0_i128;
            for (a, b) in values {
                let value = i128::from(a) * i128::from(b) / 64;
                expected += value;
                for (word, limb) in words.iter_mut().zip(limbs(value)) {
                    *word = word.wrapping_add(limb);
                }
            }
            prop_assert_eq!(carry(words), expected);
        }

        #[test]
        fn fixed_rounds_to_nearest(value in -1e9_f64..1e9) {
            let exact = value * ONE as f64;
            prop_assert!((fixed(value) as f64 - exact).abs() <= 0.5_f64.max(exact.abs() * 1e-15));
        }

        #[test]
        fn products_round_half_up(a in -(1_i64 << 45)..(1_i64 << 45), b in -(1_i64 << 45)..(1_i64 << 45)) {
            let exact = i128::from(a) * i128::from(b);
            let rounded = i128::from(product(a, b)) << FRACTION_BITS;
            prop_assert!(rounded - exact <= 1 << 29 && exact - rounded < 1 << 29);
            prop_assert_eq!(product(a, ONE), a);
        }
    }
}
