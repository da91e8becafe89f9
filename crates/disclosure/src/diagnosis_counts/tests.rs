use std::{collections::BTreeSet, path::Path};

use jiff::Timestamp;
use ligate_model::DiagnosisCount;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::*;
use crate::witness::testing::Notes;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const DISEASE: DiseaseId = DiseaseId::Omim(101_600);

fn term(number: u32) -> TermId {
    TermId::from_number(number).unwrap()
}

/// A patient of the registry, as the tests keep one.
#[derive(Clone)]
struct Record {
    id: IndividualId,
    disease: DiseaseId,
    terms: Vec<TermId>,
    single_counts: bool,
}

fn record(name: &str, terms: &[u32]) -> Record {
    Record {
        id: IndividualId::new(name).unwrap(),
        disease: DISEASE,
        terms: terms.iter().copied().map(term).collect(),
        single_counts: false,
    }
}

fn records(names: impl IntoIterator<Item = u32>, terms: &[u32]) -> Vec<Record> {
    names
        .into_iter()
        .map(|name| record(&name.to_string(), terms))
        .collect()
}

fn patients(records: &[Record]) -> Vec<Patient<'_>> {
    records.iter().map(patient).collect()
}

fn patient(record: &Record) -> Patient<'_> {
    let Record {
        id,
        disease,
        terms,
        single_counts,
    } = record;
    Patient {
        id,
        disease: *disease,
        terms,
        single_counts: *single_counts,
    }
}

fn reopen(folder: &Path) -> Result<DiagnosisLedger, crate::LedgerError> {
    DiagnosisLedger::open(
        folder,
        &mut ChaCha20Rng::seed_from_u64(2),
        Notes::of(folder),
    )
}

fn ledger(folder: &Path) -> DiagnosisLedger {
    DiagnosisLedger::open(
        folder,
        &mut ChaCha20Rng::seed_from_u64(1),
        Notes::of(folder),
    )
    .unwrap()
}

fn close(ledger: &DiagnosisLedger, records: &[Record]) -> Closed {
    ledger
        .close(
            &patients(records),
            Minimums::default(),
            SingleCounts::Never,
            NOW,
        )
        .unwrap()
}

fn table(ledger: &DiagnosisLedger) -> Vec<DiagnosisCount> {
    ledger.table().unwrap().into_inner()
}

fn row(number: u32, m: u32, n: u32) -> DiagnosisCount {
    DiagnosisCount {
        disease: DISEASE,
        term: term(number),
        m,
        n,
    }
}

#[track_caller]
fn check_batch(patients: &[&[u32]], minimums: (u32, u32), expected: &[(u32, u32)]) {
    let patients: Vec<Vec<TermId>> = patients
        .iter()
        .map(|p| p.iter().copied().map(term).collect())
        .collect();
    let patients: Vec<&[TermId]> = patients.iter().map(Vec::as_slice).collect();
    let minimums = Minimums {
        batch_patients: minimums.0,
        count: minimums.1,
    };
    let expected: Vec<_> = expected
        .iter()
        .map(|(number, m)| (term(*number), *m))
        .collect();
    assert_eq!(batch_counts(&patients, minimums), expected);
}

#[test]
fn a_batch_gives_rows_that_enough_of_enough_patients_have() {
    let five: &[&[u32]] = &[&[1, 2], &[1, 2], &[1, 2, 2, 2], &[1], &[3]];
    check_batch(five, (5, 3), &[(1, 4), (2, 3)]);
    check_batch(five, (5, 1), &[(1, 4), (2, 3), (3, 1)]);
    check_batch(five, (5, 5), &[]);
    check_batch(five, (6, 1), &[]);
    check_batch(&[&[2, 2, 2], &[], &[], &[], &[]], (5, 3), &[]);
    check_batch(&[], (0, 0), &[]);
}

#[test]
fn four_wait_and_five_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut all = records(0..4, &[7]);
    assert_eq!(
        close(&ledger, &all),
        Closed {
            waiting: 4,
            ..Closed::default()
        }
    );
    assert!(table(&ledger).is_empty());
    all.push(record("4", &[8]));
    assert_eq!(
        close(&ledger, &all),
        Closed {
            batches: 1,
            patients: 5,
            rows: 1,
            waiting: 0
        }
    );
    assert_eq!(table(&ledger), [row(7, 4, 5)]);
    assert_eq!(
        close(&ledger, &all),
        Closed::default(),
        "nobody is counted twice"
    );
    // A sixth patient changes nothing until four more have come; then both batches are added up.
    all.push(record("5", &[7]));
    close(&ledger, &all);
    assert_eq!(table(&ledger), [row(7, 4, 5)]);
    all.extend(records(6..10, &[7, 8]));
    close(&ledger, &all);
    assert_eq!(
        table(&ledger),
        [row(7, 9, 10), row(8, 4, 5)],
        "term 8 was suppressed in the first batch"
    );
}

