//! A network of real processes for the tests: small simulated cohorts, node folders made by the
//! real binary, one `serve` process per node.
#![allow(dead_code, reason = "each test file uses its own part of this module")]

pub mod cohorts;
pub mod researchers;

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The binary under test with `args`.
pub fn ligate<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ligate"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts")
}

/// Runs the binary, which must succeed, and returns its standard output.
#[track_caller]
pub fn succeed(args: &[&str]) -> String {
    let output = ligate(args);
    assert!(
        output.status.success(),
        "ligate {args:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Runs the binary, which must fail with exit code 1, and returns its standard error.
#[track_caller]
pub fn fail(args: &[&str]) -> String {
    let output = ligate(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(1),
        "ligate {args:?} should have failed with a message: {said}"
    );
    assert!(said.contains("error: "), "{said}");
    said
}

/// A small deterministic generator (Knuth's MMIX constants); test data only.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What one organisation holds.
#[derive(Clone)]
pub struct Site {
    pub name: String,
    pub people: usize,
    pub variants: usize,
    pub seed: u64,
    /// How the disease is written: absent, present.
    pub coding: (u8, u8),
    /// Every person has the disease.
    pub cases_only: bool,
    pub assembly_length: u64,
}

impl Site {
    pub fn new(name: &str, people: usize, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            people,
            variants: 60,
            seed,
            coding: (0, 1),
            cases_only: false,
            assembly_length: 248_956_422,
        }
    }

    /// Three sites that together pass every threshold.
    pub fn three() -> Vec<Self> {
        vec![
            Self::new("north", 130, 1),
            Self::new("centre", 110, 2),
            Self::new("south", 90, 3),
        ]
    }

    /// Writes NAME.vcf and NAME.phenotypes.tsv. The first variant acts on both traits.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let mut draw = Draw::new(self.seed);
        let frequencies: Vec<f64> = (0..self.variants)
            .map(|index| 0.1 + 0.8 * ((index * 37 % 100) as f64 / 100.0))
            .collect();
        let genotypes: Vec<Vec<u8>> = (0..self.people)
            .map(|_| {
                frequencies
                    .iter()
                    .map(|f| u8::from(draw.uniform() < *f) + u8::from(draw.uniform() < *f))
                    .collect()
            })
            .collect();
        let vcf = folder.join(format!("{}.vcf", self.name));
        fs::write(&vcf, self.vcf(&genotypes)).expect("the folder can be written");
        let table = folder.join(format!("{}.phenotypes.tsv", self.name));
        fs::write(&table, self.phenotypes(&genotypes, &mut draw))
            .expect("the folder can be written");
        (vcf, table)
    }

    fn vcf(&self, genotypes: &[Vec<u8>]) -> String {
        let mut text = format!(
            "##fileformat=VCFv4.2\n##contig=<ID=1,length={}>\n",
            self.assembly_length
        );
        text.push_str("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        for person in 0..self.people {
            write!(text, "\t{}-{person}", self.name).expect("text grows");
        }
        for variant in 0..self.variants {
            write!(
                text,
                "\n1\t{}\trs{}\tA\tG\t.\tPASS\t.\tGT",
                10_000 * (variant + 1),
                variant + 1
            )
            .expect("text grows");
            for person in genotypes {
                text.push_str(["\t0/0", "\t0/1", "\t1/1"][usize::from(person[variant])]);
            }
        }
        text.push('\n');
        text
    }

    fn phenotypes(&self, genotypes: &[Vec<u8>], draw: &mut Draw) -> String {
        let mut text = "id\tsex\tage\tldl\tt2d\tward\tconstant\ttwice_age\n".to_owned();
        for (person, calls) in genotypes.iter().enumerate() {
            let dose = f64::from(calls[0]);
            let noise: f64 = (0..12).map(|_| draw.uniform()).sum::<f64>() - 6.0;
            let (sex, age) = (
                1 + u8::from(draw.uniform() < 0.5),
                30 + (draw.uniform() * 40.0) as u32,
            );
            let ldl = 3.0 + 0.6 * dose + 0.01 * f64::from(age) + 0.7 * noise;
            let ill = self.cases_only || draw.uniform() < 0.2 + 0.2 * dose;
            let t2d = if ill { self.coding.1 } else { self.coding.0 };
            let ward = ["A", "B"][person % 2];
            writeln!(
                text,
                "{}-{person}\t{sex}\t{age}\t{ldl:.3}\t{t2d}\t{ward}\t7\t{}",
                self.name,
                2 * age
            )
            .expect("text grows");
        }
        text
    }
}

