//! The command line, parsed dumbly. What the words mean is decided in `commands`.

mod clinic;
mod matching;
mod permit;
mod recovery;
mod registry;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use ligate_access::permit::Method;
use ligate_analysis::gwas::Family;
use ligate_model::{Assembly, CountryCode, DatasetId, Digest, NodeName, Purpose, VariableName};

pub use clinic::{Diagnose, Evaluate, EvaluateDiagnosis, Knowledge, NoiseName, RegimeName};
pub use matching::Match;
pub use permit::{PermitExtend, PermitRevoke};
pub use recovery::{Backup, PeerRecovered, Recover, Restore};
pub use registry::{Registry, RegistryAdd, RegistryClose};

/// Links genome and health repositories without pooling them.
///
/// A biobank, hospital or registry runs `ligate` beside its data. Questions travel; masked sums
/// come back, and only what passes the disclosure gate is seen by anybody, under a permit.
#[derive(Debug, Parser)]
#[command(
    name = "ligate",
    version,
    max_term_width = 100,
    after_help = "Try it: ligate demo"
)]
pub struct Cli {
    /// Print the result for machines, as JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a node folder: ligate.toml, keys/, audit/, datasets/
    #[command(after_help = "Example: ligate init --dir biobank --name nordbank --country SE")]
    Init(Init),
    /// Load VCF or BCF files and a phenotype table as a dataset
    #[command(
        after_help = "Example: ligate ingest --dir biobank --dataset cohort --vcf chr*.vcf.gz \
                            --phenotypes people.tsv"
    )]
    Ingest(Ingest),
    /// List the datasets of a node
    #[command(after_help = "Example: ligate datasets --dir biobank --json")]
    Datasets(NodeDir),
    /// Query a node's own sites, samples and phenotypes
    #[command(after_help = "Example: ligate sql --dir biobank \
                            \"SELECT count(*) FROM cohort.sites WHERE ac > 100\"")]
    Sql(Sql),
    /// Answer coordinators that the steward trusts, until stopped
    #[command(after_help = "Example: ligate serve --dir biobank --listen 0.0.0.0:7443")]
    Serve(Serve),
    /// The nodes and access bodies that this node knows
    #[command(subcommand)]
    Peer(Peer),
    /// Data permits: issue, list, extend, revoke, show, verify
    #[command(subcommand)]
    Permit(Permit),
    /// Make a signing key for a data user
    #[command(
        after_help = "Example: ligate key --out alice.key   (writes alice.key and alice.pub)"
    )]
    Key(Key),
    /// A genome-wide association study, on own data or under a permit over several nodes
    #[command(
        after_help = "Examples:\n  ligate gwas --dir biobank --dataset cohort --trait ldl \
                            --covariates sex,age --out results\n  ligate gwas --dir hdab --permit permit.jws \
                            --key alice.key --trait ldl --covariates sex,age --out results"
    )]
    Gwas(Gwas),
    /// Mark what may leave the environment of a result that was made under a permit
    #[command(
        after_help = "The leading variants that are common enough leave, in four digits; what stays is listed with the \
                      rule. From then on the exported result counts in everybody's account.\n\nExamples:\n  ligate export results \
                      --dir hdab --key alice.key --plan\n  ligate export results --dir hdab --key alice.key --out public"
    )]
    Export(Export),
    /// Approve what `ligate export` asks an officer about
    #[command(
        after_help = "Example: ligate approve results/ldl.export-request.json --key officer.key --out approval.jws"
    )]
    Approve(Approve),
    /// The audit log: verify, show
    #[command(subcommand)]
    Audit(Audit),
    /// The privacy ledger: runs that opened sums over this node's people, codings that other nodes
    /// decided
    #[command(subcommand)]
    Ledger(Ledger),
    /// Copy a node, also while it serves
    #[command(after_help = "Example: ligate backup --dir biobank --to /backup/biobank-2027-01-31")]
    Backup(Backup),
    /// Put a copy back as a new folder; it answers nobody before `ligate recover`
    #[command(
        after_help = "Example: ligate restore --from /backup/biobank-2027-01-31 --to biobank"
    )]
    Restore(Restore),
    /// Go on after a node was restored, its ledger was put back, or its clock was wrong
    #[command(
        after_help = "Takes over what log and coordinators prove was shown, closes the accounts of which nobody \
                            knows, and writes both into the audit log.\n\nExample: ligate recover --dir biobank"
    )]
    Recover(Recover),
    /// Rank the diseases that explain one patient, by phenotype and, where there is one, genome
    #[command(
        after_help = "Examples:\n  ligate diagnose case.json\n  ligate diagnose case.json --vcf trio.vcf.gz \
                            --ped trio.ped\n  ligate diagnose note.txt --text"
    )]
    Diagnose(Box<Diagnose>),
    /// Measure the ranking over solved cases
    #[command(subcommand)]
    Evaluate(Evaluate),
    /// The facts that diagnosis rests on: build, update, show, fetch from peers
    #[command(subcommand)]
    Knowledge(Knowledge),
    /// Ask other systems for patients like one, by the Matchmaker Exchange API
    #[command(after_help = "Example: ligate match case.json --dir registry --consent")]
    Match(Match),
    /// A registry of patients with rare diseases: add cases, release counts, withdraw
    #[command(subcommand)]
    Registry(Registry),
    /// Three nodes, one permit, one federated study on this machine, checked against pooled data
    #[command(
        after_help = "Examples:\n  ligate demo\n  ligate demo --sites DIR --trait ldl,t2d --covariates sex,age,bmi"
    )]
    Demo(Demo),
    /// Print a completion script for a shell
    #[command(after_help = "Example: ligate completions bash > /etc/bash_completion.d/ligate")]
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub struct NodeDir {
    /// The node's folder
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The folder to make; it must not hold a node yet
    #[arg(long)]
    pub dir: PathBuf,
    /// The node's name among its peers
    #[arg(long)]
    pub name: NodeName,
    /// ISO 3166-1 alpha-2 code of the country whose law applies
    #[arg(long)]
    pub country: CountryCode,
}