#[test]
fn a_suppressed_row_is_as_one_of_zero() {
    let tables = [&[7, 9][..], &[7]].map(|terms| {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let mut all = records(0..3, &[7]);
        all.extend(records(3..5, terms));
        close(&ledger, &all);
        table(&ledger)
    });
    assert_eq!(tables[0], tables[1]);
}

#[test]
fn a_withdrawal_stops_the_whole_batch_until_five_newcomers_come() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut all = records(0..9, &[7]);
    close(&ledger, &all);
    let gone = all.remove(0);
    assert!(ledger.withdraw(&gone.id, NOW).unwrap());
    assert!(table(&ledger).is_empty());
    // Eight remain, which is enough for a batch, and would show the ninth by subtraction.
    assert_eq!(close(&ledger, &all).waiting, 8);
    all.extend(records(20..24, &[8]));
    assert_eq!(close(&ledger, &all).waiting, 12);
    assert!(table(&ledger).is_empty());
    all.extend(records(24..25, &[8]));
    // Whoever has withdrawn is not counted again, also if the registry still lists them.
    all.push(gone.clone());
    assert_eq!(close(&ledger, &all).patients, 13);
    assert_eq!(table(&ledger), [row(7, 8, 13), row(8, 5, 13)]);
    assert_eq!(
        ledger.standings([&gone.id, &all[0].id]).unwrap(),
        [Standing::Withdrawn, Standing::Served]
    );
    assert!(!ledger.withdraw(&gone.id, NOW).unwrap());
}

#[test]
fn whoever_is_corrected_may_return_with_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut all = records(0..5, &[7]);
    close(&ledger, &all);
    assert!(ledger.correct(&all[2].id, NOW).unwrap());
    all[2].terms = vec![term(8)];
    assert_eq!(
        ledger.standings([&all[2].id]).unwrap(),
        [Standing::Returning]
    );
    assert_eq!(close(&ledger, &all).waiting, 5);
    all.extend(records(10..15, &[9]));
    close(&ledger, &all);
    assert_eq!(table(&ledger), [row(7, 4, 10), row(9, 5, 10)]);
}

#[test]
fn diseases_are_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut all = records(0..8, &[7]);
    for other in &mut all[4..] {
        other.disease = DiseaseId::Orphanet(710);
    }
    assert_eq!(close(&ledger, &all).waiting, 8);
}

#[test]
fn single_counts_need_the_word_of_each_patient() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut all = records(0..3, &[7]);
    all[0].single_counts = true;
    assert_eq!(close(&ledger, &all).batches, 0);
    let single = SingleCounts::WithConsent;
    let closed = ledger
        .close(&patients(&all), Minimums::default(), single, NOW)
        .unwrap();
    assert_eq!(
        closed,
        Closed {
            batches: 1,
            patients: 1,
            rows: 1,
            waiting: 2
        }
    );
    assert_eq!(table(&ledger), [row(7, 1, 1)]);
}

#[test]
fn no_minimum_goes_below_the_floor() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    for minimums in [
        Minimums {
            batch_patients: 4,
            count: 3,
        },
        Minimums {
            batch_patients: 5,
            count: 2,
        },
    ] {
        let closed = ledger.close(&[], minimums, SingleCounts::Never, NOW);
        assert!(matches!(closed, Err(DiagnosisLedgerError::BelowFloor(_))));
    }
    let twice = [record("a", &[1]), record("a", &[1])];
    let closed = ledger.close(
        &patients(&twice),
        Minimums::default(),
        SingleCounts::Never,
        NOW,
    );
    assert!(matches!(closed, Err(DiagnosisLedgerError::Twice)));
}

#[test]
fn a_private_batch_takes_newcomers_alone_and_spends_them() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut all = records(0..5, &[7]);
    close(&ledger, &all);
    ledger.correct(&all[0].id, NOW).unwrap();
    all.extend(records(10..30, &[7]));
    let (diseases, terms) = ([DISEASE], [term(7), term(8)]);
    let support = Support {
        diseases: &diseases,
        terms: &terms,
    };
    let how = (&support, "50".parse().unwrap(), 0.1);
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let closed = ledger
        .close_private(&patients(&all), how, NOW, &mut rng)
        .unwrap();
    assert_eq!((closed.patients, closed.waiting), (20, 5));
    assert!(
        table(&ledger)[0].m.abs_diff(20) <= 3,
        "{:?}",
        table(&ledger)
    );
    assert!(ledger.correct(&all[7].id, NOW).unwrap());
    assert_eq!(ledger.standings([&all[8].id]).unwrap(), [Standing::Spent]);
    all.extend(records(40..45, &[8]));
    assert_eq!(
        close(&ledger, &all).patients,
        10,
        "five newcomers and the five of the first batch"
    );
}

