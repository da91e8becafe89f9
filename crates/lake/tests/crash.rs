//! Loads that are killed or that run out of space: what was stored before is as it was. The loads
//! run in child processes: this test program, started again with the test's own name.

mod panel;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use ligate_lake::{Lake, LakeError, LoadRequest};
use panel::{Panel, Random, dataset, load, request};
use rustix::process::{Pid, Signal, kill_process};

/// In a child: the folder of the fixture.
const FOLDER: &str = "LIGATE_TEST_FOLDER";
/// In a child: the call of the progress function at which the process kills itself.
const KILL_AT: &str = "LIGATE_TEST_KILL_AT";

fn lake(folder: &Path) -> Lake {
    Lake::open(&folder.join("datasets")).unwrap()
}

/// The second version of the dataset: unsorted, in a small window, so that runs are written and
/// merged.
fn second(folder: &Path) -> LoadRequest {
    let files: Vec<PathBuf> = ["b.vcf", "c.vcf"]
        .iter()
        .map(|name| folder.join(name))
        .collect();
    LoadRequest {
        memory_bytes: 40_000,
        ..request(&files)
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    first: Version,
    second: Version,
}

/// A version is told by its numbers of people and variants. Its id also says what was loaded before
/// it.
type Version = (usize, u64);

/// The first version loaded, the files of the second written, and the second known from another
/// lake.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // Of people who are in the second version too, so that their calls are compared.
    let first = Panel::random(1, "b", 50, &["1", "2"], 100).write(&path.join("a.vcf"));
    for (seed, name) in [(2, "b"), (3, "c")] {
        let mut panel = Panel::random(seed, name, 60, &["1", "2", "X"], 200);
        Random::new(seed).shuffle(&mut panel.sites);
        panel.write(&path.join(format!("{name}.vcf")));
    }
    let first = load(&lake(path), &request(&[first])).unwrap();
    let other = Lake::open(&path.join("elsewhere")).unwrap();
    let second = load(&other, &second(path)).unwrap();
    let [first, second] = [first, second].map(|report| (report.individuals, report.variants));
    Fixture {
        folder,
        first,
        second,
    }
}

/// This test program, running the test `name` alone.
fn child(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Checks that one of the two versions is in force and whole, its history included; returns which.
fn check_whole(fixture: &Fixture) -> Version {
    let snapshot = lake(fixture.folder.path()).snapshot(&dataset()).unwrap();
    snapshot.verify().unwrap();
    let version = (snapshot.individuals().len(), snapshot.variants());
    assert!(
        [fixture.first, fixture.second].contains(&version),
        "neither the old nor the new"
    );
    let lineage = snapshot.lineage();
    assert_eq!(lineage.last(), Some(&snapshot.id()));
    assert!(
        lineage
            .iter()
            .all(|earlier| snapshot.changed_since(*earlier, 10).unwrap().is_some())
    );
    version
}

/// Loads the first version again and checks that nothing of a killed load is left.
fn recover(fixture: &Fixture) {
    let path = fixture.folder.path();
    load(&lake(path), &request(&[path.join("a.vcf")])).unwrap();
    assert_eq!(check_whole(fixture), fixture.first);
    let names = std::fs::read_dir(path.join("datasets/cohort")).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [".lock", "manifest.json", "snapshots"]);
}

fn load_and_die(folder: &Path) {
    let kill_at: u64 = env::var(KILL_AT).map_or(u64::MAX, |text| text.parse().unwrap());
    let calls = AtomicU64::new(0);
    let progress = |_| {
        if calls.fetch_add(1, Ordering::Relaxed) == kill_at {
            let this = Pid::from_raw(std::process::id() as i32).unwrap();
            kill_process(this, Signal::KILL).unwrap();
        }
    };
    lake(folder)
        .load(&second(folder), &AtomicBool::new(false), &progress)
        .unwrap();
}

/// Kills a load at every step that it reports, those between the last renames included.
#[test]
fn a_load_killed_at_any_step_leaves_a_whole_snapshot() {
    if let Some(folder) = env::var_os(FOLDER) {
        return load_and_die(Path::new(&folder));
    }
    let fixture = fixture();
    let mut outcomes = Vec::new();
    for kill_at in 0.. {
        let mut child = child(
            "a_load_killed_at_any_step_leaves_a_whole_snapshot",
            fixture.folder.path(),
        );
        let ended = child
            .env(KILL_AT, kill_at.to_string())
            .status()
            .unwrap()
            .success();
        outcomes.push(check_whole(&fixture));
        if ended {
            break;
        }
        recover(&fixture);
    }
    assert!(
        outcomes.len() > 7,
        "killed at {} steps only",
        outcomes.len() - 1
    );
    let old = outcomes
        .iter()
        .take_while(|version| **version == fixture.first)
        .count();
    assert!(
        old >= 6
            && outcomes[old..]
                .iter()
                .all(|version| *version == fixture.second),
        "{outcomes:?}"
    );
    recover(&fixture);
}

/// Kills a load at random times, wherever it happens to be.
#[test]
fn a_load_killed_at_any_time_leaves_a_whole_snapshot() {
    if let Some(folder) = env::var_os(FOLDER) {
        return load_and_die(Path::new(&folder));
    }
    const NAME: &str = "a_load_killed_at_any_time_leaves_a_whole_snapshot";
    let fixture = fixture();
    let start = Instant::now();
    assert!(
        child(NAME, fixture.folder.path())
            .status()
            .unwrap()
            .success()
    );
    let whole = start.elapsed();
    assert_eq!(check_whole(&fixture), fixture.second);
    let mut random = Random::new(11);
    let mut killed = 0;
    for _ in 0..30 {
        let mut child = child(NAME, fixture.folder.path()).spawn().unwrap();
        let after = whole.mul_f64(random.below(1000) as f64 / 1000.0);
        let pause = std::sync::mpsc::channel::<()>();
        let _ = pause.1.recv_timeout(after.max(Duration::from_micros(1)));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        check_whole(&fixture);
        recover(&fixture);
    }
    assert!(
        killed >= 10,
        "only {killed} loads were killed before they ended"
    );
}

/// A full disk, played by a limit on the size of files: every write beyond it fails, as one to a
/// full disk does.
#[test]
fn a_load_without_space_says_so_and_changes_nothing() {
    const NAME: &str = "a_load_without_space_says_so_and_changes_nothing";
    if let Some(folder) = env::var_os(FOLDER) {
        let folder = Path::new(&folder);
        let error = load(&lake(folder), &second(folder)).unwrap_err();
        assert!(matches!(error, LakeError::Full { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.starts_with("no space left on the disk of "),
            "{message}"
        );
        return assert!(message.ends_with("nothing was changed"), "{message}");
    }
    let fixture = fixture();
    let before = panel::tree(&fixture.folder.path().join("datasets"));
    for blocks in [0, 1, 4, 8] {
        let child = child(NAME, fixture.folder.path());
        // The shell's unit is 512 bytes; the ignored signal lets the write fail instead of ending
        // the process.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut limited = Command::new("sh");
        limited
            .arg("-c")
            .arg(script)
            .arg(child.get_program())
            .args(child.get_args());
        let output = limited.env(FOLDER, fixture.folder.path()).output().unwrap();
        assert!(
            output.status.success(),
            "{blocks}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(check_whole(&fixture), fixture.first);
        assert_eq!(panel::tree(&fixture.folder.path().join("datasets")), before);
    }
    recover(&fixture);
}
