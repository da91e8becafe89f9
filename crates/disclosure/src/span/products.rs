//! What a logistic study's score variances say of the products of its weights and covariates.
//!
//! With weights w and covariates Z, which have the mean 0 by these weights, the score variance of a
//! variant x is
//!
//! > x'Wx - (w'x)^2 / 1'w - sum_j (p_j'x)^2.
//!
//! The p_j are the columns of W Z, made orthonormal for W. Of a rare variant without homozygotes
//! x'Wx is w'x. Let A hold the columns that were shown, u what they leave of w, and q_j what A and
//! u leave of p_j, so that p_j = A a_j + c_j u + q_j. The sums A'x are known, and so is the part
//! s_j of p_j'x that follows from them. To the first order, with b = 2s, the variance tells
//!
//! > ((1 - b'c) u - Qb)'x,
//!
//! one number of a direction that is another one for each variant. Where u is nothing, whoever
//! chooses among many variants reads combinations of the q_j. Where it is large beside them, it
//! hides them: the weights themselves are judged as a column anyway. Where |b| <= B, and b'c is not
//! near 1,
//!
//! > (q_i'b)^2 / (|u|^2 + |Qb|^2) <= q_i' (Q'Q + |u|^2 / B^2)^-1 q_i,
//!
//! with q_i the row of a person. The right side is his leverage in the products (Hoerl and
//! Kennard's ridge, Technometrics 12:55 (1970)), and it is his leverage by the sum to which people
//! were added who are nobody: those of [`HiddenProducts::hiding`]. That holds for most variants and
//! not for each: a few have a longer b, or one at which u cancels.

use std::ops::Range;

use super::{Basis, Gram, Rows, whiten::Factor};

/// The variance of the dosage of a rare variant: with one more of its alleles among sixteen, people
/// have two copies.
const RARE: f64 = 1.0 / 8.0;

/// What covariates have to do with a variant, as a share of its variance.
const STRUCTURE: f64 = 0.1;

/// By chance the sum of squares of p normal numbers is over p + 2 sqrt(4 p) + 8 for less than one
/// variant in fifty, e^-4 (Laurent and Massart, Annals of Statistics 28:1302 (2000), lemma 1).
const CHANCE: f64 = 4.0;

/// The share of a known sum that changes between two studies with nearly the same weights.
const CHANGED: f64 = 0.25;

/// Places of a logistic study's columns in an account.
#[derive(Clone, Debug, PartialEq)]
pub struct HiddenProducts {
    /// 1 for everybody.
    pub ones: usize,
    pub weights: usize,
    pub covariates: Range<usize>,
    /// The weights times each covariate in turn.
    pub products: Range<usize>,
    /// What sets the weights apart from an earlier study's times each covariate, where there is
    /// such a study. The two variances together tell these sums as one variance tells the products,
    /// and the products by what changes between the two.
    pub differences: Option<Range<usize>>,
}

impl HiddenProducts {
    /// Rows of people who are nobody, that hide the products as far as the weights do in a `gram`
    /// that is rounded to so many fraction bits. They are 0 where the weights are a combination of
    /// the columns before them.
    pub fn hiding(&self, gram: &Gram, fraction_bits: u32) -> Rows {
        let (covariates, factor) = (self.covariates.len(), Factor::new(&self.covariances(gram)));
        let mut rows = Rows::zeros(2 * factor.rank(), gram.size());
        let (bound, share) = (
            self.bound(gram),
            if self.differences.is_some() {
                CHANGED
            } else {
                1.0
            },
        );
        let columns: Vec<usize> = (0..=self.weights).collect();
        let left = Basis::new(&gram.of_columns(&columns), fraction_bits).left_of_last();
        let families = [
            (Some(&self.products), share),
            (self.differences.as_ref(), 1.0),
        ];
        for (number, (family, share)) in families.into_iter().enumerate() {
            let Some(family) = family else { continue };
            let size = left.sqrt() / (share * bound).max(f64::MIN_POSITIVE);
            for (place, column) in family.clone().enumerate().take(covariates) {
                let axis: Vec<f64> = (0..covariates)
                    .map(|other| f64::from(u8::from(other == place)))
                    .collect();
                let parts = factor.direction(&axis).into_iter().map(|part| size * part);
                rows.set_column(
                    column,
                    parts
                        .enumerate()
                        .map(|(row, part)| (number * factor.rank() + row, part)),
                );
            }
        }
        rows
    }

