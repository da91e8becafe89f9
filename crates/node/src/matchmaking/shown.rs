//! Who may be shown, and under which name: patients of the registry whose consent to matchmaking is
//! recorded, each under a digest of a secret of this node and their id, so that the name tells
//! nothing and stays the same.

use std::{fs, io::ErrorKind};

use anyhow::{Context, Result, ensure};
use ligate_model::{Case, Digest};
use rand_core::{OsRng, RngCore};

use crate::{folder::Folder, output, registry::Registry};

const SECRET_BYTES: usize = 32;

/// The patients who agreed, each with the name to show.
pub fn shown(folder: &Folder) -> Result<Vec<(String, Case)>> {
    let secret = secret(folder)?;
    let patients = Registry::open(folder)?.shown_in_matching()?;
    let name = |id: &str| {
        Digest::of("ligate match name", &[&secret[..], id.as_bytes()].concat()).to_string()
    };
    Ok(patients
        .into_iter()
        .map(|(id, case)| (name(id.as_str())[..24].to_owned(), case))
        .collect())
}

/// The node's secret for names, made when it is first needed.
fn secret(folder: &Folder) -> Result<Vec<u8>> {
    let path = folder.registry().join("match.key");
    match fs::read(&path) {
        Ok(secret) => {
            ensure!(
                secret.len() == SECRET_BYTES,
                "{} is damaged; restore it from a copy",
                path.display()
            );
            return Ok(secret);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let mut secret = vec![0; SECRET_BYTES];
    OsRng.fill_bytes(&mut secret);
    output::write_private(&path, |out| out.write_all(&secret))?;
    Ok(secret)
}
