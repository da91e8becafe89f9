//! What kinds of files and records a load takes: BCF, a reference, symbolic alleles; and what is
//! left after one that fails.

mod panel;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use ligate_lake::{Lake, LakeError, Progress, Site, Snapshot};
use ligate_model::VariantKey;
use panel::{Panel, PanelSite, dataset, key, load, loaded, request, scanned};

fn sites(snapshot: &Snapshot) -> Vec<Site> {
    let mut sites = Vec::new();
    let visit = &mut |site| {
        sites.push(site);
        ControlFlow::Continue(())
    };
    snapshot.sites(visit).unwrap();
    sites
}

fn panel(samples: &[&str], sites: Vec<PanelSite>) -> Panel {
    Panel {
        samples: samples.iter().map(|name| name.to_string()).collect(),
        sites,
    }
}

fn site(key: VariantKey, calls: &[&'static str]) -> PanelSite {
    PanelSite {
        key,
        calls: calls.to_vec(),
    }
}

#[test]
fn binary_files_give_what_text_gives() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/fixtures");
    let read = |name: &str| {
        let (_keep, lake, report) = loaded(&[fixtures.join(name)]);
        let snapshot = lake.snapshot(&dataset()).unwrap();
        let sites = sites(&snapshot);
        let mut keys: Vec<_> = sites.iter().map(|site| site.key.clone()).collect();
        keys.dedup();
        let dosages = scanned(&snapshot, &keys);
        (
            report.records,
            report.skipped,
            snapshot.individuals().to_vec(),
            snapshot.assembly(),
            sites,
            dosages,
        )
    };
    let text = read("calls.vcf");
    assert!(text.4.len() >= 4 && text.2.len() == 5);
    assert!(text.5.iter().flatten().any(|dosage| *dosage == Some(2)));
    assert!(read("calls.bcf") == text, "BCF and VCF differ");
}

#[test]
fn a_left_aligned_indel_meets_the_same_variant_of_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let reference = folder.path().join("genome.fa");
    fs::write(&reference, ">chr1\nGCACACACA\n").unwrap();
    // The same deletion of CA: as far right as it goes, and as far left.
    let right = panel(
        &["A0", "A1"],
        vec![site(key("1", 7, "ACA", "A"), &["0|1", "1|1"])],
    );
    let left = panel(
        &["B0", "B1"],
        vec![site(key("1", 1, "GCA", "G"), &["0|0", "./."])],
    );
    let files = [
        right.write(&folder.path().join("a.vcf")),
        left.write(&folder.path().join("b.vcf")),
    ];
    let (_keep, _, apart) = loaded(&files);
    assert_eq!(
        apart.variants, 2,
        "without a reference nothing is known of repeats"
    );
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let mut request = request(&files);
    request.reference = Some(reference);
    let report = load(&lake, &request).unwrap();
    assert_eq!((report.variants, report.records, report.skipped), (1, 2, 0));
    let snapshot = lake.snapshot(&dataset()).unwrap();
    let aligned = key("1", 1, "GCA", "G");
    assert_eq!(
        scanned(&snapshot, std::slice::from_ref(&aligned)),
        [[Some(1), Some(2), Some(0), None]]
    );
    let [site] = &sites(&snapshot)[..] else {
        panic!("one site")
    };
    assert_eq!(
        (&site.key, site.counts.called, site.counts.allele_count),
        (&aligned, 3, 3)
    );
}

#[test]
fn records_of_one_symbolic_key_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let deletion = key("1", 20, "A", "<DEL>");
    let sites_of = |calls: [&[&'static str]; 2]| {
        vec![
            site(key("1", 10, "A", "G"), &["0|1", "0|0"]),
            site(deletion.clone(), calls[0]),
            site(deletion.clone(), calls[1]),
            site(key("1", 30, "A", "G"), &["1|1", "0|0"]),
        ]
    };
    let first = panel(&["A0", "A1"], sites_of([&["0|1", "0|0"], &["1|1", "1|1"]]));
    let second = panel(&["B0", "B1"], sites_of([&["0|0", "1|1"], &["0|0", "0|1"]]));
    let files = [
        first.write(&folder.path().join("a.vcf")),
        second.write(&folder.path().join("b.vcf")),
    ];
    for (memory_bytes, one_block) in [(1, false), (64 << 20, false), (1, true)] {
        let keep = tempfile::tempdir().unwrap();
        let lake = Lake::open(&keep.path().join("datasets")).unwrap();
        let mut request = request(&files);
        (request.memory_bytes, request.one_block) = (memory_bytes, one_block);
        let report = load(&lake, &request).unwrap();
        assert_eq!((report.variants, report.records, report.skipped), (4, 8, 0));
        assert!(
            !report
                .problems
                .kept()
                .iter()
                .any(|problem| problem.message.contains("earlier record"))
        );
        let snapshot = lake.snapshot(&dataset()).unwrap();
        let copies: Vec<u32> = sites(&snapshot)
            .iter()
            .map(|site| site.counts.allele_count)
            .collect();
        assert_eq!(copies, [2, 3, 5, 4], "in the order of the files");
        let keys = [
            first.sites[0].key.clone(),
            deletion.clone(),
            first.sites[3].key.clone(),
        ];
        let calls = scanned(&snapshot, &keys);
        assert_eq!(
            calls[1],
            [Some(1), Some(0), Some(0), Some(2)],
            "the first of each file"
        );
        assert_eq!(calls[2], [Some(2), Some(0), Some(2), Some(0)]);
        let mut visited = Vec::new();
        snapshot
            .scan_all(&mut |keys, _| visited.extend_from_slice(keys))
            .unwrap();
        assert_eq!(visited, keys);
    }
}

