//! What a dataset remembers of its earlier snapshots: in which variants the calls of people who
//! were there before changed. The oracle is a recount from the VCF text of both loads.

mod panel;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use ligate_lake::{ChangedVariants, HistoryKey, Lake, LakeError, LoadReport, Progress, Snapshot};
use ligate_model::{Digest, VariantKey};
use panel::{Panel, PanelSite, Random, dataset, key, load, request};

/// A lake, and files that are loaded into one dataset of it again and again.
struct Node {
    folder: tempfile::TempDir,
    lake: Lake,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&folder.path().join("datasets")).unwrap();
        Self { folder, lake }
    }

    fn write(&self, panels: &[&Panel]) -> Vec<PathBuf> {
        let file = |(number, panel): (usize, &&Panel)| {
            panel.write(&self.folder.path().join(format!("sources/{number}.vcf")))
        };
        panels.iter().enumerate().map(file).collect()
    }

    fn load(&self, panels: &[&Panel]) -> LoadReport {
        load(&self.lake, &request(&self.write(panels))).unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        self.lake.snapshot(&dataset()).unwrap()
    }

    fn stored(&self, id: Digest) -> PathBuf {
        self.folder
            .path()
            .join("datasets/cohort/snapshots")
            .join(id.to_string())
    }
}

