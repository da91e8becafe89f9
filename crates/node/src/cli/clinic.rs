//! The words of the clinic: diagnosing one patient, the knowledge it rests on, its evaluation.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ligate_model::Assembly;

#[derive(Debug, Args)]
pub struct Diagnose {
    /// The case: a phenopacket (JSON or protobuf), a list of HPO terms, or with --text a text in
    /// English
    pub case: PathBuf,
    /// Read the case as English text and show every match in place
    #[arg(long)]
    pub text: bool,
    /// With --text: rank with the matches as shown, without asking
    #[arg(long, requires = "text")]
    pub accept: bool,
    /// The genome: a VCF of the patient, or of the family with --ped
    #[arg(long)]
    pub vcf: Option<PathBuf>,
    /// The family, as a PED file
    #[arg(long, requires = "vcf")]
    pub ped: Option<PathBuf>,
    /// The patient's sample in the VCF, where the case does not name it
    #[arg(long, requires = "vcf")]
    pub sample: Option<String>,
    /// GRCh37 or GRCh38, where the VCF's header does not tell
    #[arg(long, requires = "vcf")]
    pub assembly: Option<Assembly>,
    /// Further frequencies: a VCF of sites with AF, or a table like gnomAD's in the manual
    #[arg(long, requires = "vcf")]
    pub sites: Vec<PathBuf>,
    /// Show findings in genes that do not fit the phenotype too
    #[arg(long, requires = "vcf")]
    pub incidental: bool,
    /// Use what the node's peers released, as `ligate knowledge fetch` stored it; nothing is asked
    /// now
    #[arg(long, requires = "dir")]
    pub network: bool,
    /// The node's folder, for --network
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Only these genes, one to a line; what lies outside is counted and said
    #[arg(long, value_name = "PANEL")]
    pub genes: Option<PathBuf>,
    /// An earlier report of this patient (its JSON), to say what changed
    #[arg(long, value_name = "REPORT")]
    pub previous: Option<PathBuf>,
    /// The knowledge file; else $LIGATE_KNOWLEDGE, else the one that `ligate knowledge build`
    /// installed, else the one that comes with the program
    #[arg(long)]
    pub knowledge: Option<PathBuf>,
    /// Where the report goes: NAME.html and NAME.json, readable by you alone
    #[arg(long, value_name = "NAME", default_value = "diagnosis")]
    pub out: PathBuf,
    /// Candidates shown
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub top: u16,
}

#[derive(Debug, Subcommand)]
pub enum Evaluate {
    /// How often the right disease and gene come first, over solved cases
    #[command(
        after_help = "Example: ligate evaluate diagnosis --cases phenopackets.jsonl.zst --regime loo --json"
    )]
    Diagnosis(EvaluateDiagnosis),
}

/// What is removed from the annotations before a case is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegimeName {
    /// Nothing: figures are inflated by what was annotated from the case itself
    Leaky,
    /// What came from the case's own publication
    Loo,
    /// Only cases whose publication nothing here has seen
    Unseen,
}

/// How a case's terms are disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NoiseName {
    /// Each term with chance 1/2 replaced by a parent
    A,
    /// Half of the terms kept
    B,
    /// As many random terms added
    C,
    /// All three
    All,
}

#[derive(Debug, Args)]
pub struct EvaluateDiagnosis {
    /// Solved cases: .json, .jsonl (also .zst, .gz), .pb, or a folder of them
    #[arg(long)]
    pub cases: PathBuf,
    #[arg(long, value_enum)]
    pub regime: RegimeName,
    /// Cases that other registries know, split over eight nodes and released by the rule
    #[arg(long, value_name = "CASES")]
    pub knowledge_cases: Option<PathBuf>,
    #[arg(long, value_enum)]
    pub noise: Option<NoiseName>,
    /// Also the rival methods (Phenodigm, LIRICAL, Resnik) and the likelihood ratio alone, on the
    /// same rows and cases
    #[arg(long)]
    pub rivals: bool,
    #[arg(long)]
    pub knowledge: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Knowledge {
    /// Make one knowledge file of the official releases found below the folders
    #[command(
        after_help = "Example: ligate knowledge build --from releases\n\nFound by name: hp.obo, phenotype.hpoa, \
                            genes_to_phenotype.txt, mondo.sssom.tsv, hgnc_complete_set.txt, gene structures, \
                            constraint, inheritance, sites with frequencies, chains. What the folders lack is \
                            taken from the file that comes with the program."
    )]
    Build {
        /// Folders with releases
        #[arg(long, required = true, num_args = 1..)]
        from: Vec<PathBuf>,
        /// The file to write; else it is installed as this user's knowledge
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Fetch the current official release of HPO and its annotations, and build
    #[command(after_help = "Example: ligate knowledge update")]
    Update {
        /// Where hp.obo, phenotype.hpoa and genes_to_phenotype.txt are fetched from
        #[arg(long, default_value = "https://purl.obolibrary.org/obo/hp/")]
        base: String,
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Say what the knowledge in use holds: versions, licences, counts
    #[command(after_help = "Example: ligate knowledge show")]
    Show {
        #[arg(long)]
        knowledge: Option<PathBuf>,
    },
    /// Fetch whole what the node's peers released, ahead of any patient
    #[command(after_help = "Example: ligate knowledge fetch --dir registry")]
    Fetch {
        /// The node's folder
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
    },
}
