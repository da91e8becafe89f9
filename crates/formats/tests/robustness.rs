//! Cut, changed and random files: an error or reported problems, never a panic, never a short
//! result that looks whole.

mod common;

use std::{fs, io::Write, path::Path};

use common::{file, read};
use ligate_formats::{ReadError, bgzf};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name),
    )
    .unwrap()
}

fn bgzip(content: &[u8]) -> Vec<u8> {
    let mut writer = bgzf::Writer::new(Vec::new());
    for piece in content.chunks(700) {
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    for name in ["calls.vcf", "calls.bcf"] {
        let whole = bgzip(&fixture(name));
        for cut in 0..whole.len() {
            let (_folder, path) = file("cut", &whole[..cut]);
            let error = read(&path, None).map(|_| ()).unwrap_err();
            let truncated = matches!(error, ReadError::Truncated { .. });
            assert!(truncated || cut < 18, "{name} cut at {cut}: {error}");
        }
    }
    let whole = fixture("calls.bcf");
    for cut in 9..whole.len() {
        let (_folder, path) = file("cut", &whole[..cut]);
        if let Ok((_, report)) = read(&path, None) {
            // Plain BCF has no end marker: a cut between two records cannot be seen.
            assert!(report.records < 5, "cut at {cut}");
        }
    }
}

/// A file with some bytes changed.
fn changed(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let content = fixture(name);
    let length = content.len();
    let edit = (
        0..length,
        prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"\t\n:;,.|/<>[]0129A=\"#\0".to_vec())
        ],
    );
    (
        proptest::collection::vec(edit, 0..12),
        0..length,
        any::<bool>(),
    )
        .prop_map(move |(edits, end, cut)| {
            let mut bytes = content.clone();
            edits.into_iter().for_each(|(at, byte)| bytes[at] = byte);
            bytes.truncate(if cut { end } else { length });
            bytes
        })
}

fn check(bytes: &[u8]) {
    let (_folder, path) = file("any", bytes);
    if let Ok((batch, report)) = read(&path, None) {
        assert_eq!(batch.variants.len() as u64, report.variants);
        assert!(report.skipped <= report.records && report.skipped <= report.problems.total());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_text_never_panics(bytes in changed("calls.vcf")) {
        check(&bytes);
    }

    #[test]
    fn changed_binary_never_panics(bytes in changed("calls.bcf")) {
        check(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0..5) {
        let start: &[u8] = match kind {
            0 => b"",
            1 => b"##fileformat=VCFv4.3\n",
            2 => b"BCF\x02\x02",
            3 => b"\x28\xb5\x2f\xfd",
            _ => b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0",
        };
        let bytes = [start, &bytes].concat();
        check(&bytes);
    }

    #[test]
    fn random_header_lines_and_records_never_panic(
        meta in "(##(INFO|FORMAT|ALT|contig|FILTER|SAMPLE|PEDIGREE)=<(ID=[A-Z<,\"]{0,3},?)?(Number=.,)?(Type=(Flag|Integer),)?(Description=.{0,5})?>?\n){0,4}",
        records in "([12<]{1,2}\t[0-9]{0,12}\t[.;a]{1,2}\t[ACGTN*]{0,4}\t[ACG,.*<>\\[\\]:1]{0,7}\t[.0-9e-]{1,3}\t[.;P0]{1,2}\t[A-C=;,.0-9]{0,6}\tGT(:[A-C:]{0,3})?\t[0-3./|:,]{0,9}\n){0,6}",
    ) {
        let columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n";
        check(format!("##fileformat=VCFv4.4\n{meta}{columns}{records}").as_bytes());
    }
}