/// A serving process that ends with the test.
pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    pub fn start(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ligate"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--stop-with-stdin",
                "--dir",
            ])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut address = String::new();
        let output = child.stdout.take().expect("output is piped");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("the address is printed");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nodes that hold data, and `hdab`, which permits and coordinates.
pub struct Network {
    pub dir: TempDir,
    pub sites: Vec<String>,
    pub servers: Vec<Server>,
}

impl Network {
    /// Makes, loads, introduces and starts everything.
    pub fn start(sites: &[Site]) -> Self {
        let mut network = Self::found(sites);
        network.serve();
        network
    }

    /// Makes and loads the nodes and lets them know each other, without addresses.
    pub fn found(sites: &[Site]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (site, country) in sites.iter().zip(["SE", "DE", "FR", "FI", "EE"]) {
            let (vcf, table) = site.write(dir.path());
            let node = dir.path().join(&site.name);
            succeed(&[
                "init",
                "--dir",
                text(&node),
                "--name",
                &site.name,
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
                text(&table),
            ]);
        }
        let body = dir.path().join("hdab");
        succeed(&[
            "init",
            "--dir",
            text(&body),
            "--name",
            "hdab",
            "--country",
            "EE",
        ]);
        succeed(&["key", "--out", text(&dir.path().join("user.key"))]);
        let network = Self {
            dir,
            sites: sites.iter().map(|site| site.name.clone()).collect(),
            servers: Vec::new(),
        };
        network.introduce(&[]);
        network
    }

    /// A network of the folders in `dir`, made and loaded already: the sites' and `hdab`. Nothing
    /// serves yet.
    pub fn of_folders(dir: TempDir, sites: Vec<String>) -> Self {
        let network = Self {
            dir,
            sites,
            servers: Vec::new(),
        };
        network.introduce(&[]);
        network
    }

    /// Starts every node and tells the others where it is.
    pub fn serve(&mut self) {
        let names: Vec<_> = self
            .sites
            .iter()
            .cloned()
            .chain(["hdab".to_owned()])
            .collect();
        self.servers = names
            .iter()
            .map(|name| Server::start(&self.path(name)))
            .collect();
        let addresses: Vec<_> = self
            .servers
            .iter()
            .map(|server| server.address.clone())
            .collect();
        self.introduce(&addresses);
    }

    /// Starts a node anew, whose process has ended, and tells the others where it is.
    pub fn restart(&mut self, name: &str) {
        let place = self
            .sites
            .iter()
            .position(|site| site == name)
            .unwrap_or(self.sites.len());
        self.servers[place] = Server::start(&self.path(name));
        assert!(
            !self.servers[place].address.is_empty(),
            "{name} does not serve"
        );
        let addresses: Vec<_> = self
            .servers
            .iter()
            .map(|server| server.address.clone())
            .collect();
        self.introduce(&addresses);
    }

