//! `ligate serve`.

use std::{io, thread};

use anyhow::Result;

use crate::{cli, folder::Folder, interrupt, serve};

pub fn run(args: &cli::Serve) -> Result<()> {
    let folder = Folder::open(&args.dir)?;
    let _claim = folder.claim("serve")?;
    let listen = args.listen.unwrap_or(folder.config.serve.listen);
    if args.stop_with_stdin {
        thread::spawn(|| {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            interrupt::request();
        });
    }
    serve::run(folder, listen)
}
