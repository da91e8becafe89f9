//! Tail probabilities against 20-digit values from mpmath (`expected/tails.py`).

use ligate_analysis::distributions::{Tail, chi_squared_1, normal_two_sided, student_t_two_sided};

const TABLE: &str = include_str!("expected/tails.tsv");
const TOLERANCE: f64 = 1e-12;

fn close(actual: f64, expected: f64) -> bool {
    (actual - expected).abs() <= TOLERANCE * expected.abs() + f64::MIN_POSITIVE
}

#[test]
fn tails_agree_with_mpmath_to_twelve_digits() {
    let mut rows = 0;
    for line in TABLE.lines().skip(2) {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |field: usize| fields[field].parse::<f64>().unwrap();
        let tail: Tail = match fields[0] {
            "normal" => normal_two_sided(-number(1)),
            _ => student_t_two_sided(-number(1), number(2)),
        };
        assert!(
            close(tail.p_value, number(3)),
            "{line}: p {:e}",
            tail.p_value
        );
        // Where p is near 1, its logarithm is as good as p is in absolute terms.
        let logarithm = (tail.neg_log10_p - number(4)).abs();
        assert!(
            logarithm <= TOLERANCE * number(4) + 1e-15,
            "{line}: -log10 p {:e}",
            tail.neg_log10_p
        );
        rows += 1;
    }
    assert_eq!(rows, 136);
}

#[test]
fn tails_survive_extremes() {
    assert_eq!(normal_two_sided(f64::INFINITY).p_value, 0.0);
    assert_eq!(student_t_two_sided(f64::INFINITY, 5.0).p_value, 0.0);
    assert!(student_t_two_sided(1e200, 900.0).neg_log10_p.is_finite());
    assert!(normal_two_sided(1e6).neg_log10_p > 1e11);
    assert!(normal_two_sided(f64::NAN).p_value.is_nan());
    assert!(student_t_two_sided(1.0, 0.0).p_value.is_nan());
    assert_eq!(chi_squared_1(4.0), normal_two_sided(2.0));
}
