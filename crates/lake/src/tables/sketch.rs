//! What steps changed in the calls of one variant, as sums that steps add up. Nothing in it tells
//! whose calls they were.
//!
//! Every call of every person has a number of 64 bits and 16 signs, by a hash of person, variant
//! and call under a key of the node. A sketch is the sum of those of the new calls less those of
//! the old ones: the tug-of-war sketch of Alon, Matias and Szegedy (JCSS 58:137, 1999). Sketches of
//! steps that follow one another add up to that of all of them, so what one step changed and a
//! later one put back is gone from it.
//!
//! Where D people's calls differ, each sum is one of 2 D random signs, and the mean of the 16
//! squares is about 2 D. Moments of such sums are at most those of a normal distribution
//! (Achlioptas, JCSS 66:671, 2003), so by Chernoff's bound the estimate is above x D with a chance
//! of less than (x e^(1-x))^8, which is below 10^-6 for x = 4.2 ([`ESTIMATE_MAX`]). So ten times as
//! many people as are too few are taken for a few in some 2 of 100 variants, and 25 times as many
//! in less than one of 1000 (`cargo test -p ligate-lake --lib sketch`). The numbers of 64 bits say
//! whether anything differs at all.

use ligate_model::{Digest, IndividualId, VariantKey};
use sha2::{Digest as _, Sha256};

const SUMS: usize = 16;

/// How many times more people than there are a sketch may seem to hold.
const ESTIMATE_MAX: f64 = 4.2;

/// Bytes of a stored sketch.
const BYTES: usize = 8 + 2 * SUMS;

/// The node's secret by which calls are hashed. Sketches of two keys do not add up.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryKey([u8; 32]);

/// Shows nothing of the key.
impl std::fmt::Debug for HistoryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HistoryKey(..)")
    }
}

impl HistoryKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// What the key is known by where it is not stored.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of("ligate history key", &self.0)
    }

    pub(crate) fn person(&self, id: &IndividualId) -> u64 {
        self.number(b"person", id.as_str())
    }

    pub(crate) fn variant(&self, key: &VariantKey) -> u64 {
        let VariantKey {
            contig,
            position,
            reference,
            alternate,
        } = key;
        self.number(
            b"variant",
            format!(
                "{contig}:{position}:{}:{}",
                reference.as_str(),
                alternate.as_str()
            ),
        )
    }

    /// A number that follows from the key and from `bytes` of this kind.
    pub(crate) fn number(&self, kind: &[u8], bytes: impl AsRef<[u8]>) -> u64 {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(kind)
            .chain_update([0]);
        let hash = hash.chain_update(bytes).finalize();
        hash.iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// The sums of one step, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    number: u64,
    sums: [i32; SUMS],
}

