//! exp of many numbers at once, with the bits of `libm::exp`.
//!
//! `libm::exp` (FreeBSD's e_exp.c) decides by branches; here both sides are computed and chosen,
//! the same operations in the same order, so that the compiler can use the processor's vectors.
//! Numbers beyond the range in which no special case occurs are left to libm itself.

/// 1.5 * 2^52: adding it leaves a rounded integer in the low bits of the mantissa.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// Below it in size nothing overflows, vanishes or is subnormal.
const LARGEST: f64 = 708.0;
/// libm compares the high words of numbers: the smallest numbers beyond its bounds 0.5 ln 2, 1.5 ln
/// 2 and 2^-28.
const HALF_LN2: f64 = f64::from_bits(0x3fd6_2e43_0000_0000);
const ONE_AND_HALF_LN2: f64 = f64::from_bits(0x3ff0_a2b2_0000_0000);
const TINY: f64 = f64::from_bits(0x3e30_0001_0000_0000);

const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
const INVERSE_LN2: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);
const P1: f64 = f64::from_bits(0x3fc5_5555_5555_553e);
const P2: f64 = f64::from_bits(0xbf66_c16c_16be_bd93);
const P3: f64 = f64::from_bits(0x3f11_566a_af25_de2c);
const P4: f64 = f64::from_bits(0xbebb_bd41_c5d2_6bf1);
const P5: f64 = f64::from_bits(0x3e66_3769_72be_a4d0);

/// Replaces every number by its exponential.
#[inline]
pub(crate) fn exp<const N: usize>(numbers: &mut [f64; N]) {
    let usual = numbers
        .iter()
        .fold(true, |usual, x| usual & (x.abs() < LARGEST));
    if usual {
        exp_of_usual(numbers);
    } else {
        numbers.iter_mut().for_each(|x| *x = libm::exp(*x));
    }
}

/// One loop for each step: what stands in an array is computed for all, and no branch can skip it.
#[inline(always)]
fn exp_of_usual<const N: usize>(numbers: &mut [f64; N]) {
    let (mut multiples, mut exponentials) = ([0.0; N], [0.0; N]);
    for (k, x) in multiples.iter_mut().zip(&*numbers) {
        *k = truncated((INVERSE_LN2 * x + 0.5_f64.copysign(*x)).abs());
    }
    for (k, x) in multiples.iter_mut().zip(&*numbers) {
        let whole = if x.abs() >= ONE_AND_HALF_LN2 { *k } else { 1.0 };
        *k = if x.abs() >= HALF_LN2 {
            whole.copysign(*x)
        } else {
            0.0
        };
    }
    for ((y, k), x) in exponentials.iter_mut().zip(&multiples).zip(&*numbers) {
        let (high, low) = (x - k * LN2_HIGH, k * LN2_LOW);
        let rest = high - low;
        let square = rest * rest;
        let c = rest - square * (P1 + square * (P2 + square * (P3 + square * (P4 + square * P5))));
        // 2^k: k + 1023 goes from the low bits of the mantissa to the exponent's place.
        let power = f64::from_bits((k + (SHIFT + 1023.0)).to_bits() << 52);
        *y = (1.0 + (rest * c / (2.0 - c) - low + high)) * power;
    }
    for (x, y) in numbers.iter_mut().zip(&exponentials) {
        *x = if x.abs() >= TINY { *y } else { 1.0 + *x };
    }
}

/// The integer part of a number from 0 to 2^51.
#[inline(always)]
fn truncated(x: f64) -> f64 {
    let nearest = (x + SHIFT) - SHIFT;
    if nearest > x { nearest - 1.0 } else { nearest }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{
        ChaCha8Rng,
        rand_core::{RngCore, SeedableRng},
    };

    use super::*;

    fn check(numbers: [f64; 4]) {
        let mut exponentials = numbers;
        exp(&mut exponentials);
        for (x, found) in numbers.iter().zip(exponentials) {
            assert_eq!(found.to_bits(), libm::exp(*x).to_bits(), "exp({x:e})");
        }
    }

    #[test]
    fn bits_are_those_of_libm() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200_000 {
            let bits = random.next_u64();
            let unit = (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
            let small = f64::from_bits(bits & 0x803f_ffff_ffff_ffff | 0x3d80_0000_0000_0000);
            check([unit * 4.0, unit * 40.0, unit * 1415.0, small]);
        }
    }

    #[test]
    fn bounds_between_cases_are_those_of_libm() {
        for bound in [
            HALF_LN2,
            ONE_AND_HALF_LN2,
            TINY,
            f64::EPSILON,
            0.5,
            1.0,
            2.0,
            1022.0 * std::f64::consts::LN_2,
        ] {
            for step in -3_i64..=3 {
                let near = f64::from_bits((bound.to_bits() as i64 + step) as u64);
                let word = f64::from_bits((bound.to_bits() as i64 + (step << 32)) as u64);
                check([near, -near, word, -word]);
            }
        }
        check([0.0, -0.0, 707.999_999, -707.999_999]);
    }

    #[test]
    fn special_cases_are_those_of_libm() {
        check([710.0, -708.5, -746.0, 1.0]);
        check([f64::INFINITY, f64::NEG_INFINITY, -1.0, 800.0]);
        let mut undefined = [f64::NAN, 1.0, 2.0, 3.0];
        exp(&mut undefined);
        assert!(undefined[0].is_nan());
    }
}
