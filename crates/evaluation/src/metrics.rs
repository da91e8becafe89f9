//! What a ranking is worth: the rank of the truth, how often it is among the first, over cases and
//! over diseases.
//!
//! The denominator is every case. A case whose truth cannot be ranked is a miss; misses are counted
//! by their cause, and the figures without them stand beside.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    bootstrap::{Interval, Strata},
    hits::Hits,
};

/// Why a truth cannot be ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// The case has no observed term that the ontology knows.
    NoTerm,
    /// The case names no diagnosis (or no gene) that is known here.
    NoTruth,
    /// The disease is in no catalogue that is ranked.
    Absent,
    /// Nothing is left of the disease's rows once the case's publications are taken out.
    NoRows,
}

/// What became of one case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The best rank over the case's truths; a miss has none.
    pub rank: Option<f64>,
    /// What the case lacks. A method may rank a disease without rows by what its relatives have; it
    /// counts as lacking all the same.
    pub lacks: Option<Miss>,
    /// For a case of several truths: whether all are among the first ten.
    pub all_in_ten: Option<bool>,
}

/// Largest ranks that count: top-1, top-3, top-10.
const TOPS: [f64; 3] = [1.0, 3.0, 10.0];

impl Outcome {
    /// 0 or 1 for each of top-1, top-3, top-10.
    pub fn hits(&self) -> Hits {
        let rank = self.rank.unwrap_or(f64::INFINITY);
        TOPS.map(|top| f64::from(u8::from(rank <= top)))
    }
}

/// Shares from 0 to 1, over cases (micro) or over diseases (macro).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shares {
    /// Cases (micro) or diseases (macro) in the denominator.
    pub n: usize,
    pub top1: f64,
    pub top3: f64,
    pub top10: f64,
    /// 95% intervals of the three, by bootstrap over diseases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<[Interval; 3]>,
}

/// The figures of one truth (disease or gene) of one method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    pub micro: Shares,
    #[serde(rename = "macro")]
    pub by_disease: Shares,
    /// Cases that lack what a rank needs, by cause. They are in the denominators above.
    pub misses: BTreeMap<Miss, usize>,
    /// Those of them that were ranked all the same, by what a disease's relatives have.
    pub ranked_by_relatives: usize,
    pub without_misses: WithoutMisses,
    /// Cases that state several truths, and the share of them with all among the first ten.
    pub several_truths: usize,
    pub all_in_ten: Option<f64>,
}

/// The same shares over the cases that lack nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WithoutMisses {
    pub micro: Shares,
    #[serde(rename = "macro")]
    pub by_disease: Shares,
}

/// The outcomes of one method on one set of cases, in the cases' order; several repetitions where
/// lists or nodes are drawn at random.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    pub repetitions: Vec<Vec<Outcome>>,
}

impl Outcomes {
    /// Mean hits of each case over the repetitions.
    pub fn hits(&self) -> Vec<Hits> {
        let cases = self.repetitions.first().map_or(0, Vec::len);
        let count = self.repetitions.len() as f64;
        let mut hits = vec![[0.0; 3]; cases];
        for outcome in self
            .repetitions
            .iter()
            .flat_map(|repetition| repetition.iter().enumerate())
        {
            let (case, outcome) = outcome;
            for (sum, hit) in hits[case].iter_mut().zip(outcome.hits()) {
                *sum += hit / count;
            }
        }
        hits
    }

    /// The part of the outcomes at these places.
    pub fn select(&self, places: &[usize]) -> Self {
        let pick =
            |repetition: &Vec<Outcome>| places.iter().map(|place| repetition[*place]).collect();
        Self {
            repetitions: self.repetitions.iter().map(pick).collect(),
        }
    }

    /// The figures; `groups` names each case's true disease. `draws` bootstraps intervals (0:
    /// none).
    pub fn accuracy(&self, groups: &[u32], draws: usize, seed: u64) -> Accuracy {
        let hits = self.hits();
        let first = self.repetitions.first().map_or(&[][..], Vec::as_slice);
        let ranked = (0..first.len())
            .filter(|case| first[*case].lacks.is_none())
            .collect::<Vec<_>>();
        let pick = |place: &usize| (hits[*place], groups[*place]);
        let (ranked_hits, ranked_groups): (Vec<_>, Vec<_>) = ranked.iter().map(pick).unzip();
        let (micro, by_disease) = shares(&hits, groups, draws, seed);
        let (micro_ranked, by_disease_ranked) = shares(&ranked_hits, &ranked_groups, 0, seed);
        Accuracy {
            micro,
            by_disease,
            misses: count_misses(first),
            ranked_by_relatives: first
                .iter()
                .filter(|case| case.lacks.is_some() && case.rank.is_some())
                .count(),
            without_misses: WithoutMisses {
                micro: micro_ranked,
                by_disease: by_disease_ranked,
            },
            several_truths: first
                .iter()
                .filter(|outcome| outcome.all_in_ten.is_some())
                .count(),
            all_in_ten: mean_all_in_ten(first),
        }
    }

