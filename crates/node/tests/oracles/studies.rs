//! The studies that the oracles are asked about, each run once by the real binary over real
//! processes. What they released is kept; the network is gone when this returns.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::{
    repository,
    support::{Network, succeed, text},
    tables::{self, Key, Planted, Table},
};

/// The demo's cohorts and their countries.
pub const SITES: [(&str, &str); 3] = [("nordbank", "SE"), ("klinik", "DE"), ("registre", "FR")];

const VARIABLES: [&str; 2] = ["--variables", "ldl,t2d,sex,age,bmi"];
const COVARIATES: [&str; 2] = ["--covariates", "sex,age,bmi"];
const LDL: [&str; 4] = ["--trait", "ldl", "--family", "linear"];
const T2D: [&str; 4] = ["--trait", "t2d", "--family", "logistic"];
const ALL_VARIABLES: [&str; 2] = ["--people", "all-variables"];
const COMPLETE: [&str; 2] = ["--people", "complete"];
const ALL_WALD: [&str; 2] = ["--wald-below", "1"];
const ALL_SCORE: [&str; 2] = ["--wald-below", "0"];
const SOME_WALD: [&str; 2] = ["--wald-below", "1e-3"];

/// What one study left.
pub struct Study {
    pub name: String,
    pub table: Table,
    pub suppressed: BTreeMap<Key, String>,
    /// T.gwas.tsv.gz and its metadata, as they were written.
    pub files: [Vec<u8>; 2],
}

/// The studies of the demo's cohorts. `all` is of the people with every variable of the permit,
/// `complete` of those with every variable of the study.
pub struct DemoCohorts {
    pub linear_all: Study,
    pub default_all: Study,
    pub wald_all: Study,
    pub linear_complete: Study,
    pub wald_complete: Study,
    pub score_complete: Study,
}

impl Study {
    /// Reads what a run left in `folder` for `trait_name`.
    pub fn read(folder: &Path, trait_name: &str) -> Self {
        let table = folder.join(format!("{trait_name}.gwas.tsv.gz"));
        let metadata = folder.join(format!("{trait_name}.gwas.tsv.gz-meta.yaml"));
        Self {
            name: trait_name.to_owned(),
            suppressed: tables::suppressed(&folder.join(format!("{trait_name}.suppressed.tsv.gz"))),
            files: [&table, &metadata]
                .map(|file| fs::read(file).expect("the run has written its files")),
            table: tables::released(&table),
        }
    }
}

/// Runs the studies of the demo's cohorts, once for all tests.
pub fn demo_cohorts() -> &'static DemoCohorts {
    static STUDIES: OnceLock<DemoCohorts> = OnceLock::new();
    STUDIES.get_or_init(|| {
        let network = network(found());
        let run = |user: &User, words: &[&[&str]]| user.study(&network, words);
        let both = User::new(&network);
        let linear_all = run(&both, &[&LDL, &ALL_VARIABLES]);
        let default_all = run(&both, &[&T2D, &ALL_VARIABLES, &SOME_WALD]);
        // The ledger gives one data user one answer to a study, about one set of people.
        let another = || User::new(&network);
        let wald_all = run(&another(), &[&T2D, &ALL_VARIABLES, &ALL_WALD]);
        let linear_complete = run(&another(), &[&LDL, &COMPLETE]);
        let wald_complete = run(&another(), &[&T2D, &COMPLETE, &ALL_WALD]);
        let score_complete = run(&another(), &[&T2D, &COMPLETE, &ALL_SCORE]);
        DemoCohorts {
            linear_all,
            default_all,
            wald_all,
            linear_complete,
            wald_complete,
            score_complete,
        }
    })
}

/// Makes the nodes of the demo's cohorts by the command line.
fn found() -> (TempDir, Vec<String>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (site, country) in SITES {
        load(dir.path(), site, country);
    }
    succeed(&[
        "init",
        "--dir",
        text(&dir.path().join("hdab")),
        "--name",
        "hdab",
        "--country",
        "EE",
    ]);
    (dir, SITES.map(|(site, _)| site.to_owned()).to_vec())
}

/// Makes the node `site` in `dir` and loads its files.
pub fn load(dir: &Path, site: &str, country: &str) -> PathBuf {
    let node = dir.join(site);
    let vcf = repository("demo/cohorts").join(format!("{site}.vcf.gz"));
    let phenotypes = repository("demo/cohorts").join(format!("{site}.phenotypes.tsv"));
    succeed(&[
        "init",
        "--dir",
        text(&node),
        "--name",
        site,
        "--country",
        country,
    ]);
    succeed(&[
        "ingest",
        "--dir",
        text(&node),
        "--dataset",
        "cohort",
        "--vcf",
        text(&vcf),
        "--phenotypes",
        text(&phenotypes),
    ]);
    node
}

fn network((dir, sites): (TempDir, Vec<String>)) -> Network {
    let mut network = Network::of_folders(dir, sites);
    network.serve();
    network
}

/// A data user with a key and a permit of their own.
struct User {
    key: PathBuf,
    permit: PathBuf,
}

