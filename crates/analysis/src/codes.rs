//! Codes in the values of a variable: what an exact sum over many people would say of a few of
//! them.
//!
//! Where all values but those of a few people are multiples of a step, the sum of dosages times
//! values, taken modulo the step, is a sum over those few: decimals that spell a person's number in
//! base 3 are read off an exact table. Some tens of people are few as well where each has a
//! remainder of his own: of what a variant's sum leaves over, only one choice of carriers may be
//! the reason. [`without_codes`] finds such a step and rounds the few to it. Values of which many
//! people use the finer step, or in which people share what is off the step, stay as they are, bit
//! by bit.
//!
//! A variable of few values in no common step is a code as well: of an index of four regions the
//! sum over everybody is four sums at once, and one of them is that of the two people of the
//! smallest region. Values that too few people of a node have then count as the nearest one that
//! enough have.

use std::collections::BTreeMap;

use ligate_model::Steps;
use serde::{Deserialize, Serialize};

/// A code is one where fewer people than this, or people with more than [`SHARE_MAX`] of the
/// squared deviations, are off the coarser step.
const OFF_STEP_MAX: usize = 9;
const SHARE_MAX: f64 = 0.95;

/// Up to so many people off the coarser step are a code, too, where at least half of them have a
/// remainder that fewer than [`SHARED_MIN`] of them share.
const UNSHARED_MAX: usize = 40;
const SHARED_MIN: usize = 10;

/// Up to so many different values, which are more than so many steps apart, are few values in no
/// common step: sums of two groups of people then hardly ever make the same total. Fewer people
/// than [`SHARED_MIN`] are too few for one of them.
const VALUES_MAX: usize = 8;
const STEPS_MAX: i64 = 16;

/// How far values as a table has them are off a step, beside the rounding of the last bit.
const OFF_STEP: f64 = 1e-12;

/// Decimals that a grid's points have, at most.
const DECIMALS_MAX: usize = 22;

/// Whole numbers up to this size are exact.
const LARGEST_UNITS: f64 = 4e15;

/// Tries to find a coarser step; each looks at a few people.
const TRIES: usize = 256;

/// Exact powers of ten: those that a number with 53 bits holds.
const POWERS: [f64; DECIMALS_MAX + 1] = [
    1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Rounds the values of the few people that a code could be read of; says whether there were any.
/// Missing values stay missing.
pub fn without_codes(values: &mut [Option<f64>]) -> bool {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let Some(steps) = Steps::of(&known, OFF_STEP).or_else(|| Steps::of_most(&known, OFF_STEP))
    else {
        return false;
    };
    let mut units: Vec<i64> = known.iter().map(|value| steps.number(*value)).collect();
    let before = units.clone();
    let mut step = 1;
    while let Some((coarser, offset)) = coarser(&units, step) {
        step = coarser;
        units
            .iter_mut()
            .for_each(|unit| *unit = offset + step * div_round(*unit - offset, step));
    }
    merge_rare(&mut units);
    let written: BTreeMap<i64, f64> = before.iter().copied().zip(known).collect();
    let mut changed = false;
    for (value, (unit, old)) in values.iter_mut().flatten().zip(units.iter().zip(&before)) {
        if unit != old {
            // As others have it: a step that is no power of two has no exact multiples.
            *value = written
                .get(unit)
                .copied()
                .unwrap_or_else(|| steps.value(*unit));
            changed = true;
        }
    }
    changed
}

/// The grid that all values of a variable lie on: `base` + any multiple of `step`, in units of
/// 10^-`decimals`; step 0 is a variable of one value.
///
/// A sum of dosages times values is a multiple of the step as well. What does not lie on the grid
/// shows in the remainder, so whatever stands for a value that is missing must lie on it, too:
/// [`nearest`](Self::nearest) the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    decimals: u8,
    base: i64,
    step: i64,
}

