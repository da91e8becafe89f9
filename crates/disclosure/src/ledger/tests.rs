use std::{fs, ops::Range, os::unix::fs::PermissionsExt};

use ligate_model::IndividualId;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;

const CELL: u64 = 10;
const USER: [u8; 32] = [7; 32];

struct Case {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

fn open(folder: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(folder, &"t2d".parse().unwrap(), &USER, &mut ChaCha20Rng::seed_from_u64(1))
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).unwrap();
    Case { folder, ledger }
}

fn people(range: Range<u32>) -> Vec<IndividualId> {
    range.map(|number| IndividualId::new(format!("P{number}")).unwrap()).collect()
}

fn now() -> Timestamp {
    "2031-01-01T00:00:00Z".parse().unwrap()
}

fn digest(what: &str, number: u8) -> Digest {
    Digest::of(what, &[number])
}

/// A question under a permit to the nodes of a roster.
fn run(permit: u8, question: u8, roster: &[u8]) -> Run {
    Run {
        permit: digest("permit", permit),
        job: digest("job", question),
        question: Digest::of("question", &[permit, question]),
        roster: roster.iter().map(|node| [*node; 32]).collect(),
        snapshot: digest("snapshot", 0),
    }
}

const NODES: &[u8] = &[1, 2, 3, 4];

impl Case {
    fn begin(&self, run: Run, range: Range<u32>) -> Result<Begun, LedgerError> {
        self.ledger.check_and_begin(run, &people(range), CELL)
    }

    fn open(&self, run: Run, range: Range<u32>) -> Begun {
        let begun = self.begin(run, range).unwrap();
        self.ledger.mark_opened(&begun, now()).unwrap();
        begun
    }

    fn release(&self, run: Run, range: Range<u32>) -> Begun {
        let begun = self.open(run, range);
        self.ledger.mark_released(&begun, digest("result", 0)).unwrap();
        begun
    }

    #[track_caller]
    fn allows(&self, run: Run, range: Range<u32>) {
        assert!(self.begin(run, range).is_ok());
    }

    #[track_caller]
    fn refuses(&self, run: Run, range: Range<u32>) -> LedgerRefusal {
        match self.begin(run, range) {
            Err(LedgerError::Refused(refusal)) => refusal,
            other => panic!("{other:?} instead of a refusal"),
        }
    }
}

#[test]
fn few_people_more_or_fewer_are_refused() {
    let case = case();
    case.release(run(1, 1, NODES), 0..400);
    let refusal = LedgerRefusal::People { job: digest("job", 1), opened: now(), cell: CELL };
    for range in [1..400, 9..400, 0..401, 0..409, 4..405, 5..404] {
        assert_eq!(case.refuses(run(1, 2, NODES), range.clone()), refusal, "{range:?}");
        assert_eq!(case.refuses(run(2, 1, NODES), range), refusal, "another permit");
    }
    for range in [0..400, 10..400, 0..410, 5..405, 0..0, 400..800] {
        case.allows(run(1, 2, NODES), range);
    }
    let message = refusal.to_string();
    assert!(message.contains("--people all-variables"), "{message}");
    assert!(message.contains("Switching to it later is itself a difference"), "{message}");
}

#[test]
fn every_earlier_run_counts() {
    let case = case();
    for (question, range) in [(1, 0..400), (2, 0..300), (3, 0..200)] {
        case.release(run(1, question, NODES), range);
    }
    for range in [0..399, 0..301, 0..209] {
        assert!(matches!(case.refuses(run(1, 4, NODES), range), LedgerRefusal::People { .. }));
    }
    case.allows(run(1, 4, NODES), 0..250);
}

#[test]
fn a_run_that_opened_nothing_leaves_no_trace() {
    let case = case();
    case.begin(run(1, 1, NODES), 0..400).unwrap();
    case.allows(run(1, 1, &[1, 2, 3]), 0..399);
    assert!(case.ledger.runs().unwrap().is_empty());
}

#[test]
fn a_run_that_opened_sums_counts_before_it_releases() {
    let case = case();
    case.open(run(1, 1, NODES), 0..400);
    assert!(matches!(case.refuses(run(1, 2, NODES), 0..399), LedgerRefusal::People { .. }));
    assert!(matches!(case.refuses(run(1, 2, &[1, 2, 3]), 0..400), LedgerRefusal::Roster { .. }));
}

