//! `ligate`: one program that an organisation runs beside its data and so becomes a node of a network.
//!
//! This crate is the only one that knows of processes: the command line, configuration, TLS and HTTP meet here and
//! nothing depends on it. What is computed, disclosed or permitted is decided in the crates below.

#[macro_use]
mod output;

mod books;
mod cli;
mod commands;
mod config;
mod demo;
mod diagnosis;
mod folder;
mod interrupt;
mod matchmaking;
mod permits;
mod progress;
mod registry;
mod report;
mod revocations;
mod run;
mod serve;
mod session;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    output::be_private();
    let cli = cli::Cli::parse();
    interrupt::install();
    match commands::run(cli) {
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
