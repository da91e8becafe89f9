//! `ligate backup` and `ligate restore`: a consistent copy of a node's folder, also while the node
//! serves, and the way back. The books (log, ledgers, journal of rounds, settings) are copied under
//! their locks, taken in one order: registry, privacy ledger, registry's ledger, patients, log.
//! Datasets are copied after that: their snapshots never change.
//!
//! It refuses to copy over anything, into the node's own folder, or a node that must be recovered
//! first; and to put back a copy that is not whole, or over a node. What was put back is marked: it
//! answers nobody before `ligate recover`, because what was shown since the copy is not in it.
//!
//! A copy holds genotypes, phenotypes and the ledgers' keys, and is as secret as the folder. The
//! node's signing key is in it only on demand: whoever has both can speak as the node, and a key
//! that is kept apart is not lost with the copy.

use std::{
    fs::{self, File},
    io::Read,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, ensure};
use jiff::Timestamp;
use ligate_access::{PublicKey, audit};
use ligate_files::{
    Lock,
    form::{self, FormError},
};
use ligate_lake::Lake;
use ligate_model::{Digest, NodeName};
use serde::{Deserialize, Serialize};

use super::{check_mark, mark};
use crate::{
    folder::{Claim, Folder},
    output,
};

const VERSION: u32 = 1;
/// The list of a copy's files; written last, so that a copy without it is none.
const MANIFEST: &str = "backup.json";
const MANIFEST_BYTES_MAX: u64 = 256 << 20;
const DATASETS: &str = "datasets";

/// What a copy holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    pub software: String,
    pub node: NodeName,
    pub key: PublicKey,
    pub made: Timestamp,
    /// Entries of the audit log, and its root.
    pub log_size: u64,
    pub log_root: Digest,
    pub with_keys: bool,
    pub with_datasets: bool,
    pub files: Vec<CopiedFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopiedFile {
    /// Relative to the folder, with `/`.
    path: String,
    pub bytes: u64,
    sha256: Digest,
}

/// What is copied.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub keys: bool,
    pub datasets: bool,
}

/// Copies the node of `folder` into the new folder `out`.
pub fn backup(folder: &Folder, out: &Path, extent: Extent) -> Result<Manifest> {
    check_mark(folder)?;
    ensure!(
        !out.exists(),
        "{} is there already; a copy is never overwritten",
        out.display()
    );
    let parent = parent_of(out)?;
    let inside = parent
        .canonicalize()
        .with_context(|| format!("cannot open {}", parent.display()))?;
    let own = folder
        .path()
        .canonicalize()
        .with_context(|| format!("cannot open {}", folder.path().display()))?;
    ensure!(
        !inside.starts_with(&own),
        "{} lies inside the node's folder; choose another disk",
        out.display()
    );
    let unfinished = tempfile::Builder::new()
        .prefix(".ligate-backup-")
        .tempdir_in(&inside)?;
    let mut copy = Copy {
        from: own,
        to: unfinished.path().to_owned(),
        files: Vec::new(),
    };
    let head = {
        let _locks = Locks::take(folder)?;
        copy.books(extent.keys)?;
        audit::verify(&copy.to.join("audit"), folder.identity.public())?.head
    };
    if extent.datasets {
        copy.datasets()?;
    }
    copy.files.sort_by(|one, other| one.path.cmp(&other.path));
    let manifest = Manifest {
        version: VERSION,
        software: format!("ligate {}", env!("CARGO_PKG_VERSION")),
        node: folder.name().clone(),
        key: folder.identity.public(),
        made: Timestamp::now(),
        log_size: head.size,
        log_root: head.root,
        with_keys: extent.keys,
        with_datasets: extent.datasets,
        files: copy.files,
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    output::write_private(&unfinished.path().join(MANIFEST), |file| {
        file.write_all(&text)
    })?;
    take_place(&unfinished.keep(), out)?;
    Ok(manifest)
}

fn parent_of(path: &Path) -> Result<&Path> {
    let parent = path
        .parent()
        .with_context(|| format!("{} has no parent folder", path.display()))?;
    Ok(if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    })
}

fn take_place(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot make {}", to.display()))?;
    Ok(ligate_files::sync_folder(parent_of(to)?)?)
}

/// Everything that keeps the books from changing while they are copied.
struct Locks {
    _registry: Claim,
    _books: Vec<Lock>,
}

