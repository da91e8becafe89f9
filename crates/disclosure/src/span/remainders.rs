//! What whole numbers give away beside the span rule. Dosages are whole numbers, and so are the
//! values of many variables in steps of their own: a sum of dosages times values is known to the
//! last step. Where a combination with whole factors is a multiple of a prime for all but a few
//! people, the sum's remainder is a sum over these few, although the combination itself has weights
//! for everybody: if y3 is 1 where exactly one of y1 and y2 is 1, then y1 + y2 + y3 is even, but
//! for the person of whom y3 was changed.
//!
//! Such a combination is a vector in the null space of the columns modulo the prime, over nearly
//! all people. So people are drawn, a few more than there are columns; where none of the few is
//! among them, elimination modulo the prime finds it (information set decoding: Prange, IRE
//! Transactions IT-8:5 (1962)). Where there are too few people for all columns, or so many columns
//! that few draws can be afforded, others are made with a part of the columns. What is a
//! combination over the reals, too, is left to the span rule, which knows the people of all nodes;
//! and what unrelated variables would have by chance, as every combination of some people's has, is
//! nobody's secret.
//!
//! This finds combinations of any number of columns modulo primes up to 97. With more than 64
//! columns that holds for primes up to 7, with more than 128 up to 3, and for the others with some
//! chance only: see docs/threat-model.md.

use std::collections::{BTreeMap, BTreeSet};

use ligate_model::Steps;

use super::rotation::Stream;

const PRIMES: [u32; 25] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
];

/// How many primes and draws are tried with up to so many columns at once: the work of a draw grows
/// with the cube of the columns, and is to stay below a tenth of a second. A draw has none of k
/// people among n with a chance of (1 - drawn/n)^k: of one person nearly always, of nine people
/// among a hundred seldom.
const EFFORT: [(usize, Effort); 3] = [
    (
        32,
        Effort {
            primes: 25,
            draws: 24,
        },
    ),
    (
        64,
        Effort {
            primes: 25,
            draws: 4,
        },
    ),
    (
        128,
        Effort {
            primes: 4,
            draws: 1,
        },
    ),
];
const LEAST: Effort = Effort {
    primes: 2,
    draws: 1,
};

#[derive(Clone, Copy)]
struct Effort {
    primes: usize,
    draws: usize,
}

/// Draws for each prime with a part of so many columns at most, where not all of up to as many were
/// in each draw.
const PART_DRAWS: usize = 24;
const PART_MAX: usize = 32;

/// People who are drawn beyond the columns where there are enough: a combination that holds for all
/// of them by chance is rarer than 2^-32. Where there are few, a combination that holds by chance
/// is seen to by everybody who was not drawn.
const MORE_PEOPLE: usize = 32;
const CHANCE_BITS: f64 = 12.0;

/// A combination says something where unrelated variables have one as good with a chance below
/// 2^-24.
const FOUND_BITS: f64 = 24.0;

/// Whole numbers of each person, one list a column.
pub struct WholeColumns<'a> {
    pub columns: &'a [Vec<i64>],
    /// As many columns, the last ones, are those of the study: each draw has them, if it can.
    pub new: usize,
    /// As many people are a group that is too small.
    pub few: usize,
}

/// A factor modulo a prime for each of some columns.
type Combination = Vec<(usize, u32)>;

/// The columns that are combined: each once, those of the study last.
struct Different {
    /// Without these no combination has a remainder other than 0.
    constant: Option<usize>,
    old: Vec<usize>,
    new: Vec<usize>,
}

impl Different {
    fn count(&self) -> usize {
        self.constant.iter().count() + self.old.len() + self.new.len()
    }

