//! The words of a registry: its patients, what is released of them, who left.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ligate_disclosure::diagnosis_counts::Epsilon;
use ligate_model::{DatasetId, IndividualId};

use super::NodeDir;

#[derive(Debug, Subcommand)]
pub enum Registry {
    /// Take solved cases into the registry; nothing is released yet
    #[command(after_help = "Example: ligate registry add --dir registry cases.jsonl")]
    Add(RegistryAdd),
    /// Close batches: count every disease that has five patients or more who were never counted
    #[command(after_help = "Example: ligate registry close --dir registry")]
    Close(RegistryClose),
    /// A patient leaves: what was counted with them is no longer served, and they are never counted
    /// again
    #[command(after_help = "Example: ligate registry withdraw --dir registry --patient 4711")]
    Withdraw {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        /// The patient's id, as in the cases
        #[arg(long)]
        patient: IndividualId,
    },
    /// Let the peers of [diagnosis] in ligate.toml fetch the allele counts of a dataset
    #[command(after_help = "Example: ligate registry alleles --dir registry --dataset exomes")]
    Alleles {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        #[arg(long)]
        dataset: DatasetId,
    },
    /// Write who has withdrawn, as numbers that this registry's key alone tells of; for `ligate
    /// recover`
    #[command(
        after_help = "Keep the newest one away from the node: a restored registry must know who has \
                            withdrawn.\n\nExample: ligate registry withdrawals --dir registry --out /backup/withdrawn"
    )]
    Withdrawals {
        #[arg(long, env = "LIGATE_DIR", default_value = ".")]
        dir: PathBuf,
        /// The file to write; an older one is replaced
        #[arg(long)]
        out: PathBuf,
    },
    /// Say what the registry holds, what is served and to whom
    #[command(after_help = "Example: ligate registry show --dir registry")]
    Show(NodeDir),
}

#[derive(Debug, Args)]
pub struct RegistryAdd {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Phenopackets: .json, .jsonl (also .gz, .zst), .pb, or folders of them
    #[arg(required = true)]
    pub cases: Vec<PathBuf>,
    /// The cases' own ids name the patients, not the ids of their subjects
    #[arg(long)]
    pub by_case_id: bool,
    /// State that each of these patients has agreed, on record, to counts of fewer than five
    #[arg(long)]
    pub consent_single_counts: bool,
    /// State that each of these patients has agreed, on record, to be shown in matchmaking
    #[arg(long)]
    pub consent_matching: bool,
    #[arg(long)]
    pub knowledge: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct RegistryClose {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Also count fewer than five patients, where each has agreed to it
    #[arg(long, conflicts_with = "epsilon")]
    pub single_counts: bool,
    /// Count all newcomers once, with differential privacy of this epsilon, instead of closing
    /// batches
    #[arg(long)]
    pub epsilon: Option<Epsilon>,
    #[arg(long)]
    pub knowledge: Option<PathBuf>,
}
