//! Loading VCF text and reading it back: every call, every count, whatever the order of rows, files
//! and contigs.

mod panel;

use std::{fs, ops::ControlFlow, path::PathBuf, sync::atomic::AtomicBool};

use ligate_lake::{Lake, LakeError, Progress, Site, Snapshot, VcfGroup};
use ligate_model::{Assembly, BinaryCoding, VariableKind};
use panel::{Panel, PanelSite, Random, dataset, key, load, loaded, request, scanned};

fn sites(snapshot: &Snapshot) -> Vec<Site> {
    let mut sites = Vec::new();
    let visit = &mut |site| {
        sites.push(site);
        ControlFlow::Continue(())
    };
    snapshot.sites(visit).unwrap();
    sites
}

/// Checks every call and every count of a snapshot against the panels that it was loaded from.
fn check(snapshot: &Snapshot, panels: &[&Panel]) {
    let mut keys: Vec<_> = panels.iter().flat_map(|panel| panel.keys()).collect();
    keys.sort();
    keys.dedup();
    let expected = keys.iter().map(|key| {
        panels
            .iter()
            .flat_map(|panel| panel.dosages(key))
            .collect::<Vec<_>>()
    });
    let expected: Vec<Vec<Option<u8>>> = expected.collect();
    assert!(scanned(snapshot, &keys) == expected, "a call differs");
    let stored = sites(snapshot);
    assert!(
        stored.iter().map(|site| &site.key).eq(&keys),
        "keys come in order, each once"
    );
    for (site, dosages) in stored.iter().zip(&expected) {
        let number = |dosage| {
            dosages
                .iter()
                .filter(|found| **found == Some(dosage))
                .count() as u32
        };
        let called = dosages.iter().flatten().count() as u32;
        assert_eq!(
            (site.counts.called, site.counts.allele_number),
            (called, 2 * called)
        );
        assert_eq!(
            (site.counts.heterozygous, site.counts.homozygous),
            (number(1), number(2))
        );
        assert_eq!(site.counts.allele_count, number(1) + 2 * number(2));
        assert_eq!(site.counts.diploid_allele_count, site.counts.allele_count);
        assert_eq!(
            site.id.as_deref(),
            Some(format!("rs{}", site.key.position).as_str())
        );
    }
}

#[test]
fn one_file_is_read_back_call_by_call() {
    let folder = tempfile::tempdir().unwrap();
    let panel = Panel::random(1, "P", 70, &["1", "2", "X", "GL000192.1"], 150);
    let (_keep, lake, report) = loaded(&[panel.write(&folder.path().join("a.vcf"))]);
    assert_eq!(
        (report.individuals, report.variants, report.records),
        (70, 600, 600)
    );
    assert_eq!(
        (report.skipped, report.not_analysed, report.assembly),
        (0, 300, Assembly::Unknown)
    );
    let snapshot = lake.snapshot(&dataset()).unwrap();
    assert_eq!(
        (snapshot.id(), snapshot.blocks()),
        (report.snapshot, std::slice::from_ref(&(0..70)))
    );
    check(&snapshot, &[&panel]);
    snapshot.verify().unwrap();
    let summary = &lake.datasets().unwrap()[0];
    assert_eq!(
        (summary.individuals, summary.variants, summary.bytes),
        (70, 600, report.bytes)
    );
}

#[test]
fn any_order_of_rows_in_any_memory_gives_the_same_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let panel = Panel::random(2, "P", 40, &["1", "2", "10", "HLA-B", "HLA-A"], 200);
    let (_keep, _, in_order) = loaded(&[panel.write(&folder.path().join("in-order/a.vcf"))]);
    let mut shuffled = panel.clone();
    Random::new(7).shuffle(&mut shuffled.sites);
    let file = shuffled.write(&folder.path().join("shuffled/a.vcf"));
    for memory_bytes in [1, 100_000, 64 << 20] {
        let keep = tempfile::tempdir().unwrap();
        let lake = Lake::open(&keep.path().join("datasets")).unwrap();
        let mut request = request(std::slice::from_ref(&file));
        request.memory_bytes = memory_bytes;
        let report = load(&lake, &request).unwrap();
        assert_eq!(
            report.snapshot, in_order.snapshot,
            "with {memory_bytes} bytes"
        );
        check(&lake.snapshot(&dataset()).unwrap(), &[&panel]);
    }
}