#[test]
fn the_ledger_outlives_its_process_and_no_damage_makes_it_empty() {
    let folder = tempfile::tempdir().unwrap();
    let all = records(0..5, &[7]);
    close(&ledger(folder.path()), &all);
    let reopened = reopen(folder.path()).unwrap();
    assert_eq!(close(&reopened, &all), Closed::default());
    assert_eq!(table(&reopened), [row(7, 5, 5)]);
    let file = folder.path().join("batches.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        all.iter()
            .all(|record| !text.contains(&format!("\"{}\"", record.id))),
        "ids are hashed"
    );
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    assert!(reopened.table().is_err());
    std::fs::remove_file(&file).unwrap();
    assert!(
        reopened
            .close(
                &patients(&all),
                Minimums::default(),
                SingleCounts::Never,
                NOW
            )
            .is_err()
    );
    std::fs::write(&file, &text).unwrap();
    std::fs::remove_file(folder.path().join("key")).unwrap();
    assert!(reopen(folder.path()).is_err());
}

#[test]
fn files_are_the_owners_alone() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    close(&ledger(&folder.path().join("made")), &records(0..5, &[7]));
    for entry in std::fs::read_dir(folder.path().join("made")).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

/// Random histories of arrivals, withdrawals, corrections and closings: a patient is in one served
/// batch at the most, and no combination of all batches that were ever served, with weights from -2
/// to 2, describes fewer than five.
#[test]
fn no_combination_of_batches_describes_fewer_than_five() {
    let mut combined = 0;
    for seed in 0..16 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let mut all = records(0..0, &[]);
        for step in 0..60 {
            let chosen = rng.next_u32() as usize % all.len().max(1);
            match rng.next_u32() % 4 {
                0 | 1 => all.extend(records(
                    (0..rng.next_u32() % 8).map(|i| step * 100 + i),
                    &[7],
                )),
                2 if !all.is_empty() && rng.next_u32() & 1 == 0 => {
                    ledger.withdraw(&all[chosen].id, NOW).unwrap();
                }
                2 if !all.is_empty() => _ = ledger.correct(&all[chosen].id, NOW).unwrap(),
                _ => _ = close(&ledger, &all),
            }
        }
        let batches = ledger.batches().unwrap();
        let sets: Vec<BTreeSet<u64>> = batches.iter().map(ledger::tests_people).collect();
        let everybody: BTreeSet<u64> = sets.iter().flatten().copied().collect();
        for person in &everybody {
            let served = batches
                .iter()
                .zip(&sets)
                .filter(|(b, set)| b.stopped.is_none() && set.contains(person));
            assert!(served.count() <= 1);
        }
        let sets = &sets[sets.len().saturating_sub(5)..];
        for code in 1..5_usize.pow(u32::try_from(sets.len()).unwrap()) {
            let weights: Vec<i32> = (0..sets.len())
                .map(|batch| [0, 1, 2, -1, -2][code / 5_usize.pow(batch as u32) % 5])
                .collect();
            let weight = |person: &u64| -> i32 {
                sets.iter()
                    .zip(&weights)
                    .filter(|(set, _)| set.contains(person))
                    .map(|(_, weight)| weight)
                    .sum()
            };
            let described = everybody
                .iter()
                .filter(|person| weight(person) != 0)
                .count();
            assert!(
                described >= 5,
                "seed {seed}: {weights:?} describes {described}"
            );
            combined += 1;
        }
    }
    assert!(
        combined > 10_000,
        "the histories have too few batches to say anything: {combined}"
    );
}

#[test]
fn a_restored_registry_keeps_withdrawals_and_closes_no_batch_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let all = records(0..6, &[7]);
    let ledger = ledger(folder.path());
    close(&ledger, &all[..5]);
    let copy = std::fs::read(folder.path().join("batches.json")).unwrap();
    ledger.withdraw(&all[0].id, NOW).unwrap();
    let withdrawn = ledger.withdrawn().unwrap();
    std::fs::write(folder.path().join("batches.json"), copy).unwrap();
    assert!(ledger.table().is_err());
    ledger.recover((&[], &withdrawn), Some(NOW), NOW).unwrap();
    assert_eq!(
        ledger.standings([&all[0].id]).unwrap(),
        [Standing::Withdrawn]
    );
    assert!(table(&ledger).is_empty(), "their batch is not served");
    let refused = ledger.close(
        &patients(&all),
        Minimums::default(),
        SingleCounts::Never,
        NOW,
    );
    assert!(matches!(refused, Err(DiagnosisLedgerError::Forgotten(_))));
    ledger
        .recover((&[all[1].id.clone()], &[]), None, NOW)
        .unwrap();
    assert_eq!(
        ledger.standings([&all[0].id, &all[1].id]).unwrap(),
        [Standing::Withdrawn; 2]
    );
    ledger
        .close(
            &patients(&all),
            Minimums::default(),
            SingleCounts::Never,
            NOW,
        )
        .unwrap();
}
