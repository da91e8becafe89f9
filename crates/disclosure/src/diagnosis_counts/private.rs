//! Counts with differential privacy. The unit is one patient over all releases: two registries that
//! differ by one patient give any table with chances that differ by a factor of at most
//! exp(epsilon), and delta is 0 up to the rounding named at [`private_counts`].
//!
//! A patient adds to at most eight terms of one disease and to that disease's number of patients: a
//! change of nine in all. So every cell of (all diseases x all terms), also those of zero, and
//! every disease's number get two-sided geometric noise of scale 9 / epsilon (Ghosh, Roughgarden,
//! Sundararajan, STOC 2009). Which diseases and terms there are comes from public lists, never from
//! the patients. The table of some 10^8 noisy cells is not written out: cells below a threshold are
//! cut after the noise, and how many cells of zero exceed it is drawn directly, with the same
//! result (Cormode, Procopiuc, Srivastava, Tran: Differentially private summaries for sparse data,
//! ICDT 2012).

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use ligate_model::{DiagnosisCount, DiseaseId, TermId};
use rand_core::RngCore;

use super::noise::{Noise, unit};

/// The most terms of a patient that count.
pub const TERMS_PER_PATIENT: usize = 8;
/// The diseases of a patient that count.
pub const DISEASES_PER_PATIENT: usize = 1;

/// By how much one patient changes all numbers together: eight cells and the number of the
/// disease's patients.
const SENSITIVITY: u32 = (TERMS_PER_PATIENT + DISEASES_PER_PATIENT) as u32;

/// The largest number of cells: 2^40, so that places and products stay exact.
const CELLS_MAX: u64 = 1 << 40;

/// The privacy loss of one patient, in thousandths: from 0.001 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epsilon(u32);

/// A number that is no epsilon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("epsilon is a number from 0.001 to 1000 with at most three decimals, as in 4 or 0.5")]
pub struct InvalidEpsilon;

impl Epsilon {
    pub const fn from_thousandths(thousandths: u32) -> Option<Self> {
        if thousandths >= 1 && thousandths <= 1_000_000 {
            Some(Self(thousandths))
        } else {
            None
        }
    }

    pub const fn thousandths(self) -> u32 {
        self.0
    }

    fn noise(self) -> Noise {
        Noise::with_rate(self.0, 1000 * SENSITIVITY)
    }
}

impl FromStr for Epsilon {
    type Err = InvalidEpsilon;

    fn from_str(text: &str) -> Result<Self, InvalidEpsilon> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || whole.len() > 4 || part.len() > 3 {
            return Err(InvalidEpsilon);
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| InvalidEpsilon);
        let part = number(&format!("{part:0<3}"))?;
        Self::from_thousandths(number(whole)? * 1000 + part).ok_or(InvalidEpsilon)
    }
}

/// The cells that get noise: every disease with every term. Public lists, sorted, each entry once.
#[derive(Clone, Copy, Debug)]
pub struct Support<'s> {
    pub diseases: &'s [DiseaseId],
    pub terms: &'s [TermId],
}

impl Support<'_> {
    fn cells(&self) -> u64 {
        (self.diseases.len() as u64)
            .saturating_mul(self.terms.len() as u64)
            .min(CELLS_MAX)
    }

    fn cell(&self, disease: usize, term: TermId) -> Option<u64> {
        let term = self.terms.binary_search(&term).ok()?;
        Some(disease as u64 * self.terms.len() as u64 + term as u64)
    }

    fn disease(&self, cell: u64) -> usize {
        (cell / self.terms.len() as u64) as usize
    }

    fn row(&self, cell: u64, m: u32, n: u32) -> DiagnosisCount {
        let term = self.terms[(cell % self.terms.len() as u64) as usize];
        DiagnosisCount {
            disease: self.diseases[self.disease(cell)],
            term,
            m,
            n,
        }
    }
}

/// Noisy counts, and from which count on a cell is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateCounts {
    /// In the order of diseases and terms.
    pub rows: Vec<DiagnosisCount>,
    /// It follows from epsilon, the support and `false_rows` alone.
    pub threshold: u32,
}