impl Grid {
    /// The grid of these values; `None` for no values, and for values that need more decimals than
    /// a table has.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.collect();
        let scale = scale(&values)?;
        let decimals = POWERS.iter().position(|power| *power == scale)?;
        if !values.iter().all(|value| is_whole(value * scale)) {
            return None;
        }
        let units = |value: &f64| (value * scale).round() as i64;
        let base = units(values.first()?);
        let step = values.iter().fold(0, |step, value| {
            gcd(step, units(value).checked_sub(base).unwrap_or(1))
        });
        Some(Self {
            decimals: decimals as u8,
            base,
            step,
        })
    }

    /// The grid on which all points of both lie; `None` where its numbers would be too large.
    pub fn with(self, other: Self) -> Option<Self> {
        let (decimals, base, step, apart) = self.beside(other)?;
        Some(Self {
            decimals,
            base,
            step: gcd(step, apart),
        })
    }

    /// The grid whose points lie on both: the coarser one, where the other one has its points.
    /// Where neither has those of the other, the coarser one as well: what lies on it then is a
    /// value at some nodes at least. A variable of one value says nothing of a step.
    #[must_use]
    pub fn coarser(self, other: Self) -> Self {
        let Some((decimals, _, _, _)) = self.beside(other) else {
            return self;
        };
        let step =
            |grid: Self| i128::from(grid.step) * 10_i128.pow(u32::from(decimals - grid.decimals));
        if step(other) > step(self) {
            other
        } else {
            self
        }
    }

    /// Whether the two have a step in common and lie beside each other: what a sum over the points
    /// of both leaves over by that step says how many points are of one of them.
    pub fn lies_beside(self, other: Self) -> bool {
        self.beside(other)
            .is_some_and(|(_, _, step, apart)| step > 0 && apart % step != 0)
    }

    /// Decimals, the own base, the step in common, and how far the bases are apart.
    fn beside(self, other: Self) -> Option<(u8, i64, i64, i64)> {
        let decimals = self.decimals.max(other.decimals);
        let finer = |grid: Self| {
            let factor = 10_i64.checked_pow(u32::from(decimals.checked_sub(grid.decimals)?))?;
            Some((
                grid.base.checked_mul(factor)?,
                grid.step.checked_mul(factor)?,
            ))
        };
        let ((base, own), (other_base, others)) = (finer(self)?, finer(other)?);
        Some((
            decimals,
            base,
            gcd(own, others),
            other_base.checked_sub(base)?,
        ))
    }

    /// Whether it is that of a variable of one value.
    pub fn is_one_value(&self) -> bool {
        self.step == 0
    }

    /// The point nearest to `value`.
    pub fn nearest(&self, value: f64) -> f64 {
        let scale = libm::pow(10.0, f64::from(self.decimals));
        let steps = if self.step == 0 {
            0.0
        } else {
            (value * scale - self.base as f64) / self.step as f64
        };
        (self.base as f64 + steps.round() * self.step as f64) / scale
    }
}

/// The power of ten that makes every value whole, or the largest that keeps them exact; `None` for
/// no values and for values too large for any.
fn scale(values: &[f64]) -> Option<f64> {
    let largest = values
        .iter()
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let exact = |power: &&f64| largest * **power < LARGEST_UNITS;
    let finest = POWERS
        .iter()
        .take_while(exact)
        .last()
        .filter(|_| !values.is_empty())?;
    let whole = |power: &&f64| values.iter().all(|value| is_whole(value * **power));
    POWERS
        .iter()
        .take_while(|power| **power <= *finest)
        .find(whole)
        .or(Some(finest))
        .copied()
}

/// Whether a value is a whole number but for rounding. What rounds to nothing is none, unless it is
/// 0.
fn is_whole(value: f64) -> bool {
    let off = (value - value.round()).abs();
    off <= 1e-9_f64.max(value.abs() * 4.0 * f64::EPSILON).min(1e-3)
        && (value == 0.0 || value.round() != 0.0)
}

/// A larger step than `step`, and its offset, of which a code of few people is off. Small groups of
/// people are drawn; where nobody with a code is among them, the greatest common divisor of their
/// differences is a multiple of the step.
fn coarser(units: &[i64], step: i64) -> Option<(i64, i64)> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        units[(((state >> 33) as usize) * units.len()) >> 31]
    };
    let mut tried = Vec::new();
    for attempt in 0..TRIES {
        let (base, size) = (draw(), 2 + attempt % 7);
        let divisor = (0..size).fold(0_i64, |divisor, _| gcd(divisor, draw() - base));
        for part in [1, 2, 3, 5] {
            let coarser = divisor / part;
            if coarser <= step || divisor % part != 0 {
                continue;
            }
            let candidate = (coarser, base.rem_euclid(coarser));
            if !tried.contains(&candidate) {
                tried.push(candidate);
                if is_code(units, coarser, base) {
                    return Some(candidate);
                }
            }
        }
    }
    None
}

