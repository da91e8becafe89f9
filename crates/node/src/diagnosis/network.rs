//! What peers know, as fetched before: their tables in use, and what each does to the ranks.

use anyhow::{Result, bail};
use ligate_clinic::{
    counts::{self, PeerCounts},
    phenotype::{Annotations, Profile},
};
use ligate_knowledge::{DiseaseIndex, Knowledge};

use crate::{
    folder::Folder,
    registry::peers,
    report::diagnosis::{Network, PeerUse, RankByPeers, Version},
};

/// Leading candidates whose ranks are shown with and without peers.
pub const COMPARED: usize = 5;

/// The peers' tables that a diagnosis uses.
pub struct PeerTables {
    pub counts: Vec<PeerCounts>,
    pub uses: Vec<PeerUse>,
    pub versions: Vec<Version>,
}

impl PeerTables {
    /// Reads what `ligate knowledge fetch` stored. A damaged table is named and left out.
    pub fn read(folder: &Folder, knowledge: &Knowledge) -> Result<Self> {
        let (tables, problems) = peers::tables(folder)?;
        if tables.is_empty() && problems.is_empty() {
            bail!(
                "no peer's table is here yet; fetch them with `ligate knowledge fetch --dir ...`"
            );
        }
        let mut read = Self {
            counts: Vec::new(),
            uses: Vec::new(),
            versions: Vec::new(),
        };
        for table in tables {
            let counts = PeerCounts::of(table.peer.clone(), &table.table, knowledge);
            let fetched = table.fetched.strftime("%Y-%m-%d").to_string();
            read.versions.push(Version {
                what: format!("counts of {}", table.peer),
                which: format!("{} of {fetched}", table.digest.short()),
            });
            read.uses.push(PeerUse {
                name: table.peer.to_string(),
                fetched,
                diseases: counts.diseases().count(),
                counts: counts.rows(),
                refused: None,
            });
            read.counts.push(counts);
        }
        read.uses.extend(problems.into_iter().map(refused));
        Ok(read)
    }

    /// The diseases' profiles with all peers' counts.
    pub fn profiles(&self, annotations: &Annotations<'_>) -> Vec<(DiseaseIndex, Profile)> {
        counts::with_counts(annotations, &self.counts.iter().collect::<Vec<_>>())
    }
}

fn refused(problem: String) -> PeerUse {
    let (name, reason) = match problem.split_once(": ") {
        Some((name, reason)) => (name.to_owned(), reason.to_owned()),
        None => (String::new(), problem),
    };
    PeerUse {
        name,
        fetched: String::new(),
        diseases: 0,
        counts: 0,
        refused: Some(reason),
    }
}

/// The ranks of the leading candidates with all peers, with none and without each. `rank` ranks
/// `leading` under the profiles that are given.
pub fn ranks(
    tables: &PeerTables,
    annotations: &Annotations<'_>,
    leading: &[(DiseaseIndex, String)],
    rank: impl Fn(Vec<(DiseaseIndex, Profile)>) -> Vec<Option<f64>>,
) -> Network {
    let influence = counts::ranks_with_and_without(&tables.counts, |peers| {
        rank(counts::with_counts(annotations, peers))
    });
    let place = |ranks: &[Option<f64>], candidate: usize| {
        // A candidate without rows is behind all others.
        ranks[candidate].map_or(usize::MAX, |rank| rank.floor() as usize)
    };
    let rows = leading
        .iter()
        .enumerate()
        .map(|(candidate, (_, disease))| RankByPeers {
            disease: disease.clone(),
            with_all: place(&influence.with_all, candidate),
            with_none: place(&influence.with_none, candidate),
            without: influence
                .without
                .iter()
                .map(|(peer, ranks)| (peer.to_string(), place(ranks, candidate)))
                .collect(),
        });
    Network {
        peers: tables.uses.clone(),
        ranks: rows.collect(),
    }
}
