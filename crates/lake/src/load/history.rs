//! What a load adds to a dataset's history: in which variants the calls of people who were there
//! before changed.
//!
//! A study that is repeated after one call was corrected differs from the first one by that call.
//! So every snapshot remembers the snapshots before it (`lineage` in `snapshot.json`) and, in one
//! table, the changed variants of every step. This compares the new snapshot with the one in force
//! (`compare`), over the people of both (`people`), and writes the table anew with the step added.
//! Calls of variants that the files do not list any more, and that nobody who stays carries, are
//! kept (`kept`): a file of called sites loses a variant with its only carrier. Files that hold
//! what the snapshot in force holds are no step. It refuses to go on where the snapshot in force,
//! or its history, is damaged: a step that was not looked at would be forgotten for ever.

mod compare;
mod kept;
mod people;

use std::{fs, path::Path};

use ligate_genotypes::CorruptRow;
use ligate_model::{Digest, IndividualId};

use super::Control;
use crate::{
    LakeError,
    description::{Description, FileDescription},
    layout::{DatasetFolder, HISTORY, SnapshotFolder},
    manifest::Manifest,
    tables::{Change, ChangeKind, ChangeRows, ChangeWriter, HistoryKey, read_samples},
};
use compare::Found;

/// Variants in which a load changed calls of people who were there before. One of a symbolic allele
/// counts as often as it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangedVariants {
    /// Variants of both snapshots.
    pub changed: u64,
    /// Variants that only the new snapshot holds.
    pub appeared: u64,
    /// Variants that only the snapshot before held.
    pub vanished: u64,
    /// Variants that the files do not list, although files before did, and of which people keep the
    /// calls that they had. None of these calls has changed.
    pub kept: u64,
}

impl ChangedVariants {
    /// All in which calls changed.
    pub fn total(&self) -> u64 {
        self.changed + self.appeared + self.vanished
    }

    fn add(&mut self, kind: ChangeKind) {
        match kind {
            ChangeKind::Changed(_) => self.changed += 1,
            ChangeKind::Appeared => self.appeared += 1,
            ChangeKind::Vanished => self.vanished += 1,
        }
    }
}

/// The snapshot in force when a load begins. The load's lock keeps it from being removed.
pub struct Before {
    id: Digest,
    folder: SnapshotFolder,
    description: Description,
}

impl Before {
    /// Finds the snapshot in force and checks its history; `None` for a dataset that is loaded for
    /// the first time.
    pub fn find(dataset: &DatasetFolder) -> Result<Option<Self>, LakeError> {
        let Some(manifest) = Manifest::read(dataset).map_err(LakeError::without_history)? else {
            return Ok(None);
        };
        let (id, folder) = (manifest.current, dataset.snapshot(manifest.current));
        let description = Description::read(&folder, id).map_err(LakeError::without_history)?;
        for file in description.history().into_iter().chain(description.kept()) {
            file.check(&folder).map_err(LakeError::without_history)?;
        }
        Ok(Some(Self {
            id,
            folder,
            description,
        }))
    }
}

impl Before {
    /// Whether a completed description is that of another snapshot.
    pub fn is_followed_by(&self, description: &Description) -> bool {
        description.lineage.last() == Some(&self.id)
    }

    pub fn individuals(&self) -> Result<Vec<IndividualId>, LakeError> {
        read_samples(&self.folder.samples())
    }
}

/// Completes a new snapshot, whose tables are all written, with what it has from the one in force:
/// the lineage and the history.
pub fn follow(
    before: Option<&Before>,
    description: &mut Description,
    (folder, key): (&SnapshotFolder, &HistoryKey),
    control: Control,
) -> Result<ChangedVariants, LakeError> {
    let Some(before) = before else {
        return Ok(ChangedVariants::default());
    };
    if before.description.holds_the_same(description) {
        keep(before, description, folder)?;
        return Ok(ChangedVariants::default());
    }
    description.lineage.clone_from(&before.description.lineage);
    description.lineage.push(before.id);
    let step = u32::try_from(description.lineage.len()).unwrap_or(u32::MAX);
    description.history_key = Some(key.digest());
    let same_key = before.description.history_key == description.history_key;
    let mut history = History::create(before, folder, step, same_key)?;
    let kept = compare::compare(before, description, (folder, key), control, &mut |found| {
        history.push(found)
    })?;
    let changed = ChangedVariants {
        kept: kept.variants,
        ..history.finish()?
    };
    for path in kept.paths.iter().map(String::as_str).chain([HISTORY]) {
        description.add_file(FileDescription::of(folder, path)?);
    }
    description.listed_anew = kept.listed_anew;
    Ok(changed)
}

/// Files that were loaded once more become the very snapshot that is in force, which also repairs
/// its tables.
fn keep(
    before: &Before,
    description: &mut Description,
    folder: &SnapshotFolder,
) -> Result<(), LakeError> {
    for file in before
        .description
        .history()
        .into_iter()
        .chain(before.description.kept())
    {
        let target = folder.path.join(&file.path);
        target.parent().map_or(Ok(()), ligate_files::make_folder)?;
        fs::copy(before.folder.path.join(&file.path), &target)
            .map_err(|error| LakeError::io(&target, error))?;
    }
    description.clone_from(&before.description);
    Ok(())
}

/// The history table of the new snapshot: the rows of the one before, merged with those of the
/// step.
struct History {
    earlier: Option<ChangeRows>,
    head: Option<Change>,
    /// Whether the sketches of earlier steps add up with those of this one.
    same_key: bool,
    out: ChangeWriter,
    step: u32,
    changed: ChangedVariants,
}

impl History {
    fn create(
        before: &Before,
        folder: &SnapshotFolder,
        step: u32,
        same_key: bool,
    ) -> Result<Self, LakeError> {
        let stored = before.description.history();
        let mut earlier = stored
            .map(|_| ChangeRows::open(&before.folder.history()))
            .transpose()?;
        let head = next(&mut earlier)?;
        let out = ChangeWriter::create(&folder.history())?;
        Ok(Self {
            earlier,
            head,
            same_key,
            out,
            step,
            changed: ChangedVariants::default(),
        })
    }

    /// Adds a change of this step; keys ascend.
    fn push(&mut self, Found { key, kind, sketch }: Found) -> Result<(), LakeError> {
        while let Some(change) = self.head.take_if(|change| change.key <= key) {
            self.keep(change)?;
        }
        self.changed.add(kind);
        self.out.push(&Change {
            key,
            step: self.step,
            kind,
            sketch,
        })
    }

    /// Adds a row of the history before.
    fn keep(&mut self, mut change: Change) -> Result<(), LakeError> {
        change.sketch = change.sketch.filter(|_| self.same_key);
        self.out.push(&change)?;
        self.head = next(&mut self.earlier)?;
        Ok(())
    }

    fn finish(mut self) -> Result<ChangedVariants, LakeError> {
        while let Some(change) = self.head.take() {
            self.keep(change)?;
        }
        self.out.finish()?;
        Ok(self.changed)
    }
}

fn next(rows: &mut Option<ChangeRows>) -> Result<Option<Change>, LakeError> {
    rows.as_mut()
        .map_or(Ok(None), |rows| rows.next_row(|_, _| true))
}

/// Checks a table of the snapshot in force before it is compared.
fn check_table(before: &Before, file: &FileDescription) -> Result<(), LakeError> {
    file.check(&before.folder).map_err(LakeError::incomparable)
}

/// Rows that do not parse although their file has the digest that was recorded.
fn bad_row(folder: &Path, error: &CorruptRow) -> LakeError {
    LakeError::corrupt(folder, error.to_string())
}
