//! Fewer dots for the same picture: of dots that would cover each other, one is drawn.

use std::collections::HashSet;

/// Dots that may be drawn where associations are weak.
const MOST_WEAK_DOTS: usize = 5_000;

/// Dots that may be drawn where they are strong: only a strongly inflated study has as many.
const MOST_STRONG_DOTS: usize = 12_000;

/// The smallest cell, in pixels: dots are 4 pixels wide.
const FIRST_CELL: f64 = 0.7;

/// Indices of the points to draw, ascending; `strong` says which are strong. One point is drawn per
/// cell of a grid, which is made coarser until few enough remain. The first point of a cell stays,
/// so the same points always give the same picture.
pub(super) fn thin(points: &[(f64, f64)], strong: impl Fn(usize) -> bool) -> Vec<usize> {
    let (strong, weak): (Vec<usize>, Vec<usize>) = (0..points.len()).partition(|&i| strong(i));
    let mut kept = at_most(MOST_WEAK_DOTS, points, &weak);
    kept.extend(at_most(MOST_STRONG_DOTS, points, &strong));
    kept.sort_unstable();
    kept
}

fn at_most(most: usize, points: &[(f64, f64)], indices: &[usize]) -> Vec<usize> {
    let mut cell = FIRST_CELL;
    loop {
        let kept = one_per_cell(points, indices, cell);
        if kept.len() <= most {
            return kept;
        }
        cell *= 1.2;
    }
}

fn one_per_cell(points: &[(f64, f64)], indices: &[usize], cell: f64) -> Vec<usize> {
    let mut seen = HashSet::new();
    let cell_of = |(x, y): (f64, f64)| ((x / cell) as i64, (y / cell) as i64);
    indices
        .iter()
        .copied()
        .filter(|&i| {
            points
                .get(i)
                .is_some_and(|&point| seen.insert(cell_of(point)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_coincides_is_drawn_once() {
        let points = [(1.0, 1.0), (1.1, 1.1), (9.0, 9.0), (1.0, 1.0)];
        assert_eq!(thin(&points, |_| false), [0, 2]);
    }

    #[test]
    fn many_weak_points_become_few_and_strong_ones_stay() {
        let points: Vec<_> = (0..200_000)
            .map(|i| (f64::from(i % 1000), f64::from(i / 1000)))
            .collect();
        let kept = thin(&points, |i| i % 1000 == 7);
        assert!(kept.len() <= MOST_WEAK_DOTS + 200, "{}", kept.len());
        assert_eq!(kept.iter().filter(|&&i| i % 1000 == 7).count(), 200);
        assert!(kept.len() > MOST_WEAK_DOTS / 3);
    }
}
