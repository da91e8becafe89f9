//! Attacks on what a registry releases, each on published cases: what a new patient's arrival
//! shows, what somebody learns who knows all patients of a batch but one, and whether a person's
//! presence can be told. Run with `--nocapture` to read the figures. Without the file of cases in
//! `../shared` the tests say so and pass; what must hold on any data is tested beside the code.

#[path = "diagnosis_attacks/cases.rs"]
mod cases;
#[path = "diagnosis_attacks/figures.rs"]
mod figures;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use cases::{Patients, by_disease};
use figures::{Scores, share};
use jiff::Timestamp;
use ligate_disclosure::{
    Change, Witness, WitnessError,
    diagnosis_counts::{
        DiagnosisLedger, Epsilon, Minimums, Patient, SingleCounts, Support, batch_counts,
        private_counts,
    },
};
use ligate_model::{DiagnosisCount, Digest, DiseaseId, IndividualId, TermId};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// Diseases with fewer published patients say nothing of a registry.
const PATIENTS_MIN: usize = 6;

fn counts(patients: &[&[TermId]], count: u32) -> BTreeMap<TermId, u32> {
    batch_counts(
        patients,
        Minimums {
            batch_patients: 5,
            count,
        },
    )
    .into_iter()
    .collect()
}

fn shuffle<T>(list: &mut [T], rng: &mut impl RngCore) {
    for last in (1..list.len()).rev() {
        list.swap(last, rng.next_u64() as usize % (last + 1));
    }
}

/// Totals that are computed anew when a patient arrives show the terms of that patient as
/// differences of 1. Every patient of every disease is the new one once: in the order of the file
/// where `in_order` (the registry grows from nothing), else as the last of all.
fn revealed_by_new_totals(
    diseases: &BTreeMap<DiseaseId, Patients>,
    minimum: u32,
    in_order: bool,
) -> f64 {
    let (mut revealed, mut all) = (0, 0);
    for patients in diseases
        .values()
        .filter(|patients| patients.len() >= PATIENTS_MIN)
    {
        for new in 0..patients.len() {
            let present = if in_order { new + 1 } else { patients.len() };
            let after: Vec<&[TermId]> = patients[..present].iter().map(Vec::as_slice).collect();
            let mut before = after.clone();
            before.remove(new);
            let (before, after) = (counts(&before, minimum), counts(&after, minimum));
            let shown = |term: &&TermId| after.get(*term) != before.get(*term);
            let terms: BTreeSet<TermId> = patients[new].iter().copied().collect();
            all += terms.len();
            revealed += terms.iter().filter(shown).count();
        }
    }
    share(revealed, all)
}

/// A witness for ledgers that no other process opens.
#[derive(Default)]
struct Forgetful(Mutex<Option<Digest>>);

impl Witness for Forgetful {
    fn last(&self) -> Result<Option<Digest>, WitnessError> {
        Ok(*self.0.lock().map_err(|_| "poisoned")?)
    }

    fn note(&self, _: &Change, digest: Digest) -> Result<(), WitnessError> {
        *self.0.lock().map_err(|_| "poisoned")? = Some(digest);
        Ok(())
    }
}