#[test]
fn loading_the_same_again_gives_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let file = Panel::random(3, "P", 10, &["1"], 20).write(&folder.path().join("a.vcf"));
    let table = folder.path().join("p.tsv");
    fs::write(&table, "id\tldl\tt2d\nP0\t1.5\t1\nP3\tNA\t0\n").unwrap();
    let mut request = request(&[file]);
    request.phenotypes = vec![(table, None)];
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let first = load(&lake, &request).unwrap();
    request.threads = 2;
    assert_eq!(load(&lake, &request).unwrap().snapshot, first.snapshot);
    assert_eq!(
        fs::read_dir(folder.path().join("datasets/cohort/snapshots"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn files_with_the_same_samples_are_concatenated() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Panel::random(4, "P", 12, &["2", "1"], 60);
    let part = |name: &str, keep: fn(usize) -> bool| {
        let sites = whole
            .sites
            .iter()
            .enumerate()
            .filter(|(index, _)| keep(*index));
        let sites = sites.map(|(_, site)| site.clone()).collect();
        Panel {
            samples: whole.samples.clone(),
            sites,
        }
        .write(&folder.path().join(name))
    };
    let files = [
        part("odd.vcf", |index| index % 2 == 1),
        part("even.vcf", |index| index % 2 == 0),
    ];
    let (_keep, lake, report) = loaded(&files);
    assert_eq!(
        (report.individuals, report.variants, report.skipped),
        (12, 120, 0)
    );
    check(&lake.snapshot(&dataset()).unwrap(), &[&whole]);
}

#[test]
fn disjoint_samples_become_blocks_and_absent_variants_stay_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let first = Panel::random(5, "A", 33, &["1", "3"], 80);
    let mut second = Panel::random(6, "B", 21, &["1", "2"], 100);
    second
        .sites
        .retain(|site| site.key.position.get() % 30 != 0);
    let files = [
        first.write(&folder.path().join("a.vcf")),
        second.write(&folder.path().join("b.vcf")),
    ];
    let (_keep, lake, report) = loaded(&files);
    let snapshot = lake.snapshot(&dataset()).unwrap();
    assert_eq!(snapshot.blocks(), [0..33, 33..54]);
    check(&snapshot, &[&first, &second]);
    assert_eq!(report.variants, snapshot.variants());
    let names: Vec<&str> = snapshot
        .individuals()
        .iter()
        .map(|id| id.as_str())
        .collect();
    assert_eq!((names[0], names[33]), ("A0", "B0"));

    let (mut seen, mut keys_seen) = (Vec::new(), Vec::new());
    let visit = &mut |keys: &[ligate_model::VariantKey], batch: &ligate_genotypes::Batch<'_>| {
        keys_seen.extend_from_slice(keys);
        seen.extend(
            batch
                .indices
                .iter()
                .map(|index| panel::dosages_at(&snapshot, batch, *index)),
        );
    };
    snapshot.scan_all(visit).unwrap();
    assert_eq!(seen.len() as u64, report.variants);
    assert!(seen == scanned(&snapshot, &keys_seen));
}

#[test]
fn samples_in_part_the_same_or_reordered_are_refused_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = Panel::random(8, "P", 5, &["1"], 3);
    let mut reordered = first.clone();
    reordered.samples.swap(0, 1);
    let mut overlap = first.clone();
    overlap.samples[0] = "Q".to_owned();
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let first = first.write(&folder.path().join("first.vcf"));
    for (other, why) in [
        (reordered, "different orders"),
        (overlap, "share 4 of their samples"),
    ] {
        let other = other.write(&folder.path().join("other.vcf"));
        let message = load(&lake, &request(&[first.clone(), other]))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("first.vcf") && message.contains("other.vcf"),
            "{message}"
        );
        assert!(message.contains(why), "{message}");
    }
    let twice = load(&lake, &request(&[first.clone(), first])).unwrap_err();
    assert!(matches!(twice, LakeError::FileTwice(_)));
    assert!(lake.datasets().unwrap().is_empty());
}

#[test]
fn of_duplicate_keys_the_first_is_kept_and_the_others_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let panel = Panel::random(9, "P", 6, &["1"], 40);
    let mut doubled = panel.clone();
    let flipped: Vec<PanelSite> = panel.sites[..3]
        .iter()
        .map(|site| PanelSite {
            calls: vec!["1|1"; 6],
            ..site.clone()
        })
        .collect();
    doubled.sites.extend(flipped);
    let file = doubled.write(&folder.path().join("a.vcf"));
    for memory_bytes in [1, 64 << 20] {
        let keep = tempfile::tempdir().unwrap();
        let lake = Lake::open(&keep.path().join("datasets")).unwrap();
        let mut request = request(std::slice::from_ref(&file));
        request.memory_bytes = memory_bytes;
        let report = load(&lake, &request).unwrap();
        assert_eq!((report.variants, report.skipped), (40, 3));
        let doubles = report
            .problems
            .kept()
            .iter()
            .filter(|problem| problem.message.contains("earlier record"));
        let lines: Vec<u64> = doubles.map(|problem| problem.line).collect();
        assert_eq!(
            lines,
            [45, 46, 47],
            "four header lines and 40 records come first"
        );
        check(&lake.snapshot(&dataset()).unwrap(), &[&panel]);
    }
}

