//! Keys and allele counts against bcftools, an independent reader, on all variant files at hand and
//! on a made-up file with every odd kind of call and many indels. Skipped where bcftools is not
//! installed.
//!
//! Counts are taken from the calls before splitting, keys with `norm -m-` after it: splitting turns
//! the alleles of the other rows to 0, as Ligate does, and leaves AN and each AC as they were.
//! `+fill-tags` counts the calls of real files, which may bring an AC of their own; of a polyploid
//! call it sees two alleles only, so `view -c 0`, which counts all where the file has no AC, serves
//! the made-up file.

mod common;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ligate_formats::{Reference, vcf::VariantBatch};
use ligate_model::Contig;

/// Runs one bcftools command on a file; nothing if it is not installed.
fn bcftools(arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("bcftools")
        .args(arguments)
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else {
        println!("skipped: bcftools is not installed");
        return None;
    };
    assert!(output.status.success(), "bcftools {}", arguments.join(" "));
    Some(output.stdout)
}

fn is_installed() -> bool {
    let Some(version) = bcftools(&["--version"]) else {
        return false;
    };
    let version = String::from_utf8_lossy(&version);
    println!("{}", version.lines().next().unwrap_or_default());
    true
}

fn query(path: &Path, format: &str) -> Vec<Vec<String>> {
    let text = bcftools(&["query", "-f", format, &path.to_string_lossy()]).unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Contig, position, reference and alternate allele.
type Key = (Contig, u32, String, String);

/// Trims alleles in the plainest way.
fn trimmed(contig: &str, position: u32, reference: &str, alternate: &str) -> Key {
    let (mut position, mut reference, mut alternate) =
        (position, reference.to_uppercase(), alternate.to_owned());
    if alternate.chars().all(char::is_alphabetic) {
        alternate.make_ascii_uppercase();
        while reference.len() > 1
            && alternate.len() > 1
            && reference[reference.len() - 1..] == alternate[alternate.len() - 1..]
        {
            reference.pop();
            alternate.pop();
        }
        while reference.len() > 1 && alternate.len() > 1 && reference[..1] == alternate[..1] {
            reference.remove(0);
            alternate.remove(0);
            position += 1;
        }
    }
    (Contig::new(contig), position, reference, alternate)
}

fn has_row(alternate: &str) -> bool {
    !matches!(alternate, "." | "*" | "<*>" | "<NON_REF>" | "<*:DEL>")
}

fn keys(batch: &VariantBatch) -> Vec<Key> {
    let mut keys: Vec<Key> = batch
        .variants
        .iter()
        .map(|variant| {
            let key = &variant.key;
            let (reference, alternate) = (
                key.reference.as_str().to_owned(),
                key.alternate.as_str().to_owned(),
            );
            (key.contig.clone(), key.position.get(), reference, alternate)
        })
        .collect();
    keys.sort();
    keys
}

/// How often each key comes with which AC and AN.
type Counts = BTreeMap<(Key, u32, u32), usize>;

fn check_counts(path: &Path, batch: &VariantBatch, folder: &Path, polyploid: bool) {
    let filled = folder.join("filled");
    let (from, to) = (path.to_string_lossy(), filled.to_string_lossy());
    if polyploid {
        bcftools(&["view", "-c", "0", &from, "-Ou", "-o", &to]).unwrap();
    } else {
        bcftools(&["+fill-tags", &from, "-Ou", "-o", &to, "--", "-t", "AN,AC"]).unwrap();
    }
    let mut expected = Counts::new();
    for row in query(&filled, "%CHROM\t%POS\t%REF\t%ALT\t%AC\t%AN\n") {
        for (alternate, count) in row[3].split(',').zip(row[4].split(',')) {
            if has_row(alternate) {
                let key = trimmed(&row[0], row[1].parse().unwrap(), &row[2], alternate);
                *expected
                    .entry((key, count.parse().unwrap(), row[5].parse().unwrap()))
                    .or_default() += 1;
            }
        }
    }
    let mut found = Counts::new();
    for (variant, counts) in batch.variants.iter().zip(&batch.blocks[0].counts) {
        let (reference, alternate) = (
            variant.key.reference.as_str(),
            variant.key.alternate.as_str(),
        );
        let key = trimmed(
            &variant.key.contig.to_string(),
            variant.key.position.get(),
            reference,
            alternate,
        );
        *found
            .entry((key, counts.allele_count, counts.allele_number))
            .or_default() += 1;
    }
    assert!(!found.is_empty());
    let wrong: Vec<_> = found
        .iter()
        .filter(|entry| expected.get(entry.0) != Some(entry.1))
        .take(3)
        .collect();
    let right: Vec<_> = expected
        .iter()
        .filter(|entry| found.get(entry.0) != Some(entry.1))
        .take(3)
        .collect();
    assert!(
        found == expected,
        "AC and AN of {}: {wrong:?}, not {right:?}",
        path.display()
    );
}

fn check_keys(path: &Path, batch: &VariantBatch, folder: &Path) {
    let split = folder.join("split");
    bcftools(&[
        "norm",
        "-m-",
        &path.to_string_lossy(),
        "-Ou",
        "-o",
        &split.to_string_lossy(),
    ])
    .unwrap();
    let mut expected: Vec<Key> = query(&split, "%CHROM\t%POS\t%REF\t%ALT\n")
        .iter()
        .filter(|row| has_row(&row[3]))
        .map(|row| trimmed(&row[0], row[1].parse().unwrap(), &row[2], &row[3]))
        .collect();
    expected.sort();
    assert!(keys(batch) == expected, "keys of {}", path.display());
}

/// BCF holds what the VCF does; only the line numbers differ. (bcftools compresses whatever is
/// named .bcf.)
fn check_binary(path: &Path, batch: &VariantBatch, folder: &Path, kinds: &[&str]) {
    for kind in kinds {
        let binary = folder.join("binary");
        bcftools(&[
            "view",
            kind,
            &path.to_string_lossy(),
            "-o",
            &binary.to_string_lossy(),
        ])
        .unwrap();
        let (mut found, _) = common::read(&binary, None).unwrap();
        assert_eq!(
            found.variants.len(),
            batch.variants.len(),
            "{}",
            path.display()
        );
        for (found, expected) in found.variants.iter_mut().zip(&batch.variants) {
            found.line = expected.line;
        }
        assert!(found == *batch, "{} as BCF {kind}", path.display());
    }
}

fn files() -> Vec<PathBuf> {
    let Some(data) = common::shared("data") else {
        return Vec::new();
    };
    let names = [
        "real-sites/hapmap3",
        "real-sites/kg-hg",
        "real-sites/kg-na",
        "clinical/trio",
        "clinical/giab-trio",
    ];
    let more = ["clinical/quartet-chr6", "clinical/pfeiffer-exome"];
    names
        .iter()
        .chain(&more)
        .map(|name| data.join(format!("{name}.vcf.gz")))
        .collect()
}

#[test]
fn real_files_agree() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for path in files() {
        let (batch, report) = common::read(&path, None).unwrap();
        assert_eq!(report.skipped, 0, "{}", path.display());
        check_counts(&path, &batch, folder.path(), false);
        check_keys(&path, &batch, folder.path());
        check_binary(&path, &batch, folder.path(), &["-Ou"]);
    }
}

