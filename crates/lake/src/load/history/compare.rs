//! Two snapshots in key order, variant by variant, over the people of both.
//!
//! Of each block a bounded batch of rows is held. A part is not read at all where everybody of both snapshots is in
//! blocks whose files have the same digests, and rows of equal bytes are not unpacked where they are of the same
//! people in the same order.

use std::{cmp::Ordering, collections::HashMap};

use ligate_model::VariantKey;

use super::{
    Before, Control, bad_row, check_table,
    people::{Block, CallComparison, CommonPeople},
    rows::BlockRows,
};
use crate::{
    LakeError,
    description::{Description, FileDescription},
    layout::SnapshotFolder,
    partition::Partition,
    tables::{ChangeKind, Geometry, read_samples},
};

/// Variants between two looks at whether the load is to stop.
const STOP_CHECK_VARIANTS: u64 = 4096;

/// Takes the changed variants, in key order.
pub type Sink<'s> = dyn FnMut(VariantKey, ChangeKind) -> Result<(), LakeError> + 's;

/// Visits every variant in which calls of the people of both snapshots differ.
pub fn compare(
    before: &Before,
    after: &Description,
    folder: &SnapshotFolder,
    control: Control,
    sink: &mut Sink<'_>,
) -> Result<(), LakeError> {
    let before_files = files(&before.description);
    if let Some(samples) = before_files.get("samples.parquet") {
        check_table(before, samples)?;
    }
    let people = CommonPeople::of(
        &read_samples(&before.folder.samples())?,
        &before.description.block_ranges(),
        &read_samples(&folder.samples())?,
        &after.block_ranges(),
    );
    if people.count == 0 {
        return Ok(());
    }
    let blocks = [&before.description.blocks[..], &after.blocks[..]].concat();
    let comparison = Comparison {
        before,
        before_files,
        after_files: files(after),
        folder,
        people: &people,
        batch_rows: Geometry::new(blocks).batch_rows(),
        control,
    };
    let parts: Vec<Partition> = Partition::all().filter(|part| !comparison.is_unchanged(*part)).collect();
    let total = parts.len() as u64;
    for (partition, done) in parts.into_iter().zip(0..) {
        control.check()?;
        control.tell("comparing", done, total);
        comparison.compare_part(partition, sink)?;
    }
    control.tell("comparing", total, total);
    Ok(())
}

type Files<'d> = HashMap<&'d str, &'d FileDescription>;

fn files(description: &Description) -> Files<'_> {
    description.files.iter().map(|file| (file.path.as_str(), file)).collect()
}

struct Comparison<'a> {
    before: &'a Before,
    before_files: Files<'a>,
    after_files: Files<'a>,
    /// Of the new snapshot.
    folder: &'a SnapshotFolder,
    people: &'a CommonPeople,
    batch_rows: usize,
    control: Control<'a>,
}

