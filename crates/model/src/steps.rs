//! The step of a variable: what all its values are multiples of, from a common base, in whatever
//! unit they are.
//!
//! A sum of dosages times such values is a multiple of the step too, which is why two rules ask for
//! it: what is off the step for a few people is theirs alone, and so is a remainder of whole
//! numbers. Steps of a power of ten are tried first, because they are found exactly however fine
//! they are. All others follow from the gaps between neighbouring values: a gap is a small multiple
//! of the step, or an approximate greatest common divisor of some gaps is.

/// A base and the step from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    base: f64,
    step: f64,
}

/// Rounding of a value, of the base and of what is computed from them, as a share of the largest
/// value.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// A step is at least so many times as large as what a value may be off it: finer ones fit
/// anything.
const STEP_MIN: f64 = 32.0;

/// The largest number of steps: each whole number up to it is exact.
const NUMBER_MAX: f64 = 4_503_599_627_370_496.0;

/// Gaps between neighbouring values that are looked at.
const GAPS_MAX: usize = 48;

/// A gap of up to so many steps is tried.
const PARTS_MAX: u32 = 12;

/// How far values may be off a step of which little more is known than that it is one of all.
const OFF_MAX: f64 = 0.1;

/// What is taken for nothing in Euclid's algorithm, as shares of the smaller number: little for
/// many steps, more for values that are farther off theirs.
const SLACK: [f64; 3] = [1e-6, 1e-3, 0.1];

/// Groups of people that are drawn for the step of most.
const GROUPS_MAX: usize = 128;

impl Steps {
    /// The step of these values, each of which may be off it by a share `off` of it; `None` for no
    /// values, and for values that have none. Values that are all equal have one only if they are a
    /// multiple of a power of ten.
    pub fn of(values: &[f64], off: f64) -> Option<Self> {
        let mut sorted = sorted(values)?;
        sorted.dedup();
        let rounding = rounding(&sorted);
        let fits = |steps: &Self| steps.is_of(&sorted, off, rounding);
        decimal_steps(&sorted)
            .map(|step| Self { base: 0.0, step })
            .find(fits)
            .or_else(|| {
                let distances: Vec<f64> = sorted.iter().map(|value| value - sorted[0]).collect();
                let gaps = gaps(&distances, rounding);
                let refined = |step: f64| Self {
                    base: sorted[0],
                    step: refined(step, &distances, OFF_MAX),
                };
                candidates(&gaps, rounding).map(refined).find(fits)
            })
    }

    /// A step that is a small part of the step of at least half of the values; the others may be
    /// anywhere.
    pub fn of_most(values: &[f64], off: f64) -> Option<Self> {
        let sorted = sorted(values)?;
        let rounding = rounding(&sorted);
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            sorted[(((state >> 33) as usize) * sorted.len()) >> 31]
        };
        (0..GROUPS_MAX).find_map(|group| {
            let drawn: Vec<f64> = (0..3 + group % 7).map(|_| draw()).collect();
            let first =
                Self::of(&drawn, off).filter(|_| drawn.iter().any(|value| *value != drawn[0]))?;
            let distances = first.distances(&sorted);
            let steps = Self {
                step: refined(first.step, &distances, off.max(4.0 * rounding / first.step)),
                ..first
            };
            let on_step = sorted
                .iter()
                .filter(|value| steps.has(**value, off, rounding))
                .count();
            (2 * on_step >= sorted.len()).then(|| steps.divided(rounding))
        })
    }

    /// The number of steps from the base to the point that is nearest to a value.
    pub fn number(&self, value: f64) -> i64 {
        ((value - self.base) / self.step).round() as i64
    }

    /// The value at a number of steps from the base.
    pub fn value(&self, number: i64) -> f64 {
        self.base + number as f64 * self.step
    }

    fn has(&self, value: f64, off: f64, rounding: f64) -> bool {
        let number = (value - self.base) / self.step;
        let from_point = (number - number.round()).abs() * self.step;
        from_point <= rounding.max(off * self.step) && number.abs() < NUMBER_MAX
    }

    fn is_of(&self, sorted: &[f64], off: f64, rounding: f64) -> bool {
        self.step >= STEP_MIN * rounding
            && sorted.iter().all(|value| self.has(*value, off, rounding))
    }

    /// How far the values are from the base, ascending.
    fn distances(&self, values: &[f64]) -> Vec<f64> {
        let mut distances: Vec<f64> = values
            .iter()
            .map(|value| (value - self.base).abs())
            .collect();
        distances.sort_by(f64::total_cmp);
        distances
    }

    /// The step by the largest power of two that leaves it larger than what values are off it by
    /// rounding.
    fn divided(self, rounding: f64) -> Self {
        let mut step = self.step;
        while step / 2.0 > STEP_MIN * rounding {
            step /= 2.0;
        }
        Self { step, ..self }
    }
}

