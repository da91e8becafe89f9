//! What whole numbers give away beside the span rule. Dosages are whole numbers, and so are the values of many variables in
//! steps of their own: a sum of dosages times values is known to the last step. Where a combination with whole factors is a
//! multiple of a prime for all but a few people, the sum's remainder is a sum over these few, although the combination
//! itself has weights for everybody: if y3 is 1 where exactly one of y1 and y2 is 1, then y1 + y2 + y3 is even, but for
//! the person of whom y3 was changed.
//!
//! Such a combination is a vector in the null space of the columns modulo the prime, over nearly all people. So people are
//! drawn, a few more than there are columns; where none of the few is among them, elimination modulo the prime finds it
//! (information set decoding: Prange, IRE Transactions IT-8:5 (1962)). What is a combination over the reals, too, is left to
//! the span rule, which knows the people of all nodes.
//!
//! This finds combinations of any number of columns modulo primes up to 97, with more than 64 columns up to 7, and no other
//! steps: see docs/threat-model.md.

use super::{Rows, rotation::Stream, whiten::Factor};

const PRIMES: [u32; 25] =
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97];

/// How many primes and draws are tried with up to so many columns: the work of a draw grows with the cube of the columns, and
/// is to stay below a tenth of a second. A draw has none of k people among n with a chance of (1 - drawn/n)^k: of one person
/// nearly always, of nine people among a hundred seldom.
const EFFORT: [(usize, Effort); 3] = [
    (32, Effort { primes: 25, draws: 24 }),
    (64, Effort { primes: 25, draws: 4 }),
    (128, Effort { primes: 4, draws: 1 }),
];
const LEAST: Effort = Effort { primes: 2, draws: 1 };

#[derive(Clone, Copy)]
struct Effort {
    primes: usize,
    draws: usize,
}

/// People who are drawn beyond the columns: a combination that holds for all of them by chance is rarer than 2^-32.
const MORE_PEOPLE: usize = 32;

/// Whole numbers of each person, one list a column.
pub struct WholeColumns<'a> {
    pub columns: &'a [Vec<i64>],
    /// As many people are a group that is too small.
    pub few: usize,
}

impl WholeColumns<'_> {
    /// The columns of a combination that is a multiple of a prime for all but one to `few` people, by their places.
    pub fn remainder(&self, secret: &[u8; 32]) -> Option<Vec<usize>> {
        let people = self.columns.first()?.len();
        let drawn = self.columns.len() + MORE_PEOPLE;
        if people < drawn + drawn / 2 {
            return None;
        }
        let of_few = EFFORT.iter().find(|(columns, _)| self.columns.len() <= *columns);
        let Effort { primes, draws } = of_few.map_or(LEAST, |(_, effort)| *effort);
        let mut stream = Stream::new(secret);
        PRIMES[..primes].iter().map(|prime| Modulus::new(*prime)).find_map(|modulus| {
            (0..draws).find_map(|_| {
                let some = draw(&mut stream, people, drawn);
                let found = null_space(self.reduced(&some, modulus), modulus);
                found.into_iter().find_map(|factors| self.of_few(&factors, modulus))
            })
        })
    }

    /// The values of the people who were drawn, modulo a prime, a row for each.
    fn reduced(&self, people: &[usize], modulus: Modulus) -> Vec<Vec<u32>> {
        let row =
            |person: &usize| self.columns.iter().map(|column| modulus.of_number(column[*person])).collect();
        people.iter().map(row).collect()
    }

    /// The columns of a combination, if it is no multiple of the prime for a few people only.
    fn of_few(&self, factors: &[u32], modulus: Modulus) -> Option<Vec<usize>> {
        let used: Vec<usize> = (0..factors.len()).filter(|place| factors[*place] != 0).collect();
        let people = self.columns.first()?.len();
        let is_off = |person: &usize| {
            let term = |place: &usize| factors[*place] * modulus.of_number(self.columns[*place][*person]);
            used.iter().fold(0, |sum, place| modulus.of(sum + term(place))) != 0
        };
        let off = (0..people).filter(is_off).take(self.few + 1).count();
        if off == 0 || off > self.few {
            return None;
        }
        let others: Vec<usize> = (0..people).filter(|person| !is_off(person)).collect();
        let of_others =
            |place: &usize| others.iter().map(|person| self.columns[*place][*person] as f64).collect();
        let columns: Vec<Vec<f64>> = used.iter().map(of_others).collect();
        let is_linear = Factor::new(&Rows::from_columns(&columns).gram(1)).rank() < used.len();
        (!is_linear).then_some(used)
    }
}