#[derive(Debug, Args)]
pub struct Ingest {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The dataset's name; loading again makes a new snapshot
    #[arg(long)]
    pub dataset: DatasetId,
    /// VCF or BCF files: same samples are concatenated, disjoint samples become blocks
    #[arg(long, required = true, num_args = 1..)]
    pub vcf: Vec<PathBuf>,
    /// A TSV or CSV table with a header; the first column holds the sample ids
    #[arg(long)]
    pub phenotypes: Option<PathBuf>,
    /// A TSV table with the columns individual and known_as: people whom the files call otherwise
    /// than this node does, as after a change of pseudonyms; the same id in both columns says that
    /// somebody is another person, as an identical twin is
    #[arg(long)]
    pub known_as: Option<PathBuf>,
    /// GRCh37, GRCh38, T2T-CHM13v2.0 or unknown; else recognised by contig lengths
    #[arg(long)]
    pub assembly: Option<Assembly>,
    /// The reference FASTA, to left-align insertions and deletions
    #[arg(long)]
    pub reference: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Sql {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// One SELECT; tables are DATASET.sites, DATASET.samples and DATASET.phenotypes
    pub query: String,
    /// Rows printed at the most
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Serve {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The address to listen at, instead of the one in ligate.toml; port 0 lets the system choose
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Stop when standard input closes, for a supervisor that may die
    #[arg(long)]
    pub stop_with_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum Peer {
    /// Add a peer, or change the one of that name: what is not said stays as it was
    #[command(
        after_help = "Example: ligate peer add --dir biobank --name hdab --key hdab.pub \
                            --address hdab.example:7443 --country EE --issuer --coordinator"
    )]
    Add(PeerAdd),
    /// Change what is known of a peer; trust is taken back with --issuer=false and
    /// --coordinator=false
    #[command(
        after_help = "Example: ligate peer set --dir biobank --name hdab --address hdab.example:8443"
    )]
    Set(PeerAdd),
    /// Take a peer off the list: it is not let in any more, and its permits are not accepted
    #[command(after_help = "Example: ligate peer remove --dir biobank --name hdab")]
    Remove {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        #[arg(long)]
        name: NodeName,
    },
    /// Ask peers whether they are there and know this node
    #[command(after_help = "Example: ligate peer ping --dir biobank")]
    Ping {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        /// Only this peer
        #[arg(long)]
        name: Option<NodeName>,
    },
    /// Take back a peer that was restored, when its steward has told you so: what it signed before
    /// stays on file
    #[command(after_help = "Example: ligate peer accept-recovery --dir hdab --name biobank")]
    AcceptRecovery(PeerRecovered),
    /// List the peers
    #[command(after_help = "Example: ligate peer list --dir biobank")]
    List(NodeDir),
}

