//! Lead variants: the strongest of each stretch of linked ones.

use super::Association;

/// The usual threshold of genome-wide significance (Pe'er et al. 2008, Genet. Epidemiol.
/// 32:381-385).
pub const GENOME_WIDE: f64 = 5e-8;

/// The usual threshold of a suggestive association.
pub const SUGGESTIVE: f64 = 1e-5;

/// Bases around a lead variant in which it stands for all others.
pub const LEAD_WINDOW: u32 = 1_000_000;

/// Indices of the associations with p below `threshold` that are the strongest within `window`
/// bases, strongest first. Greedy: the strongest of all takes its window, then the strongest
/// outside of it, and so on. Of two equally strong ones the first in genomic order leads.
pub fn lead_variants(rows: &[Association], window: u32, threshold: f64) -> Vec<usize> {
    let mut significant: Vec<usize> = (0..rows.len())
        .filter(|&i| rows[i].neg_log10_p > -threshold.log10())
        .collect();
    significant.sort_by(|&a, &b| {
        rows[b]
            .neg_log10_p
            .total_cmp(&rows[a].neg_log10_p)
            .then(a.cmp(&b))
    });
    let mut leads: Vec<usize> = Vec::new();
    for candidate in significant {
        if !leads
            .iter()
            .any(|&lead| near(&rows[lead], &rows[candidate], window))
        {
            leads.push(candidate);
        }
    }
    leads
}

/// Whether no association within `window` bases of `rows[index]` is stronger.
pub fn is_strongest_within(rows: &[Association], index: usize, window: u32) -> bool {
    rows.get(index).is_some_and(|own| {
        !rows
            .iter()
            .any(|other| near(own, other, window) && other.neg_log10_p > own.neg_log10_p)
    })
}

fn near(a: &Association, b: &Association, window: u32) -> bool {
    a.place.chromosome == b.place.chromosome
        && a.place.position.abs_diff(b.place.position) <= window
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::association;

    #[test]
    fn one_lead_per_window() {
        let rows = [
            association(1, 1_000_000, 9.0),
            association(1, 1_900_000, 12.0),
            association(1, 2_900_000, 8.0),
            association(1, 2_900_001, 7.9),
            association(2, 1_900_000, 7.5),
            association(2, 9_900_000, 7.2),
        ];
        assert_eq!(lead_variants(&rows, LEAD_WINDOW, GENOME_WIDE), [1, 3, 4]);
        let strongest: Vec<_> = (0..rows.len())
            .filter(|&i| is_strongest_within(&rows, i, LEAD_WINDOW))
            .collect();
        assert_eq!(strongest, [1, 4, 5]);
        assert!(!is_strongest_within(&rows, 99, LEAD_WINDOW));
    }

    #[test]
    fn of_equals_the_first_leads() {
        let rows = [association(3, 10, 9.0), association(3, 20, 9.0)];
        assert_eq!(lead_variants(&rows, LEAD_WINDOW, GENOME_WIDE), [0]);
        assert!(lead_variants(&[], LEAD_WINDOW, GENOME_WIDE).is_empty());
    }
}