impl Locks {
    fn take(folder: &Folder) -> Result<Self> {
        let claim = folder.claim("registry")?;
        let mut books = Vec::new();
        let registry = folder.registry();
        let locks = [
            folder.ledger().join("lock"),
            registry.join("ledger/lock"),
            registry.join("lock"),
        ];
        for path in locks
            .into_iter()
            .chain([folder.audit().join("log.jsonl")])
            .filter(|path| path.exists())
        {
            books.push(Lock::wait_existing(&path)?);
        }
        Ok(Self {
            _registry: claim,
            _books: books,
        })
    }
}

struct Copy {
    from: PathBuf,
    to: PathBuf,
    files: Vec<CopiedFile>,
}

impl Copy {
    /// All but datasets, locks and, unless wanted, private keys.
    fn books(&mut self, keys: bool) -> Result<()> {
        for name in names(&self.from)? {
            let below = Path::new(&name).to_owned();
            match name.as_str() {
                DATASETS | "keys" => {}
                name if name.ends_with(".lock") => {}
                _ => self.copy(&below)?,
            }
        }
        if keys {
            self.copy(Path::new("keys"))
        } else {
            self.copy(Path::new("keys/node.pub"))
        }
    }

    /// The datasets, unless a load replaces one meanwhile.
    fn datasets(&mut self) -> Result<()> {
        let changed = "a dataset was loaded while it was copied; make the copy again";
        self.copy(Path::new(DATASETS)).context(changed)?;
        Lake::open(&self.to.join(DATASETS))
            .and_then(|lake| lake.datasets())
            .context(changed)?;
        Ok(())
    }

    /// A file or a folder with all that is in it.
    fn copy(&mut self, below: &Path) -> Result<()> {
        let (from, to) = (self.from.join(below), self.to.join(below));
        if from.is_dir() {
            ligate_files::make_private_folder(&to)?;
            for name in names(&from)? {
                let passing = name.starts_with("incoming-")
                    || name.ends_with(".next")
                    || ligate_files::is_unfinished(&name);
                if !passing {
                    self.copy(&below.join(name))?;
                }
            }
            return Ok(());
        }
        ligate_files::make_private_folder(to.parent().unwrap_or(&self.to))?;
        let (bytes, sha256) = ligate_files::copy_private(&from, &to)?;
        let path = below
            .to_str()
            .with_context(|| format!("{} is no UTF-8 name", from.display()))?
            .to_owned();
        self.files.push(CopiedFile {
            path,
            bytes,
            sha256,
        });
        Ok(())
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = || format!("cannot read the folder {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        let name = entry.with_context(failed)?.file_name();
        names.push(
            name.into_string()
                .ok()
                .with_context(|| format!("a name in {} is no UTF-8", folder.display()))?,
        );
    }
    names.sort();
    Ok(names)
}

/// Puts the copy `from` back as the new folder `to`, marked so that it must be recovered.
pub fn restore(from: &Path, to: &Path) -> Result<Manifest> {
    let manifest = read_manifest(from)?;
    let empty = fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none());
    ensure!(
        empty || !to.exists(),
        "{} is there already; restore into a new folder",
        to.display()
    );
    let parent = parent_of(to)?;
    ligate_files::make_private_folder(parent)?;
    let unfinished = tempfile::Builder::new()
        .prefix(".ligate-restore-")
        .tempdir_in(parent)?;
    for file in &manifest.files {
        put_back(file, from, unfinished.path())?;
    }
    let reason = format!("the folder was restored from a copy of {}", manifest.made);
    mark(unfinished.path(), &reason, Some(manifest.made))?;
    take_place(&unfinished.keep(), to)?;
    Ok(manifest)
}

fn read_manifest(from: &Path) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    let failed = || {
        format!(
            "{} is no copy that `ligate backup` ended: {MANIFEST} is missing",
            from.display()
        )
    };
    let mut text = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text))
        .with_context(failed)?;
    form::json(&text, VERSION..=VERSION).map_err(|error| match error {
        FormError::AnotherVersion { .. } => {
            anyhow!(
                "{} was written by another version of ligate; restore it with that one",
                path.display()
            )
        }
        FormError::Damaged(why) => anyhow!("{} is damaged: {why}", path.display()),
    })
}

fn put_back(file: &CopiedFile, from: &Path, to: &Path) -> Result<()> {
    let below = Path::new(&file.path);
    let plain = below
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    ensure!(
        plain && !file.path.is_empty(),
        "{MANIFEST} names a file outside of the copy"
    );
    let target = to.join(below);
    ligate_files::make_private_folder(target.parent().unwrap_or(to))?;
    let copied = ligate_files::copy_private(&from.join(below), &target)?;
    ensure!(
        copied == (file.bytes, file.sha256),
        "{} is not as it was copied: its SHA-256 differs from {MANIFEST}",
        from.join(below).display()
    );
    Ok(())
}
