//! The table by which people are loaded under the ids that they had before: columns `individual`,
//! the id in the files, and `known_as`. The same id in both columns says that somebody is another
//! person than the one he is like.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ligate_formats::{ReadError, text::Table};
use ligate_model::IndividualId;

const COLUMNS: [&str; 2] = ["individual", "known_as"];

/// Under which ids people are known whom files call otherwise. No two are known as one.
#[derive(Clone, Debug, Default)]
pub struct KnownAs {
    path: PathBuf,
    /// By the id in the files.
    entries: BTreeMap<IndividualId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    known_as: IndividualId,
    line: u64,
}

impl KnownAs {
    /// Reads a table.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let mut table = Table::open(path)?;
        if table.header() != COLUMNS {
            let message =
                "the header line must name the columns individual and known_as, in this order";
            return Err(ReadError::malformed(path, 1, message));
        }
        let mut read = Self {
            path: path.to_owned(),
            entries: BTreeMap::new(),
        };
        let mut lines = BTreeMap::new();
        while let Some((line, fields)) = table.next_row()? {
            let ids: Result<Vec<_>, _> = fields
                .iter()
                .map(|id| IndividualId::new(id.trim()))
                .collect();
            let ids = ids
                .ok()
                .and_then(|ids| <[IndividualId; 2]>::try_from(ids).ok());
            let Some([individual, known_as]) = ids else {
                return Err(read.fault(line, "a line needs two ids".to_owned()));
            };
            if let Some(earlier) = lines.insert(known_as.clone(), line) {
                let message = format!(
                    "two people are known as one: line {earlier} has the same id in the second column"
                );
                return Err(read.fault(line, message));
            }
            if let Some(earlier) = read.entries.insert(individual, Entry { known_as, line }) {
                let message = format!("line {} has the same id in the first column", earlier.line);
                return Err(read.fault(line, message));
            }
        }
        Ok(read)
    }

    /// The id under which a person of the files is known.
    pub fn id_of<'a>(&'a self, individual: &'a IndividualId) -> &'a IndividualId {
        self.entries
            .get(individual)
            .map_or(individual, |entry| &entry.known_as)
    }

    /// All pairs of ids: in the files, and known as.
    pub fn iter(&self) -> impl Iterator<Item = (&IndividualId, &IndividualId)> {
        self.entries
            .iter()
            .map(|(individual, entry)| (individual, &entry.known_as))
    }

    /// Whether the table says that a person of the files is another one than the one he is like.
    pub fn is_another(&self, individual: &IndividualId) -> bool {
        self.entries
            .get(individual)
            .is_some_and(|entry| entry.known_as == *individual)
    }

    /// People who are known under another id than the files', and those who are other people than
    /// those whom they are like.
    pub fn counts(&self) -> (usize, usize) {
        let others = self
            .entries
            .keys()
            .filter(|individual| self.is_another(individual))
            .count();
        (self.entries.len() - others, others)
    }

    /// Checks the table against the ids of the files, told by `has`.
    pub fn check(&self, has: impl Fn(&IndividualId) -> bool) -> Result<(), ReadError> {
        for (individual, Entry { known_as, line }) in &self.entries {
            if !has(individual) {
                let message = "the id in the first column is not in the files; remove the line";
                return Err(self.fault(*line, message.to_owned()));
            }
            if has(known_as) && !self.entries.contains_key(known_as) {
                let message = "the files have somebody with the id in the second column, too; remove the line, or give \
                               that one another id in a line of its own";
                return Err(self.fault(*line, message.to_owned()));
            }
        }
        Ok(())
    }

    /// The pairs of ids of this table, with those of `found` added or in place of those that it
    /// has.
    pub fn with(
        &self,
        found: &[(IndividualId, IndividualId)],
    ) -> Vec<(IndividualId, IndividualId)> {
        let own = self
            .iter()
            .map(|(individual, known_as)| (individual.clone(), known_as.clone()));
        let all: BTreeMap<_, _> = own.chain(found.iter().cloned()).collect();
        all.into_iter().collect()
    }

    fn fault(&self, line: u64, message: String) -> ReadError {
        ReadError::malformed(&self.path, line, message)
    }
}

/// Writes the pairs of ids as a table that [`KnownAs::read`] reads.
pub fn write(out: &mut dyn Write, pairs: &[(IndividualId, IndividualId)]) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    pairs.iter().try_for_each(|(individual, known_as)| {
        writeln!(out, "{}\t{}", field(individual), field(known_as))
    })
}

/// An id as a field; one with a quotation mark is quoted.
fn field(id: &IndividualId) -> String {
    match id.as_str() {
        id if id.contains('"') => format!("\"{}\"", id.replace('"', "\"\"")),
        id => id.to_owned(),
    }
}