#[test]
fn the_pooled_block_holds_everybody_once_per_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let first = Panel::random(10, "P", 37, &["1", "2"], 50);
    let mut second = Panel::random(11, "P", 21, &["1"], 50);
    second
        .sites
        .retain(|site| site.key.position.get() % 20 == 0);
    let mut request = request(&[]);
    request.one_block = true;
    request.groups = [("x", &first), ("y", &second)]
        .map(|(name, panel)| VcfGroup {
            files: vec![panel.write(&folder.path().join(format!("{name}.vcf")))],
            id_prefix: Some(format!("{name}:")),
        })
        .to_vec();
    for (name, value) in [("x", "1"), ("y", "2")] {
        let table = folder.path().join(format!("{name}.tsv"));
        fs::write(&table, format!("id\tbmi\nP0\t{value}\nP1\t{value}.5\n")).unwrap();
        request.phenotypes.push((table, Some(format!("{name}:"))));
    }
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    load(&lake, &request).unwrap();
    let snapshot = lake.snapshot(&dataset()).unwrap();
    assert_eq!(snapshot.blocks().len(), 1);
    assert_eq!(snapshot.individuals()[37].as_str(), "y:P0");
    check(&snapshot, &[&first, &second]);
    let phenotypes = snapshot.phenotypes().unwrap();
    let values = &phenotypes.variables[0].values;
    assert_eq!(
        (values[0], values[1], values[37], values[38]),
        (Some(1.0), Some(1.5), Some(2.0), Some(2.5))
    );
    assert_eq!(values.iter().flatten().count(), 4);
}

#[test]
fn many_individuals_are_split_into_even_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let panel = Panel::random(12, "P", 4500, &["1"], 12);
    let file = panel.write(&folder.path().join("a.vcf"));
    let (_keep, lake, _) = loaded(std::slice::from_ref(&file));
    let snapshot = lake.snapshot(&dataset()).unwrap();
    assert_eq!(snapshot.blocks(), [0..2272, 2272..4500]);
    check(&snapshot, &[&panel]);
    let mut request = request(&[file]);
    request.one_block = true;
    load(&lake, &request).unwrap();
    let pooled = lake.snapshot(&dataset()).unwrap();
    assert_eq!(pooled.blocks().len(), 1);
    check(&pooled, &[&panel]);
}

#[test]
fn phenotypes_keep_values_kinds_and_the_names_of_text_columns() {
    let folder = tempfile::tempdir().unwrap();
    let file = Panel::random(13, "P", 4, &["1"], 3).write(&folder.path().join("a.vcf"));
    let table = folder.path().join("p.tsv");
    fs::write(
        &table,
        "id\tldl.c\tt2d\tcentre\nP3\t3.25\t2\tOslo\nP0\tNA\t1\tRiga\nP9\t1\t1\tRiga\n",
    )
    .unwrap();
    let mut request = request(&[file]);
    request.phenotypes = vec![(table, None)];
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let report = load(&lake, &request).unwrap().phenotypes.unwrap();
    assert_eq!((report.without_row, report.without_genotypes), (2, 1));
    let snapshot = lake.snapshot(&dataset()).unwrap();
    assert_eq!(snapshot.text_columns(), ["centre"]);
    let stored = snapshot.phenotypes().unwrap().variables;
    assert_eq!(stored[0].values, [None, None, None, Some(3.25)]);
    assert_eq!(
        (stored[0].name.as_str(), stored[0].kind),
        ("ldl.c", VariableKind::Quantitative)
    );
    assert_eq!(stored[1].values, [Some(1.0), None, None, Some(2.0)]);
    assert_eq!(
        (stored[1].kind, stored[1].coding),
        (VariableKind::Binary, Some(BinaryCoding::OneTwo))
    );
}

