//! The share of a small group over all nodes, for one combination of columns, from sums of
//! histograms: no node says which of its people weigh how much.

use super::{Rows, lanes::dot};
use crate::masks::MAXIMUM_CONTRIBUTORS;

/// Bins of squared weights: bin b holds those in (2^-((b+1)/12), 2^-(b/12)], the first also all
/// that are larger.
const BINS: usize = 192;
const BINS_PER_HALVING: f64 = 12.0;

/// Fraction bits of the sums of squared weights.
const FRACTION_BITS: i32 = 30;

/// Squared weights are cut here, so that no sum over people and nodes wraps: they are at most about
/// 1 in the metric in which combinations have length 1.
const LARGEST: f64 = 4.0;

/// Words of the histogram of one combination: people of each bin, their squared weights, and those
/// of everybody else.
pub const HISTOGRAM_WORDS: usize = 2 * BINS + 1;

/// The histogram of (W a)^2 over `rows`.
pub fn histogram(rows: &Rows, combination: &[f64]) -> Vec<u64> {
    let mut words = vec![0_u64; HISTOGRAM_WORDS];
    let scale = libm::ldexp(1.0, FRACTION_BITS);
    for person in 0..rows.people() {
        let square = dot(rows.row(person), combination).powi(2).min(LARGEST);
        let fixed = (square * scale).round_ties_even() as u64;
        let bin = if square > 0.0 {
            (-BINS_PER_HALVING * libm::log2(square)).max(0.0) as usize
        } else {
            BINS
        };
        match bin {
            0..BINS => {
                words[bin] = words[bin].wrapping_add(1);
                words[BINS + bin] = words[BINS + bin].wrapping_add(fixed);
            }
            _ => words[2 * BINS] = words[2 * BINS].wrapping_add(fixed),
        }
    }
    words
}

/// The largest share that `group` people can have in a combination, from the sum of the nodes'
/// histograms: an upper bound that is exact to within the width of a bin.
pub fn top_share(words: &[u64], group: usize) -> f64 {
    let (Some(counts), Some(sums)) = (words.get(..BINS), words.get(BINS..HISTOGRAM_WORDS)) else {
        return 1.0;
    };
    let unit = libm::ldexp(1.0, -FRACTION_BITS);
    let total = sums
        .iter()
        .fold(0.0, |total, sum| total + *sum as f64 * unit);
    let (mut left, mut top) = (group as u64, 0.0);
    for (bin, (count, sum)) in counts.iter().zip(sums).enumerate() {
        let (count, sum) = (*count, *sum as f64 * unit);
        if count <= left {
            top += sum;
        } else {
            let edge = if bin == 0 {
                LARGEST
            } else {
                libm::exp2(-(bin as f64) / BINS_PER_HALVING)
            };
            top += sum.min(edge * left as f64);
        }
        left -= count.min(left);
    }
    if total > 0.0 {
        (top / total).min(1.0)
    } else {
        0.0
    }
}

/// The squared weight above which about `group` people are: the lower edge of the bin that holds
/// the last of them.
pub(super) fn threshold(words: &[u64], group: usize) -> f64 {
    let mut left = group as u64;
    for (bin, count) in words.iter().take(BINS).enumerate() {
        if *count >= left {
            return libm::exp2(-((bin + 1) as f64) / BINS_PER_HALVING);
        }
        left -= count;
    }
    0.0
}

/// Sums of `people` people at up to 64 nodes stay below 2^63.
const _: () = assert!(MAXIMUM_CONTRIBUTORS == 64);

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f64]) -> Rows {
        Rows::from_columns(&[values.to_vec()])
    }

    fn share(nodes: &[&[f64]]) -> f64 {
        let mut sum = vec![0_u64; HISTOGRAM_WORDS];
        for node in nodes {
            let own = histogram(&rows(node), &[1.0]);
            sum.iter_mut()
                .zip(own)
                .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
        }
        top_share(&sum, 9)
    }

    #[test]
    fn nine_people_over_three_nodes_have_everything() {
        let three = [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0, 0.0];
        assert!(share(&[&three, &three, &three]) > 0.999);
        let four = [1.0 / 3.5, 1.0 / 3.5, 1.0 / 3.5, 1.0 / 3.5, 0.0];
        let twelve = share(&[&four, &four, &four]);
        assert!((twelve - 0.75).abs() < 0.04, "{twelve}");
    }

    #[test]
    fn many_people_share() {
        let values: Vec<f64> = (0..300)
            .map(|person| 0.05 + f64::from(person % 10) * 1e-3)
            .collect();
        let found = share(&[&values, &values]);
        assert!((0.015..0.022).contains(&found), "{found}");
        assert_eq!(share(&[&[0.0; 20]]), 0.0);
    }
}