    /// `count` columns: those of the study, and older ones that are drawn. A study that alone has
    /// many is drawn from, too.
    fn some(&self, stream: &mut Stream, count: usize) -> Vec<usize> {
        let mut some: Vec<usize> = self.constant.into_iter().collect();
        let mut others = self.old.clone();
        if 2 * self.new.len() <= count {
            some.extend(&self.new);
        } else {
            others.extend(&self.new);
        }
        let left = count.saturating_sub(some.len());
        shuffle(stream, &mut others, left);
        some.extend(others.iter().take(left));
        some.sort_unstable();
        some
    }
}

impl WholeColumns<'_> {
    /// The columns of a combination that is a multiple of a prime for all but one to `few` people,
    /// by their places.
    pub fn remainder(&self, secret: &[u8; 32]) -> Option<Vec<usize>> {
        let columns: Vec<Vec<i64>> = self.columns.iter().map(|column| coprime(column)).collect();
        WholeColumns {
            columns: &columns,
            ..*self
        }
        .of_coprime(secret)
    }

    fn of_coprime(&self, secret: &[u8; 32]) -> Option<Vec<usize>> {
        let mut people: Vec<usize> = (0..self.columns.first()?.len()).collect();
        let different = self.different();
        let of_few = EFFORT
            .iter()
            .find(|(columns, _)| different.count() <= *columns);
        let effort = of_few.map_or(LEAST, |(_, effort)| *effort);
        let mut stream = Stream::new(secret);
        PRIMES.iter().enumerate().find_map(|(place, prime)| {
            let of_all = if place < effort.primes {
                effort.draws
            } else {
                0
            };
            let plan = Plan::new(people.len(), different.count(), *prime, of_all);
            let mut seen = BTreeSet::new();
            plan.draws().find_map(|(count, more)| {
                let columns = different.some(&mut stream, count);
                shuffle(&mut stream, &mut people, count + more);
                self.combination(
                    &columns,
                    &people[..count + more],
                    Modulus::new(*prime),
                    &mut seen,
                )
            })
        })
    }

    /// The columns of a combination of some columns, found among some people, that is a multiple of
    /// the prime for all others but a few. `seen` are combinations that were looked at: what holds
    /// for everybody is found by many draws.
    fn combination(
        &self,
        columns: &[usize],
        people: &[usize],
        modulus: Modulus,
        seen: &mut BTreeSet<Combination>,
    ) -> Option<Vec<usize>> {
        let all = self.columns.len();
        null_space(self.reduced(people, columns, modulus), modulus)
            .into_iter()
            .find_map(|factors| {
                let used = columns
                    .iter()
                    .copied()
                    .zip(factors)
                    .filter(|(_, factor)| *factor != 0);
                let combination: Combination = used.collect();
                let is_found =
                    seen.insert(combination.clone()) && self.is_of_few(&combination, all, modulus);
                is_found.then(|| combination.into_iter().map(|(place, _)| place).collect())
            })
    }

    /// The columns without repeated ones, of which the last stays.
    fn different(&self) -> Different {
        let last: BTreeMap<&Vec<i64>, usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| (column, place))
            .collect();
        let mut places: Vec<usize> = last.into_values().collect();
        places.sort_unstable();
        let is_constant = |place: &usize| self.columns[*place].iter().all(|value| *value == 1);
        let (constants, others): (Vec<usize>, Vec<usize>) =
            places.into_iter().partition(is_constant);
        let first_new = self.columns.len().saturating_sub(self.new);
        let (new, old) = others.into_iter().partition(|place| *place >= first_new);
        Different {
            constant: constants.first().copied(),
            old,
            new,
        }
    }

    /// The values of the people who were drawn, modulo a prime, a row for each.
    fn reduced(&self, people: &[usize], columns: &[usize], modulus: Modulus) -> Vec<Vec<u32>> {
        let row = |person: &usize| {
            columns
                .iter()
                .map(|place| modulus.of_number(self.columns[*place][*person]))
                .collect()
        };
        people.iter().map(row).collect()
    }

    /// Whether a combination is no multiple of the prime for a few people only, and not so by
    /// chance or over the reals.
    fn is_of_few(&self, combination: &Combination, columns: usize, modulus: Modulus) -> bool {
        let people = self.columns.first().map_or(0, Vec::len);
        let is_off = |person: &usize| {
            let term = |(place, factor): &(usize, u32)| {
                factor * modulus.of_number(self.columns[*place][*person])
            };
            combination
                .iter()
                .fold(0, |sum, factor| modulus.of(sum + term(factor)))
                != 0
        };
        let off = (0..people).filter(is_off).take(self.few + 1).count();
        if off == 0 || off > self.few || self.is_chance(combination, off, columns, modulus) {
            return false;
        }
        !self.is_linear(combination, (0..people).filter(|person| !is_off(person)))
    }

    /// Whether the columns of a combination are linearly dependent over the reals, with 1, for some
    /// people. Modulo a large prime that is seen exactly.
    fn is_linear(&self, combination: &Combination, people: impl Iterator<Item = usize>) -> bool {
        let is_constant = |place: &usize| self.columns[*place].iter().all(|value| *value == 1);
        let places = combination
            .iter()
            .map(|(place, _)| *place)
            .filter(|place| !is_constant(place));
        let places: Vec<usize> = places.collect();
        // Rows with what they lead with, which is 1 in them.
        let mut reduced: Vec<(usize, Vec<u64>)> = Vec::new();
        for person in people {
            let values = places
                .iter()
                .map(|place| self.columns[*place][person].rem_euclid(LARGE_PRIME as i64));
            let mut row: Vec<u64> = std::iter::once(1)
                .chain(values.map(|value| value as u64))
                .collect();
            for (lead, other) in &reduced {
                let factor = LARGE_PRIME - row[*lead];
                row.iter_mut()
                    .zip(other)
                    .for_each(|(value, other)| *value = (*value + factor * other) % LARGE_PRIME);
            }
            let Some(lead) = row.iter().position(|value| *value != 0) else {
                continue;
            };
            let inverse = inverse_of(row[lead]);
            row.iter_mut()
                .for_each(|value| *value = *value * inverse % LARGE_PRIME);
            reduced.push((lead, row));
            if reduced.len() == places.len() + 1 {
                return false;
            }
        }
        true
    }

    /// Whether columns that have nothing to do with each other would have such a combination: the
    /// expected number, over all choices of as many among `columns` and of `off` people, is not
    /// small.
    fn is_chance(
        &self,
        combination: &Combination,
        off: usize,
        columns: usize,
        modulus: Modulus,
    ) -> bool {
        let people = self.columns.first().map_or(0, Vec::len);
        let prime = modulus.prime as usize;
        // How the remainders of the sum would be distributed.
        let mut sums = vec![0.0; prime];
        sums[0] = 1.0;
        for (place, factor) in combination {
            let mut shares = vec![0.0; prime];
            for value in &self.columns[*place] {
                shares[modulus.of(factor * modulus.of_number(*value)) as usize] +=
                    1.0 / people as f64;
            }
            let share = |sum: usize| {
                sums.iter()
                    .enumerate()
                    .map(|(place, share)| share * shares[(sum + prime - place) % prime])
                    .sum()
            };
            sums = (0..prime).map(share).collect();
        }
        let most_frequent = sums.iter().fold(0.0_f64, |most, share| most.max(*share));
        let used = combination.len();
        let choices = log2_choices(people, off)
            + log2_choices(columns, used)
            + used as f64 * libm::log2(f64::from(modulus.prime) - 1.0);
        choices + (people - off) as f64 * libm::log2(most_frequent) > -FOUND_BITS
    }
}

