//! Where the sorted p-values of a study without any association lie: the i-th smallest of n follows
//! Beta(i, n - i + 1).

/// The p below which the i-th smallest of `n` uniform p-values lies with the given probability; 1
/// <= i <= n.
pub(super) fn order_statistic(i: u64, n: u64, probability: f64) -> f64 {
    let (a, b) = (i as f64, (n - i + 1) as f64);
    let (mut low, mut high) = (-700.0_f64, 0.0_f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if incomplete_beta(a, b, middle.exp()) < probability {
            low = middle
        } else {
            high = middle
        }
    }
    ((low + high) / 2.0).exp()
}

/// The regularised incomplete beta function I_x(a, b) (DLMF 8.17.22), by its continued fraction.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    front.exp() / (a * fraction(a, b, x))
}

/// 1 + d1/(1 + d2/(1 + ...)), by the modified Lentz method (Thompson and Barnett 1986, J. Comput.
/// Phys. 64:490-509).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for step in 1..20_000_u32 {
        let m = f64::from(step / 2);
        let term = if step % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away_from_zero(1.0 + term * d, TINY);
        c = away_from_zero(1.0 + term / c, TINY);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-12 {
            break;
        }
    }
    value
}

fn away_from_zero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// ln Gamma(x) for x >= 1: Stirling's series (DLMF 5.11.1) after shifting x above 10.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square)
        / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: R 4.2.2, `sprintf("%.12g", qbeta(probability, i, n - i + 1))`.
    #[test]
    fn agrees_with_r() {
        for (i, n, probability, expected) in R_QBETA {
            let found = order_statistic(i, n, probability);
            assert!(
                (found / expected - 1.0).abs() < 1e-7,
                "{i} of {n} at {probability}: {found} {expected}"
            );
        }
    }

    const R_QBETA: [(u64, u64, f64, f64); 8] = [
        (1, 1, 0.025, 2.500000000000e-02),
        (1, 6085, 0.025, 4.160682878319e-06),
        (1, 6085, 0.975, 6.060413368045e-04),
        (50, 6085, 0.025, 6.104736080852e-03),
        (3000, 6085, 0.975, 5.054958898611e-01),
        (6085, 6085, 0.025, 9.993939586632e-01),
        (1, 1000000, 0.025, 2.531780766379e-08),
        (500000, 1000000, 0.975, 5.009794808076e-01),
    ];
}