impl User {
    fn new(network: &Network) -> Self {
        let (key, public) = (network.path("user.key"), network.path("user.pub"));
        succeed(&["key", "--out", text(&key)]);
        let own = tempfile::tempdir_in(network.dir.path())
            .expect("a folder")
            .keep();
        let name = own
            .file_name()
            .expect("a folder has a name")
            .to_string_lossy()
            .into_owned();
        let permit = network.permit(&[&VARIABLES[..], &["--user", &name]].concat());
        let user = Self {
            key: own.join("user.key"),
            permit: own.join("permit.jws"),
        };
        fs::rename(key, &user.key).expect("the key can be moved");
        fs::remove_file(public).expect("the public key can be removed");
        fs::rename(permit, &user.permit).expect("the permit can be moved");
        user
    }

    fn study(&self, network: &Network, words: &[&[&str]]) -> Study {
        let out = self.key.with_file_name("results");
        let key = ["--key", text(&self.key), "--out", text(&out)];
        let words = words.concat();
        network.released(&self.permit, &[&key[..], &COVARIATES, &words].concat());
        let trait_name = words[words
            .iter()
            .position(|word| *word == "--trait")
            .expect("a trait")
            + 1];
        Study::read(&out, trait_name)
    }
}

/// `ligate demo --sites` on the three real sites, and two more studies on the network that it
/// leaves.
pub struct RealSites {
    story: String,
    report: String,
    pub linear_all: Study,
    pub default_all: Study,
    pub wald_complete: Study,
    pub score_complete: Study,
}

impl RealSites {
    pub fn run(folder: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let demo = [
            "demo",
            "--dir",
            text(dir.path()),
            "--sites",
            text(folder),
            "--trait",
            "ldl,t2d",
        ];
        let story = succeed(&[&demo[..], &COVARIATES].concat());
        let results = dir.path().join("results");
        let report =
            fs::read_to_string(results.join("report.html")).expect("the demo has written a report");
        let (linear_all, default_all) =
            (Study::read(&results, "ldl"), Study::read(&results, "t2d"));
        let network = network((
            dir,
            ["hapmap3", "kg-hg", "kg-na"].map(str::to_owned).to_vec(),
        ));
        let wald_complete = User::new(&network).study(&network, &[&T2D, &COMPLETE, &ALL_WALD]);
        let score_complete = User::new(&network).study(&network, &[&T2D, &COMPLETE, &ALL_SCORE]);
        Self {
            story,
            report,
            linear_all,
            default_all,
            wald_complete,
            score_complete,
        }
    }

    /// Both traits are what pooling gives, and inflated, as these people have many ancestries.
    #[track_caller]
    pub fn check_story(&self) {
        assert_eq!(
            self.story.matches("identical in every bit").count(),
            2,
            "{}",
            self.story
        );
        assert!(!self.story.contains("DIFFERENT"), "{}", self.story);
        assert_eq!(
            self.story.matches("ancestry is not corrected yet").count(),
            2,
            "{}",
            self.story
        );
        let numbers = self
            .story
            .split("lambda ")
            .skip(1)
            .filter_map(|rest| rest.split_whitespace().next());
        let told: Vec<f64> = numbers.filter_map(|number| number.parse().ok()).collect();
        let found = [&self.linear_all, &self.default_all].map(|study| lambda(&study.table));
        assert_eq!(told.len(), found.len(), "{}", self.story);
        let near = |(told, found): (&f64, &f64)| (told / found - 1.0).abs() < 0.005 && *told > 1.1;
        assert!(
            told.iter().zip(&found).all(near),
            "lambda is told as {told:?}, but is {found:?}"
        );
    }

    /// The report lists the planted variants as the strongest and warns, for both traits, of what
    /// inflates the rest.
    #[track_caller]
    pub fn check_report(&self, planted: &[Planted]) {
        let says = |words: &str| self.report.matches(words).count();
        for warning in [
            "the test statistics are inflated",
            "Ancestry is not corrected yet",
            "at two sites count twice",
        ] {
            assert_eq!(says(warning), 2, "{warning}");
        }
        for name in ["ldl", "t2d"] {
            let count = planted
                .iter()
                .filter(|variant| variant.trait_name == name)
                .count();
            assert_eq!(
                says(&format!(
                    "all {count} planted variants are the strongest within 1 Mb"
                )),
                1,
                "{name}"
            );
        }
        let rows = self
            .report
            .split("<tr")
            .filter(|row| row.starts_with(" class=\"planted\""));
        let listed: Vec<_> = rows.collect();
        assert_eq!(listed.len(), planted.len());
        for variant in planted {
            assert!(
                listed.iter().any(|row| row.contains(&variant.id)),
                "{} is not listed",
                variant.id
            );
        }
    }
}

/// The median of the squared test statistics over that of chi-squared with one degree of freedom,
/// from which that of t with 2,000 degrees differs by less than 0.1%.
fn lambda(table: &Table) -> f64 {
    let mut squares: Vec<f64> = table
        .values()
        .map(|row| (row.beta / row.se).powi(2))
        .collect();
    squares.sort_by(f64::total_cmp);
    squares[squares.len() / 2] / 0.454_936_423
}
