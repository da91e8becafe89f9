//! What follows of the dosages of few people from sums over them because a dosage is 0, 1 or 2:
//! programs in whole numbers, where the share of a combination says nothing.
//!
//! [`forced`] takes a group that has more than half of some combinations, tries all its dosages and
//! leaves to everybody else whatever they can make up. [`solved`] takes up to [`SET`] people who
//! have combinations all to themselves: a sum of ten unequal weights is another number for nearly
//! every choice of dosages.

use std::collections::BTreeSet;

use super::{
    attacker::{Basis, dot, most, rest_of, unit},
    world::World,
};

/// Combinations that are looked at together for the dosages of a group.
const COMBINATIONS: usize = 3;

/// People of a set that has combinations to itself.
const SET: usize = 16;

/// Sets that one reader looks at.
const SETS: usize = 8;

/// What everybody outside a set can add to its combination, at most.
const OUTSIDE: f64 = 1e-3;

/// How often a number is off by as much as its rounding says, and what is left in the sums
/// themselves.
const ROUNDINGS: f64 = 3.0;
const LEAST: f64 = 1e-7;

/// Weights below this are nobody's.
const NOBODY: f64 = 1e-5;

/// Choices that are tried for one set and variant; a set that takes more is given up.
const TRIES: usize = 100_000;

/// What programs found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Dosages of single people, over all variants.
    pub dosages: usize,
    /// Of these: that somebody does carry the allele.
    pub carriers: usize,
}

impl Known {
    pub fn and(self, other: Self) -> Self {
        Self {
            dosages: self.dosages + other.dosages,
            carriers: self.carriers + other.carriers,
        }
    }

    /// Of the dosages that each member can have, as bits.
    fn of(possible: &[u8]) -> Self {
        let single = |bits: &&u8| bits.count_ones() == 1;
        let dosages = possible.iter().filter(single).count();
        Self {
            dosages,
            carriers: possible
                .iter()
                .filter(|bits| **bits != 0 && **bits & 1 == 0)
                .count(),
        }
    }
}

/// Dosages of a group's members that follow whatever the dosages of everybody else are.
pub fn forced(basis: &Basis, world: &World, group: &[usize]) -> Known {
    let combinations: Vec<Vec<f64>> = best_of(basis, group, 0.5, COMBINATIONS)
        .iter()
        .map(|direction| basis.weights(direction))
        .collect();
    let programs: Vec<Sum> = combinations
        .iter()
        .map(|weights| Sum::of(weights, group, 0.0))
        .collect();
    let of_variant = |dosages: &Vec<f64>| {
        let sums: Vec<f64> = combinations
            .iter()
            .map(|weights| dot(weights, dosages))
            .collect();
        possible(&programs, &sums, group.len()).map_or(Known::default(), |found| Known::of(&found))
    };
    let variants = world.genotypes.iter().filter(|_| !combinations.is_empty());
    variants.map(of_variant).fold(Known::default(), Known::and)
}

/// Dosages of people who have combinations to themselves, by a reader who knows what each of them
/// weighs.
pub fn solved(basis: &Basis, world: &World, starts: &[Vec<f64>]) -> Known {
    let mut sets = BTreeSet::new();
    let leverages = basis.leverages();
    if most(&leverages, SET)
        .into_iter()
        .map(|person| leverages[person])
        .sum::<f64>()
        < 1.0 - OUTSIDE
    {
        return Known::default();
    }
    for direction in basis.sharpened(starts) {
        let (share, mut set) = basis.climb(direction, SET);
        if share > 1.0 - OUTSIDE {
            set.sort_unstable();
            sets.insert(set);
        }
    }
    // What one set tells is told once.
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut known = Known::default();
    for set in sets.into_iter().take(SETS) {
        for (variant, place, carries) in solve(basis, world, set) {
            if told.insert((variant, place)) {
                known = known.and(Known {
                    dosages: 1,
                    carriers: usize::from(carries),
                });
            }
        }
    }
    known
}

