//! Snapshots in use, locks, the collector of old snapshots, and damage.

mod panel;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use ligate_lake::{Lake, LakeError, Progress};
use ligate_model::Digest;
use panel::{Panel, dataset, load, loaded, request, scanned};

struct Versions {
    folder: tempfile::TempDir,
    panels: Vec<Panel>,
    files: Vec<PathBuf>,
}

fn versions(count: usize) -> Versions {
    let folder = tempfile::tempdir().unwrap();
    let panels: Vec<Panel> = (0..count)
        .map(|seed| Panel::random(seed as u64, "P", 9, &["1"], 25))
        .collect();
    let file =
        |(index, panel): (usize, &Panel)| panel.write(&folder.path().join(format!("{index}.vcf")));
    let files = panels.iter().enumerate().map(file).collect();
    Versions {
        folder,
        panels,
        files,
    }
}

#[test]
fn a_snapshot_in_use_outlives_its_replacements() {
    let Versions {
        folder,
        panels,
        files,
    } = versions(5);
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let mut ids = Vec::new();
    ids.push(load(&lake, &request(&files[..1])).unwrap().snapshot);
    let held = lake.snapshot(&dataset()).unwrap();
    for file in &files[1..] {
        ids.push(
            load(&lake, &request(std::slice::from_ref(file)))
                .unwrap()
                .snapshot,
        );
    }
    let keys = panels[0].keys();
    let expected: Vec<_> = keys.iter().map(|key| panels[0].dosages(key)).collect();
    assert!(scanned(&held, &keys) == expected);
    held.verify().unwrap();
    let is_there = |id: &Digest| lake.snapshot_by_id(&dataset(), *id).is_ok();
    let there: Vec<bool> = ids.iter().map(is_there).collect();
    assert_eq!(
        there,
        [true, false, false, true, true],
        "the one in use, the current and the one before"
    );
    drop(held);
    load(&lake, &request(&files[1..2])).unwrap();
    assert!(!is_there(&ids[0]), "nobody reads it any more");
    assert!(matches!(
        lake.snapshot_by_id(&dataset(), ids[0]),
        Err(LakeError::UnknownSnapshot { .. })
    ));
}

#[test]
fn readers_never_miss_a_snapshot_while_loads_replace_it() {
    let Versions { folder, files, .. } = versions(4);
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    load(&lake, &request(&files[..1])).unwrap();
    let (done, opened) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                lake.snapshot(&dataset()).unwrap().verify().unwrap();
                opened.fetch_add(1, Ordering::Relaxed);
            }
        });
        for round in 0..20 {
            load(&lake, &request(&files[round % 4..=round % 4])).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(opened.into_inner() > 0);
}

#[test]
fn a_second_load_is_refused_and_names_the_first() {
    let Versions { folder, files, .. } = versions(2);
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let refused = AtomicUsize::new(0);
    let progress = |progress: Progress| {
        if progress.stage != "saving" || progress.done != 1 {
            return;
        }
        let error = load(&lake, &request(&files[1..])).unwrap_err();
        assert!(matches!(error, LakeError::Locked { .. }));
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        refused.fetch_add(1, Ordering::Relaxed);
    };
    lake.load(&request(&files[..1]), &AtomicBool::new(false), &progress)
        .unwrap();
    assert_eq!(refused.into_inner(), 1);
    load(&lake, &request(&files[1..])).unwrap();
}

#[test]
fn datasets_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let error = lake.snapshot(&dataset()).unwrap_err();
    assert!(matches!(error, LakeError::UnknownDataset(_)));
    assert!(error.to_string().contains("\"cohort\""));
    assert!(matches!(
        Lake::open(&folder.path().join("no/datasets")),
        Err(LakeError::Io { .. })
    ));
}

/// Every byte of every table that is changed, one at a time, is found; a scan of it gives an error
/// or rows, no panic.
#[test]
fn damage_is_found_and_repaired_by_loading_again() {
    let Versions {
        folder: _sources,
        files,
        panels,
    } = versions(1);
    let (keep, lake, report) = loaded(&files);
    let snapshot = lake.snapshot(&dataset()).unwrap();
    let folder = keep
        .path()
        .join("datasets/cohort/snapshots")
        .join(report.snapshot.to_string());
    let genotypes = folder.join("genotypes/block=0/contig=1.parquet");
    let whole = fs::read(&genotypes).unwrap();
    for place in (0..whole.len()).step_by(11) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        fs::write(&genotypes, &damaged).unwrap();
        let error = snapshot.verify().unwrap_err();
        assert!(
            matches!(&error, LakeError::Corrupt { path, .. } if *path == genotypes),
            "{error}"
        );
        let _ = snapshot.scan(&panels[0].keys(), &mut |_| {});
    }
    fs::write(&genotypes, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(
        lake.snapshot(&dataset()),
        Err(LakeError::Corrupt { .. })
    ));
    assert_eq!(
        load(&lake, &request(&files)).unwrap().snapshot,
        report.snapshot
    );
    lake.snapshot(&dataset()).unwrap().verify().unwrap();

    let description = folder.join("snapshot.json");
    let text = fs::read_to_string(&description).unwrap();
    fs::write(
        &description,
        text.replace("\"individuals\": 9", "\"individuals\": 8"),
    )
    .unwrap();
    assert!(matches!(
        lake.snapshot(&dataset()),
        Err(LakeError::Corrupt { .. })
    ));
}