/// The values, ascending; `None` if there are none, or one that is not finite.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let is_finite = sorted.iter().all(|value| value.is_finite());
    (is_finite && !sorted.is_empty()).then_some(sorted)
}

fn rounding(sorted: &[f64]) -> f64 {
    let largest = sorted
        .first()
        .map_or(0.0, |first| first.abs())
        .max(sorted.last().map_or(0.0, |last| last.abs()));
    ROUNDING * largest
}

/// Powers of ten from the size of the largest value downwards, as far as a value has digits.
fn decimal_steps(sorted: &[f64]) -> impl Iterator<Item = f64> + use<> {
    let largest = rounding(sorted) / ROUNDING;
    let first = if largest > 0.0 {
        libm::log10(largest).floor() as i32
    } else {
        0
    };
    // A literal is the number nearest to the power, which a product of tens is not.
    (0..=15)
        .filter_map(move |digit| format!("1e{}", first - digit).parse().ok())
        .filter(|step| *step > 0.0)
}

/// Different gaps between neighbours, ascending; of many, some of each size.
fn gaps(distances: &[f64], rounding: f64) -> Vec<f64> {
    let neighbours = distances.windows(2).map(|pair| pair[1] - pair[0]);
    let mut gaps: Vec<f64> = neighbours
        .filter(|gap| *gap > STEP_MIN * rounding)
        .collect();
    gaps.sort_by(f64::total_cmp);
    gaps.dedup_by(|a, b| (*a - *b).abs() <= rounding);
    let count = gaps.len();
    if count <= GAPS_MAX {
        return gaps;
    }
    (0..GAPS_MAX)
        .map(|place| gaps[place * (count - 1) / (GAPS_MAX - 1)])
        .collect()
}

/// Steps that the gaps suggest: what all have in common, and three of a size each, and the simplest
/// parts of each.
fn candidates(gaps: &[f64], rounding: f64) -> impl Iterator<Item = f64> + use<> {
    let mut candidates = Vec::new();
    for slack in SLACK {
        let divisor = |a: f64, b: f64| divisor(a.max(b), a.min(b), slack, rounding);
        candidates.extend(gaps.iter().copied().reduce(divisor));
        candidates.extend(
            gaps.windows(3)
                .map(|three| divisor(three[2], divisor(three[1], three[0]))),
        );
    }
    for part in 1..=PARTS_MAX {
        candidates.extend(gaps.iter().map(|gap| gap / f64::from(part)));
    }
    candidates.into_iter()
}

/// About the greatest common divisor: Euclid's algorithm, where less than a share `slack` is taken
/// for nothing.
fn divisor(larger: f64, smaller: f64, slack: f64, rounding: f64) -> f64 {
    let (mut a, mut b) = (larger, smaller);
    while b > rounding {
        let rest = (a - (a / b).round() * b).abs();
        if rest <= (slack * b).max(rounding) {
            break;
        }
        (a, b) = (b, rest);
    }
    b
}