#[derive(Debug, Args)]
pub struct PeerAdd {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    #[arg(long)]
    pub name: NodeName,
    /// The peer's public key, or the file that holds it (its keys/node.pub); needed for a new peer
    #[arg(long)]
    pub key: Option<String>,
    /// HOST:PORT at which the peer serves
    #[arg(long)]
    pub address: Option<String>,
    #[arg(long)]
    pub country: Option<CountryCode>,
    /// Accept permits that this peer signs
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub issuer: Option<bool>,
    /// Let this peer open sums: it is inside the trust boundary
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub coordinator: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub enum Permit {
    /// Sign a permit with the node's key
    #[command(
        after_help = "Example: ligate permit issue --dir hdab --user alice --user-key alice.pub \
                            --dataset biobank/cohort --dataset hospital/cohort --dataset registry/cohort \
                            --purpose research --about \"Genetics of LDL cholesterol\" \
                            --variables ldl,sex,age --out permit.jws"
    )]
    Issue(Box<PermitIssue>),
    /// Print what a permit says; only its signature is checked
    #[command(after_help = "Example: ligate permit show permit.jws")]
    Show { file: PathBuf },
    /// List the permits that this access body issued: for whom, until when, in force or revoked
    #[command(after_help = "Example: ligate permit list --dir hdab --json")]
    List(NodeDir),
    /// Issue a permit anew, with a later end and a new id; once, before it ends
    #[command(
        after_help = "Example: ligate permit extend --dir hdab hdab-0f3a5c1b2d4e \
                            --valid-until 2029-01-31T12:00:00Z --out extended.jws"
    )]
    Extend(PermitExtend),
    /// Take a permit back, for good: nodes refuse it, running studies stop, stored releases stay
    /// where they are
    #[command(
        after_help = "Example: ligate permit revoke --dir hdab permit.jws --reason \"used for another purpose\""
    )]
    Revoke(PermitRevoke),
    /// Check a permit's signature, issuer, dates and revocation as this node would
    #[command(after_help = "Example: ligate permit verify --dir biobank permit.jws")]
    Verify {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct PermitIssue {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The data user's name
    #[arg(long)]
    pub user: String,
    /// The data user's public key, or the file that holds it
    #[arg(long)]
    pub user_key: String,
    /// NODE/DATASET, three or more; NODE is a peer of this access body
    #[arg(long = "dataset", required = true)]
    pub datasets: Vec<String>,
    /// A purpose of Article 53(1): public-health, policy, statistics, education, research, care
    #[arg(long)]
    pub purpose: Purpose,
    /// What the data will be used for, in plain words
    #[arg(long)]
    pub about: String,
    /// The variables that may be used, trait and covariates
    #[arg(long, required = true, value_delimiter = ',')]
    pub variables: Vec<VariableName>,
    /// The methods that may be used
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "gwas-linear,gwas-logistic"
    )]
    pub methods: Vec<Method>,
    /// The peer who coordinates and opens sums; else this access body itself
    #[arg(long)]
    pub coordinator: Option<NodeName>,
    /// When the permit begins, as 2027-01-31 or 2027-01-31T12:00:00Z; else now
    #[arg(long, value_parser = first_moment)]
    pub valid_from: Option<Timestamp>,
    /// The last day of the permit, as 2028-01-31, or its end as 2028-01-31T12:00:00Z; at most ten
    /// years later; else a year after it begins
    #[arg(long, value_parser = end)]
    pub valid_until: Option<Timestamp>,
    /// Let all variants leave that are common enough, not only the leading ones
    #[arg(long)]
    pub export_full_table: bool,
    /// Who must approve each export: NAME=KEY, the key or the file that holds it
    #[arg(long, value_name = "NAME=KEY")]
    pub export_officer: Option<String>,
    /// The file to write
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Key {
    /// The private key's file; the public key goes beside it as .pub
    #[arg(long)]
    pub out: PathBuf,
}

