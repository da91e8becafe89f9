//! The genomic inflation factor.
//!
//! Devlin B, Roeder K. Genomic control for association studies. Biometrics 55, 997 (1999): the
//! median of the chi-squared statistics over the median of the distribution that they follow where
//! nothing is associated.

/// The median of the chi-squared distribution with 1 degree of freedom.
const MEDIAN_CHI_SQUARED: f64 = 0.454_936_423_119_572_4;

/// Above this lambda, results are called inflated: mostly because ancestry is not corrected.
pub const INFLATED: f64 = 1.1;

/// Lambda of test statistics that are standard normal (or t) where nothing is associated. NaN
/// without statistics.
pub fn inflation(statistics: impl IntoIterator<Item = f64>) -> f64 {
    let mut squares: Vec<f64> = statistics.into_iter().map(|z| z * z).collect();
    squares.sort_unstable_by(f64::total_cmp);
    let half = squares.len() / 2;
    let median = match squares.len() {
        0 => return f64::NAN,
        odd if odd % 2 == 1 => squares[half],
        _ => (squares[half - 1] + squares[half]) / 2.0,
    };
    median / MEDIAN_CHI_SQUARED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let root = MEDIAN_CHI_SQUARED.sqrt();
        assert!((inflation([0.0, root, -9.0]) - 1.0).abs() < 1e-15);
        assert!((inflation([0.0, root, -root, 9.0]) - 1.0).abs() < 1e-15);
        assert!(inflation([]).is_nan());
    }
}
