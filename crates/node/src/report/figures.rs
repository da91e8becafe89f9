//! Numbers as people read them. Exact values are in the tables beside the report.

/// Thousands apart by narrow spaces that do not break: 6 085.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Three significant digits and a true minus sign: "−0.228", "0.0264".
pub(super) fn effect(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let magnitude = if value == 0.0 {
        0.0
    } else {
        value.abs().log10().floor()
    };
    let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

/// "2.7 × 10⁻⁵⁰" or "0.023", from -log10 p, so that no p is too small.
pub(super) fn p_value(neg_log10_p: f64) -> String {
    if !neg_log10_p.is_finite() {
        return "–".to_owned();
    }
    if neg_log10_p < 3.0 {
        return effect(10_f64.powf(-neg_log10_p));
    }
    let (mut mantissa, mut exponent) = (
        10_f64.powf(1.0 - neg_log10_p.fract()),
        neg_log10_p.trunc() as u64 + 1,
    );
    if mantissa >= 9.95 {
        (mantissa, exponent) = (mantissa / 10.0, exponent - 1);
    }
    format!("{mantissa:.1}\u{202f}×\u{202f}10{}", superscript(exponent))
}

fn superscript(exponent: u64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = exponent
        .to_string()
        .bytes()
        .map(|b| DIGITS[usize::from(b - b'0')])
        .collect::<String>();
    format!("⁻{digits}")
}

/// "1 site", "3 sites".
pub(super) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(
            (effect(-0.228_018), effect(0.026_441), effect(12.345)),
            ("−0.228".into(), "0.0264".into(), "12.3".into())
        );
        assert_eq!((effect(0.0), effect(f64::NAN)), ("0.00".into(), "–".into()));
        assert_eq!(p_value(49.564_9), "2.7\u{202f}×\u{202f}10⁻⁵⁰");
        assert_eq!(p_value(400.0), "1.0\u{202f}×\u{202f}10⁻⁴⁰⁰");
        assert_eq!(
            (p_value(1.0), p_value(f64::INFINITY)),
            ("0.100".into(), "–".into())
        );
        assert_eq!(counted(1, "site", "sites"), "1 site");
    }
}
