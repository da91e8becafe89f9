//! Counts made again from the text of the VCF files and phenotype tables, and what the disclosure
//! gate must make of them. Nothing of Ligate's is used.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use crate::{
    studies::{SITES, Study},
    tables::{Key, gunzip, trimmed},
};

/// The thresholds of the gate, as a node has them by default.
const OFFERED: u64 = 10;
const SITES_MIN: u64 = 3;
const INDIVIDUALS: u64 = 100;
const CELL: u64 = 10;
const MINOR_ALLELES: u64 = 20;
const MINOR_ALLELES_IN_CASES: u64 = 5;
const MINOR_ALLELES_IN_CONTROLS: u64 = 5;
const CARRIERS: u64 = 10;
const HOMOZYGOTES: u64 = 3;

/// Complete diploid calls of one variant among the people of a study.
#[derive(Clone, Copy, Default)]
struct Counts {
    called: u64,
    alternate: u64,
    /// People with two alternate alleles.
    homozygotes: u64,
    cases_called: u64,
    cases_alternate: u64,
    /// Sites whose file has the variant.
    sites: u64,
    /// Some site has enough copies of the rarer allele to offer it.
    offered: bool,
}

/// Whether a person of the study is a case; people outside of it are not in the map.
type People = HashMap<String, bool>;

/// Compares every row and every key of `study` with the files in `folder`. Its people are those
/// with all of `variables`.
#[track_caller]
pub fn check(folder: &Path, variables: &[&str], trait_name: &str, study: &Study) {
    let diseased = trait_name == "t2d";
    let mut expected: BTreeMap<&Key, Result<&Counts, &str>> = BTreeMap::new();
    let counts = pooled(folder, variables);
    for (key, counts) in counts.iter().filter(|(_, counts)| counts.offered) {
        expected.insert(key, withheld(counts, diseased).map_or(Ok(counts), Err));
    }
    let released: Vec<_> = expected
        .iter()
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(key, _)| *key)
        .collect();
    assert!(
        study.table.keys().eq(released),
        "other variants are released than the gate's rules allow"
    );
    let reasons = expected
        .iter()
        .filter_map(|(key, outcome)| Some((*key, format!("gate: {}", outcome.err()?))));
    let reasons: BTreeMap<_, _> = reasons.collect();
    assert!(
        study
            .suppressed
            .iter()
            .eq(reasons.iter().map(|(key, reason)| (*key, reason))),
        "{:?}",
        study.suppressed
    );
    assert!(
        reasons.len() > 100,
        "the cohorts hold variants for the gate to withhold"
    );
    for (key, row) in &study.table {
        let counts = &counts[key];
        let frequency = counts.alternate as f64 / (2 * counts.called) as f64;
        // Six digits are kept under a permit.
        let frequency: f64 = format!("{frequency:.5e}").parse().expect("a number");
        assert_eq!(
            (row.n, row.frequency.to_bits(), row.sites),
            (counts.called, frequency.to_bits(), counts.sites),
            "{key:?}"
        );
        assert_eq!(
            row.cases,
            diseased.then_some(counts.cases_called),
            "{key:?}"
        );
    }
}

/// The first rule that the counts do not meet.
fn withheld(counts: &Counts, diseased: bool) -> Option<&'static str> {
    let references = 2 * counts.called - counts.alternate;
    let (minor, in_cases) = if counts.alternate <= references {
        (counts.alternate, counts.cases_alternate)
    } else {
        (references, 2 * counts.cases_called - counts.cases_alternate)
    };
    let reference_homozygotes = counts.called + counts.homozygotes - counts.alternate;
    let carriers = if counts.alternate <= references {
        counts.alternate - counts.homozygotes
    } else {
        references - reference_homozygotes
    };
    let few = |people: u64| people > 0 && people < HOMOZYGOTES;
    let smaller_group = counts.cases_called.min(counts.called - counts.cases_called);
    let rules = [
        (
            counts.sites >= SITES_MIN,
            "not every site has calls that can be shown: one lacks the variant, has calls of fewer than nine people in ten, or its calls have changed for a few people since the variant was first shown",
        ),
        (counts.called >= INDIVIDUALS, "too few individuals"),
        (minor >= MINOR_ALLELES, "too few copies of the minor allele"),
        (carriers >= CARRIERS, "too few carriers of the minor allele"),
        (
            !few(counts.homozygotes) && !few(reference_homozygotes),
            "a few people only have two copies of an allele",
        ),
        (
            !diseased || smaller_group >= CELL,
            "too few cases or controls",
        ),
        (
            !diseased || in_cases >= MINOR_ALLELES_IN_CASES,
            "too few copies of the minor allele among cases",
        ),
        (
            !diseased || minor - in_cases >= MINOR_ALLELES_IN_CONTROLS,
            "too few copies of the minor allele among controls",
        ),
    ];
    rules.iter().find(|(met, _)| !met).map(|(_, rule)| *rule)
}

