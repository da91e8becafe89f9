//! Whether people of a load are known to the node under other ids, in whichever dataset.
//!
//! They would be new people to every rule, and where a dozen people are renamed and one call
//! changes, that call would follow from what was shown of them before and after. So nothing is
//! loaded until the steward says who they are. Nor is anybody who is in the files twice: each of
//! his two rows would count by itself, and the two could be nearly all of a sum. People of
//! snapshots in force that an earlier program loaded, and that no load looked at yet, are noted
//! first.

use std::collections::HashMap;

use ligate_model::IndividualId;
use ligate_records::known_as::KnownAs;

use super::{Control, history::Before};
use crate::{
    LakeError,
    description::Description,
    layout::{DatasetFolder, SnapshotFolder},
    likeness::{LikenessBook, People},
    lock::LikenessLock,
    manifest::Manifest,
    snapshot::Snapshot,
    tables::{HistoryKey, read_samples},
};

/// The book of likenesses with the people of a load, which must be written before they come into
/// force. Until this is dropped no other load of the lake comes into force.
pub struct Recognised {
    book: LikenessBook,
    _lock: LikenessLock,
}

impl Recognised {
    pub fn write(&self) -> Result<(), LakeError> {
        self.book.write()
    }
}

/// Reads the book of likenesses, without which nothing is loaded, and what is in force.
pub fn book(
    dataset: &DatasetFolder,
) -> Result<(LikenessBook, Vec<(DatasetFolder, Manifest)>), LakeError> {
    let in_force = Manifest::all(dataset.datasets())?;
    let must_exist = in_force.iter().any(|(_, manifest)| manifest.compared);
    Ok((
        LikenessBook::read(dataset.datasets(), must_exist)?,
        in_force,
    ))
}

/// Compares the people of a complete new snapshot, whose tables are all written, with all whom the
/// lake knows.
pub fn recognise(
    dataset: &DatasetFolder,
    (before, description): (Option<&Before>, &Description),
    (folder, key): (&SnapshotFolder, &HistoryKey),
    known_as: &KnownAs,
    control: Control,
) -> Result<Recognised, LakeError> {
    let lock = LikenessLock::take(dataset.datasets(), || control.check())?;
    let (mut book, in_force) = book(dataset)?;
    // The new tables of files that are loaded once more hold the very people of the snapshot in
    // force.
    let is_once_more = before.is_some_and(|before| !before.is_followed_by(description));
    let unknown = in_force.into_iter().filter(|(other, manifest)| {
        let is_replaced = other.id == dataset.id && is_once_more;
        !is_replaced && !book.holds(&other.id, manifest.current)
    });
    let unknown: Vec<DatasetFolder> = unknown.map(|(other, _)| other).collect();
    let total = unknown.len() as u64 + 1;
    for (other, done) in unknown.iter().zip(0..) {
        control.check()?;
        control.tell("recognising", done, total);
        note_in_force(&mut book, other, key).map_err(LakeError::incomparable)?;
    }
    control.check()?;
    control.tell("recognising", total - 1, total);
    let individuals = read_samples(&folder.samples())?;
    let blocks = description.block_ranges();
    let made = book.likenesses(
        &People {
            folder,
            individuals: &individuals,
            blocks: &blocks,
        },
        key,
    )?;
    let found =
        book.known_under_other_ids(&individuals, &made, |person| known_as.is_another(person));
    if !found.is_empty() {
        return Err(refusal(&individuals, &found, known_as));
    }
    let twice = book.twice(&individuals, &made, |person| known_as.is_another(person));
    if !twice.is_empty() {
        let pairs = twice
            .into_iter()
            .map(|pair| pair.map(|place| individuals[place].clone()))
            .collect();
        return Err(LakeError::Twice { pairs });
    }
    book.learn(&individuals, made);
    book.note(&dataset.id, description.id()?);
    control.tell("recognising", total, total);
    Ok(Recognised { book, _lock: lock })
}

/// Notes the people of a snapshot in force that no load looked at.
fn note_in_force(
    book: &mut LikenessBook,
    dataset: &DatasetFolder,
    key: &HistoryKey,
) -> Result<(), LakeError> {
    let snapshot = Snapshot::current(dataset)?;
    let made = book.likenesses(&snapshot.people(), key)?;
    book.learn(snapshot.individuals(), made);
    book.note(&dataset.id, snapshot.id());
    Ok(())
}

/// The refusal, with everything that the next load has to be told.
fn refusal(
    individuals: &[IndividualId],
    found: &[(usize, IndividualId)],
    known_as: &KnownAs,
) -> LakeError {
    let in_files: HashMap<_, _> = known_as
        .iter()
        .map(|(individual, known_as)| (known_as, individual))
        .collect();
    let pair = |(place, known_as): &(usize, IndividualId)| {
        let id = &individuals[*place];
        ((*in_files.get(id).unwrap_or(&id)).clone(), known_as.clone())
    };
    let pairs: Vec<_> = found.iter().map(pair).collect();
    LakeError::SamePeople {
        found: found.len(),
        pairs: known_as.with(&pairs),
    }
}