#[test]
fn new_totals_give_a_new_patient_away_and_closed_batches_do_not() {
    let Some(diseases) = by_disease() else { return };
    for minimum in [3, 10] {
        let [growing, last] =
            [true, false].map(|order| revealed_by_new_totals(&diseases, minimum, order));
        println!(
            "totals computed anew, minimum {minimum}: {:.1}% of a new patient's terms while the registry grows, {:.1}% \
             of the last one's",
            100.0 * growing,
            100.0 * last
        );
        assert!(
            growing > 0.3,
            "the attack works where the rule is broken: {growing}"
        );
    }
    // The rule on the same patients: each is the last to arrive, and nothing that is served
    // changes.
    let (mut changed, mut arrivals) = (0, 0);
    for (disease, patients) in diseases
        .iter()
        .filter(|(_, patients)| patients.len() >= PATIENTS_MIN)
        .take(60)
    {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let ledger = DiagnosisLedger::open(folder.path(), &mut rng, Arc::new(Forgetful::default()))
            .expect("a ledger");
        let ids: Vec<IndividualId> = (0..patients.len())
            .map(|i| IndividualId::new(i.to_string()).expect("an id"))
            .collect();
        let listed: Vec<Patient<'_>> = ids
            .iter()
            .zip(patients)
            .map(|(id, terms)| Patient {
                id,
                disease: *disease,
                terms,
                single_counts: false,
            })
            .collect();
        let close = |listed: &[Patient<'_>]| {
            let now = Timestamp::UNIX_EPOCH;
            ledger
                .close(listed, Minimums::default(), SingleCounts::Never, now)
                .expect("closed");
            ledger.table().expect("a table").into_inner()
        };
        let mut last: (usize, Vec<DiagnosisCount>) = (0, Vec::new());
        for arrived in 1..=listed.len().min(40) {
            let table = close(&listed[..arrived]);
            arrivals += 1;
            if table != last.1 {
                assert!(
                    arrived - last.0 >= 5,
                    "a difference describes {} patients",
                    arrived - last.0
                );
                changed += 1;
            }
            last = if table == last.1 {
                last
            } else {
                (arrived, table)
            };
        }
    }
    println!(
        "closed batches: {changed} of {arrivals} arrivals change what is served, each for five or more patients"
    );
    assert!(changed > 0);
}

/// Somebody who knows (or has made up) all other patients of a batch subtracts them.
#[test]
fn who_knows_all_but_one_reads_the_last_one_and_only_noise_prevents_it() {
    let Some(diseases) = by_disease() else { return };
    let (mut read, mut all, mut wrong) = (0, 0, 0);
    for patients in diseases
        .values()
        .filter(|patients| patients.len() >= PATIENTS_MIN)
    {
        for target in 0..patients.len() {
            let (table, known) = table_and_known(patients, target);
            for (term, m) in &table {
                let guess = m - known.get(term).copied().unwrap_or(0) == 1;
                let truth = patients[target].contains(term);
                read += usize::from(guess && truth);
                wrong += usize::from(guess != truth);
            }
            all += patients[target].iter().collect::<BTreeSet<_>>().len();
        }
    }
    println!(
        "all but one known, minimum 3: {:.1}% of the last one's terms read, none wrongly",
        100.0 * share(read, all)
    );
    let certain = share_of_rows_that_all_have(&diseases);
    println!(
        "a row with m = n tells of everybody known to be in the batch: {:.1}% of rows of batches of 5, {:.1}% of \
              rows of a whole disease",
        100.0 * certain[0],
        100.0 * certain[1]
    );
    assert_eq!(
        wrong, 0,
        "subtraction is exact: the attack is not prevented by any minimum"
    );
    assert!(share(read, all) > 0.5);
    for (epsilon, most) in [("1", 0.60), ("4", 0.75), ("16", 0.95), ("64", 1.0)] {
        let scores = subtraction_under_noise(&diseases, epsilon.parse().expect("an epsilon"));
        println!(
            "  with noise of epsilon {epsilon}: AUC {:.3} of a term's difference",
            scores.auc()
        );
        assert!(scores.auc() <= most, "{}", scores.auc());
    }
}

/// In batches of five (in the file's order), and in one batch for each disease.
fn share_of_rows_that_all_have(diseases: &BTreeMap<DiseaseId, Patients>) -> [f64; 2] {
    [5, usize::MAX].map(|size| {
        let batches = diseases
            .values()
            .flat_map(|patients| patients.chunks(size.min(patients.len().max(1))));
        let (mut certain, mut rows) = (0, 0);
        for batch in batches {
            let batch: Vec<&[TermId]> = batch.iter().map(Vec::as_slice).collect();
            let counted = counts(&batch, 3);
            rows += counted.len();
            certain += counted
                .values()
                .filter(|m| **m as usize == batch.len())
                .count();
        }
        share(certain, rows)
    })
}

fn table_and_known(
    patients: &Patients,
    target: usize,
) -> (BTreeMap<TermId, u32>, BTreeMap<TermId, u32>) {
    let everybody: Vec<&[TermId]> = patients.iter().map(Vec::as_slice).collect();
    let mut others = everybody.clone();
    others.remove(target);
    let known = batch_counts(
        &others,
        Minimums {
            batch_patients: 1,
            count: 1,
        },
    )
    .into_iter()
    .collect();
    (counts(&everybody, 3), known)
}