    /// B, the largest length of b.
    fn bound(&self, gram: &Gram) -> f64 {
        let covariates = self.covariates.len() as f64;
        // The mean of 4 s_j^2 is at most four times the variance of x times the largest weight,
        // which is 1/4.
        let by_chance = RARE * (covariates + 2.0 * (CHANCE * covariates).sqrt() + 2.0 * CHANCE);
        let weight = gram.get(self.ones, self.weights).max(0.0);
        (by_chance + 4.0 * STRUCTURE * RARE * weight).sqrt()
    }

    /// Z'WZ, less what the mean of each covariate by the weights has of it.
    fn covariances(&self, gram: &Gram) -> Gram {
        let covariates: Vec<usize> = self.covariates.clone().collect();
        let products: Vec<usize> = self.products.clone().take(covariates.len()).collect();
        let weight = gram.get(self.ones, self.weights);
        let sum = |place: usize| gram.get(self.weights, covariates[place]);
        let entry = |row: usize, column: usize| {
            let one = gram.get(products[row], covariates[column]);
            let other = gram.get(products[column], covariates[row]);
            let means = if weight > 0.0 {
                sum(row) * sum(column) / weight
            } else {
                0.0
            };
            0.5 * (one + other) - means
        };
        let lower = (0..products.len()).flat_map(|row| (0..=row).map(move |column| (row, column)));
        let lower = lower.map(|(row, column)| entry(row, column)).collect();
        Gram::from_lower(products.len(), lower).unwrap_or_else(|_| Gram::zero(products.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Finding, Limits, fraction_bits, judge, judge_by, rotation::Stream};

    /// People with a disease that covariates and chance give them.
    struct Made {
        covariates: Vec<Vec<f64>>,
        ill: Vec<f64>,
        expected: Vec<f64>,
    }

    impl Made {
        /// A sex, an age and others; what they say of the disease has this standard deviation on
        /// the scale of log odds.
        fn new(people: usize, covariates: usize, share: f64, effect: f64, seed: u8) -> Self {
            let mut stream = Stream::new(&[seed; 32]);
            let mut column = |place: usize| -> Vec<f64> {
                let value = |stream: &mut Stream| match place {
                    0 => f64::from(u8::from(stream.uniform() < 0.5)) * 2.0 - 1.0,
                    1 => 3.46 * (stream.uniform() - 0.5),
                    _ => stream.normal(),
                };
                (0..people).map(|_| value(&mut stream)).collect()
            };
            let covariates: Vec<Vec<f64>> = (0..covariates).map(&mut column).collect();
            let part = effect / (covariates.len() as f64).sqrt();
            let odds = |person: usize| {
                let parts = covariates.iter().zip([1.0, -1.0].into_iter().cycle());
                libm::log(share / (1.0 - share))
                    + parts.map(|(c, sign)| sign * part * c[person]).sum::<f64>()
            };
            let expected: Vec<f64> = (0..people)
                .map(|person| 1.0 / (1.0 + libm::exp(-odds(person))))
                .collect();
            let ill = expected
                .iter()
                .map(|mu| f64::from(u8::from(stream.uniform() < *mu)))
                .collect();
            Self {
                covariates,
                ill,
                expected,
            }
        }

        fn weights(&self) -> Vec<f64> {
            self.expected.iter().map(|mu| mu * (1.0 - mu)).collect()
        }

        /// What a study shows, and after it the products.
        fn rows(&self) -> (Rows, HiddenProducts) {
            let (weights, count) = (self.weights(), self.covariates.len());
            let mut columns = vec![vec![1.0; weights.len()]];
            columns.extend(self.covariates.iter().cloned());
            columns.extend([self.ill.clone(), self.expected.clone(), weights.clone()]);
            let product =
                |covariate: &Vec<f64>| weights.iter().zip(covariate).map(|(w, c)| w * c).collect();
            columns.extend(self.covariates.iter().map(product));
            let products = HiddenProducts {
                ones: 0,
                weights: count + 3,
                covariates: 1..count + 1,
                products: count + 4..2 * count + 4,
                differences: None,
            };
            (Rows::from_columns(&columns), products)
        }

        /// Judged without the products, with them where nothing hides them, and as they are.
        fn judged(&self) -> [Finding; 3] {
            let (rows, products) = self.rows();
            let bits = fraction_bits(4 * rows.people() as u64, rows.columns());
            let gram = rows.gram(1);
            let plain: Vec<usize> = (0..products.products.start).collect();
            let first = plain.iter().map(|place| {
                (0..rows.people())
                    .map(|person| rows.row(person)[*place])
                    .collect()
            });
            let first = Rows::from_columns(&first.collect::<Vec<_>>());
            let found = |rows: &Rows, hiding: Rows| {
                let basis = Basis::hidden_by(&rows.gram(1), bits, hiding);
                let basis = if basis.is_enough_for(rows) {
                    basis.settled()
                } else {
                    let again = basis.rows(rows, 1).gram(1);
                    basis.refined(&again)
                };
                judge_by(rows, &basis, Limits::of_cell(10), 1)
            };
            let nothing = |rows: &Rows| Rows::zeros(0, rows.columns());
            [
                found(&first, nothing(&first)),
                found(&rows, nothing(&rows)),
                found(&rows, products.hiding(&gram, bits)),
            ]
        }
    }

    /// Weights by a group, and a covariate that is one person's in it and says nothing of the
    /// disease: 1 for him and for some outside.
    fn made_for_one(people: usize) -> Made {
        let group = |person: usize| person % 5 < 2;
        let flag = |person: usize| person == 0 || (!group(person) && person.is_multiple_of(3));
        let mut made = Made::new(people, 2, 0.5, 0.0, 3);
        made.covariates = vec![
            (0..people)
                .map(|person| f64::from(u8::from(group(person))))
                .collect(),
            (0..people)
                .map(|person| f64::from(u8::from(flag(person))))
                .collect(),
        ];
        made.expected = (0..people)
            .map(|person| if group(person) { 0.75 } else { 0.3 })
            .collect();
        made
    }

    #[test]
    fn a_covariate_made_for_weights_by_a_group_is_found() {
        for people in [300, 3000] {
            let [without, all, found] = made_for_one(people).judged();
            assert!(without.passes(), "{without:?}");
            assert!(!all.passes() && found.leverage > 0.9, "{found:?}");
        }
    }

    #[test]
    fn weights_that_are_no_columns_hide_it() {
        let mut made = made_for_one(1000);
        let mut stream = Stream::new(&[5; 32]);
        made.expected
            .iter_mut()
            .for_each(|mu| *mu += 0.02 * (stream.uniform() - 0.5));
        let [_, all, found] = made.judged();
        assert!(
            all.leverage > 0.4 && found.leverage < 0.1,
            "{all:?} {found:?}"
        );
    }

    /// A group with many cases and one with few, and a covariate that is one person's among the
    /// few.
    fn made_for_one_of_little_weight(people: usize) -> Made {
        let often = |person: usize| person % 2 == 1;
        let flag = |person: usize| person == 0 || (often(person) && person.is_multiple_of(3));
        let mut made = made_for_one(people);
        let mut stream = Stream::new(&[7; 32]);
        made.covariates = vec![
            (0..people)
                .map(|person| f64::from(u8::from(often(person))))
                .collect(),
            (0..people)
                .map(|person| f64::from(u8::from(flag(person))))
                .collect(),
        ];
        let share = |person: usize| if often(person) { 0.5 } else { 0.01 };
        made.expected = (0..people)
            .map(|person| share(person) * (1.0 + 0.02 * (stream.uniform() - 0.5)))
            .collect();
        made
    }

    /// The largest leverage of a person in what a score variance tells of a variant, beside what
    /// the study shows anyway: of the variant of which it is larger than of nineteen in twenty.
    fn told_by_variances(made: &Made) -> f64 {
        let (rows, products) = made.rows();
        let (gram, count) = (rows.gram(1), made.covariates.len());
        let factor = Factor::new(&products.covariances(&gram));
        let column = |place: usize| {
            (0..rows.people())
                .map(|person| rows.row(person)[place])
                .collect()
        };
        let shown: Vec<Vec<f64>> = (0..products.weights).map(column).collect();
        let mean =
            |place: usize| gram.get(products.weights, place + 1) / gram.get(0, products.weights);
        let mut stream = Stream::new(&[8; 32]);
        let leverage = |trial: usize| {
            let length = RARE.sqrt() * if trial.is_multiple_of(2) { 1.0 } else { -1.0 };
            let along: Vec<f64> = (0..count).map(|_| length * stream.normal()).collect();
            let parts = factor.combination(&along, count);
            let told = |person: usize| {
                let row = rows.row(person);
                let of = |place: usize| parts[place] * (row[place + 1] - mean(place));
                row[products.weights] * (1.0 - (0..count).map(of).sum::<f64>())
            };
            let columns = shown
                .iter()
                .cloned()
                .chain([(0..rows.people()).map(told).collect()]);
            judge(
                &Rows::from_columns(&columns.collect::<Vec<_>>()),
                Limits::of_cell(10),
                1,
            )
            .leverage
        };
        let mut all: Vec<f64> = (0..200).map(leverage).collect();
        all.sort_by(f64::total_cmp);
        all[190]
    }

    #[test]
    fn variances_tell_what_the_rule_says() {
        let mut noisy = made_for_one(600);
        let mut stream = Stream::new(&[6; 32]);
        noisy
            .expected
            .iter_mut()
            .for_each(|mu| *mu += 0.02 * (stream.uniform() - 0.5));
        let honest = [0.1, 0.5, 1.0].map(|effect| Made::new(400, 4, 0.3, effect, 9));
        let little = made_for_one_of_little_weight(2000);
        for made in honest.iter().chain([&noisy, &little]) {
            let [_, _, found] = made.judged();
            let told = told_by_variances(made);
            println!(
                "{told:.3} is told, {:.3} is what the rule says",
                found.leverage
            );
            assert!(told <= found.leverage + 0.01);
        }
    }

    /// How many studies are refused without the products, with all of them, and by this rule; as
    /// many of each kind as `LIGATE_STUDIES` says (`LIGATE_STUDIES=20 cargo test --release -p
    /// ligate-disclosure --lib honest_logistic -- --nocapture`).
    #[test]
    fn honest_logistic_studies_pass() {
        let wanted = std::env::var("LIGATE_STUDIES")
            .ok()
            .and_then(|count| count.parse().ok());
        let sizes: &[(usize, usize)] = if wanted.is_some() {
            &[(300, 4), (1000, 10), (3000, 10)]
        } else {
            &[(300, 4)]
        };
        println!("people covariates share effect  refused without, with all products, by the rule");
        for &(people, covariates) in sizes {
            for (share, effect) in [0.1, 0.3, 0.5]
                .into_iter()
                .flat_map(|share| [0.1, 0.5, 1.0].map(|e| (share, e)))
            {
                let mut refused = [0; 3];
                for seed in 0..wanted.unwrap_or(6) {
                    let found = Made::new(people, covariates, share, effect, seed).judged();
                    refused
                        .iter_mut()
                        .zip(found)
                        .for_each(|(count, found)| *count += usize::from(!found.passes()));
                }
                println!("{people:6} {covariates:10} {share:5} {effect:6}  {refused:?}");
                let [without, all, by_rule] = refused;
                assert!(
                    2 * by_rule <= all + without + 2,
                    "{people} {share} {effect}: {refused:?}"
                );
            }
        }
    }
}
