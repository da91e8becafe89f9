//! What peers released, as fetched: one file a peer and kind in `registry/peers/`. A diagnosis
//! reads these files and asks nobody. Every table is checked again when it is read; one that is
//! damaged is named, and the others go on.

use std::{
    collections::HashMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use ligate_clinic::counts::CountTable;
use ligate_files::form::Head;
use ligate_model::{AlleleTally, Assembly, Digest, NodeName, VariantKey};
use serde::{Deserialize, Serialize};

use crate::{folder::Folder, output};

/// The first line of a file of allele counts. Its version changes with the fields of
/// [`PeerAlleles`].
const ALLELES: Head = Head {
    name: "ligate peer alleles",
    version: 1,
};

/// Tallies of one peer at the most.
pub const TALLIES_MAX: usize = 20_000_000;

/// A peer's diagnosis counts, and when they were fetched.
#[derive(Clone, Debug)]
pub struct PeerTable {
    pub peer: NodeName,
    pub table: CountTable,
    pub fetched: Timestamp,
    /// Of the file, for a report to name.
    pub digest: Digest,
}

/// A peer's allele counts, as stored: in key order, each key once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerAlleles {
    pub assembly: Assembly,
    pub tallies: Vec<AlleleTally>,
}

impl PeerAlleles {
    /// Checks what came from elsewhere.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.tallies.len() <= TALLIES_MAX,
            "there are more than {TALLIES_MAX} allele counts"
        );
        for tally in &self.tallies {
            ensure!(
                tally.copies <= tally.called && tally.called > 0,
                "{} copies of {} called alleles are impossible",
                tally.copies,
                tally.called
            );
        }
        ensure!(
            self.tallies.is_sorted_by(|a, b| a.key < b.key),
            "the allele counts are not in order, or a variant is there twice"
        );
        Ok(())
    }
}

/// Copies and called alleles of all peers together. A variant that is not there is unknown, never
/// absent.
#[derive(Clone, Debug, Default)]
pub struct NetworkAlleles {
    tallies: HashMap<VariantKey, (u64, u64)>,
    /// Peers whose counts are in it.
    pub peers: Vec<NodeName>,
}

impl NetworkAlleles {
    /// Each variant that any peer released, with (copies, called), in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&VariantKey, (u64, u64))> {
        self.tallies.iter().map(|(key, counts)| (key, *counts))
    }

    fn add(&mut self, peer: NodeName, alleles: PeerAlleles) {
        for tally in alleles.tallies {
            let sum = self.tallies.entry(tally.key).or_default();
            *sum = (
                sum.0 + u64::from(tally.copies),
                sum.1 + u64::from(tally.called),
            );
        }
        self.peers.push(peer);
    }
}

/// The diagnosis counts of all peers that were fetched, in the order of names, and what could not
/// be used.
pub fn tables(folder: &Folder) -> Result<(Vec<PeerTable>, Vec<String>)> {
    let (mut tables, mut problems) = (Vec::new(), Vec::new());
    for (peer, path) in files(folder, "counts")? {
        match read_table(&peer, &path) {
            Ok(table) => tables.push(table),
            Err(error) => problems.push(problem(&peer, &error)),
        }
    }
    Ok((tables, problems))
}

/// The allele counts of all peers on one assembly, and what could not be used.
pub fn alleles(folder: &Folder, assembly: Assembly) -> Result<(NetworkAlleles, Vec<String>)> {
    let (mut all, mut problems) = (NetworkAlleles::default(), Vec::new());
    for (peer, path) in files(folder, "alleles")? {
        match read_alleles(&path) {
            Ok(alleles) if alleles.assembly == assembly => all.add(peer, alleles),
            Ok(alleles) => problems.push(format!(
                "{peer}: its allele counts are on {}, not on {assembly}",
                alleles.assembly
            )),
            Err(error) => problems.push(problem(&peer, &error)),
        }
    }
    Ok((all, problems))
}

pub fn keep_table(folder: &Folder, peer: &NodeName, table: &CountTable) -> Result<()> {
    let text = table.to_text();
    output::write_private(&path(folder, peer, "counts")?, |out| {
        out.write_all(text.as_bytes())
    })
}

pub fn keep_alleles(folder: &Folder, peer: &NodeName, alleles: &PeerAlleles) -> Result<()> {
    let bytes = postcard::to_stdvec(alleles).context("the allele counts cannot be written")?;
    output::write_private(&path(folder, peer, "alleles")?, |out| {
        out.write_all(ALLELES.line().as_bytes())?;
        out.write_all(&bytes)
    })
}

/// Forgets a peer's table of one kind (`counts`, `alleles`). Whether there was one.
pub fn forget(folder: &Folder, peer: &NodeName, kind: &str) -> Result<bool> {
    let path = path(folder, peer, kind)?;
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", path.display())),
    }
}

fn read_table(peer: &NodeName, path: &Path) -> Result<PeerTable> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let modified = fs::metadata(path).and_then(|found| found.modified()).ok();
    let fetched = modified
        .and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let digest = Digest::of("ligate peer counts", text.as_bytes());
    Ok(PeerTable {
        peer: peer.clone(),
        table: CountTable::read(&text)?,
        fetched,
        digest,
    })
}

fn read_alleles(path: &Path) -> Result<PeerAlleles> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let body = ALLELES
        .strip(&bytes)
        .with_context(|| format!("fetch {} again", path.display()))?;
    let Ok(alleles) = postcard::from_bytes::<PeerAlleles>(body) else {
        bail!("{} is damaged; fetch it again", path.display());
    };
    alleles.check()?;
    Ok(alleles)
}

fn problem(peer: &NodeName, error: &anyhow::Error) -> String {
    format!("{peer}: {}", output::one_line(error))
}

/// The files of one kind whose names are those of peers in ligate.toml, by name. What was fetched
/// from a peer that the steward has removed is not used.
fn files(folder: &Folder, kind: &str) -> Result<Vec<(NodeName, PathBuf)>> {
    let mut found = Vec::new();
    for peer in &folder.config.peers {
        let path = path(folder, &peer.name, kind)?;
        if path.exists() {
            found.push((peer.name.clone(), path));
        }
    }
    found.sort();
    Ok(found)
}

fn path(folder: &Folder, peer: &NodeName, kind: &str) -> Result<PathBuf> {
    let peers = folder.registry().join("peers");
    ligate_files::make_private_folder(&peers)?;
    Ok(peers.join(format!("{peer}.{kind}")))
}