#[test]
fn the_conformance_file_of_symbolic_duplicates_loses_no_record() {
    let shared = std::env::var_os("LIGATE_SHARED").map(PathBuf::from);
    let shared =
        shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let file = shared.join("standards/vcf/4.2/passed/passed_symbolic_duplicates.vcf");
    if !file.exists() {
        return println!("skipped: there is no {}", file.display());
    }
    let (_keep, _, report) = loaded(&[file]);
    assert_eq!((report.records, report.variants, report.skipped), (2, 2, 0));
}

/// A file of nine records whose positions are no numbers.
fn unreadable(path: &Path) -> PathBuf {
    let text = panel(&["P0"], vec![site(key("1", 10, "A", "G"), &["0|1"]); 9]).text();
    fs::write(path, text.replace("\t10\trs10\t", "\tten\trs10\t")).unwrap();
    path.to_owned()
}

#[test]
fn a_load_without_a_readable_record_fails_and_the_former_snapshot_stays() {
    let folder = tempfile::tempdir().unwrap();
    let bad = unreadable(&folder.path().join("bad.vcf"));
    let good = Panel::random(1, "Q", 3, &["1"], 5).write(&folder.path().join("good.vcf"));
    let (keep, lake, before) = loaded(std::slice::from_ref(&good));
    let tree = panel::tree(keep.path());
    let error = load(&lake, &request(std::slice::from_ref(&bad))).unwrap_err();
    assert!(matches!(
        error,
        LakeError::NothingReadable { records: 9, .. }
    ));
    let message = error.to_string();
    assert!(
        message.starts_with("none of the 9 records could be read; nothing was changed"),
        "{message}"
    );
    assert_eq!(
        message.matches("bad.vcf:").count(),
        5,
        "the first problems: {message}"
    );
    assert_eq!(panel::tree(keep.path()), tree);
    assert_eq!(lake.snapshot(&dataset()).unwrap().id(), before.snapshot);

    let both = load(&lake, &request(&[good, bad])).unwrap();
    assert_eq!(
        (both.variants, both.skipped),
        (5, 9),
        "one readable file is enough"
    );
}

#[test]
fn a_first_load_that_fails_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().join("datasets")).unwrap();
    let bad = request(&[unreadable(&folder.path().join("bad.vcf"))]);
    let before = panel::tree(folder.path());
    assert!(load(&lake, &bad).is_err());
    let stopped = lake.load(&bad, &AtomicBool::new(true), &|_: Progress| {});
    assert!(matches!(stopped, Err(LakeError::Stopped)));
    assert_eq!(panel::tree(folder.path()), before);

    let own = folder.path().join("datasets/cohort");
    fs::create_dir(&own).unwrap();
    assert!(load(&lake, &bad).is_err());
    assert!(own.exists(), "a folder that was there stays");
}

#[test]
fn problems_of_phenotype_tables_are_among_those_of_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("p.tsv");
    fs::write(&table, "id\tldl\tward\nP0\tinf\tB12\nP1\t1.5\tB3\n").unwrap();
    let mut request =
        request(&[Panel::random(2, "P", 2, &["1"], 3).write(&folder.path().join("a.vcf"))]);
    request.phenotypes = vec![(table.clone(), None)];
    let report = load(
        &Lake::open(&folder.path().join("datasets")).unwrap(),
        &request,
    )
    .unwrap();
    let expected = format!(
        "{}:2: column ldl: a value that is not finite counts as missing; write NA",
        table.display()
    );
    assert_eq!(report.problems.kept()[0].to_string(), expected);
    let columns = report.phenotypes.unwrap().text_columns;
    assert_eq!(
        (columns[0].name.as_str(), columns[0].first_line),
        ("ward", 2)
    );
}
