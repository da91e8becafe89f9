//! Intervals by resampling diseases: cases of one disease stand or fall together, so whole diseases
//! are drawn. Two methods are compared on the same draws (paired).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{hits::Hits, random::SplitMix};

/// Draws of a comparison.
pub const DRAWS: usize = 2_000;

/// A 95% interval (percentiles 2.5 and 97.5 of the draws), or the extremes of a few repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Hits summed by true disease.
#[derive(Clone, Debug)]
pub struct Strata {
    /// Per disease, in the order of its key: number of cases, summed hits.
    groups: Vec<(f64, Hits)>,
}

impl Strata {
    /// `groups[i]` is the true disease of the case with `hits[i]`.
    pub fn new(hits: &[Hits], groups: &[u32]) -> Self {
        let mut sums: BTreeMap<u32, (f64, Hits)> = BTreeMap::new();
        for (hits, group) in hits.iter().zip(groups) {
            let (cases, sum) = sums.entry(*group).or_default();
            *cases += 1.0;
            for (sum, hit) in sum.iter_mut().zip(hits) {
                *sum += hit;
            }
        }
        Self {
            groups: sums.into_values().collect(),
        }
    }

    /// Number of diseases.
    pub fn count(&self) -> usize {
        self.groups.len()
    }

    /// Shares over cases; 0 where there are none.
    pub fn micro(&self) -> Hits {
        self.over(0..self.count()).0
    }

    /// Mean over diseases of the disease's share; 0 where there are none.
    pub fn by_disease(&self) -> Hits {
        self.over(0..self.count()).1
    }

    fn over(&self, drawn: impl Iterator<Item = usize>) -> (Hits, Hits) {
        let (mut cases, mut diseases, mut sums, mut means) = (0.0, 0.0, [0.0; 3], [0.0; 3]);
        for place in drawn {
            let (count, hits) = &self.groups[place];
            cases += count;
            diseases += 1.0;
            for top in 0..3 {
                sums[top] += hits[top];
                means[top] += hits[top] / count;
            }
        }
        let share = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
        (
            sums.map(|sum| share(sum, cases)),
            means.map(|mean| share(mean, diseases)),
        )
    }

    /// 95% intervals of the three shares: micro, macro.
    pub fn intervals(&self, draws: usize, seed: u64) -> ([Interval; 3], [Interval; 3]) {
        let drawn = self
            .draw(draws, seed)
            .map(|places| self.over(places.into_iter()))
            .collect::<Vec<_>>();
        let (micro, by_disease): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
        (percentiles(&micro), percentiles(&by_disease))
    }

    fn draw(&self, draws: usize, seed: u64) -> impl Iterator<Item = Vec<usize>> + use<> {
        let (mut random, count) = (SplitMix::new(seed), self.count());
        (0..draws).map(move |_| (0..count).map(|_| random.below(count)).collect())
    }
}

/// How much better one method is than another on the same cases: the difference of shares and its
/// 95% interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub method: String,
    pub other: String,
    /// top-1, top-3, top-10 over cases.
    pub micro: [Gain; 3],
    /// The same over diseases.
    #[serde(rename = "macro")]
    pub by_disease: [Gain; 3],
}

/// A difference of two shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gain {
    pub difference: f64,
    pub interval: Interval,
    /// Whether the interval's lower bound is above 0.
    pub beats: bool,
}

/// Paired comparison of two methods' hits on the same cases.
pub fn compare(
    names: (&str, &str),
    hits: (&[Hits], &[Hits]),
    groups: &[u32],
    seed: u64,
) -> Difference {
    let (ours, theirs) = (Strata::new(hits.0, groups), Strata::new(hits.1, groups));
    let minus = |(a, b): (Hits, Hits)| std::array::from_fn(|top| a[top] - b[top]);
    let drawn = ours.draw(DRAWS, seed).map(|places| {
        let (micro, by_disease) = ours.over(places.iter().copied());
        let (other_micro, other_by_disease) = theirs.over(places.into_iter());
        (
            minus((micro, other_micro)),
            minus((by_disease, other_by_disease)),
        )
    });
    let (micro, by_disease): (Vec<Hits>, Vec<Hits>) = drawn.unzip();
    Difference {
        method: names.0.to_owned(),
        other: names.1.to_owned(),
        micro: gains(minus((ours.micro(), theirs.micro())), percentiles(&micro)),
        by_disease: gains(
            minus((ours.by_disease(), theirs.by_disease())),
            percentiles(&by_disease),
        ),
    }
}