/// The counts of all `patients` with noise. Of each patient's terms the first eight that are in the
/// support count, so they come in an order that depends on this patient and on public facts alone.
/// About `false_rows` rows (a finite number above 0) will be of nobody: the smallest threshold of
/// at least 1 with no more is taken.
///
/// Noise is drawn exactly. Which cells of zero exceed the threshold is drawn by gaps in double
/// precision: its chances are off by a factor of 1 +- 10^-12 or less, and cells' gaps with a chance
/// below 2^-53 do not occur.
pub fn private_counts(
    patients: &[(DiseaseId, &[TermId])],
    support: &Support<'_>,
    epsilon: Epsilon,
    false_rows: f64,
    rng: &mut impl RngCore,
) -> PrivateCounts {
    let noise = epsilon.noise();
    let threshold = threshold(&noise, support.cells(), false_rows);
    let true_counts = TrueCounts::of(patients, support);
    let mut shown: BTreeMap<u64, u32> = BTreeMap::new();
    for (cell, count) in &true_counts.cells {
        let noisy = i64::from(*count) + noise.draw(rng);
        if noisy >= i64::from(threshold) {
            shown.insert(*cell, bounded(noisy));
        }
    }
    for cell in exceeding(support.cells(), noise.reaches(threshold), rng) {
        if !true_counts.cells.contains_key(&cell) {
            shown.insert(cell, bounded(i64::from(threshold) + noise.draw_size(rng)));
        }
    }
    let mut patients_of: HashMap<usize, u32> = HashMap::new();
    let rows = shown.into_iter().map(|(cell, m)| {
        let disease = support.disease(cell);
        let n = *patients_of.entry(disease).or_insert_with(|| {
            let n = true_counts.patients.get(&disease).copied().unwrap_or(0);
            bounded(i64::from(n) + noise.draw(rng))
        });
        support.row(cell, m, n.max(m))
    });
    PrivateCounts {
        rows: rows.collect(),
        threshold,
    }
}

/// Counts before noise. Ordered, so that a seed gives one result.
struct TrueCounts {
    cells: BTreeMap<u64, u32>,
    patients: BTreeMap<usize, u32>,
}

impl TrueCounts {
    fn of(patients: &[(DiseaseId, &[TermId])], support: &Support<'_>) -> Self {
        let mut counts = Self {
            cells: BTreeMap::new(),
            patients: BTreeMap::new(),
        };
        for (disease, terms) in patients {
            let Ok(disease) = support.diseases.binary_search(disease) else {
                continue;
            };
            *counts.patients.entry(disease).or_default() += 1;
            let mut own: Vec<u64> = Vec::with_capacity(TERMS_PER_PATIENT);
            for cell in terms.iter().filter_map(|term| support.cell(disease, *term)) {
                if own.len() < TERMS_PER_PATIENT && !own.contains(&cell) {
                    own.push(cell);
                    *counts.cells.entry(cell).or_default() += 1;
                }
            }
        }
        counts
    }
}

/// The smallest threshold that at most `false_rows` cells of zero reach on average.
fn threshold(noise: &Noise, cells: u64, false_rows: f64) -> u32 {
    let mut threshold = 1;
    while cells as f64 * noise.reaches(threshold) > false_rows && threshold < u32::MAX / 2 {
        threshold += 1;
    }
    threshold
}

/// Which of `cells` independent events of the same chance happen, by the geometric gaps between
/// them.
fn exceeding(cells: u64, chance: f64, rng: &mut impl RngCore) -> Vec<u64> {
    let mut found = Vec::new();
    let miss = (-chance).ln_1p();
    if miss >= 0.0 {
        return found;
    }
    let mut next = 0_u64;
    loop {
        let gap = (unit(rng).ln() / miss).floor();
        if gap >= (cells - next) as f64 {
            break;
        }
        next += gap as u64;
        found.push(next);
        next += 1;
    }
    found
}

