//! Names beside lead variants, placed so that they cover neither each other nor another lead.

/// A rectangle in pixels: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area([f64; 4]);

impl Area {
    fn overlaps(self, other: Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        a < g && e < c && b < h && f < d
    }

    fn within(self, other: Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        a >= e && b >= f && c <= g && d <= h
    }
}

/// Where a label goes: its middle and its baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub x: f64,
    pub y: f64,
    /// Whether it is so far from its point that a line should lead there.
    pub tie: bool,
}

impl Spot {
    fn area(self, half: f64) -> Area {
        Area([
            self.x - half,
            self.y - HEIGHT + 3.0,
            self.x + half,
            self.y + 3.0,
        ])
    }

    /// What the line from the label to its point may cross.
    fn tie_area(self, (x, y): (f64, f64)) -> Option<Area> {
        self.tie.then(|| {
            Area([
                self.x.min(x) - 1.0,
                self.y + 4.0,
                self.x.max(x) + 1.0,
                y - 6.0,
            ])
        })
    }
}

const HEIGHT: f64 = 13.0;
const PER_CHARACTER: f64 = 7.5;

/// Candidate positions around a point, best first, for a label `half` as wide as half its width.
fn candidates((x, y): (f64, f64), half: f64) -> [Spot; 14] {
    let spot = |dx: f64, dy: f64, tie: bool| Spot {
        x: x + dx,
        y: y + dy,
        tie,
    };
    [
        spot(0.0, -10.0, false),
        spot(half + 9.0, 4.0, false),
        spot(-half - 9.0, 4.0, false),
        spot(half + 5.0, -8.0, false),
        spot(-half - 5.0, -8.0, false),
        spot(0.0, -26.0, true),
        spot(half, -24.0, true),
        spot(-half, -24.0, true),
        spot(0.0, -42.0, true),
        spot(half, -40.0, true),
        spot(-half, -40.0, true),
        spot(0.0, -58.0, true),
        spot(half, -56.0, true),
        spot(-half, -56.0, true),
    ]
}

/// Places labels in the order given, the most important first; `None` where there is no room.
/// `frame` is left, top, right, bottom of the plot; `points` are all leads, labelled or not.
pub(super) fn place(
    labels: &[(f64, f64, &str)],
    points: &[(f64, f64)],
    frame: [f64; 4],
) -> Vec<Option<Spot>> {
    let mut taken: Vec<Area> = points
        .iter()
        .map(|&(x, y)| Area([x - 5.5, y - 5.5, x + 5.5, y + 5.5]))
        .collect();
    labels
        .iter()
        .map(|&(x, y, text)| {
            let half = text.chars().count() as f64 * PER_CHARACTER / 2.0;
            let free =
                |area: Area, taken: &[Area]| !taken.iter().any(|other| area.overlaps(*other));
            let (spot, area, tie) = candidates((x, y), half)
                .into_iter()
                .map(|spot| (spot, spot.area(half), spot.tie_area((x, y))))
                .find(|&(_, area, tie)| {
                    area.within(Area(frame))
                        && free(area, &taken)
                        && tie.is_none_or(|tie| free(tie, &taken))
                })?;
            taken.push(area);
            taken.extend(tie);
            Some(spot)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_cover_each_other() {
        let frame = [0.0, 0.0, 400.0, 300.0];
        let points = [(200.0, 100.0), (205.0, 102.0), (390.0, 100.0), (20.0, 9.0)];
        let labels: Vec<_> = points
            .iter()
            .map(|&(x, y)| (x, y, "rs9000003380"))
            .collect();
        let spots: Vec<_> = place(&labels, &points, frame)
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(spots.len(), 4);
        for (i, a) in spots.iter().enumerate() {
            assert!(a.x >= 45.0 && a.x <= 355.0);
            for b in &spots[i + 1..] {
                assert!(
                    (a.x - b.x).abs() > 89.0 || (a.y - b.y).abs() >= HEIGHT,
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn where_there_is_no_room_there_is_no_label() {
        let labels = [(10.0, 10.0, "a very long name indeed")];
        assert_eq!(
            place(&labels, &[(10.0, 10.0)], [0.0, 0.0, 50.0, 50.0]),
            [None]
        );
    }
}