/// `count` different people.
fn draw(stream: &mut Stream, people: usize, count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..people).collect();
    for place in 0..count.min(people) {
        let other = place + ((stream.uniform() * (people - place) as f64) as usize).min(people - place - 1);
        all.swap(place, other);
    }
    all.truncate(count);
    all
}

/// A prime up to 97, and what replaces a division by it.
#[derive(Clone, Copy)]
struct Modulus {
    prime: u32,
    inverse: u32,
}

/// Binary digits of an inverse: enough for numbers up to the square of a prime, by which the product stays in a word.
const INVERSE_BITS: u32 = 24;

impl Modulus {
    const fn new(prime: u32) -> Self {
        Self { prime, inverse: (1 << INVERSE_BITS) / prime + 1 }
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
        let Some(found) = (done..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(done, found);
        let inverse = modulus.inverse_of(rows[done][column]);
        rows[done].iter_mut().for_each(|value| *value = modulus.of(*value * inverse));
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
        leads.iter().zip(&rows).for_each(|(lead, row)| vector[*lead] = modulus.of(prime - row[column]));
        vector
    })
    .collect()
}

/// Most decimals of values that are read as whole numbers of steps.
const DECIMALS_MAX: i32 = 4;

/// How far a value may be off a step: values are stored in multiples of 2^-30 of a deviation.
const OFF_STEP: f64 = 1e-4;

/// Values as whole numbers of steps of 10^-d, with the fewest decimals d that they all fit; nothing where there are none.
pub fn whole_numbers(values: &[f64]) -> Option<Vec<i64>> {
    (0..=DECIMALS_MAX).find_map(|decimals| {
        let scale = libm::pow(10.0, f64::from(decimals));
        let whole = |value: &f64| {
            let scaled = value * scale;
            let near = (scaled - scaled.round()).abs() < OFF_STEP && scaled.abs() < 1e12;
            near.then_some(scaled.round() as i64)
        };
        values.iter().map(whole).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_without_a_division() {
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            assert!((0..prime * prime).all(|number| modulus.of(number) == number % prime));
            assert!((1..prime).all(|number| modulus.of(number * modulus.inverse_of(number)) == 1 % prime));
        }
    }

    fn coin(seed: u8) -> impl Fn(usize) -> i64 {
        let mut stream = Stream::new(&[seed; 32]);
        let tosses: Vec<i64> = (0..500).map(|_| i64::from(stream.uniform() < 0.5)).collect();
        move |person| tosses[person]
    }

    fn found(people: usize, columns: &[&dyn Fn(usize) -> i64]) -> Option<Vec<usize>> {
        let ones = |_: usize| 1_i64;
        let all: Vec<&dyn Fn(usize) -> i64> =
            std::iter::once(&ones as &dyn Fn(usize) -> i64).chain(columns.iter().copied()).collect();
        let columns: Vec<Vec<i64>> = all.iter().map(|column| (0..people).map(column).collect()).collect();
        WholeColumns { columns: &columns, few: 9 }.remainder(&[1; 32])
    }

    #[test]
    fn what_is_even_but_for_one_person() {
        let (y1, y2) = (coin(1), coin(2));
        for (carriers, expected) in
            [(0, None), (1, Some(vec![1, 2, 3])), (9, Some(vec![1, 2, 3])), (10, None)]
        {
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
        // Few people allow no judgement.
        assert_eq!(found(30, &[&y1, &y2]), None);
    }

    #[test]
    fn steps_of_values() {
        assert_eq!(whole_numbers(&[1.0, 2.0 + 1e-9]), Some(vec![1, 2]));
        assert_eq!(whole_numbers(&[0.25, 7.5]), Some(vec![25, 750]));
        assert_eq!(whole_numbers(&[1.0 / 3.0]), None);
        assert_eq!(whole_numbers(&[f64::NAN]), None);
    }
}