fn panel(samples: &str, sites: &[(u32, &[&'static str])]) -> Panel {
    let site = |(position, calls): &(u32, &[&'static str])| PanelSite {
        key: key("1", *position, "A", "G"),
        calls: calls.to_vec(),
    };
    Panel {
        samples: samples.split_whitespace().map(str::to_owned).collect(),
        sites: sites.iter().map(site).collect(),
    }
}

/// Five people, four variants.
fn people() -> Panel {
    panel(
        "a b c d e",
        &[
            (10, &["0/0", "0/1", "1/1", "./.", "0/0"]),
            (20, &["0/0", "0/0", "0/0", "0/0", "0/1"]),
            (30, &["0|1", "1|0", "0/1", "0/0", "0/0"]),
            (40, &["1/1", "1/1", "1/1", "1/1", "./."]),
        ],
    )
}

/// The positions on chromosome 1 that changed since a snapshot for fewer than `people_below`
/// people.
fn since(snapshot: &Snapshot, earlier: Digest, people_below: u32) -> Vec<u32> {
    let keys = snapshot
        .changed_since(earlier, people_below)
        .unwrap()
        .unwrap();
    keys.iter().map(|key| key.position.get()).collect()
}

fn changed(changed: u64, appeared: u64, vanished: u64) -> ChangedVariants {
    ChangedVariants {
        changed,
        appeared,
        vanished,
        kept: 0,
    }
}

#[test]
fn files_loaded_again_are_no_step() {
    let node = Node::new();
    let first = node.load(&[&people()]);
    let again = node.load(&[&people()]);
    assert_eq!(
        (again.snapshot, again.changed),
        (first.snapshot, changed(0, 0, 0))
    );
    assert_eq!(node.snapshot().lineage(), [first.snapshot]);

    let mut other = people();
    other.sites[0].calls[0] = "0/1";
    let second = node.load(&[&other]);
    let again = node.load(&[&other]);
    assert_eq!(
        (again.snapshot, again.changed),
        (second.snapshot, changed(0, 0, 0))
    );
    assert_eq!(node.snapshot().lineage(), [first.snapshot, second.snapshot]);
    assert_eq!(since(&node.snapshot(), first.snapshot, 2), [10]);
    node.snapshot().verify().unwrap();
}

#[test]
fn a_corrected_call_a_filled_call_and_variants_that_come_and_go_are_told_apart() {
    let node = Node::new();
    let first = node.load(&[&people()]).snapshot;
    let mut second = people();
    second.sites[0].calls[3] = "0/1"; // was missing
    second.sites[1].calls = vec!["0/1", "0/1", "0/1", "0/0", "0/1"]; // three people
    second.sites[2].calls = vec!["1|0", "0/1", "0|1", "0/0", "0/0"]; // phase alone
    second.sites[3].key = key("1", 50, "A", "G"); // one gone, one new
    let report = node.load(&[&second]);
    assert_eq!(
        (report.changed, report.changed.total()),
        (changed(2, 1, 1), 4)
    );
    let snapshot = node.snapshot();
    assert_eq!(since(&snapshot, first, 4), [10, 20, 40, 50]);
    assert_eq!(
        since(&snapshot, first, 3),
        [10, 40, 50],
        "three people are not fewer than three"
    );
    assert_eq!(since(&snapshot, first, 2), [10, 40, 50]);
    assert_eq!(since(&snapshot, first, 1), [40, 50]);
    assert_eq!(since(&snapshot, snapshot.id(), 4), [0; 0]);
    let stranger = Digest::of("test", b"another lineage");
    assert!(snapshot.changed_since(stranger, 4).unwrap().is_none());
}

#[test]
fn people_in_another_order_and_in_other_blocks_changed_nothing() {
    let node = Node::new();
    let first = node.load(&[&people()]).snapshot;
    let reordered = panel(
        "e c a d b",
        &[
            (10, &["0/0", "1/1", "0/0", "./.", "0/1"]),
            (20, &["0/1", "0/0", "0/0", "0/0", "0/0"]),
            (30, &["0/0", "0/1", "0/1", "0/0", "0/1"]),
            (40, &["./.", "1/1", "1/1", "1/1", "1/1"]),
        ],
    );
    assert_eq!(node.load(&[&reordered]).changed, changed(0, 0, 0));
    // In two blocks; the second lacks variant 40, at which its only person has no call anyway.
    let most = panel(
        "d b c a",
        &[
            (10, &["./.", "0/1", "1/1", "0/0"]),
            (20, &["0/0", "0/0", "0/0", "0/0"]),
            (30, &["0/0", "0/1", "0/1", "0/1"]),
            (40, &["1/1", "1/1", "1/1", "1/1"]),
        ],
    );
    let last = panel("e", &[(10, &["0/0"]), (20, &["0/1"]), (30, &["0/0"])]);
    assert_eq!(node.load(&[&most, &last]).changed, changed(0, 0, 0));
    let mut pooled = request(&node.write(&[&last, &most]));
    pooled.one_block = true;
    assert_eq!(load(&node.lake, &pooled).unwrap().changed, changed(0, 0, 0));
    let snapshot = node.snapshot();
    assert_eq!(
        (snapshot.lineage().len(), since(&snapshot, first, 100)),
        (4, vec![])
    );
}

#[test]
fn only_people_of_both_snapshots_count() {
    let node = Node::new();
    let first = node.load(&[&people()]).snapshot;
    // d and e left, f came with a variant that nobody else was called for, and b was corrected.
    let calls = &[
        (10, &["0/0", "0/0", "1/1", "1/1"][..]),
        (20, &["0/0", "0/0", "0/0", "1/1"]),
        (25, &["./.", "./.", "./.", "0/1"]),
        (30, &["0/1", "0/1", "0/1", "1/1"]),
        (40, &["1/1", "1/1", "1/1", "1/1"]),
    ];
    let second = node.load(&[&panel("a b c f", calls)]);
    assert_eq!(second.changed, changed(1, 0, 0));
    assert_eq!(since(&node.snapshot(), first, 2), [10]);
    // Other people altogether: nothing of theirs can be compared.
    let third = node.load(&[&panel(
        "x y",
        &[(10, &["0/1", "1/1"]), (70, &["0/1", "1/1"])],
    )]);
    assert_eq!(third.changed, changed(0, 0, 0));
    let snapshot = node.snapshot();
    assert_eq!(snapshot.lineage(), [first, second.snapshot, third.snapshot]);
    assert_eq!(
        since(&snapshot, first, 2),
        [10],
        "the step before is not forgotten"
    );
    assert_eq!(since(&snapshot, second.snapshot, 2), [0; 0]);
}

#[test]
fn a_block_that_is_added_leaves_the_others_unchanged() {
    let node = Node::new();
    let first = node.load(&[&people()]).snapshot;
    let more = panel("x y", &[(10, &["0/1", "1/1"]), (15, &["0/1", "1/1"])]);
    assert_eq!(node.load(&[&people(), &more]).changed, changed(0, 0, 0));
    // The variant that only the others had comes to the first block: its people changed, the
    // snapshot held it before.
    let mut grown = people();
    grown.sites.push(PanelSite {
        key: key("1", 15, "A", "G"),
        calls: vec!["0/1"; 5],
    });
    assert_eq!(node.load(&[&grown, &more]).changed, changed(1, 0, 0));
    assert_eq!(since(&node.snapshot(), first, 5), [0; 0]);
    assert_eq!(since(&node.snapshot(), first, 6), [15]);
}

#[test]
fn steps_of_snapshots_that_are_gone_are_remembered() {
    let node = Node::new();
    let mut ids = vec![node.load(&[&people()]).snapshot];
    for step in 0..4 {
        let mut changed = people();
        changed.sites[step].calls[4] = "1/1";
        ids.push(node.load(&[&changed]).snapshot);
    }
    let snapshot = node.snapshot();
    assert_eq!(snapshot.lineage(), ids);
    assert!(matches!(
        node.lake.snapshot_by_id(&dataset(), ids[0]),
        Err(LakeError::UnknownSnapshot { .. })
    ));
    assert_eq!(
        since(&snapshot, ids[0], 2),
        [40],
        "the first calls were put back"
    );
    assert_eq!(since(&snapshot, ids[1], 2), [10, 40]);
    assert_eq!(since(&snapshot, ids[2], 2), [20, 40]);
    assert_eq!(since(&snapshot, ids[3], 2), [30, 40]);
    // The first version once more is a new snapshot: something may have been released in between.
    let last = node.load(&[&people()]);
    assert_eq!(
        (last.changed, ids.contains(&last.snapshot)),
        (changed(1, 0, 0), false)
    );
    assert_eq!(since(&node.snapshot(), ids[0], 2), [0; 0]);
    assert_eq!(since(&node.snapshot(), ids[4], 2), [40]);
}

#[test]
fn steps_that_together_change_a_few_are_found_and_without_sketches_feared() {
    let crowd = |calls: &dyn Fn(usize) -> &'static str| Panel {
        samples: (0..40).map(|person| format!("p{person}")).collect(),
        sites: [10, 20, 30]
            .map(|position| PanelSite {
                key: key("1", position, "A", "G"),
                calls: (0..40).map(calls).collect(),
            })
            .to_vec(),
    };
    let (first, other) = (crowd(&|_| "0/1"), crowd(&|_| "1/1"));
    let mut third = first.clone();
    third.sites[0].calls[7] = "1/1";
    (0..39).for_each(|person| third.sites[1].calls[person] = "0/0");
    for other_key in [false, true] {
        let node = Node::new();
        let ids = [&first, &other].map(|panel| node.load(&[panel]).snapshot);
        let mut request = request(&node.write(&[&third]));
        if other_key {
            request.history_key = HistoryKey::new([8; 32]);
        }
        assert_eq!(
            load(&node.lake, &request).unwrap().changed,
            changed(3, 0, 0)
        );
        // Of site 10 one person's call differs from the first files, of 20 nearly everybody's, of
        // 30 nobody's.
        let expected = if other_key {
            vec![10, 20, 30]
        } else {
            vec![10]
        };
        assert_eq!(since(&node.snapshot(), ids[0], 3), expected);
        assert_eq!(
            since(&node.snapshot(), ids[1], 3),
            [0; 0],
            "one step is known by its count"
        );
    }
}

/// What is known of the variants of chromosome 1, in one line each: position, dosages, called
/// alleles and copies.
fn held(snapshot: &Snapshot) -> Vec<String> {
    let mut sites = Vec::new();
    let visit = &mut |site: ligate_lake::Site| {
        sites.push((site.key, site.counts));
        std::ops::ControlFlow::Continue(())
    };
    snapshot.sites(visit).unwrap();
    let keys: Vec<VariantKey> = sites.iter().map(|(key, _)| key.clone()).collect();
    let dosage = |dosage: &Option<u8>| dosage.map_or(".".to_owned(), |dosage| dosage.to_string());
    panel::scanned(snapshot, &keys)
        .iter()
        .zip(&sites)
        .map(|(dosages, (key, counts))| {
            let dosages: String = dosages.iter().map(dosage).collect();
            format!(
                "{} {dosages} {}/{}",
                key.position, counts.allele_count, counts.allele_number
            )
        })
        .collect()
}

#[test]
fn a_variant_whose_only_carrier_left_is_kept_with_the_calls_of_those_who_stay() {
    let node = Node::new();
    let whole = panel(
        "a b c d",
        &[
            (10, &["0/0", "0/1", "1/1", "0/0"]),
            (20, &["0/0", "0/0", "./.", "0/1"]),
            (30, &["0/1", "0/0", "0/0", "0/0"]),
        ],
    );
    let first = node.load(&[&whole]).snapshot;
    // d leaves, and with him the variant that nobody else carries.
    let without = panel(
        "c a b",
        &[(10, &["1/1", "0/0", "0/1"]), (30, &["0/0", "0/1", "0/0"])],
    );
    let report = node.load(&[&without]);
    assert_eq!(
        report.changed,
        ChangedVariants {
            kept: 1,
            ..changed(0, 0, 0)
        }
    );
    assert_eq!(
        (report.variants, node.snapshot().variants()),
        (2, 2),
        "the files list two variants"
    );
    assert_eq!(since(&node.snapshot(), first, 10), [0; 0]);
    let kept = ["10 201 3/6", "20 .00 0/4", "30 010 1/6"];
    assert_eq!(held(&node.snapshot()), kept);
    // The same files are no step, and repair what is damaged.
    assert_eq!(node.load(&[&without]).snapshot, report.snapshot);
    assert_eq!(held(&node.snapshot()), kept);
    // Whoever comes is without it while the files do not list it, and can bring it back.
    let more = panel(
        "c a b e",
        &[
            (10, &["1/1", "0/0", "0/1", "0/0"]),
            (30, &["0/0", "0/1", "0/0", "0/1"]),
        ],
    );
    assert_eq!(
        node.load(&[&more]).changed,
        ChangedVariants {
            kept: 1,
            ..changed(0, 0, 0)
        }
    );
    assert_eq!(held(&node.snapshot())[1], "20 .000 0/6");
    let mut back = more.clone();
    back.sites.push(
        panel("c a b e", &[(20, &["./.", "0/0", "0/0", "0/1"])])
            .sites
            .remove(0),
    );
    back.sites.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!(node.load(&[&back]).changed, changed(1, 0, 0));
    assert_eq!(held(&node.snapshot())[1], "20 .001 1/6");
    assert_eq!(since(&node.snapshot(), first, 10), [20]);
    // A variant that somebody who stays carries is gone with its row.
    back.sites.remove(2);
    assert_eq!(node.load(&[&back]).changed, changed(0, 0, 1));
    assert_eq!(held(&node.snapshot()).len(), 2);
    node.snapshot().verify().unwrap();
}

#[test]
fn a_variant_that_one_file_of_people_lists_no_longer_is_kept_in_their_block() {
    let node = Node::new();
    let files = |north: &Panel, south: &Panel| node.load(&[north, south]);
    let south = panel("x y", &[(10, &["1/1", "0/1"]), (20, &["0/1", "0/0"])]);
    let first = files(
        &panel(
            "a b c",
            &[(10, &["0/0", "0/0", "0/1"]), (20, &["0/1", "0/0", "0/0"])],
        ),
        &south,
    );
    let second = files(&panel("a b", &[(20, &["0/1", "0/0"])]), &south);
    assert_eq!(
        second.changed,
        ChangedVariants {
            kept: 1,
            ..changed(0, 0, 0)
        }
    );
    assert_eq!(held(&node.snapshot()), ["10 0021 3/8", "20 1010 2/8"]);
    assert_eq!(since(&node.snapshot(), first.snapshot, 10), [0; 0]);
}

#[test]
fn files_that_list_other_variants_say_nothing_of_who_is_new() {
    let node = Node::new();
    let carried = |position: u32| (position, &["0/1", "0/0"][..]);
    let mut sites: Vec<_> = (1..=8).map(|number| carried(number * 10)).collect();
    sites.push((90, &["0/0", "0/0"]));
    node.load(&[&panel("a b", &sites)]);
    // One in four of the variants that somebody carries is gone: the files are of another kind.
    let fewer: Vec<_> = (1..=6).map(|number| carried(number * 10)).collect();
    let wider = |samples: &str, call: &'static [&'static str]| {
        let sites: Vec<_> = fewer
            .iter()
            .map(|(position, _)| (*position, call))
            .collect();
        panel(samples, &sites)
    };
    let report = node.load(&[&wider("a b c", &["0/1", "0/0", "0/0"])]);
    assert_eq!(
        report.changed,
        ChangedVariants {
            kept: 1,
            ..changed(0, 0, 2)
        }
    );
    assert_eq!(held(&node.snapshot()).last().unwrap(), "90 00. 0/4");
    // Nor of who comes later.
    node.load(&[&wider("a b c d", &["0/1", "0/0", "0/0", "0/0"])]);
    assert_eq!(held(&node.snapshot()).last().unwrap(), "90 00.. 0/4");
}

#[test]
fn records_of_one_symbolic_key_are_compared_one_by_one() {
    let deletion = |calls: &[&'static str]| PanelSite {
        key: key("1", 20, "A", "<DEL>"),
        calls: calls.to_vec(),
    };
    let cohort = |sites: &[PanelSite]| Panel {
        samples: vec!["a".into(), "b".into()],
        sites: sites.to_vec(),
    };
    let (one, two) = (deletion(&["0/1", "0/0"]), deletion(&["1/1", "0/0"]));
    let node = Node::new();
    let first = node.load(&[&cohort(&[one.clone(), two.clone()])]).snapshot;
    let second = deletion(&["1/1", "0/1"]);
    assert_eq!(
        node.load(&[&cohort(&[one.clone(), second])]).changed,
        changed(1, 0, 0)
    );
    assert_eq!(node.load(&[&cohort(&[one])]).changed, changed(0, 0, 1));
    assert_eq!(since(&node.snapshot(), first, 2), [20]);
}

#[test]
fn values_that_change_are_a_step_without_changed_calls() {
    let node = Node::new();
    let first = node.load(&[&people()]).snapshot;
    let mut request = request(&node.write(&[&people()]));
    let table = node.folder.path().join("p.tsv");
    fs::write(&table, "id\tldl\na\t1.5\n").unwrap();
    request.phenotypes = vec![(table, None)];
    let second = load(&node.lake, &request).unwrap();
    assert_eq!(second.changed, changed(0, 0, 0));
    assert_eq!(node.snapshot().lineage(), [first, second.snapshot]);
}

#[test]
fn a_load_stopped_while_it_compares_changes_nothing() {
    let node = Node::new();
    let first = node.load(&[&people()]).snapshot;
    let before = panel::tree(&node.folder.path().join("datasets"));
    let mut other = people();
    other.sites[0].calls[0] = "0/1";
    let stop = AtomicBool::new(false);
    let progress = |progress: Progress| {
        if progress.stage == "comparing" {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let stopped = node
        .lake
        .load(&request(&node.write(&[&other])), &stop, &progress);
    assert!(matches!(stopped, Err(LakeError::Stopped)));
    assert_eq!(panel::tree(&node.folder.path().join("datasets")), before);
    assert_eq!(node.snapshot().id(), first);
}

fn flip(path: &Path) -> Vec<u8> {
    let whole = fs::read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x55;
    fs::write(path, damaged).unwrap();
    whole
}

#[test]
fn a_damaged_table_is_repaired_before_anything_else_is_loaded() {
    let (first, mut second) = (people(), people());
    second.sites[0].calls[0] = "0/1";
    for name in ["genotypes/block=0/contig=1.parquet", "samples.parquet"] {
        let node = Node::new();
        let id = node.load(&[&first]).snapshot;
        let table = node.stored(id).join(name);
        for gone in [false, true] {
            if gone {
                fs::remove_file(&table).unwrap();
            } else {
                flip(&table);
            }
            let error = load(&node.lake, &request(&node.write(&[&second]))).unwrap_err();
            assert!(
                matches!(&error, LakeError::Incomparable { path, .. } if *path == table),
                "{error}"
            );
            let message = error.to_string();
            assert!(
                message.contains("first load the files of the snapshot in force once more"),
                "{message}"
            );
            assert_eq!(
                node.load(&[&first]).snapshot,
                id,
                "loading it once more repairs it"
            );
            node.snapshot().verify().unwrap();
        }
        assert_eq!(node.load(&[&second]).changed, changed(1, 0, 0));
    }
}

#[test]
fn a_damaged_history_is_put_back_from_a_backup() {
    let (first, mut second) = (people(), people());
    second.sites[0].calls[0] = "0/1";
    let node = Node::new();
    let first_id = node.load(&[&first]).snapshot;
    let id = node.load(&[&second]).snapshot;
    for name in ["history.parquet", "snapshot.json"] {
        let path = node.stored(id).join(name);
        let held = node.snapshot();
        let whole = flip(&path);
        if name == "history.parquet" {
            let error = held.changed_since(first_id, 10).unwrap_err();
            assert!(
                matches!(&error, LakeError::HistoryLost { path: found, .. } if *found == path),
                "{error}"
            );
        }
        for gone in [false, true] {
            if gone {
                fs::remove_file(&path).unwrap();
            }
            for files in [&first, &second] {
                let error = load(&node.lake, &request(&node.write(&[files]))).unwrap_err();
                assert!(
                    matches!(&error, LakeError::HistoryLost { path: found, .. } if *found == path),
                    "{error}"
                );
                assert!(
                    error.to_string().ends_with("put it back from a backup"),
                    "{error}"
                );
            }
        }
        fs::write(&path, whole).unwrap();
        assert_eq!(node.load(&[&second]).snapshot, id);
    }
}

/// The form that snapshots had before there was a history.
fn make_old(node: &Node, id: Digest) -> Digest {
    let pretty = fs::read_to_string(node.stored(id).join("snapshot.json")).unwrap();
    let old = pretty.replace("\"format\": 4", "\"format\": 1");
    assert!(old != pretty && !old.contains("lineage"));
    let compact: String = old
        .lines()
        .map(|line| line.trim_start().replacen("\": ", "\":", 1))
        .collect();
    let old_id = Digest::of("ligate-snapshot", compact.as_bytes());
    fs::write(node.stored(id).join("snapshot.json"), old).unwrap();
    fs::rename(node.stored(id), node.stored(old_id)).unwrap();
    let manifest = node.folder.path().join("datasets/cohort/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace(&id.to_string(), &old_id.to_string()),
    )
    .unwrap();
    old_id
}

#[test]
fn a_snapshot_from_before_histories_begins_the_lineage() {
    let node = Node::new();
    let id = node.load(&[&people()]).snapshot;
    let old = make_old(&node, id);
    assert_eq!(node.snapshot().lineage(), [old]);
    assert_eq!(
        node.load(&[&people()]).snapshot,
        old,
        "the same content stays as it is"
    );
    let mut other = people();
    other.sites[1].calls[0] = "0/1";
    let new = node.load(&[&other]);
    assert_eq!(node.snapshot().lineage(), [old, new.snapshot]);
    assert_eq!(since(&node.snapshot(), old, 2), [20]);
}

/// Calls of all kinds.
const CALLS: [&str; 14] = [
    "0/0", "0/0", "0|0", "0/1", "0|1", "1|0", "1/1", "./.", "./1", "./0", "1", "0", "0/0/1",
    "0/1/1",
];

/// Those of people who do not carry the allele.
const UNCARRIED: [&str; 7] = ["0/0", "0/0", "0/0", "0|0", "./.", "./0", "0"];

/// A dataset's files, changed at random from load to load.
#[derive(Clone)]
struct Version {
    panels: Vec<Panel>,
    one_block: bool,
}

impl Version {
    fn random(random: &mut Random) -> Self {
        let mut people: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
        random.shuffle(&mut people);
        let panels = people.chunks(15).map(|people| Panel {
            samples: people.to_vec(),
            sites: ["1", "2", "X", "HLA-B", "HLA-A"]
                .iter()
                .flat_map(|contig| (1..=30).map(move |number| key(contig, number * 10, "A", "G")))
                .map(|key| {
                    // Of a third nobody is a carrier, until an edit.
                    let calls = if random.below(3) == 0 {
                        &UNCARRIED[..]
                    } else {
                        &CALLS
                    };
                    let call = |_| calls[random.below(calls.len())];
                    PanelSite {
                        key,
                        calls: people.iter().map(call).collect(),
                    }
                })
                .collect(),
        });
        Self {
            panels: panels.collect(),
            one_block: false,
        }
    }

    /// Changes some calls, takes and adds variants and people, changes orders and blocks.
    fn edit(&mut self, random: &mut Random) {
        self.one_block = random.below(3) == 0;
        for panel in &mut self.panels {
            for _ in 0..random.below(12) {
                let site = random.below(panel.sites.len());
                let person = random.below(panel.samples.len());
                panel.sites[site].calls[person] = CALLS[random.below(14)];
            }
            for _ in 0..random.below(4) {
                let site = random.below(panel.sites.len());
                panel.sites.remove(site);
            }
            if random.below(2) == 0 {
                let key = key("1", 1000 + random.below(5) as u32, "A", "G");
                if panel.sites.iter().all(|site| site.key != key) {
                    let calls = panel
                        .samples
                        .iter()
                        .map(|_| CALLS[random.below(14)])
                        .collect();
                    panel.sites.push(PanelSite { key, calls });
                }
            }
            if random.below(3) == 0 {
                let mut order: Vec<usize> = (0..panel.samples.len()).collect();
                random.shuffle(&mut order);
                choose(panel, &order);
            }
            if random.below(3) == 0 && panel.samples.len() > 2 {
                let order: Vec<usize> = (1..panel.samples.len()).collect();
                choose(panel, &order);
            }
        }
        if random.below(3) == 0 {
            self.split(random);
        }
        if random.below(4) == 0 {
            random.shuffle(&mut self.panels);
        }
    }

    /// Moves the last people of a file to a file of their own.
    fn split(&mut self, random: &mut Random) {
        let index = random.below(self.panels.len());
        let people = self.panels[index].samples.len();
        let at = 1 + random.below(people);
        if at < people {
            let mut rest = self.panels[index].clone();
            choose(&mut rest, &(at..people).collect::<Vec<_>>());
            choose(&mut self.panels[index], &(0..at).collect::<Vec<_>>());
            self.panels.push(rest);
        }
    }

    fn load(&self, node: &Node) -> LoadReport {
        let mut request = request(&node.write(&self.panels.iter().collect::<Vec<_>>()));
        request.one_block = self.one_block;
        load(&node.lake, &request).unwrap()
    }

    /// Per variant and person the call as a sum sees it: read from the files' text, and where a
    /// block does not list a variant that nobody of it carried in the snapshot before, what it was
    /// there.
    fn recount(&self, before: Option<&PlainCalls>) -> PlainCalls {
        let mut calls = self.listed();
        let blocks: Vec<Vec<String>> = match self.one_block {
            true => vec![
                self.panels
                    .iter()
                    .flat_map(|panel| panel.samples.clone())
                    .collect(),
            ],
            false => self
                .panels
                .iter()
                .map(|panel| panel.samples.clone())
                .collect(),
        };
        for (key, earlier) in before.into_iter().flatten() {
            for people in &blocks {
                let of_key = calls.get(key);
                let is_listed = people
                    .iter()
                    .any(|person| of_key.is_some_and(|calls| calls.contains_key(person)));
                let known: Vec<(&String, &String)> = people
                    .iter()
                    .filter_map(|person| earlier.get_key_value(person))
                    .collect();
                let carried = known.iter().any(|(_, call)| call.contains('1'));
                let called = known.iter().any(|(_, call)| call.contains('0'));
                if !is_listed && called && !carried {
                    let known = known
                        .into_iter()
                        .map(|(person, call)| (person.clone(), call.clone()));
                    calls.entry(key.clone()).or_default().extend(known);
                }
            }
        }
        calls
    }

    fn listed(&self) -> PlainCalls {
        let mut calls = PlainCalls::new();
        for text in self.panels.iter().map(Panel::text) {
            let mut samples = Vec::new();
            for line in text.lines().filter(|line| !line.starts_with("##")) {
                let fields: Vec<&str> = line.split('\t').collect();
                if line.starts_with('#') {
                    samples = fields[9..].iter().map(|name| name.to_string()).collect();
                    continue;
                }
                let key = key(fields[0], fields[1].parse().unwrap(), fields[3], fields[4]);
                let of_key = calls.entry(key).or_default();
                of_key.extend(
                    samples
                        .iter()
                        .cloned()
                        .zip(fields[9..].iter().map(|call| plain(call))),
                );
            }
        }
        calls
    }

    fn people(&self) -> BTreeSet<String> {
        self.panels
            .iter()
            .flat_map(|panel| panel.samples.clone())
            .collect()
    }
}

type PlainCalls = BTreeMap<VariantKey, BTreeMap<String, String>>;

/// Keeps the people at these places, in this order.
fn choose(panel: &mut Panel, order: &[usize]) {
    panel.samples = order
        .iter()
        .map(|index| panel.samples[*index].clone())
        .collect();
    for site in &mut panel.sites {
        site.calls = order.iter().map(|index| site.calls[*index]).collect();
    }
}

/// The call without its phase and the order of its alleles.
fn plain(call: &str) -> String {
    let mut alleles: Vec<&str> = call.split(['/', '|']).collect();
    alleles.sort_unstable();
    alleles.join("/")
}

/// What a step changed in a variant.
struct Step {
    /// It appeared or vanished.
    whole: bool,
    /// Who changed, from which call to which.
    calls: Vec<(String, String, String)>,
}

/// Whether steps changed the calls of some, but of fewer than `people_below` people; nothing where
/// a sketch may say either.
fn few(steps: &[&Step], people_below: u32) -> Option<bool> {
    let below = u64::from(people_below);
    let people: Vec<u64> = steps.iter().map(|step| step.calls.len() as u64).collect();
    if steps.iter().any(|step| step.whole) {
        return Some(true);
    }
    if let [people] = people[..] {
        return Some(people < below);
    }
    let mut net: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    for (person, old, new) in steps.iter().flat_map(|step| &step.calls) {
        *net.entry((person, old)).or_default() -= 1;
        *net.entry((person, new)).or_default() += 1;
    }
    let differ: BTreeSet<&str> = net
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|((person, _), _)| *person)
        .collect();
    let differ = differ.len() as u64;
    let largest = people.iter().max().unwrap();
    if differ == 0
        || below <= 1
        || 2 * largest >= below + people.iter().sum::<u64>()
        || differ >= 25 * below
    {
        return Some(false);
    }
    (differ < below).then_some(true)
}

/// What changed, per variant.
fn naive(
    (before, old): (&Version, &PlainCalls),
    (after, new): (&Version, &PlainCalls),
) -> BTreeMap<VariantKey, Step> {
    let common: Vec<String> = before
        .people()
        .intersection(&after.people())
        .cloned()
        .collect();
    let keys: BTreeSet<&VariantKey> = old.keys().chain(new.keys()).collect();
    let mut changed = BTreeMap::new();
    for key in keys {
        let call = |calls: &PlainCalls, person: &String| {
            calls
                .get(key)
                .and_then(|of_key| of_key.get(person))
                .map_or("./.".to_owned(), Clone::clone)
        };
        let calls = common
            .iter()
            .map(|person| (person.clone(), call(old, person), call(new, person)));
        let calls: Vec<_> = calls.filter(|(_, old, new)| old != new).collect();
        let whole = !(old.contains_key(key) && new.contains_key(key));
        if !calls.is_empty() {
            changed.insert(key.clone(), Step { whole, calls });
        }
    }
    changed
}

#[test]
fn random_histories_agree_with_a_recount_from_the_text() {
    let (mut seen, mut kept, mut several) = ((0, 0), 0, 0);
    for seed in 1..=8 {
        let mut random = Random::new(seed);
        let node = Node::new();
        let mut versions = vec![Version::random(&mut random)];
        let mut calls = vec![versions[0].recount(None)];
        let mut ids = vec![versions[0].load(&node).snapshot];
        let mut steps = Vec::new();
        for _ in 0..6 {
            let mut next = versions.last().unwrap().clone();
            next.edit(&mut random);
            let report = next.load(&node);
            let recount = next.recount(calls.last());
            let step = naive(
                (versions.last().unwrap(), calls.last().unwrap()),
                (&next, &recount),
            );
            kept += report.changed.kept;
            calls.push(recount);
            assert_eq!(report.changed.total(), step.len() as u64, "seed {seed}");
            let whole = step.values().filter(|step| step.whole).count() as u64;
            assert_eq!(
                report.changed.appeared + report.changed.vanished,
                whole,
                "seed {seed}"
            );
            seen = (seen.0 + report.changed.changed, seen.1 + whole);
            if report.snapshot != *ids.last().unwrap() {
                ids.push(report.snapshot);
                steps.push(step);
            }
            versions.push(next);
        }
        let snapshot = node.snapshot();
        snapshot.verify().unwrap();
        assert_eq!(snapshot.lineage(), ids);
        for (place, earlier) in ids.iter().enumerate() {
            for people_below in [0, 1, 2, 3, 10, u32::MAX] {
                let mut by_key: BTreeMap<&VariantKey, Vec<&Step>> = BTreeMap::new();
                steps[place..]
                    .iter()
                    .flatten()
                    .for_each(|(key, step)| by_key.entry(key).or_default().push(step));
                let found = snapshot
                    .changed_since(*earlier, people_below)
                    .unwrap()
                    .unwrap();
                assert!(found.iter().all(|key| by_key.contains_key(key)));
                for (key, steps) in by_key {
                    several += usize::from(steps.len() > 1);
                    let expected = few(&steps, people_below);
                    let says = expected.is_none_or(|expected| found.contains(key) == expected);
                    assert!(
                        says,
                        "seed {seed}, from {place}, below {people_below}: {key:?}, {expected:?}"
                    );
                }
            }
        }
    }
    assert!(
        seen.0 > 300 && seen.1 > 12 && kept > 50 && several > 300,
        "{seen:?}, {kept}, {several}"
    );
}