    fn introduce(&self, addresses: &[String]) {
        let names: Vec<_> = self
            .sites
            .iter()
            .map(String::as_str)
            .chain(["hdab"])
            .collect();
        for own in &names {
            for (index, other) in names.iter().enumerate().filter(|(_, other)| *other != own) {
                let (dir, key) = (self.path(own), self.key(other));
                let country = ["SE", "DE", "FR", "FI", "EE", "DK", "NL"][index];
                let mut args = vec![
                    "peer",
                    "add",
                    "--dir",
                    text(&dir),
                    "--name",
                    other,
                    "--key",
                    &key,
                    "--country",
                    country,
                ];
                if let Some(address) = addresses.get(index) {
                    args.extend(["--address", address]);
                }
                if *other == "hdab" {
                    args.extend(["--issuer", "--coordinator"]);
                }
                succeed(&args);
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn key(&self, node: &str) -> String {
        let file = self.path(node).join("keys/node.pub");
        fs::read_to_string(file)
            .expect("a public key")
            .trim()
            .to_owned()
    }

    pub fn server(&self, name: &str) -> &Server {
        let index = self
            .sites
            .iter()
            .position(|site| site == name)
            .unwrap_or(self.sites.len());
        &self.servers[index]
    }

    /// Issues a permit over all sites; `more` changes its terms.
    pub fn permit(&self, more: &[&str]) -> PathBuf {
        let out = self.path("permit.jws");
        let output = self.try_permit(&out, more);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        out
    }

    pub fn try_permit(&self, out: &Path, more: &[&str]) -> Output {
        let (dir, key) = (self.path("hdab"), self.path("user.pub"));
        let mut args: Vec<String> = [
            "permit",
            "issue",
            "--dir",
            text(&dir),
            "--user-key",
            text(&key),
        ]
        .map(str::to_owned)
        .to_vec();
        if !more.contains(&"--user") {
            args.extend(["--user", "researcher"].map(str::to_owned));
        }
        for site in &self.sites {
            args.extend(["--dataset".to_owned(), format!("{site}/cohort")]);
        }
        args.extend(
            [
                "--purpose",
                "research",
                "--about",
                "a test",
                "--out",
                text(out),
            ]
            .map(str::to_owned),
        );
        if !more.contains(&"--variables") {
            args.extend(
                ["--variables", "ldl,t2d,sex,age,ward,constant,twice_age"].map(str::to_owned),
            );
        }
        args.extend(more.iter().map(|word| (*word).to_owned()));
        ligate(&args)
    }

    /// `ligate gwas` under `permit`, with `more` arguments.
    pub fn gwas(&self, permit: &Path, more: &[&str]) -> Output {
        let (dir, key, out) = (
            self.path("hdab"),
            self.path("user.key"),
            self.path("results"),
        );
        let mut args = vec!["gwas", "--dir", text(&dir), "--permit", text(permit)];
        if !more.contains(&"--key") {
            args.extend(["--key", text(&key)]);
        }
        if !more.contains(&"--out") {
            args.extend(["--out", text(&out)]);
        }
        args.extend(more);
        ligate(&args)
    }

    /// Starts `ligate gwas` under `permit` and does not wait for its end; what it says is kept.
    pub fn begin(&self, permit: &Path, study: &[&str]) -> Child {
        let (dir, key, out) = (
            self.path("hdab"),
            self.path("user.key"),
            self.path("results"),
        );
        let args = [
            "gwas",
            "--dir",
            text(&dir),
            "--permit",
            text(permit),
            "--key",
            text(&key),
            "--out",
            text(&out),
        ];
        Command::new(env!("CARGO_BIN_EXE_ligate"))
            .args(args)
            .args(study)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    /// The audit log of a node as it lies.
    pub fn log_of(&self, node: &str) -> String {
        fs::read_to_string(self.path(node).join("audit/log.jsonl")).unwrap_or_default()
    }

    /// A run that must be refused or fail; returns what it said.
    #[track_caller]
    pub fn refused(&self, permit: &Path, more: &[&str]) -> String {
        let output = self.gwas(permit, more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(1),
            "the run should have failed: {said}"
        );
        said
    }

    #[track_caller]
    pub fn released(&self, permit: &Path, more: &[&str]) -> String {
        let output = self.gwas(permit, more);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// The optional folder of real data: `LIGATE_SHARED`, or `../shared` beside the checkout. Says so
/// where it is absent.
pub fn shared_data(inside: &str) -> Option<PathBuf> {
    let root = std::env::var_os("LIGATE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let path = root.join(inside);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {inside} is not there (set LIGATE_SHARED)");
    None
}

/// Reads a gzipped table with a header: column names and rows.
pub fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let output = Command::new("gzip")
        .args(["-dc", text(path)])
        .output()
        .expect("gzip runs");
    assert!(
        output.status.success(),
        "{} is no gzip file",
        path.display()
    );
    let text = String::from_utf8(output.stdout).expect("tables are UTF-8");
    let mut lines = text
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.split('\t').map(str::to_owned).collect());
    (lines.next().unwrap_or_default(), lines.collect())
}