/// The attacker sees every cell of the disease as noise leaves it (nothing is cut), and knows the
/// others' counts.
fn subtraction_under_noise(diseases: &BTreeMap<DiseaseId, Patients>, epsilon: Epsilon) -> Scores {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let mut scores = Scores::default();
    for (disease, patients) in diseases
        .iter()
        .filter(|(_, patients)| patients.len() >= PATIENTS_MIN)
    {
        let target = rng.next_u64() as usize % patients.len();
        let all: BTreeSet<TermId> = patients.iter().flatten().copied().collect();
        let terms: Vec<TermId> = all.into_iter().collect();
        let listed: Vec<(DiseaseId, &[TermId])> = patients
            .iter()
            .map(|terms| (*disease, terms.get(..8).unwrap_or(terms)))
            .collect();
        let support = Support {
            diseases: &[*disease],
            terms: &terms,
        };
        // A threshold of 1 is the lowest there is: cells of less are shown as missing, which the
        // attacker takes for 0.
        let released = private_counts(&listed, &support, epsilon, f64::from(u32::MAX), &mut rng);
        let noisy: BTreeMap<TermId, u32> =
            released.rows.iter().map(|row| (row.term, row.m)).collect();
        let mut known: BTreeMap<TermId, u32> = BTreeMap::new();
        for term in listed
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != target)
            .flat_map(|(_, (_, terms))| *terms)
        {
            *known.entry(*term).or_default() += 1;
        }
        for term in &terms {
            let of =
                |counts: &BTreeMap<TermId, u32>| f64::from(counts.get(term).copied().unwrap_or(0));
            scores.push(of(&noisy) - of(&known), listed[target].1.contains(term));
        }
    }
    scores
}

/// What a table tells about a disease: the share of patients with each released term.
struct Seen {
    n: f64,
    rows: BTreeMap<TermId, u32>,
}

impl Seen {
    /// The log likelihood ratio of a person's terms: drawn as the table says, against drawn as a
    /// reference sample of the same disease says. A term that is not released is taken at half of
    /// the least share that is shown.
    fn score(&self, person: &[TermId], reference: &Reference<'_>, minimum: u32) -> f64 {
        let own: BTreeSet<TermId> = person.iter().copied().collect();
        let shown = |term: &TermId| self.rows.get(term).map(|m| f64::from(*m));
        let here = |term: &TermId| {
            (shown(term).unwrap_or(f64::from(minimum) / 2.0) + 0.5) / (self.n + 1.0)
        };
        let had: f64 = own
            .iter()
            .map(|term| (here(term) / reference.share(term)).ln())
            .sum();
        let lacked = self.rows.keys().filter(|term| !own.contains(term));
        had + lacked
            .map(|term| ((1.0 - here(term)).max(0.01) / (1.0 - reference.share(term))).ln())
            .sum::<f64>()
    }
}

/// Patients of the disease who are in no registry, from whom the attacker knows what is usual.
struct Reference<'p> {
    people: Vec<&'p [TermId]>,
    counts: BTreeMap<TermId, u32>,
}

impl<'p> Reference<'p> {
    fn of(people: &[&'p [TermId]]) -> Self {
        let everything = Minimums {
            batch_patients: 1,
            count: 1,
        };
        Self {
            people: people.to_vec(),
            counts: batch_counts(people, everything).into_iter().collect(),
        }
    }

    fn share(&self, term: &TermId) -> f64 {
        (f64::from(self.counts.get(term).copied().unwrap_or(0)) + 0.5)
            / (self.people.len() as f64 + 1.0)
    }

    fn without(&self, place: usize) -> Self {
        let mut people = self.people.clone();
        people.remove(place);
        Self::of(&people)
    }
}

/// How people who are not in the registry score for this table: scores of different diseases become
/// comparable.
struct Usual {
    mean: f64,
    deviation: f64,
}

impl Usual {
    fn of(seen: &Seen, reference: &Reference<'_>, minimum: u32) -> Self {
        let score = |(place, person): (usize, &&[TermId])| {
            seen.score(person, &reference.without(place), minimum)
        };
        let scores: Vec<f64> = reference.people.iter().enumerate().map(score).collect();
        let count = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / count;
        let variance = scores
            .iter()
            .map(|score| (score - mean).powi(2))
            .sum::<f64>()
            / count;
        Self {
            mean,
            deviation: variance.sqrt().max(0.1),
        }
    }

