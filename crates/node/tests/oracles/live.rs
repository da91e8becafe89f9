//! Programs that are asked while the tests run, where they are installed in the version that the
//! tolerances are for. Where one is missing the test says so and passes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    repository,
    studies::{self, Study},
    support::{succeed, text},
    tables::{Oracle, gunzip},
};

/// Whether every tool is there and says that it is this version.
pub fn installed(tools: &[(&str, &str)]) -> bool {
    tools.iter().all(|(tool, version)| {
        let said = match Command::new(tool).arg("--version").output() {
            Ok(output) => {
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
            }
            Err(_) => "not installed".to_owned(),
        };
        let first = said.lines().next().unwrap_or_default();
        let found = first.contains(version);
        if found {
            eprintln!("{tool}: {first}");
        } else {
            eprintln!("skipped: the test needs {version}; {tool}: {first}");
        }
        found
    })
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {said}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    output
}

/// One of the demo's cohorts as a node of its own.
pub struct LocalSite {
    dir: TempDir,
    node: PathBuf,
    name: &'static str,
}

impl LocalSite {
    pub fn load(name: &'static str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let node = studies::load(dir.path(), name, "SE");
        let site = Self { dir, node, name };
        site.associate_with_plink2();
        site
    }

    /// `ligate gwas` on the node's own rows.
    pub fn study(&self, trait_name: &str) -> Study {
        let out = self.dir.path().join("results");
        let place = [
            "gwas",
            "--dir",
            text(&self.node),
            "--dataset",
            "cohort",
            "--out",
            text(&out),
        ];
        let question = [
            "--trait",
            trait_name,
            "--covariates",
            "sex,age,bmi",
            "--wald-below",
            "1",
        ];
        let said = succeed(&[&place[..], &question].concat());
        assert!(said.contains("local, not released"), "{said}");
        Study::read(&out, trait_name)
    }

    /// plink2 on the same files. Sites with two alternate alleles are left out: it would fit both
    /// in one model.
    fn associate_with_plink2(&self) {
        let cohorts = repository("demo/cohorts");
        let table = cohorts.join(format!("{}.phenotypes.tsv", self.name));
        let table = fs::read_to_string(table).expect("the phenotypes can be read");
        let (header, rows) = table.split_once('\n').expect("a header");
        let variables = header.split_once('\t').expect("two columns or more").1;
        let phenotypes = self.dir.path().join("phenotypes.tsv");
        fs::write(&phenotypes, format!("#IID\t{variables}\n{rows}"))
            .expect("the folder can be written");
        let mut plink2 = Command::new("plink2");
        plink2
            .arg("--vcf")
            .arg(cohorts.join(format!("{}.vcf.gz", self.name)));
        plink2.args([
            "--vcf-half-call",
            "missing",
            "--autosome",
            "--max-alleles",
            "2",
            "--threads",
            "1",
        ]);
        plink2
            .arg("--pheno")
            .arg(&phenotypes)
            .args(["--pheno-name", "ldl,t2d", "--1"]);
        plink2
            .arg("--covar")
            .arg(&phenotypes)
            .args(["--covar-name", "sex,age,bmi"]);
        plink2.args([
            "--glm",
            "omit-ref",
            "hide-covar",
            "no-firth",
            "cols=+beta,-orbeta",
        ]);
        run(plink2.arg("--out").arg(self.dir.path().join("plink2")));
    }

    pub fn plink2(&self, trait_name: &str, method: &str) -> Oracle {
        Oracle::of_plink2(
            &self
                .dir
                .path()
                .join(format!("plink2.{trait_name}.glm.{method}")),
        )
    }
}

/// Runs `pooled_plink2.sh` on `sites` and compares what it leaves with the committed files: the
/// same variants, n and errors, and the same digits but for one row in a thousand, as another
/// processor's linear algebra may round the sixth digit the other way.
pub fn check_regenerated(oracles: &Path, sites: &Path) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    run(Command::new(oracles.join("pooled_plink2.sh"))
        .arg(sites)
        .arg(dir.path()));
    for study in [
        "all-variables.ldl",
        "all-variables.t2d",
        "complete.ldl",
        "complete.t2d",
    ] {
        let file = format!("expected.{study}.tsv.gz");
        let (today, committed) = (
            gunzip(&dir.path().join(&file)),
            gunzip(&oracles.join("demo").join(&file)),
        );
        let (today, committed) = (rows(&today), rows(&committed));
        assert!(
            today.len() > 6_000 && today.len() == committed.len(),
            "{file}: {} rows",
            today.len()
        );
        let same_variants = today
            .iter()
            .zip(&committed)
            .all(|(a, b)| without_numbers(a) == without_numbers(b));
        assert!(same_variants, "{file}: other variants, n or errors");
        let different = today.iter().zip(&committed).filter(|(a, b)| a != b).count();
        eprintln!(
            "{file}: {different} of {} rows differ from the committed ones",
            today.len()
        );
        assert!(
            different * 1_000 <= today.len(),
            "{file}: {different} rows differ"
        );
    }
}

fn rows(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// A row without beta, se and p.
fn without_numbers(row: &str) -> Vec<&str> {
    let cells = row.split('\t').enumerate();
    cells
        .filter(|(column, _)| !(5..8).contains(column))
        .map(|(_, cell)| cell)
        .collect()
}

/// How `validate_ssf.sh` says that it could not get the validator.
const NOT_AVAILABLE: i32 = 77;

/// Validates the study's table and metadata with the GWAS Catalog's tools, which stay in the
/// build's folder.
pub fn validate(script: &Path, study: &Study) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let table = dir.path().join(format!("{}.gwas.tsv.gz", study.name));
    fs::write(&table, &study.files[0]).expect("the folder can be written");
    fs::write(format!("{}-meta.yaml", text(&table)), &study.files[1])
        .expect("the folder can be written");
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gwas-ssf");
    let output = Command::new(script)
        .arg(&table)
        .arg(tools)
        .output()
        .expect("the script starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.code() == Some(NOT_AVAILABLE) {
        eprintln!("skipped: {said}");
        return;
    }
    assert!(output.status.success(), "{}: {said}", study.name);
    assert!(
        said.contains("Data table is valid") && said.contains("Metadata are valid"),
        "{said}"
    );
}
