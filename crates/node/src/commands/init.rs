//! `ligate init` and `ligate key`: new node folders and new data users' keys.

use anyhow::Result;
use ligate_access::Identity;
use rand_core::OsRng;
use serde_json::json;

use crate::{
    cli::{Init, Key},
    folder::Folder,
    output,
};

pub fn node(args: &Init, json: bool) -> Result<()> {
    let folder = Folder::create(&args.dir, &args.name, &args.country)?;
    let key = folder.identity.public();
    if json {
        return output::print_json(
            &json!({ "name": args.name, "country": args.country, "key": key }),
        );
    }
    say!(
        "made node {} ({}) in {}",
        args.name,
        args.country,
        args.dir.display()
    );
    say!("its public key, for its peers: {key}");
    say!(
        "next: ligate ingest --dir {} --dataset ID --vcf FILE...",
        args.dir.display()
    );
    Ok(())
}

pub fn key(args: &Key, json: bool) -> Result<()> {
    let identity = Identity::generate(&mut OsRng);
    identity.save_new(&args.out)?;
    let public = args.out.with_extension("pub");
    output::write_public(&public, |out| writeln!(out, "{}", identity.public()))?;
    if json {
        return output::print_json(&json!({ "key": identity.public() }));
    }
    say!(
        "wrote {} (keep it secret) and {} (give it to the access body)",
        args.out.display(),
        public.display()
    );
    Ok(())
}
