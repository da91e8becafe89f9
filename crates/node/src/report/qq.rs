//! The QQ plot: the p-values in order against those of a study without any association.

use super::{Trait, band, scale::Scale, svg::Svg, thinning::thin};

const SIZE: f64 = 430.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 414.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 372.0;

/// Points on each edge of the band.
const BAND_POINTS: u32 = 40;

/// The plot as a complete SVG file, which follows the viewer's light or dark setting.
pub fn qq(of: &Trait) -> String {
    let mut observed: Vec<f64> = of.associations.iter().map(|row| row.neg_log10_p).collect();
    observed.sort_by(|a, b| b.total_cmp(a));
    let n = observed.len() as u64;
    let expected: Vec<f64> = (0..n)
        .map(|i| -((i as f64 + 0.5) / n as f64).log10())
        .collect();
    let widest = expected.first().copied().unwrap_or(1.0).max(1.0);
    let highest = observed.first().copied().unwrap_or(1.0).max(widest);
    let x = |value: f64| LEFT + value / (widest * 1.04) * (RIGHT - LEFT);
    let y = Scale::new(highest * 1.06, BOTTOM, TOP);
    let mut svg = Svg::new(
        &format!("qq-{}", of.name),
        SIZE,
        SIZE,
        &format!("QQ plot of {}", of.name),
        &format!(
            "{n} p-values against those expected without association; lambda = {:.3}.",
            of.lambda
        ),
    );
    axes(&mut svg, of, &y, widest, x);
    if n > 0 {
        svg.polygon(
            "band",
            null_band(n).into_iter().map(|(e, o)| (x(e), y.at(o))),
        );
        svg.line("diag", (x(0.0), y.at(0.0)), (x(widest), y.at(widest)));
    }
    let points: Vec<_> = expected
        .iter()
        .zip(&observed)
        .map(|(&e, &o)| (x(e), y.at(o)))
        .collect();
    svg.dots(
        "a",
        thin(&points, |i| observed[i] >= 3.0)
            .into_iter()
            .map(|i| points[i]),
    );
    svg.finish()
}

fn axes(svg: &mut Svg, of: &Trait, y: &Scale, widest: f64, x: impl Fn(f64) -> f64) {
    svg.text("head", "start", LEFT, 24.0, "QQ");
    svg.text("head", "end", RIGHT, 24.0, &format!("λ = {:.3}", of.lambda));
    for tick in y.ticks() {
        svg.line("grid", (LEFT, y.at(tick)), (RIGHT, y.at(tick)));
        svg.text(
            "small",
            "end",
            LEFT - 8.0,
            y.at(tick) + 4.0,
            &format!("{tick}"),
        );
    }
    for tick in 0..=widest.floor() as u32 {
        svg.text(
            "small",
            "middle",
            x(f64::from(tick)),
            BOTTOM + 17.0,
            &tick.to_string(),
        );
    }
    if let Some(knee) = y.knee() {
        svg.line("break", (LEFT, y.at(knee)), (RIGHT, y.at(knee)));
        svg.text(
            "small",
            "start",
            LEFT + 6.0,
            y.at(knee) - 5.0,
            &format!("scale compressed above {knee}"),
        );
    }
    svg.line("axis", (LEFT, TOP - 6.0), (LEFT, BOTTOM));
    svg.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    svg.upward_text(20.0, (TOP + BOTTOM) / 2.0, "observed −log₁₀ p");
    svg.text(
        "",
        "middle",
        (LEFT + RIGHT) / 2.0,
        BOTTOM + 38.0,
        "expected −log₁₀ p; band: 95% without association",
    );
}

/// The outline of the 95% band: the upper edge from weak to strong, back along the lower edge.
fn null_band(n: u64) -> Vec<(f64, f64)> {
    let mut ranks: Vec<u64> = (0..=BAND_POINTS)
        .map(|k| {
            (n as f64)
                .powf(1.0 - f64::from(k) / f64::from(BAND_POINTS))
                .round() as u64
        })
        .map(|rank| rank.clamp(1, n))
        .collect();
    ranks.dedup();
    let edge = |probability: f64| {
        ranks
            .iter()
            .map(|&i| {
                let expected = -((i as f64 - 0.5) / n as f64).log10();
                (expected, -band::order_statistic(i, n, probability).log10())
            })
            .collect::<Vec<_>>()
    };
    let mut outline = edge(0.025);
    outline.extend(edge(0.975).into_iter().rev());
    outline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::study;

    #[test]
    fn the_band_holds_the_diagonal() {
        let band = null_band(6085);
        let (upper, lower) = band.split_at(band.len() / 2);
        for (edge, sign) in [(upper, 1.0), (lower, -1.0)] {
            assert!(
                edge.iter()
                    .all(|(expected, observed)| (observed - expected) * sign > -1e-9),
                "{edge:?}"
            );
        }
    }

    #[test]
    fn lambda_is_printed() {
        let svg = qq(&study());
        assert!(svg.contains("λ = 1.004</text>") && svg.contains("lambda = 1.004"));
    }

    #[test]
    fn no_variants_are_an_empty_plot() {
        let svg = qq(&Trait {
            associations: Vec::new(),
            ..study()
        });
        assert!(svg.contains("0 p-values") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
