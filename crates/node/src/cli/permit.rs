//! Words of `ligate permit revoke`, `list` and `extend`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

#[derive(Debug, Args)]
pub struct PermitRevoke {
    /// The access body's folder
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The permit's id, or the file that holds it
    pub permit: String,
    /// Why; every node and the data user read it, so name no patient
    #[arg(long)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct PermitExtend {
    /// The access body's folder
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The permit's id, or the file that holds it
    pub permit: String,
    /// The last day of the new permit, as 2029-01-31, or its end as 2029-01-31T12:00:00Z
    #[arg(long, value_parser = super::end)]
    pub valid_until: Timestamp,
    /// The file to write
    #[arg(long)]
    pub out: PathBuf,
}