    /// Smallest and largest share of top-1, top-3, top-10 over the repetitions: micro, then macro.
    pub fn range(&self, groups: &[u32]) -> Range {
        let mut range = Range {
            micro: [EMPTY; 3],
            by_disease: [EMPTY; 3],
        };
        for repetition in &self.repetitions {
            let hits = repetition.iter().map(Outcome::hits).collect::<Vec<_>>();
            let strata = Strata::new(&hits, groups);
            widen(&mut range.micro, strata.micro());
            widen(&mut range.by_disease, strata.by_disease());
        }
        range
    }
}

const EMPTY: Interval = Interval {
    low: f64::INFINITY,
    high: f64::NEG_INFINITY,
};

/// Extremes over repetitions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Range {
    pub micro: [Interval; 3],
    #[serde(rename = "macro")]
    pub by_disease: [Interval; 3],
}

fn widen(range: &mut [Interval; 3], shares: Hits) {
    for (interval, share) in range.iter_mut().zip(shares) {
        interval.low = interval.low.min(share);
        interval.high = interval.high.max(share);
    }
}

fn count_misses(outcomes: &[Outcome]) -> BTreeMap<Miss, usize> {
    let mut misses = BTreeMap::new();
    for miss in outcomes.iter().filter_map(|outcome| outcome.lacks) {
        *misses.entry(miss).or_default() += 1;
    }
    misses
}

fn mean_all_in_ten(outcomes: &[Outcome]) -> Option<f64> {
    let several = outcomes
        .iter()
        .filter_map(|outcome| outcome.all_in_ten)
        .collect::<Vec<_>>();
    let all = several.iter().filter(|all| **all).count();
    (!several.is_empty()).then(|| all as f64 / several.len() as f64)
}

fn shares(hits: &[Hits], groups: &[u32], draws: usize, seed: u64) -> (Shares, Shares) {
    let strata = Strata::new(hits, groups);
    let intervals = (draws > 0 && !hits.is_empty()).then(|| strata.intervals(draws, seed));
    let of = |n, [top1, top3, top10]: Hits, intervals| Shares {
        n,
        top1,
        top3,
        top10,
        intervals,
    };
    let micro = of(hits.len(), strata.micro(), intervals.map(|both| both.0));
    (
        micro,
        of(
            strata.count(),
            strata.by_disease(),
            intervals.map(|both| both.1),
        ),
    )
}

#[cfg(test)]
mod tests {
    use ligate_clinic::phenotype::rank_of;

    use super::*;

    fn ranked(rank: f64) -> Outcome {
        Outcome {
            rank: Some(rank),
            lacks: None,
            all_in_ten: None,
        }
    }

    #[test]
    fn ties_share_the_middle_of_their_places() {
        assert_eq!(rank_of(&[3.0, 2.0, 1.0], 0), Some(1.0));
        assert_eq!(rank_of(&[3.0, 2.0, 2.0, 2.0], 2), Some(3.0));
        assert_eq!(rank_of(&[1.0, 1.0], 1), Some(1.5));
        assert_eq!(
            rank_of(&[1.0 + 4e-10, 1.0], 1),
            Some(1.5),
            "equal after rounding to 1e-9"
        );
        assert_eq!(rank_of(&[1.0 + 6e-10, 1.0], 1), Some(2.0));
        assert_eq!(rank_of(&[f64::NEG_INFINITY, 1.0], 0), None);
        assert_eq!(rank_of(&[-5.0, f64::NEG_INFINITY], 0), Some(1.0));
    }

    #[test]
    fn macro_is_the_mean_over_diseases() {
        let miss = Outcome {
            rank: None,
            lacks: Some(Miss::Absent),
            all_in_ten: None,
        };
        let outcomes = vec![ranked(1.0), ranked(1.0), ranked(4.0), ranked(30.0), miss];
        let outcomes = Outcomes {
            repetitions: vec![outcomes],
        };
        let accuracy = outcomes.accuracy(&[1, 1, 1, 2, 3], 0, 0);
        assert_eq!(
            (accuracy.micro.n, accuracy.micro.top1, accuracy.micro.top10),
            (5, 0.4, 0.6)
        );
        let by_disease = &accuracy.by_disease;
        assert_eq!(by_disease.n, 3);
        assert!((by_disease.top1 - 2.0 / 9.0).abs() < 1e-12);
        assert!((by_disease.top10 - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(accuracy.misses.get(&Miss::Absent), Some(&1));
        assert_eq!(accuracy.without_misses.micro.n, 4);
        assert_eq!(accuracy.without_misses.by_disease.n, 2);
        assert_eq!(accuracy.without_misses.micro.top1, 0.5);
    }

    #[test]
    fn repetitions_are_averaged_and_their_range_is_kept() {
        let outcomes = Outcomes {
            repetitions: vec![vec![ranked(1.0)], vec![ranked(2.0)]],
        };
        let accuracy = outcomes.accuracy(&[9], 0, 0);
        assert_eq!(
            (accuracy.micro.n, accuracy.micro.top1, accuracy.micro.top3),
            (1, 0.5, 1.0)
        );
        let range = outcomes.range(&[9]);
        assert_eq!((range.micro[0].low, range.micro[0].high), (0.0, 1.0));
    }
}