/// Sites without genotypes; one record's ALT is nonsense, which Ligate skips and bcftools lets
/// pass.
#[test]
fn clinvar_agrees() {
    let Some(path) = common::shared("data/clinvar/pathogenic_201806.grch37.vcf.gz") else {
        return;
    };
    if !is_installed() {
        return;
    }
    let (batch, report) = common::read(&path, None).unwrap();
    assert_eq!((report.records, report.skipped), (74_656, 1));
    let mut expected: Vec<Key> = query(&path, "%CHROM\t%POS\t%REF\t%ALT\n")
        .iter()
        .filter(|row| row[3].bytes().all(|b| b"ACGTN".contains(&b)))
        .map(|row| trimmed(&row[0], row[1].parse().unwrap(), &row[2], &row[3]))
        .collect();
    expected.sort();
    assert!(keys(&batch) == expected);
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn bases(&mut self, count: usize, alphabet: &str) -> String {
        (0..count)
            .map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())]))
            .collect()
    }
}

/// A genome of repeats, in which indels move far, and records with one to three alternate alleles.
fn made_up(numbers: &mut Numbers) -> (String, String) {
    let mut genome = String::new();
    while genome.len() < 20_000 {
        let (unit, times) = (numbers.below(4) + 1, numbers.below(60) + 1);
        let unit = numbers.bases(unit, "ACGT");
        genome.push_str(&unit.repeat(times));
    }
    let mut vcf = String::from(
        "##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
         #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\td\te\tf\n",
    );
    let calls = [
        "0/1", "1|1", "0|0", "./.", ".", "1", "0", "./1", "0/.", "0/1/1", "1|0", "0|1|.",
    ];
    let mut position = 1;
    while position < 19_900 {
        let reference = genome[position - 1..position + numbers.below(6)].to_owned();
        let mut alternates: Vec<String> = Vec::new();
        for _ in 0..=numbers.below(3) {
            let (kept, added) = (numbers.below(reference.len()) + 1, numbers.below(5));
            let alternate = reference[..kept].to_owned()
                + &genome[position + kept - 1..position + kept - 1 + added];
            if alternate != reference && !alternates.contains(&alternate) {
                alternates.push(alternate);
            }
        }
        if numbers.below(9) == 0 {
            alternates.push("*".into());
        }
        if alternates.is_empty() {
            alternates.push(numbers.bases(1, "ACGT").replace(&reference[..1], "<DEL>"));
        }
        write!(
            vcf,
            "1\t{position}\t.\t{reference}\t{}\t.\t.\t.\tGT",
            alternates.join(",")
        )
        .unwrap();
        for _ in 0..6 {
            let call = calls[numbers.below(calls.len())];
            let other = (numbers.below(alternates.len()) + 1).to_string();
            write!(vcf, "\t{}", call.replace('1', &other)).unwrap();
        }
        vcf.push('\n');
        position += numbers.below(30) + 1;
    }
    (genome, vcf)
}

