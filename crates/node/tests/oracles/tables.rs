//! Tables as the tests read them: a released one, an oracle's, the list of planted effects.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use crate::{repository, support};

/// Chromosome, position, reference and alternate allele, trimmed.
pub type Key = (u8, u32, String, String);

/// A row of T.gwas.tsv.gz.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub beta: f64,
    pub se: f64,
    pub p: f64,
    pub frequency: f64,
    pub n: u64,
    pub cases: Option<u64>,
    pub sites: u64,
    pub test: String,
    pub rsid: String,
}

pub type Table = BTreeMap<Key, Row>;

/// What an oracle says of one variant. Where it has no result, `error` says why and the numbers are
/// NaN.
#[derive(Clone, Debug)]
pub struct Expected {
    pub beta: f64,
    pub se: f64,
    pub p: f64,
    pub n: u64,
    pub error: String,
}

/// A file of `oracles/`, or one that plink2 has just written.
pub struct Oracle {
    pub name: String,
    pub rows: BTreeMap<Key, Expected>,
}

/// One effect that was put into simulated traits.
pub struct Planted {
    pub trait_name: String,
    pub key: Key,
    pub id: String,
    pub effect: f64,
}

/// Columns by name of a table whose first line names them.
struct Columns(Vec<String>);

impl Columns {
    #[track_caller]
    fn get<'a>(&self, row: &'a [String], name: &str) -> &'a str {
        let index = self.0.iter().position(|column| column == name);
        &row[index.unwrap_or_else(|| panic!("no column {name} in {:?}", self.0))]
    }

    #[track_caller]
    fn number<T: std::str::FromStr>(&self, row: &[String], name: &str) -> T {
        let cell = self.get(row, name);
        cell.parse().unwrap_or_else(|_| panic!("{name} is {cell}"))
    }

    /// NA is NaN.
    #[track_caller]
    fn real(&self, row: &[String], name: &str) -> f64 {
        if self.get(row, name) == "NA" {
            f64::NAN
        } else {
            self.number(row, name)
        }
    }
}

/// A released table.
pub fn released(path: &Path) -> Table {
    let (header, rows) = support::table(path);
    let columns = Columns(header);
    let count = rows.len();
    let table: Table = rows
        .iter()
        .map(|row| (released_key(&columns, row), released_row(&columns, row)))
        .collect();
    assert_eq!(table.len(), count, "a key occurs twice");
    table
}

/// Keys and reasons of T.suppressed.tsv.gz.
pub fn suppressed(path: &Path) -> BTreeMap<Key, String> {
    let (header, rows) = support::table(path);
    let columns = Columns(header);
    rows.iter()
        .map(|row| {
            (
                released_key(&columns, row),
                columns.get(row, "reason").to_owned(),
            )
        })
        .collect()
}

/// The effect allele of a row is the alternate one: the key has it last.
fn released_key(columns: &Columns, row: &[String]) -> Key {
    (
        columns.number(row, "chromosome"),
        columns.number(row, "base_pair_location"),
        columns.get(row, "other_allele").to_owned(),
        columns.get(row, "effect_allele").to_owned(),
    )
}

fn released_row(columns: &Columns, row: &[String]) -> Row {
    Row {
        beta: columns.number(row, "beta"),
        se: columns.number(row, "standard_error"),
        p: columns.number(row, "p_value"),
        frequency: columns.number(row, "effect_allele_frequency"),
        n: columns.number(row, "n"),
        cases: columns.get(row, "n_cases").parse().ok(),
        sites: columns.number(row, "sites"),
        test: columns.get(row, "test").to_owned(),
        rsid: columns.get(row, "rsid").to_owned(),
    }
}

impl Oracle {
    /// `oracles/FOLDER/expected.NAME.tsv.gz`, which must say that `version` made it.
    pub fn read(folder: &str, name: &str, version: &str) -> Self {
        let path = repository("oracles")
            .join(folder)
            .join(format!("expected.{name}.tsv.gz"));
        let text = gunzip(&path);
        assert!(
            text.contains(version),
            "{} was not made by {version}",
            path.display()
        );
        let (header, rows) = support::table(&path);
        let columns = Columns(header);
        let rows = rows.iter().map(|row| {
            let key = (
                columns.number(row, "chrom"),
                columns.number(row, "pos"),
                columns.get(row, "ref").to_owned(),
                columns.get(row, "alt").to_owned(),
            );
            assert_eq!(
                columns.get(row, "a1"),
                key.3,
                "the oracle's effect allele is the alternate one"
            );
            (
                key,
                expected_row(&columns, row, ["beta", "se", "p", "n", "error"]),
            )
        });
        Self {
            name: format!("{folder}/{name}"),
            rows: rows.collect(),
        }
    }

