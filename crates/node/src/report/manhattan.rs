//! The Manhattan plot: every variant along the genome, the strength of its association upwards.

use super::{
    Association, GENOME_WIDE, LEAD_WINDOW, SUGGESTIVE, Trait, chromosome_name,
    figures::{counted, p_value},
    labels, lead_variants,
    scale::Scale,
    svg::Svg,
    thinning::thin,
};

const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 430.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 1044.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 384.0;

/// Below this -log10 p dots are thinned.
const WEAK: f64 = 3.0;

/// Lead variants that get a name; all are marked.
const MOST_LABELS: usize = 20;

/// The plot as a complete SVG file, which follows the viewer's light or dark setting.
pub fn manhattan(of: &Trait) -> String {
    let rows = &of.associations;
    let leads = lead_variants(rows, LEAD_WINDOW, GENOME_WIDE);
    let strongest = rows.iter().map(|row| row.neg_log10_p).fold(0.0, f64::max);
    let mut plot = Plot {
        svg: Svg::new(
            &format!("manhattan-{}", of.name),
            WIDTH,
            HEIGHT,
            &format!("Manhattan plot of {}", of.name),
            &description(of, &leads),
        ),
        scale: Scale::new((strongest * 1.08).max(9.0), BOTTOM, TOP),
        genome: Genome::of(rows),
    };
    plot.axes(of);
    plot.dots(rows);
    plot.threshold_lines();
    plot.leads(of, &leads);
    plot.svg.finish()
}

fn description(of: &Trait, leads: &[usize]) -> String {
    let variants = counted(of.associations.len() as u64, "variant", "variants");
    let hits = counted(leads.len() as u64, "lead variant", "lead variants");
    let names: Vec<_> = leads
        .iter()
        .take(MOST_LABELS)
        .map(|&i| {
            format!(
                "{} at {}, p = {}",
                of.associations[i].label(),
                of.associations[i].place.position_label(),
                p_value(of.associations[i].neg_log10_p)
            )
        })
        .collect();
    let listed = if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join("; "))
    };
    format!("{variants} by position on the genome; {hits} with p below 5 × 10⁻⁸{listed}.")
}

/// One chromosome's place on the axis.
#[derive(Clone, Copy)]
struct Span {
    chromosome: u8,
    first: u32,
    last: u32,
    /// Pixels of its left end and its width.
    left: f64,
    width: f64,
}

/// Chromosomes side by side, each as wide as the stretch that its variants span, but wide enough
/// for its name.
struct Genome(Vec<Span>);

impl Genome {
    const GAP: f64 = 5.0;
    const NARROWEST: f64 = 12.0;

    fn of(rows: &[Association]) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        for row in rows {
            let (chromosome, position) = (row.place.chromosome, row.place.position);
            match spans.iter_mut().find(|span| span.chromosome == chromosome) {
                Some(span) => {
                    (span.first, span.last) = (span.first.min(position), span.last.max(position))
                }
                None => spans.push(Span {
                    chromosome,
                    first: position,
                    last: position,
                    left: 0.0,
                    width: 0.0,
                }),
            }
        }
        spans.sort_by_key(|span| span.chromosome);
        let bases = |span: &Span| f64::from(span.last - span.first) + 1.0;
        let all_bases: f64 = spans.iter().map(bases).sum();
        let room = RIGHT - LEFT - 16.0 - (Self::GAP + Self::NARROWEST) * spans.len() as f64;
        let mut left = LEFT + 8.0;
        for span in &mut spans {
            span.left = left;
            span.width = Self::NARROWEST + room * bases(span) / all_bases;
            left += span.width + Self::GAP;
        }
        Self(spans)
    }

    fn x(&self, row: &Association) -> f64 {
        let span = self
            .0
            .iter()
            .find(|span| span.chromosome == row.place.chromosome);
        span.map_or(LEFT, |span| {
            let bases = f64::from(span.last - span.first).max(1.0);
            span.left
                + f64::from(row.place.position.saturating_sub(span.first)) / bases * span.width
        })
    }

    fn is_even(&self, chromosome: u8) -> bool {
        self.0
            .iter()
            .position(|span| span.chromosome == chromosome)
            .is_some_and(|index| index % 2 == 0)
    }
}

struct Plot {
    svg: Svg,
    scale: Scale,
    genome: Genome,
}

impl Plot {
    fn point(&self, row: &Association) -> (f64, f64) {
        (self.genome.x(row), self.scale.at(row.neg_log10_p))
    }