#[test]
fn made_up_files_agree_with_and_without_a_reference() {
    if !is_installed() {
        return;
    }
    for seed in 1..=5 {
        let (genome, vcf) = made_up(&mut Numbers(seed));
        let (folder, path) = common::file("made-up.vcf", vcf);
        let fasta = folder.path().join("genome.fa");
        let lines: Vec<&str> = (0..genome.len())
            .step_by(60)
            .map(|i| &genome[i..(i + 60).min(genome.len())])
            .collect();
        std::fs::write(&fasta, format!(">1\n{}\n", lines.join("\n"))).unwrap();
        let (batch, report) = common::read(&path, None).unwrap();
        assert_eq!(report.skipped, 0, "{:?}", report.problems.kept());
        check_counts(&path, &batch, folder.path(), true);
        check_binary(&path, &batch, folder.path(), &["-Ob", "-Ou"]);
        let reference = Reference::open(&fasta).unwrap();
        let (aligned, report) = common::read(&path, Some(&reference)).unwrap();
        assert_eq!(report.skipped, 0, "{:?}", report.problems.kept());
        let split = folder.path().join("aligned");
        let (from, to) = (path.to_string_lossy(), split.to_string_lossy());
        bcftools(&[
            "norm",
            "-m-",
            "-f",
            &fasta.to_string_lossy(),
            &from,
            "-Ou",
            "-o",
            &to,
        ])
        .unwrap();
        let mut expected: Vec<Key> = query(&split, "%CHROM\t%POS\t%REF\t%ALT\n")
            .into_iter()
            .filter(|row| has_row(&row[3]))
            .map(|row| {
                (
                    Contig::new(&row[0]),
                    row[1].parse().unwrap(),
                    row[2].clone(),
                    row[3].clone(),
                )
            })
            .collect();
        expected.sort();
        assert_eq!(keys(&aligned), expected);
    }
}
