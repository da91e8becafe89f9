//! Two-sided geometric noise (the discrete Laplace distribution), drawn exactly: integers and fair
//! bits only, so that no rounding of logarithms shows in the low bits (Canonne, Kamath, Steinke:
//! The discrete Gaussian for differential privacy, NeurIPS 2020, algorithms 1 and 2).

use rand_core::RngCore;

/// Noise X with P(X = k) proportional to exp(-|k| rate), for a rate that is a ratio of integers.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    numerator: u64,
    denominator: u64,
}

impl Noise {
    /// Neither may be 0; both are below 2^32, so that no product overflows.
    pub fn with_rate(numerator: u32, denominator: u32) -> Self {
        assert!(
            numerator > 0 && denominator > 0,
            "a rate is a ratio of positive integers"
        );
        let shared = gcd(numerator.into(), denominator.into());
        Self {
            numerator: u64::from(numerator) / shared,
            denominator: u64::from(denominator) / shared,
        }
    }

    /// exp(-rate), the ratio of the chances of one step.
    pub fn step(&self) -> f64 {
        (-(self.numerator as f64) / self.denominator as f64).exp()
    }

    /// P(X >= least), for `least` of 1 or more.
    pub fn reaches(&self, least: u32) -> f64 {
        let step = self.step();
        step.powf(f64::from(least)) / (1.0 + step)
    }

    pub fn draw(&self, rng: &mut impl RngCore) -> i64 {
        loop {
            let negative = rng.next_u32() & 1 == 1;
            let size = self.draw_size(rng);
            if !(negative && size == 0) {
                return if negative { -size } else { size };
            }
        }
    }

    /// Y >= 0 with P(Y = k) proportional to exp(-k rate): also how far X exceeds any bound above 0
    /// that it reaches.
    pub fn draw_size(&self, rng: &mut impl RngCore) -> i64 {
        loop {
            let part = below(self.denominator, rng);
            if happens(part, self.denominator, rng) {
                let mut whole = 0;
                while happens(1, 1, rng) {
                    whole += 1;
                }
                let size = (part + self.denominator * whole) / self.numerator;
                return size.min(i64::MAX as u64) as i64;
            }
        }
    }
}

/// True with chance exp(-numerator / denominator), for a ratio of at most 1.
fn happens(numerator: u64, denominator: u64, rng: &mut impl RngCore) -> bool {
    let mut k = 1;
    while below(denominator.saturating_mul(k), rng) < numerator {
        k += 1;
    }
    k % 2 == 1
}

/// A uniform integer below `bound`, which is not 0.
fn below(bound: u64, rng: &mut impl RngCore) -> u64 {
    // The largest multiple of the bound that 64 bits hold; what lies above it is drawn again.
    let usable = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = rng.next_u64();
        if drawn < usable {
            return drawn % bound;
        }
    }
}

/// A uniform number in (0, 1].
pub fn unit(rng: &mut impl RngCore) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    /// Pearson's chi-squared of 200,000 draws against the distribution's own formula.
    #[test]
    fn draws_follow_the_formula() {
        for (numerator, denominator) in [(1, 9), (4, 9), (16, 9), (64, 9), (500, 9000)] {
            let mut rng = ChaCha20Rng::seed_from_u64(7);
            let noise = Noise::with_rate(numerator, denominator);
            let (draws, reach) = (200_000, 4);
            let mut seen = [0_u32; 2 * 4 + 3];
            for _ in 0..draws {
                let x = noise.draw(&mut rng).clamp(-reach - 1, reach + 1);
                seen[usize::try_from(x + reach + 1).unwrap()] += 1;
            }
            let step = noise.step();
            let chance = |x: i64| match x.abs() {
                5 => noise.reaches(5),
                size => (1.0 - step) / (1.0 + step) * step.powi(i32::try_from(size).unwrap()),
            };
            let terms = (-reach - 1..=reach + 1).zip(seen).map(|(x, seen)| {
                let expected = chance(x) * f64::from(draws);
                // Cells too rare for the approximation are left out.
                if expected < 5.0 {
                    0.0
                } else {
                    (f64::from(seen) - expected).powi(2) / expected
                }
            });
            let chi_squared: f64 = terms.sum();
            // 10 degrees of freedom at the most: 29.6 is the 0.999 quantile.
            assert!(
                chi_squared < 29.6,
                "rate {numerator}/{denominator}: {chi_squared}"
            );
        }
    }

    #[test]
    fn sizes_follow_the_formula() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let noise = Noise::with_rate(1, 2);
        let mean = (0..100_000)
            .map(|_| noise.draw_size(&mut rng) as f64)
            .sum::<f64>()
            / 100_000.0;
        let expected = noise.step() / (1.0 - noise.step());
        assert!((mean - expected).abs() < 0.03, "{mean} for {expected}");
    }
}