    fn deviation(&self, score: f64) -> f64 {
        (score - self.mean) / self.deviation
    }
}

enum Release {
    Minimum(u32),
    Noise(Epsilon),
}

/// A third of each disease's patients in the registry (at most `batch_max`), a third outside, a
/// third as reference.
fn membership(
    diseases: &BTreeMap<DiseaseId, Patients>,
    batch_max: usize,
    release: &Release,
    seed: u64,
) -> Scores {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut scores = Scores::default();
    for (disease, patients) in diseases.iter().filter(|(_, patients)| patients.len() >= 15) {
        let mut people: Vec<&[TermId]> = patients.iter().map(Vec::as_slice).collect();
        shuffle(&mut people, &mut rng);
        let third = people.len() / 3;
        let members = &people[..third.min(batch_max)];
        let (outside, reference) = (&people[third..2 * third], &people[2 * third..]);
        let (rows, n, minimum) = match release {
            Release::Minimum(minimum) => (counts(members, *minimum), members.len(), *minimum),
            Release::Noise(epsilon) => {
                let terms: BTreeSet<TermId> = patients.iter().flatten().copied().collect();
                let terms: Vec<TermId> = terms.into_iter().collect();
                let listed: Vec<_> = members.iter().map(|terms| (*disease, *terms)).collect();
                let support = Support {
                    diseases: &[*disease],
                    terms: &terms,
                };
                let released = private_counts(&listed, &support, *epsilon, 1.0, &mut rng);
                let n = released.rows.first().map_or(0, |row| row.n as usize);
                (
                    released.rows.iter().map(|row| (row.term, row.m)).collect(),
                    n,
                    released.threshold,
                )
            }
        };
        let seen = Seen { n: n as f64, rows };
        if seen.rows.is_empty() {
            // Nothing was released: every guess is a toss.
            members.iter().for_each(|_| scores.push(0.0, true));
            outside
                .iter()
                .take(members.len())
                .for_each(|_| scores.push(0.0, false));
            continue;
        }
        let reference = Reference::of(reference);
        let usual = Usual::of(&seen, &reference, minimum);
        for (group, is_member) in [(members, true), (outside, false)] {
            for person in group.iter().take(members.len()) {
                scores.push(
                    usual.deviation(seen.score(person, &reference, minimum)),
                    is_member,
                );
            }
        }
    }
    scores
}

#[test]
fn membership_can_be_told_from_small_batches() {
    let Some(diseases) = by_disease() else { return };
    let noise = |epsilon: &str| Release::Noise(epsilon.parse().expect("an epsilon"));
    let releases = [
        ("minimum 1", Release::Minimum(1)),
        ("minimum 3", Release::Minimum(3)),
        ("minimum 5", Release::Minimum(5)),
        ("minimum 10", Release::Minimum(10)),
        ("epsilon 1", noise("1")),
        ("epsilon 4", noise("4")),
        ("epsilon 16", noise("16")),
        ("epsilon 64", noise("64")),
    ];
    let mut auc = BTreeMap::new();
    for (size, batch_max) in [
        ("batches of 5", 5),
        ("batches of up to 20", 20),
        ("all in one batch", usize::MAX),
    ] {
        for (name, release) in &releases {
            let seeds: Vec<Scores> = (0..5)
                .map(|seed| membership(&diseases, batch_max, release, seed))
                .collect();
            let mean =
                |of: fn(&Scores) -> f64| seeds.iter().map(of).sum::<f64>() / seeds.len() as f64;
            let (area, found) = (
                mean(Scores::auc),
                mean(|scores| scores.true_positives_at(0.01)),
            );
            println!("membership, {size}, {name}: AUC {area:.3}, TPR {found:.3} at 1% FPR");
            auc.insert((size, *name), area);
        }
    }
    // More is told by lower minimums and by smaller batches; strong noise leaves a toss.
    assert!(auc[&("batches of 5", "minimum 1")] > auc[&("batches of 5", "minimum 3")]);
    assert!(
        auc[&("batches of 5", "minimum 3")] > 0.52,
        "the attack works"
    );
    assert!((auc[&("batches of 5", "epsilon 1")] - 0.5).abs() < 0.05);
}