fn pooled(folder: &Path, variables: &[&str]) -> BTreeMap<Key, Counts> {
    let mut pooled: BTreeMap<Key, Counts> = BTreeMap::new();
    for (site, _) in SITES {
        let people = people(&folder.join(format!("{site}.phenotypes.tsv")), variables);
        for (key, own) in site_counts(&gunzip(&folder.join(format!("{site}.vcf.gz"))), &people) {
            let sum = pooled.entry(key).or_default();
            sum.called += own.called;
            sum.alternate += own.alternate;
            sum.homozygotes += own.homozygotes;
            sum.cases_called += own.cases_called;
            sum.cases_alternate += own.cases_alternate;
            sum.sites += 1;
            sum.offered |= own.alternate.min(2 * own.called - own.alternate) >= OFFERED;
        }
    }
    pooled
}

/// People with all the variables. A disease is coded 0/1 or 1/2.
fn people(table: &Path, variables: &[&str]) -> People {
    let text = fs::read_to_string(table).expect("the phenotypes can be read");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let place = |name: &str| {
        rows[0]
            .iter()
            .position(|column| *column == name)
            .expect("the variable is there")
    };
    let wanted: Vec<usize> = variables.iter().map(|name| place(name)).collect();
    let disease = place("t2d");
    let case = if rows[1..].iter().any(|row| row[disease] == "2") {
        "2"
    } else {
        "1"
    };
    let complete = rows[1..].iter().filter(|row| {
        wanted
            .iter()
            .all(|column| !["NA", ""].contains(&row[*column]))
    });
    complete
        .map(|row| (row[0].to_owned(), row[disease] == case))
        .collect()
}

/// Counts per alternate allele of the autosomal records.
fn site_counts(vcf: &str, people: &People) -> Vec<(Key, Counts)> {
    let lines = vcf.lines().skip_while(|line| line.starts_with("##"));
    let mut lines = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let cases: Vec<Option<bool>> = header[9..]
        .iter()
        .map(|person| people.get(*person).copied())
        .collect();
    let mut counted = Vec::new();
    for record in lines {
        let Ok(chromosome) = record[0].trim_start_matches("chr").parse::<u8>() else {
            continue;
        };
        let calls: Vec<_> = record[9..].iter().map(|cell| diploid(cell)).collect();
        let alternates = record[4]
            .split(',')
            .enumerate()
            .filter(|(_, allele)| *allele != ".");
        for (index, alternate) in alternates {
            let key = trimmed(
                chromosome,
                record[1].parse().expect("a position"),
                record[3],
                alternate,
            );
            counted.push((key, count(&calls, &cases, index + 1)));
        }
    }
    counted
}

/// The two alleles of a complete diploid call.
fn diploid(cell: &str) -> Option<[usize; 2]> {
    let call = cell.split(':').next()?;
    let (first, second) = call.split_once(['/', '|'])?;
    Some([first.parse().ok()?, second.parse().ok()?])
}

fn count(calls: &[Option<[usize; 2]>], cases: &[Option<bool>], allele: usize) -> Counts {
    let mut counts = Counts::default();
    let of_the_study = calls
        .iter()
        .zip(cases)
        .filter_map(|(call, case)| Some(((*call)?, (*case)?)));
    for (call, is_case) in of_the_study {
        let copies = call.iter().filter(|own| **own == allele).count() as u64;
        counts.called += 1;
        counts.alternate += copies;
        counts.homozygotes += u64::from(copies == 2);
        counts.cases_called += u64::from(is_case);
        counts.cases_alternate += u64::from(is_case) * copies;
    }
    counts
}
