//! `ligate sql`: questions to a node's own tables.

use anyhow::Result;
use ligate_lake::SqlLimits;

use crate::{cli::Sql, folder::Folder};

pub fn run(args: &Sql, json: bool) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let limits = SqlLimits { rows: args.limit, memory_bytes: folder.config.limits.memory_bytes() };
    let lake = folder.lake()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let table = runtime.block_on(lake.sql(&args.query, limits))?;
    if json {
        println!("{}", table.to_json());
    } else {
        print!("{}", table.to_text());
    }
    Ok(())
}