#[test]
fn rosters_one_or_two_nodes_apart_are_refused() {
    let case = case();
    case.release(run(1, 1, NODES), 0..400);
    let refusal = LedgerRefusal::Roster { job: digest("job", 1), opened: now() };
    for roster in [&[1, 2, 3][..], &[1, 2], &[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 5]] {
        assert_eq!(case.refuses(run(1, 2, roster), 0..400), refusal, "{roster:?}");
        assert_eq!(case.refuses(run(2, 1, roster), 0..400), refusal, "{roster:?}");
    }
    // The order of a roster is nothing.
    for roster in [&[4, 3, 2, 1][..], &[1, 2, 3, 4, 5, 6, 7], &[1, 2, 5, 6]] {
        case.allows(run(1, 2, roster), 0..400);
    }
}

#[test]
fn an_unfinished_job_is_repeated_with_the_same_nodes_and_snapshot_only() {
    let case = case();
    case.open(run(1, 1, NODES), 0..400);
    let refusal = LedgerRefusal::Unfinished { opened: now() };
    // Also with nodes so different that the roster rule alone would let it pass.
    for roster in [&[1, 2, 3][..], &[1, 5, 6, 7]] {
        assert_eq!(case.refuses(run(1, 1, roster), 0..400), refusal);
    }
    let newer = Run { snapshot: digest("snapshot", 1), ..run(1, 1, NODES) };
    assert_eq!(case.refuses(newer, 0..400), refusal);
    let later_signature = Run { job: digest("job", 9), ..run(1, 1, NODES) };
    let again = case.begin(later_signature, 0..400).unwrap();
    case.ledger.mark_opened(&again, now()).unwrap();
    assert_eq!(case.ledger.runs().unwrap().len(), 1);
}

#[test]
fn nodes_may_be_lost_before_the_first_opening_only() {
    let case = case();
    case.begin(run(1, 1, NODES), 0..400).unwrap();
    let survivors = case.release(run(1, 1, &[3, 1, 2]), 0..400);
    assert_eq!(case.ledger.runs().unwrap()[0].roster.len(), 3);
    case.ledger.mark_opened(&survivors, now()).unwrap();
    assert!(matches!(case.refuses(run(1, 1, NODES), 0..400), LedgerRefusal::Roster { .. }));
    assert!(matches!(case.refuses(run(1, 1, &[1, 2]), 0..400), LedgerRefusal::Roster { .. }));
}

#[test]
fn only_the_steward_lets_other_nodes_repeat_an_unfinished_job() {
    let case = case();
    case.open(run(1, 1, NODES), 0..400);
    assert!(matches!(case.refuses(run(2, 1, &[1, 2, 3]), 0..400), LedgerRefusal::Roster { .. }));
    case.allows(run(2, 1, NODES), 0..400);
    assert_eq!(case.ledger.close(run(1, 1, NODES).question).unwrap(), 1);
    assert_eq!(case.ledger.close(run(1, 1, NODES).question).unwrap(), 0);
    case.allows(run(1, 1, &[1, 2, 3]), 0..400);
    // Its people were in opened sums all the same.
    assert!(matches!(case.refuses(run(1, 1, &[1, 2, 3]), 0..399), LedgerRefusal::People { .. }));
    // Repeated after all, it is unfinished again.
    case.open(run(1, 1, NODES), 0..400);
    assert!(matches!(case.refuses(run(1, 1, &[1, 2, 3]), 0..400), LedgerRefusal::Unfinished { .. }));
}

#[test]
fn a_released_job_is_known_again() {
    let case = case();
    assert_eq!(case.release(run(1, 1, NODES), 0..400).release(), None);
    let again = case.begin(run(1, 1, NODES), 0..400).unwrap();
    assert_eq!(again.release(), Some(digest("result", 0)));
    case.ledger.mark_opened(&again, now()).unwrap();
    let runs = case.ledger.runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state, RunState::Released(digest("result", 0)));
    // With a newer snapshot of clearly other people it is a new run.
    let newer = Run { snapshot: digest("snapshot", 1), ..run(1, 1, NODES) };
    assert_eq!(case.begin(newer, 0..500).unwrap().release(), None);
}

#[test]
fn a_release_without_an_opening_is_an_error() {
    let case = case();
    let begun = case.begin(run(1, 1, NODES), 0..400).unwrap();
    let released = case.ledger.mark_released(&begun, digest("result", 0));
    assert!(matches!(released, Err(LedgerError::UnknownRun)));
}

#[test]
fn the_ledger_survives_a_restart() {
    let case = case();
    case.open(run(1, 1, NODES), 0..400);
    case.release(run(1, 2, NODES), 0..300);
    let Case { folder, ledger } = case;
    let before = ledger.runs().unwrap();
    drop(ledger);
    let case = Case { ledger: open(folder.path()).unwrap(), folder };
    assert_eq!(case.ledger.runs().unwrap(), before);
    assert!(matches!(case.refuses(run(1, 3, NODES), 0..399), LedgerRefusal::People { .. }));
    assert!(matches!(case.refuses(run(1, 1, &[1, 2, 3]), 0..400), LedgerRefusal::Unfinished { .. }));
    case.allows(run(1, 3, NODES), 0..400);
}