/// Linear for a quantitative trait, logistic for a disease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FamilyName {
    Linear,
    Logistic,
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Linear => Self::Linear,
            FamilyName::Logistic => Self::Logistic,
        }
    }
}

/// Which people are in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum People {
    /// Everybody; missing values count as the value nearest to the mean, so that every study has
    /// the same people
    Filled,
    /// Those with the trait and every covariate of this run
    Complete,
    /// Those with every variable of the permit: the same people for each trait
    AllVariables,
}

#[derive(Debug, Args)]
pub struct Gwas {
    /// The node's folder, or with --permit the coordinator's
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The own dataset to analyse (or --permit): nothing leaves and no gate applies
    #[arg(long, conflicts_with = "permit", required_unless_present = "permit")]
    pub dataset: Option<DatasetId>,
    /// The permit under which several nodes answer together
    #[arg(long)]
    pub permit: Option<PathBuf>,
    /// The data user's signing key (else keys/user.key in the folder)
    #[arg(long, requires = "permit")]
    pub key: Option<PathBuf>,
    /// Which people count; else filled under a permit and complete on own data
    #[arg(long, value_enum)]
    pub people: Option<People>,
    /// Also combine the nodes' own results, as a meta-analysis would, in tenths of a standard
    /// error; once for a data user and dataset, since two would give each node's counts away. Uses
    /// one more column of the account
    #[arg(long, requires = "permit")]
    pub baseline: bool,
    /// Only say what the study would use of what may be shown to its data user; computes nothing
    /// about genotypes
    #[arg(long, requires = "permit")]
    pub plan: bool,
    /// Leave out this node of the permit; three others must remain
    #[arg(long, requires = "permit", value_name = "NODE")]
    pub without: Vec<NodeName>,
    /// The trait
    #[arg(long = "trait", value_name = "TRAIT")]
    pub trait_name: VariableName,
    #[arg(long, value_delimiter = ',')]
    pub covariates: Vec<VariableName>,
    /// Else logistic for a binary trait and linear for a quantitative one
    #[arg(long, value_enum)]
    pub family: Option<FamilyName>,
    /// Logistic: fit a Wald test where the score test's p is below this; 1 fits all, 0 none. Else
    /// 0.001 on own data and 0 under a permit, where Wald tests use much more of what may be shown:
    /// a column for each covariate
    #[arg(long, value_parser = probability)]
    pub wald_below: Option<f64>,
    /// The folder for the result, which only you can read
    #[arg(long, required_unless_present = "plan")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The folder that `ligate gwas` wrote, or its file *.provenance.json
    pub result: PathBuf,
    /// The coordinator's folder
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The data user's signing key (else keys/user.key in the folder)
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// The officer's approval, where the permit names an officer
    #[arg(long)]
    pub approval: Option<PathBuf>,
    /// Only say what could leave: nothing leaves and nothing counts; the nodes' logs say that it
    /// was asked
    #[arg(long)]
    pub plan: bool,
    /// The folder for what may leave
    #[arg(long, required_unless_present = "plan")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Approve {
    /// The request that `ligate export` wrote into the result's folder
    pub request: PathBuf,
    /// The officer's signing key
    #[arg(long)]
    pub key: PathBuf,
    /// The file to write
    #[arg(long)]
    pub out: PathBuf,
}