#[test]
fn files_without_records_or_samples_load() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Panel {
        samples: vec!["P".to_owned()],
        sites: Vec::new(),
    };
    let (_keep, lake, report) = loaded(&[empty.write(&folder.path().join("empty.vcf"))]);
    assert_eq!((report.variants, report.individuals), (0, 1));
    check(&lake.snapshot(&dataset()).unwrap(), &[&empty]);
    let mut sites_only = Panel::random(14, "", 0, &["1"], 5);
    sites_only.samples.clear();
    let (_keep, lake, report) = loaded(&[sites_only.write(&folder.path().join("sites.vcf"))]);
    assert_eq!((report.variants, report.individuals), (5, 0));
    check(&lake.snapshot(&dataset()).unwrap(), &[&sites_only]);
}

#[test]
fn assemblies_must_agree_with_each_other_and_with_what_is_declared() {
    let folder = tempfile::tempdir().unwrap();
    let on = |name: &str, samples: &str, length: u32| {
        let panel = Panel {
            sites: Vec::new(),
            ..Panel::random(15, samples, 2, &[], 0)
        };
        let contig = format!("VCFv4.3\n##contig=<ID=1,length={length}>\n");
        let file = folder.path().join(name);
        fs::write(&file, panel.text().replace("VCFv4.3\n", &contig)).unwrap();
        file
    };
    let (old, new) = (
        on("37.vcf", "A", 249_250_621),
        on("38.vcf", "B", 248_956_422),
    );
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let mixed = load(&lake, &request(&[old.clone(), new.clone()]))
        .unwrap_err()
        .to_string();
    assert!(
        mixed.contains("38.vcf is on GRCh38") && mixed.contains("37.vcf on GRCh37"),
        "{mixed}"
    );
    let mut declared = request(&[new]);
    declared.assembly = Some(Assembly::Grch37);
    assert!(matches!(
        load(&lake, &declared),
        Err(LakeError::Assembly { .. })
    ));
    declared.groups[0].files = vec![old];
    assert_eq!(load(&lake, &declared).unwrap().assembly, Assembly::Grch37);
}

#[test]
fn a_stopped_or_failed_load_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = Panel::random(16, "P", 8, &["1"], 30);
    let first_file = first.write(&folder.path().join("a.vcf"));
    let (keep, lake, report) = loaded(std::slice::from_ref(&first_file));
    let before = panel::tree(keep.path());
    let stop = AtomicBool::new(false);
    let progress = |progress: Progress| {
        if progress.stage == "sorting" {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let other = Panel::random(17, "P", 8, &["1"], 30).write(&folder.path().join("b.vcf"));
    let stopped = lake.load(&request(std::slice::from_ref(&other)), &stop, &progress);
    assert!(matches!(stopped, Err(LakeError::Stopped)));
    let text = fs::read_to_string(&other).unwrap();
    fs::write(&other, text.replace("#CHROM", "#CHR")).unwrap();
    assert!(matches!(
        load(&lake, &request(&[other])),
        Err(LakeError::Read(_))
    ));
    assert!(matches!(
        load(&lake, &request(&[PathBuf::from("no.vcf")])),
        Err(LakeError::Read(_))
    ));
    assert!(matches!(
        load(&lake, &request(&[])),
        Err(LakeError::NoFiles)
    ));
    assert_eq!(panel::tree(keep.path()), before);
    assert_eq!(lake.snapshot(&dataset()).unwrap().id(), report.snapshot);
}

#[test]
fn scans_read_any_subset_and_refuse_unsorted_keys() {
    let folder = tempfile::tempdir().unwrap();
    let panel = Panel::random(18, "P", 9, &["1", "2", "X"], 3000);
    let (_keep, lake, _) = loaded(&[panel.write(&folder.path().join("a.vcf"))]);
    let snapshot = lake.snapshot(&dataset()).unwrap();
    let mut random = Random::new(19);
    for one_in in [1, 7, 2000] {
        let mut keys: Vec<_> = panel
            .keys()
            .into_iter()
            .filter(|_| random.below(one_in) == 0)
            .collect();
        keys.extend([
            key("1", 11, "A", "G"),
            key("1", 20, "A", "T"),
            key("5", 10, "A", "G"),
        ]);
        keys.extend([key("X", 4_000_000_000, "A", "G"), key("HLA", 1, "A", "G")]);
        keys.sort();
        let expected: Vec<_> = keys.iter().map(|key| panel.dosages(key)).collect();
        assert!(scanned(&snapshot, &keys) == expected, "one in {one_in}");
    }
    let unsorted = [key("2", 10, "A", "G"), key("1", 10, "A", "G")];
    assert!(matches!(
        snapshot.scan(&unsorted, &mut |_| {}),
        Err(LakeError::UnsortedKeys)
    ));
}
