//! The words of keeping a node: copies, putting one back, going on from it.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use ligate_model::NodeName;

#[derive(Debug, Args)]
pub struct Backup {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The new folder to copy into, on another disk
    #[arg(long)]
    pub to: PathBuf,
    /// Also copy the private keys: whoever has the copy can then speak as this node
    #[arg(long)]
    pub with_keys: bool,
    /// Leave out the datasets, which can be loaded again from their files
    #[arg(long)]
    pub without_datasets: bool,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// What `ligate backup` wrote
    #[arg(long)]
    pub from: PathBuf,
    /// The new folder of the node
    #[arg(long)]
    pub to: PathBuf,
}

#[derive(Debug, Args)]
pub struct Recover {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Your word: apart from the runs that log and coordinators prove, nothing was shown to anybody
    /// since this time, which is that of the copy or earlier. Opens all accounts again that a
    /// recovery closed to everybody. If you are wrong, a data user can take two results apart into
    /// single people. It is recorded
    #[arg(long, requires = "i_know")]
    pub nothing_was_shown_since: Option<Timestamp>,
    /// You have read what --nothing-was-shown-since means
    #[arg(long)]
    pub i_know: bool,
    /// Patients who have withdrawn: their ids, one a line, or what `ligate registry withdrawals`
    /// wrote
    #[arg(long)]
    pub withdrawn: Option<PathBuf>,
    /// Your word: no patient of the registry has withdrawn or taken back a consent since this time.
    /// Without it, all consents to matchmaking and single counts count as not given. It is recorded
    #[arg(long, conflicts_with = "withdrawn")]
    pub no_withdrawals_since: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub struct PeerRecovered {
    #[arg(long, env = "LIGATE_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The peer that was restored
    #[arg(long)]
    pub name: NodeName,
    /// Do not ask the peer for the entry of its recovery, because it cannot be reached: your word
    /// alone is behind it
    #[arg(long)]
    pub unseen: bool,
}
