//! Numbers as text: the shortest digits that read back as the same bits, and p-values below what 64
//! bits hold.

use super::MISSING;

/// P-values below this are written from their logarithm: the smallest f64 with full precision is
/// 2.2e-308.
const SMALLEST_PLAIN_P: f64 = 1e-300;

/// The shortest decimal that reads back as the same f64; scientific where that is shorter to read.
pub(super) fn exact(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

/// Significant digits of what leaves the environment; frequencies have three decimals.
pub(super) const EXPORTED_DIGITS: u32 = 4;

/// The value to so many significant digits: what is kept of an exact sum over people outside their
/// own node. A longer number could carry a code, digit by digit.
pub(super) fn significant(value: f64, digits: usize) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    format!("{value:.0$e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(value)
}

/// A count to so many significant digits.
pub fn significant_count(count: u64, digits: u32) -> u64 {
    let unit = 10_u64.pow(
        count
            .checked_ilog10()
            .unwrap_or(0)
            .saturating_sub(digits.saturating_sub(1)),
    );
    (count / unit + u64::from(count % unit * 2 >= unit && unit > 1)).saturating_mul(unit)
}

pub(super) fn exact_or_missing(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| MISSING.to_owned(), exact)
}

pub(super) fn count_or_missing(value: Option<u64>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

/// A p-value that is never zero. Where f64 has no such number, six digits and the exponent come
/// from -log10 p, as in `4.10159e-412`; the column of -log10 p beside it holds all digits.
pub(super) fn p_value(p: f64, neg_log10_p: f64) -> Option<String> {
    if (SMALLEST_PLAIN_P..=1.0).contains(&p) {
        return Some(exact(p));
    }
    if !(0.0..SMALLEST_PLAIN_P).contains(&p) || !neg_log10_p.is_finite() || neg_log10_p < 299.0 {
        return None;
    }
    let (mut mantissa, mut exponent) = (
        10_f64.powf(1.0 - neg_log10_p.fract()),
        -neg_log10_p.trunc() - 1.0,
    );
    if mantissa >= 9.999_995 {
        (mantissa, exponent) = (mantissa / 10.0, exponent + 1.0);
    }
    Some(format!("{mantissa:.5}e{exponent:.0}"))
}

/// -log10 of the two-sided p of a standard normal `z` so large that p underflows (Abramowitz &
/// Stegun 26.2.12).
pub(super) fn neg_log10_p_of_large(z: f64) -> f64 {
    let square = z * z;
    let series = 1.0 - 1.0 / square + 3.0 / (square * square);
    let ln_p =
        -square / 2.0 - z.abs().ln() + (2.0 / std::f64::consts::PI).sqrt().ln() + series.ln();
    -ln_p / std::f64::consts::LN_10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leading_digits_are_kept() {
        for (value, six, four) in [
            (0.084_980_237_165, 0.084_980_2, 0.084_98),
            (-123_456.789, -123_457.0, -123_500.0),
            (9.999_999_9, 10.0, 10.0),
            (0.0, 0.0, 0.0),
            (1.234_567e-300, 1.234_57e-300, 1.235e-300),
        ] {
            assert_eq!((significant(value, 6), significant(value, 4)), (six, four));
        }
        assert!(significant(f64::NAN, 4).is_nan());
        let counts = [0, 9, 9999, 10_004, 10_005, 123_456, u64::MAX]
            .map(|count| significant_count(count, 4));
        assert_eq!(counts[..6], [0, 9, 9999, 10_000, 10_010, 123_500]);
    }

    #[test]
    fn every_bit_comes_back() {
        let mut state = 7_u64;
        let values = (0..20_000).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(state)
        });
        for value in values
            .filter(|value| value.is_finite())
            .chain([0.0, -0.0, 1.0, 0.1, 5e-324, 1e15, 1e-4])
        {
            let text = exact(value);
            assert_eq!(
                text.parse::<f64>().unwrap().to_bits(),
                value.to_bits(),
                "{text}"
            );
        }
        assert_eq!(exact(4.10159e-64), "4.10159e-64");
        assert_eq!(exact(0.581805), "0.581805");
    }

    #[test]
    fn tiny_p_values_stay_above_zero_and_true() {
        assert_eq!(p_value(1e-299, 299.0).unwrap(), "1e-299");
        assert_eq!(p_value(0.0, 412.387_047_754_9).unwrap(), "4.10159e-413");
        assert_eq!(p_value(3e-310, 309.522_878_745_3).unwrap(), "3.00000e-310");
        assert_eq!(p_value(0.0, 400.0).unwrap(), "1.00000e-400");
        assert_eq!(p_value(1.0, 0.0).unwrap(), "1");
    }

    #[test]
    fn impossible_p_values_are_refused() {
        for (p, log) in [
            (f64::NAN, 1.0),
            (1.5, 0.0),
            (-0.1, 1.0),
            (0.0, f64::INFINITY),
            (0.0, 3.0),
        ] {
            assert_eq!(p_value(p, log), None, "{p} {log}");
        }
    }

    /// Oracle, R 4.2.2: -pnorm(z, lower = FALSE, log.p = TRUE) / log(10) - log10(2).
    #[test]
    fn large_z_agrees_with_r() {
        for (z, expected) in [
            (38.0, 315.238_759_708_299),
            (40.0, 349.135_976_463_682),
            (-60.0, 783.606_399_168_447),
        ] {
            assert!(
                (neg_log10_p_of_large(z) / expected - 1.0).abs() < 1e-8,
                "{z}"
            );
        }
    }
}
