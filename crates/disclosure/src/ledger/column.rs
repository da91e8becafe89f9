//! Values of a column as they are stored: exactly what genotypes are weighed with, in as few bytes
//! as they need.
//!
//! Sums over genotypes add whole multiples of 2^-30, so a column is one such number per person. A
//! rounded copy would not do: two columns that differ in one person by little more than the
//! rounding would look like many people's.
//!
//! A column is written as the bytes of one number, the count of codes and their numbers (8 bytes
//! each), and then a number or a code for each person. Codes serve where many people have the same
//! values; the shorter way is taken.

use std::collections::BTreeMap;

/// Bits after the binary point of what is summed over genotypes (`FRACTION_BITS` of the analyses).
const FRACTION_BITS: i32 = 30;

/// Bytes before the codes: the width of a number, and how many codes there are.
const HEADER: usize = 5;

/// A value as it is summed and stored.
pub fn on_grid(value: f64) -> f64 {
    value_of(units(value))
}

/// Rounded half to even; what is no number counts as 0, and what is too large for a word as the
/// largest.
fn units(value: f64) -> i64 {
    libm::ldexp(value, FRACTION_BITS).round_ties_even() as i64
}

fn value_of(units: i64) -> f64 {
    libm::ldexp(units as f64, -FRACTION_BITS)
}

/// A column as its bytes, which are equal for equal values.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Packed(Vec<u8>);

impl Packed {
    pub fn new(values: impl Iterator<Item = f64>) -> Self {
        let numbers: Vec<i64> = values.map(units).collect();
        let distinct: BTreeMap<i64, usize> = {
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.into_iter().zip(0..).collect()
        };
        let (width, code) = (
            numbers.iter().copied().map(width).max().unwrap_or(1),
            code_width(distinct.len()),
        );
        let coded = 8 * distinct.len() + code * numbers.len() < width * numbers.len();
        let (width, codes) = if coded {
            (code, distinct.len())
        } else {
            (width, 0)
        };
        let mut bytes = vec![width as u8];
        bytes.extend_from_slice(&(codes as u32).to_le_bytes());
        if coded {
            distinct
                .keys()
                .for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        }
        for number in &numbers {
            let stored = if coded {
                distinct.get(number).map_or(0, |code| *code as i64)
            } else {
                *number
            };
            bytes.extend_from_slice(&stored.to_le_bytes()[..width]);
        }
        Self(bytes)
    }

    /// Reads back a column of `people` people; `None` for anything that was not written so.
    pub fn from_bytes(bytes: Vec<u8>, people: usize) -> Option<Self> {
        let packed = Self(bytes);
        let (width, codes) = packed.header()?;
        let length = codes
            .checked_mul(8)?
            .checked_add(width.checked_mul(people)?)?
            .checked_add(HEADER)?;
        let valid = (1..=8).contains(&width) && packed.0.len() == length;
        (valid
            && (codes == 0
                || packed
                    .stored(width, codes)
                    .all(|code| (code as usize) < codes)))
        .then_some(packed)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn header(&self) -> Option<(usize, usize)> {
        let (width, codes) = (*self.0.first()?, self.0.get(1..HEADER)?);
        Some((
            usize::from(width),
            u32::from_le_bytes(codes.try_into().ok()?) as usize,
        ))
    }

    /// What is stored of each person, without its sign.
    fn stored(&self, width: usize, codes: usize) -> impl Iterator<Item = u64> + use<'_> {
        let numbers = self.0.get(HEADER + 8 * codes..).unwrap_or_default();
        numbers.chunks_exact(width.max(1)).map(|bytes| {
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        })
    }

    /// The value of each person.
    pub fn values(&self) -> impl Iterator<Item = f64> + use<'_> {
        let (width, codes) = self.header().unwrap_or((1, 0));
        let table = self
            .0
            .get(HEADER..HEADER + 8 * codes)
            .unwrap_or_default()
            .as_chunks::<8>()
            .0;
        let table: Vec<f64> = table
            .iter()
            .map(|number| value_of(i64::from_le_bytes(*number)))
            .collect();
        let unused = 64 - 8 * width.min(8) as u32;
        self.stored(width, codes)
            .map(move |stored| match table.get(stored as usize) {
                Some(value) if codes > 0 => *value,
                _ => value_of((stored << unused) as i64 >> unused),
            })
    }
}

/// Bytes that a number needs, with its sign.
fn width(number: i64) -> usize {
    let bits = 65 - (number ^ (number >> 63)).leading_zeros() as usize;
    bits.div_ceil(8)
}

/// Bytes that a code needs.
fn code_width(codes: usize) -> usize {
    if codes <= 1 << 8 {
        1
    } else if codes <= 1 << 16 {
        2
    } else {
        8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[f64]) -> usize {
        let packed = Packed::new(values.iter().copied());
        let read = Packed::from_bytes(packed.bytes().to_vec(), values.len()).unwrap();
        let expected: Vec<f64> = values.iter().map(|value| on_grid(*value)).collect();
        assert_eq!(read.values().collect::<Vec<_>>(), expected);
        assert!(Packed::from_bytes(packed.bytes().to_vec(), values.len() + 1).is_none());
        packed.bytes().len()
    }

    #[test]
    fn values_cost_what_they_need() {
        let spread: Vec<f64> = (0..10_000)
            .map(|person| libm::sin(f64::from(person)) * 5.0)
            .collect();
        assert_eq!(check(&spread), HEADER + 5 * spread.len());
        let decimals: Vec<f64> = spread
            .iter()
            .map(|value| (value * 100.0).round() / 100.0)
            .collect();
        assert!(check(&decimals) < 3 * decimals.len());
        let binary: Vec<f64> = spread.iter().map(|value| f64::from(*value > 0.0)).collect();
        assert_eq!(check(&binary), HEADER + 16 + binary.len());
        assert_eq!(check(&[]), HEADER);
    }

    #[test]
    fn the_smallest_difference_that_is_summed_is_stored() {
        let step = libm::ldexp(1.0, -FRACTION_BITS);
        let packed = Packed::new([1.5, 1.5 + step].into_iter());
        let values: Vec<f64> = packed.values().collect();
        assert_eq!(values[1] - values[0], step);
        assert_eq!(on_grid(f64::NAN), 0.0);
    }

    proptest! {
        #[test]
        fn any_values_come_back(values in prop::collection::vec(-3e9_f64..3e9, 0..300), codes in 1_usize..40) {
            check(&values);
            let few: Vec<f64> = values.iter().enumerate().map(|(at, _)| values[at % codes.min(values.len())]).collect();
            check(&few);
        }

        #[test]
        fn damaged_bytes_are_no_column(bytes in prop::collection::vec(any::<u8>(), 0..60), people in 0_usize..40) {
            if let Some(packed) = Packed::from_bytes(bytes, people) {
                prop_assert_eq!(packed.values().count(), people);
            }
        }
    }
}