fn gains(differences: Hits, intervals: [Interval; 3]) -> [Gain; 3] {
    std::array::from_fn(|top| {
        let interval = intervals[top];
        Gain {
            difference: differences[top],
            interval,
            beats: interval.low > 0.0,
        }
    })
}

/// Percentiles 2.5 and 97.5, interpolated linearly between order statistics (Hyndman and Fan 1996,
/// definition 7).
fn percentiles(draws: &[Hits]) -> [Interval; 3] {
    std::array::from_fn(|top| {
        let mut values = draws.iter().map(|draw| draw[top]).collect::<Vec<_>>();
        values.sort_unstable_by(f64::total_cmp);
        Interval {
            low: quantile(&values, 0.025),
            high: quantile(&values, 0.975),
        }
    })
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_numpy() {
        // numpy 2.x: np.quantile([1, 2, 4, 8], [0.025, 0.975]) -> [1.075, 7.7]
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((quantile(&sorted, 0.025) - 1.075).abs() < 1e-12);
        assert!((quantile(&sorted, 0.975) - 7.7).abs() < 1e-12);
    }

    /// 400 diseases of one case, half of them hit: the standard error of a share is sqrt(0.25 /
    /// 400) = 0.025.
    #[test]
    fn an_interval_has_the_width_of_the_binomial() {
        let hits = (0..400)
            .map(|case| [f64::from(case % 2); 3])
            .collect::<Vec<_>>();
        let groups = (0..400).collect::<Vec<u32>>();
        let (micro, by_disease) = Strata::new(&hits, &groups).intervals(DRAWS, 1);
        for interval in [micro[0], by_disease[0]] {
            assert!(
                (interval.low - (0.5 - 1.96 * 0.025)).abs() < 0.006,
                "{interval:?}"
            );
            assert!(
                (interval.high - (0.5 + 1.96 * 0.025)).abs() < 0.006,
                "{interval:?}"
            );
        }
    }

    #[test]
    fn a_method_does_not_beat_itself_but_beats_a_worse_one() {
        let good = (0..60)
            .map(|case| [f64::from(u8::from(case % 3 > 0)); 3])
            .collect::<Vec<_>>();
        let bad = (0..60)
            .map(|case| [f64::from(u8::from(case % 3 > 1)); 3])
            .collect::<Vec<_>>();
        let groups = (0..60).map(|case| case / 2).collect::<Vec<u32>>();
        let same = compare(("a", "a"), (&good, &good), &groups, 3);
        assert!(!same.micro[0].beats && same.micro[0].difference == 0.0);
        let better = compare(("a", "b"), (&good, &bad), &groups, 3);
        assert!(better.micro[0].beats && better.by_disease[2].beats);
        assert!((better.micro[0].difference - 1.0 / 3.0).abs() < 1e-12);
        assert!(!compare(("b", "a"), (&bad, &good), &groups, 3).micro[0].beats);
    }

    /// Cases of one disease are one draw: a difference that one disease carries alone is not
    /// significant.
    #[test]
    fn one_large_disease_beats_nothing() {
        let ours = vec![[1.0; 3]; 50];
        let mut theirs = vec![[0.0; 3]; 40];
        theirs.extend(vec![[1.0; 3]; 10]);
        let groups = (0..50u32)
            .map(|case| if case < 40 { 0 } else { case })
            .collect::<Vec<_>>();
        let gain = compare(("a", "b"), (&ours, &theirs), &groups, 5).micro[0];
        assert!(gain.difference > 0.7 && !gain.beats, "{gain:?}");
    }
}
