//! What comes out of a variant file: variants, rows, problems with their lines; and what does not
//! depend on how the file is wrapped or how many threads read it.

#![allow(clippy::single_range_in_vec_init)] // one block of samples is meant

mod common;

use std::{
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use common::{file, read, read_with};
use flate2::{Compression, write::GzEncoder};
use ligate_formats::{
    ReadFailure, Reference, bgzf,
    vcf::{self, ReadOptions, Source, VariantBatch},
};
use ligate_genotypes::{AlleleCounts, Exception, Phase, Row};
use ligate_model::Assembly;
use proptest::prelude::*;

const HEADER: &str = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn keys(batch: &VariantBatch) -> Vec<String> {
    batch
        .variants
        .iter()
        .map(|variant| variant.key.to_string())
        .collect()
}

#[test]
fn a_small_file_gives_these_variants() {
    let (batch, report) = read(&fixture("calls.vcf"), None).unwrap();
    assert_eq!((report.records, report.variants, report.skipped), (5, 5, 0));
    assert_eq!(
        keys(&batch),
        [
            "1:100:A:G",
            "1:200:AT:A",
            "1:200:A:AA",
            "1:300:C:<DEL>",
            "X:0:T:T[chr1:5["
        ]
    );
    let ids: Vec<_> = batch
        .variants
        .iter()
        .map(|variant| variant.id.as_deref())
        .collect();
    assert_eq!(ids, [Some("rs1"), None, None, Some("rs3;rs4"), None]);
    let alternates: Vec<_> = batch
        .variants
        .iter()
        .map(|v| (v.alternate_index, v.alternates, v.line))
        .collect();
    assert_eq!(
        alternates,
        [(1, 1, 12), (1, 3, 13), (2, 3, 13), (1, 1, 14), (1, 1, 16)]
    );
    let records: Vec<_> = batch
        .variants
        .iter()
        .map(|variant| variant.record.as_deref())
        .collect();
    assert_eq!(
        records,
        [
            None,
            Some("200:AT:A,AAT,*"),
            Some("200:AT:A,AAT,*"),
            None,
            None
        ]
    );
}

#[test]
fn a_small_file_gives_these_calls() {
    let (batch, _) = read(&fixture("calls.vcf"), None).unwrap();
    let calls = |variant| {
        Row::parse(batch.blocks[0].row(variant).unwrap(), 5)
            .unwrap()
            .decode()
    };
    let codes = |variant| {
        (0..5)
            .map(|sample| calls(variant).code(sample))
            .collect::<Vec<u8>>()
    };
    assert_eq!(codes(0), [0, 1, 3, 0, 0]);
    assert_eq!(
        calls(0).exceptions(),
        [
            (3, Exception::Missing),
            (4, Exception::HalfMissing { alternate: true })
        ]
    );
    assert_eq!(
        (codes(1), codes(2)),
        (vec![1, 0, 0, 0, 0], vec![2, 0, 0, 0, 0])
    );
    // Of the two complete calls one is phased, and it alone is heterozygous.
    assert!(calls(1).phase() == Phase::Phased || calls(1).phased() == [0]);
    assert_eq!(
        calls(2).exceptions(),
        [
            (2, Exception::Haploid { alternate: true }),
            (3, Exception::HaploidMissing),
            (
                4,
                Exception::Polyploid {
                    alternates: 1,
                    alleles: 3
                }
            ),
        ]
    );
    assert_eq!(
        (calls(3).phase(), codes(3)),
        (Phase::Phased, vec![2, 1, 0, 0, 3])
    );
    assert_eq!(calls(4).exceptions().len(), 5);
    let expected = AlleleCounts {
        allele_number: 7,
        allele_count: 4,
        called: 3,
        heterozygous: 1,
        homozygous: 1,
        diploid_allele_count: 3,
    };
    assert_eq!(batch.blocks[0].counts[0], expected);
}

#[test]
fn binary_is_the_same() {
    let (text, _) = read(&fixture("calls.vcf"), None).unwrap();
    let (mut binary, report) = read(&fixture("calls.bcf"), None).unwrap();
    assert_eq!((report.records, report.skipped), (5, 0));
    assert_eq!(binary.variants[1].line, 2);
    for (binary, text) in binary.variants.iter_mut().zip(&text.variants) {
        binary.line = text.line;
    }
    assert_eq!(text, binary);
    let source = Source::open(&fixture("calls.bcf")).unwrap();
    assert_eq!(
        (source.samples().len(), source.assembly()),
        (5, Some(Assembly::Grch38))
    );
}

#[test]
fn sites_without_genotypes_have_no_samples() {
    let (_folder, path) = file(
        "sites.vcf",
        format!("{HEADER}\r\n1\t5\trs5\ta\tg\t.\t.\t.\r\n"),
    );
    let (batch, report) = read_with(&path, None, 1, |samples| vec![0..samples]).unwrap();
    assert_eq!(
        (keys(&batch), report.skipped),
        (vec!["1:5:A:G".to_owned()], 0)
    );
    assert_eq!(batch.blocks[0].counts[0].allele_number, 0);
    let (batch, _) = read_with(&path, None, 1, |_| Vec::new()).unwrap();
    assert_eq!((batch.variants.len(), batch.blocks.len()), (1, 0));
}

/// Reads one record of two samples; its problem and whether it was skipped.
fn problem(record: &str) -> (Option<String>, u64) {
    let (_folder, path) = file(
        "one.vcf",
        format!("{HEADER}\tFORMAT\ta\tb\n{}\n", record.replace(' ', "\t")),
    );
    let (_, report) = read(&path, None).unwrap();
    assert!(
        report
            .problems
            .kept()
            .iter()
            .all(|problem| problem.line == 3 && problem.file == path)
    );
    (
        report
            .problems
            .kept()
            .first()
            .map(|problem| problem.message.clone()),
        report.skipped,
    )
}

#[test]
fn bad_records_are_skipped_and_reported() {
    for (record, message) in [
        (
            "1 5 . A C . . . GT 0/1",
            "the record does not have one column for each sample",
        ),
        (
            "1 5 . A C . . . GT 0/1 0/1 0/1",
            "the record does not have one column for each sample",
        ),
        (
            "1 5 . A C . . . GT 0/1 0/2",
            "a GT names an allele that the record does not have",
        ),
        (
            "1 5 . A C . . . GT 0/1 x/1",
            "a GT is not of the form 0/1, 0|1, 0 or .",
        ),
        (
            "1 5 . A C . . . GT:DP 0/1:3 :3",
            "a GT is not of the form 0/1, 0|1, 0 or .",
        ),
        (
            "1 5 . A C . . . DP:GT 3:0/1 3:0/1",
            "GT is not the first FORMAT field",
        ),
        (
            "1 5 . A C . . . DP 3",
            "the record does not have one column for each sample",
        ),
        (
            "1 x . A C . . . GT 0/1 0/1",
            "POS is no whole number from 0 to 2147483647",
        ),
        (
            "1 5 . A R . . . GT 0/1 0/1",
            "ALT holds something that is neither bases, *, a symbolic allele nor a breakend",
        ),
        (
            "1 5 . R A . . . GT 0/1 0/1",
            "REF is not made of the bases A, C, G, T and N",
        ),
        ("1 5 . A a . . . GT 0/1 0/1", "an ALT is the same as REF"),
        (
            "1,2 5 . A C . . . GT 0/1 0/1",
            "CHROM is empty or has white space, commas or angle brackets",
        ),
        (
            "1 5 . A",
            "the record has fewer columns than the header; are they separated by tabs?",
        ),
    ] {
        assert_eq!(problem(record), (Some(message.into()), 1), "{record}");
    }
}

#[test]
fn what_is_not_read_is_reported_and_kept() {
    for (record, message) in [
        (
            "1 5 . A C . . AC=1,2 GT 0/1 0/1",
            "INFO AC does not hold the number of values of its definition",
        ),
        (
            "1 5 . A C . . DP=x GT 0/1 0/1",
            "INFO DP holds a value that its definition does not allow",
        ),
        ("1 5 . A C x . . GT 0/1 0/1", "QUAL is no number from 0 up"),
        (
            "1 5 . A C . 0 . GT 0/1 0/1",
            "FILTER has an empty, missing or reserved name, or white space",
        ),
        (
            "1 5 . A C . . . GT:PL 0/1:1,2 0/1",
            "FORMAT PL does not hold the number of values of its definition",
        ),
        (
            "1 5 . A C . . . GT:PL 0/1:1,2,3:4 0/1",
            "a sample has more fields than FORMAT",
        ),
    ] {
        assert_eq!(problem(record), (Some(message.into()), 0), "{record}");
    }
    for record in [
        "1 5 . A C . . . GT 0/1 0/1",
        "1 5 . A . . . . GT:PL ./.:. 1:0",
        "1 0 . A <DEL> . . AC=. GT . 1|1",
    ] {
        assert_eq!(problem(record), (None, 0), "{record}");
    }
}

#[test]
fn bad_headers_are_refused() {
    let columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    for (text, expected) in [
        (String::new(), "neither VCF nor BCF"),
        (">1\nACGT\n".into(), "it looks like FASTA"),
        (
            format!("{columns}\n"),
            ":1: the first line must be ##fileformat=VCFv4.x",
        ),
        (
            format!("##fileformat=VCFv4.0\n{columns}\n"),
            ":1: the version is none of",
        ),
        (
            "##fileformat=VCFv4.2\n##source=x\n".into(),
            ":2: the header ends without a #CHROM line",
        ),
        (
            format!("##fileformat=VCFv4.2\nnonsense\n{columns}\n"),
            ":2: this line stands before the #CHROM line",
        ),
        (
            "##fileformat=VCFv4.2\n#CHROM POS ID REF\n".into(),
            ":2: the column line must be",
        ),
        (
            format!("##fileformat=VCFv4.2\n{columns}\tFORMAT\n"),
            ":2: after FORMAT there must be",
        ),
        (
            format!("##fileformat=VCFv4.2\n{columns}\tFORMAT\ta\ta\n"),
            ":2: sample 2 has the name of an earlier one",
        ),
        (
            format!("##fileformat=VCFv4.2\n{columns}\tFORMAT\ta\t\n"),
            ":2: sample 2 has an empty or unusable name",
        ),
        (
            format!("##fileformat=VCFv4.2\n##contig=<length=5>\n{columns}\n"),
            ":2: this header line defines something",
        ),
    ] {
        let (_folder, path) = file("bad.vcf", &text);
        let error = Source::open(&path).err().unwrap().to_string();
        assert!(
            error.contains(expected) && error.contains("bad.vcf"),
            "{text}: {error}"
        );
    }
    assert!(
        Source::open(Path::new("nowhere.vcf"))
            .err()
            .unwrap()
            .to_string()
            .contains("nowhere.vcf")
    );
}

#[test]
fn alleles_are_held_against_the_reference() {
    let records = "1\t3\t.\tACA\tA\t.\t.\t.\n1\t6\t.\tG\tT\t.\t.\t.\n9\t5\t.\tA\tC\t.\t.\t.\n1\t99\t.\tA\tC\t.\t.\t.\n1\t9\t.\tA\t<DEL>\t.\t.\t.\n";
    let (folder, path) = file("sites.vcf", format!("{HEADER}\n{records}"));
    let fasta = folder.path().join("genome.fa");
    std::fs::write(&fasta, ">chr1\nGCACACACA\n").unwrap();
    let reference = Reference::open(&fasta).unwrap();
    let (batch, report) = read(&path, Some(&reference)).unwrap();
    assert_eq!(keys(&batch), ["1:1:GCA:G", "1:9:A:<DEL>"]);
    let problems: Vec<(u64, &str)> = report
        .problems
        .kept()
        .iter()
        .map(|p| (p.line, p.message.as_str()))
        .collect();
    assert_eq!(
        problems[..3],
        [
            (4, "REF is not what the reference FASTA has there"),
            (5, "the contig is not in the reference FASTA"),
            (
                6,
                "the record lies beyond the contig's end in the reference FASTA"
            ),
        ]
    );
    assert_eq!(report.skipped, 3);
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn bgzip(content: &[u8]) -> Vec<u8> {
    let mut writer = bgzf::Writer::new(Vec::new());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

/// Several megabytes, so that there are several chunks.
fn large() -> String {
    let mut text = format!("{HEADER}\tFORMAT");
    (0..200).for_each(|sample| text += &format!("\ts{sample}"));
    for record in 0..7000_usize {
        text += &format!(
            "\n{}\t{}\t.\tA\tC\t.\t.\t.\tGT",
            1 + record / 4000,
            10 + record
        );
        for sample in 0..200 {
            text += ["\t0/0", "\t0/1", "\t1/1", "\t./."][record * (sample + 7) % 89 % 4];
        }
        if record == 5000 {
            text += "\t0/0";
        }
    }
    text + "\n"
}

#[test]
fn wrapping_threads_and_blocks_change_nothing() {
    let text = large();
    let (_folder, path) = file("large.vcf", &text);
    let (expected, report) = read_with(&path, None, 1, |_| vec![0..200]).unwrap();
    assert_eq!(
        (report.records, report.skipped, report.variants),
        (7000, 1, 6999)
    );
    assert_eq!(report.problems.kept()[0].line, 5003);
    assert_eq!(expected.variants[6998].line, 7002);
    for content in [
        text.clone().into_bytes(),
        bgzip(text.as_bytes()),
        gzip(text.as_bytes()),
    ] {
        let (_folder, path) = file("large", content);
        for threads in [1, 2, 5] {
            let (found, report) = read_with(&path, None, threads, |_| vec![0..200]).unwrap();
            assert!(found == expected);
            assert_eq!(report.problems.kept()[0].line, 5003);
        }
    }
    let (blocks, _) = read_with(&path, None, 3, |_| vec![0..33, 33..200]).unwrap();
    for (variant, whole) in expected.blocks[0].counts.iter().enumerate() {
        let mut sum = blocks.blocks[0].counts[variant];
        sum += blocks.blocks[1].counts[variant];
        assert_eq!(sum, *whole);
    }
}

#[test]
fn reading_ends_when_asked() {
    let (_folder, path) = file("large.vcf", large());
    let stop = AtomicBool::new(false);
    let progress = |progress: vcf::Progress| {
        assert!(progress.bytes <= progress.total && progress.bytes > 0);
        stop.store(true, Ordering::Relaxed);
    };
    let options = ReadOptions {
        reference: None,
        blocks: vec![0..200],
        threads: 2,
        stop: &stop,
        progress: &progress,
    };
    let result = vcf::read(Source::open(&path).unwrap(), &options, &mut |_| {
        Ok::<(), String>(())
    });
    assert!(matches!(result, Err(ReadFailure::Stopped)));
    stop.store(false, Ordering::Relaxed);
    let result = vcf::read(Source::open(&path).unwrap(), &options, &mut |_| Err("full"));
    assert!(matches!(result, Err(ReadFailure::Sink("full"))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The fast path of GT alone gives what the general path gives, which other FORMAT fields
    /// force.
    #[test]
    fn calls_are_the_same_with_other_fields_behind(
        calls in proptest::collection::vec("[01.][/|][01.]", 1..150),
        separator in "[/|x]",
    ) {
        let calls: Vec<String> = match separator.as_str() {
            "x" => calls,
            one => calls.iter().map(|call| call.replace(['/', '|'], one)).collect(),
        };
        let samples: String = (0..calls.len()).map(|sample| format!("\ts{sample}")).collect();
        let record = |format: &str, behind: &str| {
            let calls: String = calls.iter().map(|call| format!("\t{call}{behind}")).collect();
            let (_folder, path) = file("x.vcf", format!("{HEADER}\tFORMAT{samples}\n1\t5\t.\tA\tC\t.\t.\t.\t{format}{calls}\n"));
            read(&path, None).unwrap()
        };
        let ((fast, _), (general, report)) = (record("GT", ""), record("GT:XX", ":7"));
        prop_assert_eq!(report.problems.total(), 0);
        prop_assert_eq!(&fast, &general);
        prop_assert_eq!(fast.variants.len(), 1);
    }
}