impl Comparison<'_> {
    fn compare_part(&self, partition: Partition, sink: &mut Sink<'_>) -> Result<(), LakeError> {
        let open = |folder: &SnapshotFolder, block: usize| {
            let path = folder.genotypes(block, partition);
            BlockRows::open(&path, partition.mixes_contigs(), self.batch_rows)
        };
        let mut part = Part::default();
        for block in 0..self.people.before.len() {
            if let Some(file) = self.before_file(block, partition) {
                check_table(self.before, file)?;
                part.blocks.push((Place::Before(block), open(&self.before.folder, block)?));
            }
        }
        for block in 0..self.people.after.len() {
            if self.after_file(block, partition).is_some() {
                part.blocks.push((Place::After(block), open(self.folder, block)?));
            }
        }
        self.compare_rows(&mut part, sink)
    }

    fn compare_rows(&self, part: &mut Part, sink: &mut Sink<'_>) -> Result<(), LakeError> {
        let mut calls = CallComparison::new(self.people);
        let mut variants = 0u64;
        while part.find_lowest() {
            variants += 1;
            if variants.is_multiple_of(STOP_CHECK_VARIANTS) {
                self.control.check()?;
            }
            if let Some(kind) = self.change(part, &mut calls)?
                && let Some(key) = part.key()?
            {
                sink(key, kind)?;
            }
            part.advance()?;
        }
        Ok(())
    }

    /// What became of the calls of the variant at a part's place.
    fn change(&self, part: &Part, calls: &mut CallComparison) -> Result<Option<ChangeKind>, LakeError> {
        let mut before = vec![None; self.people.before.len()];
        let mut after = vec![None; self.people.after.len()];
        for (place, bytes) in part.rows() {
            match place {
                Place::Before(index) => before[index] = bytes,
                Place::After(index) => after[index] = bytes,
            }
        }
        let differing = calls.differing(&before, &after);
        let differing = differing.map_err(|error| bad_row(&self.before.folder.path, &error))?;
        let held = |rows: &[Option<&[u8]>]| rows.iter().any(Option::is_some);
        Ok(match differing {
            0 => None,
            _ if !held(&before) => Some(ChangeKind::Appeared),
            _ if !held(&after) => Some(ChangeKind::Vanished),
            people => Some(ChangeKind::Changed(people)),
        })
    }

    /// Whether everybody of both snapshots is in blocks whose files are the same, or that have none in the part.
    fn is_unchanged(&self, partition: Partition) -> bool {
        let nobody = |block: &Block| !block.has_common();
        let same = |index: usize, block: &Block| {
            let digest = |file: Option<&FileDescription>| file.map(|file| file.sha256);
            let before = digest(self.before_file(index, partition));
            block.twin.is_some_and(|twin| before == digest(self.after_file(twin, partition)))
        };
        let blocks = || self.people.before.iter().enumerate();
        self.has_none(partition) || blocks().all(|(index, block)| nobody(block) || same(index, block))
    }

    fn has_none(&self, partition: Partition) -> bool {
        (0..self.people.before.len()).all(|block| self.before_file(block, partition).is_none())
            && (0..self.people.after.len()).all(|block| self.after_file(block, partition).is_none())
    }

    fn before_file(&self, block: usize, partition: Partition) -> Option<&FileDescription> {
        self.before_files.get(SnapshotFolder::genotypes_name(block, partition).as_str()).copied()
    }

    fn after_file(&self, block: usize, partition: Partition) -> Option<&FileDescription> {
        self.after_files.get(SnapshotFolder::genotypes_name(block, partition).as_str()).copied()
    }
}

/// A block of the snapshot in force or of the new one.
#[derive(Clone, Copy)]
enum Place {
    Before(usize),
    After(usize),
}

/// The rows of one part in all blocks of both snapshots.
#[derive(Default)]
struct Part {
    blocks: Vec<(Place, BlockRows)>,
    /// Those whose row has the lowest key.
    lowest: Vec<usize>,
}

impl Part {
    /// Finds the blocks with the lowest key; `false` at the end. Of a key that repeats, the blocks' first rows meet,
    /// then their second, as in the sites table.
    fn find_lowest(&mut self) -> bool {
        self.lowest.clear();
        for (index, (_, rows)) in self.blocks.iter().enumerate() {
            if rows.is_at_end() {
                continue;
            }
            let order = self.lowest.first().map(|lowest| rows.compare(&self.blocks[*lowest].1));
            match order {
                Some(Ordering::Greater) => continue,
                Some(Ordering::Less) => self.lowest.clear(),
                _ => {}
            }
            self.lowest.push(index);
        }
        !self.lowest.is_empty()
    }

    /// The rows of the lowest key.
    fn rows(&self) -> impl Iterator<Item = (Place, Option<&[u8]>)> {
        self.lowest.iter().map(|index| (self.blocks[*index].0, self.blocks[*index].1.bytes()))
    }

    fn key(&self) -> Result<Option<VariantKey>, LakeError> {
        self.lowest.first().map_or(Ok(None), |index| self.blocks[*index].1.key())
    }

    fn advance(&mut self) -> Result<(), LakeError> {
        self.lowest.iter().try_for_each(|index| self.blocks[*index].1.advance())
    }
}
