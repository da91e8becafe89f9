//! The words of matchmaking.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Match {
    /// The case: a phenopacket or a list of terms
    pub case: PathBuf,
    /// The node's folder; [matchmaking] in its ligate.toml says who is asked
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// State that this patient's consent to matchmaking is recorded: terms and genes go to the
    /// peers
    #[arg(long)]
    pub consent: bool,
    /// Only search this node's own registry; nothing is sent
    #[arg(long, conflicts_with = "consent")]
    pub own: bool,
    #[arg(long)]
    pub knowledge: Option<PathBuf>,
    /// Matches shown of each system
    #[arg(long, default_value_t = 5)]
    pub top: usize,
}
