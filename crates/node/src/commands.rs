//! One module per command: it turns words into calls and results into text. No rule is decided here.

mod audit;
mod datasets;
mod diagnose;
mod evaluate;
mod export;
mod gwas;
mod ingest;
mod init;
mod knowledge;
mod ledger;
mod matching;
mod peer;
mod permit;
mod recovery;
mod registry;
mod sql;

pub use audit::compare_with_peers;
pub use diagnose::answer as diagnose;
pub use ingest::{history_key, load};
pub use knowledge::{
    BUILT_IN as BUILT_IN_KNOWLEDGE,
    genome::{LISTED_FROM, is_grch37},
};
pub use peer::save as save_peer;
pub use permit::{PermitTerms, issue as issue_permit, trusted_issuers};
pub use registry::fetch as fetch_knowledge;

use anyhow::Result;
use clap::CommandFactory;

use crate::{
    cli::{Cli, Command},
    demo, serve,
};

/// Runs one command.
pub fn run(cli: Cli) -> Result<()> {
    let json = cli.json;
    match cli.command {
        Command::Init(args) => init::node(&args, json),
        Command::Key(args) => init::key(&args, json),
        Command::Ingest(args) => ingest::run(args, json),
        Command::Datasets(args) => datasets::run(&args.dir, json),
        Command::Sql(args) => sql::run(&args, json),
        Command::Serve(args) => serve::run(&args),
        Command::Peer(args) => peer::run(args, json),
        Command::Permit(args) => permit::run(args, json),
        Command::Gwas(args) => gwas::run(args, json),
        Command::Export(args) => export::run(&args, json),
        Command::Approve(args) => export::approve(&args),
        Command::Audit(args) => audit::run(args, json),
        Command::Ledger(args) => ledger::run(args, json),
        Command::Backup(args) => recovery::back_up(&args, json),
        Command::Restore(args) => recovery::restore(&args, json),
        Command::Recover(args) => recovery::recover(&args, json),
        Command::Diagnose(args) => diagnose::run(&args, json),
        Command::Evaluate(args) => evaluate::run(args, json),
        Command::Knowledge(args) => knowledge::run(args, json),
        Command::Match(args) => matching::run(&args, json),
        Command::Registry(args) => registry::run(args, json),
        Command::Demo(args) => demo::run(&args, json),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "ligate", &mut std::io::stdout());
            Ok(())
        }
    }
}