impl Sketch {
    /// Adds that the call of `person` for `variant`, both hashed, is `new` instead of `old`.
    pub fn change(&mut self, (person, variant): (u64, u64), old: u32, new: u32) {
        let of_both = mix(person ^ variant);
        let hash =
            |call: u32| mix(of_both ^ (u64::from(call) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (old, new) = (hash(old), hash(new));
        self.number = self.number.wrapping_add(mix(new)).wrapping_sub(mix(old));
        for (place, sum) in self.sums.iter_mut().enumerate() {
            *sum += 2 * ((new >> place & 1) as i32 - (old >> place & 1) as i32);
        }
    }

    /// With what a later step changed.
    #[must_use]
    pub fn and(mut self, later: &Self) -> Self {
        self.number = self.number.wrapping_add(later.number);
        self.sums
            .iter_mut()
            .zip(&later.sums)
            .for_each(|(sum, later)| *sum += later);
        self
    }

    /// Whether calls of some people may differ, but of fewer than `people_below`. Says no to a few
    /// with a chance of less than one in a million.
    pub fn may_be_few(&self, people_below: u32) -> bool {
        let differs = *self != Self::default();
        let squares: f64 = self.sums.iter().map(|sum| f64::from(*sum).powi(2)).sum();
        let people = squares / (2 * SUMS) as f64;
        differs && people_below > 1 && people <= ESTIMATE_MAX * f64::from(people_below - 1)
    }

    /// As it is stored; `None` where a sum is too large, which hundreds of millions of people would
    /// take.
    pub fn to_bytes(self) -> Option<[u8; BYTES]> {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        for (place, sum) in bytes[8..].as_chunks_mut::<2>().0.iter_mut().zip(self.sums) {
            *place = i16::try_from(sum).ok()?.to_le_bytes();
        }
        Some(bytes)
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, sums) = bytes.split_first_chunk::<8>()?;
        let (parts, rest) = sums.as_chunks::<2>();
        let mut sketch = Self {
            number: u64::from_le_bytes(*number),
            sums: [0; SUMS],
        };
        if parts.len() != SUMS || !rest.is_empty() {
            return None;
        }
        let sums = sketch.sums.iter_mut().zip(parts);
        sums.for_each(|(sum, part)| *sum = i32::from(i16::from_le_bytes(*part)));
        Some(sketch)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut number: u64) -> u64 {
    number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sketch of `people` people whose calls of a variant went from 0, 1 or 2 copies to others.
    fn changed(people: u64, variant: u64) -> Sketch {
        let mut sketch = Sketch::default();
        for person in 0..people {
            let old = (mix(person + variant) % 3) as u32;
            sketch.change((mix(person + 1), mix(!variant)), old, (old + 1) % 3);
        }
        sketch
    }

    /// The share of variants of which the estimate is above or below a multiple of the people.
    fn share(people: u64, variants: u64, holds: impl Fn(&Sketch) -> bool) -> f64 {
        (0..variants)
            .filter(|variant| holds(&changed(people, *variant)))
            .count() as f64
            / variants as f64
    }

    #[test]
    fn a_few_are_never_taken_for_many_and_many_seldom_for_a_few() {
        // As few as the bound allows: one miss in a million is the bound, none in 800,000 what is
        // seen.
        for people in [1, 2, 9] {
            assert!(
                share(people, 200_000, |sketch| !sketch.may_be_few(10)) == 0.0,
                "{people}"
            );
        }
        assert!(share(39, 100_000, |sketch| !sketch.may_be_few(40)) == 0.0);
        assert!(share(250, 20_000, |sketch| sketch.may_be_few(10)) < 0.001);
        assert!(share(100, 20_000, |sketch| sketch.may_be_few(10)) < 0.05);
    }

    #[test]
    fn the_estimate_exceeds_multiples_as_seldom_as_the_bound_says() {
        for people in [1, 3, 9, 60] {
            for multiple in [2.0, 2.5, 3.0] {
                let bound = (multiple * f64::exp(1.0 - multiple)).powi(8);
                let exceeds = |sketch: &Sketch| {
                    let squares: f64 = sketch.sums.iter().map(|sum| f64::from(*sum).powi(2)).sum();
                    squares / 32.0 > multiple * people as f64
                };
                let seen = share(people, 60_000, exceeds);
                assert!(
                    seen < bound,
                    "{people} people, {multiple}: {seen} and {bound}"
                );
            }
        }
    }

    #[test]
    fn steps_add_up_and_what_was_put_back_is_gone() {
        let variant = 7;
        let step = |people: std::ops::Range<u64>, old, new| {
            let mut sketch = Sketch::default();
            people.for_each(|person| sketch.change((mix(person + 1), variant), old, new));
            sketch
        };
        let both = step(0..40, 0, 1).and(&step(0..40, 1, 0));
        assert!(both == Sketch::default() && !both.may_be_few(10));
        let but_one = step(0..40, 0, 1).and(&step(1..40, 1, 0));
        assert!(but_one == step(0..1, 0, 1) && but_one.may_be_few(10));
        assert!(
            !but_one.may_be_few(1) && !but_one.may_be_few(0),
            "one is not fewer than one"
        );
        assert_eq!(step(0..40, 0, 1).and(&step(0..40, 1, 2)), step(0..40, 0, 2));
        let bytes = but_one.to_bytes().unwrap();
        assert_eq!(
            (Sketch::from_bytes(&bytes), Sketch::from_bytes(&bytes[1..])),
            (Some(but_one), None)
        );
        assert!(
            Sketch {
                number: 0,
                sums: [40_000; SUMS]
            }
            .to_bytes()
            .is_none()
        );
        assert_eq!(format!("{:?}", HistoryKey::new([7; 32])), "HistoryKey(..)");
    }
}
