//! `ligate sql`: questions to a node's own tables.

use anyhow::{Context, Result};
use ligate_lake::SqlLimits;

use crate::{cli::Sql, folder::Folder, interrupt};

pub fn run(args: &Sql, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let limits = SqlLimits {
        rows: args.limit,
        memory_bytes: folder.config.limits.memory_bytes(),
    };
    let lake = folder.lake()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let answered = runtime.block_on(async {
        tokio::select! {
            table = lake.sql(&args.query, limits) => Some(table),
            () = interrupt::requested() => None,
        }
    });
    // A query that was stopped may still hold threads; they end with the process.
    runtime.shutdown_background();
    let table = answered.context("stopped")??;
    if json {
        say!("{}", table.to_json());
    } else {
        say!("{}", table.to_text().trim_end());
    }
    Ok(())
}