/// A time, or the beginning of a day (UTC).
fn first_moment(text: &str) -> Result<Timestamp, String> {
    moment(text, 0)
}

/// A time, or the end of a day (UTC).
fn end(text: &str) -> Result<Timestamp, String> {
    moment(text, 1)
}

fn moment(text: &str, days: i64) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let day = text
        .parse::<Date>()
        .and_then(|day| day.checked_add(days.days()));
    let midnight = day.and_then(|day| day.to_zoned(TimeZone::UTC));
    let said = "a day as 2027-01-31, or a time as 2027-01-31T12:00:00Z";
    midnight
        .map(|midnight| midnight.timestamp())
        .map_err(|_| said.to_owned())
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check every entry and file of the audit log
    #[command(after_help = "Example: ligate audit verify --dir biobank --peers")]
    Verify {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        /// Also compare with the tree heads that coordinator and peers hold: finds a log whose end
        /// was cut
        #[arg(long)]
        peers: bool,
    },
    /// Print the entries
    #[command(after_help = "Example: ligate audit show --dir biobank")]
    Show(NodeDir),
}

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// How much of each account is used, and the runs that opened sums, with their state
    #[command(after_help = "Example: ligate ledger show --dir biobank")]
    Show(NodeDir),
    /// Let an unfinished run be repeated without a node that was lost, when that node's steward has
    /// agreed
    #[command(
        after_help = "Example: ligate ledger close --dir biobank --question 6c4a...   (from `ledger show`)"
    )]
    Close {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        /// The question of the run, from `ligate ledger show`
        #[arg(long)]
        question: Digest,
    },
    /// Let a data user run with other nodes than those that he began with
    #[command(
        after_help = "Example: ligate ledger allow --dir biobank --dataset cohort --data-user \"Ada\" \
                      --nodes biobank,hospital,registry"
    )]
    Allow {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        #[arg(long)]
        dataset: DatasetId,
        /// The data user's name, as the permit has it
        #[arg(long)]
        data_user: String,
        /// All nodes of the runs to come, this one included
        #[arg(long, required = true, value_delimiter = ',')]
        nodes: Vec<NodeName>,
    },
    /// List the codings that other nodes decided, of diseases with the value 1 alone
    #[command(after_help = "Example: ligate ledger codings --dir biobank")]
    Codings(NodeDir),
    /// Undo a coding that was wrong, so that the next study decides it anew
    #[command(after_help = format!(
        "{FORGOTTEN_CODING}\n\nExample: ligate ledger forget-coding --dir biobank --dataset cohort --variable t2d"
    ))]
    ForgetCoding {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        #[arg(long)]
        dataset: DatasetId,
        /// The disease, from `ligate ledger codings`
        #[arg(long)]
        variable: VariableName,
    },
}

/// What undoing a coding means; the steward reads it before and after.
pub const FORGOTTEN_CODING: &str = "A study with the other coding, less an earlier one, shows this node's own cases: \
                                    forget a coding only where it was wrong, and say so to the data user.";

#[derive(Debug, Args)]
pub struct Demo {
    /// The folder to work in; an earlier demo in it is replaced
    #[arg(long, default_value = "ligate-demo")]
    pub dir: PathBuf,
    /// A folder of NAME.vcf.gz and NAME.phenotypes.tsv, one node per NAME, instead of the demo's
    /// own cohorts
    #[arg(long, requires = "traits")]
    pub sites: Option<PathBuf>,
    /// The traits, one study each
    #[arg(long = "trait", value_name = "TRAIT", value_delimiter = ',')]
    pub traits: Vec<VariableName>,
    #[arg(long, value_delimiter = ',')]
    pub covariates: Vec<VariableName>,
}