/// Variants and people of whom the dosage is known, and whether it is not 0.
fn solve(basis: &Basis, world: &World, set: Vec<usize>) -> Vec<(usize, usize, bool)> {
    let own = best_of(basis, &set, 1.0 - OUTSIDE, SET);
    let mut weights: Vec<Vec<f64>> = own
        .iter()
        .map(|direction| basis.weights(direction))
        .collect();
    weights.retain(|weights| off(weights, &set) < OUTSIDE);
    let member = |person: &usize| {
        weights
            .iter()
            .any(|weights| weights[*person].abs() > NOBODY)
    };
    let mut members: Vec<usize> = set.iter().copied().filter(member).collect();
    let size = |person: usize| {
        weights
            .iter()
            .map(|weights| weights[person].abs())
            .fold(0.0, f64::max)
    };
    members.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
    let programs: Vec<Sum> = weights
        .iter()
        .map(|weights| {
            let error = (1.0 - dot(weights, weights)).max(0.0).sqrt();
            Sum::of(weights, &members, ROUNDINGS * error + LEAST)
        })
        .collect();
    let mut known = Vec::new();
    for (variant, dosages) in world
        .genotypes
        .iter()
        .enumerate()
        .filter(|_| !programs.is_empty())
    {
        let sums: Vec<f64> = weights
            .iter()
            .map(|weights| dot(weights, dosages))
            .collect();
        let Some(possible) = possible(&programs, &sums, members.len()) else {
            break;
        };
        let single = possible
            .iter()
            .zip(&members)
            .filter(|(bits, _)| bits.count_ones() == 1);
        known.extend(single.map(|(bits, person)| (variant, *person, *bits != 1)));
    }
    known
}

/// The most that people outside a set can add to a combination.
fn off(weights: &[f64], set: &[usize]) -> f64 {
    let outside = weights
        .iter()
        .enumerate()
        .filter(|(person, _)| !set.contains(person));
    outside.map(|(_, weight)| 2.0 * weight.abs()).sum()
}

/// One combination: the weights of the members, and what is left of the sum when all of them are
/// counted.
struct Sum {
    weights: Vec<f64>,
    /// What the others can add, with what the number is off by.
    low: f64,
    high: f64,
    /// What the members from each place on can add.
    rest: Vec<[f64; 2]>,
}

impl Sum {
    fn of(weights: &[f64], members: &[usize], error: f64) -> Self {
        let others = |bound: fn(f64) -> f64| -> f64 {
            let outside = weights
                .iter()
                .enumerate()
                .filter(|(person, _)| !members.contains(person));
            outside.map(|(_, weight)| bound(2.0 * weight)).sum()
        };
        let own: Vec<f64> = members.iter().map(|person| weights[*person]).collect();
        let mut rest = vec![[0.0; 2]];
        for weight in own.iter().rev() {
            let [low, high] = rest[rest.len() - 1];
            rest.push([
                low + (2.0 * weight).min(0.0),
                high + (2.0 * weight).max(0.0),
            ]);
        }
        rest.reverse();
        let (low, high) = (
            others(|weight| weight.min(0.0)),
            others(|weight| weight.max(0.0)),
        );
        Self {
            weights: own,
            low: low - error - LEAST,
            high: high + error + LEAST,
            rest,
        }
    }

    /// Whether the members from `place` on and everybody else can make up what is left of a sum.
    fn fits(&self, left: f64, place: usize) -> bool {
        let [low, high] = self.rest[place];
        left >= low + self.low && left <= high + self.high
    }
}

/// The dosages that each member can have, as bits; none where too many choices would have to be
/// tried.
fn possible(programs: &[Sum], sums: &[f64], members: usize) -> Option<Vec<u8>> {
    let (dosages, possible) = (vec![0; members], vec![0; members]);
    let mut search = Tried {
        programs,
        left: sums.to_vec(),
        dosages,
        possible,
        tries: 0,
    };
    search.try_from(0).then_some(search.possible)
}

