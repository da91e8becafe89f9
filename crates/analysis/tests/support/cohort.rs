//! The committed cohort (`data/make.R`).

use ligate_model::{BinaryCoding, Phenotypes};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::{People, variable};

const PEOPLE: &str = include_str!("../data/people.tsv");
const GENOTYPES: &str = include_str!("../data/genotypes.tsv");

/// 400 people with age, arm, pc, ldl and t2d, and 29 variants.
pub fn committed() -> People {
    let columns = table(PEOPLE);
    let variables = ["age", "arm", "pc", "ldl", "t2d"]
        .into_iter()
        .enumerate()
        .map(|(place, text)| {
            let coding = (text == "t2d").then_some(BinaryCoding::ZeroOne);
            variable(
                text,
                coding,
                columns[place + 1]
                    .iter()
                    .map(|field| field.parse().ok())
                    .collect(),
            )
        })
        .collect();
    let calls = table(GENOTYPES)
        .iter()
        .map(|column| column.iter().map(|field| field.parse().ok()).collect())
        .collect();
    People {
        phenotypes: Phenotypes { variables },
        calls,
    }
}

/// Columns of a table with a header.
fn table(text: &'static str) -> Vec<Vec<&'static str>> {
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column]).collect())
        .collect()
}

/// A random cohort: `origin` is the registry of a person, and some variants are absent in a whole
/// registry.
pub fn random(seed: u64, people: usize, variants: usize) -> (People, Vec<usize>) {
    let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
    let origin: Vec<usize> = (0..people)
        .map(|_| (random.unit() * random.unit() * 3.0) as usize)
        .collect();
    let age: Vec<f64> = (0..people)
        .map(|_| (20.0 + 60.0 * random.unit()).round())
        .collect();
    let sex: Vec<f64> = (0..people)
        .map(|_| 1.0 + f64::from(u8::from(random.unit() < 0.4)))
        .collect();
    let marker: Vec<f64> = (0..people).map(|_| 1e-4 * random.normal() - 3e-4).collect();
    let calls: Vec<Vec<Option<u8>>> = (0..variants)
        .map(|variant| random.variant(variant, &origin))
        .collect();
    let dosage = |person: usize| f64::from(calls[1][person].unwrap_or(0));
    let ldl: Vec<f64> = (0..people)
        .map(|person| {
            3.0 + 0.02 * age[person] - 0.3 * sex[person] + 0.4 * dosage(person) + random.normal()
        })
        .collect();
    let t2d: Vec<f64> = (0..people)
        .map(|person| {
            0.03 * (age[person] - 50.0) + 0.7 * dosage(person) - 1.0 + 1.7 * random.normal()
        })
        .map(|liability| f64::from(u8::from(liability > 0.0)))
        .collect();
    let mut column = |text: &str, coding: Option<BinaryCoding>, values: &[f64]| {
        let values = values
            .iter()
            .map(|value| (random.unit() > 0.01).then_some(*value))
            .collect();
        variable(text, coding, values)
    };
    let binary = Some(BinaryCoding::ZeroOne);
    let variables = vec![
        column("age", None, &age),
        column("sex", Some(BinaryCoding::OneTwo), &sex),
        column("marker", None, &marker),
        column("ldl", None, &ldl),
        column("t2d", binary, &t2d),
    ];
    (
        People {
            phenotypes: Phenotypes { variables },
            calls,
        },
        origin,
    )
}

/// Numbers from a seed.
pub struct Random(pub ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    /// Nearly standard normal.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A permutation of 0..count.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for place in (1..count).rev() {
            order.swap(place, self.below(place + 1));
        }
        order
    }

    fn variant(&mut self, variant: usize, origin: &[usize]) -> Vec<Option<u8>> {
        let frequency = 0.02 + 0.6 * self.unit();
        let missing = [0.0, 0.0, 0.01, 0.2][variant % 4];
        let absent = if variant % 5 == 4 {
            variant % 3
        } else {
            usize::MAX
        };
        let call = |origin: &usize| {
            let dosage = u8::from(self.unit() < frequency) + u8::from(self.unit() < frequency);
            (self.unit() >= missing && *origin != absent).then_some(dosage)
        };
        origin.iter().map(call).collect()
    }
}
