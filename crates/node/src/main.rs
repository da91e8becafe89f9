//! `ligate`: one program that an organisation runs beside its data and so becomes a node of a
//! network.
//!
//! This crate is the only one that knows of processes: the command line, configuration, TLS and
//! HTTP meet here and nothing depends on it. What is computed, disclosed or permitted is decided in
//! the crates below.

#[macro_use]
mod output;

mod books;
mod cli;
mod commands;
mod config;
mod demo;
mod diagnosis;
mod folder;
mod gate;
mod interrupt;
mod matchmaking;
mod permits;
mod progress;
mod recovery;
mod registry;
mod report;
mod revocations;
mod run;
mod serve;
mod session;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use commands::{
    audit, datasets, diagnose, evaluate, export, gwas, ingest, init, knowledge, ledger, matching,
    peer, permit, sql,
};

fn main() -> ExitCode {
    output::be_private();
    let cli = cli::Cli::parse();
    interrupt::install();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::is_requested() => {
            note!("error: stopped; what was finished before stays, nothing is left half-done");
            ExitCode::from(1)
        }
        Err(error) => {
            note!("error: {}", output::one_line(&error));
            ExitCode::from(1)
        }
    }
}

/// Runs one command.
fn run(cli: Cli) -> Result<()> {
    let json = cli.json;
    match cli.command {
        Command::Init(args) => init::node(&args, json),
        Command::Key(args) => init::key(&args, json),
        Command::Ingest(args) => ingest::run(args, json),
        Command::Datasets(args) => datasets::run(&args.dir, json),
        Command::Sql(args) => sql::run(&args, json),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Peer(args) => peer::run(args, json),
        Command::Permit(args) => permit::run(args, json),
        Command::Gwas(args) => gwas::run(args, json),
        Command::Export(args) => export::run(&args, json),
        Command::Approve(args) => export::approve(&args),
        Command::Audit(args) => audit::run(args, json),
        Command::Ledger(args) => ledger::run(args, json),
        Command::Backup(args) => commands::recovery::back_up(&args, json),
        Command::Restore(args) => commands::recovery::restore(&args, json),
        Command::Recover(args) => commands::recovery::recover(&args, json),
        Command::Diagnose(args) => diagnose::run(&args, json),
        Command::Evaluate(args) => evaluate::run(args, json),
        Command::Knowledge(args) => knowledge::run(args, json),
        Command::Match(args) => matching::run(&args, json),
        Command::Registry(args) => commands::registry::run(args, json),
        Command::Demo(args) => demo::run(&args, json),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "ligate", &mut std::io::stdout());
            Ok(())
        }
    }
}
