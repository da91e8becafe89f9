//! Two-sided tail probabilities of the normal, chi-squared (1 df) and Student's t distributions.
//!
//! Every tail comes with its negative decimal logarithm, which stays finite where the probability
//! itself is too small for an f64. `libm` functions and exact IEEE operations only, hence the same
//! bits on every machine. Relative accuracy about 1e-12, held by a table of 20-digit values
//! (`tests/expected/tails.tsv`).

use std::f64::consts::{LN_10, PI, SQRT_2};

/// A two-sided tail probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The probability; 0 or subnormal below 1e-308.
    pub p_value: f64,
    /// -log10 of the probability, also where it underflows.
    pub neg_log10_p: f64,
}

impl Tail {
    fn from_ln(ln_p: f64) -> Self {
        Self {
            p_value: libm::exp(ln_p),
            neg_log10_p: 0.0_f64.max(-ln_p / LN_10),
        }
    }

    /// From the probability of the middle, where that is the accurate number.
    fn from_complement(middle: f64) -> Self {
        Self {
            p_value: 1.0 - middle,
            neg_log10_p: 0.0_f64.max(-libm::log1p(-middle) / LN_10),
        }
    }

    const NAN: Self = Self {
        p_value: f64::NAN,
        neg_log10_p: f64::NAN,
    };
}

/// P(|Z| >= |z|) of a standard normal Z.
pub fn normal_two_sided(z: f64) -> Tail {
    let z = z.abs();
    if z.is_nan() {
        Tail::NAN
    } else if z < 0.5 {
        Tail::from_complement(libm::erf(z / SQRT_2))
    } else if z < 5.0 {
        let p_value = libm::erfc(z / SQRT_2);
        Tail {
            p_value,
            neg_log10_p: -libm::log10(p_value),
        }
    } else {
        Tail::from_ln(-z * z / 2.0 + libm::log(2.0 / PI) / 2.0 - libm::log(inverse_mills(z)))
    }
}

/// P(X >= x) of a chi-squared X with 1 degree of freedom.
pub fn chi_squared_1(x: f64) -> Tail {
    normal_two_sided(x.max(0.0).sqrt())
}

/// The density over the upper tail of a standard normal for z >= 5: Laplace's continued fraction
/// z + 1/(z + 2/(z + 3/...)) (Abramowitz & Stegun 26.2.14), from the inside; 100 terms are exact to
/// the last bit.
fn inverse_mills(z: f64) -> f64 {
    (1..=100)
        .rev()
        .fold(z, |inner, term| z + f64::from(term) / inner)
}

/// P(|T| >= |t|) of Student's T with `degrees` > 0 degrees of freedom (up to 2^31).
///
/// The tail is the regularised incomplete beta function I_x(v/2, 1/2) at x = v/(v + t^2)
/// (Abramowitz & Stegun 26.5.27, 26.7.1): a continued fraction in the tail, a series of positive
/// terms in the middle.
pub fn student_t_two_sided(t: f64, degrees: f64) -> Tail {
    // There p is still above 0.004, so that 1 - middle keeps its digits.
    const SERIES_BELOW: f64 = 8.0;
    let t = t.abs();
    if t.is_nan() || degrees.is_nan() || degrees <= 0.0 {
        return Tail::NAN;
    }
    if t.is_infinite() {
        return Tail {
            p_value: 0.0,
            neg_log10_p: f64::INFINITY,
        };
    }
    let a = degrees / 2.0;
    // ln(1 + t^2/v), also where t^2 overflows.
    let ln_one_plus = if t > 1e100 {
        2.0 * libm::log(t) - libm::log(degrees)
    } else {
        libm::log1p(t * t / degrees)
    };
    let x = libm::exp(-ln_one_plus);
    let y = if t > 1e100 {
        1.0
    } else {
        t * t / (degrees + t * t)
    };
    if t * t > SERIES_BELOW {
        let ln_front = -a * ln_one_plus + libm::log(y) / 2.0 - ln_beta_half(a);
        Tail::from_ln(ln_front - libm::log(beta_fraction(a, 0.5, x, y)))
    } else {
        let front = libm::exp(-a * ln_one_plus - ln_beta_half(a)) * 2.0 * y.sqrt();
        Tail::from_complement(front * middle_series(a, y))
    }
}

/// ln B(a, 1/2) = ln(sqrt(pi) G(a) / G(a + 1/2)), without the cancellation of two large log-gammas.
fn ln_beta_half(a: f64) -> f64 {
    // G(a + 1/2) / G(a), from a point where the asymptotic series has converged down to a.
    let mut point = a;
    let mut factor = 1.0;
    while point < 32.0 {
        factor *= point / (point + 0.5);
        point += 1.0;
    }
    // Differences of Stirling's series at a + 1/2 and a: the next term is 4e-3 / 32^11.
    let inverse = 1.0 / point;
    let square = inverse * inverse;
    let series = inverse
        * (-1.0 / 8.0
            + square
                * (1.0 / 192.0
                    + square
                        * (-1.0 / 640.0
                            + square * (17.0 / 14_336.0 - square * (31.0 / 18_432.0)))));
    libm::log(PI) / 2.0 - libm::log(factor) - libm::log(point) / 2.0 - series
}

/// The continued fraction of the incomplete beta function of Didonato & Morris (ACM TOMS 18, 360
/// (1992), eq. 9), by Lentz's method; `y` is 1 - x. It does not cancel where x is near 1, as the
/// classical one does.
fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    const ROUNDS: u32 = 10_000;
    let denominator = |m: f64| {
        m + m * (b - m) * x / (a + 2.0 * m - 1.0)
            + (a + m) / (a + 2.0 * m + 1.0) * (a * y - b * x + 1.0 + m * (1.0 + y))
    };
    let mut value = a / (a + 1.0) * (a * y - b * x + 1.0);
    let (mut c, mut d) = (value, 0.0);
    for round in 1..=ROUNDS {
        let m = f64::from(round);
        let twice = a + 2.0 * m - 1.0;
        let numerator = ((a + m - 1.0) / twice) * ((a + b + m - 1.0) / twice) * m * (b - m) * x * x;
        d = 1.0 / (denominator(m) + numerator * d);
        c = denominator(m) + numerator / c;
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// Sum over n of (a + 1/2)_n / (3/2)_n y^n: I_y(1/2, a) over its front factor (Abramowitz & Stegun
/// 26.5.4).
fn middle_series(a: f64, y: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 0..1000 {
        let n = f64::from(n);
        term *= (a + 0.5 + n) / (1.5 + n) * y;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}