fn bounded(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn epsilon_is_read_strictly() {
        let read = |text: &str| text.parse::<Epsilon>().map(Epsilon::thousandths);
        assert_eq!(read("4"), Ok(4000));
        assert_eq!(read("0.5"), Ok(500));
        for text in ["", "0", "-1", "1e3", "inf", "NaN", "1001", "0.0001", "."] {
            assert_eq!(read(text), Err(InvalidEpsilon), "{text}");
        }
    }

    fn terms(numbers: impl IntoIterator<Item = u32>) -> Vec<TermId> {
        numbers
            .into_iter()
            .map(|number| TermId::from_number(number).unwrap())
            .collect()
    }

    /// Every cell is noised one by one here, which is what the sparse way stands for: the numbers
    /// of rows of true and of empty cells agree.
    #[test]
    fn the_sparse_way_is_the_dense_way() {
        let diseases: Vec<_> = (1..=20).map(DiseaseId::Omim).collect();
        let all = terms(1..=200);
        let support = Support {
            diseases: &diseases,
            terms: &all,
        };
        let own = terms([3, 5, 7]);
        let patients = vec![(diseases[4], own.as_slice()); 12];
        let epsilon = Epsilon::from_thousandths(8000).unwrap();
        let (noise, rounds) = (epsilon.noise(), 400);
        let (mut sparse, mut dense) = ([0_f64; 2], [0_f64; 2]);
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        for _ in 0..rounds {
            let released = private_counts(&patients, &support, epsilon, 20.0, &mut rng);
            for row in &released.rows {
                sparse[usize::from(row.disease != diseases[4] || !own.contains(&row.term))] += 1.0;
            }
            for _ in 0..3 {
                dense[0] += f64::from(u8::from(
                    12 + noise.draw(&mut rng) >= i64::from(released.threshold),
                ));
            }
            for _ in 3..4000 {
                dense[1] += f64::from(u8::from(
                    noise.draw(&mut rng) >= i64::from(released.threshold),
                ));
            }
        }
        for (sparse, dense) in sparse.into_iter().zip(dense) {
            let deviation = (sparse - dense) / (sparse + dense).sqrt().max(1.0);
            assert!(deviation.abs() < 4.0, "{sparse} and {dense}");
        }
    }

    /// The likelihood of each output of one cell changes by exp(epsilon / 9) at most when a patient
    /// joins, measured.
    #[test]
    fn a_patient_changes_chances_by_the_stated_factor() {
        let diseases = [DiseaseId::Omim(1)];
        let all = terms([1]);
        let support = Support {
            diseases: &diseases,
            terms: &all,
        };
        let epsilon = Epsilon::from_thousandths(9000).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut share_of_four = |patients: usize| {
            let patients = vec![(diseases[0], all.as_slice()); patients];
            let hits = (0..40_000)
                .filter(|_| {
                    let released = private_counts(&patients, &support, epsilon, 1.0, &mut rng);
                    released.rows.first().is_some_and(|row| row.m == 4)
                })
                .count();
            hits as f64 / 40_000.0
        };
        let ratio = share_of_four(4) / share_of_four(3);
        assert!((ratio / 1_f64.exp() - 1.0).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn a_patient_adds_eight_cells_at_the_most() {
        let diseases = [DiseaseId::Omim(1), DiseaseId::Omim(2)];
        let all = terms(1..=50);
        let support = Support {
            diseases: &diseases,
            terms: &all,
        };
        let many = terms((1..=50).chain(1..=50).chain([9_999_999]));
        let counts = TrueCounts::of(
            &[(diseases[0], &many), (DiseaseId::Omim(9), &many)],
            &support,
        );
        assert_eq!(counts.cells.len(), TERMS_PER_PATIENT);
        assert!(counts.cells.values().all(|count| *count == 1));
        assert_eq!(counts.patients.values().sum::<u32>(), 1);
    }

    #[test]
    fn the_threshold_does_not_look_at_patients() {
        let diseases: Vec<_> = (1..=100).map(DiseaseId::Omim).collect();
        let all = terms(1..=100);
        let support = Support {
            diseases: &diseases,
            terms: &all,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let epsilon = Epsilon::from_thousandths(4000).unwrap();
        let patients = vec![(diseases[0], all.as_slice()); 30];
        let with = private_counts(&patients, &support, epsilon, 5.0, &mut rng).threshold;
        let without = private_counts(&[], &support, epsilon, 5.0, &mut rng);
        assert_eq!(with, without.threshold);
        assert!(
            without
                .rows
                .iter()
                .all(|row| row.m >= with && row.m <= row.n)
        );
    }
}