/// Whether what is off the multiples of `step` around `base` is that of a few people: nearly all of
/// the squares, or a remainder of his own for nearly each.
fn is_code(units: &[i64], step: i64, base: i64) -> bool {
    let remainders: Vec<i64> = units
        .iter()
        .map(|unit| (unit - base).rem_euclid(step))
        .filter(|remainder| *remainder > 0)
        .collect();
    if remainders.is_empty() || remainders.len() > units.len() / 2 {
        return false;
    }
    let square = |remainder: &i64| ((*remainder).min(step - remainder) as f64).powi(2);
    let mut squares: Vec<f64> = remainders.iter().map(square).collect();
    squares.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = squares.iter().sum();
    let of_nine = squares.iter().take(OFF_STEP_MAX).sum::<f64>() > SHARE_MAX * all;
    (of_nine || is_list(units, &remainders)) && is_used(units, step, base)
}

/// Whether the few people off a step have remainders of their own, see [`UNSHARED_MAX`].
fn is_list(units: &[i64], remainders: &[i64]) -> bool {
    let sharing = counts(remainders.iter().copied());
    let unshared: usize = sharing
        .values()
        .filter(|people| **people < SHARED_MIN)
        .sum();
    remainders.len() <= UNSHARED_MAX.min(units.len() / 3) && 2 * unshared >= remainders.len()
}

/// Whether enough people are on the step beside its most frequent point. A step of which one point
/// alone is used says nothing: 30 is one where most people have 0 and thirty have the numbers 1 to
/// 30, and so is any dose that one of nine people takes.
fn is_used(units: &[i64], step: i64, base: i64) -> bool {
    let on_step = units
        .iter()
        .filter(|unit| (**unit - base).rem_euclid(step) == 0);
    let points = counts(on_step.map(|unit| (unit - base) / step));
    let beside = points.values().sum::<usize>() - points.values().max().copied().unwrap_or(0);
    beside >= SHARED_MIN
}

/// Moves values that too few people have to the nearest one that enough have, where there are few
/// and in no common step.
fn merge_rare(units: &mut [i64]) {
    let values = counts(units.iter().copied());
    let (Some((first, _)), Some((last, _))) = (values.first_key_value(), values.last_key_value())
    else {
        return;
    };
    let step = values
        .keys()
        .fold(0, |step, value| gcd(step, value - first))
        .max(1);
    if values.len() > VALUES_MAX || (last - first) / step <= STEPS_MAX {
        return;
    }
    let frequent: Vec<i64> = values
        .iter()
        .filter(|(_, people)| **people >= SHARED_MIN)
        .map(|(value, _)| *value)
        .collect();
    // Where most have one value and few another one, these few are a group like any other, which
    // the span rule judges.
    if frequent.len() < 2 {
        return;
    }
    for unit in units {
        let nearest = frequent.iter().min_by_key(|value| value.abs_diff(*unit));
        *unit = nearest.copied().unwrap_or(*unit);
    }
}

/// How often each number comes.
fn counts(numbers: impl Iterator<Item = i64>) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    numbers.for_each(|number| *counts.entry(number).or_insert(0) += 1);
    counts
}

