//! S of all candidates before the logarithm is taken: products of factors by candidate, whose order
//! is that of S. A logarithm for each of 8,000 candidates costs more than the products; the first
//! ten need ten.

use std::cmp::Ordering;

/// Products of factors, by candidate.
#[derive(Clone)]
pub(super) struct Products {
    /// Of the last few factors.
    pub last: Vec<f64>,
    /// Logarithms of the products of all factors before.
    logs: Option<Vec<f64>>,
}

impl Products {
    /// Of no factors, for so many candidates.
    pub fn of(candidates: usize) -> Self {
        Self {
            last: vec![1.0; candidates],
            logs: None,
        }
    }

    /// Makes room for more factors than a product can hold.
    pub fn take_logarithms(&mut self) {
        let logs = self.logs.get_or_insert_with(|| vec![0.0; self.last.len()]);
        for (log, product) in logs.iter_mut().zip(&mut self.last) {
            *log += libm::log(*product);
            *product = 1.0;
        }
    }

    /// S by candidate.
    pub fn scores(&self) -> Vec<f64> {
        let logs = self.last.iter().map(|product| libm::log(*product));
        match &self.logs {
            Some(before) => logs.zip(before).map(|(log, before)| log + before).collect(),
            None => logs.collect(),
        }
    }

    /// The candidates with the largest S, largest first, equal ones in order; without those that
    /// have nothing known.
    pub fn top(&self, count: usize) -> Vec<(usize, f64)> {
        if self.logs.is_some() {
            return leading(&self.scores(), count)
                .into_iter()
                .filter(|(_, s)| s.is_finite())
                .collect();
        }
        let top = leading(&self.last, count)
            .into_iter()
            .filter(|(_, product)| *product > 0.0);
        top.map(|(position, product)| (position, libm::log(product)))
            .collect()
    }
}

/// The largest values with their places, largest first, equal ones in order.
fn leading(values: &[f64], count: usize) -> Vec<(usize, f64)> {
    let count = count.min(values.len());
    if count == 0 {
        return Vec::new();
    }
    let largest_first = |left: &f64, right: &f64| -> Ordering { right.total_cmp(left) };
    let mut ordered = values.to_vec();
    let (_, threshold, _) = ordered.select_nth_unstable_by(count - 1, largest_first);
    let threshold = *threshold;
    let kept = values
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, value)| *value >= threshold);
    let mut leading: Vec<(usize, f64)> = kept.collect();
    leading.sort_by(|left, right| largest_first(&left.1, &right.1));
    leading.truncate(count);
    leading
}

/// Rank of one candidate: 1 + better ones + half of the equal ones, equal after rounding to 1e-9.
/// `None` where nothing is known of it.
pub fn rank_of(scores: &[f64], position: usize) -> Option<f64> {
    let round = |score: f64| (score * 1e9).round();
    let own = round(*scores.get(position)?);
    if !own.is_finite() {
        return None;
    }
    let (mut better, mut equal) = (0_usize, 0_usize);
    for score in scores {
        better += usize::from(round(*score) > own);
        equal += usize::from(round(*score) == own);
    }
    Some(1.0 + better as f64 + (equal - 1) as f64 / 2.0)
}