struct Tried<'a> {
    programs: &'a [Sum],
    /// Of each sum, when the members that have a dosage are counted.
    left: Vec<f64>,
    dosages: Vec<u8>,
    possible: Vec<u8>,
    tries: usize,
}

impl Tried<'_> {
    /// Tries all dosages of the members from `place` on; gives up where there are too many.
    fn try_from(&mut self, place: usize) -> bool {
        self.tries += 1;
        if self.tries > TRIES {
            return false;
        }
        if self.possible.iter().all(|bits| *bits == 7) {
            return true;
        }
        if !self
            .programs
            .iter()
            .zip(&self.left)
            .all(|(program, left)| program.fits(*left, place))
        {
            return true;
        }
        if place == self.dosages.len() {
            let bits = self.possible.iter_mut().zip(&self.dosages);
            bits.for_each(|(bits, dosage)| *bits |= 1 << dosage);
            return true;
        }
        let all = (0..3_u8).all(|dosage| {
            self.dosages[place] = dosage;
            let goes_on = self.try_from(place + 1);
            self.take(place, 1.0);
            goes_on
        });
        self.take(place, -3.0);
        all
    }

    /// Counts so many copies more of one member.
    fn take(&mut self, place: usize, copies: f64) {
        for (left, program) in self.left.iter_mut().zip(self.programs) {
            *left -= copies * program.weights[place];
        }
    }
}

/// Directions at right angles in which a group has the most, as far as it has at least `share` of
/// them.
fn best_of(basis: &Basis, group: &[usize], least: f64, most: usize) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    while found.len() < most && found.len() < group.len() {
        // Something of every member, so that no direction is left out.
        let sign = |place: usize| (1.7 * (1 + place) as f64 * (1 + found.len()) as f64).sin();
        let mut direction = vec![0.0; basis.rank()];
        for (place, person) in group.iter().enumerate() {
            direction
                .iter_mut()
                .zip(basis.row(*person))
                .for_each(|(sum, value)| *sum += sign(place) * value);
        }
        (direction, _) = rest_of(&found, &direction);
        unit(&mut direction);
        let mut share = 0.0;
        for _ in 0..100 {
            let (mut next, _) = rest_of(&found, &basis.onto(group, &direction));
            share = dot(&next, &next).sqrt();
            unit(&mut next);
            direction = next;
        }
        if share < least {
            break;
        }
        found.push(direction);
    }
    found
}

/// Programs must find what is there to be found, and nothing else.
#[cfg(test)]
mod tests {
    use super::*;

    fn check(weights: &[&[f64]], dosages: &[f64]) -> Vec<u8> {
        let members: Vec<usize> = (0..dosages.len()).collect();
        let programs: Vec<Sum> = weights
            .iter()
            .map(|weights| Sum::of(weights, &members, 0.0))
            .collect();
        let sums: Vec<f64> = weights
            .iter()
            .map(|weights| dot(weights, dosages))
            .collect();
        possible(&programs, &sums, dosages.len()).unwrap()
    }

    #[test]
    fn equal_weights_tell_the_sum_alone() {
        assert_eq!(check(&[&[0.5; 4]], &[0.0, 1.0, 2.0, 0.0]), [7; 4]);
        assert_eq!(check(&[&[0.5; 4]], &[0.0; 4]), [1; 4]);
        assert_eq!(check(&[&[0.5; 4]], &[2.0, 2.0, 1.0, 2.0]), [6; 4]);
    }

    #[test]
    fn unequal_weights_tell_everybody() {
        let weights = [0.31, -0.17, 0.5303, 0.211, 0.0907, -0.42];
        assert_eq!(
            check(&[&weights], &[0.0, 1.0, 2.0, 0.0, 1.0, 1.0]),
            [1, 2, 4, 1, 2, 2]
        );
    }
}
