//! What other registries know, as it arrives: a peer's table of m of n patients by disease and
//! term. It is checked whole, bounded in what it can weigh, and added to the annotations of its
//! diseases; ranks with and without each peer show what rests on whom. A table that breaks a rule
//! is refused with the first thing that is wrong, and the tables of the others go on.

mod entry;
mod influence;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use ligate_knowledge::{DiseaseIndex, Knowledge, ontology::Term};
use ligate_model::{DiagnosisCount, DiseaseId, NodeName, TermId};

use crate::phenotype::{Annotations, Counts, Edit, Profile};

pub use entry::{NotEntered, RegistryEntry, entry};
pub use influence::{Influence, ranks_with_and_without};

/// Rows of one table: all candidates with some sixty terms each.
pub const ROWS_MAX: usize = 500_000;
/// Rows of one disease in one table; the best described patients' lists together stay far below it.
pub const ROWS_PER_DISEASE_MAX: usize = 5_000;
/// Patients of one row. No rare disease has more in a registry.
pub const PATIENTS_MAX: u32 = 1_000_000;
/// Characters of a table's text: rows of 50 and a line of names.
pub const TEXT_BYTES_MAX: usize = 50 * (ROWS_MAX + 1);

/// What a peer may weigh: a row that counts more patients counts as this many, with the same share.
/// A published series of a rare disease has 1 to 50 patients, so one peer is worth one large series
/// at the most, whatever it claims.
pub const WEIGHT_MAX: u32 = 50;

const HEADER: &str = "disease\tterm\tm\tn";

/// What is wrong with a table. It names the peer's own row, which describes no patient here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountTableError {
    #[error("the table has more than {ROWS_MAX} rows")]
    TooManyRows,
    #[error("the table has more than {ROWS_PER_DISEASE_MAX} rows of {0}")]
    TooManyRowsOfDisease(DiseaseId),
    #[error("{disease} {term}: {m} of {n} patients is impossible")]
    Impossible {
        disease: DiseaseId,
        term: TermId,
        m: u32,
        n: u32,
    },
    #[error("{disease} {term}: no patient has it; a table holds no rows of zero")]
    Zero { disease: DiseaseId, term: TermId },
    #[error("{disease} {term}: more than {PATIENTS_MAX} patients")]
    TooManyPatients { disease: DiseaseId, term: TermId },
    #[error("{disease} {term} is there twice")]
    Twice { disease: DiseaseId, term: TermId },
    #[error("line {0} is no row of disease, term, m and n")]
    Line(usize),
    #[error("the first line is not `disease term m n`, with tabs")]
    Header,
    #[error("the table is larger than {TEXT_BYTES_MAX} bytes")]
    TooLarge,
}

/// A table that keeps the rules: 0 < m <= n, each disease and term once, sizes bounded. In order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountTable {
    rows: Vec<DiagnosisCount>,
}

impl CountTable {
    /// Checks rows that came from elsewhere.
    pub fn new(mut rows: Vec<DiagnosisCount>) -> Result<Self, CountTableError> {
        if rows.len() > ROWS_MAX {
            return Err(CountTableError::TooManyRows);
        }
        rows.iter().try_for_each(check_row)?;
        rows.sort_unstable();
        let same = |pair: &&[DiagnosisCount]| {
            pair[0].disease == pair[1].disease && pair[0].term == pair[1].term
        };
        if let Some(pair) = rows.windows(2).find(same) {
            return Err(CountTableError::Twice {
                disease: pair[0].disease,
                term: pair[0].term,
            });
        }
        let long = |of_disease: &&[DiagnosisCount]| of_disease.len() > ROWS_PER_DISEASE_MAX;
        match rows.chunk_by(|a, b| a.disease == b.disease).find(long) {
            Some(of_disease) => Err(CountTableError::TooManyRowsOfDisease(of_disease[0].disease)),
            None => Ok(Self { rows }),
        }
    }

    /// Reads what [`to_text`](Self::to_text) wrote, and checks it again.
    pub fn read(text: &str) -> Result<Self, CountTableError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(CountTableError::TooLarge);
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(CountTableError::Header);
        }
        let rows = lines
            .zip(2..)
            .map(|(line, number)| read_row(line).ok_or(CountTableError::Line(number)));
        Self::new(rows.collect::<Result<_, _>>()?)
    }

    /// A line of names, then one line a row, with tabs between.
    pub fn to_text(&self) -> String {
        let row =
            |row: &DiagnosisCount| format!("{}\t{}\t{}\t{}\n", row.disease, row.term, row.m, row.n);
        std::iter::once(format!("{HEADER}\n"))
            .chain(self.rows.iter().map(row))
            .collect()
    }

    pub fn rows(&self) -> &[DiagnosisCount] {
        &self.rows
    }
}

fn check_row(row: &DiagnosisCount) -> Result<(), CountTableError> {
    let DiagnosisCount {
        disease,
        term,
        m,
        n,
    } = *row;
    if m == 0 {
        return Err(CountTableError::Zero { disease, term });
    }
    if m > n {
        return Err(CountTableError::Impossible {
            disease,
            term,
            m,
            n,
        });
    }
    if n > PATIENTS_MAX {
        Err(CountTableError::TooManyPatients { disease, term })
    } else {
        Ok(())
    }
}