    fn axes(&mut self, of: &Trait) {
        self.svg.text("head", "start", LEFT, 24.0, &of.name);
        let people = counted(of.people, "person", "people");
        let variants = counted(of.associations.len() as u64, "variant", "variants");
        self.svg.text(
            "small",
            "end",
            RIGHT,
            24.0,
            &format!("{variants}, {people}"),
        );
        for tick in self.scale.ticks() {
            let y = self.scale.at(tick);
            self.svg.line("grid", (LEFT, y), (RIGHT, y));
            self.svg
                .text("small", "end", LEFT - 8.0, y + 4.0, &format!("{tick}"));
        }
        self.svg.line("axis", (LEFT, TOP - 6.0), (LEFT, BOTTOM));
        self.svg.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        self.svg.upward_text(20.0, (TOP + BOTTOM) / 2.0, "−log₁₀ p");
        self.svg.text(
            "",
            "middle",
            (LEFT + RIGHT) / 2.0,
            HEIGHT - 10.0,
            "chromosome",
        );
        if let Some(knee) = self.scale.knee() {
            let y = self.scale.at(knee);
            self.svg.line("break", (LEFT, y), (RIGHT, y));
            self.svg
                .text("small", "start", RIGHT + 5.0, y - 1.0, "compressed");
            self.svg.text(
                "small",
                "start",
                RIGHT + 5.0,
                y + 11.0,
                &format!("above {knee}"),
            );
        }
        for span in &self.genome.0 {
            let name = chromosome_name(span.chromosome);
            self.svg.text(
                "small",
                "middle",
                span.left + span.width / 2.0,
                BOTTOM + 17.0,
                &name,
            );
        }
    }

    fn dots(&mut self, rows: &[Association]) {
        let points: Vec<_> = rows.iter().map(|row| self.point(row)).collect();
        let drawn = thin(&points, |i| rows[i].neg_log10_p >= WEAK);
        let is_hit = |i: usize| rows[i].neg_log10_p > -GENOME_WIDE.log10();
        for (class, even) in [("a", true), ("b", false)] {
            let of_class = |i: &&usize| {
                !is_hit(**i) && self.genome.is_even(rows[**i].place.chromosome) == even
            };
            let chosen: Vec<_> = drawn.iter().filter(of_class).map(|&i| points[i]).collect();
            self.svg.dots(class, chosen);
        }
        self.svg.dots(
            "hit",
            drawn.iter().filter(|i| is_hit(**i)).map(|&i| points[i]),
        );
    }

    fn threshold_lines(&mut self) {
        for (class, p, text) in [("gw", GENOME_WIDE, "5 × 10⁻⁸"), ("sug", SUGGESTIVE, "10⁻⁵")]
        {
            let y = self.scale.at(-p.log10());
            self.svg.line(class, (LEFT, y), (RIGHT, y));
            self.svg.text("small", "start", RIGHT + 5.0, y + 4.0, text);
        }
    }

    fn leads(&mut self, of: &Trait, leads: &[usize]) {
        let rows = &of.associations;
        let points: Vec<_> = leads.iter().map(|&i| self.point(&rows[i])).collect();
        let names: Vec<_> = leads.iter().map(|&i| rows[i].label()).collect();
        let wanted: Vec<_> = points
            .iter()
            .zip(&names)
            .take(MOST_LABELS)
            .map(|(&(x, y), name)| (x, y, name.as_str()))
            .collect();
        let spots = labels::place(&wanted, &points, [LEFT + 4.0, 30.0, RIGHT, BOTTOM]);
        for (&(x, y, name), spot) in wanted.iter().zip(spots) {
            let Some(spot) = spot else { continue };
            if spot.tie {
                self.svg.line("tie", (x, y - 6.0), (spot.x, spot.y + 4.0));
            }
            self.svg.text("name", "middle", spot.x, spot.y, name);
        }
        for (&i, &(x, y)) in leads.iter().zip(&points) {
            let row = &rows[i];
            let planted = of.planted.iter().any(|planted| planted.place == row.place);
            let hover = format!(
                "{} {}>{} {}, p = {}{}",
                row.place.position_label(),
                row.place.reference,
                row.place.alternate,
                row.id.as_deref().unwrap_or_default(),
                p_value(row.neg_log10_p),
                if planted { ", planted" } else { "" }
            );
            self.svg.diamond("lead", x, y, &hover);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{association, study};

    #[test]
    fn a_hundred_thousand_variants_stay_a_small_file() {
        let mut of = study();
        of.associations = (0..100_000)
            .map(|i| {
                association(
                    (i / 4546 + 1) as u8,
                    1_000 * (i % 4546),
                    f64::from(i * 7919 % 4000) / 1000.0,
                )
            })
            .collect();
        let svg = manhattan(&of);
        assert!(svg.len() < 400_000, "{}", svg.len());
        assert_eq!(svg, manhattan(&of));
    }

    #[test]
    fn every_lead_is_marked_and_named() {
        let svg = manhattan(&study());
        assert_eq!(svg.matches("class=\"lead\"").count(), 2);
        assert!(svg.contains(">rs9000003380</text>") && svg.contains(">2:7000000</text>"));
        assert!(svg.contains("2 lead variants with p below"));
        assert!(svg.contains(">compressed</text>") && svg.contains(">above 20</text>"));
    }

    #[test]
    fn no_variants_are_an_empty_plot() {
        let svg = manhattan(&Trait {
            associations: Vec::new(),
            ..study()
        });
        assert!(svg.contains("0 variants") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
