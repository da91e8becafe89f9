//! The permits that this access body issued: one file per permit in `permits/`, named by its id. It
//! keeps what was signed and which permit it extends; whether a permit is in force or revoked is
//! never stored here.

use std::{fs, io::ErrorKind, path::PathBuf};

use anyhow::{Context, Result};
use ligate_access::permit::{PermitId, SignedPermit};
use ligate_files::{form, read_if_there};
use serde::{Deserialize, Serialize};

use crate::{folder::Folder, output};

/// The form of the stored files.
const VERSION: u32 = 1;

/// A permit of this access body.
pub struct Issued {
    pub permit: SignedPermit,
    /// The permit that this one extends.
    pub extends: Option<PermitId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// As signed.
    permit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extends: Option<PermitId>,
}

pub fn keep(body: &Folder, issued: &Issued) -> Result<()> {
    let stored = Stored {
        version: VERSION,
        permit: issued.permit.jws().to_owned(),
        extends: issued.extends.clone(),
    };
    let text = serde_json::to_string_pretty(&stored)?;
    output::write_private(&path(body, &issued.permit.permit().id), |out| {
        writeln!(out, "{text}")
    })
}

pub fn find(body: &Folder, id: &PermitId) -> Result<Option<Issued>> {
    let path = path(body, id);
    let issued = read_if_there(&path)?.map(|text| read(&text)).transpose();
    issued.with_context(|| format!("in {}", path.display()))
}

/// All permits, in the order in which they were issued.
pub fn all(body: &Folder) -> Result<Vec<Issued>> {
    let folder = body.permits();
    let failed = || format!("cannot read {}", folder.display());
    let files = match fs::read_dir(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(failed),
    };
    let mut all = Vec::new();
    for file in files {
        let name = file.with_context(failed)?.file_name();
        // Anything else is a file that was being written when the power went.
        let id = name
            .to_str()
            .and_then(|name| name.strip_suffix(".json"))
            .and_then(|id| id.parse().ok());
        if let Some(id) = id {
            all.extend(find(body, &id)?);
        }
    }
    all.sort_by(|one, other| {
        let order = |issued: &Issued| {
            (
                issued.permit.permit().issued,
                issued.permit.permit().id.clone(),
            )
        };
        order(one).cmp(&order(other))
    });
    Ok(all)
}

fn read(text: &[u8]) -> Result<Issued> {
    let stored: Stored = form::json(text, VERSION..=VERSION)?;
    Ok(Issued {
        permit: SignedPermit::read(&stored.permit)?,
        extends: stored.extends,
    })
}

fn path(body: &Folder, id: &PermitId) -> PathBuf {
    body.permits().join(format!("{id}.json"))
}
