use std::{fs, ops::Range, os::unix::fs::PermissionsExt};

use ligate_model::{Allele, Contig, Position, VariantKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::{
    span::{Limits, judge},
    witness::testing::Notes,
};

struct Case {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

fn open(folder: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(
        folder,
        &mut ChaCha20Rng::seed_from_u64(1),
        Notes::of(folder),
    )
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).unwrap();
    Case { folder, ledger }
}

fn now() -> Timestamp {
    "2031-01-01T00:00:00Z".parse().unwrap()
}

const NODES: &[u8] = &[1, 2, 3, 4];

/// A job of the researcher over some nodes.
fn run(job: u8, roster: &[u8]) -> Run {
    Run {
        permit: Digest::of("permit", &[0]),
        job: Digest::of("job", &[job]),
        question: Digest::of("question", &[job]),
        study: Digest::of("study", &[job]),
        detail: Digest::of("detail", &[0]),
        data_user: DataUser::new("Ada Researcher", &[7; 32]),
        dataset: "cohort".parse().unwrap(),
        roster: roster.iter().map(|node| [*node; 32]).collect(),
        snapshot: Digest::of("snapshot", &[0]),
    }
}

fn numbers(range: Range<u64>) -> Vec<u64> {
    range.map(|person| person * 7919).collect()
}

fn ones() -> NewColumn {
    NewColumn::people()
}

fn column(name: &str, values: Vec<f64>) -> NewColumn {
    NewColumn {
        role: "trait".into(),
        variable: Some(name.parse().unwrap()),
        values: Some(values),
        centre: 5.0,
        unit: 2.0,
        fill: Some(5.0),
    }
}

/// Values that look random, standardised.
fn values(seed: u64, people: usize) -> Vec<f64> {
    (0..people as u64)
        .map(|person| ((person + 1) * (2 * seed + 3) * 0x9E37_79B9 % 1000) as f64 / 288.7 - 1.73)
        .collect()
}

/// Enters columns that were judged with all that was there.
fn enter(
    ledger: &Ledger,
    run: &Run,
    numbers: &[u64],
    columns: &[NewColumn],
) -> Result<(), LedgerError> {
    let account = ledger.account(&run.data_user)?;
    ledger.enter_columns(run.job, &account, numbers, columns, 400)
}

impl Case {
    fn opened(&self, run: &Run) {
        self.ledger.check(run).unwrap();
        self.ledger.mark_opened(run, now()).unwrap();
    }

    #[track_caller]
    fn refuses(&self, run: &Run) -> LedgerRefusal {
        match self.ledger.check(run) {
            Err(LedgerError::Refused(refusal)) => refusal,
            other => panic!("{other:?} instead of a refusal"),
        }
    }
}

#[test]
fn a_job_that_opened_a_sum_is_used_up() {
    let case = case();
    case.ledger.check(&run(1, NODES)).unwrap();
    case.ledger.check(&run(1, &[1, 2, 3])).unwrap();
    case.opened(&run(1, NODES));
    assert_eq!(
        case.refuses(&run(1, NODES)),
        LedgerRefusal::JobUsed { opened: now() }
    );
    case.ledger
        .mark_released(run(1, NODES).job, Digest::of("result", &[]))
        .unwrap();
    assert!(matches!(
        case.refuses(&run(1, NODES)),
        LedgerRefusal::JobUsed { .. }
    ));
    case.ledger.check(&run(2, NODES)).unwrap();
}

#[test]
fn one_roster_for_a_data_user_unless_the_steward_allows_another() {
    let case = case();
    case.opened(&run(1, NODES));
    for other in [
        &[1, 2, 3][..],
        &[1, 2, 3, 4, 5],
        &[1, 5, 6, 7],
        &[1, 2, 5, 6, 7, 8],
    ] {
        let refusal = case.refuses(&run(2, other));
        assert!(matches!(refusal, LedgerRefusal::Roster { .. }), "{other:?}");
        assert!(refusal.to_string().contains("one roster"), "{refusal}");
    }
    case.ledger.check(&run(2, &[4, 3, 2, 1])).unwrap();
    // Another key, another way to write the name: the same party.
    for (name, key) in [("ada  researcher ", 9), ("somebody else", 7)] {
        let same = Run {
            data_user: DataUser::new(name, &[key; 32]),
            ..run(2, &[1, 2, 3])
        };
        assert!(
            matches!(case.refuses(&same), LedgerRefusal::Roster { .. }),
            "{name}"
        );
    }
    let another = Run {
        data_user: DataUser::new("Bo", &[8; 32]),
        ..run(2, &[1, 2, 3])
    };
    case.ledger.check(&another).unwrap();
    let dataset = "cohort".parse().unwrap();
    case.ledger
        .allow(
            &dataset,
            "ADA researcher",
            &[[3; 32], [1; 32], [2; 32]],
            now(),
        )
        .unwrap();
    case.ledger.check(&run(2, &[1, 2, 3])).unwrap();
    assert!(matches!(
        case.refuses(&run(2, &[1, 2, 4])),
        LedgerRefusal::Roster { .. }
    ));
}

#[test]
fn a_study_is_answered_in_one_detail() {
    let case = case();
    case.opened(&run(1, NODES));
    let finer = |job| Run {
        study: run(1, NODES).study,
        detail: Digest::of("detail", &[1]),
        ..run(job, NODES)
    };
    case.ledger.check(&finer(2)).unwrap();
    enter(&case.ledger, &run(1, NODES), &numbers(0..50), &[ones()]).unwrap();
    assert_eq!(
        case.refuses(&finer(2)),
        LedgerRefusal::OtherDetail { opened: now() }
    );
    case.ledger
        .check(&Run {
            study: run(1, NODES).study,
            ..run(2, NODES)
        })
        .unwrap();
}

#[test]
fn closing_an_unfinished_run_frees_its_nodes_unless_columns_were_entered() {
    let case = case();
    case.opened(&run(1, NODES));
    assert!(matches!(
        case.refuses(&run(2, &[1, 2, 3])),
        LedgerRefusal::Roster { .. }
    ));
    assert_eq!(case.ledger.close(run(1, NODES).question).unwrap(), 1);
    assert_eq!(case.ledger.close(run(1, NODES).question).unwrap(), 0);
    case.ledger.check(&run(2, &[1, 2, 3])).unwrap();
    case.opened(&run(3, NODES));
    enter(&case.ledger, &run(3, NODES), &numbers(0..50), &[ones()]).unwrap();
    assert_eq!(case.ledger.close(run(3, NODES).question).unwrap(), 1);
    assert!(matches!(
        case.refuses(&run(2, &[1, 2, 3])),
        LedgerRefusal::Roster { .. }
    ));
    assert_eq!(
        case.ledger
            .account(&run(2, NODES).data_user)
            .unwrap()
            .classes(),
        1
    );
}

#[test]
fn a_party_is_the_same_over_names_and_keys() {
    let case = case();
    let named = |job, name: &str, key: u8| Run {
        data_user: DataUser::new(name, &[key; 32]),
        ..run(job, NODES)
    };
    case.opened(&named(1, "Anna", 1));
    enter(
        &case.ledger,
        &named(1, "Anna", 1),
        &numbers(0..50),
        &[ones()],
    )
    .unwrap();
    case.opened(&named(2, "Anna Svensson", 1));
    let third = named(3, "Anna Svensson", 2);
    assert_eq!(case.ledger.account(&third.data_user).unwrap().classes(), 1);
    let elsewhere = Run {
        roster: run(3, &[1, 2, 3]).roster,
        ..third
    };
    assert!(matches!(
        case.refuses(&elsewhere),
        LedgerRefusal::Roster { .. }
    ));
}

#[test]
fn two_runs_at_once_are_not_judged_without_each_other() {
    let case = case();
    let (first, second) = (run(1, NODES), run(2, NODES));
    case.opened(&first);
    case.opened(&second);
    let judged = case.ledger.account(&first.data_user).unwrap();
    case.ledger
        .enter_columns(first.job, &judged, &numbers(0..50), &[ones()], 150)
        .unwrap();
    let meanwhile = case
        .ledger
        .enter_columns(second.job, &judged, &numbers(0..50), &[ones()], 150);
    assert!(matches!(
        meanwhile,
        Err(LedgerError::Refused(LedgerRefusal::Meanwhile))
    ));
    enter(&case.ledger, &second, &numbers(0..50), &[ones()]).unwrap();
}

#[test]
fn people_are_the_same_under_every_dataset_id_and_for_every_data_user() {
    let case = case();
    let bo = DataUser::new("Bo", &[8; 32]);
    case.shown(
        1,
        &run(1, NODES).data_user,
        NODES,
        column("ldl", values(1, 200)),
    );
    let renamed = Run {
        data_user: bo,
        dataset: "copy".parse().unwrap(),
        ..run(2, NODES)
    };
    case.opened(&renamed);
    let other_dataset = |result: Result<(), LedgerError>| match result {
        Err(LedgerError::Refused(LedgerRefusal::OtherDataset { dataset })) => dataset.to_string(),
        other => panic!("{other:?} instead of a refusal"),
    };
    let enter = |people| enter(&case.ledger, &renamed, &numbers(people), &[ones()]);
    assert_eq!(other_dataset(enter(199..300)), "cohort");
    enter(200..300).unwrap();
    case.for_export(1);
    // A ledger of an earlier version has both: neither leaves.
    let lock = case.ledger.store.lock().unwrap();
    let mut book = case.ledger.store.read(&lock).unwrap();
    book.runs[1].people = book.runs[0].people;
    book.runs[1].state = RunState::Released(Digest::of("result", &[2]));
    case.ledger
        .store
        .write(&lock, &Change::of("columns", renamed.job), &book)
        .unwrap();
    drop(lock);
    for (job, other) in [(1, "copy"), (2, "cohort")] {
        let (job, result) = (Digest::of("job", &[job]), Digest::of("result", &[job]));
        assert_eq!(
            other_dataset(case.ledger.for_export(job, result).map(drop)),
            other
        );
    }
}

#[test]
fn an_account_has_what_its_reader_was_shown() {
    let case = case();
    let people = numbers(0..200);
    case.opened(&run(1, NODES));
    let first = [
        ones(),
        column("age", values(1, 200)),
        column("ldl", values(2, 200)),
    ];
    enter(&case.ledger, &run(1, NODES), &people, &first).unwrap();
    case.opened(&run(2, NODES));
    let second = [
        ones(),
        column("age", values(1, 200)),
        column("bmi", values(3, 200)),
    ];
    enter(&case.ledger, &run(2, NODES), &people, &second).unwrap();
    let account = case.ledger.account(&run(3, NODES).data_user).unwrap();
    assert_eq!(
        (account.columns().len(), account.classes()),
        (6, 4),
        "the same columns cost nothing again"
    );
    assert_eq!(account.fill(&"age".parse().unwrap()), Some(5.0));
    assert_eq!(account.fill(&"glucose".parse().unwrap()), None);
    let ids: Vec<ColumnId> = account.columns().iter().map(|column| column.id).collect();
    let rows = account.rows(&ids[..3], &people, &[values(4, 200)]);
    assert_eq!((rows.people(), rows.columns()), (200, 4));
    for person in [0, 7, 199] {
        let row = rows.row(person);
        assert_eq!(row[0], 1.0);
        let stored = [2, 4].map(|number| column::on_grid(values(number, 200)[person]));
        assert_eq!(row[2..], stored);
    }
    let other = DataUser::new("Bo", &[8; 32]);
    assert!(case.ledger.account(&other).unwrap().is_empty());
    assert!(case.ledger.exported().unwrap().is_empty());
    let dataset = |name: &str| name.parse::<DatasetId>().unwrap();
    assert_eq!(account.check_dataset(&dataset("cohort"), &people), Ok(()));
    assert_eq!(
        account.check_dataset(&dataset("copy"), &numbers(300..400)),
        Ok(())
    );
    let renamed = account.check_dataset(&dataset("copy"), &numbers(199..400));
    assert_eq!(
        renamed,
        Err(LedgerRefusal::OtherDataset {
            dataset: dataset("cohort")
        })
    );
}

#[test]
fn variables_stand_beside_their_people() {
    let case = case();
    let ada = DataUser::new("Ada", &[7; 32]);
    case.shown(1, &ada, NODES, column("ldl", values(1, 200)));
    let run = Run {
        data_user: ada.clone(),
        ..run(2, NODES)
    };
    case.opened(&run);
    let residual = NewColumn {
        role: "residual".into(),
        fill: None,
        ..column("bmi", values(3, 150))
    };
    let columns = [ones(), column("bmi", values(2, 150)), residual];
    enter(&case.ledger, &run, &numbers(0..150), &columns).unwrap();
    let account = case.ledger.account(&ada).unwrap();
    let mut ids: Vec<ColumnId> = account.columns().iter().map(|column| column.id).collect();
    assert_eq!(account.variables(&ids), [[0, 1], [2, 3]]);
    ids.remove(2);
    assert_eq!(
        account.variables(&ids),
        [[0, 1], [2, 2]],
        "without their people it stands alone"
    );
    // The column is known by its values, in whichever order.
    let last = &account.columns()[4];
    let (mut people, mut residuals) = (numbers(0..150), values(3, 150));
    people.reverse();
    residuals.reverse();
    assert!(account.is_of(last, &people, &residuals));
    residuals[7] += 1e-6;
    assert!(!account.is_of(last, &people, &residuals));
    assert!(!account.is_of(last, &people[1..], &values(3, 150)[1..]));
    let jobs = |user: &DataUser| {
        case.ledger
            .jobs_of(user, &"cohort".parse().unwrap())
            .unwrap()
    };
    assert_eq!(jobs(&DataUser::new("ada", &[9; 32])).len(), 2);
    assert!(jobs(&DataUser::new("Bo", &[8; 32])).is_empty());
}

/// The people that are chosen after some changes, and what the span rule says of all columns then.
struct After {
    chosen: Chosen,
    leverage: f64,
    share: f64,
}

fn after(case: &Case, people: &[u64], variables: &[(VariableName, Vec<f64>)]) -> After {
    let account = case.ledger.account(&run(9, NODES).data_user).unwrap();
    let limits = Limits::of_cell(10);
    let draft = Draft {
        people,
        variables,
        reader: &account,
        nodes: 3,
        people_min: 20,
        limits,
        threads: 1,
    };
    let chosen = choose(&case.ledger, &account, &draft);
    let numbers: Vec<u64> = chosen.places.iter().map(|place| people[*place]).collect();
    let mut new = vec![vec![1.0; numbers.len()]];
    for (_, values) in variables {
        new.push(
            chosen
                .places
                .iter()
                .map(|place| (values[*place] - 5.0) / 2.0)
                .collect(),
        );
    }
    let ids: Vec<ColumnId> = account.columns().iter().map(|column| column.id).collect();
    let rows = account.rows(&ids, &numbers, &new);
    let found = judge(&rows, limits, 1);
    After {
        chosen,
        leverage: found.leverage,
        share: found.share,
    }
}

fn raw(values: Vec<f64>) -> Vec<f64> {
    values.into_iter().map(|value| 5.0 + 2.0 * value).collect()
}

#[test]
fn people_who_leave_take_others_with_them() {
    let case = case();
    let people = numbers(0..200);
    case.opened(&run(1, NODES));
    let columns = [
        ones(),
        column("age", values(1, 200)),
        column("ldl", values(2, 200)),
    ];
    enter(&case.ledger, &run(1, NODES), &people, &columns).unwrap();
    let variables = |range: Range<usize>| {
        let of = |name: &str, seed| {
            (
                name.parse().unwrap(),
                raw(values(seed, 200)[range.clone()].to_vec()),
            )
        };
        vec![of("age", 1), of("ldl", 2)]
    };
    let same = after(&case, &people, &variables(0..200));
    assert_eq!(same.chosen.left_out, 0);
    let one_left = after(&case, &people[1..], &variables(1..200));
    assert!(
        one_left.chosen.left_out >= 16,
        "{:?}",
        one_left.chosen.left_out
    );
    assert!(
        one_left.leverage <= 0.5 && one_left.share <= 0.95,
        "{} {}",
        one_left.leverage,
        one_left.share
    );
    let again = after(&case, &people[1..], &variables(1..200));
    assert_eq!(
        again.chosen, one_left.chosen,
        "asking again chooses nobody else"
    );
    let many_left = after(&case, &people[80..], &variables(80..200));
    assert_eq!(many_left.chosen.left_out, 0);
}

#[test]
fn a_dataset_that_can_spare_people_keeps_the_outer_door_open() {
    for (size, spared) in [(1600, 266), (700, 116)] {
        let case = case();
        let people = numbers(0..size as u64);
        case.opened(&run(1, NODES));
        let columns = [
            ones(),
            column("age", values(1, size)),
            column("ldl", values(2, size)),
        ];
        enter(&case.ledger, &run(1, NODES), &people, &columns).unwrap();
        let of = |name: &str, seed| (name.parse().unwrap(), raw(values(seed, size)[1..].to_vec()));
        let left = after(&case, &people[1..], &[of("age", 1), of("ldl", 2)]);
        assert!(
            (16..=spared).contains(&left.chosen.left_out),
            "{size}: {}",
            left.chosen.left_out
        );
        assert!(left.leverage <= 0.2, "{size}: {}", left.leverage);
    }
}

#[test]
fn a_corrected_value_is_treated_as_somebody_who_left() {
    let case = case();
    let people = numbers(0..200);
    case.opened(&run(1, NODES));
    enter(
        &case.ledger,
        &run(1, NODES),
        &people,
        &[ones(), column("ldl", values(2, 200))],
    )
    .unwrap();
    let mut corrected = values(2, 200);
    corrected[17] += 0.25;
    let found = after(
        &case,
        &people,
        &[("ldl".parse().unwrap(), raw(corrected.clone()))],
    );
    assert!(!found.chosen.places.contains(&17) && found.chosen.left_out >= 17);
    assert!(
        found.leverage <= 0.5 && found.share <= 0.95,
        "{} {}",
        found.leverage,
        found.share
    );
    let other = after(&case, &people, &[("bmi".parse().unwrap(), raw(corrected))]);
    assert_eq!(
        other.chosen.left_out, 0,
        "another variable; the span rule judges it"
    );
}

#[test]
fn the_ledger_survives_a_restart() {
    let Case { folder, ledger } = case();
    ledger.mark_opened(&run(1, NODES), now()).unwrap();
    enter(
        &ledger,
        &run(1, NODES),
        &numbers(0..30),
        &[ones(), column("x", values(1, 30))],
    )
    .unwrap();
    let (before, digest) = (ledger.runs().unwrap(), ledger.digest().unwrap());
    drop(ledger);
    let ledger = open(folder.path()).unwrap();
    assert_eq!(ledger.runs().unwrap(), before);
    assert_eq!(ledger.digest().unwrap(), digest);
    assert!(ledger.mark_opened(&run(1, NODES), now()).is_err());
    ledger
        .mark_released(run(1, NODES).job, Digest::of("result", &[]))
        .unwrap();
    assert_ne!(ledger.digest().unwrap(), digest);
    let unknown = ledger.mark_released(run(5, NODES).job, Digest::of("result", &[]));
    assert!(matches!(unknown, Err(LedgerError::UnknownRun)));
}

/// Eight processes with the same job: exactly one may open it. The test runs itself again in the
/// child role, which the environment variable gives.
#[test]
fn one_of_several_processes_opens() {
    const CHILD: &str = "LIGATE_LEDGER_TEST_CHILD";
    if let Ok(folder) = std::env::var(CHILD) {
        let opened = open(Path::new(&folder))
            .unwrap()
            .mark_opened(&run(1, NODES), now());
        assert!(
            matches!(opened, Ok(()) | Err(LedgerError::Refused(_))),
            "{opened:?}"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spawn = |_| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::tests::one_of_several_processes_opens"])
            .env(CHILD, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..8).map(spawn).collect();
    assert!(
        children
            .into_iter()
            .all(|mut child| child.wait().unwrap().success())
    );
    assert_eq!(open(folder.path()).unwrap().runs().unwrap().len(), 1);
}

#[test]
fn files_are_private_and_hold_no_id() {
    let case = case();
    let person = IndividualId::new("P399").unwrap();
    let number = case.ledger.number(&person);
    case.opened(&run(1, NODES));
    enter(
        &case.ledger,
        &run(1, NODES),
        &[number],
        &[ones(), column("x", vec![0.5])],
    )
    .unwrap();
    let mut files = 0;
    for folder in ["", "people", "columns"] {
        for entry in fs::read_dir(case.folder.path().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            if entry.file_type().unwrap().is_dir() {
                assert_eq!(mode, 0o700);
                continue;
            }
            files += 1;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
            let bytes = fs::read(entry.path()).unwrap();
            assert!(
                !bytes.windows(4).any(|window| window == b"P399"),
                "{:?}",
                entry.file_name()
            );
        }
    }
    assert_eq!(files, 6, "the witness's among them");
}

#[test]
fn a_damaged_ledger_allows_nothing() {
    let damage = |change: &dyn Fn(&Path)| {
        let case = case();
        case.opened(&run(1, NODES));
        let entered = [ones(), column("x", values(1, 30))];
        enter(&case.ledger, &run(1, NODES), &numbers(0..30), &entered).unwrap();
        change(case.folder.path());
        open(case.folder.path()).and_then(|ledger| {
            ledger.check(&run(2, NODES))?;
            ledger.account(&run(2, NODES).data_user)
        })
    };
    let only = |folder: &Path, inside: &str| {
        fs::read_dir(folder.join(inside))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
    };
    assert!(damage(&|_| ()).is_ok());
    let changes: [&dyn Fn(&Path); 8] = [
        &|folder| fs::remove_file(folder.join("runs.json")).unwrap(),
        &|folder| fs::write(folder.join("runs.json"), "").unwrap(),
        &|folder| fs::remove_file(folder.join("key")).unwrap(),
        &|folder| fs::write(folder.join("key"), "short").unwrap(),
        &|folder| fs::remove_file(only(folder, "people")).unwrap(),
        &|folder| fs::write(only(folder, "people"), [0; 16]).unwrap(),
        &|folder| fs::remove_file(only(folder, "columns")).unwrap(),
        &|folder| fs::write(only(folder, "columns"), [0; 120]).unwrap(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let refused = damage(change);
        assert!(
            matches!(
                refused,
                Err(LedgerError::Damaged(_) | LedgerError::PutBack(_))
            ),
            "change {number}"
        );
    }
    let of_form = |version: u32| {
        damage(&|folder| {
            let text = format!(r#"{{"version":{version},"runs":[],"more":[]}}"#);
            fs::write(folder.join("runs.json"), &text).unwrap();
            Notes::of(folder).set(Digest::of("ligate ledger", text.as_bytes()));
        })
    };
    assert!(matches!(
        of_form(7),
        Err(LedgerError::LaterForm { version: 7, .. })
    ));
    assert!(matches!(
        of_form(5),
        Err(LedgerError::EarlierForm { version: 5, .. })
    ));
    let readable = damage(&|folder| {
        fs::set_permissions(folder.join("key"), fs::Permissions::from_mode(0o640)).unwrap();
    });
    assert!(readable.unwrap_err().to_string().contains("chmod 600"));
}

/// The attack of the first version: the ledger's folder put back from a copy.
#[test]
fn a_ledger_that_was_put_back_answers_nothing_until_it_is_recovered() {
    let case = case();
    case.opened(&run(1, NODES));
    let copy = fs::read(case.folder.path().join("runs.json")).unwrap();
    enter(&case.ledger, &run(1, NODES), &numbers(0..30), &[ones()]).unwrap();
    fs::write(case.folder.path().join("runs.json"), copy).unwrap();
    let user = run(1, NODES).data_user;
    assert!(matches!(
        case.ledger.account(&user),
        Err(LedgerError::PutBack(_))
    ));
    assert!(matches!(
        case.ledger.mark_opened(&run(2, NODES), now()),
        Err(LedgerError::PutBack(_))
    ));
    assert!(matches!(
        open(case.folder.path()).unwrap().runs(),
        Err(LedgerError::PutBack(_))
    ));
    assert_eq!(case.ledger.runs_as_they_lie().unwrap().len(), 1);
    let account = ClosedAccount {
        data_user: Some(user),
        job: Some(run(1, NODES).job),
        since: now(),
    };
    case.ledger
        .recover(&[account], &Codings::new(), false)
        .unwrap();
    let recovered = |result| {
        matches!(
            result,
            Err(LedgerError::Refused(LedgerRefusal::Recovered { .. }))
        )
    };
    assert!(recovered(case.ledger.check(&run(2, NODES))));
    let other = Run {
        data_user: DataUser::new("Grace", &[8; 32]),
        ..run(2, NODES)
    };
    case.ledger.check(&other).unwrap();
    // What is exported counts for everybody, also for the one of whom it is not known what he was
    // shown.
    case.ledger.mark_opened(&other, now()).unwrap();
    assert!(recovered(
        case.ledger.for_export(other.job, other.job).map(drop)
    ));
    // Everybody's account, and the word that nothing was shown.
    let everybody = ClosedAccount {
        data_user: None,
        job: None,
        since: now(),
    };
    case.ledger
        .recover(&[everybody], &Codings::new(), false)
        .unwrap();
    let third = Run {
        job: Digest::of("job", &[3]),
        ..other
    };
    assert!(recovered(case.ledger.check(&third)));
    case.ledger.recover(&[], &Codings::new(), true).unwrap();
    case.ledger.check(&third).unwrap();
    assert!(
        recovered(case.ledger.check(&run(4, NODES))),
        "an account with unknown columns stays closed"
    );
}

fn left(content: u8, variants: u64) -> Exported {
    let strength = Exact(variants as f64 / 2.0);
    let content = Digest::of("content", &[content]);
    Exported {
        content,
        variants,
        strength,
        keys: Vec::new(),
        when: now(),
    }
}

impl Case {
    /// A study of everybody by a data user, shown to its end.
    fn shown(&self, job: u8, user: &DataUser, roster: &[u8], column: NewColumn) -> Run {
        let run = Run {
            data_user: user.clone(),
            ..run(job, roster)
        };
        self.opened(&run);
        enter(&self.ledger, &run, &numbers(0..200), &[ones(), column]).unwrap();
        self.ledger
            .mark_released(run.job, Digest::of("result", &[job]))
            .unwrap();
        run
    }

    fn for_export(&self, job: u8) -> ForExport {
        self.ledger
            .for_export(Digest::of("job", &[job]), Digest::of("result", &[job]))
            .unwrap()
    }

    fn export(&self, job: u8, exported: Exported) {
        self.ledger
            .mark_exported(Digest::of("job", &[job]), &self.for_export(job), exported)
            .unwrap();
    }
}

#[test]
fn an_export_is_judged_with_every_account_that_it_adds_to() {
    let case = case();
    let [ada, bo, cleo] =
        [("Ada", 7), ("Bo", 8), ("Cleo", 9)].map(|(name, key)| DataUser::new(name, &[key; 32]));
    let first = case.shown(1, &ada, NODES, column("ldl", values(1, 200)));
    let second = case.shown(2, &bo, NODES, column("age", values(2, 200)));
    case.shown(3, &cleo, NODES, column("bmi", values(3, 200)));
    let books = case.for_export(1);
    let [exported, of_bo, of_cleo] = &books.accounts[..] else {
        panic!("{}", books.accounts.len())
    };
    let jobs = |account: &ExportAccount| -> std::collections::BTreeSet<Digest> {
        account.columns.iter().map(|id| id.job).collect()
    };
    assert_eq!(jobs(exported), [first.job].into());
    assert_eq!(jobs(of_bo), [first.job, second.job].into());
    // 1 for everybody is in all of them, so Cleo's account is covered by her trait and the
    // export's.
    let shown = |job: u8, place| ColumnId {
        job: Digest::of("job", &[job]),
        place,
    };
    assert_eq!(books.covered(&[shown(2, 0), shown(1, 1)]), [0]);
    assert_eq!(
        books.covered(&[shown(1, 0), shown(1, 1), shown(3, 1)]),
        [0, 2]
    );
    assert_eq!(books.covered(&of_cleo.columns), [0, 2]);
    assert_eq!(books.covered(&[shown(1, 0)]), [] as [usize; 0]);
    let second_books = case.for_export(2);
    case.ledger
        .mark_exported(first.job, &books, left(1, 10))
        .unwrap();
    // The second was judged without the first; judged again it is with it.
    let meanwhile = |result| matches!(result, Err(LedgerError::Refused(LedgerRefusal::Meanwhile)));
    assert!(meanwhile(case.ledger.mark_exported(
        second.job,
        &second_books,
        left(2, 10)
    )));
    // From now on it is in everybody's account.
    assert_eq!(case.ledger.account(&cleo).unwrap().classes(), 3);
    let books = case.for_export(2);
    assert_eq!(jobs(&books.accounts[0]), [first.job, second.job].into());
    // Something that was shown meanwhile was not judged.
    case.shown(4, &ada, NODES, column("crp", values(4, 200)));
    assert!(meanwhile(case.ledger.mark_exported(
        second.job,
        &books,
        left(2, 10)
    )));
}

#[test]
fn variants_of_a_trait_add_up_over_all_exports() {
    let case = case();
    let ada = DataUser::new("Ada", &[7; 32]);
    case.shown(1, &ada, NODES, column("ldl", values(1, 200)));
    case.shown(2, &ada, NODES, column("ldl", values(1, 200)));
    case.shown(3, &ada, NODES, column("bmi", values(3, 200)));
    case.export(1, left(1, 10));
    case.export(1, left(1, 10));
    // Of 400 people each.
    let with = |job: u8, content: u8| {
        let of_all = case.for_export(job).left_with(&left(content, 5));
        (
            (of_all.variants * 400.0).round() as u64,
            (of_all.strength * 400.0 * 2.0).round() as u64,
        )
    };
    assert_eq!(
        [with(1, 1), with(1, 2), with(2, 3), with(3, 4)],
        [(5, 5), (15, 15), (15, 15), (5, 5)]
    );
    case.export(1, left(2, 4));
    assert_eq!(
        [with(1, 1), with(1, 2), with(2, 3)],
        [(9, 9), (15, 15), (19, 19)]
    );
    // Content that left cannot leave as something else.
    let other = Exported {
        variants: 11,
        ..left(1, 10)
    };
    assert!(
        case.ledger
            .mark_exported(Digest::of("job", &[1]), &case.for_export(1), other)
            .is_err()
    );
}

#[test]
fn regions_of_a_trait_are_closed_by_all_exports_of_it() {
    let key = |position: u32| VariantKey {
        contig: Contig::new("1"),
        position: Position::new(position),
        reference: Allele::new("A").unwrap(),
        alternate: Allele::new("G").unwrap(),
    };
    let case = case();
    let [ada, bo] = [("Ada", 7), ("Bo", 8)].map(|(name, key)| DataUser::new(name, &[key; 32]));
    case.shown(1, &ada, NODES, column("ldl", values(1, 200)));
    case.shown(
        2,
        &bo,
        NODES,
        column(
            "ldl_mg",
            values(1, 200).iter().map(|value| 38.67 * value).collect(),
        ),
    );
    case.shown(3, &bo, NODES, column("bmi", values(3, 200)));
    case.export(
        1,
        Exported {
            keys: vec![key(1_000_000)],
            ..left(1, 1)
        },
    );
    let closed =
        |job: u8, position: u32| case.for_export(job).regions.are_closed_for(&key(position));
    for job in [1, 2] {
        assert_eq!(
            [1_000_000, 1_000_001, 2_000_000].map(|place| closed(job, place)),
            [false, true, false]
        );
    }
    assert!(!closed(3, 1_000_001), "another trait has its own regions");
    case.export(
        2,
        Exported {
            keys: vec![key(2_000_000)],
            ..left(2, 1)
        },
    );
    assert!(closed(1, 2_000_001) && closed(1, 1_000_001) && !closed(3, 2_000_001));
    // They are read back from disk.
    let reopened = open(case.folder.path()).unwrap();
    let again = reopened
        .for_export(Digest::of("job", &[1]), Digest::of("result", &[1]))
        .unwrap();
    assert_eq!(
        again.regions.keys().collect::<Vec<_>>(),
        [&key(1_000_000), &key(2_000_000)]
    );
    // The same content with other variants is not the same.
    let other = Exported {
        keys: vec![key(5)],
        ..left(1, 1)
    };
    assert!(
        case.ledger
            .mark_exported(Digest::of("job", &[1]), &case.for_export(1), other)
            .is_err()
    );
    case.export(
        1,
        Exported {
            keys: vec![key(1_000_000)],
            ..left(1, 1)
        },
    );
}

#[test]
fn a_trait_under_another_name_or_in_another_unit_is_the_same_trait() {
    let case = case();
    let ada = DataUser::new("Ada", &[7; 32]);
    let ldl = values(1, 200);
    let sex: Vec<f64> = (0..200).map(|person| f64::from(person % 2)).collect();
    let mixed = |share: f64, other: &[f64]| -> Vec<f64> {
        ldl.iter()
            .zip(other)
            .map(|(own, other)| share * own + other)
            .collect()
    };
    let with_sex = |job: u8, name: &str, values: Vec<f64>| {
        let run = Run {
            data_user: ada.clone(),
            ..run(job, NODES)
        };
        case.opened(&run);
        let covariate = NewColumn {
            role: "covariate".to_owned(),
            ..column("sex", sex.clone())
        };
        let columns = [ones(), covariate, column(name, values)];
        enter(&case.ledger, &run, &numbers(0..200), &columns).unwrap();
        case.ledger
            .mark_released(run.job, Digest::of("result", &[job]))
            .unwrap();
    };
    case.shown(1, &ada, NODES, column("ldl", ldl.clone()));
    case.export(1, left(1, 10));
    let shares = |job: u8| case.for_export(job).left_before.variants > 0.0;
    let other = values(2, 200);
    case.shown(2, &ada, NODES, column("ldl_mg", mixed(-38.67, &[5.0; 200])));
    case.shown(3, &ada, NODES, column("nearly", mixed(1.2, &other)));
    case.shown(4, &ada, NODES, column("hardly", mixed(0.7, &other)));
    case.shown(5, &ada, NODES, column("other", other.clone()));
    // Twenty times sex hides ldl until sex is adjusted for.
    let twenty: Vec<f64> = sex.iter().map(|sex| 20.0 * sex).collect();
    case.shown(6, &ada, NODES, column("hidden", mixed(1.0, &twenty)));
    with_sex(7, "hidden_again", mixed(1.0, &twenty));
    // A trait that its covariate says all of has nothing in common with another one.
    with_sex(8, "sex_again", twenty);
    let found: Vec<bool> = (2..=8).map(shares).collect();
    assert_eq!(found, [true, true, false, false, false, true, false]);
}

#[test]
fn little_is_one_variant_and_a_chi_square_of_one_for_nine_people() {
    let of =
        |variants, strength, people| Left::default().and(variants, strength, people).is_little();
    assert!(
        of(1000, 1000.0, 9000) && !of(1001, 1.0, 9000) && !of(1, 1000.1, 9000) && !of(1, 1.0, 0)
    );
    // Shares of studies of different size add up.
    let half = Left::default().and(500, 500.0, 9000);
    assert!(half.and(50, 50.0, 900).is_little() && !half.and(51, 50.0, 900).is_little());
}

#[test]
fn only_the_released_result_can_leave() {
    let case = case();
    case.opened(&run(1, NODES));
    let refused = |job: u8, result: u8| {
        let digest = Digest::of("result", &[result]);
        match case.ledger.for_export(Digest::of("job", &[job]), digest) {
            Err(LedgerError::Refused(refusal)) => Some(refusal),
            Err(LedgerError::UnknownRun) | Ok(_) => None,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(
        (refused(1, 1), refused(2, 2)),
        (Some(LedgerRefusal::NotReleased), None)
    );
    case.shown(
        3,
        &run(3, NODES).data_user,
        NODES,
        column("ldl", values(1, 200)),
    );
    assert_eq!(
        (refused(3, 3), refused(3, 4)),
        (None, Some(LedgerRefusal::OtherResult))
    );
}

#[test]
fn rosters_are_not_taken_apart_by_anybody_who_reads_exports() {
    let case = case();
    let [ada, bo, cleo, dan] = [("Ada", 7), ("Bo", 8), ("Cleo", 9), ("Dan", 10)]
        .map(|(name, key)| DataUser::new(name, &[key; 32]));
    case.shown(1, &ada, &[1, 2, 3], column("ldl", values(1, 200)));
    case.shown(2, &bo, &[1, 4, 5], column("bmi", values(2, 200)));
    case.shown(3, &cleo, &[2, 3, 4, 5], column("age", values(3, 200)));
    case.export(3, left(3, 1));
    // Bo, who was shown ADE and can read BCDE, would read ABC, too.
    let first = case
        .ledger
        .for_export(Digest::of("job", &[1]), Digest::of("result", &[1]));
    assert!(matches!(
        first,
        Err(LedgerError::Refused(LedgerRefusal::NodeIsolated))
    ));
    // And once two have left, nobody is shown the third.
    let case = self::case();
    case.shown(1, &ada, &[1, 2, 3], column("ldl", values(1, 200)));
    case.shown(2, &bo, &[1, 4, 5], column("bmi", values(2, 200)));
    case.export(1, left(1, 1));
    case.export(2, left(2, 1));
    let third = Run {
        data_user: dan,
        ..run(4, &[2, 3, 4, 5])
    };
    assert_eq!(case.refuses(&third), LedgerRefusal::NodeIsolated);
    case.ledger
        .check(&Run {
            roster: run(3, &[1, 2, 3]).roster,
            ..third
        })
        .unwrap();
}

#[test]
fn who_left_is_remembered_when_he_comes_back() {
    let case = case();
    let ada = DataUser::new("Ada", &[7; 32]);
    case.shown(1, &ada, NODES, column("ldl", values(1, 200)));
    let (cohort, other) = ("cohort".parse().unwrap(), "other".parse().unwrap());
    let everybody = numbers(0..250);
    assert_eq!(case.ledger.note_departed(&cohort, &everybody).unwrap(), 0);
    assert_eq!(
        case.ledger.note_departed(&other, &[]).unwrap(),
        0,
        "nothing of that dataset was shown"
    );
    assert_eq!(
        case.ledger
            .note_departed(&cohort, &numbers(3..250))
            .unwrap(),
        3
    );
    assert_eq!(case.ledger.note_departed(&cohort, &everybody).unwrap(), 0);
    assert_eq!(
        case.ledger.departed().unwrap(),
        numbers(0..3).into_iter().collect()
    );
    assert_eq!(
        open(case.folder.path()).unwrap().departed().unwrap().len(),
        3
    );
}

/// Each plan has the nodes see the sums of an account once more, softened anew.
#[test]
fn plans_that_are_never_run_come_to_an_end() {
    let case = case();
    let job = |number: u8| Run {
        question: Digest::of("question", &[number % 2]),
        ..run(number, NODES)
    };
    let most = u8::try_from(PLANS_MAX).unwrap();
    for number in 0..most {
        case.ledger.mark_opened(&job(number), now()).unwrap();
    }
    let refused = |result| matches!(result, Err(LedgerError::Refused(LedgerRefusal::Plans)));
    assert!(refused(case.ledger.mark_opened(&job(most), now())));
    let other = Run {
        data_user: DataUser::new("Grace", &[8; 32]),
        ..job(most)
    };
    case.ledger.check(&other).unwrap();
    // Plans of what was run do not count: the run itself had the same sums.
    enter(&case.ledger, &job(0), &numbers(0..30), &[ones()]).unwrap();
    for number in most..most + most / 2 {
        case.ledger
            .mark_opened(
                &Run {
                    question: Digest::of("question", &[1]),
                    ..job(number)
                },
                now(),
            )
            .unwrap();
    }
    assert!(refused(case.ledger.check(&job(most + most / 2))));
    assert_eq!(
        case.ledger.close(Digest::of("question", &[1])).unwrap(),
        PLANS_MAX
    );
    case.ledger.check(&job(most + most / 2)).unwrap();
}