/// The step by all values that are within a share `off` of it, from the nearest to the farthest:
/// what is known of the step from each value must do for the next one.
fn refined(step: f64, distances: &[f64], off: f64) -> f64 {
    let (mut refined, mut products, mut squares) = (step, 0.0, 0.0);
    for distance in distances {
        let number = (distance / refined).round();
        if number > 0.0 && (distance - number * refined).abs() <= off * refined {
            // In steps, so that the squares of very small values are not 0.
            products += number * (distance / step);
            squares += number * number;
            refined = step * (products / squares);
        }
    }
    refined
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: f64 = 1e-12;

    /// Numbers of steps of which values are made, and those that are found.
    #[track_caller]
    fn check(unit: f64, base: f64, numbers: &[i64], off: f64) {
        let values: Vec<f64> = numbers
            .iter()
            .map(|number| base + unit * *number as f64)
            .collect();
        let steps =
            Steps::of(&values, off).unwrap_or_else(|| panic!("no step of {unit} from {base}"));
        let found: Vec<i64> = values.iter().map(|value| steps.number(*value)).collect();
        let whole = (unit / steps.step).round() as i64;
        // All by the same factor: a coarser step where the numbers have a divisor.
        let (first, last) = (
            numbers[0],
            *numbers
                .iter()
                .max_by_key(|n| (**n - numbers[0]).abs())
                .unwrap(),
        );
        for (number, place) in numbers.iter().zip(&found) {
            let by_numbers = (number - first) as i128
                * (steps.number(base + unit * last as f64) - found[0]) as i128;
            assert_eq!(
                by_numbers,
                (place - found[0]) as i128 * (last - first) as i128,
                "{unit} {base} {whole}"
            );
        }
        assert!(
            values.iter().zip(&found).all(|(value, number)| {
                (steps.value(*number) - value).abs() <= 1e-4 * steps.step
            })
        );
    }

    #[test]
    fn steps_in_any_unit() {
        let ages: Vec<i64> = (0..200).map(|person| 20 + person * 7919 % 61).collect();
        let scores: Vec<i64> = (0..90).map(|person| person * person % 3).collect();
        let even: Vec<i64> = (0..50).map(|person| 2 * (person * 31 % 40)).collect();
        let wide: Vec<i64> = (0..300).map(|person| person * 104_729 % 100_003).collect();
        let third = 1.0 / 3.0;
        for unit in [
            1.0,
            0.1,
            1e-15,
            1e18,
            1e30,
            1.0 / 7.0,
            third * 1e-15,
            3.369e-5,
            2.0_f64.powi(-40),
            0.7e-280,
        ] {
            for base in [0.0, 5.0 * unit, 0.3 * unit, 1000.5 * unit] {
                for numbers in [&ages, &scores, &even, &wide] {
                    check(unit, base, numbers, EXACT);
                    check(unit, base, numbers, 1e-4);
                }
            }
        }
        // A billion steps of which few are used, and noise of decimals.
        check(1e-9, 1.0, &[0, 1, 3, 9, 27, 6561, 1_000_000_000], EXACT);
        check(0.1, 0.2, &[0, 1, 2, 4, 7], EXACT);
        assert_eq!(
            Steps::of(&[0.1 + 0.2, 0.3, 0.6], EXACT)
                .unwrap()
                .number(0.1 + 0.2),
            3
        );
    }

    #[test]
    fn values_without_a_step() {
        let waves: Vec<f64> = (0..300)
            .map(|person| libm::sin(f64::from(person)) * 40.0)
            .collect();
        for off in [EXACT, 1e-4, 0.05] {
            for unit in [1.0, 1e-15, 1e30] {
                let values: Vec<f64> = waves.iter().map(|value| unit * value).collect();
                assert_eq!(Steps::of(&values[..20], off), None);
                assert_eq!(Steps::of(&values, off), None);
            }
        }
        assert_eq!(Steps::of_most(&waves, EXACT), None);
        for values in [&[][..], &[f64::NAN, 1.0], &[f64::INFINITY], &[1.0 / 3.0]] {
            assert_eq!(Steps::of(values, EXACT), None, "{values:?}");
            assert_eq!(Steps::of_most(values, EXACT), None);
        }
        assert!(
            Steps::of(&[0.0, 0.0], EXACT).is_some()
                && Steps::of(&[-f64::MAX, f64::MAX], EXACT).is_none()
        );
    }

    #[test]
    fn values_that_are_all_a_little_off() {
        let jitter = |person: usize| 0.03 * libm::sin(person as f64);
        let values: Vec<f64> = (0..120)
            .map(|person| ((person * person % 3) as f64 + jitter(person)) / 7.0)
            .collect();
        let steps = Steps::of(&values, 0.1).unwrap();
        let numbers = values
            .iter()
            .map(|value| steps.number(*value) - steps.number(values[0]));
        assert!(numbers.eq((0..120).map(|person| (person * person % 3) as i64)));
    }

    #[test]
    fn the_step_of_most() {
        for unit in [1.0, 1e-15, 1.0 / 7.0, 1e18] {
            let values: Vec<f64> = (0..120)
                .map(|person| {
                    unit * (f64::from(person * 31 % 3)
                        + if person % 20 == 7 {
                            libm::sin(f64::from(person))
                        } else {
                            0.0
                        })
                })
                .collect();
            assert_eq!(Steps::of(&values, EXACT), None);
            let steps = Steps::of_most(&values, EXACT).unwrap();
            let one = steps.number(unit) - steps.number(0.0);
            assert!(one > 1 << 20);
            for (person, value) in values
                .iter()
                .enumerate()
                .filter(|(person, _)| person % 20 != 7)
            {
                assert_eq!(
                    steps.number(*value) - steps.number(0.0),
                    one * (person as i64 * 31 % 3)
                );
            }
        }
    }
}