/// What is drawn for a prime: how often so many columns, with how many people beyond them.
struct Plan([(usize, (usize, usize)); 2]);

impl Plan {
    /// `of_all` draws with all columns, if there are enough people; otherwise, or where these are
    /// few, some with a part. A third of the people is never drawn, so that the few may be among
    /// them.
    fn new(people: usize, columns: usize, prime: u32, of_all: usize) -> Self {
        let least = 2 + (CHANCE_BITS / libm::log2(f64::from(prime))).ceil() as usize;
        let more = |columns: usize| {
            let most = (2 * people / 3).checked_sub(columns)?.min(MORE_PEOPLE);
            let cautious = least.max((people / 3).saturating_sub(columns));
            (most >= least).then_some((columns, most.min(cautious)))
        };
        let all = more(columns)
            .filter(|_| of_all > 0)
            .map(|all| (of_all, all));
        let part = (2 * people / 5).saturating_sub(least).min(PART_MAX);
        let part = Some(part)
            .filter(|part| (3..columns).contains(part) && all.is_none_or(|_| of_all < PART_DRAWS));
        let part = part.and_then(more).map(|part| (PART_DRAWS, part));
        Self([all.unwrap_or_default(), part.unwrap_or_default()])
    }

    fn draws(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        self.0
            .into_iter()
            .flat_map(|(draws, of)| std::iter::repeat_n(of, draws))
    }
}

