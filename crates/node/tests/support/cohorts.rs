//! Cohorts that a test writes person by person: what an attacker knows and what he is after.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Draw, Network, succeed, table, text};

/// Bases from one variant to the next: each is a region of its own, unless a test moves it.
const SPACING: usize = 1_000_000;

/// What one organisation holds: genotypes of each person, and columns of values as a table writes
/// them.
#[derive(Clone)]
pub struct Cohort {
    pub name: String,
    pub ids: Vec<String>,
    /// Per person and variant the dosage, or nothing.
    pub genotypes: Vec<Vec<Option<u8>>>,
    pub columns: Vec<(String, Vec<String>)>,
    /// Of each variant.
    pub positions: Vec<usize>,
    /// Whether its files list only variants that somebody carries.
    pub called_sites: bool,
}

impl Cohort {
    /// People with common variants, sex, age and nothing else.
    pub fn new(name: &str, people: usize, variants: usize, seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let frequency = |variant: usize| 0.2 + 0.6 * ((variant * 37 % 100) as f64 / 100.0);
        let genotypes = (0..people)
            .map(|_| {
                let mut allele = |variant| u8::from(draw.uniform() < frequency(variant));
                (0..variants)
                    .map(|variant| Some(allele(variant) + allele(variant)))
                    .collect()
            })
            .collect();
        let mut cohort = Self {
            name: name.to_owned(),
            ids: (0..people)
                .map(|person| format!("{name}-{person}"))
                .collect(),
            genotypes,
            columns: Vec::new(),
            positions: (1..=variants).map(|variant| SPACING * variant).collect(),
            called_sites: false,
        };
        cohort.column(
            "sex",
            |_, draw| (1 + u8::from(draw.uniform() < 0.5)).to_string(),
            seed + 1,
        );
        cohort.column(
            "age",
            |_, draw| (30 + (draw.uniform() * 40.0) as u32).to_string(),
            seed + 2,
        );
        cohort
    }

    /// Adds a column of values.
    pub fn column(&mut self, name: &str, value: impl Fn(usize, &mut Draw) -> String, seed: u64) {
        let mut draw = Draw::new(seed);
        let values = (0..self.ids.len())
            .map(|person| value(person, &mut draw))
            .collect();
        self.columns.push((name.to_owned(), values));
    }

    /// Adds a quantitative trait, of which a share of people have no value.
    pub fn trait_with_missing(&mut self, name: &str, missing: f64, seed: u64) {
        let value = |_: usize, draw: &mut Draw| {
            let normal: f64 = (0..12).map(|_| draw.uniform()).sum::<f64>() - 6.0;
            let known = draw.uniform() >= missing;
            if known {
                format!("{:.2}", 5.0 + normal)
            } else {
                "NA".to_owned()
            }
        };
        self.column(name, value, seed);
    }

    /// The values of a column.
    pub fn values(&mut self, name: &str) -> &mut Vec<String> {
        &mut self
            .columns
            .iter_mut()
            .find(|(known, _)| known == name)
            .expect("a column of the cohort")
            .1
    }

    pub fn remove(&mut self, person: usize) {
        self.ids.remove(person);
        self.genotypes.remove(person);
        self.columns
            .iter_mut()
            .for_each(|(_, values)| drop(values.remove(person)));
    }

    /// Writes the cohort as a VCF and a phenotype table.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let mut vcf = "##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT".to_owned();
        self.ids
            .iter()
            .for_each(|id| write!(vcf, "\t{id}").expect("text grows"));
        let carried = |variant: usize| {
            self.genotypes
                .iter()
                .any(|person| person[variant] > Some(0))
        };
        let listed = |variant: &usize| !self.called_sites || carried(*variant);
        for variant in (0..self.genotypes.first().map_or(0, Vec::len)).filter(listed) {
            let position = self.positions[variant];
            write!(
                vcf,
                "\n1\t{position}\trs{}\tA\tG\t.\tPASS\t.\tGT",
                variant + 1
            )
            .expect("text grows");
            for person in &self.genotypes {
                vcf.push_str(match person[variant] {
                    None => "\t./.",
                    Some(0) => "\t0/0",
                    Some(1) => "\t0/1",
                    Some(_) => "\t1/1",
                });
            }
        }
        vcf.push('\n');
        let mut rows = "id".to_owned();
        self.columns
            .iter()
            .for_each(|(name, _)| write!(rows, "\t{name}").expect("text grows"));
        for (person, id) in self.ids.iter().enumerate() {
            write!(rows, "\n{id}").expect("text grows");
            self.columns
                .iter()
                .for_each(|(_, values)| write!(rows, "\t{}", values[person]).expect("text grows"));
        }
        rows.push('\n');
        let paths = (
            folder.join(format!("{}.vcf", self.name)),
            folder.join(format!("{}.tsv", self.name)),
        );
        fs::write(&paths.0, vcf)
            .and_then(|()| fs::write(&paths.1, rows))
            .expect("the folder can be written");
        paths
    }

    /// Loads the cohort into its node's dataset.
    pub fn load(&self, network: &Network, dataset: &str) {
        let (vcf, table) = self.write(network.dir.path());
        let node = network.path(&self.name);
        succeed(&[
            "ingest",
            "--dir",
            text(&node),
            "--dataset",
            dataset,
            "--vcf",
            text(&vcf),
            "--phenotypes",
            text(&table),
        ]);
    }
}

/// Nodes with these cohorts, serving.
pub fn network(cohorts: &[Cohort]) -> Network {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (cohort, country) in cohorts.iter().zip(["SE", "DE", "FR", "FI", "EE"]) {
        make_node(&dir, &cohort.name, country);
    }
    make_node(&dir, "hdab", "EE");
    succeed(&["key", "--out", text(&dir.path().join("user.key"))]);
    let mut network = Network::of_folders(
        dir,
        cohorts.iter().map(|cohort| cohort.name.clone()).collect(),
    );
    cohorts
        .iter()
        .for_each(|cohort| cohort.load(&network, "cohort"));
    network.serve();
    network
}

fn make_node(dir: &TempDir, name: &str, country: &str) {
    succeed(&[
        "init",
        "--dir",
        text(&dir.path().join(name)),
        "--name",
        name,
        "--country",
        country,
    ]);
}

/// A permit for all variables of the first cohort.
pub fn permit(network: &Network, cohorts: &[Cohort]) -> PathBuf {
    let names: Vec<&str> = cohorts[0]
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    network.permit(&["--variables", &names.join(",")])
}

/// A released table: by position its columns as text.
pub fn released(network: &Network, trait_name: &str) -> BTreeMap<u64, BTreeMap<String, String>> {
    let (names, rows) = table(
        &network
            .path("results")
            .join(format!("{trait_name}.gwas.tsv.gz")),
    );
    let position = names
        .iter()
        .position(|name| name == "base_pair_location")
        .expect("a position column");
    rows.into_iter()
        .map(|row| {
            let place = row[position].parse().expect("a position");
            (place, names.iter().cloned().zip(row).collect())
        })
        .collect()
}