    /// What `plink2 --glm` has written.
    pub fn of_plink2(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("plink2 has written its table");
        let mut lines = text
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
        let columns = Columns(lines.next().expect("a header"));
        let rows = lines.map(|row| {
            let (chromosome, position) =
                (columns.number(&row, "#CHROM"), columns.number(&row, "POS"));
            let key = trimmed(
                chromosome,
                position,
                columns.get(&row, "REF"),
                columns.get(&row, "ALT"),
            );
            assert_eq!(columns.get(&row, "A1"), columns.get(&row, "ALT"));
            (
                key,
                expected_row(&columns, &row, ["BETA", "SE", "P", "OBS_CT", "ERRCODE"]),
            )
        });
        Self {
            name: "live plink2".to_owned(),
            rows: rows.collect(),
        }
    }

    /// People of the study: as many as have a call of the best called variant.
    pub fn people(&self) -> u64 {
        self.rows
            .values()
            .map(|row| row.n)
            .max()
            .unwrap_or_default()
    }
}

fn expected_row(columns: &Columns, row: &[String], [beta, se, p, n, error]: [&str; 5]) -> Expected {
    Expected {
        beta: columns.real(row, beta),
        se: columns.real(row, se),
        p: columns.real(row, p),
        n: columns.number(row, n),
        error: columns.get(row, error).to_owned(),
    }
}

impl Planted {
    /// Reads planted.tsv: trait, chrom, pos, id, ref, alt, effect per alternate allele.
    pub fn read(path: &Path) -> Vec<Self> {
        let text = fs::read_to_string(path).expect("planted.tsv can be read");
        let planted = text.lines().skip(1).map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            let key = trimmed(
                cells[1].parse().unwrap(),
                cells[2].parse().unwrap(),
                cells[4],
                cells[5],
            );
            let (trait_name, id) = (cells[0].to_owned(), cells[3].to_owned());
            Self {
                trait_name,
                key,
                id,
                effect: cells[6].parse().unwrap(),
            }
        });
        planted.collect()
    }

    /// Whether the variant has a p below `threshold`, nothing within 1 Mb a larger test statistic,
    /// and its effect the planted sign.
    #[track_caller]
    pub fn check(&self, table: &Table, threshold: f64) {
        let own = table
            .get(&self.key)
            .unwrap_or_else(|| panic!("{} has no result", self.id));
        assert!(own.p < threshold, "{}: p is {}", self.id, own.p);
        assert_eq!(
            own.beta.signum(),
            self.effect.signum(),
            "{}: beta is {}",
            self.id,
            own.beta
        );
        let near = |key: &Key| key.0 == self.key.0 && key.1.abs_diff(self.key.1) <= 1_000_000;
        let rivals: Vec<_> = table
            .iter()
            .filter(|(key, row)| near(key) && row.p < own.p)
            .collect();
        assert!(
            rivals.is_empty(),
            "{} is not the strongest within 1 Mb: {rivals:?}",
            self.id
        );
    }
}

/// Shared last bases go first, then shared first bases; one base always stays.
pub fn trimmed(chromosome: u8, mut position: u32, mut reference: &str, mut alternate: &str) -> Key {
    while reference.len() > 1
        && alternate.len() > 1
        && reference.as_bytes().last() == alternate.as_bytes().last()
    {
        (reference, alternate) = (
            &reference[..reference.len() - 1],
            &alternate[..alternate.len() - 1],
        );
    }
    while reference.len() > 1
        && alternate.len() > 1
        && reference.as_bytes()[0] == alternate.as_bytes()[0]
    {
        (position, reference, alternate) = (position + 1, &reference[1..], &alternate[1..]);
    }
    (
        chromosome,
        position,
        reference.to_owned(),
        alternate.to_owned(),
    )
}

pub fn gunzip(path: &Path) -> String {
    let output = Command::new("gzip")
        .arg("-dc")
        .arg(path)
        .output()
        .expect("gzip runs");
    assert!(
        output.status.success(),
        "{} is no gzip file",
        path.display()
    );
    String::from_utf8(output.stdout).expect("the file is text")
}