fn div_round(value: i64, by: i64) -> i64 {
    (2 * value + by).div_euclid(2 * by)
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(values: &[f64]) -> Vec<f64> {
        let mut values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        without_codes(&mut values);
        values.into_iter().flatten().collect()
    }

    #[track_caller]
    fn stays(values: &[f64]) {
        let bits = |values: &[f64]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&rounded(values)), bits(values));
    }

    #[test]
    fn values_as_registries_write_them_stay_as_they_are() {
        stays(
            &(0..400)
                .map(|person| f64::from(person * 7919 % 1000) / 100.0 + 1.0)
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..300)
                .map(|person| f64::from(20 + person * 13 % 60))
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..200)
                .map(|person| f64::from(1 + person % 2))
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..500)
                .map(|person| libm::sin(f64::from(person)) * 40.0)
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..50)
                .map(|person| 1e30 * f64::from(person + 1))
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..90)
                .map(|person| 3.369e-5 * f64::from(person))
                .collect::<Vec<_>>(),
        );
        stays(&[]);
        stays(&[7.0; 30]);
    }

    #[test]
    fn finer_values_of_many_people_stay() {
        let halves = |person: i32| f64::from(person % 50) + if person % 3 == 0 { 0.5 } else { 0.0 };
        stays(&(0..200).map(halves).collect::<Vec<_>>());
    }

    #[test]
    fn a_code_in_the_decimals_of_a_few_is_rounded_away() {
        let sex: Vec<f64> = (0..300)
            .map(|person| f64::from(1 + person * 31 % 2))
            .collect();
        for (digits, first) in [(7, 1e-6), (3, 1.0 / 27.0), (1, 0.5), (9, 1e-9)] {
            let mut coded = sex.clone();
            for digit in 0..digits {
                coded[30 * digit + 3] += first * 3.0_f64.powi(digit as i32);
            }
            let off = rounded(&coded)
                .iter()
                .zip(&sex)
                .filter(|(a, b)| (*a - *b).abs() > 1e-9)
                .count();
            assert!(
                off <= usize::from(first == 0.5),
                "{digits} digits: {off} people keep a code"
            );
        }
    }

    #[test]
    fn a_code_in_any_unit_is_rounded_away() {
        for unit in [1.0, 1e-15, 1e18, 1.0 / 7.0, 1e-200, 3.369e-5] {
            for first in [0.01, 1.0 / 27.0, libm::sin(1.0) / 100.0] {
                for base in [0.0, 0.3, 1e6] {
                    let plain: Vec<f64> = (0..300)
                        .map(|person| unit * (base + f64::from(person * 31 % 3)))
                        .collect();
                    let mut coded = plain.clone();
                    (0..3).for_each(|digit| {
                        coded[30 * digit + 3] += unit * first * 3.0_f64.powi(digit as i32)
                    });
                    assert_eq!(rounded(&coded), plain, "{unit} {first} {base}");
                }
            }
        }
    }

    #[test]
    fn a_code_in_whole_numbers_is_rounded_away_too() {
        // All but seven have 0 or 2187; the seven have digits in base 3 on top.
        let plain: Vec<f64> = (0..400)
            .map(|person| f64::from(2187 * (person * 17 % 2)))
            .collect();
        let mut coded = plain.clone();
        (0..6).for_each(|digit| coded[50 * digit + 1] += 3.0_f64.powi(digit as i32));
        assert_eq!(rounded(&coded), plain);
        // Fifty decoys of one unit do not hide a person whose deviation outweighs theirs.
        let mut hidden: Vec<f64> = (0..400)
            .map(|person| f64::from(4000 * (person * 17 % 2)))
            .collect();
        (0..50).for_each(|person| hidden[person * 8] += 1.0);
        hidden[399] += 300.0;
        assert!(rounded(&hidden).iter().all(|value| value % 4000.0 == 0.0));
    }

    #[test]
    fn the_nearest_point_of_a_grid() {
        let grid = |values: &[f64]| Grid::of(values.iter().copied());
        let sex = grid(&[1.0, 2.0, 2.0]).unwrap();
        assert_eq!([sex.nearest(1.37), sex.nearest(1.63)], [1.0, 2.0]);
        let dose = grid(&[0.5, 50.5, 200.5]).unwrap();
        assert_eq!([dose.nearest(37.0), dose.nearest(120.0)], [50.5, 100.5]);
        // A node where all have one value, and one with finer decimals.
        let both = grid(&[3.0, 3.0])
            .unwrap()
            .with(grid(&[1.5, 2.25]).unwrap())
            .unwrap();
        assert_eq!(both.nearest(2.4), 2.25);
        assert_eq!(grid(&[3.0, 3.0]).unwrap().nearest(9.0), 3.0);
        assert_eq!(
            grid(&[0.1, 0.7])
                .unwrap()
                .with(grid(&[0.4]).unwrap())
                .unwrap()
                .nearest(0.5),
            0.4
        );
        // Tens with one more at one node, and values as they are.
        let tens = grid(&[20.0, 50.0, 90.0]).unwrap();
        assert!(
            tens.lies_beside(grid(&[21.0, 41.0]).unwrap())
                && tens.lies_beside(grid(&[31.0]).unwrap())
        );
        assert!(
            !tens.lies_beside(grid(&[30.0, 45.0]).unwrap())
                && !tens.lies_beside(grid(&[7.0, 8.0]).unwrap())
        );
        assert!(!sex.lies_beside(grid(&[2.0, 2.0]).unwrap()));
        // What stands for a missing value is a value at every node.
        let (halves, quarters) = (grid(&[3.0, 4.5]).unwrap(), grid(&[3.25, 4.5]).unwrap());
        assert_eq!(
            (halves.coarser(quarters), quarters.coarser(halves)),
            (halves, halves)
        );
        assert_eq!(tens.coarser(grid(&[20.0, 31.0, 31.00001]).unwrap()), tens);
        assert_eq!(grid(&[3.0]).unwrap().coarser(tens), tens);
        assert!(
            grid(&[1.0 / 3.0, 1.0]).is_none() && grid(&[]).is_none() && grid(&[f64::NAN]).is_none()
        );
        assert!(grid(&[1e300]).is_none());
        // A hormone in moles per litre.
        let tiny = grid(&[1.5e-15, 4e-15, 6.5e-15]).unwrap();
        assert!(!tiny.is_one_value() && (tiny.nearest(3.6e-15) - 4e-15).abs() < 1e-24);
    }

    #[test]
    fn a_list_of_known_people_on_top_of_a_large_step_is_rounded_away() {
        let plain = |person: usize| f64::from(1009 * (person as i32 * 17 % 3));
        for (known, off) in [(10, 0), (16, 0), (40, 0), (41, 41)] {
            let of_own = |person: usize| {
                if person < known {
                    f64::from(37 * person as i32 % 500 + 1)
                } else {
                    0.0
                }
            };
            let values: Vec<f64> = (0..300)
                .map(|person| plain(person) + of_own(person))
                .collect();
            let left = rounded(&values)
                .iter()
                .filter(|value| **value % 1009.0 != 0.0)
                .count();
            assert_eq!(left, off, "{known} people");
        }
    }

    #[test]
    fn counts_and_doses_of_few_people_stay() {
        let of_300 = |value: &dyn Fn(i32) -> i32| {
            (0..300)
                .map(|person| f64::from(value(person)))
                .collect::<Vec<_>>()
        };
        // Most have 0; thirty have a number of their own, or share the numbers from 1 to 5.
        stays(&of_300(&|person| {
            if person % 10 == 3 { 1 + person / 10 } else { 0 }
        }));
        stays(&of_300(&|person| {
            if person % 9 == 3 { 1 + person % 5 } else { 0 }
        }));
        // Doses in tens, and in fives for some.
        stays(&of_300(&|person| {
            10 * (1 + person % 8) + if person % 12 == 5 { 5 } else { 0 }
        }));
        for people in [20, 40, 60, 90] {
            stays(
                &(0..people)
                    .map(|person| f64::from(20 + person * 7919 % 61))
                    .collect::<Vec<_>>(),
            );
            stays(
                &(0..people)
                    .map(|person| f64::from(person * person % 97) / 10.0)
                    .collect::<Vec<_>>(),
            );
        }
    }

    #[test]
    fn a_dose_that_few_people_take_stays() {
        // Nine to fourteen of 120 people take a dose; seven of 60 inject insulin; some smoke,
        // mostly five or ten a day.
        for takers in [7, 9, 14] {
            let dose = |person: i32| {
                if person < takers {
                    f64::from(10 + 37 * person % 70)
                } else {
                    0.0
                }
            };
            stays(&(0..120).map(dose).collect::<Vec<_>>());
            stays(&(0..60).map(dose).collect::<Vec<_>>());
        }
        stays(
            &(0..60)
                .map(|person| {
                    if person % 5 == 0 {
                        f64::from(50 + person * 31 % 170) / 10.0
                    } else {
                        0.0
                    }
                })
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn few_values_in_no_common_step_need_a_cell_each() {
        let region = |person: usize| {
            if person == 77 {
                0.913
            } else {
                [0.137, 0.542, 0.731][person % 3]
            }
        };
        let index: Vec<f64> = (0..200).map(region).collect();
        let merged: Vec<f64> = (0..200)
            .map(|person| if person == 77 { 0.731 } else { region(person) })
            .collect();
        assert_eq!(rounded(&index), merged);
        // Scores, doses in steps, and few values of which each is frequent.
        stays(
            &(0..200)
                .map(|person| f64::from(if person == 7 { 4 } else { person % 4 }))
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..200)
                .map(|person| {
                    if person < 5 {
                        40.0
                    } else {
                        [0.0, 2.5, 5.0, 10.0, 20.0][person % 5]
                    }
                })
                .collect::<Vec<_>>(),
        );
        stays(
            &(0..200)
                .map(|person| [0.137, 0.542, 0.731][person % 3])
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn missing_values_stay_missing() {
        let value = |person: i32| (person % 7 > 0).then_some(f64::from(2 + person % 2));
        let mut values: Vec<Option<f64>> = (0..100).map(value).collect();
        values[1] = Some(3.25);
        assert!(without_codes(&mut values));
        assert_eq!(
            (values[0], values[1], values[2]),
            (None, Some(3.0), Some(2.0))
        );
    }
}
