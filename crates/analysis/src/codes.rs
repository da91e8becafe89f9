//! Codes in the values of a variable: what an exact sum over many people would say of a few of them.
//!
//! Where all values but those of a few people are multiples of a step, the sum of dosages times values, taken modulo
//! the step, is a sum over those few: decimals that spell a person's number in base 3 are read off an exact table.
//! [`without_codes`] finds such a step and rounds the few to it. Values of which many people use the finer step stay as
//! they are, bit by bit.

/// A code is one where fewer people than this, or people with more than [`SHARE_MAX`] of the squared deviations, are
/// off the coarser step.
const OFF_STEP_MAX: usize = 9;
const SHARE_MAX: f64 = 0.95;

/// Decimals that are looked for in a table's values.
const DECIMALS_MAX: usize = 12;

/// Whole numbers up to this size are exact.
const LARGEST_UNITS: f64 = 4e15;

/// Tries to find a coarser step; each looks at a few people.
const TRIES: usize = 256;

/// Exact powers of ten.
const POWERS: [f64; DECIMALS_MAX + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// Rounds the values of the few people that a code could be read of; says whether there were any. Missing values stay
/// missing.
pub fn without_codes(values: &mut [Option<f64>]) -> bool {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let Some(scale) = scale(&known) else { return false };
    let mut units: Vec<i64> = known.iter().map(|value| (value * scale).round() as i64).collect();
    let before = units.clone();
    let mut step = 1;
    while let Some((coarser, offset)) = coarser(&units, step) {
        step = coarser;
        units.iter_mut().for_each(|unit| *unit = offset + step * div_round(*unit - offset, step));
    }
    let mut changed = false;
    for (value, (unit, old)) in values.iter_mut().flatten().zip(units.iter().zip(&before)) {
        if unit != old {
            *value = *unit as f64 / scale;
            changed = true;
        }
    }
    changed
}

/// The power of ten that makes every value whole, or the largest that keeps them exact; `None` for no values and for
/// values too large for any.
fn scale(values: &[f64]) -> Option<f64> {
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let exact = |power: &&f64| largest * **power < LARGEST_UNITS;
    let finest = POWERS.iter().take_while(exact).last().filter(|_| !values.is_empty())?;
    let whole = |power: &&f64| values.iter().all(|value| is_whole(value * **power));
    POWERS.iter().take_while(|power| **power <= *finest).find(whole).or(Some(finest)).copied()
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() <= 1e-9_f64.max(value.abs() * 4.0 * f64::EPSILON).min(1e-3)
}

/// A larger step than `step`, and its offset, of which a code of few people is off. Small groups of people are drawn;
/// where nobody with a code is among them, the greatest common divisor of their differences is a multiple of the step.
fn coarser(units: &[i64], step: i64) -> Option<(i64, i64)> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
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

/// Whether the deviations from multiples of `step` around `base` are those of a few people.
fn is_code(units: &[i64], step: i64, base: i64) -> bool {
    let deviation = |unit: &i64| {
        let rest = (unit - base).rem_euclid(step);
        (rest.min(step - rest) as f64).powi(2)
    };
    let mut off: Vec<f64> = units.iter().map(deviation).filter(|square| *square > 0.0).collect();
    if off.is_empty() || off.len() > units.len() / 2 {
        return false;
    }
    off.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = off.iter().sum();
    off.iter().take(OFF_STEP_MAX).sum::<f64>() > SHARE_MAX * all
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
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&rounded(values)), bits(values));
    }

    #[test]
    fn values_as_registries_write_them_stay_as_they_are() {
        stays(&(0..400).map(|person| f64::from(person * 7919 % 1000) / 100.0 + 1.0).collect::<Vec<_>>());
        stays(&(0..300).map(|person| f64::from(20 + person * 13 % 60)).collect::<Vec<_>>());
        stays(&(0..200).map(|person| f64::from(1 + person % 2)).collect::<Vec<_>>());
        stays(&(0..500).map(|person| libm::sin(f64::from(person)) * 40.0).collect::<Vec<_>>());
        stays(&(0..50).map(|person| 1e30 * f64::from(person + 1)).collect::<Vec<_>>());
        stays(&(0..90).map(|person| 3.369e-5 * f64::from(person)).collect::<Vec<_>>());
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
        let sex: Vec<f64> = (0..300).map(|person| f64::from(1 + person * 31 % 2)).collect();
        for (digits, first) in [(7, 1e-6), (3, 1.0 / 27.0), (1, 0.5), (9, 1e-9)] {
            let mut coded = sex.clone();
            for digit in 0..digits {
                coded[30 * digit + 3] += first * 3.0_f64.powi(digit as i32);
            }
            let off = rounded(&coded).iter().zip(&sex).filter(|(a, b)| (*a - *b).abs() > 1e-9).count();
            assert!(off <= usize::from(first == 0.5), "{digits} digits: {off} people keep a code");
        }
    }

    #[test]
    fn a_code_in_whole_numbers_is_rounded_away_too() {
        // All but seven have 0 or 2187; the seven have digits in base 3 on top.
        let plain: Vec<f64> = (0..400).map(|person| f64::from(2187 * (person * 17 % 2))).collect();
        let mut coded = plain.clone();
        (0..6).for_each(|digit| coded[50 * digit + 1] += 3.0_f64.powi(digit as i32));
        assert_eq!(rounded(&coded), plain);
        // Fifty decoys of one unit do not hide a person whose deviation outweighs theirs.
        let mut hidden: Vec<f64> = (0..400).map(|person| f64::from(4000 * (person * 17 % 2))).collect();
        (0..50).for_each(|person| hidden[person * 8] += 1.0);
        hidden[399] += 300.0;
        assert!(rounded(&hidden).iter().all(|value| value % 4000.0 == 0.0));
    }

    #[test]
    fn missing_values_stay_missing() {
        let value = |person: i32| (person % 7 > 0).then_some(f64::from(2 + person % 2));
        let mut values: Vec<Option<f64>> = (0..100).map(value).collect();
        values[1] = Some(3.25);
        assert!(without_codes(&mut values));
        assert_eq!((values[0], values[1], values[2]), (None, Some(3.0), Some(2.0)));
    }
}