fn read_row(line: &str) -> Option<DiagnosisCount> {
    let mut fields = line.split('\t');
    let disease = fields.next()?.parse().ok()?;
    let term = fields.next()?.parse().ok()?;
    let (m, n) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    fields.next().is_none().then_some(DiagnosisCount {
        disease,
        term,
        m,
        n,
    })
}

/// What of a table was not used, by the version of the knowledge here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unused {
    /// Rows of diseases that are not known here.
    pub diseases: usize,
    /// Rows of terms that are not phenotype terms of the ontology here.
    pub terms: usize,
    /// Rows that were scaled down to [`WEIGHT_MAX`].
    pub scaled: usize,
}

/// A peer's table in the words of the knowledge here, each row bounded in weight.
#[derive(Clone, Debug)]
pub struct PeerCounts {
    pub peer: NodeName,
    pub unused: Unused,
    counts: BTreeMap<DiseaseIndex, BTreeMap<Term, Counts>>,
}

impl PeerCounts {
    /// Rows that mean the same here (two ids of one disease, a term and the one that it was merged
    /// into) are summed, and bounded together.
    pub fn of(peer: NodeName, table: &CountTable, knowledge: &Knowledge) -> Self {
        let ontology = &knowledge.ontology;
        let mut read = Self {
            peer,
            unused: Unused::default(),
            counts: BTreeMap::new(),
        };
        for row in table.rows() {
            let Some(disease) = knowledge.find_disease(row.disease) else {
                read.unused.diseases += 1;
                continue;
            };
            let Some(term) = ontology
                .term(row.term)
                .filter(|term| ontology.is_phenotype(*term))
            else {
                read.unused.terms += 1;
                continue;
            };
            let sum = read
                .counts
                .entry(disease)
                .or_default()
                .entry(term)
                .or_default();
            *sum = Counts {
                m: sum.m.saturating_add(row.m),
                n: sum.n.saturating_add(row.n),
            };
        }
        for counts in read.counts.values_mut().flat_map(BTreeMap::values_mut) {
            read.unused.scaled += usize::from(counts.n > WEIGHT_MAX);
            *counts = weighed(*counts);
        }
        read
    }

    /// Number of rows in use.
    pub fn rows(&self) -> usize {
        self.counts.values().map(BTreeMap::len).sum()
    }

    pub fn diseases(&self) -> impl Iterator<Item = DiseaseIndex> + '_ {
        self.counts.keys().copied()
    }

    /// The peer's counts of one disease and term.
    pub fn counts(&self, disease: DiseaseIndex, term: Term) -> Option<Counts> {
        self.counts.get(&disease)?.get(&term).copied()
    }
}

/// Counts as of at most [`WEIGHT_MAX`] patients, with the same share as near as whole patients
/// allow; never none.
fn weighed(counts: Counts) -> Counts {
    if counts.n <= WEIGHT_MAX {
        return counts;
    }
    let (m, n, most) = (
        u64::from(counts.m),
        u64::from(counts.n),
        u64::from(WEIGHT_MAX),
    );
    let scaled = (m * most + n / 2) / n;
    Counts {
        m: (scaled as u32).clamp(1, WEIGHT_MAX),
        n: WEIGHT_MAX,
    }
}

/// What all `peers` together count of each disease that any of them knows.
pub fn totals(peers: &[&PeerCounts]) -> Vec<(DiseaseIndex, Vec<(Term, Counts)>)> {
    let mut totals: BTreeMap<DiseaseIndex, BTreeMap<Term, Counts>> = BTreeMap::new();
    for (disease, terms) in peers.iter().flat_map(|peer| &peer.counts) {
        for (term, counts) in terms {
            let sum = totals
                .entry(*disease)
                .or_default()
                .entry(*term)
                .or_default();
            *sum = Counts {
                m: sum.m.saturating_add(counts.m),
                n: sum.n.saturating_add(counts.n),
            };
        }
    }
    totals
        .into_iter()
        .map(|(disease, terms)| (disease, terms.into_iter().collect()))
        .collect()
}

/// The profiles of those diseases with the counts of `peers` added to the annotations: for
/// `Scorer::adjusted` or `Annotations::with`.
pub fn with_counts(
    annotations: &Annotations<'_>,
    peers: &[&PeerCounts],
) -> Vec<(DiseaseIndex, Profile)> {
    let added = |(disease, added): (DiseaseIndex, Vec<(Term, Counts)>)| {
        (
            disease,
            annotations.edited(
                disease,
                &Edit {
                    added: &added,
                    ..Edit::default()
                },
            ),
        )
    };
    totals(peers).into_iter().map(added).collect()
}

/// Peers whose names come twice would count twice: the first of each name stays.
pub fn each_once(peers: &mut Vec<PeerCounts>) {
    let mut seen = HashSet::new();
    peers.retain(|peer| seen.insert(peer.peer.clone()));
}