#[test]
fn other_datasets_and_data_users_have_their_own_ledger() {
    let case = case();
    case.release(run(1, 1, NODES), 0..400);
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    for (dataset, user) in [("other", USER), ("t2d", [8; 32])] {
        let other = Ledger::open(case.folder.path(), &dataset.parse().unwrap(), &user, rng).unwrap();
        assert!(other.check_and_begin(run(1, 2, NODES), &people(0..399), CELL).is_ok());
    }
}

#[test]
fn two_runs_that_begin_together_do_not_both_open() {
    let case = case();
    let (first, second) = (case.begin(run(1, 1, NODES), 0..400), case.begin(run(1, 2, NODES), 0..399));
    case.ledger.mark_opened(&first.unwrap(), now()).unwrap();
    let refused = case.ledger.mark_opened(&second.unwrap(), now());
    assert!(matches!(refused, Err(LedgerError::Refused(LedgerRefusal::People { .. }))));
    assert_eq!(case.ledger.runs().unwrap().len(), 1);
}

/// Eight processes, each with people that differ by one from the others': exactly one may open. The test runs
/// itself again in the child role, which the environment variable gives.
#[test]
fn one_of_several_processes_opens() {
    const CHILD: &str = "LIGATE_LEDGER_TEST_CHILD";
    if let Ok(child) = std::env::var(CHILD) {
        let (number, folder) = child.split_once(' ').unwrap();
        let number: u32 = number.parse().unwrap();
        let ledger = open(Path::new(folder)).unwrap();
        let begun = ledger.check_and_begin(run(1, number as u8, NODES), &people(number..400), CELL);
        let opened = begun.and_then(|begun| ledger.mark_opened(&begun, now()));
        assert!(matches!(opened, Ok(()) | Err(LedgerError::Refused(_))), "{opened:?}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spawn = |number: u32| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::tests::one_of_several_processes_opens"])
            .env(CHILD, format!("{number} {}", folder.path().display()))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..8).map(spawn).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    assert_eq!(open(folder.path()).unwrap().runs().unwrap().len(), 1);
}

#[test]
fn files_are_private_and_hold_no_id() {
    let case = case();
    case.open(run(1, 1, NODES), 0..400);
    let folder = case.folder.path().join("t2d").join(hex::encode(USER));
    let mut files = 0;
    for entry in ["", "people"].iter().flat_map(|sub| fs::read_dir(folder.join(sub)).unwrap()) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        if entry.file_type().unwrap().is_dir() {
            assert_eq!(mode, 0o700);
            continue;
        }
        files += 1;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        let bytes = fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"P399"), "{:?}", entry.file_name());
    }
    assert_eq!(files, 4);
}

#[test]
fn a_damaged_ledger_allows_nothing() {
    let damage = |change: &dyn Fn(&Path)| {
        let case = case();
        case.open(run(1, 1, NODES), 0..400);
        change(&case.folder.path().join("t2d").join(hex::encode(USER)));
        open(case.folder.path())
            .and_then(|ledger| ledger.check_and_begin(run(1, 2, NODES), &people(0..300), CELL))
    };
    let set = |folder: &Path| fs::read_dir(folder.join("people")).unwrap().next().unwrap().unwrap().path();
    assert!(damage(&|_| ()).is_ok());
    let changes: [&dyn Fn(&Path); 7] = [
        &|folder| fs::remove_file(folder.join("runs.json")).unwrap(),
        &|folder| fs::write(folder.join("runs.json"), "").unwrap(),
        &|folder| fs::write(folder.join("runs.json"), r#"{"version":2,"runs":[]}"#).unwrap(),
        &|folder| fs::remove_file(folder.join("key")).unwrap(),
        &|folder| fs::write(folder.join("key"), "short").unwrap(),
        &|folder| fs::remove_file(set(folder)).unwrap(),
        &|folder| fs::write(set(folder), [0; 16]).unwrap(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert!(matches!(damage(change), Err(LedgerError::Damaged(_))), "change {number}");
    }
    let readable = damage(&|folder| {
        fs::set_permissions(folder.join("key"), fs::Permissions::from_mode(0o640)).unwrap();
    });
    assert!(readable.unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_ledger_whose_making_was_cut_short_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("t2d").join(hex::encode(USER));
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("runs.json"), r#"{"version":1,"runs":[]}"#).unwrap();
    assert!(open(folder.path()).unwrap().runs().unwrap().is_empty());
}