/// 2^31 - 1.
const LARGE_PRIME: u64 = 0x7FFF_FFFF;

/// The inverse of a number modulo the large prime, by Fermat.
fn inverse_of(number: u64) -> u64 {
    let (mut power, mut inverse, mut exponent) = (number, 1, LARGE_PRIME - 2);
    while exponent > 0 {
        if exponent % 2 == 1 {
            inverse = inverse * power % LARGE_PRIME;
        }
        power = power * power % LARGE_PRIME;
        exponent /= 2;
    }
    inverse
}

/// A column from its first value on, without a divisor that all have in common: the double of a
/// score has the score's remainders. What is one value for everybody is 1.
fn coprime(column: &[i64]) -> Vec<i64> {
    let first = column.first().copied().unwrap_or_default();
    let from_first: Vec<i64> = column
        .iter()
        .map(|value| value.wrapping_sub(first))
        .collect();
    match from_first
        .iter()
        .fold(0, |divisor, value| gcd(divisor, value.unsigned_abs()))
    {
        0 => vec![1; column.len()],
        divisor => from_first
            .iter()
            .map(|value| (i128::from(*value) / i128::from(divisor)) as i64)
            .collect(),
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The binary logarithm of the number of ways to choose `some` of `all`.
fn log2_choices(all: usize, some: usize) -> f64 {
    (0..some)
        .map(|place| libm::log2((all - place) as f64 / (place + 1) as f64))
        .sum()
}

/// Brings `count` different ones, drawn among all, to the front.
fn shuffle(stream: &mut Stream, all: &mut [usize], count: usize) {
    let length = all.len();
    for place in 0..count.min(length) {
        let other =
            place + ((stream.uniform() * (length - place) as f64) as usize).min(length - place - 1);
        all.swap(place, other);
    }
}

/// A prime up to 97, and what replaces a division by it.
#[derive(Clone, Copy)]
struct Modulus {
    prime: u32,
    inverse: u32,
}

/// Binary digits of an inverse: enough for numbers up to the square of a prime, by which the
/// product stays in a word.
const INVERSE_BITS: u32 = 24;

impl Modulus {
    const fn new(prime: u32) -> Self {
        Self {
            prime,
            inverse: (1 << INVERSE_BITS) / prime + 1,
        }
    }

    /// The remainder of a number below the square of the prime.
    const fn of(self, number: u32) -> u32 {
        number - ((number * self.inverse) >> INVERSE_BITS) * self.prime
    }

    fn of_number(self, number: i64) -> u32 {
        number.rem_euclid(i64::from(self.prime)) as u32
    }

    /// The inverse of a number that is no multiple of the prime, by Fermat.
    fn inverse_of(self, number: u32) -> u32 {
        (2..self.prime).fold(1, |power, _| self.of(power * number))
    }
}

/// A basis of the vectors a with `rows` a = 0 modulo a prime, by Gauss's elimination.
fn null_space(mut rows: Vec<Vec<u32>>, modulus: Modulus) -> Vec<Vec<u32>> {
    let (width, prime) = (rows.first().map_or(0, Vec::len), modulus.prime);
    // The column that each reduced row leads with.
    let mut leads: Vec<usize> = Vec::new();
    for column in 0..width {
        let done = leads.len();
        let Some(found) = (done..rows.len()).find(|row| rows[*row][column] != 0) else {
            continue;
        };
        rows.swap(done, found);
        let inverse = modulus.inverse_of(rows[done][column]);
        rows[done]
            .iter_mut()
            .for_each(|value| *value = modulus.of(*value * inverse));
        let lead = rows[done].clone();
        for row in (0..rows.len()).filter(|row| *row != done) {
            let factor = prime - rows[row][column];
            if factor < prime {
                let less = rows[row][column..].iter_mut().zip(&lead[column..]);
                less.for_each(|(value, lead)| *value = modulus.of(*value + factor * lead));
            }
        }
        leads.push(column);
    }
    let free = (0..width).filter(|column| !leads.contains(column));
    free.map(|column| {
        let mut vector = vec![0; width];
        vector[column] = 1;
        leads
            .iter()
            .zip(&rows)
            .for_each(|(lead, row)| vector[*lead] = modulus.of(prime - row[column]));
        vector
    })
    .collect()
}

/// How far a value may be off a step: values are stored in multiples of 2^-30 of a deviation.
const OFF_STEP: f64 = 1e-4;

/// Values that are all a little off a step are whole numbers as well: what is off hardly shows in a
/// sum. Fewer different values than this may be so by chance, as the logarithms of some counts are.
const OFF_STEP_MAX: f64 = 0.1;
const DIFFERENT_MIN: usize = 20;

/// Values as whole numbers of steps; nothing where there are none.
pub fn whole_numbers(values: &[f64]) -> Option<Vec<i64>> {
    let are_many = || {
        values
            .iter()
            .map(|value| value.to_bits())
            .collect::<BTreeSet<u64>>()
            .len()
            >= DIFFERENT_MIN
    };
    let about = || {
        are_many()
            .then(|| Steps::of(values, OFF_STEP_MAX))
            .flatten()
    };
    let steps = Steps::of(values, OFF_STEP).or_else(about)?;
    Some(values.iter().map(|value| steps.number(*value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 3,000 (a minute) none had a finding either.
    const HONEST_ACCOUNTS: usize = 150;

    #[test]
    fn remainders_without_a_division() {
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            assert!((0..prime * prime).all(|number| modulus.of(number) == number % prime));
            assert!(
                (1..prime)
                    .all(|number| modulus.of(number * modulus.inverse_of(number)) == 1 % prime)
            );
        }
    }

    fn coin(seed: u8) -> impl Fn(usize) -> i64 {
        let mut stream = Stream::new(&[seed; 32]);
        let tosses: Vec<i64> = (0..500)
            .map(|_| i64::from(stream.uniform() < 0.5))
            .collect();
        move |person| tosses[person]
    }

    fn found(people: usize, columns: &[&dyn Fn(usize) -> i64]) -> Option<Vec<usize>> {
        let ones = |_: usize| 1_i64;
        let all: Vec<&dyn Fn(usize) -> i64> = std::iter::once(&ones as &dyn Fn(usize) -> i64)
            .chain(columns.iter().copied())
            .collect();
        let columns: Vec<Vec<i64>> = all
            .iter()
            .map(|column| (0..people).map(column).collect())
            .collect();
        WholeColumns {
            columns: &columns,
            new: 1,
            few: 9,
        }
        .remainder(&[1; 32])
    }

    #[test]
    fn what_is_even_but_for_one_person() {
        let (y1, y2) = (coin(1), coin(2));
        for (carriers, expected) in [
            (0, None),
            (1, Some(vec![1, 2, 3])),
            (9, Some(vec![1, 2, 3])),
            (10, None),
        ] {
            let y3 = |person: usize| {
                y1(person) ^ y2(person) ^ i64::from(person % 11 == 5 && person < 11 * carriers)
            };
            assert_eq!(found(400, &[&y1, &y2, &y3]), expected, "{carriers}");
        }
    }

    #[test]
    fn traits_modulo_three_and_a_larger_step() {
        let (sex, one, two) = (coin(3), coin(4), coin(5));
        for step in [3, 10, 97] {
            let first = |person: usize| step * one(person) + sex(person);
            let second = |person: usize| step * two(person) + sex(person) + i64::from(person == 77);
            assert!(found(400, &[&first, &second]).is_some(), "{step}");
            let honest = |person: usize| step * two(person) + coin(6)(person);
            assert_eq!(found(400, &[&first, &honest]), None);
        }
    }

    #[test]
    fn honest_variables_and_what_the_span_rule_sees() {
        let (y1, y2) = (coin(1), coin(2));
        let age = |person: usize| 20 + (person * 7919 % 61) as i64;
        // Eight carriers here, and more elsewhere; a composite outcome with few who have both.
        let rare = |person: usize| i64::from(person % 40 == 7);
        let other = |person: usize| i64::from(person % 30 == 7);
        let either = |person: usize| rare(person).max(other(person));
        assert_eq!(found(330, &[&y1, &y2, &age, &rare, &other, &either]), None);
        // The same column twice, and its sum with another.
        let sum = |person: usize| y1(person) + y2(person);
        assert_eq!(found(330, &[&y1, &y1, &y2, &sum]), None);
        assert_eq!(found(30, &[&y1, &y2]), None);
    }

    #[test]
    fn steps_of_values() {
        assert_eq!(whole_numbers(&[1.0, 2.0 + 1e-9]), Some(vec![1, 2]));
        assert_eq!(whole_numbers(&[0.25, 7.5]), Some(vec![25, 750]));
        assert_eq!(whole_numbers(&[1.0 / 3.0]), None);
        assert_eq!(whole_numbers(&[f64::NAN]), None);
        let logarithm = |person: i32| libm::log(f64::from(1 + person % 4));
        assert_eq!(
            whole_numbers(&(0..200).map(logarithm).collect::<Vec<_>>()),
            None
        );
    }

    #[test]
    fn scores_in_any_unit() {
        let numbers = |values: Vec<f64>| whole_numbers(&values).map(|found| coprime(&found));
        let score = |person: i32| person * person % 3;
        for unit in [1.0, 1.0 / 7.0, 1e-15, 1e18, 3.369e-5] {
            // As they come back from the ledger, and with a little added to each.
            for off in [0.0, 2.0_f64.powi(-31), 0.03] {
                let value = |person: i32| {
                    unit * (f64::from(score(person)) + off * libm::sin(f64::from(person)))
                };
                let expected = (0..120).map(|person| i64::from(score(person))).collect();
                assert_eq!(
                    numbers((0..120).map(value).collect()),
                    Some(expected),
                    "{unit} {off}"
                );
            }
        }
    }

    /// Columns of some people: 1, and scores x1 and x2 from 0 to 2 before `padding` traits of no
    /// account, and last a third one, which is the sum of both modulo 3, but for one person.
    fn padded(people: usize, padding: usize, seed: u8) -> Vec<Vec<i64>> {
        let mut stream = Stream::new(&[seed; 32]);
        let mut below = |most: usize| {
            (0..people)
                .map(|_| (stream.uniform() * most as f64) as i64)
                .collect::<Vec<_>>()
        };
        let (x1, x2) = (below(3), below(3));
        let mut x3: Vec<i64> = x1.iter().zip(&x2).map(|(a, b)| (a + b) % 3).collect();
        x3[people / 3] = (x3[people / 3] + 1) % 3;
        let mut columns = vec![vec![1; people], x1, x2];
        (0..padding).for_each(|_| columns.push(below(2)));
        columns.push(x3);
        columns
    }

    #[test]
    fn small_nodes_and_many_columns() {
        for (people, padding, often) in [
            (50, 0, 20),
            (30, 0, 20),
            (120, 50, 20),
            (120, 25, 20),
            (50, 10, 16),
            (200, 100, 8),
        ] {
            let is_found = |seed: u8| {
                let columns = padded(people, padding, seed);
                let found = WholeColumns {
                    columns: &columns,
                    new: 1,
                    few: 9,
                }
                .remainder(&[seed; 32]);
                found.is_some_and(|places| places.ends_with(&[2, padding + 3]))
            };
            let found = (0..20).filter(|seed| is_found(*seed)).count();
            assert!(
                found >= often,
                "{people} people, {padding} more columns: {found} of 20"
            );
        }
    }

    /// Variables as registries have them: traits that ten people or more have and lack, ages,
    /// scores, and what follows from others: one of two diseases, both, a sum, classes of age. Ten
    /// people or more tell each from the others.
    fn honest(stream: &mut Stream, people: usize, count: usize) -> Vec<Vec<i64>> {
        let (mut columns, mut measured) = (vec![vec![1; people]], vec![vec![1; people]]);
        while columns.len() < count {
            let mut uniform = || stream.uniform();
            let mut other = || &measured[(uniform() * measured.len() as f64) as usize];
            let (first, second) = (other().clone(), other().clone());
            let pairs = first.iter().zip(&second);
            let of_both = |a: bool, b: bool| {
                pairs
                    .clone()
                    .filter(|(x, y)| (**x > 0, **y > 0) == (a, b))
                    .count()
            };
            let are_apart = [(true, true), (true, false), (false, true), (false, false)]
                .iter()
                .all(|(a, b)| of_both(*a, *b) >= 10);
            let kind = (uniform() * 9.0) as usize;
            let column: Vec<i64> = match kind {
                0 | 1 => {
                    let share = 0.05 + 0.9 * uniform();
                    (0..people).map(|_| i64::from(uniform() < share)).collect()
                }
                2 => (0..people)
                    .map(|_| 20 + (uniform() * 60.0) as i64)
                    .collect(),
                3 => (0..people)
                    .map(|_| (uniform() * uniform() * 12.0) as i64)
                    .collect(),
                4 => pairs.map(|(a, b)| i64::from(*a > 0 || *b > 0)).collect(),
                5 => pairs.map(|(a, b)| i64::from(*a > 0 && *b > 0)).collect(),
                6 => pairs.map(|(a, b)| a + b).collect(),
                7 => first.iter().map(|a| a / 10).collect(),
                _ => (0..people).map(|_| (uniform() * 1000.0) as i64).collect(),
            };
            let mut sorted = column.clone();
            sorted.sort_unstable();
            let is_of_many = sorted
                .chunk_by(|a, b| a == b)
                .all(|same| same.len() + 10 <= people);
            if is_of_many && (are_apart || !(4..6).contains(&kind)) {
                if !(4..8).contains(&kind) {
                    measured.push(column.clone());
                }
                columns.push(column);
            }
        }
        columns
    }

    #[test]
    fn honest_accounts_have_no_remainder_by_chance() {
        let mut stream = Stream::new(&[8; 32]);
        for account in 0..HONEST_ACCOUNTS {
            let people = 20 + (stream.uniform() * 181.0) as usize;
            let count = 3 + (stream.uniform() * 58.0) as usize;
            let columns = honest(&mut stream, people, count);
            let new = 1 + (stream.uniform() * 4.0) as usize;
            let found = WholeColumns {
                columns: &columns,
                new,
                few: 9,
            }
            .remainder(&[account as u8; 32]);
            assert_eq!(found, None, "account {account} of {people} people");
        }
    }
}
